//! Telnet commands in what clients send.

use crate::harness::{Client, Dice, Host, Program, Room, nothing_came_for};

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
const END_OF_RECORD: u8 = 25;
const NAWS: u8 = 31;
const NEW_ENVIRON: u8 = 39;
const CHARSET: u8 = 42;
const MSSP: u8 = 70;

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
    let known = [
        0,
        ECHO,
        SUPPRESS_GO_AHEAD,
        TIMING_MARK,
        TERMINAL_TYPE,
        END_OF_RECORD,
        NAWS,
        NEW_ENVIRON,
        CHARSET,
    ];
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
    ann.hears("*** your line is not UTF-8: others see \u{fffd} in it; set your terminal to UTF-8, or try /charset");
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

/// What is asked when a client says that it tells its terminal type.
const QUESTIONS: &[u8] =
    &[IAC, SB, TERMINAL_TYPE, 1, IAC, SE, IAC, DO, NEW_ENVIRON, IAC, WILL, CHARSET];

/// A client that says this is its terminal, and is asked once more.
fn says_terminal(client: &mut Client, name: &str) {
    client.send([&[IAC, SB, TERMINAL_TYPE, 0], name.as_bytes(), &[IAC, SE]].concat());
}

/// Promise 77: people on old terminals read and write what they have characters for.
#[test]
fn a_terminal_of_dos_gets_and_sends_its_own_characters() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send([IAC, WILL, TERMINAL_TYPE]);
    ann.takes_crlf();
    ann.expect([OFFER, QUESTIONS].concat());
    says_terminal(&mut ann, "ANSI-BBS");
    ann.expect([IAC, SB, TERMINAL_TYPE, 1, IAC, SE]);
    // It isn't edited, and is encoded all the same.
    ann.send([IAC, DONT, ECHO]);
    ann.send(b"Gr\x81\xe1e \xff\xff!\r\n");
    bob.hears("<guest1> Gr\u{fc}\u{df}e \u{a0}!");
    bob.say("\u{2551} \u{fc} \u{1f600} \u{65e5}");
    ann.reads_to(b"> \xba \x81 ?? ??\r\n");
}

/// Promise 77: what was typed is a key of its own character set.
#[test]
fn an_edited_line_is_in_the_characters_of_the_terminal() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send([IAC, DO, ECHO, IAC, WONT, TERMINAL_TYPE]);
    ann.takes_crlf();
    ann.expect(OFFER);
    ann.expect(b"\r\x1b[K> ");
    ann.send(b"/charset latin1\r");
    ann.reads_to(b"*** your characters are iso-8859-1 from now on\r\n\r\x1b[K> ");
    ann.send(b"\xfc\x7f\xe4\xe9");
    ann.reads_to(b"\xe4\xe9");
    bob.say("\u{e9} \u{ff} \u{20ac}");
    // IAC is doubled.
    ann.reads_to(b"<guest2> \xe9 \xff\xff ?\r\n\r\x1b[K> \xe4\xe9");
    ann.send(b"\xff\xff\r");
    bob.hears("<guest1> \u{e4}\u{e9}\u{ff}");
}

/// Promise 77: the client chooses from what the server names, or the other way round.
#[test]
fn character_sets_are_agreed_on() {
    let room = Room::open();
    let [mut ann, mut bob, mut eve] = room.guests();
    ann.send([IAC, WILL, TERMINAL_TYPE]);
    ann.takes_crlf();
    ann.expect([OFFER, QUESTIONS].concat());
    ann.send([IAC, DO, CHARSET]);
    let names = b";UTF-8;ISO-8859-1;ISO-8859-15;windows-1252;CP437;IBM850;KOI8-R;windows-1251;\
        ISO-8859-2;US-ASCII";
    ann.expect([&[IAC, SB, CHARSET, 1], &names[..], &[IAC, SE]].concat());
    ann.send([&[IAC, SB, CHARSET, 2], &b"KOI8-R"[..], &[IAC, SE]].concat());
    ann.send(b"\xcd\xc9\xd2\r\n");
    bob.hears("<guest1> \u{43c}\u{438}\u{440}");
    eve.hears("<guest1> \u{43c}\u{438}\u{440}");
    eve.send([IAC, WILL, CHARSET]);
    eve.takes_crlf();
    eve.expect([OFFER, &[IAC, DO, CHARSET]].concat());
    eve.send([&[IAC, SB, CHARSET, 1], &b" x-none IBM850"[..], &[IAC, SE]].concat());
    eve.expect([&[IAC, SB, CHARSET, 2], &b"IBM850"[..], &[IAC, SE]].concat());
    bob.say("\u{e9}");
    eve.expect(b"<guest2> \x82\r\n");
    // A name of the register of IANA, whose characters are no controls (promise 11).
    ann.send([IAC, WILL, CHARSET]);
    ann.reads_to([IAC, DO, CHARSET]);
    ann.send([&[IAC, SB, CHARSET, 1], &b";ISO_8859-1:1987"[..], &[IAC, SE]].concat());
    ann.expect([&[IAC, SB, CHARSET, 2], &b"ISO_8859-1:1987"[..], &[IAC, SE]].concat());
    bob.say("\u{203a}31m \u{e9}");
    ann.expect(b"<guest2> ?31m \xe9\r\n");
    // JSON is UTF-8, whatever the terminal tells later (promise 77).
    ann.send("/format json\n");
    ann.reads_to("\"ok\":true}\r\n");
    ann.send([&[IAC, SB, TERMINAL_TYPE, 0], &b"ANSI"[..], &[IAC, SE]].concat());
    ann.send("/time\n");
    ann.reads_to("\"re\":\"time\",\"ok\":true}\r\n");
    bob.say("\u{e9}");
    ann.reads_to("\"text\":\"\u{e9}\"");
}

