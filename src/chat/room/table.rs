//! All rooms, and which has what name.

use std::hash::RandomState;
use std::ops::{Index, IndexMut};

use hashbrown::HashMap;
use slotmap::{SecondaryMap, SlotMap};

use super::{Room, RoomId};
use crate::chat::names::Nick;
use crate::chat::names::lookalikes::Looks;

/// The rooms. No two have names that look alike.
#[derive(Debug, Default)]
pub(in crate::chat) struct Rooms {
    rooms: SlotMap<RoomId, Room>,
    /// By what the names look like, once for each of their looks.
    by_look: HashMap<u64, RoomId>,
    /// What the names look like, which takes microseconds to find out.
    looks: SecondaryMap<RoomId, [u64; 2]>,
    hasher: RandomState,
}

impl Rooms {
    /// Adds a room whose name is free.
    pub fn insert(&mut self, room: Room) -> RoomId {
        let looks = self.looks(&room.name);
        let id = self.rooms.insert(room);
        self.by_look.extend(looks.map(|look| (look, id)));
        self.looks.insert(id, looks);
        id
    }

    /// Adds a room that can't be found.
    pub fn insert_hidden(&mut self, room: Room) -> RoomId {
        self.rooms.insert(room)
    }

    pub fn remove(&mut self, id: RoomId) {
        self.rooms.remove(id);
        for look in self.looks.remove(id).into_iter().flatten() {
            self.by_look.remove(&look);
        }
    }

    /// The room that has this name or one that looks like it.
    pub fn find(&self, name: &Nick) -> Option<RoomId> {
        self.looks(name).iter().find_map(|look| self.by_look.get(look).copied())
    }

    pub fn get(&self, id: RoomId) -> Option<&Room> {
        self.rooms.get(id)
    }

    pub fn get_mut(&mut self, id: RoomId) -> Option<&mut Room> {
        self.rooms.get_mut(id)
    }

    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (RoomId, &Room)> {
        self.rooms.iter()
    }

    pub fn ids(&self) -> impl Iterator<Item = RoomId> {
        self.rooms.keys()
    }

    fn looks(&self, name: &Nick) -> [u64; 2] {
        let Looks { written, folded } = Looks::of(name.name(), &self.hasher);
        [written, folded]
    }
}

impl Index<RoomId> for Rooms {
    type Output = Room;

    fn index(&self, id: RoomId) -> &Room {
        &self.rooms[id]
    }
}

impl IndexMut<RoomId> for Rooms {
    fn index_mut(&mut self, id: RoomId) -> &mut Room {
        &mut self.rooms[id]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::config::Config;

    fn room(name: &str) -> Room {
        Room::new(Nick::parse(name).expect("a name"), &Config::default())
    }

    #[test]
    fn a_room_is_found_by_what_looks_like_its_name() {
        let mut rooms = Rooms::default();
        let id = rooms.insert(room("bob"));
        let find = |rooms: &Rooms, name| rooms.find(&Nick::parse(name).expect("a name"));
        for name in ["bob", "BOB", "ВОВ", "b0b"] {
            assert_eq!(find(&rooms, name), Some(id), "{name}");
        }
        assert_eq!(find(&rooms, "rob"), None);
        rooms.remove(id);
        assert_eq!(find(&rooms, "bob"), None);
        assert!(rooms.by_look.is_empty());
    }
}
