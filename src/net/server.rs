//! The loop.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use ipnet::IpNet;
use log::{debug, info, warn};
use polling::{Event, Events, Poller};
use rustix::io::fcntl_dupfd_cloexec;
use slotmap::SlotMap;
use socket2::Socket;

use super::accept::{Accepted, Door};
use super::address::PeerAddr;
use super::bans::BansFile;
use super::connection::{Connection, LISTENER_KEYS, Received, client_of};
use super::gathering::Gathering;
use super::journal::Journal;
use super::listener::Listener;
use super::looks::{Look, Looks};
use super::motd::{MotdFile, Newcomer};
use super::proxy::{Header, Introduced, Proxies};
use super::refusals::Refusals;
use super::tls::{Certificate, Tls};
use crate::chat::{
    Arrival, Chat, ClientId, CloseReason, Closing, Config, Counts, Logged, Output, Refusal, Slices,
};
use crate::store::{self, Opened, Store};
use crate::wire::{Answer, Query};

/// Events taken from the poller in one turn at most.
const EVENTS_MAX: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// Looks for more input in one turn at most.
const LOOKS_MAX: usize = 8;

/// A turn is to be shorter than 10 ms in a room of any size, so a phase that has
/// taken so long leaves the rest to the next turn.
const ACCEPT_TIME_MAX: Duration = Duration::from_millis(1);
const FLUSH_TIME_MAX: Duration = Duration::from_millis(5);
const REAP_TIME_MAX: Duration = Duration::from_millis(1);

/// Writes between two looks at the clock, which cost 1 % of a write each.
const WRITES_A_LOOK: usize = 16;

/// How long a connection that is over waits for the client's FIN.
const LINGER_TIME: Duration = Duration::from_secs(1);

/// From the stop on, the end takes so long at most: five seconds to tell everyone
/// and one to see them go.
const END_TIME_MAX: Duration = Duration::from_secs(6);

/// With more connections that wait so, those that weren't let in are closed at
/// once: else a flood of them would have all descriptors.
const LINGERING_MAX: usize = 32;

/// The kernel's table of descriptors is made for so many clients at the start,
/// 8 bytes each; more make it grow.
const CLIENTS_AT_START_MAX: usize = 1 << 16;

/// The server: listeners, connections and the chat, driven by one loop.
#[derive(Debug)]
pub struct Server {
    poller: Arc<Poller>,
    door: Door,
    /// The map from a client to its socket and address.
    connections: SlotMap<ClientId, Connection>,
    chat: Chat,
    /// What all reads go into.
    scratch: Box<[u8]>,
    /// The events of this turn.
    ready: Vec<Event>,
    /// Counts turns, so that they don't all begin with the same client.
    turns: usize,
    /// Connections that linger, and until when, in that order.
    lingering: VecDeque<(Instant, ClientId)>,
    refusals: Refusals,
    gathering: Gathering,
    /// By what time deadlines may be judged.
    looks: Looks,
    /// Clients that were ready in this turn and weren't read.
    unread: usize,
    journal: Journal,
    /// What newcomers are told first.
    motd: Option<MotdFile>,
    /// Where bans are kept.
    bans: Option<BansFile>,
    /// Where what is said is kept.
    store: Option<Store>,
    /// Those who speak TLS, if that is spoken here.
    tls: Option<Tls>,
    /// Which connections say first whose they are.
    proxies: Proxies,
    stop: Arc<AtomicBool>,
    /// Since when it is stopping.
    stopping: Option<Instant>,
}

/// Stops a server from another thread.
#[derive(Clone, Debug)]
pub struct Stopper {
    stop: Arc<AtomicBool>,
    poller: Arc<Poller>,
}

impl Stopper {
    /// Tells everyone and ends [`Server::run`]. Wakes the loop: a signal alone
    /// doesn't.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        // It fails only if the process has no descriptor to write to; the loop
        // then sees the flag with the next event.
        let _ = self.poller.notify();
    }
}

