//! What is asked of this machine: cores to pin to, descriptors, and who it is.

use std::fs;
use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

/// The server on one core, the load on another, so that neither takes time from the other.
#[derive(Clone, Copy)]
pub enum Cores {
    Apart {
        server: usize,
        load: usize,
    },
    /// Only one core: both share it, and figures say less.
    Shared,
    /// Both use all of them, as on a user's machine.
    All(CpuSet),
}

impl Cores {
    pub fn pick() -> io::Result<Cores> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        Ok(match (cores.next(), cores.next()) {
            (Some(server), Some(load)) => Cores::Apart { server, load },
            _ => Cores::Shared,
        })
    }

    /// All that this thread may use now, if that is more than one.
    pub fn all() -> io::Result<Cores> {
        let allowed = sched_getaffinity(None)?;
        Ok(if allowed.count() > 1 { Cores::All(allowed) } else { Cores::Shared })
    }

    /// Runs `start` on the server's core, which whatever it starts inherits, and goes back to the
    /// load's core.
    pub fn start_server<T>(self, start: impl FnOnce() -> T) -> io::Result<T> {
        match self {
            Cores::Apart { server, .. } => pin_to(server)?,
            Cores::All(_) | Cores::Shared => self.place_load()?,
        }
        let started = start();
        self.place_load()?;
        Ok(started)
    }

    /// Puts this thread where the load is to run. Loads that take turns may run elsewhere.
    pub fn place_load(self) -> io::Result<()> {
        match self {
            Cores::Apart { load, .. } => pin_to(load),
            Cores::All(all) => Ok(sched_setaffinity(None, &all)?),
            Cores::Shared => Ok(()),
        }
    }
}

fn pin_to(core: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Raises the limit of open descriptors as far as it goes, for this process and the servers.
pub fn raise_descriptor_limit() -> io::Result<usize> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(limit.maximum.and_then(|maximum| maximum.try_into().ok()).unwrap_or(usize::MAX))
}

/// Whether the kernel grants a socket a buffer of so many bytes. Where it doesn't, asking for it gives
/// less than not asking, because a buffer that was asked for doesn't grow.
pub fn grants_buffer(limit: BufferLimit, bytes: usize) -> bool {
    let text = fs::read_to_string(match limit {
        BufferLimit::Receive => "/proc/sys/net/core/rmem_max",
        BufferLimit::Send => "/proc/sys/net/core/wmem_max",
    });
    text.ok().and_then(|text| text.trim().parse().ok()).is_some_and(|most: usize| bytes <= most)
}

#[derive(Clone, Copy)]
pub enum BufferLimit {
    Receive,
    Send,
}

/// Where figures come from, for the reader of a file of them.
#[derive(Clone, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub kernel: String,
}

impl Machine {
    pub fn describe() -> Machine {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = info
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
            .map_or("unknown", |(_, name)| name.trim());
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Machine {
            processor: processor.to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: kernel.trim().to_owned(),
        }
    }
}
