//! WebSockets: members that are sent JSON in frames.

use crate::chat::close_reason::CloseReason;
use crate::chat::close_reason::Refused::Locked;
use crate::chat::ids::ClientId;
use crate::chat::member::{Intro, Session};
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::chat::web::answers::{self, Answer, socket_head};
use crate::chat::web::stream::Since;
use crate::chat::web::{KEEPALIVE_TIME, room_name, session_token, wanted_name};
use crate::wire::{
    Client, CloseCode, Encoding, Ending, Frame, From, Layout, Protocol, Request, Stage, accept_key,
    pong,
};

impl Chat {
    /// A WebSocket is a client like any other from now on, that is sent JSON.
    pub(super) fn begin_socket(
        &mut self,
        id: ClientId,
        request: &Request,
        key: &str,
    ) -> Result<(), Answer> {
        let since = self.wanted_since(id, request)?;
        if request.parameter("session").is_some() && session_token(request).is_none() {
            return Err(Answer::text("400 Bad Request", answers::SESSION));
        }
        let encoding = Encoding::new(Layout::Json, Ending::Frame);
        self.set_encoding(id, encoding);
        let session = &mut self.sessions[id];
        session.reader.skip_all(&self.rooms[session.room].log);
        session.set_client(Client::begin_socket);
        let head = answers::socket_head(&accept_key(key)).into_bytes();
        session.reader.add_note_here(&head);
        self.queue(id);
        self.schedule.keep_alive(self.clock.now() + KEEPALIVE_TIME, id);
        if self.is_logging_in(id) {
            // What it asks for is kept until it has given the password.
            self.sessions[id].set_rare(|rare| rare.request = Some(Box::new(request.clone())));
            self.handle_arrival(id);
        } else {
            self.greet_socket(id, request, since);
        }
        Ok(())
    }

    /// A WebSocket has given the password, and gets what it had asked for.
    pub(in crate::chat) fn resume_socket(&mut self, id: ClientId, request: &Request) {
        // What is wrong with the request has been said before it was let in; only rooms
        // may have run out since then.
        // It may have been greeted while the store was asked.
        self.arrive_again(id);
        let entered = room_name(request).and_then(|name| self.enter_room(id, name, request));
        if let Ok(false) = entered {
            return;
        }
        if self.asks_for_name(id, request) {
            return;
        }
        let since = self.wanted_since(id, request).unwrap_or_default();
        self.greet_socket(id, request, since);
        if let Err(problem) = entered {
            self.notify(id, problem.sentence());
        }
    }

    /// A WebSocket may not enter its room, and is told why: a handshake that fails shows nothing.
    pub(super) fn refuse_socket(&mut self, id: ClientId, key: &str, why: &str) {
        self.become_unannounced(id);
        self.set_encoding(id, Encoding::new(Layout::Json, Ending::Frame));
        let session = &mut self.sessions[id];
        session.reader.skip_all(&self.rooms[session.room].log);
        session.set_client(Client::begin_socket);
        session.reader.add_note_here(socket_head(&accept_key(key)).as_bytes());
        self.queue(id);
        self.leave(id, CloseReason::Refused(Locked), Some(why));
    }

    fn wanted_since(&self, id: ClientId, request: &Request) -> Result<Option<Since>, Answer> {
        request.parameter("since").map(|since| self.since(id, since)).transpose()
    }

    /// Greets a WebSocket. One that can't have the name that it asks for is told so, and stays
    /// unless the room is locked: a page that comes back may be faster than the end of its old
    /// connection.
    fn greet_socket(&mut self, id: ClientId, request: &Request, since: Option<Since>) {
        if let Some(token) = session_token(request) {
            self.end_old_connection(id, token);
        }
        let name = self.take_name(id, wanted_name(request));
        let room = self.sessions[id].room;
        if name.is_err() && self.is_locked_for(id, room) {
            // It has come in for that name only, which somebody else got.
            let text = texts::locked_out(self.rooms[room].name.as_str());
            return self.leave(id, CloseReason::Refused(Locked), Some(&text));
        }
        match since {
            None => self.handle_arrival(id),
            Some(Since::Line(from)) => {
                self.greet_first(id);
                self.sessions[id].reader.rewind(from);
                self.flush.push_first(id, &mut self.sessions[id]);
            }
            Some(Since::Number(number)) => {
                if let Err(problem) = self.resume_after(id, number) {
                    // Before the past, whose numbers are others.
                    self.notify_here(id, &problem);
                    self.handle_arrival(id);
                }
            }
            Some(Since::Stored(from)) => {
                self.greet_first(id);
                let intro = match from {
                    From::After(number) if number > 0 => Intro::Resumed(number),
                    _ => Intro::None,
                };
                self.begin_past(id, from, intro);
            }
            Some(Since::Restart) => self.resume_restarted(id),
        }
        if let Err(problem) = name {
            self.notify(id, problem.sentence());
        }
    }

    /// A client that connects again has its name free at once, however long it takes to
    /// notice that its old connection is dead.
    pub(super) fn end_old_connection(&mut self, id: ClientId, token: &str) {
        let is_here = |id| self.sessions.get(id).is_some_and(Session::is_member);
        let (old, account) = self.pages.come(token, id, is_here);
        if let Some(old) = old {
            self.leave(old, CloseReason::Replaced, None);
        }
        // Whoever knows the token is the same page, which needn't log in again.
        self.sessions[id].set_rare(|rare| rare.account = account);
    }

    /// A control frame has come.
    pub(in crate::chat) fn handle_frame(&mut self, id: ClientId, frame: &Frame) {
        match frame {
            Frame::Ping(payload) => self.add_note(id, &pong(payload)),
            Frame::Close => self.close_socket(id, CloseCode::Normal),
            Frame::Pong | Frame::Text(_) => {}
        }
    }

    /// The client has sent what ends a WebSocket.
    pub(in crate::chat) fn close_socket(&mut self, id: ClientId, code: CloseCode) {
        self.sessions[id].set_client(Client::begin_stream);
        self.add_note(id, &code.frame());
        let reason = match code {
            CloseCode::Normal => CloseReason::Quit,
            _ => CloseReason::Foreign(Protocol::Http),
        };
        self.leave(id, reason, None);
    }

    /// A WebSocket whose client leaves is told why.
    pub(in crate::chat) fn say_closed(&mut self, id: ClientId, reason: CloseReason) {
        if self.sessions[id].stage != Stage::Socket {
            return;
        }
        use CloseReason::{Banned, Foreign, Kicked, NoPassword, Quit, Refused, Shutdown};
        let code = match reason {
            Quit | CloseReason::Replaced => CloseCode::Normal,
            Shutdown => CloseCode::Away,
            Kicked | Banned | NoPassword | Foreign(_) | Refused(Locked) => CloseCode::Policy,
            _ => CloseCode::Later,
        };
        self.sessions[id].set_client(Client::begin_stream);
        self.add_note(id, &code.frame());
    }
}
