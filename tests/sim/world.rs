//! A server's loop over fake sockets. Every phase is as in the real one; what
//! the kernel and the clients do is drawn from the seed.

use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use fastrand::Rng;
use roomcast::chat::{
    Arrival, ClientId, CloseReason, Closing, Config, Offer, Output, Refusal, Slices,
};

use roomcast::wire::Answer;

use crate::checks::Checker;
use crate::door::{Door, Shortage};
use crate::driver::Driver;
use crate::engine::Engine;
use crate::faults::{Fault, Faults};
use crate::hasher::Hasher;
use crate::peer::{Habit, Peer};
use crate::records::{Records, Stage};
use crate::store::Store;

/// Bytes that the kernel holds for a client in good weather, at least.
const KERNEL_BYTES: usize = 4096;

/// How long a handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// The clock on the wall is set by so many seconds at most.
const WALL_JUMP_MAX: i64 = 24 * 3600;

pub struct World {
    pub rng: Rng,
    pub driver: Driver,
    pub peers: Vec<Peer>,
    door: Door,
    pub endings: Vec<(usize, CloseReason, Closing)>,
    /// The bans that were to be kept last.
    pub bans: Option<String>,
    /// How many were told that they can't come in.
    pub refused: u64,
    pub is_shut_down: bool,
    pub faults: Faults,
    /// Clients don't look at what they are shown.
    pub are_blind: bool,
    /// Clients come from other machines too.
    pub has_addresses: bool,
    /// They connect where telnet is spoken.
    pub is_telnet: bool,
    checkers: Vec<Box<dyn Checker>>,
    /// If what is said is kept.
    pub store: Option<Store>,
    /// Where secrets are hashed.
    pub hasher: Hasher,
    /// If rooms are shared with other servers.
    pub engine: Option<Engine>,
    /// What came of writing to many, which the chat hears in one go.
    written: Vec<(ClientId, Written)>,
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
    pub fn new(seed: u64, config: Config) -> Self {
        let store = config.has_store.then(Store::default);
        let is_shared = config.is_shared;
        let mut driver = Driver::new(config);
        let engine = is_shared.then(|| Engine::new(&mut driver.chat));
        World {
            rng: Rng::with_seed(seed),
            driver,
            engine,
            written: Vec::new(),
            peers: Vec::new(),
            door: Door::default(),
            endings: Vec::new(),
            bans: None,
            refused: 0,
            is_shut_down: false,
            faults: Faults::default(),
            are_blind: false,
            has_addresses: false,
            is_telnet: false,
            checkers: Vec::new(),
            hasher: Hasher::default(),
            store,
        }
    }

    /// From now on these watch.
    pub fn watch(&mut self, checkers: Vec<Box<dyn Checker>>) {
        self.checkers = checkers;
    }

    /// A client connects; gives its place in `peers`. Lets the loop run until
    /// it may be let in, or the server has no means to.
    pub fn connect(&mut self, habit: Habit, kernel_bytes: usize) -> usize {
        let ip = self.ip(self.peers.len());
        self.connect_with(habit, kernel_bytes, ip)
    }

    /// A client that reads at once connects from this address.
    pub fn connect_from(&mut self, ip: IpAddr) -> usize {
        self.connect_with(Habit::Prompt, usize::MAX, Some(ip))
    }

    /// The same with all that can be chosen.
    pub fn connect_with(&mut self, habit: Habit, kernel_bytes: usize, ip: Option<IpAddr>) -> usize {
        let number = self.peers.len();
        self.peers.push(Peer::new(number, self.driver.now, habit, kernel_bytes));
        self.peers[number].ip = ip;
        self.peers[number].is_blind = self.are_blind;
        if self.faults.has(Fault::Records) && number % 3 == 1 {
            self.peers[number].begin_records();
        }
        self.door.knock(number);
        self.accept();
        for _ in 0..10_000 {
            if self.door.is_empty() || self.door.shortage() != Shortage::None {
                break;
            }
            self.turn();
        }
        number
    }

