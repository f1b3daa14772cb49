//! The thread of the store: when what is written, and what happens when that fails.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime};

use log::{info, warn};

use super::database::Database;
use super::messages::{Event, Job, Options, Start, size};
use super::schema::{Fault, set_aside};
use crate::wire::{Answer, Batch, News, Query, RoomKey, StoreState, Tail, Wish};

/// Lines are written together with what comes in so long.
const BATCH_TIME: Duration = Duration::from_millis(100);

/// With more lines they are written at once.
const BATCH_LINES: usize = 10_000;

/// How often writing is tried that has failed.
const RETRY_TIME: Duration = Duration::from_secs(1);

/// How often a fault that goes on is logged.
const LOG_TIME: Duration = Duration::from_secs(60);

/// Old lines that are deleted in one step: little enough to delay nothing.
const DELETED_MAX: usize = 500;

/// How long old lines may stay when nothing is said.
const DELETE_TIME: Duration = Duration::from_secs(10);

/// What the thread has.
pub struct Keeper {
    options: Options,
    /// Names the counting of lines.
    run: String,
    /// Bytes of batches that aren't written yet; the loop adds to it.
    waiting: Arc<AtomicUsize>,
    said: Sender<Event>,
    /// The loop doesn't know that something was said.
    has_said: bool,
    /// `None` after a fault, until it can be opened again.
    database: Option<Database>,
    batches: Vec<Batch>,
    /// When they are to be written.
    due: Option<Instant>,
    /// The next numbers of the rooms that have been used.
    nexts: HashMap<Box<str>, u64>,
    /// No line has a higher number, in any room.
    highest: u64,
    state: StoreState,
    /// When the fault was logged last.
    logged: Option<Instant>,
    /// When old lines are to be deleted next.
    delete_at: Instant,
}

impl Keeper {
    pub fn new(
        options: Options,
        run: &str,
        waiting: Arc<AtomicUsize>,
        said: Sender<Event>,
    ) -> Keeper {
        Keeper {
            options,
            run: run.into(),
            waiting,
            said,
            has_said: false,
            database: None,
            batches: Vec::new(),
            due: None,
            nexts: HashMap::new(),
            highest: 0,
            state: StoreState::default(),
            logged: None,
            delete_at: Instant::now(),
        }
    }

    /// Opens the database for the first time; one that is damaged makes place for
    /// another one.
    pub fn start(&mut self, lobby: &RoomKey) -> Result<Start, String> {
        let path = self.options.path.clone();
        let start = self.try_start(lobby).or_else(|fault| match fault {
            Fault::Corrupt(why) => {
                self.set_aside(&why);
                self.try_start(lobby)
            }
            _ => Err(fault),
        });
        start.map_err(|fault| format!("cannot use {}: {}", path.display(), fault.text()))
    }

    fn try_start(&mut self, lobby: &RoomKey) -> Result<Start, Fault> {
        self.open()?;
        let database = self.database.as_mut().expect("it was opened");
        self.run = database.run().into();
        self.highest = database.highest()?;
        let lobby = self.tail(lobby)?;
        self.report();
        Ok(Start { run: self.run.clone(), highest: self.highest, lobby })
    }

