//! Connections that browsers open and may never use.
//!
//! A browser opens some at once, and more beside a request, to have them ready. On them
//! nothing is sent, so each looks like a user who says nothing yet. A request that comes
//! later on one would meet a greeting.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use hashbrown::HashSet;
use lru::LruCache;

use super::address_limits::Network;
use crate::chat::ids::ClientId;

/// How long after a request of a browser its address may have spare connections.
const BROWSER_TIME: Duration = Duration::from_secs(30);

/// Connections that come within such a time come together.
const TOGETHER_TIME: Duration = Duration::from_millis(50);

/// Addresses that are remembered.
const NETWORKS_MAX: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// Arrivals that are remembered of each of them.
const ARRIVALS_MAX: usize = 4;

type Arrivals = ArrayVec<(Instant, ClientId), ARRIVALS_MAX>;

/// Where browsers have been, and who has come from where.
#[derive(Debug)]
pub(in crate::chat) struct Browsers {
    /// When a browser last asked for something; `None` is this machine.
    asked: LruCache<Option<Network>, Instant>,
    /// The latest arrivals. Those from this machine aren't kept: its programs often come
    /// together, and its browser asks at once.
    arrivals: LruCache<Network, Arrivals>,
    /// Clients that may be spare connections: they have sent nothing so far.
    spares: HashSet<ClientId>,
}

impl Default for Browsers {
    fn default() -> Self {
        Browsers {
            asked: LruCache::new(NETWORKS_MAX),
            arrivals: LruCache::new(NETWORKS_MAX),
            spares: HashSet::new(),
        }
    }
}

impl Browsers {
    /// A browser has asked for something.
    pub fn ask(&mut self, now: Instant, network: Option<Network>) {
        self.asked.put(network, now);
    }

    /// A client has come.
    pub fn arrive(&mut self, now: Instant, id: ClientId, network: Option<Network>) {
        let Some(network) = network else { return };
        let arrivals = self.arrivals.get_or_insert_mut(network, Arrivals::new);
        if arrivals.is_full() {
            arrivals.remove(0);
        }
        arrivals.push((now, id));
    }

    /// Whether there was a browser lately.
    pub fn are_at(&self, now: Instant, network: Option<Network>) -> bool {
        self.asked.peek(&network).is_some_and(|asked| now < *asked + BROWSER_TIME)
    }

    /// A client may be a spare connection.
    pub fn add_spare(&mut self, id: ClientId) {
        self.spares.insert(id);
    }

    /// A client isn't one, or is gone. Whether it might have been.
    pub fn remove_spare(&mut self, id: ClientId) -> bool {
        self.spares.remove(&id)
    }

    /// Whether a client may be a spare connection.
    pub fn is_spare(&self, id: ClientId) -> bool {
        self.spares.contains(&id)
    }

    /// All that may be spare connections.
    pub fn spares(&self) -> impl ExactSizeIterator<Item = ClientId> {
        self.spares.iter().copied()
    }

    /// Those that came from the same address together with a client.
    pub fn together_with(
        &self,
        id: ClientId,
        network: Option<Network>,
    ) -> impl Iterator<Item = ClientId> {
        let arrivals = network.and_then(|network| self.arrivals.peek(&network));
        let arrivals = arrivals.map_or(&[][..], |arrivals| arrivals);
        let at = arrivals.iter().find(|(_, other)| *other == id).map(|(at, _)| *at);
        let is_near = move |other: Instant| {
            at.is_some_and(|at| at.max(other) - at.min(other) <= TOGETHER_TIME)
        };
        let others =
            arrivals.iter().filter(move |(other_at, other)| *other != id && is_near(*other_at));
        others.map(|(_, other)| *other)
    }
}

#[cfg(test)]
mod tests {
    use slotmap::SlotMap;

    use super::*;
    use crate::some_time;

    const HOME: Option<Network> = Some(Network::LOCALHOST);

    #[test]
    fn a_browser_is_remembered_for_a_while() {
        let (mut browsers, start) = (Browsers::default(), some_time());
        browsers.ask(start, HOME);
        let last = start + BROWSER_TIME - Duration::from_millis(1);
        assert!(browsers.are_at(last, HOME) && !browsers.are_at(last, None));
        assert!(!browsers.are_at(start + BROWSER_TIME, HOME));
        for bits in 2..2 + NETWORKS_MAX.get() as u128 {
            browsers.ask(start, Some(Network::from_bits(bits)));
        }
        assert!(!browsers.are_at(start, HOME), "others have come since then");
    }

    #[test]
    fn those_who_come_together_know_of_each_other() {
        let (mut browsers, start) = (Browsers::default(), some_time());
        let mut ids = SlotMap::<ClientId, ()>::with_key();
        let [a, b, c, d] = std::array::from_fn(|_| ids.insert(()));
        let arrivals = [(a, 0), (b, 50), (c, 101), (d, 102)];
        for (id, millis) in arrivals {
            browsers.arrive(start + Duration::from_millis(millis), id, HOME);
        }
        let together = |id| browsers.together_with(id, HOME).collect::<Vec<_>>();
        assert_eq!((together(a), together(b)), (vec![b], vec![a]));
        assert_eq!((together(c), together(d)), (vec![d], vec![c]));
        assert_eq!(browsers.together_with(a, None).count(), 0);
    }
}
