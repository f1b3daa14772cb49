//! Lines that are stored late: other servers have had them, and this one may have them too.

use rusqlite::params;

use super::{Database, Stored};
use crate::store::schema::Fault;
use crate::wire::{RoomKey, StoredLine};

impl Database {
    /// Writes a line that isn't there, neither in the room nor under an earlier counting of it.
    pub(super) fn write_again(
        &mut self,
        room: &RoomKey,
        stored: Stored,
        line: &StoredLine<'_>,
    ) -> Result<(), Fault> {
        match self.has_of_earlier(room, line)? {
            true => Ok(()),
            false => self.write_line(stored, line),
        }
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
    use crate::store::database::tests::{batch, directory, key, line, open};
    use crate::wire::{From, News};

    /// The line of this number, as it comes from the engine.
    pub fn again(number: u64) -> News<'static> {
        match line(number, "hello") {
            News::Line(line) => News::Again(line),
            other => other,
        }
    }

    #[test]
    fn a_line_is_stored_under_one_counting() {
        let directory = directory();
        let mut database = open(&directory);
        let room = key("tea");
        let first = [News::Run("a"), line(1, "hello"), line(2, "hello"), News::Run("b")];
        database.write(&[batch(&room, &first)]).expect("it is written");
        let again: Vec<_> = (1..=4).map(again).collect();
        database.write(&[batch(&room, &again)]).expect("it is written");
        let page = database.page(&room, From::After(0), 10).expect("a page");
        let numbers: Vec<_> = page.items.iter().filter_map(|line| line.number()).collect();
        assert_eq!(numbers, [3, 4]);
    }
}
