//! One limit at a time, against a clock that the test moves.

use std::time::{Duration, Instant};

use roomcast::chat::{Bucket, CloseReason, Closing, Config, Limit, OnLag, Refused};

use crate::faults::Fault;
use crate::peer::{Habit, Peer, Shown};
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

/// A world with a prompt reader at place 0.
fn world(config: Config) -> World {
    let mut world = World::new(0, config);
    world.connect(Habit::Prompt, usize::MAX);
    world
}

fn lines(peer: &Peer) -> Vec<&str> {
    let mut lines = Vec::new();
    for shown in &peer.screen.shown {
        if let Shown::Public(line) = shown
            && !line.starts_with("***")
        {
            lines.push(line.as_str());
        }
    }
    lines
}

fn gaps(peer: &Peer) -> Vec<u64> {
    let gap = |shown: &Shown| match shown {
        Shown::Gap(lines) => Some(*lines),
        _ => None,
    };
    peer.screen.shown.iter().filter_map(gap).collect()
}

#[test]
fn a_client_that_takes_nothing_is_closed_at_the_stall_limit() {
    let mut world = world(Config { stall_timeout: Some(90 * SECOND), ..Config::default() });
    // Not even the welcome fits: it is owed something from the beginning.
    world.connect(Habit::Stuck, 10);
    world.turn();
    world.sleep(89 * SECOND);
    world.turn();
    assert_eq!(world.endings, []);
    assert_eq!(world.driver.chat.poll_timeout(world.driver.now), Some(world.driver.now + SECOND));
    world.sleep(SECOND);
    world.settle();
    assert_eq!(world.endings, [(1, CloseReason::Stalled, Closing::Abrupt)]);
    let last = world.peers[0].screen.shown.last();
    assert_eq!(last, Some(&Shown::Public("*** guest2 left (stopped reading)".into())));
}

#[test]
fn each_byte_taken_starts_the_stall_limit_again() {
    let mut world = world(Config { stall_timeout: Some(90 * SECOND), ..Config::default() });
    world.connect(Habit::Stuck, 10);
    world.turn();
    for _ in 0..3 {
        world.sleep(89 * SECOND);
        world.peers[1].read(1);
        world.turn();
    }
    assert_eq!(world.endings, []);
    world.sleep(90 * SECOND);
    world.settle();
    assert_eq!(world.endings, [(1, CloseReason::Stalled, Closing::Abrupt)]);
}

/// The process was stopped, and the client read what was on its way.
#[test]
fn nobody_is_closed_as_stalled_because_the_server_was_away() {
    let mut world = world(Config { stall_timeout: Some(90 * SECOND), ..Config::default() });
    world.connect(Habit::Stuck, 10);
    world.turn();
    for _ in 0..5 {
        world.peers[1].read(1);
        world.sleep(3600 * SECOND);
        world.settle();
        assert_eq!(world.endings, []);
    }
    world.sleep(90 * SECOND);
    world.settle();
    assert_eq!(world.endings, [(1, CloseReason::Stalled, Closing::Abrupt)]);
}

#[test]
fn without_a_stall_limit_a_stuck_client_stays() {
    let mut world = world(Config { stall_timeout: None, ..Config::default() });
    world.connect(Habit::Stuck, 10);
    world.turn();
    world.sleep(1_000_000 * SECOND);
    world.turn();
    assert_eq!(world.endings, []);
    assert_eq!(world.driver.chat.poll_timeout(world.driver.now), None);
}

#[test]
fn a_client_that_is_owed_nothing_may_be_silent_for_ever() {
    let mut world = world(Config::default());
    world.settle();
    world.sleep(1_000_000 * SECOND);
    world.turn();
    assert_eq!(world.endings, []);
    assert_eq!(world.driver.chat.poll_timeout(world.driver.now), None);
}

