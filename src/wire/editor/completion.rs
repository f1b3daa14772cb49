//! What Tab makes of the beginning of a word.

use super::line::Line;

/// What a word may become, of which so many are kept.
const CANDIDATES_MAX: usize = 64;

/// What Tab has put in last, and what it may put in next.
#[derive(Debug)]
pub(super) struct Completion {
    candidates: Vec<String>,
    /// Which of them is in the line, and with how many bytes.
    at: usize,
    bytes: usize,
}

impl Completion {
    /// Puts the first candidate in the place of so many bytes before the cursor. `None` if
    /// there is none, or no place for it.
    pub fn begin(
        line: &mut Line,
        bytes: usize,
        mut candidates: Vec<String>,
        line_bytes_max: usize,
    ) -> Option<Completion> {
        candidates.truncate(CANDIDATES_MAX);
        let mut completion = Completion { candidates, at: 0, bytes };
        completion.put(line, line_bytes_max).then_some(completion)
    }

    /// Puts in the next one or the one before; false if there is no other one, or no place
    /// for it.
    pub fn go_on(&mut self, line: &mut Line, is_next: bool, line_bytes_max: usize) -> bool {
        let count = self.candidates.len();
        self.at = (self.at + if is_next { 1 } else { count - 1 }) % count;
        self.put(line, line_bytes_max) && count > 1
    }

    fn put(&mut self, line: &mut Line, line_bytes_max: usize) -> bool {
        let Some(candidate) = self.candidates.get(self.at) else { return false };
        // There is a space behind it already.
        let is_spaced = line.behind().next().is_some_and(|cluster| cluster == " ");
        let text = if is_spaced { candidate.trim_end() } else { candidate };
        let more = text.len().saturating_sub(self.bytes);
        let is_put = line.has_place(more, line_bytes_max) && line.replace_before(self.bytes, text);
        if is_put {
            self.bytes = text.len();
        }
        is_put
    }

    /// Bytes of memory held.
    pub fn held_bytes(&self) -> usize {
        let texts = self.candidates.iter().map(String::capacity).sum::<usize>();
        texts + self.candidates.capacity() * size_of::<String>()
    }
}
