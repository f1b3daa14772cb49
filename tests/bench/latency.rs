//! Latencies, kept in buckets whose width grows with the value: bounded memory, any number of
//! samples, and no value off by more than one part in 128.

use serde::{Deserialize, Serialize};

/// Buckets for each doubling of the value, as a power of two.
const STEP_BITS: u32 = 7;
const STEPS: usize = 1 << STEP_BITS;
/// Values from 2^40 ns (18 minutes) on share the last bucket.
const DOUBLINGS: usize = 40 - STEP_BITS as usize;

pub struct Histogram {
    buckets: Vec<u64>,
    samples: u64,
    max_ns: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { buckets: vec![0; STEPS * (DOUBLINGS + 1)], samples: 0, max_ns: 0 }
    }
}

impl Histogram {
    pub fn add(&mut self, ns: u64) {
        let bucket = bucket_of(ns).min(self.buckets.len() - 1);
        self.buckets[bucket] += 1;
        self.samples += 1;
        self.max_ns = self.max_ns.max(ns);
    }

    /// The value below which `share` (0 to 1) of the samples lie; `None` without samples.
    pub fn quantile_ns(&self, share: f64) -> Option<u64> {
        let wanted = ((self.samples as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        self.buckets.iter().enumerate().find_map(|(bucket, &samples)| {
            seen += samples;
            (seen >= wanted).then(|| middle_of(bucket).min(self.max_ns))
        })
    }

    pub fn quantiles(&self) -> Quantiles {
        let quantile = |share| self.quantile_ns(share).unwrap_or(0);
        Quantiles { p50_ns: quantile(0.5), p99_ns: quantile(0.99) }
    }
}

/// What a table shows of latencies; zeros of none.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub struct Quantiles {
    pub p50_ns: u64,
    pub p99_ns: u64,
}

/// Below `STEPS` a bucket a nanosecond; above, `STEPS` buckets for each doubling.
fn bucket_of(ns: u64) -> usize {
    let doubling = (u64::BITS - ns.leading_zeros()).saturating_sub(STEP_BITS + 1);
    doubling as usize * STEPS + (ns >> doubling) as usize
}

fn middle_of(bucket: usize) -> u64 {
    let doubling = (bucket / STEPS).saturating_sub(1);
    let step = (bucket - doubling * STEPS) as u64;
    (step << doubling) + (1 << doubling) / 2
}
