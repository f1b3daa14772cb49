//! The loop.

// In the order of a turn.
mod arrivals;
mod callers;
mod reading;
mod writing;
mod endings;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use ipnet::IpNet;
use log::{info, warn};
use polling::{Event, Events, Poller};
use rustix::io::fcntl_dupfd_cloexec;
use slotmap::SlotMap;

use crate::chat::{Chat, ClientId, Config, Counts};
use crate::cluster::{self, Engines};
use crate::net::accept::Door;
use crate::net::address::Advertised;
use crate::net::bans::BansFile;
use crate::net::connection::Connection;
use crate::net::crew::{Crew, Threads};
use crate::net::doorstep::Doorstep;
use crate::net::gathering::Gathering;
use crate::net::journal::Journal;
use crate::net::listener::Listener;
use crate::net::looks::{Look, Looks};
use crate::net::motd::MotdFile;
use crate::net::proxy::Proxies;
use crate::net::pulse::Pulse;
use crate::net::renewal::{Renewal, Renewer};
use crate::net::secrets::Secrets;
use crate::net::tls::{Certificate, Tls};
use crate::store::{self, Opened, Store};
use crate::wire::{self, Answer, Query, Wish};

/// Events taken from the poller in one turn at most.
const EVENTS_MAX: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// Looks for more input in one turn at most.
const LOOKS_MAX: usize = 8;

/// What other servers have to say is heard for so long in one turn; the rest has to wait.
const HEARING_TIME_MAX: Duration = Duration::from_millis(5);

/// From the stop on, the end takes so long at most: five seconds to tell everyone
/// and one to see them go.
const END_TIME_MAX: Duration = Duration::from_secs(6);

/// The kernel's table of descriptors is made for so many clients at the start,
/// 8 bytes each; more make it grow.
const CLIENTS_AT_START_MAX: usize = 1 << 16;