/// What a client says of its environment decides about colors; NO_COLOR has the last word, and
/// its user even after that.
#[test]
fn colors_are_on_where_the_terminal_has_them() {
    let room = Room::open();
    let [mut ann] = room.guests();
    let environment = |text: &[u8]| [&[IAC, SB, NEW_ENVIRON, 0], text, &[IAC, SE]].concat();
    ann.send([IAC, WILL, NEW_ENVIRON]);
    ann.takes_crlf();
    ann.expect(OFFER);
    ann.expect([IAC, DO, NEW_ENVIRON, IAC, SB, NEW_ENVIRON, 1]);
    ann.expect(b"\x03LANG\x03LC_ALL\x03LC_CTYPE\x03COLORTERM\x03NO_COLOR\x00CHARSET\xff\xf0");
    ann.send(environment(b"\x03COLORTERM\x01truecolor\x00USER\x01root"));
    ann.send("/time\n");
    ann.expect(b"\x1b[2m*** it is ");
    ann.reads_to(b"\x1b[0m\r\n");
    ann.send(environment(b"\x03NO_COLOR\x011"));
    ann.send("/charset\n");
    ann.hears("*** your characters are utf-8; /charset NAME sets others, such as latin1 or cp437");
    ann.send("/color on\n");
    ann.expect(b"\x1b[2m*** colors are on\x1b[0m\r\n");
}

/// A program that edits lines itself is told where an answer ends.
#[test]
fn the_end_of_an_answer_is_marked_for_programs_that_want_it() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send([IAC, WILL, TERMINAL_TYPE]);
    ann.takes_crlf();
    ann.expect([OFFER, QUESTIONS].concat());
    says_terminal(&mut ann, "TINYFUGUE");
    ann.expect([IAC, WONT, ECHO, IAC, WONT, SUPPRESS_GO_AHEAD, IAC, WILL, END_OF_RECORD]);
    ann.expect([IAC, SB, TERMINAL_TYPE, 1, IAC, SE]);
    ann.send([IAC, DO, END_OF_RECORD]);
    bob.say("hello");
    ann.expect(b"<guest2> hello\r\n\xff\xef");
    ann.send("/edit\r\n");
    ann.expect(b"*** your program doesn't let the server edit your line; ");
    ann.expect(b"it may edit it itself\r\n\xff\xef");
    nothing_came_for(&mut [&mut ann], &mut bob);
}

/// Promise 78: programs that list servers are told nothing unless the operator wants it.
#[test]
fn the_state_of_the_server_is_told_with_mssp_only() {
    let program = Program::start(&["--mssp", "--room", "tea"]);
    let [mut ann, mut bob] = program.guests();
    ann.send([IAC, DO, MSSP]);
    ann.takes_crlf();
    ann.expect([IAC, WILL, MSSP, IAC, SB, MSSP]);
    ann.expect(b"\x01NAME\x02tea\x01PLAYERS\x022\x01UPTIME\x021");
    ann.reads_to([&b"\x01UTF-8\x021"[..], &[IAC, SE]].concat());
    ann.send([IAC, DO, MSSP]);
    bob.send("MSSP-REQUEST\n");
    bob.expect(b"\r\nMSSP-REPLY-START\r\nNAME\ttea\r\nPLAYERS\t2\r\n");
    bob.reads_to(b"UTF-8\t1\r\nMSSP-REPLY-END\r\n");
    bob.say("hello");
    ann.hears("<guest2> hello");
    let program = Program::start(&[]);
    let [mut ann, mut bob] = program.guests();
    ann.send([IAC, DO, MSSP]);
    ann.takes_crlf();
    ann.expect([OFFER, &[IAC, WONT, MSSP]].concat());
    bob.send("MSSP-REQUEST\n");
    ann.hears("<guest2> MSSP-REQUEST");
}
