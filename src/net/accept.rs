//! The door: listeners, and what to do when no more clients fit.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::warn;
use polling::Poller;
use rustix::io::Errno;
use socket2::{SockAddr, Socket};

use super::address::PeerAddr;
use super::listener::{Listener, LocalAddr};
use super::registered::Registered;
use crate::chat::Interest;

/// How long nobody is accepted after the system had no means to: longer each time
/// that it fails again.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Between two warnings of that.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

const OPEN: Interest = Interest { read: true, write: false };
const CLOSED: Interest = Interest { read: false, write: false };

/// What came of accepting.
pub(super) enum Accepted {
    Nobody,
    Client(Socket, PeerAddr),
    /// It has the reserve descriptor, until it is turned away.
    OneTooMany(Socket, PeerAddr),
}

/// The listeners.
#[derive(Debug)]
pub(super) struct Door {
    /// Paths of unix sockets are removed before their sockets are closed.
    addresses: Vec<LocalAddr>,
    /// Registered with their place here as the key.
    sockets: Vec<Registered>,
    /// The keys of listeners whose clients speak telnet.
    telnets: Vec<usize>,
    /// A descriptor to give up when there are no more, so that the one too many
    /// can be accepted and told.
    reserve: Option<File>,
    /// Nobody is accepted before this.
    resume_at: Option<Instant>,
    failures: Failures,
    /// How many have been accepted.
    accepted: u32,
}

/// How accepting has failed lately.
#[derive(Debug, Default)]
struct Failures {
    /// Failures since a client was accepted.
    in_a_row: u32,
    /// When the last warning was, and failures since then.
    warned: Option<(Instant, u32)>,
}

impl Failures {
    /// How long to accept nobody after one more failure.
    fn pause(&mut self) -> Duration {
        self.in_a_row += 1;
        PAUSE_MAX.min(PAUSE_MIN * 2_u32.saturating_pow(self.in_a_row - 1))
    }

    /// How many failures weren't warned of, if this one is to be.
    fn warn(&mut self, now: Instant) -> Option<u32> {
        match &mut self.warned {
            Some((at, left_out)) if now < *at + WARNING_INTERVAL => {
                *left_out += 1;
                None
            }
            warned => Some(warned.replace((now, 0)).map_or(0, |(_, left_out)| left_out)),
        }
    }
}

impl Door {
    pub fn new(poller: &Arc<Poller>, listeners: Vec<Listener>) -> io::Result<Self> {
        let mut sockets = Vec::new();
        let mut addresses = Vec::new();
        let mut telnets = Vec::new();
        for Listener { socket, address, is_telnet } in listeners {
            telnets.extend(is_telnet.then_some(sockets.len()));
            sockets.push(
                Registered::new(poller, socket, sockets.len(), OPEN).map_err(|(error, _)| error)?,
            );
            addresses.push(address);
        }
        Ok(Door {
            sockets,
            addresses,
            telnets,
            reserve: reserve(),
            resume_at: None,
            failures: Failures::default(),
            accepted: 0,
        })
    }

    /// Accepts nobody any more.
    pub fn close(&mut self) {
        self.addresses.clear();
        self.sockets.clear();
        self.resume_at = None;
    }

    /// Whether the clients of listener `key` speak telnet.
    pub fn is_telnet(&self, key: usize) -> bool {
        self.telnets.contains(&key)
    }

    /// When to call `reopen`.
    pub fn resume_at(&self) -> Option<Instant> {
        self.resume_at
    }

    /// Ends a pause that is over.
    pub fn reopen(&mut self, now: Instant) {
        if self.resume_at.is_some_and(|at| at <= now) {
            self.resume_at = None;
            self.reserve = self.reserve.take().or_else(reserve);
            self.set_interest(OPEN);
        }
    }

