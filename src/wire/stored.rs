//! What rooms and the store that keeps their lines tell each other.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::wire::message::{Kind, Time};
use crate::wire::rules::Rules;

/// What an entry takes beside its bytes, about.
const ENTRY_BYTES: usize = 32;

/// What news of a name take, about: a name, and a hash of 97 bytes.
const NAME_BYTES: usize = 256;

/// How a store knows a room.
#[derive(Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RoomKey {
    /// Its name as it is written.
    pub name: Box<str>,
    /// What the name looks like. No two rooms have any of these in common.
    pub looks: [Box<str>; 2],
}

/// A name that belongs to whoever knows its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptName {
    /// As its owner wrote it when it was registered, without a proof.
    pub name: Box<str>,
    /// The hash of the secret, in the PHC string format.
    pub hash: Box<str>,
    /// When it was registered.
    pub registered: Time,
    /// When its owner was here last.
    pub last_seen: Time,
}

/// Hashes don't belong into logs.
impl fmt::Debug for KeptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeptName").field(&self.name).finish()
    }
}

/// News of rooms for the store, in their order; and of names.
#[derive(Debug, Default)]
pub struct Batch {
    /// Each room of which there are news.
    rooms: Vec<Arc<RoomKey>>,
    entries: Vec<(u32, Entry)>,
    /// Senders and texts.
    bytes: Vec<u8>,
    /// What is to be kept of names from now on; `None`: they aren't registered any more.
    names: BTreeMap<Box<str>, Option<KeptName>>,
}

#[derive(Debug)]
enum Entry {
    Line(Line),
    Again(Line),
    Lost { first: u64, last: u64 },
    Cleared { first: u64, last: u64 },
    Topic { bytes: u32 },
    Rules { bytes: u32 },
    Run { bytes: u32 },
    Closed,
}

/// A line, whose words are among the bytes of its batch.
#[derive(Clone, Copy, Debug)]
struct Line {
    number: u64,
    time: Time,
    kind: Kind,
    from_bytes: u8,
    facts_bytes: u16,
    text_bytes: u32,
}

