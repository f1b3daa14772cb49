//! Lines that are stored late: other servers have had them, and this one may have them too.

use rusqlite::{OptionalExtension, params};

use super::{Database, Stored};
use crate::store::schema::Fault;
use crate::wire::{RoomKey, StoredLine};

/// Ids that are left free at most before a line that others may still be stored before: the engine
/// has few more lines of a room.
const FREE_MAX: u64 = 1 << 16;

/// The number and the id of a line; zeros: there is none.
type Place = (u64, i64);

impl Database {
    /// Writes a line that isn't there, neither in the room nor under an earlier counting of it.
    /// Its id is between those of its neighbours, so that ids go on growing with time.
    pub(super) fn write_again(
        &mut self,
        room: &RoomKey,
        stored: Stored,
        line: &StoredLine<'_>,
    ) -> Result<(), Fault> {
        if self.has_of_earlier(room, line)? {
            return Ok(());
        }
        let (before, after) = self.neighbours(stored, line.number)?;
        let Some((next, next_id)) = after else {
            // Lines that are missing before this one may follow.
            self.leave_free(line.number.saturating_sub(before.0 + 1));
            return self.write_line(stored, line);
        };
        let id = next_id.saturating_sub_unsigned(next - line.number);
        match id > before.1 && self.is_free(id)? {
            true => self.write_line_at(id, stored, line),
            false => self.write_line(stored, line),
        }
    }

    /// Leaves ids free for so many lines that may be stored late.
    pub(super) fn leave_free(&mut self, lines: u64) {
        self.next_id += lines.min(FREE_MAX) as i64;
    }

    /// The lines of a room before and from this number on.
    fn neighbours(&self, stored: Stored, number: u64) -> Result<(Place, Option<Place>), Fault> {
        let find = |select| {
            let mut select = self.connection.prepare_cached(select)?;
            let line = select.query_row(params![stored.id, number], |row| {
                Ok((row.get::<_, u64>(0)?, row.get::<_, i64>(1)?))
            });
            line.optional()
        };
        let before = "SELECT number, id FROM lines WHERE room = ? AND number < ? \
                      ORDER BY number DESC LIMIT 1";
        let after = "SELECT number, id FROM lines WHERE room = ? AND number >= ? \
                     ORDER BY number LIMIT 1";
        let (before, after) = (find(before)?, find(after)?);
        Ok((before.unwrap_or_default(), after))
    }

    fn is_free(&self, id: i64) -> Result<bool, Fault> {
        let select = "SELECT NOT EXISTS (SELECT 1 FROM lines WHERE id = ?)";
        Ok(self.connection.prepare_cached(select)?.query_row([id], |row| row.get(0))?)
    }

    /// Whether a line is there under an earlier counting (`lobby@k3f9`; @ is in no name of a
    /// room). The engine has forgotten what has the same number and isn't the same.
    fn has_of_earlier(&self, room: &RoomKey, line: &StoredLine<'_>) -> Result<bool, Fault> {
        let select = "SELECT EXISTS (SELECT 1 FROM rooms JOIN lines ON lines.room = rooms.id \
                      WHERE name > ?1 || '@' AND name < ?1 || 'A' \
                      AND number = ?2 AND time = ?3 AND sender = ?4)";
        let mut select = self.connection.prepare_cached(select)?;
        let StoredLine { number, time, from, .. } = *line;
        Ok(select.query_row(params![room.name, number, time, from], |row| row.get(0))?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::store::database::Database;
    use crate::store::database::tests::{batch, directory, key, line, open};
    use crate::wire::{News, RoomKey};

    /// The line of this number, as it comes from the engine.
    pub fn again(number: u64) -> News<'static> {
        match line(number, "hello") {
            News::Line(line) => News::Again(line),
            other => other,
        }
    }

    /// The newest lines come first, then those before them, and others talk on meanwhile.
    #[test]
    fn lines_that_are_stored_late_have_ids_in_their_order() {
        let directory = directory();
        let mut database = open(&directory);
        let (tea, dev) = (key("tea"), key("dev"));
        let write = |database: &mut Database, room: &Arc<RoomKey>, news: &[News<'_>]| {
            database.write(&[batch(room, news)]).expect("it is written");
        };
        write(&mut database, &tea, &[line(1, "a"), line(2, "b")]);
        write(&mut database, &tea, &(604..=1603).map(again).collect::<Vec<_>>());
        write(&mut database, &dev, &[line(1, "a")]);
        write(&mut database, &tea, &[line(1604, "c")]);
        for first in [3, 203, 403] {
            let end = (first + 200).min(604);
            write(&mut database, &tea, &(first..end).map(again).collect::<Vec<_>>());
            write(&mut database, &dev, &[line(first, "b")]);
        }
        // What is there stays as it is.
        write(&mut database, &tea, &(1..=1604).map(again).collect::<Vec<_>>());
        let select = "SELECT number FROM lines JOIN rooms ON rooms.id = room WHERE name = 'tea' \
                      ORDER BY lines.id";
        let mut select = database.connection.prepare(select).expect("a query");
        let numbers = select.query_map([], |row| row.get(0)).expect("rows");
        let numbers: Vec<u64> = numbers.collect::<Result<_, _>>().expect("numbers");
        assert_eq!(numbers, (1..=1604).collect::<Vec<_>>());
    }

    #[test]
    fn a_line_is_stored_under_one_counting() {
        let directory = directory();
        let mut database = open(&directory);
        let room = key("tea");
        let first = [News::Run("a"), line(1, "hello"), line(2, "hello"), News::Run("b")];
        database.write(&[batch(&room, &first), batch(&room, &[line(4, "hello")])]).expect("done");
        let again: Vec<_> = (1..=5).map(again).collect();
        database.write(&[batch(&room, &again)]).expect("it is written");
        let select = "SELECT name, number FROM lines JOIN rooms ON rooms.id = room \
                      ORDER BY lines.id";
        let mut select = database.connection.prepare(select).expect("a query");
        let lines = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        let lines: Vec<(String, u64)> = lines.collect::<Result<_, _>>().expect("lines");
        let expected = [("tea@a", 1), ("tea@a", 2), ("tea", 3), ("tea", 4), ("tea", 5)];
        assert_eq!(lines, expected.map(|(name, number)| (name.to_owned(), number)));
    }
}
