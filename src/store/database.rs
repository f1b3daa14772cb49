//! The database: lines go in, and pages, tails and what was searched for come out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::schema::{self, Fault};
use crate::wire::{
    Batch, Facts, From, KeptName, Kind, News, Page, Past, RoomKey, Rules, StoredLine, Tail,
    is_sender,
};

/// Numbers that a room may give to lines without asking: what is said until the next time
/// that some are reserved is less.
const RESERVED: u64 = 1 << 16;

/// The tail of a room.
const TAIL_LINES: u64 = 1000;
const TAIL_BYTES: usize = 256 * 1024;

/// One page.
const PAGE_LINES: u64 = 200;
const PAGE_BYTES: usize = 16 * 1024;

/// Lines that are counted at most: more are "a million".
const COUNT_MAX: u64 = 1_000_000;

/// What a search gives at most.
const FOUND_MAX: u64 = 20;

/// Steps of SQLite's machine between two looks at whether a search takes too long: some
/// microseconds.
const SEARCH_STEPS: i32 = 1000;

/// What a line takes in memory beside its text.
const LINE_BYTES: usize = 64;

/// The columns that `past` reads.
pub const COLUMNS: &str = "number, time, kind, sender, lines.text, facts";

/// An open database.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    path: PathBuf,
    identity: (u64, u64),
    /// The rooms that were asked for so far, by their names.
    rooms: HashMap<Box<str>, Stored>,
    /// Names the counting of lines.
    run: String,
    /// A new room begins after this number.
    floor: u64,
}

/// What is known of a room.
#[derive(Clone, Copy, Debug)]
struct Stored {
    id: i64,
    /// Numbers before this one may have been used.
    reserved: u64,
}

impl Database {
    /// Opens it, or makes it. A new one counts lines by the name `run`, and after the number
    /// `floor`.
    pub fn open(path: &Path, run: &str, floor: u64) -> Result<Database, Fault> {
        let connection = schema::open(path)?;
        let identity = schema::identity(path)?;
        let run = meta(&connection, "run", run)?;
        let floor = meta(&connection, "floor", &floor.to_string())?.parse().unwrap_or(0);
        let (path, rooms) = (path.to_owned(), HashMap::new());
        Ok(Database { connection, path, identity, rooms, run, floor })
    }

    /// Names the counting of lines.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Whether the file is still where it was: one that was removed takes all that is
    /// written to it with it.
    pub fn is_in_place(&self) -> bool {
        schema::identity(&self.path).is_ok_and(|identity| identity == self.identity)
    }

    /// The highest number that any room may have given to a line.
    pub fn highest(&self) -> Result<u64, Fault> {
        let select = "SELECT ifnull(max(reserved), 1) - 1 FROM rooms";
        let highest: u64 = self.connection.query_row(select, [], |row| row.get(0))?;
        Ok(highest.max(self.floor))
    }

    /// Writes everything or nothing.
    pub fn write(&mut self, batches: &[Batch]) -> Result<(), Fault> {
        let is_reserve_low = self.is_reserve_low(batches);
        let has_names = batches.iter().any(|batch| !batch.names().is_empty());
        let news = batches.iter().flat_map(Batch::iter);
        let is_cleared = news.into_iter().any(|(_, news)| matches!(news, News::Cleared(..)));
        self.transact(is_reserve_low || has_names || is_cleared, |database| {
            batches.iter().flat_map(Batch::iter).try_for_each(|(room, news)| {
                let stored = database.room(room)?;
                match news {
                    News::Run(run) => database.begin_run(room, stored, run),
                    News::Rules(rules) => database.set_rules(room, rules),
                    news => database.write_news(stored, news),
                }
            })?;
            batches.iter().try_for_each(|batch| database.write_names(batch.names()))?;
            if is_reserve_low { database.reserve(batches) } else { Ok(()) }
        })
    }

    /// Writes what is to be kept of names.
    fn write_names(&self, names: &BTreeMap<Box<str>, Option<KeptName>>) -> Result<(), Fault> {
        for (name, kept) in names {
            match kept {
                Some(KeptName { name, hash, registered, last_seen }) => {
                    let insert = "INSERT OR REPLACE INTO names VALUES (?, ?, ?, ?)";
                    let mut insert = self.connection.prepare_cached(insert)?;
                    insert.execute(params![name, hash, registered, last_seen])?;
                }
                None => {
                    let delete = "DELETE FROM names WHERE name = ?";
                    self.connection.prepare_cached(delete)?.execute([name])?;
                }
            }
        }
        Ok(())
    }

    /// Writes all names that are registered, where none are: this database takes the place of
    /// another one.
    pub fn restore_names(
        &mut self,
        names: &BTreeMap<Box<str>, Option<KeptName>>,
    ) -> Result<(), Fault> {
        let select = "SELECT EXISTS (SELECT 1 FROM names)";
        let has_names = self.connection.query_row(select, [], |row| row.get::<_, bool>(0))?;
        if has_names || names.is_empty() {
            return Ok(());
        }
        self.transact(true, |database| database.write_names(names))
    }

