//! Pages that come back before the end of their old connections has been noticed, as a
//! phone does that goes from one network to another.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashMap;

use crate::chat::ids::ClientId;

/// The shortest token, in bytes: shorter ones could be guessed, or be another's too.
pub(super) const TOKEN_BYTES_MIN: usize = 16;

/// So many may be kept of clients that are gone.
const GONE_MAX: usize = 64;

/// Which client is which page, by the hash of a token that only the page knows.
#[derive(Debug, Default)]
pub(in crate::chat) struct Pages {
    hasher: RandomState,
    clients: HashMap<u64, ClientId>,
}

impl Pages {
    /// The page with this token is client `id` from now on; gives the client that it was.
    /// `is_here` says which clients there are.
    pub fn come(
        &mut self,
        token: &str,
        id: ClientId,
        is_here: impl Fn(ClientId) -> bool,
    ) -> Option<ClientId> {
        if self.clients.len() >= GONE_MAX && self.clients.len() == self.clients.capacity() {
            // It would grow. What is left is less than half, or it has to.
            self.clients.retain(|_, id| is_here(*id));
        }
        let old = self.clients.insert(self.hasher.hash_one(token), id);
        // It may be asked more than once, when the engine had to be asked for its name.
        old.filter(|old| *old != id && is_here(*old))
    }
}

#[cfg(test)]
mod tests {
    use slotmap::SlotMap;

    use super::*;

    #[test]
    fn a_page_is_known_by_its_token() {
        let (mut pages, mut ids) = (Pages::default(), SlotMap::<ClientId, ()>::with_key());
        let [first, second, other] = std::array::from_fn(|_| ids.insert(()));
        assert_eq!(pages.come("token", first, |_| true), None);
        assert_eq!(pages.come("token", first, |_| true), None, "it is the same");
        assert_eq!(pages.come("another", other, |_| true), None);
        assert_eq!(pages.come("token", second, |_| true), Some(first));
        assert_eq!(pages.come("token", first, |id| id != second), None, "it is gone");
    }

    #[test]
    fn those_who_are_gone_take_no_memory_for_ever() {
        let (mut pages, mut ids) = (Pages::default(), SlotMap::<ClientId, ()>::with_key());
        for number in 0..10_000 {
            let id = ids.insert(());
            pages.come(&number.to_string(), id, |other| other == id);
        }
        assert!(pages.clients.len() <= 4 * GONE_MAX, "{}", pages.clients.len());
    }
}
