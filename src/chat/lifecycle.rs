//! Clients come and go.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ecow::EcoString;

use super::texts;
use crate::chat::admission::address_limits::OriginId;
use crate::chat::close_reason::{CloseReason, Closing, Refusal, Refused};
use crate::chat::config::Prefix;
use crate::chat::ids::ClientId;
use crate::chat::linking::people::nick_of;
use crate::chat::member::{Phase, Session, Standing, State, Turn};
use crate::chat::names::nick::Nick;
use crate::chat::notice::Notice;
use crate::chat::room::cursor::Reader;
use crate::chat::room::presence::Presence;
use crate::chat::schedule::Due;
use crate::chat::state::{Chat, Output};
use crate::wire::{Client, Encoding, Ending, NOTICE, Protocol, Stage};

/// How long a client that closed its sending side stays for replies. A script
/// (`echo /who | nc -N`) waits so long for its end, and a bot has so long to
/// answer it.
pub(super) const REPLY_TIME: Duration = Duration::from_secs(1);

/// How long what a client has sent is read that is gone itself.
const GONE_TIME: Duration = Duration::from_secs(300);

/// How long a client that leaves has to take what it is owed.
pub(super) const FAREWELL_TIME: Duration = Duration::from_secs(5);

/// A client that connects.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Where it comes from; `None`: from this machine without IP.
    pub ip: Option<IpAddr>,
    /// The number of its link, if the address is a link-local one.
    pub zone: u32,
    /// The same as text, for other clients.
    pub address: &'a str,
    /// It is known to speak telnet.
    pub is_telnet: bool,
}

impl Chat {
    /// A client has connected.
    ///
    /// # Errors
    /// Why it can't come in. It is to be sent `refusal` before the connection is
    /// closed politely. The chat doesn't know the client then.
    pub fn handle_open(
        &mut self,
        now: Instant,
        id: ClientId,
        newcomer: &Arrival,
    ) -> Result<(), Refusal> {
        let Arrival { ip, zone, address, is_telnet } = *newcomer;
        self.clock.advance(now);
        self.make_place_for_stranger();
        let origin = self.admit(ip, zone).inspect_err(|refusal| {
            self.counts.endings[CloseReason::Refused(refusal.kind())] += 1;
        })?;
        self.counts.clients += 1;
        let room = self.first_room();
        let encoding = Encoding {
            view: self.config.view,
            ..Encoding::new(self.config.text_layout(), Ending::Lf)
        };
        let reader = Reader::new(&mut self.rooms[room].log, encoding);
        let mut session = Session::new(Nick::default(), room, reader, self.clock.uptime());
        session.origin = origin;
        session.place = self.rooms[room].add_member(id);
        if self.config.keeps_address() {
            session.set_rare(|rare| rare.address = Some(address.into()));
        }
        self.sessions.insert(id, session);
        self.note_heard(id);
        self.set_timer(id);
        if self.config.raw {
            self.sessions[id].set_standing(Standing::Known);
            self.sessions[id].set_client(|client| *client = Client::at(Stage::Lines));
            return Ok(());
        }
        self.mute_again(id);
        if room != self.rooms.lobby() {
            self.begin_login(id);
        } else {
            self.name(id);
        }
        if is_telnet {
            // Its rows begin where the last one ended unless lines end with CR LF.
            self.use_crlf(id);
            self.arrive_by_telnet(id);
        } else {
            self.arrive(id);
        }
        Ok(())
    }

    /// Whether a client from `ip` may connect; if so it has a place.
    fn admit(&mut self, ip: Option<IpAddr>, zone: u32) -> Result<OriginId, Refusal> {
        let network = self.admission.check(self.clock.moment(), &self.config.access, ip, zone)?;
        if self.is_shutting_down || self.sessions.len() >= self.config.connections_max() {
            return Err(Refusal::Full { clients: self.sessions.len() });
        }
        self.admission.enter(self.clock.now(), network, &self.config.origin_limits)
    }

    /// Gives a newcomer its name.
    pub(super) fn name(&mut self, id: ClientId) {
        self.sessions[id].nick =
            self.names.insert_guest(id, nick_of(&self.sessions, &self.directory));
    }

