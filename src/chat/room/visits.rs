//! How far clients were in rooms that they have left for others.

use std::collections::HashMap;

use super::RoomId;
use crate::chat::ids::ClientId;

/// Where a client was in a room when it left.
#[derive(Debug)]
pub(in crate::chat) struct Visit {
    pub room: RoomId,
    /// Which counting of lines the number belongs to.
    pub run: Box<str>,
    /// The number of the newest line.
    pub number: u64,
}

/// The rooms that clients have left and may come back to.
#[derive(Debug, Default)]
pub(in crate::chat) struct Visits {
    left: HashMap<ClientId, Vec<Visit>>,
}

impl Visits {
    /// A client has left a room. What is known of rooms that aren't there any more is forgotten.
    pub fn leave(&mut self, id: ClientId, visit: Visit, is_there: impl Fn(RoomId) -> bool) {
        let visits = self.left.entry(id).or_default();
        visits.retain(|it| it.room != visit.room && is_there(it.room));
        visits.push(visit);
    }

    /// A client enters a room; gives where it was there when it left.
    pub fn enter(&mut self, id: ClientId, room: RoomId) -> Option<Visit> {
        let visits = self.left.get_mut(&id)?;
        let at = visits.iter().position(|visit| visit.room == room)?;
        Some(visits.swap_remove(at))
    }

    /// A client is gone.
    pub fn forget(&mut self, id: ClientId) {
        self.left.remove(&id);
    }

    /// Clients of which anything is known.
    pub fn known(&self) -> impl Iterator<Item = ClientId> {
        self.left.keys().copied()
    }
}
