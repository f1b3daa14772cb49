//! The thread of the store: when what is written, and what happens when that fails.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime};

use log::{info, warn};

use super::database::Database;
use super::messages::{Event, Job, Options, Start, size};
use super::schema::{Fault, set_aside};
use crate::wire::{Answer, Batch, KeptName, News, Query, RoomKey, StoreState, Tail, Wish};

/// Lines are written together with what comes in so long.
const BATCH_TIME: Duration = Duration::from_millis(100);

/// With more lines they are written at once.
const BATCH_LINES: usize = 10_000;

/// How often writing is tried that has failed.
const RETRY_TIME: Duration = Duration::from_secs(1);

/// How often a fault that goes on is logged.
const LOG_TIME: Duration = Duration::from_secs(60);

/// How long a search may take: what is to be written waits meanwhile.
const SEARCH_TIME: Duration = Duration::from_millis(100);

/// Old lines that are deleted in one step: little enough to delay nothing.
const DELETED_MAX: usize = 500;

/// How often there is a look for old lines when nothing is said, and how long a room is
/// empty before it is taken for closed.
const TIDY_TIME: Duration = Duration::from_secs(10);

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
    /// Lines in them.
    lines: usize,
    /// When they are to be written.
    due: Option<Instant>,
    /// The next numbers of the rooms that have been used.
    nexts: HashMap<Box<str>, u64>,
    /// Rooms that somebody is in, or was until a moment ago.
    used: HashSet<Box<str>>,
    /// Those that nobody is in, and since when. After a while their numbers go on where they are,
    /// also after a crash.
    closed: HashMap<Box<str>, Instant>,
    /// No line has a higher number, in any room.
    highest: u64,
    /// The names that are registered, for a database that takes the place of another one.
    names: BTreeMap<Box<str>, Option<KeptName>>,
    state: StoreState,
    /// When the fault was logged last.
    logged: Option<Instant>,
    /// When to look for old lines and closed rooms.
    tidy_at: Option<Instant>,
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
            lines: 0,
            due: None,
            nexts: HashMap::new(),
            used: HashSet::new(),
            closed: HashMap::new(),
            highest: 0,
            names: BTreeMap::new(),
            state: StoreState::default(),
            logged: None,
            tidy_at: None,
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
        let (run, highest) = (database.run().to_owned(), database.highest()?);
        let names = database.names()?;
        let lobby = self.tail(lobby)?;
        // Not before all of it is read: one that takes the place of a damaged one, of which the
        // numbers aren't known, counts by another name.
        (self.run, self.highest) = (run, highest);
        self.names = names.iter().map(|kept| (kept.name.clone(), Some(kept.clone()))).collect();
        self.delete_old(DELETED_MAX);
        self.report();
        Ok(Start { run: self.run.clone(), highest: self.highest, lobby, names })
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
            let is_past = |at: Option<Instant>| at.is_some_and(|at| at <= Instant::now());
            if is_past(self.due) {
                self.write();
            }
            if is_past(self.tidy_at) {
                self.tidy_at = None;
                self.close_rooms();
                self.delete_old(DELETED_MAX);
            }
        }
    }

    /// How long it may wait for something to do.
    fn pause(&self) -> Duration {
        let until = self.due.into_iter().chain(self.tidy_at).min();
        until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Says where the numbers of rooms go on that have been empty for a while, and forgets those
    /// of which there is no line. Not at once: each time that one is entered again numbers have
    /// to be reserved.
    fn close_rooms(&mut self) {
        // What isn't written yet has other numbers reserved.
        if self.batches.is_empty()
            && self.state.fault.is_none()
            && let Err(fault) = self.try_close_rooms()
        {
            self.fail(fault);
        }
        if !self.closed.is_empty() {
            self.tidy_at = Some(Instant::now() + TIDY_TIME);
        }
    }

    fn try_close_rooms(&mut self) -> Result<(), Fault> {
        let is_past = |since: &Instant| *since + TIDY_TIME <= Instant::now();
        let closed: Vec<_> =
            self.closed.extract_if(|_, since| is_past(since)).map(|(room, _)| room).collect();
        if closed.is_empty() {
            return Ok(());
        }
        closed.iter().for_each(|room| _ = self.used.remove(room));
        let nexts = closed.iter().filter_map(|room| Some((*self.nexts.get(room)?, room.clone())));
        let nexts: Vec<_> = nexts.collect();
        let database = self.database()?;
        database.end_rooms(&nexts)?;
        for room in database.delete_empty(&closed)? {
            self.nexts.remove(&room);
        }
        Ok(())
    }

    fn add(&mut self, batch: Batch) {
        for (room, news) in batch.iter() {
            // What is stored late may come when nobody is there any more.
            let is_used = !matches!(news, News::Closed | News::Again(_));
            if is_used && !self.used.contains(&room.name) {
                self.used.insert(room.name.clone());
            }
            let newest = match news {
                News::Line(line) | News::Again(line) => line.number,
                News::Lost(_, last) => last,
                News::Topic(_) | News::Run(_) | News::Rules(_) | News::Cleared(..) => continue,
                News::Closed => {
                    self.closed.insert(room.name.clone(), Instant::now());
                    self.tidy_at.get_or_insert(Instant::now() + TIDY_TIME);
                    continue;
                }
            };
            self.highest = self.highest.max(newest);
            match self.nexts.get_mut(&room.name) {
                // What is stored late has lower numbers.
                Some(next) => *next = (newest + 1).max(*next),
                None => _ = self.nexts.insert(room.name.clone(), newest + 1),
            }
        }
        for (name, kept) in batch.names() {
            match kept {
                Some(_) => _ = self.names.insert(name.clone(), kept.clone()),
                None => _ = self.names.remove(name),
            }
        }
        self.lines += batch.len();
        self.batches.push(batch);
        let due = self.due.get_or_insert_with(|| Instant::now() + BATCH_TIME);
        if self.lines >= BATCH_LINES && self.state.fault.is_none() {
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
                self.lines = 0;
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
        let lines = self.lines;
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
        let mut database = Database::open(&self.options.path, &self.run, self.highest)?;
        database.restore_names(&self.names)?;
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
            Fault::Query(_) if matches!(query.wish, Wish::Search(_)) => Answer::Failed,
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
            Wish::Newest(before) => Ok(Answer::Newest(self.database()?.newest(room, *before)?)),
            Wish::Elsewhere { .. } => Ok(Answer::Failed),
            Wish::Last { name, before, lines } => {
                let (database, time) = (self.database()?, SEARCH_TIME);
                Ok(match database.last(room, name, *before, *lines, time)? {
                    Some(found) => Answer::Found(found),
                    None => Answer::TooLong,
                })
            }
            Wish::Search(words) => {
                Ok(Answer::Found(self.database()?.search(room, words, SEARCH_TIME)?))
            }
        }
    }

    /// The end of a room, which is used from now on.
    fn tail(&mut self, room: &RoomKey) -> Result<Tail, Fault> {
        self.database()?;
        let database = self.database.as_mut().expect("it is open");
        let tail = database.tail(room, &self.nexts)?;
        if tail.is_known {
            self.nexts.insert(tail.name.clone(), tail.next);
            self.used.insert(tail.name.clone());
            self.closed.remove(&tail.name);
        }
        Ok(tail)
    }

    /// Deletes lines that are too old or too many, in small steps, and so many in all at
    /// most.
    fn delete_old(&mut self, lines_max: usize) {
        if self.options.keep.is_some() {
            self.tidy_at.get_or_insert(Instant::now() + TIDY_TIME);
        }
        if self.state.fault.is_some() {
            return;
        }
        for _ in 0..lines_max.div_ceil(DELETED_MAX) {
            match self.delete_step() {
                Ok(true) => {}
                Ok(false) => return,
                Err(fault) => return self.fail(fault),
            }
        }
        // There may be more.
        self.tidy_at = Some(Instant::now());
    }

    /// Deletes some; gives whether there may be more.
    fn delete_step(&mut self) -> Result<bool, Fault> {
        let (keep, keep_bytes) = (self.options.keep, self.options.keep_bytes);
        let now = seconds_since_1970();
        let database = self.database()?;
        let oldest = match keep {
            _ if database.bytes()? > keep_bytes => None,
            None => return Ok(false),
            Some(keep) => Some(now.saturating_sub(keep.as_secs())),
        };
        let used = std::mem::take(&mut self.used);
        let deleted = self.database().and_then(|it| it.delete(DELETED_MAX, oldest, now, &used));
        self.used = used;
        let deleted = deleted?;
        for room in &deleted.rooms {
            // A new one of this name begins behind its numbers.
            self.nexts.remove(room);
        }
        Ok(deleted.goes_on)
    }

    /// The server ends. Whether all is written.
    fn end(&mut self, until: Instant) -> bool {
        loop {
            self.write();
            if self.batches.is_empty() {
                break;
            }
            if Instant::now() + RETRY_TIME > until {
                let lines = self.lines;
                warn!("{lines} lines are lost: {} can't be written", self.options.path.display());
                return false;
            }
            std::thread::sleep(RETRY_TIME);
        }
        let result = self.database().map(drop).and_then(|()| {
            let database = self.database.take().expect("it is open");
            database.close(&self.nexts)
        });
        result.inspect_err(|fault| warn!("{}", fault.text())).is_ok()
    }
}

fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::mpsc::channel;

    use fastrand::Rng;

    use super::*;
    use crate::wire::{From, Kind, Rules, StoredLine};

    fn key(name: &str) -> Arc<RoomKey> {
        let look: Box<str> = name.into();
        Arc::new(RoomKey { name: name.into(), looks: [look.clone(), look] })
    }

    /// A keeper, and what it has said.
    fn keeper(path: &Path) -> (Keeper, Receiver<Event>) {
        let (said, events) = channel();
        let path = path.to_owned();
        let options = Options { path, keep: None, keep_bytes: u64::MAX };
        let keeper = Keeper::new(options, "k3f9", Arc::new(AtomicUsize::new(0)), said);
        (keeper, events)
    }

    fn batch(numbers: std::ops::Range<u64>) -> Batch {
        let mut batch = Batch::default();
        for number in numbers {
            let text = format!("word{number} and what else is said here in a line of some length");
            let (time, kind, from, text) = (7, Kind::Said, "ann", text.as_bytes());
            batch.push(
                &key("lobby"),
                News::Line(StoredLine { number, time, kind, from, text, facts: "" }),
            );
        }
        batch
    }

    /// A database of many pages, which was closed as it should be.
    fn database(directory: &Path) -> PathBuf {
        let path = directory.join("whole.db");
        let (mut keeper, _events) = keeper(&path);
        keeper.start(&key("lobby")).expect("it opens");
        keeper.add(batch(1..8000));
        assert!(keeper.end(Instant::now() + RETRY_TIME), "it is written");
        path
    }

    fn ask(keeper: &mut Keeper, events: &Receiver<Event>, wish: Wish) -> Answer {
        keeper.answer(Query { ticket: 7, room: key("lobby"), wish });
        let answers = events.try_iter().filter_map(|event| match event {
            Event::Answer(7, answer) => Some(answer),
            _ => None,
        });
        answers.last().expect("an answer")
    }

    /// Everything that is done with a database is done with a damaged one: nothing panics,
    /// it is set aside when that shows, and what is said then is stored.
    fn use_all(path: &Path) {
        let (mut keeper, events) = keeper(path);
        let start = keeper.start(&key("lobby")).expect("it opens, or another one does");
        let mut next = start.lobby.next;
        for _ in 0..2 {
            ask(&mut keeper, &events, Wish::Page { from: From::After(0), before: next });
            ask(&mut keeper, &events, Wish::Page { from: From::Last(400), before: next });
            ask(&mut keeper, &events, Wish::Search("word".into()));
            ask(&mut keeper, &events, Wish::Tail);
            keeper.add(batch(next..next + 300));
            next += 300;
            // A database that is set aside makes place at once.
            (0..3).for_each(|_| keeper.write());
            keeper.delete_old(DELETED_MAX);
            (0..3).for_each(|_| keeper.write());
        }
        // What is found may be in a page that nobody has looked at before.
        for _ in 0..3 {
            keeper.add(batch(next..next + 1));
            (0..3).for_each(|_| keeper.write());
            assert_eq!(keeper.state.fault, None, "{}", path.display());
            let word = format!("word{next}").into();
            if let Answer::Found(lines) = ask(&mut keeper, &events, Wish::Search(word)) {
                return assert_eq!(lines.len(), 1, "{lines:?}");
            }
            keeper.write();
            next += 1;
        }
        panic!("nothing is found in {}", path.display());
    }

    /// Promise 55: each page of the database is damaged once.
    #[test]
    fn whatever_page_is_damaged_lines_are_stored_again() {
        const PAGE_BYTES: usize = 4096;
        let directory = tempfile::tempdir().expect("a directory");
        let whole = fs::read(database(directory.path())).expect("it is there");
        let pages = whole.len() / PAGE_BYTES;
        assert!(pages >= 200, "{pages} pages");
        let mut rng = Rng::with_seed(7);
        for page in 0..pages {
            let path = directory.path().join(format!("{page}.db"));
            let mut bytes = whole.clone();
            // The header of the page, or anything in it.
            let start =
                page * PAGE_BYTES + if rng.bool() { 0 } else { rng.usize(..PAGE_BYTES - 64) };
            bytes[start..start + 64].iter_mut().for_each(|byte| *byte ^= rng.u8(1..));
            fs::write(&path, bytes).expect("it is written");
            use_all(&path);
            let aside = fs::read_dir(directory.path()).expect("a directory").flatten();
            for file in aside.filter(|file| file.file_name() != "whole.db") {
                fs::remove_file(file.path()).expect("it is there");
            }
        }
    }

    /// Promise 52: what numbers a database has used isn't known if the page that says it is
    /// damaged.
    #[test]
    fn a_database_whose_numbers_are_damaged_is_counted_by_another_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = database(directory.path());
        let connection = rusqlite::Connection::open(&path).expect("it opens");
        let select = "SELECT rootpage FROM sqlite_schema WHERE name = 'rooms'";
        let page: u64 = connection.query_row(select, [], |row| row.get(0)).expect("a page");
        connection.close().expect("it closes");
        let mut bytes = fs::read(&path).expect("it is there");
        let start = (page as usize - 1) * 4096;
        bytes[start..start + 64].fill(0xee);
        fs::write(&path, bytes).expect("it is written");
        let (mut keeper, _events) = keeper(&path);
        keeper.run = "z7q2".into();
        let start = keeper.start(&key("lobby")).expect("another one opens");
        assert_eq!((&*start.run, start.lobby.next), ("z7q2", 1));
    }

    /// Whoever asks for nonsense does no harm: it says nothing about the disk.
    #[test]
    fn a_query_that_fails_is_no_fault_of_the_disk() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut keeper, events) = keeper(&directory.path().join("roomcast.db"));
        keeper.start(&key("lobby")).expect("it opens");
        keeper.add(batch(1..2));
        keeper.write();
        let other = rusqlite::Connection::open(keeper.options.path.clone()).expect("it opens");
        other.execute_batch("DROP TABLE words").expect("it is gone");
        let answer = ask(&mut keeper, &events, Wish::Search("word1".into()));
        assert!(matches!(answer, Answer::Failed), "{answer:?}");
        assert_eq!(keeper.state.fault, None);
    }

    #[test]
    fn a_queue_that_is_written_has_place_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut keeper, events) = keeper(&directory.path().join("roomcast.db"));
        keeper.start(&key("lobby")).expect("it opens");
        let lines = batch(1..101);
        keeper.waiting.store(size(&lines), Ordering::Relaxed);
        keeper.add(lines);
        keeper.write();
        assert_eq!(keeper.waiting.load(Ordering::Relaxed), 0);
        let states = events.try_iter().filter_map(|event| match event {
            Event::State(state) => Some(state),
            Event::Answer(..) => None,
        });
        let state = states.last().expect("it tells how it does");
        assert!(state.fault.is_none() && state.lines_written == 100 && state.bytes > 0);
    }

    #[test]
    fn numbers_of_a_room_that_stays_empty_are_reserved_no_longer() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut keeper, _events) = keeper(&directory.path().join("roomcast.db"));
        keeper.start(&key("lobby")).expect("it opens");
        let mut batch = batch(1..11);
        batch.push(&key("lobby"), News::Closed);
        keeper.add(batch);
        keeper.write();
        let highest = |keeper: &mut Keeper| {
            keeper.close_rooms();
            keeper.database().and_then(|database| database.highest()).expect("a number")
        };
        assert!(highest(&mut keeper) > 1000, "it may be entered again soon");
        keeper.closed.values_mut().for_each(|since| *since -= TIDY_TIME);
        assert_eq!(highest(&mut keeper), 10);
        // Whoever enters it makes it one that is used.
        assert_eq!(keeper.tail(&key("lobby")).expect("a tail").next, 11);
        assert!(highest(&mut keeper) > 1000);
    }

    /// Promise 81: what holds in a room holds as long as somebody is in it, however old its lines
    /// are; when nobody is, nothing of it is left.
    #[test]
    fn a_room_of_which_no_line_is_left_stays_as_long_as_it_is_used() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut keeper, events) = keeper(&directory.path().join("roomcast.db"));
        keeper.options.keep = Some(Duration::from_secs(60));
        keeper.start(&key("lobby")).expect("it opens");
        let rules = Rules { is_locked: true, ..Rules::default() };
        let mut lines = batch(1..3);
        lines.push(&key("lobby"), News::Topic("tea"));
        lines.push(&key("lobby"), News::Rules(&rules.text()));
        keeper.add(lines);
        keeper.write();
        let tail = |keeper: &mut Keeper| match ask(keeper, &events, Wish::Tail) {
            Answer::Tail(tail) => tail,
            other => panic!("{other:?}"),
        };
        for is_closed in [false, true] {
            let found = tail(&mut keeper);
            assert!(found.is_known && found.lines.is_empty(), "{found:?}");
            assert_eq!((&*found.topic, found.rules, found.next), ("tea", rules.clone(), 3));
            if is_closed {
                let mut closed = Batch::default();
                closed.push(&key("lobby"), News::Closed);
                keeper.add(closed);
                keeper.write();
                keeper.closed.values_mut().for_each(|since| *since -= TIDY_TIME);
                keeper.close_rooms();
            }
        }
        let found = tail(&mut keeper);
        assert!(!found.is_known && found.next > 2, "{found:?}");
        assert!(keeper.used.is_empty() && keeper.nexts.is_empty());
    }

    #[test]
    fn lines_that_are_too_old_are_deleted() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut keeper, events) = keeper(&directory.path().join("roomcast.db"));
        keeper.options.keep = Some(Duration::from_secs(60));
        keeper.start(&key("lobby")).expect("it opens");
        // They are of 1970.
        keeper.add(batch(1..1201));
        keeper.write();
        let count = |keeper: &mut Keeper| {
            let page = Wish::Page { from: From::After(0), before: 9999 };
            match ask(keeper, &events, page) {
                Answer::Page(page) => page.count,
                other => panic!("{other:?}"),
            }
        };
        // More than twice as many as were written need another step.
        assert_eq!(count(&mut keeper), 0);
        keeper.options.keep = None;
        keeper.add(batch(1201..1203));
        keeper.write();
        assert_eq!(count(&mut keeper), 2);
    }

    #[test]
    fn what_cannot_be_written_now_is_written_later() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("roomcast.db");
        let (mut keeper, events) = keeper(&path);
        keeper.start(&key("lobby")).expect("it opens");
        let other = rusqlite::Connection::open(&path).expect("it opens");
        other.execute_batch("BEGIN IMMEDIATE").expect("it is locked");
        keeper.add(batch(1..11));
        keeper.write();
        assert_eq!(keeper.state.fault.as_deref(), Some("another program has locked it"));
        let page = Wish::Page { from: From::After(0), before: 100 };
        assert!(matches!(ask(&mut keeper, &events, page.clone()), Answer::Failed));
        // Its numbers are known all the same.
        let answer = ask(&mut keeper, &events, Wish::Tail);
        assert!(matches!(&answer, Answer::Tail(tail) if tail.next == 11), "{answer:?}");
        keeper.add(batch(11..21));
        other.execute_batch("COMMIT").expect("it is free");
        keeper.write();
        assert_eq!(keeper.state.fault, None);
        let answer = ask(&mut keeper, &events, page);
        assert!(matches!(&answer, Answer::Page(page) if page.items.len() == 20), "{answer:?}");
    }
}
