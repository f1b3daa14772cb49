//! Where clients come from, so that one address can't take every place.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use lru::LruCache;
use slab::Slab;

use crate::chat::bucket::{Bucket, Limit};
use crate::chat::close_reason::Refusal;

/// What a client's address is counted as: IPv4 addresses, mapped into IPv6, as
/// they are; of IPv6 the first 64 bits, since whoever has one address there has
/// all with the same ones (RFC 6177). A machine may take any of the addresses of
/// its link (RFC 4862), so those count by the link: its number is in their place.
pub(in crate::chat) type Network = Ipv6Addr;

/// Networks of which it is known how many came lately; beyond it those that
/// didn't come for longest are forgotten.
const ARRIVALS_MAX: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

/// The limits for one address. Clients on this machine have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginLimits {
    /// Clients at one time; 0: as many as there is place for.
    pub clients_max: usize,
    /// Connections that may come in a minute; 0: as many as like.
    pub new_per_minute: u32,
}

impl Default for OriginLimits {
    fn default() -> Self {
        OriginLimits { clients_max: 16, new_per_minute: 60 }
    }
}

/// Names a network while clients from it are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat) struct OriginId(u32);

impl OriginId {
    /// This machine.
    pub const LOCAL: OriginId = OriginId(u32::MAX);
}

/// The networks that clients come from.
#[derive(Debug)]
pub(in crate::chat) struct Origins {
    origins: Slab<Origin>,
    ids: HashMap<Network, OriginId>,
    arrivals: LruCache<Network, Bucket>,
}

#[derive(Debug)]
struct Origin {
    network: Network,
    clients: usize,
}

impl Default for Origins {
    fn default() -> Self {
        let arrivals = LruCache::new(ARRIVALS_MAX);
        Origins { origins: Slab::new(), ids: HashMap::new(), arrivals }
    }
}

impl Origins {
    /// Gives a client from `network` (`None`: this machine) a slot.
    pub fn enter(
        &mut self,
        now: Instant,
        network: Option<Network>,
        limits: &OriginLimits,
    ) -> Result<OriginId, Refusal> {
        let Some(network) = network else { return Ok(OriginId::LOCAL) };
        let known = self.ids.get(&network).copied();
        let clients = known.map_or(0, |id| self.origins[id.0 as usize].clients);
        if limits.clients_max > 0 && clients >= limits.clients_max {
            return Err(Refusal::PerAddress { clients });
        }
        self.count_arrival(now, network, limits.new_per_minute)?;
        let id = known.unwrap_or_else(|| {
            // As many as there are descriptors at most.
            let id = OriginId(self.origins.insert(Origin { network, clients: 0 }) as u32);
            self.ids.insert(network, id);
            id
        });
        self.origins[id.0 as usize].clients += 1;
        Ok(id)
    }

    fn count_arrival(&mut self, now: Instant, network: Network, most: u32) -> Result<(), Refusal> {
        if most == 0 {
            return Ok(());
        }
        let limit = Limit::new(most, Duration::from_secs(60));
        let bucket = self.arrivals.get_or_insert_mut(network, Bucket::default);
        bucket.take(&limit, now).map_err(|next| {
            let wait = next.saturating_duration_since(now);
            Refusal::NewPerMinute { connections: most, wait }
        })
    }

    /// Gives a place back.
    pub fn leave(&mut self, id: OriginId) {
        let Some(origin) = self.origins.get_mut(id.0 as usize) else { return };
        origin.clients -= 1;
        if origin.clients == 0 {
            self.ids.remove(&origin.network);
            self.origins.remove(id.0 as usize);
        }
    }

    /// The network that an id names; `None` for this machine.
    pub fn network(&self, id: OriginId) -> Option<Network> {
        self.origins.get(id.0 as usize).map(|origin| origin.network)
    }

    /// How many clients are counted.
    pub fn client_count(&self) -> usize {
        self.origins.iter().map(|(_, origin)| origin.clients).sum()
    }
}

