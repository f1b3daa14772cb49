//! Who is told that somebody came or went, and when.
//!
//! In a large room that would be most of what is said. So those who say nothing
//! are counted, and every few seconds one notice tells how many came and went.
//! One who speaks is told of by name, at once. A script that comes, says a line
//! and goes is told of by its line only.

use std::time::{Duration, Instant};

use super::room::RoomId;
use super::{Chat, ClientId, texts};
use crate::chat::member::Phase;
use crate::wire::Kind;

/// A newcomer is greeted when it has been silent for so long: the line of a
/// script comes with its connection, whatever the way between.
pub(super) const GREETING_DELAY: Duration = Duration::from_millis(100);

/// What the others know of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing: it hasn't given the password.
    Knocking,
    /// Nothing: it has just come and hasn't been greeted.
    Arriving,
    /// What it said before it was greeted, as scripts do.
    Posting,
    /// The same, and it has stayed.
    Posted,
    /// Nothing yet; the next notice will count it.
    Counted,
    /// A notice has counted it.
    Told,
    /// Its name: it has spoken here.
    Known,
}

/// Comings and goings in a room that nobody has been told of.
#[derive(Debug, Default)]
pub(super) struct Presence {
    joined: usize,
    left: usize,
    /// How the last one left, in words.
    last_left: String,
    /// A notice will tell.
    is_due: bool,
}

impl Presence {
    /// Panics if so many members who wait to be counted, and so many notices to
    /// come, aren't what is kept here.
    pub(super) fn assert_true(&self, counted: usize, folds: usize) {
        assert_eq!(self.joined, counted, "members who wait to be counted");
        assert_eq!(folds, usize::from(self.is_due), "notices to come");
        assert!(folds == 1 || self.joined + self.left == 0, "nobody will be told");
    }
}

impl Chat {
    /// A client has come, to the gate or to the lobby.
    pub(super) fn arrive(&mut self, id: ClientId) {
        if self.config.fold_time.is_zero() {
            self.handle_arrival(id);
        } else {
            self.arrivals.push_back((self.now + GREETING_DELAY, id));
        }
    }

    /// A newcomer has had time to say something first.
    pub(super) fn handle_arrival(&mut self, id: ClientId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        match session.standing {
            Standing::Knocking if matches!(session.phase, Phase::Talking) => self.ask_password(id),
            Standing::Posting => session.standing = Standing::Posted,
            Standing::Arriving if matches!(session.phase, Phase::Talking) => self.greet(id),
            _ => {}
        }
    }

    /// Greets a newcomer, who is told of from now on.
    fn greet(&mut self, id: ClientId) {
        // It wasn't sent anything so far, and history begins before that.
        let nick = self.sessions[id].nick.clone();
        self.notify_here(id, &texts::welcome(nick.as_str()));
        for line in self.motd.clone() {
            self.notify_here(id, &line);
        }
        self.introduce(id);
        self.enter_presence(id);
        self.queue(id);
    }

    /// Greets a newcomer that wants something before its greeting is due; the
    /// past is what it asks for.
    pub(super) fn greet_first(&mut self, id: ClientId) {
        if self.sessions[id].standing == Standing::Arriving {
            let nick = self.sessions[id].nick.clone();
            self.notify_here(id, &texts::welcome(nick.as_str()));
            self.enter_presence(id);
            self.queue(id);
        }
    }

    /// Tells a client about the room that it has come to.
    pub(super) fn introduce(&mut self, id: ClientId) {
        self.notify_here(id, &self.here(id));
        let topic = self.rooms[self.sessions[id].room].topic.clone();
        if topic.is_some() {
            self.notify_here(id, &texts::topic(topic.as_deref()));
        }
        self.show_history(id, self.config.history_lines);
    }

    /// Whether a client is one who stays, as far as can be seen.
    pub(super) fn is_greeted(&self, id: ClientId) -> bool {
        !matches!(self.sessions[id].standing, Standing::Arriving | Standing::Posting)
    }

    /// The others are to be told that a client has come.
    pub(super) fn enter_presence(&mut self, id: ClientId) {
        let room = self.sessions[id].room;
        self.sessions[id].standing = Standing::Counted;
        self.rooms[room].presence.joined += 1;
        if self.config.fold_time.is_zero() { self.become_known(id) } else { self.fold(room) }
    }

    /// A client is about to say something.
    pub(super) fn become_known(&mut self, id: ClientId) {
        let session = &mut self.sessions[id];
        match session.standing {
            Standing::Known | Standing::Posting | Standing::Knocking => {}
            Standing::Arriving => {
                session.standing = Standing::Posting;
                self.queue(id);
            }
            Standing::Posted | Standing::Told => session.standing = Standing::Known,
            Standing::Counted => {
                session.standing = Standing::Known;
                self.rooms[session.room].presence.joined -= 1;
                self.tell_joined(id);
            }
        }
    }

    /// Tells everybody else who has joined; its greeting has told it itself.
    fn tell_joined(&mut self, id: ClientId) {
        let session = &self.sessions[id];
        let (room, joined) = (session.room, texts::joined(&self.who(id)));
        // Own lines behind where a reader stops would be counted as before it.
        if session.reader.is_stopped() {
            self.append_notice(room, ClientId::default(), Kind::Presence, &joined);
            return;
        }
        let seq = self.append_notice(room, id, Kind::Presence, &joined);
        self.sessions[id].reader.add_own(&mut self.rooms[room].log, seq);
    }

    /// Whether the others have seen a client's name.
    pub(super) fn is_known(&self, id: ClientId) -> bool {
        !matches!(self.sessions[id].standing, Standing::Arriving | Standing::Counted)
    }

    /// A client isn't in its room any more; `left` says how.
    pub(super) fn leave_presence(&mut self, id: ClientId, left: String) {
        let session = &self.sessions[id];
        let (room, standing) = (session.room, session.standing);
        let presence = &mut self.rooms[room].presence;
        match standing {
            Standing::Knocking | Standing::Arriving | Standing::Posting | Standing::Posted => {}
            Standing::Counted => presence.joined -= 1,
            Standing::Told => {
                presence.left += 1;
                presence.last_left = left;
                self.fold(room);
            }
            Standing::Known => {
                self.append_notice(room, ClientId::default(), Kind::Presence, &left);
            }
        }
    }

    /// Makes sure that a notice will tell who came and went.
    fn fold(&mut self, room: RoomId) {
        let presence = &mut self.rooms[room].presence;
        if !std::mem::replace(&mut presence.is_due, true) {
            self.folds.push_back((self.now + self.config.fold_time, room));
        }
    }

    /// Tells who came and went, if it hasn't come to nothing.
    pub(super) fn handle_fold(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        let Presence { joined, left, last_left, .. } = std::mem::take(&mut room.presence);
        let mut who = None;
        for &member in room.members() {
            let session = &mut self.sessions[member];
            if session.standing == Standing::Counted {
                session.standing = Standing::Told;
                who = Some(member);
            }
        }
        let text = match (joined, left, who) {
            (0, 0, _) => return,
            (1, 0, Some(who)) => return self.tell_joined(who),
            (0, 1, _) => last_left,
            _ => texts::came_and_went(joined, left),
        };
        self.append_notice(id, ClientId::default(), Kind::Presence, &text);
    }

    /// When `handle_arrival` or `handle_fold` is due.
    pub(super) fn presence_due(&self) -> Option<Instant> {
        let arrival = self.arrivals.front().map(|(at, _)| *at);
        arrival.into_iter().chain(self.folds.front().map(|(at, _)| *at)).min()
    }
}
