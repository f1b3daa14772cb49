//! Everything at once, with every command and key: nothing panics, nothing is
//! forgotten, and nothing is left at the end. What clients are shown isn't
//! looked at here.

use std::time::Duration;

use fastrand::Rng;
use roomcast::chat::{Config, OnLag, Password, Prefix, Rate};

use crate::checks;
use crate::faults::{Fault, Faults};
use crate::peer::Habit;
use crate::seeds::Scenario;
use crate::world::World;

const FOUND: &[u64] = &[
    // One is let in by the password and asks for much before it is greeted: it isn't
    // read until then.
    1_630_622_042_228_693_901,
    1_630_622_042_228_724_331,
    491_158_683_644_272_887,
    491_158_683_644_302_964,
    491_158_683_644_341_786,
    // The kernel keeps two bytes for a client that asks for the past many times.
    491_158_683_644_278_110,
    491_158_683_644_337_120,
    // More is due at one time than one turn does.
    2_095_357_514_133_661_912,
    // One that vanished was said to have reset.
    2_014_300_509_672_049_497,
    2_014_300_509_672_049_848,
    // An operator kicks one whose connection is broken.
    2_421_972_708_119_479_225,
    2_421_972_708_119_479_819,
    // An operator bans a client that hasn't been greeted.
    1_291_044_041_822_801_570,
    // One gives the password, takes the rest of the answers before it, and is
    // greeted only then: until that it could be written to, and nothing was.
    2_366_082_521_534_949_308,
    // One changes its mind about ECHO while it is asked for the password.
    2_176_511_820_324_712_205,
    // One whose line is edited is gone while its input waits for its answers.
    844_382_407_790_456_135,
    // An operator bans one that goes already because it stopped reading.
    120_745_254_434_543_974,
    // First bytes wait for more, and all of it for the client to read.
    3_327_373_117_757_404_957,
    // One gives the password while it is tried whether it takes more.
    889_855_533_320_470_813,
    // What a client is offered goes while others are prepared.
    419_452_704_232_485_770,
];

pub const SCENARIO: Scenario = Scenario {
    test: "chaos_breaks_nothing_and_leaves_nothing",
    fixed: 0..150,
    found: FOUND,
    fresh: 50,
    run,
};

/// What clients send, in pieces that are put together in any order.
const PIECES: &[&[u8]] = &[
    b"\n",
    b"\n",
    b"\r\n",
    b"\r\0",
    b"\r",
    b"hello",
    b"guest2",
    b"ann: ",
    b" ",
    "日本\u{301}\u{202e}".as_bytes(),
    b"\xe6",
    b"\x97\xa5",
    b"/nick ann\n",
    b"/nick bob secret\n",
    b"/nick \xd0\xb0nn\n",
    b"/nick eve\n",
    b"/nick admin\n",
    b"/register eve-knows\n",
    b"/register others-know\n",
    b"/login eve eve-knows\n",
    b"/login eve-knows\n",
    b"/login ann others-know\n",
    b"/login wrong-one\n",
    b"/unregister\n",
    b"/unregister eve eve-knows\n",
    b"/unregister ann\n",
    b" /login eve eve-knows\n",
    b"/mentions\n",
    b"@ann: eve\n",
    b"/who\n",
    b"/me waves\n",
    b"/roll 3d6+1\n",
    b"/roll 0d6\n",
    b"/last guest2\n",
    b"/msg ann,guest2 hello\n",
    b"/msg guest2 /me waves\n",
    b"/quit see you\n",
    b"/help roll\n",
    b"/msg ann hello\n",
    b"/msg guest2 hello\r\n",
    b"/reply hi\n",
    b"/ignore guest2\n",
    b"/ignore ann\n",
    b"/ignore\n",
    b"/bell on\n",
    b"/bell off\n",
    b"/away tea\n",
    b"/away\n",
    b"/whois guest3\n",
    b"/history\n",
    b"/history 3\n",
    b"/history 100000\n",
    b"/resume 1\n",
    b"/resume 5\n",
    b"/resume 99999\n",
    b"/seq\n",
    b"/join dev\n",
    b"/join tea\n",
    b"/join one-too-many\n",
    b"/leave\n",
    b"/rooms\n",
    b"/topic tea\n",
    b"/topic -\n",
    b"/topic\n",
    b"/edit\n",
    b"/edit off\r\0",
    b"gu\t",
    b"\t\x1b[Z\x12e\x1b[A\r\0",
    b"/jo\td\t\r\0",
    b"\x1b[200~one\ntwo\nthree\nfour\x1b[201~",
    b"y\r\0",
    b"\xff\xfa\x18\0xterm\xff\xf0\xff\xfa\x1f\0\x28\0\x18\xff\xf0",
    b"/quiet on\n",
    b"/quiet off\n",
    b"/format json\n",
    b"/format text\n",
    b"/timestamps on\n",
    b"/timestamps -03:30\n",
    b"/timestamps off\n",
    b"/color on\n",
    b"/color off\n",
    b"/charset\n",
    b"/charset utf-8\n",
    b"/charset x\n",
    b"/time\n/uptime\n/stats\n",
    b"/help\n",
    b"secret\n",
    b"secret\r\n",
    b"/op secret\n",
    b"/op secret\n",
    b"/op wrong\n",
    b"/kick guest3 for nothing\n",
    b"/kick ann\n",
    b"/ban guest2 5 loud\n",
    b"/ban 192.0.2.0/24 1\n",
    b"/ban 192.0.2.1\n",
    b"/unban 192.0.2.1\n",
    b"/bans\n",
    b"/mute guest3\n",
    b"/mute guest2 1s\n",
    b"/mute ann 2s\n",
    b"/unmute guest2\n",
    b"/unmute ann\n",
    b"/report guest2 spam\n",
    b"/reports\n",
    b"/actions\n",
    b"/ops\n",
    b"/deop\n",
    b"/slow 1s\n",
    b"/slow off\n",
    b"/lock\n",
    b"/invite guest4\n",
    b"/invite zoe\n",
    b"zoe\n",
    b"/unlock\n",
    b"/clear\n",
    b"/clear 3\n",
    b"/announce tea\n",
    b"GET / HTTP/1.1\r\n",
    b"EHLO example\n",
    b"\x16\x03\x01",
    b"\x05\x01\0",
    b"\x04",
    b"/nonsense\n",
    b"/quit\n",
    // DO ECHO, DONT ECHO, WILL NAWS, a window size, DO TIMING-MARK, AYT.
    b"\xff\xfd\x01",
    b"\xff\xfd\x01",
    b"\xff\xfe\x01",
    b"\xff\xfb\x1f",
    b"\xff\xfa\x1f\0\x14\0\x18\xff\xf0",
    b"\xff\xfa\x1f\0",
    b"\xff\xfd\x06",
    b"\xff\xf6",
    b"\xff\xff",
    // Keys.
    b"\x1b[A",
    b"\x1b[B",
    b"\x1b[D",
    b"\x1b[3~",
    b"\x1b[",
    b"\x7f",
    b"\x15",
    b"\x17",
    b"\x04",
    b"\x03",
    b"\x0c",
    b"0123456789012345678901234567890123456789012345678901234567890123456789",
];

