//! Whose lines are whose: who said one isn't sent it.

use super::{Log, NONE, Record, Seq};
use crate::chat::ids::ClientId;
use crate::wire::Kind;

impl Log {
    /// Says that `seq` is the author's next line after `previous`.
    pub fn link_own(&mut self, previous: Seq, seq: Seq) {
        if let Some(record) = previous.checked_sub(self.first) {
            self.records[record as usize].next_own = (seq - previous) as u32;
        }
    }

    /// The next line by the author of line `seq`, or `NONE`.
    pub fn next_own(&self, seq: Seq) -> Seq {
        match self.records[self.index(seq)].next_own {
            0 => NONE,
            lines => seq + Seq::from(lines),
        }
    }

    /// The first line from `from` on and before `until` that `author` doesn't get back, or `NONE`,
    /// and how many there are. Looks at every line; for a reader that fell out of the log.
    pub fn find_own(&self, author: ClientId, from: Seq, until: Seq) -> (Seq, u64) {
        let end = self.index(until.clamp(self.first, self.next()));
        let start = self.index(from).min(end);
        let is_own = |record: &Record| {
            // With echo it is only what the server says of its author.
            record.author == author && (!self.has_echo || record.kind == Kind::Presence)
        };
        let mut own = (start..end).filter(|&at| is_own(&self.records[at]));
        match own.next() {
            Some(at) => (self.first + at as u64, 1 + own.count() as u64),
            None => (NONE, 0),
        }
    }

    /// The last line from `from` on and before `until` that `author` doesn't get back.
    pub fn find_last_own(&self, author: ClientId, from: Seq, until: Seq) -> Option<Seq> {
        let places = from.max(self.first)..until.min(self.next());
        places.rev().find(|&place| {
            let record = &self.records[self.index(place)];
            record.author == author && (!self.has_echo || record.kind == Kind::Presence)
        })
    }

    /// The author of line `seq`, and its kind.
    pub fn about(&self, seq: Seq) -> (ClientId, Kind) {
        let record = &self.records[self.index(seq)];
        (record.author, record.kind)
    }
}
