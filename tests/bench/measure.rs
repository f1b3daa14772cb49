//! How to measure, and what can't be: one load on one server is a *pair*, and pairs whose figures
//! are to be divided by each other are measured in turns.

use std::path::PathBuf;
use std::time::Duration;

use crate::figures::Outcome;
use crate::load::{Load, Shape};
use crate::machine::Cores;
use crate::room::Room;
use crate::server::Server;
use crate::{idle, ordering, storm};

/// A machine's speed drifts within seconds. So the measured time of a flow is cut into this many
/// slices, and the rooms of a group take turns.
pub const SLICES: u32 = 8;
/// No room waits longer for its turns to be over: a server may close clients that never read.
const GROUP_TIME_MAX: Duration = Duration::from_secs(60);
/// What this program needs beside a descriptor for each client.
const SPARE_DESCRIPTORS: usize = 100;
/// For a room: its poller, pipes from its servers, and connections to their engine.
const SPARE_DESCRIPTORS_A_ROOM: usize = 10;

pub struct Measure {
    pub cores: Cores,
    /// For the servers' files.
    pub scratch: PathBuf,
    /// The measured part of a flow, at most.
    pub length: Duration,
    pub deliveries_max: u64,
    pub idle_length: Duration,
    pub descriptors_max: usize,
}

#[derive(Clone, Copy)]
pub struct Pair<'all> {
    pub load: &'all Load,
    pub server: &'all Server,
}

/// Why there are no figures.
enum Hindrance {
    Obstacle(String),
    Failure(String),
}

impl From<Hindrance> for Outcome {
    fn from(hindrance: Hindrance) -> Outcome {
        match hindrance {
            Hindrance::Obstacle(reason) => Outcome::Skipped(reason),
            Hindrance::Failure(reason) => Outcome::Failed(reason),
        }
    }
}

impl Measure {
    /// Cuts pairs, in their order, into groups whose rooms fit side by side.
    pub fn groups<'all>(&self, pairs: &[Pair<'all>]) -> Vec<Vec<Pair<'all>>> {
        let rooms_max = (GROUP_TIME_MAX.as_secs_f64() / self.length.as_secs_f64()) as usize;
        let fixed_port = pairs.iter().any(|pair| pair.server.has_fixed_port());
        let mut groups: Vec<Vec<Pair>> = Vec::new();
        for &pair in pairs {
            let fits = |group: &&mut Vec<Pair>| {
                let descriptors: usize = group.iter().map(|&pair| descriptors_of(pair)).sum();
                let same_load = group.iter().all(|other| other.load.name == pair.load.name);
                group.len() < rooms_max
                    && SPARE_DESCRIPTORS + descriptors + descriptors_of(pair)
                        <= self.descriptors_max
                    && (same_load || !fixed_port)
            };
            match groups.last_mut().filter(fits) {
                Some(group) => group.push(pair),
                None => groups.push(vec![pair]),
            }
        }
        groups
    }

    /// Measures flows in turns. `step` is told what comes next.
    pub fn flows(&self, group: &[Pair], mut step: impl FnMut(&str, Pair)) -> Vec<Outcome> {
        let mut rooms: Vec<Result<Room, Hindrance>> = Vec::new();
        for &pair in group {
            step("filling", pair);
            rooms.push(self.open(pair));
        }
        for _ in 0..SLICES {
            for (&pair, room) in group.iter().zip(&mut rooms) {
                step("driving", pair);
                let slice = |room: &mut Room| {
                    room.slice(self.length / SLICES, self.deliveries_max / u64::from(SLICES))
                };
                if let Ok(Err(error)) = room.as_mut().map(slice) {
                    *room = Err(Hindrance::Failure(error.to_string()));
                }
            }
        }
        let outcome = |room: Result<Room, Hindrance>| {
            room.map_or_else(Outcome::from, |room| Outcome::Flow(room.figures()))
        };
        rooms.into_iter().map(outcome).collect()
    }

    /// Measures what isn't a flow.
    pub fn alone(&self, pair: Pair) -> Outcome {
        if let Some(reason) = self.obstacle(pair) {
            return Outcome::Skipped(reason);
        }
        let outcome = match pair.load.shape() {
            Shape::Flow(_) => return Outcome::Skipped("is measured in a group".into()),
            Shape::Idle => idle::measure(self, pair.load, pair.server).map(Outcome::Idle),
            Shape::Storm => storm::measure(self, pair.load, pair.server).map(Outcome::Storm),
            Shape::Ordering => ordering::measure(self, pair.server).map(Outcome::Ordering),
        };
        outcome.unwrap_or_else(|error| Outcome::Failed(error.to_string()))
    }

    /// A pass of its own, because counting slows the server down.
    pub fn syscalls(&self, pair: Pair) -> Outcome {
        if pair.server.processes > 1 {
            return Outcome::Skipped("system calls are counted of one server".into());
        }
        let syscalls = self.open(pair).map(|room| room.syscalls(self));
        match syscalls {
            Ok(Ok(a_delivery)) => Outcome::Syscalls { a_delivery },
            Ok(Err(error)) => Outcome::Failed(format!("system calls: {error}")),
            Err(hindrance) => hindrance.into(),
        }
    }

    fn open(&self, pair: Pair) -> Result<Room, Hindrance> {
        if let Some(reason) = self.obstacle(pair) {
            return Err(Hindrance::Obstacle(reason));
        }
        let Shape::Flow(flow) = pair.load.shape() else {
            return Err(Hindrance::Obstacle("nothing flows".into()));
        };
        Room::open(self, pair.load, flow, pair.server)
            .map_err(|error| Hindrance::Failure(error.to_string()))
    }

    /// Why this server can't be put under this load here.
    fn obstacle(&self, pair @ Pair { load, server }: Pair) -> Option<String> {
        let needed = descriptors_of(pair) + SPARE_DESCRIPTORS;
        let line_bytes_max = server.protocol.line_bytes_max();
        if let Some(program) = server.lacks() {
            return Some(format!("{program} isn't installed"));
        }
        if load.clients > server.clients_max {
            return Some(format!("takes at most {} clients", server.clients_max));
        }
        if matches!(load.shape(), Shape::Flow(flow) if flow.line_bytes > line_bytes_max) {
            return Some(format!("its lines have at most {line_bytes_max} bytes"));
        }
        let lacks = needed > self.descriptors_max;
        lacks.then(|| {
            format!("needs {needed} descriptors, and the limit is {}", self.descriptors_max)
        })
    }
}

fn descriptors_of(Pair { load, server }: Pair) -> usize {
    let voices = match load.shape() {
        Shape::Flow(flow) if server.protocol.speaks_apart() => flow.senders + 2,
        _ => 2,
    };
    load.clients + voices + SPARE_DESCRIPTORS_A_ROOM
}