#[test]
fn lines_skipped_and_lines_delivered_are_the_lines_sent() {
    let mut world = world(Config { backlog_bytes_max: 8192, ..Config::default() });
    let slow = world.connect(Habit::Stuck, 300);
    let sender = world.connect(Habit::Prompt, usize::MAX);
    world.settle();
    for _ in 0..1000 {
        let text = world.peers[sender].next_text() + "\n";
        world.peers[sender].send(text.as_bytes());
        world.turn();
    }
    world.settle();
    world.peers[slow].habit = Habit::Prompt;
    world.settle();
    let slow = &world.peers[slow];
    let [gap] = gaps(slow)[..] else { panic!("one gap, not {:?}", gaps(slow)) };
    assert_eq!(gap as usize + lines(slow).len(), 1000);
    assert!(gap > 800, "{gap} lines skipped, with a log of 8 KiB");
    assert_eq!(lines(slow).last(), Some(&"<guest3> 2.1000"));
    assert_eq!(gaps(&world.peers[0]), [0; 0]);
}

#[test]
fn own_lines_are_no_gap() {
    let config = Config { backlog_bytes_max: 8192, on_lag: OnLag::Close, ..Config::default() };
    let mut world = world(config);
    let slow = world.connect(Habit::Stuck, 10);
    for _ in 0..1000 {
        let text = world.peers[slow].next_text() + "\n";
        world.peers[slow].send(text.as_bytes());
        world.turn();
    }
    world.peers[slow].habit = Habit::Prompt;
    world.settle();
    assert_eq!(world.endings, []);
    assert_eq!(gaps(&world.peers[slow]), [0; 0]);
    assert_eq!(lines(&world.peers[0]).len(), 1000);
}

#[test]
fn many_own_lines_between_others_take_several_writes() {
    let mut world = world(Config::default());
    let slow = world.connect(Habit::Stuck, 10);
    for _ in 0..200 {
        for number in [0, slow] {
            let text = world.peers[number].next_text() + "\n";
            world.peers[number].send(text.as_bytes());
            world.turn();
        }
    }
    world.peers[slow].habit = Habit::Prompt;
    world.peers[slow].kernel_bytes = usize::MAX;
    world.settle();
    assert_eq!(lines(&world.peers[slow]).len(), 200);
}

#[test]
fn with_on_lag_close_a_reader_that_falls_behind_is_told_and_closed() {
    let config = Config { backlog_bytes_max: 8192, on_lag: OnLag::Close, ..Config::default() };
    let mut world = world(config);
    let slow = world.connect(Habit::Stuck, 300);
    for _ in 0..1000 {
        let text = world.peers[0].next_text() + "\n";
        world.peers[0].send(text.as_bytes());
        world.turn();
    }
    world.peers[slow].habit = Habit::Prompt;
    world.settle();
    assert_eq!(world.endings, [(slow, CloseReason::Lagged, Closing::Polite)]);
    let slow = &world.peers[slow];
    slow.screen.assert_whole();
    let Some(Shown::Private(farewell)) = slow.screen.shown.last() else { panic!("no farewell") };
    let missed: usize =
        farewell.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a count");
    assert_eq!(missed + lines(slow).len(), 1000);
}

#[test]
fn a_stuck_reader_delays_nobody() {
    let lines_by_turn = |with_stuck: bool| {
        let mut world = world(Config::default());
        for _ in 0..50 {
            world.connect(Habit::Prompt, usize::MAX);
        }
        if with_stuck {
            world.connect(Habit::Stuck, 10);
        }
        world.settle();
        let turn = |_| {
            let texts: Vec<_> = world.peers.iter_mut().map(Peer::next_text).collect();
            for (peer, text) in world.peers.iter_mut().zip(texts).take(51) {
                peer.send(format!("{text}\n").as_bytes());
            }
            world.turn();
            world.peers[..51].iter().map(|peer| lines(peer).len()).collect()
        };
        (0..20).map(turn).collect::<Vec<Vec<_>>>()
    };
    assert_eq!(lines_by_turn(true), lines_by_turn(false));
}

