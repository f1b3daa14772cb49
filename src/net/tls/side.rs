//! The server's side of one TLS connection: bytes in, bytes out, and no socket.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::Arc;

use rustls::{ProtocolVersion, ServerConfig, ServerConnection};

use super::certificate::Certificate;

/// Bytes of plain text that are encrypted at once.
const PLAIN_BYTES_MAX: usize = 64 * 1024;

/// How a record of a handshake begins (RFC 8446, section 5.1): its type, and the first
/// byte of each version that there is.
const HELLO: [u8; 2] = [0x16, 3];

/// The server's side of one connection that speaks TLS 1.2 or 1.3.
pub struct TlsSide {
    connection: Box<ServerConnection>,
    /// What the client has said and was not read. rustls keeps 16 KiB, and a read of the loop
    /// may hold more.
    said: Vec<u8>,
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

    pub(super) fn with(config: Arc<ServerConfig>) -> io::Result<TlsSide> {
        let mut connection = Box::new(ServerConnection::new(config).map_err(io::Error::other)?);
        // What is encrypted is bounded here.
        connection.set_buffer_limit(None);
        Ok(TlsSide { connection, said: Vec::new(), has_closed: false, is_broken: false })
    }

    /// Whether these bytes, the first ones of a client, are the beginning of a ClientHello.
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
        // What comes behind the end is for nobody.
        while !bytes.is_empty() && !self.has_closed {
            self.connection.read_tls(&mut bytes)?;
            let state = self.connection.process_new_packets();
            let state = state.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            self.has_closed |= state.peer_has_closed();
            let begin = self.said.len();
            self.said.resize(begin + state.plaintext_bytes_to_read(), 0);
            self.connection.reader().read_exact(&mut self.said[begin..])?;
        }
        Ok(())
    }

    /// Puts what the client says into `buffer`; 0 bytes if it has said that it sends no more.
    ///
    /// # Errors
    /// `WouldBlock` if there is nothing for now.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.said.is_empty() && !self.has_closed {
            return Err(ErrorKind::WouldBlock.into());
        }
        let length = self.said.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.said[..length]);
        self.said.drain(..length);
        if self.said.is_empty() {
            // A client that has said much keeps no memory for it.
            self.said = Vec::new();
        }
        Ok(length)
    }

    /// Whether `read` gives something, if only the end.
    pub fn is_readable(&self) -> bool {
        self.has_closed || !self.said.is_empty()
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

#[cfg(test)]
mod tests {
    use rustls::crypto::ring;
    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, RootCertStore};

    use super::*;

    /// A server's side and a client that trusts it, before the handshake.
    fn both() -> (TlsSide, ClientConnection) {
        let certificate = Certificate::self_signed(&[], None).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(certificate.shown()).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("there are some")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
        client.set_buffer_limit(None);
        (TlsSide::new(&certificate).expect("a side"), client)
    }

    fn sent(client: &mut ClientConnection) -> Vec<u8> {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).expect("memory");
        }
        bytes
    }

    fn shake_hands(side: &mut TlsSide, client: &mut ClientConnection) {
        while client.is_handshaking() || side.version().is_none() {
            side.take_in(&sent(client)).expect("TLS");
            let mut answer = Vec::new();
            side.flush(&mut answer).expect("memory");
            let mut answer = &answer[..];
            while !answer.is_empty() {
                client.read_tls(&mut answer).expect("memory");
                client.process_new_packets().expect("TLS");
            }
        }
    }

    #[test]
    fn one_read_may_hold_more_than_rustls_keeps() {
        let (mut side, mut client) = both();
        shake_hands(&mut side, &mut client);
        let text: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
        client.writer().write_all(&text).expect("memory");
        side.take_in(&sent(&mut client)).expect("TLS");
        let (mut said, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
        while side.is_readable() {
            let length = side.read(&mut buffer).expect("there is more");
            said.extend_from_slice(&buffer[..length]);
        }
        assert_eq!(said, text);
        let error = side.read(&mut buffer).expect_err("that is all");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn what_comes_behind_the_end_is_for_nobody() {
        let (mut side, mut client) = both();
        shake_hands(&mut side, &mut client);
        client.writer().write_all(b"bye").expect("memory");
        client.send_close_notify();
        side.take_in(&[&sent(&mut client)[..], b"and more"].concat()).expect("TLS");
        let mut buffer = [0; 100];
        assert_eq!(side.read(&mut buffer).expect("there is more"), 3);
        assert_eq!(side.read(&mut buffer).expect("the end"), 0);
        side.take_in(b"and more").expect("it is for nobody");
        assert_eq!(side.read(&mut buffer).expect("the end"), 0);
    }
}
