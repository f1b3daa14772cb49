//! What is for one server alone: a stream of its own, which also wakes its reader.

use std::collections::HashMap;
use std::time::Duration;

use redis::{RedisResult, Value};

use super::engine::{ANSWER_TIME, Engine};
use super::entries::entries;
use super::messages::Event;
use super::people::{NEWS_KEY, parse};
use super::rooms::id;
use super::watched::Watched;
use crate::wire::{Errand, Outcome};

/// Entries of a stream that are read at once, and of all streams together.
const ENTRIES_MAX: usize = 512;
const ENTRIES_MIN: usize = 8;
const ENTRIES_OF_ALL_MAX: usize = 8192;

/// How long an inbox is kept that nobody writes into.
const INBOX_SECONDS: u32 = 3600;

/// How far a server has read what is for it.
pub(super) struct Inbox {
    key: String,
    /// The id of the newest entry that was read.
    read: Box<str>,
    /// The newest errand of each server. One that is sent again isn't done again.
    done: HashMap<Box<str>, u64>,
}

impl Inbox {
    pub fn new(incarnation: &str) -> Inbox {
        Inbox { key: key_of(incarnation), read: "0-0".into(), done: HashMap::new() }
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    /// What these entries ask for.
    pub fn sort(&mut self, letters: &Value) -> Vec<Event> {
        let mut events = Vec::new();
        for raw in entries(letters) {
            self.read = raw.id.into();
            let data = raw.text("d").unwrap_or_default();
            match raw.text("k") {
                Some("errand") => events.extend(parse(data).and_then(|it| self.take(it))),
                Some("outcome") => events.extend(parse::<Outcome>(data).map(Event::Outcome)),
                // A wake-up, or something of a later version.
                _ => {}
            }
        }
        events
    }

    /// An errand, unless it was taken before.
    fn take(&mut self, errand: Errand) -> Option<Event> {
        let done = self.done.entry((&*errand.from.server).into()).or_default();
        let is_new = errand.ticket > *done;
        *done = errand.ticket.max(*done);
        is_new.then_some(Event::Errand(errand))
    }
}

impl Engine {
    /// Makes the reader of this server look up.
    pub fn wake(&mut self, incarnation: &str) -> RedisResult<()> {
        let key = key_of(incarnation);
        let mut wake = redis::cmd("XADD");
        wake.arg(&key)
            .arg("MAXLEN")
            .arg("~")
            .arg(1000)
            .arg("*")
            .arg("k")
            .arg("wake")
            .exec(&mut self.connection)?;
        redis::cmd("EXPIRE").arg(&key).arg(INBOX_SECONDS).exec(&mut self.connection)
    }
}

/// Waits until something comes, `block` at most (not at all if it is zero): for this server,
/// about people after so much news, or in one of the rooms. Gives streams as `streams` knows
/// them.
pub(super) fn read(
    engine: &mut Engine,
    inbox: &Inbox,
    news: u64,
    rooms: &[Watched],
    block: Duration,
) -> RedisResult<Value> {
    let mut command = redis::cmd("XREAD");
    // For each of the streams: an answer is to come in time.
    let entries = (ENTRIES_OF_ALL_MAX / (rooms.len() + 2)).clamp(ENTRIES_MIN, ENTRIES_MAX);
    command.arg("COUNT").arg(entries);
    if !block.is_zero() {
        command.arg("BLOCK").arg(block.as_millis() as u64);
    }
    command.arg("STREAMS").arg(&inbox.key).arg(NEWS_KEY);
    for watched in rooms {
        command.arg(&watched.key);
    }
    command.arg(&*inbox.read).arg(id(news));
    for watched in rooms {
        command.arg(id(watched.known.newest));
    }
    engine.connection.set_read_timeout(Some(block + ANSWER_TIME))?;
    let answer = command.query(&mut engine.connection)?;
    engine.connection.set_read_timeout(Some(ANSWER_TIME))?;
    Ok(answer)
}

fn key_of(incarnation: &str) -> String {
    format!("{{rc}}:in:{incarnation}")
}
