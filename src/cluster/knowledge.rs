//! What this server knows of rooms: what its reader has read and its writer has added. From
//! that is told that the engine has forgotten something.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::rooms::Known;
use crate::wire::RoomKey;

/// What both threads of a link know of rooms.
#[derive(Debug, Default)]
pub(super) struct Knowledge(Mutex<HashMap<Box<str>, Known>>);

impl Knowledge {
    pub fn of(&self, room: &RoomKey) -> Known {
        self.rooms().get(&room.looks[1]).cloned().unwrap_or_default()
    }

    /// A room stands there.
    pub fn learn(&self, room: &RoomKey, known: &Known) {
        let mut rooms = self.rooms();
        match rooms.get_mut(&room.looks[1]) {
            // The other thread knows more.
            Some(old) if old.run == known.run && old.newest >= known.newest => {}
            Some(old) => *old = known.clone(),
            None => _ = rooms.insert(room.looks[1].clone(), known.clone()),
        }
    }

    pub fn forget(&self, room: &RoomKey) {
        self.rooms().remove(&room.looks[1]);
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<Box<str>, Known>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
