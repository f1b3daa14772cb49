//! Telnet commands and their answers.

use std::collections::HashMap;
use std::iter;

use roomcast::wire::{Command, Decoder, Event, Framing, Options, Typed};

use super::cuts::cut;

const IAC: u8 = 255;
const WILL: u8 = 251;
const WONT: u8 = 252;
const DO: u8 = 253;
const DONT: u8 = 254;
const ECHO: u8 = 1;
const SUPPRESS_GO_AHEAD: u8 = 3;
const TIMING_MARK: u8 = 6;
const NAWS: u8 = 31;
const TERMINAL_TYPE: u8 = 24;
const END_OF_RECORD: u8 = 25;
const NEW_ENVIRON: u8 = 39;
const CHARSET: u8 = 42;
const BINARY: u8 = 0;
/// IAC SB and IAC SE.
const BEGIN: &[u8] = &[IAC, 250];
const END: &[u8] = &[IAC, 240];
/// Questions about the type of one terminal, and answers about character sets, at most.
const TYPES_ASKED_MAX: usize = 4;
const CHANGES_MAX: usize = 32;

const FRAMING: Framing = Framing { line_bytes_max: 64, raw: false, has_web: false };

/// The answers are the same however bytes are cut, and no option is answered
/// more often than it must be, so that no two programs talk about it for ever.
pub fn telnet(data: &[u8]) {
    let [shape, seed, bytes @ ..] = data else { return };
    let mut talk = Talk::new(*shape);
    talk.hear(iter::once(bytes));
    let mut other = Talk::new(*shape);
    other.hear(cut(bytes, *seed));
    assert_eq!(talk.heard, other.heard);
    assert_eq!(talk.answers, other.answers);
    talk.assert_bounded();
    talk.assert_ends(shape & 2 != 0);
}

/// What came from a client beside commands.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Line(Vec<u8>),
    TooLong,
    /// A byte that it typed while its line was edited.
    Key(u8),
}

/// The server's side of a connection.
#[derive(Default)]
struct Talk {
    decoder: Decoder,
    options: Options,
    heard: Vec<Heard>,
    answers: Vec<u8>,
    /// How often editing was offered or taken back because somebody said so.
    wishes: usize,
    timing_marks: usize,
    /// How often the client spoke of each option.
    asked: HashMap<u8, usize>,
    /// How often it was asked for its terminal type.
    questions: usize,
    /// How often it was asked or told something else than whether it does something.
    talks: usize,
}

impl Talk {
    /// `shape`: whether editing is offered at the beginning, or that a password isn't
    /// shown.
    fn new(shape: u8) -> Talk {
        let mut talk = Talk::default();
        match shape & 5 {
            1 => talk.wish(Options::offer),
            4 => talk.wish(|options| options.conceal().to_vec()),
            _ => {}
        }
        talk
    }

