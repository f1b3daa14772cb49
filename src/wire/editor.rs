//! A line that a client types on a terminal while others' lines come in.
//!
//! The server echoes: the line takes the lowest row of the terminal in use,
//! and is hidden while other lines are written there. A line that is longer
//! than the row scrolls to the side. Widths are those of UAX 11, and what looks
//! like one character is one (UAX 29): the cursor never stands inside it.

use std::collections::VecDeque;

use memchr::memchr2;
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};
use unicode_width::UnicodeWidthStr;
use vte::{Params, Parser, Perform};

const PROMPT: &str = "> ";
/// Clears the row that the cursor is in.
const CLEAR_ROW: &[u8] = b"\r\x1b[K";
const BELL: u8 = 7;

/// The width of a terminal that doesn't tell, and what is taken for true.
const COLUMNS_USUAL: u16 = 80;
const COLUMNS_MIN: u16 = 16;
const COLUMNS_MAX: u16 = 500;

/// How much of what was typed is remembered.
const HISTORY_LINES_MAX: usize = 50;
const HISTORY_BYTES_MAX: usize = 8 * 1024;

/// The longest sequence of bytes that is one key. What goes on for longer isn't
/// one, and its begin isn't kept.
const KEY_BYTES_MAX: usize = 64;

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
pub struct Editor {
    keys: Keys,
    parser: Parser,
    /// The begin of a character.
    begun: Vec<u8>,
    /// Bytes of a key that isn't complete.
    key_bytes: usize,
    line: Line,
    columns: usize,
    /// What the terminal shows.
    shown: Option<View>,
    /// The bell is to ring.
    has_bell: bool,
}

impl std::fmt::Debug for Editor {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("Editor").field("line", &self.line).finish_non_exhaustive()
    }
}

/// One row of the terminal: what stands in it after the prompt, and in which
/// column the cursor is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct View {
    text: String,
    cursor_column: usize,
}

impl Editor {
    /// An editor with `begun`, the begin of a line.
    pub fn new(begun: &[u8], columns: u16) -> Self {
        let mut line = Line::default();
        line.set(String::from_utf8_lossy(begun).replace(char::is_control, ""));
        let mut editor = Editor {
            keys: Keys::default(),
            parser: Parser::new(),
            begun: Vec::new(),
            key_bytes: 0,
            line,
            columns: 0,
            shown: None,
            has_bell: false,
        };
        editor.set_columns(columns);
        editor
    }

    /// The terminal has so many columns; 0 if it doesn't know.
    pub fn set_columns(&mut self, columns: u16) {
        let columns = if columns == 0 { COLUMNS_USUAL } else { columns };
        self.columns = columns.clamp(COLUMNS_MIN, COLUMNS_MAX).into();
    }

