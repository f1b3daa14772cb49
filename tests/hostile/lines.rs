//! Lines, and how they are cut, ended and forged.

use std::time::{Duration, Instant};

use crate::crowd::{Crowd, Id, PATIENCE, show};
use crate::fault::{FAST, Fault, PLAIN};
use crate::flood::Flood;
use crate::server::{Server, Setup};
use crate::verdict::{Judged, check, froze, leaked, lied, not_applicable};

/// Faster than by itself, so that the fault takes a second and not ten.
const PASTE: Setup = Setup { options: &["--rate", "1000"], descriptors: None };

/// So that those who are slowed down are seen to be within seconds.
const SLOW: Setup = Setup { options: &["--rate", "100/100"], descriptors: None };

pub fn faults() -> Vec<Fault> {
    vec![
        Fault::new("A line comes in two packets", &[3, 9], PLAIN, two_packets),
        Fault::new("Two lines come in one packet", &[9, 13], PLAIN, two_lines),
        Fault::new("A client forges a line of another", &[13], PLAIN, forged_line),
        Fault::new("A client forges a notice", &[13], PLAIN, forged_notice),
        Fault::new("Lines end with LF, CR LF and CR NUL", &[17], PLAIN, line_ends),
        Fault::new("The last line has no end", &[17], PLAIN, last_line),
        Fault::new("`nc -N` waits for an answer", &[20], PLAIN, half_closed),
        Fault::new("A line never ends", &[8], FAST, endless_line),
        Fault::new("A line is as long as the limit, and longer", &[8], PLAIN, limit),
        Fault::new("Empty lines never end", &[10], FAST, empty_lines),
        Fault::new("A user pastes 2,000 lines", &[1, 2, 18], PASTE, paste),
        Fault::new("A script pipes 4,000 lines through `nc -N`", &[1, 18, 20], PASTE, piped_paste),
        Fault::new("20 clients flood the room and reset", &[19, 21], SLOW, floods),
        Fault::new("500 clients begin a line and never end it", &[], PLAIN, slowloris),
    ]
}

/// Nothing gets between the parts of a line.
fn two_packets(server: &Server) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob, carol] = crowd.guests()?;
    let prefix = crowd.prefix(ann, bob)?;
    let (first, second) = (crowd.token(), crowd.token());
    crowd.send(ann, &first);
    // When others have been heard, the server has read the first part.
    crowd.ping(carol, bob)?;
    crowd.ping(carol, bob)?;
    crowd.say(ann, &second);
    let line = crowd.line(bob, &second)?;
    let whole = [&prefix, first.as_bytes(), second.as_bytes()].concat();
    check(line == whole, || lied(format!("came as {}", show(&line))))?;
    Ok(String::new())
}

fn two_lines(server: &Server) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let prefix = crowd.prefix(ann, bob)?;
    let (first, second) = (crowd.token(), crowd.token());
    crowd.send(ann, format!("{first}\n{second}\n"));
    for token in [first, second] {
        let line = crowd.line(bob, &token)?;
        let whole = [&prefix, token.as_bytes()].concat();
        check(line == whole, || lied(format!("came as {}", show(&line))))?;
    }
    Ok(String::new())
}

/// What ends a line for a terminal or a program, in one way or another.
const BREAKS: [&str; 10] = [
    "\n",
    "\r\n",
    "\r",
    "\r\0",
    "\x0b",
    "\x0c",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\x1b[2K\x1b[1G",
];

/// Nothing that ann says begins a line like bob's.
fn forged_line(server: &Server) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob, carol] = crowd.guests()?;
    let prefix = crowd.prefix(bob, carol)?;
    check(!prefix.is_empty(), || not_applicable("lines don't tell their sender"))?;
    for line_break in BREAKS {
        let token = crowd.token();
        let forged = [&prefix, token.as_bytes()].concat();
        crowd.say(ann, [b"x", line_break.as_bytes(), &forged].concat());
        check_not_at_start(&mut crowd, carol, &forged, &token)?;
    }
    Ok(String::new())
}

/// Nothing that ann says begins a line like a notice of the server: in most of
/// them with some mark. A server without prefixes may put anything before it.
fn forged_notice(server: &Server) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, _bob, carol] = crowd.guests()?;
    for line_break in BREAKS {
        for mark in ["*** ", "* ", "<announce> ", "-!- ", "[server] "] {
            let token = crowd.token();
            let forged = format!("{mark}{token}");
            crowd.say(ann, format!("x{line_break}{forged}"));
            check_not_at_start(&mut crowd, carol, forged.as_bytes(), &token)?;
        }
    }
    Ok(String::new())
}

/// `forged`, which ends with `token`, comes, but not where a line begins.
fn check_not_at_start(crowd: &mut Crowd, id: Id, forged: &[u8], token: &str) -> Judged<()> {
    crowd.line(id, token)?;
    for line_break in BREAKS {
        let start = [line_break.as_bytes(), forged].concat();
        check(!crowd.has_heard(id, &start), || lied(format!("{} came", show(&start))))?;
    }
    Ok(())
}

