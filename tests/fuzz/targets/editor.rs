//! Keys, and what a terminal is sent for them.

use std::iter;

use roomcast::wire::{Edited, Editor, PASTE_BYTES_MAX};

use super::cuts::cut;
use super::sequences::assert_known;

const LINE_BYTES_MAX: usize = 100;
/// What Tab may put in.
const NAMES: [&str; 3] = ["ann ", "anna: ", "日本 "];
/// What the editor may hold: the line, a draft of it, what was erased, what was
/// entered before, and a paste, each as large as a vector that has grown.
const HELD_BYTES_MAX: usize = 4 * (2 * LINE_BYTES_MAX + 8 * 1024) + 2 * PASTE_BYTES_MAX;

/// Lines are the same however their keys are cut into packets and whatever
/// comes in between; so is what the terminal shows.
pub fn editor(data: &[u8]) {
    let [columns, seed, keys @ ..] = data else { return };
    let mut stage = Stage::new(*columns);
    stage.run(iter::once(keys));
    let mut other = Stage::new(*columns);
    other.run(cut(keys, *seed));
    assert_eq!(stage.lines, other.lines);
    assert_eq!(stage.is_over, other.is_over);
    for line in &stage.lines {
        assert!(line.len() <= LINE_BYTES_MAX, "{} bytes", line.len());
        assert!(!line.contains(|c: char| c.is_control() && c != '\t'), "{line:?}");
    }
    // Terminals have other opinions about the width of other characters.
    if keys.is_ascii() {
        assert_eq!(stage.row(), other.row());
    }
}

/// A client's terminal, and the server's side of it.
struct Stage {
    editor: Editor,
    terminal: vt100::Parser,
    lines: Vec<String>,
    /// It has left, with Ctrl-D.
    is_over: bool,
}

impl Stage {
    fn new(columns: u8) -> Stage {
        // As narrow as one can be.
        let columns = u16::from(columns).max(16);
        let terminal = vt100::Parser::new(5, columns, 0);
        let editor = Editor::new(b"", columns);
        Stage { editor, terminal, lines: Vec::new(), is_over: false }
    }

    fn run<'a>(&mut self, packets: impl Iterator<Item = &'a [u8]>) {
        self.types(b"");
        for packet in packets {
            self.types(packet);
            self.says("<bob> hi");
        }
    }

    /// The client types, in one packet.
    fn types(&mut self, mut keys: &[u8]) {
        let mut screen = Vec::new();
        while !self.is_over
            && let Some(edited) = self.editor.next(&mut keys, LINE_BYTES_MAX)
        {
            match edited {
                Edited::End => self.is_over = true,
                Edited::Line(line) => {
                    self.editor.remember(&line);
                    self.enter(&line, &mut screen);
                }
                Edited::Lines(lines) => {
                    for line in lines.lines().filter(|line| line.len() <= LINE_BYTES_MAX) {
                        self.enter(line, &mut screen);
                    }
                }
                Edited::Complete(before) => {
                    let word = before.rsplit(' ').next().unwrap_or_default();
                    let names = NAMES.iter().filter(|name| name.starts_with(word));
                    let names = names.map(|name| name.to_string()).collect();
                    self.editor.complete(word.len(), names, LINE_BYTES_MAX);
                }
                Edited::PasteTooLong => {}
            }
        }
        assert!(self.editor.held_bytes() <= HELD_BYTES_MAX, "{}", self.editor.held_bytes());
        self.show(screen);
    }

    fn enter(&mut self, line: &str, screen: &mut Vec<u8>) {
        self.editor.hide(screen);
        screen.extend(Editor::entered(line));
        self.lines.push(line.to_owned());
    }

    /// Somebody says something.
    fn says(&mut self, line: &str) {
        let mut screen = Vec::new();
        self.editor.hide(&mut screen);
        screen.extend(line.as_bytes());
        screen.extend(b"\r\n");
        self.show(screen);
    }

    /// Draws the line, below what is on the screen already.
    fn show(&mut self, mut screen: Vec<u8>) {
        self.editor.show(&mut screen);
        assert!(!self.editor.is_stale());
        assert_known(str::from_utf8(&screen).expect("a screen is UTF-8"));
        self.terminal.process(&screen);
    }

    /// The row with the cursor, and its column.
    fn row(&self) -> (String, u16) {
        let screen = self.terminal.screen();
        let (row, column) = screen.cursor_position();
        let (_, columns) = screen.size();
        (screen.rows(0, columns).nth(row.into()).expect("it is there"), column)
    }
}