    /// What a client is sent that isn't let in and has sent `first` so far.
    pub fn refusal(&self, refusal: &Refusal, first: &[u8]) -> Vec<u8> {
        if self.config.raw {
            return Vec::new();
        }
        if first.starts_with(&[0x16, 3]) {
            // It is a ClientHello: a line would be no answer.
            return Protocol::Tls.answer().to_vec();
        }
        if let Some(answer) = self.refused_request(refusal, first) {
            return answer;
        }
        format!("{NOTICE}{}\n", refusal.text()).into_bytes()
    }

    /// There is no descriptor to let a client in, who is to be told so.
    pub fn refuse_full(&mut self) -> Refusal {
        self.counts.endings[CloseReason::Refused(Refused::Full)] += 1;
        Refusal::Full { clients: self.sessions.len() }
    }

    /// The system can't watch a client's connection, which is to be told so.
    pub fn refuse_unserved(&mut self) -> Refusal {
        self.counts.endings[CloseReason::Refused(Refused::Unserved)] += 1;
        Refusal::Unserved
    }

    /// A client doesn't speak TLS and has to; it has connected to `address`, and is to be
    /// told so.
    pub fn refuse_plain(&mut self, address: Option<(EcoString, u16)>) -> Refusal {
        self.counts.endings[CloseReason::Refused(Refused::PlainText)] += 1;
        Refusal::PlainText { address }
    }

    /// The client has closed its sending side (TCP FIN).
    pub fn handle_eof(&mut self, now: Instant, id: ClientId) {
        self.clock.advance(now);
        let Some(session) = self.sessions.get_mut(id) else { return };
        if !session.is_talking() {
            return;
        }
        let first = session.set_client(Client::end_sniffing);
        if !first.is_empty() {
            self.take_bytes(id, &first);
        }
        let Some(session) = self.sessions.get_mut(id) else { return };
        if let Some(ending) = session.rare().write_broken {
            return self.handle_broken(id, ending);
        }
        let framing = self.config.framing();
        if let Some(input) = session.set_client(|client| client.finish(&framing)) {
            self.handle_input(id, &input);
        }
        self.begin_listening(now, id);
    }

    /// The client sends no more, and may have been cut off by somebody between: what it has
    /// begun isn't taken for all that it wanted to say.
    pub fn handle_cut_off(&mut self, now: Instant, id: ClientId) {
        self.clock.advance(now);
        self.begin_listening(now, id);
    }

    /// A client that sends no more has some time for its answers.
    fn begin_listening(&mut self, now: Instant, id: ClientId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if session.is_talking() {
            session.set_phase(Phase::Listening, Some(now + REPLY_TIME));
            self.forget_silence(id);
            self.set_timer(id);
            self.queue(id);
        }
        self.update_interest(id);
    }

    /// The connection is broken.
    pub fn handle_reset(&mut self, id: ClientId) {
        self.handle_broken(id, CloseReason::Reset);
    }

    /// The client's TLS handshake has failed, or takes too long.
    pub fn handle_no_handshake(&mut self, id: ClientId) {
        self.handle_broken(id, CloseReason::NoHandshake);
    }

    /// The client's machine doesn't answer any more.
    pub fn handle_vanished(&mut self, id: ClientId) {
        self.handle_broken(id, CloseReason::Vanished);
    }

