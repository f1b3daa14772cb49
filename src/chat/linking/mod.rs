//! Rooms that several servers share. What is said waits until the engine has given it its
//! place, and is shown then, here as everywhere else.

// In reading order.
pub(super) mod outbox;
pub(super) mod directory;
pub(super) mod people;
pub(super) mod sent;
pub(super) mod errands;

use std::sync::Arc;
use std::time::Duration;

use crate::chat::ids::ClientId;
use crate::chat::keeping::lookups::Asked;
use crate::chat::linking::outbox::Pending;
use crate::chat::notice::Told;
use crate::chat::room::RoomId;
use crate::chat::room::log::{HiddenFrom, Line};
use crate::chat::schedule::Due;
use crate::chat::state::{Chat, Output};
use crate::chat::texts;
use crate::wire::{Arrival, Change, Kind, RoomKey, SharedLine, Submission, Tail, Wish};

/// When the engine is asked again how a room goes on, if it hasn't said it.
const REOPENING_TIME: Duration = Duration::from_secs(1);

impl Chat {
    /// Whether there is something for the link.
    pub fn has_submissions(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// What was said since the last time, for the link.
    pub fn take_submissions(&mut self) -> Vec<Submission> {
        self.outbox.take()
    }

    /// A line has got its place. To be called while `has_place_for_arrivals`.
    pub fn handle_arrival_of(&mut self, arrival: &Arrival) {
        let Arrival { room, number, server, count, is_late, is_again, line } = arrival;
        let is_own = *server == self.directory.own;
        let pending = if is_own { self.outbox.take_back(room, *count) } else { None };
        let is_shown = pending.as_ref().is_some_and(|pending| pending.line.is_none());
        if let Some(pending) = &pending {
            self.count_placed(pending.author, Some(*number));
        }
        self.count_dropped();
        let Some(id) = self.rooms.find_key(room) else { return };
        let newest = self.rooms[id].shared.newest;
        if *number <= newest {
            // It was read again.
            return;
        }
        if *number > newest + 1 {
            self.append_alone(id, &texts::missing_lines(number - newest - 1));
        }
        self.rooms[id].shared.newest = *number;
        if *is_again {
            return;
        }
        if let Some(change) = &line.change {
            self.apply_change(id, change);
        }
        if is_shown {
            self.keep_shown(id, *number, line);
        } else {
            let (author, hidden) = match pending {
                Some(Pending { author, hidden, .. }) => (author, hidden),
                None => {
                    let author = self.directory.id(server, line.author).unwrap_or_default();
                    (author, HiddenFrom::Nobody)
                }
            };
            self.append_shared(id, *number, author, line, *is_late, hidden);
        }
    }

    /// Lines that don't come back have no places.
    fn count_dropped(&mut self) {
        for author in self.outbox.take_dropped() {
            self.count_placed(author, None);
        }
    }

    /// A line that those here have been shown before it had its number is stored with that.
    fn keep_shown(&mut self, id: RoomId, number: u64, line: &SharedLine) {
        if self.config.has_store {
            let SharedLine { time, kind, from, text, facts, .. } = line;
            let (author, time, kind) = (ClientId::default(), *time, *kind);
            let text = text.as_bytes();
            self.keep_as(id, number, &Line { author, kind, time, from, text, facts });
        }
    }

    /// Adds a line at its place.
    fn append_shared(
        &mut self,
        id: RoomId,
        number: u64,
        author: ClientId,
        line: &SharedLine,
        is_late: bool,
        hidden: HiddenFrom,
    ) {
        let SharedLine { time, kind, from, text, facts, .. } = line;
        let late = is_late.then(|| texts::late(*time, text));
        let (time, kind, text) = (*time, *kind, late.as_deref().unwrap_or(text).as_bytes());
        self.directory.hear(author, time);
        let room = &mut self.rooms[id];
        if room.log.run() == &*room.shared.run && number > room.log.newest() {
            room.log.jump_to(number);
        } else {
            room.log.begin_run(&room.shared.run, number);
        }
        self.append_at_once(id, &Line { author, kind, time, from, text, facts }, hidden);
    }

    /// Adds a line to a room that several servers share.
    pub(super) fn append_to_shared(
        &mut self,
        id: RoomId,
        key: &Arc<RoomKey>,
        line: &Line<'_>,
        hidden: HiddenFrom,
        change: Option<Change>,
    ) {
        if self.outbox.is_up() && self.rooms[id].is_watched() {
            return self.outbox.add(key, line, hidden, change);
        }
        // Who comes and goes is known when the link is back.
        if self.config.talks_alone && line.kind != Kind::Presence {
            self.outbox.add_shown(key, line, change);
        }
        self.append_here(id, line, hidden);
    }

    /// Adds a line that the other servers don't have, or not yet: it has no number.
    fn append_here(&mut self, id: RoomId, line: &Line<'_>, hidden: HiddenFrom) {
        let room = &mut self.rooms[id];
        if room.key.is_some() && self.config.is_shared {
            room.log.begin_unnumbered();
        }
        self.append_at_once(id, line, hidden);
    }

    /// Adds a notice for those who are on this server only.
    pub(super) fn append_alone<'a>(&mut self, id: RoomId, notice: impl Into<Told<'a>>) {
        let notice = notice.into();
        let (author, kind, time) = (ClientId::default(), Kind::Notice, self.clock.wall());
        let (from, text, facts) = ("", notice.text.as_bytes(), &*notice.facts_for_line());
        let line = Line { author, kind, time, from, text, facts };
        self.append_here(id, &line, HiddenFrom::Nobody);
    }