    /// Lets newcomers in.
    fn accept(&mut self) {
        while self.driver.chat.has_headroom()
            && let Some(number) = self.door.accept()
        {
            match self.door.shortage() {
                Shortage::TurnsAway => {
                    let refusal = self.driver.chat.refuse_full();
                    self.refuse(number, refusal);
                }
                _ => self.open(number),
            }
        }
    }

    fn open(&mut self, number: usize) {
        let now = self.driver.now;
        let peer = &mut self.peers[number];
        (peer.came_at, peer.took_at, peer.heard_at) = (now, now, now);
        let ip = peer.ip;
        let address = format!("192.0.2.1:{number}");
        let newcomer = Arrival { ip, zone: 0, address: &address, is_telnet: self.is_telnet };
        if let (id, Err(refusal)) = self.driver.open(number, &newcomer) {
            self.refuse(number, refusal);
            self.disconnect(id, Closing::Polite);
        }
    }

    fn refuse(&mut self, number: usize, refusal: Refusal) {
        self.refused += 1;
        self.peers[number].turn_away(&self.driver.chat.refusal(&refusal, &[]));
    }

    /// With addresses, every third client is on the server's machine, the others share three
    /// addresses.
    fn ip(&self, number: usize) -> Option<IpAddr> {
        let host = u8::try_from(number / 3 % 3).expect("below three");
        (self.has_addresses && !number.is_multiple_of(3)).then(|| [192, 0, 2, host].into())
    }

    /// One turn of the server's loop, and then of the clients' reading.
    pub fn turn(&mut self) {
        self.door.turn();
        self.accept();
        let mut ids: Vec<_> = self.driver.ids.keys().collect();
        self.rng.shuffle(&mut ids);
        for id in ids {
            self.handle_events(id);
        }
        if self.faults.has(Fault::LateEvents) && self.rng.u8(..8) == 0 {
            self.send_late_event();
        }
        self.driver.chat.handle_time(self.driver.now);
        self.exchange();
        self.flush();
        while let Some(output) = self.driver.chat.poll_output() {
            match output {
                Output::Interest(id) => self.update_interest(id),
                Output::Log(id, _) => {
                    assert!(self.driver.ids.contains_key(id), "of a client that is here")
                }
                Output::Bans(text) => self.bans = Some(text),
                Output::Secret(job) => self.hasher.ask(job),
                Output::Watch { .. } | Output::Unwatch(_) => {}
                Output::Ask(query) => {
                    self.hand_over();
                    if let Some(engine) = &mut self.engine {
                        engine.ask(query);
                        continue;
                    }
                    let store = self.store.as_mut().expect("only a store is asked");
                    match self.driver.chat.has_news() {
                        false => store.ask(self.driver.now, query),
                        true => {
                            store.fail();
                            self.driver.chat.handle_answer(query.ticket, Answer::Failed);
                        }
                    }
                }
                Output::Closed { id, ending, closing } => {
                    self.endings.push((self.driver.ids[id], ending, closing));
                    self.disconnect(id, closing);
                }
            }
        }
        self.driver.chat.assert_invariants();
        for peer in &mut self.peers {
            match peer.habit {
                Habit::Prompt => peer.read(usize::MAX),
                Habit::Slow if self.rng.u8(..4) == 0 => peer.read(self.rng.usize(1..200)),
                Habit::Slow | Habit::Stuck => {}
            }
        }
        self.consult(|checker, world| checker.turn(world));
    }

    /// Gives the store what was said, and the chat what the store answers.
    fn exchange(&mut self) {
        if let Some(store) = &mut self.store {
            store.be_late(self.driver.now);
        }
        self.hand_over();
        if let Some(engine) = &mut self.engine {
            engine.turn(&mut self.driver.chat, &mut self.rng, self.faults, self.is_shut_down);
            engine.hand_over(&mut self.driver.chat);
        }
        while self.driver.chat.has_headroom()
            && let Some((ticket, verdict)) = self.hasher.answer(&mut self.rng)
        {
            self.driver.chat.handle_verdict(ticket, verdict);
        }
        let Some(store) = &mut self.store else { return };
        self.driver.chat.handle_store_state(store.state());
        while self.driver.chat.has_headroom()
            && let Some((ticket, answer)) = store.answer(&mut self.rng, self.faults)
        {
            self.driver.chat.handle_answer(ticket, answer);
        }
    }

