//! What servers say of the engine and of lines that are missing.

use super::history::Line;

/// The engine doesn't answer; more may follow.
pub const DOWN: &str = "the link to the other servers is down";
pub const BACK: &str = "the link to the other servers is back";
pub const FORGOT: &str = "the servers have lost their shared history: line numbers start over";

/// What a server says to all that are on it. It has no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Local {
    Forgot,
    /// So many lines are missing, before the next one.
    Missing(u64),
}

impl Local {
    pub fn of(line: &Line) -> Option<Local> {
        if line.kind != "notice" {
            return None;
        }
        if line.text == FORGOT {
            return Some(Local::Forgot);
        }
        let (count, rest) = line.text.split_once(' ')?;
        let ends = [
            "line from other servers is missing here",
            "lines from other servers are missing here",
        ];
        if ends.contains(&rest) { Some(Local::Missing(count.parse().ok()?)) } else { None }
    }
}

/// How many lines a client is told that it was too slow for.
pub fn skipped_lines(text: &str) -> Option<u64> {
    let (count, rest) = text.split_once(' ')?;
    let ends = [
        "line skipped: it came faster than you read",
        "lines skipped: they came faster than you read",
    ];
    if ends.contains(&rest) { count.parse().ok() } else { None }
}
