//! Names that have an owner: registered ones, and those that are reserved for operators.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use hashbrown::{HashMap, HashSet};
use lru::LruCache;

use crate::chat::admission::address_limits::Network;
use crate::chat::bucket::{Bucket, Limit};
use crate::chat::names::lookalikes::looks;
use crate::chat::names::nick::Nick;
use crate::wire::{KeptName, Time};

/// Registered names at one time.
pub(in crate::chat) const REGISTERED_MAX: usize = 10_000;

/// Names that may be registered, and secrets that may be changed, from one address in a day.
pub(in crate::chat) const REGISTRATIONS_A_DAY: u32 = 10;

/// Addresses that are known; beyond it those that registered nothing for longest are forgotten.
const ADDRESSES_MAX: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The names that not everybody may take, with all that looks like them.
#[derive(Debug, Default)]
pub(in crate::chat) struct Registered {
    names: HashMap<Box<str>, KeptName>,
    /// What they look like. No two have a look in common.
    by_look: HashMap<Box<str>, Box<str>>,
    /// What the names look like that are for operators.
    reserved: HashSet<Box<str>>,
}

impl Registered {
    /// These names are for operators.
    pub fn reserve(&mut self, names: &[String]) {
        let looks = names.iter().flat_map(|name| looks(name));
        self.reserved = looks.map(String::into_boxed_str).collect();
    }

    /// Whether a name is for operators, or looks like one that is.
    pub fn is_reserved(&self, nick: &Nick) -> bool {
        looks(nick.name()).iter().any(|look| self.reserved.contains(look.as_str()))
    }

    /// The registered names that a name is or looks like: it may look like one as it is written,
    /// and like another one in lower case.
    pub fn alike(&self, nick: &Nick) -> impl Iterator<Item = &KeptName> {
        let looks = if self.names.is_empty() { None } else { Some(looks(nick.name())) };
        let names = looks.into_iter().flatten().filter_map(|look| self.by_look.get(look.as_str()));
        names.filter_map(|name| self.names.get(name))
    }

    /// A registered name, in any case.
    pub fn find(&self, nick: &Nick) -> Option<&KeptName> {
        let is_it = |kept: &&KeptName| Nick::parse(&kept.name).is_ok_and(|name| name.is_same(nick));
        self.alike(nick).find(is_it)
    }

    /// Adds a name, or changes what is kept of it. One that looks like another one is left out:
    /// what looks alike has changed since it was registered, and the first owner keeps it.
    pub fn insert(&mut self, kept: KeptName) {
        let looks = looks(&kept.name);
        let is_free =
            |look: &String| self.by_look.get(look.as_str()).is_none_or(|it| *it == kept.name);
        if !looks.iter().all(is_free) {
            return;
        }
        for look in looks {
            self.by_look.insert(look.into(), kept.name.clone());
        }
        self.names.insert(kept.name.clone(), kept);
    }

    pub fn remove(&mut self, name: &str) {
        self.names.remove(name);
        for look in looks(name) {
            if self.by_look.get(look.as_str()).is_some_and(|other| **other == *name) {
                self.by_look.remove(look.as_str());
            }
        }
    }

    /// Its owner was here at that time. Gives what is to be kept then.
    pub fn touch(&mut self, name: &str, time: Time) -> Option<KeptName> {
        let kept = self.names.get_mut(name)?;
        kept.last_seen = time;
        Some(kept.clone())
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }
}

/// How many names each address may still register. Those of this machine may register as many as
/// they like.
#[derive(Debug)]
pub(in crate::chat) struct Registrations(LruCache<Network, Bucket>);

impl Default for Registrations {
    fn default() -> Self {
        Registrations(LruCache::new(ADDRESSES_MAX))
    }
}

impl Registrations {
    /// Takes one; false if there is none left today.
    pub fn take(&mut self, network: Option<Network>, now: Instant) -> bool {
        let limit = Limit::new(REGISTRATIONS_A_DAY, DAY);
        network.is_none_or(|network| {
            let bucket = self.0.get_or_insert_mut(network, Bucket::default);
            bucket.take(&limit, now).is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(name: &str) -> KeptName {
        KeptName { name: name.into(), hash: "hash".into(), registered: 1, last_seen: 1 }
    }

    fn nick(name: &str) -> Nick {
        Nick::parse(name).expect("a name")
    }

    #[test]
    fn a_registered_name_is_kept_with_all_that_looks_like_it() {
        let mut registered = Registered::default();
        registered.insert(kept("Alice"));
        registered.insert(kept("ВОВ"));
        for (name, owners) in [
            ("alice", &["Alice"][..]),
            ("A1ICE", &["Alice"]),
            ("bob", &["ВОВ"]),
            ("вов", &["ВОВ"]),
            ("alicia", &[]),
        ] {
            let mut found: Vec<_> = registered.alike(&nick(name)).map(|kept| &*kept.name).collect();
            found.dedup();
            assert_eq!(found, owners, "{name}");
        }
        assert!(registered.find(&nick("aLICE")).is_some());
        assert!(registered.find(&nick("a1ice")).is_none(), "it only looks like it");
        registered.insert(kept("a1ice"));
        assert_eq!(registered.len(), 2, "it belongs to the first one");
        registered.remove("Alice");
        assert!(registered.alike(&nick("alice")).next().is_none());
    }

    #[test]
    fn a_reserved_name_is_reserved_with_all_that_looks_like_it() {
        let mut registered = Registered::default();
        registered.reserve(&["admin".into(), "Root".into()]);
        for name in ["admin", "ADMIN", "adrnin", "r00t", "root"] {
            assert!(registered.is_reserved(&nick(name)), "{name}");
        }
        assert!(!registered.is_reserved(&nick("administrator")));
    }
}
