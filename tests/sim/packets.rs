//! How bytes are cut into packets changes nothing, and nothing that anyone
//! sends can look like somebody else.

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use roomcast::chat::{Config, Prefix};

use crate::peer::Habit;
use crate::world::World;

const SNIPPETS: &[&[u8]] = &[
    b"hello",
    b"\n",
    b"\r\n",
    b"\r\0",
    b"\r",
    b"/who\n",
    b"/me waves\r\n",
    b"/nick ann\n",
    b"/nope\n",
    b"//x\n",
    b"/quit\n",
    b"*** the server is shutting down",
    b"* guest1 waves",
    b"<guest1> hi",
    b"a line that is longer than thirty-two bytes, and how",
    b"GET / HTTP/1.1\r\n",
    b"EHLO a.example\r\n",
    b"\x16\x03\x01",
    b"\x05\x01\0",
    b"\xff\xf6",
    b"\xff\xfd\x06",
    b"\xff\xfb\x1f",
    b"\xff\xfa\x18\0xterm\xff\xf0",
    b"\xff\xff",
    b"\xff",
    b"\x1b[31m",
    b"\x1b]0;t\x07",
    "é日本👩‍👩‍👧".as_bytes(),
    b"\xc3",
    b"\x9b",
];

fn script() -> impl Strategy<Value = Vec<u8>> {
    let snippet = prop_oneof![
        8 => prop::sample::select(SNIPPETS).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(snippet, 0..20).prop_map(|snippets| snippets.concat())
}

fn config() -> impl Strategy<Value = Config> {
    let prefix = prop_oneof![Just(Prefix::Nick), Just(Prefix::Addr), Just(Prefix::None)];
    (any::<bool>(), any::<bool>(), prefix).prop_map(|(echo, raw, prefix)| Config {
        echo,
        raw,
        prefix,
        line_bytes_max: 32,
        ..Config::default()
    })
}

/// What a silent client and the sender are sent, byte by byte.
fn outcome(config: &Config, pieces: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
    let mut world = World::new(0, config.clone());
    let reader = world.connect(Habit::Stuck, usize::MAX);
    let sender = world.connect(Habit::Stuck, usize::MAX);
    for piece in pieces {
        world.peers[sender].send(piece);
        world.turn();
    }
    world.peers[sender].has_fin = true;
    world.settle();
    let sent = |number: usize| world.peers[number].to_client.iter().copied().collect();
    (sent(reader), without_bold(sent(sender)))
}

/// The same with nothing in bold: that is the name which a client has when a line is sent to it,
/// and it may have said the line under another one.
fn without_bold(bytes: Vec<u8>) -> Vec<u8> {
    const BOLD: &str = "\x1b[1m";
    let text = String::from_utf8_lossy(&bytes);
    let mut parts = text.split(BOLD);
    let mut plain = parts.next().unwrap_or_default().to_owned();
    parts.for_each(|part| plain += &part.replacen("\x1b[0m", "", 1));
    plain.into()
}

#[test]
fn without_a_prefix_what_looks_like_ours_is_moved() {
    let config = Config { prefix: Prefix::None, ..Config::default() };
    for text in ["*** the server is shutting down", "* guest1 waves", "<guest1> hi"] {
        let (reader, _) = outcome(&config, &[text.as_bytes()]);
        let reader = String::from_utf8(reader).expect("readers get UTF-8");
        assert!(reader.contains(&format!("\n {text}\n")), "{reader:?}");
    }
}

fn cases() -> ProptestConfig {
    let seeds = FileFailurePersistence::Direct("tests/regressions/packets.txt");
    ProptestConfig { failure_persistence: Some(Box::new(seeds)), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn packets_change_nothing(
        script in script(),
        config in config(),
        mut cuts in prop::collection::vec(0..400usize, 0..10),
    ) {
        let whole = outcome(&config, &[&script]);
        let single: Vec<&[u8]> = script.chunks(1).collect();
        prop_assert_eq!(&whole, &outcome(&config, &single), "byte by byte");
        cuts.sort();
        let mut pieces = Vec::new();
        let mut rest = &script[..];
        for cut in cuts.into_iter().rev().filter(|cut| *cut < script.len()) {
            pieces.insert(0, &rest[cut..]);
            rest = &rest[..cut];
        }
        pieces.insert(0, rest);
        prop_assert_eq!(&whole, &outcome(&config, &pieces), "in pieces");
    }

    #[test]
    fn nothing_said_looks_like_a_notice_or_another_client(script in script(), config in config()) {
        let config = Config { raw: false, ..config };
        let (reader, _) = outcome(&config, &[&script]);
        let text = String::from_utf8(reader).expect("readers get UTF-8");
        let harmful = |c: char| c.is_control() && c != '\t' && c != '\n';
        prop_assert!(!text.contains(harmful), "{text:?}");
        for line in text.lines() {
            let is_said = match config.prefix {
                Prefix::Nick => ["<guest2> ", "<ann> ", "* guest2 ", "* ann "].iter().any(|start| line.starts_with(start)),
                Prefix::Addr => line.starts_with("<192.0.2.1:1> ") || line.starts_with("* 192.0.2.1:1 "),
                Prefix::None => {
                    let is_act = line == "* guest2 waves" || line == "* ann waves";
                    is_act || !(line.starts_with("* ") || line.starts_with("*** "))
                }
            };
            prop_assert!(is_notice(line) || is_said, "{line:?}");
        }
    }
}

/// The notices that this script can rightly cause.
fn is_notice(line: &str) -> bool {
    let Some(notice) = line.strip_prefix("*** ") else { return false };
    let is_answer = notice.starts_with("welcome, guest1") || notice.starts_with("1 here: guest1");
    let name = notice.split(' ').next().unwrap_or_default();
    let is_about_sender = ["guest2", "ann"].contains(&name)
        && [" joined", " left", " is now "].iter().any(|event| notice.contains(event));
    is_answer || is_about_sender
}