/// The same for clients that speak HTTP.
pub const WEB: Scenario = Scenario {
    test: "chaos_of_requests_breaks_nothing_and_leaves_nothing",
    fixed: 0..150,
    // A request came after the greeting and went to another room; what was taken for a
    // spare connection asked for much before it was greeted.
    found: &[
        3_698_739_231_623_896_052,
        3_698_739_231_623_897_868,
        305_650_479_346_463_559,
        305_650_479_346_465_609,
        // One is banned while it is let in.
        2_741_344_099_439_415_148,
    ],
    fresh: 100,
    run: run_web,
};

const WEB_PIECES: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\n",
    b"GET /lobby?since=all HTTP/1.1\r\n",
    b"GET /dev?poll=1&since=1m HTTP/1.1\r\nAccept: application/json\r\n",
    b"GET /lobby HTTP/1.1\r\nAccept: text/event-stream\r\nLast-Event-ID: 3\r\n",
    b"GET /lobby HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/html\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /dev?nick=eve&since=2@other HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
      Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    b"GET /?nick=eve&since=7&session=0123456789abcdef HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
      Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    b"HEAD /one-too-many HTTP/1.1\r\n",
    b"POST /lobby?nick=ann HTTP/1.1\r\n",
    b"PUT /tea HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
    b"Host: localhost\r\n",
    b"Host: localhost\r\n\r\n",
    b"Host: localhost\r\n\r\n",
    b"Content-Length: 12\r\n",
    b"Expect: 100-continue\r\n",
    b"Authorization: Basic YW5uOnNlY3JldA==\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    b"\r\n",
    b"6\r\nhello\n\r\n",
    b"0\r\n\r\n",
    // Frames: hello, secret, /history, the beginning of one, a ping, a close.
    b"\x81\x85\0\0\0\0hello",
    b"\x81\x86\0\0\0\0secret",
    b"\x81\x88\0\0\0\0/history",
    b"\x01\x82\0\0\0\0hi",
    b"\x89\x80\0\0\0\0",
    b"\x88\x80\0\0\0\0",
];

/// The same with a store.
pub const STORED: Scenario = Scenario {
    test: "chaos_with_a_store_breaks_nothing_and_leaves_nothing",
    fixed: 0..150,
    // One that reads what is stored is owed answers that come after that; it changed the
    // encoding before.
    found: &[
        1_563_052_812_930_761_563,
        1_244_398_549_704_720_699,
        1_244_398_549_704_722_317,
        4_045_518_727_298_613_656,
        // One that stopped is taken past that by the past, and its own line is between.
        2_596_426_804_811_174_259,
        // A WebSocket is greeted while the store is asked for its room.
        2_420_838_382_190_833_749,
        // Others tell a client, which nothing reaches any more, more than it may be owed.
        4_459_122_246_898_550_726,
        4_459_122_246_898_544_932,
        // Lines are cleared that one has said which lags and is on its way out.
        549_009_881_686_892_795,
    ],
    fresh: 100,
    run: run_stored,
};