    /// Nothing that the client is sent arrives any more. What it has sent before
    /// is still taken in: the caller goes on reading and hears then that the
    /// connection is broken.
    pub fn handle_write_broken(&mut self, id: ClientId, is_vanished: bool) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let ending = if is_vanished { CloseReason::Vanished } else { CloseReason::Reset };
        session.blocked = true;
        if session.turn == Turn::Prepared {
            session.turn = Turn::None;
        }
        let until = self.clock.now() + GONE_TIME;
        session.set_rare(|rare| {
            (rare.write_broken, rare.stalled_since) = (Some(ending), None);
            rare.state_ends_at.get_or_insert(until);
        });
        self.set_timer(id);
        self.end_write_broken(id);
        self.update_interest(id);
    }

    /// A client that nothing reaches goes if nothing more of it can be taken in
    /// either: what its input waits for never comes.
    pub(super) fn end_write_broken(&mut self, id: ClientId) {
        let Some(session) = self.sessions.get(id) else { return };
        let Some(ending) = session.rare().write_broken else { return };
        let (wants_input, is_holding) = (session.wants_input(), session.is_holding());
        if self.is_throttled(id) || self.schedule.is_resuming(id) {
            return;
        }
        match (wants_input, is_holding) {
            // What it waited for has been put on its screen, which nobody will write.
            (true, true) => self.schedule.resume(id),
            (true, false) => {}
            (false, _) => self.handle_broken(id, ending),
        }
    }

    /// Whether what a client has sent is read later: it talks too fast, or others
    /// have their turn first.
    pub fn is_held_back(&self, id: ClientId) -> bool {
        let is_later = |session: &Session| session.is_holding() && session.wants_input();
        self.is_throttled(id) || self.sessions.get(id).is_some_and(is_later)
    }

    /// Whether a client has to wait because it talks too fast.
    pub(super) fn is_throttled(&self, id: ClientId) -> bool {
        self.sessions.get(id).is_some_and(|session| session.rare().throttled_until.is_some())
    }

    pub(super) fn handle_broken(&mut self, id: ClientId, ending: CloseReason) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        // Nothing is sent to it any more.
        session.blocked = true;
        if session.turn == Turn::Prepared {
            session.turn = Turn::None;
        }
        let ending = match session.state() {
            State::Member(_, Phase::Talking) => ending,
            // It was about to go anyway.
            State::Member(_, Phase::Listening) => CloseReason::Quit,
            State::Member(_, Phase::Parting(_)) => {
                session.set_phase(Phase::Parting(Closing::Abrupt), None);
                return self.update_interest(id);
            }
            State::Leaving(_) => return self.end(id, Closing::Abrupt),
        };
        self.part(id, ending, Closing::Abrupt);
    }

    /// The server shuts down: everyone is told and then leaves.
    pub fn handle_shutdown(&mut self, now: Instant) {
        if self.is_shutting_down {
            return;
        }
        self.is_shutting_down = true;
        self.clock.advance(now);
        self.names.clear();
        // Nobody comes any more, and all go.
        self.schedule.end_presence();
        let rooms: Vec<_> = self.rooms.all().map(|(id, _)| id).collect();
        for room in rooms {
            self.rooms[room].presence = Presence::default();
            // Other servers go on.
            self.append_alone(room, &texts::shutdown());
        }
        let members: Vec<_> = self.sessions.keys().collect();
        for id in members {
            if self.sessions[id].is_member() {
                self.end_membership(id, CloseReason::Shutdown);
                self.queue(id);
            }
        }
    }

    /// Makes a client go as soon as there is headroom to tell the others.
    pub(super) fn part(&mut self, id: ClientId, ending: CloseReason, closing: Closing) {
        if let State::Member(_, Phase::Parting(_)) = self.sessions[id].state() {
            // It goes already, for the reason that came first.
            return;
        }
        self.forget_silence(id);
        self.sessions[id].set_phase(Phase::Parting(closing), None);
        self.set_timer(id);
        self.schedule.leave(id, ending);
        self.update_interest(id);
    }

    /// Ends a client's membership. It still gets what it is owed, and then
    /// `farewell`.
    pub(super) fn leave(&mut self, id: ClientId, ending: CloseReason, farewell: Option<&str>) {
        let Some(session) = self.sessions.get(id) else { return };
        let left = texts::left(session.nick.as_str(), ending);
        self.leave_as(id, ending, farewell, left);
    }

    /// The same, of which the others are told `left`.
    pub(super) fn leave_as(
        &mut self,
        id: ClientId,
        ending: CloseReason,
        farewell: Option<&str>,
        left: Notice,
    ) {
        let Some(session) = self.sessions.get(id) else { return };
        let Some(standing) = session.standing() else { return };
        let (nick, room) = (session.nick.clone(), session.room);
        if !self.config.raw {
            self.names.remove(id, &nick);
            if let Some(farewell) = farewell {
                self.notify(id, &texts::farewell(farewell, ending));
            }
        }
        self.end_membership(id, ending);
        if !self.config.raw {
            self.leave_presence(id, room, standing, left);
        }
        self.queue(id);
    }

    /// The client is sent nothing more of what is said in its room.
    fn end_membership(&mut self, id: ClientId, ending: CloseReason) {
        self.forget_silence(id);
        self.touch_account(id);
        let until = self.clock.now() + FAREWELL_TIME;
        let session = &mut self.sessions[id];
        if session.set_rare(|rare| rare.waiting.take()).is_some() {
            // It comes to nothing; what was said since then is still owed.
            session.reader.go_on(&mut self.rooms[session.room].log, id);
        }
        if ending != CloseReason::Quit {
            self.end_reading(id);
        }
        let session = &mut self.sessions[id];
        session.reader.stop(&self.rooms[session.room].log);
        let is_logging_in = session.standing() == Some(Standing::LoggingIn);
        let has_guessed = is_logging_in && session.rare().password_attempts > 0;
        let ending = match ending {
            CloseReason::Quit | CloseReason::Reset if has_guessed => CloseReason::NoPassword,
            _ => ending,
        };
        session.enter(State::Leaving(ending), Some(until));
        self.say_closed(id, ending);
        self.leave_members(id);
        self.note_person(id);
        self.set_timer(id);
        self.update_interest(id);
    }

    /// Takes a client off the list of its room.
    pub(super) fn leave_members(&mut self, id: ClientId) {
        let Session { room, place, .. } = self.sessions[id];
        if let Some(moved) = self.rooms[room].remove_member(place) {
            self.sessions[moved].place = place;
        }
    }

    /// Forgets a client that has left.
    pub(super) fn end(&mut self, id: ClientId, closing: Closing) {
        let Some(session) = self.sessions.remove(id) else { return };
        self.schedule.cancel(session.rare().timer, Due::Client(id));
        let State::Leaving(ending) = session.state() else {
            unreachable!("a visit ends after the membership");
        };
        self.forget_reader(session.room, session.reader.newest_encoding());
        self.admission.browsers.remove_spare(id);
        self.secured.forget(id);
        self.visits.forget(id);
        self.directory.forget_unpublished(id);
        self.admission.leave(session.origin);
        self.pace.forget(id);
        self.schedule.forget_gone(|id| !self.sessions.contains_key(id));
        self.counts.endings[ending] += 1;
        if ending == CloseReason::GaveWay {
            self.admission.gave_way();
        }
        self.outputs.push_back(Output::Closed { id, ending, closing });
    }

    /// The answer to "who is here", for a client.
    pub(super) fn here(&self, id: ClientId) -> Notice {
        let room = self.sessions[id].room;
        let members = self.rooms[room].members();
        let browsers = &self.admission.browsers;
        let people = members.iter().copied().filter(|other| !browsers.is_spare(*other));
        let mut shown: Vec<_> = people.take(texts::NAMES_MAX).collect();
        shown.sort_unstable();
        let elsewhere = self.rooms[room].key.iter().flat_map(|key| self.directory.people_in(key));
        shown.extend(elsewhere.take(texts::NAMES_MAX - shown.len()));
        let names = shown.iter().map(|&id| self.member(id));
        texts::here(self.people_in(room), names, shown.iter().map(|&id| self.name_and_away(id)))
    }

    /// A client's name for others; with the address if lines begin with that.
    pub(super) fn who(&self, id: ClientId) -> String {
        texts::member(self.sessions[id].nick.as_str(), self.shown_address(id), None)
    }

    /// A client in the answer to `/who`.
    fn member(&self, id: ClientId) -> String {
        if let Some(remote) = self.directory.get(id) {
            let is_shown = self.config.prefix == Prefix::Addr;
            let address = remote.address.as_deref().filter(|_| is_shown);
            return texts::member(remote.nick.as_str(), address, remote.away.as_deref());
        }
        let session = &self.sessions[id];
        let away = session.rare().away.as_deref();
        texts::member(session.nick.as_str(), self.shown_address(id), away)
    }

    /// The same, for programs.
    fn name_and_away(&self, id: ClientId) -> (&str, Option<&str>) {
        if let Some(remote) = self.directory.get(id) {
            return (remote.nick.as_str(), remote.away.as_deref());
        }
        let session = &self.sessions[id];
        (session.nick.as_str(), session.rare().away.as_deref())
    }

    pub(super) fn shown_address(&self, id: ClientId) -> Option<&str> {
        let is_shown = self.config.prefix == Prefix::Addr;
        self.sessions[id].rare().address.as_deref().filter(|_| is_shown)
    }
}
