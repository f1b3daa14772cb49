//! Clients that read what is stored and not in the log of their room any more.
//!
//! A page is asked for when the client has taken the one before it. Until it is level with
//! the log, its reader is held; what others say meanwhile comes after that.

use crate::chat::days::Day;
use crate::chat::ids::ClientId;
use crate::chat::keeping::lookups::Asked;
use crate::chat::lifecycle::FAREWELL_TIME;
use crate::chat::member::{Intro, Reading};
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::{Answer, From, Page, Past, Wish};

/// The next page is asked for when a client has not more than this still to take.
const REST_BYTES_MAX: usize = 4 * 1024;

impl Chat {
    /// Whether the store may have lines of a client's room that are older than its log.
    pub(in crate::chat) fn has_past(&self, id: ClientId) -> bool {
        let room = &self.rooms[self.sessions[id].room];
        let is_elsewhere = room.is_stored && room.is_kept || self.config.is_shared;
        is_elsewhere && room.number_from(room.log.first()) > 1
    }

    /// Shows a client what was said from somewhere on, first what only the store has.
    pub(in crate::chat) fn begin_past(&mut self, id: ClientId, from: From, intro: Intro) {
        let re = self.answered_name(id);
        let session = &mut self.sessions[id];
        let log = &self.rooms[session.room].log;
        let first = log.first().min(session.reader.next());
        let lines = session.reader.next().max(log.first()) - log.first();
        session.reader.rewind(first);
        session.reader.hold();
        let day = self.today();
        let reading = Reading { intro, re, lines, before: 0, next: 0, is_asked: false, day };
        let session = &mut self.sessions[id];
        session.set_rare(|rare| rare.reading = Some(Box::new(reading)));
        self.ask_page(id, from);
    }

    /// Asks for the next page, up to the log as it is now.
    fn ask_page(&mut self, id: ClientId, from: From) {
        let session = &mut self.sessions[id];
        let Some(key) = self.rooms[session.room].key.clone() else { return };
        let room = &self.rooms[session.room];
        let room_is_stored = room.is_stored;
        let before = room.number_from(session.reader.stop_seq().min(room.log.first()));
        session.set_rare(|rare| {
            if let Some(reading) = &mut rare.reading {
                (reading.before, reading.is_asked) = (before, true);
            }
        });
        let wish = match self.config.is_shared && !room_is_stored {
            true => Wish::Elsewhere { from, before },
            false => Wish::Page { from, before },
        };
        self.ask(key, wish, Asked::Page(id));
    }

    /// A page has come.
    pub(super) fn handle_page(&mut self, id: ClientId, answer: Answer) {
        let Some(session) = self.sessions.get(id) else { return };
        let re = session.rare().reading.as_ref().and_then(|reading| reading.re.clone());
        self.answering(id, re.as_deref(), |chat| chat.show_page(id, answer));
    }

    fn show_page(&mut self, id: ClientId, answer: Answer) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(mut reading) = session.set_rare(|rare| rare.reading.take()) else { return };
        reading.is_asked = false;
        let (before, intro) = (reading.before, std::mem::replace(&mut reading.intro, Intro::None));
        let Answer::Page(page) = answer else {
            session.set_rare(|rare| rare.reading = Some(reading));
            self.fail_command();
            self.notify_here(id, &texts::no_past());
            return self.end_reading(id);
        };
        self.introduce_past(id, intro, &page, reading.lines);
        self.add_page(id, &page.items, &mut reading.day);
        reading.next = page.next.unwrap_or(before - 1);
        let session = &mut self.sessions[id];
        session.set_rare(|rare| rare.reading = Some(reading));
        if session.is_leaving() {
            // It has as long again for each page.
            session.enter(session.state(), Some(self.clock.now() + FAREWELL_TIME));
            self.set_timer(id);
        }
        self.go_on_reading(id);
        self.queue(id);
        self.update_interest(id);
    }

    fn introduce_past(&mut self, id: ClientId, intro: Intro, page: &Page, lines: u64) {
        let lines = page.count + lines;
        let text = match intro {
            Intro::None => return,
            Intro::History => {
                let times = page.items.iter().filter_map(|item| match item {
                    Past::Line { time, .. } => Some(*time),
                    Past::Lost(_) => None,
                });
                let Some(time) = times.min() else { return };
                texts::history(lines, self.clock.wall().saturating_sub(time))
            }
            Intro::Resumed(number) => {
                let gone = page.oldest.saturating_sub(number + 1);
                texts::resumed(number, lines, gone)
            }
        };
        self.notify_here(id, &text);
    }

    fn add_page(&mut self, id: ClientId, items: &[Past], day: &mut Day) {
        let is_told_days = self.is_told_days(id);
        let mut bytes = Vec::new();
        let room = &self.rooms[self.sessions[id].room];
        // It may have been asked before they were.
        let is_cleared = |item: &&Past| {
            item.number().is_some_and(|number| room.log.is_cleared(room.run(), number))
        };
        let items: Vec<_> = items.iter().filter(|item| !is_cleared(item)).collect();
        for item in items {
            match item {
                Past::Lost(lines) => {
                    let note = self.encode_notice(id, &texts::not_stored(*lines));
                    bytes.extend(note);
                }
                line => {
                    if let Past::Line { time, .. } = line
                        && is_told_days
                        && std::mem::replace(day, self.day_of(*time)) != *day
                    {
                        bytes.extend(self.encode_notice(id, &self.date_of(*time)));
                    }
                    let session = &mut self.sessions[id];
                    let log = &self.rooms[session.room].log;
                    session.reader.encode_stored(log, session.nick.as_str(), line, &mut bytes);
                }
            }
        }
        if !bytes.is_empty() {
            self.sessions[id].reader.add_note_here(&bytes);
        }
    }

    /// Goes on with a client that reads the past, if it has taken the last page.
    pub(in crate::chat) fn go_on_reading(&mut self, id: ClientId) {
        let session = &mut self.sessions[id];
        let Some(reading) = &session.rare().reading else { return };
        if reading.is_asked || session.reader.due_bytes() > REST_BYTES_MAX {
            return;
        }
        let (next, day) = (reading.next, reading.day);
        let room = &self.rooms[session.room];
        let log = &room.log;
        let wanted = log.first().min(session.reader.stop_seq());
        if next + 1 < room.number_from(wanted) {
            return self.ask_page(id, From::After(next));
        }
        let from = log.place_after(room.run(), next);
        session.reader.release(log, id, from);
        session.set_rare(|rare| rare.reading = None);
        self.tell_days(id, from, day);
        self.queue(id);
    }

    /// A client reads the past no longer: it goes on with what is in the log.
    pub(in crate::chat) fn end_reading(&mut self, id: ClientId) {
        let session = &mut self.sessions[id];
        if session.is_plain() || session.set_rare(|rare| rare.reading.take()).is_none() {
            return;
        }
        let log = &self.rooms[session.room].log;
        session.reader.release(log, id, log.first());
    }
}
