//! The log of a room: the lines said in it, newest last, each stored once for
//! all who read it.
//!
//! A log holds the half-open range `first..next` of line numbers. Each line
//! has a record (who said it, where it ends) and its bytes in one image per
//! wire format in use. The log knows readers only by the cursors they bring.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::chat::ClientId;
use crate::wire::{Format, JSON_BYTES_MAX, Json};

/// The number of a line in its room. The first line has number 0.
pub(in crate::chat) type Seq = u64;

/// No such line.
pub(in crate::chat) const NONE: Seq = Seq::MAX;

/// How much of the past a log keeps. It always keeps the newest line.
#[derive(Clone, Copy, Debug)]
pub(in crate::chat) struct Limits {
    /// Bytes of lines, encoded with [`Format::Lf`].
    pub bytes_max: usize,
    /// Lines.
    pub records_max: usize,
}

/// The lines of a room.
#[derive(Debug)]
pub(in crate::chat) struct Log {
    /// The name of the room, for the formats that say it.
    room: Box<str>,
    limits: Limits,
    /// Authors get back what they say.
    has_echo: bool,
    first: Seq,
    records: VecDeque<Record>,
    /// By format; made when the first reader with that format comes.
    images: [Option<Image>; Format::COUNT],
}

/// Bytes of memory that a line takes besides its text.
const RECORD_BYTES: usize = size_of::<Record>();

/// A line to be added.
#[derive(Clone, Copy, Debug)]
pub(in crate::chat) struct Line<'a> {
    /// Whose line it is, or the null key.
    pub author: ClientId,
    pub kind: Kind,
    /// When it was said.
    pub time: Time,
    /// What it is made of: what stands before the sender's name, that name,
    /// what stands behind it, and the text.
    pub parts: &'a [&'a [u8]; PARTS],
}

/// What a line is made of.
pub(in crate::chat) const PARTS: usize = 4;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat) enum Kind {
    /// Somebody said it.
    Said,
    /// Somebody did it (`/me`).
    Act,
    /// The server says it.
    Notice,
    /// The server says who came, went or has another name.
    Presence,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::Said => "said",
            Kind::Act => "act",
            Kind::Notice => "notice",
            Kind::Presence => "presence",
        }
    }
}

/// Seconds since 1970, by the clock on the wall. Good until 2106.
pub(in crate::chat) type Time = u32;

/// A time as programs write it (RFC 3339).
pub(in crate::chat) fn rfc3339(time: Time) -> String {
    Timestamp::from_second(time.into()).map_or_else(|_| String::new(), |time| time.to_string())
}

/// One line, without its bytes.
#[derive(Clone, Copy, Debug)]
struct Record {
    /// Whose line it is, or the null key.
    author: ClientId,
    time: Time,
    kind: Kind,
    /// The lengths of the parts before the text.
    head: [u8; PARTS - 1],
    /// How many lines on the author's next one is; 0 if there is none so far.
    next_own: u32,
    /// Where the line ends in each image.
    ends: [Offset; Format::COUNT],
}

/// A place in an image: the number of bytes since the begin of time, modulo
/// 2^32. Only differences within an image mean something, and a log is smaller
/// than that.
type Offset = u32;

/// Where an image starts, so that offsets wrap soon and a mistake shows.
const OFFSET_START: Offset = Offset::MAX - 1000;

/// All lines of the log in one wire format, one after the other.
#[derive(Debug)]
struct Image {
    /// The offset of the front of `bytes`.
    start: Offset,
    bytes: VecDeque<u8>,
}

impl Log {
    pub fn new(room: &str, limits: Limits) -> Self {
        assert!(limits.records_max > 0);
        let mut images = [const { None }; Format::COUNT];
        images[Format::Lf as usize] = Some(Image::default());
        let (first, records, has_echo) = (0, VecDeque::new(), false);
        Log { room: room.into(), limits, has_echo, first, records, images }
    }

    /// The same log, whose authors get back what they say if `has_echo`.
    pub fn with_echo(self, has_echo: bool) -> Self {
        Log { has_echo, ..self }
    }

    /// Bytes of memory that the log takes at most, with every format in use but
    /// JSON, and what JSON adds.
    pub fn bytes_max(limits: Limits) -> (usize, usize) {
        let image = |format| Image::bytes_max(format, limits);
        let text = image(Format::Lf) + image(Format::CrLf);
        (text + limits.records_max * RECORD_BYTES, image(Format::Json))
    }

    /// The oldest line that is still here (`next()` if there is none).
    pub fn first(&self) -> Seq {
        self.first
    }

