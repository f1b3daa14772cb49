//! Clients whose line the server edits, so that it survives what comes in while
//! they type.
//!
//! What such a client is sent doesn't go straight out of the log: it is put
//! together on a screen, the typed line taken away before others' lines and
//! drawn again below them.

use std::time::Duration;

use crate::chat::ids::ClientId;
use crate::chat::member::{Phase, State};
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::{Client, Command, Ending, Layout, View};

/// Others' lines and answers on one screen at most, about so many bytes.
const SCREEN_BYTES_MAX: usize = 16 * 1024;

/// Telnet commands for a client that isn't greeted and takes nothing, about so many bytes.
const EARLY_BYTES_MAX: usize = 1024;

/// How long a program has to say whether it lets the server edit.
const ANSWER_TIME: Duration = Duration::from_secs(2);

impl Chat {
    /// Offers a client that speaks telnet to edit its line.
    pub fn offer_editing(&mut self, id: ClientId) {
        if self.config.raw || !self.sessions.contains_key(id) || self.is_web(id) {
            return;
        }
        if self.is_logging_in(id) {
            // It is offered when the client is let in.
            return self.conceal(id);
        }
        let offer = self.sessions[id].set_client(Client::offer);
        self.add_telnet(id, &offer);
    }

    /// Sends a client telnet commands: also one that isn't greeted yet, so that it has answered
    /// by then.
    pub(super) fn add_telnet(&mut self, id: ClientId, bytes: &[u8]) {
        let session = &mut self.sessions[id];
        let is_first = session.is_ungreeted()
            && session.reader.note_bytes() == 0
            && session.rare().client.screen().len() <= EARLY_BYTES_MAX;
        if !is_first {
            return self.add_note(id, bytes);
        }
        session.set_client(|client| client.begin_screen().extend(bytes));
        self.queue(id);
    }

    /// Whether a client is a page, or reads a stream: its line is edited where it is, and
    /// what it reads is UTF-8.
    pub(super) fn is_web(&self, id: ClientId) -> bool {
        let ending = self.sessions[id].reader.newest_encoding().ending;
        matches!(ending, Ending::Event | Ending::Frame)
    }

    /// A client wants its line to be edited. Whether its program speaks telnet isn't known:
    /// one that doesn't shows what it is asked, and doesn't answer.
    pub(super) fn begin_editing(&mut self, id: ClientId) {
        let client = &self.sessions[id].rare().client;
        if client.is_editing() {
            return self.notify(id, texts::EDIT_ON);
        }
        if client.terminal().is_line_editor() {
            return self.notify(id, texts::EDIT_DECLINED);
        }
        if client.is_offered() {
            // It wouldn't answer the same question again (RFC 1143).
            return self.notify(id, texts::EDIT_UNANSWERED);
        }
        let offer = self.sessions[id].set_client(Client::probe);
        // Ncat answers only what comes first.
        self.add_note(id, &offer);
        self.notify(id, texts::EDIT_OFFERED);
        let until = self.clock.now() + ANSWER_TIME;
        self.sessions[id].set_rare(|rare| rare.edit_ends_at = Some(until));
        self.set_timer(id);
    }

    /// A program has had its time to say whether it lets the server edit. It may still do so.
    pub(super) fn end_edit_offer(&mut self, id: ClientId) {
        self.sessions[id].set_rare(|rare| rare.edit_ends_at = None);
        if !self.sessions[id].rare().client.is_editing() {
            self.notify(id, texts::EDIT_UNANSWERED);
        }
    }

    /// It has said something. One that lets the server edit may still say by its type that it
    /// edits lines itself, and then it isn't edited after all.
    fn settle_edit_offer(&mut self, id: ClientId) {
        let rare = self.sessions[id].rare();
        let is_open = rare.client.is_offered() || rare.client.is_editing();
        if rare.edit_ends_at.is_none() || is_open {
            return;
        }
        self.sessions[id].set_rare(|rare| rare.edit_ends_at = None);
        self.set_timer(id);
        self.notify(id, texts::EDIT_DECLINED);
    }

    /// Answers a telnet command, and does what it shows about the client's terminal.
    pub(super) fn answer_telnet(&mut self, id: ClientId, command: Command) {
        let before = &self.sessions[id].rare().client;
        let had_colors = before.terminal().has_colors();
        let was_asked = before.has_open_questions();
        let answer = self.sessions[id].set_client(|client| client.answer(command));
        if !answer.is_empty() {
            self.add_telnet(id, &answer);
            self.offer_status(id);
        }
        let rare = self.sessions[id].rare();
        let has_colors = rare.client.terminal().has_colors();
        if has_colors != had_colors && !rare.has_chosen_colors {
            self.change_view(id, |view| View { has_colors, ..view });
        }
        self.settle_edit_offer(id);
        if was_asked && !self.sessions[id].rare().client.has_open_questions() {
            self.greet_answered(id);
        }
    }

    /// Puts together what an editing client is sent next; false if there is
    /// nothing. The reader must have caught up.
    pub(super) fn compose(&mut self, id: ClientId) -> bool {
        let session = &mut self.sessions[id];
        let log = &self.rooms[session.room].log;
        let is_leaving =
            matches!(session.state(), State::Member(_, Phase::Parting(_)) | State::Leaving(_));
        session.compose(|client, reader, name| {
            if client.screen().is_empty() && !reader.is_done(log) {
                let is_text = matches!(reader.encoding().layout, Layout::Named | Layout::Bare);
                let screen = client.begin_screen();
                let from = screen.len();
                reader.take(log, name, SCREEN_BYTES_MAX, screen);
                if is_text {
                    client.wrap_screen(from);
                }
            }
            match reader.is_done(log) {
                true if is_leaving => client.restore_terminal(),
                true => client.end_screen(),
                false => {}
            }
            client.encode_screen();
            !client.screen().is_empty()
        })
    }
}
