//! Telnet commands (RFC 854) in a client's bytes.
//!
//! What they are answered is in [`Options`](super::options::Options).

use arrayvec::{ArrayString, ArrayVec};

use super::charset::{Charset, LABEL_BYTES_MAX};
use super::terminal::Terminal;

/// End of subnegotiation.
pub(super) const SE: u8 = 240;
/// "Are You There".
const AYT: u8 = 246;
/// "Erase Character" and "Erase Line".
const EC: u8 = 247;
const EL: u8 = 248;
/// Begin of subnegotiation.
pub(super) const SB: u8 = 250;
pub(super) const WILL: u8 = 251;
pub(super) const WONT: u8 = 252;
pub(super) const DO: u8 = 253;
pub(super) const DONT: u8 = 254;
/// "Interpret As Command": the byte that starts every command.
pub(super) const IAC: u8 = 255;
/// The lowest byte that is a command after IAC: EOF, RFC 1184, section 2.
const LOWEST_COMMAND: u8 = 236;
pub(super) const BINARY: u8 = 0;
/// The options of a server that edits.
pub(super) const ECHO: u8 = 1;
pub(super) const SUPPRESS_GO_AHEAD: u8 = 3;
/// The TIMING-MARK option, RFC 860: a question, not a mode.
pub(super) const TIMING_MARK: u8 = 6;
pub(super) const TERMINAL_TYPE: u8 = 24;
/// "End Of Record", RFC 885: the option.
pub(super) const END_OF_RECORD: u8 = 25;
/// "Negotiate About Window Size".
pub(super) const NAWS: u8 = 31;
pub(super) const NEW_ENVIRON: u8 = 39;
pub(super) const CHARSET: u8 = 42;
/// "Mud Server Status Protocol".
pub const MSSP: u8 = 70;
/// What is said in a subnegotiation about a terminal type or an environment, and asked.
pub(super) const IS: u8 = 0;
pub(super) const SEND: u8 = 1;
/// What a client says of its environment without being asked (RFC 1572).
const INFO: u8 = 2;
/// What is said in a subnegotiation about character sets (RFC 2066).
pub(super) const REQUEST: u8 = 1;
pub(super) const ACCEPTED: u8 = 2;
pub(super) const REJECTED: u8 = 3;
pub(super) const TTABLE_IS: u8 = 4;
pub(super) const TTABLE_REJECTED: u8 = 5;

/// One telnet command of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// IAC DO option: the client asks the server to perform an option.
    Do(u8),
    /// IAC DONT option: the client wants the server not to perform it.
    Dont(u8),
    /// IAC WILL option: the client offers to perform an option.
    Will(u8),
    /// IAC WONT option: the client doesn't perform it.
    Wont(u8),
    /// IAC SB NAWS: the size of the client's window in characters.
    WindowSize {
        /// Characters in a row; 0 if it doesn't know.
        columns: u16,
    },
    /// IAC SB TERMINAL-TYPE IS: what the client calls itself or its terminal.
    TerminalType(Terminal),
    /// IAC SB NEW-ENVIRON IS, or INFO: variables of its environment.
    Environment(Terminal),
    /// IAC SB CHARSET REQUEST: it would use one of several character sets, of which this
    /// is the best one that is known.
    CharsetRequest(Option<CharsetName>),
    /// IAC SB CHARSET ACCEPTED: it uses this one of those that it was asked for.
    CharsetAccepted(Option<CharsetName>),
    /// IAC SB CHARSET REJECTED: it uses none of them.
    CharsetRejected,
    /// IAC SB CHARSET TTABLE-IS: it sends a table of its own.
    CharsetTable,
    /// IAC AYT: "are you there?"
    AreYouThere,
    /// IAC EC: the last character was a mistake.
    EraseCharacter,
    /// IAC EL: the line was.
    EraseLine,
    /// A command that needs no answer: another subnegotiation, NOP, Data Mark,
    /// Interrupt Process, ...
    Other,
}

/// The name of a character set that is known, as a client has written it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CharsetName {
    name: ArrayString<LABEL_BYTES_MAX>,
}

impl CharsetName {
    /// None if nothing is known by this name.
    pub(super) fn parse(name: &[u8]) -> Option<CharsetName> {
        let name = str::from_utf8(name).ok()?;
        Charset::parse(name)?;
        Some(CharsetName { name: ArrayString::from(name).ok()? })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.name
    }