fn line_ends(server: &Server) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let prefix = crowd.prefix(ann, bob)?;
    let tokens = [(); 3].map(|()| crowd.token());
    let [one, two, three] = &tokens;
    crowd.send(ann, format!("{one}\n{two}\r\n{three}\r\0"));
    for (token, end) in tokens.iter().zip(["LF", "CR LF", "CR NUL"]) {
        let line = crowd.expect_line(bob, token, &format!("a line with {end}"))?;
        let whole = [&prefix, token.as_bytes()].concat();
        check(line == whole, || lied(format!("came as {}", show(&line))))?;
    }
    Ok(String::new())
}

fn last_line(server: &Server) -> Judged {
    let mut crowd = Crowd::new(server);
    let [bob, ann] = crowd.guests()?;
    let token = crowd.token();
    crowd.send(ann, &token);
    crowd.client(ann).fin();
    crowd.expect_line(bob, &token, "it")?;
    Ok(String::new())
}

/// As in `echo hi | nc -N`: the sending side is closed, and an answer is
/// wanted.
fn half_closed(server: &Server) -> Judged {
    // A server may wait for a second only.
    const ANSWER_TIME_MAX: Duration = Duration::from_millis(500);
    let mut crowd = Crowd::new(server);
    let [bob, ann] = crowd.guests()?;
    let (question, answer) = (crowd.token(), crowd.token());
    crowd.say(ann, &question);
    let start = Instant::now();
    crowd.client(ann).fin();
    let delay = crowd.hears(bob, &question)?;
    crowd.say(bob, &answer);
    let was_away = start.elapsed() > delay + ANSWER_TIME_MAX;
    let is_closed = crowd.wait(PATIENCE, "no answer comes", |crowd| {
        crowd.has_heard(ann, &answer) || crowd.client(ann).end.is_some()
    });
    is_closed?;
    match crowd.has_heard(ann, &answer) {
        true => Ok(String::new()),
        // This machine stood still before bob answered.
        false if was_away => half_closed(server),
        false => Err(lied("the answer is lost")),
    }
}

/// Megabytes without an end take no memory and are nobody else's trouble.
fn endless_line(server: &Server) -> Judged {
    const BYTES: usize = 100 << 20;
    const TIME_MAX: Duration = Duration::from_secs(3);
    const GROWTH_MAX: usize = 16 << 20;
    let mut crowd = Crowd::new(server);
    let [ann, bob, carol] = crowd.guests()?;
    let prefix = crowd.prefix(carol, bob)?;
    let before = server.memory_bytes_max()?;
    let (chunk, start) = (vec![b'x'; 1 << 16], Instant::now());
    let (mut sent, mut worst) = (0, Duration::ZERO);
    while sent < BYTES && start.elapsed() < TIME_MAX && crowd.client(ann).end.is_none() {
        let token = crowd.token();
        crowd.say(carol, &token);
        let time = crowd.hears_while(PATIENCE, bob, &token, |crowd| {
            if crowd.client(ann).unsent_bytes() < 4 * chunk.len() && sent < BYTES {
                crowd.client(ann).queue(&chunk);
                sent += chunk.len();
            }
        })?;
        worst = worst.max(time);
        let line = crowd.line(bob, &token)?;
        let whole = [&prefix, token.as_bytes()].concat();
        check(line == whole, || lied(format!("another's came as {}", show(&line))))?;
        crowd.client(bob).forget();
    }
    let grown = server.memory_bytes_max()?.saturating_sub(before);
    let figure = format!("{} MB: {} KiB more, pings {worst:.0?}", sent / 1_000_000, grown / 1024);
    check(grown < GROWTH_MAX, || leaked(figure.clone()))?;
    Ok(figure)
}

/// They are many for their bytes; others chat on.
fn empty_lines(server: &Server) -> Judged {
    const TIME: Duration = Duration::from_secs(2);
    const WAIT_MAX: Duration = Duration::from_secs(1);
    const GROWTH_MAX: usize = 16 << 20;
    let mut crowd = Crowd::new(server);
    let [ann, bob, carol] = crowd.guests()?;
    let before = server.memory_bytes_max()?;
    let (chunk, start) = (vec![b'\n'; 1 << 16], Instant::now());
    let (mut sent, mut worst) = (0, Duration::ZERO);
    while start.elapsed() < TIME && crowd.client(ann).end.is_none() {
        let token = crowd.token();
        crowd.say(carol, &token);
        worst = worst.max(crowd.hears_while(PATIENCE, bob, &token, |crowd| {
            if crowd.client(ann).unsent_bytes() < chunk.len() {
                crowd.client(ann).queue(&chunk);
                sent += chunk.len();
            }
        })?);
        crowd.client(bob).forget();
    }
    let grown = server.memory_bytes_max()?.saturating_sub(before);
    let figure = format!("{} million, pings {worst:.0?}", sent / 1_000_000);
    check(grown < GROWTH_MAX, || leaked(format!("{} KiB more", grown / 1024)))?;
    check(worst < WAIT_MAX, || froze(figure.clone()))?;
    Ok(figure)
}

