//! Which clients may connect: access rules, bans, limits per address, passwords.

// In reading order.
pub(super) mod access;
pub(super) mod bans;
pub(super) mod address_limits;
pub(super) mod password;
pub(super) mod browsers;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Instant;

use ipnet::IpNet;

use self::access::Rule;
use self::address_limits::{Network, OriginId, OriginLimits, Origins, network};
use self::bans::{Ban, Bans};
use self::browsers::Browsers;
use crate::chat::clock::Moment;
use crate::chat::close_reason::Refusal;
use crate::chat::ids::ClientId;

/// Where clients come from, who is banned, and who waits for a place.
#[derive(Debug, Default)]
pub(super) struct Admission {
    origins: Origins,
    pub browsers: Browsers,
    bans: Bans,
    /// They have changed since `take_new_bans`.
    has_new_bans: bool,
    /// Clients that have to give a password, the first one in front; and some that
    /// have gone.
    strangers: VecDeque<ClientId>,
    /// Strangers that gave way and have not been told so yet.
    giving_way: usize,
}

impl Admission {
    /// Whether clients from this address may connect at all; gives what it is counted
    /// as.
    pub fn check(
        &self,
        at: Moment,
        rules: &[Rule],
        ip: Option<IpAddr>,
        zone: u32,
    ) -> Result<Option<Network>, Refusal> {
        let network = ip.and_then(|ip| network(ip, zone));
        if ip.is_some_and(|ip| !access::is_allowed(rules, ip)) {
            return Err(Refusal::Denied);
        }
        match network.and_then(|network| self.ban_for(at, network)) {
            Some(ban) => {
                let (seconds, reason) = (ban.seconds_left(at), ban.reason.clone());
                Err(Refusal::Banned { seconds, reason })
            }
            None => Ok(network),
        }
    }

    /// Gives a client from `network` a place, until `leave`.
    pub fn enter(
        &mut self,
        now: Instant,
        network: Option<Network>,
        limits: &OriginLimits,
    ) -> Result<OriginId, Refusal> {
        self.origins.enter(now, network, limits)
    }

    /// Gives the place back.
    pub fn leave(&mut self, origin: OriginId) {
        self.origins.leave(origin);
    }

    /// The network that a client comes from; `None` for this machine.
    pub fn network(&self, origin: OriginId) -> Option<Network> {
        self.origins.network(origin)
    }

    /// How many clients have a place, those of this machine not counted.
    pub fn client_count(&self) -> usize {
        self.origins.client_count()
    }

    /// The ban that is for clients from a network, if there is one.
    pub fn ban_for(&self, at: Moment, network: Network) -> Option<&Ban> {
        self.bans.find(at, network)
    }

    /// Adds a ban; false if no more fit.
    pub fn ban(&mut self, at: Moment, ban: Ban) -> bool {
        let is_added = self.bans.add(at, ban);
        self.has_new_bans |= is_added;
        is_added
    }

    /// Takes the ban of this network back; false if there is none.
    pub fn unban(&mut self, network: IpNet) -> bool {
        let is_removed = self.bans.remove(network);
        self.has_new_bans |= is_removed;
        is_removed
    }

    pub fn bans(&self, at: Moment) -> impl Iterator<Item = &Ban> {
        self.bans.active(at)
    }

    pub fn set_bans(&mut self, bans: Bans) {
        self.bans = bans;
    }

    /// The text of the bans, if they have changed.
    pub fn take_new_bans(&mut self, at: Moment) -> Option<String> {
        std::mem::take(&mut self.has_new_bans).then(|| self.bans.text(at))
    }

    pub fn has_new_bans(&self) -> bool {
        self.has_new_bans
    }

    pub fn add_stranger(&mut self, id: ClientId) {
        self.strangers.push_back(id);
    }

    /// The stranger that came first; it may not be one any more.
    pub fn first_stranger(&self) -> Option<ClientId> {
        self.strangers.front().copied()
    }

    pub fn remove_first_stranger(&mut self) {
        self.strangers.pop_front();
    }

    /// A stranger gives way, and has its place until `gave_way`.
    pub fn give_way(&mut self) {
        self.giving_way += 1;
    }

    pub fn gave_way(&mut self) {
        self.giving_way -= 1;
    }

    pub fn giving_way(&self) -> usize {
        self.giving_way
    }
}
