//! A server's loop over fake sockets, in steps that the input chooses.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use roomcast::chat::{
    Arrival, Chat, ClientId, CloseReason, Closing, Config, Interest, Output, Slices,
};
use slotmap::{SecondaryMap, SlotMap};

use super::peer::Peer;
use super::stream;

/// The time on the wall at the begin: 2026-11-21, noon.
const NOON: u64 = 1_795_262_400;
/// Turns after which nothing may happen by itself any more.
const TURNS_MAX: usize = 20_000;

pub struct World {
    pub chat: Chat,
    pub now: Instant,
    start: Instant,
    ids: SlotMap<ClientId, usize>,
    /// What the poller was told to wait for; only as current as the real one.
    interests: SecondaryMap<ClientId, Interest>,
    gone: Vec<ClientId>,
    pub peers: Vec<Peer>,
}

impl World {
    pub fn new(config: Config) -> World {
        let now = Instant::now();
        let mut chat = Chat::new(config, now);
        chat.set_unix_time(NOON);
        let (ids, interests) = (SlotMap::with_key(), SecondaryMap::new());
        World { chat, now, start: now, ids, interests, gone: Vec::new(), peers: Vec::new() }
    }

    /// A client connects, if one may be let in now.
    pub fn open(&mut self, kernel_bytes: usize, ip: Option<IpAddr>, is_telnet: bool) {
        if !self.chat.has_headroom() {
            return;
        }
        let number = self.peers.len();
        self.peers.push(Peer::new(kernel_bytes));
        let id = self.ids.insert(number);
        self.interests.insert(id, Interest { read: true, write: false });
        let address = &format!("192.0.2.1:{number}");
        match self.chat.handle_open(self.now, id, &Arrival { ip, zone: 0, address, is_telnet }) {
            Ok(()) => {}
            Err(refusal) => {
                let ending = CloseReason::Refused(refusal.kind());
                self.peers[number].stream.extend(self.chat.refusal(refusal));
                self.disconnect(id, ending, Closing::Polite);
            }
        }
    }

    /// What the poller reports of one client.
    pub fn handle_events(&mut self, number: usize, read_bytes: usize) {
        let Some(id) = self.id(number) else { return };
        let interest = self.interests[id];
        let peer = &mut self.peers[number];
        if peer.has_reset && (interest.read || !interest.write) {
            return self.break_off(number, id);
        }
        if interest.write && (peer.has_place() || peer.has_reset) {
            self.chat.handle_writable(id);
        }
        if !self.chat.interest(id).read || !self.chat.has_headroom() {
            return;
        }
        if !peer.to_server.is_empty() {
            let most = read_bytes.min(self.chat.config().read_bytes_max());
            let bytes = most.clamp(1, peer.to_server.len());
            let read: Vec<u8> = peer.to_server.drain(..bytes).collect();
            self.chat.handle_bytes(self.now, id, &read);
        } else if peer.is_deaf {
            self.break_off(number, id);
        } else if peer.has_fin {
            self.chat.handle_eof(self.now, id);
        }
    }

    /// One write, of which the kernel takes at most so many bytes; false if
    /// nothing is to be written.
    pub fn write(&mut self, bytes_max: usize) -> bool {
        let mut slices = Slices::new();
        let Some(id) = self.chat.poll_transmit(&mut slices) else { return false };
        let offered: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        drop(slices);
        assert!(!offered.is_empty(), "a write of nothing");
        let number = self.ids[id];
        let peer = &mut self.peers[number];
        if peer.has_reset {
            self.break_off(number, id);
        } else if peer.is_deaf {
            self.chat.handle_write_broken(id, peer.has_vanished);
        } else {
            let taken = peer.receive(&offered, bytes_max);
            self.chat.handle_written(self.now, id, taken);
        }
        true
    }

    pub fn handle_time(&mut self) {
        self.chat.handle_time(self.now);
    }

