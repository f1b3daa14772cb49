//! How many lines a second the engine gives their numbers: links without servers hand lines of one
//! room over as fast as they are taken.

use std::error::Error;
use std::io;
use std::time::Duration;

use roomcast::wire::Arrival;

use crate::clock;
use crate::engine::Engine;
use crate::figures::{OrderedLines, OrderingFigures};
use crate::measure::Measure;
use crate::node::Node;
use crate::server::Server;

const ROOM: &str = "lobby";
/// As many as one call of the script has; a link makes several calls of a larger batch.
const BATCH_LINES: u64 = 128;
/// Of each link, where nobody reads, before it waits for the answers.
const BATCHES_AHEAD: u64 = 32;
/// Of each link, where all read: all together less than the engine keeps.
const LINES_AHEAD: u64 = 16 * BATCH_LINES;
/// Between two looks at the time.
const LOOK: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(5);
const PHASES: u32 = 3;

pub fn measure(how: &Measure, server: &Server) -> Result<OrderingFigures, Box<dyn Error>> {
    let engine = server.start_engine(&how.scratch, how.cores)?.ok_or("there is no engine")?;
    let links = server.processes;
    let nodes: Vec<Node> =
        (0..links).map(|_| Node::join(&engine, ROOM)).collect::<Result<_, _>>()?;
    let mut ends: Vec<End> = nodes.into_iter().map(End::new).collect();
    let length = how.length / PHASES;
    let single = unread(&engine, &mut ends, 1, length)?;
    let full = unread(&engine, &mut ends, BATCH_LINES, length)?;
    let read = read(&engine, &mut ends, length)?;
    let faults = ends.iter().map(|end| end.faults).sum();
    Ok(OrderingFigures { links, single, full, read, faults })
}

/// A link, and what has come back to it.
struct End {
    node: Node,
    /// The number of the line that comes next.
    next: u64,
    /// Its own lines that have come back, by their count.
    back: u64,
    /// Lines that came with another number or count than they should.
    faults: u64,
}

impl End {
    fn new(node: Node) -> End {
        End { node, next: 0, back: 0, faults: 0 }
    }

    /// As many whole batches as there is room for.
    fn say_more(&mut self) {
        let room = LINES_AHEAD - (self.node.said() - self.back);
        (0..room / BATCH_LINES).for_each(|_| self.node.say(BATCH_LINES));
    }

    fn take(&mut self, arrivals: &[Arrival]) {
        for arrival in arrivals {
            self.faults += u64::from(arrival.number != self.next);
            self.next = arrival.number + 1;
            if let Some(count) = self.node.own(arrival) {
                self.faults += u64::from(count != self.back + 1);
                self.back = count;
            }
        }
    }
}

/// Nobody reads: what giving numbers costs alone, with so many lines in each batch.
fn unread(
    engine: &Engine,
    ends: &mut [End],
    batch_lines: u64,
    length: Duration,
) -> Result<OrderedLines, Box<dyn Error>> {
    counted(engine, ends, |ends| {
        let end_ns = clock::now_ns() + clock::to_ns(length);
        // Once in any case.
        loop {
            for end in &mut *ends {
                (0..BATCHES_AHEAD).for_each(|_| end.node.say(batch_lines));
            }
            ends.iter().try_for_each(|end| end.node.wait_for_answer())?;
            if clock::now_ns() >= end_ns {
                return Ok(());
            }
        }
    })
}

/// Every link reads every line, as servers do.
fn read(
    engine: &Engine,
    ends: &mut [End],
    length: Duration,
) -> Result<OrderedLines, Box<dyn Error>> {
    let first = next_number(ends);
    for end in &mut *ends {
        (end.next, end.back) = (first, end.node.said());
        end.node.read_from(first);
    }
    counted(engine, ends, |ends| {
        let end_ns = clock::now_ns() + clock::to_ns(length);
        let mut heard_ns = clock::now_ns();
        loop {
            // One that reads more slowly than the others is waited for: else the engine drops
            // what it hasn't read.
            let slowest = ends.iter().map(|end| end.next).min().unwrap_or_default();
            let has_place = next_number(ends) - slowest < LINES_AHEAD;
            if has_place && clock::now_ns() < end_ns {
                ends.iter_mut().for_each(End::say_more);
            }
            let next = next_number(ends);
            if ends.iter().all(|end| end.next >= next) {
                return Ok(());
            }
            for (at, end) in ends.iter_mut().enumerate() {
                // All get the same, so it is enough to wait for one.
                let arrivals = end.node.hear(if at == 0 { LOOK } else { Duration::ZERO })?;
                end.take(&arrivals);
                if !arrivals.is_empty() {
                    heard_ns = clock::now_ns();
                }
            }
            if clock::now_ns() - heard_ns > clock::to_ns(PATIENCE) {
                return Err(io::Error::other("not all lines come back from the engine"));
            }
        }
    })
}

/// What lines are driven by `drive`, and what they cost.
fn counted(
    engine: &Engine,
    ends: &mut [End],
    drive: impl FnOnce(&mut [End]) -> io::Result<()>,
) -> Result<OrderedLines, Box<dyn Error>> {
    let (first, sent_bytes) = (next_number(ends), engine.sent_bytes()?);
    let (start_ns, cpu_ns) = (clock::now_ns(), engine.cpu_ns()?);
    drive(ends)?;
    Ok(OrderedLines {
        lines: next_number(ends) - first,
        elapsed_ns: clock::now_ns() - start_ns,
        engine_cpu_ns: engine.cpu_ns()?.saturating_sub(cpu_ns),
        sent_bytes: engine.sent_bytes()? - sent_bytes,
    })
}

/// Of the room: only these have spoken in it.
fn next_number(ends: &[End]) -> u64 {
    ends[0].node.next() + ends.iter().map(|end| end.node.said()).sum::<u64>()
}
