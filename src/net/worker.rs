//! A thread for what may take long, such as reading and writing files.

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// A thread that does one job after the other. One job waits at most: a newer
/// one takes its place, and so does a newer outcome.
pub(super) struct Worker<Job, Outcome> {
    shared: Arc<Shared<Job, Outcome>>,
    /// How many jobs there have been.
    jobs: u64,
}

struct Shared<Job, Outcome> {
    desk: Mutex<Desk<Job, Outcome>>,
    changed: Condvar,
}

struct Desk<Job, Outcome> {
    job: Option<(u64, Job)>,
    is_working: bool,
    outcome: Option<(u64, Outcome)>,
    /// Nobody asks any more.
    is_closed: bool,
}

impl<Job: Send + 'static, Outcome: Send + 'static> Worker<Job, Outcome> {
    /// A thread that does jobs with `work` and calls `wake` after each.
    ///
    /// # Errors
    /// As the system says when it gives no thread.
    pub fn new(
        mut work: impl FnMut(Job) -> Outcome + Send + 'static,
        wake: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let desk = Desk { job: None, is_working: false, outcome: None, is_closed: false };
        let shared = Arc::new(Shared { desk: Mutex::new(desk), changed: Condvar::new() });
        let worker = Worker { shared: Arc::clone(&shared), jobs: 0 };
        let run = move || {
            while let Some((number, job)) = shared.next() {
                let outcome = work(job);
                shared.finish(number, outcome);
                wake();
            }
        };
        thread::Builder::new().name("files".into()).spawn(run).map(|_| worker)
    }

    /// Asks for a job; gives its number.
    pub fn ask(&mut self, job: Job) -> u64 {
        self.jobs += 1;
        self.shared.desk().job = Some((self.jobs, job));
        self.shared.changed.notify_all();
        self.jobs
    }

    /// The newest outcome that wasn't given yet, and the number of its job.
    pub fn outcome(&self) -> Option<(u64, Outcome)> {
        self.shared.desk().outcome.take()
    }

    /// Waits until all jobs are done, `time` at most; false if they aren't.
    pub fn wait(&self, time: Duration) -> bool {
        let is_busy = |desk: &mut Desk<_, _>| desk.is_working || desk.job.is_some();
        let waited = self.shared.changed.wait_timeout_while(self.shared.desk(), time, is_busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl<Job, Outcome> Shared<Job, Outcome> {
    /// The next job; `None` when there are no more.
    fn next(&self) -> Option<(u64, Job)> {
        let is_idle = |desk: &mut Desk<_, _>| desk.job.is_none() && !desk.is_closed;
        let desk = self.changed.wait_while(self.desk(), is_idle);
        let mut desk = desk.unwrap_or_else(PoisonError::into_inner);
        desk.is_working = desk.job.is_some();
        desk.job.take()
    }

    fn finish(&self, number: u64, outcome: Outcome) {
        let mut desk = self.desk();
        (desk.is_working, desk.outcome) = (false, Some((number, outcome)));
        self.changed.notify_all();
    }

    fn desk(&self) -> MutexGuard<'_, Desk<Job, Outcome>> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread ends when it has done what it does.
impl<Job, Outcome> Drop for Worker<Job, Outcome> {
    fn drop(&mut self) {
        self.shared.desk().is_closed = true;
        self.shared.changed.notify_all();
    }
}

impl<Job, Outcome> fmt::Debug for Worker<Job, Outcome> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("jobs", &self.jobs).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn each_job_has_an_outcome_and_wakes() {
        let (waker, woken) = channel();
        let wake = move || waker.send(()).expect("the test waits");
        let mut worker = Worker::new(|number: u64| number * 2, wake).expect("a thread");
        for number in 1..10 {
            assert_eq!(worker.ask(number), number);
            woken.recv_timeout(PATIENCE).expect("the job is done");
            assert_eq!(worker.outcome(), Some((number, 2 * number)));
            assert_eq!(worker.outcome(), None);
        }
    }

    #[test]
    fn one_job_waits_at_most_and_the_newest_one_is_done() {
        let ((started, has_started), (go, may_go)) = (channel(), channel());
        let work = move |number: u32| {
            started.send(number).expect("the test waits");
            may_go.recv().expect("the test goes on");
            number
        };
        let mut worker = Worker::new(work, || ()).expect("a thread");
        worker.ask(1);
        assert_eq!(has_started.recv_timeout(PATIENCE), Ok(1));
        for number in 2..=5 {
            worker.ask(number);
        }
        assert!(!worker.wait(Duration::ZERO), "it is busy");
        go.send(()).expect("it waits");
        assert_eq!(has_started.recv_timeout(PATIENCE), Ok(5));
        go.send(()).expect("it waits");
        assert!(worker.wait(PATIENCE));
        assert_eq!(worker.outcome(), Some((5, 5)));
    }
}
