//! What is meant for one client alone, and where among the lines.

use std::collections::VecDeque;

use super::filter::Filter;
use super::log::{NONE, Seq};
use super::own::Own;
use crate::wire::Encoding;

/// What a reader has beside its cursor.
#[derive(Debug)]
pub(super) struct Extra {
    /// Lines that it doesn't want.
    pub filter: Filter,
    /// Lines from here on aren't for this reader.
    pub stop: Seq,
    /// Its own ones of these, for the case that they are for it after all.
    pub own_behind: Option<Box<Own>>,
    /// It is sent no line, but only notes that come before the next one.
    pub is_held: bool,
    /// If no image has its encoding: lines before this were old when it asked for
    /// them.
    pub live: Seq,
    /// If it is shown times: the day of its newest line.
    pub shown_day: Option<i32>,
    pub queue: VecDeque<Note>,
    /// Bytes of the front note that have been sent.
    pub sent_bytes: usize,
    /// Bytes in the queue, sent ones of the front note included.
    pub bytes: usize,
}

#[derive(Debug)]
pub(super) struct Note {
    /// The line that the note comes before.
    pub before: Seq,
    pub content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Bytes(Vec<u8>),
    /// The lines after this have another encoding.
    Encoding(Encoding),
}

impl Default for Extra {
    fn default() -> Self {
        Extra {
            filter: Filter::default(),
            stop: NONE,
            own_behind: None,
            is_held: false,
            live: 0,
            shown_day: None,
            queue: VecDeque::new(),
            sent_bytes: 0,
            bytes: 0,
        }
    }
}

impl Note {
    pub fn len(&self) -> usize {
        match &self.content {
            Content::Bytes(bytes) => bytes.len(),
            Content::Encoding(_) => 0,
        }
    }
}

impl Extra {
    pub fn is_empty(&self) -> bool {
        let is_shared = self.live == 0 && self.shown_day.is_none();
        let is_free = self.stop == NONE && !self.is_held;
        self.queue.is_empty() && is_free && self.filter.is_empty() && is_shared
    }

    pub fn insert(&mut self, at: usize, before: Seq, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        self.queue.insert(at, Note { before, content: Content::Bytes(bytes) });
    }
}