    /// Takes keys off the front of `input` until a line is entered. `None` means
    /// that `input` is used up.
    pub fn next(&mut self, input: &mut &[u8], line_bytes_max: usize) -> Option<Edited> {
        while !input.is_empty() {
            // Up to the end of a line: what is behind it waits in the input.
            let end = memchr2(b'\r', b'\n', input).map_or(input.len(), |at| at + 1);
            let (piece, rest) = input.split_at(end.min(KEY_BYTES_MAX));
            *input = rest;
            self.parse(piece);
            while let Some(key) = self.keys.queue.pop_front() {
                let edited = self.press(key, line_bytes_max);
                if edited.is_some() {
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
        let Line { text, draft, history, .. } = &self.line;
        let keys = self.begun.capacity() + self.keys.queue.capacity();
        let lines = history.iter().map(String::capacity).sum::<usize>();
        text.capacity() + draft.capacity() + lines + keys
    }

    /// Makes place for other lines.
    pub fn hide(&mut self, screen: &mut Vec<u8>) {
        if self.shown.take().is_some() {
            screen.extend(CLEAR_ROW);
        }
    }

    /// Shows the line as it is now, in the row where the cursor is.
    pub fn show(&mut self, screen: &mut Vec<u8>) {
        if std::mem::take(&mut self.has_bell) {
            screen.push(BELL);
        }
        let view = self.view();
        match &self.shown {
            Some(shown) if *shown == view => return,
            Some(shown) if is_appended(shown, &view) => {
                screen.extend(&view.text.as_bytes()[shown.text.len()..]);
            }
            _ => {
                screen.extend(CLEAR_ROW);
                screen.extend(PROMPT.as_bytes());
                screen.extend(view.text.as_bytes());
                screen.extend(format!("\r\x1b[{}C", view.cursor_column).as_bytes());
            }
        }
        self.shown = Some(view);
    }

    /// What of the line fits into a row: the cursor and as much as possible of
    /// what is before it.
    fn view(&self) -> View {
        let text = &self.line.text;
        // In the last column some terminals wrap.
        let columns = self.columns - PROMPT.len() - 1;
        let (mut start, mut width) = (self.line.cursor, 0);
        for (at, cluster) in text[..self.line.cursor].grapheme_indices(true).rev() {
            width += columns_of(cluster);
            if width > columns {
                width -= columns_of(cluster);
                break;
            }
            start = at;
        }
        let cursor_column = PROMPT.len() + width;
        let mut end = self.line.cursor;
        for cluster in text[end..].graphemes(true) {
            width += columns_of(cluster);
            if width > columns {
                break;
            }
            end += cluster.len();
        }
        View { text: printable(&text[start..end]), cursor_column }
    }

    fn press(&mut self, key: Key, line_bytes_max: usize) -> Option<Edited> {
        match key {
            Key::Character(c) if self.line.text.len() + c.len_utf8() > line_bytes_max => {
                self.has_bell = true;
            }
            Key::Enter if self.line.text.is_empty() => {}
            Key::Enter => return Some(Edited::Line(self.line.enter())),
            Key::DeleteOrEnd if self.line.text.is_empty() => return Some(Edited::End),
            // Where no row is, nothing may be cleared: a line may have begun there.
            Key::Redraw if self.shown.is_none() => {}
            // Whatever the terminal shows, it isn't this.
            Key::Redraw => {
                self.shown = Some(View { text: String::new(), cursor_column: usize::MAX });
            }
            _ => self.line.press(key),
        }
        None
    }

    /// Finds the keys in `piece`. The begin of a character waits for its end,
    /// because the parser doesn't put every one together.
    fn parse(&mut self, piece: &[u8]) {
        let bytes = [&std::mem::take(&mut self.begun)[..], piece].concat();
        let (whole, begun) = bytes.split_at(bytes.len() - begun_bytes(&bytes));
        self.begun = begun.to_vec();
        for c in String::from_utf8_lossy(whole).chars() {
            self.parse_character(c);
        }
    }

    /// Counted one by one, because what is dropped of a key without an end must
    /// not depend on how it was cut into packets.
    fn parse_character(&mut self, c: char) {
        let keys = self.keys.queue.len();
        self.parser.advance(&mut self.keys, c.encode_utf8(&mut [0; 4]).as_bytes());
        let is_begin = c == '\u{1b}' || self.keys.queue.len() > keys;
        self.key_bytes = if is_begin { 0 } else { self.key_bytes + c.len_utf8() };
        if self.key_bytes > KEY_BYTES_MAX {
            self.key_bytes = 0;
            self.parser = Parser::new();
        }
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
    let end = |view: &View| PROMPT.len() + columns_of(&view.text);
    new.text.starts_with(&old.text)
        && old.cursor_column == end(old)
        && new.cursor_column == end(new)
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

/// A key, or what is sent for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Character(char),
    Enter,
    Left,
    Right,
    Home,
    End,
    Up,
    Down,
    Backspace,
    Delete,
    /// Ctrl-D.
    DeleteOrEnd,
    EraseWord,
    EraseToStart,
    EraseToEnd,
    /// Ctrl-C.
    EraseAll,
    Redraw,
}

/// Finds the keys in what the parser finds in the bytes.
#[derive(Debug, Default)]
struct Keys {
    queue: VecDeque<Key>,
    /// The last character was a CR: LF or NUL after it is no key.
    after_cr: bool,
    /// ESC O came: the next character is the name of a key.
    after_ss3: bool,
}

impl Perform for Keys {
    fn print(&mut self, c: char) {
        self.after_cr = false;
        let key = match c {
            _ if std::mem::take(&mut self.after_ss3) => named(c),
            '\u{7f}' => Some(Key::Backspace),
            _ => (!c.is_control()).then_some(Key::Character(c)),
        };
        self.queue.extend(key);
    }

    fn execute(&mut self, byte: u8) {
        let is_end_of_cr = std::mem::take(&mut self.after_cr) && matches!(byte, b'\n' | 0);
        let key = match byte {
            _ if is_end_of_cr => return,
            b'\r' => {
                self.after_cr = true;
                Key::Enter
            }
            b'\n' => Key::Enter,
            b'\t' => Key::Character('\t'),
            0x01 => Key::Home,
            0x02 => Key::Left,
            0x03 => Key::EraseAll,
            0x04 => Key::DeleteOrEnd,
            0x05 => Key::End,
            0x06 => Key::Right,
            0x08 | 0x7f => Key::Backspace,
            0x0b => Key::EraseToEnd,
            0x0c => Key::Redraw,
            0x0e => Key::Down,
            0x10 => Key::Up,
            0x15 => Key::EraseToStart,
            0x17 => Key::EraseWord,
            _ => return,
        };
        self.queue.push_back(key);
    }

    fn csi_dispatch(&mut self, params: &Params, _: &[u8], _ignore: bool, action: char) {
        self.after_cr = false;
        let number = params.iter().next().and_then(|param| param.first().copied());
        let key = match (action, number) {
            ('~', Some(1 | 7)) => Some(Key::Home),
            ('~', Some(4 | 8)) => Some(Key::End),
            ('~', Some(3)) => Some(Key::Delete),
            ('~', _) => None,
            _ => named(action),
        };
        self.queue.extend(key);
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _ignore: bool, byte: u8) {
        self.after_cr = false;
        self.after_ss3 = intermediates.is_empty() && byte == b'O';
    }
}

/// The keys of ECMA-48, section 8.3, and of VT100 in its application mode.
fn named(c: char) -> Option<Key> {
    match c {
        'A' => Some(Key::Up),
        'B' => Some(Key::Down),
        'C' => Some(Key::Right),
        'D' => Some(Key::Left),
        'H' => Some(Key::Home),
        'F' => Some(Key::End),
        _ => None,
    }
}

/// The text, the cursor, and what was typed before.
#[derive(Debug, Default)]
struct Line {
    text: String,
    /// In bytes, between two clusters.
    cursor: usize,
    history: VecDeque<String>,
    history_bytes: usize,
    /// How many lines back the text is from, 0 if it is new.
    back: usize,
    /// The new text, while an old one is shown.
    draft: String,
}

impl Line {
    fn set(&mut self, text: String) {
        self.cursor = text.len();
        self.text = text;
    }

    /// Takes the text out.
    fn enter(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        (self.cursor, self.back) = (0, 0);
        self.draft = String::new();
        if self.history.back() != Some(&text) && text.len() <= HISTORY_BYTES_MAX {
            self.history_bytes += text.len();
            self.history.push_back(text.clone());
        }
        while self.history.len() > HISTORY_LINES_MAX || self.history_bytes > HISTORY_BYTES_MAX {
            let oldest = self.history.pop_front().map_or(0, |line| line.len());
            self.history_bytes -= oldest;
        }
        text
    }

    fn press(&mut self, key: Key) {
        let cursor = self.cursor;
        match key {
            Key::Character(c) => self.insert(c),
            Key::Left => self.cursor = self.left(),
            Key::Right => self.cursor = self.right(),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = self.text.len(),
            Key::Up => self.go_back(self.back + 1),
            Key::Down if self.back > 0 => self.go_back(self.back - 1),
            Key::Backspace => self.erase(self.left(), cursor),
            Key::Delete | Key::DeleteOrEnd => self.erase(cursor, self.right()),
            Key::EraseWord => self.erase(self.word_start(), cursor),
            Key::EraseToStart => self.erase(0, cursor),
            Key::EraseToEnd => self.erase(cursor, self.text.len()),
            Key::EraseAll => self.set(String::new()),
            Key::Down | Key::Enter | Key::Redraw => {}
        }
    }

    fn insert(&mut self, c: char) {
        self.text.insert(self.cursor, c);
        self.cursor += c.len_utf8();
        self.leave_cluster();
    }

    fn erase(&mut self, start: usize, end: usize) {
        self.text.replace_range(start..end, "");
        self.cursor = start;
        self.leave_cluster();
    }

    /// What was before and what is after the cursor may have become one.
    fn leave_cluster(&mut self) {
        let mut cursor = GraphemeCursor::new(self.cursor, self.text.len(), true);
        if cursor.is_boundary(&self.text, 0) != Ok(true) {
            self.cursor = self.right();
        }
    }

    fn left(&self) -> usize {
        let mut cursor = GraphemeCursor::new(self.cursor, self.text.len(), true);
        cursor.prev_boundary(&self.text, 0).ok().flatten().unwrap_or(0)
    }

    fn right(&self) -> usize {
        let mut cursor = GraphemeCursor::new(self.cursor, self.text.len(), true);
        cursor.next_boundary(&self.text, 0).ok().flatten().unwrap_or(self.text.len())
    }

    /// Where the word before the cursor begins.
    fn word_start(&self) -> usize {
        let before = self.text[..self.cursor].trim_end();
        before
            .rfind(char::is_whitespace)
            .map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8))
    }

    /// Shows the line `back` lines before the new one.
    fn go_back(&mut self, back: usize) {
        if back > self.history.len() {
            return;
        }
        if self.back == 0 {
            self.draft.clone_from(&self.text);
        }
        self.back = back;
        let text = match back {
            0 => std::mem::take(&mut self.draft),
            _ => self.history[self.history.len() - back].clone(),
        };
        self.set(text);
    }
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
    fn keys_without_an_end_take_no_memory() {
        let mut editor = Editor::new(b"", 80);
        let endless = [&b"\x1b]0;"[..], &[b'x'; 100_000]].concat();
        assert_eq!(editor.next(&mut &endless[..], 4096), None);
        assert!(editor.line.text.len() <= 4096);
        editor.next(&mut &b"\x1b\\\x03ok"[..], 4096);
        assert_eq!(editor.line.text, "ok");
    }

    #[test]
    fn how_keys_without_an_end_are_cut_changes_nothing() {
        for begin in ["a\x1b]0;", "\x1bPq", "\x1b\u{39d}", "\x1b[1"] {
            let bytes = [begin, &"7".repeat(100), "\x1b]0;", &"x".repeat(70), "\r"].concat();
            let lines = |size| {
                let mut stage = Stage::new(80);
                bytes.as_bytes().chunks(size).for_each(|piece| stage.types(piece));
                stage.lines
            };
            let whole = lines(bytes.len());
            assert!(whole[0].ends_with('x'), "what is too long isn't a key: {whole:?}");
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

    #[test]
    fn what_is_remembered_has_a_limit() {
        let mut line = Line::default();
        for number in 0..1000 {
            line.set(format!("{number} {}", "x".repeat(number)));
            line.enter();
            assert!(line.history.len() <= HISTORY_LINES_MAX);
            let bytes: usize = line.history.iter().map(String::len).sum();
            assert_eq!(line.history_bytes, bytes);
            assert!(bytes <= HISTORY_BYTES_MAX);
        }
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
            let text = &stage.editor.line.text;
            prop_assert!(text.is_char_boundary(stage.editor.line.cursor));
        }

        #[test]
        fn how_keys_are_cut_into_packets_changes_nothing(keys in keys(), size in 1..7usize) {
            let bytes = keys.concat().into_bytes();
            let (mut whole, mut pieces) = (Stage::new(40), Stage::new(40));
            pieces.types(b"");
            whole.types(&bytes);
            bytes.chunks(size).for_each(|piece| pieces.types(piece));
            prop_assert_eq!(&whole.lines, &pieces.lines);
            prop_assert_eq!(&whole.editor.line.text, &pieces.editor.line.text);
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
