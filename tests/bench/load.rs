//! The loads: how many clients, who of them speaks, and what makes a speaker say the next line.

use std::time::Duration;

use crate::payload::{LINE_BYTES_MAX, LINE_BYTES_MIN, SENDERS_MAX};

/// What the loads called `paced` deliver in a second, whatever the number of clients.
const PACED_DELIVERIES_A_SECOND: usize = 50_000;
const WINDOW_LINES: u32 = 8;
const BLOCK_LINES: u32 = 800;
const AHEAD_BYTES: usize = 256 * 1024;
const SENDERS_USUAL_MAX: usize = 100;
/// Two members take turns to say probes, and somebody must be there to hear them.
const CLIENTS_MIN: usize = 3;
/// Over these numbers of clients the plot goes.
const SWEEP_CLIENTS: [usize; 6] = [10, 30, 100, 300, 1_000, 3_000];
/// Loads that compare servers that share a room with one that doesn't.
const SHARED: &str = "cluster";
const SHARED_WINDOW_LINES: u32 = 1_000;
/// Loads that compare one thread of the server with several.
const TEAM: &str = "reach";
const SWEEP_FAMILIES: [&str; 3] = ["limit", "paced", "full"];

/// Something to do to a server.
#[derive(Clone)]
pub struct Load {
    pub name: String,
    /// Loads of one family differ in the number of clients only.
    pub family: &'static str,
    pub clients: usize,
    shape: fn(usize) -> Shape,
}

#[derive(Clone, Copy)]
pub enum Shape {
    Flow(Flow),
    /// Everybody is in and nobody says anything.
    Idle,
    /// Everybody comes at full speed, and leaves at full speed.
    Storm,
    /// Links without servers hand lines over to the engine.
    Ordering,
    /// Now and then somebody says a line, and nobody reads before it has reached all.
    Reach,
}

/// Lines go through the room.
#[derive(Clone, Copy)]
pub struct Flow {
    pub senders: usize,
    /// Clients that never read once the room is full. They are among the clients and never send.
    pub stuck: usize,
    pub line_bytes: usize,
    pub pace: Pace,
}

impl Flow {
    /// How many lines of a sender may be on their way.
    pub fn outstanding_lines(&self) -> usize {
        match self.pace {
            Pace::Steady { .. } => 1,
            Pace::Window { lines } | Pace::Block { lines } => lines as usize,
            Pace::Ahead { bytes } => bytes / self.line_bytes,
        }
    }
}

/// When a sender says its next line. A line is *back* when a fixed member, the observer, has
/// received it.
#[derive(Clone, Copy)]
pub enum Pace {
    /// So often, each line alone.
    Steady { period: Duration },
    /// So many lines of each sender are on their way and not back. After each pass over all sockets a
    /// sender says, in one write, as many lines as have come back.
    Window { lines: u32 },
    /// All these lines in one write, and again when all of them are back, so that they share sends.
    Block { lines: u32 },
    /// As fast as the socket takes them, 4 KiB a write, as programs do that copy a file; but never
    /// more than so many bytes ahead of the slowest receiver.
    Ahead { bytes: usize },
}

/// A load that can be asked for by name; `NAME@CLIENTS` is the same with another number of clients.
struct Named {
    name: &'static str,
    family: &'static str,
    clients: usize,
    shape: fn(usize) -> Shape,
    about: &'static str,
}

