//! What the server and one client agree on by telnet's options (RFC 854, RFC 1143).
//!
//! The server knows the options with which it edits the client's line: ECHO
//! (RFC 857), SUPPRESS-GO-AHEAD (RFC 858), and the client's NAWS (RFC 1073) and
//! TERMINAL-TYPE (RFC 1091). SUPPRESS-GO-AHEAD is always accepted, both ways (RFC
//! 1123, section 3.2.2), and so is BINARY (RFC 856): bytes beyond ASCII are text
//! anyway. A client that tells its terminal's type is asked for its characters too:
//! NEW-ENVIRON (RFC 1572) and CHARSET (RFC 2066). A program that edits lines itself is
//! offered END-OF-RECORD (RFC 885) instead. Any other option is refused once, which is
//! all that RFC 854 asks for. Nothing is ever sent to a client that hasn't asked for it:
//! see [`Options`].

use super::charset::Charset;
use super::questions::Questions;
use super::telnet::{
    ACCEPTED, BINARY, CHARSET, CharsetName, Command, DO, DONT, ECHO, END_OF_RECORD, IAC, MSSP,
    NAWS, NEW_ENVIRON, REJECTED, REQUEST, SB, SE, SEND, SUPPRESS_GO_AHEAD, TERMINAL_TYPE,
    TIMING_MARK, TTABLE_REJECTED, WILL, WONT,
};
use super::terminal::{self, Terminal};

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
    /// The client may be no telnet: it was asked for ECHO alone.
    is_probed: bool,
    /// The client was asked whether it tells its terminal type, and hasn't said so.
    asks_type: bool,
    /// How often it was asked for the type since then.
    types_asked: u8,
    terminal: Terminal,
    environment: Environment,
    charsets: Charsets,
    /// The client names its characters too.
    names_charsets: bool,
    /// What it has agreed to, or chosen.
    charset: Option<Charset>,
    end_of_record: EndOfRecord,
    status: Status,
    columns: u16,
    questions: Questions,
}

/// A client that says another terminal type each time is asked so often: its program,
/// its terminal, what that can do, and once more.
const TYPES_ASKED_MAX: u8 = 4;

/// What the client is asked to choose from, best first (RFC 2066, section 2).
const CHARSETS: &[u8] = b";UTF-8;ISO-8859-1;ISO-8859-15;windows-1252;CP437;IBM850;\
    KOI8-R;windows-1251;ISO-8859-2;US-ASCII";

/// How far the talk about its environment has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Environment {
    #[default]
    NotAsked,
    /// It was asked whether it tells something.
    Asked,
    /// It does, and was asked for what matters.
    Questioned,
}

/// How far the talk about character sets has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Charsets {
    #[default]
    NotOffered,
    /// The server would name some.
    Offered,
    /// It has named them, and the client hasn't chosen.
    Requested,
    /// Nothing is open.
    Settled,
}

/// How far the talk about END-OF-RECORD has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum EndOfRecord {
    #[default]
    Off,
    Offered,
    On,
}

