//! What a run has recorded: what clients said, and what observers were shown.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

/// The servers of a run.
pub const SERVERS: [usize; 3] = [0, 1, 2];

/// What a client says: `server.client.counter`. No two are equal, and those of a client count
/// from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value {
    pub server: usize,
    /// Counts the clients of all servers.
    pub client: usize,
    pub counter: u64,
}

/// How saying something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken without a word.
    Accepted,
    /// The client was told that it wasn't sent.
    Refused,
    /// The connection ended first.
    Unknown,
}

/// Something that was said.
#[derive(Clone, Debug)]
pub struct Said {
    pub value: Value,
    pub outcome: Outcome,
    /// Before it was sent.
    pub from: Duration,
    /// After the outcome was known.
    pub to: Duration,
}

/// A line of the room as an observer gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub run: String,
    pub number: u64,
    pub kind: String,
    pub from: String,
    pub text: String,
}

/// Something that an observer gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// From here on it is shown what is said: after the line with this number.
    Begin {
        run: String,
        number: u64,
    },
    Line(Line),
    /// A notice for it alone.
    Told(String),
}

/// A client that only reads.
#[derive(Clone, Debug, Default)]
pub struct Observer {
    pub server: usize,
    pub nick: String,
    /// It has begun before anything was said.
    pub is_from_the_begin: bool,
    /// Its server has lived until everything had healed.
    pub is_to_the_end: bool,
    pub seen: Vec<Seen>,
}

/// A time in which what was said may be lost, because of what was done to the engine or to a
/// server.
#[derive(Clone, Debug)]
pub struct Loss {
    pub from: Duration,
    pub to: Duration,
    /// Only what was said on this one; nobody can be told of that. If there is none the engine
    /// has forgotten something, and everybody has to be told.
    pub server: Option<usize>,
}

/// A whole run.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub observers: Vec<Observer>,
    pub said: Vec<Said>,
    pub losses: Vec<Loss>,
    /// What the engine has at the end, with its numbers.
    pub kept: Vec<(u64, Value)>,
    /// What it had before it forgot something, and at the end.
    pub noted: Noted,
}

/// Values by the counting and the number that the engine had them with.
pub type Noted = HashMap<(String, u64), Value>;

impl Value {
    /// The value in a text, also in that of a line that came late.
    pub fn parse(text: &str) -> Option<Value> {
        let text = match text.strip_prefix("(said at ") {
            Some(rest) => rest.split_once(") ")?.1,
            None => text,
        };
        let mut numbers = text.split('.');
        let mut next = || numbers.next()?.parse::<u64>().ok();
        let (server, client, counter) = (next()?, next()?, next()?);
        let is_all = numbers.next().is_none();
        is_all.then_some(Value { server: server as usize, client: client as usize, counter })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.server, self.client, self.counter)
    }
}

impl Observer {
    /// Whether it was there all the time.
    pub fn is_whole(&self) -> bool {
        self.is_from_the_begin && self.is_to_the_end
    }

    /// The lines that it was shown.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.seen.iter().filter_map(|seen| match seen {
            Seen::Line(line) => Some(line),
            Seen::Begin { .. } | Seen::Told(_) => None,
        })
    }

    /// The values that it was shown.
    pub fn values(&self) -> impl Iterator<Item = Value> {
        self.lines().filter_map(Line::value)
    }
}

impl Line {
    pub fn value(&self) -> Option<Value> {
        if self.kind == "said" { Value::parse(&self.text) } else { None }
    }
}
