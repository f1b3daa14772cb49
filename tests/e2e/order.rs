//! One order of lines for everyone.

use std::collections::HashMap;
use std::thread;

use crate::harness::{Client, Dice, Host, Room, notices};

const SENDERS: usize = 8;
const OBSERVERS: usize = 4;
const LINES: usize = 1000;

/// Promises 1, 2 and 3: every line reaches every other client once and whole, in
/// one order for all, and those of one sender in the order that it sent them.
#[test]
fn every_line_reaches_every_other_client_once_and_in_one_order() {
    let mut dice = Dice::new();
    let room = Room::open();
    let mut clients = room.guests::<{ SENDERS + OBSERVERS }>();
    let (senders, observers) = clients.split_at_mut(SENDERS);
    thread::scope(|scope| {
        for (number, sender) in senders.iter_mut().enumerate() {
            let mut dice = dice.fork();
            scope.spawn(move || {
                let lines: String =
                    (0..LINES).map(|counter| format!("{number}.{counter}\n")).collect();
                for piece in dice.cut(lines.as_bytes(), 1..200) {
                    sender.send(piece);
                }
            });
        }
    });
    let streams: Vec<Vec<String>> =
        observers.iter_mut().map(|observer| lines(observer, SENDERS * LINES)).collect();
    for stream in &streams[1..] {
        assert_eq!(stream, &streams[0], "silent observers get the same");
    }
    check_counters(&streams[0]);
    for sender in senders {
        let own = format!("<{}> ", sender.nick());
        let others = streams[0].iter().filter(|line| !line.starts_with(&own)).cloned();
        let heard = lines(sender, (SENDERS - 1) * LINES);
        assert_eq!(heard, others.collect::<Vec<_>>(), "a sender gets the same but its own");
    }
    // Nobody gets anything more.
    observers[0].say("/nick end");
    let notice = format!("{} is now end", observers[0].nick());
    notices(&mut clients.iter_mut().collect::<Vec<_>>(), &notice);
}

fn lines(client: &mut Client, count: usize) -> Vec<String> {
    (0..count).map(|_| client.line()).collect()
}

/// Each sender's counters go up from 0 by one.
fn check_counters(stream: &[String]) {
    let mut counters = HashMap::new();
    for line in stream {
        let (nick, text) = line.split_once("> ").expect("a line has a prefix");
        let (sender, counter) = text.split_once('.').expect("a line is whole");
        let nick_of_sender = format!("<guest{}", sender.parse::<usize>().expect("a number") + 1);
        assert_eq!(nick, nick_of_sender);
        let next = counters.entry(sender).or_insert(0);
        assert_eq!(counter, next.to_string());
        *next += 1;
    }
    assert_eq!(counters.len(), SENDERS);
}
