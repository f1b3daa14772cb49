//! Which seeds a scenario runs with, and what is said of one that fails.
//!
//! | environment | seeds of each scenario |
//! |---|---|
//! | nothing | the fixed ones, then some fresh ones |
//! | `CI=true` | the same, then fresh ones for its share of one minute |
//! | `SIM_SEEDS=N` | the fixed ones, then N fresh ones |
//! | `SIM_SEED=N` | that one |
//! | `SIM_MINUTES=N` | fresh ones for its share of N minutes, on every processor |
//!
//! `SIM_FAULTS=resets,stalls` is what may go wrong then, whatever the seeds say.

use std::any::Any;
use std::io::Write;
use std::ops::Range;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::SCENARIOS;
use crate::faults::Faults;

/// How long all scenarios together run with fresh seeds under `CI=true`.
const CI_TIME: Duration = Duration::from_secs(30);

/// Failures after which the next scenario has its turn.
const FAILURES_MAX: usize = 5;

const MINUTE: Duration = Duration::from_secs(60);

/// Something that is simulated with many seeds.
pub struct Scenario {
    /// The name of its test.
    pub test: &'static str,
    pub fixed: Range<u64>,
    /// Seeds that have failed once.
    pub found: &'static [u64],
    /// How many fresh seeds, unless more is asked for.
    pub fresh: u64,
    pub run: fn(&mut Rng, Faults),
}

/// Only one scenario has the processors at a time.
static PROCESSORS: Mutex<()> = Mutex::new(());

impl Scenario {
    /// Runs it as the environment says. Panics if a seed fails.
    pub fn check(&self) {
        if let Some(seed) = number("SIM_SEED") {
            return self.run_one(seed);
        }
        if let Some(minutes) = number("SIM_MINUTES") {
            return self.hunt(Duration::from_secs(60 * minutes));
        }
        let fresh = fresh_seed();
        let count = number("SIM_SEEDS").unwrap_or(self.fresh);
        let known = self.fixed.clone().chain(self.found.iter().copied());
        for seed in known.chain(fresh..fresh + count) {
            self.run_one(seed);
        }
        if std::env::var("CI").is_ok_and(|ci| ci == "true") {
            self.hunt(CI_TIME);
        }
    }

    pub fn run_one(&self, seed: u64) {
        if let Err(failure) = self.try_one(seed) {
            panic!("{failure}");
        }
    }

    /// One seed; if it fails, what failed and the command that repeats it.
    fn try_one(&self, seed: u64) -> Result<(), String> {
        let mut rng = Rng::with_seed(seed);
        let drawn = Faults::draw(&mut rng);
        let forced = std::env::var("SIM_FAULTS").ok();
        let faults = forced.as_ref().map_or(drawn, |text| text.parse().expect("names of faults"));
        let run = self.run;
        catch_unwind(move || run(&mut rng, faults)).map_err(|panic| {
            let (test, why) = (self.test, message(&*panic));
            let forced = forced.map_or(String::new(), |text| format!("SIM_FAULTS={text} "));
            format!(
                "{test} failed with these faults: {faults}\n{why}\n\
                 Again: {forced}SIM_SEED={seed} cargo test --test sim {test}"
            )
        })
    }

    /// Fresh seeds for this scenario's share of `time`. Failures are told at
    /// once, and the next seed has its turn.
    fn hunt(&self, time: Duration) {
        let _alone = PROCESSORS.lock().unwrap_or_else(PoisonError::into_inner);
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let hunt = Hunt {
            scenario: self,
            until: Instant::now() + time / SCENARIOS.len() as u32,
            next: AtomicU64::new(fresh_seed()),
            done: AtomicU64::new(0),
            running: (0..workers).map(|_| AtomicU64::new(0)).collect(),
            failures: Mutex::default(),
        };
        hunt.run();
        let failures = hunt.failures.into_inner().expect("nobody panics with the lock");
        say(&format!("{}: {:?} seeds, {} failed", self.test, hunt.done, failures.len()));
        assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    }
}

/// A scenario that is run with one seed after another until its time is over.
struct Hunt<'a> {
    scenario: &'a Scenario,
    until: Instant,
    next: AtomicU64,
    done: AtomicU64,
    /// The seed that each worker is at.
    running: Vec<AtomicU64>,
    failures: Mutex<Vec<String>>,
}

impl Hunt<'_> {
    fn run(&self) {
        thread::scope(|scope| {
            // Nothing is sent: it is closed when the last worker is done.
            let (working, works) = mpsc::channel::<()>();
            for running in &self.running {
                let working = working.clone();
                scope.spawn(move || {
                    self.work(running);
                    drop(working);
                });
            }
            drop(working);
            while works.recv_timeout(MINUTE) == Err(RecvTimeoutError::Timeout) {
                self.report();
            }
        });
    }

    fn work(&self, running: &AtomicU64) {
        while Instant::now() < self.until && self.failed() < FAILURES_MAX {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            running.store(seed, Ordering::Relaxed);
            if let Err(failure) = self.scenario.try_one(seed) {
                say(&failure);
                self.failures.lock().expect("nobody panics with the lock").push(failure);
            }
            self.done.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn failed(&self) -> usize {
        self.failures.lock().expect("nobody panics with the lock").len()
    }

    /// The seeds are told too: one that never ends is known by that.
    fn report(&self) {
        let left = self.until.saturating_duration_since(Instant::now()).as_secs();
        let (test, done, failed) = (self.scenario.test, &self.done, self.failed());
        say(&format!(
            "{test}: {done:?} seeds, {failed} failed, now at {:?}, {left} s left",
            self.running
        ));
    }
}

/// Tells it past the harness, which keeps what a test prints to its end.
fn say(text: &str) {
    let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words")
}

/// A seed that nobody has run before, most likely.
fn fresh_seed() -> u64 {
    Rng::new().u64(1 << 32..1 << 62)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}
