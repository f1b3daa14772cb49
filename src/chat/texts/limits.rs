//! Limits that a client meets.

use std::time::Duration;

use super::phrases::{count, count_are, counted, lasting, reason_after_colon};
use crate::chat::close_reason::Refusal;
use crate::chat::notice::Notice;
use crate::wire::NoticeEvent as Event;

pub fn too_fast(lines_per_second: u32) -> Notice {
    let lines = count(lines_per_second.into(), "line");
    let text =
        format!("you send faster than {lines} a second: the rest is delayed, and nothing is lost");
    Notice::of(Event::Throttle, text)
}

pub fn line_too_long(bytes_max: usize) -> Notice {
    let text = format!("that line was not sent: it is longer than {bytes_max} bytes");
    Notice::of(Event::Unsent, text)
}

pub fn paste_too_long(bytes_max: usize) -> String {
    format!("nothing was sent: the paste is longer than {} KiB", bytes_max / 1024)
}

pub fn lagged(missed: u64) -> Notice {
    let text = match missed {
        1 => "1 line skipped: it came faster than you read".into(),
        _ => format!("{missed} lines skipped: they came faster than you read"),
    };
    Notice::new(text, counted(Event::Gap, missed))
}

pub fn lagged_closing(missed: u64) -> String {
    format!("goodbye: {} came faster than you read", count(missed, "line"))
}

pub fn unfinished(limit: Duration) -> String {
    format!("goodbye: your line wasn't finished in {} s; a line ends with LF", limit.as_secs())
}

pub fn idle(limit: Duration) -> String {
    format!("goodbye: you sent nothing for {} s", limit.as_secs())
}

pub fn idle_warning(left: Duration) -> Notice {
    let left = left.as_millis().div_ceil(1000);
    let text = format!(
        "your connection ends in {left} s unless you send something, an empty line will do"
    );
    Notice::new(text, counted(Event::Idle, left as u64))
}

/// Clients that are throttled: `throttled: ann, bob`
pub fn throttled(names: &[&str]) -> String {
    format!("throttled: {}", names.join(", "))
}

impl Refusal {
    /// What the client is told, without what begins a notice.
    pub fn text(&self) -> String {
        match *self {
            Refusal::Full { clients } => {
                let clients_are = count_are(clients as u64, "client");
                format!("full: {clients_are} connected, which is the limit; try again later")
            }
            Refusal::PerAddress { clients } => {
                let clients_are = count_are(clients as u64, "client");
                format!("refused: {clients_are} connected from your address, which is the limit")
            }
            Refusal::NewPerMinute { connections, wait } => format!(
                "refused: {} a minute from one address is the limit; try again in {} s",
                count(connections.into(), "connection"),
                wait.as_millis().div_ceil(1000),
            ),
            Refusal::Unserved => {
                "refused: the server cannot take more connections; try again later".into()
            }
            Refusal::PlainText { ref address } => {
                let (host, port) = match address {
                    Some((host, port)) => (host.to_string(), port.to_string()),
                    None => ("HOST".into(), "PORT".into()),
                };
                // As a URL has them (RFC 3986, section 3.2.2).
                let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                let (ncat, openssl) = ("ncat --ssl", "openssl s_client -quiet -connect");
                let commands =
                    format!("{ncat} {host} {port}, or with {openssl} {bracketed}:{port}");
                format!("refused: TLS is required here; connect with {commands}")
            }
            Refusal::Denied => "refused: your address is not allowed here".into(),
            Refusal::Banned { seconds, ref reason } => {
                let (lasting, why) = (lasting(seconds), reason_after_colon(reason));
                format!("refused: your address is banned{lasting}{why}")
            }
        }
    }
}
