//! The log of a room: the messages told in it, newest last, each stored once
//! for all who read it.
//!
//! A log holds the half-open range `first..next` of line numbers. It stores
//! messages as they are (a record each, and the sender's name and the text in
//! one ring of bytes), and beside that one *image* for each encoding in use:
//! the encoded lines one after the other, so that what a reader is sent next is
//! a slice. An image begins with the first line after its first reader came and
//! goes with its last one, so making it costs nothing. Lines that an image
//! doesn't have are encoded for each reader that wants them.
//!
//! The log knows readers only by the cursors they bring.

// In reading order.
mod numbers;
mod reading;
mod authors;
mod clearing;

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::cleared::ClearedNumbers;
use super::image::Image;
pub(in crate::chat) use super::limits::Limits;
pub(in crate::chat) use super::place::{NONE, Seq};
use super::ring::{START, reserve};
use crate::chat::ids::ClientId;
use crate::wire::{Encoding, Ending, FRAME_BYTES_MAX, Kind, Layout, Message, Time};

/// The lines of a room.
#[derive(Debug)]
pub(in crate::chat) struct Log {
    /// The name of the room, for the layouts that say it.
    room: Box<str>,
    /// The zone of the server, for those that show times.
    zone: TimeZone,
    limits: Limits,
    /// Authors get back what they say.
    has_echo: bool,
    first: Seq,
    /// Which numbers lines have; one at least.
    stretches: VecDeque<Stretch>,
    records: VecDeque<Record>,
    /// Where the first line begins in all that was ever stored.
    start: u64,
    /// The sender and the text of each line, and the facts of notices.
    bytes: VecDeque<u8>,
    /// By encoding; those with readers.
    images: [Option<Box<Image>>; Encoding::COUNT],
    /// A line on its way into an image.
    scratch: Vec<u8>,
    /// Lines that operators have taken out, the last ones at the end.
    cleared: VecDeque<ClearedNumbers>,
}

/// From a place on, lines have numbers that grow by one, or none.
#[derive(Clone, Debug)]
struct Stretch {
    place: Seq,
    /// The number of the line there; if these have none, of the next one that has.
    number: u64,
    /// Names the counting that the numbers belong to.
    run: Arc<str>,
    is_numbered: bool,
}

/// A line to be added.
#[derive(Clone, Copy, Debug)]
pub(in crate::chat) struct Line<'a> {
    /// Whose line it is, or the null key.
    pub author: ClientId,
    pub kind: Kind,
    /// When it was said.
    pub time: Time,
    /// The sender's name; empty if it is the server. 255 bytes at most.
    pub from: &'a str,
    pub text: &'a [u8],
    /// What a notice tells, as `Facts` are encoded for a line; empty for all else.
    pub facts: &'a str,
}

/// Who knows a line already, and isn't sent it.
#[derive(Debug)]
pub(in crate::chat) enum HiddenFrom {
    Nobody,
    Author,
    These(Box<[ClientId]>),
}

/// One line, without its bytes.
#[derive(Clone, Copy, Debug)]
struct Record {
    /// Whose line it is, or the null key.
    author: ClientId,
    /// Where its text (or, of a notice, its facts) ends in all that was ever stored.
    end: u64,
    time: Time,
    /// How many lines on the author's next one is; 0 if there is none so far.
    next_own: u32,
    kind: Kind,
    from_bytes: u8,
    facts_bytes: u16,
}

impl Record {
    /// The sender, the text and the facts of a line, of all its bytes.
    fn split<'a>(&self, whole: &'a [u8]) -> (&'a [u8], &'a [u8], &'a [u8]) {
        let (from, rest) = whole.split_at(self.from_bytes.into());
        let (text, facts) = rest.split_at(rest.len() - usize::from(self.facts_bytes));
        (from, text, facts)
    }
}

/// Notices have facts, and what people say costs nothing for that.
const _: () = assert!(size_of::<Record>() == 32);

