//! Clients that aren't let in, or not yet.

use std::io::IoSlice;
use std::time::Instant;

use ecow::{EcoString, eco_format};

use super::Server;
use super::writing::send;
use crate::chat::{ClientId, Refusal};
use crate::net::address::Advertised;
use crate::net::connection::Received;
use crate::net::doorstep::{Caller, FIRST_BYTES_TIME};
use crate::net::tls::{HANDSHAKE_TIME, TlsSide};

/// With more connections that wait, those that weren't let in are closed at once: else a
/// flood of them would have all descriptors.
const LINGERING_MAX: usize = 32;

impl Server {
    /// A client isn't let in. It is told why when it has sent something or had time to;
    /// `first` is what it has sent so far.
    pub(super) fn refuse(&mut self, now: Instant, id: ClientId, refusal: Refusal, first: &[u8]) {
        self.journal.note(now, self.connections[id].peer, refusal.text());
        let has_forms = self.chat.config().has_web || self.tls.is_some();
        let waiting = self.lingering.len() + self.doorstep.len();
        if !has_forms || waiting >= LINGERING_MAX {
            self.say_refusal(now, id, refusal, first);
        } else if first.is_empty() {
            self.doorstep.add(now + FIRST_BYTES_TIME, id, Caller::Refused(refusal));
        } else {
            self.scratch[..first.len()].copy_from_slice(first);
            self.answer_refused(now, id, refusal, first.len(), now + FIRST_BYTES_TIME);
        }
    }

    /// A client that may wait on the doorstep until then has sent something, or its connection is
    /// broken.
    pub(super) fn handle_caller(
        &mut self,
        now: Instant,
        id: ClientId,
        caller: Caller,
        until: Instant,
    ) {
        let length = match self.connections[id].receive(&mut self.scratch) {
            Received::Bytes(length) => length,
            Received::Nothing | Received::Eof | Received::CutOff => 0,
            Received::Broken(_) => return self.remove(id),
        };
        match caller {
            Caller::Refused(refusal) => self.answer_refused(now, id, refusal, length, until),
            Caller::Unsecured(listener) => {
                let first = self.scratch[..length].to_vec();
                match TlsSide::is_hello(&first) {
                    true => self.admit(now, id, listener, &first),
                    false => self.refuse_plain(now, id, &first),
                }
            }
        }
    }

    /// A client on the doorstep has waited long enough.
    pub(super) fn end_waiting(&mut self, now: Instant, id: ClientId, caller: Caller) {
        if self.has_hello(id) {
            // It is read as soon as handshakes have time again.
            return self.doorstep.add(now + FIRST_BYTES_TIME, id, caller);
        }
        self.send_away(now, id, caller);
    }

    /// A client on the doorstep has to go.
    pub(super) fn send_away(&mut self, now: Instant, id: ClientId, caller: Caller) {
        match caller {
            Caller::Refused(refusal) => self.say_refusal(now, id, refusal, &[]),
            Caller::Unsecured(_) => self.refuse_plain(now, id, &[]),
        }
    }

    /// Where this client is told to connect to, if that is known.
    fn advertised_address(&self, id: ClientId) -> Option<(EcoString, u16)> {
        let local = self.connections[id].local_address();
        match &self.advertised {
            Some(Advertised { host, port }) => {
                Some((host.into(), port.or(local.map(|(_, port)| port))?))
            }
            None => local.map(|(ip, port)| (eco_format!("{ip}"), port)),
        }
    }

    /// A client that had to speak TLS doesn't.
    pub(super) fn refuse_plain(&mut self, now: Instant, id: ClientId, first: &[u8]) {
        let refusal = self.chat.refuse_plain(self.advertised_address(id));
        self.journal.note(now, self.connections[id].peer, "plain text, but TLS is wanted");
        self.say_refusal(now, id, refusal, first);
    }

    /// Answers a client that isn't let in, of which so many bytes are in `scratch`: at once, or in
    /// TLS when the handshake is done. It waits until then at most, and once for the handshake.
    fn answer_refused(
        &mut self,
        now: Instant,
        id: ClientId,
        refusal: Refusal,
        length: usize,
        mut until: Instant,
    ) {
        let is_hello = TlsSide::is_hello(&self.scratch[..length]);
        let Some(tls) = self.tls.as_mut().filter(|tls| is_hello || tls.has(id)) else {
            let first = self.scratch[..length].to_vec();
            return self.say_refusal(now, id, refusal, &first);
        };
        if !tls.has(id) {
            if tls.begin(now, id).is_err() {
                return self.remove(id);
            }
            self.connections[id].is_fresh = false;
            until = now + HANDSHAKE_TIME;
        }
        let received = match length {
            0 => Received::Eof,
            _ => tls.take(id, &mut self.scratch, length),
        };
        if tls.finish_handshake(id).is_some() {
            until = until.min(now + FIRST_BYTES_TIME);
        }
        let is_sent = tls.flush(id, &self.connections[id]).is_ok() && !tls.is_waiting(id);
        match (received, is_sent) {
            (Received::Nothing, true) => {
                self.doorstep.add(until, id, Caller::Refused(refusal));
            }
            (Received::Bytes(length), true) => {
                let first = self.scratch[..length].to_vec();
                self.say_refusal(now, id, refusal, &first);
            }
            // It isn't TLS, or the client doesn't read.
            _ => self.linger(now, id),
        }
    }

    /// Tells a client that has sent `first` why it isn't let in.
    fn say_refusal(&mut self, now: Instant, id: ClientId, refusal: Refusal, first: &[u8]) {
        let is_secured = self.tls.as_ref().is_some_and(|tls| tls.has(id));
        let bytes = self.chat.refusal(&refusal, first);
        let connection = &mut self.connections[id];
        // An empty send buffer takes so few bytes at once.
        let _ = send(&mut self.tls, id, connection, &[IoSlice::new(&bytes)]);
        if is_secured || self.lingering.len() < LINGERING_MAX {
            return self.linger(now, id);
        }
        // Closing with bytes unread would take the refusal back.
        self.discard(id);
        self.remove(id);
    }
}
