//! One client. It never waits: the crowd that it is in does.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::time::Duration;

use rustix::event::PollFlags;
use socket2::{Domain, Socket, Type};

use crate::clock::Clock;

/// What one look at a client reads and writes at most.
const READ_BYTES: usize = 1 << 18;
const WRITE_BYTES: usize = 1 << 16;
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything that the server sent has come.
    Eof,
    Broken,
}

#[derive(Debug)]
pub struct Client {
    pub socket: Socket,
    /// What it has been sent, as long as it keeps that.
    pub received: Vec<u8>,
    pub received_bytes: usize,
    unsent: Vec<u8>,
    /// How much of `unsent` the kernel has taken.
    taken: usize,
    pub is_reading: bool,
    pub is_keeping: bool,
    pub end: Option<End>,
    /// By the clock of its crowd.
    last_read: Duration,
    /// The longest time between two reads.
    pub longest_wait: Duration,
}

impl Client {
    /// A client, if wanted one whose kernel takes few bytes that it doesn't
    /// read, or that comes from this address.
    pub fn connect(
        address: SocketAddr,
        has_small_buffer: bool,
        source: Option<IpAddr>,
    ) -> io::Result<Client> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        if let Some(source) = source {
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        if has_small_buffer {
            socket.set_recv_buffer_size(4096)?;
        }
        socket.connect_timeout(&address.into(), CONNECT_TIME_MAX)?;
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Client {
            socket,
            received: Vec::new(),
            received_bytes: 0,
            unsent: Vec::new(),
            taken: 0,
            is_reading: true,
            is_keeping: true,
            end: None,
            last_read: Duration::ZERO,
            longest_wait: Duration::ZERO,
        })
    }

    /// What it waits for.
    pub fn interest(&self) -> PollFlags {
        let mut interest = PollFlags::empty();
        interest.set(PollFlags::IN, self.is_reading && self.end.is_none());
        interest.set(PollFlags::OUT, self.unsent_bytes() > 0 && self.end.is_none());
        interest
    }

    /// Has this sent as soon as the kernel takes it.
    pub fn queue(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
    }

    pub fn unsent_bytes(&self) -> usize {
        self.unsent.len() - self.taken
    }

    /// Sends what the kernel takes now.
    pub fn write(&mut self) {
        if self.unsent_bytes() == 0 {
            return;
        }
        let end = self.unsent.len().min(self.taken + WRITE_BYTES);
        match self.socket.write(&self.unsent[self.taken..end]) {
            Ok(count) => self.taken += count,
            Err(error) if is_not_now(&error) => {}
            // What came before the end can still be read.
            Err(_) => self.taken = self.unsent.len(),
        }
        if self.unsent_bytes() == 0 || self.taken > 1 << 20 {
            self.unsent.drain(..self.taken);
            self.taken = 0;
        }
    }

    /// Reads what there is, a bounded part of it.
    pub fn read(&mut self, buffer: &mut [u8], clock: &mut Clock) {
        let start = self.received_bytes;
        while self.end.is_none() && self.received_bytes - start < READ_BYTES {
            match self.socket.read(buffer) {
                Ok(0) => self.end = Some(End::Eof),
                Ok(count) => self.take(&buffer[..count], clock.step()),
                Err(error) if is_not_now(&error) => return,
                Err(_) => self.end = Some(End::Broken),
            }
        }
    }

    fn take(&mut self, bytes: &[u8], now: Duration) {
        self.received_bytes += bytes.len();
        if self.is_keeping {
            self.received.extend_from_slice(bytes);
        }
        self.longest_wait = self.longest_wait.max(now - self.last_read);
        self.last_read = now;
    }

    /// Measures the longest wait from now on.
    pub fn start_waiting(&mut self, now: Duration) {
        self.last_read = now;
        self.longest_wait = Duration::ZERO;
    }

    /// Forgets what has come so far.
    pub fn forget(&mut self) {
        self.received.clear();
    }

    /// Closes its sending side.
    pub fn fin(&mut self) {
        // If it is broken, reading will tell.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Is gone, and the server's kernel is told so by a reset.
    pub fn reset(self) {
        let _ = self.socket.set_linger(Some(Duration::ZERO));
    }
}

fn is_not_now(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