    /// The names that are registered, the first one first.
    pub fn names(&self) -> Result<Vec<KeptName>, Fault> {
        let select =
            "SELECT name, hash, registered, last_seen FROM names ORDER BY registered, name";
        let mut select = self.connection.prepare(select)?;
        let names = select.query_map([], |row| {
            let (name, hash) = (row.get(0)?, row.get(1)?);
            Ok(KeptName { name, hash, registered: row.get(2)?, last_seen: row.get(3)? })
        })?;
        names.map(|name| Ok(name?)).collect()
    }

    /// Does something whole or not at all; if `is_durable`, it is on the disk after that.
    fn transact(
        &mut self,
        is_durable: bool,
        change: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let set =
            |connection: &Connection, level| connection.pragma_update(None, "synchronous", level);
        if is_durable {
            set(&self.connection, "FULL")?;
        }
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE").map_err(Fault::from);
        let changed = begun.and_then(|()| change(self));
        let result = changed.and_then(|()| Ok(self.connection.execute_batch("COMMIT")?));
        if result.is_err() {
            // What is known may not be what is there.
            self.rooms.clear();
            if !self.connection.is_autocommit() {
                // The error before is the one that matters.
                let _ = self.connection.execute_batch("ROLLBACK");
            }
        }
        if is_durable {
            set(&self.connection, "NORMAL")?;
        }
        result
    }

    fn write_news(&self, stored: Stored, news: News<'_>) -> Result<(), Fault> {
        match news {
            News::Line(StoredLine { number, time, kind, from, text, facts }) => {
                let insert = "INSERT OR IGNORE INTO lines \
                              (room, number, time, kind, sender, text, facts) \
                              VALUES (?, ?, ?, ?, ?, ?, nullif(?, ''))";
                let text = String::from_utf8_lossy(text);
                let mut insert = self.connection.prepare_cached(insert)?;
                let kind = word(kind);
                insert.execute(params![stored.id, number, time, kind, from, text, facts])?;
            }
            News::Lost(first, last) => {
                let insert = "INSERT OR REPLACE INTO gaps VALUES (?, ?, ?)";
                self.connection.prepare_cached(insert)?.execute(params![stored.id, first, last])?;
            }
            // It may be entered again soon.
            News::Closed | News::Run(_) | News::Rules(_) => {}
            News::Cleared(first, last) => {
                let delete = "DELETE FROM lines WHERE room = ? AND number BETWEEN ? AND ?";
                let last = i64::try_from(last).unwrap_or(i64::MAX);
                self.connection.prepare_cached(delete)?.execute(params![stored.id, first, last])?;
            }
            News::Topic(topic) => {
                let update = "UPDATE rooms SET topic = ? WHERE id = ?";
                self.connection.prepare_cached(update)?.execute(params![topic, stored.id])?;
            }
        }
        Ok(())
    }

    /// What operators have set for a room is this now.
    fn set_rules(&mut self, room: &RoomKey, rules: &str) -> Result<(), Fault> {
        let set = "INSERT OR REPLACE INTO meta VALUES (?, ?)";
        self.connection.execute(set, [&*rules_of(&room.name), rules])?;
        Ok(())
    }

    /// What operators have set for the room of this name.
    fn rules(&self, name: &str) -> Result<Rules, Fault> {
        let select = "SELECT value FROM meta WHERE key = ?";
        let rules = self.connection.query_row(select, [rules_of(name)], |row| row.get(0));
        Ok(rules.optional()?.map_or(Rules::default(), |rules: String| Rules::parse(&rules)))
    }

    /// The numbers of a room belong to the counting `run` from now on. Those of another one
    /// are kept, as a room that nobody can enter: `lobby@k3f9`.
    fn begin_run(&mut self, room: &RoomKey, stored: Stored, run: &str) -> Result<(), Fault> {
        let key = format!("run of {}", room.name);
        let select = "SELECT value FROM meta WHERE key = ?";
        let old = self.connection.query_row(select, [&key], |row| row.get::<_, String>(0));
        let old = old.optional()?;
        if old.as_deref() == Some(run) {
            return Ok(());
        }
        let set = "INSERT OR REPLACE INTO meta VALUES (?, ?)";
        self.connection.execute(set, [&*key, run])?;
        let select = "SELECT EXISTS (SELECT 1 FROM lines WHERE room = ?)";
        if !self.connection.query_row(select, [stored.id], |row| row.get::<_, bool>(0))? {
            return Ok(());
        }
        let old = old.unwrap_or_else(|| self.run.clone());
        let rename = "UPDATE OR REPLACE rooms SET name = ? WHERE id = ?";
        self.connection.execute(rename, params![format!("{}@{old}", room.name), stored.id])?;
        self.connection.execute("DELETE FROM looks WHERE room = ?", [stored.id])?;
        self.rooms.remove(&room.name);
        self.room(room).map(drop)
    }

