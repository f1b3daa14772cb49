//! Clients that don't read, or too slowly.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::crowd::{Crowd, PATIENCE};
use crate::fault::{FAST, Fault};
use crate::flood::Flood;
use crate::server::{OPERATOR_PASSWORD, Server, Setup};
use crate::verdict::{Judged, check, froze, leaked, lied, not_applicable};

/// A wait that people would notice.
const WAIT_MAX: Duration = Duration::from_secs(2);
const MEBIBYTE: usize = 1 << 20;
/// So that the fault needn't wait five seconds for what is told of comings and
/// goings together.
const FOLDING: Setup = Setup { options: &["--presence-interval", "1"], descriptors: None };
/// So that the fault needn't wait for a minute and a half.
const SHORT_STALL: Setup =
    Setup { options: &["--rate", "0", "--stall-timeout", "2"], descriptors: None };

/// With deadlines that are shorter than the fault.
const STRICT: Setup = Setup {
    options: &["--rate", "0", "--stall-timeout", "4", "--idle-timeout", "6"],
    descriptors: None,
};

pub fn faults() -> Vec<Fault> {
    vec![
        Fault::new("A client stops reading", &[1, 2, 3, 4], FAST, stuck_reader),
        Fault::new("200 clients stop reading", &[5], FAST, memory_of_stuck_readers),
        Fault::new("A client stops reading for ever", &[7], SHORT_STALL, stalled_reader),
        Fault::new("A reader is too slow", &[3, 6], FAST, slow_reader),
        Fault::new("A client does not read its answers", &[5], FAST, unread_answers),
        Fault::new(
            "An operator mutes a client that does not read, again and again",
            &[5],
            OPERATORS,
            mutes,
        ),
        Fault::new("Clients pause or close their sending side", &[19, 21], FAST, paused_clients),
        Fault::new("A client sends without a pause to 100 quiet ones", &[25], FAST, firehose),
        Fault::new("The server is stopped for a while", &[42], STRICT, stopped_and_continued),
        Fault::new("300 silent clients join", &[], FOLDING, silent_joins),
    ]
}

const OPERATORS: Setup =
    Setup { options: &["--rate", "0", "--operator-file", "\"$DIR/operator\""], descriptors: None };

/// What others do to a client is told to it only as far as it reads.
fn mutes(server: &Server) -> Judged {
    const TIMES: usize = 100_000;
    const GROWTH_MAX: usize = MEBIBYTE;
    if !server.is_roomcast {
        return Err(not_applicable("it has no operators"));
    }
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    crowd.connect_stuck()?;
    crowd.say(ann, format!("/op {OPERATOR_PASSWORD}"));
    crowd.ping(ann, bob)?;
    let before = server.memory_bytes_max()?;
    for _ in 0..10 {
        crowd.send(ann, "/mute guest3\n".repeat(TIMES / 10));
        let token = crowd.token();
        crowd.say(ann, &token);
        crowd.hears_within(4 * PATIENCE, bob, &token)?;
    }
    let grown = server.memory_bytes_max()?.saturating_sub(before);
    let figure = format!("{} KiB more", grown / 1024);
    check(grown < GROWTH_MAX, || leaked(figure.clone()))?;
    Ok(figure)
}

fn stuck_reader(server: &Server) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let stuck = crowd.connect_stuck()?;
    crowd.show_presence(stuck)?;
    let mut flood = Flood::of_bytes(bob, 1000, 20 * MEBIBYTE);
    let start = crowd.time();
    crowd.client(ann).start_waiting(start);
    flood.pour(&mut crowd, ann)?;
    let wait = crowd.client(ann).longest_wait;
    let start = crowd.time();
    let newcomer = crowd.join()?;
    crowd.ping(bob, newcomer)?;
    let join = crowd.time() - start;
    let delivery = flood.judge(&crowd.client(ann).received)?;
    check(wait.max(join) < WAIT_MAX, || froze(format!("{wait:.0?}, a newcomer {join:.0?}")))?;
    let skipped = delivery.skipped;
    check(skipped == 0, || lied(format!("{skipped} lines skipped for one who reads")))?;
    Ok(format!("longest wait {wait:.0?}, to join {join:.0?}"))
}

