//! When join and leave notices are sent, and to whom.
//!
//! In a large room they would be most of what is said. So users who say nothing
//! are counted, and every few seconds one notice tells how many came and went.
//! A client that speaks is told of by name, at once. A script that comes, says a line
//! and goes is told of by its line only.

use std::time::{Duration, Instant};

use super::room::RoomId;
use crate::chat::ids::ClientId;
use crate::chat::member::{Phase, Session, Standing, State};
use crate::chat::notice::Notice;
use crate::chat::room::log::HiddenFrom;
use crate::chat::room::presence::Presence;
use crate::chat::schedule::Due;
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::{Kind, Layout};

/// A newcomer is greeted when it has been silent for so long: the line of a
/// script comes with its connection, whatever the way between.
pub(super) const GREETING_DELAY: Duration = Duration::from_millis(100);

/// The same where it may be a browser, which can't read an answer behind a greeting: its
/// request may be lost once on a bad link, and come again after 200 ms and more (RFC 6298).
/// One that speaks telnet has as long to say what its terminal is.
const WEB_GREETING_DELAY: Duration = Duration::from_millis(300);

/// The same for a connection that may be a browser's spare one.
const SPARE_TIME: Duration = Duration::from_secs(5);

/// A client that sends nothing is told of when it has stayed for longer.
const PASSING_SECONDS: u32 = 10;

/// Newcomers that one notice names at most; of more it tells their number.
const NAMED_MAX: usize = 5;

impl Chat {
    /// A client has connected, and is in the login room or the lobby.
    pub(super) fn arrive(&mut self, id: ClientId) {
        let now = self.clock.now();
        if self.config.has_web {
            let network = self.admission.network(self.sessions[id].origin);
            self.admission.browsers.arrive(now, id, network);
            if self.admission.browsers.are_at(now, network) && !self.sessions[id].has_sent() {
                self.admission.browsers.add_spare(id);
            }
            self.schedule.set(now + WEB_GREETING_DELAY, Due::Greeting(id));
        } else if self.config.has_tls {
            self.schedule.set(now + WEB_GREETING_DELAY, Due::Greeting(id));
        } else if self.config.fold_time.is_zero() {
            self.handle_arrival(id);
        } else {
            self.schedule.set(now + GREETING_DELAY, Due::Greeting(id));
        }
    }

    /// A newcomer is known to speak telnet. It is no script that says its line first: it is
    /// greeted when it has told what its terminal is, which decides how its greeting looks.
    pub(super) fn arrive_by_telnet(&mut self, id: ClientId) {
        self.offer_editing(id);
        self.offer_status(id);
        match self.sessions[id].rare().client.has_open_questions() {
            true => self.schedule.set(self.clock.now() + WEB_GREETING_DELAY, Due::Answers(id)),
            false => self.handle_arrival(id),
        }
    }

    /// A newcomer to which nothing was sent begins a TLS handshake, and is greeted after that.
    /// False if it has sent something else before.
    pub fn begin_handshake(&mut self, id: ClientId) -> bool {
        let Some(session) = self.sessions.get(id) else { return false };
        let is_early = !session.has_sent();
        if is_early {
            self.secured.begin(id);
        }
        is_early
    }

    /// The handshake of a newcomer is done: from now on it is like one that has just come.
    pub fn handle_secured(&mut self, now: Instant, id: ClientId, version: &'static str) {
        self.clock.advance(now);
        if self.sessions.contains_key(id) {
            self.secured.finish(id, version);
            self.schedule.set(self.clock.now() + WEB_GREETING_DELAY, Due::Greeting(id));
        }
    }

    /// A newcomer has said nothing so far, unless it is no newcomer any more.
    pub(super) fn handle_greeting(&mut self, id: ClientId) {
        if self.secured.is_in_handshake(id) {
            return;
        }
        if self.may_be_spare(id) {
            self.admission.browsers.add_spare(id);
            self.schedule.greet_spare(self.clock.now() + SPARE_TIME, id);
            return;
        }
        self.admission.browsers.remove_spare(id);
        let is_early = !self.config.has_web && !self.config.has_tls;
        let is_asked = |session: &Session| session.rare().client.has_open_questions();
        if is_early && self.sessions.get(id).is_some_and(is_asked) {
            let at = self.clock.now() + WEB_GREETING_DELAY.saturating_sub(GREETING_DELAY);
            self.schedule.set(at, Due::Answers(id));
        } else {
            self.handle_arrival(id);
        }
    }

