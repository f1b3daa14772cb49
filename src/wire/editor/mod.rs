//! A line that a client types on a terminal while others' lines come in.
//!
//! The server echoes: the line takes the lowest row of the terminal in use,
//! and is hidden while other lines are written there. A line that is longer
//! than the row scrolls to the side. Widths are those of UAX 11, and what looks
//! like one character is one (UAX 29): the cursor never stands inside it.

mod keys;
mod line;

use memchr::memchr2;
use unicode_width::UnicodeWidthStr;

use self::keys::{Key, Keys};
use self::line::Line;

const PROMPT: &str = "> ";
/// Clears the row that the cursor is in.
const CLEAR_ROW: &[u8] = b"\r\x1b[K";
const BELL: u8 = 7;

/// The width of a terminal that doesn't tell, and what is taken for true.
const COLUMNS_USUAL: u16 = 80;
const COLUMNS_MIN: u16 = 16;
const COLUMNS_MAX: u16 = 500;

/// Keys that are looked at in one step, in bytes.
const PIECE_BYTES_MAX: usize = 64;

/// What came of keys.
#[derive(Debug, PartialEq, Eq)]
pub enum Edited {
    /// A line was entered. What stands on the screen of it is to be hidden, and
    /// [`Editor::entered`] written in its place.
    Line(String),
    /// Ctrl-D in an empty line: the client wants to leave.
    End,
}

/// A line being typed.
#[derive(Debug)]
pub struct Editor {
    keys: Keys,
    /// The begin of a character, 3 bytes at most.
    begun: Vec<u8>,
    line: Line,
    columns: usize,
    /// What the terminal shows.
    shown: Option<View>,
    /// Rows above the cursor's that what is shown takes since the terminal has
    /// become narrower.
    rows_above: usize,
    /// The bell is to ring.
    has_bell: bool,
}

/// One row of the terminal: what stands in it after the prompt, and in which
/// column the cursor is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct View {
    text: String,
    cursor_column: usize,
    is_at_end: bool,
}

impl Editor {
    /// An editor with `begun`, the begin of a line.
    pub fn new(begun: &[u8], columns: u16) -> Self {
        let text = String::from_utf8_lossy(begun).replace(char::is_control, "");
        let mut editor = Editor {
            keys: Keys::default(),
            begun: Vec::new(),
            line: Line::new(text),
            columns: 0,
            shown: None,
            rows_above: 0,
            has_bell: false,
        };
        editor.set_columns(columns);
        editor
    }

    /// The terminal has so many columns; 0 if it doesn't know.
    pub fn set_columns(&mut self, columns: u16) {
        let columns = if columns == 0 { COLUMNS_USUAL } else { columns };
        let columns = columns.clamp(COLUMNS_MIN, COLUMNS_MAX).into();
        if let Some(shown) = self.shown.as_ref().filter(|_| columns < self.columns) {
            // Terminals wrap what doesn't fit any more.
            self.rows_above = self.rows_above.max(shown.cursor_column / columns);
        }
        self.columns = columns;
    }

    /// Takes keys off the front of `input` until a line is entered. `None` means
    /// that `input` is used up.
    pub fn next(&mut self, input: &mut &[u8], line_bytes_max: usize) -> Option<Edited> {
        while !input.is_empty() {
            // Up to the end of a line: what is behind it waits in the input.
            let end = memchr2(b'\r', b'\n', input).map_or(input.len(), |at| at + 1);
            let (piece, rest) = input.split_at(end.min(PIECE_BYTES_MAX));
            *input = rest;
            let bytes = [&std::mem::take(&mut self.begun)[..], piece].concat();
            let (whole, begun) = bytes.split_at(bytes.len() - begun_bytes(&bytes));
            self.begun = begun.to_vec();
            for c in String::from_utf8_lossy(whole).chars() {
                let Some(key) = self.keys.next(c) else { continue };
                let edited = self.press(key, line_bytes_max);
                if edited.is_some() {
                    // Nothing is behind the end of a line here, nor behind that of
                    // a session.
                    return edited;
                }
            }
        }
        None
    }

