//! Lines wrapped at the width of a window, for a terminal whose line is edited.
//!
//! A line is broken at spaces and between ideographs, and what follows is indented to
//! where the text of the line begins. A word goes to the next row whole, and is broken
//! only if it is longer than a row. What takes no column (colors, the bell, telnet
//! commands) stays where it is.

use std::ops::Range;

use memchr::{memchr_iter, memmem};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::telnet::{IAC, command_length};

/// Narrower windows are left to the terminal.
const COLUMNS_MIN: u16 = 16;

/// How wide the indent is at most: this part of a row.
const INDENT_PART: usize = 3;

/// Columns from one tab stop to the next.
const TAB_COLUMNS: usize = 8;

/// A cluster that is wider is taken for several.
const CLUSTER_COLUMNS_MAX: usize = 4;

/// What stands between two rows, before the indent.
const ROW_END: &[u8] = b"\r\n";

const ESC: u8 = 0x1b;

/// Wraps the lines that stand on a screen from the byte `from` on. A terminal that doesn't
/// know its width (0) gets them as they are.
pub(super) fn wrap(screen: &mut Vec<u8>, from: usize, columns: u16) {
    // In the last column some terminals wrap.
    let columns = usize::from(columns.max(1) - 1);
    if columns + 1 < COLUMNS_MIN.into() || fits(&screen[from..], columns) {
        return;
    }
    let lines = screen.split_off(from);
    let mut start = 0;
    for end in memchr_iter(b'\n', &lines) {
        wrap_line(&lines[start..end + 1], columns, screen);
        start = end + 1;
    }
    wrap_line(&lines[start..], columns, screen);
}

/// Whether each line surely has a place in a row: nothing but a tab is wider than it has
/// bytes.
fn fits(lines: &[u8], columns: usize) -> bool {
    let is_short = |line: &[u8]| line.len() <= columns && !line.contains(&b'\t');
    lines.split(|&byte| byte == b'\n').all(is_short)
}

fn wrap_line(line: &[u8], columns: usize, out: &mut Vec<u8>) {
    if fits(line, columns) {
        return out.extend(line);
    }
    let end = line.strip_suffix(b"\n").unwrap_or(line);
    let end = end.strip_suffix(b"\r").unwrap_or(end);
    let (text, ending) = line.split_at(end.len());
    let pieces = pieces(text);
    let indent = indent(text, &pieces).min(columns / INDENT_PART);
    let mut rows = Rows { out, columns, indent, column: 0 };
    let mut rest = &pieces[..];
    while !rest.is_empty() {
        let count = rest.iter().take_while(|piece| piece.is_gap()).count();
        let (gap, behind) = rest.split_at(count);
        let (word, behind) = behind.split_at(word_length(behind, text));
        rows.add(text, gap, word);
        rest = behind;
    }
    rows.out.extend(ending);
}

/// What stands in a line for itself.
#[derive(Clone, Debug)]
struct Piece {
    bytes: Range<usize>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Space,
    Tab,
    /// What looks like one character, so many columns wide.
    Cluster(usize),
    /// What takes no column: an escape sequence, a control character, a telnet command.
    Hidden,
}

impl Piece {
    fn is_gap(&self) -> bool {
        matches!(self.kind, Kind::Space | Kind::Tab)
    }

    /// The column behind it, if it begins in this one.
    fn end(&self, column: usize) -> usize {
        match self.kind {
            Kind::Space => column + 1,
            Kind::Tab => (column / TAB_COLUMNS + 1) * TAB_COLUMNS,
            Kind::Cluster(width) => column + width,
            Kind::Hidden => column,
        }
    }
}

fn pieces(text: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let length = match rest[0] {
            IAC => command_length(rest),
            ESC => sequence_length(rest),
            0..=0x1f | 0x7f => 1,
            _ => {
                let is_special = |&byte: &u8| byte < 0x20 || byte == 0x7f || byte == IAC;
                let length = rest.iter().position(is_special).unwrap_or(rest.len());
                add_clusters(&rest[..length], at, &mut pieces);
                at += length;
                continue;
            }
        };
        let kind = if rest[0] == b'\t' { Kind::Tab } else { Kind::Hidden };
        pieces.push(Piece { bytes: at..at + length, kind });
        at += length;
    }
    pieces
}

fn add_clusters(text: &[u8], mut at: usize, pieces: &mut Vec<Piece>) {
    for chunk in text.utf8_chunks() {
        for cluster in chunk.valid().graphemes(true) {
            for part in parts(cluster) {
                let kind = if part == " " { Kind::Space } else { Kind::Cluster(part.width()) };
                pieces.push(Piece { bytes: at..at + part.len(), kind });
                at += part.len();
            }
        }
        if !chunk.invalid().is_empty() {
            let end = at + chunk.invalid().len();
            pieces.push(Piece { bytes: at..end, kind: Kind::Cluster(chunk.invalid().len()) });
            at = end;
        }
    }
}

