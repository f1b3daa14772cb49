//! Jobs that are handed out in parts, to whichever thread is free.
//!
//! `tests/sim/handing_out.rs` compiles this file once more, with locks whose order it chooses.

use std::slice::ChunksMut;

use super::sync::{Mutex, PoisonError};

/// Jobs that a thread takes at once. With fewer, threads meet more often; with more, the others
/// wait longer for the one that is last.
const PART: usize = 16;

/// Jobs that nobody has begun.
pub(super) struct Parts<'a, T>(Mutex<ChunksMut<'a, T>>);

impl<'a, T> Parts<'a, T> {
    pub fn new(jobs: &'a mut [T]) -> Parts<'a, T> {
        Parts(Mutex::new(jobs.chunks_mut(PART)))
    }

    /// Does jobs in their order until none is left that nobody has begun.
    pub fn work(&self, work: impl Fn(&mut T)) {
        while let Some(part) = self.next() {
            part.iter_mut().for_each(&work);
        }
    }

    fn next(&self) -> Option<&'a mut [T]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next()
    }
}
