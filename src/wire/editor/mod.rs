//! A line that a client types on a terminal while others' lines come in.
//!
//! The server echoes: the line takes the lowest row of the terminal in use,
//! and is hidden while other lines are written there. A line that is longer
//! than the row scrolls to the side. Widths are those of UAX 11, and what looks
//! like one character is one (UAX 29): the cursor never stands inside it.

mod keys;
mod clusters;
mod history;
mod line;
mod row;
mod search;
mod paste;
mod completion;

use self::completion::Completion;
use self::keys::{Key, Keys, alt};
use self::line::Line;
use self::paste::{LINES_UNASKED_MAX, Paste, Step};
use self::row::{PROMPT, Row, printable};
use self::search::Search;

pub use self::paste::PASTE_BYTES_MAX;
pub(super) use self::paste::{MARK_NO_PASTES, MARK_PASTES};

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
    /// The same of several lines that were pasted, with an LF between two.
    Lines(String),
    /// What is to be completed: the line up to the cursor. [`Editor::complete`] is the
    /// answer.
    Complete(String),
    /// More than [`PASTE_BYTES_MAX`] were pasted, which are gone.
    PasteTooLong,
    /// Ctrl-D in an empty line: the client wants to leave.
    End,
}

/// A line being typed.
#[derive(Debug)]
pub struct Editor {
    keys: Keys,
    /// The beginning of a character, 3 bytes at most.
    begun: Vec<u8>,
    line: Line,
    mode: Mode,
    /// ESC has come: if it was that key, the mode is over.
    is_escaped: bool,
    /// What Tab has put in, while nothing else is typed.
    completion: Option<Completion>,
    columns: usize,
    /// What the terminal shows.
    shown: Option<Row>,
    /// Rows above the cursor's that what is shown takes since the terminal has
    /// become narrower.
    rows_above: usize,
    /// The bell is to ring.
    has_bell: bool,
}

/// What keys are for.
#[derive(Debug)]
enum Mode {
    Typing,
    Searching(Search),
    Pasting(Paste),
    /// These lines have been pasted: are they to be sent?
    Asking(String),
}

