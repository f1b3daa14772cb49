//! What is handed over to the store, if there is one, and what it is asked.

// In reading order.
pub(super) mod handover;
pub(super) mod lookups;
pub(super) mod repairs;
mod repair;
pub(super) mod rooms;
pub(super) mod past;
mod search;

use std::sync::Arc;

use crate::chat::keeping::lookups::Asked;
use crate::chat::names::secret::Verdict;
use crate::chat::room::log::{Line, Seq};
use crate::chat::room::{Room, RoomId};
use crate::chat::state::{Chat, Output};
use crate::chat::texts;
use crate::wire::{Answer, Batch, Kind, News, Query, RoomKey, StoreState, StoredLine, Wish};

impl Chat {
    /// Hands a line over that was said. Not one that has no number on all servers.
    pub(super) fn keep(&mut self, id: RoomId, seq: Seq, line: &Line<'_>) {
        let room = &self.rooms[id];
        if let Some(number) = room.log.own_number(seq) {
            self.keep_as(id, number, line);
        }
    }

    /// Hands a line over that has this number. A room in which nobody says anything leaves no
    /// trace.
    pub(super) fn keep_as(&mut self, id: RoomId, number: u64, line: &Line<'_>) {
        let room = &mut self.rooms[id];
        let Some(key) = room.key.as_ref().filter(|_| room.is_stored) else { return };
        let Line { kind, time, from, text, facts, .. } = *line;
        let is_new = !room.is_kept && matches!(kind, Kind::Said | Kind::Act);
        room.is_kept |= is_new;
        if is_new && self.config.is_shared {
            self.handover.add(key, News::Run(&room.shared.run));
        }
        if room.is_kept {
            let line = StoredLine { number, time, kind, from, text, facts };
            self.handover.add(key, News::Line(line));
        }
    }

    /// Hands over that a room counts anew.
    pub(super) fn keep_run(&mut self, id: RoomId) {
        let room = &self.rooms[id];
        if let Some(key) = room.key.as_ref().filter(|_| room.is_stored && room.is_kept) {
            self.handover.add(key, News::Run(&room.shared.run));
        }
    }

    /// Hands over what a room is about.
    pub(super) fn keep_topic(&mut self, id: RoomId) {
        let room = &mut self.rooms[id];
        let Some(key) = room.key.as_ref().filter(|_| room.is_stored) else { return };
        room.is_kept = true;
        self.handover.add(key, News::Topic(room.topic.as_deref().unwrap_or_default()));
    }

    /// Hands over what operators have set for a room.
    pub(super) fn keep_rules(&mut self, id: RoomId) {
        let room = &mut self.rooms[id];
        let Some(key) = room.key.as_ref().filter(|_| room.is_stored) else { return };
        room.is_kept = true;
        self.handover.add(key, News::Rules(&room.rules.text()));
    }

    /// Hands over that a room is empty.
    pub(super) fn keep_end(&mut self, room: &Room) {
        if let Some(key) = room.key.as_ref().filter(|_| room.is_stored && room.is_kept) {
            self.handover.add(key, News::Closed);
        }
    }

    /// Whether there is something for the store.
    pub fn has_news(&self) -> bool {
        !self.handover.is_empty()
    }

    /// What has happened since the last time, for the store. To be called when it takes
    /// more, and not if it doesn't: what doesn't fit here is counted.
    pub fn take_news(&mut self) -> Batch {
        let news = self.handover.take();
        self.go_on_repairing();
        news
    }

    /// The store does so now.
    pub fn handle_store_state(&mut self, state: StoreState) {
        let old = self.handover.set_state(state);
        let notice = match (&self.handover.state().fault, old.fault) {
            (Some(fault), None) => Some(texts::store_fault(fault)),
            (None, Some(_)) => Some(texts::store_works(self.handover.lines_lost())),
            _ => None,
        };
        if let Some(notice) = notice {
            self.tell_operators(&notice);
        }
    }

    /// What the store has done, for the log.
    pub fn store_summary(&self) -> Option<String> {
        let is_on = self.config.has_store;
        is_on.then(|| texts::store(self.handover.state(), self.handover.lines_lost()))
    }

    /// Asks the store something about a room.
    pub(super) fn ask(&mut self, room: Arc<RoomKey>, wish: Wish, asked: Asked) {
        let ticket = self.lookups.add(self.clock.now(), asked);
        self.outputs.push_back(Output::Ask(Query { ticket, room, wish }));
    }

    /// The store answers. To be called while there is headroom.
    pub fn handle_answer(&mut self, ticket: u64, answer: Answer) {
        if let Answer::Named { client, name, named } = &answer
            && !self.lookups.is_open(ticket)
        {
            return self.handle_published(*client, name, named.clone());
        }
        match self.lookups.take(ticket) {
            None => {}
            Some(Asked::Room { name, waiting }) => self.handle_tail(&name, &waiting, answer),
            Some(Asked::Page(id)) => self.handle_page(id, answer),
            Some(Asked::Search(id)) => {
                self.answering(id, Some("search"), |chat| chat.handle_found(id, answer));
            }
            Some(Asked::Last(wanted)) => {
                let id = wanted.client;
                self.answering(id, Some("last"), |chat| chat.handle_last(*wanted, answer));
            }
            Some(Asked::Name(id, nick)) => {
                let named = match answer {
                    Answer::Named { named, .. } => named.map_err(Some),
                    _ => Err(None),
                };
                self.handle_permit(id, nick, named);
            }
            Some(Asked::Secret(id, deed)) => self.end_secret(id, &deed, Verdict::Failed),
            Some(Asked::Repair(room)) => self.handle_repair(&room, &answer),
            Some(Asked::Reopened(id)) => match answer {
                Answer::Tail(tail) => self.handle_reopened(id, &tail),
                _ => self.reopen_later(id),
            },
            Some(Asked::Errand(sent)) => self.handle_lost_errand(&sent),
        }
    }

    /// What the store should have answered by now is taken as not known.
    pub(super) fn handle_late_answers(&mut self) {
        while let Some(ticket) = self.lookups.next_late(self.clock.now()) {
            self.handle_answer(ticket, Answer::Failed);
        }
    }
}
