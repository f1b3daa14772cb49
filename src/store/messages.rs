//! What the loop and the thread of the store tell each other.

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use crate::wire::{Answer, Batch, KeptName, Query, StoreState, Tail};

/// What a batch takes in memory beside its lines, about.
const BATCH_BYTES: usize = 256;

/// Where lines are stored, and for how long.
#[derive(Clone, Debug)]
pub struct Options {
    /// The database; it is made if it isn't there.
    pub path: PathBuf,
    /// Lines that are older are deleted; `None`: they may stay.
    pub keep: Option<Duration>,
    /// The oldest lines are deleted when the database takes more bytes.
    pub keep_bytes: u64,
}

/// What a store has to say.
#[derive(Clone, Debug)]
pub enum Event {
    /// To the query with this ticket.
    Answer(u64, Answer),
    /// How it does has changed.
    State(StoreState),
}

/// What a store knows when it is opened.
#[derive(Clone, Debug)]
pub struct Start {
    /// Names the counting of lines, which goes on.
    pub run: String,
    /// No line has a higher number.
    pub highest: u64,
    /// The end of the room that was asked for.
    pub lobby: Tail,
    /// The names that are registered.
    pub names: Vec<KeptName>,
}

/// What the thread is to do.
pub enum Job {
    Write(Batch),
    Answer(Query),
    /// It is told whether all was written by then.
    End {
        until: Instant,
        done: Sender<bool>,
    },
}

/// What a batch counts for in the queue.
pub fn size(batch: &Batch) -> usize {
    BATCH_BYTES + batch.bytes()
}
