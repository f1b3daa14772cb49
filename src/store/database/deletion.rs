//! What goes when there is too much, or when it is too old.

use std::collections::{BTreeSet, HashSet};

use rusqlite::{OptionalExtension, params};

use super::{Database, rules_of};
use crate::store::schema::Fault;

impl Database {
    /// Bytes of the database that are in use.
    pub fn bytes(&self) -> Result<u64, Fault> {
        let pragma = |name| self.connection.pragma_query_value(None, name, |row| row.get(0));
        let (pages, free): (u64, u64) = (pragma("page_count")?, pragma("freelist_count")?);
        Ok(pages.saturating_sub(free) * pragma("page_size")?)
    }

    /// Deletes the oldest lines, `lines_max` at most and of those that are older than
    /// `oldest` only; and rooms of which nothing is left and that aren't `used`. Gives how many
    /// lines there were, and the names of the rooms.
    pub fn delete(
        &mut self,
        lines_max: usize,
        oldest: Option<u64>,
        used: &HashSet<Box<str>>,
    ) -> Result<(usize, Vec<Box<str>>), Fault> {
        let (mut deleted, mut emptied) = (0, Vec::new());
        self.transact(false, |database| {
            let rooms = database.delete_lines(lines_max, oldest)?;
            if !rooms.is_empty() {
                database.keep_next_id()?;
            }
            deleted = rooms.len();
            for id in rooms.into_iter().collect::<BTreeSet<_>>() {
                emptied.extend(database.delete_if_empty(id, used)?);
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

    /// Deletes those of these rooms of which there is no line. Gives their names.
    pub fn delete_empty(&mut self, names: &[Box<str>]) -> Result<Vec<Box<str>>, Fault> {
        let (mut emptied, unused) = (Vec::new(), HashSet::new());
        self.transact(false, |database| {
            for name in names {
                let select = "SELECT id FROM rooms WHERE name = ?";
                let id = database.connection.query_row(select, [name], |row| row.get(0));
                if let Some(id) = id.optional()? {
                    emptied.extend(database.delete_if_empty(id, &unused)?);
                }
            }
            Ok(())
        })?;
        emptied.iter().for_each(|name| _ = self.rooms.remove(name));
        Ok(emptied)
    }

    /// Deletes a room of which there is no line, so that nobody can fill the disk with rooms; but
    /// one that is used has a topic, and what operators have set. One that is made again begins
    /// behind its numbers. Gives its name if it is gone.
    fn delete_if_empty(
        &mut self,
        id: i64,
        used: &HashSet<Box<str>>,
    ) -> Result<Option<Box<str>>, Fault> {
        let select = "SELECT name, reserved FROM rooms WHERE id = ?1 \
                      AND NOT EXISTS (SELECT 1 FROM lines WHERE room = ?1)";
        let mut select = self.connection.prepare_cached(select)?;
        let room = select.query_row([id], |row| Ok((row.get(0)?, row.get::<_, u64>(1)?)));
        let room: Option<(Box<str>, _)> = room.optional()?;
        let Some((name, reserved)) = room.filter(|(name, _)| !used.contains(name)) else {
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

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use crate::store::database::numbers::RESERVED;
    use crate::store::database::tests::{
        PATIENCE, batch, directory, filled, key, line, open, shown,
    };
    use crate::wire::From;

    #[test]
    fn a_room_of_which_no_line_is_left_is_gone_and_its_numbers_are_not_used_again() {
        let directory = directory();
        let (mut database, room) = filled(&directory, 100);
        database.write(&[batch(&key("tea"), &[line(1, "a")])]).expect("it is written");
        let unused = HashSet::new();
        let deleted = database.delete(100, None, &unused).expect("it works");
        assert_eq!(deleted, (100, vec!["Dev".into()]));
        assert!(database.tail(&key("tea"), &HashMap::new()).expect("a tail").is_known);
        for mut database in [database, open(&directory)] {
            let tail = database.tail(&room, &HashMap::new()).expect("a tail");
            assert!(!tail.is_known && tail.next > 100 + RESERVED / 2, "{tail:?}");
            database.write(&[batch(&room, &[line(tail.next, "again")])]).expect("it is written");
            assert!(database.tail(&room, &HashMap::new()).expect("a tail").is_known);
            database.delete(100, None, &unused).expect("it works");
        }
    }

    #[test]
    fn the_oldest_lines_are_deleted_in_steps_and_not_found_any_more() {
        let directory = directory();
        let (mut database, room) = filled(&directory, 100);
        let unused = HashSet::new();
        let mut delete = |oldest| database.delete(30, oldest, &unused).expect("it works");
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