const STORED_PIECES: &[&[u8]] = &[
    b"/search hello\n",
    b"/search ann\n",
    b"/search -\n",
    b"/last guest2\n",
    b"/last nobody\n",
    b"/resume 0\n",
    b"/history 1000\n",
    b"/history 2026-11-21\n",
    b"/history 1m\n",
    b"/join dev\n",
    b"/join tea\n",
    b"/leave\n",
    b"hello\n",
    b"hello\n",
    b"GET /dev?search=hello HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /tea?since=all&poll=1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
];

fn config(rng: &mut Rng) -> Config {
    Config {
        prefix: *rng.choice(&[Prefix::Nick, Prefix::Addr, Prefix::None]).expect("three"),
        echo: rng.u8(..4) == 0,
        clients_max: 10,
        line_bytes_max: 64,
        backlog_bytes_max: rng.usize(4..64) * 1024,
        on_lag: if rng.u8(..4) == 0 { OnLag::Close } else { OnLag::Skip },
        fold_time: Duration::from_secs(rng.u64(..3)),
        history_lines: rng.u64(..20),
        rooms_max: rng.usize(1..4),
        whois_address: rng.bool(),
        rate: rng.bool().then(|| Rate { lines_per_second: rng.u32(1..50), burst: rng.u32(1..50) }),
        password: (rng.u8(..4) == 0).then(|| Password::new("secret").expect("a password")),
        operator_password: rng.bool().then(|| Password::new("secret").expect("a password")),
        line_timeout: rng.bool().then(|| Duration::from_secs(rng.u64(1..60))),
        idle_timeout: rng.bool().then(|| Duration::from_secs(rng.u64(1..200))),
        ..Config::default()
    }
}

fn act(world: &mut World, pieces: &[&[u8]]) {
    match world.rng.u8(..60) {
        0..4 if world.peers.len() < 12 => {
            let habit = world.draw_habit();
            let kernel_bytes = world.rng.usize(1..4096);
            world.connect(habit, kernel_bytes);
        }
        4..6 => {
            let time = Duration::from_millis(300).mul_f64(world.rng.f64());
            world.sleep(time);
        }
        6 => world.misfortune(),
        7..20 => world.turn(),
        _ if world.peers.is_empty() => {}
        action => {
            let number = world.rng.usize(..world.peers.len());
            let piece = *world.rng.choice(pieces).expect("some");
            let has = |fault| world.faults.has(fault);
            let times = if action == 20 && has(Fault::Floods) { 60 } else { 1 };
            let peer = &mut world.peers[number];
            match action {
                21 if number.is_multiple_of(4) => peer.has_fin |= has(Fault::HalfCloses),
                22 if number % 4 == 1 => world.reset(number),
                22 if number % 4 == 2 && has(Fault::Silences) => peer.vanish(),
                23 => peer.habit = Habit::Prompt,
                _ => (0..times).for_each(|_| peer.send(piece)),
            }
        }
    }
}

fn run(rng: &mut Rng, faults: Faults) {
    let config = config(rng);
    run_with(rng, faults, config, PIECES);
}

fn run_web(rng: &mut Rng, faults: Faults) {
    let config = Config { has_web: true, ..config(rng) };
    run_with(rng, faults, config, &[WEB_PIECES, WEB_PIECES, PIECES].concat());
}

fn run_stored(rng: &mut Rng, faults: Faults) {
    let (has_web, has_store) = (true, true);
    let unstored = if rng.bool() { vec!["tea".into()] } else { Vec::new() };
    let config = Config { has_web, has_store, unstored, ..config(rng) };
    let config = Config { backlog_bytes_max: rng.usize(1..8) * 1024, ..config };
    run_with(rng, faults, config, &[STORED_PIECES, STORED_PIECES, WEB_PIECES, PIECES].concat());
}

fn run_with(rng: &mut Rng, faults: Faults, config: Config, pieces: &[&[u8]]) {
    let mut world = World::new(rng.u64(..), config);
    (world.has_addresses, world.are_blind) = (true, true);
    world.faults = faults;
    world.watch(checks::common());
    for _ in 0..rng.usize(100..2000) {
        act(&mut world, pieces);
    }
    for peer in &mut world.peers {
        peer.habit = Habit::Prompt;
    }
    world.rest();
    if rng.bool() {
        world.shut_down();
    }
    world.end();
}

#[test]
fn chaos_with_a_store_breaks_nothing_and_leaves_nothing() {
    STORED.check();
}

#[test]
fn chaos_of_requests_breaks_nothing_and_leaves_nothing() {
    WEB.check();
}

#[test]
fn chaos_breaks_nothing_and_leaves_nothing() {
    SCENARIO.check();
}