    /// What the terminal has to show of an entered line.
    pub fn entered(line: &str) -> Vec<u8> {
        [PROMPT, &printable(line), "\r\n"].concat().into_bytes()
    }

    /// Whether the terminal doesn't show the line as it is.
    pub fn is_stale(&self) -> bool {
        self.has_bell || self.shown.as_ref() != Some(&self.view())
    }

    /// Bytes of memory held for the line, and for those before it.
    pub fn held_bytes(&self) -> usize {
        self.line.held_bytes() + self.begun.capacity()
    }

    /// Makes place for other lines.
    pub fn hide(&mut self, screen: &mut Vec<u8>) {
        if self.shown.take().is_some() {
            self.clear(screen);
        }
    }

    fn clear(&mut self, screen: &mut Vec<u8>) {
        match std::mem::take(&mut self.rows_above) {
            0 => screen.extend(CLEAR_ROW),
            rows => screen.extend(format!("\r\x1b[{rows}A\x1b[J").as_bytes()),
        }
    }

    /// Shows the line as it is now, in the row where the cursor is.
    pub fn show(&mut self, screen: &mut Vec<u8>) {
        if std::mem::take(&mut self.has_bell) {
            screen.push(BELL);
        }
        let view = self.view();
        match &self.shown {
            Some(shown) if *shown == view && self.rows_above == 0 => return,
            Some(shown) if self.rows_above == 0 && is_appended(shown, &view) => {
                screen.extend(&view.text.as_bytes()[shown.text.len()..]);
            }
            _ => {
                self.clear(screen);
                screen.extend(PROMPT.as_bytes());
                screen.extend(view.text.as_bytes());
                // At the end it is where it should be, whatever the terminal takes
                // for the width of what is before it.
                if !view.is_at_end {
                    screen.extend(format!("\r\x1b[{}C", view.cursor_column).as_bytes());
                }
            }
        }
        self.shown = Some(view);
    }

    /// What of the line fits into a row: the cursor and as much as possible of
    /// what is before it.
    fn view(&self) -> View {
        // In the last column some terminals wrap.
        let columns = self.columns - PROMPT.len() - 1;
        let (mut width, mut before) = (0, Vec::new());
        for cluster in self.line.before() {
            if width + columns_of(cluster) > columns {
                break;
            }
            width += columns_of(cluster);
            before.push(cluster);
        }
        let cursor_column = PROMPT.len() + width;
        let mut text: String = before.into_iter().rev().collect();
        let is_at_end = self.line.behind().next().is_none();
        for cluster in self.line.behind() {
            width += columns_of(cluster);
            if width > columns {
                break;
            }
            text += cluster;
        }
        View { text: printable(&text), cursor_column, is_at_end }
    }

    fn press(&mut self, key: Key, line_bytes_max: usize) -> Option<Edited> {
        match key {
            Key::Character(c) if !self.line.has_place_for(c, line_bytes_max) => {
                self.has_bell = true;
            }
            Key::Enter if self.line.as_str().is_empty() => {}
            Key::Enter => return Some(Edited::Line(self.line.enter())),
            Key::DeleteOrEnd if self.line.as_str().is_empty() => return Some(Edited::End),
            // Where no row is, nothing may be cleared: a line may have begun there.
            Key::Redraw if self.shown.is_none() => {}
            // Whatever the terminal shows, it isn't this.
            Key::Redraw => {
                let (text, cursor_column, is_at_end) = (String::new(), usize::MAX, false);
                self.shown = Some(View { text, cursor_column, is_at_end });
            }
            _ => self.line.press(key),
        }
        None
    }
}

/// How many bytes at the end are the begin of a character, and not yet wrong.
fn begun_bytes(bytes: &[u8]) -> usize {
    let end = bytes.utf8_chunks().last().map_or(&[][..], |chunk| chunk.invalid());
    let is_begun = str::from_utf8(end).is_err_and(|error| error.error_len().is_none());
    if is_begun { end.len() } else { 0 }
}

