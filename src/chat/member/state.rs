//! Where a client is between connecting and leaving: see "The life of a client" in
//! docs/architecture.md.

use crate::chat::close_reason::{CloseReason, Closing};

/// The state of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat) enum State {
    /// It is on the list of its room.
    Member(Standing, Phase),
    /// It isn't a member any more. It gets what it is owed, if it takes it in time.
    Leaving(CloseReason),
}

/// What the others know of a member.
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
    /// Nothing: it was greeted late, because it may be a spare connection of a browser, and
    /// has said nothing since then.
    Silent,
    /// Nothing yet; the next notice will count it.
    Counted,
    /// A notice has counted it.
    Told,
    /// Its name: it has spoken here.
    Known,
}

/// What a member may still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat) enum Phase {
    /// Both directions are open.
    Talking,
    /// It closed its sending side, and stays a while for replies to what it said.
    Listening,
    /// It has to go, and the others will be told when there is headroom in the log.
    /// It gets no more lines until then.
    Parting(Closing),
}
