//! `--raw`: a plain relay.

use crate::harness::{Client, Host, Program};
use rustix::process::Signal;

/// Two clients. Nobody is greeted, so each says a line for the other, to show
/// that both are in.
fn relay(options: &[&str]) -> (Program, Client, Client) {
    let program = Program::start(&[&["--raw"], options].concat());
    let (mut ann, mut bob) = (program.connect(), program.connect());
    // Clients are let in in the order of connecting: ann is in when bob is.
    bob.say("I am in");
    ann.hears("I am in");
    (program, ann, bob)
}

#[test]
fn bytes_are_relayed_as_they_are() {
    let (_program, mut ann, mut bob) = relay(&[]);
    let lines: [&[u8]; 11] = [
        b"plain",
        b"",
        b"nul \0 and bell \x07",
        b"iac \xff\xf6 \xff\xfd\x06 \xff\xff \xff\xfa",
        b"latin-1 caf\xe9",
        b"\x1b[31mred",
        b"cr \r inside",
        b"cr nul \r\0",
        b"/quit",
        b"*** the server is shutting down",
        b"  spaces  ",
    ];
    for line in lines {
        ann.say(line);
        bob.hears(line);
    }
    let every_byte: Vec<u8> = (0..=255).filter(|&byte| byte != b'\n').collect();
    ann.say(&every_byte);
    bob.hears(&every_byte);
}

#[test]
fn crlf_becomes_lf() {
    let (_program, mut ann, mut bob) = relay(&[]);
    ann.send("one\r\n\r\ntwo\r\r\n");
    bob.expect("one\n\ntwo\r\n");
    // And what the other sends is LF to a client that sends CR LF.
    bob.send("hi\n");
    ann.expect("hi\n");
}

#[test]
fn a_last_line_without_an_end_is_relayed_with_one() {
    let (_program, mut ann, mut bob) = relay(&[]);
    ann.send("last");
    ann.fin();
    bob.expect("last\n");
    bob.say("bye");
    ann.expect("bye\n");
    ann.expect_eof();
}

#[test]
fn nobody_is_told_who_comes_and_goes() {
    let (program, mut ann, mut bob) = relay(&[]);
    let mut eve = program.connect();
    eve.say("here");
    ann.hears("here");
    bob.hears("here");
    eve.reset();
    ann.say("next");
    bob.hears("next");
    bob.say("next");
    ann.hears("next");
}

#[test]
fn with_echo_the_sender_gets_its_bytes_too() {
    let program = Program::start(&["--raw", "--echo"]);
    let mut ann = program.connect();
    ann.send(b"\xff\xf6\r\n\n\0");
    ann.fin();
    ann.expect(b"\xff\xf6\n\n\0\n");
    ann.expect_eof();
}

#[test]
fn the_shutdown_notice_is_the_only_line_of_the_server() {
    let (mut program, ann, bob) = relay(&[]);
    program.signal(Signal::TERM);
    for mut client in [ann, bob] {
        client.expect("*** the server is shutting down\n");
        client.expect_eof();
    }
    assert_eq!(program.exit_code(), 0);
}

#[test]
fn a_too_long_line_closes_its_sender() {
    let (_program, mut ann, mut bob) = relay(&["--max-line", "8"]);
    ann.send("12345678\r\n123456789");
    bob.hears("12345678");
    ann.expect_eof();
    let mut eve = _program.connect();
    eve.say("next");
    bob.hears("next");
}

#[test]
fn a_reader_that_falls_behind_is_closed() {
    const LINES: usize = 4000;
    // However long the talk takes, its end alone makes slow fall behind.
    let options = ["--rate", "0", "--raw", "--backlog", "65536", "--stall-timeout", "0"];
    let program = Program::start(&options);
    let mut slow = Client::with_small_buffer(program.address());
    let (mut fast, mut witness) = (program.connect(), program.connect());
    let line = "x".repeat(999);
    // Who came last speaks: then all are in.
    witness.say("I am in");
    slow.hears("I am in");
    fast.hears("I am in");
    for _ in 0..LINES {
        fast.say(&line);
        witness.hears(&line);
    }
    // Whole lines only, then the end.
    let heard = String::from_utf8(slow.read_to_any_end()).expect("it was ASCII");
    assert!(heard.ends_with('\n'));
    assert!(heard.lines().all(|heard| heard == line));
    assert!(heard.lines().count() < LINES);
    fast.say("next");
    witness.hears("next");
}

#[test]
fn one_too_many_is_closed_without_a_word() {
    let (program, mut ann, mut bob) = relay(&["--max-clients", "2"]);
    let mut eve = program.connect();
    eve.expect_eof();
    ann.say("next");
    bob.hears("next");
}
