//! Telnet commands (RFC 854) in a client's bytes, and their answers.
//!
//! The server is the simplest of NVTs: it has no option and wants none. Each
//! offer and each request is refused once, which is all that RFC 854 asks for;
//! nothing is ever sent to a client that hasn't sent a command itself.

/// End of subnegotiation.
const SE: u8 = 240;
/// "Are You There".
const AYT: u8 = 246;
/// Begin of subnegotiation.
const SB: u8 = 250;
const WILL: u8 = 251;
const WONT: u8 = 252;
const DO: u8 = 253;
const DONT: u8 = 254;
/// "Interpret As Command": the byte that starts every command.
pub(super) const IAC: u8 = 255;
/// The lowest byte that is a command after IAC: EOF, RFC 1184, section 2.
const LOWEST_COMMAND: u8 = 236;
/// The TIMING-MARK option, RFC 860: a question, not a mode.
const TIMING_MARK: u8 = 6;

/// One telnet command of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// IAC DO option: the client asks the server to perform an option.
    Do(u8),
    /// IAC WILL option: the client offers to perform an option.
    Will(u8),
    /// IAC AYT: "are you there?"
    AreYouThere,
    /// A command that needs no answer: DONT and WONT (nothing was ever
    /// offered), a subnegotiation, NOP, Data Mark, Interrupt Process, ...
    Other,
}

/// Where in a command the stream of one client is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Not in a command.
    #[default]
    Data,
    /// After IAC.
    Command,
    /// After IAC and WILL, WONT, DO or DONT; the option follows.
    Option(u8),
    /// In a subnegotiation. Its content isn't kept: it costs no memory.
    Subnegotiation,
    /// In a subnegotiation, after IAC.
    SubnegotiationCommand,
}

/// What one byte of a command came to.
pub(super) enum Step {
    /// The command goes on.
    More,
    /// The command is complete.
    Done(Command),
    /// IAC IAC: the data byte 255.
    Literal,
    /// IAC and then a byte that starts no command: the client isn't speaking
    /// telnet (it sends Latin-1, say). Both bytes are data.
    NotTelnet,
}

impl State {
    /// Takes the next byte of a command; must not be called in `Data`.
    pub(super) fn step(&mut self, byte: u8) -> Step {
        let (next, step) = match (*self, byte) {
            (State::Data | State::Command, IAC) => (State::Data, Step::Literal),
            (State::Data | State::Command, SB) => (State::Subnegotiation, Step::More),
            (State::Data | State::Command, WILL..=DONT) => (State::Option(byte), Step::More),
            (State::Data | State::Command, AYT) => (State::Data, Step::Done(Command::AreYouThere)),
            (State::Data | State::Command, LOWEST_COMMAND..) => {
                (State::Data, Step::Done(Command::Other))
            }
            (State::Data | State::Command, _) => (State::Data, Step::NotTelnet),
            (State::Option(DO), option) => (State::Data, Step::Done(Command::Do(option))),
            (State::Option(WILL), option) => (State::Data, Step::Done(Command::Will(option))),
            (State::Option(_), _) => (State::Data, Step::Done(Command::Other)),
            (State::Subnegotiation, IAC) => (State::SubnegotiationCommand, Step::More),
            (State::Subnegotiation, _) => (State::Subnegotiation, Step::More),
            (State::SubnegotiationCommand, SE) => (State::Data, Step::Done(Command::Other)),
            (State::SubnegotiationCommand, _) => (State::Subnegotiation, Step::More),
        };
        *self = next;
        step
    }
}

/// Which options have been refused, so that each is refused once.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    /// Bit o is set when WONT o has been sent.
    wont: [u64; 4],
    /// Bit o is set when DONT o has been sent.
    dont: [u64; 4],
}

impl Refusals {
    /// The bytes that answer `command`, if it is to be answered by bytes.
    ///
    /// DO gets WONT and WILL gets DONT, once for each option (RFC 854,
    /// "negotiated options"): more would be a loop with a peer that does the
    /// same. DO TIMING-MARK is a question about one point in the stream and
    /// gets its answer each time (RFC 860); telnet's Ctrl-C waits for it and
    /// shows nothing until then.
    pub fn answer(&mut self, command: Command) -> Option<[u8; 3]> {
        match command {
            Command::Do(TIMING_MARK) => Some([IAC, WONT, TIMING_MARK]),
            Command::Do(option) => {
                first_time(&mut self.wont, option).then_some([IAC, WONT, option])
            }
            Command::Will(option) => {
                first_time(&mut self.dont, option).then_some([IAC, DONT, option])
            }
            Command::AreYouThere | Command::Other => None,
        }
    }
}

fn first_time(set: &mut [u64; 4], option: u8) -> bool {
    let word = &mut set[usize::from(option / 64)];
    let bit = 1 << (option % 64);
    let first = *word & bit == 0;
    *word |= bit;
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_refused_once_in_each_direction() {
        let mut refusals = Refusals::default();
        for option in 0..=255 {
            if option == TIMING_MARK {
                continue;
            }
            assert_eq!(refusals.answer(Command::Do(option)), Some([IAC, WONT, option]));
            assert_eq!(refusals.answer(Command::Do(option)), None);
            assert_eq!(refusals.answer(Command::Will(option)), Some([IAC, DONT, option]));
            assert_eq!(refusals.answer(Command::Will(option)), None);
        }
    }

    #[test]
    fn a_timing_mark_is_answered_each_time() {
        let mut refusals = Refusals::default();
        for _ in 0..3 {
            assert_eq!(refusals.answer(Command::Do(TIMING_MARK)), Some([IAC, WONT, TIMING_MARK]));
        }
    }

    #[test]
    fn other_commands_get_no_bytes() {
        let mut refusals = Refusals::default();
        assert_eq!(refusals.answer(Command::Other), None);
        assert_eq!(refusals.answer(Command::AreYouThere), None);
    }
}
