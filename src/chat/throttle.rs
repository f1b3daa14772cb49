//! What happens to a client that talks faster than it may.
//!
//! It is read later, and nothing else happens to it: what it sends waits in the kernel, and then in the client.

use std::time::{Duration, Instant};

use crate::chat::ids::ClientId;
use crate::chat::state::Chat;
use crate::chat::texts;

/// One that has to wait waits so long at least, so that it is woken for many
/// lines and not for each.
const WAIT_MIN: Duration = Duration::from_millis(100);

impl Chat {
    /// Takes what a line costs from a client; false if it has to wait.
    pub(super) fn pay_line(&mut self, id: ClientId) -> bool {
        let now = self.clock.now();
        let Err(next) = self.pace.take_line(id, now) else { return true };
        self.throttle(id, next.max(now + WAIT_MIN));
        self.tell_too_fast(id);
        false
    }

    /// A client has sent bytes that say nothing, such as empty records of TLS.
    pub fn handle_padding(&mut self, now: Instant, id: ClientId, bytes: usize) {
        self.clock.advance(now);
        self.counts.bytes_received += bytes as u64;
        if !self.sessions.contains_key(id) {
            return;
        }
        if let Err(next) = self.pace.take_padding(id, self.clock.now(), bytes) {
            self.throttle(id, next);
        }
    }

    /// Tells a client once why what it sends takes so long.
    fn tell_too_fast(&mut self, id: ClientId) {
        let Some(rate) = self.config.rate else { return };
        let is_told =
            self.sessions[id].set_rare(|rare| std::mem::replace(&mut rare.is_told_rate, true));
        if !is_told && !self.config.raw && !self.is_logging_in(id) {
            self.notify(id, &texts::too_fast(rate.lines_per_second));
        }
    }

    /// Nothing more is taken in from a client until then.
    pub(super) fn throttle(&mut self, id: ClientId, until: Instant) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let from = session.rare().throttled_until.unwrap_or(self.clock.now());
        // What it is late with meanwhile isn't its fault.
        let pause = until.saturating_duration_since(from);
        session.set_rare(|rare| {
            rare.line_started_at = rare.line_started_at.map(|at| at + pause);
            rare.last_heard_at = rare.last_heard_at.map(|at| at + pause);
            rare.throttled_until = Some(from + pause);
        });
        self.pace.set_throttled(id, true);
        self.set_timer(id);
        self.update_interest(id);
    }

    /// A client doesn't have to wait any more.
    pub(super) fn release(&mut self, id: ClientId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if session.rare().throttled_until.is_some() {
            session.set_rare(|rare| rare.throttled_until = None);
            self.pace.set_throttled(id, false);
            self.schedule.resume(id);
        }
    }

    /// Throttled clients that have a name, in no order.
    pub(super) fn throttled(&self) -> impl Iterator<Item = ClientId> {
        self.pace.throttled().filter(|&id| !self.is_logging_in(id))
    }
}
