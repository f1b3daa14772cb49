//! Standard output and standard error, each written by a thread of its own: a
//! terminal that is held with Ctrl-S, or a pipe that nobody reads, delays
//! nobody else.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

/// Texts that wait at one time at most; what doesn't fit is dropped.
const TEXTS_MAX: usize = 1024;

/// Once the queue was full, so many places have to be free before more is
/// taken: each report of what was dropped stands for many texts.
const FREE_AFTER_DROP: usize = TEXTS_MAX / 2;

/// A stream that is written to without waiting. Each text is written whole.
#[derive(Clone)]
pub struct Output(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// A text has come, or one has been written.
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    texts: VecDeque<Vec<u8>>,
    /// The thread writes a text that is in the queue no more.
    is_writing: bool,
    dropped: usize,
}

impl Output {
    /// A thread that writes to `stream`. It calls `report` with the number of
    /// dropped texts when there is room again.
    ///
    /// # Errors
    /// As the system says when it gives no thread.
    pub fn new<Stream>(stream: Stream, report: fn(usize)) -> io::Result<Output>
    where
        Stream: Write + AsFd + Send + 'static,
    {
        let output = Output(Arc::default());
        let writer = output.clone();
        thread::Builder::new()
            .name("output".into())
            .spawn(move || writer.run(stream, report))
            .map(|_| output)
    }

    /// Queues a text, or drops and counts it.
    pub fn push(&self, text: Vec<u8>) {
        let mut queue = self.queue();
        if queue.dropped > 0 || queue.texts.len() >= TEXTS_MAX {
            queue.dropped += 1;
            return;
        }
        queue.texts.push_back(text);
        self.0.changed.notify_all();
    }

    /// Waits until everything is written, `time` at most.
    pub fn flush(&self, time: Duration) {
        let is_busy = |queue: &mut Queue| queue.is_writing || !queue.texts.is_empty();
        // Whether it was in time makes no difference.
        drop(self.0.changed.wait_timeout_while(self.queue(), time, is_busy));
    }

    fn run(&self, mut stream: impl Write + AsFd, report: fn(usize)) {
        loop {
            let (text, dropped) = self.next();
            // Nobody can be told that the stream is broken.
            let _ = write(&mut stream, &text);
            self.queue().is_writing = false;
            self.0.changed.notify_all();
            if dropped > 0 {
                report(dropped);
            }
        }
    }

    /// The next text, and how many were dropped if there is room now to say so.
    fn next(&self) -> (Vec<u8>, usize) {
        let is_empty = |queue: &mut Queue| queue.texts.is_empty();
        let queue = self.0.changed.wait_while(self.queue(), is_empty);
        let mut queue = queue.unwrap_or_else(PoisonError::into_inner);
        let text = queue.texts.pop_front().unwrap_or_default();
        queue.is_writing = true;
        let has_room = queue.texts.len() + FREE_AFTER_DROP <= TEXTS_MAX;
        let dropped = if has_room { std::mem::take(&mut queue.dropped) } else { 0 };
        (text, dropped)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the logger writes: it gives a whole line at once.
impl Write for Output {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.push(text.to_vec());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a whole text, also if another process has made the stream one that
/// doesn't block.
fn write(stream: &mut (impl Write + AsFd), mut text: &[u8]) -> io::Result<()> {
    while !text.is_empty() {
        match stream.write(text) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(bytes) => text = &text[bytes..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                // A signal only makes it look earlier.
                let _ = poll(&mut [PollFd::new(stream, PollFlags::OUT)], None);
            }
            Err(error) => return Err(error),
        }
    }
    stream.flush()
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn output(report: fn(usize)) -> (PipeReader, Output) {
        let (reader, writer) = io::pipe().expect("a pipe");
        (reader, Output::new(writer, report).expect("a thread"))
    }

    #[test]
    fn texts_are_written_in_order_and_flush_waits_for_them() {
        let (mut reader, output) = output(|_| ());
        for text in ["one\n", "two\n", "three\n"] {
            output.push(text.into());
        }
        output.flush(PATIENCE);
        let mut written = [0; 14];
        reader.read_exact(&mut written).expect("so much is there");
        assert_eq!(&written, b"one\ntwo\nthree\n");
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        static DROPPED: AtomicUsize = AtomicUsize::new(0);
        let (mut reader, output) = output(|dropped| {
            DROPPED.fetch_add(dropped, Ordering::SeqCst);
        });
        // More than a pipe takes: the thread waits with the first one.
        let large = vec![b'a'; 1 << 20];
        output.push(large.clone());
        reader.read_exact(&mut [0]).expect("it has begun");
        for _ in 0..TEXTS_MAX + 37 {
            output.push(b"b".to_vec());
        }
        // Nobody reads, so it gives up.
        output.flush(Duration::ZERO);
        let mut written = vec![0; large.len() - 1 + TEXTS_MAX];
        reader.read_exact(&mut written).expect("so much comes");
        assert_eq!(written.iter().filter(|byte| **byte == b'b').count(), TEXTS_MAX);
        output.flush(PATIENCE);
        assert_eq!(DROPPED.load(Ordering::SeqCst), 37);
        output.push(b"c".to_vec());
        let mut next = [0];
        reader.read_exact(&mut next).expect("there is room again");
        assert_eq!(&next, b"c");
    }
}
