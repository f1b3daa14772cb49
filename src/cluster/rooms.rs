//! Rooms in the engine. Each is a stream whose entries have the numbers of its lines as their
//! ids (`17-0`).

use redis::{Cmd, RedisResult, Value};

use super::engine::{Engine, random_name};
use super::entries::{Raw, entries};
use crate::wire::{
    Change, Facts, From, Kind, Page, Past, RoomKey, Rules, SharedLine, Submission, Tail, Text,
    Time, parse_range,
};

/// Lines and bytes of one call of the script, which holds up everybody else.
const CALL_LINES_MAX: usize = 128;
const CALL_BYTES_MAX: usize = 256 * 1024;

/// How long a room is kept in which nothing happens.
const ROOM_SECONDS: u32 = 30 * 24 * 3600;

/// The longest sender of a line in bytes.
const FROM_BYTES_MAX: usize = 255;

/// Lines of a page of the past.
const PAGE_LINES: u64 = 200;

/// What a server knows of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// Names the counting.
    pub run: Box<str>,
    /// The number of the newest line.
    pub newest: u64,
}

/// Where a room stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub known: Known,
    /// The number of the last line before this counting.
    pub base: u64,
    pub topic: Box<str>,
    pub rules: Rules,
    /// The numbers of lines that were taken out: the first and the last one of each time.
    pub cleared: Vec<(u64, u64)>,
}

/// An entry of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub number: u64,
    /// Names the counting.
    pub run: &'a str,
    /// Which server has added it, and what it counted then.
    pub server: &'a str,
    pub count: u64,
    pub is_late: bool,
    pub line: SharedLine,
}

impl Engine {
    /// Where a room stands. It is opened if it isn't there, and counts anew if lines were lost
    /// that are known.
    pub fn open(&mut self, room: &RoomKey, known: &Known) -> RedisResult<Standing> {
        let mut call = self.open.key(key(room, "log"));
        call.key(key(room, "meta")).arg(random_name()).arg(ROOM_SECONDS);
        call.arg(&*known.run).arg(known.newest).arg(&*self.instance);
        type State = (u64, String, u64, String, String, String);
        let (newest, run, base, topic, rules, cleared): State =
            call.invoke(&mut self.connection)?;
        let known = Known { run: run.into(), newest };
        let (topic, rules) = (topic.into(), Rules::parse(&rules));
        let cleared = cleared.split(' ').filter_map(parse_range).collect();
        Ok(Standing { known, base, topic, rules, cleared })
    }