    /// The number of the newest line of a room before this one; 0 if there is none.
    pub fn newest(&self, room: &RoomKey, before: u64) -> Result<u64, Fault> {
        let Some(id) = self.find(room)? else { return Ok(0) };
        let select = "SELECT ifnull(max(number), 0) FROM lines WHERE room = ? AND number < ?";
        let before = i64::try_from(before).unwrap_or(i64::MAX);
        Ok(self.connection.query_row(select, params![id, before], |row| row.get(0))?)
    }

    /// Whether a room is about to run out of numbers.
    fn is_reserve_low(&self, batches: &[Batch]) -> bool {
        newest(batches).any(|(room, number)| {
            let stored = self.rooms.get(&room.name);
            stored.is_none_or(|stored| number + RESERVED / 2 > stored.reserved)
        })
    }

    /// Reserves numbers for those rooms.
    fn reserve(&mut self, batches: &[Batch]) -> Result<(), Fault> {
        let lines = batches.iter().map(Batch::len).sum::<usize>() as u64;
        for (room, number) in newest(batches) {
            let stored = self.room(room)?;
            if number + RESERVED / 2 > stored.reserved {
                self.set_reserved(&room.name, number + RESERVED.max(8 * lines))?;
            }
        }
        Ok(())
    }

    fn set_reserved(&mut self, name: &str, reserved: u64) -> Result<(), Fault> {
        let update = "UPDATE rooms SET reserved = ? WHERE name = ?";
        self.connection.prepare_cached(update)?.execute(params![reserved, name])?;
        if let Some(stored) = self.rooms.get_mut(name) {
            stored.reserved = reserved;
        }
        Ok(())
    }

    /// Says where the numbers of rooms go on in which nobody is.
    pub fn end_rooms(&mut self, nexts: &[(u64, Box<str>)]) -> Result<(), Fault> {
        self.transact(false, |database| {
            nexts.iter().try_for_each(|(next, name)| database.set_reserved(name, *next))
        })
    }

    /// Says where the numbers of rooms go on: the server ends.
    pub fn close(mut self, nexts: &HashMap<Box<str>, u64>) -> Result<(), Fault> {
        self.transact(true, |database| {
            nexts.iter().try_for_each(|(room, next)| database.set_reserved(room, *next))
        })?;
        self.connection.close().map_err(|(_, error)| error.into())
    }

    /// A room, which is made if it isn't there.
    fn room(&mut self, room: &RoomKey) -> Result<Stored, Fault> {
        if let Some(stored) = self.rooms.get(&room.name) {
            return Ok(*stored);
        }
        let insert = "INSERT OR IGNORE INTO rooms (name, reserved) VALUES (?, 1)";
        if self.connection.execute(insert, [&room.name])? > 0 {
            let id = self.connection.last_insert_rowid();
            for look in &room.looks {
                let insert = "INSERT OR IGNORE INTO looks VALUES (?, ?)";
                self.connection.execute(insert, params![look, id])?;
            }
        }
        let select = "SELECT id, reserved FROM rooms WHERE name = ?";
        let stored = self.connection.query_row(select, [&room.name], |row| {
            Ok(Stored { id: row.get(0)?, reserved: row.get(1)? })
        })?;
        self.rooms.insert(room.name.clone(), stored);
        Ok(stored)
    }

    /// The id of a room, if it is stored.
    fn find(&self, room: &RoomKey) -> Result<Option<i64>, Fault> {
        if let Some(stored) = self.rooms.get(&room.name) {
            return Ok(Some(stored.id));
        }
        let select = "SELECT room FROM looks WHERE look IN (?, ?) LIMIT 1";
        let mut select = self.connection.prepare_cached(select)?;
        Ok(select.query_row([&room.looks[0], &room.looks[1]], |row| row.get(0)).optional()?)
    }

    /// The end of a room. Numbers are reserved for it. `nexts` has the next numbers of rooms
    /// that were used since the start.
    pub fn tail(&mut self, room: &RoomKey, nexts: &HashMap<Box<str>, u64>) -> Result<Tail, Fault> {
        let Some(id) = self.find(room)? else {
            // One that is known all the same waits to be written.
            let known = nexts.get(&room.name).copied();
            let (is_known, next) = (known.is_some(), known.unwrap_or(self.floor + 1));
            return Ok(Tail { is_known, name: room.name.clone(), next, ..Tail::default() });
        };
        let select = "SELECT name, topic, reserved FROM rooms WHERE id = ?";
        let (name, topic, reserved) = self.connection.query_row(select, [id], |row| {
            Ok((row.get::<_, Box<str>>(0)?, row.get::<_, Box<str>>(1)?, row.get::<_, u64>(2)?))
        })?;
        let known = nexts.get(&name).copied();
        let lines = self.tail_lines(id)?;
        let newest = lines.last().map_or(0, number);
        let next = known.unwrap_or(reserved).max(newest + 1);
        if known.is_none() || reserved < next + RESERVED / 2 {
            self.transact(true, |database| database.set_reserved(&name, next + RESERVED))?;
        }
        let is_interrupted = known.is_none() && newest > 0 && newest + 1 < next;
        let (is_known, rules) = (true, self.rules(&name)?);
        let tail = Tail { is_known, name, next, topic, rules, lines, ..Tail::default() };
        Ok(Tail { is_interrupted, ..tail })
    }

