//! Connections that break.

use crate::harness::{Dice, Host, Program, Room};

const CLIENTS: usize = 300;

/// Promise 21: a reset at any point frees everything.
#[test]
fn resets_at_random_points_leave_nothing_behind() {
    let script: &[u8] = b"/nick ann\nhello\r\n/me waves\nhalf\xff\xfd\x01\xff\xfa\x18x\xff\xf0\
        /help\n/help\n/help\n/who\nhalf a line";
    let mut dice = Dice::new();
    let program = Program::start(&[]);
    let [mut watcher] = program.guests();
    watcher.ping();
    let descriptors = program.descriptors();
    let mut guests = Vec::new();
    for _ in 0..CLIENTS {
        let mut guest = program.connect();
        // Some have read nothing, some are half closed, some come in crowds.
        guest.send(&script[..dice.below(script.len() + 1)]);
        if dice.below(4) == 0 {
            guest.fin();
        }
        guests.push(guest);
        while guests.len() > dice.below(20) {
            guests.swap_remove(dice.below(guests.len())).reset();
        }
    }
    guests.into_iter().for_each(|guest| guest.reset());
    let (mut joined, mut left) = (0, 0);
    while left < CLIENTS {
        let line = watcher.line();
        let is_notice = line.starts_with("*** ");
        joined += usize::from(is_notice && line.ends_with(" joined"));
        left += usize::from(is_notice && line.contains(" left"));
        assert!(left <= joined);
    }
    assert_eq!(joined, CLIENTS);
    // Telling that one has left comes before closing its socket.
    program.settle();
    assert_eq!(program.descriptors(), descriptors);
    watcher.say("/who");
    watcher.hears_who(&["guest1"]);
}

/// Promise 30: what is left of a client that is gone never touches a newcomer that
/// comes in its place, in the same turn even.
#[test]
fn a_newcomer_gets_nothing_of_the_one_before() {
    const ROUNDS: usize = 200;
    let mut dice = Dice::new();
    let room = Room::open();
    let mut watcher = room.connect();
    watcher.read_greeting();
    for round in 0..ROUNDS {
        // It goes in the middle of a line and of a telnet command, with answers
        // on their way to it.
        let mut before = room.connect();
        before.send(b"/help\nhalf \xff\xfa".repeat(dice.below(3)));
        if dice.below(2) == 0 {
            before.read_greeting();
        }
        before.reset();
        let mut newcomer = room.connect();
        newcomer.say(format!("new {round}"));
        newcomer.read_greeting();
        let line = format!("<{}> new {round}", newcomer.nick());
        while watcher.line() != line {}
        // Nothing but what the others do has come to it.
        watcher.say("sentinel");
        loop {
            let line = newcomer.line();
            if line == "<guest1> sentinel" {
                break;
            }
            assert!(line.starts_with("*** ") && line.contains(" left"), "{line}");
        }
        newcomer.reset();
    }
}
