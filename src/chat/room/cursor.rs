//! The place of one client in what it is sent.
//!
//! A client's stream is made of the room's lines, which lie in the log, and of
//! notes, which are meant for it alone. Each note is bound to its place among
//! the lines, so that the stream is the same however it is cut into writes.

use std::io::IoSlice;

use arrayvec::ArrayVec;

use super::cleared::Cleared;
use super::extra::{Content, Extra, Note};
use super::filter::Filter;
use super::log::{Log, NONE, Seq};
use super::own::Own;
use super::walk::{Piece, Walk};
use crate::chat::ids::ClientId;
use crate::wire::{Encoding, Kind, Past, Time};

/// Pieces in one write at most.
pub const SLICES_MAX: usize = 64;

/// What one write takes from.
pub type Slices<'a> = ArrayVec<IoSlice<'a>, SLICES_MAX>;

/// After falling out of the log a reader goes on this many lines before the
/// newest one: enough to see what the talk is about, too few to lag again.
const LINES_AFTER_LAG: u64 = 16;

/// Lines that the log has no image of are encoded in pieces of about so many
/// bytes: little enough for one turn, enough for one write.
const ENCODED_BYTES_MAX: usize = 8 * 1024;

/// A cursor into the log, and the notes on the way.
///
/// The cursor always stands between two lines: when a write ends inside a
/// line, the rest of that line becomes a note. So do lines that have to be
/// encoded for this reader.
///
/// A reader holds an image of its log: that of its newest encoding. Who drops a
/// reader, or lets it enter another log, has to `Log::release` that.
#[derive(Debug)]
pub(in crate::chat) struct Reader {
    /// The next line.
    next: Seq,
    /// Its own lines ahead of the cursor. Boxed, like the rest, because nearly
    /// no reader has any at any time.
    own: Option<Box<Own>>,
    extra: Option<Box<Extra>>,
    /// The encoding of the next line.
    encoding: Encoding,
    /// The encoding at the end of the notes, for what is added from now on.
    newest_encoding: Encoding,
}

impl Reader {
    /// A reader whose first line will be the log's next one.
    pub fn new(log: &mut Log, encoding: Encoding) -> Self {
        log.acquire(encoding);
        Reader { next: log.next(), own: None, extra: None, encoding, newest_encoding: encoding }
    }

    /// Forgets what it is owed, and goes on with the log's next line.
    pub fn skip_all(&mut self, log: &Log) {
        (self.next, self.own, self.extra) = (log.next(), None, None);
        self.encoding = self.newest_encoding;
    }

    /// Line `seq`, just appended, is the reader's own: it won't get it.
    pub fn add_own(&mut self, log: &mut Log, seq: Seq) {
        let own = match &mut self.extra {
            Some(extra) if extra.stop != NONE => &mut extra.own_behind,
            _ => &mut self.own,
        };
        match own {
            None => *own = Some(Box::new(Own { first: seq, newest: seq, count: 1 })),
            Some(own) => {
                log.link_own(own.newest, seq);
                own.newest = seq;
                own.count += 1;
            }
        }
    }

    /// The encoding of the next line.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The encoding of what is added from now on.
    pub fn newest_encoding(&self) -> Encoding {
        self.newest_encoding
    }

    /// Changes the encoding of what is added from now on.
    pub fn set_encoding(&mut self, log: &mut Log, encoding: Encoding) {
        if encoding == self.newest_encoding {
            return;
        }
        log.acquire(encoding);
        log.release(self.newest_encoding);
        self.newest_encoding = encoding;
        let note = Note { before: log.next(), content: Content::Encoding(encoding) };
        let extra = self.extra.get_or_insert_default();
        extra.queue.push_back(note);
        extra.live = 0;
        self.set_live(log.next());
    }

