//! Clients come: they are accepted, let in, or told why not.

use std::time::{Duration, Instant};

use log::debug;
use socket2::Socket;

use super::Server;
use crate::chat::{Arrival, ClientId};
use crate::net::accept::Accepted;
use crate::net::address::PeerAddr;
use crate::net::connection::{Connection, LISTENER_KEYS, Received};
use crate::net::doorstep::{Caller, FIRST_BYTES_TIME};
use crate::net::motd::{MotdFile, Newcomer};
use crate::net::proxy::{Header, Introduced};
use crate::net::tls::TlsSide;

/// A turn is to be shorter than 10 ms in a room of any size, so this leaves the rest to
/// the next turn when it has taken so long.
const ACCEPT_TIME_MAX: Duration = Duration::from_millis(1);

impl Server {
    /// Lets newcomers in.
    pub(super) fn accept(&mut self, now: Instant) {
        self.door.reopen(now);
        self.open_waiting(now);
        let start = Instant::now();
        for at in 0..self.ready.len() {
            let key = self.ready[at].key;
            if key >= LISTENER_KEYS {
                continue;
            }
            // A client that isn't accepted now is reported again.
            while start.elapsed() < ACCEPT_TIME_MAX && self.may_accept() {
                match self.door.accept(now, key) {
                    Accepted::Nobody => break,
                    Accepted::Client(socket, peer) => {
                        self.welcome(now, Newcomer { socket, peer, listener: key });
                    }
                    Accepted::OneTooMany(socket, peer) => self.turn_away(now, socket, peer),
                }
            }
        }
    }

    fn may_accept(&self) -> bool {
        self.chat.has_headroom() && !self.doorstep.is_full()
    }

    /// Lets a newcomer in, at once unless there is a file to be read first.
    pub(super) fn welcome(&mut self, now: Instant, newcomer: Newcomer) {
        match &mut self.motd {
            Some(motd) => motd.add(now, newcomer),
            None => self.open(now, newcomer),
        }
    }

    /// Lets those in who have waited for the message of the day.
    pub(super) fn open_waiting(&mut self, now: Instant) {
        if let Some(text) = self.motd.as_mut().and_then(MotdFile::changed) {
            self.chat.set_motd(text.as_bytes());
        }
        while self.chat.has_headroom()
            && let Some(newcomer) = self.motd.as_mut().and_then(|motd| motd.next(now))
        {
            self.open(now, newcomer);
        }
    }

    /// Tells a client for which there is no descriptor that there is no place.
    pub(super) fn turn_away(&mut self, now: Instant, socket: Socket, peer: PeerAddr) {
        let refusal = self.chat.refuse_full();
        self.journal.note(now, peer, refusal.text());
        self.door.turn_away(socket, |first| self.chat.refusal(&refusal, first));
    }

    pub(super) fn open(&mut self, now: Instant, newcomer: Newcomer) {
        let Newcomer { socket, peer, listener } = newcomer;
        let poller = &self.poller;
        let connection =
            self.connections.try_insert_with_key(|id| Connection::new(poller, socket, peer, id));
        let id = match connection {
            Ok(id) => id,
            Err((error, socket)) => {
                let refusal = self.chat.refuse_unserved();
                self.journal.note(now, peer, format_args!("not served: {error}"));
                // It is told why if the kernel takes it at once.
                let _ = socket.send(&self.chat.refusal(&refusal, &[]));
                return;
            }
        };
        if !self.proxies.are_at(peer) {
            return self.meet(now, id, listener, &[]);
        }
        if !self.proxies.wait(now, id, listener) {
            self.drop_unintroduced(now, id);
        }
    }

    /// Lets a client into the chat, unless it has to show first that it speaks TLS. `first`
    /// is what it has sent so far.
    fn meet(&mut self, now: Instant, id: ClientId, listener: usize, first: &[u8]) {
        if !self.wants_tls_only || self.connections[id].is_local() || TlsSide::is_hello(first) {
            return self.admit(now, id, listener, first);
        }
        let caller = Caller::Unsecured(listener);
        match first.is_empty() {
            true => self.doorstep.add(now + FIRST_BYTES_TIME, id, caller),
            false => self.refuse_plain(now, id, first),
        }
    }

    /// Lets a client into the chat, if it may come. `first` is what it has sent so far.
    pub(super) fn admit(&mut self, now: Instant, id: ClientId, listener: usize, first: &[u8]) {
        let peer = self.connections[id].peer;
        let (ip, zone, address) = (peer.ip(), peer.zone(), peer.to_string());
        let is_telnet = self.door.is_telnet(listener);
        match self.chat.handle_open(now, id, &Arrival { ip, zone, address: &address, is_telnet }) {
            Ok(()) => debug!("{peer}: connected"),
            Err(refusal) => return self.refuse(now, id, refusal, first),
        }
        if !first.is_empty() {
            self.scratch[..first.len()].copy_from_slice(first);
            let received = self.decrypt(now, id, first.len());
            self.handle_received(now, id, received);
        }
    }

    /// Reads what a proxy says of a connection.
    pub(super) fn read_header(&mut self, now: Instant, id: ClientId) {
        if !self.chat.has_headroom() {
            // It is reported again.
            return;
        }
        let bytes = match self.connections[id].receive(&mut self.scratch) {
            Received::Bytes(bytes) => bytes,
            Received::Nothing => return,
            Received::Eof | Received::CutOff | Received::Broken(_) => {
                self.proxies.forget(id);
                self.remove(id);
                return;
            }
        };
        match self.proxies.add(id, &self.scratch[..bytes]) {
            Header::Unfinished => {}
            Header::Wrong => self.drop_unintroduced(now, id),
            Header::Whole(Introduced { client, listener, rest }) => {
                if client.is_some() {
                    self.connections[id].peer = PeerAddr::new(client, 0);
                }
                self.meet(now, id, listener, &rest);
            }
        }
    }

    /// Ends a connection from a proxy that doesn't say whose it is.
    pub(super) fn drop_unintroduced(&mut self, now: Instant, id: ClientId) {
        let peer = self.connections[id].peer;
        self.journal.note(
            now,
            peer,
            "no PROXY protocol header, but --proxy-from names its network",
        );
        self.remove(id);
    }
}