#[test]
fn a_paste_arrives_whole_and_holds_nobody_up() {
    let mut world = world(Config::default());
    let (paster, other) =
        (world.connect(Habit::Prompt, usize::MAX), world.connect(Habit::Prompt, usize::MAX));
    world.settle();
    for _ in 0..500 {
        let text = world.peers[paster].next_text() + "\n";
        world.peers[paster].send(text.as_bytes());
    }
    world.peers[other].send(b"2.1\n");
    world.turn();
    assert!(lines(&world.peers[0]).contains(&"<guest3> 2.1"), "within the same turn");
    world.settle();
    let pasted: Vec<_> =
        lines(&world.peers[0]).into_iter().filter(|line| line.contains(" 1.")).collect();
    let expected: Vec<_> = (1..=500).map(|counter| format!("<guest2> 1.{counter}")).collect();
    assert_eq!(pasted, expected);
}

#[test]
fn a_firehose_laps_no_healthy_reader_and_silences_nobody() {
    let mut world = world(Config { backlog_bytes_max: 64 * 1024, ..Config::default() });
    world.faults = world.faults.and(Fault::CutFlushes);
    let hose = world.connect(Habit::Prompt, usize::MAX);
    let quiet: Vec<_> = (0..100).map(|_| world.connect(Habit::Prompt, usize::MAX)).collect();
    world.settle();
    world.peers[hose].send(&b"x\n".repeat(20_000));
    for &number in &quiet {
        let text = world.peers[number].next_text() + "\n";
        world.peers[number].send(text.as_bytes());
    }
    let are_heard =
        |world: &World| lines(&world.peers[0]).iter().filter(|line| line.contains('.')).count();
    while are_heard(&world) < 100 {
        world.turn();
        assert!(!world.peers[hose].to_server.is_empty(), "they had to wait for the hose");
    }
    world.settle();
    for &number in &quiet {
        assert_eq!(gaps(&world.peers[number]), [0; 0]);
        assert_eq!(lines(&world.peers[number]).len(), 20_000 + 99);
    }
}

#[test]
fn many_who_speak_in_one_turn_lap_no_healthy_reader() {
    let mut world = world(Config { backlog_bytes_max: 8192, ..Config::default() });
    let speakers: Vec<_> = (0..100).map(|_| world.connect(Habit::Prompt, usize::MAX)).collect();
    world.settle();
    for &number in &speakers {
        world.peers[number].send(&b"x\n".repeat(64));
    }
    world.settle();
    assert_eq!(gaps(&world.peers[0]), [0; 0]);
    assert_eq!(lines(&world.peers[0]).len(), 6400);
}

#[test]
fn answers_wait_for_their_reader_and_none_is_lost() {
    let mut world = world(Config::default());
    let asker = world.connect(Habit::Stuck, 1000);
    world.settle();
    world.peers[asker].send(&b"/who\n".repeat(20_000));
    world.peers[asker].send(b"1.1\n");
    // The invariants, checked each turn, bound what waits.
    world.settle();
    assert!(!world.peers[asker].to_server.is_empty(), "the rest isn't read yet");
    world.peers[asker].habit = Habit::Prompt;
    world.settle();
    let is_here =
        |shown: &&Shown| matches!(shown, Shown::Private(text) if text.contains(" here; "));
    assert_eq!(world.peers[asker].screen.shown.iter().filter(is_here).count(), 20_000);
    assert_eq!(lines(&world.peers[0]), ["<guest2> 1.1"]);
}

