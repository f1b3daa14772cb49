//! Time as a crowd measures it. A server that keeps its clients waiting lets it
//! pass; a machine that stands still for a while doesn't.

use std::time::{Duration, Instant};

/// What one step takes at most. The crowd looks at its clients in steps that are
/// much shorter, whatever a server does.
const STEP_MAX: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub struct Clock {
    time: Duration,
    last: Instant,
}

impl Clock {
    pub fn new() -> Clock {
        Clock { time: Duration::ZERO, last: Instant::now() }
    }

    /// The time since the beginning. A step is from one call to the next.
    pub fn step(&mut self) -> Duration {
        let now = Instant::now();
        self.time += (now - self.last).min(STEP_MAX);
        self.last = now;
        self.time
    }
}
