//! Rooms of which the store lacks lines that other servers have.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::wire::RoomKey;

/// Rooms to be repaired, one after the other.
#[derive(Debug, Default)]
pub(in crate::chat) struct Repairs {
    rooms: VecDeque<Repair>,
    /// A part of the first one is asked for.
    is_asked: bool,
}

/// Lines that are missing.
#[derive(Clone, Debug)]
pub(in crate::chat) struct Repair {
    pub room: Arc<RoomKey>,
    /// The number of the last line before them, if that is known.
    pub after: Option<u64>,
    /// The number of the first line after them.
    pub before: u64,
}

impl Repairs {
    pub fn add(&mut self, room: &Arc<RoomKey>, before: u64) {
        self.rooms.push_back(Repair { room: Arc::clone(room), after: None, before });
    }

    /// What is to be asked for now, if anything.
    pub fn begin(&mut self) -> Option<Repair> {
        let next = self.rooms.front().filter(|_| !self.is_asked).cloned();
        self.is_asked |= next.is_some();
        next
    }

    /// What was asked for has come: lines up to this one aren't missing any more; `None`:
    /// there are no more.
    pub fn end(&mut self, last: Option<u64>) {
        self.is_asked = false;
        let Some(repair) = self.rooms.front_mut() else { return };
        repair.after = last;
        if last.is_none_or(|last| last + 1 >= repair.before) {
            self.rooms.pop_front();
        }
    }
}
