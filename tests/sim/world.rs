//! A server's loop over fake sockets. Every phase is as in the real one; what
//! the kernel and the clients do is drawn from the seed.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use fastrand::Rng;
use roomcast::chat::{Chat, ClientId, Closing, Config, Ending, Interest, Slices};
use slotmap::{SecondaryMap, SlotMap};

use crate::peer::{Habit, Peer};

/// The time on the wall at the begin of a simulation: 2026-11-21, noon.
const NOON: u64 = 1_795_262_400;

pub struct World {
    pub rng: Rng,
    pub now: Instant,
    start: Instant,
    pub chat: Chat,
    /// Ids of connections, as the server's map gives them; places are reused.
    pub ids: SlotMap<ClientId, usize>,
    /// What the poller was told to wait for; only as current as the real one.
    interests: SecondaryMap<ClientId, Interest>,
    pub peers: Vec<Peer>,
    pub endings: Vec<(usize, Ending, Closing)>,
    /// Ids of clients that are gone, for events that come too late.
    gone: Vec<ClientId>,
    pub faults: Faults,
    /// Clients come from other machines too.
    pub has_addresses: bool,
}

/// What may go wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// The kernel takes less than there is place for.
    pub short_writes: bool,
    /// Reads give less than there is.
    pub split_reads: bool,
    /// Events of clients that are gone.
    pub late_events: bool,
    /// The flush phase ends before everyone has had a turn.
    pub cut_flushes: bool,
}

impl World {
    pub fn new(seed: u64, config: Config) -> Self {
        let now = Instant::now();
        let mut chat = Chat::new(config, now);
        chat.set_wall_clock(NOON);
        World {
            rng: Rng::with_seed(seed),
            now,
            start: now,
            chat,
            ids: SlotMap::with_key(),
            interests: SecondaryMap::new(),
            peers: Vec::new(),
            endings: Vec::new(),
            gone: Vec::new(),
            faults: Faults::default(),
            has_addresses: false,
        }
    }

    /// A client connects; gives its place in `peers`. Lets the loop run until
    /// it may be let in.
    pub fn connect(&mut self, habit: Habit, kernel_bytes: usize) -> usize {
        let ip = self.ip(self.peers.len());
        self.connect_with(habit, kernel_bytes, ip)
    }

    /// A client that reads at once connects from this address.
    pub fn connect_from(&mut self, ip: IpAddr) -> usize {
        self.connect_with(Habit::Prompt, usize::MAX, Some(ip))
    }

    fn connect_with(&mut self, habit: Habit, kernel_bytes: usize, ip: Option<IpAddr>) -> usize {
        for _ in 0..10_000 {
            if self.chat.has_headroom() {
                break;
            }
            self.turn();
        }
        let number = self.peers.len();
        self.peers.push(Peer::new(number, habit, kernel_bytes));
        let id = self.ids.insert(number);
        self.interests.insert(id, Interest { read: true, write: false });
        let address = format!("192.0.2.1:{number}");
        if let Err(refusal) = self.chat.handle_open(self.now, id, ip, &address) {
            self.peers[number].to_client.extend(self.chat.refusal(refusal));
            self.disconnect(id, Closing::Polite);
        }
        number
    }

    /// The id of a client that is connected.
    pub fn id(&self, number: usize) -> ClientId {
        let mut ids = self.ids.iter().filter(|(_, other)| **other == number);
        ids.next().expect("it is connected").0
    }

    /// With addresses, every third client is on the server's machine, the others share three
    /// addresses.
    fn ip(&self, number: usize) -> Option<IpAddr> {
        let host = u8::try_from(number / 3 % 3).expect("below three");
        (self.has_addresses && !number.is_multiple_of(3)).then(|| [192, 0, 2, host].into())
    }

    /// One turn of the server's loop, and then of the clients' reading.
    pub fn turn(&mut self) {
        let mut ids: Vec<_> = self.ids.keys().collect();
        self.rng.shuffle(&mut ids);
        for id in ids {
            self.handle_events(id);
        }
        if self.faults.late_events && self.rng.u8(..8) == 0 {
            self.send_late_event();
        }
        self.chat.handle_time(self.now);
        while let Some(id) = self.chat.poll_interest() {
            self.update_interest(id);
        }
        self.flush();
        while let Some((id, ending, closing)) = self.chat.poll_ended() {
            self.endings.push((self.ids[id], ending, closing));
            self.disconnect(id, closing);
        }
        self.chat.assert_invariants();
        for peer in &mut self.peers {
            match peer.habit {
                Habit::Prompt => peer.read(usize::MAX),
                Habit::Slow if self.rng.u8(..4) == 0 => peer.read(self.rng.usize(1..200)),
                Habit::Slow | Habit::Stuck => {}
            }
        }
    }