/// What is kept for those who don't read is bounded: a server may have one log,
/// and little for each of them.
fn memory_of_stuck_readers(server: &Server) -> Judged {
    const READERS: usize = 200;
    const LOG_BYTES_MAX: usize = 32 * MEBIBYTE;
    const READER_BYTES_MAX: usize = 64 << 10;
    const TIME_MAX: Duration = Duration::from_secs(5);
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    for _ in 0..READERS {
        crowd.connect_stuck()?;
    }
    crowd.ping(ann, bob)?;
    let before = server.memory_bytes()?;
    let grown = || Ok(server.memory_bytes()?.saturating_sub(before));
    let mut flood = Flood::of_bytes(bob, 1000, 100 * MEBIBYTE);
    flood.keep_pace_with(&mut crowd, ann);
    crowd.client(ann).is_keeping = false;
    let (start, mut looked_at) = (Instant::now(), Instant::now());
    crowd.wait(TIME_MAX + PATIENCE, "a flood doesn't end", |crowd| {
        flood.feed(crowd);
        // Looking costs time, and a server without bounds takes all memory.
        if looked_at.elapsed() < Duration::from_millis(50) {
            return false;
        }
        looked_at = Instant::now();
        let is_too_much = grown().map_or(true, |bytes: usize| bytes > 512 * MEBIBYTE);
        is_too_much || start.elapsed() > TIME_MAX || flood.is_fed()
    })?;
    let megabytes = crowd.client(ann).received_bytes / 1_000_000;
    let grown = grown()?;
    let each = grown.saturating_sub(LOG_BYTES_MAX) / READERS;
    let figure = format!("{} KiB each after {megabytes} MB", grown / READERS / 1024);
    check(each < READER_BYTES_MAX, || leaked(figure.clone()))?;
    crowd.client(ann).is_keeping = true;
    let newcomer = crowd.connect()?;
    let (token, second) = (crowd.token(), crowd.token());
    crowd.say(newcomer, &token);
    crowd.say(newcomer, &second);
    crowd.hears(ann, &token).map_err(|_| froze(format!("nobody is heard, {figure}")))?;
    Ok(figure)
}

/// Who takes nothing has to go some time.
fn stalled_reader(server: &Server) -> Judged {
    const TIME_MAX: Duration = Duration::from_secs(10);
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let descriptors = server.descriptors()?;
    let stuck = crowd.connect_stuck()?;
    crowd.show_presence(stuck)?;
    let mut flood = Flood::of_bytes(bob, 1000, 4 * MEBIBYTE);
    flood.pour(&mut crowd, ann)?;
    let is_closed = |_: &mut Crowd| server.descriptors().is_ok_and(|count| count <= descriptors);
    let closed = crowd.wait(TIME_MAX, "", is_closed);
    let time = closed.map_err(|_| leaked(format!("it is still there after {TIME_MAX:.0?}")))?;
    crowd.ping(bob, ann)?;
    Ok(format!("closed after {time:.1?}"))
}

/// A debugger stops the process, or its machine sleeps. Who has read and typed
/// meanwhile has done nothing wrong.
fn stopped_and_continued(server: &Server) -> Judged {
    const TIME: Duration = Duration::from_secs(7);
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let slow = crowd.connect_stuck()?;
    crowd.show_presence(slow)?;
    let mut flood = Flood::of_bytes(bob, 1000, 2 * MEBIBYTE);
    flood.pour(&mut crowd, ann)?;
    server.signal(Signal::STOP);
    crowd.client(slow).is_reading = true;
    let token = crowd.token();
    crowd.say(ann, &token);
    crowd.pass(TIME)?;
    server.signal(Signal::CONT);
    crowd.hears(bob, &token)?;
    crowd.hears(slow, &token)?;
    let wait = crowd.ping(slow, ann)?;
    check(crowd.client(bob).end.is_none(), || lied("one was closed without a warning"))?;
    Ok(format!("all are there, a ping {wait:.0?}"))
}

/// Each line that comes is whole and in its place, and what is left out is
/// told.
fn slow_reader(server: &Server) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let slow = crowd.connect_stuck()?;
    crowd.show_presence(slow)?;
    // Who has spoken isn't told of while the lines come that the slow one misses.
    crowd.ping(ann, bob)?;
    let mut flood = Flood::of_bytes(bob, 1000, 20 * MEBIBYTE);
    flood.pour(&mut crowd, ann)?;
    crowd.client(slow).is_reading = true;
    // One line more shows that it is there again.
    let token = crowd.token();
    crowd.say(ann, &token);
    crowd.hears(slow, &token)?;
    let delivery = flood.judge(&crowd.client(slow).received)?;
    // Nobody can be told of a gap at the end but by a line after it.
    let missing = flood.lines - delivery.delivered - delivery.skipped;
    check(missing == 0, || lied(format!("{missing} lines lost without a word")))?;
    Ok(format!("{} lines came, {} told as skipped", delivery.delivered, delivery.skipped))
}

