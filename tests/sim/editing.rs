//! Editing that begins and ends in the middle of a packet.

use std::time::Duration;

use roomcast::chat::{CloseReason, Closing, Config, OnLag, Password};

use crate::peer::{Habit, Peer, Shown};
use crate::world::World;

const DO_ECHO: &[u8] = b"\xff\xfd\x01";
const DONT_ECHO: &[u8] = b"\xff\xfe\x01";

/// Until when a client that speaks telnet is waited for.
const ANSWER_TIME: Duration = Duration::from_millis(300);

/// What PuTTY sends first: WILL NAWS, WILL TERMINAL-TYPE, DO ECHO.
const PUTTY: &[u8] = b"\xff\xfb\x1f\xff\xfb\x18\xff\xfd\x01";
/// What it answers: a window of 20 columns, an xterm, no NEW-ENVIRON, no CHARSET.
const PUTTY_ANSWERS: &[u8] =
    b"\xff\xfa\x1f\x00\x14\x00\x18\xff\xf0\xff\xfa\x18\x00xterm\xff\xf0\xff\xfc\x27\xff\xfe\x2a";
/// The type again.
const TYPE: &[u8] = b"\xff\xfa\x18\x00xterm\xff\xf0";

/// What the first client heard the others say.
fn heard(world: &World) -> Vec<&str> {
    let said = |shown: &&Shown| matches!(shown, Shown::Public(line) if line.starts_with('<'));
    let lines = world.peers[0].screen.shown.iter().filter(said);
    lines.map(|shown| if let Shown::Public(line) = shown { &line[..] } else { "" }).collect()
}

/// A client whose line is edited, before another one that hears it.
fn editing(config: Config, kernel_bytes: usize) -> (World, usize) {
    let mut world = World::new(0, config);
    world.connect(Habit::Prompt, usize::MAX);
    let number = world.connect(Habit::Stuck, kernel_bytes);
    world.peers[number].send(DO_ECHO);
    world.turn();
    (world, number)
}

#[test]
fn what_is_behind_the_end_of_editing_is_a_line() {
    for end in [DONT_ECHO, b"/edit off\r\n"] {
        let stream = [b"typed\r\n", end, b"a line\r\n"].concat();
        for at in 0..stream.len() {
            let (mut world, number) = editing(Config::default(), usize::MAX);
            let (front, back) = stream.split_at(at);
            for packet in [front, back] {
                world.peers[number].send(packet);
                world.settle();
            }
            assert_eq!(heard(&world), ["<guest2> typed", "<guest2> a line"], "cut at {at}");
        }
    }
}

/// Backspace is a key: a line that has one was edited.
#[test]
fn what_is_behind_the_password_is_keys() {
    let stream = [DO_ECHO, b"secret\r\n", b"a linf\x7fe\r\n"].concat();
    for at in 0..stream.len() {
        let password = Password::new("secret");
        let mut world = World::new(0, Config { password, ..Config::default() });
        world.connect(Habit::Prompt, usize::MAX);
        world.peers[0].send(b"secret\n");
        let number = world.connect(Habit::Stuck, usize::MAX);
        let (front, back) = stream.split_at(at);
        for packet in [front, back] {
            world.peers[number].send(packet);
            world.settle();
        }
        assert_eq!(heard(&world), ["<guest2> a line"], "cut at {at}");
    }
}

#[test]
fn nothing_is_drawn_after_a_farewell() {
    let config = Config { backlog_bytes_max: 8192, on_lag: OnLag::Close, ..Config::default() };
    let (mut world, number) = editing(config, 300);
    for _ in 0..1000 {
        let text = Peer::next_text(&mut world.peers[0]) + "\n";
        world.peers[0].send(text.as_bytes());
        world.turn();
    }
    world.peers[number].kernel_bytes = usize::MAX;
    world.settle();
    assert_eq!(world.endings, [(number, CloseReason::Lagged, Closing::Polite)]);
    let stream: Vec<u8> = world.peers[number].to_client.iter().copied().collect();
    assert!(stream.ends_with(b" lines came faster than you read\r\n"), "{}", stream.escape_ascii());
}

