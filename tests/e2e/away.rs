//! The server is stopped for a while, as by a debugger or a machine that sleeps,
//! and goes on.

use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{Client, Host, Program};

/// Promise 42: what was typed meanwhile counts, and nobody is closed without the
/// warning.
#[test]
fn nobody_is_closed_as_idle_after_the_server_was_stopped() {
    let program = Program::start(&["--idle-timeout", "6"]);
    let [mut ann, mut bob] = program.guests();
    program.signal(Signal::STOP);
    ann.say("hello");
    ann.hears_nothing_for(Duration::from_secs(7));
    program.signal(Signal::CONT);
    bob.hears("<guest1> hello");
    bob.hears("*** your connection ends in 3 s unless you send something, an empty line will do");
    bob.ping();
    ann.ping();
}

/// Promise 42: what was read meanwhile counts.
#[test]
fn nobody_is_closed_as_stalled_after_the_server_was_stopped() {
    const LINES: usize = 2000;
    let line = |number: usize| format!("{number} {}", "x".repeat(1000));
    let program = Program::start(&["--rate", "0", "--stall-timeout", "5"]);
    let mut slow = Client::with_small_buffer(program.address());
    slow.read_greeting();
    let mut ann = program.guest(&mut [&mut slow]);
    let mut bob = program.guest(&mut [&mut slow, &mut ann]);
    // Few enough at once for a client that reads.
    for number in 0..LINES {
        ann.say(line(number));
        bob.hears(format!("<guest2> {}", line(number)));
    }
    program.signal(Signal::STOP);
    // The kernel holds more than that, and less than three times as much: it
    // doesn't say that there is place.
    for number in 0..100 {
        slow.hears(format!("<guest2> {}", line(number)));
    }
    bob.hears_nothing_for(Duration::from_secs(6));
    program.signal(Signal::CONT);
    for number in 100..LINES {
        slow.hears(format!("<guest2> {}", line(number)));
    }
    slow.ping();
}