    /// A newcomer has told what its terminal is: it is waited for no longer.
    pub(super) fn greet_answered(&mut self, id: ClientId) {
        if self.sessions[id].state() == State::Member(Standing::Arriving, Phase::Talking) {
            self.greet(id);
        }
    }

    /// A client that may be a browser's spare connection has been silent for long. It is
    /// greeted, in case it is a person's; but nobody is told of it until it says something.
    pub(super) fn greet_spare(&mut self, id: ClientId) {
        let Some(session) = self.sessions.get(id) else { return };
        if session.has_sent() {
            return;
        }
        match session.state() {
            State::Member(Standing::LoggingIn, Phase::Talking) => self.ask_password(id),
            State::Member(Standing::Arriving, Phase::Talking) => {
                self.welcome(id);
                self.sessions[id].set_standing(Standing::Silent);
                self.note_person(id);
                self.queue(id);
            }
            _ => {}
        }
    }

    /// A client has sent its first bytes: it is no spare connection. If it was taken for
    /// one, it is greeted as if it came now.
    pub(super) fn greet_used_spare(&mut self, id: ClientId) {
        if self.admission.browsers.remove_spare(id) {
            self.schedule.set(self.clock.now() + GREETING_DELAY, Due::Greeting(id));
        }
    }

    /// A client that was greeted late says something: it is in the room like any other.
    pub(super) fn enter_late(&mut self, id: ClientId) {
        if self.sessions[id].standing() == Some(Standing::Silent) {
            self.enter_presence(id);
        }
    }

    /// Whether a client may be a connection that a browser has opened and doesn't use: it
    /// is silent, and a browser is there or other silent clients have come with it.
    fn may_be_spare(&self, id: ClientId) -> bool {
        let Some(session) = self.sessions.get(id) else { return false };
        let is_silent = |id| self.sessions.get(id).is_some_and(|session| !session.has_sent());
        if !self.config.has_web || !is_silent(id) {
            return false;
        }
        let network = self.admission.network(session.origin);
        let browsers = &self.admission.browsers;
        browsers.are_at(self.clock.now(), network)
            || browsers.together_with(id, network).any(is_silent)
    }

    /// Members of a room that may be spare connections of browsers. They aren't counted.
    pub(super) fn spares_in(&self, room: RoomId) -> impl Iterator<Item = ClientId> {
        let spares = self.admission.browsers.spares();
        spares.filter(move |&id| {
            self.sessions.get(id).is_some_and(|session| session.room == room && session.is_member())
        })
    }

    /// How many people are in a room, those on other servers included.
    pub(super) fn people_in(&self, room: RoomId) -> usize {
        let key = self.rooms[room].key.as_ref();
        let elsewhere = key.map_or(0, |key| self.directory.count_in(key));
        self.rooms[room].members().len() - self.spares_in(room).count() + elsewhere
    }

    /// A newcomer has had time to say something first.
    pub(super) fn handle_arrival(&mut self, id: ClientId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if session.rare().client.is_asking() {
            // It speaks HTTP: what is asked for decides.
            return;
        }
        match session.state() {
            State::Member(Standing::LoggingIn, Phase::Talking) => self.ask_password(id),
            State::Member(Standing::Arriving, Phase::Talking) => self.greet(id),
            State::Member(Standing::Posting, _) => session.set_standing(Standing::Posted),
            _ => {}
        }
    }

    /// Greets a newcomer, which is told of from now on.
    fn greet(&mut self, id: ClientId) {
        self.welcome(id);
        self.enter_presence(id);
        self.queue(id);
    }

