//! What the row of an edited line shows.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::line::Line;

pub const PROMPT: &str = "> ";

/// What stands in a row where a line ends in the middle of what is being typed.
const LINE_BREAK: &str = "¶";

/// One row of the terminal: what stands in it after the prompt, and in which
/// column the cursor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub text: String,
    pub cursor_column: usize,
    pub is_at_end: bool,
}

impl Row {
    /// What of the line fits into a row: the cursor and as much as possible of
    /// what is before it.
    pub fn of_line(line: &Line, columns: usize) -> Row {
        let (mut width, mut before) = (0, Vec::new());
        for cluster in line.before() {
            if width + columns_of(cluster) > columns {
                break;
            }
            width += columns_of(cluster);
            before.push(cluster);
        }
        let cursor_column = PROMPT.len() + width;
        let mut text: String = before.into_iter().rev().collect();
        let is_at_end = line.behind().next().is_none();
        for cluster in line.behind() {
            width += columns_of(cluster);
            if width > columns {
                break;
            }
            text += cluster;
        }
        Row { text: printable(&text), cursor_column, is_at_end }
    }

    /// What a row shows instead of the line, with the cursor behind it.
    pub fn message(text: &str, columns: usize) -> Row {
        let mut width = 0;
        let fits = |cluster: &&str| {
            width += columns_of(cluster);
            width <= columns
        };
        let text: String = text.graphemes(true).take_while(fits).collect();
        let text = printable(&text);
        let cursor_column = PROMPT.len() + text.width();
        Row { text, cursor_column, is_at_end: true }
    }

    /// Whether it is `old` with something typed at its end.
    pub fn continues(&self, old: &Row) -> bool {
        old.is_at_end && self.is_at_end && self.text.starts_with(&old.text)
    }
}

/// Asks whether pasted lines are to be sent.
pub fn question(lines: usize, columns: usize) -> String {
    let plural = if lines == 1 { "" } else { "s" };
    let text = format!("send {lines} line{plural}? y/n ");
    if text.len() <= columns { text } else { format!("send {lines}? y/n") }
}

/// Says that lines come in, and what to do if they don't end.
pub fn pasting(lines: usize, columns: usize) -> String {
    let plural = if lines == 1 { "" } else { "s" };
    let text = format!("pasting {lines} line{plural}; Ctrl-C stops it");
    if text.len() <= columns { text } else { "pasting: ^C?".to_owned() }
}

/// How many columns a terminal takes for a text.
fn columns_of(text: &str) -> usize {
    match text {
        "\t" | "\n" => 1,
        _ => text.width(),
    }
}

/// A text as it stands in a row: a tab is one column wide there, and the end of a line.
pub fn printable(text: &str) -> String {
    text.replace('\t', " ").replace('\n', LINE_BREAK)
}
