//! Connections that come, go and break.

use std::time::Duration;

use rustix::process::Signal;

use crate::client::End;
use crate::crowd::{Crowd, PATIENCE, show};
use crate::fault::{Fault, PLAIN};
use crate::server::{OPERATOR_PASSWORD, Server, Setup};
use crate::verdict::{Judged, check, froze, leaked, lied, not_applicable};

/// roomcast's own limit would come first.
const FEW_DESCRIPTORS: Setup = Setup { options: &["--max-clients", "1000"], descriptors: Some(64) };
/// So that newcomers are shown nothing that was said before.
const NO_PAST: Setup = Setup { options: &["--history", "0"], descriptors: None };

/// The password is the line in the file `operator`.
const PASSWORD: Setup = Setup {
    options: &["--password-file", "\"$DIR/operator\"", "--max-clients", "4"],
    descriptors: None,
};
/// Those who come are told of after a second.
const FOLDING: Setup = Setup { options: &["--presence-interval", "1"], descriptors: None };

pub fn faults() -> Vec<Fault> {
    let mut strangers =
        Fault::new("40 strangers stay silent while a member logs in", &[43], PASSWORD, strangers);
    // Those who come afterwards would have to give the password.
    strangers.ends_server = true;
    vec![
        strangers,
        Fault::new("A health check connects five times a second", &[44], FOLDING, health_checks),
        Fault::new("A client resets while another connects", &[21], PLAIN, reset_and_connect),
        Fault::new("Two lines are sent to a client that has reset", &[21], PLAIN, reset_and_lines),
        Fault::new("20 clients send a line and leave at once", &[21], PLAIN, leaving),
        Fault::new("300 clients reset at random points", &[21], PLAIN, resets),
        Fault::new(
            "100 clients connect to 64 descriptors",
            &[23],
            FEW_DESCRIPTORS,
            few_descriptors,
        ),
        Fault::new("Nobody sends anything for 2 s", &[31], PLAIN, idle),
        Fault::new("300 clients each take the slot of the last one", &[30], NO_PAST, places),
    ]
}

/// Both are there at once when the server looks.
fn reset_and_connect(server: &Server) -> Judged {
    const ROUNDS: usize = 100;
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    for round in 0..ROUNDS {
        server.signal(Signal::STOP);
        let first = crowd.connect()?;
        if round % 2 == 0 {
            crowd.send(first, "half a line");
        }
        crowd.reset(first);
        let second = crowd.connect()?;
        let token = crowd.token();
        crowd.say(second, &token);
        server.signal(Signal::CONT);
        crowd.hears(ann, &token)?;
        crowd.close(second);
    }
    crowd.ping(ann, bob)?;
    Ok(format!("{ROUNDS} rounds"))
}

/// The second one is written to a socket that is known to be broken: SIGPIPE.
fn reset_and_lines(server: &Server) -> Judged {
    const ROUNDS: usize = 50;
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    for _ in 0..ROUNDS {
        let guest = crowd.join()?;
        server.signal(Signal::STOP);
        crowd.reset(guest);
        let (first, second) = (crowd.token(), crowd.token());
        crowd.say(ann, &first);
        crowd.say(ann, &second);
        server.signal(Signal::CONT);
        crowd.hears(bob, &second)?;
        check(crowd.has_heard(bob, &first), || lied("a line is lost"))?;
    }
    Ok(format!("{ROUNDS} rounds"))
}

/// The server sees all of them at once, and has news of each for others that
/// are gone too.
fn leaving(server: &Server) -> Judged {
    const ROUNDS: usize = 10;
    const CLIENTS: usize = 20;
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    for _ in 0..ROUNDS {
        let guests = (0..CLIENTS).map(|_| crowd.join()).collect::<Judged<Vec<_>>>()?;
        server.signal(Signal::STOP);
        let tokens: Vec<_> = guests.iter().map(|_| crowd.token()).collect();
        for (&guest, token) in guests.iter().zip(&tokens) {
            crowd.say(guest, token);
            crowd.close(guest);
        }
        server.signal(Signal::CONT);
        for token in &tokens {
            crowd.expect_line(ann, token, "one who left")?;
        }
        crowd.ping(ann, bob)?;
        crowd.client(ann).forget();
    }
    Ok(format!("{ROUNDS} rounds"))
}

fn resets(server: &Server) -> Judged {
    const CLIENTS: usize = 300;
    let script: &[u8] = b"/nick x\nhello\r\n/me waves\nhalf\xff\xfd\x01\xff\xfa\x18x\xff\xf0\
        /help\n/who\nGET / HTTP/1.1\r\nhalf a line";
    let seed = fastrand::u64(..);
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let descriptors = server.descriptors()?;
    let mut guests = Vec::new();
    for _ in 0..CLIENTS {
        let guest = crowd.connect()?;
        crowd.send(guest, &script[..dice.usize(..=script.len())]);
        if dice.usize(..4) == 0 {
            crowd.client(guest).fin();
        }
        guests.push(guest);
        while guests.len() > dice.usize(..20) {
            let guest = guests.swap_remove(dice.usize(..guests.len()));
            crowd.reset(guest);
        }
        crowd.look();
    }
    guests.into_iter().for_each(|guest| crowd.reset(guest));
    let is_back = crowd.ping(ann, bob).and_then(|_| crowd.is_back_to(descriptors));
    is_back.map_err(|mut verdict| {
        verdict.figure += &format!(", seed {seed}");
        verdict
    })?;
    Ok(format!("{descriptors} descriptors before and after, seed {seed}"))
}

