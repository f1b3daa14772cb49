//! What is logged of clients that weren't let in or had to go: some lines a minute for
//! each address, and not too many in all, so that nobody can fill the disk with them.

use std::fmt::Display;
use std::net::Ipv6Addr;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use log::info;
use lru::LruCache;

use super::address::PeerAddr;
use crate::chat::{Bucket, Limit};

const MINUTE: Duration = Duration::from_secs(60);

/// Lines a minute, of all addresses.
const LINES_MAX: u32 = 60;

/// Addresses that are remembered.
const ADDRESSES_MAX: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// What was logged of whom.
#[derive(Debug)]
pub(super) struct Journal {
    limit: Limit,
    lines: Bucket,
    address_limit: Limit,
    addresses: LruCache<Option<Ipv6Addr>, Logged>,
}

/// What was logged of one address.
#[derive(Clone, Copy, Debug, Default)]
struct Logged {
    lines: Bucket,
    /// How much wasn't since the last line.
    left_out: u32,
}

impl Journal {
    /// Logs so many lines a minute of each address.
    pub fn new(lines_of_address: u32) -> Journal {
        Journal {
            limit: Limit::new(LINES_MAX, MINUTE),
            lines: Bucket::default(),
            address_limit: Limit::new(lines_of_address, MINUTE),
            addresses: LruCache::new(ADDRESSES_MAX),
        }
    }

    /// Logs it, unless enough was logged of this address in the last minute.
    pub fn note(&mut self, now: Instant, peer: PeerAddr, what: impl Display) {
        if let Some(more) = self.admit(now, peer) {
            match more {
                0 => info!("{peer}: {what}"),
                _ => info!("{peer}: {what} (and {more} times before, without a line here)"),
            }
        }
    }

    /// How much wasn't logged before, if something may be logged now.
    fn admit(&mut self, now: Instant, peer: PeerAddr) -> Option<u32> {
        let ip = peer.ipv6();
        let mut known = self.addresses.get_mut(&ip);
        let Logged { mut lines, left_out } = known.as_deref().copied().unwrap_or_default();
        let may = lines.take(&self.address_limit, now).is_ok();
        if !may || self.lines.take(&self.limit, now).is_err() {
            if let Some(known) = &mut known {
                known.left_out += 1;
            }
            return None;
        }
        self.addresses.put(ip, Logged { lines, left_out: 0 });
        Some(left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u128) -> PeerAddr {
        PeerAddr::Ip { ip: Ipv6Addr::from_bits(number), port: number as u16 }
    }

    #[test]
    fn one_line_a_minute_for_each_address_counts_the_others() {
        let mut journal = Journal::new(1);
        let start = Instant::now();
        assert_eq!(journal.admit(start, peer(1)), Some(0));
        assert_eq!(journal.admit(start, peer(2)), Some(0));
        for _ in 0..5 {
            assert_eq!(journal.admit(start + MINUTE / 2, peer(1)), None);
        }
        assert_eq!(journal.admit(start + MINUTE, peer(1)), Some(5));
        assert_eq!(journal.admit(start + MINUTE, peer(2)), Some(0));
    }

    #[test]
    fn an_address_can_have_several_lines() {
        let mut journal = Journal::new(3);
        let start = Instant::now();
        let lines = (0..10).filter(|_| journal.admit(start, peer(1)).is_some()).count();
        assert_eq!(lines, 3);
        assert_eq!(journal.admit(start + MINUTE / 3, peer(1)), Some(7));
        assert_eq!(journal.admit(start + MINUTE / 3, peer(1)), None);
    }

    #[test]
    fn what_the_limit_of_all_left_out_is_counted_too() {
        let mut journal = Journal::new(1);
        let start = Instant::now();
        assert_eq!(journal.admit(start, peer(0)), Some(0));
        let later = start + MINUTE;
        for ip in 1..=LINES_MAX.into() {
            assert_eq!(journal.admit(later, peer(ip)), Some(0));
        }
        assert_eq!(journal.admit(later, peer(0)), None);
        assert_eq!(journal.admit(later + MINUTE, peer(0)), Some(1));
    }

    #[test]
    fn all_addresses_together_have_a_limit() {
        let mut journal = Journal::new(1);
        let start = Instant::now();
        let lines = (0..10_000).filter(|&ip| journal.admit(start, peer(ip)).is_some()).count();
        assert_eq!(lines, LINES_MAX as usize);
        assert!(journal.admit(start + MINUTE / LINES_MAX, peer(10_000)).is_some());
        assert!(journal.addresses.len() <= ADDRESSES_MAX.get());
    }
}
