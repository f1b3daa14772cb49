//! Which command the server answers, so that what it tells the client says so.

use crate::chat::answering::Answering;
use crate::chat::ids::ClientId;
use crate::chat::state::Chat;

impl Chat {
    /// Does something for a client that answers its command `re`, if that is one: what the client
    /// is told meanwhile are answers.
    pub(in crate::chat) fn answering(
        &mut self,
        id: ClientId,
        re: Option<&str>,
        run: impl FnOnce(&mut Chat),
    ) {
        let answering = re.map(|re| Answering { id, re: re.into(), ok: true });
        let before = std::mem::replace(&mut self.answering, answering);
        run(self);
        self.answering = before;
    }

    /// The command that is being run isn't done: its answers from here on say so.
    pub(in crate::chat) fn fail_command(&mut self) {
        if let Some(answering) = &mut self.answering {
            answering.ok = false;
        }
    }

    /// The command of a client that is being run.
    pub(in crate::chat) fn answered(&self, id: ClientId) -> Option<&Answering> {
        self.answering.as_ref().filter(|answering| answering.id == id)
    }

    /// The name of the command of a client that is being run, to answer it later.
    pub(in crate::chat) fn answered_name(&self, id: ClientId) -> Option<Box<str>> {
        self.answered(id).map(|answering| answering.re.clone())
    }
}
