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

/// How long nobody is accepted after the system had no means to.
const PAUSE: Duration = Duration::from_millis(200);

const OPEN: Interest = Interest { read: true, write: false };
const CLOSED: Interest = Interest { read: false, write: false };

/// Who was at the door.
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
    /// The keys of those whose clients speak telnet.
    telnets: Vec<usize>,
    /// A descriptor to give up when there are no more, so that the one too many
    /// can be accepted and told.
    reserve: Option<File>,
    /// Nobody is accepted before this.
    resume_at: Option<Instant>,
    /// How many have been accepted.
    accepted: u32,
}

impl Door {
    pub fn new(poller: &Arc<Poller>, listeners: Vec<Listener>) -> io::Result<Self> {
        let mut sockets = Vec::new();
        let mut addresses = Vec::new();
        let mut telnets = Vec::new();
        for Listener { socket, address, is_telnet } in listeners {
            telnets.extend(is_telnet.then_some(sockets.len()));
            sockets.push(Registered::new(poller, socket, sockets.len(), OPEN)?);
            addresses.push(address);
        }
        Ok(Door { sockets, addresses, telnets, reserve: reserve(), resume_at: None, accepted: 0 })
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
                Ok((socket, address)) => return Accepted::Client(socket, self.peer(&address)),
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

    /// Tells the one too many why, and closes it.
    pub fn turn_away(&mut self, socket: Socket, refusal: &[u8]) {
        let _ = socket.set_nonblocking(true);
        let _ = socket.send(refusal);
        let _ = socket.shutdown(Shutdown::Write);
        // Closing with bytes unread would take the refusal back.
        let _ = (&socket).read(&mut [0; 4096]);
        drop(socket);
        self.reserve = reserve();
    }

    fn peer(&mut self, address: &SockAddr) -> PeerAddr {
        self.accepted = self.accepted.wrapping_add(1);
        PeerAddr::new(address.as_socket(), self.accepted)
    }

    fn pause(&mut self, now: Instant, error: &io::Error) {
        warn!("accepting nobody for {} ms: {error}", PAUSE.as_millis());
        self.resume_at = Some(now + PAUSE);
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