/// A cluster in pieces that surely have a place in a row: there is no end to what may join
/// in some scripts.
fn parts(cluster: &str) -> impl Iterator<Item = &str> {
    let is_whole = cluster.width() <= CLUSTER_COLUMNS_MAX;
    let whole = is_whole.then_some(cluster).into_iter();
    let rest = if is_whole { "" } else { cluster };
    whole.chain(rest.split_inclusive(|_| true))
}

/// The bytes of a control sequence (ECMA-48, section 5.4), or of ESC alone.
fn sequence_length(bytes: &[u8]) -> usize {
    if bytes.get(1) != Some(&b'[') {
        return 1;
    }
    let is_last = |byte: &u8| matches!(byte, b'@'..=b'~');
    bytes[2..].iter().position(is_last).map_or(bytes.len(), |at| 2 + at + 1)
}

/// The column in which the text of a line begins, behind the time and `<ann>`, `*** `,
/// `* ` or `> `; 0 if it has nothing of that.
fn indent(text: &[u8], pieces: &[Piece]) -> usize {
    let shown: Vec<_> = pieces.iter().filter(|piece| piece.kind != Kind::Hidden).collect();
    let of = |piece: &&Piece| &text[piece.bytes.clone()];
    let mut begin = 0;
    if shown.first().map(of) == Some(b"[") {
        let end = shown.iter().position(|piece| of(piece) == b"]");
        begin = end.map_or(0, |at| at + 2);
    }
    let behind = shown.get(begin..).unwrap_or_default();
    let starts_with = |start: &str| {
        behind.len() > start.len()
            && start.bytes().zip(behind).all(|(byte, piece)| of(piece) == [byte])
    };
    let length = match () {
        () if starts_with("*** ") => 4,
        () if starts_with("* ") || starts_with("> ") => 2,
        () if starts_with("<") => {
            let end =
                behind.windows(2).position(|pair| of(&pair[0]) == b">" && of(&pair[1]) == b" ");
            end.map_or(0, |at| at + 2)
        }
        () => return 0,
    };
    shown[..begin + length].iter().fold(0, |column, piece| piece.end(column))
}

/// How many pieces belong together: up to a gap, or a place between ideographs.
fn word_length(pieces: &[Piece], text: &[u8]) -> usize {
    let mut before: Option<&Piece> = None;
    for (at, piece) in pieces.iter().enumerate() {
        if piece.is_gap() {
            return at;
        }
        if piece.kind == Kind::Hidden {
            continue;
        }
        if before.is_some_and(|before| is_break(before, piece, text)) {
            return at;
        }
        before = Some(piece);
    }
    pieces.len()
}

/// Whether a row may end between two clusters: one of them is as wide as an ideograph or
/// an emoji, and no bracket is left alone.
fn is_break(before: &Piece, after: &Piece, text: &[u8]) -> bool {
    const OPENING: &str = "([{<\"'（［｛〔〈《「『【“‘";
    const CLOSING: &str = ")]}>\"',.;:!?）］｝〕〉》」』】”’、。，．；：！？ー々…";
    let first = |piece: &Piece| {
        str::from_utf8(&text[piece.bytes.clone()]).ok().and_then(|text| text.chars().next())
    };
    let is_wide = [before, after].iter().any(|piece| piece.kind == Kind::Cluster(2));
    let is_held = |piece, held: &str| first(piece).is_none_or(|c| held.contains(c));
    is_wide && !is_held(before, OPENING) && !is_held(after, CLOSING)
}

/// The rows of a line, as far as they have come.
struct Rows<'a> {
    out: &'a mut Vec<u8>,
    columns: usize,
    indent: usize,
    /// Where the next piece begins.
    column: usize,
}

