//! What clients send.
//!
//! A line is accepted here, and ordered and stored in one other place,
//! `Log::append`.

use std::sync::Arc;
use std::time::Instant;

use ecow::EcoString;

use super::room::RoomId;
use super::state::Chat;
use crate::chat::answering::Answering;
use crate::chat::close_reason::CloseReason;
use crate::chat::ids::ClientId;
use crate::chat::member::{NOTE_BYTES_MAX, Session};
use crate::chat::names::secret::SECRET_BYTES_MIN;
use crate::chat::notice::Told;
use crate::chat::room::log::{HiddenFrom, Line, Seq};
use crate::chat::texts;
use crate::wire::{
    Answered, Change, Command, Editor, Encoding, Ending, Facts, Input, Kind, Layout, LineEnd,
    Message, PASTE_BYTES_MAX, Protocol, Text, View, close_directions,
};

/// Bytes of text beyond ASCII that are as much work as a key.
const HARD_BYTES: usize = 12;

/// What a telnet command counts for.
const TELNET_WORK: usize = 2;

/// Commands that newcomers type without the slash.
const SLIPS: &[&str] = &["quit", "exit", "help", "logout"];

/// Commands that are given a secret.
const SECRET_COMMANDS: &[&str] = &["login", "identify", "register", "unregister", "op"];

/// How a text is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// `<ann> hello`
    Say,
    /// `* ann waves`
    Act,
}

impl Manner {
    /// How to say a text where no other command is known: `/me waves` is an act, and `//me waves`
    /// says that.
    pub fn of(text: &str) -> (Manner, &str) {
        let act = |text: &str| {
            let (word, what) = text.split_once([' ', '\t'])?;
            let is_act = word.eq_ignore_ascii_case("/me") && !what.trim().is_empty();
            is_act.then_some(text.len() - what.len())
        };
        match (act(text), text.strip_prefix('/')) {
            (Some(begin), _) => (Manner::Act, text[begin..].trim()),
            (None, Some(escaped)) if act(escaped).is_some() => (Manner::Say, escaped),
            (None, _) => (Manner::Say, text),
        }
    }
}

impl Chat {
    /// Bytes have come from a client.
    pub fn handle_bytes(&mut self, now: Instant, id: ClientId, bytes: &[u8]) {
        self.clock.advance(now);
        self.counts.bytes_received += bytes.len() as u64;
        self.take_bytes(id, bytes);
    }

    /// Takes bytes in that have come now or have waited.
    pub(super) fn take_bytes(&mut self, id: ClientId, bytes: &[u8]) {
        if !self.wants_input(id) {
            return;
        }
        debug_assert!(self.sessions[id].rare().held.is_empty(), "held bytes go first");
        self.note_heard(id);
        if !self.sessions[id].has_sent() {
            self.greet_used_spare(id);
        }
        let mut has_ended = false;
        match self.sessions[id].set_client(|client| client.open(bytes)) {
            Ok(bytes) => {
                let mut input = &bytes[..];
                has_ended = self.take_input(id, &mut input);
                self.hold(id, input);
            }
            Err(protocol) => self.reject_protocol(id, protocol),
        }
        self.note_begun(id, has_ended);
        self.end_write_broken(id);
        self.update_interest(id);
    }

    /// Takes what a client sends off the front of `input` while the client may go
    /// on. Gives whether a line has ended.
    fn take_input(&mut self, id: ClientId, input: &mut &[u8]) -> bool {
        let framing = self.config.framing();
        let mut has_ended = false;
        self.pace.begin_step();
        while (!input.is_empty() || self.has_pending_input(id))
            && self.pace.work_left() > 0
            && self.wants_input(id)
            && self.pay_line(id)
        {
            let session = &mut self.sessions[id];
            let is_editing = session.rare().client.is_editing();
            // Each byte is a key, and so much work.
            let bytes =
                if is_editing { input.len().min(self.pace.work_left()) } else { input.len() };
            let mut part = &input[..bytes];
            let event = session.set_client(|client| client.next(&mut part, &framing));
            let taken = bytes - part.len();
            *input = &input[taken..];
            if is_editing {
                self.pace.spend(taken);
            }
            self.pace.take_bytes(id, self.clock.now(), taken);
            // By reference: to move it right after it was written stalls the processor.
            let Some(event) = &event else { break };
            has_ended |= !matches!(event, Input::Telnet(_));
            self.handle_input(id, event);
        }
        if self.sessions.get(id).is_some_and(|session| session.rare().client.has_screen()) {
            self.queue(id);
        }
        has_ended
    }

