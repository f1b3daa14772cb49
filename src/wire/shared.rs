//! What servers that share their rooms tell each other.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::wire::message::{Kind, Time};
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
    /// What the room is about from here on, if that changes; empty: about nothing.
    pub topic: Option<Box<str>>,
}

impl SharedLine {
    /// How much memory it takes, about.
    pub fn bytes(&self) -> usize {
        let topic = self.topic.as_ref().map_or(0, |topic| topic.len());
        let words = self.from.len() + self.text.len() + self.facts.len();
        size_of::<Submission>() + words + topic
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
    /// Where it comes from is banned.
    Ban {
        /// For so many minutes; `None`: for ever.
        minutes: Option<u32>,
        /// Where the one comes from who wants that, who is not to be banned; empty: from the
        /// server's own machine.
        own: Box<str>,
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
    /// More numbers for guests are needed.
    Guests,
}
