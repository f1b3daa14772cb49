//! What the members of a room are to be told of comings and goings.

use std::time::Instant;

use ecow::EcoString;

use crate::chat::ids::ClientId;
use crate::chat::notice::Notice;

/// Comings and goings in a room that nobody has been told of.
#[derive(Debug, Default)]
pub(in crate::chat) struct Presence {
    pub joined: usize,
    pub left: usize,
    /// The last one, and how it left.
    pub last_left: Option<(ClientId, Notice)>,
    /// Those of them who are in another room, with their names: if they come back before anybody
    /// is told, nothing has happened.
    pub elsewhere: Vec<(ClientId, EcoString)>,
    /// When a notice will tell.
    pub due_at: Option<Instant>,
}

impl Presence {
    /// A client comes back whose leaving nobody was told of; false if there is none of this name.
    pub(in crate::chat) fn come_back(&mut self, id: ClientId, name: &str) -> bool {
        let at = self.elsewhere.iter().position(|(it, left_as)| *it == id && left_as == name);
        let Some(at) = at else { return false };
        self.elsewhere.swap_remove(at);
        self.left -= 1;
        self.last_left.take_if(|(last, _)| *last == id);
        true
    }

    /// Panics if so many members that wait to be counted aren't what is kept here.
    pub(in crate::chat) fn assert_true(&self, counted: usize) {
        assert_eq!(self.joined, counted, "members that wait to be counted");
        assert!(self.due_at.is_some() || self.joined + self.left == 0, "nobody will be told");
    }
}