/// How far the talk about the state of the server has come (MSSP).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Status {
    #[default]
    NotOffered,
    Offered,
    Told,
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
                self.questions.ask(&[ECHO]);
                (Editing::Offered, &[IAC, WILL, ECHO])
            }
            Editing::Concealed => (Editing::Offered, &[]),
            Editing::ConcealedAgreed => (Editing::On, &[]),
            Editing::Offered | Editing::On => return Vec::new(),
        };
        self.editing = editing;
        [echo, &self.offer_details()].concat()
    }

    /// The same to a client that may be no telnet, and would show what it isn't asked
    /// for: three bytes.
    pub fn probe(&mut self) -> Vec<u8> {
        match self.editing {
            Editing::NotOffered | Editing::Off | Editing::Withdrawn => {
                (self.editing, self.is_concealed) = (Editing::Offered, false);
                self.is_probed = true;
                vec![IAC, WILL, ECHO]
            }
            _ => self.offer(),
        }
    }

    /// The options that an editor needs beside ECHO.
    fn offer_details(&mut self) -> Vec<u8> {
        self.is_probed = false;
        let go_ahead: &[u8] = match std::mem::replace(&mut self.suppress_go_ahead.ours, true) {
            true => &[],
            false => &[IAC, WILL, SUPPRESS_GO_AHEAD],
        };
        (self.asks_type, self.types_asked) = (true, 0);
        self.questions.ask(&[NAWS, TERMINAL_TYPE]);
        [go_ahead, &[IAC, DO, NAWS, IAC, DO, TERMINAL_TYPE]].concat()
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

    /// Whether the client was offered to edit, and hasn't answered.
    pub fn is_offered(&self) -> bool {
        self.editing == Editing::Offered
    }

    /// What the client says about its terminal.
    pub fn terminal(&self) -> Terminal {
        self.terminal
    }

    /// The client's characters, if it has said anything about them. What it has agreed to
    /// counts more than what its terminal is known for.
    pub fn charset(&self) -> Option<Charset> {
        self.charset.or_else(|| self.terminal.charset())
    }

    /// Whether the client wants to know where what there is to send ends.
    pub fn marks_ends(&self) -> bool {
        self.end_of_record == EndOfRecord::On
    }

    /// Offers to tell the state of the server, once.
    pub fn offer_status(&mut self) -> &'static [u8] {
        match self.status {
            Status::NotOffered => {
                self.status = Status::Offered;
                &[IAC, WILL, MSSP]
            }
            Status::Offered | Status::Told => &[],
        }
    }

    /// The client wants the state of the server; gives what precedes that, or nothing if it
    /// has been told.
    pub fn begin_status(&mut self) -> Option<&'static [u8]> {
        match std::mem::replace(&mut self.status, Status::Told) {
            Status::NotOffered => Some(&[IAC, WILL, MSSP]),
            Status::Offered => Some(&[]),
            Status::Told => None,
        }
    }

    /// Whether the client was asked about its terminal and hasn't answered everything.
    pub fn has_open_questions(&self) -> bool {
        self.questions.are_open()
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
        let is_option = matches!(command, Command::Do(_) | Command::Will(_));
        let mut answer = match is_option && self.editing == Editing::NotOffered {
            true => self.offer(),
            false => Vec::new(),
        };
        self.questions.hear(command);
        answer.extend(self.reply(command));
        answer
    }

    fn reply(&mut self, command: Command) -> Vec<u8> {
        let is_changed_too_often = self.changes >= CHANGES_MAX;
        match command {
            _ if is_changed_too_often && is_known(command) => Vec::new(),
            Command::Do(ECHO) => self.begin_echo(),
            Command::Dont(ECHO) => self.end_echo(),
            Command::Do(END_OF_RECORD) => self.mark_ends(),
            Command::Dont(END_OF_RECORD) => self.mark_no_ends(),
            Command::Do(CHARSET) => self.request_charset(),
            Command::Dont(CHARSET) => self.drop_charsets(),
            Command::Will(CHARSET) => self.let_choose(true),
            Command::Wont(CHARSET) => self.let_choose(false),
            Command::Will(NEW_ENVIRON) => self.question(),
            Command::Wont(NEW_ENVIRON) => self.forget_environment(),
            Command::Do(option @ (SUPPRESS_GO_AHEAD | BINARY)) => self.turn(WILL, option),
            Command::Dont(option @ (SUPPRESS_GO_AHEAD | BINARY)) => self.turn(WONT, option),
            Command::Will(option @ (SUPPRESS_GO_AHEAD | BINARY)) => self.turn(DO, option),
            Command::Wont(option @ (SUPPRESS_GO_AHEAD | BINARY)) => self.turn(DONT, option),
            Command::Will(NAWS) if !self.is_declined() => Vec::new(),
            Command::Will(TERMINAL_TYPE) if self.asks_type => self.ask_first_type(),
            // It is on already (RFC 1143, section 7).
            Command::Will(TERMINAL_TYPE) if self.types_asked > 0 => Vec::new(),
            Command::TerminalType(terminal) => self.hear_type(terminal),
            Command::Environment(terminal) => {
                self.terminal.add(terminal);
                Vec::new()
            }
            Command::CharsetRequest(name) => self.choose(name),
            Command::CharsetAccepted(name) => self.settle_charset(name),
            Command::CharsetRejected => self.settle_charset(None),
            Command::CharsetTable => {
                self.changes += 1;
                about(CHARSET, &[TTABLE_REJECTED])
            }
            Command::Do(option) if first_time(&mut self.wont, option) => vec![IAC, WONT, option],
            Command::Will(option) if first_time(&mut self.dont, option) => vec![IAC, DONT, option],
            _ => Vec::new(),
        }
    }

    fn is_declined(&self) -> bool {
        matches!(self.editing, Editing::Off | Editing::Withdrawn)
    }

    /// The client tells its terminal type, and so may tell more.
    fn ask_first_type(&mut self) -> Vec<u8> {
        (self.asks_type, self.types_asked) = (false, 1);
        let mut questions = about(TERMINAL_TYPE, &[SEND]);
        if self.environment == Environment::NotAsked {
            self.environment = Environment::Asked;
            self.questions.ask(&[NEW_ENVIRON]);
            questions.extend([IAC, DO, NEW_ENVIRON]);
        }
        if self.charsets == Charsets::NotOffered {
            self.charsets = Charsets::Offered;
            self.questions.ask(&[CHARSET]);
            questions.extend([IAC, WILL, CHARSET]);
        }
        questions
    }

    /// Each answer is another name of the terminal, until one comes twice (RFC 1091), or
    /// tells what it can do ("MTTS").
    fn hear_type(&mut self, terminal: Terminal) -> Vec<u8> {
        let is_new_editor = terminal.is_line_editor && !self.terminal.is_line_editor;
        let is_same = self.types_asked > 1 && terminal.hash == self.terminal.hash;
        self.terminal.add(terminal);
        let mut answer = Vec::new();
        if is_new_editor {
            answer.extend(self.withdraw());
            if self.end_of_record == EndOfRecord::Off && !self.terminal.shows_ends {
                self.end_of_record = EndOfRecord::Offered;
                answer.extend([IAC, WILL, END_OF_RECORD]);
            }
        }
        let may_ask = (1..TYPES_ASKED_MAX).contains(&self.types_asked);
        if may_ask && !is_same && !terminal.is_last {
            self.types_asked += 1;
            self.questions.ask(&[TERMINAL_TYPE]);
            answer.extend(about(TERMINAL_TYPE, &[SEND]));
        }
        answer
    }

    /// The client says WILL NEW-ENVIRON.
    fn question(&mut self) -> Vec<u8> {
        let agreed: &[u8] = match std::mem::replace(&mut self.environment, Environment::Questioned)
        {
            Environment::NotAsked => &[IAC, DO, NEW_ENVIRON],
            Environment::Asked => &[],
            Environment::Questioned => return Vec::new(),
        };
        self.questions.ask(&[NEW_ENVIRON]);
        let question = about(NEW_ENVIRON, &[&[SEND], terminal::question()].concat());
        [agreed, &question].concat()
    }

    /// The client says WONT NEW-ENVIRON.
    fn forget_environment(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.environment, Environment::Asked) {
            Environment::Questioned => {
                self.changes += 1;
                self.environment = Environment::NotAsked;
                vec![IAC, DONT, NEW_ENVIRON]
            }
            _ => Vec::new(),
        }
    }

    /// The client says DO CHARSET.
    fn request_charset(&mut self) -> Vec<u8> {
        let agreed: &[u8] = match self.charsets {
            Charsets::NotOffered => &[IAC, WILL, CHARSET],
            Charsets::Offered => &[],
            Charsets::Requested | Charsets::Settled => return Vec::new(),
        };
        self.charsets = Charsets::Requested;
        self.questions.ask(&[CHARSET]);
        [agreed, &about(CHARSET, &[&[REQUEST], CHARSETS].concat())].concat()
    }

    /// The client says DONT CHARSET.
    fn drop_charsets(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.charsets, Charsets::Settled) {
            Charsets::Requested => vec![IAC, WONT, CHARSET],
            _ => Vec::new(),
        }
    }

    /// The client says WILL CHARSET, or WONT: it names what it has.
    fn let_choose(&mut self, is_on: bool) -> Vec<u8> {
        if std::mem::replace(&mut self.names_charsets, is_on) == is_on {
            return Vec::new();
        }
        self.changes += 1;
        vec![IAC, if is_on { DO } else { DONT }, CHARSET]
    }

    /// The client names what it has. If the server has done that too, the client has to
    /// choose (RFC 2066, section 4).
    fn choose(&mut self, name: Option<CharsetName>) -> Vec<u8> {
        self.changes += 1;
        match name.filter(|_| self.charsets != Charsets::Requested) {
            Some(name) => {
                self.charset = Some(name.charset());
                about(CHARSET, &[&[ACCEPTED], name.as_str().as_bytes()].concat())
            }
            None => about(CHARSET, &[REJECTED]),
        }
    }

    /// The client has chosen, or wants nothing of what it was offered.
    fn settle_charset(&mut self, name: Option<CharsetName>) -> Vec<u8> {
        if self.charsets == Charsets::Requested {
            self.charsets = Charsets::Settled;
            self.charset = name.map(|name| name.charset()).or(self.charset);
        }
        Vec::new()
    }

    /// The client says DO END-OF-RECORD.
    fn mark_ends(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.end_of_record, EndOfRecord::On) {
            EndOfRecord::Off => {
                self.changes += 1;
                vec![IAC, WILL, END_OF_RECORD]
            }
            EndOfRecord::Offered | EndOfRecord::On => Vec::new(),
        }
    }

    /// The client says DONT END-OF-RECORD.
    fn mark_no_ends(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.end_of_record, EndOfRecord::Off) {
            EndOfRecord::On => vec![IAC, WONT, END_OF_RECORD],
            EndOfRecord::Off | EndOfRecord::Offered => Vec::new(),
        }
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
            Editing::Offered => {
                self.editing = Editing::On;
                if self.is_probed {
                    return self.offer_details();
                }
            }
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

