//! Who is on the other servers, and what these know of the people here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::chat::ids::ClientId;
use crate::chat::names::nick::Nick;
use crate::wire::{Dispatch, Person, PersonId, RoomKey, Text, Time};

/// Servers of which is known that they were gone without a word.
const MISSED_MAX: usize = 100;

/// The people of all servers.
#[derive(Debug, Default)]
pub(in crate::chat) struct Directory {
    /// This start of this server; empty if it is alone.
    pub own: Arc<str>,
    /// The names of the others.
    servers: BTreeMap<Arc<str>, Box<str>>,
    /// People there. Their ids are as those of clients here.
    people: HashMap<ClientId, Remote>,
    ids: HashMap<PersonId, ClientId>,
    /// Where they are, by what the rooms look like.
    rooms: BTreeMap<Box<str>, Crowd>,
    /// How many there have been.
    made: u32,
    /// Servers that were gone without a word.
    missed: HashSet<Arc<str>>,
    /// Clients here of whom there is something to tell.
    changed: BTreeSet<ClientId>,
    /// Clients here that others know, and how much news there was then.
    published: HashMap<ClientId, u64>,
    /// What the link is given.
    dispatches: Vec<Dispatch>,
}

/// Somebody on another server.
#[derive(Clone, Debug)]
pub(in crate::chat) struct Remote {
    pub id: PersonId,
    pub nick: Nick,
    pub room: Arc<RoomKey>,
    pub since: Time,
    /// When a line of theirs came here last; 0: never.
    pub spoke: Time,
    pub away: Option<Box<str>>,
    pub address: Option<Box<str>>,
    pub is_operator: bool,
}

/// People of other servers in one room.
#[derive(Debug)]
struct Crowd {
    room: Arc<RoomKey>,
    people: BTreeSet<ClientId>,
}

impl Directory {
    /// Somebody is there, or something about them has changed. Gives the id, and who it was
    /// before; `None` if the name is none.
    pub fn put(
        &mut self,
        server: &Arc<str>,
        person: &Person,
    ) -> Option<(ClientId, Option<Remote>)> {
        let nick = Nick::parse_shown(&person.name)?;
        let id = PersonId { server: Arc::clone(server), client: person.client };
        let key = *self.ids.entry(id.clone()).or_insert_with(|| {
            self.made += 1;
            ClientId::elsewhere(self.made)
        });
        let before = self.take(key);
        let Person { room, since, is_operator, .. } = person.clone();
        // Whoever can write to the engine may have sent it.
        let clean = |text: &str| Text::clean(text.as_bytes()).as_str().into();
        let (away, address) =
            (person.away.as_deref().map(clean), person.address.as_deref().map(clean));
        let crowd = self.rooms.entry(room.looks[1].clone());
        let crowd = crowd.or_insert_with(|| Crowd { room: room.clone(), people: BTreeSet::new() });
        crowd.people.insert(key);
        let spoke = before.as_ref().map_or(0, |before| before.spoke);
        self.people
            .insert(key, Remote { id, nick, room, since, spoke, away, address, is_operator });
        Some((key, before))
    }

    /// Somebody has said something.
    pub fn hear(&mut self, id: ClientId, time: Time) {
        if let Some(remote) = self.people.get_mut(&id) {
            remote.spoke = remote.spoke.max(time);
        }
    }

    /// Whether all that is said of somebody is known.
    pub fn knows(&self, server: &Arc<str>, person: &Person) -> bool {
        let Person { client, name, looks: _, room, since, away, address, is_operator } = person;
        let known = self.id(server, *client).and_then(|id| self.get(id));
        known.is_some_and(|it| {
            it.nick.as_str() == &**name
                && it.room == *room
                && (it.since, &it.away, &it.address) == (*since, away, address)
                && it.is_operator == *is_operator
        })
    }

    /// Somebody isn't there any more.
    pub fn remove(&mut self, id: &PersonId) -> Option<(ClientId, Remote)> {
        let key = self.ids.remove(id)?;
        self.take(key).map(|remote| (key, remote))
    }

    /// Somebody can't be reached, and has the same id if that is over: whom one ignores one
    /// ignores then, too.
    pub fn miss(&mut self, id: &PersonId) -> Option<(ClientId, Remote)> {
        let key = *self.ids.get(id)?;
        self.take(key).map(|remote| (key, remote))
    }