    /// Tells a newcomer where it is.
    fn welcome(&mut self, id: ClientId) {
        // It wasn't sent anything so far, and history begins before that.
        self.notify_here(id, &self.welcoming(id));
        for line in self.motd.clone() {
            self.notify_here(id, &line);
        }
        self.introduce(id);
        self.show_history(id, self.config.history_lines);
    }

    /// The first line of a greeting. It says how to get one's line edited, if it isn't and won't
    /// be in a moment.
    fn welcoming(&self, id: ClientId) -> Notice {
        let session = &self.sessions[id];
        let client = &session.rare().client;
        let is_json = session.reader.newest_encoding().layout == Layout::Json;
        let is_unedited = !client.is_editing() && !client.is_offered();
        let needs_hint = is_unedited && !is_json && !self.is_web(id);
        match needs_hint {
            true => texts::welcome_unedited(session.nick.as_str()),
            false => texts::welcome(session.nick.as_str()),
        }
    }

    /// Greets a newcomer that wants something before its greeting is due; the
    /// past is what it asks for.
    pub(super) fn greet_first(&mut self, id: ClientId) {
        if self.sessions[id].standing() == Some(Standing::Arriving) {
            self.notify_here(id, &self.welcoming(id));
            self.enter_presence(id);
            self.queue(id);
        }
    }

    /// Tells a client about the room that it has come to. With the welcome, that is four lines at
    /// most.
    pub(super) fn introduce(&mut self, id: ClientId) {
        // Programs have known two notices since there is a store.
        let is_program = self.sessions[id].reader.newest_encoding().layout == Layout::Json;
        let (here, kept) = (self.here(id), self.kept(id));
        match kept.as_deref().filter(|_| !is_program) {
            Some(kept) => self.notify_here(id, &texts::here_and_kept(&here, kept)),
            None => self.notify_here(id, &here),
        }
        let topic = self.rooms[self.sessions[id].room].topic.clone();
        if topic.is_some() {
            self.notify_here(id, &texts::topic(topic.as_deref()));
        }
        if let Some(rules) = texts::rules(&self.rooms[self.sessions[id].room].rules) {
            self.notify_here(id, &rules);
        }
        if let Some(kept) = kept.filter(|_| is_program) {
            self.notify_here(id, &kept);
        }
    }

    /// Whether what a client says is stored.
    fn kept(&self, id: ClientId) -> Option<String> {
        let is_kept = self.rooms[self.sessions[id].room].is_stored;
        self.config.has_store.then(|| texts::kept(is_kept, self.config.keep))
    }

    /// Whether a client will stay, as far as can be seen.
    pub(super) fn is_greeted(&self, id: ClientId) -> bool {
        use Standing::{Arriving, Posting};
        !matches!(self.sessions[id].standing(), Some(Arriving | Posting))
    }

    /// The others are to be told that a client has come.
    pub(super) fn enter_presence(&mut self, id: ClientId) {
        let session = &mut self.sessions[id];
        let room = session.room;
        let presence = &mut self.rooms[room].presence;
        if presence.come_back(id, session.nick.as_str()) {
            session.set_standing(Standing::Told);
            return self.note_person(id);
        }
        session.set_standing(Standing::Counted);
        presence.joined += 1;
        self.note_person(id);
        if self.config.fold_time.is_zero() { self.become_known(id) } else { self.plan_notice(room) }
    }

    /// A client is about to say something.
    pub(super) fn become_known(&mut self, id: ClientId) {
        let session = &mut self.sessions[id];
        let Some(standing) = session.standing() else { return };
        match standing {
            // One that is silent has entered before it could say something.
            Standing::Known | Standing::Posting | Standing::LoggingIn | Standing::Silent => {}
            Standing::Arriving if session.rare().client.has_open_questions() => {
                // It speaks telnet, and is no script that says its line first.
                self.greet(id);
                self.become_known(id);
            }
            Standing::Arriving => {
                session.set_standing(Standing::Posting);
                self.queue(id);
            }
            Standing::Posted | Standing::Told => session.set_standing(Standing::Known),
            Standing::Counted => {
                session.set_standing(Standing::Known);
                self.rooms[session.room].presence.joined -= 1;
                self.tell_joined(id);
            }
        }
    }

