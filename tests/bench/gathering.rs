//! Filling a room: everybody connects, and nothing is measured before everybody is known to be in
//! and to have read all that came of it.
//!
//! A connection that the kernel has made says nothing about the server, and not every server greets.
//! So the proof is a *probe*: a line that somebody says and everybody else receives. Once all have
//! received the last probe of two different members there is nothing older on its way to anyone. In
//! a room that several servers share that takes one at each of them.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use memchr::memmem;

use crate::canary::{self, Canary};
use crate::clock;
use crate::connection::Pockets;
use crate::crowd::{Crowd, Ear};
use crate::payload::{Kind, Mark};
use crate::server::Server;

/// For a whole room.
const GATHER_TIMEOUT: Duration = Duration::from_secs(60);
/// A probe that came before the server knew the newcomer is never seen by it. If nothing at all is
/// received for so long, the probe is repeated; each time the patience doubles.
const PROBE_PATIENCE_MIN: Duration = Duration::from_millis(5);
const PROBE_PATIENCE_MAX: Duration = Duration::from_millis(500);
/// As small as fits: probes aren't part of any load.
pub const PROBE_BYTES: usize = 64;
const PROBERS_MIN: usize = 2;
/// As many servers may share a room.
const PROBERS_MAX: usize = 3;

/// Who is known to be in the room, from what they have received.
pub struct Roll {
    welcome: Option<&'static [u8]>,
    arrived: Vec<Arrival>,
    pub canary: Option<Canary>,
}

/// What one member has received.
#[derive(Clone, Copy, Default)]
struct Arrival {
    welcomed: bool,
    /// The newest probe of each prober; probes count from 1.
    probes: [u32; PROBERS_MAX],
}

impl Ear for Roll {
    fn line(&mut self, member: usize, line: &[u8], now_ns: u64) {
        if let Some(canary) = self.canary.as_mut().filter(|_| member == canary::MEMBER) {
            canary.hear(line, now_ns);
        }
        if self.arrived.len() <= member {
            self.arrived.resize(member + 1, Arrival::default());
        }
        let arrival = &mut self.arrived[member];
        match Mark::decode(line, PROBE_BYTES) {
            Some(Mark { kind: Kind::Probe, sender, counter }) if sender < PROBERS_MAX => {
                arrival.probes[sender] = arrival.probes[sender].max(counter);
            }
            _ => {
                arrival.welcomed |=
                    self.welcome.is_some_and(|welcome| memmem::find(line, welcome).is_some())
            }
        }
    }
}

impl Roll {
    pub fn new(welcome: Option<&'static [u8]>) -> Roll {
        Roll { welcome, arrived: Vec::new(), canary: None }
    }

    fn arrival(&self, member: usize) -> Arrival {
        self.arrived.get(member).copied().unwrap_or_default()
    }
}

/// A room that fills.
pub struct Gathering {
    pub crowd: Crowd,
    pub roll: Roll,
    /// The newest probe of each prober.
    probes: [u32; PROBERS_MAX],
    probers: usize,
    /// Everybody before this one is known to be in.
    known: usize,
    deadline_ns: u64,
    connects_at_once: usize,
}

impl Gathering {
    pub fn new(server: &Server, addresses: Vec<SocketAddr>) -> io::Result<Gathering> {
        let probers = addresses.len().clamp(PROBERS_MIN, PROBERS_MAX);
        Ok(Gathering {
            crowd: Crowd::new(addresses, server.security, server.protocol)?,
            roll: Roll::new(server.protocol.welcome()),
            probes: [0; PROBERS_MAX],
            probers,
            known: 0,
            deadline_ns: clock::now_ns() + clock::to_ns(GATHER_TIMEOUT),
            connects_at_once: server.connects_at_once,
        })
    }

