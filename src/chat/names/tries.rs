//! How often secrets may be tried: by name, so that many addresses can't guess together, and by
//! address, so that one can't try many names.
//!
//! A few tries are free. After them each wrong one makes the next one wait longer. A name waits a
//! minute at most, or anybody could keep its owner out for long; the addresses of this machine
//! don't wait, as they may be those of a proxy. Times are seconds since the start of the server.

use std::num::NonZeroUsize;

use lru::LruCache;

use crate::chat::admission::address_limits::Network;
use crate::chat::names::registered::REGISTERED_MAX;

/// Wrong secrets before the next try has to wait.
const FREE_TRIES: u32 = 3;

/// The first wait. Each is twice as long as the one before.
const FIRST_WAIT_SECONDS: u32 = 5;

/// The longest waits.
const NAME_WAIT_SECONDS_MAX: u32 = 60;
const ADDRESS_WAIT_SECONDS_MAX: u32 = 15 * 60;

/// After so long without a try all is forgotten.
const FORGET_SECONDS: u32 = 3600;

/// Addresses that are known; beyond it those that tried nothing for longest are forgotten.
const ADDRESSES_MAX: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");
const NAMES_MAX: NonZeroUsize = NonZeroUsize::new(REGISTERED_MAX).expect("not zero");

/// Secrets that were wrong, or aren't known yet to be right.
#[derive(Debug)]
pub(in crate::chat) struct Tries {
    names: LruCache<Box<str>, Failures>,
    addresses: LruCache<Network, Failures>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: u32,
}

/// What a client may do after a wrong secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat) enum Next {
    /// So many more tries, without waiting.
    Left(u32),
    /// The next try after so many seconds.
    Wait(u32),
}

impl Default for Tries {
    fn default() -> Self {
        Tries { names: LruCache::new(NAMES_MAX), addresses: LruCache::new(ADDRESSES_MAX) }
    }
}

impl Tries {
    /// A try begins. It counts as wrong until it is taken back: of many that begin at once none
    /// is free.
    ///
    /// # Errors
    /// How many seconds it has to wait.
    pub fn begin(&mut self, name: &str, network: Option<Network>, now: u32) -> Result<(), u32> {
        if let Next::Wait(time) = self.next(name, network, now) {
            return Err(time);
        }
        let new = Failures { count: 0, last: now };
        self.names.get_or_insert_mut(name.into(), || new).add(now);
        if let Some(network) = network {
            self.addresses.get_or_insert_mut(network, || new).add(now);
        }
        Ok(())
    }

    /// What comes after all that were begun.
    pub fn next(&self, name: &str, network: Option<Network>, now: u32) -> Next {
        let of_name = self.names.peek(name).map(|it| it.next(NAME_WAIT_SECONDS_MAX, now));
        let of_address = network.and_then(|network| self.addresses.peek(&network));
        let of_address = of_address.map(|it| it.next(ADDRESS_WAIT_SECONDS_MAX, now));
        let all = [of_name, of_address].into_iter().flatten();
        all.fold(Next::Left(FREE_TRIES), |next, other| match (next, other) {
            (Next::Left(one), Next::Left(other)) => Next::Left(one.min(other)),
            (Next::Wait(one), Next::Wait(other)) => Next::Wait(one.max(other)),
            (wait @ Next::Wait(_), _) | (_, wait) => wait,
        })
    }

    /// The secret was right. The name has no wrong ones any more; the address keeps those of
    /// other names, or an owner could guess the secrets of others for ever.
    pub fn succeed(&mut self, name: &str, network: Option<Network>) {
        self.names.pop(name);
        Self::take_one_back(network.and_then(|network| self.addresses.peek_mut(&network)));
    }

    /// The secret wasn't looked at.
    pub fn take_back(&mut self, name: &str, network: Option<Network>) {
        Self::take_one_back(self.names.peek_mut(name));
        Self::take_one_back(network.and_then(|network| self.addresses.peek_mut(&network)));
    }

    fn take_one_back(failures: Option<&mut Failures>) {
        if let Some(failures) = failures {
            failures.count = failures.count.saturating_sub(1);
        }
    }
}

impl Failures {
    fn add(&mut self, now: u32) {
        if self.is_old(now) {
            self.count = 0;
        }
        (self.count, self.last) = (self.count.saturating_add(1), now);
    }

    fn is_old(&self, now: u32) -> bool {
        now.saturating_sub(self.last) >= FORGET_SECONDS
    }

    fn next(&self, wait_max: u32, now: u32) -> Next {
        if self.is_old(now) {
            return Next::Left(FREE_TRIES);
        }
        if self.count < FREE_TRIES {
            return Next::Left(FREE_TRIES - self.count);
        }
        let factor = 1_u32 << (self.count - FREE_TRIES).min(16);
        let until = self.last + (FIRST_WAIT_SECONDS * factor).min(wait_max);
        match until.saturating_sub(now) {
            0 => Next::Left(1),
            time => Next::Wait(time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(last: u16) -> Option<Network> {
        Some(Network::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last))
    }

    /// Promise 78.
    #[test]
    fn wrong_secrets_make_the_next_one_wait_longer() {
        let (mut tries, mut now) = (Tries::default(), 1000);
        for left in [2, 1] {
            assert_eq!(tries.begin("ann", network(1), now), Ok(()));
            assert_eq!(tries.next("ann", network(1), now), Next::Left(left));
        }
        for wait in [5, 10, 20, 40, 80, 160, 320, 640, 900, 900] {
            assert_eq!(tries.begin("ann", network(1), now), Ok(()));
            assert_eq!(tries.begin("ann", network(1), now), Err(wait));
            // For others the name is free again after a minute at most.
            let others = tries.next("ann", network(2), now);
            assert_eq!(others, Next::Wait(wait.min(NAME_WAIT_SECONDS_MAX)));
            // The address has to wait for any name.
            assert_eq!(tries.next("bob", network(1), now), Next::Wait(wait));
            now += wait;
        }
        now += FORGET_SECONDS;
        assert_eq!(tries.next("ann", network(1), now), Next::Left(3));
    }

    #[test]
    fn a_right_secret_frees_the_name_but_not_other_guesses_of_the_address() {
        let (mut tries, now) = (Tries::default(), 1000);
        for _ in 0..2 {
            tries.begin("ann", network(1), now).expect("it is free");
        }
        tries.begin("bob", network(1), now).expect("it is free");
        tries.succeed("bob", network(1));
        assert_eq!(tries.next("bob", network(1), now), Next::Left(1));
        assert_eq!(tries.next("bob", network(2), now), Next::Left(3));
        assert_eq!(tries.next("ann", network(2), now), Next::Left(1));
        tries.take_back("ann", network(1));
        assert_eq!(tries.next("ann", network(2), now), Next::Left(2));
    }

    #[test]
    fn this_machine_waits_for_a_name_only() {
        let (mut tries, now) = (Tries::default(), 1000);
        for _ in 0..3 {
            tries.begin("ann", None, now).expect("it is free");
        }
        assert_eq!(tries.begin("ann", None, now), Err(FIRST_WAIT_SECONDS));
        assert_eq!(tries.begin("bob", None, now), Ok(()));
    }
}
