//! Where one day ends in what a client is shown, and the next one begins.
//!
//! Clients that are shown times have the date before the first line of each day, which their
//! encoding makes. All other clients of text are told where a line isn't of today, and where the
//! day changes while they are here: by notes, so that nobody's lines are encoded for it. Programs
//! that receive JSON have the time of each line.

use crate::chat::ids::ClientId;
use crate::chat::room::RoomId;
use crate::chat::room::log::Seq;
use crate::chat::state::Chat;
use crate::wire::{Clock, Layout, Time};

/// Days that are told of at one time, so that what waits for a client has a limit.
const DAYS_MAX: usize = 100;

/// A day in the zone of the server, counted from 1970.
pub(super) type Day = i32;

impl Chat {
    pub(super) fn day_of(&self, time: Time) -> Day {
        Clock::SERVER.day(time, &self.config.zone)
    }

    pub(super) fn today(&self) -> Day {
        self.day_of(self.clock.wall())
    }

    /// What says which day a time belongs to: `Sunday, 29 November 2026`.
    pub(super) fn date_of(&self, time: Time) -> String {
        Clock::SERVER.date(time, &self.config.zone)
    }

    /// Whether a client is told of days by notes.
    pub(super) fn is_told_days(&self, id: ClientId) -> bool {
        let encoding = self.sessions[id].reader.newest_encoding();
        let is_text = matches!(encoding.layout, Layout::Named | Layout::Bare);
        is_text && encoding.view().clock.is_none()
    }

    /// A client is about to be shown the lines from `from` on, after one of the day `shown`. It is
    /// told before the first line of each other day, and at the end if that isn't today.
    pub(super) fn tell_days(&mut self, id: ClientId, from: Seq, mut shown: Day) {
        if !self.is_told_days(id) {
            return;
        }
        let log = &self.rooms[self.sessions[id].room].log;
        let (end, now) = (log.next(), self.clock.wall());
        let (mut seq, mut days) = (from.max(log.first()), Vec::new());
        while seq < end && days.len() < DAYS_MAX {
            let day = self.day_of(log.time(seq));
            if day != shown {
                days.push((seq, log.time(seq)));
            }
            shown = day;
            seq = log.first_behind(seq, |time| self.day_of(time) <= day);
        }
        if shown != self.day_of(now) && from < end {
            days.push((end, now));
        }
        for (seq, time) in days {
            let note = self.encode_notice(id, &self.date_of(time));
            self.sessions[id].reader.add_note_before(seq, &note);
        }
        self.queue(id);
    }

    /// A line of this time is about to get its place in a room. If it is the first one of a day,
    /// those who were here before are told.
    pub(super) fn tell_new_day(&mut self, room: RoomId, time: Time) {
        let log = &self.rooms[room].log;
        // Days begin with a minute, and most lines follow another one within one.
        if self.config.raw
            || log.first() == log.next()
            || log.time(log.next() - 1) / 60 >= time / 60
        {
            return;
        }
        let (before, day) = (self.day_of(log.time(log.next() - 1)), self.day_of(time));
        if before >= day {
            return;
        }
        let date = self.date_of(time);
        let (wall, uptime) = (self.clock.wall(), self.clock.uptime());
        for member in self.rooms[room].members().to_vec() {
            let session = &self.sessions[member];
            let came = wall.saturating_sub(uptime.saturating_sub(session.since));
            let is_ready = !session.is_ungreeted() && self.day_of(came) < day;
            if is_ready && self.is_told_days(member) {
                self.notify_other(member, &date);
            }
        }
    }
}
