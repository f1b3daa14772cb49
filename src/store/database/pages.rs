//! What was said before: the end of a room, and pages of it.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};

use super::Database;
use super::numbers::RESERVED;
use super::rows::{COLUMNS, past};
use crate::store::schema::Fault;
use crate::wire::{From, Page, Past, RoomKey, Tail};

/// The tail of a room.
const TAIL_LINES: u64 = 1000;
const TAIL_BYTES: usize = 256 * 1024;

/// One page.
const PAGE_LINES: u64 = 200;
const PAGE_BYTES: usize = 16 * 1024;

/// Lines that are counted at most: more are "a million".
const COUNT_MAX: u64 = 1_000_000;

/// What a line takes in memory beside its text.
const LINE_BYTES: usize = 64;

impl Database {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::tests::{batch, directory, filled, line, shown};
    use crate::wire::News;

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
}
