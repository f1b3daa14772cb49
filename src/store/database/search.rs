//! What users search for.

use std::time::{Duration, Instant};

use rusqlite::params;

use super::Database;
use super::rows::{COLUMNS, past};
use crate::store::schema::Fault;
use crate::wire::{Past, RoomKey, is_sender};

/// What a search gives at most.
const FOUND_MAX: u64 = 20;

/// Steps of SQLite's machine between two looks at whether a search takes too long: some
/// microseconds.
const SEARCH_STEPS: i32 = 1000;

impl Database {
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
}

/// The words of a user as a query: each of them has to be there, and one that ends with a
/// star may go on. Nothing else of the language of queries is known here, and a control character
/// is in no line (NUL would end the query).
pub fn query(words: &str) -> String {
    let words = words.split(|it: char| it.is_whitespace() || it.is_control());
    let words = words.filter(|word| word.contains(char::is_alphanumeric));
    let quoted = words.map(|word| {
        let bare = word.trim_end_matches('*');
        let star = if bare.len() < word.len() { " *" } else { "" };
        format!("\"{}\"{star}", bare.replace('"', "\"\""))
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::tests::{PATIENCE, batch, directory, filled, key, line, shown};

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
        assert_eq!(find("hello\0word42\u{7}"), [42]);
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
}