    /// Adds to a room what this server has and the room hasn't, in its order. `behind` is how far
    /// the clock here is behind the engine's, in seconds. Gives where the room stands then, and why
    /// lines were not taken out that should be.
    pub fn append(
        &mut self,
        room: &RoomKey,
        incarnation: &str,
        lines_max: usize,
        known: &Known,
        behind: i64,
        submissions: &[&Submission],
    ) -> RedisResult<(Known, Option<String>)> {
        let (mut known, mut refused) = (known.clone(), None);
        let mut rest = submissions;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(call_length(rest));
            let mut call = self.append.key(key(room, "log"));
            call.key(key(room, "meta")).key(own_key(room, incarnation));
            call.arg(random_name()).arg(lines_max).arg(ROOM_SECONDS).arg(incarnation);
            call.arg(&*known.run).arg(known.newest).arg(behind);
            call.arg(&*self.instance);
            for Submission { count, line, .. } in now {
                let SharedLine { author, time, kind, from, text, facts, change } = line;
                call.arg(count).arg(author).arg(time).arg(word(*kind));
                call.arg(&**from).arg(&**text);
                call.arg(change.as_ref().map_or(String::new(), Change::text)).arg(&**facts);
            }
            let (newest, run, why): (u64, String, String) = call.invoke(&mut self.connection)?;
            (known, rest) = (Known { run: run.into(), newest }, later);
            refused = refused.or(Some(why).filter(|why| !why.is_empty()));
        }
        Ok((known, refused))
    }

    /// The newest lines of a room up to this number, oldest first.
    fn tail(&mut self, room: &RoomKey, newest: u64, lines: usize) -> RedisResult<Vec<Past>> {
        let mut command = redis::cmd("XREVRANGE");
        command.arg(key(room, "log")).arg(id(newest)).arg("-").arg("COUNT").arg(lines);
        let mut lines = self.lines(&command)?;
        lines.reverse();
        Ok(lines)
    }

    /// How a room goes on, and the end of what was said.
    pub fn room(&mut self, room: &RoomKey, incarnation: &str, lines: usize) -> RedisResult<Tail> {
        let Standing { known, topic, rules, cleared, .. } = self.open(room, &Known::default())?;
        let lines = self.tail(room, known.newest, lines)?;
        // Nobody else adds lines of this server, so it belongs to that.
        let submitted = self.submitted(room, incarnation)?;
        Ok(Tail {
            is_known: known.newest > 0,
            name: room.name.clone(),
            next: known.newest + 1,
            run: Some(known.run),
            topic,
            rules,
            cleared,
            lines,
            submitted,
            is_interrupted: false,
        })
    }

    /// The count of the newest line that a server has added to a room.
    fn submitted(&mut self, room: &RoomKey, incarnation: &str) -> RedisResult<u64> {
        let mut command = redis::cmd("GET");
        command.arg(own_key(room, incarnation));
        Ok(command.query::<Option<u64>>(&mut self.connection)?.unwrap_or(0))
    }

    /// A part of the past of a room.
    pub fn page(&mut self, room: &RoomKey, from: From, before: u64) -> RedisResult<Page> {
        let oldest = self.oldest(room, 1, before)?.map_or(0, |(number, _)| number);
        let first = match from {
            From::After(number) => number + 1,
            From::Last(lines) => before.saturating_sub(lines),
            From::Since(time) => self.first_since(room, time, oldest, before)?,
        };
        let first = first.max(oldest);
        let last = before.saturating_sub(1).min(first + PAGE_LINES - 1);
        let mut page = Page { oldest, ..Page::default() };
        if oldest == 0 || first > last {
            return Ok(page);
        }
        let mut command = redis::cmd("XRANGE");
        command.arg(key(room, "log")).arg(id(first)).arg(id(last));
        page.items = self.lines(&command)?;
        page.count = before - first;
        page.next = (last + 1 < before).then_some(last);
        Ok(page)
    }

    /// The number and the time of the first line from a number on, before another one.
    fn oldest(
        &mut self,
        room: &RoomKey,
        from: u64,
        before: u64,
    ) -> RedisResult<Option<(u64, Time)>> {
        let mut command = redis::cmd("XRANGE");
        let last = before.saturating_sub(1);
        command.arg(key(room, "log")).arg(id(from)).arg(id(last)).arg("COUNT").arg(1);
        let lines = self.lines(&command)?;
        Ok(lines.first().and_then(|line| match line {
            Past::Line { number, time, .. } => Some((*number, *time)),
            Past::Lost(_) => None,
        }))
    }

    /// The number of the first line that was said at a time or later, between two numbers.
    fn first_since(
        &mut self,
        room: &RoomKey,
        time: Time,
        oldest: u64,
        before: u64,
    ) -> RedisResult<u64> {
        let (mut low, mut high) = (oldest, before);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.oldest(room, middle, before)? {
                Some((number, said)) if said < time => low = number + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    fn lines(&mut self, command: &Cmd) -> RedisResult<Vec<Past>> {
        let stream: Value = command.query(&mut self.connection)?;
        let lines = entries(&stream).filter_map(|raw| {
            let Entry { number, line, .. } = Entry::parse(raw.number()?, raw)?;
            let SharedLine { time, kind, from, text, facts, .. } = line;
            Some(Past::Line { number, time, kind, from, text, facts })
        });
        Ok(lines.collect())
    }
}

impl<'a> Entry<'a> {
    /// `None` if it isn't one of ours.
    pub fn parse(number: u64, raw: Raw<'a>) -> Option<Entry<'a>> {
        let kind = kind(raw.text("k")?)?;
        let facts = raw.text("v").filter(|_| matches!(kind, Kind::Notice | Kind::Presence));
        let line = SharedLine {
            author: raw.count("a")?,
            time: Time::try_from(raw.count("t")?).ok()?,
            kind,
            from: clean(raw.text("f")?, FROM_BYTES_MAX),
            text: clean(raw.text("x")?, usize::MAX),
            facts: facts.map(Facts::check).unwrap_or_default(),
            change: match raw.text("o") {
                Some(topic) => Some(Change::Topic(clean(topic, usize::MAX))),
                None => raw.text("y").and_then(Change::parse),
            },
        };
        Some(Entry {
            number,
            run: raw.text("r")?,
            server: raw.text("i")?,
            count: raw.count("n")?,
            is_late: raw.text("l")? == "1",
            line,
        })
    }
}

/// A text of another server, which may be anybody's who can write to the engine.
fn clean(text: &str, bytes_max: usize) -> Box<str> {
    let text = &text[..text.floor_char_boundary(bytes_max)];
    Text::clean(text.as_bytes()).as_str().into()
}

/// How many submissions are added in one call.
fn call_length(submissions: &[&Submission]) -> usize {
    let mut bytes = 0;
    let fits = |submission: &&&Submission| {
        bytes += submission.line.bytes();
        bytes <= CALL_BYTES_MAX
    };
    submissions.iter().take(CALL_LINES_MAX).take_while(fits).count().max(1)
}

/// The key of a part of a room. Rooms that look alike are one.
pub(super) fn key(room: &RoomKey, part: &str) -> String {
    format!("{{rc:{}}}:{part}", room.looks[1])
}

/// The key of what a server has added to a room.
fn own_key(room: &RoomKey, incarnation: &str) -> String {
    key(room, &format!("p:{incarnation}"))
}

/// The id of the line with this number.
pub(super) fn id(number: u64) -> String {
    format!("{number}-0")
}

/// A kind as it is shared.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Act => "act",
        Kind::Notice => "notice",
        Kind::Presence => "presence",
        Kind::Said | Kind::Received | Kind::Sent => "said",
    }
}

fn kind(word: &str) -> Option<Kind> {
    match word {
        "said" => Some(Kind::Said),
        "act" => Some(Kind::Act),
        "notice" => Some(Kind::Notice),
        "presence" => Some(Kind::Presence),
        _ => None,
    }
}
