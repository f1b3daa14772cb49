//! Lines: what ends one, and how long it may be.

use roomcast::chat::Config;

use crate::harness::{Host, Room, nothing_came_for};

/// Promise 17: LF, CR LF, CR NUL and the end of the stream all end a line.
#[test]
fn lf_crlf_cr_nul_and_fin_end_a_line() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send("lf\ncrlf\r\ncr nul\r\0last");
    bob.hears("<guest1> lf");
    bob.hears("<guest1> crlf");
    bob.hears("<guest1> cr nul");
    ann.fin();
    bob.hears("<guest1> last");
    bob.hears("*** guest1 left");
}

/// Promise 17: each byte of them may be read for itself.
#[test]
fn a_line_end_may_be_split() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    for (script, line) in [("lf\n", "lf"), ("crlf\r\n", "crlf"), ("cr nul\r\0", "cr nul")] {
        let (last, all_but_last) = script.as_bytes().split_last().expect("not empty");
        ann.send_byte_by_byte(all_but_last, &mut bob);
        ann.send([*last]);
        bob.hears(format!("<guest1> {line}"));
    }
}

#[test]
fn empty_lines_are_ignored() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send("\n\r\n\r\0\x07\n\x1b[0m\n \nend\n");
    // A space is a text.
    bob.hears("<guest1>  ");
    bob.hears("<guest1> end");
}

/// Promise 11: a CR in the middle of a line would overwrite the sender's name.
#[test]
fn a_lone_cr_ends_no_line_and_reaches_nobody() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send("<bob> hello\r<ann> oh\rno\r\r\n");
    bob.hears("<guest1> <bob> hello<ann> ohno");
}

#[test]
fn one_who_sends_crlf_is_sent_crlf_and_others_lf() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send("hello\r\n");
    bob.hears("<guest1> hello");
    ann.takes_crlf();
    bob.say("hi");
    ann.hears("<guest2> hi");
    ann.send("/who\n");
    ann.hears_who(&["guest1", "guest2"]);
    ann.send("/quit\n");
    ann.hears_goodbye();
    ann.expect_eof();
    bob.hears("*** guest1 left");
}

#[test]
fn what_came_before_the_first_crlf_was_lf() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    // The answers are in the order of the questions, each in its format.
    ann.send("/me\n/me\r\n/me\n");
    ann.hears("*** usage: /me TEXT");
    ann.takes_crlf();
    ann.hears("*** usage: /me TEXT");
    ann.hears("*** usage: /me TEXT");
    nothing_came_for(&mut [&mut ann], &mut bob);
}

/// Promise 8: a line that is too long is refused with one notice, the rest of
/// it is discarded, and the connection stays.
#[test]
fn a_too_long_line_is_refused_once_and_the_next_one_is_sent() {
    let room = Room::with(Config { line_bytes_max: 8, ..Config::default() });
    let [mut ann, mut bob, mut witness] = room.guests();
    let script = b"12345678\n12345678\r\n1234567\nok\n";
    let too_long: [&[u8]; 4] =
        [b"123456789\n", b"123456789 and so on\n", b"1234567890\r\n", b"123456789\r\0"];
    ann.send(script);
    for line in ["12345678", "12345678", "1234567", "ok"] {
        bob.hears(format!("<guest1> {line}"));
        witness.hears(format!("<guest1> {line}"));
    }
    ann.takes_crlf();
    for line in too_long {
        for at in [1, 7, 8, 9, line.len()] {
            let (front, back) = line.split_at(at);
            ann.send(front);
            witness.ping();
            ann.send(back);
            ann.hears("*** that line was not sent: it is longer than 8 bytes");
            ann.say("ok");
            bob.hears("<guest1> ok");
            witness.hears("<guest1> ok");
        }
    }
    nothing_came_for(&mut [&mut ann], &mut bob);
}

/// Promise 8: however long it is, and if it has no end at all.
#[test]
fn a_line_of_ten_megabytes_is_refused_once() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    let chunk = vec![b'x'; 1 << 16];
    for _ in 0..160 {
        ann.send(&chunk);
    }
    ann.hears("*** that line was not sent: it is longer than 4096 bytes");
    ann.send("\nok\n");
    bob.hears("<guest1> ok");
    ann.send(&chunk);
    ann.hears("*** that line was not sent: it is longer than 4096 bytes");
    ann.fin();
    bob.hears("*** guest1 left");
    ann.expect_eof();
}

/// Promise 8: the limit is in bytes, and a character at it is never cut.
#[test]
fn a_character_at_the_limit_is_sent_whole_or_not_at_all() {
    let room = Room::with(Config { line_bytes_max: 8, ..Config::default() });
    let [mut ann, mut bob] = room.guests();
    ann.say("123456\u{e9}");
    bob.hears("<guest1> 123456\u{e9}");
    ann.say("12345\u{20ac}");
    bob.hears("<guest1> 12345\u{20ac}");
    ann.say("1234567\u{e9}");
    ann.hears("*** that line was not sent: it is longer than 8 bytes");
    ann.say("12345678\u{301}");
    ann.hears("*** that line was not sent: it is longer than 8 bytes");
    nothing_came_for(&mut [&mut ann], &mut bob);
}
