//! Passwords that a file says: the room's and the operators'.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::wire::Protocol;

/// The longest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 200;

/// A password, kept as its SHA-256: what is compared has the same length then
/// whatever was typed, and takes the same time.
#[derive(Clone)]
pub struct Password([u8; 32]);

impl Password {
    /// The password in a text: 1 to 200 bytes without control characters and
    /// without a space at its begin or end, which nobody would see. The first
    /// line of another protocol can't be one either.
    pub fn new(text: &str) -> Option<Password> {
        let fits = (1..=PASSWORD_BYTES_MAX).contains(&text.len()) && text.trim() == text;
        let can_be_typed =
            !text.contains(char::is_control) && Protocol::of_line(text.as_bytes()).is_none();
        (fits && can_be_typed).then(|| Password(digest(text.as_bytes())))
    }

    /// Whether this is the password.
    pub(in crate::chat) fn matches(&self, typed: &[u8]) -> bool {
        digest(typed).ct_eq(&self.0).into()
    }
}

/// The first character of a text that nobody would see there: a zero-width space,
/// a mark of direction, a filler.
pub fn invisible_character(text: &str) -> Option<char> {
    text.chars()
        .find(|&c| c.general_category() == GeneralCategory::Format || BLANK_CHARACTERS.contains(&c))
}

/// Characters of other categories that show nothing: a joiner, fillers of Hangul,
/// the blank of Braille, and variation selectors.
const BLANK_CHARACTERS: [char; 8] =
    ['\u{34f}', '\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}', '\u{2800}', '\u{fe0e}', '\u{fe0f}'];

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Passwords don't belong into logs.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_itself_only() {
        let password = Password::new("correct horse").expect("a password");
        assert!(password.matches(b"correct horse"));
        for typed in [&b""[..], b"correct", b"correct horse ", b"Correct horse", &[b'c'; 10_000]] {
            assert!(!password.matches(typed), "{}", typed.escape_ascii());
        }
        assert_eq!(format!("{password:?}"), "Password(..)");
    }

    #[test]
    fn characters_that_nobody_sees_are_found() {
        for c in ['\u{200b}', '\u{200f}', '\u{feff}', '\u{ad}', '\u{2060}', '\u{e0020}', '\u{3164}']
        {
            assert_eq!(invisible_character(&format!("se{c}cret")), Some(c));
        }
        for text in ["secret", "käse", "two words", "пароль", "密码", ""] {
            assert_eq!(invisible_character(text), None, "{text}");
        }
    }

    #[test]
    fn a_password_has_1_to_200_bytes_that_can_be_typed() {
        for good in ["a", "käse", "two words", &"x".repeat(200)] {
            assert!(Password::new(good).is_some(), "{good}");
        }
        for bad in ["", " a", "a ", "a\tb", "a\nb", "\u{1b}[0m", "SSH-2", &"x".repeat(201)] {
            assert!(Password::new(bad).is_none(), "{bad:?}");
        }
    }
}
