//! The text of a line, made harmless for every reader's terminal.

use std::borrow::Cow;

use unicode_normalization::char::is_combining_mark;
use unicode_width::UnicodeWidthChar;
use vte::{Parser, Perform};

/// Columns of nothing visible in a row. With more, what a client says could be
/// pushed to the next row of the terminal, and look like a line of its own.
const BLANK_COLUMNS_MAX: usize = 16;

/// Columns that a tab takes at most.
const TAB_COLUMNS: usize = 8;

/// Combining marks in a row, enough for any script: a Hebrew letter with
/// vowels and cantillation has four. More climb over the lines above.
const MARKS_MAX: usize = 8;

/// The text of one line: valid UTF-8 without a line end or a control character
/// other than tab.
///
/// Only [`Text::clean`] makes one, so nothing behind it has to check again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// Cleans the bytes of a line.
    ///
    /// - Bytes that aren't UTF-8 become U+FFFD.
    /// - Escape sequences (ECMA-48: CSI, OSC, DCS and the like) are taken out
    ///   whole; one that doesn't end takes the rest of the line with it.
    /// - BS and DEL take the last character back, Ctrl-W the last word and Ctrl-U
    ///   all: what they are sent for by a program that lets the server edit.
    /// - Other control characters (C0 except tab, C1) are taken out.
    /// - Line and paragraph separators (U+2028, U+2029) become a space.
    /// - Of more than 8 combining marks in a row the rest is taken out, and so is
    ///   what makes a gap of more than 16 columns.
    /// - Changes of direction (Unicode UAX 9, section 2) that are open at the end
    ///   are closed there, so that they don't reach into the next line.
    ///
    /// Cleaning clean text changes nothing. Most text is clean and isn't
    /// copied.
    pub fn clean(bytes: &'a [u8]) -> Self {
        // No early end: so many bytes are looked at in one step.
        let is_plain = |is: bool, byte: &u8| is & matches!(byte, b' '..=b'~' | b'\t');
        if let (true, Ok(text)) = (bytes.iter().fold(true, is_plain), str::from_utf8(bytes))
            && !has_wide_gap(bytes)
        {
            return Text(text.into());
        }
        let text = String::from_utf8_lossy(bytes);
        let text = if text.chars().any(is_harmful) { Cow::Owned(strip(&text)) } else { text };
        Text(tame(text))
    }

    /// The text as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_harmful(c: char) -> bool {
    c.is_control() && c != '\t'
}

/// Whether ASCII text has a gap of more than `BLANK_COLUMNS_MAX`.
fn has_wide_gap(text: &[u8]) -> bool {
    // Two tabs fit, so such a gap has three blanks in a row. Few lines have that,
    // and finding none ends early nowhere: so many bytes are looked at in one step.
    const { assert!(2 * TAB_COLUMNS <= BLANK_COLUMNS_MAX) };
    let is_blank = |byte: u8| (byte == b' ') | (byte == b'\t');
    let next = text.iter().skip(1).zip(text.iter().skip(2));
    let has_three = text.iter().zip(next).fold(false, |has, (&first, (&second, &third))| {
        has | (is_blank(first) & is_blank(second) & is_blank(third))
    });
    let mut columns = 0;
    has_three
        && text.iter().any(|&byte| {
            columns = if is_blank(byte) { columns + blank_columns(byte.into()) } else { 0 };
            columns > BLANK_COLUMNS_MAX
        })
}

/// Columns that a character takes of which nothing is seen; 0 if it takes none.
fn blank_columns(c: char) -> usize {
    match c {
        '\t' => TAB_COLUMNS,
        // The blank of Braille and the fillers of Hangul, which take no column on
        // some terminals.
        '\u{2800}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => 2,
        _ if c.is_whitespace() => c.width().unwrap_or(1).max(1),
        _ => 0,
    }
}

/// What a terminal would print of `text`.
fn strip(text: &str) -> String {
    struct Printed(String);

    impl Perform for Printed {
        fn print(&mut self, c: char) {
            match c {
                '\u{7f}' => erase_character(&mut self.0),
                _ if is_harmful(c) => {}
                _ => self.0.push(c),
            }
        }

        fn execute(&mut self, byte: u8) {
            match byte {
                b'\t' => self.0.push('\t'),
                0x08 | 0x7f => erase_character(&mut self.0),
                0x15 => self.0.clear(),
                0x17 => erase_word(&mut self.0),
                _ => {}
            }
        }
    }

    let mut printed = Printed(String::with_capacity(text.len()));
    // One parser a line: nothing leaks into the next one.
    Parser::new().advance(&mut printed, text.as_bytes());
    printed.0
}