    /// Works until the server ends; calls `wake` when it has said something.
    pub fn run(mut self, jobs: &Receiver<Job>, wake: &dyn Fn()) {
        loop {
            if std::mem::take(&mut self.has_said) {
                wake();
            }
            match jobs.recv_timeout(self.pause()) {
                Ok(Job::Write(batch)) => self.add(batch),
                Ok(Job::Answer(query)) => self.answer(query),
                Ok(Job::End { until, done }) => {
                    // Nobody waits any more if it took too long.
                    let _ = done.send(self.end(until));
                    return;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.due.is_some_and(|due| due <= Instant::now()) {
                self.write();
            }
            if self.delete_at <= Instant::now() {
                self.delete_old(DELETED_MAX);
            }
        }
    }

    /// How long it may wait for something to do.
    fn pause(&self) -> Duration {
        let until = self.due.map_or(self.delete_at, |due| due.min(self.delete_at));
        until.saturating_duration_since(Instant::now())
    }

    fn add(&mut self, batch: Batch) {
        for (room, news) in batch.iter() {
            let newest = match news {
                News::Line(line) => line.number,
                News::Lost(_, last) => last,
                News::Topic(_) | News::Closed(_) => continue,
            };
            self.highest = self.highest.max(newest);
            match self.nexts.get_mut(&room.name) {
                Some(next) => *next = newest + 1,
                None => _ = self.nexts.insert(room.name.clone(), newest + 1),
            }
        }
        self.batches.push(batch);
        let due = self.due.get_or_insert_with(|| Instant::now() + BATCH_TIME);
        let lines: usize = self.batches.iter().map(Batch::len).sum();
        if lines >= BATCH_LINES && self.state.fault.is_none() {
            *due = Instant::now();
        }
    }

    /// Writes what has come.
    fn write(&mut self) {
        if self.batches.is_empty() && self.state.fault.is_none() {
            self.due = None;
            return;
        }
        match self.try_write() {
            Ok(lines) => {
                self.due = None;
                self.batches.clear();
                self.recover();
                // As many go as come, or more.
                self.delete_old(DELETED_MAX.max(2 * lines));
                self.report();
            }
            Err(fault) => self.fail(fault),
        }
    }

    fn try_write(&mut self) -> Result<usize, Fault> {
        let batches = std::mem::take(&mut self.batches);
        let result = self.database().and_then(|database| database.write(&batches));
        let written = batches.iter().map(size).sum();
        let lines = batches.iter().map(Batch::len).sum();
        self.batches = batches;
        result?;
        self.waiting.fetch_sub(written, Ordering::Relaxed);
        self.state.lines_written += lines as u64;
        Ok(lines)
    }

    /// The database, opened again if it has to be.
    fn database(&mut self) -> Result<&mut Database, Fault> {
        if self.database.as_ref().is_some_and(|database| !database.is_in_place()) {
            self.database = None;
        }
        if self.database.is_none() {
            self.open()?;
        }
        Ok(self.database.as_mut().expect("it is open"))
    }

    fn open(&mut self) -> Result<(), Fault> {
        // A new one may take the place of one that is damaged or gone.
        let database = Database::open(&self.options.path, &self.run, self.highest)?;
        self.state.bytes = database.bytes()?;
        self.database = Some(database);
        Ok(())
    }

    /// Writing has failed; it is tried again.
    fn fail(&mut self, fault: Fault) {
        if fault != Fault::Busy {
            // What a connection knows after a fault of the disk may be wrong.
            self.database = None;
        }
        let now = Instant::now();
        if let Fault::Corrupt(why) = &fault {
            self.set_aside(why);
            self.due = Some(now);
        } else {
            self.due = Some(now + RETRY_TIME);
        }
        let is_due = self.logged.is_none_or(|at| at + LOG_TIME <= now);
        if is_due {
            let path = self.options.path.display();
            warn!("cannot write to {path}: {}; trying again every second", fault.text());
            self.logged = Some(now);
        }
        let text: Box<str> = fault.text().into();
        if self.state.fault.as_ref() != Some(&text) {
            self.state.fault = Some(text);
            self.report();
        }
    }

    /// Writing works.
    fn recover(&mut self) {
        if self.state.fault.take().is_some() {
            info!("{} is written again", self.options.path.display());
            self.logged = None;
        }
    }

    /// Tells how it does.
    fn report(&mut self) {
        if let Some(database) = &self.database {
            self.state.bytes = database.bytes().unwrap_or(self.state.bytes);
        }
        self.say(Event::State(self.state.clone()));
    }

    /// A damaged database makes place for another one.
    fn set_aside(&mut self, why: &str) {
        self.database = None;
        let path = self.options.path.display();
        match set_aside(&self.options.path, seconds_since_1970()) {
            Ok(aside) => warn!(
                "{path} is damaged ({why}): it is {} now, and an empty one takes its place",
                aside.display()
            ),
            Err(error) => warn!("{path} is damaged ({why}), and can't be renamed: {error}"),
        }
    }

    fn answer(&mut self, query: Query) {
        if !self.batches.is_empty() && self.state.fault.is_none() {
            // What is asked for may be among them.
            self.write();
        }
        let answer = self.try_answer(&query).unwrap_or_else(|fault| match fault {
            Fault::Interrupted => Answer::TooLong,
            _ if self.state.fault.is_some() => Answer::Failed,
            fault => {
                self.fail(fault);
                Answer::Failed
            }
        });
        self.say(Event::Answer(query.ticket, answer));
    }

    fn say(&mut self, event: Event) {
        // Nobody listens any more when the server ends.
        let _ = self.said.send(event);
        self.has_said = true;
    }

    fn try_answer(&mut self, query: &Query) -> Result<Answer, Fault> {
        let room = &query.room;
        if let Some(fault) = &self.state.fault
            && query.wish != Wish::Tail
        {
            // What is asked for may be among what can't be written.
            return Err(Fault::Other(fault.to_string()));
        }
        match &query.wish {
            Wish::Tail => Ok(Answer::Tail(self.tail(room)?)),
            Wish::Page { from, before } => {
                Ok(Answer::Page(self.database()?.page(room, *from, *before)?))
            }
            Wish::Search(words) => Ok(Answer::Found(self.database()?.search(room, words)?)),
        }
    }

    /// The end of a room, which is used from now on.
    fn tail(&mut self, room: &RoomKey) -> Result<Tail, Fault> {
        let known = self.nexts.get(&room.name).copied();
        let tail = self.database()?.tail(room, known)?;
        if tail.is_known {
            self.nexts.insert(tail.name.clone(), tail.next);
        }
        Ok(tail)
    }

    /// Deletes lines that are too old or too many, in small steps, and so many in all at
    /// most.
    fn delete_old(&mut self, lines_max: usize) {
        self.delete_at = Instant::now() + DELETE_TIME;
        let mut deleted = 0;
        while deleted < lines_max && self.state.fault.is_none() {
            match self.delete_step() {
                Ok(0) => return,
                Ok(lines) => deleted += lines,
                Err(fault) => return self.fail(fault),
            }
        }
        // There may be more.
        self.delete_at = Instant::now();
    }

    fn delete_step(&mut self) -> Result<usize, Fault> {
        let (keep, keep_bytes) = (self.options.keep, self.options.keep_bytes);
        let database = self.database()?;
        if database.bytes()? > keep_bytes {
            return database.delete(DELETED_MAX, None);
        }
        match keep {
            None => Ok(0),
            Some(keep) => {
                let oldest = seconds_since_1970().saturating_sub(keep.as_secs());
                database.delete(DELETED_MAX, Some(oldest))
            }
        }
    }

    /// The server ends. Whether all is written.
    fn end(&mut self, until: Instant) -> bool {
        loop {
            self.write();
            if self.batches.is_empty() {
                break;
            }
            if Instant::now() + RETRY_TIME > until {
                let lines: usize = self.batches.iter().map(Batch::len).sum();
                warn!("{lines} lines are lost: {} can't be written", self.options.path.display());
                return false;
            }
            std::thread::sleep(RETRY_TIME);
        }
        let result = self.database().map(drop).and_then(|()| match self.database.take() {
            Some(database) => database.close(&self.nexts),
            None => Ok(()),
        });
        result.inspect_err(|fault| warn!("{}", fault.text())).is_ok()
    }
}

fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
