//! Pages that come back before the end of their old connections has been noticed, as a
//! phone does that goes from one network to another.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashMap;

use crate::chat::ids::ClientId;
use crate::chat::names::nick::Nick;

/// The shortest token, in bytes: shorter ones could be guessed, or be another's too.
pub(super) const TOKEN_BYTES_MIN: usize = 16;

/// So many may be kept of clients that are gone.
const GONE_MAX: usize = 64;

/// Which client is which page, by the hash of a token that only the page knows.
#[derive(Debug, Default)]
pub(in crate::chat) struct Pages {
    hasher: RandomState,
    clients: HashMap<u64, Page>,
}

/// A page that has been here.
#[derive(Debug)]
struct Page {
    id: ClientId,
    /// The registered name that its user has shown to own.
    account: Option<Nick>,
}

impl Pages {
    /// The page with this token is client `id` from now on; gives the client that it was, if that
    /// is here, and the registered name that its user owns. `is_here` says which clients there
    /// are.
    pub fn come(
        &mut self,
        token: &str,
        id: ClientId,
        is_here: impl Fn(ClientId) -> bool,
    ) -> (Option<ClientId>, Option<Nick>) {
        if self.clients.len() >= GONE_MAX && self.clients.len() == self.clients.capacity() {
            // It would grow. What is left is less than half, or it has to.
            self.clients.retain(|_, page| is_here(page.id));
        }
        let page = self.clients.entry(self.hasher.hash_one(token));
        let page = page.or_insert(Page { id, account: None });
        let old = std::mem::replace(&mut page.id, id);
        // It may be asked more than once, when the engine had to be asked for its name.
        (Some(old).filter(|old| *old != id && is_here(*old)), page.account.clone())
    }

    /// The user of a client, which may be a page, has shown to own a registered name.
    pub fn log_in(&mut self, id: ClientId, account: &Nick) {
        if let Some(page) = self.clients.values_mut().find(|page| page.id == id) {
            page.account = Some(account.clone());
        }
    }

    /// Nobody has shown to own this name any more, `except` one.
    pub fn log_out(&mut self, account: &str, except: Option<ClientId>) {
        let is_it = |page: &&mut Page| {
            page.account.as_ref().is_some_and(|it| it.as_str() == account)
                && Some(page.id) != except
        };
        self.clients.values_mut().filter(is_it).for_each(|page| page.account = None);
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
        let nobody = (None, None);
        assert_eq!(pages.come("token", first, |_| true).0, None);
        assert_eq!(pages.come("token", first, |_| true).0, None, "it is the same");
        assert_eq!(pages.come("another", other, |_| true).0, None);
        let ann = Nick::parse("ann").expect("a name");
        pages.log_in(first, &ann);
        let (old, account) = pages.come("token", second, |_| true);
        assert_eq!((old, account.as_ref().map(Nick::as_str)), (Some(first), Some("ann")));
        let (old, account) = pages.come("token", first, |id| id != second);
        assert!(old.is_none() && account.is_some(), "it is gone");
        pages.log_out("ann", Some(first));
        assert!(pages.come("token", first, |_| true).1.is_some());
        pages.log_out("ann", None);
        let (old, account) = pages.come("token", first, |_| true);
        assert_eq!((old, account.map(|_| ())), nobody);
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
