//! The order of the room.

use roomcast::chat::{CloseReason, Closing};

use super::{Checker, order, said};
use crate::peer::{Habit, Peer, Shown};
use crate::world::World;

/// Promises 1, 2, 3 and 6: one order for all, nothing torn, and gaps as long as
/// they are said to be.
#[derive(Debug, Default)]
pub struct Order;

impl Checker for Order {
    fn name(&self) -> &'static str {
        "one order for all"
    }

    fn rest(&mut self, world: &World) {
        let order = order(world);
        for peer in &world.peers {
            everything_is_said_once(&order, peer);
            let config = world.chat.config();
            let due = match config.is_shared {
                true => due_when_shared(&order, peer, config.echo),
                false => due(&order, peer, config.echo),
            };
            let told = stream_is_the_order(&due, peer);
            if peer.habit != Habit::Stuck {
                everything_owed_was_told(&due[told..], peer, world);
            }
            if !peer.is_cut && peer.habit == Habit::Prompt {
                peer.screen.assert_whole();
            }
        }
    }
}

/// What a client says is in the order once, in its own order, and all of it if
/// the server took all of its input.
fn everything_is_said_once(order: &[&str], peer: &Peer) {
    let counters: Vec<u64> = order
        .iter()
        .filter_map(|line| said(line))
        .filter_map(|(number, counter)| (number == peer.number).then_some(counter))
        .collect();
    let expected: Vec<u64> = (1..=counters.len() as u64).collect();
    assert_eq!(counters, expected, "what {} said", peer.number);
    // One that doesn't read its answers isn't read either.
    if peer.is_open && !peer.is_broken() && peer.habit != Habit::Stuck {
        assert_eq!(counters.len() as u64, peer.counter, "{} wasn't heard", peer.number);
    }
}

/// What is for a client: the order from its coming on, less its own lines.
fn due<'a>(order: &[&'a str], peer: &Peer, is_echo: bool) -> Vec<&'a str> {
    let joined = peer.guest_name().map(|guest| format!("*** {guest} joined"));
    let start = order.iter().position(|line| Some(*line) == joined.as_deref());
    let is_for_peer =
        |line: &&&str| is_echo || said(line).is_none_or(|(number, _)| number != peer.number);
    order[start.map_or(0, |at| at + 1)..].iter().filter(is_for_peer).copied().collect()
}

/// In a shared room the line that tells of a client comes later than itself. What comes before
/// it may be for the client: from the first line on that it was shown. (Some lines are there
/// more than once.)
fn due_when_shared<'a>(order: &[&'a str], peer: &Peer, is_echo: bool) -> Vec<&'a str> {
    let joined = peer.guest_name().map(|guest| format!("*** {guest} joined"));
    let is_own = |line: &str| said(line).is_some_and(|(number, _)| number == peer.number);
    let is_for_peer =
        |line: &&&str| (is_echo || !is_own(line)) && Some(**line) != joined.as_deref();
    let due = |start: usize| order[start..].iter().filter(is_for_peer).copied().collect::<Vec<_>>();
    let shown: Vec<_> = peer.screen.shown.iter().filter_map(Shown::public).collect();
    let at_joined = order.iter().position(|line| Some(*line) == joined.as_deref());
    let Some(first) = shown.first() else { return due(at_joined.unwrap_or_default()) };
    let starts = (0..order.len()).rev().filter(|&at| order[at] == *first);
    let mut dues = starts.map(due);
    dues.find(|due| due.starts_with(&shown)).unwrap_or_else(|| due(at_joined.unwrap_or_default()))
}

/// What a client was shown is what is due, less exactly what gaps announce.
/// Gives how much that was.
fn stream_is_the_order(due: &[&str], peer: &Peer) -> usize {
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
    at
}

/// What a client that reads hasn't been told of isn't for it.
fn everything_owed_was_told(rest: &[&str], peer: &Peer, world: &World) {
    let number = peer.number;
    if peer.is_open && peer.guest_name().is_some() {
        assert_eq!(rest, [""; 0], "{number} wasn't told everything");
    }
    if world.chat.config().is_shared {
        // What was on its way when it left isn't for it.
        return;
    }
    match world.endings.iter().find(|(other, ..)| *other == number) {
        Some((_, CloseReason::Quit, Closing::Polite)) if peer.guest_name().is_some() => {
            let next = rest.first().expect("others are told that it left");
            let is_own_leaving = next.starts_with("*** ") && next.contains(" left");
            assert!(is_own_leaving, "{number} was owed {next}");
            if !peer.is_fin_read {
                // It said /quit: promise 27.
                let last = peer.screen.shown.last();
                let is_goodbye = |text: &String| text.starts_with("goodbye");
                let is_told = matches!(last, Some(Shown::Private(text)) if is_goodbye(text));
                assert!(is_told, "{number} was told {last:?} at last");
            }
        }
        Some((_, CloseReason::Shutdown, Closing::Polite)) => {
            assert_eq!(rest, [""; 0], "{number} wasn't told everything");
            let last = peer.screen.shown.iter().rev().find_map(Shown::public);
            assert_eq!(last, Some("*** the server is shutting down"));
        }
        _ => {}
    }
}
