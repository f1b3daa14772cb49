//! Threads that take parts of the jobs of a flush, in every order that a scheduler may choose:
//! the file of the server, with locks of `shuttle` in place of those of the system.

use shuttle::thread;

use self::parts::Parts;

#[path = "../../src/net/parts.rs"]
mod parts;

/// What the file takes its locks from.
mod sync {
    pub(super) use std::sync::PoisonError;

    pub(super) use shuttle::sync::Mutex;
}

const RUNS: usize = 2000;

/// However threads run, each job is done once, and all are when they are over.
#[test]
fn each_job_is_done_once_in_any_order_of_threads() {
    for (jobs, threads) in [(0, 2), (1, 2), (40, 2), (70, 3)] {
        shuttle::check_random(move || work(jobs, threads), RUNS);
    }
}

/// The same in all orders that there are of two threads with four parts.
#[test]
fn each_job_is_done_once_in_all_orders_of_two_threads() {
    shuttle::check_dfs(|| work(4, 2), None);
}

fn work(jobs: usize, threads: usize) {
    let mut done = vec![0; jobs];
    let parts = Parts::new(&mut done, threads);
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| parts.work(|job| *job += 1));
        }
        parts.work(|job| *job += 1);
    });
    drop(parts);
    assert!(done.iter().all(|times| *times == 1), "{done:?}");
}
