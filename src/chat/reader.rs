//! The place of one client in what it is sent.
//!
//! A client's stream is made of the room's lines, which lie in the log, and of
//! notes, which are meant for it alone. Each note is bound to its place among
//! the lines, so that the stream is the same however it is cut into writes.

use std::collections::VecDeque;
use std::io::IoSlice;

use arrayvec::ArrayVec;

use super::ClientId;
use super::log::{Log, NONE, Seq};
use crate::wire::Format;

/// Pieces in one write at most.
pub const SLICES_MAX: usize = 64;

/// What one write takes from.
pub type Slices<'a> = ArrayVec<IoSlice<'a>, SLICES_MAX>;

/// After falling out of the log a reader goes on this many lines before the
/// newest one: enough to see what the talk is about, too few to lag again.
const LINES_AFTER_LAG: u64 = 16;

/// A cursor into the log, and the notes on the way.
///
/// The cursor always stands between two lines: when a write ends inside a
/// line, the rest of that line becomes a note.
#[derive(Debug)]
pub(super) struct Reader {
    place: Place,
    /// The newest line of its own (any number if `place.own` is `NONE`).
    own_newest: Seq,
    /// How many of its own lines are ahead of the cursor.
    own_ahead: u64,
    /// Lines from here on aren't for this reader.
    stop: Seq,
    /// The format at the end of the notes, which new notes are encoded in.
    newest_format: Format,
    /// Boxed because nearly no reader has one at any time.
    notes: Option<Box<Notes>>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// The next line.
    next: Seq,
    /// Its own next line, to be left out, or `NONE`.
    own: Seq,
    format: Format,
}

#[derive(Debug, Default)]
struct Notes {
    queue: VecDeque<Note>,
    /// Bytes of the front note that have been sent.
    sent_bytes: usize,
    /// Bytes in the queue, sent ones of the front note included.
    bytes: usize,
}

#[derive(Debug)]
struct Note {
    /// The line that the note comes before.
    before: Seq,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Bytes(Vec<u8>),
    /// The lines after this are in another format.
    Format(Format),
}

/// A part of the stream.
enum Piece<'a> {
    /// What is left of a note.
    Note(&'a [u8]),
    /// The lines from the reader's cursor up to this one, as they lie in the
    /// ring.
    Lines(Seq, (&'a [u8], &'a [u8])),
}

/// A look at the stream from the reader's place on.
struct Walk<'a> {
    log: &'a Log,
    notes: Option<&'a Notes>,
    notes_passed: usize,
    stop: Seq,
    place: Place,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            let note = self.notes.and_then(|notes| notes.queue.get(self.notes_passed));
            if let Some(note) = note.filter(|note| note.before <= self.place.next) {
                let sent_bytes = if self.notes_passed == 0 { self.notes?.sent_bytes } else { 0 };
                self.notes_passed += 1;
                match &note.content {
                    Content::Format(format) => self.place.format = *format,
                    Content::Bytes(bytes) => return Some(Piece::Note(&bytes[sent_bytes..])),
                }
            } else if self.place.next >= self.stop {
                return None;
            } else if self.place.next == self.place.own {
                self.place.own = self.log.next_own(self.place.own);
                self.place.next += 1;
            } else {
                let from = self.place.next;
                let to = self.stop.min(self.place.own).min(note.map_or(NONE, |note| note.before));
                self.place.next = to;
                return Some(Piece::Lines(to, self.log.span(self.place.format, from, to)));
            }
        }
    }
}

impl Reader {
    /// A reader whose first line will be `next`.
    pub fn new(next: Seq) -> Self {
        Reader {
            place: Place { next, own: NONE, format: Format::Lf },
            own_newest: NONE,
            own_ahead: 0,
            stop: NONE,
            newest_format: Format::Lf,
            notes: None,
        }
    }

    /// Line `seq`, just appended, is the reader's own: it won't get it.
    pub fn add_own(&mut self, log: &mut Log, seq: Seq) {
        if self.place.own == NONE {
            self.place.own = seq;
        } else {
            log.link_own(self.own_newest, seq);
        }
        self.own_newest = seq;
        self.own_ahead += 1;
    }

    /// The format of what is added from now on.
    pub fn format(&self) -> Format {
        self.newest_format
    }

    /// Changes the format for what is added from now on.
    pub fn set_format(&mut self, log: &mut Log, format: Format) {
        if format == self.newest_format {
            return;
        }
        log.add_image(format);
        self.newest_format = format;
        let note = Note { before: log.next(), content: Content::Format(format) };
        self.notes.get_or_insert_default().queue.push_back(note);
    }

    /// Adds bytes for this reader alone, after all lines that are in the log.
    pub fn add_note(&mut self, log: &Log, bytes: &[u8]) {
        let before = log.next().min(self.stop);
        let notes = self.notes.get_or_insert_default();
        match notes.queue.back_mut() {
            Some(Note { before: same, content: Content::Bytes(last) }) if *same == before => {
                last.extend_from_slice(bytes);
                notes.bytes += bytes.len();
            }
            _ => notes.insert(notes.queue.len(), before, bytes.to_vec()),
        }
    }

    /// No line that is appended from now on is for this reader.
    pub fn stop(&mut self, log: &Log) {
        self.stop = self.stop.min(log.next());
    }

    /// Bytes of notes that haven't been sent.
    pub fn note_bytes(&self) -> usize {
        self.notes.as_ref().map_or(0, |notes| notes.bytes - notes.sent_bytes)
    }

    /// The next line.
    pub fn next(&self) -> Seq {
        self.place.next
    }