    /// Adds a notice to a room of this name wherever people are in it.
    pub(super) fn append_elsewhere<'a>(
        &mut self,
        room: &Arc<RoomKey>,
        notice: impl Into<Told<'a>>,
    ) {
        let notice = notice.into();
        let (author, kind, time) = (ClientId::default(), Kind::Notice, self.clock.wall());
        let (from, text, facts) = ("", notice.text.as_bytes(), &*notice.facts_for_line());
        let line = Line { author, kind, time, from, text, facts };
        match self.rooms.find_key(room) {
            Some(id) => self.append_to_shared(id, room, &line, HiddenFrom::Nobody, None),
            None => self.outbox.add_elsewhere(room, &line),
        }
    }

    /// A room is different from here on, on all servers.
    fn apply_change(&mut self, id: RoomId, change: &Change) {
        match change {
            Change::Topic(topic) => {
                self.set_topic(id, topic);
                self.keep_topic(id);
            }
            Change::Rules(rules) => self.apply_rules(id, rules),
            Change::Clear(first, last) => self.clear_lines(id, *first, *last),
        }
    }

    fn set_topic(&mut self, id: RoomId, topic: &str) {
        self.rooms[id].topic = Some(topic).filter(|topic| !topic.is_empty()).map(Into::into);
    }

    /// A room counts anew from `next` on. People are told if the engine has forgotten lines that
    /// were shown here; gives whether it has.
    pub fn handle_new_run(&mut self, room: &Arc<RoomKey>, run: &str, next: u64) -> bool {
        let Some(id) = self.rooms.find_key(room) else { return false };
        let is_lost = self.rooms[id].shared.newest >= next;
        if is_lost {
            self.append_alone(id, &texts::engine_forgot());
        }
        let shared = &mut self.rooms[id].shared;
        (shared.run, shared.newest) = (run.into(), next - 1);
        self.keep_run(id);
        is_lost
    }

    /// The engine works, or doesn't. Everybody is told when that changes.
    pub fn handle_link(&mut self, is_up: bool) {
        if self.outbox.set_up(is_up) == is_up {
            return;
        }
        match (is_up, self.config.talks_alone) {
            (true, _) => self.come_together(),
            (false, true) => {
                self.tell_everyone(&texts::link_down(texts::LINK_DOWN_ALONE));
                self.show_pending();
            }
            (false, false) => {
                self.tell_everyone(&texts::link_down(texts::LINK_DOWN));
                self.fail_posts();
            }
        }
    }

    /// The engine works again.
    fn come_together(&mut self) {
        self.tell_everyone(&texts::link_up());
        self.tell_lost();
        let rooms: Vec<_> = self.rooms.iter().map(|(id, _)| id).collect();
        rooms.into_iter().for_each(|id| self.reopen(id));
    }

    /// Says in rooms how many lines of theirs other servers don't get; not before the engine has
    /// opened the room.
    fn tell_lost(&mut self) {
        for (room, lines) in self.outbox.take_lost() {
            match self.rooms.find_key(&room).is_none_or(|id| self.rooms[id].is_watched()) {
                true => self.append_elsewhere(&room, &texts::lines_said_alone(lines)),
                false => self.outbox.lose(&room, lines),
            }
        }
    }

    /// Asks how a room goes on that was opened while the engine was away.
    pub(super) fn reopen(&mut self, id: RoomId) {
        let room = self.rooms.get(id).filter(|room| !room.is_watched());
        let key = room.and_then(|room| room.key.clone());
        if let Some(key) = key.filter(|_| self.outbox.is_up() && !self.lookups.is_reopening(id)) {
            self.ask(key, Wish::Tail, Asked::Reopened(id));
        }
    }

    /// The engine hasn't said how a room goes on. It may work all the same, without a word.
    pub(super) fn reopen_later(&mut self, id: RoomId) {
        self.schedule.set(self.clock.now() + REOPENING_TIME, Due::Reopening(id));
    }

    /// A room that was opened while the engine was away goes on like this.
    pub(super) fn handle_reopened(&mut self, id: RoomId, tail: &Tail) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        room.shared.run = tail.run.clone().unwrap_or_default();
        room.shared.newest = tail.next - 1;
        self.keep_run(id);
        let room = &self.rooms[id];
        if let Some(key) = room.key.clone() {
            // What was said here before that doesn't come back.
            self.outbox.forget_until(&key, tail.submitted);
            self.count_dropped();
        }
        if !tail.topic.is_empty() {
            self.set_topic(id, &tail.topic);
        }
        self.apply_rules(id, &tail.rules);
        self.watch(id);
        self.tell_lost();
    }

    /// Shows what was said last, and nobody knows when it comes back.
    fn show_pending(&mut self) {
        let rooms: Vec<_> = self.rooms.iter().map(|(id, _)| id).collect();
        for id in rooms {
            let Some(key) = self.rooms[id].key.clone() else { continue };
            for (author, hidden, line) in self.outbox.show_pending(&key) {
                let SharedLine { time, kind, from, text, facts, .. } = &line;
                let (time, kind, text) = (*time, *kind, text.as_bytes());
                let line = Line { author, kind, time, from, text, facts };
                self.append_here(id, &line, hidden);
            }
        }
        self.end_posts();
    }

    /// Whether those here talk on without the other servers.
    pub(super) fn is_alone(&self) -> bool {
        self.config.is_shared && self.config.talks_alone && !self.outbox.is_up()
    }

    /// Whether a client may say something now; if not it is told why.
    pub(super) fn is_linked(&mut self, id: ClientId) -> bool {
        let is_linked = !self.config.is_shared || self.outbox.is_up() || self.config.talks_alone;
        if !is_linked {
            self.refuse(id, &texts::not_sent());
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
        let (run, next) = (room.shared.run.clone(), room.shared.newest + 1);
        self.outputs.push_back(Output::Watch { room: Arc::clone(key), run, next });
    }

    /// Nobody is in a room any more.
    pub(super) fn unwatch(&mut self, room: Option<Arc<RoomKey>>) {
        if let Some(room) = room.filter(|_| self.config.is_shared) {
            self.outbox.forget(&room);
            self.count_dropped();
            self.outputs.push_back(Output::Unwatch(room));
        }
    }

    /// What is known of the link, for people; `None` without one.
    pub(super) fn link_summary(&self) -> Option<String> {
        self.config.is_shared.then(|| {
            let servers: Vec<_> = self.directory.servers().map(|(_, name)| name).collect();
            let (people, waiting) = (self.directory.len(), self.outbox.lines());
            texts::link(self.outbox.is_up(), &servers, people, waiting)
        })
    }
}
