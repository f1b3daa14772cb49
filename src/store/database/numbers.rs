//! The numbers that rooms may give to lines: reserved before they are used, so that none is used
//! twice, whenever the server ends.

use std::collections::HashMap;

use rusqlite::params;

use super::Database;
use crate::store::schema::Fault;
use crate::wire::{Batch, News, RoomKey};

/// Numbers that a room may give to lines without asking: what is said until the next time
/// that some are reserved is less.
pub(super) const RESERVED: u64 = 1 << 16;

impl Database {
    /// The highest number that any room may have given to a line.
    pub fn highest(&self) -> Result<u64, Fault> {
        let select = "SELECT ifnull(max(reserved), 1) - 1 FROM rooms";
        let highest: u64 = self.connection.query_row(select, [], |row| row.get(0))?;
        Ok(highest.max(self.floor))
    }

    /// Whether a room is about to run out of numbers.
    pub(super) fn is_reserve_low(&self, batches: &[Batch]) -> bool {
        newest(batches).any(|(room, number)| {
            let stored = self.rooms.get(&room.name);
            stored.is_none_or(|stored| number + RESERVED / 2 > stored.reserved)
        })
    }

    /// Reserves numbers for those rooms.
    pub(super) fn reserve(&mut self, batches: &[Batch]) -> Result<(), Fault> {
        let lines = batches.iter().map(Batch::len).sum::<usize>() as u64;
        for (room, number) in newest(batches) {
            let stored = self.room(room)?;
            if number + RESERVED / 2 > stored.reserved {
                self.set_reserved(&room.name, number + RESERVED.max(8 * lines))?;
            }
        }
        Ok(())
    }

    pub(super) fn set_reserved(&mut self, name: &str, reserved: u64) -> Result<(), Fault> {
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
}

/// The number of the newest line in each batch, by room.
fn newest(batches: &[Batch]) -> impl Iterator<Item = (&RoomKey, u64)> {
    let mut newest: HashMap<&RoomKey, u64> = HashMap::new();
    for (room, news) in batches.iter().flat_map(Batch::iter) {
        let number = match news {
            News::Line(line) | News::Again(line) => line.number,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::tests::{batch, directory, filled, key, line, open, shown};
    use crate::wire::{Kind, Past};

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
    fn numbers_are_reserved_before_half_of_them_are_used() {
        let directory = directory();
        let (mut database, room) = filled(&directory, 1);
        for number in [RESERVED / 2, 3 * RESERVED, 3 * RESERVED + 1] {
            database.write(&[batch(&room, &[line(number, "hello")])]).expect("it is written");
            assert!(database.highest().expect("a number") >= number + RESERVED / 2);
        }
    }
}
