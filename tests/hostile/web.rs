//! Clients that speak HTTP and WebSocket, and mean harm. A server that knows neither takes
//! all of it for lines.

use std::time::Duration;

use crate::crowd::{Crowd, Id, PATIENCE, show};
use crate::fault::{FAST, Fault};
use crate::flood::Flood;
use crate::server::{Server, Setup};
use crate::verdict::{Judged, check, froze, leaked, lied, not_applicable};

const MEBIBYTE: usize = 1 << 20;

/// The head of a request may take ten seconds, whatever is asked for here.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// So that a body that stands still is over soon.
const SHORT_LINES: Setup =
    Setup { options: &["--rate", "0", "--line-timeout", "2"], descriptors: None };

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

pub fn faults() -> Vec<Fault> {
    vec![
        Fault::new("A page of another site posts, and opens a WebSocket", &[46], FAST, |server| {
            refused(server, cross_site)
        }),
        Fault::new("A request can be understood in two ways", &[47], FAST, |server| {
            refused(server, smuggled)
        }),
        Fault::new("200 heads of requests never end", &[4], FAST, slow_heads),
        Fault::new("200 bodies of requests stand still", &[4], SHORT_LINES, slow_bodies),
        Fault::new("Frames of a WebSocket are none", &[48], FAST, broken_frames),
        Fault::new("A client floods pings of WebSocket", &[4, 5], FAST, ping_flood),
        Fault::new("1,000 WebSockets never read", &[1, 4, 5], FAST, stuck_sockets),
    ]
}

/// Requests that bring a browser's word that another site makes them.
fn cross_site(token: &str) -> Vec<String> {
    let body = format!("hello {token}\n");
    let post = |more: &str| {
        let length = body.len();
        format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{more}\r\n{body}"
        )
    };
    let upgrade = UPGRADE.replace("\r\n\r\n", "\r\nOrigin: http://evil.example\r\n\r\n");
    vec![
        post("Origin: http://evil.example\r\n"),
        post("Origin: null\r\n"),
        post("Sec-Fetch-Site: cross-site\r\n"),
        post("").replace("Host: localhost", "Host: evil.example"),
        upgrade + "\x01\x05hello" + token,
    ]
}

/// Requests after which one program has read a body, and another one not.
fn smuggled(token: &str) -> Vec<String> {
    let body = format!("hello {token}\n");
    let length = body.len();
    let chunks = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
    let post = |fields: &str, body: &str| {
        format!("POST / HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n{body}")
    };
    let chunked = "Transfer-Encoding: chunked\r\n";
    vec![
        post(&format!("Content-Length: {length}\r\n{chunked}"), &chunks),
        post(&format!("Content-Length: 0\r\nContent-Length: {length}\r\n"), &body),
        post(&format!("Content-Length: +{length}\r\n"), &body),
        post(&format!("Content-Length: {length}, {length}\r\n"), &body),
        post("Transfer-Encoding: identity, chunked\r\n", &chunks),
        post(&format!("{chunked}{chunked}"), &chunks),
        post(&format!("Content-Length: {length}\n"), &body),
        format!("\r\n\r\n{}", post(&format!("Content-Length: {length}\n"), &body)),
        post(&format!("A: b\r\n Content-Length: 0\r\nContent-Length: {length}\r\n"), &body),
        post(&format!("Content-Length : {length}\r\n"), &body),
        post(&format!("Host: other\r\nContent-Length: {length}\r\n"), &body),
    ]
}

/// Each is refused, and nothing of it is said.
fn refused(server: &Server, requests: fn(&str) -> Vec<String>) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let token = crowd.token();
    let requests = requests(&token);
    for request in &requests {
        let page = crowd.connect()?;
        crowd.send(page, request);
        let is_closed = |crowd: &mut Crowd| crowd.client(page).end.is_some();
        let closed = crowd.wait(Duration::from_secs(1), "", is_closed);
        crowd.client(page).fin();
        crowd.ping(ann, bob)?;
        let is_said = crowd.has_heard(bob, &token);
        check(!is_said, || lied(format!("it is said: {}", show(request.as_bytes()))))?;
        closed.map_err(|_| froze(format!("isn't closed after {}", show(request.as_bytes()))))?;
        let answer = show(&crowd.client(page).received);
        let is_refused = crowd.client(page).received.starts_with(b"HTTP/1.1 4")
            || crowd.client(page).received.starts_with(b"HTTP/1.1 5");
        check(!server.is_roomcast || is_refused, || lied(format!("answered with {answer}")))?;
    }
    Ok(format!("{} requests", requests.len()))
}

/// Heads that come byte by byte take their places for ten seconds, and delay nobody.
fn slow_heads(server: &Server) -> Judged {
    trickle(server, "GET / HTTP/1.1\r\nHost: localhost\r\nA: ", HEAD_TIME + PATIENCE)
}

/// The same with a line of a body.
fn slow_bodies(server: &Server) -> Judged {
    let head = "PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf";
    trickle(server, head, Duration::from_secs(2) + PATIENCE)
}