    /// Connects until there are `clients`, and returns when all of them are in.
    pub fn fill(
        &mut self,
        clients: usize,
        pockets: impl Fn(usize) -> Pockets,
    ) -> Result<(), Box<dyn Error>> {
        while self.crowd.len() < clients {
            // The first ones are the probers.
            let probers = self.probers;
            let batch = if self.crowd.len() < probers { probers } else { self.connects_at_once };
            for member in self.crowd.len()..clients.min(self.crowd.len() + batch) {
                self.crowd
                    .connect(pockets(member))
                    .map_err(|error| format!("client {member}: {error}"))?;
                if member < self.probers {
                    self.crowd.give_voice(member)?;
                }
            }
            self.confirm()?;
        }
        Ok(())
    }

    /// Waits until the newest members are in.
    fn confirm(&mut self) -> Result<(), Box<dyn Error>> {
        let newest = self.known..self.crowd.len();
        if self.roll.welcome.is_some() {
            self.wait(Duration::MAX, |roll| {
                newest.clone().all(|member| roll.arrival(member).welcomed)
            })?;
        } else {
            self.probe(0, newest.clone())?;
        }
        self.known = newest.end;
        Ok(())
    }

    /// Returns when everybody has read all that was said before. Whether a speaker hears itself on
    /// this server comes out beside it: its own probe comes before the answer to it, or never.
    pub fn settle(&mut self) -> Result<Echo, Box<dyn Error>> {
        let all = 0..self.crowd.len();
        (0..self.probers).try_for_each(|by| self.probe(by, all.clone()))?;
        if self.roll.arrival(0).probes[0] == 0 {
            return Ok(Echo::Others);
        }
        let (last, probes) = (self.probers - 1, self.probes);
        self.wait(Duration::MAX, |roll| roll.arrival(last).probes[last] == probes[last])?;
        Ok(Echo::Everyone)
    }

    /// Prober `by` speaks until everybody else in `whom` has heard it.
    fn probe(&mut self, by: usize, whom: Range<usize>) -> Result<(), Box<dyn Error>> {
        let mut patience = PROBE_PATIENCE_MIN;
        loop {
            self.probes[by] += 1;
            let mut text = Vec::new();
            Mark { kind: Kind::Probe, sender: by, counter: self.probes[by] }
                .encode(PROBE_BYTES, &mut text);
            let mut bytes = Vec::new();
            self.crowd.protocol.say(&text, &mut bytes);
            self.crowd.say(by, &bytes)?;
            let newest = self.probes[by];
            let heard = |roll: &Roll| {
                whom.clone().all(|member| member == by || roll.arrival(member).probes[by] == newest)
            };
            if self.wait(patience, heard)? {
                return Ok(());
            }
            patience = (patience * 2).min(PROBE_PATIENCE_MAX);
        }
    }

    /// Turns until `done`; `false` if nothing was received for `patience` before that.
    fn wait(
        &mut self,
        patience: Duration,
        done: impl Fn(&Roll) -> bool,
    ) -> Result<bool, Box<dyn Error>> {
        let start_ns = clock::now_ns();
        while !done(&self.roll) {
            let idle = self.crowd.quiet().min(Duration::from_nanos(clock::now_ns() - start_ns));
            let left = clock::until(self.deadline_ns);
            let clients = self.crowd.len();
            if left.is_zero() {
                let seconds = GATHER_TIMEOUT.as_secs();
                return Err(
                    format!("not all of {clients} clients were in after {seconds} s").into()
                );
            }
            if self.crowd.closed() > 0 {
                let closed = self.crowd.closed();
                return Err(format!("the server closed {closed} of {clients} clients").into());
            }
            if idle >= patience {
                return Ok(false);
            }
            let wait = left.min(patience.saturating_sub(idle)).max(Duration::from_millis(1));
            self.turn(wait)?;
        }
        Ok(true)
    }

    pub fn turn(&mut self, timeout: Duration) -> io::Result<()> {
        let Some(canary) = &mut self.roll.canary else {
            return self.crowd.turn(timeout, &mut self.roll);
        };
        canary.sing(&mut self.crowd)?;
        let timeout = timeout.min(canary.until_next());
        self.crowd.turn(timeout, &mut self.roll)
    }
}

/// Who receives a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// Everybody but its speaker.
    Others,
    Everyone,
}
