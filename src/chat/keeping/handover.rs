//! What has happened in rooms and the store hasn't taken yet.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::wire::{Batch, KeptName, News, RoomKey, StoreState, StoredLine};

/// Bytes of lines that wait here at most until the store takes more.
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Rooms of which a topic or rules may wait until there is place. What is set for more of them is
/// not stored.
const SETTINGS_MAX: usize = 1000;

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
    /// What was set for rooms while the batch is full.
    settings: HashMap<Arc<RoomKey>, Settings>,
    /// How many there have been so far.
    lines_lost: u64,
    /// No line of any room has a higher number.
    highest: u64,
    state: StoreState,
}

/// What was set last for a room and isn't in the batch.
#[derive(Debug, Default)]
struct Settings {
    topic: Option<Box<str>>,
    rules: Option<Box<str>>,
}

impl Handover {
    /// Nothing has happened. No more waits here than what the log of a room may hold, in
    /// `backlog_bytes`.
    pub fn new(backlog_bytes: usize) -> Handover {
        Handover {
            bytes_max: BATCH_BYTES_MAX.min(backlog_bytes),
            batch: Batch::default(),
            lost: Vec::new(),
            settings: HashMap::new(),
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
            if self.is_full() {
                return self.lose(room, number);
            }
        }
        match news {
            News::Topic(topic) if self.is_full() => {
                self.set_later(room, |settings| settings.topic = Some(topic.into()));
            }
            News::Rules(rules) if self.is_full() => {
                self.set_later(room, |settings| settings.rules = Some(rules.into()));
            }
            // Anybody can enter and leave rooms. It is told again when it is entered again.
            News::Closed if self.is_full() => {}
            news => {
                self.hand_over_lost();
                self.batch.push(room, news);
            }
        }
    }

    fn is_full(&self) -> bool {
        self.batch.bytes() > self.bytes_max
    }

    /// Keeps what is set for a room until there is place: only the newest counts.
    fn set_later(&mut self, room: &Arc<RoomKey>, set: impl FnOnce(&mut Settings)) {
        if self.settings.len() < SETTINGS_MAX || self.settings.contains_key(room) {
            set(self.settings.entry(Arc::clone(room)).or_default());
        }
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
        for (room, Settings { topic, rules }) in self.settings.drain() {
            if let Some(topic) = topic {
                self.batch.push(&room, News::Topic(&topic));
            }
            if let Some(rules) = rules {
                self.batch.push(&room, News::Rules(&rules));
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Kind;

    fn room(name: &str) -> Arc<RoomKey> {
        Arc::new(RoomKey { name: name.into(), looks: [name.into(), name.into()] })
    }

    /// The store takes nothing for long, and somebody sets topics all the time.
    #[test]
    fn topics_take_no_more_memory_than_there_is() {
        let mut handover = Handover::new(1000);
        let (tea, time, kind) = (room("tea"), 7, Kind::Said);
        let line =
            |number| StoredLine { number, time, kind, from: "ann", text: &[b'x'; 600], facts: "" };
        (1..=3).for_each(|number| handover.add(&tea, News::Line(line(number))));
        let bytes = handover.batch.bytes();
        for number in 0..10_000 {
            let topic = number.to_string();
            handover.add(&tea, News::Topic(&topic));
            handover.add(&room(&topic), News::Topic("all of it"));
            handover.add(&tea, News::Closed);
        }
        assert_eq!((handover.batch.bytes(), handover.settings.len()), (bytes, SETTINGS_MAX));
        handover.take();
        // What has had no place is in the next batch.
        let batch = handover.take();
        let of_tea = batch.iter().filter(|(room, _)| **room == tea).map(|(_, news)| news);
        assert_eq!(of_tea.collect::<Vec<_>>(), [News::Lost(3, 3), News::Topic("9999")]);
        assert!(handover.settings.is_empty() && handover.is_empty());
    }
}
