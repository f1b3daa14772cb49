//! Clients that talk too much, or don't finish what they begin.

use std::time::Duration;

use roomcast::chat::{CloseReason, Closing, Config, Rate};

use crate::peer::{Habit, Peer, Shown};
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

const RATE: Rate = Rate { lines_per_second: 100, burst: 1000 };

/// A world with a prompt reader at place 0 and another one at place 1.
fn world(config: Config) -> World {
    let mut world = World::new(0, config);
    world.connect(Habit::Prompt, usize::MAX);
    world.connect(Habit::Prompt, usize::MAX);
    world.settle();
    world
}

fn paced() -> World {
    world(Config { rate: Some(RATE), ..Config::default() })
}

fn heard(peer: &Peer) -> Vec<&str> {
    let said = peer.screen.shown.iter().filter_map(|shown| match shown {
        Shown::Public(line) if !line.starts_with("***") => Some(line.as_str()),
        _ => None,
    });
    said.collect()
}

/// The last thing that a client was shown.
fn last(peer: &Peer) -> &str {
    match peer.screen.shown.last() {
        Some(Shown::Public(line)) => line.strip_prefix("*** ").unwrap_or(line),
        Some(Shown::Private(notice)) => notice,
        other => panic!("shown {other:?}"),
    }
}

fn numbered(lines: usize) -> String {
    (0..lines).map(|number| format!("{number}\n")).collect()
}

fn expected(lines: usize) -> Vec<String> {
    (0..lines).map(|number| format!("<guest2> {number}")).collect()
}

/// Time passes by itself, as far as the server wants to be woken.
fn run_until_quiet(world: &mut World) -> Duration {
    let start = world.driver.now;
    loop {
        world.settle();
        match world.driver.chat.poll_timeout(world.driver.now) {
            Some(at) => world.driver.sleep(at - world.driver.now),
            None => return world.driver.now - start,
        }
    }
}

#[test]
fn a_paste_of_500_lines_is_heard_at_once() {
    let mut world = paced();
    world.peers[1].send(numbered(500).as_bytes());
    world.settle();
    assert_eq!(heard(&world.peers[0]), expected(500));
}

#[test]
fn a_flood_is_delayed_and_nothing_of_it_is_lost() {
    let mut world = paced();
    world.peers[1].send(numbered(5000).as_bytes());
    world.settle();
    assert_eq!(heard(&world.peers[0]), expected(1000), "the burst");
    let time = run_until_quiet(&mut world);
    assert_eq!(heard(&world.peers[0]), expected(5000));
    let seconds = time.as_secs_f64();
    assert!((39.0..=41.0).contains(&seconds), "4,000 more at 100 a second took {seconds} s");
    assert_eq!(world.endings, []);
}

#[test]
fn a_flood_delays_nobody_else() {
    let mut world = paced();
    let third = world.connect(Habit::Prompt, usize::MAX);
    world.peers[1].send(numbered(5000).as_bytes());
    world.settle();
    for number in 0..100 {
        world.peers[third].send(format!("other {number}\n").as_bytes());
        world.settle();
        let newest = format!("<guest3> other {number}");
        assert!(heard(&world.peers[0]).contains(&newest.as_str()), "{newest}");
        world.sleep(SECOND / 10);
    }
}

#[test]
fn long_lines_count_for_more() {
    let mut world = paced();
    // 1024 bytes cost four lines more.
    let line = "x".repeat(1023) + "\n";
    world.peers[1].send(line.repeat(300).as_bytes());
    world.settle();
    assert_eq!(heard(&world.peers[0]).len(), 200);
    run_until_quiet(&mut world);
    assert_eq!(heard(&world.peers[0]).len(), 300);
}

#[test]
fn bytes_without_lines_count_too() {
    let mut world = paced();
    world.peers[1].send(&[b'x'; 10_000_000]);
    world.settle();
    let unread = world.peers[1].to_server.len();
    assert!(unread > 9_000_000, "{unread} bytes are still to be read");
    assert!(world.driver.chat.is_held_back(world.driver.id(1)));
}

