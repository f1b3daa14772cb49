//! What clients that speak HTTP are sent: heads, and texts for people.

use std::borrow::Cow;
use std::fmt::Display;

use serde::Serialize;

use crate::chat::close_reason::Refusal;
use crate::wire::{Ending, Layout};

pub(super) const NEEDS_PASSWORD: &str = "this room has a password: curl -u NAME:PASSWORD ...";

pub(super) const CROSS_SITE: &str = "pages of other sites can't do this";

pub(super) const SINCE: &str =
    "since must be the number of a line (123 or 123@RUN), a time (90s, 10m, 2h, 1d) or all";

pub(super) const NO_METRICS: &str = "metrics are for this machine and the networks of --metrics";

pub(super) const NO_FILE: &str = "there are no files here";

pub(super) const SESSION: &str =
    "session must be a token of at least 16 characters that only the client knows";

pub(super) const TOO_SLOW: &str = "the request took too long";

pub(super) const LINE_TOO_LONG: &str = "a line is too long; the lines before it were sent";

pub(super) const MULTIPART: &str =
    "the body must be plain text, a line each: curl -d TEXT, or curl --data-binary @FILE";

pub(super) const PLACE_UNKNOWN: &str =
    "the link to the other servers is down: what was sent may be said later, or not at all";

pub(super) const WRONG_PASSWORD: &str = "wrong password";

pub(super) fn wrong_host(host: &str) -> String {
    format!("this server is not called {host}; --host {host} would allow that")
}

/// A whole answer.
pub(super) struct Answer {
    status: &'static str,
    /// Header lines beside those of every answer, each with its end.
    headers: String,
    kind: &'static str,
    body: Cow<'static, [u8]>,
}

impl Answer {
    pub fn text(status: &'static str, text: impl Into<String>) -> Answer {
        let body = Cow::from((text.into() + "\n").into_bytes());
        Answer { status, headers: String::new(), kind: PLAIN, body }
    }

    /// An answer of another kind than text.
    pub fn of_kind(kind: &'static str, body: impl Into<Cow<'static, [u8]>>) -> Answer {
        Answer { status: "200 OK", headers: String::new(), kind, body: body.into() }
    }

    /// The same with one more header.
    pub fn with_header(self, name: &str, value: impl Display) -> Answer {
        Answer { headers: format!("{}{name}: {value}\r\n", self.headers), ..self }
    }

    /// What it says, if it is text.
    pub fn sentence(&self) -> &str {
        str::from_utf8(&self.body).unwrap_or_default().trim_end()
    }

    /// Its bytes. The answer to HEAD is the same without the body.
    pub fn encode(&self, is_head: bool) -> Vec<u8> {
        let Answer { status, headers, kind, body } = self;
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{headers}\
             {COMMON}Connection: close\r\n\r\n"
        );
        [head.as_bytes(), if is_head { b"" } else { body }].concat()
    }
}

/// What a client that speaks HTTP is sent if it isn't let in.
pub(super) fn refused(refusal: &Refusal) -> Answer {
    let later =
        |status, seconds| Answer::text(status, refusal.text()).with_header("Retry-After", seconds);
    match *refusal {
        Refusal::NewPerMinute { wait, .. } => {
            later("429 Too Many Requests", wait.as_secs_f64().ceil() as u64)
        }
        Refusal::PerAddress { .. } => later("429 Too Many Requests", RETRY_SECONDS),
        Refusal::Full { .. } | Refusal::Unserved => later("503 Service Unavailable", RETRY_SECONDS),
        Refusal::Banned { seconds: Some(seconds), .. } => later("403 Forbidden", seconds.into()),
        Refusal::Banned { seconds: None, .. } | Refusal::Denied | Refusal::PlainText { .. } => {
            Answer::text("403 Forbidden", refusal.text())
        }
    }
}

/// What a client is sent that has to wait for so many seconds before it says more.
pub(super) fn too_early(text: String, wait: u32) -> Answer {
    Answer::text("429 Too Many Requests", text).with_header("Retry-After", u64::from(wait))
}

/// What a client is sent that has to ask at another address.
pub(super) fn moved(refusal: &Refusal, address: &str) -> Answer {
    Answer::text("308 Permanent Redirect", refusal.text()).with_header("Location", address)
}

/// What a request without the password is sent, or with a wrong one.
pub(super) fn needs_password(text: &str) -> Answer {
    Answer::text("401 Unauthorized", text)
        .with_header("WWW-Authenticate", "Basic realm=\"roomcast\", charset=\"UTF-8\"")
}

/// When a client may try again that had no place.
const RETRY_SECONDS: u64 = 60;

const PLAIN: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// A page of another site can neither read what is sent nor show it as its own.
const COMMON: &str = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\
                      Cross-Origin-Resource-Policy: same-origin\r\n";

/// The head of an answer that has no end.
pub(super) fn stream_head(layout: Layout, ending: Ending) -> String {
    let kind = match (layout, ending) {
        (_, Ending::Event) => "text/event-stream",
        (Layout::Json, _) => "application/x-ndjson",
        _ => PLAIN,
    };
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{COMMON}Connection: close\r\n\r\n")
}

/// The answer that makes a connection a WebSocket (RFC 6455, section 4.2.2).
pub(super) fn socket_head(accept: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

/// What somebody gets that asks without a browser for nothing in particular.
pub(super) fn help(host: &str, has_tls: bool) -> Answer {
    let (scheme, port, program) =
        if has_tls { ("https", "443", "ncat --ssl") } else { ("http", "80", "nc") };
    let (name, port) = host.rsplit_once(':').unwrap_or((host, port));
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let rows = [
        (format!("curl -d 'hello' {scheme}://{host}/lobby"), "say a line"),
        (format!("curl -N {scheme}://{host}/lobby"), "listen"),
        (format!("{program} {name} {port}"), "come in"),
    ];
    let width = rows.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    let rows = rows.map(|(command, what)| format!("{command:width$}   {what}"));
    Answer::text("200 OK", format!("This is a chat room.\n\n{}", rows.join("\n")))
}

/// What a monitoring system is sent.
pub(super) fn metrics(text: String) -> Answer {
    Answer::of_kind("text/plain; version=0.0.4; charset=utf-8", text.into_bytes())
}

/// The lines that a search has found.
pub(super) fn found(layout: Layout, lines: Vec<u8>) -> Answer {
    let kind = if layout == Layout::Json { "application/x-ndjson" } else { PLAIN };
    Answer::of_kind(kind, lines)
}

#[derive(Serialize)]
struct Posted<'a> {
    room: &'a str,
    first: Option<u64>,
    last: Option<u64>,
    run: &'a str,
}

/// The numbers of the first and the last line that were said, if any.
pub(super) fn posted(lines: Option<(u64, u64)>, room: &str, run: &str) -> Answer {
    let (first, last) = (lines.map(|(first, _)| first), lines.map(|(_, last)| last));
    let posted = Posted { room, first, last, run };
    let json = serde_json::to_string(&posted).expect("strings and numbers are JSON");
    Answer::of_kind(JSON, (json + "\n").into_bytes())
}
