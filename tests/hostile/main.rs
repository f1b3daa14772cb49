//! Hostile clients: each fault of a list is tried on a fresh server, and what
//! became of the server is one row of a table.
//!
//! `cargo test --test hostile` tries roomcast, and fails unless it survives all
//! of them. `cargo test --test hostile -- --server roomcast --server ncat`
//! shows how others fare.
//!
//! The faults are neutral: they know no server's texts. A line is told by a
//! token in it, a prefix is learned from a line that has one, and a refusal
//! may have any words.

#[path = "../support/mod.rs"]
mod support;
mod verdict;
mod server;
mod clock;
mod client;
mod crowd;
mod flood;
mod fault;

// The faults.
mod reading;
mod lines;
mod text;
mod telnet;
mod connections;
mod names;
mod protocols;
mod web;
mod network;
mod turns;
mod files;
mod ending;

mod table;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;
use std::{iter, thread};

use clap::Parser;

use crate::fault::Fault;
use crate::server::Candidate;
use crate::table::Table;
use crate::verdict::{Outcome, Verdict};

/// Faults that are tried at the same time: they wait more than they work.
const AT_A_TIME: usize = 3;

/// Throws hostile clients at chat servers and says what became of them.
#[derive(Parser)]
#[command(bin_name = "cargo test --test hostile --", version)]
struct Options {
    /// A server: roomcast, ncat, or NAME='COMMAND WITH {port}'; may be given more than once
    #[arg(long = "server", default_value = "roomcast", value_parser = Candidate::parse)]
    servers: Vec<Candidate>,

    /// Only faults with this in their names; may be given more than once
    #[arg(long, value_name = "FAULT")]
    only: Vec<String>,

    /// Print the table as Markdown
    #[arg(long)]
    markdown: bool,

    /// Print the names of the faults
    #[arg(long)]
    list: bool,

    /// The same as --only, as the test runner has it
    #[arg(hide = true)]
    filters: Vec<String>,

    /// Leave out the faults whose names contain this, as the test runner has it
    #[arg(long, hide = true)]
    skip: Vec<String>,

    #[command(flatten)]
    runner: RunnerOptions,
}

/// What `cargo test` may be given for all test programs; of no use here.
#[derive(clap::Args)]
#[allow(dead_code)]
struct RunnerOptions {
    #[arg(long, hide = true)]
    nocapture: bool,
    #[arg(long, hide = true)]
    show_output: bool,
    #[arg(long, short, hide = true)]
    quiet: bool,
    #[arg(long, hide = true)]
    test_threads: Option<usize>,
}

fn main() -> ExitCode {
    let mut options = Options::parse();
    options.only.append(&mut options.filters);
    let faults: Vec<Fault> =
        fault::all().into_iter().filter(|fault| is_wanted(fault, &options)).collect();
    if options.list {
        faults.iter().for_each(|fault| println!("{}: test", fault.name));
        return ExitCode::SUCCESS;
    }
    let start = Instant::now();
    let table = Table::new(&options.servers, options.markdown);
    table.print_head();
    let (mut passed, mut failed) = (0, 0);
    let mut count = |fault: &Fault, verdicts: &[Verdict]| {
        let is_good = |outcome| matches!(outcome, Outcome::Survived | Outcome::NotApplicable);
        let good = verdicts.iter().filter(|verdict| is_good(verdict.outcome)).count();
        passed += good;
        failed += verdicts.len() - good;
        table.print_row(fault, verdicts);
    };
    try_all(&faults, &options.servers, &mut count);
    let result = if failed == 0 { "ok" } else { "FAILED" };
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "\ntest result: {result}. {passed} passed; {failed} failed; finished in {seconds:.2}s"
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Tries faults, some at a time, and hands on what became of the servers in the order of the faults.
/// Servers that are compared are tried one after another.
fn try_all(faults: &[Fault], servers: &[Candidate], hand_on: &mut dyn FnMut(&Fault, &[Verdict])) {
    let workers = if servers.len() == 1 { AT_A_TIME } else { 1 };
    let (next, (sender, verdicts)) = (AtomicUsize::new(0), mpsc::channel());
    thread::scope(|scope| {
        for sender in iter::repeat_n(sender, workers) {
            let next = &next;
            scope.spawn(move || {
                let places = iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
                for (at, fault) in places.map_while(|at| Some((at, faults.get(at)?))) {
                    let tried: Vec<_> = servers.iter().map(|server| fault.try_on(server)).collect();
                    sender.send((at, tried)).expect("they are waited for");
                }
            });
        }
        let mut early = BTreeMap::new();
        for (at, fault) in faults.iter().enumerate() {
            while !early.contains_key(&at) {
                let (at, tried) = verdicts.recv().expect("each is tried");
                early.insert(at, tried);
            }
            hand_on(fault, &early[&at]);
        }
    });
}

fn is_wanted(fault: &Fault, options: &Options) -> bool {
    let is_one = |parts: &[String]| parts.iter().any(|part| fault.name.contains(part.as_str()));
    (options.only.is_empty() || is_one(&options.only)) && !is_one(&options.skip)
}