/// As empty records of TLS do.
#[test]
fn bytes_that_say_nothing_count_too() {
    let mut world = paced();
    let id = world.id(1);
    let now = world.now;
    world.driver.chat.handle_padding(now, id, 64 * 1024);
    assert!(!world.chat.is_held_back(id), "a burst is allowed");
    for _ in 0..4 {
        world.driver.chat.handle_padding(now, id, 64 * 1024);
    }
    assert!(world.chat.is_held_back(id));
    world.peers[1].send(b"hello\n");
    world.settle();
    assert!(heard(&world.peers[0]).is_empty());
    assert!(run_until_quiet(&mut world) > SECOND);
    assert_eq!(heard(&world.peers[0]), ["<guest2> hello"]);
}

#[test]
fn who_is_held_back_is_in_the_stats() {
    let mut world = paced();
    world.peers[1].send(numbered(5000).as_bytes());
    world.settle();
    world.peers[0].send(b"/stats\n");
    world.settle();
    assert_eq!(last(&world.peers[0]), "throttled: guest2");
    run_until_quiet(&mut world);
    world.peers[0].send(b"/stats\n");
    world.settle();
    assert_eq!(last(&world.peers[0]), "ended: none");
}

#[test]
fn what_was_sent_before_a_break_is_heard_although_it_is_held_back() {
    let mut world = paced();
    world.peers[1].send(numbered(3000).as_bytes());
    world.settle();
    world.peers[1].is_deaf = true;
    world.peers[0].send(b"hello\n");
    run_until_quiet(&mut world);
    assert_eq!(heard(&world.peers[0]), expected(3000));
    assert_eq!(world.endings, [(1, CloseReason::Reset, Closing::Abrupt)]);
    assert_eq!(last(&world.peers[0]), "guest2 left (connection reset)");
}

/// Nobody asks for more of it, so nothing would say that it is gone.
#[test]
fn one_whose_input_waits_for_a_write_ends_with_its_connection() {
    for flood in ["/help\n".repeat(3000), "/join dev\nhello\n".repeat(1500)] {
        let mut world = paced();
        world.peers[1].send(flood.as_bytes());
        world.settle();
        assert!(world.driver.chat.is_held_back(world.driver.id(1)));
        world.peers[1].is_deaf = true;
        world.peers[0].send(b"hello\n");
        let time = run_until_quiet(&mut world);
        assert_eq!(world.endings, [(1, CloseReason::Reset, Closing::Abrupt)]);
        assert!(time < 60 * SECOND, "{time:?}");
    }
}

/// What it is sent doesn't wake it.
#[test]
fn one_who_is_held_back_is_no_work() {
    let mut world = paced();
    world.peers[1].send(numbered(5000).as_bytes());
    world.settle();
    for _ in 0..100 {
        world.peers[0].send(b"hello\n");
        world.turn();
        let is_due = world
            .driver
            .chat
            .poll_timeout(world.driver.now)
            .is_some_and(|at| at <= world.driver.now);
        assert!(!is_due, "there is nothing to do");
    }
}

#[test]
fn who_is_gone_is_read_for_five_minutes_at_most() {
    let mut world = paced();
    world.peers[1].send(b"x\n".repeat(100_000).as_slice());
    world.settle();
    world.peers[1].is_deaf = true;
    world.peers[0].send(b"hello\n");
    let time = run_until_quiet(&mut world);
    assert_eq!(time, 300 * SECOND);
    assert_eq!(world.endings, [(1, CloseReason::Reset, Closing::Abrupt)]);
    let lines = heard(&world.peers[0]).len();
    assert!((30_900..=31_100).contains(&lines), "{lines} lines");
}

/// What the kernel says of a connection it says once.
#[test]
fn one_that_vanished_is_not_said_to_have_reset() {
    let mut world = paced();
    world.driver.chat.handle_write_broken(world.driver.id(1), true);
    world.driver.chat.handle_eof(world.driver.now, world.driver.id(1));
    world.settle();
    assert_eq!(world.endings, [(1, CloseReason::Vanished, Closing::Abrupt)]);
    assert_eq!(last(&world.peers[0]), "guest2 left (stopped answering)");
}

