//! What a client waits for.

use crate::chat::ids::ClientId;
use crate::chat::names::nick::Nick;
use crate::wire::{PersonId, Request};

/// What a client wants that can't be done at once.
#[derive(Debug)]
pub(in crate::chat) enum Waiting {
    /// A command, until it has been sent what was said before it.
    Lines(Box<str>),
    /// A command, until the store or the engine has answered.
    Answer(Box<str>),
    /// What comes of a secret that it has typed.
    Secret,
    /// A request, until the same.
    Request(Box<Request>),
    /// The answer to a request, until all that it has said has its place.
    Places,
}

/// Lines that a client has posted and that weren't said.
#[derive(Debug)]
pub(in crate::chat) struct Unsaid {
    pub lines: u32,
    /// The status of the answer.
    pub status: &'static str,
    /// Why the last one wasn't.
    pub why: String,
    /// In how many seconds it may be said, if it came too soon.
    pub wait: Option<u32>,
}

/// Somebody who has sent a client a private message.
#[derive(Clone, Debug)]
pub(in crate::chat) enum Correspondent {
    Here(ClientId),
    /// On another server, where it may not be known yet.
    There(Box<PersonId>),
}

/// A name that a client has asked for, and whether it may have it.
#[derive(Debug)]
pub(in crate::chat) struct Claim {
    pub nick: Nick,
    /// Why not, for the client.
    pub result: Result<(), String>,
}

/// How far a client is in what is stored and not in the log any more.
#[derive(Debug)]
pub(in crate::chat) struct Reading {
    /// What it is told first.
    pub intro: Intro,
    /// The command that wants it.
    pub re: Option<Box<str>>,
    /// Lines in the log when it began.
    pub lines: u64,
    /// The number of the first line that the page that is asked for doesn't have.
    pub before: u64,
    /// The number of the last line that it was given.
    pub next: u64,
    /// The store hasn't answered yet.
    pub is_asked: bool,
    /// The day of the last line that it was shown, counted from 1970; at first, today.
    pub day: i32,
}

/// What a client is told before the first line.
#[derive(Clone, Copy, Debug)]
pub(in crate::chat) enum Intro {
    /// Nothing.
    None,
    /// That these are the last lines.
    History,
    /// That these were said after the line with this number.
    Resumed(u64),
}
