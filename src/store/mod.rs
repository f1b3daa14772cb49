//! The store: what was said in rooms, in an SQLite database that outlasts the server.
//!
//! One thread writes and reads it. The loop hands batches and queries over and takes
//! answers when they have come; it never waits for the disk.

// In reading order.
mod schema;
mod database;
mod messages;
mod keeper;
mod reader;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use self::keeper::Keeper;
pub use self::messages::{Event, Options, Start};
use self::messages::{Job, size};
pub use self::reader::{Filter, Reader};
pub use self::schema::Fault;
use crate::wire::{Batch, Query, RoomKey};

/// What the database is called in its directory.
pub const FILE_NAME: &str = "roomcast.db";

/// Bytes of lines that wait to be written at most, as `Batch::bytes` counts them.
pub const QUEUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// An open store that waits for its first batch.
pub struct Opened {
    keeper: Keeper,
    events: Receiver<Event>,
    waiting: Arc<AtomicUsize>,
    /// What it knew.
    pub start: Start,
}

/// A store at work.
pub struct Store {
    jobs: Sender<Job>,
    events: Receiver<Event>,
    /// Bytes of batches that aren't written yet.
    waiting: Arc<AtomicUsize>,
}

impl Opened {
    /// Opens a store, and looks for the end of the room `lobby`. A new one names its
    /// counting of lines `run`.
    ///
    /// # Errors
    /// Why it can't be used, for the operator.
    pub fn new(options: Options, run: &str, lobby: &RoomKey) -> Result<Opened, String> {
        let (said, events) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let mut keeper = Keeper::new(options, run, Arc::clone(&waiting), said);
        let start = keeper.start(lobby)?;
        Ok(Opened { keeper, events, waiting, start })
    }
}

impl Store {
    /// Begins to work. `wake` is called when there is an event.
    ///
    /// # Errors
    /// As the system says when it gives no thread.
    pub fn new(opened: Opened, wake: impl Fn() + Send + 'static) -> io::Result<Store> {
        let (jobs, todo) = channel();
        let Opened { keeper, events, waiting, .. } = opened;
        thread::Builder::new().name("store".into()).spawn(move || keeper.run(&todo, &wake))?;
        Ok(Store { jobs, events, waiting })
    }

    /// Whether it takes another batch.
    pub fn has_place(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) < QUEUE_BYTES_MAX
    }

    /// Has a batch written.
    pub fn write(&self, batch: Batch) {
        self.waiting.fetch_add(size(&batch), Ordering::Relaxed);
        self.send(Job::Write(batch));
    }

    /// Asks it something: an `Event::Answer` follows.
    pub fn ask(&self, query: Query) {
        self.send(Job::Answer(query));
    }

    /// The next thing that it has to say.
    pub fn next_event(&self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// Writes what is left and says where numbers go on, within `time`; false if it
    /// doesn't come to that.
    pub fn finish(&self, time: Duration) -> bool {
        let (done, is_done) = channel();
        let until = Instant::now() + time;
        self.send(Job::End { until, done });
        is_done.recv_timeout(time).unwrap_or(false)
    }

    fn send(&self, job: Job) {
        // The thread ends only with the store.
        let _ = self.jobs.send(job);
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("start", &self.start).finish_non_exhaustive()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}