    fn hand_over(&mut self) {
        if let Some(store) = self.store.as_mut().filter(|store| store.has_place())
            && self.driver.chat.has_news()
        {
            store.write(&self.driver.chat.take_news());
        }
        if let Some(engine) = &mut self.engine {
            engine.hand_over(&mut self.driver.chat);
        }
    }

    /// Asks each checker.
    fn consult(&mut self, ask: fn(&mut dyn Checker, &World)) {
        let mut checkers = std::mem::take(&mut self.checkers);
        for checker in &mut checkers {
            let _name = Announced(checker.name());
            ask(&mut **checker, self);
        }
        self.checkers = checkers;
    }

    /// The weather is good for long enough: who can read does. What must hold
    /// then is checked.
    pub fn rest(&mut self) {
        for peer in self.peers.iter_mut().filter(|peer| peer.habit != Habit::Stuck) {
            peer.habit = Habit::Prompt;
            // With a few bytes a turn it would take too many turns.
            peer.kernel_bytes = peer.kernel_bytes.max(KERNEL_BYTES);
        }
        if let Some(store) = &mut self.store {
            store.mend();
            self.settle_for_long();
            // What was never answered is given up.
            self.driver.sleep(Duration::from_secs(6));
        }
        self.settle_for_long();
        // Those who came and went silently are told of.
        let fold_time = self.driver.chat.config().fold_time;
        if !fold_time.is_zero() {
            // Those who have sent nothing when they have stayed for ten seconds.
            let time = fold_time + Duration::from_secs(1);
            for _ in 0..3 + 10 / time.as_secs() {
                self.driver.sleep(time);
                self.settle();
            }
        }
        self.consult(|checker, world| checker.rest(world));
    }

    /// Everyone goes, and nothing must be left.
    pub fn end(&mut self) {
        for peer in &mut self.peers {
            peer.has_reset = true;
        }
        self.settle_for_long();
        let fold_time = self.driver.chat.config().fold_time;
        let is_greeted_late = self.driver.chat.config().has_web || self.faults.has(Fault::Records);
        if !fold_time.is_zero() || is_greeted_late {
            // The last of them are told of.
            self.driver.sleep(fold_time + Duration::from_secs(1));
            self.settle();
        }
        if self.driver.chat.config().operator_password.is_some() {
            // The last mutes end.
            self.driver.sleep(Duration::from_secs(3));
            self.settle();
        }
        if self.store.is_some() {
            self.driver.sleep(Duration::from_secs(6));
            self.settle();
        }
        self.consult(|checker, world| checker.end(world));
    }

    pub fn shut_down(&mut self) {
        self.is_shut_down = true;
        self.driver.chat.handle_shutdown(self.driver.now);
        self.settle();
    }

    /// Turns until nothing happens without time any more.
    pub fn settle(&mut self) {
        for _ in 0..100_000 {
            self.turn();
            if !self.goes_on() {
                return;
            }
        }
        panic!("the loop never comes to rest");
    }

    /// The same, and time passes while somebody is read later.
    fn settle_for_long(&mut self) {
        for _ in 0..100_000 {
            self.settle();
            let is_throttled = self.driver.ids.keys().any(|id| self.driver.chat.is_held_back(id));
            if !is_throttled && !self.peers.iter().any(Peer::is_waiting) {
                return;
            }
            let at = self.driver.chat.poll_timeout(self.driver.now).expect("nobody waits for ever");
            self.driver.sleep(at - self.driver.now);
        }
        panic!("somebody waits for ever");
    }

