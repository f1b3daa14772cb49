//! A server's loop over fake sockets, in steps that the input chooses.

use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use roomcast::chat::{
    Arrival, ClientId, CloseReason, Closing, Config, Interest, Output, Slices, Verdict,
};

use super::driver::Driver;
use super::peer::Peer;
use super::stream;

/// Turns after which nothing may happen by itself any more.
const TURNS_MAX: usize = 20_000;

pub struct World {
    driver: Driver,
    pub peers: Vec<Peer>,
}

impl Deref for World {
    type Target = Driver;

    fn deref(&self) -> &Driver {
        &self.driver
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Driver {
        &mut self.driver
    }
}

impl World {
    pub fn new(config: Config) -> World {
        World { driver: Driver::new(config), peers: Vec::new() }
    }

    /// A client connects, if one may be let in now.
    pub fn open(&mut self, kernel_bytes: usize, ip: Option<IpAddr>, is_telnet: bool) {
        if !self.driver.chat.has_headroom() {
            return;
        }
        let number = self.peers.len();
        self.peers.push(Peer::new(kernel_bytes));
        let address = &format!("192.0.2.1:{number}");
        let arrival = Arrival { ip, zone: 0, address, is_telnet };
        if let (id, Err(refusal)) = self.driver.open(number, &arrival) {
            let ending = CloseReason::Refused(refusal.kind());
            self.peers[number].stream.extend(self.driver.chat.refusal(&refusal, &[]));
            self.disconnect(id, ending, Closing::Polite);
        }
    }

    /// What the poller reports of one client.
    pub fn handle_events(&mut self, number: usize, read_bytes: usize) {
        let Some(id) = self.driver.id_of(number) else { return };
        let interest = self.driver.interests[id];
        let peer = &mut self.peers[number];
        if peer.has_reset && (interest.read || !interest.write) {
            return self.break_off(number, id);
        }
        if interest.write && (peer.has_place() || peer.has_reset) {
            self.driver.chat.handle_writable(id);
        }
        if !self.driver.chat.interest(id).read || !self.driver.chat.has_headroom() {
            return;
        }
        if !peer.to_server.is_empty() {
            let most = read_bytes.min(self.driver.chat.config().read_bytes_max());
            let bytes = most.clamp(1, peer.to_server.len());
            let read: Vec<u8> = peer.to_server.drain(..bytes).collect();
            self.driver.chat.handle_bytes(self.driver.now, id, &read);
        } else if peer.is_deaf {
            self.break_off(number, id);
        } else if peer.has_fin {
            self.driver.chat.handle_eof(self.driver.now, id);
        }
    }

    /// One write, of which the kernel takes at most so many bytes; false if
    /// nothing is to be written.
    pub fn write(&mut self, bytes_max: usize) -> bool {
        let mut slices = Slices::new();
        let Some(id) = self.driver.chat.poll_transmit(&mut slices) else { return false };
        let offered: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        drop(slices);
        assert!(!offered.is_empty(), "a write of nothing");
        let number = self.driver.ids[id];
        let peer = &mut self.peers[number];
        if peer.has_reset {
            self.break_off(number, id);
        } else if peer.is_deaf {
            self.driver.chat.handle_write_broken(id, peer.has_vanished);
        } else {
            let taken = peer.receive(&offered, bytes_max);
            self.driver.chat.handle_written(self.driver.now, id, taken);
        }
        true
    }

    pub fn handle_time(&mut self) {
        self.driver.chat.handle_time(self.driver.now);
    }

    pub fn reap(&mut self) {
        while let Some(output) = self.driver.chat.poll_output() {
            match output {
                Output::Interest(id) => self.update_interest(id),
                Output::Log(..) | Output::Ask(_) | Output::Watch { .. } | Output::Unwatch(_) => {}
                Output::Secret(job) => {
                    self.driver.chat.handle_verdict(job.ticket, Verdict::Busy);
                }
                Output::Bans(text) => {
                    self.driver.chat.set_bans(&text).expect("what it wrote it can read");
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
        self.driver.chat.assert_invariants();
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
        let has_events = |(id, interest): (ClientId, &Interest)| {
            let peer = &self.peers[self.driver.ids[id]];
            let has_input = interest.read && (!peer.to_server.is_empty() || peer.is_deaf);
            has_input || interest.write || peer.has_reset
        };
        !self.is_due() && !self.driver.interests.iter().any(has_events)
    }

    /// Time passes, and what is due is done when it is.
    pub fn pass(&mut self, time: Duration) {
        let end = self.driver.now + time;
        self.settle();
        while let Some(at) = self.driver.chat.poll_timeout(self.driver.now).filter(|at| *at < end) {
            self.driver.sleep(at - self.driver.now);
            self.settle();
        }
        self.driver.sleep(end - self.driver.now);
        self.settle();
    }

    /// Whatever comes for a client that is gone touches nobody.
    pub fn send_late_events(&mut self, place: usize) {
        let gone = &self.driver.gone;
        if let Some(&id) = gone.get(place % gone.len().max(1)) {
            self.driver.send_late_events(id);
        }
    }

    /// Everyone goes, and nothing is left of them.
    pub fn finish(&mut self) {
        for peer in &mut self.peers {
            peer.has_reset = true;
        }
        self.settle();
        // The last of them are told of.
        self.driver.sleep(Duration::from_secs(10));
        self.settle();
        assert_eq!(self.driver.chat.client_count(), 0);
        assert!(self.driver.ids.is_empty());
        assert_eq!(self.driver.chat.poll_timeout(self.driver.now), None);
    }

    /// What each client was sent is clean.
    pub fn assert_clean(&self, is_labelled: bool) {
        for peer in &self.peers {
            match self.driver.chat.config().raw {
                true if peer.is_over => stream::assert_whole(&peer.stream),
                true => {}
                false if peer.may_have_chosen_characters() => {}
                false if peer.agreed_to_edit() => stream::assert_drawn(&peer.stream),
                false => stream::assert_plain(&peer.stream, peer.is_over, is_labelled),
            }
        }
    }

    fn break_off(&mut self, number: usize, id: ClientId) {
        self.driver.break_off(id, self.peers[number].has_vanished);
    }

    fn disconnect(&mut self, id: ClientId, ending: CloseReason, closing: Closing) {
        let number = self.driver.close(id);
        self.peers[number].end(ending, closing);
    }
}