    pub fn reap(&mut self) {
        while let Some(output) = self.chat.poll_output() {
            match output {
                Output::Interest(id) => self.update_interest(id),
                Output::Log(..) => {}
                Output::Bans(text) => {
                    self.chat.set_bans(&text).expect("what it wrote it can read");
                }
                Output::Closed { id, ending, closing } => self.disconnect(id, ending, closing),
            }
        }
    }

    /// One turn of the server's loop.
    pub fn turn(&mut self) {
        for number in 0..self.peers.len() {
            self.handle_events(number, usize::MAX);
        }
        self.handle_time();
        while self.write(usize::MAX) {}
        self.reap();
        self.chat.assert_invariants();
    }

    /// Turns until nothing happens by itself any more. Everyone reads.
    pub fn settle(&mut self) {
        for _ in 0..TURNS_MAX {
            for peer in &mut self.peers {
                (peer.held_bytes, peer.kernel_bytes) = (0, usize::MAX);
            }
            self.turn();
            if self.is_quiet() {
                return;
            }
        }
        panic!("the loop never comes to rest");
    }

    fn is_quiet(&self) -> bool {
        let is_due = self.chat.poll_timeout(self.now).is_some_and(|at| at <= self.now);
        let has_events = |(id, interest): (ClientId, &Interest)| {
            let peer = &self.peers[self.ids[id]];
            let has_input = interest.read && (!peer.to_server.is_empty() || peer.is_deaf);
            has_input || interest.write || peer.has_reset
        };
        !is_due && !self.interests.iter().any(has_events)
    }

    pub fn sleep(&mut self, time: Duration) {
        self.now += time;
        self.chat.set_unix_time(NOON + (self.now - self.start).as_secs());
    }

    /// Time passes, and what is due is done when it is.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.settle();
        while let Some(at) = self.chat.poll_timeout(self.now).filter(|at| *at < end) {
            self.sleep(at - self.now);
            self.settle();
        }
        self.sleep(end - self.now);
        self.settle();
    }

    /// Whatever comes for a client that is gone touches nobody.
    pub fn send_late_events(&mut self, place: usize) {
        let Some(&id) = self.gone.get(place % self.gone.len().max(1)) else { return };
        self.chat.handle_bytes(self.now, id, b"too late\n");
        self.chat.handle_writable(id);
        self.chat.handle_eof(self.now, id);
        self.chat.handle_reset(id);
        assert_eq!(self.chat.interest(id), Interest::default());
    }

    /// Everyone goes, and nothing is left of them.
    pub fn finish(&mut self) {
        for peer in &mut self.peers {
            peer.has_reset = true;
        }
        self.settle();
        // The last of them are told of.
        self.sleep(Duration::from_secs(10));
        self.settle();
        assert_eq!(self.chat.client_count(), 0);
        assert!(self.ids.is_empty());
        assert_eq!(self.chat.poll_timeout(self.now), None);
    }

    /// What each client was sent is clean.
    pub fn assert_clean(&self, is_labelled: bool) {
        for peer in &self.peers {
            match self.chat.config().raw {
                true if peer.is_over => stream::assert_whole(&peer.stream),
                true => {}
                false if peer.agreed_to_edit() => stream::assert_drawn(&peer.stream),
                false => stream::assert_plain(&peer.stream, peer.is_over, is_labelled),
            }
        }
    }

    fn id(&self, number: usize) -> Option<ClientId> {
        self.ids.iter().find(|(_, other)| **other == number).map(|(id, _)| id)
    }

    fn update_interest(&mut self, id: ClientId) {
        if self.ids.contains_key(id) {
            self.interests.insert(id, self.chat.interest(id));
        }
    }

    fn break_off(&mut self, number: usize, id: ClientId) {
        match self.peers[number].has_vanished {
            true => self.chat.handle_vanished(id),
            false => self.chat.handle_reset(id),
        }
    }

    fn disconnect(&mut self, id: ClientId, ending: CloseReason, closing: Closing) {
        let number = self.ids.remove(id).expect("it was connected");
        self.interests.remove(id);
        self.peers[number].end(ending, closing);
        self.gone.push(id);
    }
}
