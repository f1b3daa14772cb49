//! Hashes of secrets that are no hashes: they come at once, later, or not at all.

use std::collections::VecDeque;

use fastrand::Rng;
use roomcast::chat::{SecretJob, Verdict};

/// What waits at most, as in the real one.
const JOBS_MAX: usize = 16;

#[derive(Default)]
pub struct Hasher {
    jobs: VecDeque<SecretJob>,
    /// Jobs for which there was no place.
    refused: Vec<u64>,
}

impl Hasher {
    pub fn ask(&mut self, job: SecretJob) {
        match self.jobs.len() < JOBS_MAX {
            true => self.jobs.push_back(job),
            false => self.refused.push(job.ticket),
        }
    }

    pub fn is_busy(&self) -> bool {
        !self.jobs.is_empty() || !self.refused.is_empty()
    }

    /// A verdict, if there is one now.
    pub fn answer(&mut self, rng: &mut Rng) -> Option<(u64, Verdict)> {
        if let Some(ticket) = self.refused.pop() {
            return Some((ticket, Verdict::Busy));
        }
        if !self.jobs.is_empty() && rng.u8(..4) == 0 {
            return None;
        }
        let SecretJob { ticket, secret, hash } = self.jobs.pop_front()?;
        let made = format!("hash of {}", String::from_utf8_lossy(secret.bytes()));
        let verdict = match hash {
            None if rng.u8(..16) == 0 => Verdict::Failed,
            None => Verdict::Hashed(made.into()),
            Some(hash) if *hash == *made => Verdict::Right,
            Some(_) => Verdict::Wrong,
        };
        Some((ticket, verdict))
    }
}