    /// What it names.
    pub(super) fn charset(&self) -> Charset {
        Charset::parse(&self.name).unwrap_or_default()
    }
}

/// Where in a command the stream of one client is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Not in a command.
    #[default]
    Data,
    /// After IAC.
    Command,
    /// After IAC and WILL, WONT, DO or DONT; the option follows.
    Option(u8),
    /// In a subnegotiation.
    Subnegotiation(Box<Content>),
    /// In a subnegotiation, after IAC.
    SubnegotiationCommand(Box<Content>),
}

/// The beginning of a subnegotiation's content.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    bytes: ArrayVec<u8, CONTENT_BYTES_MAX>,
    /// There was more.
    is_cut: bool,
}

/// As much as an environment takes, or a list of character sets.
const CONTENT_BYTES_MAX: usize = 256;

impl Content {
    fn and(mut self: Box<Self>, byte: u8) -> Box<Self> {
        self.is_cut |= self.bytes.try_push(byte).is_err();
        self
    }

    fn command(&self) -> Command {
        if self.is_cut {
            return Command::Other;
        }
        match &self.bytes[..] {
            [NAWS, high, low, _, _] => {
                Command::WindowSize { columns: u16::from_be_bytes([*high, *low]) }
            }
            [TERMINAL_TYPE, IS, name @ ..] => Command::TerminalType(Terminal::of_type(name)),
            [NEW_ENVIRON, IS | INFO, variables @ ..] => {
                Command::Environment(Terminal::of_environment(variables))
            }
            [CHARSET, REQUEST, names @ ..] => Command::CharsetRequest(best_charset(names)),
            [CHARSET, ACCEPTED, name @ ..] => Command::CharsetAccepted(CharsetName::parse(name)),
            [CHARSET, REJECTED] => Command::CharsetRejected,
            [CHARSET, TTABLE_IS, ..] => Command::CharsetTable,
            _ => Command::Other,
        }
    }
}

/// How long the command is that `bytes` begin with (RFC 854); all of them if it isn't whole.
pub(super) fn command_length(bytes: &[u8]) -> usize {
    let length = match bytes.get(1) {
        Some(&SB) => {
            let is_end = |pair: &[u8]| pair == [IAC, SE];
            bytes.windows(2).position(is_end).map_or(bytes.len(), |at| at + 2)
        }
        Some(WILL..=DONT) => 3,
        _ => 2,
    };
    length.min(bytes.len())
}

