//! Keys in the characters that a terminal sends for them (ECMA-48, and what
//! terminals made of it).
//!
//! Not the parser of a terminal: no key begins a string (OSC, DCS and the like)
//! that could swallow what is typed next, and the end of a line and Ctrl-C are
//! heard in the middle of anything.

/// The longest sequence that is one key, in characters. What is behind that is
/// typed text again.
const SEQUENCE_MAX: u8 = 32;

/// A key, or what is sent for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Character(char),
    Enter,
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    Up,
    Down,
    Backspace,
    Delete,
    /// Ctrl-D.
    DeleteOrEnd,
    EraseWord,
    /// Alt-Backspace: the letters and digits before the cursor.
    EraseLetters,
    /// Alt-D.
    EraseWordAfter,
    EraseToStart,
    EraseToEnd,
    /// Ctrl-C.
    EraseAll,
    /// Ctrl-Y.
    Yank,
    /// Ctrl-T.
    Swap,
    Redraw,
    /// Tab and Shift-Tab.
    Complete,
    CompleteBack,
    /// Ctrl-R.
    Search,
    /// Ctrl-G.
    Cancel,
    /// The beginning of a sequence, or a key that has been pressed alone.
    Escape,
    /// Alt and a character.
    Alt(char),
    /// What follows is pasted, up to `ESC [ 201 ~`.
    PasteBegin,
    /// A sequence that is no key here.
    Unknown,
}

/// Puts characters together to keys.
#[derive(Debug, Default)]
pub(super) struct Keys {
    state: State,
    /// The last character was a CR: LF or NUL after it is no key.
    after_cr: bool,
}

/// What the last characters were.
#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Ground,
    /// ESC.
    Escape,
    /// ESC O (SS3): the next character is the name of a key.
    Named,
    /// ESC [ (CSI), and what has come behind it.
    Sequence(Sequence),
    /// ESC [ [: a function key of the Linux console, whose name is next.
    Function,
}

/// A control sequence that isn't whole.
#[derive(Clone, Copy, Debug, Default)]
struct Sequence {
    characters: u8,
    /// The first two numbers: which key, and what is held down with it.
    numbers: [u16; 2],
    /// Which of them comes; 2 or more: another one, or something else.
    at: u8,
}

impl Keys {
    /// The key that ends with this character, if one does. ESC is a key, too, whatever
    /// comes behind it: whether it is one alone shows with the next character.
    pub fn next(&mut self, c: char) -> Option<Key> {
        let is_end_of_cr = std::mem::take(&mut self.after_cr) && matches!(c, '\n' | '\0');
        if is_end_of_cr {
            return None;
        }
        let state = std::mem::take(&mut self.state);
        if c == '\u{1b}' {
            self.state = State::Escape;
            return Some(Key::Escape);
        }
        if c.is_control() {
            self.after_cr = c == '\r';
            return match (state, c) {
                (State::Escape, '\u{8}' | '\u{7f}') => Some(Key::Alt('\u{7f}')),
                _ => control(c),
            };
        }
        match state {
            State::Ground => Some(Key::Character(c)),
            State::Named => Some(named(c)),
            State::Function => Some(Key::Unknown),
            State::Escape => {
                self.state = match c {
                    '[' => State::Sequence(Sequence::default()),
                    'O' => State::Named,
                    _ => return Some(Key::Alt(c)),
                };
                None
            }
            State::Sequence(sequence) => self.sequence(c, sequence),
        }
    }

    /// A character of a control sequence (ECMA-48, section 5.4).
    fn sequence(&mut self, c: char, mut sequence: Sequence) -> Option<Key> {
        match c {
            '[' if sequence.characters == 0 => {
                self.state = State::Function;
                None
            }
            // Parameters and intermediate characters.
            ' '..='?' if sequence.characters < SEQUENCE_MAX => {
                sequence.add(c);
                self.state = State::Sequence(sequence);
                None
            }
            // That of rxvt with Ctrl, Shift or both.
            '~' | '^' | '$' | '@' => Some(sequence.numbered(c)),
            'A'..='~' => Some(sequence.named(c)),
            // No sequence has that.
            _ => Some(Key::Character(c)),
        }
    }
}