#[test]
fn a_line_that_is_not_finished_in_time_ends_the_visit() {
    let mut world = world(Config { line_timeout: Some(300 * SECOND), ..Config::default() });
    world.peers[1].send(b"a line\nhal");
    world.settle();
    // More of it gives no more time.
    for _ in 0..299 {
        world.sleep(SECOND);
        world.peers[1].send(b"f");
        world.settle();
    }
    assert_eq!(world.endings, []);
    world.sleep(SECOND);
    world.settle();
    assert_eq!(world.endings, [(1, CloseReason::Unfinished, Closing::Polite)]);
    let farewell = "goodbye: your line wasn't finished in 300 s; a line ends with LF";
    assert_eq!(last(&world.peers[1]), farewell);
    assert_eq!(last(&world.peers[0]), "guest2 left (line not finished)");
}

#[test]
fn each_line_has_its_own_time() {
    let mut world = world(Config { line_timeout: Some(300 * SECOND), ..Config::default() });
    for _ in 0..10 {
        world.peers[1].send(b"end\nbeg");
        world.settle();
        world.sleep(299 * SECOND);
        world.settle();
    }
    world.peers[1].send(b"\n");
    world.settle();
    world.sleep(10_000 * SECOND);
    world.settle();
    assert_eq!(world.endings, []);
    assert_eq!(world.driver.chat.poll_timeout(world.driver.now), None);
}

/// What is begun may be the first bytes, a telnet command, or the rest of a line
/// that is too long.
#[test]
fn everything_that_is_begun_has_to_end() {
    for begun in [&b"\x16"[..], b"\xff", b"\xff\xfa\x18", b"x\r", &[b'x'; 10_000]] {
        let mut world = world(Config::default());
        world.peers[1].send(begun);
        world.settle();
        world.sleep(299 * SECOND);
        world.settle();
        assert_eq!(world.endings, [], "{}", begun.escape_ascii());
        world.sleep(SECOND);
        world.settle();
        assert_eq!(world.endings, [(1, CloseReason::Unfinished, Closing::Polite)]);
    }
}

/// It is owed something and doesn't take it, so it is there for a while.
#[test]
fn a_line_of_one_who_leaves_needs_no_end() {
    let mut world = world(Config { raw: true, line_timeout: Some(SECOND), ..Config::default() });
    let stuck = world.connect(Habit::Stuck, 0);
    world.peers[0].send(b"hello\n");
    world.settle();
    world.peers[stuck].send(&[b'x'; 10_000]);
    world.settle();
    world.sleep(2 * SECOND);
    world.settle();
    assert_eq!(world.endings, []);
    world.sleep(3 * SECOND);
    world.settle();
    assert_eq!(world.endings, [(stuck, CloseReason::LineTooLong, Closing::Abrupt)]);
}

#[test]
fn raw_clients_are_not_warned() {
    let mut world =
        world(Config { raw: true, idle_timeout: Some(600 * SECOND), ..Config::default() });
    for _ in 0..2 {
        world.sleep(300 * SECOND);
        world.settle();
        world.sleep(299 * SECOND);
        world.settle();
        assert_eq!(world.peers[1].screen.shown, []);
        world.sleep(SECOND);
        world.settle();
    }
    assert_eq!(world.peers[1].screen.shown, []);
    assert_eq!(world.endings.len(), 2);
}

/// The server is slow then, not the client.
#[test]
fn one_who_is_held_back_is_neither_idle_nor_slow() {
    let mut world = world(Config {
        rate: Some(Rate { lines_per_second: 1, burst: 1 }),
        line_timeout: Some(20 * SECOND),
        idle_timeout: Some(20 * SECOND),
        line_bytes_max: 30_000,
        ..Config::default()
    });
    // Packets that cost 31 s each, in lines of three.
    let packet = "x".repeat(8000);
    for _ in 0..2 {
        for packet in [&packet, &packet, &packet, "\n"] {
            world.peers[1].send(packet.as_bytes());
            world.turn();
        }
    }
    let mut seconds = 0;
    while heard(&world.peers[0]).len() < 2 {
        // So only one of the two could be idle.
        world.peers[0].send(b"\n");
        world.settle();
        world.sleep(SECOND);
        seconds += 1;
        assert_eq!(world.endings, [], "after {seconds} s");
    }
    assert!(seconds > 90, "{seconds} s");
    let is_warning = |shown: &Shown| format!("{shown:?}").contains("ends in");
    assert!(!world.peers[1].screen.shown.iter().any(is_warning));
}