/// What is asked for and not read is kept for nobody without a bound.
fn unread_answers(server: &Server) -> Judged {
    const TIME: Duration = Duration::from_secs(1);
    const GROWTH_MAX: usize = 16 * MEBIBYTE;
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let asking = crowd.connect_stuck()?;
    crowd.ping(ann, bob)?;
    let before = server.memory_bytes_max()?;
    let questions = "/help\n/who\n".repeat(1000);
    let (start, mut worst) = (Instant::now(), Duration::ZERO);
    while start.elapsed() < TIME {
        if crowd.client(asking).unsent_bytes() < questions.len() {
            crowd.client(asking).queue(questions.as_bytes());
        }
        worst = worst.max(crowd.ping(ann, bob)?);
        crowd.client(bob).forget();
    }
    let grown = server.memory_bytes_max()?.saturating_sub(before);
    let figure = format!("{} KiB more, pings {worst:.0?}", grown / 1024);
    check(grown < GROWTH_MAX, || leaked(figure.clone()))?;
    Ok(figure)
}

/// Who doesn't read, or has closed its sending side, costs no time; and when it
/// resets that is noticed.
fn paused_clients(server: &Server) -> Judged {
    const CLIENTS: usize = 20;
    const BUSY_MAX: Duration = Duration::from_millis(100);
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let descriptors = server.descriptors()?;
    let mut guests = Vec::new();
    for _ in 0..CLIENTS {
        guests.push(crowd.connect_stuck()?);
        let half_closed = crowd.connect()?;
        crowd.client(half_closed).fin();
        guests.push(half_closed);
    }
    crowd.ping(ann, bob)?;
    // More than the kernel takes for those who don't read.
    let mut flood = Flood::of_bytes(bob, 1000, 4 * MEBIBYTE);
    flood.pour(&mut crowd, ann)?;
    let before = server.cpu_time()?;
    crowd.pass(Duration::from_secs(1))?;
    let busy = server.cpu_time()? - before;
    let figure = format!("{busy:.1?} of CPU in 1 s");
    check(busy < BUSY_MAX, || leaked(figure.clone()))?;
    guests.into_iter().for_each(|guest| crowd.reset(guest));
    crowd.is_back_to(descriptors)?;
    Ok(figure)
}

/// A client that talks without a pause doesn't keep others from being heard.
fn firehose(server: &Server) -> Judged {
    const CLIENTS: usize = 100;
    const TIME: Duration = Duration::from_secs(3);
    let mut crowd = Crowd::new(server);
    let [ann, hose] = crowd.guests()?;
    let quiet: Vec<_> = (0..CLIENTS).map(|_| crowd.join()).collect::<Judged<_>>()?;
    crowd.ping(hose, ann)?;
    for &id in quiet.iter().chain([&ann, &hose]) {
        crowd.client(id).is_keeping = false;
    }
    let mut flood = Flood::new(hose, 100, usize::MAX);
    flood.keep_pace_with(&mut crowd, ann);
    let (start, mut worst, mut pings) = (Instant::now(), Duration::ZERO, 0);
    while start.elapsed() < TIME {
        let (from, to) = (quiet[pings % CLIENTS], quiet[(pings + 1) % CLIENTS]);
        crowd.client(to).is_keeping = true;
        let token = crowd.token();
        crowd.say(from, &token);
        worst = worst.max(crowd.hears_while(PATIENCE, to, &token, |crowd| flood.feed(crowd))?);
        crowd.client(to).is_keeping = false;
        crowd.client(to).forget();
        pings += 1;
    }
    check(worst < WAIT_MAX, || froze(format!("heard after {worst:.0?}")))?;
    Ok(format!("worst of {pings} pings {worst:.0?}"))
}

/// n silent people aren't n notices to each of n people.
fn silent_joins(server: &Server) -> Judged {
    const CLIENTS: usize = 300;
    const BYTES_MAX: usize = 20 * CLIENTS;
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let before = crowd.client(ann).received_bytes;
    for _ in 0..CLIENTS {
        crowd.connect()?;
    }
    // Long enough for a client that tells of them together.
    crowd.pass(Duration::from_millis(1300))?;
    crowd.ping(bob, ann)?;
    let bytes = crowd.client(ann).received_bytes - before;
    let figure = format!("{bytes} bytes to the first one");
    check(bytes < BYTES_MAX, || leaked(figure.clone()))?;
    Ok(figure)
}