    /// The newest lines of a room, after the last gap.
    fn tail_lines(&self, id: i64) -> Result<Vec<Past>, Fault> {
        let select = "SELECT ifnull(max(last), 0) FROM gaps WHERE room = ?";
        let gap: u64 = self.connection.query_row(select, [id], |row| row.get(0))?;
        let select = format!(
            "SELECT {COLUMNS} FROM lines WHERE room = ? AND number > ? \
             ORDER BY number DESC LIMIT {TAIL_LINES}"
        );
        let mut select = self.connection.prepare_cached(&select)?;
        let mut lines = Vec::new();
        let mut bytes = 0;
        let mut rows = select.query(params![id, gap])?;
        while let Some(row) = rows.next()? {
            let line = past(row)?;
            bytes += size(&line);
            if bytes > TAIL_BYTES {
                break;
            }
            lines.push(line);
        }
        lines.reverse();
        Ok(lines)
    }

    /// A part of what was said before line `before`.
    pub fn page(&self, room: &RoomKey, from: From, before: u64) -> Result<Page, Fault> {
        let Some(id) = self.find(room)? else { return Ok(Page::default()) };
        let first = self.first(id, from, before)?;
        let (lines, is_cut) = self.lines(id, first, before)?;
        let last = lines.last().map(number).filter(|_| is_cut);
        let items = self.with_gaps(id, first, last.map_or(before, |last| last + 1), lines)?;
        let count = format!(
            "SELECT count(*) FROM (SELECT 1 FROM lines \
             WHERE room = ? AND number >= ? AND number < ? LIMIT {COUNT_MAX})"
        );
        let mut count = self.connection.prepare_cached(&count)?;
        let count = count.query_row(params![id, first, before], |row| row.get(0))?;
        let oldest = "SELECT ifnull(min(number), 0) FROM lines WHERE room = ?";
        let mut oldest = self.connection.prepare_cached(oldest)?;
        let oldest = oldest.query_row([id], |row| row.get(0))?;
        Ok(Page { items, count, oldest, next: last })
    }

    /// The number of the first line of a page.
    fn first(&self, id: i64, from: From, before: u64) -> Result<u64, Fault> {
        match from {
            From::After(number) => Ok(number.saturating_add(1).min(before)),
            From::Last(lines) => {
                let select = "SELECT number FROM lines WHERE room = ? AND number < ? \
                              ORDER BY number DESC LIMIT 1 OFFSET ?";
                let mut select = self.connection.prepare_cached(select)?;
                let skipped = i64::try_from(lines.saturating_sub(1)).unwrap_or(i64::MAX);
                let first = select.query_row(params![id, before, skipped], |row| row.get(0));
                Ok(first.optional()?.unwrap_or(1))
            }
            From::Since(time) => {
                // Later lines have later times, as long as nobody sets the clock back.
                let select = "SELECT number, time FROM lines WHERE room = ? AND number >= ? \
                              ORDER BY number LIMIT 1";
                let mut select = self.connection.prepare_cached(select)?;
                let (mut low, mut high) = (1, before);
                while low < high {
                    let middle = low + (high - low) / 2;
                    let line = select.query_row(params![id, middle], |row| {
                        Ok((row.get::<_, u64>(0)?, row.get::<_, u32>(1)?))
                    });
                    match line.optional()? {
                        Some((number, at)) if at < time => low = number.max(middle) + 1,
                        _ => high = middle,
                    }
                }
                Ok(low)
            }
        }
    }