/// Whether a command is about something that the server does or lets the client do.
fn is_known(command: Command) -> bool {
    match command {
        Command::Do(option) | Command::Dont(option) => {
            matches!(option, ECHO | SUPPRESS_GO_AHEAD | BINARY | END_OF_RECORD | CHARSET)
        }
        Command::Will(option) | Command::Wont(option) => {
            matches!(option, SUPPRESS_GO_AHEAD | BINARY | NEW_ENVIRON | CHARSET)
        }
        Command::CharsetRequest(_) | Command::CharsetTable => true,
        _ => false,
    }
}

/// A subnegotiation. Nothing in it may be IAC.
fn about(option: u8, content: &[u8]) -> Vec<u8> {
    [&[IAC, SB, option], content, &[IAC, SE]].concat()
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
    /// What else is asked when a client tells its terminal type.
    const MORE: &[u8] = &[IAC, DO, NEW_ENVIRON, IAC, WILL, CHARSET];

    fn terminal(name: &str) -> Command {
        Command::TerminalType(Terminal::of_type(name.as_bytes()))
    }

    #[test]
    fn an_option_is_refused_once_in_each_direction() {
        let mut options = Options::default();
        assert_eq!(options.answer(Command::Do(2)), [OFFER, &[IAC, WONT, 2]].concat());
        assert_eq!(options.answer(Command::Will(2)), [IAC, DONT, 2]);
        const KNOWN: [u8; 9] = [
            BINARY,
            ECHO,
            SUPPRESS_GO_AHEAD,
            NAWS,
            TIMING_MARK,
            TERMINAL_TYPE,
            END_OF_RECORD,
            NEW_ENVIRON,
            CHARSET,
        ];
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
        assert_eq!(options.answer(Command::Will(TERMINAL_TYPE)), [QUESTION, MORE].concat());
        assert_eq!(options.answer(terminal("XTERM")), QUESTION);
        assert!(options.is_editing());
        let answer = options.answer(terminal("TINYFUGUE"));
        assert_eq!(answer[..6], [IAC, WONT, ECHO, IAC, WONT, SUPPRESS_GO_AHEAD]);
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
    fn a_client_that_may_be_no_telnet_is_sent_three_bytes() {
        let mut options = Options::default();
        assert_eq!(options.probe(), [IAC, WILL, ECHO]);
        assert!(options.is_offered());
        assert_eq!(options.answer(Command::Do(ECHO)), OFFER[3..]);
        assert!(options.is_editing() && !options.is_offered());
        options.withdraw();
        assert_eq!(options.probe(), [IAC, WILL, ECHO]);
        options.answer(Command::Dont(ECHO));
        assert!(!options.is_offered());
    }

    #[test]
    fn terminal_types_are_asked_for_until_one_comes_twice() {
        for (names, questions) in [
            (&["XTERM", "XTERM"][..], 2),
            (&["TINTIN++", "XTERM", "MTTS 271", "MTTS 271"], 3),
            (&["a", "b", "c", "d", "e", "f"], 4),
        ] {
            let mut options = Options::default();
            options.offer();
            let mut asked = options.answer(Command::Will(TERMINAL_TYPE));
            assert_eq!(asked, [QUESTION, MORE].concat());
            for name in names {
                asked.extend(options.answer(terminal(name)));
            }
            let count = asked.windows(QUESTION.len()).filter(|window| *window == QUESTION).count();
            assert_eq!(count, questions, "{names:?}");
        }
    }

    #[test]
    fn a_terminal_type_that_is_on_is_not_refused() {
        let mut options = Options::default();
        options.offer();
        let asked = options.answer(Command::Will(TERMINAL_TYPE));
        assert_eq!(options.answer(Command::Will(TERMINAL_TYPE)), b"", "after {asked:?}");
    }

    #[test]
    fn the_environment_is_asked_for_once() {
        let mut options = Options::default();
        options.offer();
        options.answer(Command::Will(TERMINAL_TYPE));
        let question = options.answer(Command::Will(NEW_ENVIRON));
        assert!(question.starts_with(&[IAC, SB, NEW_ENVIRON, SEND, 3, b'L']), "{question:?}");
        assert_eq!(options.answer(Command::Will(NEW_ENVIRON)), [0; 0]);
        let said = Terminal::of_environment(b"\x03LANG\x01de.ISO8859-1\x03COLORTERM\x01yes");
        assert_eq!(options.answer(Command::Environment(said)), [0; 0]);
        assert!(options.terminal().has_colors());
        assert_eq!(options.charset(), Charset::parse("latin1"));
        assert_eq!(options.answer(Command::Wont(NEW_ENVIRON)), [IAC, DONT, NEW_ENVIRON]);
        assert_eq!(options.answer(Command::Wont(NEW_ENVIRON)), [0; 0]);
    }

    fn name(name: &str) -> CharsetName {
        CharsetName::parse(name.as_bytes()).expect("it is known")
    }

    #[test]
    fn the_client_chooses_its_characters() {
        let mut options = Options::default();
        options.offer();
        options.answer(Command::Will(TERMINAL_TYPE));
        let request = options.answer(Command::Do(CHARSET));
        assert!(request.starts_with(&[IAC, SB, CHARSET, REQUEST, b';']), "{request:?}");
        assert_eq!(options.answer(Command::Do(CHARSET)), [0; 0]);
        // It has to answer ours first.
        let latin1 = name("ISO-8859-1");
        assert_eq!(options.answer(Command::Will(CHARSET)), [IAC, DO, CHARSET]);
        let rejected = [IAC, SB, CHARSET, REJECTED, IAC, SE];
        assert_eq!(options.answer(Command::CharsetRequest(Some(latin1))), rejected);
        assert_eq!(options.charset(), None);
        assert_eq!(options.answer(Command::CharsetAccepted(Some(latin1))), [0; 0]);
        assert_eq!(options.charset(), Some(latin1.charset()));
        // That it accepts what it wasn't asked for changes nothing.
        options.answer(Command::CharsetAccepted(Some(name("cp437"))));
        assert_eq!(options.charset(), Some(latin1.charset()));
        // Now it may ask.
        let answer = options.answer(Command::CharsetRequest(Some(name("koi8-r"))));
        assert_eq!(answer, [&[IAC, SB, CHARSET, ACCEPTED], &b"koi8-r"[..], &[IAC, SE]].concat());
        assert_eq!(options.charset(), Charset::parse("koi8-r"));
        assert_eq!(options.answer(Command::CharsetRequest(None)), rejected);
    }

    #[test]
    fn a_request_of_the_client_is_answered_a_limited_number_of_times() {
        let mut options = Options::default();
        let answers = (0..1000).map(|_| options.answer(Command::CharsetRequest(None)));
        let count = answers.filter(|answer| !answer.is_empty()).count();
        assert_eq!(count, usize::from(CHANGES_MAX));
    }

    #[test]
    fn a_program_that_edits_lines_itself_may_have_ends_marked() {
        let mut options = Options::default();
        options.offer();
        options.answer(Command::Will(TERMINAL_TYPE));
        let answer = options.answer(terminal("TINYFUGUE"));
        assert!(answer.ends_with(&[&[IAC, WILL, END_OF_RECORD], QUESTION].concat()));
        assert_eq!(options.answer(Command::Do(END_OF_RECORD)), [0; 0]);
        assert!(options.marks_ends());
        assert_eq!(options.answer(Command::Dont(END_OF_RECORD)), [IAC, WONT, END_OF_RECORD]);
        assert!(!options.marks_ends());
        assert_eq!(options.answer(Command::Do(END_OF_RECORD)), [IAC, WILL, END_OF_RECORD]);
    }

    #[test]
    fn the_state_of_the_server_is_told_once() {
        let mut options = Options::default();
        assert_eq!(options.offer_status(), [IAC, WILL, MSSP]);
        assert_eq!(options.offer_status(), [0; 0]);
        assert_eq!(options.begin_status(), Some(&[][..]));
        assert_eq!(options.begin_status(), None);
        assert_eq!(Options::default().begin_status(), Some(&[IAC, WILL, MSSP][..]));
    }
}
