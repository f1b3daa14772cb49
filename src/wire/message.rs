//! What clients are told, and nothing of how it looks: that is
//! [`Encoding`](super::Encoding)'s.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Something that is told to one client or to many.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its number in the room, counted from 1; `None` for what is told to one
    /// client alone.
    pub number: Option<u64>,
    /// When it happened.
    pub time: Time,
    /// The zone of the server.
    pub zone: &'a TimeZone,
    /// The room in which it is told.
    pub room: &'a str,
    /// Names the counting that the number belongs to: a server that starts again
    /// counts anew.
    pub run: &'a str,
    /// What it is.
    pub kind: Kind,
    /// The name (or address) of the sender; empty if it is the server.
    pub from: &'a str,
    /// The name of the one reader of a private message; empty for all others.
    pub to: &'a str,
    /// The name of the reader, where a message is encoded for one alone.
    pub reader: &'a str,
    /// UTF-8 without control characters, except in raw mode.
    pub text: &'a [u8],
    /// What a notice tells, as [`Facts`](super::Facts) are encoded; empty if it tells nothing
    /// for programs.
    pub facts: &'a str,
    /// What it answers, if it is an answer.
    pub answered: Option<Answered<'a>>,
}

/// What a message answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered<'a> {
    /// The name of the command.
    pub re: &'a str,
    /// The command was done.
    pub ok: bool,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A client said it.
    Said,
    /// A client did it (`/me`).
    Act,
    /// The server says it.
    Notice,
    /// The server says who came, left or changed their name.
    Presence,
    /// A client said it to the reader alone.
    Received,
    /// The reader said it to one other client alone.
    Sent,
}

/// Seconds since 1970, by the wall clock. Good until 2106.
pub type Time = u32;

/// A time as people write it, in a zone: `2026-11-20 14:03`
pub fn date_and_time(time: Time, zone: &TimeZone) -> String {
    let time = Timestamp::from_second(time.into()).unwrap_or_default();
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A time as programs write it (RFC 3339), in UTC.
pub fn rfc3339(time: Time) -> String {
    // A `u32` is always within what a timestamp can be.
    Timestamp::from_second(time.into()).unwrap_or_default().to_string()
}
