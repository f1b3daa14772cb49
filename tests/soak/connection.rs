//! A connection that never blocks.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::epoll;
use socket2::{Domain, Socket, Type};

use crate::visit::Reading;

/// For those who don't read all they get.
const SMALL_RECEIVE_BUFFER_BYTES: usize = 4096;

pub struct Connection {
    socket: Socket,
    key: u64,
    reads: bool,
    /// What the kernel hasn't taken yet.
    unsent: Vec<u8>,
}

/// What came of reading.
pub enum Received {
    Bytes(usize),
    Nothing,
    /// The server closed the connection: properly, or by a reset.
    End {
        is_reset: bool,
    },
}

impl Connection {
    pub fn open(
        epoll: &OwnedFd,
        key: u64,
        server: SocketAddr,
        reading: Reading,
    ) -> io::Result<Connection> {
        let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
        if reading != Reading::All {
            socket.set_recv_buffer_size(SMALL_RECEIVE_BUFFER_BYTES)?;
        }
        socket.set_tcp_nodelay(true)?;
        socket.connect_timeout(&server.into(), Duration::from_secs(10))?;
        socket.set_nonblocking(true)?;
        let reads = reading == Reading::All;
        let connection = Connection { socket, key, reads, unsent: Vec::new() };
        let data = epoll::EventData::new_u64(key);
        epoll::add(epoll, &connection.socket, data, connection.interest())?;
        Ok(connection)
    }

    /// Whether the kernel has everything.
    pub fn is_sent(&self) -> bool {
        self.unsent.is_empty()
    }

    pub fn send(&mut self, epoll: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
        self.unsent.extend_from_slice(bytes);
        self.flush(epoll)
    }

    /// Sends what the kernel takes now.
    pub fn flush(&mut self, epoll: &OwnedFd) -> io::Result<()> {
        match self.socket.write(&self.unsent) {
            Ok(bytes) => drop(self.unsent.drain(..bytes)),
            // Reading tells why.
            Err(error) if error.kind() != ErrorKind::WouldBlock => self.unsent.clear(),
            Err(_) => {}
        }
        let data = epoll::EventData::new_u64(self.key);
        Ok(epoll::modify(epoll, &self.socket, data, self.interest())?)
    }

    pub fn receive(&mut self, buffer: &mut [u8]) -> Received {
        match self.socket.read(buffer) {
            Ok(0) => Received::End { is_reset: false },
            Ok(bytes) => Received::Bytes(bytes),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Received::Nothing,
            Err(_) => Received::End { is_reset: true },
        }
    }

    pub fn fin(&self) {
        // The server may have been faster.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    pub fn reset(self) {
        let _ = self.socket.set_linger(Some(Duration::ZERO));
    }

    fn interest(&self) -> epoll::EventFlags {
        let mut flags = epoll::EventFlags::empty();
        flags.set(epoll::EventFlags::IN, self.reads);
        flags.set(epoll::EventFlags::OUT, !self.unsent.is_empty());
        flags
    }
}
