//! All clients, and the loop that drives them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::Fault;
use crate::client::{Client, Fate, Phase, Scene};
use crate::connection::Connection;
use crate::kinds;
use crate::options::Options;
use crate::order::Order;
use crate::server::Server;
use crate::visit::{ROOMS, Reading, Visit};
use crate::watcher::State;

const TICK: Duration = Duration::from_millis(20);
const REPORT_INTERVAL: Duration = Duration::from_secs(10);
const EVENTS_MAX: usize = 1024;
/// Who comes in one tick at most.
const NEWCOMERS_MAX: usize = 10;
/// Lines to all clients together in a second, so that everyone can keep up.
const DELIVERIES: usize = 60_000;
/// A place is free for so long at most, for each client that there is.
const GAP_PER_CLIENT: Duration = Duration::from_millis(4);
/// Of all clients, one in so many talks.
const TALKERS_IN: usize = 10;
/// Everything said is heard, and everybody is gone, in this time.
const PATIENCE: Duration = Duration::from_secs(90);
/// What a slow client reads in a second, and when it reads. (Much less would look
/// like nothing to the server: its kernel takes more for it 64 KB later.)
const SLOW_BYTES_A_SECOND: usize = 12_000;
const SLOW_READ_MIN: usize = 1000;
/// Its memory may grow by so much after the first half of the time.
const GROWTH_KIB_MAX: usize = 16 * 1024;

pub struct Crowd {
    server: Server,
    scene: Scene,
    /// A place for each client: a client that comes, and when the next one does.
    places: Vec<(Option<Client>, Instant)>,
    /// What those said who are gone, and whether all of it must be heard.
    gone: HashMap<u32, Gone>,
    senders: u32,
    /// Closed by the server unasked, as those who are stuck.
    closed: usize,
    ticked: Instant,
    clients: usize,
    time: Duration,
    start: Instant,
    reported: Instant,
    memory_kib_half: Option<usize>,
    buffer: Box<[u8]>,
    events: Vec<epoll::Event>,
}

struct Gone {
    room: usize,
    said: u32,
    is_whole: bool,
}

impl Crowd {
    pub fn new(options: &Options) -> Result<Crowd, Fault> {
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        setrlimit(Resource::Nofile, limit).map_err(|error| error.to_string())?;
        let epoll =
            epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|error| error.to_string())?;
        let (clients, now) = (options.clients, Instant::now());
        let talkers = clients.div_ceil(TALKERS_IN);
        let scene = Scene {
            epoll,
            dice: fastrand::Rng::with_seed(options.seed),
            phase: Phase::Gathering,
            orders: Default::default(),
            lags: Default::default(),
            talk_interval: Duration::from_secs(1)
                .mul_f64((talkers * clients) as f64 / DELIVERIES as f64),
            delivered: 0,
        };
        Ok(Crowd {
            server: Server::start(&options.roomcast)?,
            scene,
            places: Vec::new(),
            gone: HashMap::new(),
            senders: 0,
            closed: 0,
            ticked: now,
            clients,
            time: options.time(),
            start: now,
            reported: now,
            memory_kib_half: None,
            buffer: vec![0; 1 << 16].into(),
            events: Vec::with_capacity(EVENTS_MAX),
        })
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Result<(), Fault> {
        let before = State::of(&self.server)?;
        // About a fifth of the places are free at any time.
        let places = (self.clients * 5 / 4).max(ROOMS.len());
        self.places.resize_with(places, || (None, self.start));
        for room in 0..ROOMS.len() {
            self.join(room, kinds::reference(room))?;
        }
        self.turn_until("the references are there", |crowd| {
            crowd.clients().all(Client::is_settled)
        })?;
        self.scene.phase = Phase::Talking;
        while self.start.elapsed() < self.time {
            self.turn()?;
        }
        self.check_memory()?;
        self.scene.phase = Phase::Settling;
        self.turn_until("everyone has heard everything", Crowd::is_all_heard)?;
        self.scene.phase = Phase::Leaving;
        self.turn_until("everybody is gone", |crowd| crowd.clients().next().is_none())?;
        self.report()?;
        let after = before.comes_back(&self.server)?;
        println!("at the start {before:?}, at the end {after:?}");
        Ok(())
    }