/// What a client was sent and didn't read.
fn sent(world: &World, number: usize) -> String {
    let bytes: Vec<u8> = world.peers[number].to_client.iter().copied().collect();
    bytes.escape_ascii().to_string()
}

/// A room in which a line was said that is wider than the window of PuTTY.
fn spoken(config: Config) -> World {
    let mut world = World::new(0, config);
    world.connect(Habit::Prompt, usize::MAX);
    world.peers[0].send(b"a few words more than fit\n");
    world.settle();
    world
}

/// Promise 87: history too.
#[test]
fn who_speaks_telnet_is_greeted_when_its_terminal_is_known() {
    const HISTORY: &str = "m> a few\\r\\n      words more\\r\\n      than fit\\r\\n";
    for has_web in [true, false] {
        let fold_time = Duration::from_secs(5);
        let config = Config { has_web, fold_time, history_lines: 9, ..Config::default() };
        let mut world = spoken(config);
        let number = world.connect(Habit::Stuck, usize::MAX);
        world.peers[number].send(PUTTY);
        world.settle();
        let offer = "\\xff\\xfb\\x01\\xff\\xfb\\x03\\xff\\xfd\\x1f\\xff\\xfd\\x18";
        let asked = sent(&world, number);
        assert!(asked.starts_with(offer) && !asked.contains("***"), "{asked}");
        world.peers[number].send(PUTTY_ANSWERS);
        world.sleep(Duration::from_millis(150));
        world.settle();
        assert!(!sent(&world, number).contains("***"), "it was asked for its type again");
        world.peers[number].send(TYPE);
        world.settle();
        assert!(sent(&world, number).contains(HISTORY), "{}", sent(&world, number));
        world.sleep(ANSWER_TIME);
        world.settle();
        assert_eq!(sent(&world, number).matches("welcome").count(), 1);
    }
}

#[test]
fn who_speaks_telnet_and_does_not_answer_is_waited_for_as_long_as_others() {
    for (is_telnet, has_web) in [(true, true), (true, false), (false, true), (false, false)] {
        let fold_time = Duration::from_secs(5);
        let mut world = spoken(Config { has_web, fold_time, ..Config::default() });
        world.is_telnet = is_telnet;
        let number = world.connect(Habit::Stuck, usize::MAX);
        if !is_telnet {
            world.peers[number].send(PUTTY);
        }
        for time in [99, 1, 199] {
            world.sleep(Duration::from_millis(time));
            world.settle();
            assert!(!sent(&world, number).contains("welcome"), "{is_telnet}, {has_web}");
        }
        world.sleep(Duration::from_millis(1));
        world.settle();
        assert!(sent(&world, number).contains("welcome"), "{is_telnet}, {has_web}");
    }
}

#[test]
fn what_a_program_says_where_telnet_is_spoken_comes_after_its_greeting() {
    let mut world = spoken(Config::default());
    world.is_telnet = true;
    let number = world.connect(Habit::Prompt, usize::MAX);
    world.peers[number].send(b"hello\r\n");
    world.settle();
    assert_eq!(world.peers[number].guest_name().as_deref(), Some("guest2"));
    assert_eq!(heard(&world), ["<guest2> hello"]);
}

#[test]
fn commands_of_telnet_that_nobody_takes_are_bounded() {
    let mut world = spoken(Config { has_web: true, ..Config::default() });
    let number = world.connect(Habit::Stuck, 10);
    world.peers[number].send(&b"\xff\xfd\x06".repeat(10_000));
    world.settle();
    world.peers[number].kernel_bytes = usize::MAX;
    world.sleep(ANSWER_TIME);
    world.settle();
    let mark = b"\xff\xfc\x06".escape_ascii().to_string();
    assert_eq!(sent(&world, number).matches(&mark).count(), 10_000);
}