/// Something that has happened in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News<'a> {
    /// A line was said.
    Line(StoredLine<'a>),
    /// A line was said some time ago, and the store may have it, also under an earlier counting.
    Again(StoredLine<'a>),
    /// Lines that the store isn't given, because it was too slow: the numbers of the
    /// first and the last one.
    Lost(u64, u64),
    /// The room is about this now; about nothing if it is empty.
    Topic(&'a str),
    /// Several servers share the room, and the numbers of lines from here on belong to the
    /// counting of this name. Lines that are there already may come again.
    Run(&'a str),
    /// What operators have set for the room; nothing if it is empty.
    Rules(&'a str),
    /// The lines with these numbers, the first and the last one, are to be deleted.
    Cleared(u64, u64),
    /// Nobody is in the room any more.
    Closed,
}

/// A line of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredLine<'a> {
    /// Its number in the room.
    pub number: u64,
    /// When it was said.
    pub time: Time,
    /// What it is.
    pub kind: Kind,
    /// The sender's name; empty if it is the server. 255 bytes at most.
    pub from: &'a str,
    /// UTF-8.
    pub text: &'a [u8],
    /// What a notice tells, as `Facts` are encoded for a line; empty for all else.
    pub facts: &'a str,
}

impl Batch {
    /// Adds news of a room.
    pub fn push(&mut self, room: &Arc<RoomKey>, news: News<'_>) {
        let entry = match news {
            News::Line(line) => Entry::Line(self.push_line(&line)),
            News::Again(line) => Entry::Again(self.push_line(&line)),
            News::Lost(first, last) => Entry::Lost { first, last },
            News::Cleared(first, last) => Entry::Cleared { first, last },
            News::Closed => Entry::Closed,
            News::Rules(text) => {
                self.bytes.extend_from_slice(text.as_bytes());
                Entry::Rules { bytes: text.len() as u32 }
            }
            News::Topic(text) => {
                self.bytes.extend_from_slice(text.as_bytes());
                Entry::Topic { bytes: text.len() as u32 }
            }
            News::Run(run) => {
                self.bytes.extend_from_slice(run.as_bytes());
                Entry::Run { bytes: run.len() as u32 }
            }
        };
        let room = self.index(room);
        self.entries.push((room, entry));
    }

    fn push_line(&mut self, line: &StoredLine<'_>) -> Line {
        let StoredLine { number, time, kind, from, text, facts } = *line;
        self.bytes.extend_from_slice(from.as_bytes());
        self.bytes.extend_from_slice(text);
        self.bytes.extend_from_slice(facts.as_bytes());
        let (from_bytes, text_bytes) = (from.len() as u8, text.len() as u32);
        let facts_bytes = facts.len() as u16;
        Line { number, time, kind, from_bytes, facts_bytes, text_bytes }
    }

    /// Adds what is to be kept of a name from now on; nothing if it isn't registered any more.
    /// Only the newest of that counts.
    pub fn push_name(&mut self, name: &str, kept: Option<KeptName>) {
        self.names.insert(name.into(), kept);
    }

    /// What is to be kept of names from now on.
    pub fn names(&self) -> &BTreeMap<Box<str>, Option<KeptName>> {
        &self.names
    }

    /// The place of a room among those of the batch: mostly the last one.
    fn index(&mut self, room: &Arc<RoomKey>) -> u32 {
        let at = self.rooms.iter().rposition(|other| Arc::ptr_eq(other, room));
        let at = at.unwrap_or_else(|| {
            self.rooms.push(Arc::clone(room));
            self.rooms.len() - 1
        });
        at as u32
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.names.is_empty()
    }

    /// Lines, topics and gaps in it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// How much memory it takes, about.
    pub fn bytes(&self) -> usize {
        let names = self.names.len() * NAME_BYTES;
        self.bytes.len() + self.entries.len() * ENTRY_BYTES + names
    }

    /// The news, with their rooms.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<RoomKey>, News<'_>)> {
        let mut rest = &self.bytes[..];
        let mut take = move |bytes: usize| rest.split_off(..bytes).unwrap_or_default();
        self.entries.iter().map(move |(room, entry)| {
            let news = match *entry {
                Entry::Line(line) => News::Line(line.with_words(&mut take)),
                Entry::Again(line) => News::Again(line.with_words(&mut take)),
                Entry::Lost { first, last } => News::Lost(first, last),
                Entry::Cleared { first, last } => News::Cleared(first, last),
                Entry::Closed => News::Closed,
                Entry::Rules { bytes } => {
                    News::Rules(str::from_utf8(take(bytes as usize)).unwrap_or_default())
                }
                Entry::Topic { bytes } => {
                    News::Topic(str::from_utf8(take(bytes as usize)).unwrap_or_default())
                }
                Entry::Run { bytes } => {
                    News::Run(str::from_utf8(take(bytes as usize)).unwrap_or_default())
                }
            };
            (&self.rooms[*room as usize], news)
        })
    }
}

impl Line {
    /// The line with its words, which are the next of these bytes.
    fn with_words<'a>(self, mut take: impl FnMut(usize) -> &'a [u8]) -> StoredLine<'a> {
        let Line { number, time, kind, from_bytes, facts_bytes, text_bytes } = self;
        let from = str::from_utf8(take(from_bytes.into())).unwrap_or_default();
        let text = take(text_bytes as usize);
        let facts = str::from_utf8(take(facts_bytes.into())).unwrap_or_default();
        StoredLine { number, time, kind, from, text, facts }
    }
}

/// Something that a store is asked about a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Comes back with the answer.
    pub ticket: u64,
    /// Which room.
    pub room: Arc<RoomKey>,
    /// What is asked.
    pub wish: Wish,
}

/// What a store is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The end of what is stored, to go on from there.
    Tail,
    /// Lines before the one with the number `before`, from somewhere on.
    Page {
        /// From where on.
        from: From,
        /// The number of the first line that isn't wanted.
        before: u64,
    },
    /// The newest lines that have all of these words.
    Search(Box<str>),
    /// What a user said last.
    Last {
        /// The user's name: see `is_sender`.
        name: Box<str>,
        /// The number of the first line that isn't wanted.
        before: u64,
        /// So many at most.
        lines: usize,
    },
    /// The number of the newest line before this one.
    Newest(u64),
    /// The same as a page, of what other servers have.
    Elsewhere {
        /// From where on.
        from: From,
        /// The number of the first line that isn't wanted.
        before: u64,
    },
}

/// Whether a line's sender goes by this name: in any case, and with any proof if the name has
/// none.
pub fn is_sender(sender: &str, name: &str) -> bool {
    let is_same = |one: &str| {
        // Most names are ASCII, and most aren't the one.
        one.eq_ignore_ascii_case(name)
            || !(one.is_ascii() && name.is_ascii()) && one.to_lowercase() == name.to_lowercase()
    };
    is_same(sender) || sender.split_once('!').is_some_and(|(bare, _)| is_same(bare))
}

/// From where on lines are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// After the line with this number.
    After(u64),
    /// From this time on.
    Since(Time),
    /// So many.
    Last(u64),
}