/// Lines of the log about each address in a minute: refusals and forced ends, and wrong
/// passwords, which tools that ban addresses count.
const REFUSALS_LOGGED: u32 = 1;
const LOGINS_LOGGED: u32 = 10;

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
    /// Clients that aren't in the chat.
    doorstep: Doorstep,
    gathering: Gathering,
    /// Who writes beside this thread, if anybody.
    crew: Option<Crew>,
    /// With how many clients to write to they do.
    together_min: usize,
    /// By what time deadlines may be judged.
    looks: Looks,
    /// Clients that were ready in this turn and weren't read.
    unread: usize,
    /// Where clients are told to connect to, if that isn't where they have connected to.
    advertised: Option<Advertised>,
    journal: Journal,
    /// Attempts to log in, which aren't to be hidden by others.
    logins: Journal,
    /// What newcomers are told first.
    motd: Option<MotdFile>,
    /// Where bans are kept.
    bans: Option<BansFile>,
    /// Where what is said is kept.
    store: Option<Store>,
    /// Where secrets of names are hashed, if names can be registered.
    secrets: Option<Secrets>,
    /// The engines that rooms are shared through.
    engines: Option<Engines>,
    /// Lines of shared rooms for which there was no place so far.
    heard: VecDeque<wire::Arrival>,
    /// There may be more to hear from other servers.
    hears_later: bool,
    /// Those who speak TLS, if that is spoken here.
    tls: Option<Tls>,
    /// Clients on other machines have to speak it.
    wants_tls_only: bool,
    /// Which connections say first whose they are.
    proxies: Proxies,
    stop: Arc<AtomicBool>,
    pulse: Arc<Pulse>,
    renewer: Renewer,
    /// What is to be from now on as another thread says.
    renewals: Receiver<Renewal>,
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
        let (renewer, renewals) = Renewer::new(Arc::clone(&poller));
        let scratch = vec![0; config.read_bytes_max()].into();
        let mut chat = Chat::new(config, Instant::now());
        // What bans in a file mean depends on it.
        chat.set_unix_time(seconds_since_1970());
        Ok(Server {
            door: Door::new(&poller, listeners)?,
            pulse: Arc::new(Pulse::new(Arc::clone(&poller))),
            renewer,
            renewals,
            poller,
            connections: SlotMap::with_key(),
            chat,
            scratch,
            ready: Vec::new(),
            turns: 0,
            lingering: VecDeque::new(),
            doorstep: Doorstep::default(),
            gathering: Gathering::default(),
            crew: None,
            together_min: usize::MAX,
            looks: Looks::new(Instant::now()),
            unread: 0,
            advertised: None,
            journal: Journal::new(REFUSALS_LOGGED),
            logins: Journal::new(LOGINS_LOGGED),
            motd: None,
            bans: None,
            store: None,
            secrets: None,
            engines: None,
            heard: VecDeque::new(),
            hears_later: false,
            tls: None,
            wants_tls_only: false,
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
        if !self.chat.config().is_shared {
            self.chat.restore_lobby(&opened.start.lobby, opened.start.highest);
            self.chat.set_names(opened.start.names.clone());
            self.secrets = Some(Secrets::new(self.waker())?);
        }
        self.store = Some(Store::new(opened, self.waker())?);
        Ok(())
    }

    /// Shares rooms with other servers. `Config::is_shared` must say so. The lobby goes on as
    /// the engine says: it has to answer within `time`.
    ///
    /// # Errors
    /// Why it doesn't.
    pub fn set_engines(
        &mut self,
        options: Vec<cluster::Options>,
        time: Duration,
    ) -> io::Result<()> {
        let lobby = self.chat.config().lobby_key();
        let (engines, start) = Engines::open(options, &lobby, self.waker(), time)?;
        self.chat.set_shared(engines.incarnation(), start.guests);
        self.chat.restore_lobby(&start.tail, 0);
        self.chat.handle_link(true);
        // What was said to it meanwhile is heard in the first turn.
        self.engines = Some(engines);
        Ok(())
    }

    /// Writes with so many threads.
    ///
    /// # Errors
    /// As the system says when it gives no thread.
    pub fn set_threads(&mut self, threads: Threads) -> io::Result<()> {
        let crew = (threads.count > 1).then(|| Crew::new(threads.count - 1)).transpose()?;
        (self.crew, self.together_min) = (crew, threads.clients_min);
        Ok(())
    }

    /// Speaks TLS with clients that want it, with this certificate. `Config::has_tls` must
    /// say so.
    pub fn set_certificate(&mut self, certificate: &Certificate) {
        self.tls = Some(Tls::new(certificate));
    }

    /// Lets clients on other machines in only if they speak TLS.
    pub fn require_tls(&mut self) {
        self.wants_tls_only = true;
    }

    /// Tells clients to connect to this instead of where they have connected to.
    pub fn set_advertised(&mut self, advertised: Advertised) {
        self.advertised = Some(advertised);
    }

    /// Believes proxies in these networks about whose a connection is.
    pub fn set_proxies(&mut self, networks: Vec<IpNet>) {
        self.proxies = Proxies::new(networks);
    }

    /// Makes the loop take a turn, from another thread.
    fn waker(&self) -> impl Fn() + Send + Clone + use<> {
        let poller = Arc::clone(&self.poller);
        // It fails as in `Stopper::stop`.
        move || _ = poller.notify()
    }

    /// Signs of life of the loop.
    pub fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }

    /// Changes what may change while the server runs.
    pub fn renewer(&self) -> Renewer {
        self.renewer.clone()
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
            // What was handed over before somebody came counts for them.
            self.renew();
            self.accept(now);
            self.read(now);
            self.end_look(looked);
            self.gather(&mut events, now)?;
            self.time(now);
            self.exchange();
            self.flush(now);
            self.reap(now);
            self.chat.count_turn(now.elapsed());
            self.pulse.beat(self.chat.people_count());
        }
        self.finish();
        Ok(self.chat.counts())
    }

    /// Everybody is gone, and what is to be kept is kept.
    fn finish(&mut self) {
        self.hand_over();
        let stopping = self.stopping.unwrap_or_else(Instant::now);
        let left = || END_TIME_MAX.saturating_sub(stopping.elapsed());
        if let Some(file) = &self.bans {
            file.finish(left());
        }
        // The engine may be away; the disk is here.
        let is_written = self.store.as_ref().is_none_or(|store| store.finish(left()));
        if self.engines.as_ref().is_some_and(|engines| !engines.finish(left())) {
            warn!("the last lines may not have reached other servers: the engine doesn't answer");
        }
        self.exchange();
        if !is_written {
            warn!("the last lines may not be stored: writing takes too long");
        }
        if let Some(summary) = self.chat.store_summary() {
            info!("{summary}");
        }
    }

    /// Gives the store and other servers what was said, and the chat what they have to say.
    fn exchange(&mut self) {
        self.hand_over();
        self.hear_others();
        while self.chat.has_headroom()
            && let Some(event) = self.store.as_ref().and_then(Store::next_event)
        {
            match event {
                store::Event::Answer(ticket, answer) => self.chat.handle_answer(ticket, answer),
                store::Event::State(state) => self.chat.handle_store_state(state),
            }
        }
        while self.chat.has_headroom()
            && let Some((ticket, verdict)) = self.secrets.as_ref().and_then(Secrets::next)
        {
            self.chat.handle_verdict(ticket, verdict);
        }
        // What they have to say may need an answer.
        self.hand_over();
    }

    /// What the engine of several servers has to say, as far as there is place for it.
    fn hear_others(&mut self) {
        let start = Instant::now();
        loop {
            let has_time = start.elapsed() < HEARING_TIME_MAX;
            self.hears_later = !has_time || !self.chat.has_place_for_arrivals();
            if self.hears_later {
                return;
            }
            if let Some(arrival) = self.heard.pop_front() {
                self.chat.handle_arrival_of(&arrival);
                continue;
            }
            let Some(event) = self.engines.as_mut().and_then(Engines::next_event) else { return };
            match event {
                cluster::Event::Arrived(arrivals) => self.heard.extend(arrivals),
                cluster::Event::Answer(ticket, answer) => self.chat.handle_answer(ticket, answer),
                cluster::Event::People(news) => self.chat.handle_people(&news),
                cluster::Event::Errand(errand) => self.chat.handle_errand(errand),
                cluster::Event::Outcome(outcome) => self.chat.handle_outcome(&outcome),
                cluster::Event::Guests(highest) => self.chat.handle_guests(highest),
                cluster::Event::Forgotten => self.chat.handle_forgotten(),
                cluster::Event::Reset { room, run, next } => {
                    if self.chat.handle_new_run(&room, &run, next) {
                        let name = &room.name;
                        warn!("the engine has forgotten lines of {name}, which counts anew");
                    }
                }
                cluster::Event::Up => {
                    info!("the engine works again");
                    self.chat.handle_link(true);
                }
                cluster::Event::Down(why) => {
                    warn!("the engine doesn't work: {why}");
                    self.chat.handle_link(false);
                }
                cluster::Event::Warning(text) => warn!("{text}"),
                cluster::Event::Works(_) | cluster::Event::Fails(..) => {}
            }
        }
    }

    /// Asks the store, which has to know all that was said before; or the engine, how a room
    /// goes on that others may be in.
    fn ask(&mut self, query: Query) {
        self.hand_over();
        if let Some(engines) = &self.engines
            && matches!(query.wish, Wish::Tail | Wish::Elsewhere { .. })
        {
            return engines.ask(query);
        }
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
        if let Some(engines) = &self.engines {
            if self.chat.has_submissions() && engines.has_place() {
                engines.submit(self.chat.take_submissions());
            }
            // What somebody said before a private message comes before it.
            if self.chat.has_dispatches() {
                self.chat.take_dispatches().into_iter().for_each(|it| engines.dispatch(it));
            }
        }
    }

    /// Waits for events, until the nearest deadline; gives when it began.
    fn wait(&mut self, events: &mut Events, now: Instant) -> io::Result<Instant> {
        let deadlines = [
            self.chat.poll_timeout(now),
            self.lingering.front().map(|(until, _)| *until),
            self.doorstep.deadline(),
            self.door.resume_at(),
            self.motd.as_ref().and_then(MotdFile::deadline),
            self.proxies.deadline(),
            self.tls.as_ref().and_then(Tls::deadline),
            (self.has_unread() || self.hears_later).then_some(now),
        ];
        let timeout = deadlines.into_iter().flatten().min();
        let looked = Instant::now();
        self.poll(events, timeout.map(|at| at.saturating_duration_since(looked)))?;
        if let Some(tls) = &mut self.tls {
            tls.begin_turn();
        }
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
            // On poll(2) that is a notification just being sent. It counts as not taken yet, and
            // others aren't sent until a wait succeeds: this one does, at once.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.poller.wait(events, Some(Duration::ZERO))
            }
            result => result,
        }?;
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

    /// Takes over what another thread has read again.
    fn renew(&mut self) {
        while let Ok(renewal) = self.renewals.try_recv() {
            match renewal {
                Renewal::Password(password) => self.chat.set_password(password),
                Renewal::OperatorPassword(password) => self.chat.set_operator_password(password),
                Renewal::Access(rules) => self.chat.set_access(rules),
                Renewal::Bans => {
                    let wake = self.waker();
                    if let Some(file) = &mut self.bans {
                        file.read_again(wake);
                    }
                }
            }
        }
        if let Some(file) = &mut self.bans
            && !self.chat.has_new_bans()
            && let Some(text) = file.reread()
            && let Err(error) =
                text.map_err(|it| it.to_string()).and_then(|it| self.chat.set_bans(&it))
        {
            warn!("cannot use the bans that were read again: {error}; those before stay in force");
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
            for (id, caller) in self.doorstep.take_all() {
                self.send_away(now, id, caller);
            }
            self.chat.handle_shutdown(now);
        }
        while let Some(id) = self.proxies.next_late(now) {
            self.drop_unintroduced(now, id);
        }
        for (id, caller) in self.doorstep.take_due(now) {
            self.end_waiting(now, id, caller);
        }
        while let Some(id) = self.tls.as_mut().and_then(|tls| tls.next_late(now)) {
            match self.doorstep.take(id) {
                Some(_) => self.remove(id),
                None => self.chat.handle_no_handshake(id),
            }
        }
        self.chat.handle_time(self.looks.judged());
        if self.bans.as_ref().is_some_and(BansFile::has_failed) {
            self.chat.handle_unsaved_bans();
        }
    }
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

/// Whether a connection is broken because nothing is heard of the other side.
fn is_of_silence(error: &io::Error) -> bool {
    use ErrorKind::{HostUnreachable, NetworkUnreachable, TimedOut};
    matches!(error.kind(), TimedOut | HostUnreachable | NetworkUnreachable)
}
