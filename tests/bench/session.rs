//! All the loads that were asked for on all the servers, run after run.

use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock;
use crate::figures::{Outcome, Record, Report};
use crate::load::{Load, Shape};
use crate::machine::{Cores, Machine, raise_descriptor_limit};
use crate::measure::{Measure, Pair, SLICES};
use crate::options::Options;
use crate::server::Server;
use crate::table::FLOOR;

const OURS: &str = "roomcast";
/// The same with other clients.
const WEBSOCKET: &str = "websocket";
const STORED: &str = "stored";
const TLS: &str = "tls";
/// How many servers share a room.
const CLUSTERS: [usize; 3] = [1, 2, 3];
/// How many threads write.
const TEAMS: [usize; 2] = [1, 2];
/// Between two progress lines that stay.
const PROGRESS_PERIOD: Duration = Duration::from_secs(5);

pub fn run(options: &Options) -> Result<Report, Box<dyn Error>> {
    // Before anything is pinned.
    let machine = Machine::describe();
    let loads = options.loads()?;
    let servers = wanted_servers(options)?;
    let (cores, all_cores) = (Cores::pick()?, Cores::all()?);
    if let Cores::Shared = cores {
        println!("only one core: the server and the load share it, nothing is pinned");
    }
    let scratch = Scratch::new()?;
    let measure = Measure {
        cores,
        all_cores,
        scratch: scratch.0.clone(),
        length: options.length(),
        deliveries_max: options.deliveries,
        idle_length: options.idle_length(),
        descriptors_max: raise_descriptor_limit()?,
    };
    let pairs = pairs(&loads, &servers);
    let records = run_after_run(&measure, &pairs, options);
    let unpinned = matches!(cores, Cores::Shared);
    Ok(Report { machine, unpinned, seconds: measure.length.as_secs_f64(), records })
}

fn run_after_run(measure: &Measure, pairs: &[Pair], options: &Options) -> Vec<Record> {
    let (in_turns, others): (Vec<Pair>, Vec<Pair>) =
        pairs.iter().partition(|pair| pair.load.takes_turns());
    let runs = options.runs();
    let is_counted = |pair: &&Pair| matches!(pair.load.shape(), Shape::Flow(_));
    let counted: Vec<Pair> = match options.syscalls {
        true => in_turns.iter().filter(is_counted).copied().collect(),
        false => Vec::new(),
    };
    let steps_a_run = in_turns.len() * (SLICES as usize + 1) + others.len();
    let mut progress = Progress::new(runs * steps_a_run + counted.len());
    let mut records = Vec::new();
    for run in 1..=runs {
        for group in measure.groups(&in_turns) {
            let outcomes = measure.in_turns(&group, |what, pair| {
                progress.step(&format!("run {run} of {runs}: {what}"), pair)
            });
            records.extend(
                group.iter().zip(outcomes).map(|(&pair, outcome)| record(run, pair, outcome)),
            );
        }
        for &pair in &others {
            progress.step(&format!("run {run} of {runs}:"), pair);
            records.push(record(run, pair, measure.alone(pair)));
        }
    }
    for pair in counted {
        progress.step("counting system calls:", pair);
        records.push(record(0, pair, measure.syscalls(pair)));
    }
    progress.end();
    records
}

/// Whether a quick run shows that everything works: the benchmark itself, and roomcast under it.
pub fn verdict(report: &Report) -> Result<(), Box<dyn Error>> {
    for record in &report.records {
        let trouble = match &record.outcome {
            Outcome::Failed(reason) if is_ours(&record.server) || record.server == FLOOR => {
                Some(reason.clone())
            }
            Outcome::Flow(figures) if is_ours(&record.server) => figures.faults(),
            Outcome::Ordering(figures) => figures.trouble(),
            _ => None,
        };
        if let Some(trouble) = trouble {
            return Err(format!("{} on {}: {trouble}", record.load, record.server).into());
        }
    }
    Ok(())
}

