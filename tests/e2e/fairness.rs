//! One client that talks without a pause, and a hundred others.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use roomcast::chat::Config;

use crate::harness::{Client, Host, PATIENCE, Room};

const QUIET: usize = 100;
const ROUNDS: usize = 5;
const LINE_BYTES: usize = 100;
/// Lines in one write of the firehose.
const BATCH: usize = 50;

/// Lines that the firehose may be ahead of what is heard of it: less than the
/// backlog, so that the observer misses none.
const AHEAD_MAX: usize = 20_000;

/// Lines of the firehose that may be read between the coming of somebody
/// else's line and the reading of it: one read of 64 KiB in the turn of the
/// loop that goes on then, one in the next, and as many again to spare.
const READ_BEFORE_MAX: usize = 4 * 64 * 1024 / LINE_BYTES;

/// Promise 25: what is read of one client in a turn is bounded, so that a client that
/// talks without a pause delays nobody by more than a few reads.
#[test]
fn a_firehose_does_not_drown_a_hundred_quiet_clients() {
    let room = Room::with(Config { backlog_bytes_max: 16 << 20, ..Config::default() });
    let [mut firehose, mut observer] = room.guests();
    let mut quiet: Vec<Client> =
        (0..QUIET).map(|_| Client::with_small_buffer(room.address())).collect();
    for client in &mut quiet {
        client.read_greeting();
        observer.hears(format!("*** {} joined", client.nick()));
    }
    // Lines of the firehose that the kernel has taken, and that were heard.
    let (sent, heard) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let is_over = AtomicBool::new(false);
    let mut delays = Vec::new();
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        scope.spawn(|| pump(&mut firehose, &sent, &heard, &is_over));
        scope.spawn(|| observe(&mut observer, &heard, sender));
        for _ in 0..ROUNDS {
            let mut said = Vec::new();
            for client in &mut quiet {
                client.say("now");
                said.push((client.nick().to_owned(), sent.load(SeqCst) + BATCH));
            }
            for _ in 0..QUIET {
                let Ok((nick, heard)) = receiver.recv_timeout(PATIENCE) else { break };
                let (_, sent) = said.iter().find(|(said, _)| *said == nick).expect("it is one");
                delays.push(heard.saturating_sub(*sent));
            }
        }
        is_over.store(true, SeqCst);
    });
    assert_eq!(delays.len(), ROUNDS * QUIET, "everyone is heard, while the firehose goes on");
    let delay_max = delays.into_iter().max().expect("there are some");
    assert!(delay_max <= READ_BEFORE_MAX, "{delay_max} lines came before one that was earlier");
}

/// Talks until it is over.
fn pump(firehose: &mut Client, sent: &AtomicUsize, heard: &AtomicUsize, is_over: &AtomicBool) {
    let line = [vec![b'f'; LINE_BYTES - 1], vec![b'\n']].concat();
    let lines = line.repeat(BATCH);
    while !is_over.load(SeqCst) {
        if sent.load(SeqCst) < heard.load(SeqCst) + AHEAD_MAX {
            firehose.send(&lines);
            sent.fetch_add(BATCH, SeqCst);
        } else {
            thread::yield_now();
        }
    }
}

/// Listens until all quiet clients have spoken; says after how many lines of
/// the firehose each of them was heard.
fn observe(observer: &mut Client, heard: &AtomicUsize, result: Sender<(String, usize)>) {
    let mut quiet_lines = 0;
    while quiet_lines < ROUNDS * QUIET {
        let line = observer.line();
        if line.starts_with("<guest1> ") {
            heard.fetch_add(1, SeqCst);
            continue;
        }
        let nick = line.strip_prefix('<').and_then(|line| line.strip_suffix("> now"));
        let nick = nick.unwrap_or_else(|| panic!("unexpected: {line}")).to_owned();
        quiet_lines += 1;
        if result.send((nick, heard.load(SeqCst))).is_err() {
            return;
        }
    }
}
