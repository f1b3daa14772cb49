//! Farewells and refusals, for clients that haven't read what they were sent
//! or have sent what nobody will read.

use roomcast::chat::Config;

use crate::harness::{Host, Room};

const MEGABYTE: usize = 1 << 20;

fn lines(bytes: usize) -> String {
    format!("{}\n", "x".repeat(99)).repeat(bytes / 100)
}

/// Promise 27: a farewell arrives, whatever else the client has sent.
#[test]
fn goodbye_arrives_although_the_client_has_sent_more() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send("/quit\n");
    // It may be gone before it has sent everything.
    ann.try_send(lines(MEGABYTE));
    ann.hears_goodbye();
    ann.expect_eof();
    bob.hears("*** guest1 left");
}

/// Promise 27: so does everything that the client is owed before.
#[test]
fn everything_owed_arrives_before_goodbye() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    bob.send(lines(MEGABYTE));
    bob.ping();
    ann.send("/quit\n");
    ann.send(lines(MEGABYTE));
    bob.hears("*** guest1 left");
    let line = format!("<guest2> {}\n", "x".repeat(99));
    ann.expect(line.repeat(MEGABYTE / 100));
    ann.hears_goodbye();
    ann.expect_eof();
}

/// Promise 27: a refusal arrives, although the client has sent something.
#[test]
fn a_refusal_arrives_with_its_reason() {
    let room = Room::with(Config { clients_max: 2, ..Config::default() });
    let [mut ann, mut bob] = room.guests();
    for bytes in [0, 100, MEGABYTE] {
        let mut eve = room.connect();
        eve.try_send(lines(bytes));
        eve.hears("*** full: 2 clients are connected, which is the limit; try again later");
        eve.expect_eof();
    }
    ann.say("/quit");
    ann.hears_goodbye();
    ann.expect_eof();
    bob.hears("*** guest1 left");
    // There is a place again.
    let mut eve = room.guest(&mut [&mut bob]);
    eve.say("hello");
    bob.hears("<guest3> hello");
}
