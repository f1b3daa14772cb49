//! Clients that aren't let in and have to be told why, in the form that their first
//! bytes ask for: a line for a person, an answer for a program that speaks HTTP.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::chat::{ClientId, Refusal};

/// How long to wait for the first bytes, as newcomers are for their greeting. Those of a
/// request come with the connection, or are sent again if they were lost.
const FIRST_BYTES_TIME: Duration = Duration::from_millis(300);

/// Clients that aren't let in and haven't been told so, in the order of their coming.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    waiting: VecDeque<(Instant, ClientId, Refusal)>,
}

impl Refusals {
    pub fn add(&mut self, now: Instant, id: ClientId, refusal: Refusal) {
        self.waiting.push_back((now + FIRST_BYTES_TIME, id, refusal));
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Why this client isn't let in, if it is one of them; it is forgotten.
    pub fn take(&mut self, id: ClientId) -> Option<Refusal> {
        let at = self.waiting.iter().position(|(_, other, _)| *other == id)?;
        self.waiting.remove(at).map(|(_, _, refusal)| refusal)
    }

    /// When the first of them has waited long enough.
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|(until, ..)| *until)
    }

    /// The next one that has.
    pub fn next_due(&mut self, now: Instant) -> Option<(ClientId, Refusal)> {
        let due = self.waiting.pop_front_if(|(until, ..)| *until <= now);
        due.map(|(_, id, refusal)| (id, refusal))
    }
}
