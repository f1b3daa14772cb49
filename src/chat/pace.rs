//! How fast clients may talk, and how much each may make the loop do before others
//! have their turn.

use std::collections::BTreeSet;
use std::time::Instant;

use hashbrown::HashMap;

use crate::chat::bucket::{Bucket, Limit, Rate};
use crate::chat::ids::ClientId;

/// What one client's input may make the loop do in one step. The rest waits until
/// others have had their turn, so that a turn is short whatever clients send. The
/// unit is about what a key costs: a fifth of a microsecond.
pub(super) const WORK_MAX: usize = 256;

/// A line costs one more for each so many bytes.
const BYTES_A_LINE: usize = 256;

/// What clients have used of what they may.
#[derive(Debug)]
pub(super) struct Pace {
    /// `None`: as fast as they like.
    limit: Option<Limit>,
    /// Of each client that has talked.
    buckets: HashMap<ClientId, Bucket>,
    /// Clients that have to wait.
    throttled: BTreeSet<ClientId>,
    /// Of the client whose input is taken in.
    work_left: usize,
}

impl Pace {
    pub fn new(rate: Option<Rate>) -> Pace {
        let limit = rate.map(Rate::limit);
        Pace { limit, buckets: HashMap::new(), throttled: BTreeSet::new(), work_left: 0 }
    }

    /// Takes what a line costs.
    ///
    /// # Errors
    /// If the client has to wait for it: until when.
    pub fn take_line(&mut self, id: ClientId, now: Instant) -> Result<(), Instant> {
        let Some(limit) = &self.limit else { return Ok(()) };
        self.buckets.entry(id).or_default().take(limit, now)
    }

    /// Takes what bytes cost that aren't of a line, whether the client has it or not.
    ///
    /// # Errors
    /// If it has to wait: until when.
    pub fn take_padding(
        &mut self,
        id: ClientId,
        now: Instant,
        bytes: usize,
    ) -> Result<(), Instant> {
        if self.limit.is_some() {
            self.buckets.entry(id).or_default();
        }
        self.take_bytes(id, now, bytes);
        self.take_line(id, now)
    }

    /// Takes what so many bytes of a line cost, whether the client has it or not.
    pub fn take_bytes(&mut self, id: ClientId, now: Instant, bytes: usize) {
        let Some(limit) = &self.limit else { return };
        let lines = bytes / BYTES_A_LINE;
        if let (1.., Some(bucket)) = (lines, self.buckets.get_mut(&id)) {
            // One read is 64 KiB at most.
            bucket.owe(limit, now, lines as u32);
        }
    }

    /// Takes what so many more lines cost, whether the client has it or not.
    pub fn take_lines(&mut self, id: ClientId, now: Instant, lines: u32) {
        if let (Some(limit), Some(bucket)) = (&self.limit, self.buckets.get_mut(&id)) {
            bucket.owe(limit, now, lines);
        }
    }

    pub fn set_throttled(&mut self, id: ClientId, is_throttled: bool) {
        match is_throttled {
            true => self.throttled.insert(id),
            false => self.throttled.remove(&id),
        };
    }

    /// Clients that have to wait.
    pub fn throttled(&self) -> impl Iterator<Item = ClientId> {
        self.throttled.iter().copied()
    }

    /// A client has left.
    pub fn forget(&mut self, id: ClientId) {
        self.buckets.remove(&id);
    }

    /// Clients that have used something.
    pub fn known(&self) -> impl Iterator<Item = ClientId> {
        self.buckets.keys().copied()
    }

    /// A client's input is taken in.
    pub fn begin_step(&mut self) {
        self.work_left = WORK_MAX;
    }

    /// Counts work against what the client's input may cause in this step.
    pub fn spend(&mut self, work: usize) {
        self.work_left = self.work_left.saturating_sub(work);
    }

    pub fn work_left(&self) -> usize {
        self.work_left
    }

    /// Work of this step so far.
    pub fn work_done(&self) -> usize {
        WORK_MAX - self.work_left
    }
}