    /// Turns until nothing happens by itself any more.
    pub fn settle(&mut self) {
        for _ in 0..100_000 {
            self.turn();
            if self.is_quiet() {
                return;
            }
        }
        panic!("the loop never comes to rest");
    }

    fn is_quiet(&self) -> bool {
        let mut is_read = vec![false; self.peers.len()];
        for (id, &number) in &self.ids {
            is_read[number] = self.interests[id].read;
        }
        let is_idle = |peer: &Peer| {
            let is_fin_due = peer.has_fin && !peer.is_fin_read;
            let is_unread = !peer.to_server.is_empty() || is_fin_due || peer.is_deaf;
            let may_be_read = peer.is_open && !peer.has_reset;
            let has_input = may_be_read && is_unread && is_read[peer.number];
            peer.habit == Habit::Stuck || (peer.to_client.is_empty() && !has_input)
        };
        let has_place = |number: usize| {
            let peer = &self.peers[number];
            peer.to_client.len() < peer.kernel_bytes
        };
        let mut waiting = self.interests.iter().filter(|(_, interest)| interest.write);
        let is_writable = waiting.any(|(id, _)| self.ids.get(id).is_some_and(|&n| has_place(n)));
        let timeout = self.chat.poll_timeout(self.now);
        let is_due = timeout.is_some_and(|at| at <= self.now);
        !is_writable && !is_due && self.peers.iter().all(is_idle)
    }

    pub fn sleep(&mut self, time: Duration) {
        self.now += time;
        self.chat.set_wall_clock(NOON + (self.now - self.start).as_secs());
    }

    fn handle_events(&mut self, id: ClientId) {
        let Some(&number) = self.ids.get(id) else { return };
        let interest = self.interests[id];
        let peer = &mut self.peers[number];
        if peer.has_reset && (interest.read || !interest.write) {
            self.chat.handle_reset(id);
            return self.update_interest(id);
        }
        let has_place = peer.to_client.len() < peer.kernel_bytes;
        if interest.write && (has_place || peer.has_reset) {
            self.chat.handle_writable(id);
        }
        if !interest.read || !self.chat.has_headroom() {
            return;
        }
        if peer.is_deaf && peer.to_server.is_empty() {
            self.chat.handle_reset(id);
        } else if !peer.to_server.is_empty() {
            let most = peer.to_server.len().min(self.chat.config().read_bytes_max());
            let bytes = if self.faults.split_reads { self.rng.usize(1..=most) } else { most };
            let read: Vec<u8> = peer.to_server.drain(..bytes).collect();
            self.chat.handle_bytes(self.now, id, &read);
        } else if peer.has_fin {
            peer.is_fin_read = true;
            self.chat.handle_eof(self.now, id);
        }
        self.update_interest(id);
    }

    fn flush(&mut self) {
        let writes = if self.faults.cut_flushes { self.rng.usize(1..6) } else { 1024 };
        for _ in 0..writes {
            let mut slices = Slices::new();
            let Some(id) = self.chat.poll_transmit(&mut slices) else { return };
            let offered: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
            drop(slices);
            assert!(!offered.is_empty(), "a write of nothing");
            let peer = &mut self.peers[self.ids[id]];
            if peer.has_reset {
                self.chat.handle_reset(id);
            } else if peer.is_deaf {
                self.chat.handle_deaf(id, false);
            } else {
                let place = peer.kernel_bytes.saturating_sub(peer.to_client.len());
                let most = offered.len().min(place);
                // The kernel of a client with endless place takes everything.
                let may_be_short = self.faults.short_writes && peer.kernel_bytes < usize::MAX;
                let is_short = may_be_short && self.rng.u8(..3) == 0;
                let taken = if is_short { self.rng.usize(0..=most) } else { most };
                peer.to_client.extend(&offered[..taken]);
                self.chat.handle_written(self.now, id, taken);
            }
            self.update_interest(id);
        }
    }

    fn update_interest(&mut self, id: ClientId) {
        if self.ids.contains_key(id) {
            self.interests.insert(id, self.chat.interest(id));
        }
    }

    fn disconnect(&mut self, id: ClientId, closing: Closing) {
        let peer = &mut self.peers[self.ids.remove(id).expect("it was connected")];
        peer.is_open = false;
        peer.is_cut = closing == Closing::Abrupt;
        self.gone.push(id);
    }

    /// Whatever comes for a client that is gone touches nobody.
    fn send_late_event(&mut self) {
        let Some(&id) = self.rng.choice(&self.gone) else { return };
        self.chat.handle_bytes(self.now, id, b"too late\n");
        self.chat.handle_writable(id);
        self.chat.handle_eof(self.now, id);
        self.chat.handle_reset(id);
        assert_eq!(self.chat.interest(id), Interest::default());
    }
}