    /// The number that the next line will get.
    pub fn next(&self) -> Seq {
        self.first + self.records.len() as u64
    }

    /// Adds a line made of `parts` and drops old ones beyond the limits. This
    /// is the one place where the order of lines is made.
    pub fn append(&mut self, line: &Line) -> Seq {
        let Line { author, kind, time, parts } = *line;
        let seq = self.next();
        let bytes: usize = parts.iter().map(|part| part.len()).sum::<usize>() + 1;
        self.trim(bytes);
        let head = [parts[0], parts[1], parts[2]].map(|part| part.len() as u8);
        let mut record = Record { author, time, kind, head, next_own: 0, ends: [0; Format::COUNT] };
        for format in Format::ALL {
            if let Some(image) = &mut self.images[format as usize] {
                match format {
                    Format::Json => {
                        image.add(&[&json(&self.room, seq, &record, parts)], self.limits, format)
                    }
                    _ => image.add(
                        &[parts[0], parts[1], parts[2], parts[3], format.line_end()],
                        self.limits,
                        format,
                    ),
                }
                record.ends[format as usize] = image.end();
            }
        }
        self.records.push_back(record);
        seq
    }

    /// Says that `seq` is the author's next line after `previous`.
    pub fn link_own(&mut self, previous: Seq, seq: Seq) {
        if let Some(record) = previous.checked_sub(self.first) {
            self.records[record as usize].next_own = (seq - previous) as u32;
        }
    }

    /// The next line by the author of line `seq`, or `NONE`.
    pub fn next_own(&self, seq: Seq) -> Seq {
        match self.records[self.index(seq)].next_own {
            0 => NONE,
            lines => seq + Seq::from(lines),
        }
    }

    /// The first line from `from` on that `author` doesn't get back, or `NONE`,
    /// and how many there are. Looks at every line; for a reader that fell out of the log.
    pub fn find_own(&self, author: ClientId, from: Seq) -> (Seq, u64) {
        let start = self.index(from);
        let is_own = |record: &Record| {
            // With echo it is only what the server says of its author.
            record.author == author && (!self.has_echo || record.kind == Kind::Presence)
        };
        let mut own = (start..self.records.len()).filter(|&at| is_own(&self.records[at]));
        match own.next() {
            Some(at) => (self.first + at as u64, 1 + own.count() as u64),
            None => (NONE, 0),
        }
    }

    /// Makes the image of `format`, from the lines that are here.
    pub fn add_image(&mut self, format: Format) {
        if self.images[format as usize].is_some() {
            return;
        }
        let mut image = Image::default();
        for seq in self.first..self.next() {
            // Every line ends with LF in that image, and has no other one.
            let (front, back) = self.span(Format::Lf, seq, seq + 1);
            let line = [front, back].concat();
            let line = &line[..line.len() - 1];
            let at = self.index(seq);
            let record = &self.records[at];
            match format {
                Format::Json => {
                    let parts = record.split(line);
                    image.add(&[&json(&self.room, seq, record, &parts)], self.limits, format);
                }
                _ => image.add(&[line, format.line_end()], self.limits, format),
            }
            self.records[at].ends[format as usize] = image.end();
        }
        self.images[format as usize] = Some(image);
    }

    /// Who said line `seq`, and what it is.
    pub fn about(&self, seq: Seq) -> (ClientId, Kind) {
        let record = &self.records[self.index(seq)];
        (record.author, record.kind)
    }

    /// When line `seq` was said.
    pub fn time(&self, seq: Seq) -> Time {
        self.records[self.index(seq)].time
    }

    /// The bytes of the lines `from..to`; in two pieces where the ring wraps.
    pub fn span(&self, format: Format, from: Seq, to: Seq) -> (&[u8], &[u8]) {
        let start = self.offset(format, from);
        let end = self.offset(format, to);
        self.image(format).slices(start, end)
    }

    /// How many bytes (with [`Format::Lf`]) the lines from `from` on are.
    pub fn bytes_from(&self, from: Seq) -> usize {
        let from = from.clamp(self.first, self.next());
        let (start, end) = (self.offset(Format::Lf, from), self.offset(Format::Lf, self.next()));
        end.wrapping_sub(start) as usize
    }

