//! A server, or several that share it, with a full room, driven slice by slice.

use std::error::Error;
use std::time::Duration;

use crate::apart::Apart;
use crate::connection::Pockets;
use crate::figures::{FlowFigures, Outcome, SharingFigures, SharingLatencies, TeamFigures};
use crate::fleet::{Cpu, Fleet};
use crate::flow::Drive;
use crate::gathering::Gathering;
use crate::load::{Flow, Load, Pace};
use crate::machine::Cores;
use crate::measure::{Measure, Stage};
use crate::roles::{Roles, is_stuck};
use crate::server::Server;
use crate::syscalls::Counter;

/// The part of the measured time that is driven before it, unmeasured.
const WARM_UP_SHARE: f64 = 0.25;

/// More than a socket holds for somebody who doesn't read: the kernel's largest send buffer is 4 MiB
/// unless somebody raised it.
const STUCK_FILL_BYTES: usize = 6 * 1024 * 1024;

pub struct Room {
    flow: Flow,
    /// The load compares servers that share a room.
    is_shared: bool,
    /// It compares one thread of the server with several.
    is_of_team: bool,
    cores: Cores,
    fleet: Fleet,
    drive: Drive,
    /// Sums over the slices driven so far.
    deliveries: u64,
    lines: u64,
    elapsed_ns: u64,
    cpu: Cpu,
}

impl Room {
    /// Starts a server, lets everybody in, and drives it for a while to warm it up.
    pub fn open(
        how: &Measure,
        load: &Load,
        flow: Flow,
        server: &Server,
    ) -> Result<Room, Box<dyn Error>> {
        let roles = Roles::new(load.clients, &flow);
        let (is_shared, is_of_team) = (load.is_shared(), load.is_of_team());
        let cores = how.cores_of(load);
        let room = load.clients + roles.senders.len();
        let fleet = Fleet::start(how, server, room, is_shared || is_of_team, cores)?;
        let mut gathering = Gathering::new(server, fleet.addresses())?;
        let stuck = |member: usize| is_stuck(member, load.clients, &flow);
        gathering.fill(load.clients, |member| {
            if stuck(member) { Pockets::Small } else { Pockets::Large }
        })?;
        let echo = gathering.settle()?;
        let mut crowd = gathering.crowd;
        for member in (0..load.clients).filter(|&member| stuck(member)) {
            crowd.stop_reading(member)?;
        }
        let mut drive = Drive::new(crowd, roles, flow, echo)?;
        if flow.stuck > 0 {
            drive.flood(STUCK_FILL_BYTES)?;
        }
        drive.phase(how.length.mul_f64(WARM_UP_SHARE), how.deliveries_max)?;
        drive.watch().forget_latencies();
        let (deliveries, lines, elapsed_ns, cpu) = (0, 0, 0, Cpu::default());
        Ok(Room {
            flow,
            is_shared,
            is_of_team,
            cores,
            fleet,
            drive,
            deliveries,
            lines,
            elapsed_ns,
            cpu,
        })
    }

    /// Drives it a bit further. Nothing is on its way before or after that, so what the server does
    /// meanwhile is for these deliveries.
    fn drive(&mut self, length: Duration, deliveries_max: u64) -> Result<(), Box<dyn Error>> {
        self.cores.place_load()?;
        let cpu = self.fleet.cpu()?;
        let phase = self.drive.phase(length, deliveries_max)?;
        if !self.fleet.is_running() {
            return Err("the server ended".into());
        }
        if phase.deliveries == 0 {
            return Err("nothing is delivered any more".into());
        }
        self.cpu += self.fleet.cpu()? - cpu;
        self.deliveries += phase.deliveries;
        self.lines += phase.lines;
        self.elapsed_ns += phase.elapsed_ns;
        if self.is_paced() {
            self.fleet.measure_round_trips()?;
        }
        Ok(())
    }

    fn figures(mut self) -> FlowFigures {
        let faults = self.drive.faults();
        let latencies = self.drive.watch().latencies();
        let latency = |share| latencies.quantile_ns(share).unwrap_or(0);
        FlowFigures {
            line_bytes: self.flow.line_bytes,
            deliveries: self.deliveries,
            elapsed_ns: self.elapsed_ns,
            server_cpu_ns: self.cpu.servers_ns,
            latency_p50_ns: latency(0.5),
            latency_p99_ns: latency(0.99),
            latency_p999_ns: latency(0.999),
            lost: faults.lost,
            doubled: faults.doubled,
            out_of_order: faults.out_of_order,
            foreign: faults.foreign,
            surplus: faults.surplus,
            stranger: self.drive.watch().stranger().map(str::to_owned),
            closed: self.drive.closed(),
            sharing: self.is_shared.then(|| self.sharing()),
            team: self
                .is_of_team
                .then_some(TeamFigures { lines: self.lines, loop_cpu_ns: self.cpu.loops_ns }),
        }
    }

    fn sharing(&mut self) -> SharingFigures {
        SharingFigures {
            lines: self.lines,
            loop_cpu_ns: self.cpu.loops_ns,
            engine_cpu_ns: self.fleet.has_engine().then_some(self.cpu.engine_ns),
            latencies: self.is_paced().then(|| self.latencies()),
            orders: self.drive.orders(),
        }
    }

    fn latencies(&mut self) -> SharingLatencies {
        let round_trips = self.fleet.round_trips();
        let watch = self.drive.watch();
        match &watch.apart {
            Some(Apart { near, far, .. }) => {
                SharingLatencies { near: near.quantiles(), far: Some(far.quantiles()), round_trips }
            }
            None => {
                let near = watch.latencies().quantiles();
                SharingLatencies { near, far: None, round_trips }
            }
        }
    }

    fn is_paced(&self) -> bool {
        matches!(self.flow.pace, Pace::Steady { .. })
    }

    /// System calls a delivery while it is driven once more.
    pub fn syscalls(mut self, how: &Measure) -> Result<f64, Box<dyn Error>> {
        let counter = Counter::attach(self.fleet.id(), &how.scratch)?;
        let phase = self.drive.phase(how.length, how.deliveries_max)?;
        Ok(counter.finish()? as f64 / phase.deliveries as f64)
    }
}

impl Stage for Room {
    fn slice(&mut self, length: Duration, deliveries_max: u64) -> Result<(), Box<dyn Error>> {
        self.drive(length, deliveries_max)
    }

    fn outcome(self: Box<Self>) -> Outcome {
        Outcome::Flow(self.figures())
    }
}
