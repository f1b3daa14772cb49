//! The server's side of one TLS connection: bytes in, bytes out, and no socket.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice, Read, Write};

use rustls::{ProtocolVersion, ServerConnection};

use super::certificate::Certificate;

/// Bytes of plain text that are encrypted at once.
const PLAIN_BYTES_MAX: usize = 64 * 1024;

/// How a record of a handshake begins (RFC 8446, section 5.1): its type, and the first
/// byte of each version that there is.
const HELLO: [u8; 2] = [0x16, 3];

/// The server's side of one connection that speaks TLS 1.2 or 1.3.
pub struct TlsSide {
    connection: Box<ServerConnection>,
    /// The client has said that it sends no more.
    has_closed: bool,
    /// Nothing more can be written.
    is_broken: bool,
}

impl TlsSide {
    /// One that has seen nothing of its client.
    ///
    /// # Errors
    /// As rustls says.
    pub fn new(certificate: &Certificate) -> io::Result<TlsSide> {
        TlsSide::with(certificate.config())
    }

    pub(super) fn with(config: std::sync::Arc<rustls::ServerConfig>) -> io::Result<TlsSide> {
        let mut connection = Box::new(ServerConnection::new(config).map_err(io::Error::other)?);
        // What is encrypted is bounded here.
        connection.set_buffer_limit(None);
        Ok(TlsSide { connection, has_closed: false, is_broken: false })
    }

    /// Whether these bytes, the first ones of a client, are the begin of a ClientHello.
    pub fn is_hello(bytes: &[u8]) -> bool {
        let length = bytes.len().min(HELLO.len());
        length > 0 && bytes[..length] == HELLO[..length]
    }

    /// Takes in bytes of the client.
    ///
    /// # Errors
    /// What is wrong with them: they aren't TLS, or were tampered with. What is left to
    /// `flush` then tells the client so.
    pub fn take_in(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.connection.read_tls(&mut bytes)?;
            let state = self.connection.process_new_packets();
            let state = state.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            self.has_closed |= state.peer_has_closed();
        }
        Ok(())
    }

    /// Puts what the client says into `buffer`; 0 bytes if it has said that it sends no more.
    ///
    /// # Errors
    /// `WouldBlock` if there is nothing for now.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.connection.reader().read(buffer)
    }

    /// Encrypts from the front of these slices, 64 KiB at most; gives how many bytes.
    ///
    /// # Errors
    /// As rustls says.
    pub fn encrypt(&mut self, slices: &[IoSlice]) -> io::Result<usize> {
        let mut taken = 0;
        for slice in slices {
            let part = &slice[..slice.len().min(PLAIN_BYTES_MAX - taken)];
            self.connection.writer().write_all(part)?;
            taken += part.len();
        }
        Ok(taken)
    }

    /// Writes what is encrypted until nothing more is taken; gives how many bytes were.
    ///
    /// # Errors
    /// Those of `to`, but for `WouldBlock` and `Interrupted`. Nothing is written after one.
    pub fn flush(&mut self, to: &mut impl Write) -> io::Result<usize> {
        let mut sent = 0;
        while self.is_waiting() {
            match self.connection.write_tls(to) {
                Ok(0) => break,
                Ok(bytes) => sent += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.is_broken = true;
                    return Err(error);
                }
            }
        }
        Ok(sent)
    }

    /// Whether something is encrypted and still to be written.
    pub fn is_waiting(&self) -> bool {
        !self.is_broken && self.connection.wants_write()
    }

    /// Tells the client that nothing more comes (RFC 8446, section 6.1).
    pub fn close(&mut self) {
        self.connection.send_close_notify();
    }

    /// Whether the client has said that it sends no more.
    pub fn has_closed(&self) -> bool {
        self.has_closed
    }

    /// The version that is spoken, when the handshake is done.
    pub fn version(&self) -> Option<&'static str> {
        if self.connection.is_handshaking() {
            return None;
        }
        match self.connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => Some("TLS 1.2"),
            _ => Some("TLS 1.3"),
        }
    }
}

impl fmt::Debug for TlsSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSide").field("version", &self.version()).finish_non_exhaustive()
    }
}
