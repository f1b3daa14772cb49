//! The end of the server, and what it has written down.

use std::net::Shutdown;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::client::End;
use crate::crowd::{Crowd, Id, PATIENCE, show};
use crate::fault::{FAST, Fault, PLAIN};
use crate::flood::Flood;
use crate::server::{Server, Trouble};
use crate::verdict::{Judged, check, died, froze, lied};

/// Promise 28.
const END_TIME_MAX: Duration = Duration::from_secs(6);

pub fn faults() -> Vec<Fault> {
    let mut faults = vec![
        Fault::new("SIGINT arrives", &[28], PLAIN, |server| ends_well(server, Signal::INT)),
        Fault::new("SIGTERM arrives", &[28], PLAIN, |server| ends_well(server, Signal::TERM)),
        Fault::new("SIGINT arrives while input is unread", &[27], FAST, unread_input),
        Fault::new(
            "SIGINT arrives twice, and one client does not read",
            &[28],
            FAST,
            second_signal,
        ),
        Fault::new("SIGINT arrives in a heavy chat", &[28], FAST, heavy_chat),
        Fault::new("SIGTERM arrives, and nobody reads the log", &[28, 33], PLAIN, unread_log)
            .with(Trouble::UnreadLog),
    ];
    faults.iter_mut().for_each(|fault| fault.ends_server = true);
    faults.push(Fault::new("Clients send escape sequences for the log", &[33], PLAIN, log));
    faults
}

/// Everybody reads the end of its stream, and the process is over in time.
fn end_all(crowd: &mut Crowd, ids: &[Id]) -> Judged<Duration> {
    let start = Instant::now();
    for &id in ids {
        let ended = crowd.wait(END_TIME_MAX, "", |crowd| crowd.client(id).end.is_some());
        ended.map_err(|_| froze("connections stay open"))?;
        // As programs do when they have read the end.
        let _ = crowd.client(id).socket.shutdown(Shutdown::Both);
    }
    let left = END_TIME_MAX.saturating_sub(start.elapsed());
    check(crowd.server.ends_within(left), || froze("it doesn't end"))?;
    Ok(start.elapsed())
}

/// This client was told something of the server's own at the end, and read it
/// to its end.
fn check_farewell(crowd: &mut Crowd, id: Id) -> Judged<()> {
    let client = crowd.client(id);
    check(client.end == Some(End::Eof), || lied("a reset instead of a farewell"))?;
    let received = client.received.strip_suffix(b"\n").unwrap_or_default();
    let last = received.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    let is_said = |text: &[u8]| memchr::memmem::find(last, text).is_some();
    let is_own = !last.is_empty() && !is_said(b"tk0") && !is_said(b"=#");
    check(is_own, || lied(format!("no farewell, but {}", show(last))))
}

fn ends_well(server: &Server, signal: Signal) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob, carol] = crowd.guests()?;
    let (token, half) = (crowd.token(), crowd.token());
    crowd.say(ann, &token);
    crowd.send(ann, half);
    for other in [bob, carol] {
        crowd.hears(other, &token)?;
    }
    server.signal(signal);
    let time = end_all(&mut crowd, &[ann, bob, carol])?;
    let status = server.status();
    check(status.code() == Some(0), || died(status.to_string()))?;
    for id in [ann, bob, carol] {
        check_farewell(&mut crowd, id)?;
    }
    Ok(format!("after {time:.0?}"))
}

/// Closing with bytes unread would take the farewell back.
fn unread_input(server: &Server) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    server.signal(Signal::STOP);
    crowd.send(ann, "unread\n".repeat(10_000));
    server.signal(Signal::INT);
    server.signal(Signal::CONT);
    let time = end_all(&mut crowd, &[ann, bob])?;
    check_farewell(&mut crowd, ann)?;
    check_farewell(&mut crowd, bob)?;
    Ok(format!("after {time:.0?}"))
}

