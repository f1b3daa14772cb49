//! Clients of which the first bytes decide what becomes of them.
//!
//! One that isn't let in is told why in the form that they ask for: a line for a person, an
//! answer for a program that speaks HTTP, and either in TLS. One that may come in only with
//! TLS has to begin with it.

use std::time::{Duration, Instant};

use crate::chat::{ClientId, Refusal};

/// How long to wait for the first bytes, as newcomers are for their greeting. Those of a
/// request come with the connection, or are sent again if they were lost.
pub(super) const FIRST_BYTES_TIME: Duration = Duration::from_millis(300);

/// More of them would keep others out.
const CALLERS_MAX: usize = 256;

/// Why a client waits here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// It isn't let in, and hasn't been told so.
    Refused(Refusal),
    /// It came to the listener with this key, and is let in if it speaks TLS.
    Unsecured(usize),
}

#[derive(Debug)]
struct Waiting {
    id: ClientId,
    until: Instant,
    caller: Caller,
}

/// Clients that aren't in the chat.
#[derive(Debug, Default)]
pub(super) struct Doorstep {
    /// In the order of their coming.
    waiting: Vec<Waiting>,
}

impl Doorstep {
    /// A client waits until then at most.
    pub fn add(&mut self, until: Instant, id: ClientId, caller: Caller) {
        self.waiting.push(Waiting { id, until, caller });
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody else has place here.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= CALLERS_MAX
    }

    /// Why this client waits, if it does, and until when; it is forgotten.
    pub fn take(&mut self, id: ClientId) -> Option<(Caller, Instant)> {
        let at = self.waiting.iter().position(|waiting| waiting.id == id)?;
        let Waiting { until, caller, .. } = self.waiting.remove(at);
        Some((caller, until))
    }

    /// When the first of them has waited long enough.
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.iter().map(|waiting| waiting.until).min()
    }

    /// Those that have, and one more if it has to make place for others. They are forgotten.
    pub fn take_due(&mut self, now: Instant) -> Vec<(ClientId, Caller)> {
        let first = if self.is_full() { self.waiting.first().map(|it| it.id) } else { None };
        let due = self.waiting.extract_if(.., |it| it.until <= now || Some(it.id) == first);
        due.map(|Waiting { id, caller, .. }| (id, caller)).collect()
    }

    /// All of them, which are forgotten.
    pub fn take_all(&mut self) -> Vec<(ClientId, Caller)> {
        self.waiting.drain(..).map(|it| (it.id, it.caller)).collect()
    }
}
