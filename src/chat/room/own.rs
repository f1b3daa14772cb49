//! What a client has said itself, which it isn't sent.

use super::cleared::Cleared;
use super::log::{Log, Seq};
use crate::chat::ids::ClientId;

/// Lines that a reader doesn't get because it said them. The log knows the way
/// from each to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    pub first: Seq,
    pub newest: Seq,
    pub count: u64,
}

impl Own {
    /// The same without `gone` lines that were taken out of the log.
    pub fn past(
        mut self,
        log: &Log,
        author: ClientId,
        cleared: Cleared,
        gone: u64,
        stop: Seq,
    ) -> Option<Box<Own>> {
        self.count -= gone;
        if self.count == 0 {
            return None;
        }
        if cleared.has(self.first) {
            self.first = log.find_own(author, cleared.end, stop).0;
        } else {
            self.first = cleared.moved(self.first);
        }
        if cleared.has(self.newest) {
            // The newest one before them is in the log, or gone from it.
            let from = self.first.max(log.first());
            let last = log.find_last_own(author, from, cleared.end);
            self.newest = last.unwrap_or(self.first);
        } else {
            self.newest = cleared.moved(self.newest);
        }
        Some(Box::new(self))
    }
}
