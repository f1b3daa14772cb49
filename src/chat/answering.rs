//! A command that is being run.

use crate::chat::ids::ClientId;

/// Whose command is being run, so that what the client is told meanwhile says what it answers.
#[derive(Clone, Debug)]
pub(super) struct Answering {
    pub id: ClientId,
    /// The name of the command.
    pub re: Box<str>,
    /// Whether it is done, as far as is known.
    pub ok: bool,
}
