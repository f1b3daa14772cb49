//! Lines that a client has typed, for the arrow keys and the search.

use std::collections::VecDeque;

use super::clusters::Text;

/// How much is remembered.
const LINES_MAX: usize = 50;
const BYTES_MAX: usize = 8 * 1024;

/// The newest lines that were typed.
#[derive(Debug, Default)]
pub(super) struct History {
    lines: VecDeque<Text>,
    /// Of their texts.
    bytes: usize,
}

impl History {
    /// Remembers a line, unless it is the newest one already.
    pub fn push(&mut self, line: Text) {
        if self.lines.back() == Some(&line) {
            return;
        }
        self.bytes += line.as_str().len();
        self.lines.push_back(line);
        while self.lines.len() > LINES_MAX || self.bytes > BYTES_MAX {
            let oldest = self.lines.pop_front().map_or(0, |line| line.as_str().len());
            self.bytes -= oldest;
        }
    }

    /// The line `back` lines before the one that is being typed; 1 is the newest.
    pub fn get(&self, back: usize) -> Option<&Text> {
        self.lines.len().checked_sub(back).and_then(|at| self.lines.get(at))
    }

    /// How far back the newest line is that has `query` in it, upper and lower case
    /// alike, of those that are at least so far back.
    pub fn find(&self, query: &str, back_min: usize) -> Option<usize> {
        let query = query.to_lowercase();
        let has_it = |text: &Text| text.as_str().to_lowercase().contains(&query);
        (back_min.max(1)..=self.lines.len()).find(|&back| self.get(back).is_some_and(has_it))
    }

    /// Bytes of memory held.
    pub fn held_bytes(&self) -> usize {
        let slots = self.lines.capacity() * size_of::<Text>();
        slots + self.lines.iter().map(Text::held_bytes).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str) -> Text {
        Text::new(line.into())
    }

    #[test]
    fn what_is_remembered_has_a_limit() {
        let mut history = History::default();
        for number in 0..1000 {
            history.push(text(&format!("{number} {}", "x".repeat(number))));
            assert!(history.lines.len() <= LINES_MAX);
            let bytes: usize = history.lines.iter().map(|line| line.as_str().len()).sum();
            assert_eq!(history.bytes, bytes);
            assert!(bytes <= BYTES_MAX);
        }
    }

    #[test]
    fn a_line_is_found_by_a_part_of_it() {
        let mut history = History::default();
        for line in ["hello ann", "Hello bob", "bye", "bye"] {
            history.push(text(line));
        }
        assert_eq!(history.find("hello", 0), Some(2));
        assert_eq!(history.find("HELLO", 3), Some(3));
        assert_eq!(history.find("hello", 4), None);
        assert_eq!(history.get(1).map(Text::as_str), Some("bye"));
        assert_eq!(history.get(0), None);
        assert_eq!(history.get(4), None);
    }
}