    /// Where a reader stands who has taken `bytes` from line `from` on: the
    /// next whole line, and the rest of the line before it that is still due.
    pub fn advance(&self, format: Format, from: Seq, bytes: usize) -> (Seq, (&[u8], &[u8])) {
        let image = self.image(format);
        let offset = self.offset(format, from).wrapping_add(bytes as Offset);
        if bytes == 0 {
            return (from, image.slices(offset, offset));
        }
        let is_before =
            |record: &Record| image.place(record.ends[format as usize]) < image.place(offset);
        let at = self.records.partition_point(is_before);
        let end = self.records[at].ends[format as usize];
        (self.first + at as u64 + 1, image.slices(offset, end))
    }

    /// Panics if the log is larger than its limits allow.
    pub fn assert_limits(&self) {
        let bytes = self.bytes_from(self.first);
        let is_one = self.records.len() == 1;
        assert!(is_one || bytes <= self.limits.bytes_max, "{bytes} bytes in the log");
        assert!(self.records.len() <= self.limits.records_max, "{} lines", self.records.len());
    }

    /// Makes place for a line of `bytes`. Drops about as many bytes as are
    /// added, so the work of one call is bounded by the length of a line.
    fn trim(&mut self, bytes: usize) {
        while !self.records.is_empty()
            && (self.records.len() >= self.limits.records_max
                || self.bytes_from(self.first) + bytes > self.limits.bytes_max)
        {
            let record = self.records.pop_front().expect("the loop's condition");
            self.first += 1;
            for (image, end) in self.images.iter_mut().zip(record.ends) {
                if let Some(image) = image {
                    image.drop_before(end);
                }
            }
        }
    }

    /// Where line `seq` begins in an image (where it ends, for the last one).
    fn offset(&self, format: Format, seq: Seq) -> Offset {
        match self.index(seq) {
            0 => self.image(format).start,
            at => self.records[at - 1].ends[format as usize],
        }
    }

    fn index(&self, seq: Seq) -> usize {
        debug_assert!((self.first..=self.next()).contains(&seq), "line {seq} isn't in the log");
        (seq - self.first) as usize
    }

    fn image(&self, format: Format) -> &Image {
        self.images[format as usize].as_ref().expect("a reader's format has an image")
    }
}

impl Record {
    /// Takes the bytes of a line apart again.
    fn split<'a>(&self, line: &'a [u8]) -> [&'a [u8]; PARTS] {
        let mut rest = line;
        let [before, from, after] = self.head.map(|bytes| {
            let (part, others) = rest.split_at(bytes.into());
            rest = others;
            part
        });
        [before, from, after, rest]
    }
}

/// A line as JSON. The bytes are UTF-8, because only raw mode has others.
fn json(room: &str, seq: Seq, record: &Record, parts: &[&[u8]; PARTS]) -> Vec<u8> {
    let [from, text] = [parts[1], parts[3]].map(String::from_utf8_lossy);
    Json {
        seq: Some(seq + 1),
        said_at: &rfc3339(record.time),
        room,
        from: (!from.is_empty()).then_some(&from),
        kind: record.kind.as_str(),
        text: &text,
    }
    .encode()
}

impl Default for Image {
    fn default() -> Self {
        Image { start: OFFSET_START, bytes: VecDeque::new() }
    }
}

impl Image {
    fn end(&self) -> Offset {
        self.start.wrapping_add(self.bytes.len() as Offset)
    }

    /// Where in `bytes` an offset is.
    fn place(&self, offset: Offset) -> usize {
        offset.wrapping_sub(self.start) as usize
    }

    /// The largest that an image gets.
    fn bytes_max(format: Format, limits: Limits) -> usize {
        match format {
            // A byte more a line.
            Format::Lf | Format::CrLf => limits.bytes_max + limits.records_max,
            Format::Json => 2 * limits.bytes_max + limits.records_max * JSON_BYTES_MAX,
        }
    }

    fn add(&mut self, parts: &[&[u8]], limits: Limits, format: Format) {
        let needed = self.bytes.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        // Double, as a vector would, but not past what the limits allow.
        if needed > self.bytes.capacity() {
            let capacity_max = Self::bytes_max(format, limits);
            let capacity = (2 * self.bytes.capacity()).min(capacity_max).max(needed);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        for part in parts {
            self.bytes.extend(*part);
        }
    }

    fn drop_before(&mut self, offset: Offset) {
        self.bytes.drain(..self.place(offset));
        self.start = offset;
    }

    fn slices(&self, start: Offset, end: Offset) -> (&[u8], &[u8]) {
        let (start, end) = (self.place(start), self.place(end));
        let (front, back) = self.bytes.as_slices();
        let split = front.len();
        let front = &front[start.min(split)..end.min(split)];
        (front, &back[start.max(split) - split..end.max(split) - split])
    }
}
