//! Clients that post: each line of a body is a line of the room.

use crate::chat::ids::ClientId;
use crate::chat::input::Manner;
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::chat::web::answers::{self, Answer};
use crate::wire::{Length, Request};

impl Chat {
    /// The lines of a body are said, as those of a script are.
    pub(super) fn begin_post(&mut self, id: ClientId, request: &Request) -> Result<(), Answer> {
        if self.config.is_shared && !self.outbox.is_up() {
            return Err(Answer::text("503 Service Unavailable", texts::NOT_SENT));
        }
        let user = request.credentials.as_ref().map(|(user, _)| user.as_str());
        self.take_name(id, request.parameter("nick").or(user))?;
        self.become_unannounced(id);
        let session = &mut self.sessions[id];
        // It is sent nothing but the answer.
        session.reader.skip_all(&self.rooms[session.room].log);
        session.reader.stop(&self.rooms[session.room].log);
        session.set_client(|client| client.begin_body(request.body));
        if request.expects_continue && request.body != Length::Bytes(0) {
            self.add_note(id, b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        if request.body == Length::Bytes(0) {
            self.end_post(id);
        }
        Ok(())
    }

    /// A line of a body has come. It is said as it is: a log may have lines that look
    /// like commands.
    pub(in crate::chat) fn say_posted(&mut self, id: ClientId, text: &str) {
        if text.is_empty() {
            return;
        }
        let before = self.position(id);
        self.say(id, Manner::Say, text);
        let after = self.position(id);
        if after > before {
            self.sessions[id].set_rare(|rare| {
                let (first, _) = rare.posted.unwrap_or((after, after));
                rare.posted = Some((first, after));
            });
        }
    }

    /// All of a body has come.
    pub(in crate::chat) fn end_post(&mut self, id: ClientId) {
        let session = &self.sessions[id];
        let room = self.rooms[session.room].name.as_str();
        let answer = answers::posted(session.rare().posted, room, self.run(id));
        self.answer(id, &answer, false);
    }

    /// A line of a body is too long.
    pub(in crate::chat) fn refuse_long_line(&mut self, id: ClientId) {
        self.answer(id, &Answer::text("413 Content Too Large", answers::LINE_TOO_LONG), false);
    }
}
