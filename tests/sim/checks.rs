//! What must hold after a storm, seen only through what clients were shown.
//!
//! The observer, a silent client that always reads, was there from the begin:
//! what it was shown is the order of the room.

use std::collections::HashMap;

use roomcast::chat::{Closing, Ending};

use crate::peer::{Habit, Peer, Shown};
use crate::world::World;

/// Who said a public line, and its counter.
fn said(line: &str) -> Option<(usize, u64)> {
    let text = match line.strip_prefix("* ") {
        Some(act) => act.split_once(' ')?.1,
        None => line.strip_prefix('<')?.split_once("> ")?.1,
    };
    let word =
        text.trim_start_matches('/').split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let (number, counter) = word.split_once('.')?;
    Some((number.parse().ok()?, counter.parse().ok()?))
}

/// What nobody else may have at the same time: the name without case and proof.
fn key(name: &str) -> String {
    name.split('!').next().expect("split gives one").to_lowercase()
}

/// The label of a public line that somebody said.
fn label(line: &str) -> &str {
    match line.strip_prefix("* ") {
        Some(act) => act.split(' ').next().expect("split gives one"),
        None => &line[1..line.find('>').expect("the end of the label")],
    }
}

pub fn check(world: &World, is_echo: bool) {
    let observer = &world.peers[0];
    let order: Vec<&str> = observer
        .screen
        .shown
        .iter()
        .filter_map(|shown| match shown {
            Shown::Public(line) => Some(line.as_str()),
            Shown::Private(_) => None,
            Shown::Gap(lines) => panic!("a healthy reader was lapped by {lines} lines"),
        })
        .collect();
    names_are_true(&order, &world.peers);
    for peer in &world.peers {
        everything_is_said_once(&order, peer, world);
        stream_is_the_order(&order, peer, world, is_echo);
        if !peer.is_cut && peer.habit == Habit::Prompt {
            peer.screen.assert_whole();
        }
    }
}

/// Promise 13: the name on a line is at that time the name of who said it.
fn names_are_true(order: &[&str], peers: &[Peer]) {
    let guests: HashMap<String, usize> =
        peers.iter().filter_map(|peer| Some((peer.guest_name()?, peer.number))).collect();
    let mut names: HashMap<String, usize> = HashMap::from([("guest1".into(), 0)]);
    for line in order {
        let Some(notice) = line.strip_prefix("*** ") else {
            let (number, _) = said(line).unwrap_or_else(|| panic!("said by nobody: {line:?}"));
            let holder = names.get_mut(&key(label(line))).expect("a name in use");
            if *holder == usize::MAX {
                *holder = number;
            }
            assert_eq!(*holder, number, "not the name of its sender: {line:?}");
            continue;
        };
        if let Some(name) = notice.strip_suffix(" joined") {
            // One that hasn't read its welcome is known by what it says first.
            let number = guests.get(name).copied().unwrap_or(usize::MAX);
            assert_eq!(names.insert(key(name), number), None, "two have the name {name}");
        } else if let Some((old, new)) = notice.split_once(" is now ") {
            let number = names.remove(&key(old)).expect("the old name was in use");
            assert_eq!(names.insert(key(new), number), None, "two have the name {new}");
        } else if let Some((name, _)) = notice.split_once(" left") {
            assert!(names.remove(&key(name)).is_some(), "{name} wasn't here");
        } else {
            assert_eq!(notice, "the server is shutting down");
        }
    }
}

/// Promises 1 and 2: what a client says is in the order once, in its own order,
/// and all of it if the server took all of its input.
fn everything_is_said_once(order: &[&str], peer: &Peer, world: &World) {
    let counters: Vec<u64> = order
        .iter()
        .filter_map(|line| said(line))
        .filter_map(|(number, counter)| (number == peer.number).then_some(counter))
        .collect();
    let expected: Vec<u64> = (1..=counters.len() as u64).collect();
    assert_eq!(counters, expected, "what {} said", peer.number);
    let is_complete = peer.is_open && !world.faults_end_input(peer);
    if is_complete {
        assert_eq!(counters.len() as u64, peer.counter, "{} wasn't heard", peer.number);
    }
}

/// Promises 1, 3 and 6: what a client was shown is the order from its coming
/// on, less its own lines and less exactly what gaps announce.
fn stream_is_the_order(order: &[&str], peer: &Peer, world: &World, is_echo: bool) {
    let Some(guest) = peer.guest_name() else { return };
    let joined = format!("*** {guest} joined");
    let start = order.iter().position(|line| *line == joined).map_or(0, |at| at + 1);
    let is_for_peer =
        |line: &&&str| is_echo || said(line).is_none_or(|(number, _)| number != peer.number);
    let due: Vec<&str> = order[start..].iter().filter(is_for_peer).copied().collect();
    let mut at = 0;
    for shown in &peer.screen.shown {
        match shown {
            Shown::Private(_) => {}
            Shown::Gap(lines) => at += *lines as usize,
            Shown::Public(line) => {
                assert_eq!(due.get(at), Some(&line.as_str()), "to {} at {at}", peer.number);
                at += 1;
            }
        }
    }
    if peer.is_open && peer.habit != Habit::Stuck {
        assert_eq!(at, due.len(), "{} wasn't told everything", peer.number);
    }
    let ending = world.endings.iter().find(|(number, ..)| *number == peer.number);
    match ending {
        // What it was owed: everything before its own leaving.
        Some((_, Ending::Quit, Closing::Polite)) if peer.habit != Habit::Stuck => {
            let next = due.get(at).expect("others are told that it left");
            assert!(
                next.starts_with("*** ") && next.contains(" left"),
                "{} was owed {next}",
                peer.number
            );
        }
        Some((_, Ending::Shutdown, Closing::Polite)) if peer.habit != Habit::Stuck => {
            assert_eq!(at, due.len());
            assert_eq!(due.last(), Some(&"*** the server is shutting down"));
        }
        _ => {}
    }
}
