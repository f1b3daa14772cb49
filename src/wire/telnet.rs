//! Telnet commands (RFC 854) in a client's bytes, and their answers.
//!
//! The server knows the options with which it edits the client's line: ECHO
//! (RFC 857), SUPPRESS-GO-AHEAD (RFC 858), and the client's NAWS (RFC 1073) and
//! TERMINAL-TYPE (RFC 1091). SUPPRESS-GO-AHEAD is always accepted, both ways (RFC
//! 1123, section 3.2.2), and so is BINARY (RFC 856): text is UTF-8 anyway. Any
//! other option is refused once, which is all that RFC 854 asks for. Nothing is
//! ever sent to a client that hasn't asked for it: see [`Options`].

/// End of subnegotiation.
const SE: u8 = 240;
/// "Are You There".
const AYT: u8 = 246;
/// "Erase Character" and "Erase Line".
const EC: u8 = 247;
const EL: u8 = 248;
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
const BINARY: u8 = 0;
/// The options of a server that edits.
const ECHO: u8 = 1;
const SUPPRESS_GO_AHEAD: u8 = 3;
/// "Negotiate About Window Size".
const NAWS: u8 = 31;
const TERMINAL_TYPE: u8 = 24;
/// What a client says in a subnegotiation about its terminal type, and is asked.
const IS: u8 = 0;
const SEND: u8 = 1;
/// Programs that edit lines themselves: they agree to ECHO because it hides
/// passwords, and go on sending whole lines.
const LINE_EDITORS: &[&[u8]] = &[
    b"TINYFUGUE",
    b"TINTIN",
    b"MUDLET",
    b"MUSHCLIENT",
    b"ATLANTIS",
    b"BLIGHTMUD",
    b"KILDCLIENT",
    b"POTATO",
    b"BEIP",
    b"ZMUD",
    b"CMUD",
];
/// Terminals that have bracketed paste, or don't show that they are asked for it.
const MARKS_PASTES: &[&[u8]] = &[
    b"XTERM",
    b"SCREEN",
    b"TMUX",
    b"RXVT",
    b"PUTTY",
    b"KONSOLE",
    b"GNOME",
    b"VTE",
    b"CYGWIN",
    b"ALACRITTY",
    b"KITTY",
    b"FOOT",
    b"WEZTERM",
    b"ITERM",
    b"ST-",
    b"CONTOUR",
    b"GHOSTTY",
    b"LINUX",
];
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
    /// IAC WONT option: the client doesn't perform it.
    Wont(u8),
    /// IAC SB NAWS: the size of the client's window in characters.
    WindowSize {
        /// Characters in a row; 0 if it doesn't know.
        columns: u16,
    },
    /// IAC SB TERMINAL-TYPE IS: what the client calls itself or its terminal.
    TerminalType {
        /// It edits lines itself.
        is_line_editor: bool,
        /// It marks what is pasted if asked to, or leaves it unshown that it was asked.
        marks_pastes: bool,
    },
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

/// The begin of a subnegotiation's content: as much as tells a window's size, or
/// who the client is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    bytes: [u8; CONTENT_BYTES],
    /// How many came, up to one too many.
    count: u8,
}

const CONTENT_BYTES: usize = 14;

impl Content {
    fn and(mut self, byte: u8) -> Content {
        if let Some(place) = self.bytes.get_mut(usize::from(self.count)) {
            *place = byte;
        }
        self.count = (self.count + 1).min(CONTENT_BYTES as u8 + 1);
        self
    }

