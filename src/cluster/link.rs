//! The link to one engine: two threads, and what the loop tells them and hears from them.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::engine;
use super::knowledge::Knowledge;
use super::messages::{Event, Job, Options, Watch};
use super::reader::Reader;
use super::writer::Writer;
use crate::wire::{Answer, Dispatch, Query, RoomKey, Submission, Tail, Wish};

/// Bytes of lines that wait for the engine at most, as `SharedLine::bytes` counts them.
pub const QUEUE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Events that wait for the loop; the threads wait then.
const EVENTS_MAX: usize = 64;

/// The link to the engine.
pub struct Link {
    incarnation: Arc<str>,
    jobs: Sender<Job>,
    watches: Sender<Watch>,
    events: Receiver<Event>,
    /// What was said while it was opened.
    early: VecDeque<Event>,
    /// Bytes of lines that aren't handed over yet.
    waiting: Arc<AtomicUsize>,
    /// Which sides work.
    works: [bool; 2],
}

/// How a server begins.
#[derive(Clone, Debug)]
pub struct Start {
    /// How its first room goes on.
    pub tail: Tail,
    /// The highest number that it has for guests.
    pub guests: u64,
}

impl Link {
    /// Begins to work; the engine need not be there. `wake` is called when there is an event.
    ///
    /// # Errors
    /// As the system says when it gives no thread.
    pub fn new(options: Options, wake: impl Fn() + Send + Clone + 'static) -> io::Result<Link> {
        Link::new_as(options, engine::random_name().into(), wake)
    }

    /// The same for the start of a server with this name.
    fn new_as(
        options: Options,
        incarnation: Arc<str>,
        wake: impl Fn() + Send + Clone + 'static,
    ) -> io::Result<Link> {
        let ((jobs, todo), (watches, watched)) = (channel(), channel());
        let (said, events) = sync_channel(EVENTS_MAX);
        let (waiting, knowledge) = (Arc::default(), Arc::<Knowledge>::default());
        let writer = Writer::new(
            options.clone(),
            Arc::clone(&incarnation),
            Arc::clone(&waiting),
            Arc::clone(&knowledge),
            said.clone(),
        );
        let woken = wake.clone();
        thread::Builder::new()
            .name("cluster-write".into())
            .spawn(move || writer.run(&todo, &woken))?;
        let reader = Reader::new(options, Arc::clone(&incarnation), knowledge, said);
        thread::Builder::new()
            .name("cluster-read".into())
            .spawn(move || reader.run(&watched, &wake))?;
        let (works, early) = ([false; 2], VecDeque::new());
        Ok(Link { incarnation, jobs, watches, events, early, waiting, works })
    }

    /// A link whose engine works within `time`, and how `room` goes on.
    ///
    /// # Errors
    /// Why it doesn't, or as the system says when it gives no thread.
    pub fn open(
        options: Options,
        incarnation: &Arc<str>,
        room: &Arc<RoomKey>,
        wake: impl Fn() + Send + Clone + 'static,
        time: Duration,
    ) -> io::Result<(Link, Start)> {
        let until = Instant::now() + time;
        let (heard, hears) = channel();
        let wake = move || {
            wake();
            // Nobody listens later on.
            let _ = heard.send(());
        };
        let mut link = Link::new_as(options, Arc::clone(incarnation), wake)?;
        link.dispatch(Dispatch::Guests);
        link.ask(Query { ticket: 0, room: Arc::clone(room), wish: Wish::Tail });
        let (mut tail, mut guests, mut early) = (None, None, VecDeque::new());
        loop {
            if link.works == [true; 2]
                && let (Some(tail), Some(guests)) = (&tail, guests)
            {
                link.early = early;
                let start = Start { tail: Tail::clone(tail), guests };
                return Ok((link, start));
            }
            let left = until.saturating_duration_since(Instant::now());
            match link.events.try_recv() {
                Ok(Event::Works(side)) => link.works[side as usize] = true,
                Ok(Event::Fails(_, why)) => return Err(io::Error::other(String::from(why))),
                Ok(Event::Answer(0, Answer::Tail(answer))) => tail = Some(answer),
                Ok(Event::Guests(highest)) => guests = Some(highest),
                // Whatever failed is said within the time.
                Ok(Event::Answer(0, _)) => {}
                Ok(event) => early.push_back(event),
                Err(_) => {
                    let is_over = hears.recv_timeout(left).is_err();
                    if is_over {
                        return Err(io::Error::new(ErrorKind::TimedOut, "it doesn't answer"));
                    }
                }
            }
        }
    }

    /// Names this start of the server.
    pub fn incarnation(&self) -> &Arc<str> {
        &self.incarnation
    }

    /// Whether it takes more lines.
    pub fn has_place(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) < QUEUE_BYTES_MAX
    }

    /// Hands lines over, with counts that grow. They come back with their places, once each.
    pub fn submit(&self, lines: Vec<Submission>) {
        let bytes = lines.iter().map(|it| it.line.bytes()).sum();
        self.waiting.fetch_add(bytes, Ordering::Relaxed);
        self.send(Job::Submit(lines));
    }

    /// Tells the other servers something.
    pub fn dispatch(&self, dispatch: Dispatch) {
        self.send(Job::Dispatch(dispatch));
    }

    /// Hands over what waits, within `time`, and says that this server ends; false if it
    /// doesn't come to that.
    pub fn finish(&self, time: Duration) -> bool {
        self.send(Job::Leave);
        self.flush(time)
    }

    /// Hands over what waits, within `time`; false if it doesn't come to that.
    pub fn flush(&self, time: Duration) -> bool {
        let (done, is_done) = channel();
        self.send(Job::Flush(done));
        is_done.recv_timeout(time).is_ok()
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
            let worked = self.works == [true; 2];
            let event = self.early.pop_front().or_else(|| self.events.try_recv().ok())?;
            match event {
                Event::Works(side) => {
                    self.works[side as usize] = true;
                    if !worked && self.works == [true; 2] {
                        return Some(Event::Up);
                    }
                }
                Event::Fails(side, why) => {
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
