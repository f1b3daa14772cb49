//! What clients are sent.

use std::hint::black_box;
use std::io::IoSlice;
use std::time::Instant;

use crate::chat::close_reason::{CloseReason, Closing};
use crate::chat::config::OnLag;
use crate::chat::flush::Offer;
use crate::chat::ids::ClientId;
use crate::chat::member::{Interest, Session, Turn};
use crate::chat::notice::Told;
use crate::chat::room::cursor::Slices;
use crate::chat::room::table::Rooms;
use crate::chat::state::{Chat, Output};
use crate::chat::texts;
use crate::wire::{Client, Kind, Message};

impl Chat {
    /// The next client that something can be sent to, with what to send it in
    /// one write. `handle_written` or `handle_reset` must follow.
    pub fn poll_transmit<'a>(&'a mut self, slices: &mut Slices<'a>) -> Option<ClientId> {
        self.queue_members();
        let id = self.next_prepared()?;
        let offer = offer(&self.sessions[id], &self.rooms, slices);
        self.flush.set_offer(offer);
        self.fetch_next();
        Some(id)
    }

    /// Whether so many clients wait to be sent something.
    pub fn has_transmits(&mut self, clients: usize) -> bool {
        self.queue_members();
        self.flush.len() >= clients
    }

    /// The next clients that something can be sent to, so many at most. Each has to be given
    /// an `offer`; then `take_sent` must follow for all that were written to, and after that
    /// `handle_sent` or `handle_write_broken` for each, in their order, before anything else.
    pub fn prepare_transmits(&mut self, clients_max: usize, clients: &mut Vec<ClientId>) {
        self.queue_members();
        while clients.len() < clients_max
            && let Some(id) = self.next_prepared()
        {
            clients.push(id);
        }
    }

    fn next_prepared(&mut self) -> Option<ClientId> {
        loop {
            let id = self.flush.pop()?;
            if self.prepare(id) {
                return Some(id);
            }
        }
    }

    /// What to send to a client that is prepared, in one write.
    pub fn offer<'a>(&'a self, id: ClientId, slices: &mut Slices<'a>) -> Offer {
        offer(&self.sessions[id], &self.rooms, slices)
    }

    /// Reads the session that is likely to be next, so that it comes into the
    /// processor's cache while this client is written to: the kernel has used
    /// megabytes since it was there last.
    fn fetch_next(&self) {
        let next = self.flush.front().and_then(|id| self.sessions.get(id));
        black_box(next.map(|session| (session.place, session.reader.next(), session.is_plain())));
    }

    /// The kernel took `bytes` of what `poll_transmit` offered for the client;
    /// 0 if it would have blocked.
    pub fn handle_written(&mut self, now: Instant, id: ClientId, bytes: usize) {
        let offer = self.flush.offer();
        self.take_sent(id, offer, bytes);
        self.handle_sent(now, id, offer, bytes);
    }

    /// The same of this offer, first part: the client is further on. To be called for all that
    /// were prepared before anything else is done, since what they were offered is there only
    /// until one of them ends.
    pub fn take_sent(&mut self, id: ClientId, offer: Offer, bytes: usize) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let log = &self.rooms[session.room].log;
        let is_short = bytes < offer.bytes;
        if !session.is_plain() && !session.rare().client.screen().is_empty() {
            session.set_client(|client| client.advance_screen(bytes));
        } else if offer.is_all && !is_short {
            session.reader.advance_to_end(log, bytes);
        } else {
            session.reader.advance(log, bytes);
        }
    }

    /// The same, second part.
    pub fn handle_sent(&mut self, now: Instant, id: ClientId, offer: Offer, bytes: usize) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.turn = Turn::None;
        self.counts.bytes_sent += bytes as u64;
        let is_short = bytes < offer.bytes;
        if session.is_plain() && offer.is_all && !is_short && session.told_interest.read {
            // The usual case: there is nothing else to look at.
            return;
        }
        self.handle_unusual_write(now, id, bytes, offer);
        // It may have been told something since it was prepared.
        let is_owed = |it: &Session| !it.reader.is_done(&self.rooms[it.room].log);
        if self.sessions.get(id).is_some_and(is_owed) {
            self.queue(id);
        }
        self.update_interest(id);
    }

    fn handle_unusual_write(&mut self, now: Instant, id: ClientId, bytes: usize, offer: Offer) {
        let session = &mut self.sessions[id];
        let is_short = bytes < offer.bytes;
        let stalled_since = match session.rare().stalled_since {
            Some(since) if bytes == 0 => Some(since),
            _ => is_short.then_some(now),
        };
        session.blocked = is_short;
        if session.rare().stalled_since != stalled_since {
            session.set_rare(|rare| rare.stalled_since = stalled_since);
            self.set_timer(id);
        } else if is_short {
            if self.is_stalled(now, &self.sessions[id]) {
                return self.handle_broken(id, CloseReason::Stalled);
            }
            // The try is over.
            self.set_timer(id);
        }
        let session = &self.sessions[id];
        if session.is_holding() && session.wants_input() {
            self.schedule.resume(id);
        }
        self.go_on_reading(id);
        self.resume_if_caught_up(id);
        if is_short {
            return self.drop_if_stuck_giving_way(id);
        }
        if !offer.is_all {
            self.queue(id);
        } else if self.sessions[id].is_leaving() && self.has_all(id) {
            self.end(id, Closing::Polite);
        }
    }

    /// The kernel has taken something for a client that was taken from here before: it
    /// reads, though nothing more is taken from here yet.
    pub fn handle_progress(&mut self, now: Instant, id: ClientId) {
        if let Some(session) = self.sessions.get_mut(id)
            && !session.is_plain()
            && session.rare().stalled_since.is_some()
        {
            session.set_rare(|rare| rare.stalled_since = Some(now));
            self.set_timer(id);
        }
    }

    /// The kernel takes bytes for a blocked client again.
    pub fn handle_writable(&mut self, id: ClientId) {
        if let Some(session) = self.sessions.get_mut(id)
            && !session.is_broken()
            && std::mem::take(&mut session.blocked)
        {
            self.queue(id);
            self.update_interest(id);
        }
    }

    /// What to wait for on a client's socket; nothing if it is over.
    pub fn interest(&self, id: ClientId) -> Interest {
        self.sessions.get(id).map_or(Interest::default(), Session::interest)
    }

    /// Has the caller told what to wait for on a client's socket, if that is something
    /// else than it was told last.
    pub(super) fn update_interest(&mut self, id: ClientId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let interest = session.interest();
        if std::mem::replace(&mut session.told_interest, interest) != interest {
            self.outputs.push_back(Output::Interest(id));
        }
    }

    /// What the caller has to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        let bans = self.admission.take_new_bans(self.clock.moment());
        bans.map(Output::Bans).or_else(|| self.outputs.pop_front())
    }

    /// Whether `poll_output` has something.
    pub(super) fn has_output(&self) -> bool {
        self.admission.has_new_bans() || !self.outputs.is_empty()
    }

    /// Whether clients may do more before the next `poll_transmit`.
    ///
    /// False when a client that waits for nothing but its turn is a quarter of
    /// the log behind: with one more read (half a log at most) it still isn't
    /// lapped. And when so many strangers have given way at once that no place is
    /// left for a newcomer until they have been told.
    pub fn has_headroom(&self) -> bool {
        self.outbox.has_place() && self.has_place_for_arrivals()
    }

    /// Whether the caller may hand over what others have said.
    pub fn has_place_for_arrivals(&self) -> bool {
        let front = self.flush.front().and_then(|id| self.sessions.get(id));
        let is_near = |session: &Session| {
            let log = &self.rooms[session.room].log;
            // One that reads the past has had a part of it, and waits for nobody.
            let is_in_past = session.reader.is_in_past(log) && session.turn != Turn::First;
            is_in_past || log.is_near(session.reader.next())
        };
        let has_place = self.rooms.login().is_none()
            || self.admission.giving_way() < self.config.strangers_max();
        has_place && !self.rooms.has_many_new_lines() && front.is_none_or(is_near)
    }

    /// Bytes of lines (with LF ends) added since the last `poll_transmit`, in
    /// the room with the most.
    pub fn new_bytes(&self) -> usize {
        self.rooms.new_bytes()
    }

    /// Whether nobody waits for `poll_transmit` but for lines added since the
    /// last one.
    pub fn is_flushed(&self) -> bool {
        self.flush.is_empty()
    }

    /// Whether `poll_transmit` may have something.
    pub(super) fn has_unflushed(&self) -> bool {
        !self.is_flushed() || self.rooms.has_new_lines()
    }

    /// Puts a client into the flush queue unless it is blocked.
    pub(super) fn queue(&mut self, id: ClientId) {
        self.flush.push(id, &mut self.sessions[id]);
    }

    /// Queues the members of each room to which lines have come since the last
    /// time.
    fn queue_members(&mut self) {
        while let Some(room) = self.rooms.next_dirty() {
            for &id in room.members() {
                self.flush.push(id, &mut self.sessions[id]);
            }
        }
    }

    /// Gets a client from the flush queue ready; false if there is nothing to
    /// send to it.
    fn prepare(&mut self, id: ClientId) -> bool {
        let Some(session) = self.sessions.get_mut(id) else { return false };
        session.turn = Turn::None;
        if session.blocked {
            return false;
        }
        let log = &self.rooms[session.room].log;
        if session.is_ungreeted() {
            session.reader.forget_lost(log);
            let has_answers = !session.rare().client.screen().is_empty();
            if has_answers {
                session.set_client(Client::encode_screen);
                session.turn = Turn::Prepared;
            }
            return has_answers;
        }
        // Whatever it is told from here on it is sent now, or queued for when it has been.
        session.turn = Turn::Prepared;
        if self.config.on_lag == OnLag::Close && session.reader.lost(log, id) > 0 {
            self.close_lagged(id);
        }
        let session = &mut self.sessions[id];
        let room = &self.rooms[session.room];
        let (log, name) = (&room.log, room.name.as_str());
        let missed = &mut self.counts.lines_missed;
        let (time, zone, run) = (self.clock.wall(), &self.config.zone, log.run());
        let reader = session.nick.as_str();
        session.reader.skip_gap(log, id, |lines, encoding| {
            *missed += lines;
            let (number, kind, from, to) = (None, Kind::Notice, "", "");
            let notice = texts::lagged(lines);
            let text = notice.text.as_bytes();
            let (facts, answered) = (&*Told::from(&notice).facts_for_line(), None);
            let mut note = Vec::new();
            let message = Message {
                number,
                time,
                zone,
                room: name,
                run,
                kind,
                from,
                to,
                reader,
                text,
                facts,
                answered,
            };
            encoding.encode(&message, &mut note);
            note
        });
        let is_ready = if session.rare().client.has_screen() {
            self.compose(id)
        } else {
            session.reader.encode_ahead(log, session.nick.as_str());
            !session.reader.is_done(log)
        };
        if is_ready {
            return true;
        }
        self.sessions[id].turn = Turn::None;
        if self.sessions[id].rare().stalled_since.is_some() {
            // It is owed nothing any more.
            self.sessions[id].set_rare(|rare| rare.stalled_since = None);
        }
        if !self.sessions[id].is_leaving() {
            self.resume_if_caught_up(id);
        } else if self.has_all(id) {
            self.end(id, Closing::Polite);
        }
        false
    }

    /// Whether a client has been sent all that it is owed, and nothing comes from the store.
    fn has_all(&self, id: ClientId) -> bool {
        let session = &self.sessions[id];
        !session.reader.is_held() && session.reader.is_done(&self.rooms[session.room].log)
    }

    /// The client fell out of the log, and the operator wants it closed then:
    /// it gets the rest of the line that it has begun, and no other.
    fn close_lagged(&mut self, id: ClientId) {
        let session = &mut self.sessions[id];
        let missed = session.reader.stop_here(&self.rooms[session.room].log);
        self.counts.lines_missed += missed;
        if session.is_leaving() {
            session.set_reason(CloseReason::Lagged);
        } else {
            self.part(id, CloseReason::Lagged, Closing::Polite);
        }
        if !self.config.raw {
            self.notify(id, &texts::farewell(&texts::lagged_closing(missed), CloseReason::Lagged));
        }
    }
}

fn offer<'a>(session: &'a Session, rooms: &'a Rooms, slices: &mut Slices<'a>) -> Offer {
    let log = &rooms[session.room].log;
    let client = &session.rare().client;
    let (bytes, is_all) = if client.has_screen() {
        let screen = client.screen();
        slices.push(IoSlice::new(screen));
        (screen.len(), session.reader.is_done(log))
    } else {
        session.reader.collect(log, slices)
    };
    Offer { bytes, is_all }
}
