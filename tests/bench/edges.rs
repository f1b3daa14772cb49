//! What a line costs where there are many clients or rooms that have nothing to get: in counts,
//! which are the same on every machine. A server runs under callgrind, which counts its
//! instructions, and another one under the counter of system calls.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::clock;
use crate::connection::Pockets;
use crate::crowd::{Crowd, Deaf};
use crate::gathering::Gathering;
use crate::machine::{Cores, raise_descriptor_limit};
use crate::process::{Process, Readiness};
use crate::server::Server;
use crate::syscalls::Counter;

/// Rooms, and clients in each. The last one is as large as 20,000 descriptors allow.
const SCENES: [(usize, usize); 5] = [(1, 10), (100, 10), (1_000, 10), (1, 1_000), (1, 19_800)];
/// Whoever comes or goes is told of within this time.
const SETTLE: Duration = Duration::from_millis(15_500);
const LINES: u64 = 20;
/// The lines are said so often, and the cheapest time counts: the buffer of a log grows now and then,
/// and what the allocator does for that depends on what else is in memory.
const ROUNDS: usize = 3;
const LINE: &[u8] = b"what does a line cost?\n";
/// For all lines, under a counter.
const HEARING_TIMEOUT: Duration = Duration::from_secs(120);
/// Between two looks, so that what a line costs beside them is on its own.
const LOOK: Duration = Duration::from_millis(20);

/// Prints a row for each scene.
pub fn measure(roomcast: &Path) -> Result<(), Box<dyn Error>> {
    raise_descriptor_limit()?;
    let scratch = tempfile::tempdir()?;
    let scratch = scratch.path();
    println!(
        "{:>6} {:>8} {:>14} {:>28} {:>20}",
        "", "", "private bytes", "system calls", "instructions"
    );
    println!(
        "{:>6} {:>8} {:>14} {:>14} {:>13} {:>14} {:>13}",
        "rooms", "clients", "a client", "a line", "a delivery", "a line", "a delivery"
    );
    for (rooms, members) in SCENES {
        let plain = Hall::open(roomcast, Tool::None, scratch, (rooms, members))?;
        let (bytes, calls) = (plain.bytes_a_client()?, plain.calls_a_line(scratch)?);
        let counted = Hall::open(roomcast, Tool::Callgrind, scratch, (rooms, members))?;
        let instructions = counted.instructions_a_line(scratch)?;
        let deliveries = (members - 1) as f64;
        println!(
            "{rooms:>6} {:>8} {bytes:>14.0} {calls:>14.1} {:>13.2} {instructions:>14.0} {:>13.0}",
            rooms * members,
            calls / deliveries,
            instructions / deliveries
        );
    }
    Ok(())
}

/// What counts what a server does.
enum Tool {
    None,
    Callgrind,
}

/// A server with clients in rooms.
struct Hall {
    process: Process,
    crowd: Crowd,
    members: usize,
    empty_bytes: u64,
}

impl Hall {
    /// A server with so many rooms and members of each, all of which are in.
    fn open(
        roomcast: &Path,
        tool: Tool,
        scratch: &Path,
        (rooms, members): (usize, usize),
    ) -> Result<Hall, Box<dyn Error>> {
        let clients = rooms * members;
        let mut command = match tool {
            Tool::None => Command::new(roomcast),
            Tool::Callgrind => {
                let mut command = Command::new("valgrind");
                command.args(["--tool=callgrind", "--callgrind-out-file=callgrind"]).arg(roomcast);
                command
            }
        };
        command.args(["--listen", "127.0.0.1:0", "--rate", "0", "--threads", "1"]);
        command.args(["--max-clients", &(clients + 32).to_string(), "--rooms"]);
        command.arg((rooms + 1).to_string()).current_dir(scratch);
        let log = scratch.join("log");
        let process = Process::start(command, &Readiness::Announced, &log, Cores::all()?)?;
        let empty_bytes = process.private_bytes()?;
        let kind = Server::roomcast(PathBuf::new(), "");
        let mut gathering = Gathering::new(&kind, vec![process.address])?;
        gathering.fill(clients, |_| Pockets::Large)?;
        gathering.settle()?;
        let mut hall = Hall { process, crowd: gathering.crowd, members, empty_bytes };
        if rooms > 1 {
            for client in 0..clients {
                hall.crowd.say(client, format!("/join r{}\n", client / members).as_bytes())?;
            }
        }
        hall.listen_for(SETTLE)?;
        // The first line is dearer: its speaker is told of.
        hall.hear(2)?;
        Ok(hall)
    }

    fn listen_for(&mut self, length: Duration) -> Result<(), Box<dyn Error>> {
        let end_ns = clock::now_ns() + clock::to_ns(length);
        while clock::now_ns() < end_ns {
            self.crowd.turn(clock::until(end_ns), &mut Deaf)?;
        }
        match self.crowd.closed() {
            0 => Ok(()),
            closed => Err(format!("the server closed {closed} clients").into()),
        }
    }

    /// So many lines are said in one of the rooms, each when the one before has reached its
    /// members.
    fn hear(&mut self, lines: u64) -> Result<(), Box<dyn Error>> {
        self.crowd.start_counting(&[]);
        let end_ns = clock::now_ns() + clock::to_ns(HEARING_TIMEOUT);
        for line in 1..=lines {
            self.crowd.say(0, LINE)?;
            while self.crowd.newlines() < line * (self.members as u64 - 1) {
                if clock::now_ns() > end_ns {
                    return Err("a line didn't reach all members of its room".into());
                }
                self.crowd.turn(LOOK, &mut Deaf)?;
            }
        }
        Ok(())
    }

    fn bytes_a_client(&self) -> Result<f64, Box<dyn Error>> {
        let bytes = self.process.private_bytes()? as f64 - self.empty_bytes as f64;
        Ok(bytes / self.crowd.len() as f64)
    }

    fn calls_a_line(mut self, scratch: &Path) -> Result<f64, Box<dyn Error>> {
        let mut least = f64::INFINITY;
        for _ in 0..ROUNDS {
            let counter = Counter::attach(self.process.id(), scratch)?;
            self.hear(LINES)?;
            least = least.min(counter.finish()? as f64 / LINES as f64);
        }
        Ok(least)
    }

    fn instructions_a_line(mut self, scratch: &Path) -> Result<f64, Box<dyn Error>> {
        let mut least = f64::INFINITY;
        for round in 1..=ROUNDS {
            self.control("--zero")?;
            self.hear(LINES)?;
            self.control("--dump")?;
            let report = scratch.join(format!("callgrind.{round}"));
            let text = fs::read_to_string(&report)?;
            fs::remove_file(report)?;
            let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
            let total: f64 = total.ok_or("no total of callgrind")?.trim().parse()?;
            least = least.min(total / LINES as f64);
        }
        Ok(least)
    }

    /// Tells callgrind to do something; returns when it is done.
    fn control(&self, what: &str) -> Result<(), Box<dyn Error>> {
        let process = self.process.id().to_string();
        let mut command = Command::new("callgrind_control");
        let status =
            command.args([what, &process]).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if status.success() { Ok(()) } else { Err(format!("callgrind_control: {status}").into()) }
    }
}
