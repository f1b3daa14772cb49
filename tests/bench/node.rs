//! A server's link to the engine without the server: it hands lines over and reads them, through
//! the code that servers use.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, UNIX_EPOCH};

use roomcast::cluster::{Event, Link};
use roomcast::wire::{Arrival, Kind, RoomKey, SharedLine, Submission, Tail};

use crate::engine::Engine;
use crate::payload::{self, Mark};

const PATIENCE: Duration = Duration::from_secs(10);
const LINE_BYTES: usize = 64;

pub struct Node {
    link: Link,
    woken: Receiver<()>,
    room: Arc<RoomKey>,
    /// Names the counting of lines.
    run: Box<str>,
    /// The number of the next line when this one came.
    next: u64,
    said: u64,
}

impl Node {
    pub fn join(engine: &Engine, room: &str) -> Result<Node, Box<dyn std::error::Error>> {
        let room = Arc::new(RoomKey { name: room.into(), looks: [room, room].map(Into::into) });
        let (waker, woken) = channel();
        // It fails only when the node is gone.
        let wake = move || _ = waker.send(());
        static NODES: AtomicUsize = AtomicUsize::new(0);
        let name = format!("node{}", NODES.fetch_add(1, Ordering::Relaxed)).into();
        let (link, start) = Link::open(engine.options()?, &name, &room, wake, PATIENCE)?;
        let Tail { run, next, .. } = start.tail;
        Ok(Node { link, woken, room, run: run.ok_or("the counting has no name")?, next, said: 0 })
    }

    /// Its count of a line, if it has handed it over.
    pub fn own(&self, arrival: &Arrival) -> Option<u64> {
        (arrival.server == *self.link.incarnation()).then_some(arrival.count)
    }

    /// Lines that it has handed over.
    pub fn said(&self) -> u64 {
        self.said
    }

    /// The number of the next line when it came.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Hands over so many lines at once.
    pub fn say(&mut self, lines: u64) {
        let mut batch = Vec::new();
        let time = UNIX_EPOCH.elapsed().unwrap_or_default().as_secs() as u32;
        let mut text = Vec::new();
        for number in self.said + 1..=self.said + lines {
            text.clear();
            Mark { kind: payload::Kind::Load, sender: 0, counter: number as u32 }
                .encode(LINE_BYTES, &mut text);
            let (author, kind, from) = (1, Kind::Said, "bench".into());
            let text = String::from_utf8_lossy(&text).into();
            let line =
                SharedLine { author, time, kind, from, text, facts: "".into(), change: None };
            batch.push(Submission { room: Arc::clone(&self.room), count: number, line });
        }
        self.said += lines;
        self.link.submit(batch);
    }

    /// Returns when the engine has answered for all that was handed over.
    pub fn wait_for_answer(&self) -> io::Result<()> {
        match self.link.flush(PATIENCE) {
            true => Ok(()),
            false => Err(io::Error::other("the engine doesn't take what is said")),
        }
    }

    /// From now on it reads, from the line `next` on.
    pub fn read_from(&self, next: u64) {
        self.link.watch(Arc::clone(&self.room), &self.run, next);
    }

    /// What has arrived; waits for something, `timeout` at most.
    pub fn hear(&mut self, timeout: Duration) -> io::Result<Vec<Arrival>> {
        let mut arrived = Vec::new();
        if self.woken.recv_timeout(timeout).is_ok() {
            while self.woken.try_recv().is_ok() {}
            while let Some(event) = self.link.next_event() {
                match event {
                    Event::Arrived(arrivals) => arrived.extend(arrivals),
                    Event::Reset { .. } => return Err(io::Error::other("the room counts anew")),
                    Event::Down(why) => return Err(io::Error::other(&*why)),
                    _ => {}
                }
            }
        }
        Ok(arrived)
    }
}
