//! What servers that share their rooms tell each other.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::wire::message::{Kind, Time};
use crate::wire::rules::Rules;
use crate::wire::stored::RoomKey;

/// The numbers that a server gets at once for the names of its guests.
pub const GUEST_NUMBERS: u64 = 1000;

/// A line on its way to its place in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Which room.
    pub room: Arc<RoomKey>,
    /// Counts what this server has submitted, from 1 on.
    pub count: u64,
    /// The line.
    pub line: SharedLine,
}

/// A line of a room that several servers share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedLine {
    /// The client that has said it, as its server knows it; 0: none.
    pub author: u64,
    /// When it was said.
    pub time: Time,
    /// What it is.
    pub kind: Kind,
    /// The sender's name; empty if it is the server.
    pub from: Box<str>,
    /// What was said.
    pub text: Box<str>,
    /// What a notice tells, as `Facts` are encoded for a line; empty for all else.
    pub facts: Box<str>,
    /// What is different in the room from here on, if something is.
    pub change: Option<Change>,
}

/// What a line changes in its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// What the room is about; empty: about nothing.
    Topic(Box<str>),
    /// What operators have set for it.
    Rules(Rules),
    /// The lines with these numbers, the first and the last one, are taken out of it.
    Clear(u64, u64),
}

impl Change {
    /// The change as one text: a letter, and what it is.
    pub fn text(&self) -> String {
        match self {
            Change::Topic(topic) => format!("t{topic}"),
            Change::Rules(rules) => format!("m{}", rules.text()),
            Change::Clear(first, last) => format!("c{first}-{last}"),
        }
    }

    /// The same from that text; `None` if it isn't one.
    pub fn parse(text: &str) -> Option<Change> {
        let (kind, value) = text.split_at_checked(1)?;
        match kind {
            "t" => Some(Change::Topic(value.into())),
            "m" => Some(Change::Rules(Rules::parse(value))),
            "c" => parse_range(value).map(|(first, last)| Change::Clear(first, last)),
            _ => None,
        }
    }

    /// How much memory it takes, about.
    fn bytes(&self) -> usize {
        match self {
            Change::Topic(topic) => topic.len(),
            Change::Rules(rules) => rules.invited.iter().map(|name| 16 + name.len()).sum(),
            Change::Clear(..) => 0,
        }
    }
}

/// No counting of lines comes so far. A larger number is none of ours.
pub const NUMBERS_MAX: u64 = 1 << 62;

/// Two numbers of lines, the first and the last one: `5-7`.
pub fn parse_range(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && last < NUMBERS_MAX).then_some((first, last))
}

impl SharedLine {
    /// How much memory it takes, about.
    pub fn bytes(&self) -> usize {
        let change = self.change.as_ref().map_or(0, Change::bytes);
        let words = self.from.len() + self.text.len() + self.facts.len();
        size_of::<Submission>() + words + change
    }
}

/// A line that has got its place in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Which room.
    pub room: Arc<RoomKey>,
    /// The number of the line.
    pub number: u64,
    /// Which server has submitted it.
    pub server: Arc<str>,
    /// What that server has counted then.
    pub count: u64,
    /// It waited for the engine, so it was said long before those around it.
    pub is_late: bool,
    /// It had another number before, which the engine has forgotten.
    pub is_again: bool,
    /// The line.
    pub line: SharedLine,
}

/// A client of one of the servers, for all of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PersonId {
    /// Names one start of a server.
    pub server: Arc<str>,
    /// The client, as its server knows it.
    pub client: u64,
}

/// What others may know of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The client, as its server knows it.
    pub client: u64,
    /// Its name, with its proof if there is one.
    pub name: Box<str>,
    /// What the name looks like. No two people have any of these in common.
    pub looks: [Box<str>; 2],
    /// Where it is.
    pub room: Arc<RoomKey>,
    /// Since when.
    pub since: Time,
    /// Why it is away, if it is.
    pub away: Option<Box<str>>,
    /// Where it comes from, if others may know.
    pub address: Option<Box<str>>,
    /// It may do what operators can.
    #[serde(default)]
    pub is_operator: bool,
}