impl Log {
    pub fn new(room: &str, run: &str, limits: Limits) -> Self {
        assert!(limits.records_max > 0);
        Log {
            room: room.into(),
            zone: TimeZone::UTC,
            limits,
            has_echo: false,
            first: 0,
            stretches: [Stretch { place: 0, number: 1, run: run.into(), is_numbered: true }].into(),
            records: VecDeque::new(),
            start: START,
            bytes: VecDeque::new(),
            images: [const { None }; Encoding::COUNT],
            scratch: Vec::new(),
            cleared: VecDeque::new(),
        }
    }

    /// The same log, whose authors get back what they say if `has_echo`.
    pub fn with_echo(self, has_echo: bool) -> Self {
        Log { has_echo, ..self }
    }

    /// The same log of a server in this zone.
    pub fn with_zone(self, zone: TimeZone) -> Self {
        Log { zone, ..self }
    }

    /// Bytes of memory that the log takes at most while its readers want text,
    /// and how many more once some want JSON.
    pub fn bytes_max(limits: Limits) -> (usize, usize) {
        let images = |layout, endings: &[Ending]| {
            let encodings = endings.iter().map(|&ending| Encoding::new(layout, ending));
            encodings.map(|encoding| Image::bytes_max(encoding, limits)).sum::<usize>()
        };
        let records = limits.records_max * size_of::<Record>();
        let text = images(Layout::Named, &[Ending::Lf, Ending::CrLf]);
        let endings = [Ending::Lf, Ending::CrLf, Ending::Event, Ending::Frame];
        (limits.bytes_max + records + text, images(Layout::Json, &endings))
    }

    /// The oldest line that is still here (`next()` if there is none).
    pub fn first(&self) -> Seq {
        self.first
    }

    /// The place that the next line will get.
    pub fn next(&self) -> Seq {
        self.first + self.records.len() as u64
    }

    /// Adds a line and drops old ones beyond the limits. This is the one place
    /// where the order of lines is made.
    pub fn append(&mut self, line: &Line) -> Seq {
        let Line { author, kind, time, from, text, facts } = *line;
        let seq = self.next();
        let bytes = from.len() + text.len() + facts.len();
        self.trim(bytes + FRAME_BYTES_MAX);
        let needed = self.bytes.len() + bytes;
        reserve(&mut self.bytes, needed, self.limits.bytes_max);
        self.bytes.extend(from.as_bytes());
        self.bytes.extend(text);
        self.bytes.extend(facts.as_bytes());
        let end = self.start + self.bytes.len() as u64;
        let (from_bytes, facts_bytes) = (from.len() as u8, facts.len() as u16);
        let record = Record { author, end, time, next_own: 0, kind, from_bytes, facts_bytes };
        self.records.push_back(record);
        let number = self.own_number(seq);
        let (room, run) = (&*self.room, &*Arc::clone(&self.stretch(seq).run));
        let (zone, to, reader, answered) = (&self.zone, "", "", None);
        let message = Message {
            number,
            time,
            zone,
            room,
            run,
            kind,
            from,
            to,
            reader,
            text,
            facts,
            answered,
        };
        for image in self.images.iter_mut().flatten() {
            if let Some(parts) = image.encoding.parts(&message) {
                image.add(&parts, self.limits);
                continue;
            }
            self.scratch.clear();
            image.encoding.encode(&message, &mut self.scratch);
            image.add(&[&self.scratch], self.limits);
        }
        seq
    }

    /// A reader with this encoding has come.
    pub fn acquire(&mut self, encoding: Encoding) {
        let first = self.next();
        let Some(index) = encoding.index() else { return };
        let image = self.images[index].get_or_insert_with(|| Box::new(Image::new(encoding, first)));
        image.readers += 1;
    }

    /// A reader with this encoding has gone, or has another encoding now.
    pub fn release(&mut self, encoding: Encoding) {
        let Some(index) = encoding.index() else { return };
        let image = &mut self.images[index];
        if let Some(held) = image {
            held.readers -= 1;
            if held.readers == 0 {
                *image = None;
            }
        }
    }

