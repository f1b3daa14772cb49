//! The database: lines go in, and pages, tails and what was searched for come out.

// In reading order.
mod rows;
mod numbers;
mod names;
mod pages;
mod again;
pub mod search;
mod deletion;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use self::rows::word;
pub use self::rows::{COLUMNS, past};
use super::schema::{self, Fault};
use crate::wire::{Batch, News, RoomKey, Rules, StoredLine};

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
    /// The next line has this id. No id is used twice: whoever follows what is stored has seen
    /// all up to one.
    next_id: i64,
    /// Lines up to this id have times that haven't come, this one and later ones.
    ahead: Option<(i64, u64)>,
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
        let next_id = next_id(&connection)?;
        let (path, rooms) = (path.to_owned(), HashMap::new());
        Ok(Database { connection, path, identity, rooms, run, floor, next_id, ahead: None })
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
                    News::Again(line) => database.write_again(room, stored, &line),
                    news => database.write_news(stored, news),
                }
            })?;
            batches.iter().try_for_each(|batch| database.write_names(batch.names()))?;
            if is_cleared {
                database.keep_next_id()?;
            }
            if is_reserve_low { database.reserve(batches) } else { Ok(()) }
        })
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

    fn write_news(&mut self, stored: Stored, news: News<'_>) -> Result<(), Fault> {
        match news {
            News::Line(line) => self.write_line(stored, &line)?,
            News::Lost(first, last) => {
                let insert = "INSERT OR REPLACE INTO gaps VALUES (?, ?, ?)";
                self.connection.prepare_cached(insert)?.execute(params![stored.id, first, last])?;
            }
            // It may be entered again soon.
            News::Closed | News::Run(_) | News::Rules(_) | News::Again(_) => {}
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

    /// Writes a line behind all others.
    fn write_line(&mut self, stored: Stored, line: &StoredLine<'_>) -> Result<(), Fault> {
        let id = self.next_id;
        self.next_id += 1;
        self.write_line_at(id, stored, line)
    }

    fn write_line_at(&self, id: i64, stored: Stored, line: &StoredLine<'_>) -> Result<(), Fault> {
        let StoredLine { number, time, kind, from, text, facts } = *line;
        let insert = "INSERT OR IGNORE INTO lines \
                      (id, room, number, time, kind, sender, text, facts) \
                      VALUES (?, ?, ?, ?, ?, ?, ?, nullif(?, ''))";
        let (kind, text) = (word(kind), String::from_utf8_lossy(text));
        let mut insert = self.connection.prepare_cached(insert)?;
        insert.execute(params![id, stored.id, number, time, kind, from, text, facts])?;
        Ok(())
    }

    /// Says which ids were used, of which lines may not be there any more.
    fn keep_next_id(&self) -> Result<(), Fault> {
        let set = "INSERT OR REPLACE INTO meta VALUES ('next id', ?)";
        self.connection.prepare_cached(set)?.execute([self.next_id.to_string()])?;
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
        self.leave_free(u64::MAX);
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
}

/// The key of what operators have set for a room.
fn rules_of(name: &str) -> String {
    format!("rules of {name}")
}

/// The id of the next line: none that was used, also by one that was deleted.
fn next_id(connection: &Connection) -> Result<i64, Fault> {
    let select = "SELECT max(ifnull((SELECT max(id) + 1 FROM lines), 1), \
                  ifnull((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'next id'), 1))";
    Ok(connection.query_row(select, [], |row| row.get(0))?)
}

/// The value of a name, which is `fresh` from now on if it had none.
fn meta(connection: &Connection, name: &str, fresh: &str) -> Result<String, Fault> {
    connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", [name, fresh])?;
    let select = "SELECT value FROM meta WHERE key = ?";
    Ok(connection.query_row(select, [name], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;
    use crate::wire::{From, Kind, Past};

    pub const PATIENCE: Duration = Duration::from_secs(10);

    pub fn key(name: &str) -> Arc<RoomKey> {
        let look: Box<str> = name.to_lowercase().into();
        Arc::new(RoomKey { name: name.into(), looks: [look.clone(), look] })
    }

    pub fn open(directory: &TempDir) -> Database {
        let path = directory.path().join("roomcast.db");
        Database::open(&path, "k3f9", 0).expect("it opens")
    }

    pub fn line(number: u64, text: &str) -> News<'_> {
        let (time, kind, from, text) = (number as u32, Kind::Said, "ann", text.as_bytes());
        News::Line(StoredLine { number, time, kind, from, text, facts: "" })
    }

    pub fn batch(room: &Arc<RoomKey>, news: &[News<'_>]) -> Batch {
        let mut batch = Batch::default();
        news.iter().for_each(|news| batch.push(room, *news));
        batch
    }

    /// A room of which so many lines were said.
    pub fn filled(directory: &TempDir, lines: u64) -> (Database, Arc<RoomKey>) {
        let mut database = open(directory);
        let room = key("Dev");
        let texts: Vec<_> = (1..=lines).map(|number| format!("word{number} hello")).collect();
        let news: Vec<_> = (1..).zip(&texts).map(|(number, text)| line(number, text)).collect();
        database.write(&[batch(&room, &news)]).expect("it is written");
        (database, room)
    }

    /// The numbers of lines, and gaps as negative numbers.
    pub fn shown(items: &[Past]) -> Vec<i64> {
        let show = |item: &Past| match item {
            Past::Line { number, .. } => *number as i64,
            Past::Lost(lines) => -(*lines as i64),
        };
        items.iter().map(show).collect()
    }

    pub fn directory() -> TempDir {
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
    fn a_room_that_is_opened_again_goes_on_where_it_was() {
        let directory = directory();
        let (mut database, _room) = filled(&directory, 3);
        let tail = database.tail(&key("DEV"), &HashMap::from([("Dev".into(), 4)])).expect("a tail");
        assert_eq!((tail.next, tail.is_interrupted), (4, false));
    }
}
