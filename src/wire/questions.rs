//! What a telnet client was asked about its terminal and hasn't answered.

use super::telnet::{CHARSET, Command, ECHO, NAWS, NEW_ENVIRON, TERMINAL_TYPE};

/// The options that are asked about.
const OPTIONS: [u8; 5] = [ECHO, NAWS, TERMINAL_TYPE, NEW_ENVIRON, CHARSET];

/// The questions that are open, at most one about each option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Questions {
    /// Bit i is set if the one about `OPTIONS[i]` is.
    open: u8,
}

impl Questions {
    /// The client was asked about these options.
    pub fn ask(&mut self, options: &[u8]) {
        self.open |= bits(options);
    }

    /// The client has sent this: the question that it answers isn't open any more.
    pub fn hear(&mut self, command: Command) {
        let option = match command {
            // The size and the type come after that.
            Command::Will(NAWS | TERMINAL_TYPE | NEW_ENVIRON) => return,
            Command::Do(option)
            | Command::Dont(option)
            | Command::Will(option)
            | Command::Wont(option) => option,
            Command::WindowSize { .. } => NAWS,
            Command::TerminalType(_) => TERMINAL_TYPE,
            Command::Environment(_) => NEW_ENVIRON,
            Command::CharsetAccepted(_)
            | Command::CharsetRejected
            | Command::CharsetRequest(_)
            | Command::CharsetTable => CHARSET,
            _ => return,
        };
        self.open &= !bits(&[option]);
    }

    /// Whether an answer is still to come.
    pub fn are_open(self) -> bool {
        self.open != 0
    }
}

fn bits(options: &[u8]) -> u8 {
    let bit = |(at, option): (usize, &u8)| u8::from(options.contains(option)) << at;
    OPTIONS.iter().enumerate().map(bit).fold(0, |bits, bit| bits | bit)
}

#[cfg(test)]
mod tests {
    use super::super::terminal::Terminal;
    use super::*;

    #[test]
    fn a_question_is_open_until_what_it_asks_for_has_come() {
        let terminal = Terminal::default();
        for (option, commands) in [
            (ECHO, &[Command::Dont(ECHO)][..]),
            (NAWS, &[Command::Will(NAWS), Command::WindowSize { columns: 60 }]),
            (NAWS, &[Command::Wont(NAWS)]),
            (TERMINAL_TYPE, &[Command::Will(TERMINAL_TYPE), Command::TerminalType(terminal)]),
            (NEW_ENVIRON, &[Command::Will(NEW_ENVIRON), Command::Environment(terminal)]),
            (CHARSET, &[Command::CharsetRejected]),
        ] {
            let mut questions = Questions::default();
            questions.ask(&[option]);
            for command in commands {
                assert!(questions.are_open(), "{option}: {command:?}");
                questions.hear(*command);
            }
            assert!(!questions.are_open(), "{option}");
        }
    }
}
