//! The socket side of one client.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{IpAddr, Shutdown};
use std::sync::Arc;
use std::time::Duration;

use polling::Poller;
use rustix::net::{RecvFlags, SendFlags, recv, send, sendmsg};
use slotmap::{Key, KeyData};
use socket2::Socket;

use super::address::PeerAddr;
use super::registered::Registered;
use crate::chat::{ClientId, Interest};

// A client's id is its key in the poller.
const _: () = assert!(size_of::<usize>() == 8, "roomcast needs a 64-bit system");

/// Bytes that are looked at before they are read.
const PEEKED_BYTES: usize = 16;

/// One client, as the loop sees it.
#[derive(Debug)]
pub(super) struct Connection {
    socket: Registered,
    pub peer: PeerAddr,
    /// The client has left and everything is sent; what it still sends is
    /// discarded until it closes too. Closing at once with bytes unread would
    /// make the kernel throw away what the client hasn't got yet.
    pub is_lingering: bool,
    /// Nothing was read from it and nothing written to it.
    pub is_fresh: bool,
}

/// What came of reading.
pub(super) enum Received {
    Bytes(usize),
    /// The client closed its sending side.
    Eof,
    /// The same without a word in TLS, so that somebody between may have done it.
    CutOff,
    /// Nothing for now.
    Nothing,
    /// The connection is broken.
    Broken(io::Error),
}

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    /// Bytes of what was offered.
    pub bytes: usize,
    /// Something was taken that was encrypted before.
    pub has_progress: bool,
}

/// Keys below this are of listeners: the version in an id is never 0.
pub(super) const LISTENER_KEYS: usize = 1 << 32;

/// The key of a client's events.
fn key_of(id: ClientId) -> usize {
    id.data().as_ffi() as usize
}

/// The client that an event's key names.
pub(super) fn client_of(key: usize) -> ClientId {
    KeyData::from_ffi(key as u64).into()
}

impl Connection {
    pub fn new(
        poller: &Arc<Poller>,
        socket: Socket,
        peer: PeerAddr,
        id: ClientId,
    ) -> Result<Self, (io::Error, Registered)> {
        let interest = Interest { read: true, write: false };
        // A socket that was just accepted can be made so.
        let is_nonblocking = socket.set_nonblocking(true);
        let socket = Registered::new(poller, socket, key_of(id), interest)?;
        match is_nonblocking {
            Ok(()) => Ok(Connection { socket, peer, is_lingering: false, is_fresh: true }),
            Err(error) => Err((error, socket)),
        }
    }

    /// Reads once into `buffer`.
    pub fn receive(&self, buffer: &mut [u8]) -> Received {
        match (&*self.socket).read(buffer) {
            Ok(0) => Received::Eof,
            Ok(bytes) => Received::Bytes(bytes),
            Err(error) if is_not_now(&error) => Received::Nothing,
            Err(error) => Received::Broken(error),
        }
    }

    /// Whether what has come and wasn't read yet begins so.
    pub fn has_unread(&self, begins: impl Fn(&[u8]) -> bool) -> bool {
        let mut buffer = [0; PEEKED_BYTES];
        let peeked = recv(&*self.socket, &mut buffer, RecvFlags::PEEK | RecvFlags::DONTWAIT);
        peeked.is_ok_and(|(length, _)| begins(&buffer[..length]))
    }

    /// Why the connection is broken.
    pub fn take_error(&self) -> io::Error {
        match self.socket.take_error() {
            Ok(Some(error)) | Err(error) => error,
            Ok(None) => ErrorKind::ConnectionReset.into(),
        }
    }

    /// Whether the connection begins on this machine, whoever it is for.
    pub fn is_local(&self) -> bool {
        let address = self.socket.peer_addr().ok().and_then(|address| address.as_socket());
        address.is_none_or(|address| address.ip().to_canonical().is_loopback())
    }

    /// The address and port on this machine that the client has connected to.
    pub fn local_address(&self) -> Option<(IpAddr, u16)> {
        let address = self.socket.local_addr().ok()?.as_socket()?;
        Some((address.ip().to_canonical(), address.port()))
    }

    /// What writes to it directly.
    pub fn writer(&self) -> Writer<'_> {
        Writer(&self.socket)
    }

    /// It is over, but for what is still to be sent.
    pub fn begin_linger(&mut self, id: ClientId) -> io::Result<()> {
        self.is_lingering = true;
        self.socket.set_interest(key_of(id), Interest { read: true, write: true })
    }

    /// Sends FIN after everything that was sent, and discards what comes.
    pub fn linger(&mut self, id: ClientId) -> io::Result<()> {
        self.is_lingering = true;
        self.socket.shutdown(Shutdown::Write)?;
        self.socket.set_interest(key_of(id), Interest { read: true, write: false })
    }

    /// Makes the close an immediate one: the kernel drops what it still holds
    /// for a client that doesn't read.
    pub fn abort(&self) {
        let _ = self.socket.set_linger(Some(Duration::ZERO));
    }

    /// Isn't told of anything until `set_interest` asks for something.
    pub fn unwatch(&mut self) -> io::Result<()> {
        self.socket.unwatch()
    }

    pub fn interest(&self) -> Interest {
        self.socket.interest()
    }

    pub fn set_interest(&mut self, id: ClientId, interest: Interest) -> io::Result<()> {
        self.socket.set_interest(key_of(id), interest)
    }
}

/// Writes to a connection.
///
/// The system calls are made directly: in a process with a second thread (here the one for
/// signals) libc's `send` may be cancelled, and preparing for that costs as much as all that
/// roomcast does for a delivery.
pub(super) struct Writer<'a>(&'a Socket);

impl Writer<'_> {
    /// Writes once. Gives the number of bytes that the kernel took, 0 if it
    /// would block.
    pub fn send(&mut self, slices: &[IoSlice]) -> io::Result<usize> {
        match self.write_vectored(slices) {
            Err(error) if is_not_now(&error) => Ok(0),
            result => result,
        }
    }
}

impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.0, bytes, SendFlags::NOSIGNAL)?)
    }

    fn write_vectored(&mut self, slices: &[IoSlice]) -> io::Result<usize> {
        match slices {
            [slice] => self.write(slice),
            slices => Ok(sendmsg(self.0, slices, &mut Default::default(), SendFlags::NOSIGNAL)?),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_not_now(error: &io::Error) -> bool {
    // The poller says again what a signal interrupted.
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
