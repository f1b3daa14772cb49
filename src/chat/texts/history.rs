//! What was said before: the history, marks, searches.

use jiff::tz::TimeZone;

use super::phrases::{about, ago, count, count_were, counted};
use crate::chat::notice::Notice;
use crate::wire::{Facts, Kind, NoticeEvent as Event, Time, date_and_time};

/// `17@k3f9`: line 17 of this run of the server.
pub fn place(number: u64, run: &str) -> String {
    match run {
        "" => number.to_string(),
        _ => format!("{number}@{run}"),
    }
}

/// `the last 12 lines, from 5 minutes ago on:`
pub fn history(lines: u64, age: u32) -> Notice {
    let text = match lines {
        1 => format!("the last line, from {}:", ago(age)),
        _ => format!("the last {lines} lines, from {} on:", ago(age)),
    };
    Notice::new(text, counted(Event::History, lines))
}

/// Nothing was said before.
pub fn no_history() -> Notice {
    Notice::new("nothing was said here before", counted(Event::History, 0))
}

/// Nothing was said since the time that a client asks for.
pub fn no_history_since() -> Notice {
    Notice::new("nothing was said since then", counted(Event::History, 0))
}

/// So many lines were said after one; if some are gone, programs are told how many.
pub fn resumed(number: u64, lines: u64, gone: u64) -> Notice {
    let facts = match gone {
        0 => counted(Event::History, lines),
        _ => counted(Event::Gap, gone),
    };
    Notice::new(resumed_text(number, lines, gone), facts)
}

fn resumed_text(number: u64, lines: u64, gone: u64) -> String {
    match (lines, gone) {
        (0, 0) => format!("nothing was said after line {number}"),
        (_, 0) => format!("{} after line {number}:", count(lines, "line")),
        _ => {
            let gone = count(gone, "line");
            format!("{gone} after line {number} are gone, these {lines} are left:")
        }
    }
}

/// What was said before the server started again is gone.
pub fn restarted(lines: u64) -> Notice {
    let lines = count(lines, "line");
    let text =
        format!("the server has restarted since then: earlier lines are gone, {lines} since:");
    Notice::of(Event::Gap, text)
}

/// Once in a room after a crash.
pub fn interrupted() -> Notice {
    let text =
        "the server stopped without warning: what was said in its last moments may be missing";
    Notice::of(Event::Interrupted, text)
}

pub fn not_said_yet(number: u64, newest: u64) -> Notice {
    let text = format!("line {number} hasn't been said yet, the newest is line {newest}");
    Notice::new(text, counted(Event::Ahead, newest))
}

pub fn seq(newest: u64, place: &str) -> Notice {
    let text = format!("line {newest} is the newest; /resume {place} shows what comes after it");
    Notice::new(text, counted(Event::Newest, newest))
}

/// `/mentions`
pub fn mentions(lines: usize) -> String {
    match lines {
        0 => "no recent line here names you".into(),
        1 => "the last line that names you:".into(),
        _ => format!("the last {lines} lines that name you:"),
    }
}

/// `the last 10 lines of ann:`
pub fn last(name: &str, lines: usize) -> String {
    match lines {
        0 => format!("no line of {name} is kept here"),
        1 => format!("the last line of {name}:"),
        _ => format!("the last {lines} lines of {name}:"),
    }
}

pub fn found(lines: usize) -> String {
    match lines {
        0 => "no line has all these words".into(),
        1 => "1 line has all these words:".into(),
        _ => format!("the newest {lines} lines with all these words, newest first:"),
    }
}

/// `17 2026-11-20 14:03 <ann> hello`; a line may have no number.
pub fn found_line(
    number: Option<u64>,
    time: Time,
    zone: &TimeZone,
    kind: Kind,
    from: &str,
    text: &str,
) -> String {
    let number = number.map_or(String::new(), |number| format!("{number} "));
    let time = date_and_time(time, zone);
    match kind {
        Kind::Act => format!("{number}{time} * {from} {text}"),
        _ => format!("{number}{time} <{from}> {text}"),
    }
}

pub fn search_words(bytes_max: usize) -> String {
    format!("type the words to look for (like /search lunch friday), at most {bytes_max} bytes")
}

pub fn not_searched(room: &str) -> String {
    format!("what is said in {room} isn't kept, so it can't be searched")
}

pub const SEARCHING: &str = "a search is under way: try again in a moment";
pub const SEARCH_TOO_LONG: &str = "the search took too long: more words, or rarer ones, would help";

/// `ann cleared lines 5 to 7 from the history`
pub fn cleared(nick: &str, first: u64, last: u64) -> Notice {
    let text = match first == last {
        true => format!("{nick} cleared line {first} from the history"),
        false => format!("{nick} cleared lines {first} to {last} from the history"),
    };
    let (first, last) = (Some(first), Some(last));
    Notice::new(text, Facts { first, last, ..about(Event::Clear, &[nick]) })
}

/// To a client that asks for what was said since a line.
pub fn lines_cleared(lines: u64) -> Notice {
    let text = format!("{} cleared since then", count_were(lines, "line"));
    Notice::new(text, counted(Event::Clear, lines))
}

pub const NOTHING_TO_CLEAR: &str = "there is nothing to clear";