impl Editor {
    /// An editor with `begun`, the beginning of a line.
    pub fn new(begun: &[u8], columns: u16) -> Self {
        let text = String::from_utf8_lossy(begun).replace(char::is_control, "");
        let mut editor = Editor {
            keys: Keys::default(),
            begun: Vec::new(),
            line: Line::new(text),
            mode: Mode::Typing,
            is_escaped: false,
            completion: None,
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
        if let Some(shown) = &self.shown {
            // Terminals wrap what doesn't fit any more, but not a cursor behind the last column.
            let column = shown.cursor_column.saturating_sub(shown.is_at_end.into());
            self.rows_above = column / columns;
        }
        self.columns = columns;
    }

    /// Takes keys off the front of `input` until something comes of them. `None` means
    /// that `input` is used up.
    pub fn next(&mut self, input: &mut &[u8], line_bytes_max: usize) -> Option<Edited> {
        while !input.is_empty() {
            let (piece, rest) = input.split_at(input.len().min(PIECE_BYTES_MAX));
            let begun = std::mem::take(&mut self.begun);
            let bytes = [&begun, piece].concat();
            let (whole, part) = bytes.split_at(bytes.len() - begun_bytes(&bytes));
            let mut taken = 0;
            for (c, length) in characters(whole) {
                taken += length;
                let edited = self.take(c, line_bytes_max);
                if edited.is_some() {
                    // What was begun was the beginning of the first one.
                    *input = &input[taken - begun.len()..];
                    return edited;
                }
            }
            self.begun = part.to_vec();
            *input = rest;
        }
        None
    }

    /// Answers [`Edited::Complete`]: these are what so many bytes before the cursor may
    /// become.
    pub fn complete(&mut self, bytes: usize, candidates: Vec<String>, line_bytes_max: usize) {
        match Completion::begin(&mut self.line, bytes, candidates, line_bytes_max) {
            None => self.has_bell = true,
            completion => self.completion = completion,
        }
    }

    /// Remembers a line that was entered, for the arrow keys.
    pub fn remember(&mut self, line: &str) {
        self.line.remember(line);
    }

    /// What the terminal has to show of an entered line.
    pub fn entered(line: &str) -> Vec<u8> {
        [PROMPT, &printable(line), "\r\n"].concat().into_bytes()
    }

    /// Whether the terminal doesn't show the line as it is.
    pub fn is_stale(&self) -> bool {
        self.has_bell || self.shown.as_ref() != Some(&self.row())
    }

    /// Bytes of memory held for the line, and for those before it.
    pub fn held_bytes(&self) -> usize {
        let mode = match &self.mode {
            Mode::Typing => 0,
            Mode::Searching(search) => search.held_bytes(),
            Mode::Pasting(paste) => paste.held_bytes(),
            Mode::Asking(lines) => lines.capacity(),
        };
        let completion = self.completion.as_ref().map_or(0, Completion::held_bytes);
        self.line.held_bytes() + self.begun.capacity() + mode + completion
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
        let row = self.row();
        match &self.shown {
            Some(shown) if *shown == row && self.rows_above == 0 => return,
            Some(shown) if self.rows_above == 0 && row.continues(shown) => {
                screen.extend(&row.text.as_bytes()[shown.text.len()..]);
            }
            _ => {
                self.clear(screen);
                screen.extend(PROMPT.as_bytes());
                screen.extend(row.text.as_bytes());
                // At the end it is where it should be, whatever the terminal takes
                // for the width of what is before it.
                if !row.is_at_end {
                    screen.extend(format!("\r\x1b[{}C", row.cursor_column).as_bytes());
                }
            }
        }
        self.shown = Some(row);
    }

    /// What the row shows.
    fn row(&self) -> Row {
        // In the last column some terminals wrap.
        let columns = self.columns - PROMPT.len() - 1;
        match &self.mode {
            _ if self.is_escaped => Row::of_line(&self.line, columns),
            Mode::Typing => Row::of_line(&self.line, columns),
            Mode::Searching(search) => {
                Row::message(&search.row(self.line.history(), columns), columns)
            }
            Mode::Pasting(paste) => {
                Row::message(&row::pasting(paste.line_count(), columns), columns)
            }
            Mode::Asking(lines) => {
                Row::message(&row::question(lines.lines().count(), columns), columns)
            }
        }
    }

    fn take(&mut self, c: char, line_bytes_max: usize) -> Option<Edited> {
        if let Mode::Pasting(paste) = &mut self.mode {
            let step = paste.push(c);
            return self.end_paste(step, line_bytes_max);
        }
        let key = self.keys.next(c)?;
        if key == Key::Escape {
            self.is_escaped = matches!(self.mode, Mode::Searching(_) | Mode::Asking(_));
            return None;
        }
        let key = match (std::mem::take(&mut self.is_escaped), key) {
            // It was ESC alone, and this came next.
            (true, Key::Alt(c)) => {
                self.mode = Mode::Typing;
                if c.is_control() { Key::Backspace } else { Key::Character(c) }
            }
            (true, key) => {
                if c.is_control() {
                    self.mode = Mode::Typing;
                }
                key
            }
            (false, Key::Alt(c)) => alt(c),
            (false, key) => key,
        };
        self.press(key, line_bytes_max)
    }

    fn press(&mut self, key: Key, line_bytes_max: usize) -> Option<Edited> {
        let completion = self.completion.take();
        match (key, &mut self.mode) {
            (Key::Unknown, _) => self.completion = completion,
            // Where no row is, nothing may be cleared: a line may have begun there.
            (Key::Redraw, _) if self.shown.is_none() => {}
            // Whatever the terminal shows, it isn't this.
            (Key::Redraw, _) => {
                let (text, cursor_column, is_at_end) = (String::new(), 0, false);
                self.shown = Some(Row { text, cursor_column, is_at_end });
            }
            (Key::PasteBegin, _) => {
                self.take_found();
                self.mode = Mode::Pasting(Paste::default());
            }
            (_, Mode::Asking(lines)) => match key {
                Key::Character('y' | 'Y') => {
                    let lines = std::mem::take(lines);
                    self.mode = Mode::Typing;
                    return Some(Edited::Lines(lines));
                }
                Key::Character('n' | 'N') | Key::EraseAll | Key::Cancel => {
                    self.mode = Mode::Typing;
                }
                _ => self.has_bell = true,
            },
            (_, Mode::Searching(_)) => return self.press_in_search(key, line_bytes_max),
            (Key::Complete | Key::CompleteBack, _) if completion.is_some() => {
                self.completion = completion;
                self.go_on_completing(key, line_bytes_max);
            }
            (Key::Complete, _) => {
                let line = self.line.text_before().lines().last().unwrap_or_default();
                return Some(Edited::Complete(line.to_owned()));
            }
            (Key::CompleteBack, _) => self.has_bell = true,
            _ => return self.press_in_line(key, line_bytes_max),
        }
        None
    }

    fn press_in_line(&mut self, key: Key, line_bytes_max: usize) -> Option<Edited> {
        let is_empty = self.line.as_str().is_empty();
        match key {
            Key::Character(c) if !self.line.has_place_for(c, line_bytes_max) => {
                self.has_bell = true;
            }
            Key::Yank if !self.line.has_place(self.line.erased_bytes(), line_bytes_max) => {
                self.has_bell = true;
            }
            Key::Enter if is_empty => {}
            Key::Enter => {
                let text = self.line.enter();
                let is_one = !text.contains('\n');
                return Some(if is_one { Edited::Line(text) } else { Edited::Lines(text) });
            }
            Key::DeleteOrEnd if is_empty => return Some(Edited::End),
            Key::Search => self.mode = Mode::Searching(Search::default()),
            _ => self.line.press(key),
        }
        None
    }

    fn press_in_search(&mut self, key: Key, line_bytes_max: usize) -> Option<Edited> {
        let Mode::Searching(search) = &mut self.mode else { return None };
        let has_found = match key {
            Key::Character(c) => search.push(c, self.line.history()),
            Key::Backspace => search.pop(self.line.history()),
            Key::Search => search.go_on(self.line.history()),
            Key::Cancel | Key::EraseAll => {
                self.mode = Mode::Typing;
                return None;
            }
            // With nothing found it isn't known what would be sent.
            Key::Enter if search.found().is_none() => {
                self.mode = Mode::Typing;
                return None;
            }
            _ => {
                self.take_found();
                return self.press(key, line_bytes_max);
            }
        };
        self.has_bell |= !has_found;
        None
    }

    /// Ends a search with what it has found in the line.
    fn take_found(&mut self) {
        if let Mode::Searching(search) = &self.mode {
            if let Some(back) = search.found() {
                self.line.go_back(back);
            }
            self.mode = Mode::Typing;
        }
    }

    fn go_on_completing(&mut self, key: Key, line_bytes_max: usize) {
        let Some(completion) = &mut self.completion else { return };
        let is_next = key == Key::Complete;
        self.has_bell |= !completion.go_on(&mut self.line, is_next, line_bytes_max);
    }

    /// What is to be done with what was pasted.
    fn end_paste(&mut self, step: Step, line_bytes_max: usize) -> Option<Edited> {
        if step == Step::More {
            return None;
        }
        self.mode = Mode::Typing;
        match step {
            Step::More | Step::Dropped => {}
            Step::TooLong => return Some(Edited::PasteTooLong),
            Step::Done(lines) => {
                let count = lines.lines().count();
                if count == 1 {
                    let fits = lines.chars().all(|c| {
                        let fits = self.line.has_place_for(c, line_bytes_max);
                        if fits {
                            self.line.press(Key::Character(c));
                        }
                        fits
                    });
                    self.has_bell |= !fits;
                } else if count <= LINES_UNASKED_MAX
                    && self.line.has_place(lines.len(), line_bytes_max)
                {
                    self.line.insert_str(&lines);
                } else {
                    self.mode = Mode::Asking(lines);
                }
            }
        }
        None
    }
}

/// The characters of bytes, and how long they are. What isn't UTF-8 is U+FFFD.
fn characters(bytes: &[u8]) -> impl Iterator<Item = (char, usize)> {
    bytes.utf8_chunks().flat_map(|chunk| {
        let invalid = Some((char::REPLACEMENT_CHARACTER, chunk.invalid().len()));
        let invalid = invalid.filter(|(_, length)| *length > 0);
        chunk.valid().chars().map(|c| (c, c.len_utf8())).chain(invalid)
    })
}

/// How many bytes at the end are the beginning of a character, and not yet wrong.
fn begun_bytes(bytes: &[u8]) -> usize {
    let end = bytes.utf8_chunks().last().map_or(&[][..], |chunk| chunk.invalid());
    let is_begun = str::from_utf8(end).is_err_and(|error| error.error_len().is_none());
    if is_begun { end.len() } else { 0 }
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
                match edited {
                    Edited::Line(line) => {
                        self.editor.remember(&line);
                        self.enters(&line, &mut screen);
                    }
                    Edited::Lines(lines) => {
                        lines.lines().for_each(|line| self.enters(line, &mut screen));
                    }
                    Edited::Complete(line) => self.completes(&line),
                    Edited::PasteTooLong => self.lines.push("too long".into()),
                    Edited::End => {}
                }
            }
            self.editor.show(&mut screen);
            self.terminal.process(&screen);
        }

        fn enters(&mut self, line: &str, screen: &mut Vec<u8>) {
            self.editor.hide(screen);
            screen.extend(Editor::entered(line));
            self.lines.push(line.into());
        }

        /// Names that begin with the last word.
        fn completes(&mut self, line: &str) {
            let word = line.rsplit(' ').next().unwrap_or_default();
            let names = ["ann ", "anna ", "bob ", "日本 "].iter();
            let names = names.filter(|name| name.starts_with(word)).map(|name| name.to_string());
            self.editor.complete(word.len(), names.collect(), LINE_BYTES_MAX);
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
        check("a b\x1b[99~c\x1bxd", "> a bcd", 7);
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

    /// Types each of these, and looks at the row each time.
    #[track_caller]
    fn check_rows(stage: &mut Stage, steps: &[(&str, &str)]) {
        for (keys, row) in steps {
            stage.types(keys.as_bytes());
            assert_eq!(stage.row(), *row, "{keys:?}");
        }
    }

    #[test]
    fn words_are_moved_over_and_erased() {
        check("one two-three\x1bb", "> one two-three", 10);
        check("one two-three\x1b[1;5D\x1b[1;5D", "> one two-three", 6);
        check("one two-three\x01\x1bf\x1bf", "> one two-three", 9);
        check("one two-three\x1b\x7f", "> one two-", 10);
        check("one two\x01\x1bd", ">  two", 2);
        check("abc\x14", "> acb", 5);
        check("abcd\x02\x02\x14", "> acbd", 5);
        check("a\x14", "> a", 3);
        check("日本\x14", "> 本日", 6);
    }

    #[test]
    fn what_is_erased_can_be_put_in_again() {
        check("one two\x17\x19 \x19", "> one two two", 13);
        check("one two\x15\x19!", "> one two!", 10);
        // Keys that erase in a row are one.
        check("one two three\x17\x17\x01\x19", "> two threeone", 11);
        check("one two\x01\x1bd\x0b\x19\x19", "> one twoone two", 16);
        check("\x19", ">", 2);
        let mut stage = Stage::new(80);
        let line = "x".repeat(LINE_BYTES_MAX);
        stage.types(format!("{line}\x15\x19\x19\r").as_bytes());
        assert_eq!(stage.lines, [line]);
    }

    #[test]
    fn tab_completes_and_goes_on() {
        let mut stage = Stage::new(80);
        check_rows(
            &mut stage,
            &[
                ("say a\t", "> say ann"),
                ("\t", "> say anna"),
                ("\t", "> say ann"),
                ("\x1b[Z", "> say anna"),
                ("b\t", "> say anna bob"),
                ("\x1b[D\x1b[D\x1b[D\x1b[D\t", "> say anna ann bob"),
                ("\x15日\t!", "> 日本 !bob"),
            ],
        );
        assert!(!stage.editor.has_bell);
        let rings = |keys: &str| {
            let mut editor = Editor::new(b"", 80);
            let mut keys = keys.as_bytes();
            while let Some(Edited::Complete(before)) = editor.next(&mut keys, 100) {
                let one = if before.ends_with('b') { vec!["bob ".to_owned()] } else { Vec::new() };
                editor.complete(1, one, 100);
            }
            editor.has_bell
        };
        assert!(rings("x\t") && rings("b\t\t") && rings("b\x1b[Z"));
        assert!(!rings("b\t"));
    }

    #[test]
    fn ctrl_r_finds_what_was_typed() {
        let mut stage = Stage::new(80);
        stage.types(b"hello ann\rhello bob\rbye\rdraft");
        check_rows(
            &mut stage,
            &[
                ("\x12", "> search :"),
                ("he", "> search he: hello bob"),
                ("\x12", "> search he: hello ann"),
                ("\x12", "> search he: hello ann"),
                ("\x7f", "> search h: hello bob"),
                ("z", "> search hz:"),
                ("\x7f", "> search h: hello bob"),
                // Given up, by either key.
                ("\x07", "> draft"),
                ("\x12b", "> search b: bye"),
                ("\x1b", "> draft"),
                ("!", "> draft!"),
                // What was found is edited.
                ("\x12ann\x1b[D", "> hello ann"),
                ("x", "> hello anxn"),
                ("\x0e\x0e\x0e", "> draft!"),
                ("\x12BOB\r", ">"),
            ],
        );
        assert_eq!(stage.lines.last().map(String::as_str), Some("hello bob"));
        stage.types(b"kept\x12nothing\r");
        assert_eq!((stage.row().as_str(), stage.lines.len()), ("> kept", 4));
    }

    #[test]
    fn a_search_shows_where_a_long_line_has_it() {
        let mut stage = Stage::new(40);
        let line = format!("{} needle in it", "hay ".repeat(20));
        stage.types(format!("{line}\r\x12need").as_bytes());
        assert_eq!(stage.row(), "> search need: needle in it");
    }

    fn pasted(text: &str) -> String {
        format!("\x1b[200~{text}\x1b[201~")
    }

    #[test]
    fn pasted_text_is_no_key() {
        let mut stage = Stage::new(80);
        let paste = pasted("one\ttwo\x15\x04\r");
        check_rows(&mut stage, &[(&format!("a{paste}b"), "> aone    twob"), ("\r", ">")]);
        stage.types(pasted("x\ny\r\nz\n").as_bytes());
        assert_eq!(stage.row(), "> x¶y¶z");
        stage.types(b"!\r");
        assert_eq!(stage.lines, ["aone    twob", "x", "y", "z!"]);
    }

    #[test]
    fn many_pasted_lines_are_sent_if_wanted() {
        let lines = ["1", "2", "3", "4"];
        let mut stage = Stage::new(80);
        stage.types(b"draft");
        for no in ["n", "\x03", "\x07", "\x1b"] {
            let paste = pasted(&lines.join("\n"));
            let question = "> send 4 lines? y/n";
            let steps = [(paste.as_str(), question), ("\x1b[Ax\r", question), (no, "> draft")];
            check_rows(&mut stage, &steps);
            assert!(stage.lines.is_empty(), "{no:?}");
        }
        stage.types(pasted(&lines.join("\r")).as_bytes());
        stage.says("<bob> hi");
        stage.types(b"y!\r");
        assert_eq!(stage.lines, ["1", "2", "3", "4", "draft!"]);
    }

    #[test]
    fn a_paste_without_an_end_is_shown_and_stopped() {
        let mut stage = Stage::new(80);
        check_rows(
            &mut stage,
            &[
                ("draft\x1b[200~one\r\ntwo", "> pasting 2 lines; Ctrl-C stops it"),
                ("\x03", "> draft"),
                ("!\r", ">"),
            ],
        );
        assert_eq!(stage.lines, ["draft!"]);
        let much = "line\n".repeat(PASTE_BYTES_MAX);
        stage.types(pasted(&much).as_bytes());
        assert_eq!(stage.lines, ["draft!", "too long"]);
        assert!(stage.editor.held_bytes() < 1024);
    }

    #[test]
    fn a_second_paste_is_no_answer() {
        let mut stage = Stage::new(80);
        stage.types(pasted("1\n2\n3\n4").as_bytes());
        stage.types(pasted("y").as_bytes());
        assert_eq!((stage.row().as_str(), stage.lines.len()), ("> y", 0));
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

    /// The window has become narrower while the client had the row drawn anew.
    #[test]
    fn what_is_drawn_anew_has_no_rows_above() {
        let (mut editor, mut screen) = (Editor::new(b"hello", 80), Vec::new());
        editor.show(&mut screen);
        editor.next(&mut &b"\x0c"[..], 100);
        editor.set_columns(20);
        screen.clear();
        editor.show(&mut screen);
        assert_eq!(screen.escape_ascii().to_string(), "\\r\\x1b[K> hello");
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
        const KEYS: [&str; 35] = [
            "a",
            "b",
            "日",
            "e\u{301}",
            " ",
            "word",
            "\x7f",
            "\x1b[D",
            "\x1b[C",
            "\x1b[A",
            "\x1b[B",
            "\x1b[3~",
            "\x01",
            "\x05",
            "\x17",
            "\x15",
            "\x0b",
            "\r\n",
            "\x0c",
            "\x03",
            "\t",
            "\x1b[Z",
            "\x19",
            "\x14",
            "\x1bb",
            "\x1bf",
            "\x1bd",
            "\x1b\x7f",
            "\x12",
            "\x07",
            "\x1b",
            "\x1b[200~",
            "\x1b[201~",
            "y",
            "one\ntwo",
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
            let shown = stage.editor.row();
            let row = format!("{PROMPT}{}", shown.text);
            prop_assert_eq!(stage.row(), row.trim_end());
            prop_assert_eq!(stage.cursor(), shown.cursor_column);
            prop_assert!(shown.cursor_column < columns.into());
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
