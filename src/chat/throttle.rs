//! How fast a client may talk: a token bucket for each.
//!
//! One that talks faster is read later, and nothing else happens to it: what it
//! sends waits in the kernel, and then in the client.

use std::time::{Duration, Instant};

use crate::chat::ids::ClientId;
use crate::chat::state::Chat;
use crate::chat::texts;

/// A line costs one more for each so many bytes.
const BYTES_A_LINE: usize = 256;

/// One that has to wait waits so long at least, so that it is woken for many
/// lines and not for each.
const WAIT_MIN: Duration = Duration::from_millis(100);

impl Chat {
    /// Takes what a line costs from a client; false if it has to wait.
    pub(super) fn pay_line(&mut self, id: ClientId) -> bool {
        let Some(limit) = &self.rate_limit else { return true };
        let bucket = self.throttles.entry(id).or_default();
        let Err(next) = bucket.take(limit, self.clock.now()) else { return true };
        self.throttle(id, next.max(self.clock.now() + WAIT_MIN));
        self.tell_too_fast(id);
        false
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

    /// Takes what so many bytes cost; it isn't throttled until its next line.
    pub(super) fn pay_bytes(&mut self, id: ClientId, bytes: usize) {
        let Some(limit) = &self.rate_limit else { return };
        let lines = bytes / BYTES_A_LINE;
        if let (1.., Some(bucket)) = (lines, self.throttles.get_mut(&id)) {
            // One read is 64 KiB at most.
            bucket.owe(limit, self.clock.now(), lines as u32);
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
        self.throttled.insert(id);
        self.set_timer(id);
    }

    /// A client doesn't have to wait any more.
    pub(super) fn release(&mut self, id: ClientId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if session.rare().throttled_until.is_some() {
            session.set_rare(|rare| rare.throttled_until = None);
            self.throttled.remove(&id);
            self.schedule.resume(id);
        }
    }

    /// Throttled clients that have a name, in no order.
    pub(super) fn throttled(&self) -> impl Iterator<Item = ClientId> {
        self.throttled.iter().copied().filter(|&id| !self.is_logging_in(id))
    }
}
