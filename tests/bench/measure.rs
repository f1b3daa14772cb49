//! How to measure, and what can't be: one load on one server is a *pair*, and pairs whose figures
//! are to be divided by each other are measured in turns.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use crate::figures::Outcome;
use crate::load::{Load, Shape};
use crate::machine::Cores;
use crate::reach::Hall;
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

/// A server under a load that takes turns with others.
pub trait Stage {
    /// Goes on for so long, or until so many deliveries.
    fn slice(&mut self, length: Duration, deliveries_max: u64) -> Result<(), Box<dyn Error>>;

    fn outcome(self: Box<Self>) -> Outcome;
}

pub struct Measure {
    pub cores: Cores,
    /// For loads that let the server use all cores.
    pub all_cores: Cores,
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

    /// Where this load and its servers run.
    pub fn cores_of(&self, load: &Load) -> Cores {
        if load.is_of_team() { self.all_cores } else { self.cores }
    }

    /// Measures what takes turns. `step` is told what comes next.
    pub fn in_turns(&self, group: &[Pair], mut step: impl FnMut(&str, Pair)) -> Vec<Outcome> {
        let mut stages: Vec<Result<Box<dyn Stage>, Hindrance>> = Vec::new();
        for &pair in group {
            step("filling", pair);
            stages.push(self.open(pair));
        }
        for _ in 0..SLICES {
            for (&pair, stage) in group.iter().zip(&mut stages) {
                step("driving", pair);
                let slice = |stage: &mut Box<dyn Stage>| {
                    stage.slice(self.length / SLICES, self.deliveries_max / u64::from(SLICES))
                };
                if let Ok(Err(error)) = stage.as_mut().map(slice) {
                    *stage = Err(Hindrance::Failure(error.to_string()));
                }
            }
        }
        let outcome = |stage: Result<Box<dyn Stage>, Hindrance>| {
            stage.map_or_else(Outcome::from, |stage| stage.outcome())
        };
        stages.into_iter().map(outcome).collect()
    }

    /// Measures what doesn't take turns.
    pub fn alone(&self, pair: Pair) -> Outcome {
        if let Some(reason) = self.obstacle(pair) {
            return Outcome::Skipped(reason);
        }
        let outcome = match pair.load.shape() {
            Shape::Flow(_) | Shape::Reach => {
                return Outcome::Skipped("is measured in a group".into());
            }
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
        let syscalls = self.open_room(pair).map(|room| room.syscalls(self));
        match syscalls {
            Ok(Ok(a_delivery)) => Outcome::Syscalls { a_delivery },
            Ok(Err(error)) => Outcome::Failed(format!("system calls: {error}")),
            Err(hindrance) => hindrance.into(),
        }
    }

    fn open(&self, pair: Pair) -> Result<Box<dyn Stage>, Hindrance> {
        let Shape::Reach = pair.load.shape() else {
            return self.open_room(pair).map(|room| Box::new(room) as Box<dyn Stage>);
        };
        if let Some(reason) = self.obstacle(pair) {
            return Err(Hindrance::Obstacle(reason));
        }
        let hall = Hall::open(self, pair.load, pair.server);
        let failure = |error: Box<dyn Error>| Hindrance::Failure(error.to_string());
        hall.map(|hall| Box::new(hall) as Box<dyn Stage>).map_err(failure)
    }

    fn open_room(&self, pair: Pair) -> Result<Room, Hindrance> {
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
        if load.is_of_team() && matches!(self.all_cores, Cores::Shared) {
            return Some("needs two cores".into());
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
        // Its clients are in a process of their own.
        Shape::Reach => return SPARE_DESCRIPTORS_A_ROOM,
        _ => 2,
    };
    load.clients + voices + SPARE_DESCRIPTORS_A_ROOM
}
