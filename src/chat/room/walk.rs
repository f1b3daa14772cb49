//! The stream of one client, piece by piece.

use super::extra::{Content, Extra};
use super::log::{Log, NONE, Seq};
use crate::wire::Encoding;

/// Lines that are looked at to find hidden ones, for one piece of a write. What
/// is behind them comes in the next piece.
const LINES_LOOKED_AT: u64 = 256;

/// A part of the stream.
pub(super) enum Piece<'a> {
    /// What is left of a note.
    Note(&'a [u8]),
    /// The lines from the reader's cursor up to this one, as they lie in the
    /// ring.
    Lines(Seq, (&'a [u8], &'a [u8])),
    /// Lines, the next one at least, that the log has no image of.
    Unencoded,
}

/// A look at the stream from the reader's place on.
pub(super) struct Walk<'a> {
    pub log: &'a Log,
    pub extra: Option<&'a Extra>,
    pub notes_passed: usize,
    pub stop: Seq,
    /// The next line.
    pub next: Seq,
    /// The next line of the reader's own, or `NONE`.
    pub own: Seq,
    pub encoding: Encoding,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            let note = self.extra.and_then(|extra| extra.queue.get(self.notes_passed));
            if let Some(note) = note.filter(|note| note.before <= self.next) {
                let sent_bytes = if self.notes_passed == 0 { self.extra?.sent_bytes } else { 0 };
                self.notes_passed += 1;
                match &note.content {
                    Content::Encoding(encoding) => self.encoding = *encoding,
                    Content::Bytes(bytes) => return Some(Piece::Note(&bytes[sent_bytes..])),
                }
            } else if self.next >= self.stop || self.extra.is_some_and(|extra| extra.is_held) {
                return None;
            } else if self.next == self.own {
                self.own = self.log.next_own(self.own);
                self.next += 1;
            } else if self.hides(self.next) {
                self.next += 1;
            } else if self.next < self.log.first_encoded(self.encoding) {
                return Some(Piece::Unencoded);
            } else {
                let from = self.next;
                let to = self.stop.min(self.own).min(note.map_or(NONE, |note| note.before));
                let to = self.first_hidden(from, to);
                self.next = to;
                return Some(Piece::Lines(to, self.log.span(self.encoding, from, to)));
            }
        }
    }
}

impl Walk<'_> {
    fn hides(&self, seq: Seq) -> bool {
        self.extra.is_some_and(|extra| extra.filter.hides(self.log, seq))
    }

    /// The first line of a range that the reader doesn't want, or its end. Only
    /// a reader with a filter pays for looking.
    fn first_hidden(&self, from: Seq, to: Seq) -> Seq {
        match self.extra {
            Some(extra) if !extra.filter.is_empty() => {
                let to = to.min(from + LINES_LOOKED_AT);
                (from..to).find(|&seq| self.hides(seq)).unwrap_or(to)
            }
            _ => to,
        }
    }
}