    fn command(self) -> Command {
        match &self.bytes[..CONTENT_BYTES.min(self.count.into())] {
            [NAWS, high, low, _, _] => {
                Command::WindowSize { columns: u16::from_be_bytes([*high, *low]) }
            }
            [TERMINAL_TYPE, IS, name @ ..] => {
                let name = name.to_ascii_uppercase();
                let is_line_editor = LINE_EDITORS.iter().any(|editor| name.starts_with(editor));
                let marks_pastes = MARKS_PASTES.iter().any(|it| name.starts_with(it));
                Command::TerminalType { is_line_editor, marks_pastes }
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
    /// telnet (it sends Latin-1, say). These bytes are data, and so is this one.
    NotTelnet(&'static [u8]),
}

impl State {
    /// Takes the next byte of a command; must not be called in `Data`. A client
    /// that has sent a command before `is_telnet`; of others, what looks like a
    /// command may be text (Cyrillic in CP1251, say).
    pub(super) fn step(&mut self, byte: u8, is_telnet: bool) -> Step {
        let (next, step) = match (*self, byte) {
            (State::Data | State::Command, IAC) => (State::Data, Step::Literal),
            (State::Data | State::Command, SB) => {
                (State::Subnegotiation(Content::default()), Step::More)
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

/// The begin of what isn't a command.
fn not_telnet(verb: u8) -> &'static [u8] {
    match verb {
        WILL => &[IAC, WILL],
        WONT => &[IAC, WONT],
        DO => &[IAC, DO],
        _ => &[IAC, DONT],
    }
}

/// What a client changes more often than that stays as it is: a program that
/// answers each answer would go on for ever (RFC 1143, section 2).
const CHANGES_MAX: u8 = 32;

/// What has been agreed with one client.
///
/// Editing is offered to a client that has sent an option itself, or that the
/// caller knows to want it; an `nc` would print the bytes.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Bit o is set when WONT o has been sent to refuse it.
    wont: [u64; 4],
    /// Bit o is set when DONT o has been sent to refuse it.
    dont: [u64; 4],
    suppress_go_ahead: Agreed,
    binary: Agreed,
    /// What the client types is a password: it is hidden, not edited.
    is_concealed: bool,
    /// How often the client has had something changed.
    changes: u8,
    editing: Editing,
    /// The client was asked for its terminal type, and hasn't said what it is.
    asks_type: bool,
    columns: u16,
    marks_pastes: bool,
}

/// Whether an option that is always accepted is on.
#[derive(Clone, Copy, Debug, Default)]
struct Agreed {
    /// The server performs it.
    ours: bool,
    /// The client does.
    theirs: bool,
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
    /// The server has taken its offer back, and the client hasn't answered: what
    /// it says about ECHO may be older (RFC 1143, "WANTNO").
    Withdrawn,
    /// The client didn't want it, or not any more. It may ask again.
    Off,
}

impl Options {
    /// The offer to edit, if there is anything to offer.
    pub fn offer(&mut self) -> Vec<u8> {
        self.is_concealed = false;
        let (editing, echo): (_, &[u8]) = match self.editing {
            Editing::NotOffered | Editing::Off | Editing::Withdrawn => {
                (Editing::Offered, &[IAC, WILL, ECHO])
            }
            Editing::Concealed => (Editing::Offered, &[]),
            Editing::ConcealedAgreed => (Editing::On, &[]),
            Editing::Offered | Editing::On => return Vec::new(),
        };
        self.editing = editing;
        let go_ahead: &[u8] = match std::mem::replace(&mut self.suppress_go_ahead.ours, true) {
            true => &[],
            false => &[IAC, WILL, SUPPRESS_GO_AHEAD],
        };
        self.asks_type = true;
        [echo, go_ahead, &[IAC, DO, NAWS, IAC, DO, TERMINAL_TYPE]].concat()
    }

    /// What the client types isn't shown from now on, nor edited, until `offer`;
    /// unless it has said that it wants to be left alone.
    pub fn conceal(&mut self) -> &'static [u8] {
        match self.editing {
            Editing::NotOffered => {
                (self.editing, self.is_concealed) = (Editing::Concealed, true);
                &[IAC, WILL, ECHO]
            }
            _ => &[],
        }
    }

    /// Whether the client is asked to show nothing, and hasn't said no.
    pub fn is_concealed(&self) -> bool {
        matches!(self.editing, Editing::Concealed | Editing::ConcealedAgreed)
    }

    /// Takes the offer back.
    pub fn withdraw(&mut self) -> &'static [u8] {
        match self.editing {
            Editing::Offered | Editing::On => {
                (self.editing, self.suppress_go_ahead.ours) = (Editing::Withdrawn, false);
                &[IAC, WONT, ECHO, IAC, WONT, SUPPRESS_GO_AHEAD]
            }
            Editing::Concealed | Editing::ConcealedAgreed => {
                self.editing = Editing::Withdrawn;
                &[IAC, WONT, ECHO]
            }
            Editing::NotOffered => {
                self.editing = Editing::Off;
                &[]
            }
            Editing::Withdrawn | Editing::Off => &[],
        }
    }

    /// Whether the client lets the server edit.
    pub fn is_editing(&self) -> bool {
        self.editing == Editing::On
    }

    /// Whether the client's terminal can be asked to mark what is pasted.
    pub fn marks_pastes(&self) -> bool {
        self.marks_pastes
    }

    /// The width of the client's window in characters; 0 if it hasn't told.
    pub fn columns(&self) -> u16 {
        self.columns
    }

    /// The bytes that answer `command`.
    ///
    /// DO gets WONT and WILL gets DONT, once for each option that isn't known (RFC
    /// 854, "negotiated options"): more would be a loop with a peer that does the
    /// same. What is known is answered when it changes something (RFC 1143). DO
    /// TIMING-MARK is a question about one point in the stream and gets its answer
    /// each time (RFC 860); telnet's Ctrl-C waits for it and shows nothing until
    /// then. The first option of a client gets the offer to edit, which also
    /// answers what it says about the options of that.
    pub fn answer(&mut self, command: Command) -> Vec<u8> {
        if command == Command::Do(TIMING_MARK) {
            return vec![IAC, WONT, TIMING_MARK];
        }
        if let Command::WindowSize { columns } = command {
            self.columns = columns;
        }
        if let Command::TerminalType { marks_pastes, .. } = command {
            self.marks_pastes = marks_pastes;
        }
        let is_option = matches!(command, Command::Do(_) | Command::Will(_));
        let mut answer = match is_option && self.editing == Editing::NotOffered {
            true => self.offer(),
            false => Vec::new(),
        };
        answer.extend(self.reply(command));
        answer
    }

    fn reply(&mut self, command: Command) -> Vec<u8> {
        let is_known = |option| matches!(option, ECHO | SUPPRESS_GO_AHEAD | BINARY);
        match command {
            Command::Do(option)
            | Command::Dont(option)
            | Command::Will(option)
            | Command::Wont(option)
                if is_known(option) && self.changes >= CHANGES_MAX =>
            {
                Vec::new()
            }
            Command::Do(ECHO) => self.begin_echo(),
            Command::Dont(ECHO) => self.end_echo(),
            Command::Do(option) if is_known(option) => self.turn(WILL, option),
            Command::Dont(option) if is_known(option) => self.turn(WONT, option),
            Command::Will(option) if is_known(option) && option != ECHO => self.turn(DO, option),
            Command::Wont(option) if is_known(option) && option != ECHO => self.turn(DONT, option),
            Command::Will(NAWS) if self.is_offered() => Vec::new(),
            Command::Will(TERMINAL_TYPE) if self.asks_type => {
                self.asks_type = false;
                vec![IAC, SB, TERMINAL_TYPE, SEND, IAC, SE]
            }
            Command::TerminalType { is_line_editor: true, .. } => self.withdraw().to_vec(),
            Command::Do(option) if first_time(&mut self.wont, option) => vec![IAC, WONT, option],
            Command::Will(option) if first_time(&mut self.dont, option) => vec![IAC, DONT, option],
            _ => Vec::new(),
        }
    }

    fn is_offered(&self) -> bool {
        !matches!(self.editing, Editing::Off | Editing::Withdrawn)
    }

    /// Turns an option on or off, and says so if it wasn't so already.
    fn turn(&mut self, verb: u8, option: u8) -> Vec<u8> {
        let agreed = if option == BINARY { &mut self.binary } else { &mut self.suppress_go_ahead };
        let is_on = match verb {
            WILL | WONT => &mut agreed.ours,
            _ => &mut agreed.theirs,
        };
        let on = matches!(verb, WILL | DO);
        if std::mem::replace(is_on, on) == on {
            return Vec::new();
        }
        self.changes += 1;
        vec![IAC, verb, option]
    }

    /// The client says DO ECHO.
    fn begin_echo(&mut self) -> Vec<u8> {
        match self.editing {
            Editing::Offered => self.editing = Editing::On,
            Editing::Concealed => self.editing = Editing::ConcealedAgreed,
            // It has changed its mind.
            Editing::Off if self.is_concealed => {
                self.changes += 1;
                self.editing = Editing::ConcealedAgreed;
                return vec![IAC, WILL, ECHO];
            }
            Editing::Off => {
                self.changes += 1;
                let offer = self.offer();
                self.editing = Editing::On;
                return offer;
            }
            _ => {}
        }
        Vec::new()
    }

    /// The client says DONT ECHO.
    fn end_echo(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.editing, Editing::Off) {
            Editing::On | Editing::ConcealedAgreed => vec![IAC, WONT, ECHO],
            _ => Vec::new(),
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

    const OFFER: &[u8] =
        &[IAC, WILL, ECHO, IAC, WILL, SUPPRESS_GO_AHEAD, IAC, DO, NAWS, IAC, DO, TERMINAL_TYPE];
    const QUESTION: &[u8] = &[IAC, SB, TERMINAL_TYPE, SEND, IAC, SE];

    #[test]
    fn an_option_is_refused_once_in_each_direction() {
        let mut options = Options::default();
        assert_eq!(options.answer(Command::Do(2)), [OFFER, &[IAC, WONT, 2]].concat());
        assert_eq!(options.answer(Command::Will(2)), [IAC, DONT, 2]);
        const KNOWN: [u8; 6] = [BINARY, ECHO, SUPPRESS_GO_AHEAD, NAWS, TIMING_MARK, TERMINAL_TYPE];
        for option in (3..=255).filter(|option| !KNOWN.contains(option)) {
            assert_eq!(options.answer(Command::Do(option)), [IAC, WONT, option]);
            assert_eq!(options.answer(Command::Do(option)), [0; 0]);
            assert_eq!(options.answer(Command::Will(option)), [IAC, DONT, option]);
            assert_eq!(options.answer(Command::Will(option)), [0; 0]);
        }
    }

    #[test]
    fn go_ahead_and_binary_are_always_accepted() {
        for option in [SUPPRESS_GO_AHEAD, BINARY] {
            let mut options = Options::default();
            // So nothing is offered.
            options.withdraw();
            for _ in 0..2 {
                assert_eq!(options.answer(Command::Do(option)), [IAC, WILL, option]);
                assert_eq!(options.answer(Command::Do(option)), [0; 0]);
                assert_eq!(options.answer(Command::Will(option)), [IAC, DO, option]);
                assert_eq!(options.answer(Command::Will(option)), [0; 0]);
                assert_eq!(options.answer(Command::Dont(option)), [IAC, WONT, option]);
                assert_eq!(options.answer(Command::Dont(option)), [0; 0]);
                assert_eq!(options.answer(Command::Wont(option)), [IAC, DONT, option]);
                assert_eq!(options.answer(Command::Wont(option)), [0; 0]);
            }
        }
    }

    #[test]
    fn a_client_may_change_its_mind_about_editing() {
        let mut options = Options::default();
        options.offer();
        for _ in 0..2 {
            options.answer(Command::Do(ECHO));
            assert!(options.is_editing());
            assert_eq!(options.answer(Command::Dont(ECHO)), [IAC, WONT, ECHO]);
            assert!(!options.is_editing());
            let again = options.answer(Command::Do(ECHO));
            assert_eq!(again[..3], [IAC, WILL, ECHO]);
            assert!(options.is_editing());
        }
        // What comes before the answer to WONT is older than that.
        options.withdraw();
        assert_eq!(options.answer(Command::Do(ECHO)), [0; 0]);
        assert!(!options.is_editing());
        options.answer(Command::Dont(ECHO));
        options.answer(Command::Do(ECHO));
        assert!(options.is_editing());
    }

    #[test]
    fn a_program_that_edits_lines_itself_is_left_alone() {
        let mut options = Options::default();
        options.offer();
        options.answer(Command::Do(ECHO));
        assert_eq!(options.answer(Command::Will(TERMINAL_TYPE)), QUESTION);
        let terminal =
            |is_line_editor| Command::TerminalType { is_line_editor, marks_pastes: false };
        assert_eq!(options.answer(terminal(false)), [0; 0]);
        assert!(options.is_editing());
        let answer = options.answer(terminal(true));
        assert_eq!(answer, [IAC, WONT, ECHO, IAC, WONT, SUPPRESS_GO_AHEAD]);
        assert!(!options.is_editing());
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
        // It may change its mind, and still nothing is edited.
        assert_eq!(options.answer(Command::Dont(ECHO)), [IAC, WONT, ECHO]);
        assert_eq!(options.answer(Command::Do(ECHO)), [IAC, WILL, ECHO]);
        assert!(options.is_concealed() && !options.is_editing());
        assert_eq!(options.offer(), OFFER[3..]);
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
    fn a_terminal_type_says_who_edits() {
        for (name, is_line_editor) in [
            ("tinyfugue", true),
            ("TINTIN++", true),
            ("Mudlet 4.17.2", true),
            ("XTERM-256COLOR", false),
        ] {
            let bytes = [&[SB, TERMINAL_TYPE, IS], name.as_bytes(), &[IAC, SE]].concat();
            let marks_pastes = !is_line_editor;
            let terminal = Command::TerminalType { is_line_editor, marks_pastes };
            assert_eq!(commands(&bytes), [terminal], "{name}");
        }
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
