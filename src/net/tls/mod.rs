//! TLS on the same ports as plain text: who speaks it, its bytes in and out.
//!
//! A client that begins with a ClientHello (RFC 8446, section 4.1.2) speaks TLS from then
//! on. What it sends is taken out of its records here and what it is sent is put into them,
//! so that the chat sees the same bytes as those of any other client.

// In reading order.
mod side;
mod certificate;
mod self_signed;
mod facts;
mod watcher;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use rustls::ServerConfig;

use super::connection::{Connection, Received, Sent, Writer};
use crate::chat::ClientId;

pub use certificate::Certificate;
pub use side::TlsSide;
pub use watcher::CertificateWatcher;

/// How long a handshake may take.
pub(super) const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// The processor's time that handshakes may take in one turn of the loop. One takes from
/// 0.12 ms (ECDSA, P-256) to 4 ms (RSA with 4096 bits).
const HANDSHAKES_TIME_MAX: Duration = Duration::from_millis(2);

/// Clients in a handshake at one time. Each may have sent 64 KiB of one.
const HANDSHAKES_MAX: usize = 256;

/// Bytes of a client that may say nothing: more than a record that isn't whole yet.
const PADDING_BYTES_MAX: usize = 64 * 1024;

/// What the records need that come in one read and say something.
const RECORDS_BYTES: usize = 256;

/// Those who speak TLS.
#[derive(Debug)]
pub(super) struct Tls {
    config: Arc<ServerConfig>,
    sides: HashMap<ClientId, Side>,
    /// When each handshake has to be done, in that order. Some may be.
    deadlines: VecDeque<(Instant, ClientId)>,
    /// Clients in a handshake.
    in_handshake: usize,
    /// What handshakes have taken in this turn.
    spent: Duration,
    /// Clients of which more has come than was taken.
    unread: VecDeque<ClientId>,
}

/// Our side of one connection.
#[derive(Debug)]
pub(super) struct Side {
    it: TlsSide,
    /// The handshake is done, and the chat knows.
    is_done: bool,
    /// Bytes that have come and said nothing.
    padding: usize,
}

impl Tls {
    pub fn new(certificate: &Certificate) -> Tls {
        Tls {
            config: certificate.config(),
            sides: HashMap::new(),
            deadlines: VecDeque::new(),
            in_handshake: 0,
            spent: Duration::ZERO,
            unread: VecDeque::new(),
        }
    }

    /// A client speaks TLS.
    ///
    /// # Errors
    /// As rustls says.
    pub fn begin(&mut self, now: Instant, id: ClientId) -> io::Result<()> {
        let it = TlsSide::with(Arc::clone(&self.config))?;
        self.sides.insert(id, Side { it, is_done: false, padding: 0 });
        self.deadlines.push_back((now + HANDSHAKE_TIME, id));
        self.in_handshake += 1;
        Ok(())
    }

    /// Whether a client speaks TLS.
    pub fn has(&self, id: ClientId) -> bool {
        self.sides.contains_key(&id)
    }

    /// Whether a client is in its handshake.
    pub fn is_in_handshake(&self, id: ClientId) -> bool {
        self.sides.get(&id).is_some_and(|side| !side.is_done)
    }

    /// A turn of the loop begins.
    pub fn begin_turn(&mut self) {
        self.spent = Duration::ZERO;
    }

    /// Whether handshakes may go on in this turn.
    pub fn has_time(&self) -> bool {
        self.spent < HANDSHAKES_TIME_MAX
    }

    /// Takes in the first `length` bytes of `buffer`, which a client has sent, and puts into
    /// it what they say. It is broken if that isn't TLS, or was tampered with.
    pub fn take(&mut self, id: ClientId, buffer: &mut [u8], length: usize) -> Received {
        let Some(side) = self.sides.get_mut(&id) else { return Received::Bytes(length) };
        let begin = (!side.is_done).then(Instant::now);
        let result = side.it.take_in(&buffer[..length]);
        self.spent += begin.map_or(Duration::ZERO, |begin| begin.elapsed());
        if let Err(error) = result {
            return Received::Broken(error);
        }
        let received = self.more(id, buffer);
        if let Some(side) = self.sides.get_mut(&id) {
            side.count(length, &received);
        }
        received
    }

