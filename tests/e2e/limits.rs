//! As many clients as there may be, and more.

use crate::harness::{Client, Host, Program, nothing_came_for};

#[test]
fn max_clients_is_how_many_may_be_in_the_room() {
    let program = Program::start(&["--max-clients", "1"]);
    let [mut ann] = program.guests();
    let mut bob = program.connect();
    bob.hears("*** full: 1 client is connected, which is the limit; try again later");
    bob.expect_eof();
    ann.say("/quit");
    ann.hears_goodbye();
    ann.expect_eof();
    let [eve] = program.guests();
    assert_eq!(eve.nick(), "guest2");
}

/// Connects; true if that client was let in, false if it was told that the room
/// is full.
fn is_let_in(client: &mut Client) -> bool {
    let line = client.line();
    if line.starts_with("*** welcome, ") {
        return true;
    }
    let is_full = line.starts_with("*** full: ") && line.ends_with("; try again later");
    assert!(is_full, "told: {line}");
    // Bytes that come between the answer and the end make the end a reset.
    assert_eq!(client.read_to_any_end(), b"");
    false
}

/// Those that aren't let in wait for nothing: descriptors are for clients.
#[test]
fn the_refused_take_few_descriptors() {
    let program = Program::start(&["--deny", "127.0.0.1"]);
    let before = program.descriptors();
    let mut refused = Vec::new();
    for number in 0..500 {
        let mut client = program.connect();
        // Unread bytes don't take the answer away.
        client.send("x".repeat(number));
        client.hears("*** refused: your address is not allowed here");
        // Until its end, this one has a descriptor besides those that linger.
        assert_eq!(client.read_to_any_end(), b"");
        refused.push(client);
    }
    let taken = program.descriptors() - before;
    assert!(taken <= 32, "{taken} descriptors");
}

/// Promise 23: at the descriptor limit those over it are told, users chat on,
/// and newcomers come in when some have left.
#[test]
fn at_the_descriptor_limit_newcomers_are_told_and_talk_goes_on() {
    const LIMIT: usize = 64;
    let program = Program::start(&["--max-clients", "1000"]);
    program.limit_descriptors(LIMIT);
    let [mut ann, mut bob] = program.guests();
    let mut crowd = Vec::new();
    for number in 0..100 {
        let mut client = program.connect();
        // Unread bytes don't take the answer away.
        client.send("x".repeat(number));
        if is_let_in(&mut client) {
            crowd.push(client);
        }
    }
    let fitted = crowd.len();
    assert!((LIMIT / 2..LIMIT).contains(&fitted), "{fitted} fit in");
    for number in 3..fitted + 3 {
        ann.hears(format!("*** guest{number} joined"));
        bob.hears(format!("*** guest{number} joined"));
    }
    nothing_came_for(&mut [&mut ann], &mut bob);
    for (number, client) in crowd.drain(fitted - 10..).enumerate() {
        client.reset();
        let left = format!("*** guest{} left (connection reset)", fitted + 3 - 10 + number);
        ann.hears(&left);
        bob.hears(&left);
    }
    // Telling that one has left comes before closing its socket.
    program.settle();
    for _ in 0..10 {
        let mut client = program.connect();
        assert!(is_let_in(&mut client));
        crowd.push(client);
    }
    assert!(!is_let_in(&mut program.connect()));
}
