//! The lines of a log as they are sent, in one encoding.

use std::collections::VecDeque;

use super::cleared::Cleared;
use super::limits::Limits;
use super::place::Seq;
use super::ring::{START, reserve, slices};
use crate::wire::{Encoding, JSON_BYTES_MAX, Layout};

/// The newest lines of the log in one encoding, one after the other.
#[derive(Debug)]
pub(super) struct Image {
    pub encoding: Encoding,
    pub readers: usize,
    /// The first line that it has.
    pub first: Seq,
    /// Where that line begins, and where each line ends, in all that the image
    /// ever had: 64 bits, because a log can be gigabytes long in an encoding.
    pub start: u64,
    ends: VecDeque<u64>,
    bytes: VecDeque<u8>,
}

impl Image {
    pub fn new(encoding: Encoding, first: Seq) -> Image {
        let (ends, bytes) = (VecDeque::new(), VecDeque::new());
        Image { encoding, readers: 0, first, start: START, ends, bytes }
    }

    /// The largest that an image gets.
    pub fn bytes_max(encoding: Encoding, limits: Limits) -> usize {
        let ends = limits.records_max * size_of::<u64>();
        ends + match encoding.layout {
            Layout::Json => {
                limits.bytes_max.saturating_mul(2) + limits.records_max * JSON_BYTES_MAX
            }
            _ => limits.bytes_max,
        }
    }

    pub fn next(&self) -> Seq {
        self.first + self.ends.len() as u64
    }

    /// Adds the bytes of the next line.
    pub fn add(&mut self, parts: &[&[u8]], limits: Limits) {
        let needed = self.bytes.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        if needed > self.bytes.capacity() {
            reserve(&mut self.bytes, needed, Self::bytes_max(self.encoding, limits));
        }
        for part in parts {
            self.bytes.extend(*part);
        }
        self.ends.push_back(self.start + self.bytes.len() as u64);
    }

    /// Takes lines out, as far as it has them.
    pub fn remove(&mut self, cleared: Cleared) {
        let (first, end) = (cleared.first.max(self.first), cleared.end);
        if first >= end {
            return;
        }
        let (start, stop) = (self.begin(first), self.begin(end));
        let (at, count) = ((first - self.first) as usize, (end - first) as usize);
        self.bytes.drain(start as usize..stop as usize);
        self.ends.drain(at..at + count);
        self.ends.range_mut(..at).for_each(|end| *end += stop - start);
        self.start += stop - start;
        self.first += count as u64;
    }

    pub fn drop_before(&mut self, first: Seq) {
        while self.first < first {
            let end = self.ends.pop_front().expect("an image has the newest lines of its log");
            self.bytes.drain(..(end - self.start) as usize);
            self.start = end;
            self.first += 1;
        }
    }

    /// Where line `seq` begins in `bytes`.
    pub fn begin(&self, seq: Seq) -> u64 {
        match (seq - self.first) as usize {
            0 => 0,
            at => self.ends[at - 1] - self.start,
        }
    }

    pub fn span(&self, from: Seq, to: Seq) -> (&[u8], &[u8]) {
        slices(&self.bytes, self.begin(from), self.begin(to))
    }

    pub fn advance(&self, from: Seq, bytes: usize) -> (Seq, (&[u8], &[u8])) {
        if bytes == 0 {
            return (from, (&[], &[]));
        }
        let offset = self.begin(from) + bytes as u64;
        let at = self.ends.partition_point(|end| end - self.start < offset);
        let end = self.ends[at] - self.start;
        (self.first + at as u64 + 1, slices(&self.bytes, offset, end))
    }
}
