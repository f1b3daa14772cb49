//! What clients send is read.

use std::io;
use std::time::Instant;

use log::debug;
use polling::Event;

use super::{Server, is_of_silence};
use crate::chat::ClientId;
use crate::net::connection::{LISTENER_KEYS, Received, client_of};
use crate::net::tls::{Tls, TlsSide};

impl Server {
    /// Reads from each client that has sent something, once.
    pub(super) fn read(&mut self, now: Instant) {
        self.turns = self.turns.wrapping_add(1);
        let count = self.ready.len();
        for at in 0..count {
            let event = self.ready[(at + self.turns) % count];
            if event.key >= LISTENER_KEYS {
                self.handle_event(now, client_of(event.key), event);
            }
        }
        self.read_decrypted(now);
    }

    pub(super) fn handle_event(&mut self, now: Instant, id: ClientId, event: Event) {
        let Some(connection) = self.connections.get(id) else { return };
        if connection.is_lingering {
            return self.handle_lingering(id);
        }
        if self.proxies.is_waiting(id) {
            return self.read_header(now, id);
        }
        if self.waits_for_handshakes(id) {
            // It is reported again.
            self.unread += 1;
            return;
        }
        if let Some((caller, until)) = self.doorstep.take(id) {
            return self.handle_caller(now, id, caller, until);
        }
        let interest = self.connections[id].interest();
        if !interest.read && !interest.write {
            // Nothing was asked for, so this is what can't be masked: HUP, ERR.
            return self.handle_hangup(id);
        }
        if event.writable && interest.write {
            self.send_encrypted(now, id);
            self.chat.handle_writable(id);
        }
        // What was asked for may be wanted no more, and the poller not know it yet.
        let is_readable = event.readable && self.chat.interest(id).read;
        let has_headroom = is_readable && self.chat.has_headroom();
        // It is reported again.
        self.unread += usize::from(is_readable && !has_headroom);
        if has_headroom {
            let received = self.receive(now, id);
            self.handle_received(now, id, received);
        }
    }

    pub(super) fn handle_received(&mut self, now: Instant, id: ClientId, received: Received) {
        match received {
            Received::Bytes(bytes) => self.chat.handle_bytes(now, id, &self.scratch[..bytes]),
            Received::Eof => self.chat.handle_eof(now, id),
            Received::CutOff => self.chat.handle_cut_off(now, id),
            Received::Nothing => {}
            Received::Broken(error) => self.break_off(id, &error),
        }
    }

    /// Whether a client that is in a handshake, or begins one, is read in a later turn: handshakes
    /// take long, and have only so much of each.
    fn waits_for_handshakes(&mut self, id: ClientId) -> bool {
        let Some(tls) = self.tls.as_ref().filter(|tls| !tls.has_time()) else { return false };
        let begins = self.has_hello(id);
        let waits = begins || tls.is_in_handshake(id);
        if begins {
            // It isn't greeted in plain text meanwhile.
            self.chat.begin_handshake(id);
        }
        waits
    }

    /// Whether the first bytes of a client have come, weren't read yet, and begin a handshake.
    pub(super) fn has_hello(&self, id: ClientId) -> bool {
        let connection = &self.connections[id];
        self.tls.is_some() && connection.is_fresh && connection.has_unread(TlsSide::is_hello)
    }

    /// Reads once from a client, whether it speaks TLS or not.
    pub(super) fn receive(&mut self, now: Instant, id: ClientId) -> Received {
        let received = self.connections[id].receive(&mut self.scratch);
        let Some(tls) = &mut self.tls else { return received };
        match received {
            Received::Bytes(length) => self.decrypt(now, id, length),
            Received::Eof if tls.has(id) => Received::CutOff,
            other => other,
        }
    }

    /// Takes in bytes that a client has sent, which are at the beginning of `scratch`.
    pub(super) fn decrypt(&mut self, now: Instant, id: ClientId, length: usize) -> Received {
        let is_fresh = std::mem::take(&mut self.connections[id].is_fresh);
        let Some(tls) = &mut self.tls else { return Received::Bytes(length) };
        if is_fresh
            && TlsSide::is_hello(&self.scratch[..length])
            && self.chat.begin_handshake(id)
            && let Err(error) = tls.begin(now, id)
        {
            return Received::Broken(error);
        }
        if !tls.has(id) {
            return Received::Bytes(length);
        }
        let received = tls.take(id, &mut self.scratch, length);
        let padding = tls.take_padding(id);
        if let Some(version) = tls.finish_handshake(id) {
            debug!("{}: {version}", self.connections[id].peer);
            self.chat.handle_secured(now, id, version);
            self.chat.handle_writable(id);
        }
        if let Some(bytes) = padding {
            self.chat.handle_padding(now, id, bytes);
        }
        self.send_encrypted(now, id);
        received
    }

    /// Reads what clients have sent in records of TLS that had more in them than one read.
    pub(super) fn read_decrypted(&mut self, now: Instant) {
        let Some(tls) = &mut self.tls else { return };
        for id in tls.take_unread() {
            let Some(tls) = &mut self.tls else { return };
            if !tls.has(id) {
                continue;
            }
            if !self.chat.interest(id).read || !self.chat.has_headroom() {
                tls.keep_unread(id);
                continue;
            }
            let received = tls.more(id, &mut self.scratch);
            self.handle_received(now, id, received);
        }
    }

    /// Whether a client may be read of which more has come than was taken.
    pub(super) fn has_unread(&self) -> bool {
        let mut unread = self.tls.iter().flat_map(Tls::unread);
        unread.any(|id| self.chat.interest(id).read) && self.chat.has_headroom()
    }

    /// A client's connection is broken while nothing was to be read from it. What
    /// one has sent that is read later is read first.
    pub(super) fn handle_hangup(&mut self, id: ClientId) {
        let connection = &mut self.connections[id];
        let is_read_later = self.chat.is_held_back(id) && connection.unwatch().is_ok();
        let error = connection.take_error();
        match is_read_later {
            true => self.chat.handle_write_broken(id, is_of_silence(&error)),
            false => self.break_off(id, &error),
        }
    }

    /// A client's connection is broken, as `error` says.
    pub(super) fn break_off(&mut self, id: ClientId, error: &io::Error) {
        debug!("{}: {error}", self.connections[id].peer);
        let is_in_handshake = self.tls.as_ref().is_some_and(|tls| tls.is_in_handshake(id));
        match is_of_silence(error) {
            true => self.chat.handle_vanished(id),
            false if is_in_handshake => self.chat.handle_no_handshake(id),
            false => self.chat.handle_reset(id),
        }
    }
}
