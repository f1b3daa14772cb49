//! Every text that a client can see, so that it can be read through in one go.
//!
//! A notice begins with [`NOTICE`], and nothing else that a client is sent
//! does (see `compose`).

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_security::skeleton;

use super::commands;
use super::ending::Ending;
use super::nicks::{NAME_BYTES_MAX, NAME_CHARS_MAX, NameError};

/// How each notice begins.
pub(super) const NOTICE: &str = "*** ";

pub(super) const SHUTDOWN: &str = "the server is shutting down";
pub(super) const GOODBYE: &str = "goodbye";
pub(super) const ARE_YOU_THERE: &str = "yes, the server is here";
/// Names shown at most in one answer; the others are counted.
pub(super) const NAMES_MAX: usize = 200;

pub(super) fn welcome(nick: &str) -> String {
    format!("welcome, {nick}: just type, or try /help")
}

/// `here: ann, bob and 3 more`
pub(super) fn here(count: usize, names: impl Iterator<Item = String>) -> String {
    let names: Vec<_> = names.take(NAMES_MAX).collect();
    let more = match count - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{count} here: {}{more}", names.join(", "))
}

pub(super) fn joined(who: &str) -> String {
    format!("{who} joined")
}

pub(super) fn left(who: &str, ending: Ending) -> String {
    match ending.reason() {
        None => format!("{who} left"),
        Some(reason) => format!("{who} left ({reason})"),
    }
}

/// `3 joined, 2 left`
pub(super) fn came_and_went(joined: usize, left: usize) -> String {
    match (joined, left) {
        (_, 0) => format!("{joined} joined"),
        (0, _) => format!("{left} left"),
        _ => format!("{joined} joined, {left} left"),
    }
}

pub(super) fn you_are(nick: &str) -> String {
    format!("you are {nick} now")
}

pub(super) fn renamed(old: &str, new: &str) -> String {
    format!("{old} is now {new}")
}

pub(super) fn name_taken(name: &str) -> String {
    format!("the name {name} is taken")
}

/// What is wrong with the name `look`: it looks like `taken`, which is.
pub(super) fn look_taken(taken: &str, look: &str) -> String {
    format!("the name {taken} is taken, and {look} looks like it")
}

pub(super) fn bad_name(error: NameError) -> String {
    match error {
        NameError::Missing => "the name is missing (like /nick ann)".into(),
        NameError::TooLong => {
            format!("a name has at most {NAME_CHARS_MAX} characters and {NAME_BYTES_MAX} bytes")
        }
        NameError::Character(c) => {
            let c = shown(c);
            format!(
                "a name can't contain {c}: it is made of letters, digits, _ . - (like /nick ann)"
            )
        }
        NameError::MixedScripts(c) => {
            let c = shown(c);
            format!("a name has one script: {c} is of another than what is before it")
        }
        NameError::BeginsWithMark => {
            "a name can't begin with a mark: put a letter before it".into()
        }
        NameError::TooManyMarks => {
            "a name can't have so many marks on one letter, or one twice".into()
        }
        NameError::Direction => {
            "a name from right to left begins with a letter and ends with a letter or digit".into()
        }
        NameError::MixedDigits => "a name from right to left has digits of one kind".into(),
    }
}

/// A character for a client's eyes: with its number unless every keyboard has
/// it, and the number alone if there is nothing to see.
fn shown(c: char) -> String {
    use GeneralCategoryGroup::{Letter, Number, Punctuation, Symbol};
    let is_visible = matches!(c.general_category_group(), Letter | Number | Punctuation | Symbol)
        && skeleton(c.encode_utf8(&mut [0; 4])).next().is_some();
    let number = u32::from(c);
    match is_visible {
        true if c.is_ascii() => c.into(),
        true => format!("{c} (U+{number:04X})"),
        false => format!("U+{number:04X}"),
    }
}

pub(super) fn name_is_yours(name: &str) -> String {
    format!("your name is {name} already")
}

pub(super) fn usage(usage: &str) -> String {
    format!("usage: {usage}")
}

pub(super) fn unknown_command(word: &str) -> String {
    format!("there is no command {word}; /help lists them, and //text says /text")
}

pub(super) fn line_too_long(bytes_max: usize) -> String {
    format!("that line was not sent: it is longer than {bytes_max} bytes")
}

pub(super) fn lagged(missed: u64) -> String {
    match missed {
        1 => "1 line skipped: it came faster than you read".into(),
        _ => format!("{missed} lines skipped: they came faster than you read"),
    }
}

pub(super) fn lagged_closing(missed: u64) -> String {
    format!("goodbye: {missed} lines came faster than you read")
}

pub(super) fn full(clients: usize) -> String {
    format!("full: {clients} are here and there is no place for more, try again later")
}

/// A line for each command.
pub(super) fn help() -> impl Iterator<Item = String> {
    commands::TABLE.iter().map(|command| format!("{:<12} {}", command.usage, command.help))
}