    /// Adds bytes for this reader alone, after all lines that are in the log.
    pub fn add_note(&mut self, log: &Log, bytes: &[u8]) {
        let before = log.next().min(self.stop_seq());
        let notes = self.extra.get_or_insert_default();
        match notes.queue.back_mut() {
            Some(Note { before: same, content: Content::Bytes(last) }) if *same == before => {
                last.extend_from_slice(bytes);
                notes.bytes += bytes.len();
            }
            _ => notes.insert(notes.queue.len(), before, bytes.to_vec()),
        }
    }

    /// Adds bytes for this reader alone, before the next line.
    pub fn add_note_here(&mut self, bytes: &[u8]) {
        let next = self.next;
        let notes = self.extra.get_or_insert_default();
        let at = notes.queue.partition_point(|note| note.before <= next);
        notes.insert(at, next, bytes.to_vec());
    }

    /// Adds bytes for this reader alone, before a line that it hasn't been sent.
    pub fn add_note_before(&mut self, seq: Seq, bytes: &[u8]) {
        let notes = self.extra.get_or_insert_default();
        let at = notes.queue.partition_point(|note| note.before <= seq);
        notes.insert(at, seq, bytes.to_vec());
    }

    /// Changes which lines it doesn't want.
    pub fn set_filter(&mut self, change: impl FnOnce(&mut Filter)) {
        let extra = self.extra.get_or_insert_default();
        change(&mut extra.filter);
        if extra.is_empty() {
            self.extra = None;
        }
    }

    /// Hides a line that tells of the reader itself, until it has passed it.
    pub fn hide(&mut self, seq: Seq) {
        self.set_filter(|filter| filter.own_news = Some(seq));
    }

    /// Which lines it doesn't want.
    pub fn filter(&self) -> Option<&Filter> {
        self.extra.as_ref().map(|extra| &extra.filter)
    }

    /// Whether it has been sent every line that is for it, up to where it stops.
    pub fn is_caught_up(&mut self, log: &Log) -> bool {
        self.settle(log);
        !self.is_held() && self.next >= log.next().min(self.stop_seq())
    }

    /// Lines that were appended since it stopped are for it after all, but for its own.
    pub fn go_on(&mut self, log: &mut Log, author: ClientId) {
        let Some(extra) = &mut self.extra else { return };
        extra.stop = NONE;
        let mut behind = extra.own_behind.take();
        if let Some(own) = behind.take_if(|own| own.first < self.next) {
            // It has been taken past where it stopped, by what it has read of the past.
            let (first, count) = log.find_own(author, self.next.max(log.first()), NONE);
            behind = (count > 0).then(|| Box::new(Own { first, newest: own.newest, count }));
        }
        match (&mut self.own, behind) {
            (_, None) => {}
            (None, behind) => self.own = behind,
            (Some(own), Some(behind)) => {
                log.link_own(own.newest, behind.first);
                own.newest = behind.newest;
                own.count += behind.count;
            }
        }
        if extra.is_empty() {
            self.extra = None;
        }
    }

    /// Sends it the lines from `from` on, its own ones before now too, after the
    /// notes that it is owed. It must be level with the log, or `from` not be
    /// after its next line.
    pub fn rewind(&mut self, from: Seq) {
        let next = std::mem::replace(&mut self.next, from);
        self.own = None;
        self.set_live(next.max(self.live()));
        let Some(extra) = &mut self.extra else { return };
        (extra.stop, extra.own_behind) = (NONE, None);
        for note in &mut extra.queue {
            note.before = note.before.min(from);
        }
        if extra.is_empty() {
            self.extra = None;
        }
    }

    /// It is sent no line until `release`.
    pub fn hold(&mut self) {
        self.extra.get_or_insert_default().is_held = true;
    }

    /// Whether it is sent no line for now.
    pub fn is_held(&self) -> bool {
        self.extra.as_ref().is_some_and(|extra| extra.is_held)
    }

