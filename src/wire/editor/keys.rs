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
    /// ESC [ (CSI), and behind it so many characters, the first of which were
    /// this number.
    Sequence { characters: u8, number: u16, is_number: bool },
    /// ESC [ [: a function key of the Linux console, whose name is next.
    Function,
}

const SEQUENCE: State = State::Sequence { characters: 0, number: 0, is_number: true };

impl Keys {
    /// The key that ends with this character, if one does.
    pub fn next(&mut self, c: char) -> Option<Key> {
        let is_end_of_cr = std::mem::take(&mut self.after_cr) && matches!(c, '\n' | '\0');
        if is_end_of_cr {
            return None;
        }
        if c == '\u{1b}' {
            self.state = State::Escape;
            return None;
        }
        if c.is_control() {
            self.state = State::Ground;
            self.after_cr = c == '\r';
            return control(c);
        }
        match std::mem::take(&mut self.state) {
            State::Ground => Some(Key::Character(c)),
            State::Named => named(c),
            State::Function => None,
            State::Escape => {
                self.state = match c {
                    '[' => SEQUENCE,
                    'O' => State::Named,
                    // Alt and a key.
                    _ => State::Ground,
                };
                None
            }
            State::Sequence { characters, number, is_number } => {
                self.sequence(c, characters, number, is_number)
            }
        }
    }

    /// A character of a control sequence (ECMA-48, section 5.4).
    fn sequence(&mut self, c: char, characters: u8, number: u16, is_number: bool) -> Option<Key> {
        match c {
            '[' if characters == 0 => {
                self.state = State::Function;
                None
            }
            // Parameters and intermediate characters.
            ' '..='?' if characters < SEQUENCE_MAX => {
                let digit = c.to_digit(10).filter(|_| is_number);
                self.state = State::Sequence {
                    characters: characters + 1,
                    number: digit.map_or(number, |digit| {
                        number.saturating_mul(10).saturating_add(digit as u16)
                    }),
                    is_number: digit.is_some(),
                };
                None
            }
            '~' => match number {
                1 | 7 => Some(Key::Home),
                4 | 8 => Some(Key::End),
                3 => Some(Key::Delete),
                _ => None,
            },
            '@'..='~' => named(c),
            // No sequence has that.
            _ => Some(Key::Character(c)),
        }
    }
}

/// What a control character does.
fn control(c: char) -> Option<Key> {
    Some(match c {
        '\r' | '\n' => Key::Enter,
        '\t' => Key::Character('\t'),
        '\u{1}' => Key::Home,
        '\u{2}' => Key::Left,
        '\u{3}' => Key::EraseAll,
        '\u{4}' => Key::DeleteOrEnd,
        '\u{5}' => Key::End,
        '\u{6}' => Key::Right,
        '\u{8}' | '\u{7f}' => Key::Backspace,
        '\u{b}' => Key::EraseToEnd,
        '\u{c}' => Key::Redraw,
        '\u{e}' => Key::Down,
        '\u{10}' => Key::Up,
        '\u{15}' => Key::EraseToStart,
        '\u{17}' => Key::EraseWord,
        _ => return None,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<Key> {
        let mut keys = Keys::default();
        text.chars().filter_map(|c| keys.next(c)).collect()
    }

    fn typed(text: &str) -> String {
        let characters = keys(text).into_iter().map(|key| match key {
            Key::Character(c) => c,
            Key::Enter => '\n',
            _ => '?',
        });
        characters.collect()
    }

    #[test]
    fn each_key_is_known_as_terminals_send_it() {
        for (text, key) in [
            ("\u{1b}[A", Key::Up),
            ("\u{1b}OD", Key::Left),
            ("\u{1b}[1;5C", Key::Right),
            ("\u{1b}[1~", Key::Home),
            ("\u{1b}[7~", Key::Home),
            ("\u{1b}[3~", Key::Delete),
            ("\u{1b}[H", Key::Home),
            ("\u{7f}", Key::Backspace),
        ] {
            assert_eq!(keys(text), [key], "{text:?}");
        }
        // F1 to F5 of the Linux console, F5 of others, Insert, Alt-x, Shift-Tab.
        for text in ["\u{1b}[[A", "\u{1b}[[E", "\u{1b}[15~", "\u{1b}[2~", "\u{1b}x", "\u{1b}[Z"] {
            assert_eq!(keys(text), [], "{text:?}");
            assert_eq!(typed(&format!("{text}ok")), "ok", "{text:?}");
        }
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
