//! Telnet commands in what clients send.

use crate::harness::{Dice, Host, Program, Room, nothing_came_for};

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const AYT: u8 = 246;
const IP: u8 = 244;
const DM: u8 = 242;
const NOP: u8 = 241;
const SE: u8 = 240;
const TIMING_MARK: u8 = 6;
const TERMINAL_TYPE: u8 = 24;
const ECHO: u8 = 1;
const SUPPRESS_GO_AHEAD: u8 = 3;
const NAWS: u8 = 31;

/// What one is sent who sends an option: that the server would edit its line.
const OFFER: &[u8] =
    &[IAC, WILL, ECHO, IAC, WILL, SUPPRESS_GO_AHEAD, IAC, DO, NAWS, IAC, DO, TERMINAL_TYPE];

/// A line with commands of every length in it, one of them with a line end.
const SCRIPT: &[u8] = &[
    b'h', IAC, NOP, b'e', IAC, WILL, NAWS, b'l', IAC, SB, NAWS, 0, b'\n', b'\r', IAC, IAC, 24, IAC,
    SE, IAC, DONT, 1, IAC, WONT, 1, b'l', b'o', b'\r', b'\n',
];

/// Promise 15: telnet commands never reach the room.
#[test]
fn telnet_commands_never_reach_the_room() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send(SCRIPT);
    bob.hears("<guest1> hello");
    ann.takes_crlf();
    ann.expect(OFFER);
    nothing_came_for(&mut [&mut ann], &mut bob);
}

/// Promise 15: each byte of them may be read for itself.
#[test]
fn telnet_commands_may_be_split_anywhere() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    // CR alone ends the line of a client that speaks telnet.
    let (line, end) = SCRIPT.split_at(SCRIPT.len() - 2);
    ann.send_byte_by_byte(line, &mut bob);
    ann.send(end);
    bob.hears("<guest1> hello");
    ann.takes_crlf();
    ann.expect(OFFER);
    nothing_came_for(&mut [&mut ann], &mut bob);
}

/// Promise 15: at most one answer an option that isn't known and direction.
#[test]
fn each_option_is_refused_once() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.takes_crlf();
    let mut refusals = OFFER.to_vec();
    let known = [0, ECHO, SUPPRESS_GO_AHEAD, TIMING_MARK, TERMINAL_TYPE, NAWS];
    let others = || (0..=255).filter(|option| !known.contains(option));
    for option in others() {
        ann.send([IAC, DO, option, IAC, WILL, option, IAC, DO, option, IAC, WILL, option]);
        refusals.extend([IAC, WONT, option, IAC, DONT, option]);
    }
    ann.expect(refusals);
    for option in others() {
        ann.send([IAC, DO, option, IAC, WILL, option, IAC, WONT, option, IAC, DONT, option]);
    }
    ann.ping();
    nothing_came_for(&mut [&mut bob], &mut ann);
}

/// Promise 16: telnet shows nothing after Ctrl-C until that answer comes.
#[test]
fn a_timing_mark_is_answered_each_time() {
    let room = Room::open();
    let [mut ann] = room.guests();
    for _ in 0..3 {
        ann.send([IAC, DO, TIMING_MARK]);
        ann.expect([IAC, WONT, TIMING_MARK]);
    }
}

#[test]
fn are_you_there_is_answered() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send([b'h', b'i', IAC, AYT]);
    ann.takes_crlf();
    ann.hears("*** yes, the server is here");
    ann.send("\n");
    bob.hears("<guest1> hi");
}

#[test]
fn one_who_sends_a_command_is_sent_crlf() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send([IAC, NOP]);
    ann.takes_crlf();
    ann.ping();
    bob.say("hello");
    ann.hears("<guest2> hello");
}

/// Byte 255 that begins no command is a letter of Latin-1.
#[test]
fn byte_255_that_begins_no_command_is_text() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send(b"na\xffve \xff\xff\n");
    bob.hears("<guest1> na\u{fffd}ve \u{fffd}");
}

