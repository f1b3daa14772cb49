//! `--prefix` and `--echo`.

use crate::harness::{Host, Program, nothing_came_for};

#[test]
fn with_prefix_nick_a_line_begins_with_a_name() {
    let program = Program::start(&["--prefix", "nick"]);
    let [mut ann, mut bob] = program.guests();
    ann.say("hello");
    bob.hears("<guest1> hello");
}

#[test]
fn with_prefix_addr_a_line_begins_with_an_address() {
    let program = Program::start(&["--prefix", "addr"]);
    let mut ann = program.connect();
    ann.read_greeting();
    let mut bob = program.connect();
    bob.read_greeting();
    let (ann_address, bob_address) = (ann.address(), bob.address());
    ann.hears(format!("*** guest2 ({bob_address}) joined"));
    ann.say("hello");
    bob.hears(format!("<{ann_address}> hello"));
    ann.say("/me waves");
    bob.hears(format!("* {ann_address} waves"));
    bob.say("/who");
    assert!(bob.line().starts_with("*** 2 here; line "));
    bob.hears(format!("*** guest1   now  {ann_address}"));
    bob.hears(format!("*** guest2   now  {bob_address}"));
}

#[test]
fn with_prefix_none_a_line_begins_with_its_text() {
    let program = Program::start(&["--prefix", "none"]);
    let [mut ann, mut bob] = program.guests();
    ann.say("hello");
    bob.hears("hello");
    ann.say("/me waves");
    bob.hears("* guest1 waves");
}

/// Promise 13: without a prefix too, nobody can make a line that looks like
/// the server's or like what somebody else does.
#[test]
fn with_prefix_none_no_one_can_forge_a_notice() {
    let program = Program::start(&["--prefix", "none"]);
    let [mut ann, mut bob] = program.guests();
    ann.say("*** guest2 left");
    bob.hears(" *** guest2 left");
    ann.say("* guest2 waves");
    bob.hears(" * guest2 waves");
    ann.say("\x1b[0m\x07*** guest2 left");
    bob.hears(" *** guest2 left");
    ann.say("\x01* guest2 waves");
    bob.hears(" * guest2 waves");
}

#[test]
fn with_echo_a_sender_gets_its_own_lines_too() {
    let program = Program::start(&["--echo"]);
    let [mut ann, mut bob] = program.guests();
    ann.say("hello");
    ann.hears("<guest1> hello");
    bob.hears("<guest1> hello");
    ann.say("/me waves");
    ann.hears("* guest1 waves");
    bob.hears("* guest1 waves");
    nothing_came_for(&mut [&mut ann], &mut bob);
}

#[test]
fn echo_without_a_prefix_is_an_echo_server() {
    let program = Program::start(&["--echo", "--prefix", "none", "--rate", "0"]);
    let mut ann = program.connect();
    ann.read_greeting();
    for line in ["hello", "  two  ", "Gr\u{fc}\u{df}e"] {
        ann.say(line);
        ann.hears(line);
    }
    let lines: String = (0..1000).map(|number| format!("line {number}\n")).collect();
    ann.send(&lines);
    ann.expect(&lines);
    ann.fin();
    ann.expect_eof();
}
