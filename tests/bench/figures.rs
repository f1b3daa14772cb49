//! What is measured, as it is written to a file, and what is made of several runs.

use serde::{Deserialize, Serialize};

use crate::latency::Quantiles;
use crate::machine::Machine;

/// All that a benchmark run found.
#[derive(Serialize, Deserialize)]
pub struct Report {
    pub machine: Machine,
    /// Neither was kept to its own core: figures are worse and more spread.
    pub unpinned: bool,
    pub seconds: f64,
    pub records: Vec<Record>,
}

/// One load on one server, once. Records with the same `run` were made close together and can be
/// divided by each other.
#[derive(Clone, Serialize, Deserialize)]
pub struct Record {
    pub run: usize,
    pub load: String,
    pub family: String,
    pub clients: usize,
    pub server: String,
    pub outcome: Outcome,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Flow(FlowFigures),
    Idle(IdleFigures),
    Storm(StormFigures),
    Ordering(OrderingFigures),
    Reach(ReachFigures),
    Syscalls {
        a_delivery: f64,
    },
    /// Not tried, and why.
    Skipped(String),
    /// Tried, and what went wrong.
    Failed(String),
}

#[derive(Clone, Serialize, Deserialize)]
pub struct FlowFigures {
    pub line_bytes: usize,
    pub deliveries: u64,
    pub elapsed_ns: u64,
    pub server_cpu_ns: u64,
    pub latency_p50_ns: u64,
    pub latency_p99_ns: u64,
    pub latency_p999_ns: u64,
    pub lost: u64,
    pub doubled: u64,
    pub out_of_order: u64,
    /// Lines that nobody sent.
    pub foreign: u64,
    /// More lines than there should be at receivers where they are only counted.
    pub surplus: u64,
    /// One of the foreign lines.
    pub stranger: Option<String>,
    /// Clients that the server disconnected.
    pub closed: usize,
    /// Of a load that is there to compare servers that share a room with one that doesn't.
    #[serde(default)]
    pub sharing: Option<SharingFigures>,
    /// Of a load that is there to compare one thread of the server with several.
    #[serde(default)]
    pub team: Option<TeamFigures>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct TeamFigures {
    /// Lines that were said.
    pub lines: u64,
    /// Of the thread that has the loop, without those that only write.
    pub loop_cpu_ns: u64,
}

/// Lines that were alone, and reached clients that did nothing meanwhile.
#[derive(Clone, Serialize, Deserialize)]
pub struct ReachFigures {
    pub lines: usize,
    /// From the write of a line until all were reached.
    pub all: Span,
    /// The same until the first one was.
    pub first: Span,
    /// Times that were dropped, because the audience woke up too early.
    pub dropped: usize,
    pub deliveries: u64,
    /// Threads of the server that write.
    pub threads: usize,
    pub server_cpu_ns: u64,
    /// Of the thread that has the loop, without those that only write.
    pub loop_cpu_ns: u64,
}

/// The middle of several times, and where the lowest and the highest tenth begin.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Span {
    pub p10_ns: u64,
    pub p50_ns: u64,
    pub p90_ns: u64,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct SharingFigures {
    /// Lines that were said.
    pub lines: u64,
    /// Of the servers' loops, without the threads that talk to the engine.
    pub loop_cpu_ns: u64,
    /// `None` without one.
    pub engine_cpu_ns: Option<u64>,
    /// `None` at full speed, where lines wait for each other.
    pub latencies: Option<SharingLatencies>,
    /// Different orders that were heard; more than one is a fault.
    pub orders: usize,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct SharingLatencies {
    /// At clients of the sender's own server.
    pub near: Quantiles,
    /// At clients of others, if there are.
    pub far: Option<Quantiles>,
    /// `None` without an engine.
    pub round_trips: Option<RoundTripFigures>,
}

/// What an answer of the engine takes.
#[derive(Clone, Serialize, Deserialize)]
pub struct RoundTripFigures {
    /// The least that it can be asked.
    pub ping: Quantiles,
    /// A line that is handed to a link, until the script has answered.
    pub append: Quantiles,
    /// A line that is handed to a link, until that link has read it.
    pub back: Quantiles,
}

/// Lines that links without servers have handed over.
#[derive(Clone, Serialize, Deserialize)]
pub struct OrderingFigures {
    pub links: usize,
    /// Nobody reads, and each batch has one line.
    pub single: OrderedLines,
    /// The same with as many lines in a batch as one call of the script has at most.
    pub full: OrderedLines,
    /// The same, and each link reads all of them.
    pub read: OrderedLines,
    /// Lines that came with another number than they should.
    pub faults: u64,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct OrderedLines {
    pub lines: u64,
    pub elapsed_ns: u64,
    pub engine_cpu_ns: u64,
    /// By the engine, to all links.
    pub sent_bytes: u64,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct IdleFigures {
    pub bytes_a_client: f64,
    pub seconds: f64,
    /// Each wake-up makes one.
    pub context_switches: u64,
    pub server_cpu_ns: u64,
    /// Lines that clients received meanwhile.
    pub lines: u64,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct StormFigures {
    pub joins_a_second: f64,
    /// Until everybody had read all that came of it.
    pub cpu_ns_a_join: f64,
    pub leaves_a_second: f64,
    pub cpu_ns_a_leave: f64,
    /// Lines that a client that was there received for each join, on average.
    pub lines_a_client_a_join: f64,
    /// How long a client waited for an answer meanwhile.
    pub wait_p50_ns: Option<u64>,
    pub wait_p99_ns: Option<u64>,
    pub wait_max_ns: Option<u64>,
    /// The longest turn of the server's loop, of a server that says so when it ends.
    pub turn_max_ns: Option<f64>,
}

impl FlowFigures {
    pub fn cpu_ns_a_delivery(&self) -> f64 {
        self.server_cpu_ns as f64 / self.deliveries as f64
    }

    pub fn deliveries_a_second(&self) -> f64 {
        self.deliveries as f64 * 1e9 / self.elapsed_ns as f64
    }

    pub fn lines_a_second(&self) -> f64 {
        self.sharing.as_ref().map_or(f64::NAN, |sharing| sharing.lines as f64) * 1e9
            / self.elapsed_ns as f64
    }

    pub fn loop_cpu_ns_a_delivery(&self) -> f64 {
        self.sharing.as_ref().map_or(f64::NAN, |sharing| sharing.loop_cpu_ns as f64)
            / self.deliveries as f64
    }

    /// Not a number without an engine.
    pub fn engine_cpu_ns_a_line(&self) -> f64 {
        let of = |sharing: &SharingFigures| {
            sharing.engine_cpu_ns.map(|ns| ns as f64 / sharing.lines as f64)
        };
        self.sharing.as_ref().and_then(of).unwrap_or(f64::NAN)
    }

    /// None if all have heard the same one.
    fn orders(&self) -> u64 {
        let orders = self.sharing.as_ref().map_or(0, |sharing| sharing.orders as u64);
        if orders > 1 { orders } else { 0 }
    }

    /// What was wrong with the lines; `None` if every line arrived as it should.
    pub fn faults(&self) -> Option<String> {
        let counts = [
            ("lost", self.lost),
            ("doubled", self.doubled),
            ("out of order", self.out_of_order),
            ("foreign", self.foreign),
            ("too many", self.surplus),
            ("clients closed", self.closed as u64),
            ("different orders", self.orders()),
        ];
        let found: Vec<String> =
            counts.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{n} {what}")).collect();
        let example =
            self.stranger.as_ref().map(|line| format!(" such as {line:?}")).unwrap_or_default();
        (!found.is_empty()).then(|| found.join(", ") + &example)
    }
}

impl OrderingFigures {
    /// What was wrong with the lines; `None` if every line came once, and with its number.
    pub fn trouble(&self) -> Option<String> {
        (self.faults > 0).then(|| format!("{} lines out of place", self.faults))
    }
}

impl ReachFigures {
    pub fn cpu_ns_a_delivery(&self) -> f64 {
        self.server_cpu_ns as f64 / self.deliveries as f64
    }

    pub fn loop_cpu_ns_a_delivery(&self) -> f64 {
        self.loop_cpu_ns as f64 / self.deliveries as f64
    }

    /// Of all threads that only write.
    pub fn helpers_cpu_ns_a_delivery(&self) -> f64 {
        self.cpu_ns_a_delivery() - self.loop_cpu_ns_a_delivery()
    }

    /// What the loop's thread does while nobody helps it: it writes as long as each helper does,
    /// and the rest of its time is this. Not a number without helpers.
    pub fn serial_ns_a_delivery(&self) -> f64 {
        match self.threads {
            0 | 1 => f64::NAN,
            threads => {
                self.loop_cpu_ns_a_delivery()
                    - self.helpers_cpu_ns_a_delivery() / (threads - 1) as f64
            }
        }
    }
}

impl Span {
    /// Zeros of nothing.
    pub fn of(mut times: Vec<u64>) -> Span {
        times.sort_unstable();
        let at = |share: f64| {
            let place = (times.len().saturating_sub(1) as f64 * share).round() as usize;
            times.get(place).copied().unwrap_or(0)
        };
        Span { p10_ns: at(0.1), p50_ns: at(0.5), p90_ns: at(0.9) }
    }
}

impl OrderedLines {
    pub fn a_second(&self) -> f64 {
        self.lines as f64 * 1e9 / self.elapsed_ns as f64
    }

    pub fn engine_ns_a_line(&self) -> f64 {
        self.engine_cpu_ns as f64 / self.lines as f64
    }

    pub fn sent_bytes_a_line(&self) -> f64 {
        self.sent_bytes as f64 / self.lines as f64
    }

    /// The part of the time in which the engine was busy.
    pub fn engine_share(&self) -> f64 {
        self.engine_cpu_ns as f64 / self.elapsed_ns as f64
    }
}

/// The middle of several runs, and how far they went.
#[derive(Clone, Copy)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// `None` of nothing.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let median = (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0;
        Some(Spread { median, min, max })
    }
}

impl Report {
    /// The flows of one load on one server, by run.
    pub fn flows(&self, load: &str, server: &str) -> Vec<(usize, &FlowFigures)> {
        self.picked((load, server), |outcome| match outcome {
            Outcome::Flow(figures) => Some(figures),
            _ => None,
        })
    }

    /// Figures of one kind of one load on one server, by run.
    fn picked<T>(
        &self,
        (load, server): (&str, &str),
        pick: impl Fn(&Outcome) -> Option<&T>,
    ) -> Vec<(usize, &T)> {
        let is_wanted = |record: &&Record| record.load == load && record.server == server;
        let wanted = self.records.iter().filter(is_wanted);
        wanted.filter_map(|record| Some((record.run, pick(&record.outcome)?))).collect()
    }

    /// `value` of figures of one kind of one load on one server divided by that on another
    /// server, run by run.
    pub fn over<T>(
        &self,
        load: &str,
        (server, other): (&str, &str),
        pick: impl Fn(&Outcome) -> Option<&T>,
        value: impl Fn(&T) -> f64,
    ) -> Option<Spread> {
        let others = self.picked((load, other), &pick);
        let values = self.picked((load, server), &pick).into_iter().filter_map(|(run, figures)| {
            let (_, other) = others.iter().find(|(other_run, _)| *other_run == run)?;
            Some(value(figures) / value(other))
        });
        Spread::of(values)
    }

    /// `value` of one load on one server divided by that of another, run by run.
    pub fn ratio(
        &self,
        key: (&str, &str),
        other: (&str, &str),
        value: impl Fn(&FlowFigures) -> f64,
    ) -> Option<Spread> {
        self.compare(key, other, |figures, other| value(figures) / value(other))
    }

    /// What `compare` makes of one load on one server and another one, run by run.
    pub fn compare(
        &self,
        (load, server): (&str, &str),
        (other_load, other_server): (&str, &str),
        compare: impl Fn(&FlowFigures, &FlowFigures) -> f64,
    ) -> Option<Spread> {
        let others = self.flows(other_load, other_server);
        let values = self.flows(load, server).into_iter().filter_map(|(run, figures)| {
            let (_, other) = others.iter().find(|(other_run, _)| *other_run == run)?;
            Some(compare(figures, other))
        });
        Spread::of(values)
    }
}