/// Whether `new` is `old` with something typed at its end.
fn is_appended(old: &View, new: &View) -> bool {
    old.is_at_end && new.is_at_end && new.text.starts_with(&old.text)
}

/// How many columns a terminal takes for a text.
fn columns_of(text: &str) -> usize {
    match text {
        "\t" => 1,
        _ => text.width(),
    }
}

/// A text as it stands in a row: a tab is one column wide there.
fn printable(text: &str) -> String {
    text.replace('\t', " ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    const LINE_BYTES_MAX: usize = 200;

    /// A client's terminal, and the server's side of it.
    struct Stage {
        editor: Editor,
        terminal: vt100::Parser,
        columns: u16,
        lines: Vec<String>,
        /// Rows that others wrote.
        others: usize,
    }

    impl Stage {
        fn new(columns: u16) -> Stage {
            let terminal = vt100::Parser::new(10, columns, 1000);
            let editor = Editor::new(b"", columns);
            Stage { editor, terminal, columns, lines: Vec::new(), others: 0 }
        }

        /// The client types, in one packet.
        fn types(&mut self, keys: &[u8]) {
            let mut keys = keys;
            let mut screen = Vec::new();
            while let Some(edited) = self.editor.next(&mut keys, LINE_BYTES_MAX) {
                if let Edited::Line(line) = edited {
                    self.editor.hide(&mut screen);
                    screen.extend(Editor::entered(&line));
                    self.lines.push(line);
                }
            }
            self.editor.show(&mut screen);
            self.terminal.process(&screen);
        }

        /// Somebody says something.
        fn says(&mut self, line: &str) {
            let mut screen = Vec::new();
            self.editor.hide(&mut screen);
            screen.extend(line.as_bytes());
            screen.extend(b"\r\n");
            self.editor.show(&mut screen);
            self.terminal.process(&screen);
            self.others += 1;
        }

        fn row(&self) -> String {
            let (row, _) = self.terminal.screen().cursor_position();
            self.rows()[usize::from(row)].clone()
        }

        fn rows(&self) -> Vec<String> {
            let rows = self.terminal.screen().rows(0, self.columns);
            rows.map(|row| row.trim_end().to_owned()).collect()
        }

        fn cursor(&self) -> usize {
            self.terminal.screen().cursor_position().1.into()
        }
    }

    #[track_caller]
    fn check(keys: &str, row: &str, cursor: usize) {
        let mut stage = Stage::new(80);
        stage.types(keys.as_bytes());
        assert_eq!((stage.row().as_str(), stage.cursor()), (row, cursor), "{keys:?}");
    }

    #[test]
    fn keys_move_and_erase() {
        check("hello", "> hello", 7);
        check("hello\x1b[D\x1b[D!", "> hel!lo", 6);
        check("hello\x1bOD\x1bOC\x1b[H>", "> >hello", 3);
        check("ello\x01h\x05!", "> hello!", 8);
        check("hello\x1b[1~\x1b[3~\x1b[4~\x7f", "> ell", 5);
        check("hello\x02\x02\x06\x08", "> helo", 5);
        check("one two  three\x17", "> one two", 11);
        check("one two\x17\x17\x17", ">", 2);
        check("one two\x02\x02\x15", "> wo", 2);
        check("one two\x02\x02\x0b", "> one t", 7);
        check("gone\x03new", "> new", 5);
        check("ab\x02\x04", "> a", 3);
        check("a\tb\x1b[9;5Zc\x1b[99~\x1bxd", "> a bcd", 7);
    }

    #[test]
    fn characters_are_measured_and_erased_whole() {
        check("日本\x02x", "> 日x本", 5);
        check("e\u{301}a\x7f\x7fb", "> b", 3);
        check("日本語\x1b[D\x7f", "> 日語", 4);
        check("ae\u{301}\x02\x02\x1b[C\x1b[Cb", "> ae\u{301}b", 5);
    }

    #[test]
    fn what_was_typed_comes_back_with_the_arrow_keys() {
        let mut stage = Stage::new(80);
        stage.types(b"one\r\ntwo\r\0two\rnew");
        assert_eq!(stage.lines, ["one", "two", "two"]);
        for (keys, row) in [
            ("\x1b[A", "> two"),
            ("\x1b[A", "> one"),
            ("\x1b[A", "> one"),
            ("\x1b[B", "> two"),
            ("\x0e", "> new"),
            ("\x1b[B", "> new"),
            ("\x10!", "> two!"),
        ] {
            stage.types(keys.as_bytes());
            assert_eq!(stage.row(), row, "{keys:?}");
        }
    }

    #[test]
    fn a_long_line_scrolls() {
        let mut stage = Stage::new(20);
        stage.types(b"abcdefghijklmnopqrstuvwxyz");
        assert_eq!((stage.row().as_str(), stage.cursor()), ("> jklmnopqrstuvwxyz", 19));
        stage.types(b"\x01");
        assert_eq!((stage.row().as_str(), stage.cursor()), ("> abcdefghijklmnopq", 2));
        stage.types(b"\x1b[C");
        assert_eq!(stage.cursor(), 3);
    }

    #[test]
    fn a_line_of_others_is_above_and_the_typed_one_intact() {
        let mut stage = Stage::new(40);
        stage.types(b"half a li");
        stage.says("<bob> hi");
        assert_eq!(stage.rows()[..2], ["<bob> hi", "> half a li"]);
        stage.types(b"ne\r\n");
        assert_eq!(stage.rows()[..3], ["<bob> hi", "> half a line", ">"]);
        assert_eq!(stage.lines, ["half a line"]);
    }

    #[test]
    fn a_line_at_its_limit_rings_and_takes_no_more() {
        let mut stage = Stage::new(80);
        let mut screen = Vec::new();
        let mut keys = &[b'a'; LINE_BYTES_MAX + 100][..];
        assert_eq!(stage.editor.next(&mut keys, LINE_BYTES_MAX), None);
        stage.editor.show(&mut screen);
        assert_eq!(screen[0], BELL);
        stage.types(b"\r");
        assert_eq!(stage.lines, ["a".repeat(LINE_BYTES_MAX)]);
    }

    #[test]
    fn ctrl_d_leaves_from_an_empty_line_only() {
        let mut editor = Editor::new(b"", 80);
        assert_eq!(editor.next(&mut &b"a\x04\x7f\x04"[..], 10), Some(Edited::End));
    }

    #[test]
    fn what_was_begun_before_editing_is_there() {
        let mut editor = Editor::new("b\u{e9}\x07gun".as_bytes(), 0);
        let line = editor.next(&mut &b"\r"[..], 100);
        assert_eq!(line, Some(Edited::Line("b\u{e9}gun".into())));
    }

    #[test]
    fn before_a_row_is_shown_nothing_is_cleared() {
        let mut editor = Editor::new(b"", 80);
        let mut screen = Vec::new();
        editor.next(&mut &b"\x0c"[..], 100);
        editor.hide(&mut screen);
        assert_eq!(screen.escape_ascii().to_string(), "");
    }

    #[test]
    fn how_keys_are_cut_in_the_middle_changes_nothing() {
        for begin in ["a\x1b]0;", "\x1bPq", "\x1b\u{39d}", "\x1b[1", "\x1b[[A", "\x1b[", "e\u{301}"]
        {
            let bytes = [begin, &"7".repeat(100), "\x1b]0;", &"x".repeat(70), "\r"].concat();
            let lines = |size| {
                let mut stage = Stage::new(80);
                bytes.as_bytes().chunks(size).for_each(|piece| stage.types(piece));
                stage.lines
            };
            let whole = lines(bytes.len());
            assert!(whole[0].ends_with('x'), "{whole:?}");
            (1..bytes.len()).for_each(|size| assert_eq!(lines(size), whole, "{begin:?}, {size}"));
        }
    }

    /// A terminal that sends Latin-1: its last letter begins no character.
    #[test]
    fn a_line_that_ends_with_latin_1_is_entered_at_once() {
        let mut stage = Stage::new(80);
        stage.types(b"caf\xe9\r");
        assert_eq!(stage.lines, ["caf\u{fffd}"]);
    }

    /// The terminal has wrapped the row, and both halves go.
    #[test]
    fn a_narrower_window_leaves_no_half_of_the_row() {
        let mut stage = Stage::new(60);
        stage.types(b"a line that is fifty columns long, or a few more");
        // As a terminal that wraps does: what was one row is three.
        stage.editor.set_columns(20);
        stage.columns = 20;
        stage.terminal = vt100::Parser::new(10, 20, 1000);
        stage.terminal.process(b"> a line that is fifty columns long, or a few more");
        stage.types(b"!");
        assert_eq!(stage.rows()[..2], ["> g, or a few more!", ""]);
    }

    #[test]
    fn at_the_end_of_the_line_no_width_is_relied_on() {
        let mut editor = Editor::new("a❤\u{fe0f}b👍🏽x1\u{fe0f}\u{20e3}x".as_bytes(), 80);
        let mut screen = Vec::new();
        editor.show(&mut screen);
        editor.hide(&mut screen);
        editor.show(&mut screen);
        editor.next(&mut &b"\x7f"[..], 100);
        editor.show(&mut screen);
        assert!(!screen.ends_with(b"C"), "{}", screen.escape_ascii());
        editor.next(&mut &b"\x02"[..], 100);
        editor.show(&mut screen);
        assert!(screen.ends_with(b"C"), "in the middle it has to: {}", screen.escape_ascii());
    }

    fn keys() -> impl Strategy<Value = Vec<&'static str>> {
        const KEYS: [&str; 21] = [
            "a", "b", "日", "e\u{301}", " ", "word", "\x7f", "\x1b[D", "\x1b[C", "\x1b[A",
            "\x1b[B", "\x1b[3~", "\x01", "\x05", "\x17", "\x15", "\x0b", "\r\n", "\x0c", "\x03",
            "\t",
        ];
        proptest::collection::vec(select(&KEYS[..]), 0..60)
    }

    proptest! {
        #![proptest_config(crate::property_tests())]

        /// However it was drawn, the terminal shows what it would if it were
        /// drawn at once, and lines of others are whole.
        #[test]
        fn the_terminal_shows_the_line(keys in keys(), columns in 16..60u16, others in 1..10usize) {
            let mut stage = Stage::new(columns);
            stage.types(b"");
            for (at, key) in keys.iter().enumerate() {
                stage.types(key.as_bytes());
                if at % others == 0 {
                    stage.says("<bob> hello");
                }
            }
            let view = stage.editor.view();
            let row = format!("{PROMPT}{}", view.text);
            prop_assert_eq!(stage.row(), row.trim_end());
            prop_assert_eq!(stage.cursor(), view.cursor_column);
            prop_assert!(view.cursor_column < columns.into());
        }

        #[test]
        fn how_keys_are_cut_into_packets_changes_nothing(keys in keys(), size in 1..7usize) {
            let bytes = keys.concat().into_bytes();
            let (mut whole, mut pieces) = (Stage::new(40), Stage::new(40));
            pieces.types(b"");
            whole.types(&bytes);
            bytes.chunks(size).for_each(|piece| pieces.types(piece));
            prop_assert_eq!(&whole.lines, &pieces.lines);
            prop_assert_eq!(whole.editor.line.as_str(), pieces.editor.line.as_str());
            prop_assert_eq!(whole.row(), pieces.row());
        }

        /// A paste isn't drawn key by key.
        #[test]
        fn the_answer_to_keys_is_bounded(bytes in proptest::collection::vec(any::<u8>(), 0..5000)) {
            let mut editor = Editor::new(b"", 80);
            let (mut input, mut screen) = (&bytes[..], Vec::new());
            while let Some(edited) = editor.next(&mut input, 4096) {
                if let Edited::Line(line) = edited {
                    editor.hide(&mut screen);
                    screen.extend(Editor::entered(&line));
                }
            }
            editor.show(&mut screen);
            prop_assert!(screen.len() <= 10 * bytes.len() + 500, "{} for {}", screen.len(), bytes.len());
        }
    }
}