    /// It is sent the lines from `from` on, which is in the log.
    pub fn release(&mut self, log: &Log, author: ClientId, from: Seq) {
        if let Some(extra) = &mut self.extra {
            extra.is_held = false;
            // Those before it have been sent.
            for note in &mut extra.queue {
                note.before = note.before.max(from);
            }
            if extra.is_empty() {
                self.extra = None;
            }
        }
        self.move_to(log, author, from);
        self.settle(log);
    }

    /// Goes on in another log, at the line `from`. It must be level with the old
    /// one, whose image has to be released.
    pub fn enter(&mut self, log: &mut Log, from: Seq) {
        log.acquire(self.newest_encoding);
        self.rewind(from);
        self.set_live(log.next());
        let Some(extra) = &mut self.extra else { return };
        for note in &mut extra.queue {
            note.before = from;
        }
    }

    /// If no image has its encoding: lines before `live` are old, though it is sent
    /// them.
    fn set_live(&mut self, live: Seq) {
        if self.newest_encoding.index().is_none() {
            self.extra.get_or_insert_default().live = live;
        }
    }

    fn live(&self) -> Seq {
        self.extra.as_ref().map_or(0, |extra| extra.live)
    }

    /// No line that is appended from now on is for this reader.
    pub fn stop(&mut self, log: &Log) {
        let notes = self.extra.get_or_insert_default();
        notes.stop = notes.stop.min(log.next());
    }

    /// Whether lines that are appended aren't for it.
    pub fn is_stopped(&self) -> bool {
        self.stop_seq() != NONE
    }

    /// Bytes of notes that haven't been sent.
    pub fn note_bytes(&self) -> usize {
        self.extra.as_ref().map_or(0, |notes| notes.bytes - notes.sent_bytes)
    }

    /// Bytes of notes that come before the next line.
    pub fn due_bytes(&self) -> usize {
        let Some(extra) = &self.extra else { return 0 };
        let due = extra.queue.iter().take_while(|note| note.before <= self.next);
        due.map(Note::len).sum::<usize>() - extra.sent_bytes
    }

    /// Notes that haven't been sent.
    pub fn note_count(&self) -> usize {
        self.extra.as_ref().map_or(0, |notes| notes.queue.len())
    }

    /// The next line.
    pub fn next(&self) -> Seq {
        self.next
    }

    /// No line from the cursor on is for this reader; it only gets the rest of
    /// what it has begun. Gives the number of lines that it misses.
    pub fn stop_here(&mut self, log: &Log) -> u64 {
        let next = self.next;
        let missed = log.next().min(self.stop_seq()) - next - self.own_count();
        // They are all behind where it stops.
        self.own = None;
        let notes = self.extra.get_or_insert_default();
        notes.stop = next;
        notes.queue.retain(|note| note.before <= next);
        notes.bytes = notes.queue.iter().map(Note::len).sum();
        missed
    }

    /// How many lines for this reader are gone from the log. If there are none
    /// the reader is in the log afterwards.
    pub fn lost(&mut self, log: &Log, author: ClientId) -> u64 {
        self.settle(log);
        if self.is_held() {
            return 0;
        }
        let end = log.first().min(self.stop_seq());
        if self.next >= end {
            return 0;
        }
        let own_gone = self.own_count() - self.find_own(log, author, log.first()).1;
        let lost = end - self.next - own_gone;
        if lost == 0 {
            // It was the only one to speak.
            self.move_to(log, author, end);
            self.settle(log);
        }
        lost
    }

    /// If a reader that has been sent no line so far fell out of the log, begins
    /// with the next line: what came before is the past to it.
    pub fn forget_lost(&mut self, log: &Log) {
        if self.next < log.first() {
            self.next = log.next();
        }
    }

