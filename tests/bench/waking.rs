//! What it costs to wake a thread so that two do jobs together, without a server: the floor for the
//! number of clients from which on that pays.

use std::error::Error;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rayon_core::{ThreadPool, ThreadPoolBuilder};

use crate::figures::Span;
use crate::machine::Cores;

const COUNTS: [usize; 6] = [0, 16, 32, 64, 128, 256];
/// About what a write to a client takes at best.
const JOB: Duration = Duration::from_micros(1);
/// As the server does.
const JOBS_A_PART: usize = 16;
const ROUNDS: usize = 300;
/// Before each round, so that the helper sleeps.
const PAUSE: Duration = Duration::from_millis(2);

/// Prints how long so many jobs take one thread, two that the kernel places, and two that have a
/// core each. The kernel of a virtual machine may wake a thread on the core of the one that wakes
/// it although another core is idle, and there the two take turns.
pub fn measure() -> Result<(), Box<dyn Error>> {
    let (all, apart) = (Cores::all()?, Cores::pick()?);
    let build = || ThreadPoolBuilder::new().num_threads(1).build();
    let placed = build()?;
    let pinned = apart.start_server(build)??;
    println!("in us: p50 (p10, p90)");
    println!("{:>6} {:>22} {:>22} {:>22}", "jobs", "alone", "two", "two, pinned");
    for count in COUNTS {
        let mut times = [const { Vec::new() }; 3];
        for _ in 0..ROUNDS {
            all.place_load()?;
            times[0].push(timed(|| (0..count).for_each(|_| work())));
            times[1].push(timed(|| together(&placed, count)));
            apart.place_load()?;
            times[2].push(timed(|| together(&pinned, count)));
        }
        let [alone, two, two_pinned] = times.map(|times| text(Span::of(times)));
        println!("{count:>6} {alone:>22} {two:>22} {two_pinned:>22}");
    }
    Ok(())
}

/// Both take parts until none is left.
fn together(pool: &ThreadPool, count: usize) {
    let next = AtomicUsize::new(0);
    let take_parts = || {
        loop {
            let begin = next.fetch_add(JOBS_A_PART, Ordering::Relaxed);
            if begin >= count {
                return;
            }
            (begin..count.min(begin + JOBS_A_PART)).for_each(|_| work());
        }
    };
    pool.in_place_scope(|scope| {
        scope.spawn(|_| take_parts());
        take_parts();
    });
}

fn work() {
    let start = Instant::now();
    while start.elapsed() < JOB {
        spin_loop();
    }
}

fn timed(job: impl FnOnce()) -> u64 {
    sleep(PAUSE);
    let start = Instant::now();
    job();
    start.elapsed().as_nanos() as u64
}

fn text(Span { p10_ns, p50_ns, p90_ns }: Span) -> String {
    let us = |ns: u64| format!("{:.1}", ns as f64 / 1e3);
    format!("{} ({}, {})", us(p50_ns), us(p10_ns), us(p90_ns))
}