/// Those who are there talk on, those who are too many are told, the server
/// doesn't spin, and there is place again when some have left.
fn few_descriptors(server: &Server) -> Judged {
    const CLIENTS: usize = 100;
    const BUSY_MAX: Duration = Duration::from_millis(100);
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let crowded: Vec<_> = (0..CLIENTS).map(|_| crowd.connect()).collect::<Judged<_>>()?;
    let worst = crowd.ping(ann, bob)?;
    let before = server.cpu_time()?;
    crowd.pass(Duration::from_secs(1))?;
    let busy = server.cpu_time()? - before;
    let figure = format!("{busy:.1?} of CPU in 1 s, ping {worst:.0?}");
    check(busy < BUSY_MAX, || leaked(figure.clone()))?;
    crowd.ping(bob, ann)?;
    let last = crowded[CLIENTS - 1];
    let ended = crowd.wait(PATIENCE, "", |crowd| crowd.client(last).end.is_some());
    ended.map_err(|_| froze("the one too many waits in vain"))?;
    let is_told = crowd.client(last).end == Some(End::Eof) && crowd.client(last).received_bytes > 0;
    check(is_told, || lied("the one too many isn't told why"))?;
    crowded.into_iter().for_each(|guest| crowd.reset(guest));
    let start = std::time::Instant::now();
    while crowd.join().is_err() {
        check(start.elapsed() < PATIENCE, || froze("nobody can join when the others have left"))?;
    }
    Ok(figure)
}

/// One has said something, one never has.
fn idle(server: &Server) -> Judged {
    const BUSY_MAX: Duration = Duration::from_millis(20);
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    crowd.connect()?;
    // Newcomers may be greeted late.
    crowd.pass(Duration::from_millis(500))?;
    let before = server.cpu_time()?;
    crowd.pass(Duration::from_secs(2))?;
    let busy = server.cpu_time()? - before;
    check(crowd.open_connections() == 3, || lied("somebody was closed"))?;
    crowd.ping(ann, bob)?;
    let figure = format!("{busy:.1?} of CPU");
    check(busy < BUSY_MAX, || leaked(figure.clone()))?;
    Ok(figure)
}

/// What is left of a client that is gone never touches the next one, which has its
/// descriptor, even if the server sees both at once.
fn places(server: &Server) -> Judged {
    const ROUNDS: usize = 150;
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let mut said = Vec::new();
    for round in 0..ROUNDS {
        let before = crowd.connect()?;
        let half = crowd.token();
        crowd.send(before, half.repeat(round % 3));
        crowd.ping(bob, ann)?;
        server.signal(Signal::STOP);
        crowd.reset(before);
        let newcomer = crowd.connect()?;
        let token = crowd.token();
        crowd.say(newcomer, &token);
        server.signal(Signal::CONT);
        let line = crowd.line(ann, &token)?;
        let has_rest = memchr::memmem::find(&line, half.as_bytes()).is_some();
        check(!has_rest, || lied(format!("came as {}", show(&line))))?;
        said.push(half);
        crowd.ping(bob, newcomer)?;
        for earlier in &said {
            let has_heard = crowd.has_heard(newcomer, earlier);
            check(!has_heard, || lied("a newcomer got a line from before it came"))?;
        }
        crowd.client(ann).forget();
        crowd.reset(newcomer);
        said.push(token);
    }
    Ok(format!("{} clients", 2 * ROUNDS))
}

/// They have no place of those who know the password.
fn strangers(server: &Server) -> Judged {
    const STRANGERS: usize = 40;
    if !server.is_roomcast {
        return Err(not_applicable("it has no password"));
    }
    let mut crowd = Crowd::new(server);
    for _ in 0..STRANGERS {
        crowd.connect()?;
    }
    let member = crowd.connect()?;
    crowd.say(member, OPERATOR_PASSWORD);
    let time = crowd.hears(member, "welcome, ")?;
    Ok(format!("in after {time:.0?}"))
}

/// Nobody is told of connections that send nothing and are soon gone.
fn health_checks(server: &Server) -> Judged {
    const CHECKS: usize = 15;
    const PAUSE: Duration = Duration::from_millis(200);
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    crowd.pass(2 * PAUSE)?;
    crowd.client(ann).forget();
    for _ in 0..CHECKS {
        let check = crowd.connect()?;
        crowd.pass(PAUSE)?;
        crowd.close(check);
    }
    crowd.ping(bob, ann)?;
    let lines = crowd.client(ann).received.iter().filter(|&&byte| byte == b'\n').count();
    check(lines == 1, || lied(format!("{} lines about them", lines - 1)))?;
    Ok("not mentioned".into())
}
