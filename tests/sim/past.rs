//! The past, rooms and private lines, one case at a time.

use std::time::Duration;

use roomcast::chat::{Config, OnLag};

use crate::faults::Fault;
use crate::peer::{Habit, Peer, Shown};
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

/// A world with a prompt reader at place 0.
fn world(config: Config) -> World {
    let mut world = World::new(3, config);
    world.connect(Habit::Prompt, usize::MAX);
    world.settle();
    world
}

/// The same, where comings and goings are folded; the reader has spoken.
fn folding_world(config: Config) -> World {
    let mut world = world(Config { fold_time: 5 * SECOND, ..config });
    world.peers[0].send(b"first\n");
    pass(&mut world, 6 * SECOND);
    world
}

/// Lets `time` pass in small steps.
fn pass(world: &mut World, time: Duration) {
    for _ in 0..time.as_millis() / 50 {
        world.sleep(Duration::from_millis(50));
        world.settle();
    }
}

/// One whom the kernel keeps so little for that it waits for nearly all.
fn stuck(world: &mut World) -> usize {
    world.connect(Habit::Stuck, 10)
}

fn prompt(world: &mut World) -> usize {
    world.connect(Habit::Prompt, usize::MAX)
}

/// A client says so many lines more, a turn each.
fn talk(world: &mut World, number: usize, lines: usize) {
    for _ in 0..lines {
        let text = world.peers[number].next_text() + "\n";
        world.peers[number].send(text.as_bytes());
        world.turn();
    }
}

/// Everything that a client was shown, as it was shown.
fn screen(peer: &Peer) -> Vec<String> {
    let text = |shown: &Shown| match shown {
        Shown::Public(line) => line.clone(),
        Shown::Private(notice) => format!("*** {notice}"),
        Shown::Gap(lines) => format!("gap {lines}"),
    };
    peer.screen.shown.iter().map(text).collect()
}

/// How many of the shown lines somebody said, and how many gaps tell of.
fn said_and_skipped(peer: &Peer) -> (usize, u64) {
    let said = screen(peer).iter().filter(|line| line.starts_with('<')).count();
    let skipped = |shown: &Shown| match shown {
        Shown::Gap(lines) => *lines,
        _ => 0,
    };
    (said, peer.screen.shown.iter().map(skipped).sum())
}

#[test]
fn a_command_that_waited_skips_nothing_that_was_said_meanwhile() {
    let mut world = world(Config::default());
    let slow = stuck(&mut world);
    talk(&mut world, 0, 5);
    world.peers[slow].send(b"/resume 8\n");
    world.turn();
    talk(&mut world, 0, 5);
    world.peers[slow].habit = Habit::Prompt;
    world.settle();
    let shown = screen(&world.peers[slow]);
    assert_eq!(shown[2..7], (1..=5).map(|n| format!("<guest1> 0.{n}")).collect::<Vec<_>>());
    assert_eq!(shown[7], "*** line 8 hasn't been said yet, the newest is line 7");
    assert_eq!(shown[8..], (6..=10).map(|n| format!("<guest1> 0.{n}")).collect::<Vec<_>>());
}

#[test]
fn a_notice_of_joining_while_a_command_waits_hides_no_line() {
    for lines in 1..4 {
        let mut world = folding_world(Config { backlog_bytes_max: 8192, ..Config::default() });
        let slow = stuck(&mut world);
        pass(&mut world, SECOND);
        talk(&mut world, 0, lines);
        world.peers[slow].send(b"/history 0\n");
        pass(&mut world, 6 * SECOND);
        talk(&mut world, 0, 1000);
        world.peers[slow].habit = Habit::Prompt;
        world.settle();
        let (said, skipped) = said_and_skipped(&world.peers[slow]);
        // Not the notice, which is about itself.
        assert_eq!(said as u64 + skipped, 1000 + lines as u64);
    }
}

#[test]
fn with_echo_people_can_be_ignored_too() {
    let mut world = world(Config { echo: true, ..Config::default() });
    let (ann, bob) = (prompt(&mut world), prompt(&mut world));
    world.settle();
    world.peers[ann].send(b"/ignore guest3\n");
    world.settle();
    talk(&mut world, bob, 2);
    talk(&mut world, ann, 2);
    let said = |number: usize| said_and_skipped(&world.peers[number]).0;
    assert_eq!([said(0), said(ann), said(bob)], [4, 2, 4]);
}

#[test]
fn with_echo_own_lines_that_were_missed_are_counted() {
    let config = Config { echo: true, backlog_bytes_max: 8192, ..Config::default() };
    let mut world = folding_world(config);
    let slow = stuck(&mut world);
    pass(&mut world, SECOND);
    talk(&mut world, 0, 1);
    // It is told of by name now, to others.
    pass(&mut world, 6 * SECOND);
    talk(&mut world, slow, 1000);
    world.peers[slow].habit = Habit::Prompt;
    world.settle();
    let (said, skipped) = said_and_skipped(&world.peers[slow]);
    assert_eq!(said as u64 + skipped, 1001);
}

#[test]
fn a_newcomer_misses_nothing_before_it_is_greeted() {
    for on_lag in [OnLag::Skip, OnLag::Close] {
        let config =
            Config { backlog_bytes_max: 8192, history_lines: 9, on_lag, ..Config::default() };
        let mut world = folding_world(config);
        let newcomer = prompt(&mut world);
        talk(&mut world, 0, 1000);
        pass(&mut world, SECOND);
        assert_eq!(world.endings, []);
        let (said, skipped) = said_and_skipped(&world.peers[newcomer]);
        assert!(said >= 9 && skipped == 0, "{said} lines, {skipped} skipped");
        let last = screen(&world.peers[newcomer]).pop();
        assert_eq!(last.as_deref(), Some("<guest1> 0.1000"));
    }
}