impl Server {
    /// A server for clients that connect to `listeners`.
    ///
    /// # Errors
    /// As the system says when it can't give a poller.
    pub fn new(config: Config, listeners: Vec<Listener>) -> io::Result<Server> {
        make_place_for_descriptors(config.clients_max);
        let poller = Arc::new(Poller::new()?);
        let scratch = vec![0; config.read_bytes_max()].into();
        let mut chat = Chat::new(config, Instant::now());
        // What bans in a file mean depends on it.
        chat.set_unix_time(seconds_since_1970());
        Ok(Server {
            door: Door::new(&poller, listeners)?,
            poller,
            connections: SlotMap::with_key(),
            chat,
            scratch,
            ready: Vec::new(),
            turns: 0,
            lingering: VecDeque::new(),
            refusals: Refusals::default(),
            gathering: Gathering::default(),
            looks: Looks::new(Instant::now()),
            unread: 0,
            journal: Journal::default(),
            motd: None,
            bans: None,
            store: None,
            tls: None,
            proxies: Proxies::default(),
            stop: Arc::default(),
            stopping: None,
        })
    }

    /// Shows newcomers what is in a file, which is read again for each.
    ///
    /// # Errors
    /// As the system says when it can't be read now.
    pub fn set_motd_file(&mut self, path: PathBuf) -> io::Result<()> {
        let (file, text) = MotdFile::open(path, self.waker())?;
        self.motd = Some(file);
        self.chat.set_motd(text.as_bytes());
        Ok(())
    }

    /// Keeps bans in a file, and begins with those that are in it. It is made if
    /// it isn't there.
    ///
    /// # Errors
    /// As the system says when it can't be read and written, what is wrong in it,
    /// or that another server uses it.
    pub fn set_bans_file(&mut self, path: PathBuf) -> io::Result<()> {
        let (file, text) = BansFile::open(path, self.waker())?;
        self.chat.set_bans(&text).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        self.bans = Some(file);
        Ok(())
    }

    /// Keeps what is said in a store, and goes on where that ends. The counting of lines
    /// must have the name that it has there.
    ///
    /// # Errors
    /// As the system says when it gives no thread.
    pub fn set_store(&mut self, opened: Opened) -> io::Result<()> {
        self.chat.restore_lobby(&opened.start.lobby, opened.start.highest);
        self.store = Some(Store::new(opened, self.waker())?);
        Ok(())
    }

    /// Speaks TLS with clients that want it, with this certificate. `Config::has_tls` must
    /// say so.
    pub fn set_certificate(&mut self, certificate: Certificate) {
        self.tls = Some(Tls::new(certificate));
    }

    /// Believes proxies in these networks about whose a connection is.
    pub fn set_proxies(&mut self, networks: Vec<IpNet>) {
        self.proxies = Proxies::new(networks);
    }

    /// Makes the loop take a turn, from another thread.
    fn waker(&self) -> impl Fn() + Send + use<> {
        let poller = Arc::clone(&self.poller);
        // It fails as in `Stopper::stop`.
        move || _ = poller.notify()
    }

    /// Stops this server.
    pub fn stopper(&self) -> Stopper {
        Stopper { stop: Arc::clone(&self.stop), poller: Arc::clone(&self.poller) }
    }