    /// Whether the end of what has come is still to be looked at.
    fn has_pending_input(&self, id: ClientId) -> bool {
        self.sessions.get(id).is_some_and(|session| session.rare().client.has_pending())
    }

    /// Keeps input that waits: for the client to take its answers, or for others to
    /// have had their turn.
    fn hold(&mut self, id: ClientId, input: &[u8]) {
        let is_pending = self.has_pending_input(id);
        if let Some(session) = self.sessions.get_mut(id)
            && (is_pending || !input.is_empty())
        {
            session.set_rare(|rare| rare.held = input.to_vec());
            if session.wants_input() {
                self.schedule.resume(id);
            }
        }
    }

    /// Answers a client in its own protocol and disconnects it; nobody sees
    /// anything of what it sent.
    fn reject_protocol(&mut self, id: ClientId, protocol: Protocol) {
        let session = &mut self.sessions[id];
        if session.is_ungreeted() {
            // What is said here is nothing for it, even if nobody greeted it yet.
            session.reader.skip_all(&self.rooms[session.room].log);
        }
        self.add_note(id, protocol.answer());
        self.leave(id, CloseReason::Foreign(protocol), None);
    }

    /// Whether more of a client's input may be taken in.
    pub(super) fn wants_input(&self, id: ClientId) -> bool {
        self.sessions.get(id).is_some_and(Session::wants_input)
    }

    /// Goes on with bytes that waited until the client took its answers.
    pub(super) fn resume_input(&mut self, id: ClientId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if session.wants_input() {
            let held = session.set_rare(|rare| std::mem::take(&mut rare.held));
            self.take_bytes(id, &held);
        } else {
            self.end_write_broken(id);
        }
    }

    pub(super) fn handle_input(&mut self, id: ClientId, input: &Input) {
        match input {
            Input::Line { bytes, end } => self.handle_line(id, bytes, *end),
            Input::Request(request) => self.handle_request(id, request),
            Input::BadRequest(problem) => self.handle_bad_request(id, *problem),
            Input::BodyEnd => self.end_post(id),
            Input::Frame(frame) => self.handle_frame(id, frame),
            Input::Broken(code) => self.close_socket(id, *code),
            Input::TooLong if self.sessions[id].rare().client.is_asking() => {
                self.refuse_long_line(id);
            }
            Input::TooLong if self.config.raw => self.leave(id, CloseReason::LineTooLong, None),
            Input::TooLong => self.notify(id, &texts::line_too_long(self.config.line_bytes_max)),
            Input::Typed(line) => {
                let text = Text::clean(line.as_bytes());
                if !self.looks_secret(id, text.as_str()) {
                    self.remember(id, text.as_str());
                }
                self.add_note(id, &Editor::entered(line));
                self.handle_text(id, &text);
            }
            Input::Pasted(line) => {
                self.add_note(id, &Editor::entered(line));
                self.handle_text(id, &Text::clean(line.as_bytes()));
            }
            Input::PasteTooLong => self.notify(id, &texts::paste_too_long(PASTE_BYTES_MAX)),
            Input::Complete(before) => self.complete(id, before),
            Input::End => {
                let farewell = self.goodbye(id);
                self.leave(id, CloseReason::Quit, Some(&farewell));
            }
            Input::Telnet(command) => self.handle_telnet(id, *command),
            Input::Foreign(protocol) => self.reject_protocol(id, *protocol),
        }
    }

    fn handle_line(&mut self, id: ClientId, bytes: &[u8], end: LineEnd) {
        if self.config.raw {
            return self.append_line(id, Kind::Said, "", bytes);
        }
        if self.sessions[id].rare().client.is_asking() {
            return self.say_posted(id, Text::clean(bytes).as_str());
        }
        if end == LineEnd::CrLf {
            self.use_crlf(id);
        }
        if self.is_status_request(id, bytes) {
            return self.tell_status_text(id);
        }
        if self.is_logging_in(id) {
            return self.handle_password(id, bytes);
        }
        if !bytes.is_ascii() {
            self.pace.spend(bytes.len() / HARD_BYTES);
            self.check_utf8(id, bytes);
        }
        self.handle_text(id, &Text::clean(bytes));
    }

    /// Tells a client once that what it sends isn't UTF-8.
    fn check_utf8(&mut self, id: ClientId, line: &[u8]) {
        if !self.sessions[id].rare().is_told_utf8 && str::from_utf8(line).is_err() {
            self.sessions[id].set_rare(|rare| rare.is_told_utf8 = true);
            self.notify(id, texts::NOT_UTF8);
        }
    }