impl Rows<'_> {
    /// Adds a word and the gap before it, which isn't shown if a row ends there.
    fn add(&mut self, text: &[u8], gap: &[Piece], word: &[Piece]) {
        let gap_end = end_of(gap, self.column);
        let width = end_of(word, 0);
        if gap_end + width <= self.columns {
            self.put(text, gap);
            self.put(text, word);
        } else if width == 0 {
            self.put(text, word);
        } else if width <= self.columns - self.indent {
            self.begin_row(self.indent);
            self.put(text, word);
        } else if width <= self.columns {
            // An address stays in one piece.
            self.begin_row(0);
            self.put(text, word);
        } else {
            self.add_long(text, gap, word);
        }
    }

    /// Adds a word that is longer than a row.
    fn add_long(&mut self, text: &[u8], gap: &[Piece], word: &[Piece]) {
        let is_address = {
            let bytes = word.iter().flat_map(|piece| &text[piece.bytes.clone()]);
            let bytes: Vec<u8> = bytes.copied().collect();
            memmem::find(&bytes, b"://").is_some()
        };
        // What is copied from the terminal has no spaces in it then.
        let indent = if is_address { 0 } else { self.indent };
        if end_of(gap, self.column) < self.columns {
            self.put(text, gap);
        } else {
            self.begin_row(indent);
        }
        for piece in word {
            if piece.end(self.column) > self.columns {
                self.begin_row(indent);
            }
            self.put(text, std::slice::from_ref(piece));
        }
    }

    fn begin_row(&mut self, indent: usize) {
        self.out.extend(ROW_END);
        self.out.extend(std::iter::repeat_n(b' ', indent));
        self.column = indent;
    }

    fn put(&mut self, text: &[u8], pieces: &[Piece]) {
        for piece in pieces {
            self.out.extend(&text[piece.bytes.clone()]);
        }
        self.column = end_of(pieces, self.column);
    }
}

