//! Coming in and leaving.

use std::time::Duration;

use super::phrases::{about, counted, reason_after_colon, some, tries};
use crate::chat::close_reason::CloseReason;
use crate::chat::notice::Notice;
use crate::wire::{Facts, NoticeEvent as Event};

pub fn password() -> Notice {
    Notice::of(Event::Login, "this room has a password: type it")
}

pub const PASSWORD_WRONG_AGAIN: &str = "goodbye: wrong password, and no tries are left";

pub fn password_wrong(left: u8) -> Notice {
    let text = match left {
        0 => "wrong password, and no tries are left".into(),
        _ => format!("wrong password, {} left", tries(left)),
    };
    Notice::new(text, counted(Event::Login, left.into()))
}

pub const NOT_INVITED_AGAIN: &str = "goodbye: not invited, and no tries are left";

/// The same where the room is locked.
pub fn not_invited(left: u8) -> Notice {
    let text = format!(
        "that is neither an invited name nor the operators' password, {} left",
        tries(left)
    );
    Notice::new(text, counted(Event::Login, left.into()))
}

pub fn open_now() -> Notice {
    Notice::of(Event::Login, "the room is open now: press Enter to come in")
}

pub const NO_MORE_TRIES: &str = "too many tries";

pub fn no_password(limit: Duration) -> String {
    format!("goodbye: the password didn't come in {} s", limit.as_secs())
}

pub const GAVE_WAY: &str =
    "goodbye: others are waiting to log in, and you have not given the password; try again";

pub fn welcome(nick: &str) -> Notice {
    let text = format!("welcome, {nick}: just type, or try /help");
    Notice::new(text, about(Event::Welcome, &[nick]))
}

/// The same to somebody whose line isn't edited.
pub fn welcome_unedited(nick: &str) -> Notice {
    let welcome = welcome(nick);
    Notice { text: format!("{} (editing: /edit, PuTTY, rlwrap nc)", welcome.text), ..welcome }
}

/// `who` is the name as others see it, which may have an address.
pub fn joined(who: &str, nick: &str) -> Notice {
    let facts = Facts { count: Some(1), ..about(Event::Join, &[nick]) };
    Notice::new(format!("{who} joined"), facts)
}

pub fn left(who: &str, ending: CloseReason) -> Notice {
    let text = match ending.reason() {
        None => format!("{who} left"),
        Some(reason) => format!("{who} left ({reason})"),
    };
    let (count, reason) = (Some(1), ending.reason().map(Into::into));
    Notice::new(text, Facts { count, reason, ..about(Event::Leave, &[who]) })
}

/// What the others are told of a client that says why it leaves: `ann left: "see you"`
pub fn left_saying(who: &str, words: &str) -> Notice {
    let facts = Facts { count: Some(1), words: some(words), ..about(Event::Leave, &[who]) };
    Notice::new(format!("{who} left{}", reason_after_colon(words)), facts)
}

/// `ann, bob and eve joined, 2 left`; with many it is `12 joined, 2 left`.
pub fn came_and_went(names: &[&str], nicks: &[&str], joined: usize, left: usize) -> Notice {
    let facts = match joined {
        0 => counted(Event::Leave, left as u64),
        _ => {
            let (count, left) = (Some(joined as u64), Some(left as u64).filter(|left| *left > 0));
            Facts { count, left, ..about(Event::Join, nicks) }
        }
    };
    Notice::new(came_and_went_text(names, joined, left), facts)
}

fn came_and_went_text(names: &[&str], joined: usize, left: usize) -> String {
    let joined = match (names, joined) {
        (_, 0) => return format!("{left} left"),
        ([], _) => format!("{joined} joined"),
        ([name], _) => format!("{name} joined"),
        ([names @ .., last], _) => format!("{} and {last} joined", names.join(", ")),
    };
    match left {
        0 => joined,
        _ => format!("{joined}, {left} left"),
    }
}

pub fn goodbye(newest: &str) -> String {
    format!("goodbye; when you are back, /resume {newest} shows what you have missed")
}

/// The last that a client is told.
pub fn farewell(text: &str, ending: CloseReason) -> Notice {
    let facts = Facts { reason: some(ending.name()), ..Facts::new(Event::Goodbye) };
    Notice::new(text, facts)
}

pub fn shutdown() -> Notice {
    Notice::of(Event::Shutdown, "the server is shutting down")
}

pub fn no_other_name(why: &str) -> String {
    format!("goodbye: {why}")
}
