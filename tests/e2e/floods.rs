//! Clients that talk faster than they may, through real sockets.

use crate::harness::{Client, Host, Program, notices};

const LINES: usize = 3000;

/// 1,000 at once and 2,000 more a second.
const RATE: &[&str] = &["--rate", "2000", "--burst", "1000"];

fn numbered() -> String {
    (0..LINES).map(|number| format!("{number}\n")).collect()
}

#[track_caller]
fn hears_all(client: &mut Client, name: &str) {
    for number in 0..LINES {
        client.hears(format!("<{name}> {number}"));
    }
}

/// Promise 18: a flood is delayed, and nothing of it is lost.
#[test]
fn a_paste_of_thousands_of_lines_is_heard_in_order() {
    let program = Program::start(RATE);
    let [mut ann, mut bob] = program.guests();
    ann.send(numbered());
    hears_all(&mut bob, "guest1");
}

/// Promise 18: also if its sender is gone before it is read, and the server has
/// noticed that by writing to it.
#[test]
fn what_a_script_sent_is_heard_although_it_is_gone() {
    let program = Program::start(RATE);
    let [mut ann, mut bob, mut eve] = program.guests();
    ann.send(numbered());
    // It doesn't read what it is sent now, so its kernel answers with a reset.
    drop(ann);
    bob.hears("<guest1> 0");
    eve.say("is it there?");
    let mut next = 1;
    while next < LINES {
        let line = bob.line();
        match line.strip_prefix("<guest1> ") {
            Some(number) => {
                assert_eq!(number, next.to_string());
                next += 1;
            }
            None => assert_eq!(line, "<guest3> is it there?"),
        }
    }
    let left = bob.line();
    assert!(left.starts_with("*** guest1 left"), "{left}");
}

/// A client that waits costs nothing while it waits, whatever its connection does.
#[test]
fn a_reset_of_one_that_is_held_back_does_not_spin() {
    let program = Program::start(&["--rate", "1", "--burst", "1"]);
    let [mut ann, mut bob] = program.guests();
    ann.send("1\n2\n3\n4\n");
    bob.hears("<guest1> 1");
    let before = program.cpu_time();
    ann.reset();
    bob.hears("<guest1> 2");
    bob.hears("<guest1> 3");
    bob.hears("<guest1> 4");
    notices(&mut [&mut bob], "guest1 left (connection reset)");
    let used = program.cpu_time() - before;
    assert!(used.as_millis() < 100, "{used:?} of CPU in about three seconds");
}
