//! All that serves one room: a server, or several that share it, with their engine.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::ops::{AddAssign, Sub};

use crate::engine::Engine;
use crate::figures::RoundTripFigures;
use crate::machine::Cores;
use crate::measure::Measure;
use crate::process::Process;
use crate::round_trip::RoundTrips;
use crate::server::{News, Server};

pub struct Fleet {
    processes: Vec<Process>,
    engine: Option<(Engine, RoundTrips)>,
    counts_loops: bool,
}

/// Time on processors.
#[derive(Clone, Copy, Default)]
pub struct Cpu {
    pub servers_ns: u64,
    /// Of the servers' first threads alone; zero if that isn't counted.
    pub loops_ns: u64,
    pub engine_ns: u64,
}

impl Fleet {
    /// Starts what `server` stands for, each process with room for `clients`.
    pub fn start(
        how: &Measure,
        server: &Server,
        clients: usize,
        counts_loops: bool,
        cores: Cores,
    ) -> Result<Fleet, Box<dyn Error>> {
        let engine = server.start_engine(&how.scratch, cores)?;
        let one =
            |_| server.start_beside(engine.as_ref(), clients, News::AtOnce, &how.scratch, cores);
        let processes = (0..server.processes).map(one).collect::<Result<_, _>>()?;
        let engine = match engine {
            Some(engine) => {
                let round_trips = RoundTrips::new(&engine, cores)?;
                Some((engine, round_trips))
            }
            None => None,
        };
        Ok(Fleet { processes, engine, counts_loops })
    }

    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.processes.iter().map(|process| process.address).collect()
    }

    pub fn is_running(&self) -> bool {
        self.processes.iter().all(Process::is_running)
    }

    /// The first server's.
    pub fn id(&self) -> u32 {
        self.processes[0].id()
    }

    pub fn has_engine(&self) -> bool {
        self.engine.is_some()
    }

    pub fn cpu(&self) -> io::Result<Cpu> {
        let mut cpu = Cpu::default();
        for process in &self.processes {
            cpu.servers_ns += process.cpu_ns()?;
            if self.counts_loops {
                cpu.loops_ns += process.loop_cpu_ns()?;
            }
        }
        if let Some((engine, _)) = &self.engine {
            cpu.engine_ns = engine.cpu_ns()?;
        }
        Ok(cpu)
    }

    /// Asks the engine a few times how long it takes, if there is one.
    pub fn measure_round_trips(&mut self) -> io::Result<()> {
        self.engine.as_mut().map_or(Ok(()), |(_, round_trips)| round_trips.measure())
    }

    pub fn round_trips(&self) -> Option<RoundTripFigures> {
        self.engine.as_ref().map(|(_, round_trips)| round_trips.figures())
    }
}

impl Sub for Cpu {
    type Output = Cpu;

    fn sub(self, earlier: Cpu) -> Cpu {
        Cpu {
            servers_ns: self.servers_ns.saturating_sub(earlier.servers_ns),
            loops_ns: self.loops_ns.saturating_sub(earlier.loops_ns),
            engine_ns: self.engine_ns.saturating_sub(earlier.engine_ns),
        }
    }
}

impl AddAssign for Cpu {
    fn add_assign(&mut self, more: Cpu) {
        self.servers_ns += more.servers_ns;
        self.loops_ns += more.loops_ns;
        self.engine_ns += more.engine_ns;
    }
}
