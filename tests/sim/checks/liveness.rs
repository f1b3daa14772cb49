//! Nobody waits for what never comes.

use std::time::Duration;

use roomcast::chat::ClientId;

use super::{Checker, order, said};
use crate::faults::Fault;
use crate::peer::{Habit, Peer, Shown};
use crate::world::World;

/// A newcomer is sent nothing for so long, and so not read if it asks for much.
const GREETING_DELAY: Duration = Duration::from_millis(300);

/// How long the store has to answer.
const STORE_TIME: Duration = Duration::from_secs(5);

/// Whether the chat has asked to be called again at once.
fn is_busy(world: &World) -> bool {
    world.chat.poll_timeout(world.now).is_some_and(|at| at <= world.now)
}

/// The caller waits for everything that the chat needs: no wake-up is lost.
#[derive(Debug, Default)]
pub struct Wakeups;

impl Checker for Wakeups {
    fn name(&self) -> &'static str {
        "no lost wake-up"
    }

    fn turn(&mut self, world: &World) {
        let (is_busy, timeout) = (is_busy(world), world.chat.poll_timeout(world.now));
        // That a connection is broken is told whatever the caller waits for.
        let is_whole = |(_, number): &(ClientId, &usize)| !world.peers[**number].is_broken();
        for (id, &number) in world.ids.iter().filter(is_whole) {
            let (wanted, asked) = (world.chat.interest(id), world.interests[id]);
            // To wait for too much costs a turn; to wait for too little, the client. While
            // it is busy the chat may have more to say about that.
            assert!(is_busy || asked.read || !wanted.read, "{number} isn't read");
            assert!(is_busy || asked.write || !wanted.write, "{number} isn't written to");
            let peer = &world.peers[number];
            let is_masked = !wanted.read && !wanted.write;
            // One that gives a password arrives then, and is greeted soon; so does one that
            // was taken for a spare connection of a browser, when it sends something.
            let is_let_in = may_arrive_later(world)
                && timeout.is_some_and(|at| at <= world.now + GREETING_DELAY);
            let is_arriving = is_let_in || world.now < peer.took_at + GREETING_DELAY;
            let is_throttled = world.chat.is_held_back(id) && timeout.is_some();
            // The store and the engine have so long to answer.
            let is_asking = world.store.is_some() || world.chat.config().is_shared;
            let has_asked = is_asking && timeout.is_some_and(|at| at <= world.now + STORE_TIME);
            let is_waiting = is_busy || is_arriving || is_throttled || peer.is_fin_read;
            let is_waiting = is_waiting || has_asked;
            assert!(is_waiting || !is_masked, "{number} is forgotten");
            has_deadline(peer, world);
        }
    }
}

/// Whether clients may be greeted later than they come.
fn may_arrive_later(world: &World) -> bool {
    let config = world.chat.config();
    config.password.is_some() || config.has_web || world.faults.has(Fault::Records)
}

/// Promise 7: there will be an end to a client that takes nothing.
fn has_deadline(peer: &Peer, world: &World) {
    let (Some(since), Some(limit)) = (peer.stalled_since, world.chat.config().stall_timeout) else {
        return;
    };
    let timeout = world.chat.poll_timeout(world.now);
    // One that has just arrived is written to when it is greeted.
    let greeting = if may_arrive_later(world) { GREETING_DELAY } else { Duration::ZERO };
    let is_watched = timeout.is_some_and(|at| at <= world.now.max(since + limit) + greeting);
    let late = timeout.map(|at| at - since);
    assert!(is_watched, "{} is stuck for {late:?}, not {limit:?}", peer.number);
}

/// When the chat has nothing to do, who reads has been told the newest line.
/// Only for rooms that tell of everyone at once.
#[derive(Debug, Default)]
pub struct Deliveries;

impl Checker for Deliveries {
    fn name(&self) -> &'static str {
        "nothing is left undelivered"
    }

    fn turn(&mut self, world: &World) {
        if is_busy(world) {
            return;
        }
        let order = order(world);
        for (id, &number) in &world.ids {
            let peer = &world.peers[number];
            let is_reading = peer.habit == Habit::Prompt && !peer.is_broken();
            let has_read = is_reading && peer.to_client.is_empty();
            if has_read && !peer.has_pending() && !world.chat.interest(id).write {
                let config = world.chat.config();
                // What comes before it may be for it, or not: see `Order`.
                if !config.is_shared || peer.screen.shown.iter().any(|it| it.public().is_some()) {
                    was_told_the_newest(&order, peer, config.echo, config.is_shared);
                }
            }
        }
    }
}

fn was_told_the_newest(order: &[&str], peer: &Peer, is_echo: bool, is_shared: bool) {
    let Some(guest) = peer.guest_name() else { return };
    let joined = format!("*** {guest} joined");
    let is_own = |line: &str| said(line).is_some_and(|(number, _)| number == peer.number);
    let is_for_it = |line: &&&str| {
        // In a shared room it has been shown what came before the line that tells of it.
        (is_echo || !is_own(line)) && !(is_shared && **line == joined)
    };
    let newest = order.iter().rev().find(is_for_it);
    let mut shown = peer.screen.shown.iter().rev();
    let newest_shown = shown.find(|shown| !matches!(shown, Shown::Private(_)));
    if let Some(Shown::Gap(_)) = newest_shown {
        // Only its own lines are behind the gap.
        return;
    }
    let told = newest_shown.and_then(Shown::public);
    // What came before it isn't for it.
    let is_first = newest == Some(&joined.as_str()) && told.is_none();
    assert!(is_first || told == newest.copied(), "{}: {told:?}, not {newest:?}", peer.number);
}
