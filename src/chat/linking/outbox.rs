//! What was said here and has no place yet in a room that several servers share.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::chat::ids::ClientId;
use crate::chat::room::log::{HiddenFrom, Line};
use crate::wire::{Batch, News, RoomKey, StoredLine};

/// Lines that are on their way at most; then no client is read until some have come back.
const LINES_MAX: usize = 20_000;

/// Bytes of lines that the link hasn't taken.
const BYTES_MAX: usize = 1024 * 1024;

/// The part of the chat that the link sees.
#[derive(Debug, Default)]
pub(in crate::chat) struct Outbox {
    /// What the link hasn't taken.
    batch: Batch,
    /// Lines so far. Each has its count from 1 on.
    count: u64,
    /// Lines that haven't come back, in their order.
    pending: VecDeque<Pending>,
    /// The engine answers.
    is_up: bool,
}

/// A line that hasn't come back.
#[derive(Debug)]
pub(in crate::chat) struct Pending {
    count: u64,
    pub author: ClientId,
    /// Those who know it.
    hidden: Hidden,
}

/// `HiddenFrom` of a line that is to come.
#[derive(Debug)]
enum Hidden {
    Nobody,
    Author,
    These(Box<[ClientId]>),
}

impl Outbox {
    /// Hands a line over that was said in a room.
    pub fn add(&mut self, room: &Arc<RoomKey>, line: &Line<'_>, hidden: HiddenFrom<'_>) {
        self.count += 1;
        let Line { author, kind, time, from, text } = *line;
        let number = self.count;
        self.batch.push(room, News::Line(StoredLine { number, time, kind, from, text }));
        let hidden = match hidden {
            HiddenFrom::Nobody => Hidden::Nobody,
            HiddenFrom::Author => Hidden::Author,
            HiddenFrom::These(clients) => Hidden::These(clients.into()),
        };
        self.pending.push_back(Pending { count: self.count, author, hidden });
    }

    /// Hands over what a room is about.
    pub fn add_topic(&mut self, room: &Arc<RoomKey>, topic: &str) {
        self.batch.push(room, News::Topic(topic));
    }

    /// A line of this server has come back; gives what is known of it. (Of lines before it
    /// nothing comes any more: the engine has forgotten them.)
    pub fn take_back(&mut self, count: u64) -> Option<Pending> {
        while self.pending.pop_front_if(|pending| pending.count < count).is_some() {}
        self.pending.pop_front_if(|pending| pending.count == count)
    }

    /// Whether there is something for the link.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// What the link is given.
    pub fn take(&mut self) -> Batch {
        std::mem::take(&mut self.batch)
    }

    /// Whether more may be said now.
    pub fn has_place(&self) -> bool {
        self.pending.len() < LINES_MAX && self.batch.bytes() < BYTES_MAX
    }

    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// The engine answers, or doesn't; gives how it was.
    pub fn set_up(&mut self, is_up: bool) -> bool {
        std::mem::replace(&mut self.is_up, is_up)
    }
}

impl Pending {
    pub fn hidden(&self) -> HiddenFrom<'_> {
        match &self.hidden {
            Hidden::Nobody => HiddenFrom::Nobody,
            Hidden::Author => HiddenFrom::Author,
            Hidden::These(clients) => HiddenFrom::These(clients),
        }
    }
}
