//! Rooms that several servers share. What is said waits until the engine has given it its
//! place, and is shown then, here as everywhere else.

pub(super) mod outbox;

use std::sync::Arc;

use crate::chat::ids::ClientId;
use crate::chat::room::RoomId;
use crate::chat::room::log::{HiddenFrom, Line};
use crate::chat::state::{Chat, Output};
use crate::chat::texts;
use crate::wire::{Arrival, Batch, Kind, RoomKey, Shared};

impl Chat {
    /// Whether there is something for the link.
    pub fn has_submissions(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// What was said since the last time, for the link: each line with its count.
    pub fn take_submissions(&mut self) -> Batch {
        self.outbox.take()
    }

    /// Lines have got their places. To be called while `has_place_for_arrivals`.
    pub fn handle_arrivals(&mut self, arrivals: &[Arrival]) {
        for arrival in arrivals {
            let pending = arrival.own.and_then(|count| self.outbox.take_back(&arrival.room, count));
            let Some(id) = self.rooms.find_key(&arrival.room) else { continue };
            let (author, hidden) = match pending {
                Some(pending) => (pending.author, pending.hidden),
                None => (ClientId::default(), HiddenFrom::Nobody),
            };
            match &arrival.what {
                Shared::Topic(topic) => self.set_topic(id, topic),
                Shared::Line { time, kind, from, text } => {
                    let late = arrival.is_late.then(|| texts::late(*time, &self.config.zone, text));
                    let text = late.as_deref().unwrap_or(text);
                    let (time, kind, text) = (*time, *kind, text.as_bytes());
                    let line = Line { author, kind, time, from, text };
                    self.add_arrival(id, arrival.number, &line, hidden);
                }
            }
        }
    }

    fn add_arrival(&mut self, id: RoomId, number: u64, line: &Line<'_>, hidden: HiddenFrom) {
        let newest = self.rooms[id].log.newest();
        if number <= newest {
            // It was read again.
            return;
        }
        if number > newest + 1 {
            // The notice takes the place of the first of them.
            self.append_here(id, &texts::missing_lines(number - newest - 1));
        }
        self.rooms[id].log.jump_to(number);
        self.append_at_once(id, line, hidden);
    }

    /// Adds a notice for those who are on this server only.
    pub(super) fn append_here(&mut self, id: RoomId, text: &str) {
        let (author, kind, time) = (ClientId::default(), Kind::Notice, self.clock.wall());
        let line = Line { author, kind, time, from: "", text: text.as_bytes() };
        self.append_at_once(id, &line, HiddenFrom::Nobody);
    }

    /// Hands over what a room is about.
    pub(super) fn share_topic(&mut self, id: RoomId) {
        let room = &self.rooms[id];
        if let Some(key) = room.key.as_ref().filter(|_| self.config.is_shared) {
            self.outbox.add_topic(key, room.topic.as_deref().unwrap_or_default());
        }
    }

    fn set_topic(&mut self, id: RoomId, topic: &str) {
        self.rooms[id].topic = Some(topic).filter(|topic| !topic.is_empty()).map(Into::into);
    }

    /// The engine has forgotten what it was told of a room, which counts anew from `next` on.
    pub fn handle_new_run(&mut self, room: &Arc<RoomKey>, run: &str, next: u64) {
        let Some(id) = self.rooms.find_key(room) else { return };
        self.append_here(id, texts::ENGINE_FORGOT);
        self.rooms[id].log.begin_run(run, next);
    }

    /// The engine answers, or doesn't. Everybody is told when that changes.
    pub fn handle_link(&mut self, is_up: bool) {
        if self.outbox.set_up(is_up) == is_up {
            return;
        }
        let text = if is_up { texts::LINK_UP } else { texts::LINK_DOWN };
        let members = self.sessions.iter().filter(|(_, session)| session.is_member());
        let members: Vec<_> = members.map(|(id, _)| id).collect();
        for id in members {
            self.notify_other(id, text);
        }
    }

    /// Whether a client may say something now; if not it is told why.
    pub(super) fn is_linked(&mut self, id: ClientId) -> bool {
        let is_linked = !self.config.is_shared || self.outbox.is_up();
        if !is_linked {
            self.notify(id, texts::NOT_SENT);
        }
        is_linked
    }

    /// The engine doesn't say how a room goes on, so nobody can enter it.
    pub(super) fn refuse_room(&mut self, waiting: &[ClientId]) {
        for &id in waiting {
            self.refuse_waiting(id, texts::NO_ROOM_NOW);
        }
    }

    /// A room is read from here on.
    pub(super) fn watch(&mut self, id: RoomId) {
        let room = &self.rooms[id];
        let Some(key) = room.key.as_ref().filter(|_| self.config.is_shared) else { return };
        let (room, run, next) = (Arc::clone(key), room.log.run().into(), room.log.newest() + 1);
        self.outputs.push_back(Output::Watch { room, run, next });
    }

    /// Nobody is in a room any more.
    pub(super) fn unwatch(&mut self, room: Option<Arc<RoomKey>>) {
        if let Some(room) = room.filter(|_| self.config.is_shared) {
            self.outbox.forget(&room);
            self.outputs.push_back(Output::Unwatch(room));
        }
    }
}