    /// The zone of the server.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// When line `seq` was said.
    pub fn time(&self, seq: Seq) -> Time {
        self.records[self.index(seq)].time
    }

    /// The first line that was said at `time` or later (`next()` if there is none); where
    /// the clock on the wall was set back, one of them.
    pub fn first_since(&self, time: Time) -> Seq {
        self.first + self.records.partition_point(|record| record.time < time) as u64
    }

    /// The first line after line `seq` whose time isn't one of these, which are the earlier ones
    /// (`next()` if there is none).
    pub fn first_behind(&self, seq: Seq, is_one: impl Fn(Time) -> bool) -> Seq {
        let (mut low, mut high) = (seq + 1, self.next());
        while low < high {
            let middle = low + (high - low) / 2;
            if is_one(self.time(middle)) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The first line that can be had with `span`: earlier ones have to be
    /// encoded.
    pub fn first_encoded(&self, encoding: Encoding) -> Seq {
        let image = encoding.index().and_then(|index| self.images[index].as_ref());
        image.map_or(NONE, |image| image.first)
    }

    /// The bytes of the lines `from..to`, in two pieces where the ring wraps.
    /// The first one must be `first_encoded` or later.
    pub fn span(&self, encoding: Encoding, from: Seq, to: Seq) -> (&[u8], &[u8]) {
        self.image(encoding).span(from, to)
    }

    /// Where a reader stands who has taken `bytes` from line `from` on: the
    /// next whole line, and the rest of the line before it that is still due.
    /// The line must be `first_encoded` or later.
    pub fn advance(&self, encoding: Encoding, from: Seq, bytes: usize) -> (Seq, (&[u8], &[u8])) {
        self.image(encoding).advance(from, bytes)
    }

    /// How many bytes, as the limits count them, the lines from `from` on are.
    pub fn bytes_from(&self, from: Seq) -> usize {
        let from = from.clamp(self.first, self.next());
        let end = self.records.back().map_or(self.start, |record| record.end);
        let lines = (self.next() - from) as usize;
        (end - self.begin(from)) as usize + lines * FRAME_BYTES_MAX
    }

    /// Whether a line is less than a quarter of what the log may hold behind the
    /// newest one.
    pub fn is_near(&self, seq: Seq) -> bool {
        let lines = self.next().saturating_sub(seq);
        lines < self.limits.records_max as u64 / 4
            && self.bytes_from(seq) < self.limits.bytes_max / 4
    }

    /// Panics if the log is larger than its limits allow, or an image has other
    /// lines than it should.
    pub fn assert_limits(&self) {
        let bytes = self.bytes_from(self.first);
        let is_one = self.records.len() == 1;
        assert!(is_one || bytes <= self.limits.bytes_max, "{bytes} bytes in the log");
        assert!(self.records.len() <= self.limits.records_max, "{} lines", self.records.len());
        for image in self.images.iter().flatten() {
            assert!(image.readers > 0);
            assert!(image.first >= self.first && image.next() == self.next(), "{image:?}");
        }
    }

    /// How many readers have each encoding, by its index.
    pub fn readers(&self) -> [usize; Encoding::COUNT] {
        self.images.each_ref().map(|image| image.as_ref().map_or(0, |image| image.readers))
    }

    /// Makes place for a line of `bytes`. Drops about as many bytes as are
    /// added, so the work of one call is bounded by the length of a line.
    fn trim(&mut self, bytes: usize) {
        while !self.records.is_empty()
            && (self.records.len() >= self.limits.records_max
                || self.bytes_from(self.first) + bytes > self.limits.bytes_max)
        {
            let record = self.records.pop_front().expect("the loop's condition");
            self.bytes.drain(..(record.end - self.start) as usize);
            self.start = record.end;
            self.first += 1;
            if self.stretches.get(1).is_some_and(|stretch| stretch.place <= self.first) {
                self.stretches.pop_front();
            }
            for image in self.images.iter_mut().flatten() {
                image.drop_before(self.first);
            }
        }
    }

    /// Where line `seq` begins in all that was ever stored (where it ends, for
    /// the last one).
    fn begin(&self, seq: Seq) -> u64 {
        match self.index(seq) {
            0 => self.start,
            at => self.records[at - 1].end,
        }
    }

    fn index(&self, seq: Seq) -> usize {
        debug_assert!((self.first..=self.next()).contains(&seq), "line {seq} isn't in the log");
        (seq - self.first) as usize
    }

    fn image(&self, encoding: Encoding) -> &Image {
        let image = encoding.index().and_then(|index| self.images[index].as_deref());
        image.expect("only lines that an image has are asked for")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::room::cleared::Cleared;
    use crate::chat::room::cursor::Reader;
    use crate::wire::{Clock, View};

    const JSON: Encoding = Encoding::new(Layout::Json, Ending::CrLf);
    const LIMITS: Limits = Limits { bytes_max: 1 << 20, records_max: 1 << 14 };

    fn say(log: &mut Log, text: &str) -> Seq {
        let (author, kind, time) = (ClientId::default(), Kind::Said, 0);
        log.append(&Line { author, kind, time, from: "ann", text: text.as_bytes(), facts: "" })
    }

    #[test]
    fn lines_are_found_by_their_time() {
        let mut log = Log::new("room", "", Limits { records_max: 3, ..LIMITS });
        assert_eq!(log.first_since(7), 0);
        for time in [5, 7, 7, 9] {
            let (author, kind) = (ClientId::default(), Kind::Said);
            log.append(&Line { author, kind, time, from: "ann", text: b"hello", facts: "" });
        }
        let found = [0, 7, 8, 9, 10].map(|time| log.first_since(time));
        assert_eq!(found, [1, 1, 3, 3, 4], "the first one is gone");
    }

    #[test]
    fn lines_that_are_taken_out_leave_their_numbers() {
        let mut log = Log::new("room", "", LIMITS);
        log.acquire(JSON);
        for text in ["a", "b", "c", "d", "e"] {
            say(&mut log, text);
        }
        assert_eq!(log.clear("", 2, 3), Cleared { first: 1, end: 3 });
        assert_eq!((log.first(), log.next(), log.newest()), (2, 5, 5));
        let numbers = |log: &Log| (log.first()..log.next()).map(|seq| log.number(seq)).collect();
        assert_eq!(<Vec<_> as Into<Vec<u64>>>::into(numbers(&log)), [1, 4, 5]);
        let image = |log: &Log| {
            let (front, back) = log.span(JSON, log.first(), log.next());
            String::from_utf8([front, back].concat()).expect("UTF-8")
        };
        let has = |text: &str, letter| text.contains(&format!("\"text\":\"{letter}\""));
        assert_eq!(
            ["a", "b", "c", "d", "e"].map(|it| has(&image(&log), it)),
            [true, false, false, true, true]
        );
        let (next, rest) = log.advance(JSON, log.first(), 1);
        assert_eq!((next, rest.0.len() + 1), (3, log.span(JSON, 2, 3).0.len()));
        assert_eq!(
            [0, 1, 2, 3, 4, 5].map(|number| log.place_after("", number)),
            [2, 3, 3, 3, 4, 5]
        );
        let cleared = |log: &Log, after, before| log.lines_cleared("", after, before);
        assert_eq!((cleared(&log, 0, 9), cleared(&log, 2, 9), cleared(&log, 0, 3)), (2, 1, 1));
        assert!(log.is_cleared("", 3) && !log.is_cleared("", 4) && !log.is_cleared("r", 3));
        // The newest ones, and then all.
        assert_eq!(log.clear("", 5, 5), Cleared { first: 4, end: 5 });
        say(&mut log, "f");
        assert_eq!(numbers(&log), [1, 4, 6]);
        log.clear("", 1, 6);
        assert_eq!((log.first(), log.next(), log.newest()), (6, 6, 6));
        say(&mut log, "g");
        assert_eq!(numbers(&log), [7]);
        assert!(!image(&log).contains("\"text\":\"a\""));
        log.assert_limits();
    }

    #[test]
    fn numbers_may_jump_and_places_do_not() {
        let mut log = Log::new("room", "", Limits { records_max: 4, ..LIMITS });
        log.begin_at("", 101);
        assert_eq!((log.first(), log.newest()), (100, 100));
        let say = |log: &mut Log| (say(log, "hello"), log.newest());
        assert_eq!([say(&mut log), say(&mut log)], [(100, 101), (101, 102)]);
        log.jump_to(200);
        assert_eq!([say(&mut log), say(&mut log)], [(102, 200), (103, 201)]);
        let places =
            [0, 99, 100, 101, 102, 150, 199, 200, 201, 999].map(|n| log.place_after("", n));
        assert_eq!(places, [0, 99, 100, 101, 102, 102, 102, 103, 104, 104]);
        assert_eq!([100, 101, 102, 103, 104].map(|seq| log.number(seq)), [101, 102, 200, 201, 202]);
        (0..4).for_each(|_| _ = say(&mut log));
        assert_eq!((log.first(), log.number(104), log.stretches.len()), (104, 202, 1));
        assert_eq!(log.place_after("", 50), 0, "before what the log knows");
        log.jump_to(206);
        assert_eq!((say(&mut log), log.stretches.len()), ((108, 206), 1), "that is no jump");
    }

    #[test]
    fn lines_without_numbers_are_between_others() {
        let mut log = Log::new("room", "a", LIMITS);
        let say = |log: &mut Log| {
            let seq = say(log, "hello");
            log.own_number(seq)
        };
        assert_eq!([say(&mut log), say(&mut log)], [Some(1), Some(2)]);
        log.begin_unnumbered();
        log.begin_unnumbered();
        assert_eq!([say(&mut log), say(&mut log)], [None, None]);
        assert_eq!((log.newest(), log.run(), log.number(3)), (2, "a", 3));
        log.jump_to(3);
        assert_eq!(say(&mut log), Some(3));
        log.begin_unnumbered();
        log.begin_run("b", 1);
        assert_eq!((say(&mut log), log.run()), (Some(1), "b"));
        // What is without a number is behind the line before it.
        assert_eq!([1, 2, 3, 9].map(|number| log.place_after("a", number)), [1, 2, 5, 5]);
        assert_eq!([0, 1].map(|number| log.place_after("b", number)), [5, 6]);
        assert_eq!((log.number_from("a", 2), log.number_from("b", 2)), (Some(3), Some(1)));
        assert!(log.has_run("a") && !log.has_run("c"));
    }

    #[test]
    fn a_log_without_lines_stays_where_its_readers_are() {
        let mut log = Log::new("room", "a", LIMITS);
        log.begin_at("a", 101);
        let reader = Reader::new(&mut log, Encoding::PLAIN);
        log.begin_unnumbered();
        log.begin_run("b", 1);
        assert_eq!((log.first(), log.next(), reader.next()), (100, 100, 100));
        assert_eq!((say(&mut log, "hello"), log.number(100)), (100, 1));
    }

    #[test]
    fn an_image_goes_with_its_last_reader() {
        let mut log = Log::new("room", "", LIMITS);
        let mut reader = Reader::new(&mut log, Encoding::PLAIN);
        log.acquire(JSON);
        reader.set_encoding(&mut log, JSON);
        say(&mut log, "hello");
        assert_eq!(log.images.iter().flatten().count(), 1, "nobody wants text any more");
        assert_eq!(log.readers()[JSON.index().expect("it is shared")], 2);
        log.release(JSON);
        assert_eq!(log.first_encoded(JSON), 0);
        log.release(JSON);
        assert_eq!(log.first_encoded(JSON), NONE);
    }

    #[test]
    fn a_new_encoding_is_made_from_now_on_and_the_past_in_small_pieces() {
        let mut log = Log::new("room", "", LIMITS);
        let mut reader = Reader::new(&mut log, Encoding::PLAIN);
        (0..10_000).for_each(|_| _ = say(&mut log, &"\"".repeat(50)));
        reader.set_encoding(&mut log, JSON);
        assert_eq!(log.first_encoded(JSON), 10_000, "no line was encoded for it");
        reader.rewind(0);
        let mut pieces = 0;
        while !reader.is_done(&log) {
            reader.encode_ahead(&log, "");
            let bytes = reader.note_bytes();
            assert!((1..10_000).contains(&bytes), "{bytes} in one turn");
            reader.advance(&log, bytes);
            pieces += 1;
        }
        assert!(pieces > 100, "{pieces} pieces");
    }

    /// A reader with times, and all that it is sent, as text.
    fn with_times(log: &mut Log) -> Reader {
        let view = View { clock: Clock::parse("+01:00"), ..View::default() };
        Reader::new(log, Encoding { view, ..Encoding::PLAIN })
    }

    fn take(log: &Log, reader: &mut Reader) -> String {
        let mut bytes = Vec::new();
        reader.skip_gap(log, ClientId::default(), |_, _| Vec::new());
        reader.take(log, "", usize::MAX, &mut bytes);
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn each_day_begins_with_its_date_for_one_who_is_shown_times() {
        const HOUR: Time = 3600;
        let mut log = Log::new("room", "", LIMITS);
        let mut reader = with_times(&mut log);
        let say = |log: &mut Log, time| {
            let (author, kind, from) = (ClientId::default(), Kind::Said, "ann");
            log.append(&Line { author, kind, time, from, text: b"hello", facts: "" })
        };
        say(&mut log, 21 * HOUR);
        let expected = "*** Thursday, 1 January 1970\n[22:00] <ann> hello\n";
        assert_eq!(take(&log, &mut reader), expected);
        say(&mut log, 22 * HOUR);
        assert_eq!(take(&log, &mut reader), "[23:00] <ann> hello\n");
        // Its own line is the first one of the day, and it doesn't get it.
        let own = say(&mut log, 23 * HOUR);
        reader.add_own(&mut log, own);
        say(&mut log, 24 * HOUR);
        let expected = "*** Friday, 2 January 1970\n[01:00] <ann> hello\n";
        assert_eq!(take(&log, &mut reader), expected);
        assert!(log.images.iter().all(Option::is_none), "nobody shares it");
    }

    /// Only old lines that it has asked for are the past to it: else it would be
    /// overtaken by the log, or keep others silent.
    #[test]
    fn lines_without_an_image_are_the_past_only_if_they_were_asked_for() {
        let mut log = Log::new("room", "", LIMITS);
        let mut reader = with_times(&mut log);
        (0..1000).for_each(|_| _ = say(&mut log, "hello"));
        assert!(!reader.is_in_past(&log));
        take(&log, &mut reader);
        reader.rewind(10);
        assert!(reader.is_in_past(&log));
        say(&mut log, "news");
        while reader.is_in_past(&log) {
            reader.encode_ahead(&log, "");
            let bytes = reader.note_bytes();
            reader.advance(&log, bytes);
        }
        assert!(reader.next() >= 1000);
        let mut newcomer = with_times(&mut log);
        newcomer.rewind(10);
        assert!(newcomer.is_in_past(&log));
    }

    #[test]
    fn a_view_makes_no_session_larger() {
        assert_eq!((size_of::<Encoding>(), size_of::<Reader>()), (4, 32));
    }

    #[test]
    fn an_image_may_be_larger_than_32_bits_can_count() {
        let mut log = Log::new("room", "", Limits { bytes_max: 400, records_max: 10 });
        log.acquire(JSON);
        let whole = |log: &Log, seq| {
            let (front, back) = log.span(JSON, seq, seq + 1);
            String::from_utf8([front, back].concat()).expect("UTF-8")
        };
        for number in 0..100 {
            let seq = say(&mut log, &format!("{number}"));
            assert!(whole(&log, seq).contains(&format!("\"text\":\"{number}\"")));
            log.assert_limits();
        }
        let image = log.image(JSON);
        assert!(image.start > u32::MAX.into() && log.start > u32::MAX.into());
    }
}
