//! The login room: where clients wait that have to give a password first, or that come while the
//! lobby is locked.
//!
//! It is a room in which nothing is said, so that they are sent and told nothing
//! of the others, and the others nothing of them.

use std::time::Duration;

use crate::chat::admission::password::Password;
use crate::chat::close_reason::{CloseReason, Closing, Refusal, Refused};
use crate::chat::commands::rules::is_invited;
use crate::chat::ids::ClientId;
use crate::chat::member::{Phase, Standing, State};
use crate::chat::names::nick::Nick;
use crate::chat::room::RoomId;
use crate::chat::state::{Chat, Logged, Output};
use crate::chat::texts;
use crate::wire::{Client, Stage, Text};

/// How long a newcomer has to give the password.
const PASSWORD_TIME: Duration = Duration::from_secs(60);

/// How long a client that gave a wrong password isn't heard.
pub(super) const PENALTY: Duration = Duration::from_secs(1);

/// Wrong passwords that one client may give.
pub(super) const PASSWORD_ATTEMPTS_MAX: u8 = 3;

impl Chat {
    /// Clients that have been let in, but for those that may be spare connections of browsers.
    pub(super) fn guest_count(&self) -> usize {
        let logging_in = self.rooms.login().map_or(0, |room| self.rooms[room].members().len());
        let spares = self.admission.browsers.spares().filter(|&id| !self.is_logging_in(id));
        self.sessions.len() - logging_in - spares.count()
    }

    /// Whether a client has to give the password.
    pub(super) fn is_logging_in(&self, id: ClientId) -> bool {
        self.sessions.get(id).is_some_and(|session| session.standing() == Some(Standing::LoggingIn))
    }

    /// Whether a client has sent a request with a wrong password, and waits for the answer.
    pub(super) fn is_answered_later(&self, id: ClientId) -> bool {
        self.is_logging_in(id) && self.sessions[id].stage == Stage::Stream
    }

    /// If there are as many strangers as may be, the one that came first gives way:
    /// a user who knows the password needs no minute for it.
    pub(super) fn make_place_for_stranger(&mut self) {
        let Some(room) = self.rooms.login() else { return };
        let is_full = self.rooms[room].members().len() >= self.config.strangers_max();
        while let Some(id) = self.admission.first_stranger() {
            let is_here = self.is_logging_in(id) && self.sessions[id].is_member();
            if is_here && !is_full {
                return;
            }
            self.admission.remove_first_stranger();
            if is_here {
                self.admission.give_way();
                self.leave(id, CloseReason::GaveWay, Some(texts::GAVE_WAY));
                return self.drop_if_stuck_giving_way(id);
            }
        }
    }

    /// A stranger that gave way has its place until it has been told so. One that
    /// doesn't read isn't waited for: else a few of them would keep others out.
    pub(super) fn drop_if_stuck_giving_way(&mut self, id: ClientId) {
        let Some(session) = self.sessions.get(id) else { return };
        if session.blocked && session.state() == State::Leaving(CloseReason::GaveWay) {
            self.end(id, Closing::Abrupt);
        }
    }

    /// Whether one more client that has given the password may come in.
    pub(super) fn place_for_member(&self) -> Result<(), Refusal> {
        let clients = self.rooms.iter().map(|(_, room)| room.members().len()).sum();
        if clients < self.config.clients_max { Ok(()) } else { Err(Refusal::Full { clients }) }
    }

    /// A newcomer has to give the password. It is asked for it when it has had
    /// time to send something, as it is greeted later: what it sends may be of
    /// another protocol.
    pub(super) fn begin_login(&mut self, id: ClientId) {
        self.admission.add_stranger(id);
        let session = &mut self.sessions[id];
        let state = State::Member(Standing::LoggingIn, Phase::Talking);
        session.enter(state, Some(self.clock.now() + PASSWORD_TIME));
        self.set_timer(id);
    }

    /// A newcomer is told that there is a password, unless it knows.
    pub(super) fn ask_password(&mut self, id: ClientId) {
        if self.sessions[id].rare().password_attempts == 0 && !self.is_answered_later(id) {
            match &self.config.password {
                Some(_) => self.notify(id, &texts::password()),
                None => {
                    let lobby = self.rooms[self.rooms.lobby()].name.clone();
                    self.notify(id, &texts::locked_entry(lobby.as_str()));
                }
            }
        }
    }

    /// A newcomer has typed a line.
    pub(super) fn handle_password(&mut self, id: ClientId, line: &[u8]) {
        // As any line: keys that erase work, and a stray CR isn't a part of it.
        let typed = Text::clean(line);
        let typed = typed.as_str();
        let is_locked = self.is_lobby_locked();
        match &self.config.password {
            // It waited, and what it types was meant for the lock: nobody is shown that.
            None if !is_locked => self.let_in_if_there_is_place(id),
            // It may stand before a request (RFC 9112, section 2.2), and is no try.
            _ if typed.is_empty() => {}
            _ if is_locked => self.handle_locked_entry(id, typed),
            Some(password) if password.matches(typed.as_bytes()) => {
                self.let_in_if_there_is_place(id);
            }
            _ => self.refuse_password(id),
        }
    }

    fn let_in_if_there_is_place(&mut self, id: ClientId) {
        match self.place_for_member() {
            Ok(()) => self.log_in(id),
            Err(refusal) => {
                let text = refusal.text();
                self.leave(id, CloseReason::Refused(refusal.kind()), Some(&text));
            }
        }
    }