impl Sequence {
    fn add(&mut self, c: char) {
        self.characters += 1;
        match (c.to_digit(10), self.numbers.get_mut(usize::from(self.at))) {
            (Some(digit), Some(number)) => {
                *number = number.saturating_mul(10).saturating_add(digit as u16);
            }
            (None, Some(_)) if c == ';' => self.at += 1,
            // The number of the key is as much as is understood.
            (None, _) => self.at = 2,
            (Some(_), None) => {}
        }
    }

    /// Whether Alt or Ctrl is held down with the key: 1 and bits of Shift, Alt, Ctrl and
    /// Meta, as xterm says it; very old ones have sent it as the only number.
    fn is_with_control(self) -> bool {
        let modifiers = if self.at == 0 { self.numbers[0] } else { self.numbers[1] };
        modifiers.saturating_sub(1) & 0b1110 != 0
    }

    /// A key that ECMA-48 has a letter for.
    fn named(self, c: char) -> Key {
        match c {
            'C' if self.is_with_control() => Key::WordRight,
            'D' if self.is_with_control() => Key::WordLeft,
            _ => named(c),
        }
    }

    /// A key with a number, as the VT220 has it.
    fn numbered(self, c: char) -> Key {
        match self.numbers[0] {
            1 | 7 => Key::Home,
            4 | 8 => Key::End,
            3 if c == '^' || c == '~' && self.at > 0 && self.is_with_control() => {
                Key::EraseWordAfter
            }
            3 => Key::Delete,
            200 if c == '~' => Key::PasteBegin,
            _ => Key::Unknown,
        }
    }
}

/// What a control character does.
fn control(c: char) -> Option<Key> {
    Some(match c {
        '\r' | '\n' => Key::Enter,
        '\t' => Key::Complete,
        '\u{1}' => Key::Home,
        '\u{2}' => Key::Left,
        '\u{3}' => Key::EraseAll,
        '\u{4}' => Key::DeleteOrEnd,
        '\u{5}' => Key::End,
        '\u{6}' => Key::Right,
        '\u{7}' => Key::Cancel,
        '\u{8}' | '\u{7f}' => Key::Backspace,
        '\u{b}' => Key::EraseToEnd,
        '\u{c}' => Key::Redraw,
        '\u{e}' => Key::Down,
        '\u{10}' => Key::Up,
        '\u{12}' => Key::Search,
        '\u{14}' => Key::Swap,
        '\u{15}' => Key::EraseToStart,
        '\u{17}' => Key::EraseWord,
        '\u{19}' => Key::Yank,
        _ => return None,
    })
}

/// What Alt does with a character.
pub(super) fn alt(c: char) -> Key {
    match c {
        'b' | 'B' => Key::WordLeft,
        'f' | 'F' => Key::WordRight,
        'd' | 'D' => Key::EraseWordAfter,
        '\u{7f}' => Key::EraseLetters,
        _ => Key::Unknown,
    }
}

