//! The thread that reads what other servers have to say: lines of rooms, news about people, and
//! errands.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use redis::{RedisResult, Value};

use super::entries::{entries, streams};
use super::inbox::{self, Inbox};
use super::knowledge::Knowledge;
use super::lifeline::Lifeline;
use super::messages::{Event, Options, Side, Watch};
use super::people::{NEWS_KEY, NewsPlace, news};
use super::rooms::{Entry, Known};
use super::watched::{SERVERS_MAX, Watched};
use crate::wire::Arrival;

/// How long the engine keeps a request open when nothing comes, and how often what is known of
/// it is compared with what it says.
const BLOCK: Duration = Duration::from_secs(2);

/// Rooms that are compared at once.
const CHECKED_ROOMS: usize = 32;

/// What the thread has.
pub(super) struct Reader {
    lifeline: Lifeline,
    incarnation: Arc<str>,
    rooms: Vec<Watched>,
    /// Where the news about people are; `None`: everything has to be read.
    news: Option<NewsPlace>,
    inbox: Inbox,
    knowledge: Arc<Knowledge>,
    events: SyncSender<Event>,
    /// When what is known has to be compared with the engine.
    check_at: Instant,
    asked_at: Instant,
    /// How many rooms were compared so far.
    checked: usize,
    /// The names of servers, so that there is one of each.
    servers: HashMap<Box<str>, Arc<str>>,
}

impl Reader {
    pub fn new(
        options: Options,
        incarnation: Arc<str>,
        knowledge: Arc<Knowledge>,
        events: SyncSender<Event>,
    ) -> Reader {
        let now = Instant::now();
        Reader {
            lifeline: Lifeline::new(Side::Reader, options),
            inbox: Inbox::new(&incarnation),
            incarnation,
            rooms: Vec::new(),
            news: None,
            knowledge,
            events,
            check_at: now,
            asked_at: now,
            checked: 0,
            servers: HashMap::new(),
        }
    }

