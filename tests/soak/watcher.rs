//! A client that asks the server how it is, before the others come and after they
//! have gone.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::Fault;
use crate::server::Server;

/// Everybody is gone in this time.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the server has while the watcher is there.
#[derive(Debug)]
pub struct State {
    pub descriptors: usize,
    /// The answer to `/stats`.
    pub stats: String,
}

impl State {
    pub fn of(server: &Server) -> Result<State, Fault> {
        let (mut stream, stats) = ask(server).map_err(|error| error.to_string())?;
        let descriptors = server.descriptors()?;
        // Its going may not be seen by the next one.
        let mut rest = String::new();
        let done = stream.get_mut().write_all(b"/quit\n");
        let done = done.and_then(|()| io::Read::read_to_string(&mut stream, &mut rest));
        done.map_err(|error| error.to_string())?;
        Ok(State { descriptors, stats })
    }

    /// Nobody but the watcher is there.
    fn is_empty(&self) -> bool {
        self.stats.contains(" 1 here in 1 room, ")
    }

    /// Waits until the server has given back what it took since this state.
    pub fn comes_back(&self, server: &Server) -> Result<State, Fault> {
        let start = Instant::now();
        loop {
            let now = State::of(server)?;
            if now.is_empty() && now.descriptors == self.descriptors {
                return Ok(now);
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("after the end {now:?}, at the start {self:?}"));
            }
        }
    }
}

/// Asks, and stays.
fn ask(server: &Server) -> io::Result<(BufReader<TcpStream>, String)> {
    let mut stream = BufReader::new(TcpStream::connect(server.plain)?);
    stream.get_mut().set_read_timeout(Some(PATIENCE))?;
    stream.get_mut().write_all(b"/stats\n")?;
    let mut line = String::new();
    while !line.contains(" here in ") {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok((stream, line.trim_end().to_owned()))
}