fn trickle(server: &Server, begin: &str, time_max: Duration) -> Judged {
    const CLIENTS: usize = 200;
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let slow: Vec<Id> = (0..CLIENTS).map(|_| crowd.connect()).collect::<Judged<_>>()?;
    slow.iter().for_each(|&id| crowd.send(id, begin));
    let start = crowd.time();
    let mut worst = Duration::ZERO;
    while slow.iter().any(|&id| crowd.client(id).end.is_none()) {
        worst = worst.max(crowd.ping(ann, bob)?);
        let is_late = crowd.time() - start > time_max;
        check(!is_late, || froze("they aren't closed"))?;
        crowd.pass(Duration::from_millis(100))?;
        for &id in &slow {
            if crowd.client(id).end.is_none() && begin.starts_with("GET") {
                crowd.send(id, "b");
            }
        }
    }
    check(!crowd.has_heard(bob, "half"), || lied("the room is sent half a line"))?;
    let answer = show(&crowd.client(slow[0]).received);
    Ok(format!("closed with {answer}, pings at most {worst:.0?}"))
}

/// What a WebSocket sends, and the code that it is closed with (RFC 6455, section 7.4).
fn frames(token: &str) -> Vec<(Vec<u8>, u16)> {
    let masked = |first: u8, payload: &[u8]| {
        let head = [first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
        [&head[..], payload].concat()
    };
    let text = token.as_bytes();
    vec![
        ([&[0x81, text.len() as u8], text].concat(), 1002),
        (masked(0xc1, text), 1002),
        (masked(0x83, text), 1002),
        (masked(0x80, text), 1002),
        (masked(0x09, text), 1002),
        ([&[0x89, 0xfe, 0, 126, 0, 0, 0, 0], &[b'a'; 126][..]].concat(), 1002),
        ([masked(0x01, text), masked(0x81, text)].concat(), 1002),
        (masked(0x82, text), 1003),
        ([masked(0x01, b"\xf0\x9f"), masked(0x80, b"\x98")].concat(), 1007),
        (masked(0x81, b"\xc0\xaf"), 1007),
        ([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0].into(), 1009),
        ([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].into(), 1002),
    ]
}

fn broken_frames(server: &Server) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let token = crowd.token();
    let frames = frames(&token);
    for (sent, code) in &frames {
        let socket = crowd.connect()?;
        crowd.send(socket, UPGRADE);
        crowd.send(socket, sent);
        let is_closed = |crowd: &mut Crowd| crowd.client(socket).end.is_some();
        let closed = crowd.wait(Duration::from_secs(1), "", is_closed);
        crowd.client(socket).fin();
        crowd.ping(ann, bob)?;
        check(!crowd.has_heard(bob, &token), || lied("the room is sent what is in a frame"))?;
        closed.map_err(|_| froze("it isn't closed"))?;
        let received = &crowd.client(socket).received;
        let close = [0x88, 2, (code >> 8) as u8, *code as u8];
        let is_right = received.ends_with(&close);
        check(!server.is_roomcast || is_right, || {
            lied(format!("{} got {}", show(sent), show(&received[received.len() - 8..])))
        })?;
    }
    Ok(format!("{} frames", frames.len()))
}

/// Pongs that nobody reads take no more memory than other answers.
fn ping_flood(server: &Server) -> Judged {
    const PINGS: usize = 50_000;
    // Answers that pile up would be 6 MB; the kernel counts memory to a megabyte.
    const GROWTH_MAX: usize = 3 * MEBIBYTE;
    if !server.is_roomcast {
        return Err(not_applicable("it knows no WebSocket"));
    }
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let socket = crowd.connect_stuck()?;
    crowd.send(socket, UPGRADE);
    crowd.ping(ann, bob)?;
    let before = server.memory_bytes_max()?;
    let ping = [&[0x89, 0xfd, 0, 0, 0, 0], &[b'a'; 125][..]].concat();
    crowd.send(socket, ping.repeat(PINGS));
    let mut worst = Duration::ZERO;
    for _ in 0..50 {
        worst = worst.max(crowd.ping(ann, bob)?);
    }
    let grown = server.memory_bytes_max()?.saturating_sub(before);
    let figure = format!("{} KiB more, pings at most {worst:.0?}", grown / 1024);
    check(grown < GROWTH_MAX, || leaked(figure.clone()))?;
    Ok(figure)
}

/// They are told what they missed some day, and delay nobody until then.
fn stuck_sockets(server: &Server) -> Judged {
    const SOCKETS: usize = 1000;
    const GROWTH_MAX: usize = 64 * MEBIBYTE;
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let mut last = ann;
    for _ in 0..SOCKETS {
        last = crowd.connect_stuck()?;
        crowd.send(last, UPGRADE);
    }
    crowd.ping(ann, bob)?;
    let before = server.memory_bytes_max()?;
    let mut flood = Flood::of_bytes(ann, 1000, 8 * MEBIBYTE);
    flood.pour(&mut crowd, bob)?;
    // On a busy machine some are still in the queue of the listener, before all who come later.
    crowd.wait_until_sent(last)?;
    let worst = crowd.ping(ann, bob)?;
    let grown = server.memory_bytes_max()?.saturating_sub(before);
    let figure = format!("{} MiB more, ping {worst:.0?}", grown / MEBIBYTE);
    check(grown < GROWTH_MAX, || leaked(figure.clone()))?;
    Ok(figure)
}