    /// Serves until it is stopped, and then until everyone has been told, five
    /// seconds at most (and one more to see them go).
    ///
    /// # Errors
    /// As the system says when waiting for events fails.
    pub fn run(mut self) -> io::Result<Counts> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut now = Instant::now();
        while !(self.stopping.is_some() && self.connections.is_empty()) {
            let looked = self.wait(&mut events, now)?;
            now = Instant::now();
            self.chat.set_unix_time(seconds_since_1970());
            self.accept(now);
            self.read(now);
            self.end_look(looked);
            self.gather(&mut events, now)?;
            self.time(now);
            self.exchange();
            self.flush(now);
            self.reap(now);
            self.chat.count_turn(now.elapsed());
        }
        self.finish();
        Ok(self.chat.counts())
    }

    /// Everybody is gone, and what is to be kept is kept.
    fn finish(&mut self) {
        self.hand_over();
        let passed = self.stopping.map_or(Duration::ZERO, |at| at.elapsed());
        let left = END_TIME_MAX.saturating_sub(passed);
        if let Some(file) = &self.bans {
            file.finish(left);
        }
        let is_written = self.store.as_ref().is_none_or(|store| store.finish(left));
        self.exchange();
        if !is_written {
            warn!("the last lines may not be stored: writing takes too long");
        }
        if let Some(summary) = self.chat.store_summary() {
            info!("{summary}");
        }
    }

    /// Gives the store what was said, and the chat what the store has to say.
    fn exchange(&mut self) {
        self.hand_over();
        while self.chat.has_headroom()
            && let Some(event) = self.store.as_ref().and_then(Store::next_event)
        {
            match event {
                store::Event::Answer(ticket, answer) => self.chat.handle_answer(ticket, answer),
                store::Event::State(state) => self.chat.handle_store_state(state),
            }
        }
    }

    /// Asks the store, which has to know all that was said before.
    fn ask(&mut self, query: Query) {
        self.hand_over();
        match &self.store {
            Some(store) if !self.chat.has_news() => store.ask(query),
            _ => self.chat.handle_answer(query.ticket, Answer::Failed),
        }
    }

    /// Gives the store what was said, if it takes more.
    fn hand_over(&mut self) {
        if let Some(store) = &self.store
            && self.chat.has_news()
            && store.has_place()
        {
            store.write(self.chat.take_news());
        }
    }

    /// Waits for events, until the nearest deadline; gives when it began.
    fn wait(&mut self, events: &mut Events, now: Instant) -> io::Result<Instant> {
        let deadlines = [
            self.chat.poll_timeout(now),
            self.lingering.front().map(|(until, _)| *until),
            self.refusals.deadline(),
            self.door.resume_at(),
            self.motd.as_ref().and_then(MotdFile::deadline),
            self.proxies.deadline(),
            self.tls.as_ref().and_then(Tls::deadline),
            self.has_unread().then_some(now),
        ];
        let timeout = deadlines.into_iter().flatten().min();
        let looked = Instant::now();
        self.poll(events, timeout.map(|at| at.saturating_duration_since(looked)))?;
        Ok(looked)
    }

    /// What a look at `looked` has shown is read.
    fn end_look(&mut self, began: Instant) {
        self.looks.add(Look {
            began,
            events: self.ready.len(),
            events_max: EVENTS_MAX.get(),
            sources: self.connections.len(),
            unread: std::mem::take(&mut self.unread),
        });
    }

    fn poll(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.clear();
        match self.poller.wait(events, timeout) {
            // On poll(2) that is a notification just being sent.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => {
                result?;
            }
        }
        self.ready.clear();
        self.ready.extend(events.iter());
        Ok(())
    }

    /// Reads what has come in the meantime, before everyone is written to: the
    /// more lines share a write, the less each of them costs.
    fn gather(&mut self, events: &mut Events, now: Instant) -> io::Result<()> {
        let clients = self.connections.len();
        if self.chat.is_flushed() && Gathering::is_worth_it(clients, self.chat.new_bytes()) {
            thread::sleep(self.gathering.pause(Instant::now()));
        }
        for _ in 0..LOOKS_MAX {
            let bytes = self.chat.new_bytes();
            if !Gathering::is_worth_it(clients, bytes) || !self.chat.has_headroom() {
                break;
            }
            self.poll(events, Some(Duration::ZERO))?;
            self.read(now);
            if self.chat.new_bytes() == bytes {
                break;
            }
        }
        Ok(())
    }

    /// Lets newcomers in.
    fn accept(&mut self, now: Instant) {
        self.door.reopen(now);
        self.open_waiting(now);
        let start = Instant::now();
        for at in 0..self.ready.len() {
            let key = self.ready[at].key;
            if key >= LISTENER_KEYS {
                continue;
            }
            // A client that isn't accepted now is reported again.
            while start.elapsed() < ACCEPT_TIME_MAX && self.chat.has_headroom() {
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

    /// Lets a newcomer in, at once unless there is a file to be read first.
    fn welcome(&mut self, now: Instant, newcomer: Newcomer) {
        match &mut self.motd {
            Some(motd) => motd.add(now, newcomer),
            None => self.open(now, newcomer),
        }
    }

    /// Lets those in who have waited for the message of the day.
    fn open_waiting(&mut self, now: Instant) {
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
    fn turn_away(&mut self, now: Instant, socket: Socket, peer: PeerAddr) {
        let refusal = self.chat.refuse_full();
        self.journal.note(now, peer, refusal.text());
        self.door.turn_away(socket, |first| self.chat.refusal(refusal, first));
    }

    fn open(&mut self, now: Instant, newcomer: Newcomer) {
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
                let _ = socket.send(&self.chat.refusal(refusal, &[]));
                return;
            }
        };
        if !self.proxies.are_at(peer) {
            return self.admit(now, id, listener, &[]);
        }
        if !self.proxies.wait(now, id, listener) {
            self.drop_unintroduced(now, id);
        }
    }

    /// Lets a client into the chat, if it may come. `first` is what it has sent so far.
    fn admit(&mut self, now: Instant, id: ClientId, listener: usize, first: &[u8]) {
        let peer = self.connections[id].peer;
        let (ip, zone, address) = (peer.ip(), peer.zone(), peer.to_string());
        let is_telnet = self.door.is_telnet(listener);
        match self.chat.handle_open(now, id, &Arrival { ip, zone, address: &address, is_telnet }) {
            Ok(()) => debug!("{peer}: connected"),
            Err(refusal) => self.refuse(now, id, refusal, first),
        }
    }

    /// Reads what a proxy says of a connection.
    fn read_header(&mut self, now: Instant, id: ClientId) {
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
                self.admit(now, id, listener, &rest);
                self.scratch[..rest.len()].copy_from_slice(&rest);
                let received = self.decrypt(now, id, rest.len(), true);
                self.handle_received(now, id, received);
            }
        }
    }

    /// Ends a connection from a proxy that doesn't say whose it is.
    fn drop_unintroduced(&mut self, now: Instant, id: ClientId) {
        let peer = self.connections[id].peer;
        self.journal.note(
            now,
            peer,
            "no PROXY protocol header, but --proxy-from names its network",
        );
        self.remove(id);
    }

    /// A client isn't let in. It is told why when it has sent something or had time to.
    fn refuse(&mut self, now: Instant, id: ClientId, refusal: Refusal, first: &[u8]) {
        self.journal.note(now, self.connections[id].peer, refusal.text());
        let waiting = self.lingering.len() + self.refusals.len();
        match self.chat.config().has_web && first.is_empty() && waiting < LINGERING_MAX {
            true => self.refusals.add(now, id, refusal),
            false => self.say_refusal(now, id, &self.chat.refusal(refusal, first)),
        }
    }

    /// A client that isn't let in has sent something, or its connection is broken.
    fn end_refusal(&mut self, now: Instant, id: ClientId, refusal: Refusal) {
        let first = match self.connections[id].receive(&mut self.scratch) {
            Received::Bytes(bytes) => &self.scratch[..bytes],
            Received::Nothing | Received::Eof | Received::CutOff => &[],
            Received::Broken(_) => {
                self.remove(id);
                return;
            }
        };
        self.say_refusal(now, id, &self.chat.refusal(refusal, first));
    }

    /// Tells a client why it isn't let in.
    fn say_refusal(&mut self, now: Instant, id: ClientId, bytes: &[u8]) {
        // An empty send buffer takes so few bytes at once.
        let _ = self.connections[id].send(&[io::IoSlice::new(bytes)].into_iter().collect());
        if self.lingering.len() < LINGERING_MAX {
            return self.linger(now, id);
        }
        // Closing with bytes unread would take the refusal back.
        self.discard(id);
        self.remove(id);
    }

    /// Reads from each client that has sent something, once.
    fn read(&mut self, now: Instant) {
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

    fn handle_event(&mut self, now: Instant, id: ClientId, event: Event) {
        let Some(connection) = self.connections.get(id) else { return };
        if connection.is_lingering {
            return self.handle_lingering(id);
        }
        if self.proxies.is_waiting(id) {
            return self.read_header(now, id);
        }
        if let Some(refusal) = self.refusals.take(id) {
            return self.end_refusal(now, id, refusal);
        }
        let interest = connection.interest();
        if !interest.read && !interest.write {
            // Nothing was asked for, so this is what can't be masked: HUP, ERR.
            return self.handle_hangup(id);
        }
        if event.writable && interest.write {
            self.send_encrypted(id);
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

    fn handle_received(&mut self, now: Instant, id: ClientId, received: Received) {
        match received {
            Received::Bytes(bytes) => self.chat.handle_bytes(now, id, &self.scratch[..bytes]),
            Received::Eof => self.chat.handle_eof(now, id),
            Received::CutOff => self.chat.handle_cut_off(now, id),
            Received::Nothing => {}
            Received::Broken(error) => self.break_off(id, &error),
        }
    }

    /// Reads once from a client, whether it speaks TLS or not.
    fn receive(&mut self, now: Instant, id: ClientId) -> Received {
        let connection = &mut self.connections[id];
        let received = connection.receive(&mut self.scratch);
        let is_fresh = std::mem::take(&mut connection.is_fresh);
        let Some(tls) = &mut self.tls else { return received };
        match received {
            Received::Bytes(length) => self.decrypt(now, id, length, is_fresh),
            Received::Eof if tls.has(id) => Received::CutOff,
            other => other,
        }
    }

    /// Takes in bytes that a client has sent, which are at the begin of `scratch`.
    fn decrypt(&mut self, now: Instant, id: ClientId, length: usize, is_fresh: bool) -> Received {
        let Some(tls) = &mut self.tls else { return Received::Bytes(length) };
        if is_fresh
            && Tls::is_hello(&self.scratch[..length])
            && self.chat.begin_handshake(id)
            && let Err(error) = tls.begin(now, id)
        {
            return Received::Broken(error);
        }
        if !tls.has(id) {
            return Received::Bytes(length);
        }
        let received = tls.take(id, &mut self.scratch, length);
        if let Some(version) = tls.finish_handshake(id) {
            debug!("{}: {version}", self.connections[id].peer);
            self.chat.handle_secured(now, id, version);
        }
        self.send_encrypted(id);
        received
    }

    /// Reads what clients have sent in records of TLS that had more in them than one read.
    fn read_decrypted(&mut self, now: Instant) {
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
    fn has_unread(&self) -> bool {
        let mut unread = self.tls.iter().flat_map(Tls::unread);
        unread.any(|id| self.chat.interest(id).read) && self.chat.has_headroom()
    }

    /// Sends what is encrypted for a client already.
    fn send_encrypted(&mut self, id: ClientId) {
        let Some(tls) = &mut self.tls else { return };
        if let Err(error) = tls.flush(id, &self.connections[id]) {
            self.chat.handle_write_broken(id, is_of_silence(&error));
        }
        self.update_interest(id);
    }

    /// A client whose connection is over has sent something, or takes more of what is
    /// encrypted for it.
    fn handle_lingering(&mut self, id: ClientId) {
        let connection = &mut self.connections[id];
        if let Some(tls) = self.tls.as_mut().filter(|tls| tls.is_waiting(id))
            && !matches!(tls.flush(id, connection), Ok(false))
            && connection.linger(id).is_err()
        {
            return self.remove(id);
        }
        self.discard(id);
    }

    /// A client's connection is broken while nothing was to be read from it. What
    /// one has sent that is read later is read first.
    fn handle_hangup(&mut self, id: ClientId) {
        let connection = &mut self.connections[id];
        let is_read_later = self.chat.is_held_back(id) && connection.unwatch().is_ok();
        let error = connection.take_error();
        match is_read_later {
            true => self.chat.handle_write_broken(id, is_of_silence(&error)),
            false => self.break_off(id, &error),
        }
    }

    /// A client's connection is broken, as `error` says.
    fn break_off(&mut self, id: ClientId, error: &io::Error) {
        debug!("{}: {error}", self.connections[id].peer);
        match is_of_silence(error) {
            true => self.chat.handle_vanished(id),
            false => self.chat.handle_reset(id),
        }
    }

    /// Does what is due by now.
    fn time(&mut self, now: Instant) {
        if self.stop.load(Ordering::SeqCst) && self.stopping.is_none() {
            self.stopping = Some(now);
            self.door.close();
            // They came before the end, and are told like everyone.
            while let Some(newcomer) = self.motd.as_mut().and_then(MotdFile::next_of_all) {
                self.open(now, newcomer);
            }
            for id in self.proxies.take_all() {
                self.remove(id);
            }
            self.chat.handle_shutdown(now);
        }
        while let Some(id) = self.proxies.next_late(now) {
            self.drop_unintroduced(now, id);
        }
        while let Some((id, refusal)) = self.refusals.next_due(now) {
            self.say_refusal(now, id, &self.chat.refusal(refusal, &[]));
        }
        while let Some(id) = self.tls.as_mut().and_then(|tls| tls.next_late(now)) {
            debug!("{}: the TLS handshake takes too long", self.connections[id].peer);
            self.chat.handle_reset(id);
        }
        self.chat.handle_time(self.looks.judged());
        if self.bans.as_ref().is_some_and(BansFile::has_failed) {
            self.chat.handle_unsaved_bans();
        }
    }

    /// Writes to each client that something can be sent to, once.
    fn flush(&mut self, now: Instant) {
        let start = Instant::now();
        let mut writes = 0_usize;
        while self.write_next(now) {
            writes += 1;
            if writes.is_multiple_of(WRITES_A_LOOK) && start.elapsed() > FLUSH_TIME_MAX {
                break;
            }
        }
        if writes > 0 {
            self.gathering.add_writes(start, Instant::now(), self.chat.is_flushed());
        }
    }

    /// Writes to the next client; false if there is none to write to.
    fn write_next(&mut self, now: Instant) -> bool {
        let mut slices = Slices::new();
        let Some(id) = self.chat.poll_transmit(&mut slices) else { return false };
        let connection = &mut self.connections[id];
        let result = match &mut self.tls {
            Some(tls) => tls.send(id, connection, &slices),
            None => connection.send(&slices),
        };
        drop(slices);
        match result {
            Ok(bytes) => {
                self.chat.handle_written(now, id, bytes);
                if self.tls.as_ref().is_some_and(|tls| tls.is_waiting(id)) {
                    self.update_interest(id);
                }
            }
            Err(error) => {
                debug!("{}: {error}", self.connections[id].peer);
                self.chat.handle_write_broken(id, is_of_silence(&error));
            }
        }
        true
    }

    /// Does what the chat wants done. Ends connections: the only place where that
    /// happens.
    fn reap(&mut self, now: Instant) {
        let start = Instant::now();
        while start.elapsed() < REAP_TIME_MAX
            && let Some(output) = self.chat.poll_output()
        {
            match output {
                Output::Interest(id) => self.update_interest(id),
                Output::Log(id, logged) => self.log(now, id, &logged),
                Output::Bans(text) => {
                    if let Some(file) = &mut self.bans {
                        file.save(text);
                    }
                }
                Output::Ask(query) => self.ask(query),
                Output::Closed { id, ending, closing } => self.close(now, id, ending, closing),
            }
        }
        while let Some(&(until, id)) = self.lingering.front()
            && (until <= self.looks.judged() || !self.connections.contains_key(id))
        {
            self.lingering.pop_front();
            self.remove(id);
        }
    }

    fn log(&mut self, now: Instant, id: ClientId, logged: &Logged) {
        let peer = self.connections[id].peer;
        match logged {
            Logged::WrongPassword => self.journal.note(now, peer, "wrong password"),
            Logged::WrongOperatorPassword => {
                self.journal.note(now, peer, "wrong operator password");
            }
            // As fast as one client may talk, and operators are few.
            Logged::Operator(what) => info!("{peer}: operator {what}"),
        }
    }

    fn close(&mut self, now: Instant, id: ClientId, ending: CloseReason, closing: Closing) {
        let connection = &self.connections[id];
        match ending.is_forced() {
            true => self.journal.note(now, connection.peer, ending.name()),
            false => debug!("{}: {}", connection.peer, ending.name()),
        }
        match closing {
            Closing::Polite => self.linger(now, id),
            Closing::Abrupt => {
                if ending == CloseReason::Stalled {
                    connection.abort();
                }
                self.remove(id);
            }
        }
    }

    /// Says goodbye on the level of TCP, and waits for the client to do so.
    fn linger(&mut self, now: Instant, id: ClientId) {
        let is_waiting = self.tls.as_mut().is_some_and(|tls| {
            tls.close(id);
            matches!(tls.flush(id, &self.connections[id]), Ok(false))
        });
        let connection = &mut self.connections[id];
        let result = if is_waiting { connection.begin_linger(id) } else { connection.linger(id) };
        match result {
            Ok(()) => self.lingering.push_back((now + LINGER_TIME, id)),
            Err(_) => {
                self.remove(id);
            }
        }
    }

    /// Reads what a lingering client sends; it is over when it closes.
    fn discard(&mut self, id: ClientId) {
        match self.connections[id].receive(&mut self.scratch) {
            Received::Bytes(_) | Received::Nothing => {}
            Received::Eof | Received::CutOff | Received::Broken(_) => {
                self.remove(id);
            }
        }
    }

    /// Nothing is left of a connection.
    fn remove(&mut self, id: ClientId) {
        self.connections.remove(id);
        if let Some(tls) = &mut self.tls {
            tls.forget(id);
        }
    }

    /// Makes the poller wait for what the chat wants of this client.
    fn update_interest(&mut self, id: ClientId) {
        let mut interest = self.chat.interest(id);
        interest.write |= self.tls.as_ref().is_some_and(|tls| tls.is_waiting(id));
        let Some(connection) = self.connections.get_mut(id) else { return };
        if let Err(error) = connection.set_interest(id, interest) {
            debug!("{}: {error}", connection.peer);
            self.chat.handle_reset(id);
        }
    }
}

/// Whether a connection is broken because nothing is heard of the other side.
fn is_of_silence(error: &io::Error) -> bool {
    use ErrorKind::{HostUnreachable, NetworkUnreachable, TimedOut};
    matches!(error.kind(), TimedOut | HostUnreachable | NetworkUnreachable)
}

fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Makes the kernel's table of this process' descriptors large at once.
///
/// It grows by doubling, and in a process with threads (here the one for
/// signals) each time all readers of the old table are waited for: 10 ms and
/// more, in the middle of accepting a client.
fn make_place_for_descriptors(clients: usize) {
    let Ok(null) = File::open("/dev/null") else { return };
    let highest = clients.min(CLIENTS_AT_START_MAX) as i32;
    // Past the limit of descriptors it fails, and the table grows when it has to.
    drop(fcntl_dupfd_cloexec(&null, highest));
}
