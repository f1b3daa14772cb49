//! Jobs that are handed out in parts, to whichever thread is free.
//!
//! `tests/sim/handing_out.rs` compiles this file once more, with locks whose order it chooses.

use std::mem;

use super::sync::{Mutex, PoisonError};

/// Jobs that a thread takes at once: so many that threads seldom meet.
const PART_MAX: usize = 16;

/// Jobs that nobody has begun.
pub(super) struct Parts<'a, T> {
    left: Mutex<&'a mut [T]>,
    threads: usize,
}

impl<'a, T> Parts<'a, T> {
    /// To be done by so many threads; 1 at least.
    pub fn new(jobs: &'a mut [T], threads: usize) -> Parts<'a, T> {
        Parts { left: Mutex::new(jobs), threads }
    }

    /// Does jobs in their order until none is left that nobody has begun.
    pub fn work(&self, work: impl Fn(&mut T)) {
        while let Some(part) = self.next() {
            part.iter_mut().for_each(&work);
        }
    }

    /// Parts become smaller towards the end, so that all threads end at nearly the same time.
    fn next(&self) -> Option<&'a mut [T]> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let size = (left.len() / (2 * self.threads)).clamp(1, PART_MAX).min(left.len());
        let (part, rest) = mem::take(&mut *left).split_at_mut(size);
        *left = rest;
        (!part.is_empty()).then_some(part)
    }
}
