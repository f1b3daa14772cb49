//! A token bucket: so many at once, and then one in each interval.
//!
//! It is kept as the one time at which it is full again (the generic cell rate
//! algorithm, ITU-T I.371, annex A), so nothing has to be done while time passes.

use std::time::{Duration, Instant};

/// How much a bucket holds, and how fast it fills.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// The time in which one more comes.
    pub interval: Duration,
    /// The time in which an empty bucket fills.
    pub period: Duration,
}

impl Limit {
    /// A bucket for `count` at once, at least 1, that fills in `period`.
    pub fn new(count: u32, period: Duration) -> Limit {
        Limit { interval: period / count.max(1), period }
    }
}

/// How fast a client may talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Lines a second in the long run, at least 1.
    pub lines_per_second: u32,
    /// Lines that may come at once, at least 1.
    pub burst: u32,
}

impl Rate {
    pub(in crate::chat) fn limit(self) -> Limit {
        let interval = Duration::from_secs(1) / self.lines_per_second.max(1);
        Limit { interval, period: interval * self.burst.max(1) }
    }
}

/// What is left to one client, address or log. A new one is full.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    /// Takes one out.
    ///
    /// # Errors
    /// If there is none: when there will be one.
    pub fn take(&mut self, limit: &Limit, now: Instant) -> Result<(), Instant> {
        let full_at = self.full_at.map_or(now, |at| at.max(now)) + limit.interval;
        if full_at > now + limit.period {
            return Err(full_at - limit.period);
        }
        self.full_at = Some(full_at);
        Ok(())
    }

    /// Takes `count` more, whether there are so many or not: who has had them waits
    /// longer.
    pub fn owe(&mut self, limit: &Limit, now: Instant, count: u32) {
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        self.full_at = Some(full_at + limit.interval * count);
    }
}
