//! The log of a room: the lines said in it, newest last, each stored once for
//! all who read it.
//!
//! A log holds the half-open range `first..next` of line numbers. Each line
//! has a record (who said it, where it ends) and its bytes in one image per
//! wire format in use. The log knows readers only by the cursors they bring.

use std::collections::VecDeque;

use super::ClientId;
use crate::wire::Format;

/// The number of a line in its room. The first line has number 0.
pub(super) type Seq = u64;

/// No such line.
pub(super) const NONE: Seq = Seq::MAX;

/// How much of the past a log keeps. It always keeps the newest line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes of lines, encoded with [`Format::Lf`].
    pub bytes_max: usize,
    /// Lines.
    pub records_max: usize,
}

/// The lines of a room.
#[derive(Debug)]
pub(super) struct Log {
    limits: Limits,
    first: Seq,
    records: VecDeque<Record>,
    /// By format; made when the first reader with that format comes.
    images: [Option<Image>; Format::COUNT],
}

/// Bytes of memory that a line takes besides its text.
pub(super) const RECORD_BYTES: usize = size_of::<Record>();

/// A line to be added.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Who must not get the line back, or the null key.
    pub author: ClientId,
    pub kind: Kind,
    /// When it was said.
    pub time: Time,
    /// What it is made of: what stands before the sender's name, that name,
    /// what stands behind it, and the text.
    pub parts: [&'a [u8]; PARTS],
}

/// What a line is made of.
pub(super) const PARTS: usize = 4;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Somebody said it.
    Said,
    /// Somebody did it (`/me`).
    Act,
    /// The server says it.
    Notice,
    /// The server says who came, went or has another name.
    Presence,
}

/// Seconds since the server's start.
pub(super) type Time = u32;

/// One line, without its bytes.
#[derive(Clone, Copy, Debug)]
struct Record {
    /// Who must not get the line back, or the null key.
    author: ClientId,
    time: Time,
    kind: Kind,
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
    pub fn new(limits: Limits) -> Self {
        assert!(limits.records_max > 0);
        let mut images = [const { None }; Format::COUNT];
        images[Format::Lf as usize] = Some(Image::default());
        Log { limits, first: 0, records: VecDeque::new(), images }
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
        let Line { author, kind, time, parts } = line;
        let seq = self.next();
        let bytes: usize = parts.iter().map(|part| part.len()).sum::<usize>() + 1;
        self.trim(bytes);
        let mut ends = [0; Format::COUNT];
        for format in Format::ALL {
            if let Some(image) = &mut self.images[format as usize] {
                image.append(parts, format, self.limits);
                ends[format as usize] = image.end();
            }
        }
        self.records.push_back(Record {
            author: *author,
            time: *time,
            kind: *kind,
            next_own: 0,
            ends,
        });
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

    /// The first line by `author` from `from` on, or `NONE`, and how many
    /// there are. Looks at every line; for a reader that fell out of the log.
    pub fn find_own(&self, author: ClientId, from: Seq) -> (Seq, u64) {
        let start = self.index(from);
        let mut own = (start..self.records.len()).filter(|&at| self.records[at].author == author);
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
            let end = if back.is_empty() {
                (&front[..front.len() - 1], back)
            } else {
                (front, &back[..back.len() - 1])
            };
            image.append(&[end.0, end.1], format, self.limits);
            let at = self.index(seq);
            self.records[at].ends[format as usize] = image.end();
        }
        self.images[format as usize] = Some(image);
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

    fn append(&mut self, parts: &[&[u8]], format: Format, limits: Limits) {
        let bytes: usize =
            parts.iter().map(|part| part.len()).sum::<usize>() + format.line_end().len();
        let needed = self.bytes.len() + bytes;
        // Double, as a vector would, but not past what the limits allow: a byte
        // more a line is what the formats differ by.
        if needed > self.bytes.capacity() {
            let capacity_max = limits.bytes_max + limits.records_max;
            let capacity = (2 * self.bytes.capacity()).min(capacity_max).max(needed);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        for part in parts {
            self.bytes.extend(*part);
        }
        self.bytes.extend(format.line_end());
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
