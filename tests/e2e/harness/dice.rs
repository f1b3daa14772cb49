//! Chance that can be repeated.

use std::ops::Range;

/// Names the seed to run with.
const SEED: &str = "ROOMCAST_SEED";

/// Random numbers. A failing test shows the seed that they come from;
/// `ROOMCAST_SEED` takes it.
pub struct Dice(fastrand::Rng);

impl Dice {
    pub fn new() -> Dice {
        let seed = match std::env::var(SEED) {
            Ok(seed) => seed.parse().expect("a seed is a number"),
            Err(_) => fastrand::u64(..),
        };
        // Shown if the test fails.
        println!("{SEED}={seed}");
        Dice(fastrand::Rng::with_seed(seed))
    }

    /// Dice for another thread.
    pub fn fork(&mut self) -> Dice {
        Dice(self.0.fork())
    }

    /// A number from 0 on below 1.
    pub fn fraction(&mut self) -> f64 {
        self.0.f64()
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0.usize(..end)
    }

    /// Cuts `bytes` into pieces of random lengths.
    pub fn cut<'a>(&mut self, mut bytes: &'a [u8], lengths: Range<usize>) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            let length = self.0.usize(lengths.clone()).min(bytes.len());
            let (piece, rest) = bytes.split_at(length);
            pieces.push(piece);
            bytes = rest;
        }
        pieces
    }
}