    /// Whether the next turn has something to do.
    fn goes_on(&self) -> bool {
        let is_ready = |(id, &number): (ClientId, &usize)| {
            let (peer, interest) = (&self.peers[number], self.driver.interests[id]);
            let has_place = peer.to_client.len() < peer.kernel_bytes;
            let is_readable = interest.read && (peer.is_readable() || peer.is_broken());
            let is_writable = peer.is_written(interest) && (has_place || peer.is_broken());
            let is_masked = !interest.read && !peer.is_written(interest);
            let is_hung_up = peer.is_broken() && is_masked && !self.driver.chat.is_held_back(id);
            is_readable || is_writable || is_hung_up
        };
        let is_reading = |peer: &Peer| peer.habit != Habit::Stuck && !peer.to_client.is_empty();
        self.is_due()
            || self.store.as_ref().is_some_and(Store::is_busy)
            || self.hasher.is_busy()
            || self.engine.as_ref().is_some_and(Engine::is_busy)
            || self.driver.chat.has_submissions()
            || self.driver.chat.has_dispatches()
            || !self.door.is_empty()
            || self.driver.ids.iter().any(is_ready)
            || self.peers.iter().any(is_reading)
    }

    /// A client resets its connection, if that is one of the faults.
    pub fn reset(&mut self, number: usize) {
        let is_read_first = self.faults.has(Fault::UnreadData) && self.rng.bool();
        match (self.faults.has(Fault::Resets), is_read_first) {
            (true, true) => self.peers[number].is_deaf = true,
            (true, false) => self.peers[number].has_reset = true,
            (false, _) => {}
        }
    }

    /// How the next client reads.
    pub fn draw_habit(&mut self) -> Habit {
        match self.rng.u8(..3) {
            0 if self.faults.has(Fault::Stalls) => Habit::Stuck,
            1 if self.faults.has(Fault::Stalls) => Habit::Slow,
            _ => Habit::Prompt,
        }
    }

    /// What the faults make happen by themselves, now and then.
    pub fn misfortune(&mut self) {
        if self.faults.has(Fault::ClockJumps) && self.rng.u8(..8) == 0 {
            if let Some(store) = &mut self.store {
                store.pass_time();
            }
            let ahead = self.rng.i64(-WALL_JUMP_MAX..WALL_JUMP_MAX);
            self.set_wall_ahead(ahead);
            let time = Duration::from_secs(100).mul_f64(self.rng.f64());
            self.driver.sleep(time);
        }
        if let Some(store) = &mut self.store {
            store.misfortune(&mut self.rng, self.faults);
        }
        if self.faults.has(Fault::NoDescriptors) && self.rng.u8(..8) == 0 {
            self.door.run_short(&mut self.rng);
        }
    }

    fn handle_events(&mut self, id: ClientId) {
        let Some(&number) = self.driver.ids.get(id) else { return };
        let interest = self.driver.interests[id];
        let peer = &mut self.peers[number];
        if peer.has_reset {
            peer.to_server.clear();
        }
        let is_broken = peer.is_broken();
        if is_broken && !interest.read && !peer.is_written(interest) {
            // A hang-up, which can't be masked; who is read later is read first.
            if self.driver.chat.is_held_back(id) {
                return;
            }
            return self.break_off(id);
        }
        let has_place = peer.to_client.len() < peer.kernel_bytes;
        if peer.is_written(interest) && (has_place || is_broken) {
            if is_broken && peer.drop_pending() {
                self.driver.chat.handle_write_broken(id, peer.has_vanished);
            } else if peer.take_pending(self.driver.now, usize::MAX) {
                self.driver.chat.handle_progress(self.driver.now, id);
            }
            self.driver.chat.handle_writable(id);
        }
        if self.has_no_handshake(number) {
            return self.driver.chat.handle_no_handshake(id);
        }
        let peer = &mut self.peers[number];
        if !self.driver.chat.interest(id).read || !self.driver.chat.has_headroom() {
            return;
        }
        if !peer.to_server.is_empty() {
            let most = peer.to_server.len().min(self.driver.chat.config().read_bytes_max());
            let bytes =
                if self.faults.has(Fault::SplitReads) { self.rng.usize(1..=most) } else { most };
            let read: Vec<u8> = peer.to_server.drain(..bytes).collect();
            self.receive(id, &read);
        } else if peer.records.as_ref().is_some_and(|records| !records.unread.is_empty()) {
            self.receive(id, &[]);
        } else if is_broken {
            self.break_off(id);
        } else if peer.is_readable() {
            // Every second one says so in its records, too.
            let is_cut_off = peer.records.is_some() && number.is_multiple_of(2);
            match is_cut_off {
                true => self.driver.chat.handle_cut_off(self.driver.now, id),
                false => self.driver.chat.handle_eof(self.driver.now, id),
            }
            self.peers[number].is_fin_read = true;
        }
    }