/// The network that an address is counted as, which `zone` says the link of if it
/// is a link-local one; `None` for this machine.
pub(in crate::chat) fn network(ip: IpAddr, zone: u32) -> Option<Network> {
    match ip.to_canonical() {
        ip if ip.is_loopback() => None,
        IpAddr::V4(ip) => Some(ip.to_ipv6_mapped()),
        IpAddr::V6(ip) if ip.is_unicast_link_local() => {
            let link = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0).to_bits();
            Some(Ipv6Addr::from_bits(link | u128::from(zone)))
        }
        IpAddr::V6(ip) => Some(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::some_time;

    const MINUTE: Duration = Duration::from_secs(60);

    fn from(text: &str) -> Option<Network> {
        network(text.parse().expect("an address"), 2)
    }

    fn limits(clients_max: usize, new_per_minute: u32) -> OriginLimits {
        OriginLimits { clients_max, new_per_minute }
    }

    #[test]
    fn an_address_counts_as_its_network() {
        assert_eq!(from("192.0.2.1"), from("::ffff:192.0.2.1"));
        assert_ne!(from("192.0.2.1"), from("192.0.2.2"));
        assert_eq!(from("2001:db8:1:2::1"), from("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(from("2001:db8:1:2::1"), from("2001:db8:1:3::1"));
        assert_eq!(from("fe80::1"), from("fe80::2"), "one machine can have both");
        let on_another_link = network("fe80::1".parse().expect("an address"), 3);
        assert_ne!(from("fe80::1"), on_another_link);
        for local in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(from(local), None, "{local}");
        }
    }

    #[test]
    fn one_address_has_so_many_places_and_gets_them_back() {
        let mut origins = Origins::default();
        let (now, limits) = (some_time(), limits(16, 0));
        for _ in 0..1000 {
            let enter = |origins: &mut Origins| origins.enter(now, from("192.0.2.1"), &limits);
            let ids: Vec<_> = (0..16).map(|_| enter(&mut origins).expect("a place")).collect();
            assert_eq!(enter(&mut origins), Err(Refusal::PerAddress { clients: 16 }));
            origins.enter(now, from("192.0.2.2"), &limits).map(|id| origins.leave(id)).expect("it");
            ids.into_iter().for_each(|id| origins.leave(id));
        }
        assert_eq!(origins.client_count(), 0);
        assert!(origins.ids.is_empty() && origins.origins.is_empty());
    }

    #[test]
    fn so_many_may_come_in_a_minute_and_are_told_when_the_next_may() {
        let mut origins = Origins::default();
        let (start, limits) = (some_time(), limits(0, 60));
        let mut enter = |at| origins.enter(start + at, from("192.0.2.1"), &limits);
        for _ in 0..60 {
            enter(Duration::ZERO).expect("one of 60");
        }
        let wait = Duration::from_secs(1);
        let refusal = Err(Refusal::NewPerMinute { connections: 60, wait });
        assert_eq!(enter(Duration::ZERO), refusal);
        enter(wait).expect("one a second");
        assert_eq!(enter(wait), refusal);
        (0..60).for_each(|_| _ = enter(2 * MINUTE).expect("one of 60 again"));
        assert_eq!(enter(2 * MINUTE), refusal);
    }

    #[test]
    fn this_machine_has_no_limits() {
        let mut origins = Origins::default();
        for _ in 0..100 {
            assert_eq!(origins.enter(some_time(), None, &limits(1, 1)), Ok(OriginId::LOCAL));
        }
        origins.leave(OriginId::LOCAL);
        assert_eq!(origins.client_count(), 0);
    }

    #[test]
    fn zero_is_no_limit() {
        let mut origins = Origins::default();
        for _ in 0..1000 {
            let entered = origins.enter(some_time(), from("192.0.2.1"), &limits(0, 0));
            assert!(entered.is_ok());
        }
    }

    #[test]
    fn the_table_of_arrivals_is_bounded() {
        let mut origins = Origins::default();
        for number in 0..100_000_u128 {
            let network = Some(Ipv6Addr::from_bits(number << 64));
            let id = origins.enter(some_time(), network, &limits(1, 1)).expect("a place");
            origins.leave(id);
        }
        assert_eq!(origins.arrivals.len(), ARRIVALS_MAX.get());
    }
}