/// Something about people on the other servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeopleNews {
    /// Somebody has come, or is called something else, or is elsewhere.
    Here {
        /// On which server.
        server: Arc<str>,
        /// Who.
        person: Person,
        /// Counts the news.
        number: u64,
    },
    /// Somebody has left.
    Left(PersonId),
    /// A server shares the rooms from now on: its incarnation and its name.
    Came(Arc<str>, Box<str>),
    /// A server doesn't share them any more, and nobody is there.
    Gone {
        /// Its incarnation.
        server: Arc<str>,
        /// It has said so.
        is_planned: bool,
    },
    /// All servers with their names, and all people: whatever else was known is over.
    All {
        /// The servers.
        servers: Vec<(Arc<str>, Box<str>)>,
        /// The people.
        people: Vec<(Arc<str>, Person)>,
        /// Counts the news.
        number: u64,
    },
    /// A network is banned, or is not any more.
    Ban(SharedBan),
    /// A user of another server has reported somebody.
    Report(SharedReport),
    /// Somebody on another server is muted for a time, or is not any more.
    Mute(SharedMute),
}

/// A ban on all servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedBan {
    /// The network.
    pub network: Box<str>,
    /// Until when, in seconds since 1970; 0: it is taken back; `Time::MAX`: for ever.
    pub until: Time,
    /// Who has made it.
    pub by: Box<str>,
    /// Why; empty: nobody has said it.
    #[serde(default)]
    pub reason: Box<str>,
}

/// What a user has told all operators.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedReport {
    /// When, in seconds since 1970.
    pub time: Time,
    /// The name of the user.
    pub by: Box<str>,
    /// Whom it is about.
    pub about: Box<str>,
    /// Where the user was.
    pub room: Box<str>,
    /// What the user has to say.
    pub why: Box<str>,
}

/// A mute with an end, on all servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedMute {
    /// The name that the client had.
    pub name: Box<str>,
    /// Where it came from; `None`: from the machine of its server.
    pub network: Option<Box<str>>,
    /// Until when, in seconds since 1970; 0: it is taken back.
    pub until: Time,
}

/// Something that concerns a client of another server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// Comes back with the outcome.
    pub ticket: u64,
    /// Who wants it.
    pub from: PersonId,
    /// What that client is called.
    pub name: Box<str>,
    /// Whom it concerns, as its server knows it.
    pub client: u64,
    /// What is to be done.
    pub task: Task,
}

/// What is to be done with a client of another server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// It is sent this message.
    Tell(Box<str>),
    /// It is disconnected for this reason.
    Kick(Box<str>),
    /// It may not speak, or may again.
    Mute,
    /// It may not speak for so many seconds.
    MuteFor(u32),
    /// It may speak again.
    Unmute,
    /// Where it comes from is banned.
    Ban {
        /// For so many minutes; `None`: for ever.
        minutes: Option<u32>,
        /// Where the one comes from who wants that, who is not to be banned; empty: from the
        /// server's own machine.
        own: Box<str>,
        /// Why; empty: nobody has said it.
        #[serde(default)]
        reason: Box<str>,
    },
}

/// What has come of an errand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// That of the errand.
    pub ticket: u64,
    /// It was done.
    pub is_done: bool,
    /// What the client is told that wanted it.
    pub notices: Vec<Box<str>>,
    /// What the first of these tells programs, as a JSON object of [`Facts`](super::Facts); empty:
    /// nothing.
    #[serde(default)]
    pub facts: Box<str>,
}

/// What a server has to tell the others, beside lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dispatch {
    /// A client is here, is called something else, or is elsewhere. An `Answer::Named` with
    /// the ticket follows.
    Publish {
        /// Comes back with the answer.
        ticket: u64,
        /// Who.
        person: Person,
    },
    /// A client isn't here any more.
    Withdraw(u64),
    /// An errand for a server.
    Errand(Arc<str>, Errand),
    /// The outcome of one, for the server that it came from.
    Outcome(Arc<str>, Outcome),
    /// A ban for all.
    Ban(SharedBan),
    /// A report for the operators of all servers.
    Report(SharedReport),
    /// A mute with an end, for all.
    Mute(SharedMute),
    /// More numbers for guests are needed.
    Guests,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_read_as_it_is_written() {
        let invited = vec!["ann".into(), "\"b".into()];
        let rules = Rules { slow_seconds: 5, is_locked: true, invited };
        let changes = [
            Change::Topic("".into()),
            Change::Topic("tea".into()),
            Change::Rules(rules),
            Change::Rules(Rules::default()),
            Change::Clear(5, 7),
        ];
        for change in changes {
            assert_eq!(Change::parse(&change.text()), Some(change));
        }
        for text in ["", "é", "x1", "c5", "c5-x", "c-5", "c7-5", "c5-4611686018427387904"] {
            assert_eq!(Change::parse(text), None, "{text}");
        }
        assert_eq!(Change::parse("m{"), Some(Change::Rules(Rules::default())));
    }
}
