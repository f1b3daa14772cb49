//! What has happened in rooms and the store hasn't taken yet.

use std::sync::Arc;

use crate::wire::{Batch, KeptName, News, RoomKey, StoreState, StoredLine};

/// Bytes of lines that wait here at most until the store takes more.
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// News of registered names that may wait before no more names can be registered.
const NAMES_WAITING_MAX: usize = 1000;

/// The part of the chat that the store sees.
#[derive(Debug)]
pub(in crate::chat) struct Handover {
    /// Bytes of lines that wait here until the store takes more.
    bytes_max: usize,
    /// What has happened since the store took something.
    batch: Batch,
    /// Lines that the store isn't given: their rooms, and the numbers of the first and
    /// the last one.
    lost: Vec<(Arc<RoomKey>, u64, u64)>,
    /// How many there have been so far.
    lines_lost: u64,
    /// No line of any room has a higher number.
    highest: u64,
    state: StoreState,
}

impl Handover {
    /// Nothing has happened. No more waits here than what the log of a room may hold, in
    /// `backlog_bytes`.
    pub fn new(backlog_bytes: usize) -> Handover {
        Handover {
            bytes_max: BATCH_BYTES_MAX.min(backlog_bytes),
            batch: Batch::default(),
            lost: Vec::new(),
            lines_lost: 0,
            highest: 0,
            state: StoreState::default(),
        }
    }

    /// Hands something over that has happened in a room.
    pub fn add(&mut self, room: &Arc<RoomKey>, news: News<'_>) {
        if let News::Line(StoredLine { number, .. }) | News::Again(StoredLine { number, .. }) = news
        {
            self.highest = self.highest.max(number);
            if self.batch.bytes() > self.bytes_max {
                return self.lose(room, number);
            }
        }
        self.hand_over_lost();
        self.batch.push(room, news);
    }

    /// Hands over what is to be kept of a name, if anything.
    pub fn add_name(&mut self, name: &str, kept: Option<KeptName>) {
        self.batch.push_name(name, kept);
    }

    /// Whether names may be added: the store works, and not too many wait for it.
    pub fn takes_names(&self) -> bool {
        self.state.fault.is_none() && self.batch.names().len() < NAMES_WAITING_MAX
    }

    fn lose(&mut self, room: &Arc<RoomKey>, number: u64) {
        self.lines_lost += 1;
        let same =
            self.lost.iter_mut().find(|(other, _, last)| other == room && *last + 1 == number);
        match same {
            Some((_, _, last)) => *last = number,
            None => self.lost.push((Arc::clone(room), number, number)),
        }
    }

    pub fn hand_over_lost(&mut self) {
        for (room, first, last) in self.lost.drain(..) {
            self.batch.push(&room, News::Lost(first, last));
        }
    }

    /// Lines that the store was not given, because it took no more.
    pub fn lines_lost(&self) -> u64 {
        self.lines_lost
    }

    /// How the store does.
    pub fn state(&self) -> &StoreState {
        &self.state
    }

    /// Whether there is something for the store.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// What the store is given.
    pub fn take(&mut self) -> Batch {
        let batch = std::mem::take(&mut self.batch);
        self.hand_over_lost();
        batch
    }

    /// Changes how the store does; gives how it did.
    pub fn set_state(&mut self, state: StoreState) -> StoreState {
        std::mem::replace(&mut self.state, state)
    }

    /// No line of any room has a higher number.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// Lines of an earlier run have numbers up to this one.
    pub fn set_highest(&mut self, highest: u64) {
        self.highest = highest;
    }
}