    /// Lines of a range of numbers, and whether there are more.
    fn lines(&self, id: i64, first: u64, before: u64) -> Result<(Vec<Past>, bool), Fault> {
        let select = format!(
            "SELECT {COLUMNS} FROM lines WHERE room = ? AND number >= ? AND number < ? \
             ORDER BY number LIMIT {}",
            PAGE_LINES + 1
        );
        let mut select = self.connection.prepare_cached(&select)?;
        let mut rows = select.query(params![id, first, before])?;
        let mut lines = Vec::new();
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            if lines.len() as u64 == PAGE_LINES || bytes > PAGE_BYTES {
                return Ok((lines, true));
            }
            let line = past(row)?;
            bytes += size(&line);
            lines.push(line);
        }
        Ok((lines, false))
    }

    /// The same lines, with what is missing between them. Of a gap only what is from `first`
    /// on and before `before` counts: the rest was told, or is still in memory.
    fn with_gaps(
        &self,
        id: i64,
        first: u64,
        before: u64,
        lines: Vec<Past>,
    ) -> Result<Vec<Past>, Fault> {
        let select = "SELECT max(first, ?2), min(last, ?3 - 1) FROM gaps \
                      WHERE room = ?1 AND last >= ?2 AND first < ?3 ORDER BY first";
        let mut select = self.connection.prepare_cached(select)?;
        let gaps = select.query_map(params![id, first, before], |row| {
            Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?))
        })?;
        let gaps: Vec<_> = gaps.collect::<Result<_, _>>()?;
        let mut gaps = gaps.into_iter().peekable();
        let mut items = Vec::with_capacity(lines.len());
        for line in lines {
            while let Some((first, last)) = gaps.next_if(|(first, _)| *first < number(&line)) {
                items.push(Past::Lost(last + 1 - first));
            }
            items.push(line);
        }
        items.extend(gaps.map(|(first, last)| Past::Lost(last + 1 - first)));
        Ok(items)
    }

    /// The newest lines of a room that have all of `words`, newest first, if that takes no
    /// longer than `time`.
    pub fn search(
        &mut self,
        room: &RoomKey,
        words: &str,
        time: Duration,
    ) -> Result<Vec<Past>, Fault> {
        let Some(id) = self.find(room)? else { return Ok(Vec::new()) };
        let until = Instant::now() + time;
        let is_late = move || Instant::now() > until;
        self.connection.progress_handler(SEARCH_STEPS, Some(is_late))?;
        let result = self.search_all(id, words);
        self.connection.progress_handler(0, None::<fn() -> bool>)?;
        result
    }

    fn search_all(&self, id: i64, words: &str) -> Result<Vec<Past>, Fault> {
        let query = query(words);
        if query.is_empty() {
            return Ok(Vec::new());
        }
        let select = format!(
            "SELECT {COLUMNS} FROM words JOIN lines ON lines.id = words.rowid \
             WHERE words MATCH ? AND room = ? ORDER BY words.rowid DESC LIMIT {FOUND_MAX}"
        );
        let mut select = self.connection.prepare_cached(&select)?;
        let mut rows = select.query(params![query, id])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(past(row)?);
        }
        Ok(found)
    }

    /// What a user said last in a room before the line with this number, newest first: so many
    /// lines at most, or what was found in `time`; `None` if that is nothing.
    pub fn last(
        &mut self,
        room: &RoomKey,
        name: &str,
        before: u64,
        lines: usize,
        time: Duration,
    ) -> Result<Option<Vec<Past>>, Fault> {
        let Some(id) = self.find(room)? else { return Ok(Some(Vec::new())) };
        let until = Instant::now() + time;
        let select = format!(
            "SELECT {COLUMNS} FROM lines WHERE room = ? AND number < ? \
             AND kind IN ('said', 'act') ORDER BY number DESC"
        );
        let mut select = self.connection.prepare_cached(&select)?;
        let before = i64::try_from(before).unwrap_or(i64::MAX);
        let mut rows = select.query(params![id, before])?;
        let mut found = Vec::new();
        while found.len() < lines
            && let Some(row) = rows.next()?
        {
            let line = past(row)?;
            if matches!(&line, Past::Line { from, .. } if is_sender(from, name)) {
                found.push(line);
            }
            if Instant::now() > until {
                return Ok(Some(found).filter(|found| !found.is_empty()));
            }
        }
        Ok(Some(found))
    }

    /// Bytes of the database that are in use.
    pub fn bytes(&self) -> Result<u64, Fault> {
        let pragma = |name| self.connection.pragma_query_value(None, name, |row| row.get(0));
        let (pages, free): (u64, u64) = (pragma("page_count")?, pragma("freelist_count")?);
        Ok(pages.saturating_sub(free) * pragma("page_size")?)
    }

    /// Deletes the oldest lines, `lines_max` at most and of those that are older than
    /// `oldest` only; and rooms of which nothing is left. Gives how many lines there were,
    /// and the names of the rooms.
    pub fn delete(
        &mut self,
        lines_max: usize,
        oldest: Option<u64>,
    ) -> Result<(usize, Vec<Box<str>>), Fault> {
        let (mut deleted, mut emptied) = (0, Vec::new());
        self.transact(false, |database| {
            let rooms = database.delete_lines(lines_max, oldest)?;
            deleted = rooms.len();
            for id in rooms.into_iter().collect::<BTreeSet<_>>() {
                emptied.extend(database.delete_if_empty(id)?);
            }
            let delete = "DELETE FROM gaps WHERE NOT EXISTS \
                          (SELECT 1 FROM lines WHERE room = gaps.room AND number < gaps.first)";
            database.connection.prepare_cached(delete)?.execute([])?;
            Ok(())
        })?;
        emptied.iter().for_each(|name| _ = self.rooms.remove(name));
        Ok((deleted, emptied))
    }

    /// Gives the room of each line that was deleted.
    fn delete_lines(&self, lines_max: usize, oldest: Option<u64>) -> Result<Vec<i64>, Fault> {
        let delete = "DELETE FROM lines WHERE id IN \
                      (SELECT id FROM lines ORDER BY id LIMIT ?) AND time < ? RETURNING room";
        let mut delete = self.connection.prepare_cached(delete)?;
        let oldest = oldest.unwrap_or(i64::MAX as u64);
        let rooms = delete.query_map(params![lines_max, oldest], |row| row.get(0))?;
        Ok(rooms.collect::<Result<_, _>>()?)
    }

    /// Deletes a room of which there is no line, so that nobody can fill the disk with rooms.
    /// One that is made again begins behind its numbers. Gives its name if it is gone.
    fn delete_if_empty(&mut self, id: i64) -> Result<Option<Box<str>>, Fault> {
        let select = "SELECT name, reserved FROM rooms WHERE id = ?1 \
                      AND NOT EXISTS (SELECT 1 FROM lines WHERE room = ?1)";
        let mut select = self.connection.prepare_cached(select)?;
        let room = select.query_row([id], |row| Ok((row.get(0)?, row.get::<_, u64>(1)?)));
        let Some((name, reserved)): Option<(Box<str>, _)> = room.optional()? else {
            return Ok(None);
        };
        for delete in ["DELETE FROM rooms WHERE id = ?", "DELETE FROM looks WHERE room = ?"] {
            self.connection.prepare_cached(delete)?.execute([id])?;
        }
        let delete = "DELETE FROM meta WHERE key = ?";
        self.connection.prepare_cached(delete)?.execute([rules_of(&name)])?;
        self.floor = self.floor.max(reserved);
        let update = "UPDATE meta SET value = ? WHERE key = 'floor'";
        self.connection.prepare_cached(update)?.execute([self.floor.to_string()])?;
        Ok(Some(name))
    }
}

