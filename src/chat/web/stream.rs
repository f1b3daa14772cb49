//! Streams: all that is said in a room, as text, JSON lines or events.

use crate::chat::close_reason::CloseReason;
use crate::chat::commands::history::seconds_of;
use crate::chat::ids::ClientId;
use crate::chat::member::Intro;
use crate::chat::room::log::Seq;
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::chat::web::KEEPALIVE_TIME;
use crate::chat::web::answers::{self, Answer};
use crate::wire::{Encoding, Ending, From, Layout, Request};

impl Chat {
    /// Everything that is said is sent, until the client goes.
    pub(super) fn begin_stream(&mut self, id: ClientId, request: &Request) -> Result<(), Answer> {
        let encoding = self.stream_encoding(request);
        let since = request.last_event_id.as_deref().or(request.parameter("since"));
        let since = since.map(|since| self.since(id, since)).transpose()?;
        self.become_unannounced(id);
        self.set_encoding(id, encoding);
        let session = &mut self.sessions[id];
        let log = &self.rooms[session.room].log;
        session.reader.skip_all(log);
        let mut cleared = 0;
        match since {
            None | Some(Since::Stored(_)) => {}
            Some(Since::Line(from)) => session.reader.rewind(from),
            Some(Since::Number(number)) => {
                let run = self.rooms[session.room].run();
                let before = log.number_from(run, log.first()).unwrap_or_default();
                let gone = log.lines_cleared(run, number, before);
                // Those aren't lines that came too fast.
                let place = log.place_after(run, number);
                session.reader.rewind((place + gone).min(place.max(log.first())));
                cleared = log.lines_cleared(run, number, u64::MAX);
            }
            Some(Since::Restart) => session.reader.rewind(log.first()),
        }
        let lines = log.next() - log.first();
        let head = answers::stream_head(encoding.layout, encoding.ending);
        self.begin_answer(id, head.as_bytes());
        if let Some(Since::Stored(from)) = since {
            self.begin_past(id, from, Intro::None);
        }
        if let Some(Since::Restart) = since {
            self.notify_here(id, &texts::restarted(lines));
        }
        if cleared > 0 {
            self.notify_here(id, &texts::lines_cleared(cleared));
        }
        if encoding.ending == Ending::Event {
            self.schedule.keep_alive(self.clock.now() + KEEPALIVE_TIME, id);
        }
        if request.parameter("poll") == Some("1") {
            self.leave(id, CloseReason::Quit, None);
        } else if since.is_some() && !self.sessions[id].reader.is_held() {
            self.flush.push_first(id, &mut self.sessions[id]);
        }
        Ok(())
    }

    /// What a stream looks like, as the request asks.
    pub(super) fn stream_encoding(&self, request: &Request) -> Encoding {
        let is_json = request.accept.contains("application/json")
            || request.parameter("format") == Some("json");
        let (layout, ending) = if request.accept.contains("text/event-stream") {
            (Layout::Json, Ending::Event)
        } else if is_json {
            (Layout::Json, Ending::Lf)
        } else {
            (self.config.text_layout(), Ending::Lf)
        };
        Encoding { view: self.config.view, ..Encoding::new(layout, ending) }
    }

    /// From where on a client is to be sent lines that asks for this with `since`: a
    /// number (with its run), a time, or `all`.
    pub(super) fn since(&self, id: ClientId, since: &str) -> Result<Since, Answer> {
        let log = &self.rooms[self.sessions[id].room].log;
        if since == "all" {
            return Ok(match self.has_past(id) {
                true => Since::Stored(From::After(0)),
                false => Since::Line(log.first()),
            });
        }
        if let Some(seconds) = seconds_of(since) {
            let time = self.clock.wall().saturating_sub(seconds);
            return Ok(match self.is_past(id, time) {
                true => Since::Stored(From::Since(time)),
                false => Since::Line(log.first_since(time)),
            });
        }
        let (number, run) = since.split_once('@').unwrap_or((since, self.run(id)));
        let number: u64 =
            number.parse().map_err(|_| Answer::text("400 Bad Request", answers::SINCE))?;
        Ok(match run == self.rooms[self.sessions[id].room].run() {
            // Lines that are gone are told of as those that a slow reader misses.
            true if self.is_number_past(id, number) => Since::Stored(From::After(number)),
            true => Since::Number(number),
            false if log.has_run(run) => Since::Line(log.place_after(run, number).max(log.first())),
            false => Since::Restart,
        })
    }
}

/// From where on a client is to be sent lines.
#[derive(Clone, Copy, Debug)]
pub(super) enum Since {
    /// From this place of the log on, which is in it.
    Line(Seq),
    /// After the line with this number.
    Number(u64),
    /// From where only the store has lines.
    Stored(From),
    /// All: the server has started again since the line that it names.
    Restart,
}
