//! Who is told of comings and goings, and when.

use std::time::Duration;

use roomcast::chat::Config;

use crate::peer::{Habit, Shown};
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);
const TENTH: Duration = Duration::from_millis(100);

/// A room where an observer has been for long, who has spoken.
fn world() -> World {
    let mut world = World::new(7, Config { fold_time: 5 * SECOND, ..Config::default() });
    world.connect(Habit::Prompt, usize::MAX);
    world.settle();
    world.sleep(60 * SECOND);
    world.settle();
    world.peers[0].send(b"hello\n");
    pass(&mut world, 6 * SECOND);
    world
}

fn guest(world: &mut World) -> usize {
    world.connect(Habit::Prompt, usize::MAX)
}

/// A newcomer that shows that somebody is there, and says nothing.
fn asking_guest(world: &mut World) -> usize {
    let guest = guest(world);
    world.peers[guest].send(b"/seq\n");
    guest
}

/// Lets `time` pass in small steps.
fn pass(world: &mut World, time: Duration) {
    for _ in 0..time.as_millis() / 50 {
        world.sleep(Duration::from_millis(50));
        world.settle();
    }
}

/// What everybody was told, as the observer has seen it.
fn heard(world: &World) -> Vec<&str> {
    heard_by(world, 0)
}

fn heard_by(world: &World, peer: usize) -> Vec<&str> {
    fn public(shown: &Shown) -> Option<&str> {
        match shown {
            Shown::Public(line) => Some(line.as_str()),
            _ => None,
        }
    }
    world.peers[peer].screen.shown.iter().filter_map(public).collect()
}

#[test]
fn a_thousand_who_come_and_go_make_two_notices() {
    let mut world = world();
    let guests: Vec<_> = (0..1000).map(|_| guest(&mut world)).collect();
    pass(&mut world, 15 * SECOND + TENTH);
    assert_eq!(heard(&world), ["*** 1000 joined"]);
    for &guest in &guests {
        world.peers[guest].has_reset = true;
    }
    pass(&mut world, 5 * SECOND + TENTH);
    assert_eq!(heard(&world), ["*** 1000 joined", "*** 1000 left"]);
}

#[test]
fn coming_and_going_within_one_notice_is_nobodys_news() {
    let mut world = world();
    for _ in 0..8 {
        let guest = guest(&mut world);
        pass(&mut world, SECOND / 2);
        assert!(world.peers[guest].guest_name().is_some(), "it was greeted");
        world.peers[guest].send(b"/nick somebody\n/quit\n");
    }
    pass(&mut world, 10 * SECOND);
    assert_eq!(heard(&world), [""; 0]);
}

/// Lets two users come who are told of and say nothing.
fn two_silent(world: &mut World) -> (usize, usize) {
    let (ann, bob) = (asking_guest(world), asking_guest(world));
    pass(world, 15 * SECOND);
    assert_eq!(heard(world), ["*** guest2 and guest3 joined"]);
    world.peers[0].screen.shown.clear();
    (ann, bob)
}

#[test]
fn going_and_coming_back_within_one_notice_is_nobodys_news() {
    let mut world = world();
    let (ann, bob) = two_silent(&mut world);
    for _ in 0..2 {
        world.peers[bob].send(b"/join dev\n/leave\n");
        world.settle();
    }
    pass(&mut world, 6 * SECOND);
    assert_eq!(heard(&world), [""; 0]);
    // Another one who left in the meantime is told of.
    for number in [ann, bob] {
        world.peers[number].send(b"/join dev\n");
        world.settle();
    }
    world.peers[bob].send(b"/leave\n");
    pass(&mut world, 6 * SECOND);
    assert_eq!(heard(&world), ["*** 1 left"]);
    world.peers[ann].send(b"/leave\n");
    pass(&mut world, 6 * SECOND);
    assert_eq!(heard(&world)[1..], ["*** guest2 joined"]);
}

#[test]
fn who_comes_back_by_another_name_is_told_of() {
    let mut world = world();
    let (_, bob) = two_silent(&mut world);
    world.peers[bob].send(b"/join dev\n/nick bob\n/leave\n");
    pass(&mut world, 6 * SECOND);
    assert_eq!(heard(&world), ["*** bob joined, 1 left"]);
}

