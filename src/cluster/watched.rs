//! A room that is read.

use std::collections::HashMap;
use std::sync::Arc;

use super::messages::Event;
use super::rooms::{Known, key};
use crate::wire::RoomKey;

/// A room that is read, and how far it has been.
pub(super) struct Watched {
    pub room: Arc<RoomKey>,
    /// The key of its stream.
    pub key: String,
    pub known: Known,
    /// What was read from each server last, by its count.
    counts: HashMap<Arc<str>, u64>,
}

/// Starts of servers whose counts are known at most.
pub(super) const SERVERS_MAX: usize = 1000;

impl Watched {
    /// A room that is read after the newest line that is known.
    pub fn new(room: Arc<RoomKey>, known: Known) -> Watched {
        let key = key(&room, "log");
        Watched { room, key, known, counts: HashMap::new() }
    }

    /// Whether a line of a server was read before: an engine that has forgotten that it had it
    /// takes it again.
    pub fn was_read(&mut self, server: &Arc<str>, count: u64) -> bool {
        if self.counts.len() >= SERVERS_MAX {
            self.counts.clear();
        }
        let newest = self.counts.entry(Arc::clone(server)).or_default();
        let was_read = count <= *newest;
        *newest = count.max(*newest);
        was_read
    }

    /// The room counts anew after the line `base`.
    pub fn begin_run(&mut self, run: &str, base: u64, events: &mut Vec<Event>) {
        self.known = Known { run: run.into(), newest: base };
        let (room, next) = (Arc::clone(&self.room), base + 1);
        events.push(Event::Reset { room, run: run.into(), next });
    }
}
