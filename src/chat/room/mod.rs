//! One room: its log, and who is in it.

// In reading order.
pub(super) mod key;
mod place;
mod limits;
pub(super) mod cleared;
mod ring;
mod image;
pub(super) mod log;
pub(super) mod presence;
pub(super) mod visits;
mod own;
pub(super) mod filter;
mod extra;
mod walk;
pub(super) mod cursor;
pub(super) mod table;
#[cfg(test)]
mod model;

use std::sync::Arc;

use self::cleared::Cleared;
use self::key::{is_stored, key_of};
use self::log::{Limits, Log, Seq};
use self::presence::Presence;
use crate::chat::config::Config;
use crate::chat::ids::ClientId;
use crate::chat::names::nick::Nick;
use crate::wire::{Encoding, RoomKey, Rules};

slotmap::new_key_type! {
    /// Names one room while it exists.
    pub(super) struct RoomId;
}

/// How far the counting of lines has come on all servers.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Names the counting; empty as long as it isn't known.
    pub run: Box<str>,
    /// The number of the newest line.
    pub newest: u64,
}

/// A room and its members.
#[derive(Debug)]
pub(super) struct Room {
    pub name: Nick,
    pub topic: Option<Box<str>>,
    /// What operators have set.
    pub rules: Rules,
    /// How the store and other servers know it; `None` if neither does.
    pub key: Option<Arc<RoomKey>>,
    /// What is said here is stored.
    pub is_stored: bool,
    /// Somebody has said something here, so all is stored.
    pub is_kept: bool,
    pub log: Log,
    /// How far it has come on all servers, if these share it.
    pub shared: Counted,
    pub presence: Presence,
    /// The first line that the members haven't been queued for.
    unqueued: Seq,
    /// Each member knows its place here.
    members: Vec<ClientId>,
    /// Sessions that read the log: the members, and those that leave and are still
    /// owed something of it.
    readers: usize,
}

impl Room {
    pub fn new(name: Nick, config: &Config) -> Self {
        Self::with_limits(name, config, config.log_limits())
    }

    pub fn with_limits(name: Nick, config: &Config, limits: Limits) -> Self {
        let key = key_of(&name, config);
        let is_stored = is_stored(&name, config);
        let is_left_out = config.has_store && !is_stored;
        let run = if is_left_out { &config.unstored_run } else { &config.run };
        let log = Log::new(name.as_str(), run, limits)
            .with_echo(config.echo)
            .with_zone(config.zone.clone());
        let presence = Presence::default();
        Room {
            name,
            topic: None,
            rules: Rules::default(),
            key,
            is_stored,
            is_kept: false,
            log,
            shared: Counted::default(),
            unqueued: 0,
            presence,
            members: Vec::new(),
            readers: 0,
        }
    }

    /// Whether the engine has said how it goes on, so that what others say is read.
    pub fn is_watched(&self) -> bool {
        !self.shared.run.is_empty()
    }

    /// Names the counting of lines that everybody knows.
    pub fn run(&self) -> &str {
        if self.shared.run.is_empty() { self.log.run() } else { &self.shared.run }
    }

    /// The number of the newest line of that.
    pub fn newest(&self) -> u64 {
        if self.shared.run.is_empty() { self.log.newest() } else { self.shared.newest }
    }

    /// The number of the first line of it at a place of the log or later.
    pub fn number_from(&self, seq: Seq) -> u64 {
        self.log.number_from(self.run(), seq).unwrap_or(self.newest() + 1)
    }

    /// Takes the lines with these numbers out of the log; gives where they were.
    pub fn clear(&mut self, run: &str, first: u64, last: u64) -> Cleared {
        let cleared = self.log.clear(run, first, last);
        self.unqueued = cleared.moved(self.unqueued);
        cleared
    }

    /// Everyone who is here, in no order.
    pub fn members(&self) -> &[ClientId] {
        &self.members
    }

    /// A session reads the log from now on. Gives its place among the members.
    pub fn add_member(&mut self, id: ClientId) -> u32 {
        self.readers += 1;
        self.members.push(id);
        // As many as there are descriptors at most.
        (self.members.len() - 1) as u32
    }

    /// A member leaves, and may still read the log. Gives the member that has its place
    /// now, if there is one.
    pub fn remove_member(&mut self, place: u32) -> Option<ClientId> {
        self.members.swap_remove(place as usize);
        self.members.get(place as usize).copied()
    }

    /// A session doesn't read the log any more.
    pub fn remove_reader(&mut self, encoding: Encoding) {
        self.log.release(encoding);
        self.readers -= 1;
    }

    pub fn readers(&self) -> usize {
        self.readers
    }

    /// The first line that the members haven't been queued for.
    pub fn unqueued(&self) -> Seq {
        self.unqueued
    }

    /// The members are queued for all that was added so far.
    pub fn set_queued(&mut self) {
        self.unqueued = self.log.next();
    }

    /// Whether lines have been added that nobody is queued for.
    pub fn is_dirty(&self) -> bool {
        self.unqueued < self.log.next()
    }
}
