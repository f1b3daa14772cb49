//! Rooms that are stored: they go on where they were.

use std::sync::Arc;

use crate::chat::commands::find;
use crate::chat::commands::rules::checked;
use crate::chat::ids::ClientId;
use crate::chat::keeping::lookups::Asked;
use crate::chat::member::{Session, Waiting};
use crate::chat::names::nick::Nick;
use crate::chat::room::key::key_of;
use crate::chat::room::log::Line;
use crate::chat::room::{Room, RoomId};
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::{Answer, Kind, Past, RoomKey, Tail, Wish};

/// What comes of the wish to enter a room.
pub(in crate::chat) enum Opening {
    /// It is this one.
    Open(RoomId),
    /// There is no place for one more room.
    Full,
    /// The store is asked; the client has to wait.
    Asked,
}

impl Chat {
    /// The room of this name for a client; makes it if there is place for one more.
    pub(in crate::chat) fn open_room(&mut self, id: ClientId, name: &Nick) -> Opening {
        if let Some(room) = self.rooms.find(name) {
            return Opening::Open(room);
        }
        if self.lookups.join(name, id) {
            return Opening::Asked;
        }
        if self.rooms.len() + self.lookups.rooms() >= self.config.rooms_max {
            return Opening::Full;
        }
        let key = key_of(name, &self.config);
        match key.filter(|_| !self.is_alone()) {
            None => Opening::Open(self.rooms.insert(Room::new(name.clone(), &self.config))),
            Some(key) => {
                let asked = Asked::Room { name: name.clone(), waiting: vec![id] };
                self.ask(key, Wish::Tail, asked);
                Opening::Asked
            }
        }
    }

    /// Makes a command wait until the store has said how a room goes on. The client is sent
    /// nothing newer until then.
    pub(in crate::chat) fn wait_for_room(&mut self, id: ClientId, command: &str) {
        let session = &mut self.sessions[id];
        session.reader.stop(&self.rooms[session.room].log);
        session.set_rare(|rare| rare.waiting = Some(Waiting::Answer(command.into())));
    }

    /// The store knows a room, or doesn't, and clients wait for it.
    pub(super) fn handle_tail(&mut self, name: &Nick, waiting: &[ClientId], answer: Answer) {
        let is_here = |id: &&ClientId| {
            self.sessions.get(**id).is_some_and(|it| it.is_member() && it.rare().waiting.is_some())
        };
        let waiting: Vec<_> = waiting.iter().filter(is_here).copied().collect();
        if waiting.is_empty() {
            return;
        }
        let is_known = matches!(answer, Answer::Tail(_));
        if !is_known && self.config.is_shared {
            return self.refuse_room(&waiting);
        }
        if self.rooms.find(name).is_none() {
            let tail = match answer {
                Answer::Tail(tail) => tail,
                // Its numbers aren't known, so they begin where there were none.
                _ => Tail {
                    next: self.handover.highest() + 1,
                    rules: self.moderation.absent_rules.get(name),
                    ..Tail::default()
                },
            };
            let name = Nick::parse(&tail.name).unwrap_or(name.clone());
            let room = self.rooms.insert(Room::new(name, &self.config));
            self.restore(room, &tail);
        }
        for id in waiting {
            self.resume_waiting(id);
            let is_in = |it: &Session| it.is_member() && self.rooms[it.room].name.is_same(name);
            if !is_known && self.sessions.get(id).is_some_and(is_in) {
                self.notify(id, &texts::no_past());
            }
        }
        // They may have been taken elsewhere.
        if let Some(room) = self.rooms.find(name) {
            self.forget_unused(room);
        }
    }

    /// A client goes on that has waited for an answer.
    pub(in crate::chat) fn resume_waiting(&mut self, id: ClientId) {
        match self.sessions[id].set_rare(|rare| rare.waiting.take()) {
            Some(Waiting::Answer(command)) => {
                self.run_command(id, &command);
                let Some(session) = self.sessions.get_mut(id) else { return };
                if session.rare().waiting.is_none() {
                    session.reader.go_on(&mut self.rooms[session.room].log, id);
                }
                self.queue(id);
            }
            Some(Waiting::Request(request)) => self.handle_waiting_request(id, &request),
            other => self.sessions[id].set_rare(|rare| rare.waiting = other),
        }
        self.schedule.resume(id);
        if self.sessions.contains_key(id) {
            self.update_interest(id);
        }
    }

    /// A client goes on that has waited for its room in vain.
    pub(in crate::chat) fn refuse_waiting(&mut self, id: ClientId, text: &str) {
        match self.sessions[id].set_rare(|rare| rare.waiting.take()) {
            Some(Waiting::Answer(command)) => {
                let re = find(&command).map(|(command, _)| command.name);
                self.answering(id, re, |chat| chat.refuse(id, text));
                let session = &mut self.sessions[id];
                session.reader.go_on(&mut self.rooms[session.room].log, id);
                self.queue(id);
            }
            Some(Waiting::Request(_)) => self.answer_unavailable(id, text),
            other => self.sessions[id].set_rare(|rare| rare.waiting = other),
        }
        self.schedule.resume(id);
        if self.sessions.contains_key(id) {
            self.update_interest(id);
        }
    }

    /// Begins the lobby where it was. `highest` is the highest number of any line.
    pub fn restore_lobby(&mut self, tail: &Tail, highest: u64) {
        self.handover.set_highest(highest);
        self.restore(self.rooms.lobby(), tail);
    }

    /// Begins a room where it was.
    fn restore(&mut self, id: RoomId, tail: &Tail) {
        let room = &mut self.rooms[id];
        if room.key.is_none() {
            // What was stored once isn't shown where nothing is stored any more.
            return;
        }
        let run = tail.run.as_deref().unwrap_or(room.log.run()).to_owned();
        let first = tail.lines.iter().find_map(Past::number);
        room.log.begin_at(&run, first.unwrap_or(tail.next).max(1));
        for line in &tail.lines {
            if let Past::Line { number, time, kind, from, text, facts } = line {
                room.log.jump_to((*number).max(room.log.newest() + 1));
                let (author, time, kind) = (ClientId::default(), *time, *kind);
                let text = text.as_bytes();
                room.log.append(&Line { author, kind, time, from, text, facts });
            }
        }
        room.log.jump_to(tail.next.max(room.log.newest() + 1));
        room.shared.run = tail.run.clone().unwrap_or_default();
        room.shared.newest = room.log.newest();
        room.topic = Some(&tail.topic).filter(|topic| !topic.is_empty()).cloned();
        room.is_kept = tail.is_known;
        if self.config.is_shared || self.config.operator_password.is_some() {
            // Else nobody could change them.
            room.rules = checked(&tail.rules);
        }
        if tail.is_known
            && let Some(key) = &mut room.key
        {
            // It may have been asked for by another name that looks like it.
            *key = Arc::new(RoomKey { name: tail.name.clone(), looks: key.looks.clone() });
        }
        room.set_queued();
        self.begin_repair(id, tail);
        self.watch(id);
        if tail.is_interrupted {
            self.append_notice(id, Kind::Notice, &texts::interrupted());
        }
    }
}
