//! Mutes with an end. They outlast a connection: a client that comes from the same network, or
//! takes the same name, is muted too.

use std::time::Instant;

use ipnet::IpNet;

use crate::chat::admission::address_limits::Network;
use crate::chat::names::nick::Nick;

/// Mutes at one time.
pub(in crate::chat) const MUTES_MAX: usize = 1000;

/// Why nobody sees what a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat) enum Muting {
    /// Until it leaves, or an operator undoes it.
    Open,
    /// Until the mute with this number ends.
    Timed(u64),
}

/// One mute.
#[derive(Clone, Debug)]
pub(in crate::chat) struct Mute {
    /// Tells it from all others.
    pub number: u64,
    /// The name that the client had.
    pub nick: Nick,
    /// Where the client came from; `None`: from this machine.
    pub network: Option<IpNet>,
    pub until: Instant,
}

impl Mute {
    /// Whether it is for clients of this name. Others get the names of guests again.
    fn has_name(&self, nick: &Nick) -> bool {
        self.nick.is_same(nick) && !nick.is_guest()
    }

    fn has_network(&self, network: Network) -> bool {
        self.network.is_some_and(|own| own.contains(&network.to_canonical()))
    }

    /// How many seconds are left, begun ones included.
    pub fn seconds_left(&self, now: Instant) -> u32 {
        let left = self.until.saturating_duration_since(now).as_millis().div_ceil(1000);
        u32::try_from(left).unwrap_or(u32::MAX)
    }
}

/// All mutes that have an end.
#[derive(Debug, Default)]
pub(in crate::chat) struct Mutes {
    newest: u64,
    mutes: Vec<Mute>,
}

impl Mutes {
    /// Adds a mute; gives its number, or nothing if no more fit.
    pub fn add(&mut self, nick: Nick, network: Option<IpNet>, until: Instant) -> Option<u64> {
        if self.mutes.len() >= MUTES_MAX {
            return None;
        }
        self.newest += 1;
        let number = self.newest;
        self.mutes.push(Mute { number, nick, network, until });
        Some(number)
    }

    /// Changes when a mute ends; gives when it would have ended.
    pub fn set_end(&mut self, number: u64, until: Instant) -> Option<Instant> {
        let mute = self.mutes.iter_mut().find(|mute| mute.number == number)?;
        Some(std::mem::replace(&mut mute.until, until))
    }

    /// Takes a mute out.
    pub fn remove(&mut self, number: u64) -> Option<Mute> {
        let at = self.mutes.iter().position(|mute| mute.number == number)?;
        Some(self.mutes.swap_remove(at))
    }

    pub fn get(&self, number: u64) -> Option<&Mute> {
        self.mutes.iter().find(|mute| mute.number == number)
    }

    /// The mute for clients of this name that ends last.
    pub fn of_name(&self, nick: &Nick) -> Option<&Mute> {
        self.mutes.iter().filter(|mute| mute.has_name(nick)).max_by_key(|mute| mute.until)
    }

    /// The mute of exactly this network.
    pub fn exactly_of(&self, network: IpNet) -> Option<u64> {
        let mute = self.mutes.iter().find(|mute| mute.network == Some(network));
        mute.map(|mute| mute.number)
    }

    /// The mute for clients from this network that ends last.
    pub fn of_network(&self, network: Network) -> Option<&Mute> {
        self.mutes.iter().filter(|mute| mute.has_network(network)).max_by_key(|mute| mute.until)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::chat::admission::address_limits::network;
    use crate::chat::admission::bans::ban_of;

    fn nick(name: &str) -> Nick {
        Nick::parse(name).expect("a name")
    }

    fn from(text: &str) -> Network {
        network(text.parse().expect("an address"), 0).expect("of another machine")
    }

    #[test]
    fn a_mute_is_for_its_name_and_its_network() {
        let (now, mut mutes) = (crate::some_time(), Mutes::default());
        let home = from("192.0.2.7");
        let until = now + Duration::from_millis(1500);
        let number = mutes.add(nick("bob"), Some(ban_of(home)), until).expect("there is place");
        let is = |mute: Option<&Mute>| mute.is_some_and(|mute| mute.number == number);
        assert!(is(mutes.of_name(&nick("BOB"))) && is(mutes.of_network(home)));
        assert!(!is(mutes.of_name(&nick("eve"))) && !is(mutes.of_network(from("192.0.2.8"))));
        assert_eq!(mutes.get(number).expect("it is there").seconds_left(now), 2);
        assert!(mutes.remove(number).is_some() && mutes.remove(number).is_none());
        assert!(!is(mutes.of_network(home)));
    }

    #[test]
    fn the_name_of_a_guest_is_given_again_and_so_is_not_muted() {
        let (now, mut mutes) = (crate::some_time(), Mutes::default());
        mutes.add(Nick::guest(7), None, now);
        assert!(mutes.of_name(&Nick::guest(7)).is_none());
    }

    #[test]
    fn mutes_have_a_limit() {
        let (now, mut mutes) = (crate::some_time(), Mutes::default());
        for _ in 0..MUTES_MAX {
            assert!(mutes.add(nick("bob"), None, now).is_some());
        }
        assert!(mutes.add(nick("bob"), None, now).is_none());
    }
}
