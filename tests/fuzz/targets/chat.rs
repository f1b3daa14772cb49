//! The whole chat, in steps that the input chooses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use roomcast::chat::{Config, OnLag, OriginLimits, Password, Prefix, Rate, Rule, parse_network};

use super::pieces::PIECES;
use super::world::World;

const CLIENTS_MAX: usize = 6;
const STEPS_MAX: usize = 1000;

/// Where clients come from: this machine, others, and one that may not.
const IPS: &[Option<IpAddr>] = &[
    None,
    Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
    Some(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))),
    Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7))),
];

/// Whatever happens, the chat is in order after each step, what clients are
/// sent is clean, and nothing is left of them in the end.
pub fn chat(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(config) = config(&mut input) else { return };
    let is_labelled = config.prefix != Prefix::None;
    let mut world = World::new(config);
    for _ in 0..STEPS_MAX {
        let Ok(step) = Step::arbitrary(&mut input) else { break };
        step.run(&mut world);
        world.chat.assert_invariants();
        if input.is_empty() {
            break;
        }
    }
    world.settle();
    world.finish();
    world.assert_clean(is_labelled);
}

fn config(input: &mut Unstructured) -> Result<Config> {
    Ok(Config {
        prefix: *input.choose(&[Prefix::Nick, Prefix::Addr, Prefix::None])?,
        echo: input.arbitrary()?,
        raw: input.ratio(1, 8)?,
        clients_max: CLIENTS_MAX,
        origin_limits: OriginLimits {
            clients_max: *input.choose(&[0, 2])?,
            new_per_minute: *input.choose(&[0, 3])?,
        },
        access: vec![Rule::Deny(parse_network("203.0.113.0/24").expect("a network"))],
        line_bytes_max: *input.choose(&[64, 8, 256])?,
        backlog_bytes_max: *input.choose(&[4096, 8192, 65_536])?,
        rate: *input.choose(&[None, Some(Rate { lines_per_second: 10, burst: 5 })])?,
        line_timeout: *input.choose(&[None, Some(Duration::from_secs(5))])?,
        idle_timeout: *input.choose(&[None, Some(Duration::from_secs(50))])?,
        stall_timeout: *input.choose(&[Some(Duration::from_secs(90)), None])?,
        on_lag: *input.choose(&[OnLag::Skip, OnLag::Close])?,
        fold_time: Duration::from_secs(input.int_in_range(0..=2)?),
        history_lines: input.int_in_range(0..=20)?,
        rooms_max: input.int_in_range(1..=3)?,
        whois_address: input.arbitrary()?,
        password: password(input)?,
        operator_password: password(input)?,
        ..Config::default()
    })
}

fn password(input: &mut Unstructured) -> Result<Option<Password>> {
    Ok(Password::new("secret").filter(|_| input.arbitrary().unwrap_or_default()))
}

/// One thing that happens.
#[derive(Debug)]
enum Step<'a> {
    Open {
        kernel_bytes: usize,
        ip: Option<IpAddr>,
        is_telnet: bool,
    },
    /// A client sends bytes.
    Send {
        client: usize,
        bytes: &'a [u8],
    },
    /// A client sends bytes many times over.
    Flood {
        client: usize,
        bytes: &'a [u8],
        times: usize,
    },
    /// A client closes its sending side.
    Fin {
        client: usize,
    },
    /// A client's connection breaks.
    Break {
        client: usize,
        is_deaf: bool,
        has_vanished: bool,
    },
    /// A client takes bytes from its kernel.
    Take {
        client: usize,
        bytes: usize,
    },
    /// The poller reports a client.
    Events {
        client: usize,
        read_bytes: usize,
    },
    /// A write, of which the kernel takes so much at most.
    Write {
        bytes: usize,
    },
    /// Deadlines are looked at.
    Time,
    Reap,
    Turn,
    Sleep(Duration),
    Late {
        place: usize,
    },
    Motd(&'a [u8]),
    Shutdown,
}

impl<'a> Arbitrary<'a> for Step<'a> {
    /// A byte says what, the next ones to whom and how much: so steps can be
    /// cut out and put in.
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        let kind = input.int_in_range(0..=23)?;
        let size = |input: &mut Unstructured| Ok(1 << input.int_in_range(0..=12)?);
        let client = |input: &mut Unstructured| input.int_in_range(0..=15);
        Ok(match kind {
            0..2 => {
                let (kernel_bytes, ip) = (size(input)?, *input.choose(IPS)?);
                Step::Open { kernel_bytes, ip, is_telnet: kind == 1 }
            }
            2..8 => Step::Send { client: client(input)?, bytes: input.choose(PIECES)? },
            8..10 => {
                let client = client(input)?;
                let length = input.int_in_range(0..=63)?;
                Step::Send { client, bytes: input.bytes(length)? }
            }
            10 => {
                let (client, times) = (client(input)?, input.int_in_range(1..=100)?);
                Step::Flood { client, bytes: input.choose(PIECES)?, times }
            }
            11 => Step::Fin { client: client(input)? },
            12 => {
                let (client, is_deaf) = (client(input)?, input.arbitrary()?);
                Step::Break { client, is_deaf, has_vanished: input.arbitrary()? }
            }
            13 => Step::Take { client: client(input)?, bytes: size(input)? },
            14 => Step::Events { client: client(input)?, read_bytes: size(input)? },
            15 => Step::Write { bytes: size(input)? - 1 },
            16 => Step::Time,
            17 => Step::Reap,
            18 => Step::Sleep(Duration::from_millis(input.int_in_range(0..=255)?)),
            19 => Step::Sleep(Duration::from_secs(input.int_in_range(0..=100)?)),
            20 => Step::Late { place: client(input)? },
            21 => {
                let length = input.int_in_range(0..=63)?;
                Step::Motd(input.bytes(length)?)
            }
            22 if input.ratio(1, 16)? => Step::Shutdown,
            _ => Step::Turn,
        })
    }
}

impl Step<'_> {
    fn run(self, world: &mut World) {
        let count = world.peers.len();
        let peer = |client: usize| client % count.max(1);
        match self {
            Step::Open { kernel_bytes, ip, is_telnet } => world.open(kernel_bytes, ip, is_telnet),
            Step::Time => world.handle_time(),
            Step::Reap => world.reap(),
            Step::Turn => world.turn(),
            Step::Sleep(time) => world.sleep(time),
            Step::Late { place } => world.send_late_events(place),
            Step::Motd(text) => world.chat.set_motd(text),
            Step::Shutdown => {
                let now = world.now;
                world.chat.handle_shutdown(now);
            }
            Step::Write { bytes } => _ = world.write(bytes),
            _ if count == 0 => {}
            Step::Send { client, bytes } => world.peers[peer(client)].send(bytes),
            Step::Flood { client, bytes, times } => {
                (0..times).for_each(|_| world.peers[peer(client)].send(bytes));
            }
            Step::Fin { client } => world.peers[peer(client)].has_fin = true,
            Step::Break { client, is_deaf, has_vanished } => {
                let peer = &mut world.peers[peer(client)];
                peer.has_reset |= !is_deaf;
                peer.is_deaf |= is_deaf;
                peer.has_vanished = has_vanished;
            }
            Step::Take { client, bytes } => world.peers[peer(client)].take(bytes),
            Step::Events { client, read_bytes } => world.handle_events(peer(client), read_bytes),
        }
    }
}
