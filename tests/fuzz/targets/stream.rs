//! What a client was sent, looked at from its side.

use super::sequences::assert_known;

const IAC: u8 = 255;
const BELL: char = '\u{7}';

/// Panics unless a stream is made of lines without control characters, telnet
/// commands, and bells before or after lines.
///
/// `is_over`: the stream ended as it should. `is_labelled`: the server's own
/// lines can be told from what is said.
pub fn assert_plain(stream: &[u8], is_over: bool, is_labelled: bool) {
    let lines = text(without_commands(stream));
    // The bell comes after the line that it is for.
    let end = lines.trim_end_matches(BELL);
    assert!(!is_over || end.is_empty() || end.ends_with('\n'), "torn: {lines:?}");
    for line in lines.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        assert_line(line, is_labelled);
    }
}

/// The same for a client whose line is edited: there are the sequences that
/// draw it too.
pub fn assert_drawn(stream: &[u8]) {
    assert_known(&text(without_commands(stream)));
}

/// Panics unless a stream is made of whole lines, whatever is in them.
pub fn assert_whole(stream: &[u8]) {
    assert!(stream.is_empty() || stream.ends_with(b"\n"), "torn: {:?}", stream.escape_ascii());
}

/// Takes out telnet commands.
fn without_commands(stream: &[u8]) -> Vec<u8> {
    let mut rest = Vec::new();
    let mut at = 0;
    while at < stream.len() {
        if stream[at] == IAC {
            at += match stream.get(at + 1) {
                // What a subnegotiation says ends with IAC SE.
                Some(250) => {
                    let end = stream[at..].windows(2).position(|pair| pair == [IAC, 240]);
                    end.map_or(stream.len() - at, |end| end + 2)
                }
                // The end of a record.
                Some(239) => 2,
                verb => {
                    assert!(verb.is_none_or(|verb| (251..=254).contains(verb)), "{verb:?}");
                    3
                }
            };
        } else {
            rest.push(stream[at]);
            at += 1;
        }
    }
    rest
}

/// The stream as a text; a character at its end that is cut is left out.
fn text(stream: Vec<u8>) -> String {
    let mut chunks = stream.utf8_chunks().peekable();
    let mut text = String::new();
    while let Some(chunk) = chunks.next() {
        text += chunk.valid();
        let is_cut = chunks.peek().is_none() && chunk.invalid().len() < 4;
        assert!(chunk.invalid().is_empty() || is_cut, "not UTF-8: {:?}", chunk.invalid());
    }
    text
}

/// A line without the colors and the time that its reader has asked for.
fn without_view(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (color, text) = part.split_once('m').expect("the server sends nothing but colors");
        assert!(color.parse::<u8>().is_ok_and(|color| color < 108), "no color: {line:?}");
        plain += text;
    }
    let is_time = |text: &str| {
        text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).eq("[00:00] ".chars())
    };
    match plain.split_at_checked("[00:00] ".len()) {
        Some((time, rest)) if is_time(time) => rest.to_owned(),
        _ => plain,
    }
}

fn assert_line(line: &str, is_labelled: bool) {
    let line = line.trim_start_matches(BELL);
    let line = line.strip_suffix('\n').expect("it is whole");
    let line = &without_view(line.strip_suffix('\r').unwrap_or(line));
    assert!(!line.contains(|c: char| c.is_control() && c != '\t'), "a control character: {line:?}");
    if line.starts_with("{\"seq\":") {
        let object: serde_json::Value = serde_json::from_str(line).expect("an object");
        // What a notice tells comes behind the fields of every line.
        assert!(object.as_object().is_some_and(|fields| fields.len() >= 8), "{line}");
    } else if is_labelled {
        let is_known = ["*** ", "* ", "<"].iter().any(|start| line.starts_with(start));
        assert!(is_known, "whose line is this? {line:?}");
    }
}
