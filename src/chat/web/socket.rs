//! WebSockets: members that are sent JSON in frames.

use crate::chat::close_reason::CloseReason;
use crate::chat::ids::ClientId;
use crate::chat::state::Chat;
use crate::chat::web::KEEPALIVE_TIME;
use crate::chat::web::answers::{self, Answer};
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
        if !self.is_logging_in(id) {
            self.take_name(id, request.parameter("nick"))?;
        }
        let since = request.parameter("since");
        let from = since.map(|since| self.first_since(id, since)).transpose()?;
        let encoding = Encoding::new(Layout::Json, Ending::Frame);
        self.set_encoding(id, encoding);
        let session = &mut self.sessions[id];
        session.reader.skip_all(&self.rooms[session.room].log);
        session.set_client(Client::begin_socket);
        let head = answers::socket_head(&accept_key(key)).into_bytes();
        session.reader.add_note_here(&head);
        self.queue(id);
        self.schedule.keep_alive(self.clock.now() + KEEPALIVE_TIME, id);
        match from {
            // It is asked for the password soon.
            _ if self.is_logging_in(id) => {}
            Some(from) => {
                self.greet_first(id);
                self.sessions[id].reader.rewind(from);
                self.flush.push_first(id, &mut self.sessions[id]);
            }
            None => self.handle_arrival(id),
        }
        Ok(())
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
        let code = match reason {
            CloseReason::Quit => CloseCode::Normal,
            CloseReason::Shutdown => CloseCode::Away,
            _ => CloseCode::Policy,
        };
        self.sessions[id].set_client(Client::begin_stream);
        self.add_note(id, &code.frame());
    }
}
