//! How bytes are cut into packets changes nothing.

use roomcast::chat::Config;

use crate::harness::{Dice, Host, Room};

/// Everything that a client can send, and at last its end.
const SCRIPT: &[u8] = b"/nick ann\nplain\nGr\xc3\xbc\xc3\x9fe \xe6\x97\xa5\xe6\x9c\xac\n\
    crlf\r\ncr nul\r\0lone\rcr\r\r\n\r\n\n\xff\xfd\x05\xff\xfd\x05\xff\xfb\x1f\
    op\xff\xf1tion\xff\xfa\x1f\0\n\r\xff\xff\0\xff\xf0s\n\xff\xf6\xff\xfd\x06\
    caf\xe9 \xe2\x82\xff\xff\n\x1b[31mred\x1b[0m\x07\n\x1b]0;title\x07\x00text\n\
    /me waves\n/me\n//slash\n/dance\n/who\n/help\n/nick guest2\n/nick a/b\n/nick ann a b\n/nick\tANN\n\
    0123456789012345678901234567890123456789\n01234567890123456789012345678901\n\
    012345678901234567890123456789\xc3\xa9\n0123456789012345678901234567890\xc3\xa9\n\
    x\xffy\nlast\xff\xf4 line\n/quit\n";

/// Promise 9: the same bytes whole, one by one and in random pieces make the
/// same answers and the same lines for others.
#[test]
fn how_bytes_are_cut_into_packets_changes_nothing() {
    let whole = play(&[SCRIPT]);
    for line in ["<ann> options", "<ann> red", "* ann waves", "*** ann is now ANN"] {
        assert!(whole.1.contains(line), "{line} isn't in {}", whole.1);
    }
    assert_eq!(play(&SCRIPT.chunks(1).collect::<Vec<_>>()), whole);
    let mut dice = Dice::new();
    for _ in 0..100 {
        let length_max = 2 + dice.below(60);
        assert_eq!(play(&dice.cut(SCRIPT, 1..length_max)), whole);
    }
}

/// Promise 9 in raw mode.
#[test]
fn how_bytes_are_cut_into_packets_changes_nothing_in_raw_mode() {
    // Without the line that is too long, which ends all in raw mode.
    let lines = SCRIPT.split_inclusive(|&byte| byte == b'\n').filter(|line| line.len() <= 33);
    let script = lines.collect::<Vec<_>>().concat();
    let lines = script.split_inclusive(|&byte| byte == b'\n');
    let expected = lines.map(|line| line.strip_suffix(b"\r\n").unwrap_or(&line[..line.len() - 1]));
    let expected = expected.flat_map(|line| [line, b"\n"]).collect::<Vec<_>>().concat();
    play_raw(&[&script], &expected);
    play_raw(&script.chunks(1).collect::<Vec<_>>(), &expected);
    let mut dice = Dice::new();
    for _ in 0..100 {
        let length_max = 2 + dice.below(60);
        play_raw(&dice.cut(&script, 1..length_max), &expected);
    }
}

fn config(raw: bool) -> Config {
    Config { line_bytes_max: 32, raw, ..Config::default() }
}

/// Gives what the sender of these pieces is sent, and what another client is.
fn play(pieces: &[&[u8]]) -> (Vec<u8>, String) {
    let room = Room::with(config(false));
    let [mut ann, mut bob] = room.guests();
    for piece in pieces {
        ann.send(piece);
    }
    let mut heard = String::new();
    while !heard.ends_with("*** ANN left\n") {
        heard += &bob.line();
        heard.push('\n');
    }
    (ann.rest(), heard)
}

/// Sends these pieces, and another client is sent what is expected.
fn play_raw(pieces: &[&[u8]], expected: &[u8]) {
    let room = Room::with(config(true));
    let (mut ann, mut bob) = (room.connect(), room.connect());
    // Clients are let in in the order of connecting: ann is in when bob is.
    bob.say("in");
    ann.hears("in");
    for piece in pieces {
        ann.send(piece);
    }
    bob.expect(expected);
}
