//! One non-blocking connection to a server, known to a poller by its key.

use std::io::{self, ErrorKind, IoSliceMut, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::LazyLock;
use std::time::Duration;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::sockopt::ReceiveTimestampns;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
use nix::sys::time::TimeSpec;
use rustix::event::epoll;
use socket2::{Domain, Socket, Type};

use crate::machine::{BufferLimit, grants_buffer};
use crate::secured::{Secured, Security};

/// Far more than the loads leave outstanding, so that no server waits for this program's reads.
const RECEIVE_BUFFER_BYTES: usize = 4 * 1024 * 1024;
const SEND_BUFFER_BYTES: usize = 1024 * 1024;
/// For those who will never read: full soon.
const SMALL_RECEIVE_BUFFER_BYTES: usize = 4 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

static LARGE_RECEIVE: LazyLock<bool> =
    LazyLock::new(|| grants_buffer(BufferLimit::Receive, RECEIVE_BUFFER_BYTES));
static LARGE_SEND: LazyLock<bool> =
    LazyLock::new(|| grants_buffer(BufferLimit::Send, SEND_BUFFER_BYTES));

/// How much the kernel keeps for somebody who doesn't read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pockets {
    Large,
    Small,
}

pub struct Connection {
    stream: TcpStream,
    secured: Option<Secured>,
    key: u64,
    /// What the kernel hasn't taken yet; while there is any, writability is asked for.
    outbox: Vec<u8>,
    open: bool,
}

impl Connection {
    pub fn open(
        epoll: &OwnedFd,
        key: u64,
        server: SocketAddr,
        security: Security,
        pockets: Pockets,
    ) -> io::Result<Connection> {
        let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
        // Before connecting, because that is when the window's scale is agreed.
        match pockets {
            Pockets::Large if *LARGE_RECEIVE => {
                socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?
            }
            Pockets::Large => {}
            Pockets::Small => socket.set_recv_buffer_size(SMALL_RECEIVE_BUFFER_BYTES)?,
        }
        if *LARGE_SEND {
            socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        }
        socket.set_tcp_nodelay(true)?;
        socket.connect_timeout(&server.into(), CONNECT_TIMEOUT)?;
        let mut stream = TcpStream::from(socket);
        let secured = Secured::begin(&mut stream, security)?;
        stream.set_nonblocking(true)?;
        epoll::add(epoll, &stream, epoll::EventData::new_u64(key), epoll::EventFlags::IN)?;
        Ok(Connection { stream, secured, key, outbox: Vec::new(), open: true })
    }

    pub fn is_open(&self) -> bool {
        self.open
    }

    pub fn has_unsent(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Takes all of `bytes`; what the kernel doesn't take goes out when `flush` is called.
    pub fn send(&mut self, epoll: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
        let mut encrypted = Vec::new();
        let bytes = match &mut self.secured {
            Some(secured) => {
                secured.encrypt(bytes, &mut encrypted)?;
                &encrypted[..]
            }
            None => bytes,
        };
        if self.has_unsent() || !self.open {
            self.outbox.extend_from_slice(bytes);
            return Ok(());
        }
        let sent = self.write(bytes);
        if sent < bytes.len() {
            self.outbox.extend_from_slice(&bytes[sent..]);
            self.ask_for(epoll, epoll::EventFlags::IN | epoll::EventFlags::OUT)?;
        }
        Ok(())
    }

    /// The kernel has room again.
    pub fn flush(&mut self, epoll: &OwnedFd) -> io::Result<()> {
        let outbox = std::mem::take(&mut self.outbox);
        let sent = self.write(&outbox);
        self.outbox.extend_from_slice(&outbox[sent..]);
        if self.outbox.is_empty() { self.ask_for(epoll, epoll::EventFlags::IN) } else { Ok(()) }
    }

    /// What has arrived, at most a buffer full; nothing when the peer is gone.
    pub fn read<'buffer>(
        &mut self,
        epoll: &OwnedFd,
        buffer: &'buffer mut [u8],
    ) -> io::Result<&'buffer [u8]> {
        let result = match &mut self.secured {
            Some(secured) => secured.read(&mut self.stream, buffer),
            None => self.stream.read(buffer),
        };
        match result {
            Ok(bytes @ 1..) => Ok(&buffer[..bytes]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(&[]),
            Ok(0) | Err(_) => {
                self.open = false;
                self.ignore(epoll)?;
                Ok(&[])
            }
        }
    }

    /// From now on the kernel notes when something arrives.
    pub fn stamp(&self) -> io::Result<()> {
        Ok(setsockopt(&self.stream, ReceiveTimestampns, &true)?)
    }

    /// What has arrived, at most a buffer full, and the time of day when the last of it did, which
    /// may be long ago. `None` when nothing has. Only after [`Connection::stamp`].
    pub fn read_stamped<'buffer>(
        &self,
        buffer: &'buffer mut [u8],
    ) -> io::Result<Option<(&'buffer [u8], Duration)>> {
        let mut control = cmsg_space!(TimeSpec);
        let mut slices = [IoSliceMut::new(buffer)];
        let (socket, flags) = (self.stream.as_raw_fd(), MsgFlags::MSG_DONTWAIT);
        let message = match recvmsg::<()>(socket, &mut slices, Some(&mut control), flags) {
            Err(Errno::EAGAIN) => return Ok(None),
            message => message?,
        };
        let arrived = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(time)),
            _ => None,
        });
        let bytes = message.bytes;
        match arrived {
            _ if bytes == 0 => Err(ErrorKind::UnexpectedEof.into()),
            Some(arrived) => Ok(Some((&buffer[..bytes], arrived))),
            None => Err(io::Error::other("the kernel doesn't say when something arrived")),
        }
    }

    /// No event of this connection is reported any more.
    pub fn ignore(&mut self, epoll: &OwnedFd) -> io::Result<()> {
        Ok(epoll::delete(epoll, &self.stream)?)
    }

    /// How many bytes the kernel took. Errors are left to `read`, which meets them too.
    fn write(&mut self, bytes: &[u8]) -> usize {
        self.stream.write(bytes).unwrap_or(0)
    }

    fn ask_for(&mut self, epoll: &OwnedFd, flags: epoll::EventFlags) -> io::Result<()> {
        Ok(epoll::modify(epoll, &self.stream, epoll::EventData::new_u64(self.key), flags)?)
    }
}