/// Takes the last character off, with what stands on it.
fn erase_character(text: &mut String) {
    while let Some(c) = text.pop() {
        if !is_combining_mark(c) && c.width() != Some(0) {
            return;
        }
    }
}

fn erase_word(text: &mut String) {
    let word = text.trim_end().rfind(char::is_whitespace);
    text.truncate(word.map_or(0, |at| at + text[at..].chars().next().map_or(0, char::len_utf8)));
}

/// A text whose marks, gaps, separators and directions stay in their line.
fn tame(text: Cow<str>) -> Cow<str> {
    let mut tame = String::new();
    // A text that is tame already isn't copied.
    let mut is_changed = false;
    let (mut marks, mut gap) = (0, 0);
    for (at, c) in text.char_indices() {
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        // What takes no column doesn't end a gap.
        let is_visible = blank_columns(c) == 0 && c.width() != Some(0);
        gap = if is_visible { 0 } else { gap + blank_columns(c) };
        let is_kept = marks <= MARKS_MAX && (blank_columns(c) == 0 || gap <= BLANK_COLUMNS_MAX);
        let kept = match c {
            '\u{2028}' | '\u{2029}' if is_kept => Some(' '),
            _ => is_kept.then_some(c),
        };
        if kept != Some(c) && !is_changed {
            is_changed = true;
            tame.push_str(&text[..at]);
        }
        if is_changed {
            tame.extend(kept);
        }
    }
    let tame = if is_changed { Cow::Owned(tame) } else { text };
    let closings = closings(&tame);
    if closings.is_empty() { tame } else { Cow::Owned(tame.into_owned() + &closings) }
}

/// A text with an end for each change of direction that it leaves open.
pub fn close_directions(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return text.into();
    }
    match closings(text) {
        closings if closings.is_empty() => text.into(),
        closings => (text.to_owned() + &closings).into(),
    }
}

