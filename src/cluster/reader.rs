//! The thread that reads what has got its place in rooms.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use redis::RedisResult;

use super::engine::{Engine, Entry, Place, Standing, explain};
use super::lifeline::Lifeline;
use super::messages::{Event, Options, Side, Watch};
use crate::wire::{Arrival, RoomKey};

/// How long the engine keeps a request open when nothing comes. Then rooms are compared with
/// what it says of them.
const BLOCK: Duration = Duration::from_secs(2);

/// How long a thread without rooms waits for one.
const IDLE: Duration = Duration::from_secs(3600);

/// A room that is read.
struct Watched {
    room: Arc<RoomKey>,
    /// Names the counting.
    run: Box<str>,
    /// The newest entry that was read.
    place: Place,
}

/// What the thread has.
pub(super) struct Reader {
    lifeline: Lifeline,
    incarnation: Arc<str>,
    rooms: Vec<Watched>,
    events: SyncSender<Event>,
    /// Rooms have to be compared with the engine.
    is_check_due: bool,
}

impl Reader {
    pub fn new(options: Options, incarnation: Arc<str>, events: SyncSender<Event>) -> Reader {
        let lifeline = Lifeline::new(Side::Reader, options);
        Reader { lifeline, incarnation, rooms: Vec::new(), events, is_check_due: false }
    }

    /// Works until the link is gone.
    pub fn run(mut self, watches: &Receiver<Watch>, wake: &dyn Fn()) {
        loop {
            let pause = match self.lifeline.next_attempt() {
                Some(at) => at.saturating_duration_since(Instant::now()),
                None if self.rooms.is_empty() => IDLE,
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
                // Whatever comes after the line before, topics too.
                let place = Place { number: next.saturating_sub(1), after: 0 };
                self.rooms.retain(|watched| watched.room != room);
                self.rooms.push(Watched { room, run, place });
            }
            Watch::End(room) => self.rooms.retain(|watched| watched.room != room),
        }
    }

    fn work(&mut self, wake: &dyn Fn()) {
        let is_new = self.lifeline.next_attempt().is_some();
        let (engine, event) = self.lifeline.keep();
        let asked_at = Instant::now();
        let mut events: Vec<_> = event.into_iter().collect();
        if let Some(engine) = engine {
            let result = match is_new || self.is_check_due {
                true => check(engine, &mut self.rooms, &mut events),
                false => Ok(()),
            };
            let result = result.and_then(|()| match self.rooms.is_empty() {
                true => Ok(Vec::new()),
                false => read(engine, &self.incarnation, &mut self.rooms),
            });
            match result {
                Ok(arrivals) => {
                    self.is_check_due = arrivals.is_empty();
                    if !arrivals.is_empty() {
                        events.push(Event::Arrived(arrivals));
                    }
                }
                Err(error) => events.extend(self.lifeline.lose(asked_at, &explain(&error))),
            }
        }
        for event in events {
            // It fails only when the link is gone.
            if self.events.send(event).is_ok() {
                wake();
            }
        }
    }
}

/// Compares rooms with what the engine says of them. One that counts anew is read from its next
/// line on.
fn check(engine: &mut Engine, rooms: &mut [Watched], events: &mut Vec<Event>) -> RedisResult<()> {
    for watched in rooms {
        let mut standing = engine.open(&watched.room, "")?;
        if standing.run == watched.run && standing.place < watched.place {
            // An older state of the engine: numbers would be used twice.
            standing = engine.open(&watched.room, &watched.run)?;
        }
        if standing.run == watched.run {
            continue;
        }
        let Standing { place, run, .. } = standing;
        (watched.run, watched.place) = (run.clone(), place);
        let (room, next) = (Arc::clone(&watched.room), place.number + 1);
        events.push(Event::Reset { room, run, next });
    }
    Ok(())
}

fn read(
    engine: &mut Engine,
    incarnation: &str,
    rooms: &mut [Watched],
) -> RedisResult<Vec<Arrival>> {
    let places: Vec<_> = rooms.iter().map(|watched| (&*watched.room, watched.place)).collect();
    let entries = engine.read(incarnation, &places, BLOCK)?;
    let mut arrivals = Vec::new();
    for (at, Entry { place, incarnation: from, count, is_late, what }) in entries {
        let watched = &mut rooms[at];
        watched.place = place;
        let own = (*from == *incarnation).then_some(count);
        let room = Arc::clone(&watched.room);
        arrivals.push(Arrival { room, number: place.number, own, is_late, what });
    }
    Ok(arrivals)
}
