//! People on all servers: no two have names that look alike, and each server knows who is on the
//! others.
//!
//! What others are told of a client here is made of its state whenever that has changed, so
//! nothing has to be undone or sent again: `note_person` is enough.

use std::sync::Arc;

use hashbrown::HashSet;
use slotmap::{Key, KeyData};

use crate::chat::ids::ClientId;
use crate::chat::keeping::lookups::Asked;
use crate::chat::linking::directory::{Directory, Remote};
use crate::chat::member::{Claim, Session, Standing, Waiting};
use crate::chat::names::lookalikes;
use crate::chat::names::nick::Nick;
use crate::chat::notice::Notice;
use crate::chat::room::RoomId;
use crate::chat::state::{Chat, Sessions};
use crate::chat::texts;
use crate::wire::{Dispatch, Kind, PeopleNews, Person, PersonId};

/// Whether a client may have a name.
pub(in crate::chat) enum Permit {
    Yes,
    /// Why not, for the client.
    No(String),
    /// The engine is asked; the client has to wait.
    Asked,
}

/// The name of a client of any server.
pub(in crate::chat) fn nick_of<'a>(
    sessions: &'a Sessions,
    directory: &'a Directory,
) -> impl Fn(ClientId) -> &'a Nick {
    static NOBODY: Nick = Nick::NONE;
    move |id| match sessions.get(id) {
        Some(session) => &session.nick,
        None => directory.get(id).map_or(&NOBODY, |remote| &remote.nick),
    }
}

impl Chat {
    /// Shares rooms as this start of a server, which has guests' numbers up to this one.
    pub fn set_shared(&mut self, incarnation: &Arc<str>, guests: u64) {
        self.directory.own = Arc::clone(incarnation);
        self.handle_guests(guests);
    }

    /// There are more numbers for guests, up to this one.
    pub fn handle_guests(&mut self, highest: u64) {
        self.names.add_guests(highest, &self.directory.own);
    }

    /// Whether there is something for the other servers beside lines.
    pub fn has_dispatches(&self) -> bool {
        self.directory.has_dispatches()
            || self.outbox.is_up()
                && !self.is_shutting_down
                && (self.directory.has_changes() || self.names.wants_guests())
    }

    /// What the other servers are to be told, in its order.
    pub fn take_dispatches(&mut self) -> Vec<Dispatch> {
        if self.outbox.is_up() {
            self.publish_changes();
            if self.names.ask_for_guests() {
                self.directory.dispatch(Dispatch::Guests);
            }
        }
        self.directory.take_dispatches()
    }

    /// Something about a client has changed that others may know.
    pub(in crate::chat) fn note_person(&mut self, id: ClientId) {
        if self.config.is_shared {
            self.directory.note(id);
        }
    }

    fn publish_changes(&mut self) {
        if self.is_shutting_down {
            // That is told of in one go.
            return;
        }
        let changed = self.directory.take_changes();
        let (here, gone): (Vec<_>, Vec<_>) = changed
            .into_iter()
            .map(|id| (id, self.person(id)))
            .partition(|(_, person)| person.is_some());
        // Names that are free again first.
        for (id, _) in gone {
            if self.directory.withdraw(id) {
                self.directory.dispatch(Dispatch::Withdraw(id.data().as_ffi()));
            }
        }
        for (id, person) in here {
            if let Some(person) = person {
                self.directory.publish(0, id, person);
            }
        }
    }

    /// What others may know of a client here; `None` if it isn't to be known.
    fn person(&self, id: ClientId) -> Option<Person> {
        let session = self.sessions.get(id)?;
        let is_present = match session.standing()? {
            Standing::LoggingIn => false,
            // It may only say a line and go; but others are to know whose name that is.
            Standing::Arriving | Standing::Posting | Standing::Posted => !session.nick.is_guest(),
            Standing::Silent | Standing::Counted | Standing::Told | Standing::Known => true,
        };
        is_present.then(|| self.describe(id, &session.nick)).flatten()
    }

    /// A client as others may know it, with this name.
    fn describe(&self, id: ClientId, nick: &Nick) -> Option<Person> {
        let session = self.sessions.get(id)?;
        let age = self.clock.uptime().saturating_sub(session.since);
        Some(Person {
            client: id.data().as_ffi(),
            name: nick.as_str().into(),
            looks: lookalikes::looks(nick.name()).map(Into::into),
            room: Arc::clone(self.rooms[session.room].key.as_ref()?),
            since: self.clock.wall().saturating_sub(age),
            away: session.rare().away.clone(),
            address: session.rare().address.clone(),
            is_operator: session.rare().is_operator,
        })
    }

