//! How long one line takes until it has reached everybody, and what that costs. Each line is alone,
//! and the server may use all cores, since those who are reached do nothing meanwhile.

use std::error::Error;
use std::time::Duration;

use crate::audience::{Audience, Reached};
use crate::clock;
use crate::figures::{Outcome, ReachFigures, Span};
use crate::load::Load;
use crate::measure::{Measure, SLICES, Stage};
use crate::process::Process;
use crate::server::{News, Server};

/// In a run; more of them say nothing new.
const LINES_MAX: usize = 200;
const WARM_UP_LINES: usize = 3;

/// A server and those who listen to it.
pub struct Hall {
    process: Process,
    audience: Audience,
    clients: usize,
    threads: usize,
    times: Vec<Reached>,
    dropped: usize,
    /// Sums over the slices so far.
    deliveries: u64,
    server_cpu_ns: u64,
    loop_cpu_ns: u64,
}

impl Hall {
    pub fn open(how: &Measure, load: &Load, server: &Server) -> Result<Hall, Box<dyn Error>> {
        let cores = how.cores_of(load);
        let process = server.start(load.clients + 1, News::AtOnce, &how.scratch, cores)?;
        let mut audience = Audience::start(process.address, load.clients, cores)?;
        for _ in 0..WARM_UP_LINES {
            audience.hear()?;
        }
        Ok(Hall {
            process,
            audience,
            clients: load.clients,
            threads: server.threads.unwrap_or(1),
            times: Vec::new(),
            dropped: 0,
            deliveries: 0,
            server_cpu_ns: 0,
            loop_cpu_ns: 0,
        })
    }
}

impl Stage for Hall {
    /// The server sleeps before and after each line, so its times belong to these lines.
    fn slice(&mut self, length: Duration, deliveries_max: u64) -> Result<(), Box<dyn Error>> {
        let end_ns = clock::now_ns() + clock::to_ns(length);
        let (server_ns, loop_ns) = (self.process.cpu_ns()?, self.process.loop_cpu_ns()?);
        let lines_max = (LINES_MAX / SLICES as usize)
            .min((deliveries_max / self.clients as u64) as usize)
            .max(1);
        for _ in 0..lines_max {
            let reached = self.audience.hear()?;
            if reached.was_asleep {
                self.times.push(reached);
            } else {
                self.dropped += 1;
            }
            self.deliveries += self.clients as u64;
            if clock::now_ns() >= end_ns {
                break;
            }
        }
        self.server_cpu_ns += self.process.cpu_ns()?.saturating_sub(server_ns);
        self.loop_cpu_ns += self.process.loop_cpu_ns()?.saturating_sub(loop_ns);
        Ok(())
    }

    fn outcome(self: Box<Self>) -> Outcome {
        if self.times.is_empty() {
            return Outcome::Failed("no line reached everybody in time".into());
        }
        let span = |time: fn(&Reached) -> u64| Span::of(self.times.iter().map(time).collect());
        Outcome::Reach(ReachFigures {
            lines: self.times.len(),
            all: span(|reached| reached.last_ns),
            first: span(|reached| reached.first_ns),
            dropped: self.dropped,
            deliveries: self.deliveries,
            threads: self.threads,
            server_cpu_ns: self.server_cpu_ns,
            loop_cpu_ns: self.loop_cpu_ns,
        })
    }
}