#[rustfmt::skip]
const NAMED: [Named; 24] = [
    Named { name: "limit", family: "limit", clients: 500, shape: limit, about: "one sender, 800 lines share each write; only the bare loop" },
    Named { name: "paced", family: "paced", clients: 500, shape: paced, about: "one sender, 100 lines a second (50,000 deliveries a second)" },
    Named { name: "full", family: "full", clients: 500, shape: full, about: "a fifth of them, at most 100, send; 8 lines outstanding each" },
    Named { name: "one", family: "one", clients: 100, shape: one, about: "one sender at full speed" },
    Named { name: "everyone", family: "everyone", clients: 500, shape: everyone, about: "all send, 8 lines outstanding each" },
    Named { name: "everyone400", family: "everyone", clients: 400, shape: everyone, about: "the same with 400" },
    Named { name: "idle", family: "idle", clients: 5_000, shape: |_| Shape::Idle, about: "private memory a client, and wake-ups in an idle room" },
    Named { name: "paced10000", family: "paced", clients: 10_000, shape: paced, about: "one sender, 5 lines a second" },
    Named { name: "readers", family: "readers", clients: 450, shape: full, about: "as `full`: what `stuck` is compared with" },
    Named { name: "stuck", family: "stuck", clients: 500, shape: stuck, about: "as `readers`, and one in ten never reads" },
    Named { name: "storm", family: "storm", clients: 15_000, shape: |_| Shape::Storm, about: "joins at full speed, then leaves at full speed" },
    Named { name: "size16", family: "size16", clients: 100, shape: |clients| size(clients, 16), about: "as `full` with lines of 16 bytes" },
    Named { name: "size64", family: "size64", clients: 100, shape: |clients| size(clients, 64), about: "the same with 64 bytes" },
    Named { name: "size512", family: "size512", clients: 100, shape: |clients| size(clients, 512), about: "the same with 512 bytes" },
    Named { name: "size4000", family: "size4000", clients: 100, shape: |clients| size(clients, 4_000), about: "the same with 4,000 bytes" },
    Named { name: "cluster-paced", family: SHARED, clients: 500, shape: |_| shared(10), about: "over 1, 2, 3 servers: one sender, 100 lines a second" },
    Named { name: "cluster-quiet", family: SHARED, clients: 12, shape: |_| shared(5), about: "the same with 200 lines a second, for the latency" },
    Named { name: "cluster-full", family: SHARED, clients: 6, shape: ceiling, about: "the same with three senders, 1,000 lines outstanding each" },
    Named { name: "cluster-order", family: SHARED, clients: 3, shape: |_| Shape::Ordering, about: "1, 2, 3 links alone hand lines over as fast as they can" },
    Named { name: "reach50", family: TEAM, clients: 50, shape: |_| Shape::Reach, about: "with 1 and 2 threads: a line now and then, until it has reached all" },
    Named { name: "reach500", family: TEAM, clients: 500, shape: |_| Shape::Reach, about: "the same with 500" },
    Named { name: "reach2000", family: TEAM, clients: 2_000, shape: |_| Shape::Reach, about: "the same with 2,000" },
    Named { name: "reach10000", family: TEAM, clients: 10_000, shape: |_| Shape::Reach, about: "the same with 10,000" },
    Named { name: "reach-full", family: TEAM, clients: 500, shape: full, about: "as `full`, the server and the load on all cores" },
];

/// What runs if nothing is asked for.
pub const USUAL: &str = "limit,full,everyone,everyone400,one,paced,idle";

impl Load {
    /// The loads that `names` ask for, separated by commas: a name, `NAME@CLIENTS`, `all`, `sweep`,
    /// `cluster` or `reach`.
    pub fn parse(names: &str, idle_clients: &[usize]) -> Result<Vec<Load>, String> {
        let mut loads = Vec::new();
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match name {
                "all" => {
                    for Named { name, .. } in &NAMED {
                        loads.extend(Load::parse(name, idle_clients)?);
                    }
                }
                "sweep" => {
                    for (clients, family) in
                        SWEEP_CLIENTS.iter().flat_map(|n| SWEEP_FAMILIES.map(|f| (*n, f)))
                    {
                        loads.push(Load::named(family, Some(clients))?);
                    }
                }
                SHARED | TEAM => {
                    for Named { name, .. } in NAMED.iter().filter(|named| named.family == name) {
                        loads.push(Load::named(name, None)?);
                    }
                }
                "idle" => {
                    for &clients in idle_clients {
                        loads.push(Load::named(name, Some(clients))?);
                    }
                }
                _ => loads.push(match name.split_once('@') {
                    Some((name, clients)) => Load::named(name, Some(number(clients)?))?,
                    None => Load::named(name, None)?,
                }),
            }
        }
        Ok(loads)
    }

    fn named(name: &str, clients: Option<usize>) -> Result<Load, String> {
        // A family's name stands for its first load.
        let mut names = NAMED.iter().filter(|named| [named.name, named.family].contains(&name));
        let found = NAMED.iter().find(|named| named.name == name).or_else(|| names.next());
        let named = found.ok_or_else(|| format!("no load `{name}`; --list shows them"))?;
        let name = match clients {
            Some(clients) => format!("{name}@{clients}"),
            None => name.to_owned(),
        };
        let clients = clients.unwrap_or(named.clients);
        if clients < CLIENTS_MIN {
            return Err(format!("`{name}` needs at least {CLIENTS_MIN} clients"));
        }
        Ok(Load { name, family: named.family, clients, shape: named.shape })
    }

    /// The same with so few clients that it is over at once.
    pub fn small(self) -> Load {
        let most = match self.shape() {
            Shape::Storm => 200,
            Shape::Idle => 50,
            // So many that threads write together.
            Shape::Reach => 100,
            Shape::Flow(_) | Shape::Ordering => 20,
        };
        Load { clients: self.clients.min(most), ..self }
    }

    pub fn shape(&self) -> Shape {
        (self.shape)(self.clients)
    }

    /// Whether it is there to compare servers that share a room with one that doesn't.
    pub fn is_shared(&self) -> bool {
        self.family == SHARED
    }

    /// Whether it is there to compare one thread of the server with several.
    pub fn is_of_team(&self) -> bool {
        self.family == TEAM
    }

    /// Whether it is measured in slices, in turns with others.
    pub fn takes_turns(&self) -> bool {
        matches!(self.shape(), Shape::Flow(_) | Shape::Reach)
    }

    /// Whether this load is only there for others to be compared with, and only the floor runs it.
    pub fn is_limit(&self) -> bool {
        self.family == "limit"
    }
}

