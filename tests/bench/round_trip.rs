//! How long the engine takes to answer, measured beside a load, while nothing of it is on its way,
//! and where the servers run: on their core, from threads as theirs.

use std::error::Error;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use crate::clock;
use crate::engine::Engine;
use crate::figures::RoundTripFigures;
use crate::latency::Histogram;
use crate::machine::Cores;
use crate::node::Node;

/// Nobody is in this room: no server reads it.
const ROOM: &str = "round-trips";
/// Of each kind, each time.
const TRIES: u32 = 20;
/// Before each: lines of a paced load find everybody asleep too.
const PAUSE: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(5);

pub struct RoundTrips {
    cores: Cores,
    stream: UnixStream,
    node: Node,
    pings: Histogram,
    appends: Histogram,
    returns: Histogram,
}

impl RoundTrips {
    pub fn new(engine: &Engine, cores: Cores) -> Result<RoundTrips, Box<dyn Error>> {
        let stream = engine.connect()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let node = cores.start_server(|| Node::join(engine, ROOM))??;
        node.read_from(node.next());
        let [pings, appends, returns] = std::array::from_fn(|_| Histogram::default());
        Ok(RoundTrips { cores, stream, node, pings, appends, returns })
    }

    pub fn measure(&mut self) -> io::Result<()> {
        self.cores.start_server(|| (0..TRIES).try_for_each(|_| self.try_once()))?
    }

    fn try_once(&mut self) -> io::Result<()> {
        let start_ns = rested_ns();
        self.ping()?;
        self.pings.add(clock::now_ns() - start_ns);

        let start_ns = rested_ns();
        self.node.say(1);
        self.node.wait_for_answer()?;
        self.appends.add(clock::now_ns() - start_ns);
        self.wait_for_return()?;

        let start_ns = rested_ns();
        self.node.say(1);
        self.wait_for_return()?;
        self.returns.add(clock::now_ns() - start_ns);
        Ok(())
    }

    pub fn figures(&self) -> RoundTripFigures {
        RoundTripFigures {
            ping: self.pings.quantiles(),
            append: self.appends.quantiles(),
            back: self.returns.quantiles(),
        }
    }

    fn ping(&mut self) -> io::Result<()> {
        const ANSWER: &[u8] = b"+PONG\r\n";
        self.stream.write_all(b"PING\r\n")?;
        let mut answer = [0; ANSWER.len()];
        self.stream.read_exact(&mut answer)?;
        if answer == ANSWER { Ok(()) } else { Err(io::Error::other("PING isn't answered")) }
    }

    /// Until the newest line has come back.
    fn wait_for_return(&mut self) -> io::Result<()> {
        let said = self.node.said();
        let deadline_ns = clock::now_ns() + clock::to_ns(PATIENCE);
        loop {
            let arrivals = self.node.hear(clock::until(deadline_ns))?;
            if arrivals.iter().any(|arrival| self.node.own(arrival) == Some(said)) {
                return Ok(());
            }
            if clock::until(deadline_ns).is_zero() {
                return Err(io::Error::other("a line doesn't come back from the engine"));
            }
        }
    }
}

/// After a pause.
fn rested_ns() -> u64 {
    thread::sleep(PAUSE);
    clock::now_ns()
}
