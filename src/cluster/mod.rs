//! Rooms that several servers share: one engine (Redis) orders what is said.
//!
//! Two threads talk to the engine, so the loop never waits for it: one hands over what was said
//! here and answers questions, the other one reads what has got its place. Each has a connection
//! of its own, and gives it up after any error.

// In reading order.
mod engine;
mod messages;
mod lifeline;
mod writer;
mod reader;

use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use log::warn;

pub use self::messages::{Event, Options};
use self::messages::{Job, Watch};
use self::reader::Reader;
use self::writer::Writer;
use crate::wire::{Answer, Batch, Query, RoomKey, Tail, Wish};

/// Bytes of lines that wait for the engine at most, as `Batch::bytes` counts them.
pub const QUEUE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Batches of arrivals that wait for the loop; the reader waits then.
const EVENTS_MAX: usize = 64;

/// The link to the engine.
pub struct Link {
    jobs: Sender<Job>,
    watches: Sender<Watch>,
    events: Receiver<Event>,
    /// Bytes of lines that aren't handed over yet.
    waiting: Arc<AtomicUsize>,
    /// Which sides work.
    works: [bool; 2],
}

impl Link {
    /// Begins to work; the engine need not be there. `wake` is called when there is an event.
    ///
    /// # Errors
    /// As the system says when it gives no thread.
    pub fn new(options: Options, wake: impl Fn() + Send + Clone + 'static) -> io::Result<Link> {
        let incarnation: Arc<str> = engine::random_name().into();
        let ((jobs, todo), (watches, watched)) = (channel(), channel());
        let (said, events) = sync_channel(EVENTS_MAX);
        let waiting = Arc::new(AtomicUsize::new(0));
        let writer = Writer::new(
            options.clone(),
            Arc::clone(&incarnation),
            Arc::clone(&waiting),
            said.clone(),
        );
        let woken = wake.clone();
        thread::Builder::new()
            .name("cluster-write".into())
            .spawn(move || writer.run(&todo, &woken))?;
        let reader = Reader::new(options, incarnation, said);
        thread::Builder::new()
            .name("cluster-read".into())
            .spawn(move || reader.run(&watched, &wake))?;
        Ok(Link { jobs, watches, events, waiting, works: [false; 2] })
    }

    /// A link whose engine answers within `time`, and how `room` goes on.
    ///
    /// # Errors
    /// Why it doesn't, or as the system says when it gives no thread.
    pub fn open(
        options: Options,
        room: Arc<RoomKey>,
        wake: impl Fn() + Send + Clone + 'static,
        time: Duration,
    ) -> io::Result<(Link, Tail)> {
        let until = Instant::now() + time;
        let (heard, hears) = channel();
        let wake = move || {
            wake();
            // Nobody listens later on.
            let _ = heard.send(());
        };
        let mut link = Link::new(options, wake)?;
        let mut why = io::Error::new(ErrorKind::TimedOut, "it doesn't answer");
        loop {
            match link.next_event() {
                Some(Event::Up) => {
                    link.ask(Query { ticket: 0, room: Arc::clone(&room), wish: Wish::Tail });
                }
                Some(Event::Answer(0, Answer::Tail(tail))) => return Ok((link, tail)),
                Some(Event::Answer(..)) => why = io::Error::other("it fails"),
                Some(Event::Warning(text)) => warn!("{text}"),
                Some(_) => {}
                None => {
                    let left = until.saturating_duration_since(Instant::now());
                    if hears.recv_timeout(left).is_err() {
                        return Err(why);
                    }
                }
            }
        }
    }

    /// Whether it takes another batch.
    pub fn has_place(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) < QUEUE_BYTES_MAX
    }

    /// Hands lines over: their numbers are counts of this server's lines, and grow. They come
    /// back with their places, once each.
    pub fn submit(&self, batch: Batch) {
        self.waiting.fetch_add(batch.bytes(), Ordering::Relaxed);
        self.send(Job::Submit(batch));
    }

    /// Hands over what waits, within `time`; false if it doesn't come to that.
    pub fn finish(&self, time: Duration) -> bool {
        let (done, is_done) = channel();
        self.send(Job::Flush(done));
        is_done.recv_timeout(time).unwrap_or(false)
    }

    /// Asks about a room: an `Event::Answer` follows.
    pub fn ask(&self, query: Query) {
        self.send(Job::Answer(query));
    }

    /// Reads a room from the line `next` of the counting `run` on.
    pub fn watch(&self, room: Arc<RoomKey>, run: &str, next: u64) {
        let _ = self.watches.send(Watch::Begin { room, run: run.into(), next });
        self.send(Job::Wake);
    }

    /// Doesn't read a room any more.
    pub fn unwatch(&self, room: Arc<RoomKey>) {
        let _ = self.watches.send(Watch::End(room));
        self.send(Job::Wake);
    }

    /// The next thing that it has to say.
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            let event = self.events.try_recv().ok()?;
            match event {
                Event::Works(side) => {
                    let worked = self.works == [true; 2];
                    self.works[side as usize] = true;
                    if !worked && self.works == [true; 2] {
                        return Some(Event::Up);
                    }
                }
                Event::Fails(side, why) => {
                    let worked = self.works == [true; 2];
                    self.works[side as usize] = false;
                    if worked {
                        return Some(Event::Down(why));
                    }
                }
                event => return Some(event),
            }
        }
    }

    fn send(&self, job: Job) {
        // The thread ends only with the link.
        let _ = self.jobs.send(job);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("works", &self.works).finish_non_exhaustive()
    }
}
