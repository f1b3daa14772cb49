//! Telnet commands (RFC 854) in a client's bytes, and their answers.
//!
//! The server knows three options, with which it edits the client's line: ECHO
//! (RFC 857), SUPPRESS-GO-AHEAD (RFC 858) and the client's NAWS (RFC 1073). Any
//! other is refused once, which is all that RFC 854 asks for. Nothing is ever
//! sent to a client that hasn't asked for it: see [`Options`].

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
/// The options of a server that edits.
const ECHO: u8 = 1;
const SUPPRESS_GO_AHEAD: u8 = 3;
/// "Negotiate About Window Size".
const NAWS: u8 = 31;
/// The TIMING-MARK option, RFC 860: a question, not a mode.
const TIMING_MARK: u8 = 6;

/// One telnet command of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// IAC DO option: the client asks the server to perform an option.
    Do(u8),
    /// IAC DONT option: the client wants the server not to perform it.
    Dont(u8),
    /// IAC WILL option: the client offers to perform an option.
    Will(u8),
    /// IAC SB NAWS: the size of the client's window in characters.
    WindowSize {
        /// Characters in a row; 0 if it doesn't know.
        columns: u16,
    },
    /// IAC AYT: "are you there?"
    AreYouThere,
    /// A command that needs no answer: WONT, another subnegotiation, NOP, Data
    /// Mark, Interrupt Process, ...
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
    /// In a subnegotiation.
    Subnegotiation(Content),
    /// In a subnegotiation, after IAC.
    SubnegotiationCommand(Content),
}

/// The begin of a subnegotiation's content: as much as a window size takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    bytes: [u8; 5],
    /// How many came, up to one too many.
    count: u8,
}

impl Content {
    fn and(mut self, byte: u8) -> Content {
        if let Some(place) = self.bytes.get_mut(usize::from(self.count)) {
            *place = byte;
        }
        self.count = (self.count + 1).min(6);
        self
    }

    fn command(self) -> Command {
        match (self.count, self.bytes) {
            (5, [NAWS, high, low, ..]) => {
                Command::WindowSize { columns: u16::from_be_bytes([high, low]) }
            }
            _ => Command::Other,
        }
    }
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
            (State::Data | State::Command, SB) => {
                (State::Subnegotiation(Content::default()), Step::More)
            }
            (State::Data | State::Command, WILL..=DONT) => (State::Option(byte), Step::More),
            (State::Data | State::Command, AYT) => (State::Data, Step::Done(Command::AreYouThere)),
            (State::Data | State::Command, LOWEST_COMMAND..) => {
                (State::Data, Step::Done(Command::Other))
            }
            (State::Data | State::Command, _) => (State::Data, Step::NotTelnet),
            (State::Option(DO), option) => (State::Data, Step::Done(Command::Do(option))),
            (State::Option(WILL), option) => (State::Data, Step::Done(Command::Will(option))),
            (State::Option(DONT), option) => (State::Data, Step::Done(Command::Dont(option))),
            (State::Option(_), _) => (State::Data, Step::Done(Command::Other)),
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

/// What has been agreed with one client.
///
/// Editing is offered to a client that has sent an option itself, or that the
/// caller knows to want it; an `nc` would print the bytes.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Bit o is set when WONT o has been sent.
    wont: [u64; 4],
    /// Bit o is set when DONT o has been sent.
    dont: [u64; 4],
    editing: Editing,
    columns: u16,
}

/// How far the talk about editing has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Editing {
    #[default]
    NotOffered,
    Offered,
    /// The client is asked to show nothing of what it sends.
    Concealed,
    /// It has agreed to that.
    ConcealedAgreed,
    /// The client has said DO ECHO: it sends each key and shows none itself.
    On,
    /// The client didn't want it, or not any more.
    Off,
}

