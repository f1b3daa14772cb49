//! What a client waits for that has sent something to another server.

use ecow::EcoString;

use crate::chat::ids::ClientId;

/// An errand that is under way.
#[derive(Debug)]
pub(in crate::chat) struct Sent {
    pub from: ClientId,
    /// Whom it concerns.
    pub name: EcoString,
    /// The message, if it is one.
    pub text: Option<Box<str>>,
    /// The command that wants it.
    pub re: Option<Box<str>>,
}