    /// If the reader fell out of the log, moves it near the newest line and
    /// adds a note, made of the number of lines that it misses.
    pub fn skip_gap(
        &mut self,
        log: &Log,
        author: ClientId,
        note: impl FnOnce(u64, Encoding) -> Vec<u8>,
    ) {
        if self.lost(log, author) == 0 {
            return;
        }
        let (from, own_count) = (self.next, self.own_count());
        let newest = log.next().min(self.stop_seq());
        let resume = newest.saturating_sub(LINES_AFTER_LAG).max(log.first()).min(newest);
        self.move_to(log, author, resume);
        let missed = resume - from - (own_count - self.own_count());
        let note = note(missed, self.encoding);
        let notes = self.extra.get_or_insert_default();
        let at = notes.queue.partition_point(|note| note.before <= from);
        notes.insert(at, from, note);
        self.settle(log);
    }

    /// Moves the cursor on to line `next`, past lines that may be gone.
    fn move_to(&mut self, log: &Log, author: ClientId, next: Seq) {
        self.next = next;
        self.forget_own_news();
        // A reader that has to stop before the log begins has none in it.
        let (first, count) = match next < log.first() {
            true => (NONE, 0),
            false => self.find_own(log, author, next),
        };
        self.own = self.own.take().filter(|_| count > 0).map(|mut own| {
            (own.first, own.count) = (first, count);
            own
        });
    }

    /// How many of its own lines ahead of the cursor are among lines that are about to be taken
    /// out, those before and those behind where it stops.
    pub fn own_in(&self, log: &Log, author: ClientId, first: Seq, end: Seq) -> (u64, u64) {
        let count = |own: &Own, until: Seq| {
            log.find_own(author, own.first.max(first).max(log.first()), end.min(until)).1
        };
        let behind = self.extra.as_ref().and_then(|extra| extra.own_behind.as_ref());
        let ahead = self.own.as_ref().map_or(0, |own| count(own, self.stop_seq()));
        (ahead, behind.map_or(0, |own| count(own, NONE)))
    }

    /// Lines were taken out of the log. Those that the reader hasn't been sent it never is, and
    /// `gone` of its own ones are among them; all that it knows has other places.
    pub fn move_past(&mut self, log: &Log, author: ClientId, cleared: Cleared, gone: (u64, u64)) {
        self.next = cleared.moved(self.next);
        let Some(extra) = &mut self.extra else {
            self.own = self.own.take().and_then(|own| own.past(log, author, cleared, gone.0, NONE));
            return self.settle(log);
        };
        let filter = &mut extra.filter;
        filter.own_news = filter.own_news.filter(|news| !cleared.has(*news));
        filter.own_news = filter.own_news.map(|news| cleared.moved(news));
        extra.stop = cleared.moved(extra.stop);
        extra.live = cleared.moved(extra.live);
        for note in &mut extra.queue {
            note.before = cleared.moved(note.before);
        }
        let behind = extra.own_behind.take();
        extra.own_behind = behind.and_then(|own| own.past(log, author, cleared, gone.1, NONE));
        let stop = extra.stop;
        self.own = self.own.take().and_then(|own| own.past(log, author, cleared, gone.0, stop));
        if self.extra.as_ref().is_some_and(|extra| extra.is_empty()) {
            self.extra = None;
        }
        self.settle(log);
    }

    /// Lines from here on aren't for this reader.
    pub fn stop_seq(&self) -> Seq {
        self.extra.as_ref().map_or(NONE, |notes| notes.stop)
    }

    /// The first of its own lines from `from` on that it isn't to get, and how
    /// many there are. Those before the chain are history to it.
    fn find_own(&self, log: &Log, author: ClientId, from: Seq) -> (Seq, u64) {
        match &self.own {
            None => (NONE, 0),
            // Those behind where it stops are apart.
            Some(own) => log.find_own(author, from.max(own.first), self.stop_seq()),
        }
    }

    fn own_count(&self) -> u64 {
        self.own.as_ref().map_or(0, |own| own.count)
    }

    /// Whether there is nothing to send. The reader must have caught up.
    pub fn is_done(&self, log: &Log) -> bool {
        if self.is_plain() {
            return self.next == log.next();
        }
        self.walk(log).next().is_none()
    }

