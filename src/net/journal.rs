//! What is logged of clients that weren't let in or had to go: one line a
//! minute for each address, and not too many in all, so that nobody can fill
//! the disk with them.

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
    /// When something was logged of an address, and how much wasn't since then.
    addresses: LruCache<Option<Ipv6Addr>, (Instant, u32)>,
}

impl Default for Journal {
    fn default() -> Self {
        Journal {
            limit: Limit::new(LINES_MAX, MINUTE),
            lines: Bucket::default(),
            addresses: LruCache::new(ADDRESSES_MAX),
        }
    }
}

impl Journal {
    /// Logs it, unless something was logged of this address in the last minute.
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
        let known = self.addresses.get_mut(&ip);
        let is_due = known.as_ref().is_none_or(|(at, _)| now >= *at + MINUTE);
        if !is_due || self.lines.take(&self.limit, now).is_err() {
            if let Some((_, left_out)) = known {
                *left_out += 1;
            }
            return None;
        }
        let left_out = known.map_or(0, |(_, left_out)| *left_out);
        self.addresses.put(ip, (now, 0));
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
        let mut journal = Journal::default();
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
    fn what_the_limit_of_all_left_out_is_counted_too() {
        let mut journal = Journal::default();
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
        let mut journal = Journal::default();
        let start = Instant::now();
        let lines = (0..10_000).filter(|&ip| journal.admit(start, peer(ip)).is_some()).count();
        assert_eq!(lines, LINES_MAX as usize);
        assert!(journal.admit(start + MINUTE / LINES_MAX, peer(10_000)).is_some());
        assert!(journal.addresses.len() <= ADDRESSES_MAX.get());
    }
}
