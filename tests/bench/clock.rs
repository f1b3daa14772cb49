//! One clock for everything that is stamped: nanoseconds since the benchmark started.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

pub fn now_ns() -> u64 {
    START.elapsed().as_nanos() as u64
}

pub fn to_ns(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

/// How long it is until `ns`; zero when that has passed.
pub fn until(ns: u64) -> Duration {
    Duration::from_nanos(ns.saturating_sub(now_ns()))
}
