//! All rooms, which has what name, and which have lines that nobody is queued for.

use std::hash::RandomState;
use std::ops::{Index, IndexMut};

use hashbrown::HashMap;
use slotmap::{SecondaryMap, SlotMap};

use super::{Room, RoomId};
use crate::chat::config::Config;
use crate::chat::names::lookalikes::Looks;
use crate::chat::names::nick::Nick;
use crate::chat::room::log::{Limits, Line, Seq};
use crate::wire::RoomKey;

/// The login room needs no memory: nothing is said there but that the server ends.
const LOGIN_LIMITS: Limits = Limits { bytes_max: 4096, records_max: 16 };

/// The rooms. No two have names that look alike.
#[derive(Debug)]
pub(in crate::chat) struct Rooms {
    rooms: SlotMap<RoomId, Room>,
    /// By what the names look like, once for each of their looks.
    by_look: HashMap<u64, RoomId>,
    /// What the names look like, which takes microseconds to find out.
    looks: SecondaryMap<RoomId, [u64; 2]>,
    hasher: RandomState,
    lobby: RoomId,
    login: Option<RoomId>,
    /// Rooms with lines that their members haven't been queued for, each once.
    dirty: Vec<RoomId>,
    /// One of them has so many that there is no headroom.
    has_many_new_lines: bool,
}

impl Rooms {
    /// The lobby, and if newcomers may have to wait the login room.
    pub fn new(config: &Config) -> Rooms {
        let mut rooms = Rooms {
            rooms: SlotMap::default(),
            by_look: HashMap::new(),
            looks: SecondaryMap::new(),
            hasher: RandomState::new(),
            lobby: RoomId::default(),
            login: None,
            dirty: Vec::new(),
            has_many_new_lines: false,
        };
        let name = Nick::parse(&config.lobby).unwrap_or_default();
        rooms.lobby = rooms.insert(Room::new(name, config));
        // Where an operator may lock the first room, newcomers wait in another one.
        if config.password.is_some() || config.operator_password.is_some() {
            // It can't be found.
            let room = Room::with_limits(Nick::default(), config, LOGIN_LIMITS);
            rooms.login = Some(rooms.rooms.insert(room));
        }
        rooms
    }

    /// Where everyone starts that has been let in.
    pub fn lobby(&self) -> RoomId {
        self.lobby
    }

    /// Where clients wait that may not come in yet.
    pub fn login(&self) -> Option<RoomId> {
        self.login
    }

    /// Adds a room whose name is free.
    pub fn insert(&mut self, room: Room) -> RoomId {
        let looks = self.looks(&room.name);
        let id = self.rooms.insert(room);
        self.by_look.extend(looks.map(|look| (look, id)));
        self.looks.insert(id, looks);
        id
    }

    /// The room that other servers know by this key.
    pub fn find_key(&self, key: &RoomKey) -> Option<RoomId> {
        Nick::parse(&key.name).ok().and_then(|name| self.find(&name))
    }

    /// Nothing is left of a room that nobody reads; it is given if so.
    pub fn forget_unused(&mut self, id: RoomId) -> Option<Room> {
        let is_read = self.rooms.get(id)?.readers() > 0;
        let is_kept = is_read || id == self.lobby || Some(id) == self.login;
        if is_kept { None } else { self.remove(id) }
    }

    fn remove(&mut self, id: RoomId) -> Option<Room> {
        for look in self.looks.remove(id).into_iter().flatten() {
            self.by_look.remove(&look);
        }
        self.rooms.remove(id)
    }

    /// Adds a line to the log of a room.
    pub fn append(&mut self, id: RoomId, line: &Line<'_>) -> Seq {
        let room = &mut self.rooms[id];
        if !room.is_dirty() {
            self.dirty.push(id);
        }
        let seq = room.log.append(line);
        self.has_many_new_lines |= !room.log.is_near(room.unqueued());
        seq
    }

    /// The next room with lines that its members haven't been queued for; the caller
    /// queues them.
    pub fn next_dirty(&mut self) -> Option<&Room> {
        while let Some(id) = self.dirty.pop() {
            // It may be gone.
            if self.rooms.contains_key(id) {
                self.rooms[id].set_queued();
                return self.rooms.get(id);
            }
        }
        self.has_many_new_lines = false;
        None
    }

    /// Whether `next_dirty` may have something.
    pub fn has_new_lines(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Whether one of them is so long that no line may be added until its members
    /// have been queued.
    pub fn has_many_new_lines(&self) -> bool {
        self.has_many_new_lines
    }

    /// Bytes of lines (with LF ends) that the members of their room haven't been queued
    /// for, in the room with the most.
    pub fn new_bytes(&self) -> usize {
        let rooms = self.dirty.iter().filter_map(|&id| self.rooms.get(id));
        rooms.map(|room| room.log.bytes_from(room.unqueued())).max().unwrap_or(0)
    }

    /// Whether a room has its place among those of `next_dirty`, or doesn't need it.
    pub fn is_listed(&self, id: RoomId) -> bool {
        self.dirty.contains(&id) == self.rooms[id].is_dirty()
    }

    /// The room that has this name or one that looks like it.
    pub fn find(&self, name: &Nick) -> Option<RoomId> {
        self.looks(name).iter().find_map(|look| self.by_look.get(look).copied())
    }

    pub fn get(&self, id: RoomId) -> Option<&Room> {
        self.rooms.get(id)
    }

    /// Whether a room is still there.
    pub fn has(&self, id: RoomId) -> bool {
        self.rooms.contains_key(id)
    }

    pub fn get_mut(&mut self, id: RoomId) -> Option<&mut Room> {
        self.rooms.get_mut(id)
    }

    /// How many rooms there are that people can be in.
    pub fn len(&self) -> usize {
        self.rooms.len() - usize::from(self.login.is_some())
    }

    /// The rooms that people can be in.
    pub fn iter(&self) -> impl Iterator<Item = (RoomId, &Room)> {
        self.rooms.iter().filter(|(id, _)| Some(*id) != self.login)
    }

    /// The login room too.
    pub fn all(&self) -> impl Iterator<Item = (RoomId, &Room)> {
        self.rooms.iter()
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

    fn room(name: &str) -> Room {
        Room::new(Nick::parse(name).expect("a name"), &Config::default())
    }

    #[test]
    fn a_room_is_found_by_what_looks_like_its_name() {
        let mut rooms = Rooms::new(&Config::default());
        let id = rooms.insert(room("bob"));
        let find = |rooms: &Rooms, name| rooms.find(&Nick::parse(name).expect("a name"));
        for name in ["bob", "BOB", "ВОВ", "b0b"] {
            assert_eq!(find(&rooms, name), Some(id), "{name}");
        }
        assert_eq!(find(&rooms, "rob"), None);
        rooms.remove(id);
        assert_eq!(find(&rooms, "bob"), None);
        assert!(rooms.by_look.values().all(|&id| id == rooms.lobby));
    }
}
