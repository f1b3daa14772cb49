//! Phrases that several texts are made of, and facts of events.

use crate::wire::{Facts, NoticeEvent as Event};

/// What is known of an event about these users.
pub(super) fn about(event: Event, who: &[&str]) -> Facts {
    Facts { who: who.iter().map(|&name| name.into()).collect(), ..Facts::new(event) }
}

/// What is known of an event of which so many are counted.
pub(super) fn counted(event: Event, count: u64) -> Facts {
    Facts { count: Some(count), ..Facts::new(event) }
}

/// A reason or a text, if there is one.
pub(super) fn some(text: &str) -> Option<Box<str>> {
    Some(text).filter(|text| !text.is_empty()).map(Into::into)
}

/// What stands around the words of a client within an answer.
const QUOTE: char = '"';

/// `: "lunch"`, so that a reason can't be taken for more of the answer.
pub(super) fn reason_after_colon(reason: &str) -> String {
    match reason {
        "" => String::new(),
        _ => format!(": {QUOTE}{}{QUOTE}", reason.replace(QUOTE, "'")),
    }
}

/// `5 minutes ago`
pub(super) fn ago(seconds: u32) -> String {
    format!("{} ago", span(seconds))
}

/// `5 minutes`, in the largest unit of which there is one.
pub(super) fn span(seconds: u32) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    match units.into_iter().find(|(unit, _)| seconds >= *unit) {
        Some((unit, name)) => count(u64::from(seconds / unit), name),
        None => "less than a minute".into(),
    }
}

/// `1 line`, `2 lines`
pub(super) fn count(count: u64, name: &str) -> String {
    match count {
        1 => format!("1 {name}"),
        _ => format!("{count} {name}s"),
    }
}

/// `1 line is`, `2 lines are`
pub(super) fn count_are(number: u64, name: &str) -> String {
    format!("{} {}", count(number, name), if number == 1 { "is" } else { "are" })
}

/// `1 line was`, `2 lines were`
pub(super) fn count_were(number: u64, name: &str) -> String {
    format!("{} {}", count(number, name), if number == 1 { "was" } else { "were" })
}

/// ` and 3 more`, or nothing if there are no more.
pub(super) fn and_more(more: usize) -> String {
    match more {
        0 => String::new(),
        _ => format!(" and {more} more"),
    }
}

/// `1 try`, `2 tries`
pub(super) fn tries(count: u8) -> String {
    match count {
        1 => "1 try".into(),
        _ => format!("{count} tries"),
    }
}

/// ` for 90 minutes more`, or nothing if it is for ever.
pub(super) fn lasting(seconds: Option<u32>) -> String {
    match seconds {
        None => String::new(),
        Some(seconds @ ..120) => format!(" for {seconds} s more"),
        Some(seconds @ ..172_800) => format!(" for {} minutes more", seconds.div_ceil(60)),
        Some(seconds) => format!(" for {} days more", seconds.div_ceil(86_400)),
    }
}