    /// No line from the cursor on is for this reader; it only gets the rest of
    /// what it has begun. Gives the number of lines that it misses.
    pub fn stop_here(&mut self, log: &Log) -> u64 {
        let next = self.place.next;
        let missed = log.next().min(self.stop) - next - self.own_ahead;
        self.stop = next;
        if let Some(notes) = &mut self.notes {
            notes.queue.retain(|note| note.before <= next);
            notes.bytes = notes.queue.iter().map(Note::len).sum();
        }
        missed
    }

    /// How many lines for this reader are gone from the log. If there are none
    /// the reader is in the log afterwards.
    pub fn lost(&mut self, log: &Log, author: ClientId) -> u64 {
        self.settle(log);
        let from = self.place.next;
        let end = log.first().min(self.stop);
        if from >= end {
            return 0;
        }
        let (own, own_ahead) = log.find_own(author, log.first());
        let lost = end - from - (self.own_ahead - own_ahead);
        if lost == 0 {
            // It was the only one to speak.
            self.own_ahead = own_ahead;
            self.place = Place { next: end, own, ..self.place };
            self.settle(log);
        }
        lost
    }

    /// If the reader fell out of the log, moves it near the newest line and
    /// adds a note, made of the number of lines that it misses.
    pub fn catch_up(
        &mut self,
        log: &Log,
        author: ClientId,
        note: impl FnOnce(u64, Format) -> Vec<u8>,
    ) {
        if self.lost(log, author) == 0 {
            return;
        }
        let from = self.place.next;
        let newest = log.next().min(self.stop);
        let resume = newest.saturating_sub(LINES_AFTER_LAG).max(log.first()).min(newest);
        let (own, own_ahead) =
            if resume < log.first() { (NONE, 0) } else { log.find_own(author, resume) };
        let missed = resume - from - (self.own_ahead - own_ahead);
        self.own_ahead = own_ahead;
        self.place = Place { next: resume, own, ..self.place };
        let notes = self.notes.get_or_insert_default();
        let at = notes.queue.partition_point(|note| note.before <= from);
        notes.insert(at, from, note(missed, self.place.format));
        self.settle(log);
    }

    /// Whether there is nothing to send. The reader must have caught up.
    pub fn is_done(&self, log: &Log) -> bool {
        self.walk(log).next().is_none()
    }

    /// Puts what is to be sent next into `slices`; gives its length in bytes,
    /// and whether that is all. The reader must have caught up.
    pub fn collect<'a>(&'a self, log: &'a Log, slices: &mut Slices<'a>) -> (usize, bool) {
        let mut walk = self.walk(log);
        let mut bytes = 0;
        while slices.remaining_capacity() >= 2 {
            let parts = match walk.next() {
                None => return (bytes, true),
                Some(Piece::Note(note)) => [note, &[]],
                Some(Piece::Lines(_, (front, back))) => [front, back],
            };
            for part in parts.into_iter().filter(|part| !part.is_empty()) {
                bytes += part.len();
                slices.push(IoSlice::new(part));
            }
        }
        (bytes, walk.next().is_none())
    }

    /// The client has taken `bytes` more of its stream.
    pub fn advance(&mut self, log: &Log, mut bytes: usize) {
        while bytes > 0 {
            match self.walk(log).next().expect("a client takes no more than it is offered") {
                Piece::Note(rest) => {
                    let taken = bytes.min(rest.len());
                    let is_whole = taken == rest.len();
                    self.notes.as_mut().expect("the piece is of a note").sent_bytes += taken;
                    if is_whole {
                        self.pop_note();
                    }
                    bytes -= taken;
                }
                Piece::Lines(to, (front, back)) => {
                    let taken = bytes.min(front.len() + back.len());
                    if taken == front.len() + back.len() {
                        self.place.next = to;
                    } else {
                        self.take_part(log, taken);
                    }
                    bytes -= taken;
                }
            }
            self.settle(log);
        }
    }

    /// Brings the place into its one normal form, where `walk` begins with a
    /// piece: not at a line of its own, no change of format due.
    fn settle(&mut self, log: &Log) {
        loop {
            let note = self.notes.as_ref().and_then(|notes| notes.queue.front());
            match note {
                Some(&Note { before, content: Content::Format(format) })
                    if before <= self.place.next =>
                {
                    self.place.format = format;
                    self.pop_note();
                }
                _ if self.place.next == self.place.own && self.place.next >= log.first() => {
                    self.place.own = log.next_own(self.place.own);
                    self.place.next += 1;
                    self.own_ahead -= 1;
                }
                _ => return,
            }
        }
    }

    /// A write ended `bytes` after the cursor. If that is inside a line, the
    /// rest of it becomes a note, and the cursor goes on to the next one.
    fn take_part(&mut self, log: &Log, bytes: usize) {
        let (next, rest) = log.advance(self.place.format, self.place.next, bytes);
        self.place.next = next;
        let rest = [rest.0, rest.1].concat();
        if !rest.is_empty() {
            self.notes.get_or_insert_default().insert(0, 0, rest);
        }
    }

    fn walk<'a>(&'a self, log: &'a Log) -> Walk<'a> {
        let stop = self.stop.min(log.next());
        Walk { log, notes: self.notes.as_deref(), notes_passed: 0, stop, place: self.place }
    }

    fn pop_note(&mut self) {
        let Some(notes) = &mut self.notes else { return };
        if let Some(note) = notes.queue.pop_front() {
            notes.bytes -= note.len();
            notes.sent_bytes = 0;
        }
        if notes.queue.is_empty() {
            self.notes = None;
        }
    }
}

impl Note {
    fn len(&self) -> usize {
        match &self.content {
            Content::Bytes(bytes) => bytes.len(),
            Content::Format(_) => 0,
        }
    }
}

impl Notes {
    fn insert(&mut self, at: usize, before: Seq, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        self.queue.insert(at, Note { before, content: Content::Bytes(bytes) });
    }
}