/// Promise 16: TCP's urgent data, which telnet's Ctrl-C sends, is read in its
/// place, and the question that telnet waits for is answered.
#[test]
fn urgent_data_eats_no_byte_and_the_timing_mark_is_answered() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    // As RFC 854 has it: the urgent byte is the Data Mark ...
    ann.send("one\r\ntw");
    ann.send([IAC, IP, IAC, DO, TIMING_MARK]);
    ann.send_urgent(&[IAC, DM]);
    ann.send("o\r\n");
    ann.takes_crlf();
    bob.hears("<guest1> one");
    bob.hears("<guest1> two");
    ann.expect([IAC, WONT, TIMING_MARK]);
    // ... as some programs have it: the IAC before it ...
    ann.send("thr");
    ann.send_urgent(&[IAC]);
    ann.send([DM, b'e', b'e', b'\r', b'\n', IAC, DO, TIMING_MARK]);
    bob.hears("<guest1> three");
    ann.expect([IAC, WONT, TIMING_MARK]);
    // ... and text, which is no less text for being urgent.
    ann.send("fo");
    ann.send_urgent(b"u");
    ann.send("r\r\n");
    bob.hears("<guest1> four");
    bob.say("still there?");
    ann.hears("<guest2> still there?");
}

/// Promise 15: a command that never ends takes no memory, and nobody else
/// notices.
#[test]
fn a_subnegotiation_of_100_megabytes_takes_no_memory() {
    const CHUNK_BYTES: usize = 1 << 16;
    let program = Program::start(&["--rate", "0"]);
    let [mut ann, mut bob, mut eve] = program.guests();
    let memory_bytes = program.memory_bytes_max();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut dice = Dice::new();
    for byte in &mut chunk {
        // Anything but the end of it, IAC SE.
        *byte = dice.below(256) as u8;
        if *byte == SE {
            *byte = IAC;
        }
    }
    // Nor may the end follow an IAC, which would make it IAC IAC, SE.
    chunk[CHUNK_BYTES - 1] = 0;
    ann.send([IAC, SB, 24]);
    for _ in 0..100_000_000 / CHUNK_BYTES {
        ann.send(&chunk);
    }
    bob.say("hello");
    eve.hears("<guest2> hello");
    // When it is over, all of it has been read.
    ann.send([IAC, SE]);
    ann.hears("<guest2> hello");
    ann.say("done");
    bob.hears("<guest1> done");
    // With many processors the kernel's count is off by a megabyte, and may fall.
    let grown = program.memory_bytes_max().saturating_sub(memory_bytes);
    assert!(grown < 10 << 20, "grown by {grown} bytes");
}

/// Promise 15: a program that turns its modes on and off may do that at any time.
#[test]
fn go_ahead_and_binary_are_accepted_at_any_time() {
    let room = Room::open();
    let [mut ann] = room.guests();
    ann.send([IAC, DONT, ECHO]);
    for option in [0, SUPPRESS_GO_AHEAD] {
        ann.send([IAC, DO, option, IAC, WILL, option, IAC, DONT, option, IAC, WONT, option]);
        let accepted = [IAC, WILL, option, IAC, DO, option];
        ann.expect([accepted, [IAC, WONT, option, IAC, DONT, option]].concat());
    }
}

/// Promise 17: CR alone ends a line of a client that has spoken telnet, and LF or NUL after it
/// is a part of that.
#[test]
fn a_bare_return_ends_a_line_of_telnet() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send([IAC, NOP]);
    ann.send("one\rtwo\r");
    bob.hears("<guest1> one");
    bob.hears("<guest1> two");
    ann.send("\nthree\r\0four\n");
    bob.hears("<guest1> three");
    bob.hears("<guest1> four");
}

/// Promise 17: what erases in a line that nobody edits is not said.
#[test]
fn erasing_edits_a_line_that_is_not_finished() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send(
        [b"helo\x7flo", &[IAC, 248][..], b"hi ", b"tehre\x17therr", &[IAC, 247], b"e\r\n"].concat(),
    );
    bob.hears("<guest1> hi there");
}

/// Promise 17: text in CP1251 has the byte of IAC too.
#[test]
fn text_that_is_not_utf_8_is_no_telnet_and_its_sender_is_told_once() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    for _ in 0..2 {
        ann.send(b"\xef\xf0\xff\xfb\xed\xfb\n");
    }
    bob.hears("<guest1> \u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}");
    bob.hears("<guest1> \u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}");
    ann.hears("*** your line is not UTF-8: others see \u{fffd} in it; set your terminal to UTF-8");
    nothing_came_for(&mut [&mut ann], &mut bob);
}

/// Promise 17: a keepalive of NUL begins no line, and a byte order mark is no text.
#[test]
fn nul_and_a_byte_order_mark_are_no_text() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send("\u{feff}/me waves\n");
    bob.hears("* guest1 waves");
    ann.send("\0\0");
    ann.send("\0hello\n");
    bob.hears("<guest1> hello");
}
