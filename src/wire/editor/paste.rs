//! What is pasted on a terminal that says so (bracketed paste: `ESC [ 200 ~` before it
//! and `ESC [ 201 ~` behind it).
//!
//! Nothing of it is a key, but Ctrl-C: without that a terminal that forgets the end would
//! make its client unheard. Other terminals send a paste like keys.

use crate::wire::text::Text;

/// Asks a terminal to mark what is pasted, and ends that.
pub(in crate::wire) const MARK_PASTES: &[u8] = b"\x1b[?2004h";
pub(in crate::wire) const MARK_NO_PASTES: &[u8] = b"\x1b[?2004l";

/// The most that is pasted at once, in bytes.
pub const PASTE_BYTES_MAX: usize = 16 * 1024;

/// Lines that are pasted without a question. They become a part of the line that is being
/// typed.
pub(super) const LINES_UNASKED_MAX: usize = 3;

/// What is behind it.
const END: &str = "\u{1b}[201~";

const CTRL_C: char = '\u{3}';

/// What a tab becomes.
const TAB: &str = "    ";

/// A paste that comes.
#[derive(Debug, Default)]
pub(super) struct Paste {
    text: String,
    /// How much of [`END`] has come.
    end_bytes: usize,
    after_cr: bool,
    is_too_long: bool,
}

/// What one character of it came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    More,
    Dropped,
    TooLong,
    /// All has come: lines with something in them, with an LF between two.
    Done(String),
}

impl Paste {
    pub fn push(&mut self, c: char) -> Step {
        if c == CTRL_C {
            return Step::Dropped;
        }
        if END[self.end_bytes..].starts_with(c) {
            self.end_bytes += 1;
            if self.end_bytes < END.len() {
                return Step::More;
            }
            return if self.is_too_long { Step::TooLong } else { Step::Done(self.lines()) };
        }
        // It wasn't the end.
        let begun = std::mem::take(&mut self.end_bytes);
        self.add(&END[..begun]);
        if END.starts_with(c) {
            self.end_bytes = 1;
            return Step::More;
        }
        let is_end_of_cr = std::mem::replace(&mut self.after_cr, c == '\r');
        match c {
            // A telnet sends NUL behind CR.
            '\n' | '\0' if is_end_of_cr => {}
            '\r' => self.add("\n"),
            '\t' => self.add(TAB),
            // They would erase and more where text is cleaned; what ESC begins is taken out
            // whole there.
            _ if c.is_control() && !matches!(c, '\n' | '\u{1b}') => {}
            _ => self.add(c.encode_utf8(&mut [0; 4])),
        }
        Step::More
    }

    fn add(&mut self, text: &str) {
        self.is_too_long |= self.text.len() + text.len() > PASTE_BYTES_MAX;
        match self.is_too_long {
            // What comes is for nobody.
            true => self.text = String::new(),
            false => self.text.push_str(text),
        }
    }

    /// How many lines have come.
    pub fn line_count(&self) -> usize {
        self.text.lines().count()
    }

    fn lines(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        let mut lines = String::new();
        for line in text.lines() {
            let line = Text::clean(line.as_bytes());
            if !line.as_str().trim().is_empty() {
                lines.push_str(if lines.is_empty() { "" } else { "\n" });
                lines.push_str(line.as_str());
            }
        }
        lines
    }

    /// Bytes of memory held.
    pub fn held_bytes(&self) -> usize {
        self.text.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a text, and how much of it was taken.
    fn paste(text: &str) -> (Step, usize) {
        let mut paste = Paste::default();
        let mut taken = 0;
        for c in text.chars() {
            taken += c.len_utf8();
            match paste.push(c) {
                Step::More => assert!(paste.held_bytes() <= 2 * PASTE_BYTES_MAX),
                step => return (step, taken),
            }
        }
        (Step::More, taken)
    }

    #[track_caller]
    fn check(text: &str, lines: &str) {
        let whole = format!("{text}{END}");
        assert_eq!(
            paste(&format!("{whole}x")),
            (Step::Done(lines.into()), whole.len()),
            "{text:?}"
        );
    }

    #[test]
    fn a_paste_is_cut_into_lines() {
        check("one", "one");
        check("one\n", "one");
        check("one\r\ntwo\rthree\r\0four\nfive", "one\ntwo\nthree\nfour\nfive");
        check("\n\n one\n \n\n\ttwo\n\n", " one\n    two");
        check("", "");
        check("\u{1b}", "");
        check("\u{1b}[31mred\u{1b}[0m \u{1b}[20\u{1b}[201", "red ");
        check("no\u{7}\u{4} \u{7f}k\u{15}eys", "no keys");
    }

    #[test]
    fn ctrl_c_drops_it() {
        assert_eq!(paste("one\ntw\u{3}o"), (Step::Dropped, 7));
    }

    #[test]
    fn a_paste_has_a_limit() {
        let most = "x".repeat(PASTE_BYTES_MAX);
        check(&most, &most);
        assert_eq!(paste(&format!("{most}y{END}")).0, Step::TooLong);
        assert_eq!(paste(&format!("{most}{most}{most}")).0, Step::More);
    }
}
