//! TLS on the same ports as plain text: who speaks it, its bytes in and out.
//!
//! A client that begins with a ClientHello (RFC 8446, section 4.1.2) speaks TLS from then
//! on. What it sends is taken out of its records here and what it is sent is put into them,
//! so that the chat sees the same bytes as those of any other client.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ProtocolVersion, ServerConfig, ServerConnection};

use super::connection::{Connection, Received};
use crate::chat::{ClientId, Slices};

/// How long a handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Bytes of plain text that are encrypted for one write.
const PLAIN_BYTES_MAX: usize = 64 * 1024;

/// How a record of a handshake begins (RFC 8446, section 5.1): its type, and the first
/// byte of each version that there is.
const HELLO: [u8; 2] = [0x16, 3];

/// A certificate with its key.
#[derive(Clone, Debug)]
pub struct Certificate(Arc<ServerConfig>);

impl Certificate {
    /// The certificate in a file, followed by those that it was issued with, and its key in
    /// another one; both are PEM (RFC 7468).
    ///
    /// # Errors
    /// What is wrong with them, for the operator.
    pub fn read(certificate: &Path, key: &Path) -> Result<Certificate, String> {
        let cannot = |path: &Path, why: String| format!("cannot use {}: {why}", path.display());
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| cannot(certificate, explain(error, "certificate")))?;
        if chain.is_empty() {
            return Err(cannot(certificate, "it holds no certificate in PEM".into()));
        }
        let secret = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| cannot(key, explain(error, "private key")))?;
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_single_cert(chain, secret)
            .map_err(|error| cannot(key, format!("with {}: {error}", certificate.display())))?;
        Ok(Certificate(Arc::new(finish(config)?)))
    }
}

/// What is the same for every certificate.
fn finish(mut config: ServerConfig) -> Result<ServerConfig, String> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Tickets keep what the server would have to remember of each client.
    config.ticketer = ring::Ticketer::new().map_err(|error| error.to_string())?;
    Ok(config)
}

fn explain(error: pem::Error, what: &str) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => format!("it holds no {what} in PEM"),
        error => error.to_string(),
    }
}

/// Those who speak TLS.
#[derive(Debug)]
pub(super) struct Tls {
    certificate: Certificate,
    sides: HashMap<ClientId, Side>,
    /// When each handshake has to be done, in that order. Some may be.
    deadlines: VecDeque<(Instant, ClientId)>,
    /// Clients of which more has come than was taken.
    unread: VecDeque<ClientId>,
}

/// Our side of one connection.
struct Side {
    connection: Box<ServerConnection>,
    /// The handshake is done, and the chat knows.
    is_done: bool,
    /// The client has said that it sends no more.
    has_closed: bool,
}

impl Tls {
    pub fn new(certificate: Certificate) -> Tls {
        let (sides, deadlines, unread) = (HashMap::new(), VecDeque::new(), VecDeque::new());
        Tls { certificate, sides, deadlines, unread }
    }

    /// Whether these bytes, the first ones of a client, are the begin of a ClientHello.
    pub fn is_hello(bytes: &[u8]) -> bool {
        let length = bytes.len().min(HELLO.len());
        length > 0 && bytes[..length] == HELLO[..length]
    }

    /// A client speaks TLS.
    ///
    /// # Errors
    /// As rustls says.
    pub fn begin(&mut self, now: Instant, id: ClientId) -> io::Result<()> {
        let config = Arc::clone(&self.certificate.0);
        let mut connection = Box::new(ServerConnection::new(config).map_err(io::Error::other)?);
        // What is encrypted is bounded here.
        connection.set_buffer_limit(None);
        self.sides.insert(id, Side { connection, is_done: false, has_closed: false });
        self.deadlines.push_back((now + HANDSHAKE_TIME, id));
        Ok(())
    }

    /// Whether a client speaks TLS.
    pub fn has(&self, id: ClientId) -> bool {
        self.sides.contains_key(&id)
    }

    /// Takes in the first `length` bytes of `buffer`, which a client has sent, and puts into
    /// it what they say. It is broken if that isn't TLS, or was tampered with.
    pub fn take(&mut self, id: ClientId, buffer: &mut [u8], length: usize) -> Received {
        let Some(side) = self.sides.get_mut(&id) else { return Received::Bytes(length) };
        match side.decrypt(&buffer[..length]) {
            Ok(()) => self.more(id, buffer),
            Err(error) => Received::Broken(error),
        }
    }

