//! What time it is: the caller says it, and nothing in `chat` reads a clock.

use std::time::{Duration, Instant};

use crate::wire::Time;

/// The two clocks, as they were told last.
///
/// All durations go by the first: nobody sets it. The one on the wall is for people
/// to see and for files.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    now: Instant,
    wall: Time,
}

/// A time by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub now: Instant,
    /// By the clock on the wall, in seconds since 1970.
    pub wall: Time,
}

impl Clock {
    pub fn new(now: Instant) -> Clock {
        Clock { started: now, now, wall: 0 }
    }

    /// It is `now`. A time before one that was told already changes nothing.
    pub fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    pub fn set_wall(&mut self, seconds: u64) {
        self.wall = u32::try_from(seconds).unwrap_or(Time::MAX);
    }

    pub fn now(&self) -> Instant {
        self.now
    }

    /// The time on the wall, in seconds since 1970.
    pub fn wall(&self) -> Time {
        self.wall
    }

    pub fn moment(&self) -> Moment {
        Moment { now: self.now, wall: self.wall }
    }

    /// How long the server has run.
    pub fn running(&self) -> Duration {
        self.now.duration_since(self.started)
    }

    /// The same in whole seconds. Whatever took so long or was so long ago is told by
    /// this.
    pub fn uptime(&self) -> u32 {
        u32::try_from(self.running().as_secs()).unwrap_or(u32::MAX)
    }
}
