//! The benchmark: starts servers, fills them with clients, drives lines through them, checks what
//! arrives, and says what a delivery costs.
//!
//! `cargo bench` runs the usual loads; `cargo bench -- --help` shows how to ask for others.
//!
//! How it measures:
//!
//! - The server is pinned to one core and this program, which is all its clients in one thread, to
//!   another. Only loopback is used.
//! - A *delivery* is one line received by one client. Its cost is the server's time on a processor,
//!   from the kernel's accounting of all its threads, divided by the deliveries. Wall time doesn't
//!   enter into it, so a machine that is busy elsewhere blurs it less.
//! - A load is driven for a while to warm up, then in slices, and each slice ends when all that was
//!   said has been received. So whatever the server did between two readings of its processor time
//!   belongs to the deliveries that are counted, and to no others.
//! - Each line says who sent it and which one it is. At some receivers every line is checked (lost,
//!   doubled, out of order, torn); at the others lines are counted. Latency is taken at the receivers
//!   that are checked, from the write of a line to the return of the read it came with.
//! - The floor is a bare loop that sends on what it receives ([`bare`]); the *limit* is the same loop
//!   when 800 lines share each of its sends, so that little more than copying is left.
//! - Where one thread of the server is compared with several, both processes may use all cores, and
//!   the clients that are reached do nothing meanwhile ([`audience`]).
//! - Servers that share a room are one server here, with the sum of their times. They and their
//!   engine share the servers' core, and clients come to them in turns.
//! - A machine's speed drifts within seconds, so all loads on all servers of a run are there at the
//!   same time and take turns slice by slice. Ratios are made within a run; the table shows the
//!   median of the runs' ratios with the smallest and the largest.

#[path = "../support/mod.rs"]
mod support;

mod options;

mod load;
mod payload;
mod protocol;
mod engine;
mod server;

mod bare;
mod machine;
mod process;

mod secured;
mod connection;
mod crowd;

mod canary;
mod gathering;

mod node;
mod round_trip;
mod fleet;
mod audience;

mod apart;
mod check;
mod clock;
mod flow;
mod latency;
mod roles;
mod watch;

mod room;
mod reach;
mod syscalls;

mod edges;
mod encrypting;
mod idle;
mod ordering;
mod storm;
mod waking;

mod measure;

mod figures;
mod plot;
mod session;
mod sharing;
mod teamwork;
mod svg;
mod table;

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use clap::Parser;

use crate::options::{Action, Options};

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match options.audience_of {
        Some(server) => audience::serve(server, options.audience),
        None if options.serve_bare => bare::serve().map_err(Into::into),
        None => run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    match &options.command {
        Some(Action::Plot { figures, svg }) => {
            let report = serde_json::from_str(&fs::read_to_string(figures)?)?;
            return Ok(fs::write(svg, plot::draw(&report)?)?);
        }
        Some(Action::Encrypt) => return Ok(encrypting::measure()?),
        Some(Action::Wake) => return waking::measure(),
        Some(Action::Edges) => return edges::measure(&options.roomcast),
        None => {}
    }
    if options.list {
        print!("loads:\n{}servers:\n", load::list());
        session::every_server(options).iter().for_each(|server| println!("{}", server.name));
        return Ok(());
    }
    let report = session::run(options)?;
    table::print(&report);
    if let Some(file) = &options.json {
        fs::write(file, serde_json::to_string_pretty(&report)?)?;
    }
    if options.is_quick() { session::verdict(&report) } else { Ok(()) }
}