#[test]
fn one_who_posted_and_stayed_is_introduced_to_the_next_room() {
    let mut world = folding_world(Config::default());
    world.peers[0].send(b"/join dev\n");
    let ann = prompt(&mut world);
    world.peers[ann].send(b"hi\n");
    pass(&mut world, 6 * SECOND);
    assert_eq!(screen(&world.peers[ann]), [""; 0]);
    world.peers[ann].send(b"/join dev\n");
    pass(&mut world, 6 * SECOND);
    assert_eq!(screen(&world.peers[ann]), ["*** you are now in dev", "*** 2 here: guest1, guest2"]);
    let told = screen(&world.peers[0]).pop();
    assert_eq!(told.as_deref(), Some("*** guest2 joined"));
}

#[test]
fn rooms_that_come_and_go_leave_nothing_behind() {
    let mut world = world(Config { fold_time: 3600 * SECOND, rooms_max: 2, ..Config::default() });
    pass(&mut world, SECOND);
    for _ in 0..100 {
        world.peers[0].send(b"/join dev\n/leave\n");
        // The invariants are checked each turn.
        world.settle();
    }
    let entered = screen(&world.peers[0]).iter().filter(|line| line.contains("in dev")).count();
    assert_eq!(entered, 100);
}

#[test]
fn a_past_of_which_all_is_hidden_is_no_empty_room() {
    let mut world = world(Config::default());
    let ann = prompt(&mut world);
    world.settle();
    world.peers[ann].send(b"/quiet on\n/history 1\n");
    world.settle();
    let shown = screen(&world.peers[ann]);
    assert_eq!(
        shown[2..],
        [
            "*** join and leave notices are hidden",
            "*** the last line, from less than a minute ago:"
        ]
    );
}

#[test]
fn a_bell_rings_after_its_line_or_not_at_all() {
    let mut world = world(Config::default());
    let ann = stuck(&mut world);
    world.peers[ann].send(b"/bell on\n");
    talk(&mut world, 0, 1);
    world.peers[0].send(b"guest2: one\n");
    world.settle();
    world.peers[ann].send(b"/history 0\n");
    world.settle();
    world.peers[0].send(b"guest2: two\n");
    world.settle();
    world.peers[ann].habit = Habit::Prompt;
    world.settle();
    world.peers[0].send(b"guest2: three\n");
    world.settle();
    let screen = screen(&world.peers[ann]);
    let rung = world.peers[ann].screen.bells.iter().map(|at| screen[at - 1].as_str());
    assert_eq!(rung.collect::<Vec<_>>(), ["<guest1> guest2: one", "<guest1> guest2: three"]);
}

#[test]
fn few_bells_wait_for_one_who_does_not_read() {
    let mut world = world(Config::default());
    let ann = stuck(&mut world);
    world.peers[ann].send(b"/bell on\n");
    world.settle();
    for _ in 0..1000 {
        world.peers[0].send(b"guest2?\n");
        world.turn();
    }
    world.peers[ann].habit = Habit::Prompt;
    world.settle();
    let bells = world.peers[ann].screen.bells.len();
    assert!((50..=64).contains(&bells), "{bells} bells");
}

#[test]
fn one_who_is_quiet_is_told_its_own_new_name() {
    let mut world = world(Config::default());
    world.peers[0].send(b"/quiet on\n/nick ann\n");
    world.settle();
    assert_eq!(screen(&world.peers[0]).last().map(String::as_str), Some("*** you are now ann"));
}

#[test]
fn the_oldest_lines_are_shown_before_new_ones_push_them_out() {
    for seed in 0..20 {
        let mut world = world(Config { backlog_bytes_max: 8192, ..Config::default() });
        world.rng = fastrand::Rng::with_seed(seed);
        (0..20).for_each(|_| _ = prompt(&mut world));
        talk(&mut world, 0, 1000);
        // Some wait for their turn already, and so this one is not the next.
        world.faults = world.faults.and(Fault::CutFlushes);
        for turn in 0..9 {
            for number in 2..20 {
                world.peers[number].send(b"new\n");
            }
            if turn == 3 {
                let commands = ["/resume 100\n", "/history 1000\n"];
                world.peers[1].send(commands[seed as usize % 2].as_bytes());
            }
            world.turn();
        }
        world.settle();
        assert_eq!(said_and_skipped(&world.peers[1]).1, 0);
    }
}

/// Format, history and resume again and again: each waits for the one before,
/// and nothing is forgotten on the way.
#[test]
fn asking_for_the_past_without_a_pause_ends() {
    let mut world = World::new(0, Config::default());
    for _ in 0..4 {
        world.connect(Habit::Prompt, 20_000);
    }
    let lines = format!("{}\n", "\"".repeat(60)).repeat(200);
    for number in 1..4 {
        world.peers[number].send(lines.as_bytes());
    }
    world.settle();
    let again = b"/format json\n/history 1000000\n/format text\n/resume 0\n".repeat(20);
    for number in 1..4 {
        world.peers[number].send(&again);
    }
    for _ in 0..50 {
        world.turn();
        world.peers[0].send(b"ping\n");
    }
    world.settle();
    for peer in &world.peers {
        assert!(!peer.has_input(), "{} bytes are not read", peer.to_server.len());
    }
}
