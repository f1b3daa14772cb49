//! A room that is read.

use std::sync::Arc;

use super::messages::Event;
use super::rooms::Known;
use crate::wire::RoomKey;

/// A room that is read, and how far it has been.
pub(super) struct Watched {
    pub room: Arc<RoomKey>,
    /// The key of its stream.
    pub key: String,
    pub known: Known,
}

impl Watched {
    /// The room counts anew after the line `base`.
    pub fn begin_run(&mut self, run: &str, base: u64, events: &mut Vec<Event>) {
        self.known = Known { run: run.into(), newest: base };
        let (room, next) = (Arc::clone(&self.room), base + 1);
        events.push(Event::Reset { room, run: run.into(), next });
    }
}