/// What closes the embeddings, overrides and isolates that a text leaves open,
/// the innermost first.
fn closings(text: &str) -> String {
    const PDF: char = '\u{202c}';
    const PDI: char = '\u{2069}';
    let (mut open, mut isolates) = (Vec::new(), 0);
    for c in text.chars() {
        match c {
            '\u{202a}' | '\u{202b}' | '\u{202d}' | '\u{202e}' => open.push(PDF),
            '\u{2066}'..='\u{2068}' => {
                open.push(PDI);
                isolates += 1;
            }
            PDF if open.last() == Some(&PDF) => {
                open.pop();
            }
            // It closes what is open inside its isolate too. Each of that is looked
            // at once in all.
            PDI if isolates > 0 => {
                while open.pop() == Some(PDF) {}
                isolates -= 1;
            }
            _ => {}
        }
    }
    open.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(Text::clean(bytes).as_str(), expected);
    }

    #[test]
    fn ordinary_text_is_unchanged_and_not_copied() {
        let texts = ["hello", "a\tb", "", "Grüße", "日本語", "👩‍👩‍👧", "👍🏽", "1️⃣", "مرحبا", "Việt"];
        let marked = ["Vie\u{302}\u{323}t", "שָׁלוֹם", "\u{2067}אב\u{2069} ok", "\u{202b}x\u{202c}"];
        for text in texts.into_iter().chain(marked) {
            let clean = Text::clean(text.as_bytes());
            assert_eq!(clean.as_str(), text);
            assert!(matches!(clean.0, Cow::Borrowed(_)));
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_become_replacement_characters() {
        check(b"caf\xe9", "caf\u{fffd}");
        check(b"\xff\xfe", "\u{fffd}\u{fffd}");
        check(b"\xe2\x82", "\u{fffd}");
        check(b"\xc0\xaf", "\u{fffd}\u{fffd}");
        check(b"\xed\xa0\x80x", "\u{fffd}\u{fffd}\u{fffd}x");
    }

    #[test]
    fn control_characters_are_taken_out() {
        check(b"a\x07bc\x00d\x1ae", "abcde");
        check(b"10%\r20%", "10%20%");
        check("a\u{85}b\u{9b}c".as_bytes(), "abc");
        check(b"\x0e\x0f\x11\x13", "");
    }

    #[test]
    fn keys_that_erase_edit_the_line() {
        check(b"helo\x7flo", "hello");
        check(b"helo\x08lo", "hello");
        check(b"secret\x15public", "public");
        check(b"one two  \x17three", "one three");
        check(b"one\x17\x17\x08x", "x");
        check("日e\u{301}\x7f\x7fx".as_bytes(), "x");
        check(b"a\x1b[31m\x7fb", "b");
    }

    #[test]
    fn separators_of_lines_become_spaces() {
        check("a\u{2028}b\u{2029}c".as_bytes(), "a b c");
        check("a\u{85}b".as_bytes(), "ab");
    }

    #[test]
    fn marks_in_a_row_are_bounded() {
        let marks = "\u{301}".repeat(100);
        check(
            format!("a{marks}b{marks}").as_bytes(),
            &format!("a{0}b{0}", &marks[..2 * MARKS_MAX]),
        );
    }

    #[test]
    fn gaps_are_bounded() {
        let gap = " ".repeat(BLANK_COLUMNS_MAX);
        for text in [format!("a{gap}b{gap}c"), format!("{gap}a\t\tb{gap}"), "\t\t".into()] {
            check(text.as_bytes(), &text);
        }
        check(format!("a{gap} b{gap}{gap}").as_bytes(), &format!("a{gap}b{gap}"));
        check(b"a\t\t\tb", "a\t\tb");
        check(b"1234567\t\t\t", "1234567\t\t");
        check(format!("é{gap}\tb").as_bytes(), &format!("é{gap}b"));
        // Whatever leaves the screen as it is.
        for blank in ["\u{3000}", "\u{a0}", "\u{2800}", "\u{3164}", "\u{200b} ", "\u{2028}"] {
            let text = format!("x{}*** bob left", blank.repeat(80));
            let clean = Text::clean(text.as_bytes());
            let columns: usize = clean.as_str().chars().map(|c| c.width().unwrap_or(1)).sum();
            assert!(columns <= 1 + BLANK_COLUMNS_MAX + 12, "{blank:?}: {columns} columns");
        }
    }

    #[test]
    fn any_number_of_directions_takes_linear_time() {
        let count = 200_000;
        let text = "\u{202a}".repeat(count) + &"\u{2069}".repeat(count);
        let clean = Text::clean(text.as_bytes());
        assert_eq!(clean.as_str().len(), text.len() + 3 * count);
    }

    #[test]
    fn directions_end_with_their_line() {
        check("\u{202e}gpj".as_bytes(), "\u{202e}gpj\u{202c}");
        check("\u{202a}a\u{2067}b".as_bytes(), "\u{202a}a\u{2067}b\u{2069}\u{202c}");
        check("\u{2066}a\u{202e}b\u{2069}c".as_bytes(), "\u{2066}a\u{202e}b\u{2069}c");
        check("\u{202c}\u{2069}x".as_bytes(), "\u{202c}\u{2069}x");
    }

    #[test]
    fn escape_sequences_are_taken_out_whole() {
        check(b"\x1b[31mred\x1b[0m", "red");
        check(b"\x1b]0;title\x07x", "x");
        check(b"\x1b]0;title\x1b\\x", "x");
        check(b"\x1bP+q\x1b\\x", "x");
        check(b"\x1b_apc\x1b\\x\x1bcy", "xy");
        check(b"a\x1b[31", "a");
        check(b"a\x1b", "a");
        check(b"\x1b[1\tm\x07x", "\tx");
    }

    proptest! {
        #![proptest_config(crate::property_tests())]

        #[test]
        fn no_control_character_passes_and_cleaning_is_idempotent(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b']'), Just(0xc2), 0x80..0xa0u8],
                0..200,
            ),
            text in "[\u{301}\u{2028}-\u{202e}\u{2066}-\u{2069}a ]{0,40}",
        ) {
            let bytes = [bytes, text.into_bytes()].concat();
            let once = Text::clean(&bytes).as_str().to_owned();
            prop_assert_eq!(closings(&once), "");
            let separators = once.chars().filter(|c| matches!(c, '\u{2028}' | '\u{2029}')).count();
            prop_assert_eq!(separators, 0);
            prop_assert!(!once.chars().any(is_harmful));
            let twice = Text::clean(once.as_bytes());
            prop_assert_eq!(twice.as_str(), &once);
        }

        #[test]
        fn text_without_controls_is_unchanged(text in "[\\p{L}\\p{N}\\p{P}\\p{S} ]{0,100}") {
            let clean = Text::clean(text.as_bytes());
            prop_assert_eq!(clean.as_str(), &text);
        }
    }
}
