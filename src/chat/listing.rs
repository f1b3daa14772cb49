//! What programs are told that list servers (MSSP), if the operator wants that: nothing
//! that isn't on the door.

use std::time::Duration;

use crate::chat::config::Listing;
use crate::chat::ids::ClientId;
use crate::chat::state::Chat;
use crate::wire::{Client, Command, MSSP, MSSP_REQUEST, status, status_text};

/// What one answer counts for, as work of the loop.
const STATUS_WORK: usize = 64;

impl Chat {
    /// Answers a telnet command that asks for the state of the server; false if it is another
    /// one, or no such question is answered. A client is told once.
    pub(super) fn tell_status(&mut self, id: ClientId, command: Command) -> bool {
        if command != Command::Do(MSSP) || self.config.listing.is_none() {
            return false;
        }
        if let Some(agreed) = self.sessions[id].set_client(Client::begin_status) {
            self.pace.spend(STATUS_WORK);
            let answer = [agreed, &status(&self.status_variables())].concat();
            self.add_note(id, &answer);
        }
        true
    }

    /// Offers a client that speaks telnet to tell it the state of the server.
    pub(super) fn offer_status(&mut self, id: ClientId) {
        if self.config.listing.is_some() {
            let offer = self.sessions[id].set_client(Client::offer_status);
            if !offer.is_empty() {
                self.add_telnet(id, offer);
            }
        }
    }

    /// Whether a line is the question of a program that doesn't speak telnet.
    pub(super) fn is_status_request(&self, id: ClientId, line: &[u8]) -> bool {
        let is_request = line == MSSP_REQUEST.as_bytes() && self.config.listing.is_some();
        is_request && !self.is_web(id) && !self.sessions[id].has_spoken()
    }

    /// Answers it.
    pub(super) fn tell_status_text(&mut self, id: ClientId) {
        self.pace.spend(STATUS_WORK);
        let answer = status_text(&self.status_variables());
        self.add_note(id, &answer);
    }

    fn status_variables(&self) -> Vec<(&'static str, String)> {
        let Some(Listing { name, ports }) = &self.config.listing else { return Vec::new() };
        let begun =
            Duration::from_secs(self.clock.wall().into()).saturating_sub(self.clock.running());
        let mut variables = vec![
            ("NAME", name.clone()),
            ("PLAYERS", (self.guest_count() + self.directory.len()).to_string()),
            ("UPTIME", begun.as_secs().to_string()),
            ("CODEBASE", concat!("roomcast ", env!("CARGO_PKG_VERSION")).to_owned()),
        ];
        variables.extend(ports.iter().map(|port| ("PORT", port.to_string())));
        let constant = [
            ("FAMILY", "Custom"),
            ("GAMEPLAY", "Social"),
            ("STATUS", "Live"),
            ("LANGUAGE", "English"),
            ("ANSI", "1"),
            ("UTF-8", "1"),
        ];
        variables.extend(constant.map(|(name, value)| (name, value.to_owned())));
        variables
    }
}
