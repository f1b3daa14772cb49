//! What a client does, from its coming to its going.

use std::collections::VecDeque;
use std::time::Duration;

/// The rooms; everyone comes into the first one.
pub const ROOMS: [&str; 3] = ["lobby", "dev", "ops"];

/// One client's visit.
pub struct Visit {
    pub kind: &'static str,
    /// Whether it connects where the server expects telnet.
    pub is_telnet: bool,
    /// Where it says its lines: an index of `ROOMS`.
    pub room: usize,
    pub reading: Reading,
    pub expects: Expects,
    /// Whether the server may close it unasked.
    pub may_be_closed: bool,
    pub steps: VecDeque<Step>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    All,
    /// A few bytes now and then.
    Slowly,
    Never,
}

/// What it takes from the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// What is said in its room, as the one whom the others are compared with.
    Reference,
    /// What is said in its room, all of it, in order.
    Order,
    /// Lines and notices.
    Lines,
    /// Each line an object.
    Json,
    /// Bytes of any kind.
    Anything,
}

#[derive(Clone)]
pub enum Step {
    /// Its greeting is there, and it knows its name.
    BeGreeted,
    /// It has been told that it is in its room.
    Enter,
    Pause(Duration),
    Send(Vec<u8>),
    /// Says numbered lines, with this before and after each.
    Say {
        lines: u32,
        before: &'static str,
        after: &'static str,
    },
    /// Says a numbered line every now and then until the end is near.
    Talk,
    /// Stays until everybody has heard everything.
    Stay,
    /// Closes its sending side.
    Fin,
    /// Is gone at once, unread bytes or not.
    Reset,
    /// Waits until the server closes the connection.
    SeeEnd,
}