    /// The next client of listener `key`, if there is one.
    ///
    /// A failure never ends the server: a client that is gone already is passed
    /// over, one for which there is no descriptor is to be told so, and anything
    /// else pauses the door.
    pub fn accept(&mut self, now: Instant, key: usize) -> Accepted {
        loop {
            let Some(listener) = self.sockets.get(key) else { return Accepted::Nobody };
            match listener.accept() {
                Ok((socket, address)) => {
                    self.failures.in_a_row = 0;
                    return Accepted::Client(socket, self.peer(&address));
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return Accepted::Nobody,
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted => {}
                    _ => {
                        return self.accept_with_reserve(key, &error).unwrap_or_else(|| {
                            self.pause(now, &error);
                            Accepted::Nobody
                        });
                    }
                },
            }
        }
    }

    /// Gives the reserve descriptor to the one too many. `None` if that can't be
    /// done.
    fn accept_with_reserve(&mut self, key: usize, error: &io::Error) -> Option<Accepted> {
        if !is_out_of_descriptors(error) {
            return None;
        }
        drop(self.reserve.take()?);
        match self.sockets[key].accept() {
            Ok((socket, address)) => Some(Accepted::OneTooMany(socket, self.peer(&address))),
            Err(_) => {
                self.reserve = reserve();
                self.reserve.is_some().then_some(Accepted::Nobody)
            }
        }
    }

    /// Tells the one too many why, and closes it; what it is told depends on what it
    /// has sent.
    pub fn turn_away(&mut self, socket: Socket, refusal: impl Fn(&[u8]) -> Vec<u8>) {
        let _ = socket.set_nonblocking(true);
        // Closing with bytes unread would take the refusal back.
        let mut first = [0; 4096];
        let bytes = (&socket).read(&mut first).unwrap_or_default();
        let _ = socket.send(&refusal(&first[..bytes]));
        let _ = socket.shutdown(Shutdown::Write);
        let _ = (&socket).read(&mut first);
        drop(socket);
        self.reserve = reserve();
    }

    fn peer(&mut self, address: &SockAddr) -> PeerAddr {
        self.accepted = self.accepted.wrapping_add(1);
        PeerAddr::new(address.as_socket(), self.accepted)
    }

    fn pause(&mut self, now: Instant, error: &io::Error) {
        let pause = self.failures.pause();
        match self.failures.warn(now) {
            None => {}
            Some(0) => warn!("accepting nobody for {} ms: {error}", pause.as_millis()),
            Some(more) => warn!(
                "accepting nobody for {} ms: {error} (and {more} times before, without a line here)",
                pause.as_millis()
            ),
        }
        self.resume_at = Some(now + pause);
        self.set_interest(CLOSED);
    }

    fn set_interest(&mut self, interest: Interest) {
        for (key, socket) in self.sockets.iter_mut().enumerate() {
            if let Err(error) = socket.set_interest(key, interest) {
                warn!("a listener can't be watched: {error}");
            }
        }
    }
}

fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE]
        .map(|errno| Some(errno.raw_os_error()))
        .contains(&error.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_warned_of_once_a_minute_with_their_count() {
        let mut failures = Failures::default();
        let start = Instant::now();
        assert_eq!(failures.warn(start), Some(0));
        for second in 1..60 {
            assert_eq!(failures.warn(start + Duration::from_secs(second)), None);
        }
        assert_eq!(failures.warn(start + WARNING_INTERVAL), Some(59));
        assert_eq!(failures.warn(start + 2 * WARNING_INTERVAL), Some(0));
    }

    #[test]
    fn the_pause_grows_while_accepting_fails_and_has_a_limit() {
        let mut failures = Failures::default();
        let pauses: Vec<_> = (0..40).map(|_| failures.pause()).collect();
        assert_eq!(pauses[..3], [1, 2, 4].map(|times| PAUSE_MIN * times));
        assert_eq!(pauses[39], PAUSE_MAX);
        failures.in_a_row = 0;
        assert_eq!(failures.pause(), PAUSE_MIN);
    }
}