    /// Works until the link is gone.
    pub fn run(mut self, watches: &Receiver<Watch>, wake: &dyn Fn()) {
        loop {
            let pause = match self.lifeline.next_attempt() {
                Some(at) => at.saturating_duration_since(Instant::now()),
                None => Duration::ZERO,
            };
            match watches.recv_timeout(pause) {
                Ok(watch) => {
                    self.take(watch);
                    while let Ok(watch) = watches.try_recv() {
                        self.take(watch);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.work(wake);
        }
    }

    fn take(&mut self, watch: Watch) {
        match watch {
            Watch::Begin { room, run, next } => {
                self.rooms.retain(|watched| watched.room != room);
                let known = Known { run, newest: next.saturating_sub(1) };
                self.knowledge.learn(&room, &known);
                self.rooms.push(Watched::new(room, known));
            }
            Watch::End(room) => {
                self.knowledge.forget(&room);
                self.rooms.retain(|watched| watched.room != room);
            }
        }
    }

    fn work(&mut self, wake: &dyn Fn()) {
        let mut events = Vec::new();
        match self.try_work(&mut events) {
            Ok(true) => events.extend(self.lifeline.works()),
            Ok(false) => {}
            Err(error) => events.extend(self.lifeline.lose(self.asked_at, &error)),
        }
        for event in events {
            // It fails only when the link is gone.
            if self.events.send(event).is_ok() {
                wake();
            }
        }
    }

    /// Reads once; false if it isn't time to try it.
    fn try_work(&mut self, events: &mut Vec<Event>) -> RedisResult<bool> {
        let is_new = self.lifeline.engine().is_none();
        self.asked_at = Instant::now();
        if !self.lifeline.connect()? {
            return Ok(false);
        }
        if is_new || Instant::now() >= self.check_at {
            self.check(is_new, events)?;
        }
        self.asked_at = Instant::now();
        let Some(engine) = self.lifeline.engine() else { return Ok(false) };
        if self.news.is_none() {
            let everything = engine.everything(&self.incarnation)?;
            self.news = Some(everything.place);
            events.push(Event::People(everything.news));
        }
        // What has to be told first isn't kept waiting.
        let block = if events.is_empty() && !is_new { BLOCK } else { Duration::ZERO };
        let number = self.news.as_ref().map_or(0, |place| place.number);
        let found = inbox::read(engine, &self.inbox, number, &self.rooms, block)?;
        self.sort(&found, events)?;
        Ok(true)
    }

    /// Compares what is known with what the engine says: of all rooms, or of some of them in
    /// their turn. A room in which something is said needs none: each entry has its counting.
    fn check(&mut self, is_all: bool, events: &mut Vec<Event>) -> RedisResult<()> {
        let Some(engine) = self.lifeline.engine() else { return Ok(()) };
        let rooms = self.rooms.len();
        let count = if is_all { rooms } else { rooms.min(CHECKED_ROOMS) };
        for step in 0..count {
            let watched = &mut self.rooms[(self.checked + step) % rooms];
            self.asked_at = Instant::now();
            let standing = engine.open(&watched.room, &watched.known)?;
            // What is before a new counting is still read, and says itself where that begins.
            let is_over = watched.known.newest >= standing.base;
            if standing.known.run != watched.known.run && is_over {
                watched.begin_run(&standing.known.run, standing.base, events);
                self.knowledge.learn(&watched.room, &watched.known);
            }
        }
        self.checked = self.checked.wrapping_add(count);
        self.asked_at = Instant::now();
        if let Some(place) = &self.news
            && !engine.goes_on(place)?
        {
            self.news = None;
        }
        self.check_at = Instant::now() + BLOCK;
        Ok(())
    }

    /// Makes events of what was read.
    fn sort(&mut self, found: &Value, events: &mut Vec<Event>) -> RedisResult<()> {
        let stream = |key: &str| streams(found).find(|(other, _)| *other == key);
        if let Some((_, news)) = stream(NEWS_KEY) {
            self.sort_news(news, events);
        }
        // They come in the order in which they were asked for.
        let mut at = 0;
        for (key, stream) in streams(found) {
            let room = self.rooms[at..].iter().position(|watched| watched.key == key);
            if let Some(further) = room {
                at += further;
                self.sort_lines(at, stream, events)?;
            }
        }
        // What somebody said before it comes before it.
        if let Some((_, letters)) = stream(self.inbox.key()) {
            events.extend(self.inbox.sort(letters));
        }
        Ok(())
    }

    fn sort_lines(
        &mut self,
        at: usize,
        stream: &Value,
        events: &mut Vec<Event>,
    ) -> RedisResult<()> {
        let watched = &mut self.rooms[at];
        let mut arrivals = Vec::new();
        for raw in entries(stream) {
            let Some(number) = raw.number() else { continue };
            let Some(entry) = Entry::parse(number, raw) else {
                // One of a later version: it counts as missing.
                watched.known.newest = number;
                continue;
            };
            if *entry.run != *watched.known.run {
                if !arrivals.is_empty() {
                    events.push(Event::Arrived(std::mem::take(&mut arrivals)));
                }
                let Some(engine) = self.lifeline.engine() else { return Ok(()) };
                let standing = engine.open(&watched.room, &watched.known)?;
                if *standing.known.run != *entry.run && number > standing.base {
                    // Entries of an earlier counting are before the base of this one. It is of no
                    // counting, and counts as missing.
                    watched.known.newest = number;
                    continue;
                }
                if *standing.known.run == *entry.run {
                    // It may have begun before what was read so far.
                    watched.begin_run(entry.run, standing.base, events);
                    break;
                }
                watched.begin_run(entry.run, number.saturating_sub(1), events);
            }
            watched.known.newest = number;
            let server = server(&mut self.servers, entry.server);
            let Entry { count, is_late, line, .. } = entry;
            let room = Arc::clone(&watched.room);
            let is_again = watched.was_read(&server, count);
            arrivals.push(Arrival { room, number, server, count, is_late, is_again, line });
        }
        self.knowledge.learn(&watched.room, &watched.known);
        if !arrivals.is_empty() {
            events.push(Event::Arrived(arrivals));
        }
        Ok(())
    }

    fn sort_news(&mut self, stream: &Value, events: &mut Vec<Event>) {
        let mut told = Vec::new();
        for raw in entries(stream) {
            let Some(place) = &mut self.news else { break };
            let Some(number) = raw.number() else { continue };
            if number != place.number + 1 || raw.text("e") != Some(&*place.epoch) {
                // Something is missing.
                self.news = None;
                break;
            }
            place.number = number;
            let fields = (raw.text("k"), raw.text("i"), raw.text("d"));
            let (Some(kind), Some(server), Some(data)) = fields else { continue };
            // What it has told others itself it knows better.
            if *server != *self.incarnation {
                told.extend(news(kind, server, data, number));
            }
        }
        if !told.is_empty() {
            events.push(Event::People(told));
        }
    }
}

/// The one name of a server.
fn server(servers: &mut HashMap<Box<str>, Arc<str>>, name: &str) -> Arc<str> {
    if let Some(server) = servers.get(name) {
        return Arc::clone(server);
    }
    // As many as there have been starts of servers; those of long ago aren't needed.
    if servers.len() >= SERVERS_MAX {
        servers.clear();
    }
    let server: Arc<str> = name.into();
    servers.insert(name.into(), Arc::clone(&server));
    server
}
