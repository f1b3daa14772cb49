//! Signs of life of the loop, for other threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use polling::Poller;

/// What the loop leaves behind in each turn. Nobody waits for anybody here.
#[derive(Debug)]
pub struct Pulse {
    poller: Arc<Poller>,
    turns: AtomicU64,
    clients: AtomicUsize,
}

impl Pulse {
    pub(super) fn new(poller: Arc<Poller>) -> Pulse {
        Pulse { poller, turns: AtomicU64::new(0), clients: AtomicUsize::new(0) }
    }

    /// A turn is over.
    pub(super) fn beat(&self, clients: usize) {
        self.clients.store(clients, Ordering::Relaxed);
        self.turns.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes the loop take a turn, also if nothing happens.
    pub fn wake(&self) {
        // It fails only if the process has no descriptor to write to; then nobody hears of a
        // turn either.
        let _ = self.poller.notify();
    }

    /// Turns so far.
    pub fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// Clients that are connected.
    pub fn clients(&self) -> usize {
        self.clients.load(Ordering::Relaxed)
    }
}
