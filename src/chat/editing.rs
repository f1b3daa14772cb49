//! Clients whose line the server edits, so that it survives what comes in while
//! they type.
//!
//! What such a client is sent doesn't go straight out of the log: it is put
//! together on a screen, the typed line taken away before others' lines and
//! drawn again below them.

use crate::chat::ids::ClientId;
use crate::chat::member::{Phase, State};
use crate::chat::state::Chat;
use crate::wire::{Client, Ending, Layout};

/// Others' lines and answers on one screen at most, about so many bytes.
const SCREEN_BYTES_MAX: usize = 16 * 1024;

impl Chat {
    /// Offers a client to edit its line.
    pub fn offer_editing(&mut self, id: ClientId) {
        let Some(session) = self.sessions.get(id) else { return };
        let is_web =
            matches!(session.reader.newest_encoding().ending, Ending::Event | Ending::Frame);
        if self.config.raw || is_web {
            return;
        }
        if self.is_logging_in(id) {
            // It is offered when the client is let in.
            return self.conceal(id);
        }
        let offer = self.sessions[id].set_client(Client::offer);
        self.add_note(id, &offer);
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
            !client.screen().is_empty()
        })
    }
}