    /// Goes from lines to keys and back where the chat does.
    fn hear<'a>(&mut self, packets: impl Iterator<Item = &'a [u8]>) {
        for packet in packets {
            let mut input = packet;
            while !input.is_empty() {
                match self.options.is_editing() {
                    true => self.hear_keys(&mut input),
                    false => self.hear_lines(&mut input),
                }
            }
        }
    }

    fn hear_lines(&mut self, input: &mut &[u8]) {
        match self.decoder.next(input, &FRAMING) {
            None => {}
            Some(Event::TooLong { .. }) => self.heard.push(Heard::TooLong),
            Some(Event::Line { bytes, .. }) => {
                match &bytes[..] {
                    b"/edit" => self.wish(Options::offer),
                    b"/try" => self.wish(Options::probe),
                    b"/hide" => self.wish(|options| options.conceal().to_vec()),
                    b"/edit off" => self.wish(|options| options.withdraw().to_vec()),
                    _ => {}
                }
                self.heard.push(Heard::Line(bytes.into_owned()));
            }
            Some(Event::Command(command)) => {
                self.answer(command);
                if self.options.is_editing() {
                    let begun = self.decoder.take_partial();
                    self.heard.extend(begun.into_iter().map(Heard::Key));
                }
            }
        }
    }

    fn hear_keys(&mut self, input: &mut &[u8]) {
        match self.decoder.next_typed(input) {
            None => {}
            Some(Typed::Keys(keys)) => {
                // IAC IAC is a key.
                assert!(keys == [IAC] || !keys.contains(&IAC), "a command among the keys");
                self.heard.extend(keys.iter().copied().map(Heard::Key));
            }
            Some(Typed::Command(command)) => self.answer(command),
        }
    }

    fn wish(&mut self, wish: impl FnOnce(&mut Options) -> Vec<u8>) {
        self.wishes += 1;
        self.answers.extend(wish(&mut self.options));
    }

    fn answer(&mut self, command: Command) {
        self.timing_marks += usize::from(command == Command::Do(TIMING_MARK));
        if let Command::Do(option)
        | Command::Dont(option)
        | Command::Will(option)
        | Command::Wont(option) = command
        {
            *self.asked.entry(option).or_default() += 1;
        }
        let answer = self.options.answer(command);
        let mut rest = &answer[..];
        while let Some(begin) = find(rest, BEGIN) {
            let end = begin + find(&rest[begin..], END).expect("it has an end") + END.len();
            match rest[begin + BEGIN.len()] {
                TERMINAL_TYPE => self.questions += 1,
                _ => self.talks += 1,
            }
            self.answers.extend(&rest[..begin]);
            rest = &rest[end..];
        }
        self.answers.extend(rest);
    }

    /// Each option that isn't known is refused once in each direction. What is
    /// known is answered once each time that the client speaks of it. Editing is
    /// offered once by itself, and when the client changes its mind.
    fn assert_bounded(&self) {
        let mut counts = HashMap::<(u8, u8), usize>::new();
        for (verb, option) in verbs(&self.answers) {
            *counts.entry((verb, option)).or_default() += 1;
        }
        let timing_marks = counts.remove(&(WONT, TIMING_MARK)).unwrap_or_default();
        assert_eq!(timing_marks, self.timing_marks);
        for ((verb, option), count) in counts {
            let asked = |option| self.asked.get(&option).copied().unwrap_or_default();
            let offers = 1 + self.wishes + asked(ECHO);
            let count_max = match (verb, option) {
                (WILL | WONT, ECHO) | (DO, NAWS | TERMINAL_TYPE) => offers,
                (_, SUPPRESS_GO_AHEAD | BINARY) => offers + asked(option),
                (_, NEW_ENVIRON | CHARSET | END_OF_RECORD) => 1 + asked(option),
                (WONT | DONT, _) => 1,
                _ => 0,
            };
            let questions_max = TYPES_ASKED_MAX * asked(TERMINAL_TYPE);
            assert!(self.questions <= questions_max, "{} questions", self.questions);
            let talks_max = CHANGES_MAX + asked(NEW_ENVIRON) + asked(CHARSET);
            assert!(self.talks <= talks_max, "{} talks", self.talks);
            assert!(count <= count_max, "{count} times {verb} {option}");
        }
    }

    /// A client that answers each verb, also where it needn't, comes to an end
    /// with the server.
    fn assert_ends(mut self, is_willing: bool) {
        let mut answers = std::mem::take(&mut self.answers);
        for _ in 0..100 {
            for (verb, option) in verbs(&answers) {
                self.answer(match (verb, is_willing) {
                    (WILL, true) => Command::Do(option),
                    (WILL, false) | (WONT, _) => Command::Dont(option),
                    (DO, true) => Command::Will(option),
                    _ => Command::Wont(option),
                });
            }
            answers = std::mem::take(&mut self.answers);
        }
        assert!(answers.is_empty(), "they talk for ever: {answers:?}");
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// The verbs and options of answers, which are made of nothing else.
fn verbs(answers: &[u8]) -> impl Iterator<Item = (u8, u8)> {
    let (answers, rest) = answers.as_chunks::<3>();
    assert!(rest.is_empty(), "half an answer: {rest:?}");
    answers.iter().map(|&[iac, verb, option]| {
        assert!(iac == IAC && (WILL..=DONT).contains(&verb), "{iac} {verb} {option}");
        (verb, option)
    })
}