    pub(super) fn handle_text(&mut self, id: ClientId, text: &Text) {
        self.enter_late(id);
        let text = text.as_str();
        match text.strip_prefix('/') {
            None if text.is_empty() => {}
            None if self.looks_secret(id, text) => self.notify(id, &texts::looks_secret()),
            None if self.is_slip(id, text) => {
                let word = text.to_lowercase();
                self.come_back(id);
                self.notify(id, &texts::slip(&word));
            }
            None => _ = self.say(id, Manner::Say, text),
            Some(escaped) if escaped.starts_with('/') => _ = self.say(id, Manner::Say, escaped),
            Some(command) => self.handle_command(id, command),
        }
    }

    /// Whether a text is a command that somebody who has said nothing yet typed
    /// without its slash. Typed again it is said.
    fn is_slip(&self, id: ClientId, text: &str) -> bool {
        let is_word = || SLIPS.iter().any(|word| word.eq_ignore_ascii_case(text));
        !self.sessions[id].has_spoken() && is_word()
    }

    /// Whether a text is probably a command with a secret that was typed without its slash, or
    /// with a space before it: everybody would read it.
    fn looks_secret(&self, id: ClientId, text: &str) -> bool {
        let mut words = text.split_whitespace();
        let word = words.next().unwrap_or_default();
        // All lines are looked at, and nearly all begin with another word.
        let command = word.strip_prefix('/').unwrap_or(word);
        if !SECRET_COMMANDS.iter().any(|it| it.eq_ignore_ascii_case(command)) {
            return false;
        }
        let rest: Vec<_> = words.take(4).collect();
        if command != word {
            return !rest.is_empty();
        }
        let has_secret = rest.last().is_some_and(|word| word.len() >= SECRET_BYTES_MIN);
        matches!(rest.len(), 1 | 2)
            && match self.sessions[id].has_spoken() {
                true => has_secret && rest.len() == 1 && self.config.has_store,
                false => true,
            }
    }

    pub(super) fn handle_telnet(&mut self, id: ClientId, command: Command) {
        self.pace.spend(TELNET_WORK);
        self.use_crlf(id);
        if command == Command::AreYouThere {
            return self.notify(id, texts::ARE_YOU_THERE);
        }
        if self.is_logging_in(id) {
            self.conceal(id);
        }
        if !self.tell_status(id, command) {
            self.answer_telnet(id, command);
        }
    }

    /// Adds what a client says to the log; false if it may not say it.
    ///
    /// Nothing that it says can be taken for a notice or for another's line: see
    /// [`Encoding::encode`].
    pub(super) fn say(&mut self, id: ClientId, manner: Manner, text: &str) -> bool {
        if !self.begin_line(id) {
            return false;
        }
        let kind = match manner {
            Manner::Say => Kind::Said,
            Manner::Act => Kind::Act,
        };
        let from = self.label(id);
        self.append_line(id, kind, &from, text.as_bytes());
        true
    }

    /// Does what goes before anything in a user's own words, or by chance, that all in the room
    /// are shown: the same as before any act, and slow mode counts it as a line. False if it may
    /// not be shown.
    pub(super) fn begin_line(&mut self, id: ClientId) -> bool {
        if let Some(wait) = self.slow_wait(id) {
            self.refuse_early_line(id, wait);
            return false;
        }
        let may = self.begin_act(id);
        if may {
            self.begin_pause(id);
        }
        may
    }

    /// Does what goes before any act that others in the room see: one that is muted
    /// may not; others are told that the client has joined, unless they know; and
    /// the client isn't away any more. False if it may not.
    pub(super) fn begin_act(&mut self, id: ClientId) -> bool {
        if !self.sessions[id].is_plain() && self.is_silenced(id) || !self.is_linked(id) {
            return false;
        }
        self.become_known(id);
        self.come_back(id);
        true
    }

    /// A client has said something, if only to one other.
    pub(super) fn come_back(&mut self, id: ClientId) {
        let uptime = self.clock.uptime();
        let session = &mut self.sessions[id];
        session.spoke = uptime;
        if !session.is_plain() && session.rare().away.is_some() {
            session.set_rare(|rare| rare.away = None);
            self.note_person(id);
            let nick = self.sessions[id].nick.clone();
            self.notify(id, &texts::away(nick.as_str(), false, ""));
        }
    }

    /// What others know a client by.
    fn label(&self, id: ClientId) -> EcoString {
        match self.shown_address(id) {
            Some(address) => address.into(),
            None => self.sessions[id].nick.text(),
        }
    }

