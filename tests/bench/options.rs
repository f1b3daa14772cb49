//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::load::{self, Load};

const QUICK_SECONDS: f64 = 0.3;

/// Measures roomcast beside a bare relay loop and other servers: cost, latency, losses, memory.
///
/// Run it with `cargo bench -- [OPTIONS]`. Only loopback is used.
#[derive(Parser)]
#[command(bin_name = "cargo bench --", version, args_conflicts_with_subcommands = true)]
pub struct Options {
    #[command(subcommand)]
    pub command: Option<Action>,

    /// A short run with few clients that only checks that everything works
    #[arg(long)]
    quick: bool,

    /// Loads, separated by commas: names from --list, NAME@CLIENTS, all, sweep (for the plot),
    /// cluster (servers that share a room, which only those loads use), or reach (likewise
    /// servers with one thread and with several)
    /// [default: limit,full,everyone,everyone400,one,paced,idle; with --quick all]
    #[arg(long)]
    loads: Option<String>,

    /// Servers, separated by commas, or all [default: all; with --quick roomcast,bare and
    /// those that share a room or have several threads]
    #[arg(long)]
    servers: Option<String>,

    /// Length of the measured part of each load; the warm-up before it takes a quarter of that
    #[arg(long, default_value_t = 2.0, value_parser = positive)]
    seconds: f64,

    /// The measured part ends earlier after this many deliveries
    #[arg(long, default_value_t = 100_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub deliveries: u64,

    /// How often each load is run on each server
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1000))]
    runs: u64,

    /// Numbers of clients for `idle`
    #[arg(long, value_delimiter = ',', default_value = "5000")]
    idle_clients: Vec<usize>,

    /// How long an idle room is watched
    #[arg(long, default_value_t = 5.0, value_parser = positive)]
    idle_seconds: f64,

    /// Count system calls a delivery too, in a pass of its own (perf or strace)
    #[arg(long)]
    pub syscalls: bool,

    /// Write all figures to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// The roomcast to measure [default: the one that Cargo built]
    #[arg(long, value_name = "PATH", default_value = env!("CARGO_BIN_EXE_roomcast"), hide_default_value = true)]
    pub roomcast: PathBuf,

    /// More arguments for roomcast, separated by spaces
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    pub roomcast_args: String,

    /// Another line server to measure: the command that starts it in the foreground
    #[arg(long, value_name = "COMMAND", requires = "port")]
    pub server: Option<String>,

    /// The port on which that server listens
    #[arg(long, requires = "server")]
    pub port: Option<u16>,

    /// Print loads and servers, and do nothing
    #[arg(long)]
    pub list: bool,

    /// Cargo adds this when it runs a benchmark, and not when it runs tests
    #[arg(long, hide = true, global = true)]
    bench: bool,

    /// Be the bare loop
    #[arg(long, hide = true)]
    pub serve_bare: bool,

    /// Be the audience of the server at this address
    #[arg(long, hide = true)]
    pub audience_of: Option<SocketAddr>,

    /// How many there are in that audience
    #[arg(long, hide = true, default_value_t = 0)]
    pub audience: usize,
}

#[derive(Subcommand)]
pub enum Action {
    /// Draw the cost of a delivery against the number of clients, from a file that --json wrote
    Plot {
        /// Figures of `--loads sweep`
        figures: PathBuf,
        /// The SVG to write
        svg: PathBuf,
    },
    /// Measure what encrypting records costs, without a server
    Encrypt,
    /// Measure what it costs to have threads do jobs together, without a server
    Wake,
    /// Count what a line costs where many clients or rooms have nothing to get: system calls (perf
    /// or strace), instructions (valgrind), memory
    Edges,
}

impl Options {
    /// Also without any argument at all, which is how `cargo test --all-targets` runs a benchmark.
    pub fn is_quick(&self) -> bool {
        self.quick || std::env::args().len() == 1
    }

    pub fn loads(&self) -> Result<Vec<Load>, String> {
        let usual = if self.is_quick() { "all" } else { load::USUAL };
        let loads = Load::parse(self.loads.as_deref().unwrap_or(usual), &self.idle_clients)?;
        Ok(if self.is_quick() { loads.into_iter().map(Load::small).collect() } else { loads })
    }

    /// The names of the servers that are wanted.
    pub fn servers(&self) -> &str {
        self.servers.as_deref().unwrap_or(if self.is_quick() {
            "roomcast,bare,cluster1,cluster2,cluster3,threads1,threads2"
        } else {
            "all"
        })
    }

    pub fn length(&self) -> Duration {
        Duration::from_secs_f64(if self.is_quick() { QUICK_SECONDS } else { self.seconds })
    }

    pub fn idle_length(&self) -> Duration {
        Duration::from_secs_f64(if self.is_quick() { QUICK_SECONDS } else { self.idle_seconds })
    }

    pub fn runs(&self) -> usize {
        if self.is_quick() { 1 } else { self.runs as usize }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && number <= 3600.0 => Ok(number),
        _ => Err("a number of seconds from above 0 to 3600".into()),
    }
}