/// What a store answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To `Wish::Tail`.
    Tail(Tail),
    /// To `Wish::Page` and `Wish::Elsewhere`.
    Page(Page),
    /// To `Wish::Newest`; 0 if there is none.
    Newest(u64),
    /// To `Wish::Search` and `Wish::Last`: the newest one first.
    Found(Vec<Past>),
    /// To `Dispatch::Publish`: whether that client may have that name on all servers.
    Named {
        /// The client, as its server knows it.
        client: u64,
        /// The name.
        name: Box<str>,
        /// How much news there was with this, or who has the name already.
        named: Result<u64, Box<str>>,
    },
    /// There is no answer, because the store doesn't work.
    Failed,
    /// The search took too long.
    TooLong,
}

/// The end of what is stored of a room.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    /// Whether the room is stored.
    pub is_known: bool,
    /// Its name as it was written first.
    pub name: Box<str>,
    /// The number of its next line; none before that is used again.
    pub next: u64,
    /// Names the counting of lines, if the room has one of its own.
    pub run: Option<Box<str>>,
    /// What the room is about; about nothing if it is empty.
    pub topic: Box<str>,
    /// What operators have set for the room.
    pub rules: Rules,
    /// The numbers of lines that were taken out of the room on other servers: the first and the
    /// last one of each time.
    pub cleared: Vec<(u64, u64)>,
    /// The newest lines, oldest first, without a gap.
    pub lines: Vec<Past>,
    /// The count of the newest line in it that this server has submitted; 0: none.
    pub submitted: u64,
    /// The server ended without a word, and lines may have been said that were lost.
    pub is_interrupted: bool,
}

/// A part of what is stored of a room.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Oldest first.
    pub items: Vec<Past>,
    /// How many lines there are from where it was asked for on, those of later pages
    /// included.
    pub count: u64,
    /// The number of the oldest line that is stored of the room; 0 if there is none.
    pub oldest: u64,
    /// The number of the last line before the next page; `None` if this is the last one.
    pub next: Option<u64>,
}

/// Something that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Past {
    /// A line.
    Line {
        /// Its number in the room.
        number: u64,
        /// When it was said.
        time: Time,
        /// What it is.
        kind: Kind,
        /// The sender's name; empty if it is the server.
        from: Box<str>,
        /// What was said.
        text: Box<str>,
        /// What a notice tells, as `Facts` are encoded; empty for all else.
        facts: Box<str>,
    },
    /// So many lines were not stored here.
    Lost(u64),
}

impl Past {
    /// The number of a line.
    pub fn number(&self) -> Option<u64> {
        match self {
            Past::Line { number, .. } => Some(*number),
            Past::Lost(_) => None,
        }
    }
}

/// How a store does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreState {
    /// Why it can't write, if it can't.
    pub fault: Option<Box<str>>,
    /// Lines that are written.
    pub lines_written: u64,
    /// Bytes of the database.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str) -> Arc<RoomKey> {
        let look: Box<str> = name.into();
        Arc::new(RoomKey { name: name.into(), looks: [look.clone(), look] })
    }

    #[test]
    fn a_sender_is_known_by_name_in_any_case_and_with_any_proof() {
        for (sender, name) in
            [("ann", "ann"), ("Ann", "aNN"), ("Ärger", "ärger"), ("ann!k3f9x2", "ANN")]
        {
            assert!(is_sender(sender, name), "{sender}, {name}");
        }
        for (sender, name) in
            [("ann", "anna"), ("ann", "ann!k3f9x2"), ("ann!k3f9x2", "ann!k3f9x3"), ("", "ann")]
        {
            assert!(!is_sender(sender, name), "{sender}, {name}");
        }
    }

    #[test]
    fn news_come_out_as_they_went_in() {
        let (lobby, dev) = (room("lobby"), room("dev"));
        let line = |number, from: &'static str, text| {
            let facts = if from.is_empty() { "{\"event\":\"join\"}" } else { "" };
            News::Line(StoredLine { number, time: 7, kind: Kind::Said, from, text, facts })
        };
        let again = |news| match news {
            News::Line(line) => News::Again(line),
            other => other,
        };
        let news = [
            (&lobby, line(1, "ann", b"hello")),
            (&dev, News::Topic("all that")),
            (&lobby, line(2, "", "käse".as_bytes())),
            (&dev, News::Lost(3, 5)),
            (&dev, News::Topic("")),
            (&dev, News::Run("k3f9x2")),
            (&dev, again(line(5, "zoe", b"earlier"))),
            (&dev, line(6, "bob", b"")),
            (&dev, News::Closed),
        ];
        let mut batch = Batch::default();
        assert!(batch.is_empty());
        news.iter().for_each(|(room, news)| batch.push(room, *news));
        assert_eq!(batch.iter().collect::<Vec<_>>(), news);
        assert_eq!((batch.len(), batch.rooms.len()), (9, 2));
    }
}
