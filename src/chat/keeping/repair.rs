//! What was said on other servers while this one didn't run: the store gets it from there.

use std::sync::Arc;

use crate::chat::keeping::lookups::Asked;
use crate::chat::keeping::repairs::Repair;
use crate::chat::room::RoomId;
use crate::chat::state::Chat;
use crate::wire::{Answer, From, News, Past, RoomKey, StoredLine, Tail, Wish};

impl Chat {
    /// A room that others share goes on here: its numbers are theirs, and the store gets what
    /// it lacks.
    pub(super) fn begin_repair(&mut self, id: RoomId, tail: &Tail) {
        let room = &mut self.rooms[id];
        let Some(key) = room.key.clone().filter(|_| room.is_stored && self.config.is_shared) else {
            return;
        };
        if !room.is_kept {
            return;
        }
        self.handover.add(&key, News::Run(&room.shared.run));
        self.handover.add(&key, News::Topic(&tail.topic));
        for (first, last) in &tail.cleared {
            self.handover.add(&key, News::Cleared(*first, *last));
        }
        self.keep_past(&key, &tail.lines);
        let first = tail.lines.iter().find_map(Past::number);
        if let Some(first) = first.filter(|first| *first > 1) {
            self.repairs.add(&key, first);
            self.go_on_repairing();
        }
    }

    /// Asks for what is missing next. Not before the store has taken what has come so far.
    pub(super) fn go_on_repairing(&mut self) {
        let Some(Repair { room, after, before }) = self.repairs.begin() else { return };
        let wish = match after {
            None => Wish::Newest(before),
            Some(after) => Wish::Elsewhere { from: From::After(after), before },
        };
        self.ask(Arc::clone(&room), wish, Asked::Repair(room));
    }

    /// A part of what is missing has come, or where that begins.
    pub(super) fn handle_repair(&mut self, room: &Arc<RoomKey>, answer: &Answer) {
        match answer {
            Answer::Newest(number) => self.repairs.end(Some(*number)),
            Answer::Page(page) => {
                self.keep_past(room, &page.items);
                self.repairs.end(page.next);
            }
            // Neither the store nor the engine works; it is tried again at the next start.
            _ => self.repairs.end(None),
        }
        if self.handover.is_empty() {
            self.go_on_repairing();
        }
    }

    fn keep_past(&mut self, room: &Arc<RoomKey>, lines: &[Past]) {
        let known = self.rooms.find_key(room).map(|id| &self.rooms[id]);
        let is_cleared = |line: &&Past| {
            let number = line.number().unwrap_or_default();
            known.is_some_and(|room| room.log.is_cleared(room.run(), number))
        };
        // They may have been asked for before some were taken out.
        for line in lines.iter().filter(|line| !is_cleared(line)) {
            if let Past::Line { number, time, kind, from, text, facts } = line {
                let (number, time, kind, text) = (*number, *time, *kind, text.as_bytes());
                let line = StoredLine { number, time, kind, from, text, facts };
                self.handover.add(room, News::Again(line));
            }
        }
    }
}
