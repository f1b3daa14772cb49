//! What the server has counted.

use std::time::Duration;

use super::close_reason::CloseReasons;

/// What has happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Clients that were let in.
    pub clients: u64,
    /// Lines that clients said.
    pub lines: u64,
    /// Lines that slow readers missed, each counted for each reader.
    pub lines_missed: u64,
    /// Bytes that came from clients.
    pub bytes_received: u64,
    /// Bytes that the kernel took for clients.
    pub bytes_sent: u64,
    /// Requests of HTTP, those that weren't let in excepted.
    pub requests: u64,
    /// Secrets of names that weren't looked at, because too many were waiting.
    pub secrets_refused: u64,
    /// Why connections have ended.
    pub endings: CloseReasons,
    /// How long the turns of the loop took.
    pub turns: TurnTimes,
}

/// How long turns took, sorted into buckets as Prometheus wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnTimes {
    /// Turns up to each of `BOUNDS`, those of the buckets before not counted again;
    /// the last one has no bound.
    buckets: [u64; TurnTimes::BOUNDS.len() + 1],
    /// All of them together.
    pub sum: Duration,
    /// The longest one.
    pub longest: Duration,
}

impl TurnTimes {
    /// What a bucket holds at most, in microseconds.
    const BOUNDS: [u64; 11] =
        [50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 100_000, 1_000_000];

    /// A turn is over.
    pub fn add(&mut self, time: Duration) {
        let micros = time.as_nanos().div_ceil(1000) as u64;
        self.buckets[Self::BOUNDS.partition_point(|bound| *bound < micros)] += 1;
        self.sum += time;
        self.longest = self.longest.max(time);
    }

    /// Each bound with how many turns were not longer, and how many there were in all.
    pub fn cumulative(&self) -> (impl Iterator<Item = (Duration, u64)>, u64) {
        let buckets = self.buckets;
        let bounds = Self::BOUNDS.into_iter().map(Duration::from_micros);
        let counts = buckets.into_iter().scan(0, |sum, bucket| {
            *sum += bucket;
            Some(*sum)
        });
        (bounds.zip(counts), buckets.iter().sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_counts_in_its_bucket_and_in_all_larger_ones() {
        let mut turns = TurnTimes::default();
        for nanos in [50_000, 50_001, 250_000, 2_000_000_000] {
            turns.add(Duration::from_nanos(nanos));
        }
        let (buckets, total) = turns.cumulative();
        let counts: Vec<_> = buckets.map(|(_, count)| count).collect();
        assert_eq!((&counts[..], total), (&[1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3][..], 4));
        assert_eq!(turns.longest, Duration::from_secs(2));
    }
}
