//! Keeps helpers off the processor that the loop's thread runs on. A kernel likes to wake a thread
//! where the one runs that wakes it; there a helper gains nothing, since the loop's thread writes
//! itself. Which processors the process may use is left as it is.

use std::cell::Cell;

use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// Threads that are to be elsewhere.
#[derive(Debug)]
pub(super) struct Apart {
    helpers: Vec<Pid>,
    /// Where the loop's thread was when they were last sent away.
    processor: Cell<Option<usize>>,
}

impl Apart {
    pub fn new(helpers: Vec<Pid>) -> Apart {
        Apart { helpers, processor: Cell::new(None) }
    }

    /// Sends the helpers off the processor of the caller, if that is another one than before.
    /// One that can't be sent stays where it may run now.
    pub fn keep(&self) {
        let processor = sched_getcpu();
        if self.processor.replace(Some(processor)) == Some(processor) {
            return;
        }
        let Ok(mut others) = sched_getaffinity(None) else { return };
        if processor >= CpuSet::MAX_CPU {
            return;
        }
        others.unset(processor);
        if others.count() > 0 {
            for &helper in &self.helpers {
                let _ = sched_setaffinity(Some(helper), &others);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use rustix::thread::gettid;

    use super::*;

    #[test]
    fn a_helper_is_kept_off_the_processor_of_the_caller() {
        let (tell, told) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let helper = thread::spawn(move || {
            tell.send(gettid()).expect("a listener");
            let _ = ended.recv();
        });
        let id = told.recv().expect("an id");
        let mut expected = sched_getaffinity(None).expect("a set");
        let apart = Apart::new(vec![id]);
        apart.keep();
        if expected.count() > 1 {
            expected.unset(apart.processor.get().expect("a processor"));
        }
        assert_eq!(sched_getaffinity(Some(id)).expect("a set"), expected);
        drop(end);
        helper.join().expect("it ends");
    }
}