/// What `--list` prints.
pub fn list() -> String {
    let line = |named: &Named| {
        format!("{:13} {:>6} clients: {}\n", named.name, named.clients, named.about)
    };
    let sweep = format!("{:13} limit, paced and full with {SWEEP_CLIENTS:?} clients\n", "sweep");
    let cluster = format!("{:13} all cluster-... loads\n", SHARED);
    let team = format!("{:13} all reach... loads; {TEAM}@CLIENTS is one of another size\n", TEAM);
    NAMED.iter().map(line).collect::<String>() + &sweep + &cluster + &team
}

fn number(clients: &str) -> Result<usize, String> {
    clients.parse().map_err(|_| format!("`{clients}` is no number of clients"))
}

fn full(clients: usize) -> Shape {
    let senders = (clients / 5).clamp(1, SENDERS_USUAL_MAX);
    Shape::Flow(Flow {
        senders,
        stuck: 0,
        line_bytes: 64,
        pace: Pace::Window { lines: WINDOW_LINES },
    })
}

fn limit(_clients: usize) -> Shape {
    Shape::Flow(Flow {
        senders: 1,
        stuck: 0,
        line_bytes: 64,
        pace: Pace::Block { lines: BLOCK_LINES },
    })
}

fn paced(clients: usize) -> Shape {
    let lines_a_second = (PACED_DELIVERIES_A_SECOND / clients).clamp(1, 1_000);
    let period = Duration::from_secs(1) / lines_a_second as u32;
    Shape::Flow(Flow { senders: 1, stuck: 0, line_bytes: 64, pace: Pace::Steady { period } })
}

fn shared(period_ms: u64) -> Shape {
    let pace = Pace::Steady { period: Duration::from_millis(period_ms) };
    Shape::Flow(Flow { senders: 1, stuck: 0, line_bytes: 64, pace })
}

/// One sender for each of three servers. Half of the clients only listen, at least one at each.
fn ceiling(clients: usize) -> Shape {
    let pace = Pace::Window { lines: SHARED_WINDOW_LINES };
    Shape::Flow(Flow { senders: 3.min(clients / 2), stuck: 0, line_bytes: 64, pace })
}

fn one(_clients: usize) -> Shape {
    Shape::Flow(Flow {
        senders: 1,
        stuck: 0,
        line_bytes: 64,
        pace: Pace::Ahead { bytes: AHEAD_BYTES },
    })
}

fn everyone(clients: usize) -> Shape {
    let senders = clients.min(SENDERS_MAX);
    Shape::Flow(Flow {
        senders,
        stuck: 0,
        line_bytes: 64,
        pace: Pace::Window { lines: WINDOW_LINES },
    })
}

/// With as many senders as there are in `readers`, which has a tenth fewer clients.
fn stuck(clients: usize) -> Shape {
    let stuck = clients / 10;
    let senders = ((clients - stuck) / 5).clamp(1, SENDERS_USUAL_MAX);
    Shape::Flow(Flow { senders, stuck, line_bytes: 64, pace: Pace::Window { lines: WINDOW_LINES } })
}

fn size(clients: usize, line_bytes: usize) -> Shape {
    assert!(
        (LINE_BYTES_MIN..=LINE_BYTES_MAX).contains(&line_bytes),
        "no payload has {line_bytes} bytes"
    );
    let senders = (clients / 5).clamp(1, SENDERS_USUAL_MAX);
    Shape::Flow(Flow { senders, stuck: 0, line_bytes, pace: Pace::Window { lines: WINDOW_LINES } })
}
