//! What is heard in a room that several servers share: how late, by where the sender is, and
//! whether everybody hears the same order.

use std::collections::HashSet;

use crate::latency::Histogram;
use crate::roles::Roles;

/// Of FNV-1a, which is enough to tell orders apart.
const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

pub struct Apart {
    servers: usize,
    /// The member that is each sender.
    senders: Vec<usize>,
    /// For each member a digest of the lines in the order in which it has heard them.
    digests: Vec<u64>,
    pub near: Histogram,
    pub far: Histogram,
}

impl Apart {
    /// Members are spread over the servers in turns, as a crowd connects them.
    pub fn new(servers: usize, roles: &Roles) -> Apart {
        let senders = roles.senders.clone();
        let digests = vec![SEED; roles.members];
        Apart { servers, senders, digests, near: Histogram::default(), far: Histogram::default() }
    }

    pub fn line(&mut self, member: usize, sender: usize, counter: u32, latency_ns: Option<u64>) {
        let mark = (sender as u64) << 32 | u64::from(counter);
        let digest = &mut self.digests[member];
        *digest = (*digest ^ mark).wrapping_mul(PRIME);
        if let (Some(ns), Some(speaker)) = (latency_ns, self.senders.get(sender)) {
            let is_near = member % self.servers == speaker % self.servers;
            if is_near { &mut self.near } else { &mut self.far }.add(ns);
        }
    }

    pub fn forget_latencies(&mut self) {
        (self.near, self.far) = (Histogram::default(), Histogram::default());
    }

    /// How many different orders there are at those listeners who never speak: others don't hear
    /// their own lines.
    pub fn orders(&self, listeners: &[usize]) -> usize {
        let silent = listeners.iter().filter(|listener| !self.senders.contains(listener));
        silent.map(|&listener| self.digests[listener]).collect::<HashSet<_>>().len()
    }
}
