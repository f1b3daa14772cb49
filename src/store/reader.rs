//! Reading what a server has stored, while it runs or after that.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ToSql};

use super::database::search::query;
use super::database::{COLUMNS, past};
use super::schema::{self, Fault};
use crate::wire::{Past, Time};

/// Lines that are read at once: a server that writes isn't held up by one that looks.
const LINES_MAX: usize = 1000;

/// Which lines are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those of this room.
    pub room: Option<String>,
    /// Those that were said then or later.
    pub since: Option<Time>,
    /// Those that were said before.
    pub until: Option<Time>,
    /// Those with all of these words.
    pub words: Option<String>,
}

/// A database that is looked at.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
    identity: (u64, u64),
    filter: Filter,
    /// The id of the last line that was given.
    last: i64,
}

impl Reader {
    /// Opens the database at `path` to read what a filter lets through.
    ///
    /// # Errors
    /// Why that can't be done.
    pub fn open(path: &Path, filter: Filter) -> Result<Reader, Fault> {
        let connection = schema::open_to_read(path)?;
        let identity = schema::identity(path)?;
        Ok(Reader { connection, path: path.to_owned(), identity, filter, last: 0 })
    }

    /// Names the counting of lines.
    ///
    /// # Errors
    /// Why it can't be read.
    pub fn run(&self) -> Result<String, Fault> {
        let select = "SELECT value FROM meta WHERE key = 'run'";
        Ok(self.connection.query_row(select, [], |row| row.get(0))?)
    }

    /// Whether there is a room of this name.
    ///
    /// # Errors
    /// Why it can't be read.
    pub fn has_room(&self, name: &str) -> Result<bool, Fault> {
        let select = "SELECT count(*) FROM rooms WHERE name = ?";
        Ok(self.connection.query_row(select, [name], |row| row.get::<_, u64>(0))? > 0)
    }

    /// The next lines with the names of their rooms, oldest first; none if that is all for
    /// now.
    ///
    /// # Errors
    /// Why they can't be read.
    pub fn next_lines(&mut self) -> Result<Vec<(String, Past)>, Fault> {
        if schema::identity(&self.path).is_ok_and(|identity| identity != self.identity) {
            // Another database has taken its place.
            *self = Reader::open(&self.path, self.filter.clone())?;
        }
        let Filter { room, since, until, words } = &self.filter;
        let words = words.as_deref().map(query);
        let mut select = format!(
            "SELECT {COLUMNS}, rooms.name, lines.id FROM lines JOIN rooms ON rooms.id = lines.room"
        );
        let mut values: Vec<&dyn ToSql> = vec![&self.last];
        let mut tests = vec!["lines.id > ?"];
        if let Some(words) = &words {
            select += " JOIN words ON words.rowid = lines.id";
            tests.push("words MATCH ?");
            values.push(words);
        }
        let options = [
            ("rooms.name = ?", room.as_ref().map(|value| value as &dyn ToSql)),
            ("time >= ?", since.as_ref().map(|value| value as &dyn ToSql)),
            ("time < ?", until.as_ref().map(|value| value as &dyn ToSql)),
        ];
        for (test, value) in options {
            if let Some(value) = value {
                tests.push(test);
                values.push(value);
            }
        }
        let tests = tests.join(" AND ");
        let select = format!("{select} WHERE {tests} ORDER BY lines.id LIMIT {LINES_MAX}");
        let mut select = self.connection.prepare_cached(&select)?;
        let mut rows = select.query(&values[..])?;
        let (mut lines, mut last) = (Vec::new(), self.last);
        while let Some(row) = rows.next()? {
            lines.push((row.get(6)?, past(row)?));
            last = row.get(7)?;
        }
        drop(rows);
        drop(select);
        self.last = last;
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use super::super::database::Database;
    use super::*;
    use crate::wire::{Batch, Kind, News, RoomKey, StoredLine};

    #[test]
    fn a_filter_lets_through_what_it_says_and_new_lines_come_later() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("roomcast.db");
        assert!(Reader::open(&path, Filter::default()).is_err(), "there is none");
        let mut database = Database::open(&path, "k3f9", 0).expect("it opens");
        let write = |database: &mut Database, room: &str, number: u64, text: &str| {
            let name: Box<str> = room.into();
            let looks = [name.clone(), name.clone()];
            let (time, kind, from, text) = (number as u32, Kind::Said, "ann", text.as_bytes());
            let line = News::Line(StoredLine { number, time, kind, from, text, facts: "" });
            let mut batch = Batch::default();
            batch.push(&Arc::new(RoomKey { name, looks }), line);
            database.write(&[batch]).expect("it is written");
        };
        (1..=2500).for_each(|number| write(&mut database, "lobby", number, "hello lobby"));
        (1..=10).for_each(|number| write(&mut database, "dev", number, "hello dev"));
        let count = |filter: Filter| {
            let mut reader = Reader::open(&path, filter).expect("it opens");
            let parts = std::iter::repeat_with(|| reader.next_lines().expect("lines").len());
            parts.take_while(|lines| *lines > 0).sum::<usize>()
        };
        let all = Filter::default();
        assert_eq!(count(all.clone()), 2510);
        assert_eq!(count(Filter { room: Some("dev".into()), ..all.clone() }), 10);
        assert_eq!(count(Filter { since: Some(2401), ..all.clone() }), 100);
        assert_eq!(count(Filter { until: Some(3), ..all.clone() }), 4);
        assert_eq!(count(Filter { words: Some("DEV".into()), ..all.clone() }), 10);
        let mut reader =
            Reader::open(&path, Filter { since: Some(2500), ..all }).expect("it opens");
        assert_eq!(
            (reader.next_lines().expect("lines").len(), reader.run()),
            (1, Ok("k3f9".into()))
        );
        // It doesn't matter whether the newest lines are still there.
        database.delete(5000, None, 0, &HashSet::new()).expect("it works");
        let mut database = Database::open(&path, "k3f9", 0).expect("it opens");
        write(&mut database, "lobby", 2501, "more");
        let (room, line) = reader.next_lines().expect("lines").remove(0);
        assert_eq!(room, "lobby");
        assert!(matches!(line, Past::Line { number: 2501, .. }), "{line:?}");
    }
}