/// A client that doesn't read may hold up the end for a while, but not a second
/// signal.
fn second_signal(server: &Server) -> Judged {
    const TIME_MAX: Duration = Duration::from_secs(1);
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    crowd.connect_stuck()?;
    let mut flood = Flood::of_bytes(bob, 1000, 4 << 20);
    let last = flood.last();
    crowd.hears_while(PATIENCE, ann, &last, |crowd| flood.feed(crowd))?;
    server.signal(Signal::INT);
    // It has seen the first one when it says farewell.
    crowd.wait(PATIENCE, "nobody is told", |crowd| crowd.client(ann).end.is_some())?;
    let has_waited = server.is_running();
    let start = Instant::now();
    server.signal(Signal::INT);
    check(server.ends_within(TIME_MAX), || froze("it doesn't end"))?;
    let time = start.elapsed();
    let was_there = if has_waited { "" } else { ", at the first one" };
    Ok(format!("after {time:.0?}{was_there}, {}", server.status()))
}

/// What anyone got everyone gets who reads, whole and in order; the farewell is
/// last.
fn heavy_chat(server: &Server) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob, carol] = crowd.guests()?;
    let mut flood = Flood::new(carol, 100, usize::MAX);
    flood.keep_pace_with(&mut crowd, ann);
    crowd.wait(PATIENCE, "the others get nothing", |crowd| {
        flood.feed(crowd);
        crowd.client(ann).received_bytes > 4 << 20
    })?;
    server.signal(Signal::INT);
    let time = end_all(&mut crowd, &[ann, bob, carol])?;
    let mut counts = Vec::new();
    for id in [ann, bob] {
        check_farewell(&mut crowd, id)?;
        let delivery = flood.judge(&crowd.client(id).received)?;
        check(delivery.skipped == 0, || lied(format!("{} lines skipped", delivery.skipped)))?;
        counts.push(delivery.delivered);
    }
    check(counts[0] == counts[1], || {
        lied(format!("one got {} lines, one {}", counts[0], counts[1]))
    })?;
    Ok(format!("{} lines each, after {time:.0?}", counts[0]))
}

/// Whatever a server has to write down, those who talk and the end don't wait
/// for it.
fn unread_log(server: &Server) -> Judged {
    const STRANGERS: usize = 300;
    const WAIT_MAX: Duration = Duration::from_secs(2);
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let mut worst = Duration::ZERO;
    for _ in 0..STRANGERS {
        let stranger = crowd.connect()?;
        crowd.say(stranger, "GET / HTTP/1.0\r\n\r");
        worst = worst.max(crowd.ping(ann, bob)?);
        crowd.reset(stranger);
    }
    check(worst < WAIT_MAX, || froze(format!("heard after {worst:.0?}")))?;
    server.signal(Signal::TERM);
    let time = end_all(&mut crowd, &[ann, bob])?;
    let status = server.status();
    check(status.code() == Some(0), || died(status.to_string()))?;
    Ok(format!("worst ping {worst:.0?}, over after {time:.0?}"))
}

/// Who reads the log in a terminal isn't at the mercy of those who connect.
fn log(server: &Server) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let evil = "\x1b[2J\x1b]0;owned\x07\r\x08\u{9b}31m";
    for text in
        [evil.to_owned(), format!("/nick {evil}"), format!("/{evil}"), format!("GET {evil}")]
    {
        let token = crowd.token();
        crowd.say(ann, format!("{text}{token}"));
        crowd.ping(ann, bob)?;
        let stranger = crowd.connect()?;
        crowd.say(stranger, &text);
        crowd.ping(ann, bob)?;
        crowd.reset(stranger);
    }
    crowd.ping(bob, ann)?;
    let output = server.output();
    let text = String::from_utf8_lossy(&output);
    let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    let bad = text.lines().find(|line| line.contains(is_bad));
    check(bad.is_none(), || lied(show(bad.unwrap_or_default().as_bytes())))?;
    Ok(format!("{} lines logged", text.lines().count()))
}
