//! What clients that speak HTTP are sent: heads, and texts for people.

use serde::Serialize;

use crate::chat::room::log::Seq;
use crate::wire::{Ending, Layout};

pub(super) const NEEDS_PASSWORD: &str = "this room has a password: curl -u NAME:PASSWORD ...";

pub(super) const CROSS_SITE: &str = "a page of another site may not do this";

pub(super) const SINCE: &str =
    "since is the number of a line (123 or 123@RUN), a time (90s, 10m, 2h, 1d) or all";

pub(super) const TOO_SLOW: &str = "the request took too long";

pub(super) const LINE_TOO_LONG: &str =
    "a line is longer than the server allows; those before it were said";

pub(super) fn wrong_host(host: &str) -> String {
    format!("this server isn't called {host}; --host {host} lets it be called so")
}

/// A whole answer with a text. The answer to HEAD is the same without the text.
pub(super) fn answer(status: &str, headers: &str, text: &str, is_head: bool) -> String {
    let body = if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
    let (length, kind) = (body.len(), if text.starts_with('{') { JSON } else { PLAIN });
    let body = if is_head { "" } else { &body };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{headers}\
         {COMMON}Connection: close\r\n\r\n{body}"
    )
}

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
pub(super) fn help(host: &str) -> String {
    format!(
        "This is a chat room.\n\n\
         curl -d 'hello' http://{host}/lobby     say a line\n\
         curl -N http://{host}/lobby             listen\n\
         nc {}                     come in\n",
        host.rsplit_once(':').map_or(format!("{host} 80"), |(host, port)| format!("{host} {port}"))
    )
}

#[derive(Serialize)]
struct Posted<'a> {
    room: &'a str,
    first: Option<Seq>,
    last: Option<Seq>,
    run: &'a str,
}

/// The numbers of the first and the last line that were said, if any.
pub(super) fn posted(lines: Option<(Seq, Seq)>, room: &str, run: &str) -> String {
    let (first, last) = (lines.map(|(first, _)| first), lines.map(|(_, last)| last));
    let posted = Posted { room, first, last, run };
    serde_json::to_string(&posted).expect("strings and numbers are JSON")
}
