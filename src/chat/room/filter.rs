//! Lines that one client doesn't want.

use super::log::{Log, Seq};
use crate::chat::ids::ClientId;
use crate::wire::Kind;

/// Which lines a reader doesn't want to see.
#[derive(Clone, Debug, Default)]
pub(in crate::chat) struct Filter {
    /// Those that tell who came and went.
    pub is_quiet: bool,
    /// Those of these clients.
    pub ignored: Vec<ClientId>,
    /// This one, which tells of the reader itself.
    pub own_news: Option<Seq>,
}

impl Filter {
    pub fn is_empty(&self) -> bool {
        !self.is_quiet && self.ignored.is_empty() && self.own_news.is_none()
    }

    pub fn hides(&self, log: &Log, seq: Seq) -> bool {
        if self.is_empty() {
            return false;
        }
        let (author, kind) = log.about(seq);
        self.own_news == Some(seq)
            || (self.is_quiet && kind == Kind::Presence)
            || self.ignored.contains(&author)
    }
}