    /// A client has sent this, in records or not.
    fn receive(&mut self, id: ClientId, read: &[u8]) {
        let (now, chat) = (self.driver.now, &mut self.driver.chat);
        let peer = &mut self.peers[self.driver.ids[id]];
        let Some(records) = &mut peer.records else {
            peer.heard_at = now;
            return chat.handle_bytes(now, id, read);
        };
        if records.stage == Stage::Refused {
            peer.heard_at = now;
            return chat.handle_bytes(now, id, read);
        }
        if records.take_in(read) && !chat.begin_handshake(id) {
            return chat.handle_bytes(now, id, &records.refuse());
        }
        if records.go_on() {
            chat.handle_secured(now, id, "TLS 1.3");
            chat.handle_writable(id);
        }
        let most = records.unread.len().min(chat.config().read_bytes_max());
        let said: Vec<u8> = records.unread.drain(..most).collect();
        if !said.is_empty() {
            peer.heard_at = now;
            chat.handle_bytes(now, id, &said);
        }
    }

    /// Whether a client's handshake takes too long.
    fn has_no_handshake(&self, number: usize) -> bool {
        let peer = &self.peers[number];
        let is_in_one =
            peer.records.as_ref().is_some_and(|records| records.stage == Stage::Handshake);
        is_in_one && peer.came_at + HANDSHAKE_TIME <= self.driver.now
    }

    fn flush(&mut self) {
        let writes = if self.faults.has(Fault::CutFlushes) { self.rng.usize(1..6) } else { 1024 };
        if self.faults.has(Fault::Together) && self.rng.bool() {
            return self.flush_together(writes);
        }
        for _ in 0..writes {
            let mut slices = Slices::new();
            let Some(id) = self.driver.chat.poll_transmit(&mut slices) else { return };
            let offered: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
            drop(slices);
            self.write(id, &offered, None);
        }
    }

    /// The same as threads do it: all are written to before the chat hears of any.
    fn flush_together(&mut self, writes: usize) {
        let chat = &mut self.driver.chat;
        let mut clients = Vec::new();
        let many = chat.has_transmits(2);
        chat.prepare_transmits(writes, &mut clients);
        assert!(many || clients.len() < 2);
        let offers: Vec<_> = clients.iter().map(|&id| self.offer(id)).collect();
        for (id, (offer, offered)) in clients.into_iter().zip(offers) {
            self.write(id, &offered, Some(offer));
        }
        for (id, written) in std::mem::take(&mut self.written) {
            let (now, chat) = (self.driver.now, &mut self.driver.chat);
            match written {
                Written::Bytes(offer, bytes) => chat.handle_sent(now, id, offer, bytes),
                Written::Broken(has_vanished) => chat.handle_write_broken(id, has_vanished),
            }
        }
    }

    fn offer(&self, id: ClientId) -> (Offer, Vec<u8>) {
        let mut slices = Slices::new();
        let offer = self.driver.chat.offer(id, &mut slices);
        (offer, slices.iter().flat_map(|slice| slice.to_vec()).collect())
    }

