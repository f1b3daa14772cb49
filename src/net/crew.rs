//! The threads that write beside the loop's own. They have nothing to do but while the loop
//! flushes, and sleep then.

use std::io;

use rayon_core::{ThreadPool, ThreadPoolBuilder};
use rustix::thread::gettid;

use super::apart::Apart;
use super::parts::Parts;

/// How many threads write, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads {
    /// The loop's own included; 1 at least.
    pub count: usize,
    /// They write together if so many clients are to be written to: to wake them takes about as
    /// long as a few writes (docs/performance.md, "All cores").
    pub clients_min: usize,
}

impl Threads {
    /// So many, as soon as it pays to wake them.
    pub fn new(count: usize) -> Threads {
        Threads { count, clients_min: CLIENTS_MIN }
    }
}

/// With fewer clients a delivery takes over 1.08 times as much of the processors as with one
/// thread.
const CLIENTS_MIN: usize = 96;

/// Threads that do jobs together with the one that has them.
#[derive(Debug)]
pub(super) struct Crew {
    pool: ThreadPool,
    apart: Apart,
}

impl Crew {
    /// `helpers` threads beside the caller's; 1 at least.
    ///
    /// # Errors
    /// As the system says when it gives no thread.
    pub fn new(helpers: usize) -> io::Result<Crew> {
        let builder = ThreadPoolBuilder::new().num_threads(helpers);
        let builder = builder.thread_name(|at| format!("write-{at}"));
        let pool = builder.build().map_err(io::Error::other)?;
        let apart = Apart::new(pool.broadcast(|_| gettid()));
        Ok(Crew { pool, apart })
    }

    /// How many threads there are, the caller's included.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads() + 1
    }

    /// Does all jobs; returns when they are done. Whoever is free takes the next ones in their
    /// order.
    pub fn work<T: Send>(&self, jobs: &mut [T], work: impl Fn(&mut T) + Sync) {
        self.apart.keep();
        let parts = Parts::new(jobs, self.threads());
        self.pool.in_place_scope(|scope| {
            for _ in 0..self.pool.current_num_threads() {
                scope.spawn(|_| parts.work(&work));
            }
            parts.work(&work);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// More than two parts.
    const JOBS: usize = 40;

    #[test]
    fn each_job_is_done_once() {
        let crew = Crew::new(3).expect("threads");
        for count in [0, 1, 16, 17, 1000] {
            let mut jobs = vec![0; count];
            crew.work(&mut jobs, |job| *job += 1);
            assert!(jobs.iter().all(|done| *done == 1), "{count}");
        }
    }

    #[test]
    fn threads_work_side_by_side() {
        let crew = Crew::new(1).expect("a thread");
        let mut jobs = vec![None; JOBS];
        // Each waits until somebody else has begun.
        let begun = AtomicUsize::new(0);
        crew.work(&mut jobs, |job| {
            begun.fetch_add(1, Ordering::SeqCst);
            while begun.load(Ordering::SeqCst) < 2 {
                thread::sleep(Duration::from_millis(1));
            }
            *job = Some(thread::current().id());
        });
        assert_eq!(jobs.into_iter().flatten().collect::<HashSet<_>>().len(), 2);
    }
}
