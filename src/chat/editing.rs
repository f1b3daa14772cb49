//! Clients whose line the server edits, so that it survives what comes in while
//! they type.
//!
//! What such a client is sent doesn't go straight out of the log: it is put
//! together on a screen, the typed line taken away before others' lines and
//! drawn again below them. When a screen is begun it is sent to its end.

use std::time::Instant;

use super::{Chat, ClientId, commands, texts};
use crate::chat::close_reason::Ending;
use crate::chat::member::Phase;
use crate::wire::{Command, Edited, Editor, Text, Typed};

/// Others' lines and answers on one screen at most, about so many bytes.
const SCREEN_BYTES_MAX: usize = 16 * 1024;

impl Chat {
    /// Offers a client to edit its line. It begins when the client's program
    /// agrees, which a telnet does and an `nc` doesn't.
    pub fn offer_editing(&mut self, id: ClientId) {
        if self.config.raw || !self.sessions.contains_key(id) {
            return;
        }
        if self.is_knocking(id) {
            // It is offered when the client is let in.
            return self.conceal(id);
        }
        let session = &mut self.sessions[id];
        let offer = session.set_aside(|aside| aside.options.get_or_insert_default().offer());
        self.add_note(id, &offer);
    }

    /// Whether the server edits a client's line.
    pub(super) fn is_editing(&self, id: ClientId) -> bool {
        self.sessions.get(id).is_some_and(|session| session.aside().editor.is_some())
    }

    /// Whether editing is agreed with a client: by a telnet command, or by the
    /// password after which it is offered.
    pub(super) fn has_agreed_to_edit(&self, id: ClientId) -> bool {
        let options = self.sessions.get(id).and_then(|session| session.aside().options.as_ref());
        options.is_some_and(|options| options.is_editing())
    }

    /// Begins or ends editing as agreed with the client.
    pub(super) fn agree_on_editing(&mut self, id: ClientId) {
        if self.is_knocking(id) {
            // A password isn't edited, whatever its client agrees to: what is typed
            // into an editor is said.
            return;
        }
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(options) = &session.aside().options else { return };
        let (is_agreed, columns) = (options.is_editing(), options.columns());
        match (is_agreed, session.aside().editor.is_some()) {
            (true, false) => {
                let begun = session.take_decoder().take_partial();
                let editor = Editor::new(&begun, columns);
                session.set_aside(|aside| aside.editor = Some(Box::new(editor)));
            }
            (false, true) => session.set_aside(|aside| {
                if let Some(mut editor) = aside.editor.take() {
                    editor.hide(&mut aside.screen);
                }
            }),
            _ => return,
        }
        self.use_crlf(id);
        self.queue(id);
    }

    /// Takes keys and telnet commands off the front of `input` while the client
    /// may go on and its line is edited. A byte of them counts as a key.
    pub(super) fn handle_keys(&mut self, now: Instant, id: ClientId, input: &mut &[u8]) {
        let (mut keys, rest) = input.split_at(input.len().min(self.work_left));
        let bytes = keys.len();
        self.handle_typed(now, id, &mut keys);
        self.spend(bytes - keys.len());
        *input = &input[input.len() - rest.len() - keys.len()..];
    }

    fn handle_typed(&mut self, now: Instant, id: ClientId, input: &mut &[u8]) {
        let mut decoder = self.sessions[id].take_decoder();
        while self.is_editing(id) && !input.is_empty() && self.wants_input(id) && self.pay_line(id)
        {
            let bytes = *input;
            match decoder.next_typed(input) {
                None => {}
                Some(Typed::Command(command)) => self.handle_telnet(id, command),
                Some(Typed::Keys(keys)) => {
                    let mut rest = keys;
                    self.handle_edits(now, id, &mut rest);
                    // The keys are what is before the input.
                    *input = &bytes[bytes.len() - input.len() - rest.len()..];
                }
            }
            self.pay_bytes(id, bytes.len() - input.len());
            // What is behind the end of editing isn't keys any more.
            self.agree_on_editing(id);
        }
        if let Some(session) = self.sessions.get_mut(id) {
            session.put_decoder(decoder);
            self.queue(id);
        }
    }

    /// Lets a client's editor take keys while the client may go on.
    fn handle_edits(&mut self, now: Instant, id: ClientId, keys: &mut &[u8]) {
        let line_bytes_max = self.config.line_bytes_max;
        while self.wants_input(id) {
            let Some(session) = self.sessions.get_mut(id) else { return };
            let edit = |editor: &mut Box<Editor>| editor.next(keys, line_bytes_max);
            match session.set_aside(|aside| aside.editor.as_mut().and_then(edit)) {
                None => return,
                Some(Edited::Line(line)) => {
                    // It is in already; one that has to wait waits after it.
                    self.pay_line(id);
                    self.add_note(id, &Editor::entered(&line));
                    self.handle_text(id, &Text::clean(line.as_bytes()));
                    self.agree_on_editing(id);
                }
                Some(Edited::End) => {
                    let farewell = self.goodbye(id);
                    self.leave(now, id, Ending::Quit, Some(&farewell));
                }
            }
        }
    }

    /// Puts together what an editing client is sent next; false if there is
    /// nothing. The reader must have caught up.
    pub(super) fn compose(&mut self, id: ClientId) -> bool {
        let session = &mut self.sessions[id];
        let log = &self.rooms[session.room].log;
        let is_leaving = matches!(session.phase, Phase::Parting { .. } | Phase::Leaving { .. });
        let mut screen = session.set_aside(|aside| std::mem::take(&mut aside.screen));
        let mut editor = session.set_aside(|aside| aside.editor.take());
        if screen.is_empty() && !session.reader.is_done(log) {
            if let Some(editor) = &mut editor {
                editor.hide(&mut screen);
            }
            session.reader.take(log, SCREEN_BYTES_MAX, &mut screen);
        }
        let is_all = session.reader.is_done(log);
        if let Some(editor) = editor.as_mut().filter(|_| is_all && !is_leaving) {
            editor.show(&mut screen);
        }
        let is_ready = !screen.is_empty();
        session.set_aside(|aside| (aside.screen, aside.editor) = (screen, editor));
        is_ready
    }

    /// The window of an editing client has another width.
    pub(super) fn handle_columns(&mut self, id: ClientId, command: Command) {
        if let Command::WindowSize { columns } = command {
            self.sessions[id].set_aside(|aside| {
                if let Some(editor) = &mut aside.editor {
                    editor.set_columns(columns);
                }
            });
            self.queue(id);
        }
    }
}

/// `/edit [off]`
pub(super) fn edit(chat: &mut Chat, id: ClientId, rest: &str) {
    match rest {
        "" | "on" => {
            chat.notify(id, texts::EDIT_OFFERED);
            chat.offer_editing(id);
        }
        "off" => {
            let session = &mut chat.sessions[id];
            let answer =
                session.set_aside(|aside| aside.options.get_or_insert_default().withdraw());
            chat.add_note(id, answer);
            chat.notify(id, texts::EDIT_OFF);
        }
        _ => commands::usage(chat, id, "edit"),
    }
}