fn is_ours(server: &str) -> bool {
    [OURS, WEBSOCKET, STORED, TLS].contains(&server)
        || CLUSTERS.iter().any(|count| server == format!("cluster{count}"))
        || TEAMS.iter().any(|threads| server == format!("threads{threads}"))
}

/// Roomcast, the floor, and what else is installed or was given.
pub fn every_server(options: &Options) -> Vec<Server> {
    let mut servers =
        vec![Server::roomcast(options.roomcast.clone(), &options.roomcast_args), Server::bare()];
    servers.push(Server::websocket(options.roomcast.clone(), &options.roomcast_args));
    servers.push(Server::tls(options.roomcast.clone(), &options.roomcast_args));
    servers.push(Server::stored(options.roomcast.clone(), &options.roomcast_args));
    let clustered =
        |&count| Server::clustered(options.roomcast.clone(), &options.roomcast_args, count);
    servers.extend(CLUSTERS.iter().map(clustered));
    let team = |&threads| Server::team(options.roomcast.clone(), &options.roomcast_args, threads);
    servers.extend(TEAMS.iter().map(team));
    servers.extend(Server::installed());
    if let (Some(command), Some(port)) = (&options.server, options.port) {
        servers.push(Server::given(command.clone(), port));
    }
    servers
}

fn wanted_servers(options: &Options) -> Result<Vec<Server>, String> {
    let mut servers = every_server(options);
    if options.servers() == "all" {
        return Ok(servers);
    }
    let names: Vec<&str> = options.servers().split(',').map(str::trim).collect();
    if let Some(unknown) =
        names.iter().find(|name| servers.iter().all(|server| server.name != **name))
    {
        return Err(format!("no server `{unknown}` here; --list shows them"));
    }
    servers.retain(|server| names.contains(&server.name.as_str()));
    Ok(servers)
}

/// Every load on every server.
fn pairs<'all>(loads: &'all [Load], servers: &'all [Server]) -> Vec<Pair<'all>> {
    let every =
        loads.iter().flat_map(|load| servers.iter().map(move |server| Pair { load, server }));
    every.filter(|&pair| suits(pair)).collect()
}

/// Whether this server is one of those that this load compares.
fn suits(Pair { load, server }: Pair) -> bool {
    match load.shape() {
        Shape::Ordering => server.is_clustered(),
        _ if load.is_shared() => server.is_clustered() || server.name == OURS,
        _ if load.is_limit() => server.name == FLOOR,
        _ if load.is_of_team() => server.threads.is_some(),
        _ => !server.is_clustered() && server.threads.is_none(),
    }
}

fn record(run: usize, Pair { load, server }: Pair, outcome: Outcome) -> Record {
    Record {
        run,
        load: load.name.clone(),
        family: load.family.to_owned(),
        clients: load.clients,
        server: server.name.clone(),
        outcome,
    }
}

/// A folder for the servers' files, gone when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch, Box<dyn Error>> {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Scratch(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left over lies in Cargo's folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A line on stderr that says what is going on; now and then one where that isn't a terminal.
struct Progress {
    steps: usize,
    done: usize,
    terminal: bool,
    next_ns: u64,
}

impl Progress {
    fn new(steps: usize) -> Progress {
        Progress { steps, done: 0, terminal: io::stderr().is_terminal(), next_ns: 0 }
    }

    fn step(&mut self, what: &str, Pair { load, server }: Pair) {
        self.done += 1;
        let line =
            format!("[{}/{}] {what} {} on {}", self.done, self.steps, load.name, server.name);
        if self.terminal {
            eprint!("\r\x1b[K{line}");
        } else if clock::now_ns() >= self.next_ns {
            eprintln!("{line}");
            self.next_ns = clock::now_ns() + clock::to_ns(PROGRESS_PERIOD);
        }
    }

    fn end(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}