/// The key of what operators have set for a room.
fn rules_of(name: &str) -> String {
    format!("rules of {name}")
}

/// The value of a name, which is `fresh` from now on if it had none.
fn meta(connection: &Connection, name: &str, fresh: &str) -> Result<String, Fault> {
    connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", [name, fresh])?;
    let select = "SELECT value FROM meta WHERE key = ?";
    Ok(connection.query_row(select, [name], |row| row.get(0))?)
}

/// The number of the newest line in each batch, by room.
fn newest(batches: &[Batch]) -> impl Iterator<Item = (&RoomKey, u64)> {
    let mut newest: HashMap<&RoomKey, u64> = HashMap::new();
    for (room, news) in batches.iter().flat_map(Batch::iter) {
        let number = match news {
            News::Line(line) => line.number,
            News::Lost(_, last) => last,
            News::Topic(_) | News::Run(_) | News::Rules(_) | News::Cleared(..) | News::Closed => {
                continue;
            }
        };
        let known = newest.entry(&**room).or_default();
        *known = number.max(*known);
    }
    newest.into_iter()
}

/// The words of a user as a query: each of them has to be there, and one that ends with a
/// star may go on. Nothing else of the language of queries is known here.
pub fn query(words: &str) -> String {
    let words = words.split_whitespace().filter(|word| word.contains(char::is_alphanumeric));
    let quoted = words.map(|word| {
        let bare = word.trim_end_matches('*');
        let star = if bare.len() < word.len() { " *" } else { "" };
        format!("\"{}\"{star}", bare.replace('"', "\"\""))
    });
    quoted.collect::<Vec<_>>().join(" ")
}

pub fn past(row: &Row<'_>) -> Result<Past, rusqlite::Error> {
    let kind = kind(row.get_ref(2)?.as_str().unwrap_or_default());
    let (number, time) = (row.get(0)?, row.get(1)?);
    let facts = row.get_ref(5)?.as_str_or_null().ok().flatten().map(Facts::check);
    let facts = facts.unwrap_or_default();
    Ok(Past::Line { number, time, kind, from: row.get(3)?, text: row.get(4)?, facts })
}

fn number(past: &Past) -> u64 {
    match past {
        Past::Line { number, .. } => *number,
        Past::Lost(_) => 0,
    }
}

fn size(past: &Past) -> usize {
    match past {
        Past::Line { from, text, facts, .. } => LINE_BYTES + from.len() + text.len() + facts.len(),
        Past::Lost(_) => LINE_BYTES,
    }
}

/// A kind as it is stored.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Said => "said",
        Kind::Act => "act",
        Kind::Presence => "presence",
        // What is for one reader isn't stored.
        Kind::Notice | Kind::Received | Kind::Sent => "notice",
    }
}

