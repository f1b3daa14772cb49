//! The file with the message of the day, and the newcomers that wait until it
//! is read.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use log::warn;
use socket2::Socket;

use super::address::PeerAddr;
use super::file;
use super::worker::Worker;

/// More of the file isn't read.
const MOTD_BYTES_MAX: u64 = 16 * 1024;

/// How long a newcomer waits for the file. Then it sees what was in it the last
/// time.
const WAIT_TIME_MAX: Duration = Duration::from_millis(100);

/// Newcomers that wait at one time. With more, the first of them waits no longer.
const WAITING_MAX: usize = 64;

/// A client that is accepted, and not in the chat yet.
#[derive(Debug)]
pub(super) struct Newcomer {
    pub socket: Socket,
    pub peer: PeerAddr,
    /// The key of the listener that it came to.
    pub listener: usize,
}

/// A file that is read again for each newcomer, so that it can be changed
/// while the server runs. A thread reads it.
#[derive(Debug)]
pub(super) struct MotdFile {
    path: PathBuf,
    reader: Worker<(), io::Result<String>>,
    /// The newest reading that is done.
    done: u64,
    /// Newcomers with the reading that each waits for, and until when.
    waiting: VecDeque<(u64, Instant, Newcomer)>,
    /// The last look at it failed; that is logged once.
    is_missing: bool,
    last: String,
}

impl MotdFile {
    /// The file and what is in it now. `wake` is called when it was read.
    pub fn open(path: PathBuf, wake: impl Fn() + Send + 'static) -> io::Result<(MotdFile, String)> {
        let text = read(&path)?;
        let reader = {
            let path = path.clone();
            Worker::new(move |()| read(&path), wake)?
        };
        let (waiting, last) = (VecDeque::new(), text.clone());
        Ok((MotdFile { path, reader, done: 0, waiting, is_missing: false, last }, text))
    }

    /// Reads the file for a newcomer, which waits until then.
    pub fn add(&mut self, now: Instant, newcomer: Newcomer) {
        let reading = self.reader.ask(());
        self.waiting.push_back((reading, now + WAIT_TIME_MAX, newcomer));
    }

    /// What is in the file, if that has changed.
    pub fn changed(&mut self) -> Option<&str> {
        let (reading, result) = self.reader.outcome()?;
        self.done = reading;
        match result {
            Ok(text) => {
                self.is_missing = false;
                let is_new = text != self.last;
                self.last = text;
                is_new.then_some(&self.last)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_missing, true) {
                    let path = self.path.display();
                    warn!("cannot read {path}: {error}; newcomers see what was in it");
                }
                None
            }
        }
    }

    /// The next newcomer that waits no longer.
    pub fn next(&mut self, now: Instant) -> Option<Newcomer> {
        let is_full = self.waiting.len() > WAITING_MAX;
        let is_due = |&mut (reading, until, _): &mut (u64, Instant, Newcomer)| {
            is_full || reading <= self.done || until <= now
        };
        self.waiting.pop_front_if(is_due).map(|(_, _, newcomer)| newcomer)
    }

    /// The next newcomer that waits at all.
    pub fn next_of_all(&mut self) -> Option<Newcomer> {
        self.waiting.pop_front().map(|(_, _, newcomer)| newcomer)
    }

    /// When to call `next`, unless the file is read before that.
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|(_, until, _)| *until)
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    file::open(path)?.take(MOTD_BYTES_MAX).read_to_end(&mut bytes)?;
    if let Err(error) = str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        // The limit is in the middle of a character.
        bytes.truncate(error.valid_up_to());
    }
    let mut text = file::text(bytes)?;
    text.truncate(text.trim_end_matches('\n').len());
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_two_characters() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(&file, format!("a{}", "ä".repeat(10_000))).expect("it is written");
        let text = read(file.path()).expect("it is read");
        assert_eq!(text, format!("a{}", "ä".repeat(8191)));
    }
}
