//! Commands in general, and the server itself.

use std::time::Duration;

use super::phrases::{count, span};
use crate::chat::counts::Counts;
use crate::chat::notice::Notice;
use crate::wire::{NoticeEvent as Event, Time, rfc3339};

pub fn usage(usage: &str) -> String {
    format!("usage: {usage}")
}

pub fn example(example: &str) -> String {
    format!("example: {example}")
}

pub fn unknown_command(word: &str, nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("there is no command {word}; did you mean /{nearest}?"),
        None => format!("there is no command {word}; /help all lists them, and //text says /text"),
    }
}

/// Somebody typed a command without its slash.
pub fn slip(word: &str) -> Notice {
    let text = format!("commands begin with a slash: /{word}; to say {word}, type it again");
    Notice::of(Event::Unsent, text)
}

/// A line of `/help`, with so much place for how a command is typed.
pub fn help_line(usage: &str, help: &str, width: usize) -> String {
    format!("{usage:<width$} {help}")
}

pub const HELP_MORE: &str = "/help all shows all commands, /help COMMAND shows one";
pub const HELP_OPERATORS: &str =
    "operators also have /kick, /ban, /mute, /slow, /lock, /clear and others";
pub const ARE_YOU_THERE: &str = "yes, the server is here";

pub fn time(now: Time) -> String {
    format!("it is {}", rfc3339(now))
}

pub fn uptime(time: Duration) -> String {
    format!("up for {}", span(time.as_secs() as u32))
}

pub fn stats(counts: &Counts, clients: usize, rooms: usize) -> String {
    format!("{clients} here in {}, {}", count(rooms as u64, "room"), counts.came())
}

impl Counts {
    /// What `/stats` shows of clients and lines: `3 came, 2 lines, 0 skipped`
    pub fn came(&self) -> String {
        let Counts { clients, lines, lines_missed, .. } = self;
        format!("{clients} came, {}, {lines_missed} skipped", count(*lines, "line"))
    }

    /// What `/stats` shows of the endings: `ended: 3 quit, 1 connection reset`
    pub fn ended(&self) -> String {
        let endings = self.endings.iter().filter(|(_, count)| **count > 0);
        let endings: Vec<_> =
            endings.map(|(ending, count)| format!("{count} {}", ending.name())).collect();
        match &endings[..] {
            [] => "ended: none".into(),
            _ => format!("ended: {}", endings.join(", ")),
        }
    }
}