/// The keys of ECMA-48, section 8.3, and of VT100 in its application mode; small letters
/// are those of rxvt, and PuTTY in its mode.
fn named(c: char) -> Key {
    match c {
        'A' => Key::Up,
        'B' => Key::Down,
        'C' => Key::Right,
        'D' => Key::Left,
        'H' => Key::Home,
        'F' | 'w' => Key::End,
        'c' => Key::WordRight,
        'd' => Key::WordLeft,
        // That of the keypad.
        'M' => Key::Enter,
        'Z' => Key::CompleteBack,
        _ => Key::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of it, ESC left out.
    fn keys(text: &str) -> Vec<Key> {
        let mut keys = Keys::default();
        let keys = text.chars().filter_map(|c| keys.next(c));
        keys.filter(|key| *key != Key::Escape).collect()
    }

    fn typed(text: &str) -> String {
        let characters = keys(text).into_iter().filter_map(|key| match key {
            Key::Character(c) => Some(c),
            Key::Enter => Some('\n'),
            Key::Unknown | Key::Alt(_) => None,
            _ => Some('?'),
        });
        characters.collect()
    }

    #[test]
    fn each_key_is_known_as_terminals_send_it() {
        use Key::*;
        for (key, encodings) in [
            (Up, &["\u{1b}[A", "\u{1b}OA", "\u{10}"][..]),
            (Down, &["\u{1b}[B", "\u{1b}OB", "\u{e}"]),
            (Left, &["\u{1b}[D", "\u{1b}OD", "\u{1b}[1;2D", "\u{2}"]),
            (Right, &["\u{1b}[C", "\u{1b}OC", "\u{6}"]),
            // xterm, an old one, rxvt; with Alt.
            (WordLeft, &["\u{1b}[1;5D", "\u{1b}[5D", "\u{1b}Od", "\u{1b}[1;3D"]),
            (WordRight, &["\u{1b}[1;5C", "\u{1b}[5C", "\u{1b}Oc", "\u{1b}[1;7C"]),
            // xterm, its application mode, the Linux console and PuTTY, rxvt.
            (Home, &["\u{1b}[H", "\u{1b}OH", "\u{1b}[1~", "\u{1b}[7~", "\u{1}"]),
            (End, &["\u{1b}[F", "\u{1b}OF", "\u{1b}[4~", "\u{1b}[8~", "\u{1b}Ow", "\u{5}"]),
            (Delete, &["\u{1b}[3~", "\u{1b}[3;2~"]),
            (EraseWordAfter, &["\u{1b}[3;5~", "\u{1b}[3^"]),
            (Backspace, &["\u{7f}", "\u{8}"]),
            (Alt('\u{7f}'), &["\u{1b}\u{7f}", "\u{1b}\u{8}"]),
            (Alt('b'), &["\u{1b}b"]),
            (Enter, &["\r", "\n", "\u{1b}OM"]),
            (Complete, &["\t"]),
            (CompleteBack, &["\u{1b}[Z", "\u{1b}[1;2Z"]),
            (Search, &["\u{12}"]),
            (PasteBegin, &["\u{1b}[200~"]),
            // F1 to F5 of the Linux console, F5 of others, Insert, the end of a paste.
            (Unknown, &["\u{1b}[[A", "\u{1b}[[E", "\u{1b}[15~", "\u{1b}[2~", "\u{1b}[201~"]),
        ] {
            for text in encodings {
                assert_eq!(keys(text), [key], "{text:?}");
                assert!(typed(&format!("{text}ok")).ends_with("ok"), "{text:?}");
            }
        }
        assert_eq!(alt('B'), WordLeft);
    }

    #[test]
    fn no_key_swallows_what_is_typed_next() {
        for string in ['X', 'P', ']', '^', '_'] {
            assert_eq!(typed(&format!("\u{1b}{string}hello\r")), "hello\n", "{string}");
        }
        let endless = "7".repeat(usize::from(SEQUENCE_MAX) + 8);
        assert_eq!(typed(&format!("\u{1b}[{endless}ok\r")), "77777777ok\n");
    }

    #[test]
    fn the_end_of_a_line_is_heard_in_the_middle_of_anything() {
        for begun in ["\u{1b}", "\u{1b}[", "\u{1b}[1;", "\u{1b}O", "\u{1b}[["] {
            assert_eq!(typed(&format!("a{begun}\rb\n")), "a\nb\n", "{begun:?}");
            assert_eq!(keys(&format!("{begun}\u{3}")), [Key::EraseAll], "{begun:?}");
            assert_eq!(keys(&format!("{begun}\u{1b}[A")), [Key::Up], "{begun:?}");
        }
    }

    #[test]
    fn cr_lf_and_cr_nul_are_one_key() {
        assert_eq!(typed("a\r\nb\r\0c\n\rd\r"), "a\nb\nc\n\nd\n");
    }
}