impl Options {
    /// The offer to edit, if there is anything to offer.
    pub fn offer(&mut self) -> &'static [u8] {
        match self.editing {
            Editing::NotOffered | Editing::Off => {
                self.editing = Editing::Offered;
                &[IAC, WILL, ECHO, IAC, WILL, SUPPRESS_GO_AHEAD, IAC, DO, NAWS]
            }
            Editing::Concealed => {
                self.editing = Editing::Offered;
                &[IAC, WILL, SUPPRESS_GO_AHEAD, IAC, DO, NAWS]
            }
            Editing::ConcealedAgreed => {
                self.editing = Editing::On;
                &[IAC, WILL, SUPPRESS_GO_AHEAD, IAC, DO, NAWS]
            }
            Editing::Offered | Editing::On => &[],
        }
    }

    /// What the client types isn't shown from now on, nor edited, until `offer`;
    /// unless it has said that it wants to be left alone.
    pub fn conceal(&mut self) -> &'static [u8] {
        match self.editing {
            Editing::NotOffered => {
                self.editing = Editing::Concealed;
                &[IAC, WILL, ECHO]
            }
            _ => &[],
        }
    }

    /// Whether the client was asked to show nothing, and hasn't said no.
    pub fn is_concealed(&self) -> bool {
        matches!(self.editing, Editing::Concealed | Editing::ConcealedAgreed)
    }

    /// Takes the offer back.
    pub fn withdraw(&mut self) -> &'static [u8] {
        match std::mem::replace(&mut self.editing, Editing::Off) {
            Editing::Offered | Editing::On => &[IAC, WONT, ECHO, IAC, WONT, SUPPRESS_GO_AHEAD],
            Editing::Concealed | Editing::ConcealedAgreed => &[IAC, WONT, ECHO],
            Editing::NotOffered | Editing::Off => &[],
        }
    }

    /// Whether the client lets the server edit.
    pub fn is_editing(&self) -> bool {
        self.editing == Editing::On
    }

    /// The width of the client's window in characters; 0 if it hasn't told.
    pub fn columns(&self) -> u16 {
        self.columns
    }

    /// The bytes that answer `command`.
    ///
    /// DO gets WONT and WILL gets DONT, once for each option (RFC 854,
    /// "negotiated options"): more would be a loop with a peer that does the
    /// same. DO TIMING-MARK is a question about one point in the stream and
    /// gets its answer each time (RFC 860); telnet's Ctrl-C waits for it and
    /// shows nothing until then. The first option of a client gets the offer
    /// to edit, which also answers what it says about the options of that.
    pub fn answer(&mut self, command: Command) -> Vec<u8> {
        if let Command::WindowSize { columns } = command {
            self.columns = columns;
        }
        let offer = match command {
            Command::Do(TIMING_MARK) => return vec![IAC, WONT, TIMING_MARK],
            Command::Do(_) | Command::Will(_) if self.editing == Editing::NotOffered => {
                self.offer()
            }
            _ => &[],
        };
        let refusal: &[u8] = match command {
            Command::Do(ECHO) if self.editing == Editing::Offered => {
                self.editing = Editing::On;
                &[]
            }
            Command::Do(ECHO) if self.editing == Editing::Concealed => {
                self.editing = Editing::ConcealedAgreed;
                &[]
            }
            Command::Dont(ECHO) => match std::mem::replace(&mut self.editing, Editing::Off) {
                Editing::On | Editing::ConcealedAgreed => &[IAC, WONT, ECHO],
                _ => &[],
            },
            Command::Do(ECHO | SUPPRESS_GO_AHEAD) | Command::Will(NAWS)
                if self.editing != Editing::Off =>
            {
                &[]
            }
            Command::Do(option) if first_time(&mut self.wont, option) => &[IAC, WONT, option],
            Command::Will(option) if first_time(&mut self.dont, option) => &[IAC, DONT, option],
            _ => &[],
        };
        [offer, refusal].concat()
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

    const OFFER: &[u8] = &[IAC, WILL, ECHO, IAC, WILL, SUPPRESS_GO_AHEAD, IAC, DO, NAWS];

    #[test]
    fn an_option_is_refused_once_in_each_direction() {
        let mut options = Options::default();
        assert_eq!(options.answer(Command::Do(0)), [OFFER, &[IAC, WONT, 0]].concat());
        assert_eq!(options.answer(Command::Will(0)), [IAC, DONT, 0]);
        for option in 1..=255 {
            if [ECHO, SUPPRESS_GO_AHEAD, NAWS, TIMING_MARK].contains(&option) {
                continue;
            }
            assert_eq!(options.answer(Command::Do(option)), [IAC, WONT, option]);
            assert_eq!(options.answer(Command::Do(option)), [0; 0]);
            assert_eq!(options.answer(Command::Will(option)), [IAC, DONT, option]);
            assert_eq!(options.answer(Command::Will(option)), [0; 0]);
        }
    }

    #[test]
    fn a_timing_mark_is_answered_each_time_and_is_no_wish_to_edit() {
        let mut options = Options::default();
        for _ in 0..3 {
            assert_eq!(options.answer(Command::Do(TIMING_MARK)), [IAC, WONT, TIMING_MARK]);
        }
        for command in [Command::Other, Command::AreYouThere, Command::Dont(ECHO)] {
            assert_eq!(options.answer(command), [0; 0]);
        }
    }

    #[test]
    fn editing_is_offered_once_and_begins_when_the_client_agrees() {
        let mut options = Options::default();
        assert_eq!(options.offer(), OFFER);
        assert_eq!(options.offer(), [0; 0]);
        assert!(!options.is_editing());
        for command in [Command::Do(ECHO), Command::Do(SUPPRESS_GO_AHEAD), Command::Will(NAWS)] {
            assert_eq!(options.answer(command), [0; 0]);
            assert_eq!(options.answer(command), [0; 0]);
        }
        assert!(options.is_editing());
    }

    #[test]
    fn the_request_of_a_client_is_answered_by_the_offer() {
        let mut options = Options::default();
        assert_eq!(options.answer(Command::Do(ECHO)), OFFER);
        assert!(options.is_editing());
    }

    #[test]
    fn a_client_that_says_no_is_left_alone() {
        let mut options = Options::default();
        options.offer();
        assert_eq!(options.answer(Command::Dont(ECHO)), [0; 0]);
        assert_eq!(options.answer(Command::Will(200)), [IAC, DONT, 200]);
        assert!(!options.is_editing());
        // One that changes its mind is told so (RFC 854).
        options.offer();
        options.answer(Command::Do(ECHO));
        assert_eq!(options.answer(Command::Dont(ECHO)), [IAC, WONT, ECHO]);
        assert!(!options.is_editing());
    }

    #[test]
    fn a_client_is_asked_once_not_to_show_what_it_sends() {
        let mut options = Options::default();
        assert_eq!(options.conceal(), [IAC, WILL, ECHO]);
        // It says no, and again to each time that it is asked: no loop.
        for _ in 0..3 {
            assert_eq!(options.answer(Command::Dont(ECHO)), [0; 0]);
            assert_eq!(options.conceal(), [0; 0]);
        }
        let mut options = Options::default();
        assert_eq!(options.conceal(), [IAC, WILL, ECHO]);
        assert_eq!(options.answer(Command::Do(ECHO)), [0; 0]);
        assert_eq!(options.conceal(), [0; 0]);
        assert_eq!(options.offer(), [IAC, WILL, SUPPRESS_GO_AHEAD, IAC, DO, NAWS]);
        assert!(options.is_editing());
    }

    #[test]
    fn editing_can_be_taken_back_and_offered_again() {
        let mut options = Options::default();
        assert_eq!(options.withdraw(), [0; 0]);
        options.offer();
        options.answer(Command::Do(ECHO));
        assert_eq!(options.withdraw(), [IAC, WONT, ECHO, IAC, WONT, SUPPRESS_GO_AHEAD]);
        assert!(!options.is_editing());
        assert_eq!(options.answer(Command::Dont(ECHO)), [0; 0]);
        assert_eq!(options.offer(), OFFER);
    }

    #[test]
    fn a_window_size_is_read_and_other_content_dropped() {
        let check = |bytes: &[u8], expected: Option<u16>| {
            let mut state = State::Command;
            let mut commands = Vec::new();
            for &byte in bytes {
                if let Step::Done(command) = state.step(byte) {
                    commands.push(command);
                }
            }
            let size = expected.map_or(Command::Other, |columns| Command::WindowSize { columns });
            assert_eq!(commands, [size], "{bytes:?}");
        };
        check(&[SB, NAWS, 0, 80, 0, 24, IAC, SE], Some(80));
        check(&[SB, NAWS, 1, IAC, IAC, 0, 24, IAC, SE], Some(511));
        check(&[SB, NAWS, 0, 80, 0, IAC, SE], None);
        check(&[SB, NAWS, 0, 80, 0, 24, 0, IAC, SE], None);
        check(&[SB, 24, 0, 80, 0, 24, IAC, SE], None);
        check(&[SB, IAC, SE], None);
    }
}
