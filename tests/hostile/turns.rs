//! Input that is hard work for its bytes, from 16 clients at once. Others must
//! not wait for it: each turn of the server's loop is short.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::crowd::{Crowd, Id, PATIENCE};
use crate::fault::{FAST, Fault, PLAIN};
use crate::server::Server;
use crate::support::process::longest_turn;
use crate::verdict::{Judged, check, froze};

/// As many as one address may have.
const CLIENTS: usize = 16;
const TIME: Duration = Duration::from_secs(1);
/// What may wait in this process for each of them.
const UNSENT_BYTES_MAX: usize = 1 << 16;

/// With default options a turn is to be below 10 ms, in a program that is
/// optimized and on a machine that doesn't stand still; the figure says what it
/// was. A program that isn't optimized takes ten times as long.
const TURN_MAX: Duration = Duration::from_millis(if cfg!(debug_assertions) { 300 } else { 50 });

pub fn faults() -> Vec<Fault> {
    let mut faults = vec![
        Fault::new("16 clients press keys in a line of marks", &[4, 10], FAST, |server| {
            let letter = ["a", &"\u{301}".repeat(2040)].concat();
            let edited = [&b"\xff\xfd\x01"[..], letter.as_bytes()].concat();
            attack(server, &edited, b"\x1b[D\x1b[D\x05")
        }),
        Fault::new("16 clients press keys in a line of letters", &[4, 10], PLAIN, |server| {
            let edited = [&b"\xff\xfd\x01"[..], "x日".repeat(1000).as_bytes()].concat();
            attack(server, &edited, b"\x01y\x7f\x05\x10\x0e")
        }),
        Fault::new("16 clients join rooms with names of Hangul", &[4, 10], PLAIN, |server| {
            let joins: String = (0..64).map(|room| format!("/join {}\n", hangul(room))).collect();
            attack(server, b"", joins.as_bytes())
        }),
        Fault::new(
            "16 clients send lines of a thousand words, and bells ring",
            &[4, 10],
            PLAIN,
            |server| {
                let words: String = (0..1000).map(|number| format!("w{number} ")).collect();
                attack(server, b"/bell on\n", (words[..4000].to_owned() + "\n").as_bytes())
            },
        ),
        Fault::new("16 clients ask for the full backlog in JSON", &[4, 10], FAST, |server| {
            fill_backlog(server)?;
            let again = b"/format json\n/history 1000000\n/format text\n/resume 0\n";
            attack(server, b"", again)
        }),
        Fault::new("16 clients send every command", &[4, 10], PLAIN, |server| {
            attack(server, b"", COMMANDS.as_bytes())
        }),
        Fault::new("16 clients send text that is hard to clean", &[4, 10], FAST, |server| {
            let parts = ["e\u{301}", "\u{202e}", "\u{200d}\u{1f469}", "\u{3000}", "\u{fdfa}"];
            let line = |part: &&str| part.repeat(4000 / part.len()) + "\n";
            let lines: String = parts.iter().map(line).collect();
            attack(server, b"", lines.as_bytes())
        }),
        Fault::new("16 clients flood telnet options", &[4, 10, 15], FAST, |server| {
            attack(server, b"", b"\xff\xfd\x03\xff\xfe\x03\xff\xfb\x1f\xff\xfc\x1f\xff\xf6")
        }),
    ];
    faults.iter_mut().for_each(|fault| fault.ends_server = true);
    faults
}

/// The commands that have most to do, and those that others see.
const COMMANDS: &str = "/who\n/whois guest1\n/stats\n/rooms\n/help\n/nick ㄱㄴㄷ\n/nick x\n/away x\n\
    /away\n/ignore guest1\n/msg guest1 hi\n/topic tea\n/history 1000\n/bell on\n/bell off\n/seq\n\
    /quiet on\n/quiet off\n/me waves\n/edit\n/op no\n/nonsense\n/time\n/uptime\n/leave\n";

/// A name of sixteen syllables, another one for each number.
fn hangul(number: u32) -> String {
    let syllable = |at: u32| char::from_u32(0xac00 + (number * 7919 + at * 613) % 11_172);
    (0..16).filter_map(syllable).collect()
}

/// Each attacker sends `begin` once and then `again` without a pause, while two
/// others talk. Gives the longest turn, which the server says at its end.
fn attack(server: &Server, begin: &[u8], again: &[u8]) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let mut attackers = Vec::new();
    for _ in 0..CLIENTS {
        let id = crowd.join()?;
        crowd.send(id, begin);
        attackers.push(id);
    }
    let chunk = again.repeat(UNSENT_BYTES_MAX / again.len());
    let (start, mut worst) = (Instant::now(), Duration::ZERO);
    while start.elapsed() < TIME {
        let token = crowd.token();
        crowd.say(ann, &token);
        let feed = |crowd: &mut Crowd| feed(crowd, &attackers, &chunk);
        worst = worst.max(crowd.hears_while(PATIENCE, bob, &token, feed)?);
        crowd.client(bob).forget();
    }
    if !server.is_roomcast {
        return Ok(format!("pings {worst:.0?}"));
    }
    server.signal(Signal::TERM);
    // Clients that don't read have five seconds.
    check(server.ends_within(2 * PATIENCE), || froze("it doesn't end"))?;
    let output = String::from_utf8_lossy(&server.output()).into_owned();
    let turn = longest_turn(&output).ok_or_else(|| froze("it doesn't say its longest turn"))?;
    let figure = format!("pings {worst:.0?}, longest turn {turn:.1?}");
    check(turn < TURN_MAX, || froze(figure.clone()))?;
    Ok(figure)
}

/// As many lines as are kept.
fn fill_backlog(server: &Server) -> Judged<()> {
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let lines = ("\"".repeat(60) + "\n").repeat(1000);
    for _ in 0..70 {
        crowd.send(ann, &lines);
        crowd.ping(ann, bob)?;
        crowd.client(bob).forget();
    }
    Ok(())
}

fn feed(crowd: &mut Crowd, attackers: &[Id], chunk: &[u8]) {
    for &id in attackers {
        let client = crowd.client(id);
        if client.end.is_none() && client.unsent_bytes() < chunk.len() {
            client.queue(chunk);
        }
        client.forget();
    }
}
