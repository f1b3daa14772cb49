//! The store: whether what is said is kept.

use std::time::Duration;

use super::phrases::{count, count_were, counted, some};
use crate::chat::notice::Notice;
use crate::wire::{Facts, NoticeEvent as Event, StoreState};

pub const NO_STORE: &str = "the store doesn't answer: try again later";

pub fn no_past() -> Notice {
    Notice::of(Event::Gap, "the store doesn't answer: earlier lines can't be shown now")
}

pub fn not_stored(lines: u64) -> Notice {
    let text = format!("{} said here and not stored", count_were(lines, "line"));
    Notice::new(text, counted(Event::Gap, lines))
}

/// `stored: 17 lines, 52 KiB; 0 lines lost`
pub fn store(state: &StoreState, lost: u64) -> String {
    let lost = count(lost, "line");
    match &state.fault {
        Some(fault) => format!("not stored: {fault}; {lost} lost"),
        None => {
            let (lines, bytes) = (count(state.lines_written, "line"), state.bytes.div_ceil(1024));
            format!("stored: {lines}, {bytes} KiB; {lost} lost")
        }
    }
}

/// To operators.
pub fn store_fault(fault: &str) -> Notice {
    let (state, reason) = (Some("down".into()), some(fault));
    let facts = Facts { state, reason, ..Facts::new(Event::Store) };
    Notice::new(format!("what is said isn't stored any more: {fault}"), facts)
}

/// To operators.
pub fn store_works(lost: u64) -> Notice {
    let text = match lost {
        0 => "what is said is stored again; nothing was lost".into(),
        _ => format!("what is said is stored again; {} lost since the start", count(lost, "line")),
    };
    Notice::new(text, Facts { state: Some("up".into()), ..counted(Event::Store, lost) })
}

/// Whether what is said in a room is stored, and for how long if there is a limit.
pub fn kept(is_kept: bool, time: Option<Duration>) -> String {
    match (is_kept, time) {
        (false, _) => "what is said here isn't kept".into(),
        (true, None) => "what is said here is kept".into(),
        (true, Some(time)) => format!("what is said here is kept for {}", lasting_for(time)),
    }
}

/// `30 days`, `12 hours`
fn lasting_for(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        86400.. if seconds.is_multiple_of(86400) => count(seconds / 86400, "day"),
        3600.. if seconds.is_multiple_of(3600) => count(seconds / 3600, "hour"),
        60.. if seconds.is_multiple_of(60) => count(seconds / 60, "minute"),
        _ => count(seconds, "second"),
    }
}