    /// Bytes of a client that said nothing, if they are many: more than records need.
    pub fn take_padding(&mut self, id: ClientId) -> Option<usize> {
        let side = self.sides.get_mut(&id).filter(|side| side.padding > PADDING_BYTES_MAX)?;
        Some(std::mem::take(&mut side.padding))
    }

    /// The rest of what a client has sent before.
    pub fn more(&mut self, id: ClientId, buffer: &mut [u8]) -> Received {
        let Some(Side { it, .. }) = self.sides.get_mut(&id) else { return Received::Nothing };
        match it.read(buffer) {
            Ok(0) => Received::Eof,
            Ok(bytes) => {
                if it.is_readable() {
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
        let side = self.sides.get_mut(&id).filter(|side| !side.is_done)?;
        let version = side.it.version()?;
        side.is_done = true;
        self.in_handshake -= 1;
        Some(version)
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

    /// Our side of a client's connection.
    pub fn side(&mut self, id: ClientId) -> Option<&mut Side> {
        self.sides.get_mut(&id)
    }

    /// The same, to write to it elsewhere; to be given back.
    pub fn lend(&mut self, id: ClientId) -> Option<Side> {
        self.sides.remove(&id)
    }

    pub fn give_back(&mut self, id: ClientId, side: Side) {
        self.sides.insert(id, side);
    }

    /// Sends what is encrypted for a client; gives how many bytes were taken.
    pub fn flush(&mut self, id: ClientId, connection: &Connection) -> io::Result<usize> {
        self.sides.get_mut(&id).map_or(Ok(0), |side| side.it.flush(&mut connection.writer()))
    }

    /// Whether something is encrypted for a client and not sent.
    pub fn is_waiting(&self, id: ClientId) -> bool {
        self.sides.get(&id).is_some_and(|side| side.it.is_waiting())
    }

    /// Tells a client that nothing more comes.
    pub fn close(&mut self, id: ClientId) {
        if let Some(side) = self.sides.get_mut(&id) {
            side.it.close();
        }
    }

    /// A connection has ended.
    pub fn forget(&mut self, id: ClientId) {
        let is_in_handshake = self.sides.remove(&id).is_some_and(|side| !side.is_done);
        self.in_handshake -= usize::from(is_in_handshake);
    }

    /// When the next handshake has taken too long.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadlines.front().map(|(at, _)| *at)
    }

    /// The next client whose handshake ends here: it has taken too long, or others need its
    /// place.
    pub fn next_late(&mut self, now: Instant) -> Option<ClientId> {
        let is_due =
            |(at, _): &mut (Instant, ClientId)| *at <= now || self.in_handshake > HANDSHAKES_MAX;
        while let Some((_, id)) = self.deadlines.pop_front_if(is_due) {
            if self.is_in_handshake(id) {
                return Some(id);
            }
        }
        None
    }
}

impl Side {
    /// Writes to the client. Nothing of this is taken before what is encrypted already is sent,
    /// which stays here; if some of that was sent, there is progress.
    pub fn send(&mut self, writer: &mut Writer<'_>, slices: &[IoSlice]) -> io::Result<Sent> {
        let has_progress = self.it.flush(writer)? > 0;
        if self.it.is_waiting() || !self.is_done {
            return Ok(Sent { bytes: 0, has_progress });
        }
        let bytes = self.it.encrypt(slices)?;
        self.it.flush(writer)?;
        Ok(Sent { bytes, has_progress })
    }

    /// Counts what has come and what it said. Records may be empty, or ask for new keys:
    /// each costs time, and nothing of it is a line that the client pays for.
    fn count(&mut self, length: usize, received: &Received) {
        self.padding = match received {
            Received::Bytes(said) => (self.padding + length).saturating_sub(said + RECORDS_BYTES),
            _ => self.padding + length,
        };
    }
}
