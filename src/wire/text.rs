//! The text of a line, made harmless for every reader's terminal.

use std::borrow::Cow;

use vte::{Parser, Perform};

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
    /// - Control characters (C0 except tab, DEL, C1) are taken out.
    ///
    /// Cleaning clean text changes nothing. Most text is clean and isn't
    /// copied.
    pub fn clean(bytes: &'a [u8]) -> Self {
        if bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) {
            // ASCII is UTF-8, so this borrows.
            return Text(String::from_utf8_lossy(bytes));
        }
        let text = String::from_utf8_lossy(bytes);
        if text.chars().any(is_harmful) { Text(Cow::Owned(strip(&text))) } else { Text(text) }
    }

    /// The text as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_harmful(c: char) -> bool {
    c.is_control() && c != '\t'
}

/// What a terminal would print of `text`.
fn strip(text: &str) -> String {
    struct Printed(String);

    impl Perform for Printed {
        fn print(&mut self, c: char) {
            if !is_harmful(c) {
                self.0.push(c);
            }
        }

        fn execute(&mut self, byte: u8) {
            if byte == b'\t' {
                self.0.push('\t');
            }
        }
    }

    let mut printed = Printed(String::with_capacity(text.len()));
    // One parser a line: nothing leaks into the next one.
    Parser::new().advance(&mut printed, text.as_bytes());
    printed.0
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
        for text in ["hello", "a\tb", "", "Grüße", "日本語", "👩‍👩‍👧", "مرحبا", "Việt"]
        {
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
        check(b"a\x07b\x08c\x00d\x7fe", "abcde");
        check(b"10%\r20%", "10%20%");
        check("a\u{85}b\u{9b}c".as_bytes(), "abc");
        check(b"\x0e\x0f\x11\x13", "");
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
            )
        ) {
            let once = Text::clean(&bytes).as_str().to_owned();
            prop_assert!(!once.chars().any(is_harmful));
            let twice = Text::clean(once.as_bytes());
            prop_assert_eq!(twice.as_str(), &once);
        }

        #[test]
        fn text_without_controls_is_unchanged(text in "[^\\p{Cc}]{0,100}") {
            let clean = Text::clean(text.as_bytes());
            prop_assert_eq!(clean.as_str(), &text);
        }
    }
}
