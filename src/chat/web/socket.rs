//! WebSockets: members that are sent JSON in frames.

use crate::chat::close_reason::CloseReason;
use crate::chat::ids::ClientId;
use crate::chat::state::Chat;
use crate::chat::web::KEEPALIVE_TIME;
use crate::chat::web::answers::{self, Answer};
use crate::chat::web::stream::Since;
use crate::wire::{
    Client, CloseCode, Encoding, Ending, Frame, Layout, Protocol, Request, Stage, accept_key, pong,
};

impl Chat {
    /// A WebSocket is a client like any other from now on, that is sent JSON.
    pub(super) fn begin_socket(
        &mut self,
        id: ClientId,
        request: &Request,
        key: &str,
    ) -> Result<(), Answer> {
        let is_stranger = self.is_logging_in(id);
        let since = if is_stranger { None } else { self.claim(id, request)? };
        let encoding = Encoding::new(Layout::Json, Ending::Frame);
        self.set_encoding(id, encoding);
        let session = &mut self.sessions[id];
        session.reader.skip_all(&self.rooms[session.room].log);
        session.set_client(Client::begin_socket);
        let head = answers::socket_head(&accept_key(key)).into_bytes();
        session.reader.add_note_here(&head);
        self.queue(id);
        self.schedule.keep_alive(self.clock.now() + KEEPALIVE_TIME, id);
        if is_stranger {
            // What it asks for is kept until it has given the password.
            self.sessions[id].set_rare(|rare| rare.request = Some(Box::new(request.clone())));
            self.handle_arrival(id);
        } else {
            self.greet_socket(id, since);
        }
        Ok(())
    }

    /// A WebSocket has given the password, and gets what it had asked for.
    pub(in crate::chat) fn resume_socket(&mut self, id: ClientId, request: &Request) {
        let since = self.claim(id, request).unwrap_or_else(|problem| {
            self.notify(id, problem.sentence());
            None
        });
        self.greet_socket(id, since);
    }

    /// Gives a client the name that its request asks for, and the place in the log.
    fn claim(&mut self, id: ClientId, request: &Request) -> Result<Option<Since>, Answer> {
        self.take_name(id, request.parameter("nick"))?;
        request.parameter("since").map(|since| self.since(id, since)).transpose()
    }

    fn greet_socket(&mut self, id: ClientId, since: Option<Since>) {
        match since {
            None => self.handle_arrival(id),
            Some(Since::Line(from)) => {
                self.greet_first(id);
                self.sessions[id].reader.rewind(from);
                self.flush.push_first(id, &mut self.sessions[id]);
            }
            Some(Since::Number(number)) => match self.resume_after(id, number) {
                Ok(()) => {}
                Err(problem) => {
                    self.handle_arrival(id);
                    self.notify(id, &problem);
                }
            },
            Some(Since::Restart) => self.resume_restarted(id),
        }
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
        use CloseReason::{Banned, Foreign, Kicked, NoPassword, Quit, Shutdown};
        let code = match reason {
            Quit => CloseCode::Normal,
            Shutdown => CloseCode::Away,
            Kicked | Banned | NoPassword | Foreign(_) => CloseCode::Policy,
            _ => CloseCode::Later,
        };
        self.sessions[id].set_client(Client::begin_stream);
        self.add_note(id, &code.frame());
    }
}
