//! Clients of one server, all in one thread. Waiting is bounded: what doesn't
//! come in time is a verdict.
//!
//! Lines are recognised by *tokens* in them that nobody else says, because each
//! server has its own greetings and its own prefixes.

use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use memchr::memmem;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::client::{Client, End};
use crate::clock::Clock;
use crate::server::Server;
use crate::verdict::{Judged, Outcome, Verdict, check, died, froze, leaked, lied};

/// How long one thing may take; a server that needs longer is frozen.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How often a condition is looked at when nothing happens.
const TICK: Duration = Duration::from_millis(10);
/// After so long without an answer a newcomer says something again: some
/// servers let in nobody in the order of coming.
const HELLO_INTERVAL: Duration = Duration::from_secs(1);

/// A client's place in the crowd.
pub type Id = usize;

pub struct Crowd<'a> {
    pub server: &'a Server,
    clients: Vec<Option<Client>>,
    tokens: usize,
    clock: Clock,
    buffer: Vec<u8>,
}

impl<'a> Crowd<'a> {
    pub fn new(server: &'a Server) -> Crowd<'a> {
        let (clients, clock) = (Vec::new(), Clock::new());
        Crowd { server, clients, tokens: 0, clock, buffer: vec![0; 1 << 16] }
    }

    /// A text that was never said before.
    pub fn token(&mut self) -> String {
        self.tokens += 1;
        // No one is the beginning of another.
        format!("tk{:06}z", self.tokens)
    }

    pub fn client(&mut self, id: Id) -> &mut Client {
        self.clients[id].as_mut().expect("it is still there")
    }

    // Coming and going.

    /// One more connection; whether the server has noticed it is open.
    pub fn connect(&mut self) -> Judged<Id> {
        self.add(false, None)
    }

    /// The same, from this address of the machine.
    pub fn connect_from(&mut self, source: IpAddr) -> Judged<Id> {
        self.add(false, Some(source))
    }

    /// The same, of a client that doesn't read, and whose kernel takes little.
    pub fn connect_stuck(&mut self) -> Judged<Id> {
        let id = self.add(true, None)?;
        self.client(id).is_reading = false;
        Ok(id)
    }

    /// Waits until the server has sent something to a client, which needn't read it.
    pub fn wait_until_sent(&mut self, id: Id) -> Judged<Duration> {
        let mut byte = [MaybeUninit::uninit()];
        self.wait(4 * PATIENCE, "nothing is sent", |crowd| {
            crowd.client(id).socket.peek(&mut byte).is_ok_and(|bytes| bytes > 0)
        })
    }

    fn add(&mut self, has_small_buffer: bool, source: Option<IpAddr>) -> Judged<Id> {
        match Client::connect(self.server.address, has_small_buffer, source) {
            Ok(client) => self.clients.push(Some(client)),
            Err(error) => return Err(self.judge(&format!("nobody can connect: {error}"))),
        }
        Ok(self.clients.len() - 1)
    }

    /// One more client, in the room for certain: another one has heard it.
    pub fn join(&mut self) -> Judged<Id> {
        let id = self.connect()?;
        self.show_presence(id)?;
        Ok(id)
    }

    /// Somebody hears what this client says.
    pub fn show_presence(&mut self, id: Id) -> Judged<()> {
        let is_witness = |&other: &Id| {
            let client = self.clients[other].as_ref();
            other != id && client.is_some_and(|client| client.is_reading && client.end.is_none())
        };
        // The first one is shown to be there by the second one.
        let Some(witness) = (0..self.clients.len()).find(is_witness) else { return Ok(()) };
        let start = self.time();
        loop {
            let token = self.token();
            self.say(id, &token);
            if self.hears_within(HELLO_INTERVAL, witness, &token).is_ok() {
                return Ok(());
            }
            let is_over = self.client(id).end.is_some() || self.time() - start > PATIENCE;
            check(!is_over, || self.judge("a newcomer isn't heard"))?;
        }
    }

    /// So many clients that are in the room.
    pub fn guests<const N: usize>(&mut self) -> Judged<[Id; N]> {
        let mut ids = [0; N];
        for id in &mut ids {
            *id = self.join()?;
        }
        Ok(ids)
    }

    pub fn reset(&mut self, id: Id) {
        self.clients[id].take().expect("it is still there").reset();
    }

    pub fn close(&mut self, id: Id) {
        self.clients[id] = None;
    }

    // What they do.

    /// Sends bytes: at once what the kernel takes, the rest while waiting.
    pub fn send(&mut self, id: Id, bytes: impl AsRef<[u8]>) {
        self.client(id).queue(bytes.as_ref());
        self.client(id).write();
    }

    pub fn say(&mut self, id: Id, line: impl AsRef<[u8]>) {
        self.send(id, [line.as_ref(), b"\n"].concat());
    }

    /// The time since the beginning, without that in which this machine stood still.
    pub fn time(&mut self) -> Duration {
        self.clock.step()
    }

    /// Reads and writes what can be, for a tick at most.
    pub fn look(&mut self) -> bool {
        self.clock.step();
        let mut polled = Vec::new();
        let mut fds = Vec::new();
        for (id, client) in self.clients.iter().enumerate() {
            let Some(client) = client else { continue };
            if !client.interest().is_empty() {
                polled.push(id);
                fds.push(PollFd::new(&client.socket, client.interest()));
            }
        }
        let tick = Timespec::try_from(TICK).expect("a short time");
        // A signal is as good as a tick.
        let _ = poll(&mut fds, Some(&tick));
        let events: Vec<_> = fds.iter().map(PollFd::revents).collect();
        for (&id, &events) in polled.iter().zip(&events) {
            let client = self.clients[id].as_mut().expect("it was polled");
            if events.contains(PollFlags::OUT) {
                client.write();
            }
            if client.is_reading && !events.is_empty() {
                client.read(&mut self.buffer, &mut self.clock);
            } else if events.intersects(PollFlags::ERR | PollFlags::HUP) {
                client.end = Some(End::Broken);
            }
        }
        events.iter().any(|events| !events.is_empty())
    }

    // What they wait for.

    /// Waits until something is so; gives how long that took.
    pub fn wait(
        &mut self,
        time_max: Duration,
        what: &str,
        mut is_so: impl FnMut(&mut Self) -> bool,
    ) -> Judged<Duration> {
        let start = self.time();
        while !is_so(self) {
            let has_happened = self.look();
            let time = self.time() - start;
            let can_be = time <= time_max && (has_happened || self.server.is_running());
            check(can_be, || self.judge(&format!("{what}, in {time:.1?}")))?;
        }
        Ok(self.time() - start)
    }

    /// Why something didn't come.
    fn judge(&self, what: &str) -> Verdict {
        // Its connections end before the process does.
        const DYING_TIME_MAX: Duration = Duration::from_millis(100);
        let has_ended = self.server.ends_within(DYING_TIME_MAX);
        if has_ended { died(what) } else { froze(what) }
    }

    /// Reads and writes for a while, whatever comes.
    pub fn pass(&mut self, time: Duration) -> Judged<()> {
        let start = Instant::now();
        self.wait(time + PATIENCE, "time doesn't pass", |_| start.elapsed() >= time).map(drop)
    }

    /// Waits until a client has been sent this token.
    pub fn hears(&mut self, id: Id, token: &str) -> Judged<Duration> {
        self.hears_within(PATIENCE, id, token)
    }

    pub fn hears_within(&mut self, time_max: Duration, id: Id, token: &str) -> Judged<Duration> {
        self.hears_while(time_max, id, token, |_| ())
    }

    /// The same, and something is done all the while.
    pub fn hears_while(
        &mut self,
        time_max: Duration,
        id: Id,
        token: &str,
        mut act: impl FnMut(&mut Self),
    ) -> Judged<Duration> {
        // No byte is searched twice: a flood is long.
        let (mut searched, mut is_there) = (0, false);
        let time = self.wait(time_max, "a line doesn't arrive", |crowd| {
            act(crowd);
            let client = crowd.client(id);
            is_there = memmem::find(&client.received[searched..], token.as_bytes()).is_some();
            searched = client.received.len().saturating_sub(token.len());
            is_there || client.end.is_some()
        })?;
        check(is_there, || self.judge("a connection ended before a line arrived"))?;
        Ok(time)
    }

    /// Waits for the whole line with this token in it; gives it without its end.
    pub fn line(&mut self, id: Id, token: &str) -> Judged<Vec<u8>> {
        self.hears(id, token)?;
        self.wait(PATIENCE, "a line doesn't end", |crowd| crowd.find_line(id, token).is_some())?;
        Ok(self.find_line(id, token).expect("it was there"))
    }

    /// The same of a line that a server may fail to know for one.
    pub fn expect_line(&mut self, id: Id, token: &str, what: &str) -> Judged<Vec<u8>> {
        self.line(id, token).map_err(|verdict| match verdict.outcome {
            Outcome::Froze => lied(format!("{what} isn't heard")),
            _ => verdict,
        })
    }

    fn find_line(&mut self, id: Id, token: &str) -> Option<Vec<u8>> {
        let received = &self.client(id).received;
        let at = memmem::find(received, token.as_bytes())?;
        let start = memchr::memrchr(b'\n', &received[..at]).map_or(0, |end| end + 1);
        let end = at + memchr::memchr(b'\n', &received[at..])?;
        let line = &received[start..end];
        Some(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
    }

    /// Whether a client has been sent this already.
    pub fn has_heard(&mut self, id: Id, text: impl AsRef<[u8]>) -> bool {
        memmem::find(&self.client(id).received, text.as_ref()).is_some()
    }

    /// One says something, another hears it; gives how long that took.
    pub fn ping(&mut self, from: Id, to: Id) -> Judged<Duration> {
        let token = self.token();
        self.say(from, &token);
        self.hears(to, &token)
    }

    /// What the server puts before this client's lines.
    pub fn prefix(&mut self, from: Id, to: Id) -> Judged<Vec<u8>> {
        let token = self.token();
        self.say(from, &token);
        let line = self.line(to, &token)?;
        let end = line.len() - token.len();
        check(line.ends_with(token.as_bytes()), || lied(show(&line)))?;
        Ok(line[..end].to_vec())
    }

    /// Waits until the server holds no more descriptors than at an earlier time.
    pub fn is_back_to(&mut self, descriptors: usize) -> Judged<()> {
        let server = self.server;
        let waited = self
            .wait(PATIENCE, "", |_| server.descriptors().is_ok_and(|count| count <= descriptors));
        waited.map(drop).map_err(|verdict| match server.descriptors() {
            Ok(count) => leaked(format!("{} descriptors", count - descriptors)),
            Err(_) => verdict,
        })
    }

    /// How many have connections that the server hasn't ended.
    pub fn open_connections(&self) -> usize {
        self.clients.iter().flatten().filter(|client| client.end.is_none()).count()
    }
}

impl Drop for Crowd<'_> {
    fn drop(&mut self) {
        // A client that closes with bytes unread, or is sent some later, makes a
        // reset: a fault of its own. These go like polite ones.
        const LEAVING_TIME_MAX: Duration = Duration::from_millis(50);
        for client in self.clients.iter_mut().flatten() {
            client.is_reading = true;
            client.is_keeping = false;
            client.fin();
        }
        let start = Instant::now();
        while self.open_connections() > 0 && start.elapsed() < LEAVING_TIME_MAX {
            self.look();
        }
    }
}

/// Bytes for a verdict, not too many of them.
pub fn show(bytes: &[u8]) -> String {
    const BYTES_MAX: usize = 40;
    let shown = bytes[..bytes.len().min(BYTES_MAX)].escape_ascii();
    let rest = if bytes.len() > BYTES_MAX { "…" } else { "" };
    format!("`{shown}{rest}`")
}
