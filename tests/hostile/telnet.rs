//! What telnet programs send besides text.

use std::time::{Duration, Instant};

use crate::crowd::{Crowd, PATIENCE, show};
use crate::fault::{FAST, Fault, PLAIN};
use crate::server::Server;
use crate::verdict::{Judged, check, leaked, lied};

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const IP: u8 = 244;
const DM: u8 = 242;
const NOP: u8 = 241;
const SE: u8 = 240;
const TIMING_MARK: u8 = 6;
const NAWS: u8 = 31;

pub fn faults() -> Vec<Fault> {
    vec![
        Fault::new("A telnet user presses Ctrl-C (urgent data)", &[16], PLAIN, urgent_data),
        Fault::new("Telnet commands are split anywhere", &[9, 15], PLAIN, split_commands),
        Fault::new("A telnet command never ends", &[15], FAST, endless_command),
        Fault::new("A client floods telnet options", &[15], FAST, option_flood),
    ]
}

/// No byte is lost, and telnet gets the answer without which it shows nothing.
fn urgent_data(server: &Server) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let prefix = crowd.prefix(ann, bob)?;
    let token = crowd.token();
    let (first, second) = token.split_at(3);
    crowd.send(ann, first);
    crowd.send(ann, [IAC, IP, IAC, DO, TIMING_MARK]);
    let sent = crowd.client(ann).socket.send_out_of_band(&[IAC, DM]);
    assert_eq!(sent.expect("urgent data"), 2);
    crowd.send(ann, format!("{second}\r\n"));
    let line = crowd.line(bob, &token).map_err(|_| lied("a byte is lost, or one too many"))?;
    let whole = [&prefix, token.as_bytes()].concat();
    check(line == whole, || lied(format!("came as {}", show(&line))))?;
    crowd.wait(PATIENCE, "the timing mark isn't answered", |crowd| {
        crowd.has_heard(ann, [IAC, WONT, TIMING_MARK])
    })?;
    crowd.ping(bob, ann)?;
    Ok(String::new())
}

/// Each byte is read for itself.
fn split_commands(server: &Server) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob, carol] = crowd.guests()?;
    let prefix = crowd.prefix(ann, bob)?;
    let token = crowd.token();
    let (first, second) = token.split_at(4);
    let commands = [
        &[IAC, NOP, IAC, WILL, NAWS, IAC, SB, NAWS, 0, b'\n', b'\r', IAC, IAC, 24, IAC, SE][..],
        &[IAC, DONT, 1, IAC, WONT, 1, IAC, DO, 200, IAC, SB, 24, 0, b'x', b't', IAC, SE],
    ];
    let mut bytes = commands[0].to_vec();
    bytes.extend_from_slice(first.as_bytes());
    bytes.extend_from_slice(commands[1]);
    bytes.extend_from_slice(second.as_bytes());
    for byte in bytes {
        crowd.send(ann, [byte]);
        crowd.ping(carol, bob)?;
    }
    crowd.send(ann, "\r\n");
    let line = crowd.line(bob, &token).map_err(|_| lied("a command is in the line"))?;
    let whole = [&prefix, token.as_bytes()].concat();
    check(line == whole, || lied(format!("came as {}", show(&line))))?;
    check(!crowd.has_heard(bob, [IAC]), || lied("a command came to another"))?;
    Ok(String::new())
}

/// It takes no memory and comes to nobody else.
fn endless_command(server: &Server) -> Judged {
    const BYTES: usize = 100 << 20;
    const TIME_MAX: Duration = Duration::from_secs(3);
    const GROWTH_MAX: usize = 8 << 20;
    let mut crowd = Crowd::new(server);
    let [ann, bob, carol] = crowd.guests()?;
    let heard = crowd.client(bob).received_bytes;
    let before = server.memory_bytes_max()?;
    // Text and IAC IAC, as in a command that goes on.
    let mut chunk = b"gibberish\r\n".repeat(6000);
    chunk.extend([IAC, IAC].repeat(100));
    crowd.send(ann, [IAC, SB, 24]);
    let (start, mut sent, mut worst) = (Instant::now(), 0, Duration::ZERO);
    while sent < BYTES && start.elapsed() < TIME_MAX && crowd.client(ann).end.is_none() {
        let token = crowd.token();
        crowd.say(carol, &token);
        worst = worst.max(crowd.hears_while(PATIENCE, bob, &token, |crowd| {
            if crowd.client(ann).unsent_bytes() < 4 * chunk.len() {
                crowd.client(ann).queue(&chunk);
                sent += chunk.len();
            }
        })?);
        check(!crowd.has_heard(bob, "gibberish"), || lied("a command came to another"))?;
        crowd.client(bob).forget();
    }
    let grown = server.memory_bytes_max()?.saturating_sub(before);
    let heard = crowd.client(bob).received_bytes - heard;
    let figure = format!("{} MB: {} KiB more, pings {worst:.0?}", sent / 1_000_000, grown / 1024);
    check(grown < GROWTH_MAX, || leaked(figure.clone()))?;
    check(heard < sent / 10, || lied(format!("{heard} bytes came to another")))?;
    Ok(figure)
}

/// Two programs that answer each answer would go on for ever.
fn option_flood(server: &Server) -> Judged {
    const ROUNDS: usize = 100;
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let before = crowd.client(ann).received.len();
    for _ in 0..ROUNDS {
        for option in (0..=254).filter(|&option| option != TIMING_MARK) {
            crowd.client(ann).queue(&[IAC, DO, option, IAC, WILL, option]);
        }
    }
    let token = crowd.token();
    crowd.say(ann, format!("\n{token}"));
    crowd.line(bob, &token)?;
    crowd.ping(bob, ann)?;
    check(!crowd.has_heard(bob, [IAC]), || lied("options came to another"))?;
    let received = &crowd.client(ann).received[before..];
    let answers = received.iter().filter(|&&byte| byte == IAC).count();
    // One for each option and direction, and what the server may ask itself.
    check(answers <= 2 * 256 + 8, || leaked(format!("{answers} answers")))?;
    Ok(format!("{answers} answers to {} options", 2 * ROUNDS * 254))
}