#[test]
fn a_single_one_is_told_by_name_when_the_time_is_over() {
    let mut world = world();
    let guest = guest(&mut world);
    world.peers[guest].send(b"/seq\n");
    pass(&mut world, 5 * SECOND);
    assert_eq!(heard(&world), [""; 0]);
    pass(&mut world, TENTH);
    assert_eq!(heard(&world), ["*** guest2 joined"]);
    world.peers[guest].send(b"/quit\n");
    world.settle();
    pass(&mut world, 5 * SECOND - TENTH);
    assert_eq!(heard(&world), ["*** guest2 joined"]);
    pass(&mut world, TENTH);
    assert_eq!(heard(&world), ["*** guest2 joined", "*** guest2 left"]);
}

#[test]
fn one_who_speaks_is_told_at_once_and_not_counted() {
    let mut world = world();
    let (ann, _silent) = (guest(&mut world), guest(&mut world));
    pass(&mut world, TENTH);
    world.peers[ann].send(b"/nick ann\nhi\n/nick eve\n/quit\n");
    world.settle();
    let told = ["*** ann joined", "<ann> hi", "*** ann is now eve", "*** eve left"];
    assert_eq!(heard(&world), told);
    pass(&mut world, 15 * SECOND);
    assert_eq!(heard(&world)[4..], ["*** guest3 joined"]);
}

#[test]
fn a_visit_that_only_posts_is_told_of_by_its_line_only() {
    let mut world = world();
    for _ in 0..3 {
        let ci = guest(&mut world);
        world.peers[ci].send(b"/nick ci\nbuild ok\n");
        world.peers[ci].has_fin = true;
        pass(&mut world, 2 * SECOND);
        assert_eq!(world.peers[ci].screen.shown, [Shown::Public("*** you are now ci".into())]);
    }
    pass(&mut world, 10 * SECOND);
    assert_eq!(heard(&world), ["<ci> build ok"; 3]);
}

#[test]
fn one_who_posts_and_stays_to_talk_is_told_of_when_it_leaves() {
    let mut world = world();
    let ann = guest(&mut world);
    world.peers[ann].send(b"hi\n");
    pass(&mut world, SECOND);
    world.peers[ann].send(b"anybody?\n/quit\n");
    world.settle();
    assert_eq!(heard(&world), ["<guest2> hi", "<guest2> anybody?", "*** guest2 left"]);
}

#[test]
fn comings_and_goings_of_the_silent_share_a_notice() {
    let mut world = world();
    let first: Vec<_> = (0..6).map(|_| asking_guest(&mut world)).collect();
    pass(&mut world, 6 * SECOND);
    let second: Vec<_> = (0..3).map(|_| asking_guest(&mut world)).collect();
    first[..2].iter().for_each(|&guest| world.peers[guest].has_reset = true);
    pass(&mut world, 6 * SECOND);
    let notices = ["*** 6 joined", "*** guest8, guest9 and guest10 joined, 2 left"];
    assert_eq!(heard(&world), notices);
    let told = |peer: usize| heard_by(&world, peer).contains(&notices[1]);
    assert!(told(first[3]) && !second.into_iter().any(told), "nobody is told of itself");
}

/// A health check connects and waits for the greeting, once a second.
#[test]
fn who_says_nothing_and_goes_within_ten_seconds_is_not_mentioned() {
    let mut world = world();
    for _ in 0..30 {
        let check = guest(&mut world);
        pass(&mut world, SECOND);
        assert!(world.peers[check].guest_name().is_some(), "it was greeted");
        world.peers[check].has_fin = true;
    }
    let last = guest(&mut world);
    pass(&mut world, 9 * SECOND);
    world.peers[last].has_reset = true;
    pass(&mut world, 20 * SECOND);
    assert_eq!(heard(&world), [""; 0]);
    // A client that stays is told of, and so is its end.
    let silent = guest(&mut world);
    pass(&mut world, 16 * SECOND);
    assert_eq!(heard(&world), ["*** guest33 joined"]);
    world.peers[silent].has_reset = true;
    pass(&mut world, 6 * SECOND);
    assert_eq!(heard(&world)[1..], ["*** guest33 left (connection reset)"]);
}