#[test]
fn a_half_closed_client_stays_a_second_for_replies() {
    let mut world = world(Config::default());
    let asker = world.connect(Habit::Prompt, usize::MAX);
    world.settle();
    world.peers[asker].send(b"1.1 who answers?");
    world.peers[asker].has_fin = true;
    world.settle();
    assert_eq!(lines(&world.peers[0]), ["<guest2> 1.1 who answers?"]);
    world.sleep(Duration::from_millis(999));
    world.peers[0].send(b"0.1 me\n");
    world.settle();
    assert_eq!(lines(&world.peers[asker]), ["<guest1> 0.1 me"]);
    assert_eq!(world.endings, []);
    world.sleep(Duration::from_millis(1));
    world.settle();
    assert_eq!(world.endings, [(asker, CloseReason::Quit, Closing::Polite)]);
}

#[test]
fn at_shutdown_a_stuck_client_has_five_seconds() {
    let mut world = world(Config::default());
    let stuck = world.connect(Habit::Stuck, 10);
    world.settle();
    world.driver.chat.handle_shutdown(world.driver.now);
    world.settle();
    assert_eq!(world.endings, [(0, CloseReason::Shutdown, Closing::Polite)]);
    world.sleep(5 * SECOND);
    world.settle();
    assert_eq!(world.endings[1], (stuck, CloseReason::Shutdown, Closing::Abrupt));
    assert_eq!(world.driver.chat.client_count(), 0);
}

#[test]
fn the_one_too_many_is_told_and_the_next_place_is_his() {
    let mut world = world(Config { clients_max: 2, ..Config::default() });
    let second = world.connect(Habit::Prompt, usize::MAX);
    let third = world.connect(Habit::Prompt, usize::MAX);
    world.settle();
    let refusal = "full: 2 clients are connected, which is the limit; try again later";
    assert_eq!(world.peers[third].screen.shown, [Shown::Private(refusal.into())]);
    assert_eq!(world.driver.chat.counts().endings[CloseReason::Refused(Refused::Full)], 1);
    world.peers[second].has_reset = true;
    world.settle();
    let fourth = world.connect(Habit::Prompt, usize::MAX);
    world.settle();
    assert_eq!(world.peers[fourth].guest_name().as_deref(), Some("guest3"));
}

#[test]
fn a_client_whose_input_waited_is_read_again() {
    // With one of these counts it is the last answer that makes the input wait.
    for answers in 550..650 {
        let mut world = world(Config::default());
        let asker = world.connect(Habit::Prompt, usize::MAX);
        world.settle();
        world.peers[asker].send(&b"/who\n".repeat(answers));
        world.peers[asker].send(b"1.1\n");
        world.settle();
        world.peers[asker].send(b"1.2\n");
        world.settle();
        assert_eq!(lines(&world.peers[0]), ["<guest2> 1.1", "<guest2> 1.2"]);
    }
}

#[test]
fn a_bucket_gives_so_many_at_once_and_then_one_in_each_interval() {
    let limit = Limit::new(3, 3 * SECOND);
    let (mut bucket, start) = (Bucket::default(), Instant::now());
    for _ in 0..3 {
        assert_eq!(bucket.take(&limit, start), Ok(()));
    }
    assert_eq!(bucket.take(&limit, start), Err(start + SECOND));
    assert_eq!(bucket.take(&limit, start + SECOND), Ok(()));
    assert_eq!(bucket.take(&limit, start + SECOND), Err(start + 2 * SECOND));
    // It holds no more than three however long nobody takes any.
    let later = start + 100 * SECOND;
    (0..3).for_each(|_| assert_eq!(bucket.take(&limit, later), Ok(())));
    assert!(bucket.take(&limit, later).is_err());
}

#[test]
fn what_is_owed_to_a_bucket_is_waited_for() {
    let limit = Limit::new(3, 3 * SECOND);
    let (mut bucket, start) = (Bucket::default(), Instant::now());
    bucket.owe(&limit, start, 10);
    assert_eq!(bucket.take(&limit, start), Err(start + 8 * SECOND));
    assert_eq!(bucket.take(&limit, start + 8 * SECOND), Ok(()));
}
