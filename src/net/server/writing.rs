//! What clients are sent is written.

use std::time::{Duration, Instant};

use log::debug;

use super::{Server, is_of_silence};
use crate::chat::{ClientId, Slices};

/// A turn is to be shorter than 10 ms in a room of any size, so this leaves the rest to
/// the next turn when it has taken so long.
const FLUSH_TIME_MAX: Duration = Duration::from_millis(5);

/// Writes between two looks at the clock, which cost 1 % of a write each.
const WRITES_A_LOOK: usize = 16;

impl Server {
    /// Writes to each client that something can be sent to, once.
    pub(super) fn flush(&mut self, now: Instant) {
        let start = Instant::now();
        let mut writes = 0_usize;
        while self.write_next(now) {
            writes += 1;
            if writes.is_multiple_of(WRITES_A_LOOK) && start.elapsed() > FLUSH_TIME_MAX {
                break;
            }
        }
        if writes > 0 {
            self.gathering.add_writes(start, Instant::now(), self.chat.is_flushed());
        }
    }

    /// Writes to the next client; false if there is none to write to.
    pub(super) fn write_next(&mut self, now: Instant) -> bool {
        let mut slices = Slices::new();
        let Some(id) = self.chat.poll_transmit(&mut slices) else { return false };
        let connection = &mut self.connections[id];
        let mut has_progress = false;
        let result = match &mut self.tls {
            Some(tls) => tls.send(id, connection, &slices, &mut has_progress),
            None => connection.send(&slices),
        };
        drop(slices);
        if has_progress {
            // Before it is judged by what it took of this.
            self.chat.handle_progress(now, id);
        }
        match result {
            Ok(bytes) => {
                self.chat.handle_written(now, id, bytes);
                if self.tls.as_ref().is_some_and(|tls| tls.is_waiting(id)) {
                    self.update_interest(id);
                }
            }
            Err(error) => {
                debug!("{}: {error}", self.connections[id].peer);
                self.chat.handle_write_broken(id, is_of_silence(&error));
            }
        }
        true
    }

    /// Sends what is encrypted for a client already.
    pub(super) fn send_encrypted(&mut self, now: Instant, id: ClientId) {
        let Some(tls) = &mut self.tls else { return };
        match tls.flush(id, &self.connections[id]) {
            Ok(0) => {}
            Ok(_) => self.chat.handle_progress(now, id),
            Err(error) => self.chat.handle_write_broken(id, is_of_silence(&error)),
        }
        self.update_interest(id);
    }

    /// Makes the poller wait for what the chat wants of this client.
    pub(super) fn update_interest(&mut self, id: ClientId) {
        let mut interest = self.chat.interest(id);
        if let Some(tls) = &self.tls {
            // Nothing more can be sent before a handshake is done.
            interest.write &= !tls.is_in_handshake(id);
            interest.write |= tls.is_waiting(id);
        }
        let Some(connection) = self.connections.get_mut(id) else { return };
        if let Err(error) = connection.set_interest(id, interest) {
            debug!("{}: {error}", connection.peer);
            self.chat.handle_reset(id);
        }
    }
}
