//! What goes when there is too much, or when it is too old.

use std::collections::{BTreeSet, HashSet};

use rusqlite::{OptionalExtension, params};

use super::{Database, rules_of};
use crate::store::schema::Fault;

/// What there was to delete.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// How many lines.
    pub lines: usize,
    /// The names of rooms of which nothing is left.
    pub rooms: Vec<Box<str>>,
    /// There may be more.
    pub goes_on: bool,
}

/// Lines of a number of ids.
struct Stretch {
    /// The ids before the first one, and of the last one.
    after: i64,
    last: i64,
    /// Its lines have times that haven't come, from this one on.
    ahead: Option<u64>,
}

impl Database {
    /// Bytes of the database that are in use.
    pub fn bytes(&self) -> Result<u64, Fault> {
        let pragma = |name| self.connection.pragma_query_value(None, name, |row| row.get(0));
        let (pages, free): (u64, u64) = (pragma("page_count")?, pragma("freelist_count")?);
        Ok(pages.saturating_sub(free) * pragma("page_size")?)
    }

    /// Deletes the oldest lines, `lines_max` at most and of those that are older than
    /// `oldest` only; and rooms of which nothing is left and that aren't `used`. `now` tells lines
    /// that were said when the clock was wrong: those that are too old may be behind them.
    pub fn delete(
        &mut self,
        lines_max: usize,
        oldest: Option<u64>,
        now: u64,
        used: &HashSet<Box<str>>,
    ) -> Result<Deleted, Fault> {
        let mut deleted = Deleted::default();
        let Some(stretch) = self.oldest_lines(lines_max, oldest, now)? else {
            return Ok(deleted);
        };
        self.transact(false, |database| {
            let rooms = database.delete_lines(&stretch, oldest)?;
            if !rooms.is_empty() {
                database.keep_next_id()?;
            }
            deleted.lines = rooms.len();
            for id in rooms.into_iter().collect::<BTreeSet<_>>() {
                deleted.rooms.extend(database.delete_if_empty(id, used)?);
            }
            let delete = "DELETE FROM gaps WHERE NOT EXISTS \
                          (SELECT 1 FROM lines WHERE room = gaps.room AND number < gaps.first)";
            database.connection.prepare_cached(delete)?.execute([])?;
            Ok(())
        })?;
        deleted.rooms.iter().for_each(|name| _ = self.rooms.remove(name));
        if let Some(time) = stretch.ahead {
            self.ahead = Some((stretch.last, time));
        }
        deleted.goes_on = deleted.lines > 0 || stretch.ahead.is_some();
        Ok(deleted)
    }

    /// The oldest lines, but for those of which is known that their times haven't come: these
    /// stay until they are too old. `None` if there is none.
    fn oldest_lines(
        &self,
        lines_max: usize,
        oldest: Option<u64>,
        now: u64,
    ) -> Result<Option<Stretch>, Fault> {
        let known = self.ahead.filter(|(_, time)| oldest.is_some_and(|oldest| *time >= oldest));
        let (after, earliest) = known.unwrap_or((0, u64::MAX));
        // Of those that stay: the earliest time, and whether one is as it should be.
        let select = "SELECT max(id), min(time) FILTER (WHERE time >= ?1), \
                      max(time >= ?1 AND time <= ?2) \
                      FROM (SELECT id, time FROM lines WHERE id > ?3 ORDER BY id LIMIT ?4)";
        let oldest = oldest.unwrap_or(i64::MAX as u64);
        let mut select = self.connection.prepare_cached(select)?;
        let row = select.query_row(params![oldest, now, after, lines_max], |row| {
            Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<u64>>(1)?, row.get(2)?))
        });
        let (last, time, is_present): (_, _, Option<bool>) = row?;
        let ahead = time.filter(|_| is_present != Some(true)).map(|time| time.min(earliest));
        Ok(last.map(|last| Stretch { after, last, ahead }))
    }

    /// Gives the room of each line that was deleted.
    fn delete_lines(&self, stretch: &Stretch, oldest: Option<u64>) -> Result<Vec<i64>, Fault> {
        let delete = "DELETE FROM lines WHERE id > ? AND id <= ? AND time < ? RETURNING room";
        let mut delete = self.connection.prepare_cached(delete)?;
        let oldest = oldest.unwrap_or(i64::MAX as u64);
        let rooms =
            delete.query_map(params![stretch.after, stretch.last, oldest], |row| row.get(0))?;
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
        let deleted = database.delete(100, None, 1000, &unused).expect("it works");
        assert_eq!((deleted.lines, deleted.rooms), (100, vec!["Dev".into()]));
        assert!(database.tail(&key("tea"), &HashMap::new()).expect("a tail").is_known);
        for mut database in [database, open(&directory)] {
            let tail = database.tail(&room, &HashMap::new()).expect("a tail");
            assert!(!tail.is_known && tail.next > 100 + RESERVED / 2, "{tail:?}");
            database.write(&[batch(&room, &[line(tail.next, "again")])]).expect("it is written");
            assert!(database.tail(&room, &HashMap::new()).expect("a tail").is_known);
            database.delete(100, None, 1000, &unused).expect("it works");
        }
    }

    /// When the clock was wrong for a while, lines are not kept for that.
    #[test]
    fn lines_whose_times_have_not_come_keep_no_others() {
        let directory = directory();
        let (mut database, room) = filled(&directory, 100);
        let later = "UPDATE lines SET time = time + 500 WHERE number BETWEEN 11 AND 80";
        database.connection.execute(later, []).expect("it is written");
        let unused = HashSet::new();
        let mut delete = |oldest, now| {
            let mut lines = 0;
            for _ in 0..10 {
                let deleted = database.delete(30, Some(oldest), now, &unused).expect("it works");
                lines += deleted.lines;
                if !deleted.goes_on {
                    return lines;
                }
            }
            panic!("there is always more");
        };
        assert_eq!(delete(91, 200), 20);
        assert_eq!(delete(91, 200), 0);
        assert_eq!(delete(101, 300), 10);
        assert_eq!(delete(521, 700), 10);
        assert_eq!(delete(1000, 2000), 60);
        let page = database.page(&room, From::After(0), 101).expect("a page");
        assert_eq!(page.count, 0);
    }

    #[test]
    fn the_oldest_lines_are_deleted_in_steps_and_not_found_any_more() {
        let directory = directory();
        let (mut database, room) = filled(&directory, 100);
        let unused = HashSet::new();
        let mut delete = |oldest| {
            let deleted = database.delete(30, oldest, 1000, &unused).expect("it works");
            (deleted.lines, deleted.goes_on)
        };
        assert_eq!(delete(Some(11)), (10, true));
        assert_eq!(delete(Some(11)), (0, false));
        assert_eq!(delete(None), (30, true));
        let page = database.page(&room, From::After(0), 101).expect("a page");
        assert_eq!((page.count, shown(&page.items)[0]), (60, 41));
        assert_eq!(database.search(&room, "word7", PATIENCE).expect("an answer"), []);
        let check = "INSERT INTO words (words, rank) VALUES ('integrity-check', 1)";
        // The index has texts of people only, which is what is said here.
        database.connection.execute(check, []).expect("the index is whole");
    }
}
