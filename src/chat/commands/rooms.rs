//! Going from room to room.

use crate::chat::commands::Outcome;
use crate::chat::ids::ClientId;
use crate::chat::keeping::rooms::Opening;
use crate::chat::member::Standing;
use crate::chat::names::nick::Nick;
use crate::chat::room::RoomId;
use crate::chat::room::visits::Visit;
use crate::chat::schedule::Due;
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::{Change, Encoding};

/// The longest topic in bytes.
const TOPIC_BYTES_MAX: usize = 300;

/// Rooms that `/rooms` names at most; the others are counted.
const ROOMS_SHOWN_MAX: usize = 100;

impl Chat {
    /// Takes a client to another room. It must be level with the log of this
    /// one.
    fn move_to(&mut self, id: ClientId, to: RoomId) {
        let from = self.sessions[id].room;
        if from == to {
            let room = self.rooms[to].name.as_str();
            return self.notify(id, &texts::here_already(room));
        }
        let name = self.rooms[to].name.clone();
        let went = texts::went(self.sessions[id].nick.as_str(), name.as_str());
        if let Some(standing) = self.sessions[id].standing() {
            self.leave_presence(id, from, standing, went);
            if standing == Standing::Told {
                let left_as = self.sessions[id].nick.text();
                self.rooms[from].presence.elsewhere.push((id, left_as));
            }
        }
        if self.is_greeted(id) {
            let log = &self.rooms[from].log;
            let visit = Visit { room: from, run: log.run().into(), number: log.newest() };
            self.visits.leave(id, visit, |room| self.rooms.has(room));
        }
        self.change_room(id, to);
        self.notify_here(id, &texts::entered(name.as_str()));
        if self.is_greeted(id) {
            self.introduce(id);
            match self.visits.enter(id, to).filter(|_| !self.is_web(id)) {
                Some(visit) => self.show_missed(id, &visit),
                None => _ = self.show_history(id, self.config.history_lines),
            }
            self.enter_presence(id);
        }
    }

    /// Shows a client that has come back what was said meanwhile, or the end of that.
    fn show_missed(&mut self, id: ClientId, visit: &Visit) {
        let log = &self.rooms[visit.room].log;
        let lines = log.next() - log.place_after(&visit.run, visit.number);
        if lines > self.config.history_lines {
            self.show_history(id, self.config.history_lines);
        } else if lines > 0 {
            self.resume_in(id, &visit.run, visit.number);
        }
    }

    /// Makes a client a member of another room, of which nobody is told. It must be
    /// level with the log of this one.
    pub(in crate::chat) fn change_room(&mut self, id: ClientId, to: RoomId) {
        let from = self.sessions[id].room;
        self.leave_members(id);
        let (session, room) = (&mut self.sessions[id], &mut self.rooms[to]);
        let next = room.log.next();
        session.reader.enter(&mut room.log, next);
        session.room = to;
        session.place = room.add_member(id);
        self.note_person(id);
        self.forget_reader(from, self.sessions[id].reader.newest_encoding());
    }

    /// A session doesn't read the log of this room any more. Nothing is left of
    /// a room that nobody needs.
    pub(in crate::chat) fn forget_reader(&mut self, id: RoomId, encoding: Encoding) {
        if let Some(room) = self.rooms.get_mut(id) {
            room.remove_reader(encoding);
        }
        self.forget_unused(id);
    }

    /// Nothing is left of a room that nobody reads.
    pub(in crate::chat) fn forget_unused(&mut self, id: RoomId) {
        if let Some(room) = self.rooms.forget_unused(id) {
            self.schedule.cancel(room.presence.due_at, Due::Presence(id));
            self.keep_end(&room);
            if room.is_stored && !self.config.is_shared {
                // The store may not answer when somebody comes.
                self.moderation.absent_rules.set(&room.name, room.rules);
            }
            self.unwatch(room.key);
        }
    }
}

/// `/join ROOM`
pub(in crate::chat) fn join(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    // As other chats write it.
    let name = Nick::parse(rest.trim_start_matches('#'))
        .map_err(|error| texts::bad_name("room", "/join dev", error))?;
    // Others see how a new room is called.
    if chat.rooms.find(&name).is_none() && chat.is_silenced(id) {
        return Ok(());
    }
    match chat.open_room(id, &name) {
        Opening::Open(room) => match chat.is_locked_for(id, room) {
            true => return Err(texts::is_locked(chat.rooms[room].name.as_str()).into()),
            false => chat.move_to(id, room),
        },
        Opening::Full => return Err(texts::no_more_rooms(chat.config.rooms_max).into()),
        Opening::Asked => chat.wait_for_room(id, &format!("join {rest}")),
    }
    Ok(())
}

/// `/leave`
pub(in crate::chat) fn leave(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    let lobby = chat.rooms.lobby();
    if chat.is_locked_for(id, lobby) {
        return Err(texts::is_locked(chat.rooms[lobby].name.as_str()).into());
    }
    chat.move_to(id, lobby);
    Ok(())
}

/// `/rooms`
pub(in crate::chat) fn rooms(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    let here = chat.rooms.iter();
    let here = here.map(|(id, room)| (room.name.as_str(), chat.people_in(id), Some(&room.rules)));
    let elsewhere = chat.directory.rooms().filter(|(key, _)| chat.rooms.find_key(key).is_none());
    let elsewhere: Vec<_> = elsewhere.map(|(key, people)| (&*key.name, people, None)).collect();
    let total = chat.rooms.len() + elsewhere.len();
    let text = texts::rooms(total, here.chain(elsewhere).take(ROOMS_SHOWN_MAX));
    chat.notify(id, &text);
    Ok(())
}

/// `/topic [TEXT]`
pub(in crate::chat) fn topic(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let session = &chat.sessions[id];
    let room = &mut chat.rooms[session.room];
    if rest.is_empty() {
        let text = texts::topic(room.topic.as_deref());
        chat.notify(id, &text);
        return Ok(());
    }
    if rest.len() > TOPIC_BYTES_MAX {
        return Err(texts::topic_too_long(TOPIC_BYTES_MAX).into());
    }
    if !chat.begin_line(id) {
        return Ok(());
    }
    let is_off = rest == "-";
    let session = &chat.sessions[id];
    let room = &mut chat.rooms[session.room];
    room.topic = (!is_off).then(|| rest.into());
    let text = texts::topic_set(session.nick.as_str(), room.topic.as_deref());
    let room = session.room;
    if !chat.config.is_shared {
        // Else it is stored when all servers know it.
        chat.keep_topic(room);
    }
    let topic = chat.rooms[room].topic.clone().unwrap_or_default();
    chat.append_change(room, &text, Change::Topic(topic));
    Ok(())
}