    /// Whether a client may have a name. If the engine has to be asked, `waiting` is done again
    /// when it has answered.
    pub(in crate::chat) fn permit(
        &mut self,
        id: ClientId,
        nick: &Nick,
        waiting: impl FnOnce() -> Waiting,
    ) -> Permit {
        if let Err(why) = self.check_owner(id, nick) {
            return Permit::No(why);
        }
        let holder = self.names.find(nick, nick_of(&self.sessions, &self.directory));
        if let Some(holder) = holder.filter(|&holder| holder != id) {
            return Permit::No(self.name_taken(nick, holder));
        }
        let own = &self.sessions[id].nick;
        if own.as_str() == nick.as_str() {
            return Permit::Yes;
        }
        if nick.is_guest() {
            return Permit::No(texts::name_of_guest(nick.name()));
        }
        if !self.config.is_shared {
            return Permit::Yes;
        }
        let claim = self.sessions[id].set_rare(|rare| rare.claim.take());
        if let Some(claim) = claim.filter(|claim| claim.nick.as_str() == nick.as_str()) {
            return claim.result.map_or_else(Permit::No, |()| Permit::Yes);
        }
        if !self.outbox.is_up() {
            return match self.config.talks_alone {
                true => Permit::Yes,
                false => Permit::No(texts::NO_NAME_NOW.into()),
            };
        }
        let Some(person) = self.describe(id, nick) else { return Permit::Yes };
        // What others have to know before.
        self.publish_changes();
        let ticket = self.lookups.add(self.clock.now(), Asked::Name(id, nick.clone()));
        self.directory.publish(ticket, id, person);
        self.sessions[id].set_rare(|rare| rare.waiting = Some(waiting()));
        Permit::Asked
    }

    /// The engine has said whether a client may have a name that it has asked for.
    pub(in crate::chat) fn handle_permit(
        &mut self,
        id: ClientId,
        nick: Nick,
        named: Result<u64, Option<Box<str>>>,
    ) {
        if let Ok(number) = named {
            self.directory.set_published(id, number);
        }
        // What it asked for may be over; then others are told what it is called.
        self.note_person(id);
        let Some(session) = self.sessions.get_mut(id) else { return };
        let result = match named {
            Ok(_) => Ok(()),
            Err(None) => Err(texts::NO_NAME_NOW.into()),
            Err(Some(holder)) => Err(match Nick::parse_shown(&holder) {
                Some(holder) if !holder.is_same(&nick) => {
                    texts::look_taken(holder.name(), nick.name())
                }
                _ => texts::name_taken(nick.name()),
            }),
        };
        session.set_rare(|rare| rare.claim = Some(Box::new(Claim { nick, result })));
        if session.is_member() {
            self.resume_waiting(id);
        }
        if let Some(session) = self.sessions.get_mut(id) {
            session.set_rare(|rare| rare.claim = None);
        }
    }

    /// The engine knows a client by a name, or doesn't because somebody else has it.
    pub(in crate::chat) fn handle_published(
        &mut self,
        client: u64,
        name: &str,
        named: Result<u64, Box<str>>,
    ) {
        let id = KeyData::from_ffi(client).into();
        if let Ok(number) = named {
            self.directory.set_published(id, number);
        }
        let session = self.sessions.get(id).filter(|it| it.is_member());
        if session.is_none_or(|it| it.nick.as_str() != name) {
            // Something else is true by now.
            return self.note_person(id);
        }
        if named.is_err() {
            self.lose_name(id);
        }
    }

    /// Somebody on another server has the name of a client here, which gets another one.
    fn lose_name(&mut self, id: ClientId) {
        let old = self.sessions[id].nick.clone();
        self.names.remove(id, &old);
        self.name(id);
        self.note_person(id);
        let (room, new) = (self.sessions[id].room, self.sessions[id].nick.clone());
        if self.is_known(id) {
            self.append_notice(room, Kind::Presence, &texts::renamed(old.as_str(), new.as_str()));
        }
        self.notify_other(id, &texts::name_lost(old.name(), new.as_str()));
    }

    /// News about people on other servers.
    pub fn handle_people(&mut self, news: &[PeopleNews]) {
        for news in news {
            match news {
                PeopleNews::Here { server, person, number } => {
                    self.put_remote(server, person, *number);
                }
                PeopleNews::Left(id) => self.remove_remote(id),
                PeopleNews::Came(server, name) => self.add_server(server, name),
                PeopleNews::Gone { server, is_planned } => self.lose_server(server, *is_planned),
                PeopleNews::All { servers, people, number } => {
                    self.set_everybody(servers, people, *number);
                }
                PeopleNews::Ban(ban) => self.apply_ban(ban),
                PeopleNews::Report(report) => self.receive_report(report),
                PeopleNews::Mute(mute) => self.apply_mute(mute),
            }
        }
    }