    /// What a newcomer has typed doesn't let it in.
    fn refuse_password(&mut self, id: ClientId) {
        self.outputs.push_back(Output::Log(id, Logged::WrongPassword));
        let is_for_lock = self.config.password.is_none();
        match self.count_password_attempt(id) {
            0 if is_for_lock => {
                self.leave(id, CloseReason::NoPassword, Some(texts::NOT_INVITED_AGAIN));
            }
            0 => self.leave(id, CloseReason::NoPassword, Some(texts::PASSWORD_WRONG_AGAIN)),
            left if is_for_lock => self.notify(id, &texts::not_invited(left)),
            left => self.notify(id, &texts::password_wrong(left)),
        }
    }

    /// A newcomer has typed a line, and the first room is locked: operators may come in, and so
    /// may those who are invited where no password is needed.
    fn handle_locked_entry(&mut self, id: ClientId, typed: &str) {
        let matches = |password: &Option<Password>| {
            password.as_ref().is_some_and(|password| password.matches(typed.as_bytes()))
        };
        let is_operator = matches(&self.config.operator_password);
        let lobby = self.rooms.lobby();
        // A name is chosen like that everywhere else.
        let name = typed.strip_prefix("/nick ").unwrap_or(typed).trim();
        let nick = Nick::parse_with_secret(name, &self.config.proof_key).ok();
        let invited = nick.filter(|nick| {
            self.config.password.is_none() && is_invited(&self.rooms[lobby].rules, nick)
        });
        // Another one may have the name.
        let invited = invited.filter(|nick| self.may_be_called(id, nick));
        if matches(&self.config.password) && !is_operator {
            let text = texts::locked_out(self.rooms[lobby].name.as_str());
            return self.leave(id, CloseReason::Refused(Refused::Locked), Some(&text));
        }
        if !is_operator && invited.is_none() {
            return self.refuse_password(id);
        }
        if let Err(refusal) = self.place_for_member() {
            let text = refusal.text();
            return self.leave(id, CloseReason::Refused(refusal.kind()), Some(&text));
        }
        self.sessions[id].set_rare(|rare| rare.is_operator = is_operator);
        self.log_in(id);
        if is_operator && self.sessions.contains_key(id) {
            self.become_operator(id);
        } else if invited.is_some() && self.sessions.contains_key(id) {
            // On another server somebody may get it first.
            self.run_command(id, &format!("nick! {name}"));
        }
    }

    /// Where newcomers come to: they have to wait if there is a password or the lobby is locked.
    pub(super) fn first_room(&self) -> RoomId {
        let waits = self.config.password.is_some() || self.is_lobby_locked();
        self.rooms.login().filter(|_| waits).unwrap_or(self.rooms.lobby())
    }

    /// Whether an operator has locked the first room.
    pub(super) fn is_lobby_locked(&self) -> bool {
        self.rooms.login().is_some() && self.rooms[self.rooms.lobby()].rules.is_locked
    }

    /// The lobby isn't locked any more: those who wait for that come in, as far as there is
    /// place. What somebody types who has tried something may be the next try, and isn't to be
    /// said: with the next line that one comes in.
    pub(super) fn let_waiting_in(&mut self) {
        let Some(login) = self.rooms.login().filter(|_| self.config.password.is_none()) else {
            return;
        };
        for id in self.rooms[login].members().to_vec() {
            let has_tried = self.sessions[id].rare().password_attempts > 0;
            if self.is_logging_in(id) && has_tried {
                self.notify(id, &texts::open_now());
            } else if self.is_logging_in(id) && self.place_for_member().is_ok() {
                self.log_in(id);
            }
        }
    }

    /// A client gave a wrong password, and isn't heard for a while. Gives how
    /// many more it may try.
    pub(super) fn count_password_attempt(&mut self, id: ClientId) -> u8 {
        let tries = self.sessions[id].set_rare(|rare| {
            rare.password_attempts += 1;
            rare.password_attempts
        });
        self.throttle(id, self.clock.now() + PENALTY);
        PASSWORD_ATTEMPTS_MAX.saturating_sub(tries)
    }

    /// The password took too long.
    pub(super) fn end_login(&mut self, id: ClientId) {
        if self.is_answered_later(id) {
            return self.end_request_login(id);
        }
        let text = texts::no_password(PASSWORD_TIME);
        self.leave(id, CloseReason::NoPassword, Some(&text));
    }

    /// A newcomer may come into the lobby.
    fn log_in(&mut self, id: ClientId) {
        self.let_in(id);
        match self.sessions[id].set_rare(|rare| rare.request.take()) {
            Some(request) => self.resume_socket(id, &request),
            None => {
                self.reveal(id);
                self.arrive(id);
            }
        }
    }

    /// Makes a stranger a member of the lobby that hasn't been greeted.
    pub(super) fn let_in(&mut self, id: ClientId) {
        let session = &mut self.sessions[id];
        session.enter(State::Member(Standing::Arriving, Phase::Talking), None);
        session.set_rare(|rare| rare.password_attempts = 0);
        self.set_timer(id);
        self.name(id);
        self.change_room(id, self.rooms.lobby());
    }

    /// What a client types in the login room isn't shown on its screen, if its program
    /// speaks telnet.
    pub(super) fn conceal(&mut self, id: ClientId) {
        let hide = self.sessions[id].set_client(Client::conceal);
        if !hide.is_empty() {
            self.add_note(id, hide);
        }
    }

    /// What it types is shown again, by the server's editor, if it was hidden.
    fn reveal(&mut self, id: ClientId) {
        if self.sessions[id].rare().client.is_concealed() {
            self.offer_editing(id);
        }
    }
}
