//! Which members of a room have been announced to the others.

use std::time::Instant;

/// What the others know of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat) enum Standing {
    /// Nothing: it hasn't given the password.
    LoggingIn,
    /// Nothing: it has just come and hasn't been greeted.
    Arriving,
    /// What it said before it was greeted, as scripts do.
    Posting,
    /// The same, and it has stayed.
    Posted,
    /// Nothing yet; the next notice will count it.
    Counted,
    /// A notice has counted it.
    Told,
    /// Its name: it has spoken here.
    Known,
}

/// Comings and goings in a room that nobody has been told of.
#[derive(Debug, Default)]
pub(in crate::chat) struct Presence {
    pub joined: usize,
    pub left: usize,
    /// How the last one left, in words.
    pub last_left: String,
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