#[test]
fn an_idle_client_is_warned_and_closed() {
    let warning = "your connection ends in 60 s unless you send something, an empty line will do";
    let mut world = world(Config { idle_timeout: Some(600 * SECOND), ..Config::default() });
    world.sleep(300 * SECOND);
    world.peers[0].send(b"\n");
    world.settle();
    world.sleep(239 * SECOND);
    world.settle();
    assert_ne!(last(&world.peers[1]), warning);
    world.sleep(SECOND);
    world.settle();
    assert_eq!(last(&world.peers[1]), warning);
    world.sleep(59 * SECOND);
    world.settle();
    assert_eq!(world.endings, []);
    world.sleep(SECOND);
    world.settle();
    assert_eq!(world.endings, [(1, CloseReason::Idle, Closing::Polite)]);
    assert_eq!(last(&world.peers[1]), "goodbye: you sent nothing for 600 s");
    // The other one has sent something.
    world.sleep(240 * SECOND);
    world.settle();
    world.sleep(59 * SECOND);
    world.settle();
    assert_eq!(world.endings.len(), 1);
    world.sleep(SECOND);
    world.settle();
    assert_eq!(world.endings.len(), 2);
}

/// The process was stopped for an hour, or its machine slept.
#[test]
fn nobody_is_closed_as_idle_because_the_server_was_away() {
    let mut world = world(Config { idle_timeout: Some(600 * SECOND), ..Config::default() });
    world.settle();
    world.sleep(3600 * SECOND);
    // What was sent meanwhile counts.
    world.peers[0].send(b"hello\n");
    world.settle();
    assert_eq!(world.endings, []);
    // The other one is warned first, and has the time that it is told.
    let warning = "your connection ends in 60 s unless you send something, an empty line will do";
    assert_eq!(last(&world.peers[1]), warning);
    world.sleep(59 * SECOND);
    world.settle();
    assert_eq!(world.endings, []);
    world.sleep(SECOND);
    world.settle();
    assert_eq!(world.endings, [(1, CloseReason::Idle, Closing::Polite)]);
}

#[test]
fn one_who_answers_the_warning_stays_and_is_warned_again() {
    let mut world = world(Config { idle_timeout: Some(100 * SECOND), ..Config::default() });
    for number in 1..5 {
        world.sleep(50 * SECOND);
        world.settle();
        world.sleep(49 * SECOND);
        world.settle();
        let is_warning = |shown: &&Shown| format!("{shown:?}").contains("ends in 50 s");
        assert_eq!(world.peers[1].screen.shown.iter().filter(is_warning).count(), number);
        world.peers[0].send(b"\n");
        world.peers[1].send(b"\n");
        world.settle();
    }
    assert_eq!(world.endings, []);
}

/// Private messages fill the memory of a client that doesn't read; what it says itself is
/// read later then.
#[test]
fn a_line_of_a_client_that_has_much_to_read_is_not_lost() {
    let mut world = world(Config::default());
    let slow = world.connect(Habit::Stuck, 0);
    world.sleep(SECOND);
    world.settle();
    let message = format!("/msg guest3 {}\n", "x".repeat(4000));
    for _ in 0..10 {
        world.peers[0].send(message.as_bytes());
        world.settle();
    }
    assert_eq!(last(&world.peers[0]), "guest3 is not reading at the moment; try again later");
    world.peers[slow].send(b"hello\n");
    world.settle();
    (world.peers[slow].habit, world.peers[slow].kernel_bytes) = (Habit::Prompt, usize::MAX);
    world.settle();
    assert_eq!(heard(&world.peers[0]).last(), Some(&"<guest3> hello"));
}
