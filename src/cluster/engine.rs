//! One connection to the engine, and what is asked of it: Redis 6.2 or later, or Valkey.
//!
//! A room is a stream whose entries have the numbers of its lines as their ids (`17-0`); what is
//! no line has a second number (`17-1`). After any error the connection is given up: replies
//! that come late would be taken for others.

use std::collections::HashMap;
use std::time::Duration;

use redis::{Client, Cmd, Connection, ConnectionInfo, RedisError, RedisResult, Script, Value};

use crate::wire::{Kind, Past, RoomKey, Shared, Time};

/// Connecting, and each answer that isn't waited for on purpose.
pub(super) const ANSWER_TIME: Duration = Duration::from_millis(1500);

/// Lines and bytes of one call of the script, which holds up everybody else.
const CALL_LINES_MAX: usize = 128;
const CALL_BYTES_MAX: usize = 256 * 1024;

/// Entries of a room that are read at once.
const ENTRIES_MAX: usize = 512;

/// A name of a stream's entry: the number of a line, and how much came after that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub number: u64,
    pub after: u64,
}

/// Where a room stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// The newest entry.
    pub place: Place,
    /// Names the counting of lines.
    pub run: Box<str>,
    pub topic: Box<str>,
}

/// An entry of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub place: Place,
    /// Which server has added it, and what it counted then.
    pub incarnation: Box<str>,
    pub count: u64,
    pub is_late: bool,
    pub what: Shared,
}

/// Something that is to be added to a room.
#[derive(Clone, Debug)]
pub(super) struct Submission {
    /// Counts the lines of this server.
    pub count: u64,
    pub is_late: bool,
    pub what: Shared,
}

/// A connection.
pub(super) struct Engine {
    connection: Connection,
    append: Script,
    open: Script,
    /// The newest wake-up that was seen.
    woken: Box<str>,
}

impl Engine {
    /// Connects, and sees that it is alive.
    pub fn connect(info: &ConnectionInfo) -> RedisResult<Engine> {
        let client = Client::open(info.clone())?;
        let mut connection = client.get_connection_with_timeout(ANSWER_TIME)?;
        connection.set_read_timeout(Some(ANSWER_TIME))?;
        connection.set_write_timeout(Some(ANSWER_TIME))?;
        redis::cmd("PING").exec(&mut connection)?;
        let (append, open) = (Script::new(include_str!("append.lua")), include_str!("open.lua"));
        Ok(Engine { connection, append, open: Script::new(open), woken: "0-0".into() })
    }

    pub fn ping(&mut self) -> RedisResult<()> {
        redis::cmd("PING").exec(&mut self.connection)
    }

    /// What the engine does when its memory is full; `noeviction` is right. `None` if it doesn't
    /// say.
    pub fn eviction(&mut self) -> Option<String> {
        let mut info = redis::cmd("INFO");
        let text: String = info.arg("memory").query(&mut self.connection).ok()?;
        let policy = text.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"));
        policy.map(|policy| policy.trim().to_owned())
    }

    /// Where a room stands. It is opened if it isn't there, or if its counting is `over`.
    pub fn open(&mut self, room: &RoomKey, over: &str) -> RedisResult<Standing> {
        let mut call = self.open.key(key(room, "log"));
        call.key(key(room, "meta")).arg(random_name()).arg(over);
        let (number, after, run, topic): (u64, u64, String, String) =
            call.invoke(&mut self.connection)?;
        let place = Place { number, after };
        Ok(Standing { place, run: run.into(), topic: topic.into() })
    }