/// As long as a line may be, one byte more, and the next one.
fn limit(server: &Server) -> Judged {
    const LIMIT: usize = 4096;
    check(server.is_roomcast, || not_applicable("no limit is known"))?;
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    for length in [LIMIT - 1, LIMIT, LIMIT + 1] {
        let token = crowd.token();
        let line = "x".repeat(length - token.len()) + &token;
        crowd.say(ann, &line);
        crowd.ping(ann, bob)?;
        let has_come = crowd.has_heard(bob, &line);
        check(has_come == (length <= LIMIT), || lied(format!("{length} bytes: {has_come}")))?;
        check(has_come || !crowd.has_heard(bob, &token), || lied("a part of a line came"))?;
    }
    Ok(format!("{LIMIT} bytes"))
}

/// Much at once is slowed down at most: nothing of it is lost, and nobody else
/// waits.
fn paste(server: &Server) -> Judged {
    const LINES: usize = 2000;
    const WAIT_MAX: Duration = Duration::from_secs(1);
    let mut crowd = Crowd::new(server);
    let [ann, bob, carol] = crowd.guests()?;
    let mut flood = Flood::new(ann, 40, LINES);
    let (start, mut worst) = (Instant::now(), Duration::ZERO);
    let last = flood.last();
    while !crowd.has_heard(bob, &last) {
        flood.feed(&mut crowd);
        worst = worst.max(crowd.ping(carol, bob)?);
        let is_late = start.elapsed() > 2 * PATIENCE;
        check(!is_late, || froze("it doesn't arrive"))?;
    }
    let time = start.elapsed();
    let heard = crowd.client(bob).received.clone();
    let delivered = flood.judge(&heard)?.delivered;
    check(delivered == LINES, || lied(format!("{delivered} of {LINES} lines came")))?;
    check(worst < WAIT_MAX, || froze(format!("another waited {worst:.0?}")))?;
    Ok(format!("came in {time:.0?}, pings {worst:.0?}"))
}

/// A script that sends faster than anyone may is heard to its end.
fn piped_paste(server: &Server) -> Judged {
    const LINES: usize = 4000;
    let mut crowd = Crowd::new(server);
    let [bob, ann] = crowd.guests()?;
    let mut flood = Flood::new(ann, 40, LINES);
    let start = Instant::now();
    flood.feed(&mut crowd);
    let sent = crowd.wait(PATIENCE, "the server doesn't read", |crowd| {
        flood.feed(crowd);
        flood.is_fed() && crowd.client(ann).unsent_bytes() == 0
    });
    sent?;
    crowd.client(ann).fin();
    let heard = crowd.hears_within(2 * PATIENCE, bob, &flood.last());
    let time = start.elapsed();
    let delivered = flood.judge(&crowd.client(bob).received)?.delivered;
    check(heard.is_ok(), || lied(format!("{delivered} of {LINES} lines came")))?;
    check(delivered == LINES, || lied(format!("{delivered} of {LINES} lines came")))?;
    Ok(format!("came in {time:.0?}"))
}

/// Those who are slowed down cost no time meanwhile, and when they are gone
/// that is noticed, if only when what they have said is read.
fn floods(server: &Server) -> Judged {
    const CLIENTS: usize = 20;
    const LINES: usize = 400;
    const BUSY_MAX: Duration = Duration::from_millis(500);
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let descriptors = server.descriptors()?;
    let guests: Vec<_> = (0..CLIENTS).map(|_| crowd.connect()).collect::<Judged<_>>()?;
    for &guest in &guests {
        crowd.client(guest).is_keeping = false;
        crowd.send(guest, "so much to say\n".repeat(LINES));
    }
    crowd.pass(Duration::from_secs(1))?;
    let before = server.cpu_time()?;
    crowd.pass(Duration::from_secs(1))?;
    let busy = server.cpu_time()? - before;
    let worst = crowd.ping(ann, bob)?;
    guests.into_iter().for_each(|guest| crowd.reset(guest));
    crowd.is_back_to(descriptors)?;
    let figure = format!("{busy:.0?} of CPU in 1 s, ping {worst:.0?}");
    check(busy < BUSY_MAX, || leaked(figure.clone()))?;
    Ok(figure)
}

/// Lines that are begun and not ended cost little.
fn slowloris(server: &Server) -> Judged {
    const CLIENTS: usize = 500;
    const CLIENT_BYTES_MAX: usize = 32 << 10;
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let before = server.memory_bytes()?;
    let mut worst = Duration::ZERO;
    for number in 0..CLIENTS {
        let client = crowd.connect()?;
        crowd.client(client).is_keeping = false;
        crowd.send(client, "a line that never ends");
        if number % 50 == 0 {
            worst = worst.max(crowd.ping(ann, bob)?);
        }
    }
    worst = worst.max(crowd.ping(ann, bob)?);
    let each = (server.memory_bytes()?.saturating_sub(before)) / CLIENTS;
    let open = crowd.open_connections() - 2;
    let figure = format!("{open} open, {each} bytes each, pings {worst:.0?}");
    check(each < CLIENT_BYTES_MAX, || leaked(figure.clone()))?;
    Ok(figure)
}