    fn clients(&self) -> impl Iterator<Item = &Client> {
        self.places.iter().filter_map(|(client, _)| client.as_ref())
    }

    fn turn_until(&mut self, what: &str, is_so: impl Fn(&Crowd) -> bool) -> Result<(), Fault> {
        let start = Instant::now();
        while !is_so(self) {
            if start.elapsed() > PATIENCE {
                return Err(format!("it takes too long until {what}"));
            }
            self.turn()?;
        }
        Ok(())
    }

    /// Waits for something to do, and does it.
    fn turn(&mut self) -> Result<(), Fault> {
        let next = self.ticked + TICK;
        let timeout = Timespec::try_from(next.saturating_duration_since(Instant::now()));
        let timeout = timeout.expect("a short time");
        self.events.clear();
        match epoll::wait(&self.scene.epoll, spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.to_string()),
        }
        for at in 0..self.events.len() {
            let epoll::Event { flags, data } = self.events[at];
            self.handle_event(data.u64(), flags)?;
        }
        let now = Instant::now();
        if now >= next {
            self.ticked = now;
            self.tick(now)?;
        }
        Ok(())
    }

    fn handle_event(&mut self, key: u64, flags: epoll::EventFlags) -> Result<(), Fault> {
        let (place, sender) = ((key >> 32) as usize, key as u32);
        let Some(client) = self.places[place].0.as_mut().filter(|client| client.sender == sender)
        else {
            return Ok(());
        };
        if flags.contains(epoll::EventFlags::OUT) {
            client.flush(&self.scene)?;
        }
        let is_over = flags.intersects(epoll::EventFlags::HUP | epoll::EventFlags::ERR);
        let fate = match client.visit.reading {
            Reading::Never if is_over => Fate::Ended { is_whole: false },
            _ if is_over || flags.contains(epoll::EventFlags::IN) => {
                client.read(&mut self.scene, &mut self.buffer)?
            }
            _ => Fate::Stays,
        };
        self.settle(place, fate);
        Ok(())
    }

    /// Somebody may be gone.
    fn settle(&mut self, place: usize, fate: Fate) {
        if fate == Fate::Stays {
            return;
        }
        let Some(client) = self.places[place].0.take() else { return };
        let (sender, room, said) = (client.sender, client.visit.room, client.said);
        let is_whole = fate == Fate::Ended { is_whole: true };
        if fate == Fate::Resets {
            client.reset();
        } else if !is_whole {
            self.closed += 1;
        }
        self.gone.insert(sender, Gone { room, said, is_whole });
        // The more there are, the more hear of each who comes.
        let pause = GAP_PER_CLIENT * self.clients as u32;
        self.places[place].1 = Instant::now() + pause.mul_f64(self.scene.dice.f64());
    }

    /// What is to be done every now and then.
    fn tick(&mut self, now: Instant) -> Result<(), Fault> {
        if now >= self.reported + REPORT_INTERVAL {
            self.reported = now;
            self.report()?;
        }
        let mut newcomers = 0;
        for place in 0..self.places.len() {
            let (client, next) = &mut self.places[place];
            if let Some(client) = client {
                let fate = Self::drive(client, &mut self.scene, now)?;
                self.settle(place, fate);
            } else if self.scene.phase == Phase::Talking
                && now >= *next
                && newcomers < NEWCOMERS_MAX
            {
                newcomers += 1;
                let visit = self.next_visit(place);
                self.join(place, visit)?;
            }
        }
        self.compare()?;
        if self.memory_kib_half.is_none() && self.start.elapsed() > self.time / 2 {
            self.memory_kib_half = Some(self.server.memory_kib()?);
        }
        Ok(())
    }

    fn drive(client: &mut Client, scene: &mut Scene, now: Instant) -> Result<Fate, Fault> {
        if scene.phase >= Phase::Settling && !client.stays_to_the_end() {
            // What it still says isn't waited for.
            return Ok(Fate::Resets);
        }
        if client.visit.reading == Reading::Slowly {
            let time = now.duration_since(client.last_read);
            let bytes = (SLOW_BYTES_A_SECOND as f64 * time.as_secs_f64()) as usize;
            if bytes >= SLOW_READ_MIN {
                client.last_read = now;
                let fate = client.read(scene, &mut vec![0; bytes])?;
                if fate != Fate::Stays {
                    return Ok(fate);
                }
            }
        }
        client.act(scene, now)
    }

    /// Compares what all were sent with what the references were sent.
    fn compare(&mut self) -> Result<(), Fault> {
        let mut read: [u64; ROOMS.len()] =
            std::array::from_fn(|room| self.scene.orders[room].end());
        self.scene.lags = Default::default();
        for (client, _) in &mut self.places {
            let Some(client) = client else { continue };
            let room = client.visit.room;
            let order = &self.scene.orders[room];
            client.skip_gap(order)?;
            if let Some(cursor) = &client.cursor {
                read[room] = read[room].min(cursor.place().unwrap_or(u64::MAX));
                self.scene.lags[room] = self.scene.lags[room].max(cursor.lag(order));
            }
        }
        for (order, read) in self.scene.orders.iter_mut().zip(read) {
            order.forget(read);
        }
        Ok(())
    }

    fn next_visit(&mut self, place: usize) -> Visit {
        let dice = &mut self.scene.dice;
        if place != ROOMS.len() {
            return kinds::for_place(place, dice);
        }
        // One place is for floods, so that there is one at a time.
        let load = (kinds::FLOOD_LINES_MAX as usize * self.clients) as f64 / DELIVERIES as f64;
        let pause = Duration::from_secs_f64(load * (0.5 + dice.f64()));
        kinds::flood(dice, pause)
    }

    fn join(&mut self, place: usize, visit: Visit) -> Result<(), Fault> {
        self.senders += 1;
        let key = (place as u64) << 32 | u64::from(self.senders);
        let server = if visit.is_telnet { self.server.telnet } else { self.server.plain };
        let connection = Connection::open(&self.scene.epoll, key, server, visit.reading);
        let connection = connection.map_err(|error| format!("nobody comes in: {error}"))?;
        let client = Client::new(visit, self.senders, connection, Instant::now());
        self.places[place].0 = Some(client);
        Ok(())
    }

    fn is_all_heard(&self) -> bool {
        let is_heard = |room: usize, sender, said| self.scene.orders[room].heard(sender) == said;
        let hears = |client: &Client| {
            let order = &self.scene.orders[client.visit.room];
            let is_read = client.cursor.as_ref().is_some_and(|cursor| cursor.is_at_end(order));
            is_read && is_heard(client.visit.room, client.sender, client.said)
        };
        let mut gone = self.gone.iter().filter(|(_, gone)| gone.is_whole);
        self.clients().all(hears)
            && gone.all(|(sender, gone)| is_heard(gone.room, *sender, gone.said))
    }

    fn check_memory(&self) -> Result<(), Fault> {
        let (half, now) = (self.memory_kib_half.unwrap_or(usize::MAX), self.server.memory_kib()?);
        match now <= half.saturating_add(GROWTH_KIB_MAX) {
            true => Ok(()),
            false => Err(format!("its memory grows: {half} KiB at half time, {now} KiB now")),
        }
    }

    fn report(&self) -> Result<(), Fault> {
        println!(
            "{:4} s: {} clients, {} came, {} closed by the server, {} lines said, {} delivered, \
             {} KiB, {} descriptors",
            self.start.elapsed().as_secs(),
            self.clients().count(),
            self.senders,
            self.closed,
            self.scene.orders.iter().map(Order::end).sum::<u64>(),
            self.scene.delivered,
            self.server.memory_kib()?,
            self.server.descriptors()?,
        );
        Ok(())
    }
}
