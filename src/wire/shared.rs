//! What rooms and the engine that several servers share tell each other.

use std::sync::Arc;

use crate::wire::message::{Kind, Time};
use crate::wire::stored::RoomKey;

/// Something that has got its place in a room that several servers share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Which room.
    pub room: Arc<RoomKey>,
    /// The number of the line; for anything else that of the line before it.
    pub number: u64,
    /// The count of it, if this server has handed it over.
    pub own: Option<u64>,
    /// It waited for the engine, so it was said long before those around it.
    pub is_late: bool,
    /// What it is.
    pub what: Shared,
}

/// What is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shared {
    /// A line of the room.
    Line {
        /// When it was said.
        time: Time,
        /// What it is.
        kind: Kind,
        /// The sender's name; empty if it is the server.
        from: Box<str>,
        /// What was said.
        text: Box<str>,
    },
    /// The room is about this now; about nothing if it is empty.
    Topic(Box<str>),
}