    /// The rest of what a client has sent before.
    pub fn more(&mut self, id: ClientId, buffer: &mut [u8]) -> Received {
        let Some(side) = self.sides.get_mut(&id) else { return Received::Nothing };
        match side.connection.reader().read(buffer) {
            Ok(0) => Received::Eof,
            Ok(bytes) => {
                if bytes == buffer.len() || side.has_closed {
                    self.unread.push_back(id);
                }
                Received::Bytes(bytes)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Received::Nothing,
            Err(error) => Received::Broken(error),
        }
    }

    /// The version that a client speaks, once: when its handshake is done.
    pub fn finish_handshake(&mut self, id: ClientId) -> Option<&'static str> {
        let side = self.sides.get_mut(&id)?;
        let is_now = !side.is_done && !side.connection.is_handshaking();
        side.is_done |= is_now;
        is_now.then(|| version(&side.connection))
    }

    /// Clients of which more may be there, each to be asked with `more`.
    pub fn take_unread(&mut self) -> VecDeque<ClientId> {
        std::mem::take(&mut self.unread)
    }

    /// A client has to wait until the chat wants more of it.
    pub fn keep_unread(&mut self, id: ClientId) {
        self.unread.push_back(id);
    }

    /// Those of which more may be there.
    pub fn unread(&self) -> impl Iterator<Item = ClientId> {
        self.unread.iter().copied()
    }

    /// Writes to a client that speaks TLS, once. Gives how many bytes were taken, 0 if it
    /// would block: what is encrypted and not sent stays here.
    pub fn send(
        &mut self,
        id: ClientId,
        connection: &mut Connection,
        slices: &Slices,
    ) -> io::Result<usize> {
        let Some(side) = self.sides.get_mut(&id) else { return connection.send(slices) };
        if !side.flush(connection)? || !side.is_done {
            return Ok(0);
        }
        let mut taken = 0;
        for slice in slices {
            let part = &slice[..slice.len().min(PLAIN_BYTES_MAX - taken)];
            side.connection.writer().write_all(part)?;
            taken += part.len();
        }
        side.flush(connection)?;
        Ok(taken)
    }

    /// Sends what is left for a client; whether that is all.
    pub fn flush(&mut self, id: ClientId, connection: &Connection) -> io::Result<bool> {
        self.sides.get_mut(&id).map_or(Ok(true), |side| side.flush(connection))
    }

    /// Whether something is encrypted for a client and not sent.
    pub fn is_waiting(&self, id: ClientId) -> bool {
        self.sides.get(&id).is_some_and(|side| side.connection.wants_write())
    }

    /// Tells a client that nothing more comes (RFC 8446, section 6.1).
    pub fn close(&mut self, id: ClientId) {
        if let Some(side) = self.sides.get_mut(&id) {
            side.connection.send_close_notify();
        }
    }

    /// A connection has ended.
    pub fn forget(&mut self, id: ClientId) {
        self.sides.remove(&id);
    }

    /// When the next handshake has taken too long.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadlines.front().map(|(at, _)| *at)
    }

    /// The next client whose handshake has taken too long.
    pub fn next_late(&mut self, now: Instant) -> Option<ClientId> {
        while let Some((_, id)) = self.deadlines.pop_front_if(|(at, _)| *at <= now) {
            if self.sides.get(&id).is_some_and(|side| !side.is_done) {
                return Some(id);
            }
        }
        None
    }
}

impl Side {
    fn decrypt(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.connection.read_tls(&mut bytes)?;
            let state = self.connection.process_new_packets();
            let state = state.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            self.has_closed |= state.peer_has_closed();
        }
        Ok(())
    }

    /// Whether all is sent.
    fn flush(&mut self, connection: &Connection) -> io::Result<bool> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut connection.raw()) {
                Ok(0) => return Ok(false),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Side").field("is_done", &self.is_done).finish_non_exhaustive()
    }
}

fn version(connection: &ServerConnection) -> &'static str {
    match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS 1.3",
    }
}