fn kind(word: &str) -> Kind {
    match word {
        "said" => Kind::Said,
        "act" => Kind::Act,
        "presence" => Kind::Presence,
        _ => Kind::Notice,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tempfile::TempDir;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn key(name: &str) -> Arc<RoomKey> {
        let look: Box<str> = name.to_lowercase().into();
        Arc::new(RoomKey { name: name.into(), looks: [look.clone(), look] })
    }

    fn open(directory: &TempDir) -> Database {
        let path = directory.path().join("roomcast.db");
        Database::open(&path, "k3f9", 0).expect("it opens")
    }

    fn line(number: u64, text: &str) -> News<'_> {
        let (time, kind, from, text) = (number as u32, Kind::Said, "ann", text.as_bytes());
        News::Line(StoredLine { number, time, kind, from, text, facts: "" })
    }

    fn batch(room: &Arc<RoomKey>, news: &[News<'_>]) -> Batch {
        let mut batch = Batch::default();
        news.iter().for_each(|news| batch.push(room, *news));
        batch
    }

    /// A room of which so many lines were said.
    fn filled(directory: &TempDir, lines: u64) -> (Database, Arc<RoomKey>) {
        let mut database = open(directory);
        let room = key("Dev");
        let texts: Vec<_> = (1..=lines).map(|number| format!("word{number} hello")).collect();
        let news: Vec<_> = (1..).zip(&texts).map(|(number, text)| line(number, text)).collect();
        database.write(&[batch(&room, &news)]).expect("it is written");
        (database, room)
    }

    /// The numbers of lines, and gaps as negative numbers.
    fn shown(items: &[Past]) -> Vec<i64> {
        let show = |item: &Past| match item {
            Past::Line { number, .. } => *number as i64,
            Past::Lost(lines) => -(*lines as i64),
        };
        items.iter().map(show).collect()
    }

    fn directory() -> TempDir {
        tempfile::tempdir().expect("a directory")
    }

    #[test]
    fn what_a_notice_tells_is_stored_with_it() {
        let directory = directory();
        let mut database = open(&directory);
        let (room, facts) = (key("Dev"), "{\"event\":\"join\",\"who\":[\"bob\"]}");
        let (kind, from, text) = (Kind::Presence, "", &b"bob joined"[..]);
        let notice = News::Line(StoredLine { number: 2, time: 2, kind, from, text, facts });
        database.write(&[batch(&room, &[line(1, "hello"), notice])]).expect("it is written");
        let page = database.page(&room, From::After(0), 10).expect("a page");
        let facts_of = |item: &Past| match item {
            Past::Line { facts, .. } => facts.to_string(),
            Past::Lost(_) => "lost".into(),
        };
        let found: Vec<_> = page.items.iter().map(facts_of).collect();
        assert_eq!(found, ["", facts]);
        // Anybody may have written to the file.
        let bad = "UPDATE lines SET facts = 'x' WHERE number = 2";
        database.connection.execute(bad, []).expect("it is written");
        let page = database.page(&room, From::After(1), 10).expect("a page");
        assert_eq!(facts_of(&page.items[0]), "");
    }

    #[test]
    fn after_a_clean_end_numbers_go_on() {
        let directory = directory();
        let (mut database, room) = filled(&directory, 3);
        database.write(&[batch(&room, &[News::Topic("all that")])]).expect("it is written");
        database.close(&HashMap::from([("Dev".into(), 4)])).expect("it closes");
        let mut database = open(&directory);
        let tail = database.tail(&key("dEv"), &HashMap::new()).expect("a tail");
        assert_eq!((&*tail.name, &*tail.topic, tail.next), ("Dev", "all that", 4));
        assert!(tail.is_known && !tail.is_interrupted);
        assert_eq!(shown(&tail.lines), [1, 2, 3]);
        let line = Past::Line {
            number: 1,
            time: 1,
            kind: Kind::Said,
            from: "ann".into(),
            text: "word1 hello".into(),
            facts: "".into(),
        };
        assert_eq!(tail.lines[0], line);
        assert_eq!(database.run(), "k3f9");
        assert!(!database.tail(&key("other"), &HashMap::new()).expect("a tail").is_known);
    }

    #[test]
    fn after_a_crash_no_number_is_used_twice() {
        let directory = directory();
        drop(filled(&directory, 3));
        let mut newest = 3;
        for _ in 0..3 {
            let mut database = open(&directory);
            let tail = database.tail(&key("dev"), &HashMap::new()).expect("a tail");
            assert!(tail.is_interrupted && tail.next > newest + RESERVED / 2, "{tail:?}");
            newest = tail.next;
        }
    }

    #[test]
    fn a_room_that_is_opened_again_goes_on_where_it_was() {
        let directory = directory();
        let (mut database, _room) = filled(&directory, 3);
        let tail = database.tail(&key("DEV"), &HashMap::from([("Dev".into(), 4)])).expect("a tail");
        assert_eq!((tail.next, tail.is_interrupted), (4, false));
    }

    #[test]
    fn numbers_are_reserved_before_half_of_them_are_used() {
        let directory = directory();
        let (mut database, room) = filled(&directory, 1);
        for number in [RESERVED / 2, 3 * RESERVED, 3 * RESERVED + 1] {
            database.write(&[batch(&room, &[line(number, "hello")])]).expect("it is written");
            assert!(database.highest().expect("a number") >= number + RESERVED / 2);
        }
    }

    #[test]
    fn a_page_has_what_was_asked_for_and_what_is_missing() {
        let directory = directory();
        let (mut database, room) = filled(&directory, 1200);
        let news = [line(1201, "a"), News::Lost(1202, 1211), line(1212, "b"), line(1300, "c")];
        database.write(&[batch(&room, &news)]).expect("it is written");
        let page = |from, before| database.page(&room, from, before).expect("a page");
        let last = page(From::Last(3), 2000);
        assert_eq!(
            (shown(&last.items), last.count, last.next),
            (vec![1201, -10, 1212, 1300], 3, None)
        );
        let first = page(From::After(0), 2000);
        assert_eq!(
            (first.items.len(), first.count, first.oldest, first.next),
            (200, 1203, 1, Some(200))
        );
        let rest = page(From::After(1000), 1100);
        assert_eq!((rest.items.len(), rest.count, rest.next), (99, 99, None));
        assert_eq!(shown(&page(From::Since(1199), 1201).items), [1199, 1200]);
        assert_eq!(page(From::Since(2000), 2000).items, []);
        assert_eq!(page(From::Last(5000), 10).count, 9);
        assert_eq!(shown(&page(From::After(1201), 1300).items), [-10, 1212]);
        // A part of the gap was told before, or is still in memory.
        assert_eq!(shown(&page(From::After(1205), 1300).items), [-6, 1212]);
        assert_eq!(shown(&page(From::After(1201), 1207).items), [-5]);
    }

    #[test]
    fn the_tail_begins_after_the_last_gap() {
        let directory = directory();
        let (mut database, room) = filled(&directory, 3);
        let news = [News::Lost(4, 9), line(10, "a"), line(11, "b")];
        database.write(&[batch(&room, &news)]).expect("it is written");
        assert_eq!(shown(&database.tail(&room, &HashMap::new()).expect("a tail").lines), [10, 11]);
    }

    #[test]
    fn a_search_finds_the_newest_lines_with_all_words() {
        let directory = directory();
        let (mut database, room) = filled(&directory, 100);
        let news = [line(101, "Käse and Brot"), line(102, "\"quoted\" OR not")];
        database.write(&[batch(&room, &news)]).expect("it is written");
        database.write(&[batch(&key("other"), &[line(1, "hello")])]).expect("it is written");
        let mut find = |words| shown(&database.search(&room, words, PATIENCE).expect("an answer"));
        assert_eq!(find("hello")[..3], [100, 99, 98]);
        assert_eq!(find("hello").len(), 20);
        assert_eq!(find("HELLO word42"), [42]);
        assert_eq!(find("word4*").len(), 11);
        assert_eq!(find("kase"), [101]);
        for words in ["\"quoted", "OR", "\" OR \"", "NEAR(", "text:hello", "-", "*", "(", ""] {
            // Whatever it finds, it is no error.
            find(words);
        }
        assert_eq!(find("OR"), [102]);
        assert!(find("nowhere").is_empty());
    }

    #[test]
    fn what_a_user_said_last_is_found_by_name() {
        let directory = directory();
        let (mut database, room) = filled(&directory, 100);
        let mut last = |name, before, lines, time| {
            let found = database.last(&room, name, before, lines, time).expect("an answer");
            found.map(|found| shown(&found))
        };
        assert_eq!(last("ANN", 101, 3, PATIENCE), Some(vec![100, 99, 98]));
        assert_eq!(last("ann", 50, 2, PATIENCE), Some(vec![49, 48]));
        assert_eq!(last("bob", 101, 3, PATIENCE), Some(vec![]));
        assert_eq!(last("bob", 101, 3, Duration::ZERO), None, "it takes too long");
    }

    #[test]
    fn a_search_that_takes_too_long_is_stopped_and_the_next_one_works() {
        let directory = directory();
        let (mut database, room) = filled(&directory, 2000);
        database.write(&[batch(&key("other"), &[line(1, "a")])]).expect("it is written");
        // Each of them is looked at.
        let result = database.search(&key("other"), "hello", Duration::ZERO);
        assert_eq!(result, Err(Fault::Interrupted));
        assert_eq!(database.search(&room, "hello", PATIENCE).expect("an answer").len(), 20);
    }

    #[test]
    fn a_room_of_which_no_line_is_left_is_gone_and_its_numbers_are_not_used_again() {
        let directory = directory();
        let (mut database, room) = filled(&directory, 100);
        database.write(&[batch(&key("tea"), &[line(1, "a")])]).expect("it is written");
        assert_eq!(database.delete(100, None).expect("it works"), (100, vec!["Dev".into()]));
        assert!(database.tail(&key("tea"), &HashMap::new()).expect("a tail").is_known);
        for mut database in [database, open(&directory)] {
            let tail = database.tail(&room, &HashMap::new()).expect("a tail");
            assert!(!tail.is_known && tail.next > 100 + RESERVED / 2, "{tail:?}");
            database.write(&[batch(&room, &[line(tail.next, "again")])]).expect("it is written");
            assert!(database.tail(&room, &HashMap::new()).expect("a tail").is_known);
            database.delete(100, None).expect("it works");
        }
    }

    #[test]
    fn the_oldest_lines_are_deleted_in_steps_and_not_found_any_more() {
        let directory = directory();
        let (mut database, room) = filled(&directory, 100);
        let mut delete = |oldest| database.delete(30, oldest).expect("it works");
        assert_eq!(delete(Some(11)), (10, vec![]));
        assert_eq!(delete(Some(11)), (0, vec![]));
        assert_eq!(delete(None), (30, vec![]));
        let page = database.page(&room, From::After(0), 101).expect("a page");
        assert_eq!((page.count, shown(&page.items)[0]), (60, 41));
        assert_eq!(database.search(&room, "word7", PATIENCE).expect("an answer"), []);
        let check = "INSERT INTO words (words, rank) VALUES ('integrity-check', 1)";
        // The index has texts of people only, which is what is said here.
        database.connection.execute(check, []).expect("the index is whole");
    }
}