    /// Adds to a room what this server has and the room hasn't, in its order. Gives the name of
    /// the counting.
    pub fn append(
        &mut self,
        room: &RoomKey,
        incarnation: &str,
        lines_max: usize,
        submissions: &[Submission],
    ) -> RedisResult<Box<str>> {
        let mut run = String::new();
        let mut rest = submissions;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(call_length(rest));
            let mut call = self.append.key(key(room, "log"));
            call.key(key(room, "meta")).key(key(room, &format!("p:{incarnation}")));
            call.arg(random_name()).arg(lines_max).arg(incarnation);
            for Submission { count, is_late, what } in now {
                call.arg(count).arg(u8::from(*is_late));
                match what {
                    Shared::Line { time, kind, from, text } => {
                        call.arg(time).arg(word(*kind)).arg(&**from).arg(&**text)
                    }
                    Shared::Topic(topic) => call.arg(0).arg("topic").arg("").arg(&**topic),
                };
            }
            let (_, e): (u64, String) = call.invoke(&mut self.connection)?;
            (run, rest) = (e, later);
        }
        Ok(run.into())
    }

    /// Waits until something comes after these places of rooms, or somebody wakes this
    /// incarnation; `block` at most. Gives new entries with the indices of their rooms.
    pub fn read(
        &mut self,
        incarnation: &str,
        rooms: &[(&RoomKey, Place)],
        block: Duration,
    ) -> RedisResult<Vec<(usize, Entry)>> {
        let wake = wake_key(incarnation);
        let keys: Vec<_> = rooms.iter().map(|(room, _)| key(room, "log")).collect();
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(ENTRIES_MAX);
        command.arg("BLOCK").arg(block.as_millis() as u64).arg("STREAMS");
        command.arg(&wake).arg(&keys).arg(&*self.woken);
        for (_, place) in rooms {
            command.arg(place.id());
        }
        self.connection.set_read_timeout(Some(block + ANSWER_TIME))?;
        type Entries = Vec<(String, HashMap<String, Value>)>;
        let answer: Option<Vec<(String, Entries)>> = command.query(&mut self.connection)?;
        self.connection.set_read_timeout(Some(ANSWER_TIME))?;
        let mut found = Vec::new();
        for (key, entries) in answer.unwrap_or_default() {
            match keys.iter().position(|other| *other == key) {
                Some(at) => {
                    found.extend(entries.iter().filter_map(|it| Some((at, Entry::parse(it)?))));
                }
                None => {
                    self.woken = entries.last().map_or("0-0", |(id, _)| id).into();
                }
            }
        }
        Ok(found)
    }

    /// Makes the one who reads for this incarnation look up.
    pub fn wake(&mut self, incarnation: &str) -> RedisResult<()> {
        let key = wake_key(incarnation);
        let mut wake = redis::cmd("XADD");
        wake.arg(&key).arg("MAXLEN").arg(1).arg("*").arg("w").arg(1).exec(&mut self.connection)?;
        redis::cmd("EXPIRE").arg(&key).arg(60).exec(&mut self.connection)
    }

    /// The newest lines of a room up to this place, oldest first.
    pub fn tail(&mut self, room: &RoomKey, until: Place, lines: usize) -> RedisResult<Vec<Past>> {
        let mut command = redis::cmd("XREVRANGE");
        command.arg(key(room, "log")).arg(until.id()).arg("-").arg("COUNT").arg(lines);
        self.lines(&command).map(|mut lines| {
            lines.reverse();
            lines
        })
    }

    fn lines(&mut self, command: &Cmd) -> RedisResult<Vec<Past>> {
        let entries: Vec<(String, HashMap<String, Value>)> = command.query(&mut self.connection)?;
        let lines = entries.iter().filter_map(Entry::parse).filter_map(|entry| match entry.what {
            Shared::Line { time, kind, from, text } => {
                Some(Past::Line { number: entry.place.number, time, kind, from, text })
            }
            Shared::Topic(_) => None,
        });
        Ok(lines.collect())
    }
}

impl Place {
    fn id(self) -> String {
        format!("{}-{}", self.number, self.after)
    }

    fn parse(id: &str) -> Option<Place> {
        let (number, after) = id.split_once('-')?;
        Some(Place { number: number.parse().ok()?, after: after.parse().ok()? })
    }
}

impl Entry {
    /// `None` if it isn't one of ours.
    fn parse((id, fields): &(String, HashMap<String, Value>)) -> Option<Entry> {
        let text = |name: &str| redis::from_redis_value_ref::<String>(fields.get(name)?).ok();
        let number = |name: &str| text(name)?.parse::<u64>().ok();
        let what = match &*text("k")? {
            "topic" => Shared::Topic(text("x")?.into()),
            word => Shared::Line {
                time: Time::try_from(number("t")?).ok()?,
                kind: kind(word)?,
                from: text("f")?.into(),
                text: text("x")?.into(),
            },
        };
        Some(Entry {
            place: Place::parse(id)?,
            incarnation: text("i")?.into(),
            count: number("n")?,
            is_late: number("l")? == 1,
            what,
        })
    }
}

/// How many submissions are added in one call.
fn call_length(submissions: &[Submission]) -> usize {
    let mut bytes = 0;
    let fits = |it: &&Submission| {
        bytes += match &it.what {
            Shared::Line { from, text, .. } => from.len() + text.len(),
            Shared::Topic(text) => text.len(),
        };
        bytes <= CALL_BYTES_MAX
    };
    submissions.iter().take(CALL_LINES_MAX).take_while(fits).count().max(1)
}

/// The key of a part of a room. Rooms that look alike are one.
fn key(room: &RoomKey, part: &str) -> String {
    format!("{{rc:{}}}:{part}", room.looks[0])
}

fn wake_key(incarnation: &str) -> String {
    format!("{{rc}}:wake:{incarnation}")
}

/// A name for a counting of lines or for one start of a server.
pub(super) fn random_name() -> String {
    // Without those that look alike (Crockford's base 32).
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut bytes = [0; 6];
    // Without random numbers names may be used twice; a server with TLS or proofs doesn't start
    // then.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
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

/// What went wrong, without anything secret.
pub(super) fn explain(error: &RedisError) -> String {
    if error.is_timeout() {
        return "it doesn't answer".to_owned();
    }
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.to_owned()
}
