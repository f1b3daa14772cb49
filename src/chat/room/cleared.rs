//! Lines that operators have taken out of a log.

use std::sync::Arc;

use super::place::Seq;

/// How often it is known which lines were taken out.
pub(super) const CLEARED_MAX: usize = 100;

/// The numbers of lines that were taken out at once.
#[derive(Clone, Debug)]
pub(super) struct ClearedNumbers {
    /// Names the counting that they belong to.
    pub run: Arc<str>,
    pub first: u64,
    pub last: u64,
    /// How many lines there were.
    pub lines: u64,
}

/// Places of lines that were taken out: from the first one to the one before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat) struct Cleared {
    pub first: Seq,
    pub end: Seq,
}

impl Cleared {
    /// Where the line is now that was at a place, or the next one that is still there. Lines
    /// before those that were taken out have moved up to what is behind them, so those that
    /// nearly all readers are at have stayed where they were.
    pub fn moved(self, place: Seq) -> Seq {
        match place >= self.end {
            true => place,
            false => (place + (self.end - self.first)).min(self.end),
        }
    }

    pub fn has(self, place: Seq) -> bool {
        (self.first..self.end).contains(&place)
    }
}