    /// Whether it is to be sent the lines from its cursor on, all of them and
    /// nothing else: the usual case.
    fn is_plain(&self) -> bool {
        self.extra.is_none() && self.own.is_none()
    }

    /// Whether its next line is an old one that it has asked for.
    pub fn is_in_past(&self, log: &Log) -> bool {
        if self.is_held() {
            return true;
        }
        let live = match self.encoding.index() {
            Some(_) => log.first_encoded(self.encoding),
            None => self.live(),
        };
        self.next < live.min(log.next())
    }

    /// If what comes next are lines that the log has no image of, encodes some
    /// of them for the client with this name. The reader must have caught up.
    pub fn encode_ahead(&mut self, log: &Log, name: &str) {
        if self.next >= log.first_encoded(self.encoding).min(log.next()) {
            return;
        }
        let mut bytes = Vec::new();
        while bytes.len() < ENCODED_BYTES_MAX
            && let Some(Piece::Unencoded) = self.walk(log).next()
        {
            self.encode_next(log, name, &mut bytes);
        }
        if !bytes.is_empty() {
            self.extra.get_or_insert_default().insert(0, 0, bytes);
        }
    }

    /// Puts what is to be sent next into `slices`; gives its length in bytes,
    /// and whether that is all. The reader must have encoded ahead.
    pub fn collect<'a>(&'a self, log: &'a Log, slices: &mut Slices<'a>) -> (usize, bool) {
        let mut walk = self.walk(log);
        let mut bytes = 0;
        while slices.remaining_capacity() >= 2 {
            let parts = match walk.next() {
                None => return (bytes, true),
                Some(Piece::Unencoded) => return (bytes, false),
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

    /// Takes about `bytes_max` bytes of what is to be sent next to the client with
    /// this name, all in one encoding, and cuts no line. The reader must have caught up.
    pub fn take(&mut self, log: &Log, name: &str, bytes_max: usize, bytes: &mut Vec<u8>) {
        let (start, encoding) = (bytes.len(), self.encoding);
        while bytes.len() - start < bytes_max && self.encoding == encoding {
            match self.walk(log).next() {
                None => return,
                Some(Piece::Note(note)) => {
                    bytes.extend(note);
                    self.pop_note();
                    self.settle(log);
                }
                Some(_) => self.encode_next(log, name, bytes),
            }
        }
    }

    /// Adds a line that isn't in the log any more to `bytes`, encoded for the client with
    /// this name, unless it doesn't want it.
    pub fn encode_stored(&mut self, log: &Log, name: &str, line: &Past, bytes: &mut Vec<u8>) {
        let Past::Line { time, kind, .. } = line else { return };
        let is_quiet = self.filter().is_some_and(|filter| filter.is_quiet);
        if is_quiet && *kind == Kind::Presence {
            return;
        }
        self.encode_date(log, *time, bytes);
        log.encode_past(line, self.encoding, name, bytes);
    }

    /// Takes the next line, encoded for it, and the date before it if it is the
    /// first one of a day.
    fn encode_next(&mut self, log: &Log, name: &str, bytes: &mut Vec<u8>) {
        self.encode_date(log, log.time(self.next), bytes);
        log.encode(self.next, self.encoding, name, bytes);
        self.next += 1;
        self.settle(log);
    }

    /// Adds the date of a line to `bytes` if it is shown times, and the line is the first
    /// one of its day.
    fn encode_date(&mut self, log: &Log, time: Time, bytes: &mut Vec<u8>) {
        if let Some(clock) = self.encoding.view().clock {
            let day = Some(clock.day(time, log.zone()));
            let extra = self.extra.get_or_insert_default();
            if std::mem::replace(&mut extra.shown_day, day) != day {
                self.encoding.encode_date(&clock.date(time, log.zone()), bytes);
            }
        }
    }

    /// The client has taken all that there is for it.
    pub fn advance_to_end(&mut self, log: &Log, bytes: usize) {
        if self.is_plain() {
            self.next = log.next();
        } else {
            self.advance(log, bytes);
        }
    }

    /// The client has taken `bytes` more of its stream.
    pub fn advance(&mut self, log: &Log, mut bytes: usize) {
        while bytes > 0 {
            match self.walk(log).next().expect("a client takes no more than it is offered") {
                Piece::Note(rest) => {
                    let taken = bytes.min(rest.len());
                    let is_whole = taken == rest.len();
                    self.extra.as_mut().expect("the piece is of a note").sent_bytes += taken;
                    if is_whole {
                        self.pop_note();
                    }
                    bytes -= taken;
                }
                Piece::Lines(to, (front, back)) => {
                    let taken = bytes.min(front.len() + back.len());
                    if taken == front.len() + back.len() {
                        self.next = to;
                    } else {
                        self.take_part(log, taken);
                    }
                    bytes -= taken;
                }
                Piece::Unencoded => unreachable!("a client takes no more than it is offered"),
            }
            self.settle(log);
        }
    }

    /// Brings the reader into its one normal form, where `walk` begins with a
    /// piece: not at a line of its own, no change of encoding due.
    fn settle(&mut self, log: &Log) {
        loop {
            let note = self.extra.as_ref().and_then(|notes| notes.queue.front());
            if let Some(&Note { before, content: Content::Encoding(encoding) }) = note
                && before <= self.next
            {
                self.encoding = encoding;
                if let (None, Some(extra)) = (encoding.view().clock, &mut self.extra) {
                    extra.shown_day = None;
                }
                self.pop_note();
            } else if self.own.as_ref().is_some_and(|own| own.first == self.next)
                && self.next >= log.first()
                && !self.is_held()
            {
                self.pass_own(log);
            } else if self.is_at_hidden(log) {
                self.next += 1;
                self.forget_own_news();
            } else {
                return;
            }
        }
    }

    /// What is behind it hides nothing any more.
    fn forget_own_news(&mut self) {
        let next = self.next;
        if self.filter().is_some_and(|filter| filter.own_news.is_some_and(|at| at < next)) {
            self.set_filter(|filter| filter.own_news = None);
        }
    }

    fn is_at_hidden(&self, log: &Log) -> bool {
        let Some(extra) = &self.extra else { return false };
        let is_there = self.next >= log.first() && self.next < log.next().min(extra.stop);
        let is_there = is_there && !extra.is_held;
        is_there && extra.filter.hides(log, self.next)
    }

    /// Passes a line of its own.
    fn pass_own(&mut self, log: &Log) {
        let own = self.own.as_mut().expect("the cursor is at one");
        own.first = log.next_own(self.next);
        own.count -= 1;
        if own.count == 0 {
            self.own = None;
        }
        self.next += 1;
    }

    /// A write ended `bytes` after the cursor. If that is inside a line, the
    /// rest of it becomes a note, and the cursor goes on to the next one.
    fn take_part(&mut self, log: &Log, bytes: usize) {
        let (next, rest) = log.advance(self.encoding, self.next, bytes);
        self.next = next;
        let rest = [rest.0, rest.1].concat();
        if !rest.is_empty() {
            self.extra.get_or_insert_default().insert(0, 0, rest);
        }
    }

    fn walk<'a>(&'a self, log: &'a Log) -> Walk<'a> {
        let stop = self.stop_seq().min(log.next());
        let own = self.own.as_ref().map_or(NONE, |own| own.first);
        let (extra, next, encoding) = (self.extra.as_deref(), self.next, self.encoding);
        Walk { log, extra, notes_passed: 0, stop, next, own, encoding }
    }

    fn pop_note(&mut self) {
        let Some(notes) = &mut self.extra else { return };
        if let Some(note) = notes.queue.pop_front() {
            notes.bytes -= note.len();
            notes.sent_bytes = 0;
        }
        if notes.is_empty() {
            self.extra = None;
        }
    }
}