    fn take(&mut self, key: ClientId) -> Option<Remote> {
        let remote = self.people.remove(&key)?;
        if let Some(crowd) = self.rooms.get_mut(&remote.room.looks[1]) {
            crowd.people.remove(&key);
            if crowd.people.is_empty() {
                self.rooms.remove(&remote.room.looks[1]);
            }
        }
        Some(remote)
    }

    pub fn get(&self, id: ClientId) -> Option<&Remote> {
        self.people.get(&id)
    }

    /// The id that somebody of another server has here.
    pub fn id(&self, server: &Arc<str>, client: u64) -> Option<ClientId> {
        self.ids.get(&PersonId { server: Arc::clone(server), client }).copied()
    }

    /// People of other servers in a room.
    pub fn people_in(&self, room: &RoomKey) -> impl Iterator<Item = ClientId> {
        let crowd = self.rooms.get(&room.looks[1]);
        crowd.into_iter().flat_map(|crowd| crowd.people.iter().copied())
    }

    pub fn count_in(&self, room: &RoomKey) -> usize {
        self.rooms.get(&room.looks[1]).map_or(0, |crowd| crowd.people.len())
    }

    /// Rooms with people of other servers, and how many.
    pub fn rooms(&self) -> impl Iterator<Item = (&Arc<RoomKey>, usize)> {
        self.rooms.values().map(|crowd| (&crowd.room, crowd.people.len()))
    }

    /// How many people there are on other servers.
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// All people of a server.
    pub fn people_of(&self, server: &str) -> Vec<PersonId> {
        self.ids.keys().filter(|id| *id.server == *server).cloned().collect()
    }

    pub fn everybody(&self) -> impl Iterator<Item = (ClientId, &Remote)> {
        self.people.iter().map(|(id, remote)| (*id, remote))
    }

    /// A server has this name; true if it was gone.
    pub fn add_server(&mut self, server: &Arc<str>, name: &str) -> bool {
        self.servers.insert(Arc::clone(server), name.into());
        self.missed.remove(server)
    }

    /// A server is gone; gives its name.
    pub fn remove_server(&mut self, server: &Arc<str>, is_planned: bool) -> Option<Box<str>> {
        let name = self.servers.remove(server);
        if name.is_some() && !is_planned {
            if self.missed.len() >= MISSED_MAX {
                self.ids.retain(|id, _| !self.missed.contains(&id.server));
                self.missed.clear();
            }
            self.missed.insert(Arc::clone(server));
        }
        name
    }

    /// The name of another server.
    pub fn server_name(&self, server: &str) -> &str {
        self.servers.get(server).map_or("another server", |name| name)
    }

    pub fn servers(&self) -> impl Iterator<Item = (&Arc<str>, &str)> {
        self.servers.iter().map(|(server, name)| (server, &**name))
    }

    /// Something about a client here has changed.
    pub fn note(&mut self, id: ClientId) {
        self.changed.insert(id);
    }

    /// A client here is gone; if others have never known it there is nothing to tell.
    pub fn forget_unpublished(&mut self, id: ClientId) {
        if !self.published.contains_key(&id) {
            self.changed.remove(&id);
        }
    }

    /// Whether others are to be told of clients here.
    pub fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    pub fn take_changes(&mut self) -> BTreeSet<ClientId> {
        std::mem::take(&mut self.changed)
    }

    /// Whether others know a client here, by how much news.
    pub fn published(&self, id: ClientId) -> Option<u64> {
        self.published.get(&id).copied()
    }

    pub fn set_published(&mut self, id: ClientId, number: u64) {
        self.published.insert(id, number);
    }

    /// Others are about to know a client here.
    pub fn publish(&mut self, ticket: u64, id: ClientId, person: Person) {
        self.published.entry(id).or_insert(0);
        self.dispatch(Dispatch::Publish { ticket, person });
    }

    /// Others don't know a client here any more; false if they didn't.
    pub fn withdraw(&mut self, id: ClientId) -> bool {
        self.published.remove(&id).is_some()
    }

    /// The others have forgotten who is here; gives whom they knew.
    pub fn forget_published(&mut self) -> Vec<ClientId> {
        self.published.drain().map(|(id, _)| id).collect()
    }

    /// Tells the other servers something.
    pub fn dispatch(&mut self, dispatch: Dispatch) {
        self.dispatches.push(dispatch);
    }

    pub fn has_dispatches(&self) -> bool {
        !self.dispatches.is_empty()
    }

    pub fn take_dispatches(&mut self) -> Vec<Dispatch> {
        std::mem::take(&mut self.dispatches)
    }
}
