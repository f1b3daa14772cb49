//! Clients that post: each line of a body is a line of the room.

use crate::chat::ids::ClientId;
use crate::chat::input::Manner;
use crate::chat::member::{Unsaid, Waiting};
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::chat::web::answers::{self, Answer};
use crate::chat::web::wanted_name;
use crate::wire::{Length, Request};

impl Chat {
    /// The lines of a body are said, as those of a script are.
    pub(super) fn begin_post(&mut self, id: ClientId, request: &Request) -> Result<(), Answer> {
        if request.is_multipart {
            // Its borders would be said.
            return Err(Answer::text("415 Unsupported Media Type", answers::MULTIPART));
        }
        if self.config.is_shared && !self.outbox.is_up() && !self.config.talks_alone {
            return Err(Answer::text("503 Service Unavailable", texts::NOT_SENT));
        }
        self.take_name(id, wanted_name(request))?;
        // The name may be that of a muted user.
        self.check_muting(id)?;
        if let Some(wait) = self.slow_wait(id) {
            let text = self.early_line(id, wait);
            return Err(answers::too_early(text.text, wait));
        }
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

    /// A line of a body has come. It is said as it is, but for `/me`: a log may have lines that
    /// look like commands.
    pub(in crate::chat) fn say_posted(&mut self, id: ClientId, text: &str) {
        if text.is_empty() {
            return;
        }
        let (before, on_their_way) = (self.position(id), self.outbox.lines());
        let (manner, text) = Manner::of(text);
        if !self.say(id, manner, text) {
            return self.count_unsaid(id);
        }
        let after = self.position(id);
        if self.outbox.lines() > on_their_way && self.outbox.is_up() {
            self.sessions[id].set_rare(|rare| rare.unplaced += 1);
        } else if after > before {
            self.sessions[id].set_rare(|rare| {
                let (first, _) = rare.posted.unwrap_or((after, after));
                rare.posted = Some((first, after));
            });
        }
    }

    /// All of a body has come.
    pub(in crate::chat) fn end_post(&mut self, id: ClientId) {
        let session = &mut self.sessions[id];
        if session.rare().unplaced > 0 {
            session.set_rare(|rare| rare.waiting = Some(Waiting::Places));
            return;
        }
        let session = &self.sessions[id];
        let (unsaid, posted) = (&session.rare().unsaid, session.rare().posted);
        let answer = match unsaid {
            None => {
                let room = self.rooms[session.room].name.as_str();
                answers::posted(posted, room, self.run(id))
            }
            Some(unsaid) => {
                let text = texts::partly_posted(unsaid.lines, posted.is_some(), &unsaid.why);
                let answer = Answer::text(unsaid.status, text);
                match unsaid.wait {
                    Some(wait) => answer.with_header("Retry-After", u64::from(wait)),
                    None => answer,
                }
            }
        };
        self.answer(id, &answer, false);
    }

    /// A line of a body wasn't said.
    fn count_unsaid(&mut self, id: ClientId) {
        let (muting, wait) = (self.sessions[id].rare().muting, self.slow_wait(id));
        let (status, why) = match (muting, wait) {
            (Some(muting), _) => {
                ("403 Forbidden", texts::you_are_muted(self.mute_left(muting)).text)
            }
            (None, Some(wait)) => ("429 Too Many Requests", self.early_line(id, wait).text),
            (None, None) => ("503 Service Unavailable", texts::NOT_SENT.to_owned()),
        };
        let wait = wait.filter(|_| muting.is_none());
        self.sessions[id].set_rare(|rare| {
            let lines = 1 + rare.unsaid.as_ref().map_or(0, |unsaid| unsaid.lines);
            rare.unsaid = Some(Box::new(Unsaid { lines, status, why, wait }));
        });
    }

    /// A line of a client has got this number on all servers, or gets none.
    pub(in crate::chat) fn count_placed(&mut self, id: ClientId, number: Option<u64>) {
        let Some(session) = self.sessions.get_mut(id).filter(|it| it.rare().unplaced > 0) else {
            return;
        };
        session.set_rare(|rare| {
            rare.unplaced -= 1;
            if let Some(number) = number {
                let (first, _) = rare.posted.unwrap_or((number, number));
                rare.posted = Some((first, number));
            }
        });
        if session.rare().unplaced == 0 {
            self.resume_post(id);
        }
    }

    /// All that a client has said has its place, or gets none; it is answered if that was all.
    fn resume_post(&mut self, id: ClientId) {
        let session = &mut self.sessions[id];
        if let Some(Waiting::Places) = session.rare().waiting {
            session.set_rare(|rare| rare.waiting = None);
            self.end_post(id);
        }
    }

    /// The engine is away, and what clients have said is shown here.
    pub(in crate::chat) fn end_posts(&mut self) {
        for id in self.posting() {
            self.sessions[id].set_rare(|rare| rare.unplaced = 0);
            self.resume_post(id);
        }
    }

    /// The engine is away, and nobody knows whether it has got what clients have said.
    pub(in crate::chat) fn fail_posts(&mut self) {
        for id in self.posting() {
            self.sessions[id].set_rare(|rare| (rare.unplaced, rare.waiting) = (0, None));
            self.answer(id, &Answer::text("504 Gateway Timeout", answers::PLACE_UNKNOWN), false);
        }
    }

    /// Clients of which lines are on their way.
    fn posting(&self) -> Vec<ClientId> {
        let posting =
            self.sessions.iter().filter(|(_, it)| it.is_member() && it.rare().unplaced > 0);
        posting.map(|(id, _)| id).collect()
    }

    /// A line of a body is too long.
    pub(in crate::chat) fn refuse_long_line(&mut self, id: ClientId) {
        self.answer(id, &Answer::text("413 Content Too Large", answers::LINE_TOO_LONG), false);
    }
}
