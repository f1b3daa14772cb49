//! Lines as they were said, and as they are in an encoding.

use std::borrow::Cow;

use super::{Line, Log, Record, Seq};
use crate::chat::ids::ClientId;
use crate::chat::room::ring::slices;
use crate::wire::{Encoding, Kind, Message, Past, Time};

/// A line that was said.
#[derive(Debug)]
pub(in crate::chat) struct Read<'a> {
    /// Whose line it is, or the null key.
    pub author: ClientId,
    pub time: Time,
    pub kind: Kind,
    bytes: Cow<'a, [u8]>,
    from_bytes: usize,
}

impl Read<'_> {
    /// The sender's name; empty if it is the server.
    pub fn from(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes[..self.from_bytes])
    }

    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes[self.from_bytes..])
    }
}

impl Log {
    /// Adds a line to `bytes` as it is in an encoding for the client with the name
    /// `reader`.
    pub fn encode(&self, seq: Seq, encoding: Encoding, reader: &str, bytes: &mut Vec<u8>) {
        let (record, whole) = self.stored(seq);
        let (from, text, facts) = record.split(&whole);
        let [from, facts] = [from, facts].map(|it| std::str::from_utf8(it).unwrap_or_default());
        let Record { author, kind, time, .. } = *record;
        let line = Line { author, kind, time, from, text, facts };
        let (number, run) = (self.own_number(seq), self.run_of(seq));
        self.encode_line(number, run, &line, encoding, reader, bytes);
    }

    fn encode_line(
        &self,
        number: Option<u64>,
        run: &str,
        line: &Line,
        encoding: Encoding,
        reader: &str,
        bytes: &mut Vec<u8>,
    ) {
        let Line { kind, time, from, text, facts, .. } = *line;
        let (zone, room, to, answered) = (&self.zone, &*self.room, "", None);
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
        encoding.encode(&message, bytes);
    }

    /// What is kept of a line, and its bytes in one piece.
    fn stored(&self, seq: Seq) -> (&Record, Vec<u8>) {
        let record = &self.records[self.index(seq)];
        let begin = self.begin(seq) - self.start;
        let (front, back) = slices(&self.bytes, begin, record.end - self.start);
        (record, [front, back].concat())
    }

    /// A line as it was said.
    pub fn line(&self, seq: Seq) -> Read<'_> {
        let record = &self.records[self.index(seq)];
        let (start, end) = (self.begin(seq) - self.start, record.end - self.start);
        let (front, back) = slices(&self.bytes, start, end);
        let bytes = match back {
            [] => front.into(),
            _ => [front, back].concat().into(),
        };
        let Record { author, time, kind, from_bytes, .. } = *record;
        Read { author, time, kind, bytes, from_bytes: from_bytes.into() }
    }

    /// Adds what the store has of this room to `bytes`, if it is a line.
    pub fn encode_past(&self, past: &Past, encoding: Encoding, reader: &str, bytes: &mut Vec<u8>) {
        if let Past::Line { number, time, kind, from, text, facts } = past {
            let (author, kind, time) = (ClientId::default(), *kind, *time);
            let line = Line { author, kind, time, from, text: text.as_bytes(), facts };
            self.encode_line(Some(*number), self.run(), &line, encoding, reader, bytes);
        }
    }

    /// The newest lines that somebody said of whom `is_wanted`, newest first and so many at most;
    /// and the place of the first line that was looked at, of `records_max`.
    pub fn find_last(
        &self,
        lines_max: usize,
        records_max: usize,
        is_wanted: impl Fn(&str) -> bool,
    ) -> (Vec<Past>, Seq) {
        let first = self.next().saturating_sub(records_max as u64).max(self.first);
        let is_by = |seq: &Seq| {
            let record = &self.records[self.index(*seq)];
            let begin = self.begin(*seq) - self.start;
            let end = begin + u64::from(record.from_bytes);
            let (front, back) = slices(&self.bytes, begin, end);
            let joined = [front, back].concat();
            matches!(record.kind, Kind::Said | Kind::Act)
                && is_wanted(str::from_utf8(&joined).unwrap_or_default())
        };
        let found = (first..self.next()).rev().filter(is_by).take(lines_max);
        (found.map(|seq| self.past(seq)).collect(), first)
    }

    /// A line as the store has it; without a number of its own, 0.
    fn past(&self, seq: Seq) -> Past {
        let (record, whole) = self.stored(seq);
        let (from, text, facts) = record.split(&whole);
        let [from, text, facts] =
            [from, text, facts].map(|part| String::from_utf8_lossy(part).into());
        let (number, Record { time, kind, .. }) = (self.own_number(seq).unwrap_or(0), *record);
        Past::Line { number, time, kind, from, text, facts }
    }
}