    fn write(&mut self, id: ClientId, offered: &[u8], offer: Option<Offer>) {
        if offered.is_empty() {
            // What it was to be sent went while others were prepared; it is queued again.
            assert!(offer.is_some(), "a write of nothing");
            return self.handle_written(id, offer, 0);
        }
        let peer = &mut self.peers[self.driver.ids[id]];
        if peer.is_broken() {
            match offer {
                Some(_) => self.written.push((id, Written::Broken(peer.has_vanished))),
                None => self.driver.chat.handle_write_broken(id, peer.has_vanished),
            }
        } else if matches!(peer.stage(), Some(Stage::Handshake | Stage::Done)) {
            self.write_records(id, offered, offer);
        } else {
            // What comes then is too late to be a handshake.
            peer.records.as_mut().map(Records::refuse);
            let place = peer.kernel_bytes.saturating_sub(peer.to_client.len());
            let most = offered.len().min(place);
            // The kernel of a client with endless place takes everything.
            let may_be_short =
                self.faults.has(Fault::ShortWrites) && peer.kernel_bytes < usize::MAX;
            let is_short = may_be_short && self.rng.u8(..3) == 0;
            let taken = if is_short { self.rng.usize(0..=most) } else { most };
            peer.take(self.driver.now, offered, taken);
            self.handle_written(id, offer, taken);
        }
    }

    fn handle_written(&mut self, id: ClientId, offer: Option<Offer>, bytes: usize) {
        let (now, chat) = (self.driver.now, &mut self.driver.chat);
        match offer {
            Some(offer) => {
                chat.take_sent(id, offer, bytes);
                self.written.push((id, Written::Bytes(offer, bytes)));
            }
            None => chat.handle_written(now, id, bytes),
        }
    }

    /// Puts what is offered into records, if what was put into them before is sent.
    fn write_records(&mut self, id: ClientId, offered: &[u8], offer: Option<Offer>) {
        let now = self.driver.now;
        let is_short = self.faults.has(Fault::ShortWrites) && self.rng.u8(..3) == 0;
        let most = if is_short { self.rng.usize(..50) } else { usize::MAX };
        let peer = &mut self.peers[self.driver.ids[id]];
        let has_progress = peer.take_pending(now, most);
        let may_send = !peer.has_pending();
        let records = peer.records.as_mut().filter(|it| may_send && it.stage == Stage::Done);
        let taken = match records {
            Some(records) => {
                let taken =
                    if is_short { self.rng.usize(1..=offered.len()) } else { offered.len() };
                records.encrypt(&offered[..taken]);
                peer.take_pending(now, most);
                taken
            }
            None => 0,
        };
        let is_owed = taken < offered.len() && peer.stage() == Some(Stage::Done);
        let since = if taken > 0 { now } else { peer.stalled_since.unwrap_or(now) };
        peer.stalled_since = is_owed.then_some(since);
        if has_progress {
            self.driver.chat.handle_progress(now, id);
        }
        self.handle_written(id, offer, taken);
    }

    /// The server's kernel says that a connection is broken.
    fn break_off(&mut self, id: ClientId) {
        let has_vanished = self.peers[self.driver.ids[id]].has_vanished;
        self.driver.break_off(id, has_vanished);
    }

    fn disconnect(&mut self, id: ClientId, closing: Closing) {
        let peer = &mut self.peers[self.driver.close(id)];
        peer.is_open = false;
        peer.is_cut = closing == Closing::Abrupt;
        if closing == Closing::Polite
            && let Some(records) = &mut peer.records
        {
            peer.to_client.append(&mut records.pending);
        }
    }

    fn send_late_event(&mut self) {
        if let Some(&id) = self.rng.choice(&self.driver.gone) {
            self.driver.send_late_events(id);
        }
    }
}

/// What came of writing to a client.
enum Written {
    Bytes(Offer, usize),
    /// The connection is broken; whether its machine doesn't answer.
    Broken(bool),
}

/// The checker that is asked; it is named when it panics.
struct Announced(&'static str);

impl Drop for Announced {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("broken: {}", self.0);
        }
    }
}
