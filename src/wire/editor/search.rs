//! Ctrl-R: looks for a line that was typed before.

use unicode_width::UnicodeWidthStr;

use super::history::History;

/// What is looked for, in bytes at most.
const QUERY_BYTES_MAX: usize = 64;

/// A search under way.
#[derive(Debug, Default)]
pub(super) struct Search {
    query: String,
    /// How many lines back the one is that was found, 0 if none was.
    found: usize,
}

impl Search {
    /// How many lines back the one is that was found.
    pub fn found(&self) -> Option<usize> {
        (self.found > 0).then_some(self.found)
    }

    /// Looks for a longer query, from the line that was found on. False if no line has it.
    pub fn push(&mut self, c: char, history: &History) -> bool {
        if self.query.len() + c.len_utf8() > QUERY_BYTES_MAX {
            return false;
        }
        let has_failed = self.found == 0 && !self.query.is_empty();
        self.query.push(c);
        !has_failed && self.look(self.found, history)
    }

    /// Looks for a shorter one again, from the newest line on.
    pub fn pop(&mut self, history: &History) -> bool {
        let was_longer = self.query.pop().is_some();
        if self.query.is_empty() {
            self.found = 0;
            return was_longer;
        }
        self.look(0, history)
    }

    /// Looks for the next older line. If there is none it stays where it is.
    pub fn go_on(&mut self, history: &History) -> bool {
        let found = match self.found {
            0 => None,
            found => history.find(&self.query, found + 1),
        };
        self.found = found.unwrap_or(self.found);
        found.is_some()
    }

    fn look(&mut self, back_min: usize, history: &History) -> bool {
        self.found = history.find(&self.query, back_min).unwrap_or(0);
        self.found > 0
    }

    /// What the row shows, with so many columns for it: the line from before what was
    /// looked for on, if the whole of it has no place.
    pub fn row(&self, history: &History, columns: usize) -> String {
        let head = format!("search {}: ", self.query);
        let found = history.get(self.found).map_or("", |text| text.as_str());
        let place = columns.saturating_sub(head.width());
        let at = found.to_lowercase().find(&self.query.to_lowercase()).unwrap_or(0);
        // Lower case may be longer or shorter.
        let at = found.floor_char_boundary(at);
        let is_whole = found.width() <= place;
        head + if is_whole { found } else { &found[at..] }
    }

    /// Bytes of memory held.
    pub fn held_bytes(&self) -> usize {
        self.query.capacity()
    }
}