    /// Adds a line of a client to the log of its room.
    fn append_line(&mut self, id: ClientId, kind: Kind, from: &str, text: &[u8]) {
        self.counts.lines += 1;
        let room = self.sessions[id].room;
        // A page shows what it has said when it comes back, with its number.
        let is_page = self.sessions[id].reader.newest_encoding().ending == Ending::Frame;
        let hidden = match self.config.echo || is_page {
            true => HiddenFrom::Nobody,
            false => HiddenFrom::Author,
        };
        let time = self.clock.wall();
        self.append(room, &Line { author: id, kind, time, from, text, facts: "" }, hidden);
    }

    /// Adds a line of the server's to the log of a room, for everybody.
    pub(super) fn append_notice<'a>(
        &mut self,
        room: RoomId,
        kind: Kind,
        notice: impl Into<Told<'a>>,
    ) {
        self.append_notice_by(room, ClientId::default(), kind, notice, HiddenFrom::Nobody);
    }

    /// The same, about something that `author` did.
    pub(super) fn append_notice_by<'a>(
        &mut self,
        room: RoomId,
        author: ClientId,
        kind: Kind,
        notice: impl Into<Told<'a>>,
        hidden: HiddenFrom,
    ) {
        let notice = notice.into();
        let (time, from, text) = (self.clock.wall(), "", notice.text.as_bytes());
        let facts = &*notice.facts_for_line();
        self.append(room, &Line { author, kind, time, from, text, facts }, hidden);
    }

    /// Adds a line to the log of a room. What is told to a room goes through here.
    fn append(&mut self, id: RoomId, line: &Line<'_>, hidden: HiddenFrom) {
        match &self.rooms[id].key {
            Some(key) if self.config.is_shared => {
                let key = Arc::clone(key);
                self.append_to_shared(id, &key, line, hidden, None);
            }
            _ => self.append_at_once(id, line, hidden),
        }
    }

    /// Adds a notice that says what is different in a room now, which has been set.
    pub(super) fn append_change<'a>(
        &mut self,
        id: RoomId,
        notice: impl Into<Told<'a>>,
        change: Change,
    ) {
        let notice = notice.into();
        let Some(key) = self.rooms[id].key.clone().filter(|_| self.config.is_shared) else {
            return self.append_notice(id, Kind::Notice, notice);
        };
        let (author, time, text) = (ClientId::default(), self.clock.wall(), notice.text.as_bytes());
        let (from, facts) = ("", &*notice.facts_for_line());
        let line = Line { author, kind: Kind::Notice, time, from, text, facts };
        self.append_to_shared(id, &key, &line, HiddenFrom::Nobody, Some(change));
    }

    /// Adds a line that has its place.
    pub(super) fn append_at_once(&mut self, id: RoomId, line: &Line<'_>, hidden: HiddenFrom) {
        self.tell_new_day(id, line.time);
        let seq = self.rooms.append(id, line);
        if self.config.has_store {
            self.keep(id, seq, line);
        }
        match hidden {
            HiddenFrom::Nobody => {}
            HiddenFrom::Author => self.hide_own(id, line.author, seq),
            HiddenFrom::These(clients) => {
                for client in clients {
                    if let Some(session) = self.sessions.get_mut(client).filter(|it| it.room == id)
                    {
                        session.reader.hide(seq);
                    }
                }
            }
        }
        if matches!(line.kind, Kind::Said | Kind::Act) && !self.names.bells().is_empty() {
            // After the line.
            self.ring(id, line.author, &String::from_utf8_lossy(line.text));
        }
    }

    /// A client isn't sent its own line, unless it has gone since it said it.
    fn hide_own(&mut self, id: RoomId, author: ClientId, seq: Seq) {
        let Some(session) = self.sessions.get_mut(author).filter(|it| it.room == id) else {
            return;
        };
        session.reader.add_own(&mut self.rooms[id].log, seq);
    }

    /// Changes the encoding of what a client is sent from now on.
    pub(super) fn set_encoding(&mut self, id: ClientId, encoding: Encoding) {
        let session = &mut self.sessions[id];
        session.reader.set_encoding(&mut self.rooms[session.room].log, encoding);
    }

    /// Changes what a client sees beside messages from now on.
    pub(super) fn change_view(&mut self, id: ClientId, change: impl FnOnce(View) -> View) {
        let encoding = self.sessions[id].reader.newest_encoding();
        self.set_encoding(id, Encoding { view: change(encoding.view), ..encoding });
    }

    /// The client has shown that its lines end with CR LF.
    pub(super) fn use_crlf(&mut self, id: ClientId) {
        let encoding = self.sessions[id].reader.newest_encoding();
        if encoding.ending == Ending::Lf {
            self.set_encoding(id, encoding.with_ending(Ending::CrLf));
        }
    }

    /// Tells one client something, after all that was said so far.
    pub(super) fn notify<'a>(&mut self, id: ClientId, notice: impl Into<Told<'a>>) {
        self.tell(id, Kind::Notice, "", "", notice);
    }

    /// The same, which says why its command isn't done, if it answers one.
    pub(super) fn refuse<'a>(&mut self, id: ClientId, notice: impl Into<Told<'a>>) {
        self.fail_command();
        self.notify(id, notice);
    }

    /// Tells one client what another one has done to it. One that doesn't read its
    /// answers isn't told, so that nobody can fill its memory.
    pub(super) fn notify_other<'a>(&mut self, id: ClientId, notice: impl Into<Told<'a>>) {
        if self.sessions[id].reader.note_bytes() <= NOTE_BYTES_MAX {
            self.notify(id, notice);
        }
    }

    /// Tells one client a message of any kind, after all that was said so far.
    pub(super) fn tell<'a>(
        &mut self,
        id: ClientId,
        kind: Kind,
        from: &str,
        to: &str,
        notice: impl Into<Told<'a>>,
    ) {
        if self.sessions[id].awaits_answer() {
            // It is sent one answer, and nothing else.
            return;
        }
        let note = self.encode(id, kind, from, to, notice.into());
        self.add_note(id, &note);
    }

    /// Tells one client something, before the next line that it is sent.
    pub(super) fn notify_here<'a>(&mut self, id: ClientId, notice: impl Into<Told<'a>>) {
        let note = self.encode(id, Kind::Notice, "", "", notice.into());
        self.sessions[id].reader.add_note_here(&note);
        self.queue(id);
        self.update_interest(id);
    }

    /// Sends one client bytes, after all that was said so far.
    pub(super) fn add_note(&mut self, id: ClientId, bytes: &[u8]) {
        let session = &mut self.sessions[id];
        session.reader.add_note(&self.rooms[session.room].log, bytes);
        let is_deaf = !session.is_plain() && session.rare().write_broken.is_some();
        if is_deaf && !session.wants_input() && !self.schedule.is_resuming(id) {
            // It never takes this, so nothing more of it is taken in: it is over.
            self.schedule.resume(id);
        }
        self.queue(id);
        self.update_interest(id);
    }

    /// The bytes of a notice for one client alone.
    pub(super) fn encode_notice<'a>(&self, id: ClientId, notice: impl Into<Told<'a>>) -> Vec<u8> {
        self.encode(id, Kind::Notice, "", "", notice.into())
    }

    /// The bytes of a message for one client alone.
    fn encode(&self, id: ClientId, kind: Kind, from: &str, to: &str, notice: Told) -> Vec<u8> {
        let session = &self.sessions[id];
        let encoding = session.reader.newest_encoding();
        let is_json = encoding.layout == Layout::Json;
        let facts = notice.facts.filter(|_| is_json).map(Facts::encode).unwrap_or_default();
        // A message to oneself is none.
        let answering = self.answered(id).filter(|_| kind != Kind::Received);
        let answered = answering.map(|Answering { re, ok, .. }| Answered { re, ok: *ok });
        // What a client typed may be a part of an answer, without what closed it.
        let closed = close_directions(notice.text);
        let (room, text) = (self.rooms[session.room].name.as_str(), closed.as_bytes());
        let (number, time, run) = (None, self.clock.wall(), self.run(id));
        let (zone, reader) = (&self.config.zone, session.nick.as_str());
        let message = Message {
            number,
            time,
            zone,
            room,
            run,
            kind,
            from,
            to,
            reader,
            text,
            facts: &facts,
            answered,
        };
        let mut bytes = Vec::new();
        encoding.encode(&message, &mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_known_where_no_other_command_is() {
        for (text, expected) in [
            ("/me waves", (Manner::Act, "waves")),
            ("/ME\t waves  twice ", (Manner::Act, "waves  twice")),
            ("//me waves", (Manner::Say, "/me waves")),
            ("///me waves", (Manner::Say, "///me waves")),
            ("/me", (Manner::Say, "/me")),
            ("/me ", (Manner::Say, "/me ")),
            ("/mean it", (Manner::Say, "/mean it")),
            ("//quit now", (Manner::Say, "//quit now")),
            ("hello", (Manner::Say, "hello")),
        ] {
            assert_eq!(Manner::of(text), expected, "{text}");
        }
    }
}
