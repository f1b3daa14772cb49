//! An idle room: what a client costs in memory, and that nothing happens when nothing happens.

use std::error::Error;
use std::time::Duration;

use crate::clock;
use crate::connection::Pockets;
use crate::crowd::{Crowd, Deaf};
use crate::figures::IdleFigures;
use crate::gathering::Gathering;
use crate::load::Load;
use crate::measure::Measure;
use crate::server::{News, Server};

/// Everybody has received everything; but roomcast tells up to fifteen seconds later who has joined:
/// who sends nothing may be a health check.
const SETTLE: Duration = Duration::from_millis(15_500);

pub fn measure(how: &Measure, load: &Load, server: &Server) -> Result<IdleFigures, Box<dyn Error>> {
    let process = server.start(load.clients, News::Usual, &how.scratch, how.cores)?;
    let empty_bytes = process.private_bytes()?;
    let mut gathering = Gathering::new(server, vec![process.address])?;
    gathering.fill(load.clients, |_| Pockets::Large)?;
    gathering.settle()?;
    let mut crowd = gathering.crowd;
    listen_for(SETTLE, &mut crowd)?;

    crowd.start_counting(&[]);
    let (switches, cpu_ns) = (process.context_switches()?, process.cpu_ns()?);
    listen_for(how.idle_length, &mut crowd)?;
    let figures = IdleFigures {
        bytes_a_client: (process.private_bytes()? as f64 - empty_bytes as f64)
            / load.clients as f64,
        seconds: how.idle_length.as_secs_f64(),
        context_switches: process.context_switches()?.saturating_sub(switches),
        server_cpu_ns: process.cpu_ns()?.saturating_sub(cpu_ns),
        lines: crowd.newlines(),
    };
    match crowd.closed() {
        0 => Ok(figures),
        closed => Err(format!("the server closed {closed} clients").into()),
    }
}

fn listen_for(length: Duration, crowd: &mut Crowd) -> Result<(), Box<dyn Error>> {
    let end_ns = clock::now_ns() + clock::to_ns(length);
    while clock::now_ns() < end_ns {
        crowd.turn(clock::until(end_ns), &mut Deaf)?;
    }
    Ok(())
}