    fn put_remote(&mut self, server: &Arc<str>, person: &Person, number: u64) {
        if self.is_shutting_down {
            return;
        }
        if self.directory.knows(server, person) {
            return;
        }
        let Some((id, before)) = self.directory.put(server, person) else { return };
        if let Some(before) = before {
            self.names.remove(id, &before.nick);
        }
        self.name_remote(id, number);
    }

    /// Nobody here may be called as somebody on another server is. If somebody is, the engine
    /// has the newer one.
    fn name_remote(&mut self, id: ClientId, number: u64) {
        let Some(Remote { nick, .. }) = self.directory.get(id).cloned() else { return };
        let holder = self.names.find(&nick, nick_of(&self.sessions, &self.directory));
        if let Some(holder) = holder.filter(|holder| !holder.is_elsewhere()) {
            if self.directory.published(holder).is_some_and(|published| published > number) {
                // News of it follow.
                return;
            }
            self.lose_name(holder);
        }
        self.names.insert(id, &nick, nick_of(&self.sessions, &self.directory));
    }

    fn remove_remote(&mut self, id: &PersonId) {
        if let Some((id, remote)) = self.directory.remove(id) {
            self.names.remove(id, &remote.nick);
        }
    }

    fn add_server(&mut self, server: &Arc<str>, name: &str) {
        if self.directory.add_server(server, name) {
            self.tell_everyone(&texts::server_back(name));
        }
    }

    /// A server is gone: one line tells of all who were there.
    fn lose_server(&mut self, server: &Arc<str>, is_planned: bool) {
        let people = self.directory.people_of(server);
        let left = people.iter().filter_map(|id| match is_planned {
            true => self.directory.remove(id),
            false => self.directory.miss(id),
        });
        let mut left: Vec<_> = left.collect();
        for (id, remote) in &left {
            self.names.remove(*id, &remote.nick);
        }
        left.sort_by_key(|(_, remote)| (remote.nick.as_str().len(), remote.nick.text()));
        let Some(name) = self.directory.remove_server(server, is_planned) else { return };
        let rooms: Vec<_> = self.rooms.iter().map(|(id, _)| id).collect();
        for room in rooms {
            let key = self.rooms[room].key.clone();
            let look = key.as_ref().map(|key| &key.looks[1]);
            let here = left.iter().filter(|(_, remote)| Some(&remote.room.looks[1]) == look);
            let names: Vec<_> = here.map(|(_, remote)| remote.nick.as_str()).collect();
            if !names.is_empty() || !is_planned {
                self.tell_room(room, &texts::server_gone(&name, &names, is_planned));
            }
        }
    }

    /// What is known of the others is this and nothing else.
    fn set_everybody(
        &mut self,
        servers: &[(Arc<str>, Box<str>)],
        people: &[(Arc<str>, Person)],
        number: u64,
    ) {
        let known: Vec<_> =
            self.directory.servers().map(|(server, _)| Arc::clone(server)).collect();
        for server in known {
            if !servers.iter().any(|(other, _)| *other == server) {
                self.lose_server(&server, false);
            }
        }
        for (server, name) in servers {
            self.add_server(server, name);
        }
        let there: HashSet<_> = people.iter().map(|(server, it)| (server, it.client)).collect();
        let is_there = |id: &PersonId| there.contains(&(&id.server, id.client));
        let gone: Vec<_> =
            self.directory.everybody().map(|(_, remote)| remote.id.clone()).collect();
        for id in gone.iter().filter(|id| !is_there(id)) {
            self.remove_remote(id);
        }
        for (server, person) in people {
            self.put_remote(server, person, number);
        }
    }

    /// The engine has forgotten who is here.
    pub fn handle_forgotten(&mut self) {
        self.directory.forget_published();
        let here: Vec<_> = self.sessions.keys().collect();
        here.into_iter().for_each(|id| self.note_person(id));
    }

    /// Tells all members, once each.
    pub(in crate::chat) fn tell_everyone(&mut self, notice: &Notice) {
        let rooms: Vec<_> = self.rooms.iter().map(|(id, _)| id).collect();
        rooms.into_iter().for_each(|room| self.tell_room(room, notice));
    }

    /// Tells those who are in a room here, which isn't a part of what is said there.
    fn tell_room(&mut self, room: RoomId, notice: &Notice) {
        let is_greeted = |id: &ClientId| {
            self.sessions.get(*id).and_then(Session::standing) != Some(Standing::Arriving)
        };
        let members = self.rooms[room].members().iter().copied().filter(is_greeted);
        for id in members.collect::<Vec<_>>() {
            self.notify_other(id, notice);
        }
    }
}