    /// Tells everybody else who has joined; its greeting has told it itself.
    fn tell_joined(&mut self, id: ClientId) {
        let session = &self.sessions[id];
        let (room, joined) = (session.room, texts::joined(&self.who(id), session.nick.as_str()));
        self.append_notice_by(room, id, Kind::Presence, &joined, HiddenFrom::Author);
    }

    /// Whether the others have seen a client's name.
    pub(super) fn is_known(&self, id: ClientId) -> bool {
        use Standing::{Arriving, Counted, Silent};
        !matches!(self.sessions[id].standing(), Some(Arriving | Silent | Counted))
    }

    /// A member of this standing isn't in a room any more; `left` says how.
    pub(super) fn leave_presence(
        &mut self,
        id: ClientId,
        room: RoomId,
        standing: Standing,
        left: Notice,
    ) {
        let presence = &mut self.rooms[room].presence;
        match standing {
            Standing::LoggingIn
            | Standing::Arriving
            | Standing::Posting
            | Standing::Posted
            | Standing::Silent => {}
            Standing::Counted => presence.joined -= 1,
            Standing::Told => {
                presence.left += 1;
                presence.last_left = Some((id, left));
                self.plan_notice(room);
            }
            Standing::Known => self.append_notice(room, Kind::Presence, &left),
        }
    }

    /// Makes sure that a notice will tell who came and went.
    fn plan_notice(&mut self, room: RoomId) {
        let presence = &mut self.rooms[room].presence;
        if presence.due_at.is_none() {
            let at = self.clock.now() + self.config.fold_time;
            presence.due_at = Some(at);
            self.schedule.set(at, Due::Presence(room));
        }
    }

    /// Tells who came and went, if it hasn't come to nothing.
    pub(super) fn tell_presence(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        let Presence { left, last_left, .. } = std::mem::take(&mut room.presence);
        let last_left = last_left.map(|(_, notice)| notice);
        let (mut told, mut waiting) = (Vec::new(), 0);
        for &member in self.rooms[id].members() {
            if self.sessions[member].standing() != Some(Standing::Counted) {
                continue;
            }
            match self.is_passer_by(member) {
                true => waiting += 1,
                false => told.push(member),
            }
        }
        for &member in &told {
            self.sessions[member].set_standing(Standing::Told);
        }
        self.rooms[id].presence.joined = waiting;
        if waiting > 0 {
            self.plan_notice(id);
        }
        match (&told[..], left, &last_left) {
            ([], 0, _) => {}
            ([member], 0, _) => self.tell_joined(*member),
            ([], 1, Some(notice)) => self.append_notice(id, Kind::Presence, notice),
            _ => self.tell_all(id, &told, left),
        }
    }

    /// Whether a client may be gone soon without a word, as a health check is: it
    /// isn't told of then.
    fn is_passer_by(&self, id: ClientId) -> bool {
        let session = &self.sessions[id];
        !session.has_sent() && self.clock.uptime().saturating_sub(session.since) <= PASSING_SECONDS
    }

    /// Tells of several that came, a few of them by their names, and how many left.
    fn tell_all(&mut self, room: RoomId, joined: &[ClientId], left: usize) {
        let mut named: Vec<_> = match joined.len() {
            0..=NAMED_MAX => joined.iter().map(|&id| (self.who(id), id)).collect(),
            _ => Vec::new(),
        };
        // guest9 before guest10.
        named.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
        let nicks = named.iter().map(|(_, id)| self.sessions[*id].nick.as_str());
        let nicks: Vec<_> = nicks.collect();
        let names: Vec<_> = named.iter().map(|(name, _)| name.as_str()).collect();
        let notice = texts::came_and_went(&names, &nicks, joined.len(), left);
        // Those who are named know it.
        let hidden = HiddenFrom::These(joined[..names.len()].into());
        self.append_notice_by(room, ClientId::default(), Kind::Presence, &notice, hidden);
    }
}