/// The column behind pieces that begin in this one.
fn end_of(pieces: &[Piece], column: usize) -> usize {
    pieces.iter().fold(column, |column, piece| piece.end(column))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn wrapped(line: &str, columns: u16) -> String {
        let mut screen = b"\r\x1b[K".to_vec();
        let from = screen.len();
        screen.extend(line.as_bytes());
        wrap(&mut screen, from, columns);
        assert!(screen.starts_with(b"\r\x1b[K"));
        String::from_utf8_lossy(&screen[from..]).into_owned()
    }

    #[track_caller]
    fn check(line: &str, rows: &[&str]) {
        assert_eq!(wrapped(&format!("{line}\r\n"), 21), format!("{}\r\n", rows.join("\r\n")));
    }

    #[test]
    fn words_go_to_the_next_row_below_the_text() {
        check("<ann> hello", &["<ann> hello"]);
        check("<ann> one two three four", &["<ann> one two three", "      four"]);
        check("<ann> 12345678901234", &["<ann> 12345678901234"]);
        check("*** ann joined, 2 users here", &["*** ann joined, 2", "    users here"]);
        check("* ann waves at everybody", &["* ann waves at", "  everybody"]);
        check("> one two three four five", &["> one two three four", "  five"]);
        check("one two three four five six", &["one two three four", "five six"]);
        check("<ann> one   two      three", &["<ann> one   two", "      three"]);
    }

    #[test]
    fn an_indent_is_a_third_of_a_row_at_most() {
        check("<annabella> one two three", &["<annabella> one two", "      three"]);
        check("<ann to you> one two three", &["<ann to you> one two", "      three"]);
        check("[14:05] <ann> one two", &["[14:05] <ann> one", "      two"]);
        let rows = "[14:05] *** one two three four five\r\n            six";
        assert_eq!(wrapped("[14:05] *** one two three four five six", 38), rows);
    }

    #[test]
    fn long_words_are_broken_and_addresses_kept_whole() {
        check("<ann> abcdefghijklmnopqrstuvwxyz", &["<ann> abcdefghijklmn", "      opqrstuvwxyz"]);
        check("<ann> see http://a.example/b", &["<ann> see", "http://a.example/b"]);
        check("<ann> http://a.example/b/c/d/e/f", &["<ann> http://a.examp", "le/b/c/d/e/f"]);
    }

    #[test]
    fn characters_are_as_wide_as_they_look() {
        check("<ann> 日本語の文です。はい", &["<ann> 日本語の文で", "      す。はい"]);
        check("<ann> （日本語の文です。）", &["<ann> （日本語の文で", "      す。）"]);
        let family = "👨\u{200d}👩\u{200d}👧";
        check(
            &format!("<ann> {}", family.repeat(8)),
            &[&format!("<ann> {}", family.repeat(7)), &format!("      {family}")],
        );
        check(
            "<ann> e\u{301}e\u{301} 🇩🇪🇫🇷❤\u{fe0f}123456",
            &["<ann> e\u{301}e\u{301} 🇩🇪🇫🇷❤\u{fe0f}", "      123456"],
        );
    }

    #[test]
    fn what_is_not_seen_takes_no_column() {
        let name = "<\x1b[36mann\x1b[0m> ";
        check(
            &format!("{name}one two three four"),
            &[&format!("{name}one two three"), "      four"],
        );
        check(
            "\x1b[2m*** one two three four five\x1b[0m",
            &["\x1b[2m*** one two three", "    four five\x1b[0m"],
        );
        check("\x07<ann> one two three\x07 \x1b[0m", &["\x07<ann> one two three\x07 \x1b[0m"]);
    }

    #[test]
    fn tabs_go_to_their_stops() {
        check("a\tb\tc\td", &["a\tb\tc", "d"]);
        check("<a>\t\t\tb", &["<a>", "b"]);
    }

    #[test]
    fn telnet_commands_are_left_alone() {
        let mut screen = b"\xff\xfb\x01\xff\xfa\x18\x01 \x20\xff\xf0\xff\xf9<ann> one two".to_vec();
        screen.extend(b"\r\n\xff\xfc\x06");
        let before = screen.clone();
        wrap(&mut screen, 0, 17);
        assert_eq!(screen, before);
        screen.extend(b"<ann> one two three");
        wrap(&mut screen, 0, 17);
        assert!(screen.ends_with(b"\xff\xfc\x06<ann> one two\r\n     three"));
    }

    #[test]
    fn a_width_that_is_not_known_or_very_small_changes_nothing() {
        let line = "<ann> one two three four five six";
        for columns in [0, 1, 15] {
            assert_eq!(wrapped(line, columns), line);
        }
        assert_eq!(wrapped(line, u16::MAX), line);
    }

    /// What a terminal shows of it, row by row, and whether none is wider than the window.
    fn unwrapped(rows: &str, columns: usize) -> Result<String, String> {
        let is_too_wide = |row: &&str| {
            let pieces = pieces(row.as_bytes());
            end_of(&pieces, 0) > columns
        };
        match rows.split("\r\n").find(is_too_wide) {
            Some(row) => Err(row.to_owned()),
            None => Ok(rows.replace("\r\n", "").replace([' ', '\t'], "")),
        }
    }

    fn line() -> impl Strategy<Value = String> {
        const PARTS: [&str; 24] = [
            "a",
            "word",
            "supercalifragilistic",
            " ",
            " ",
            " ",
            "  ",
            "\t",
            "日",
            "本語",
            "。",
            "（",
            "👨\u{200d}👩\u{200d}👧",
            "🇩🇪",
            "❤\u{fe0f}",
            "e\u{301}",
            "👍🏽",
            "https://a.example/b?c=d",
            "\x1b[36m",
            "\x1b[0m",
            "\x07",
            "क्ष्म्य",
            "- ",
            "x, ",
        ];
        let start =
            select(&["<ann> ", "*** ", "* ann ", "", "[14:05] <bob> ", "> ", "<日本> "][..]);
        let parts = prop::collection::vec(select(&PARTS[..]), 0..80);
        (start, parts).prop_map(|(start, parts)| format!("{start}{}", parts.concat()))
    }

    proptest! {
        #![proptest_config(crate::property_tests())]

        /// Nothing is lost, and no row is wider than the window.
        #[test]
        fn rows_are_the_line_and_fit_the_window(line in line(), columns in 16..=200_u16) {
            let rows = wrapped(&line, columns);
            let shown = unwrapped(&rows, columns.into());
            prop_assert_eq!(shown, Ok(line.replace([' ', '\t'], "")));
        }

        /// A word that has a place in a row is in one.
        #[test]
        fn words_are_whole(words in prop::collection::vec("[a-z:/]{1,15}", 1..40), columns in 16..=200_u16) {
            let line = format!("<ann> {}", words.join(" "));
            let rows = wrapped(&line, columns);
            let shown: Vec<_> = rows.split_whitespace().skip(1).collect();
            prop_assert_eq!(shown, words);
        }

        /// The real terminal shows each row in one.
        #[test]
        fn a_terminal_breaks_nothing(words in prop::collection::vec("[a-z]{1,30}|日本語", 1..40), columns in 16..=200_u16) {
            let line = format!("<ann> {}", words.join(" "));
            let rows = wrapped(&format!("{line}\r\n"), columns);
            let mut terminal = vt100::Parser::new(500, columns, 0);
            terminal.process(rows.as_bytes());
            let shown: Vec<_> = terminal.screen().rows(0, columns).map(|row| row.trim_end().to_owned()).collect();
            let expected: Vec<_> = rows.split("\r\n").map(str::to_owned).collect();
            prop_assert_eq!(&shown[..expected.len()], &expected[..]);
        }

        /// Bytes that aren't text change nothing else.
        #[test]
        fn any_bytes_are_kept(bytes in prop::collection::vec(any::<u8>(), 0..300), columns in 0..100_u16) {
            let mut screen = bytes.clone();
            wrap(&mut screen, 0, columns);
            let plain = |bytes: &[u8]| -> Vec<u8> {
                bytes.iter().copied().filter(|byte| !b" \t\r\n".contains(byte)).collect()
            };
            prop_assert_eq!(plain(&screen), plain(&bytes));
        }
    }
}
