//! What the members of a room are to be told of comings and goings.

use std::time::Instant;

use crate::chat::notice::Notice;

/// Comings and goings in a room that nobody has been told of.
#[derive(Debug, Default)]
pub(in crate::chat) struct Presence {
    pub joined: usize,
    pub left: usize,
    /// How the last one left.
    pub last_left: Notice,
    /// When a notice will tell.
    pub due_at: Option<Instant>,
}

impl Presence {
    /// Panics if so many members that wait to be counted aren't what is kept here.
    pub(in crate::chat) fn assert_true(&self, counted: usize) {
        assert_eq!(self.joined, counted, "members that wait to be counted");
        assert!(self.due_at.is_some() || self.joined + self.left == 0, "nobody will be told");
    }
}
