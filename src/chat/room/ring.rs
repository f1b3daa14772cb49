//! Bytes one after the other, of which the oldest go first.

use std::collections::VecDeque;

/// Where the first line begins. Not at 0, so that a number of 32 bits somewhere
/// shows in every test and not after 4 GiB.
pub(super) const START: u64 = u32::MAX as u64 - 100;

/// Makes a ring large enough for `needed` bytes: twice as large, as a vector
/// would, but not past what the limits allow.
pub(super) fn reserve(ring: &mut VecDeque<u8>, needed: usize, bytes_max: usize) {
    if needed > ring.capacity() {
        let capacity = (2 * ring.capacity()).min(bytes_max).max(needed);
        ring.reserve_exact(capacity - ring.len());
    }
}

pub(super) fn slices(ring: &VecDeque<u8>, start: u64, end: u64) -> (&[u8], &[u8]) {
    let (start, end) = (start as usize, end as usize);
    let (front, back) = ring.as_slices();
    let split = front.len();
    let front = &front[start.min(split)..end.min(split)];
    (front, &back[start.max(split) - split..end.max(split) - split])
}
