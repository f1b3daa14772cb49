//! What the store was asked and hasn't answered.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ecow::EcoString;
use hashbrown::HashMap;

use crate::chat::ids::ClientId;
use crate::chat::linking::sent::Sent;
use crate::chat::names::nick::Nick;
use crate::chat::names::secret::Deed;
use crate::chat::room::RoomId;
use crate::wire::{Past, RoomKey};

/// How long the store has to answer. Then a client that waits goes on without.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// Questions that are open. Each client that is waited for has one at most.
#[derive(Debug, Default)]
pub(in crate::chat) struct Lookups {
    newest: u64,
    open: HashMap<u64, Asked>,
    /// When each of them has to be answered, in that order. Some may be.
    due: VecDeque<(Instant, u64)>,
}

/// What is asked.
#[derive(Debug)]
pub(in crate::chat) enum Asked {
    /// The room of this name, which these clients want to enter.
    Room { name: Nick, waiting: Vec<ClientId> },
    /// A page for this client.
    Page(ClientId),
    /// What this client searches for.
    Search(ClientId),
    /// What somebody said last.
    Last(Box<Wanted>),
    /// Whether this client may have a name.
    Name(ClientId, Nick),
    /// What is to be done for this client if its secret is right.
    Secret(ClientId, Deed),
    /// How a room goes on that was opened while the engine was away.
    Reopened(RoomId),
    /// What has come of an errand.
    Errand(Sent),
    /// What the store lacks of a room.
    Repair(Arc<RoomKey>),
}

/// What a client wants to know of what a user said.
#[derive(Debug)]
pub(in crate::chat) struct Wanted {
    pub client: ClientId,
    /// The user's name.
    pub name: EcoString,
    /// What was in memory, oldest first.
    pub lines: Vec<Past>,
}

impl Lookups {
    /// Adds a question; gives its ticket.
    pub fn add(&mut self, now: Instant, asked: Asked) -> u64 {
        self.newest += 1;
        self.open.insert(self.newest, asked);
        self.due.push_back((now + ANSWER_TIME, self.newest));
        self.newest
    }

    /// Whether an answer is waited for.
    pub fn is_open(&self, ticket: u64) -> bool {
        self.open.contains_key(&ticket)
    }

    /// Takes a question out that was answered.
    pub fn take(&mut self, ticket: u64) -> Option<Asked> {
        let asked = self.open.remove(&ticket);
        while self.due.pop_front_if(|(_, ticket)| !self.open.contains_key(ticket)).is_some() {}
        asked
    }

    /// The next question that should have been answered by `now`.
    pub fn next_late(&self, now: Instant) -> Option<u64> {
        self.due.front().filter(|(at, _)| *at <= now).map(|(_, ticket)| *ticket)
    }

    /// When that will be.
    pub fn deadline(&self) -> Option<Instant> {
        self.due.front().map(|(at, _)| *at)
    }

    /// Makes a client wait for a room that the store is already asked for; false if it
    /// isn't.
    pub fn join(&mut self, name: &Nick, id: ClientId) -> bool {
        for asked in self.open.values_mut() {
            if let Asked::Room { name: other, waiting } = asked
                && other.is_same(name)
            {
                waiting.push(id);
                return true;
            }
        }
        false
    }

    /// Rooms that the store was asked for.
    pub fn rooms(&self) -> usize {
        self.open.values().filter(|asked| matches!(asked, Asked::Room { .. })).count()
    }

    /// Whether the engine was asked how a room goes on that was opened without it.
    pub fn is_reopening(&self, room: RoomId) -> bool {
        self.open.values().any(|asked| matches!(asked, Asked::Reopened(other) if *other == room))
    }

    /// Whether the store was asked something for a client.
    pub fn has(&self, id: ClientId) -> bool {
        self.open.values().any(|asked| match asked {
            Asked::Room { waiting, .. } => waiting.contains(&id),
            Asked::Page(other) | Asked::Search(other) | Asked::Name(other, _) => *other == id,
            Asked::Errand(Sent { from, .. }) => *from == id,
            Asked::Last(wanted) => wanted.client == id,
            Asked::Secret(other, _) => *other == id,
            Asked::Reopened(_) | Asked::Repair(_) => false,
        })
    }

    /// How many searches are under way.
    pub fn searches(&self) -> usize {
        self.open
            .values()
            .filter(|asked| matches!(asked, Asked::Search(_) | Asked::Last(_)))
            .count()
    }
}