/// UTF-8 if it is in a client's list, else the first that is known (RFC 2066, section 2).
fn best_charset(list: &[u8]) -> Option<CharsetName> {
    // It would accept tables too, of that version.
    let list = match list.strip_prefix(b"[TTABLE ]") {
        Some([_version, list @ ..]) => list,
        _ => list,
    };
    let (separator, names) = list.split_first()?;
    let known = || names.split(|byte| byte == separator).filter_map(CharsetName::parse);
    known().find(|name| name.charset().is_utf8()).or_else(|| known().next())
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
    /// telnet (it sends Latin-1, say). These bytes are data, and so is this one.
    NotTelnet(&'static [u8]),
}

impl State {
    /// Takes the next byte of a command; must not be called in `Data`. A client
    /// that has sent a command before `is_telnet`; of others, what looks like a
    /// command may be text (Cyrillic in CP1251, say).
    pub(super) fn step(&mut self, byte: u8, is_telnet: bool) -> Step {
        let (next, step) = match (std::mem::take(self), byte) {
            (State::Data | State::Command, IAC) => (State::Data, Step::Literal),
            (State::Data | State::Command, SB) => {
                (State::Subnegotiation(Box::default()), Step::More)
            }
            (State::Data | State::Command, WILL..=DONT) => (State::Option(byte), Step::More),
            (State::Data | State::Command, AYT) => (State::Data, Step::Done(Command::AreYouThere)),
            (State::Data | State::Command, EC) => {
                (State::Data, Step::Done(Command::EraseCharacter))
            }
            (State::Data | State::Command, EL) => (State::Data, Step::Done(Command::EraseLine)),
            (State::Data | State::Command, LOWEST_COMMAND..) => {
                (State::Data, Step::Done(Command::Other))
            }
            (State::Data | State::Command, _) => (State::Data, Step::NotTelnet(&[IAC])),
            (State::Option(verb), 128..) if !is_telnet && byte != ATCP && byte != GMCP => {
                (State::Data, Step::NotTelnet(not_telnet(verb)))
            }
            (State::Option(DO), option) => (State::Data, Step::Done(Command::Do(option))),
            (State::Option(WILL), option) => (State::Data, Step::Done(Command::Will(option))),
            (State::Option(DONT), option) => (State::Data, Step::Done(Command::Dont(option))),
            (State::Option(_), option) => (State::Data, Step::Done(Command::Wont(option))),
            (State::Subnegotiation(content), IAC) => {
                (State::SubnegotiationCommand(content), Step::More)
            }
            (State::Subnegotiation(content), _) => {
                (State::Subnegotiation(content.and(byte)), Step::More)
            }
            (State::SubnegotiationCommand(content), SE) => {
                (State::Data, Step::Done(content.command()))
            }
            // IAC IAC stands for one byte 255; anything else isn't content.
            (State::SubnegotiationCommand(content), IAC) => {
                (State::Subnegotiation(content.and(IAC)), Step::More)
            }
            (State::SubnegotiationCommand(content), _) => {
                (State::Subnegotiation(content), Step::More)
            }
        };
        *self = next;
        step
    }
}

/// The two options of 128 and above that clients are known to begin with.
const ATCP: u8 = 200;
const GMCP: u8 = 201;

/// The beginning of what isn't a command.
fn not_telnet(verb: u8) -> &'static [u8] {
    match verb {
        WILL => &[IAC, WILL],
        WONT => &[IAC, WONT],
        DO => &[IAC, DO],
        _ => &[IAC, DONT],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_size_is_read_and_other_content_dropped() {
        let check = |bytes: &[u8], expected: Option<u16>| {
            let size = expected.map_or(Command::Other, |columns| Command::WindowSize { columns });
            assert_eq!(commands(bytes), [size], "{bytes:?}");
        };
        check(&[SB, NAWS, 0, 80, 0, 24, IAC, SE], Some(80));
        check(&[SB, NAWS, 1, IAC, IAC, 0, 24, IAC, SE], Some(511));
        check(&[SB, NAWS, 0, 80, 0, IAC, SE], None);
        check(&[SB, NAWS, 0, 80, 0, 24, 0, IAC, SE], None);
        check(&[SB, 25, 0, 80, 0, 24, IAC, SE], None);
        check(&[SB, IAC, SE], None);
    }

    #[test]
    fn what_a_client_says_of_its_characters_is_read() {
        let latin1 = CharsetName { name: ArrayString::from("ISO-8859-1").expect("short") };
        for (content, expected) in [
            (&b"\x01;ISO-8859-1;x"[..], Command::CharsetRequest(Some(latin1))),
            (b"\x01 x ISO-8859-1", Command::CharsetRequest(Some(latin1))),
            (b"\x01[TTABLE ]\x01;ISO-8859-1", Command::CharsetRequest(Some(latin1))),
            (b"\x01;x;y", Command::CharsetRequest(None)),
            (b"\x01", Command::CharsetRequest(None)),
            (b"\x02ISO-8859-1", Command::CharsetAccepted(Some(latin1))),
            (b"\x02x", Command::CharsetAccepted(None)),
            (b"\x03", Command::CharsetRejected),
            (b"\x09", Command::Other),
        ] {
            let bytes = [&[SB, CHARSET], content, &[IAC, SE]].concat();
            assert_eq!(commands(&bytes), [expected], "{}", content.escape_ascii());
        }
        // UTF-8 has everything.
        let Command::CharsetRequest(Some(name)) =
            commands(b"\xfa\x2a\x01;ISO-8859-1;utf-8\xff\xf0")[0]
        else {
            panic!("it has a name");
        };
        assert_eq!((name.as_str(), name.charset()), ("utf-8", Charset::UTF_8));
    }

    #[test]
    fn content_has_a_limit() {
        let bytes = [&[SB, TERMINAL_TYPE, IS], &[b'a'; 10_000][..], &[IAC, SE]].concat();
        assert_eq!(commands(&bytes), [Command::Other]);
    }

    fn commands(bytes: &[u8]) -> Vec<Command> {
        let mut state = State::Command;
        let steps = bytes.iter().map(|&byte| state.step(byte, false));
        steps
            .filter_map(|step| match step {
                Step::Done(command) => Some(command),
                _ => None,
            })
            .collect()
    }
}
