//! Which members of a room have been announced to the others.

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
    /// A notice will tell.
    pub is_due: bool,
}

impl Presence {
    /// Panics if so many members who wait to be counted, and so many notices to
    /// come, aren't what is kept here.
    pub(in crate::chat) fn assert_true(&self, counted: usize, folds: usize) {
        assert_eq!(self.joined, counted, "members who wait to be counted");
        assert_eq!(folds, usize::from(self.is_due), "notices to come");
        assert!(folds == 1 || self.joined + self.left == 0, "nobody will be told");
    }
}
