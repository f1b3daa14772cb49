//! Cuts a client's bytes into lines and telnet commands.
//!
//! How the bytes are split over reads changes nothing. Each byte is looked at
//! once, and a line that lies whole in the input isn't copied.

use std::borrow::Cow;

use arrayvec::ArrayVec;
use memchr::{memchr, memchr3};

use super::telnet::{self, Command, IAC, Step};

/// How the bytes of every client are framed.
#[derive(Clone, Copy, Debug)]
pub struct Framing {
    /// The longest line in bytes, without its end.
    pub line_bytes_max: usize,
    /// No telnet; only LF and CR LF end a line.
    pub raw: bool,
    /// A first line may be of a request of HTTP, which is understood then.
    pub has_web: bool,
}

/// What ended a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// LF alone.
    Lf,
    /// CR LF, or the CR NUL that telnet sends for a bare return (RFC 854,
    /// "The NVT printer and keyboard").
    CrLf,
    /// The client closed its sending side.
    Eof,
}

/// What the decoder found in a client's bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A line without its end, as the client sent it (telnet taken out).
    Line {
        /// At most `line_bytes_max` of them.
        bytes: Cow<'a, [u8]>,
        /// What came after them.
        end: LineEnd,
    },
    /// A line has passed the limit. Comes once; the rest of it is discarded.
    TooLong {
        /// How it begins.
        start: LineStart,
    },
    /// A telnet command.
    Command(Command),
}

/// NUL is no input (RFC 854, "The NVT printer and keyboard"): it begins no line.
fn without_nuls(line: &[u8]) -> &[u8] {
    let nuls = line.iter().take_while(|&&byte| byte == 0).count();
    &line[nuls..]
}

/// What erases the last character, and all, where cleaning finds it.
const DEL: u8 = 0x7f;
const CTRL_U: u8 = 0x15;

/// The first bytes of a line, not more than show that it is too long.
pub type LineStart = ArrayVec<u8, LINE_START_BYTES>;

const LINE_START_BYTES: usize = 32;

/// What a client whose line is edited has sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed<'a> {
    /// Keys.
    Keys(&'a [u8]),
    /// A telnet command.
    Command(Command),
}

/// The place of one client in its own stream of bytes.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The beginning of a line whose end hasn't come.
    partial: Vec<u8>,
    telnet: telnet::State,
    /// The last byte was a CR: what it means depends on the next one.
    after_cr: bool,
    /// The line has passed the limit: drop everything up to its end.
    discarding: bool,
    /// The client has sent a telnet command, so it takes CR alone for the end of a
    /// line too.
    is_telnet: bool,
    /// The client speaks no telnet, but a character set in which IAC is a letter.
    is_text: bool,
    /// Its last line ended with CR: LF or NUL after that belongs to it.
    after_line: bool,
    /// Bytes searched for the end of a line or a command.
    #[cfg(test)]
    searched_bytes: usize,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    pub const fn new() -> Self {
        Decoder {
            partial: Vec::new(),
            telnet: telnet::State::Data,
            after_cr: false,
            discarding: false,
            is_telnet: false,
            is_text: false,
            after_line: false,
            #[cfg(test)]
            searched_bytes: 0,
        }
    }

    /// Takes bytes off the front of `input` up to the next event. `None` means
    /// that `input` is used up.
    pub fn next<'a>(&mut self, input: &mut &'a [u8], framing: &Framing) -> Option<Event<'a>> {
        if framing.raw { self.next_raw(input, framing) } else { self.next_chat(input, framing) }
    }

    /// Takes keys off the front of `input`, or the next telnet command: for a
    /// client whose line is edited, where keys are more than text. `None` means
    /// that `input` is used up.
    pub fn next_typed<'a>(&mut self, input: &mut &'a [u8]) -> Option<Typed<'a>> {
        loop {
            let byte = *input.first()?;
            if self.telnet == telnet::State::Data {
                match memchr(IAC, input).unwrap_or(input.len()) {
                    0 => self.telnet = telnet::State::Command,
                    keys => return Some(Typed::Keys(take(input, keys))),
                }
                take(input, 1);
                continue;
            }
            match self.telnet.step(byte, self.is_telnet) {
                // This byte is a key itself: it stays in the input.
                Step::NotTelnet(_) => continue,
                Step::More => _ = take(input, 1),
                // UTF-8 hasn't this byte, but other character sets have.
                Step::Literal => {
                    take(input, 1);
                    return Some(Typed::Keys(&[IAC]));
                }
                Step::Done(command) => {
                    take(input, 1);
                    self.is_telnet = true;
                    return Some(match command {
                        Command::EraseCharacter => Typed::Keys(&[DEL]),
                        Command::EraseLine => Typed::Keys(&[CTRL_U]),
                        _ => Typed::Command(command),
                    });
                }
            }
        }
    }

    /// What has been sent of a line so far. The next line begins after it.
    pub fn take_partial(&mut self) -> Vec<u8> {
        (self.after_cr, self.after_line) = (false, false);
        self.discarding = false;
        std::mem::take(&mut self.partial)
    }

    /// The client closed its sending side: a last line without an end counts.
    pub fn finish(&mut self, framing: &Framing) -> Option<Event<'static>> {
        // A CR here is half of a line's end.
        self.after_cr = false;
        if std::mem::take(&mut self.discarding) || self.partial.is_empty() {
            return None;
        }
        if self.partial.len() > framing.line_bytes_max {
            let start = line_start(&std::mem::take(&mut self.partial), b"", framing);
            return Some(Event::TooLong { start });
        }
        let bytes = Cow::Owned(std::mem::take(&mut self.partial));
        Some(Event::Line { bytes, end: LineEnd::Eof })
    }

    /// Whether nothing is begun.
    pub fn is_between_lines(&self) -> bool {
        let is_begun = self.after_cr || self.discarding || self.telnet != telnet::State::Data;
        !is_begun && self.partial.is_empty()
    }

    /// Whether the client has sent a telnet command.
    pub fn is_telnet(&self) -> bool {
        self.is_telnet
    }

    /// Whether IAC is a letter, of a client that has sent no telnet command.
    pub fn set_text(&mut self, is_text: bool) {
        self.is_text = is_text && !self.is_telnet;
    }

    /// Whether there is nothing to remember: a new decoder would do as well.
    pub fn is_new(&self) -> bool {
        self.is_between_lines() && !self.is_telnet && !self.is_text
    }

    /// Bytes of memory held for an unfinished line.
    pub fn held_bytes(&self) -> usize {
        self.partial.capacity()
    }

    fn next_chat<'a>(&mut self, input: &mut &'a [u8], framing: &Framing) -> Option<Event<'a>> {
        // Everything before `scanned` is data of the current line.
        let mut scanned = 0;
        loop {
            if let Some(event) = self.resume(input, framing) {
                return Some(event);
            }
            let found = memchr3(b'\n', b'\r', IAC, &input[scanned..]);
            self.count_search(found, input.len() - scanned);
            let Some(at) = found.map(|at| scanned + at) else {
                return self.keep(take(input, input.len()), framing);
            };
            match (input[at], input.get(at + 1)) {
                (b'\n', _) => return self.line(input, at, 1, LineEnd::Lf, framing),
                (b'\r', Some(b'\n' | 0)) => return self.line(input, at, 2, LineEnd::CrLf, framing),
                (b'\r', next) if self.is_telnet => {
                    self.after_line = next.is_none();
                    return self.line(input, at, 1, LineEnd::CrLf, framing);
                }
                // A CR in the middle of a line; cleaning takes it out.
                (b'\r', Some(_)) => {
                    scanned = at + 1;
                    continue;
                }
                (b'\r', None) => self.after_cr = true,
                (IAC, _) if self.is_text => {
                    scanned = at + 1;
                    continue;
                }
                (_, _) => self.telnet = telnet::State::Command,
            }
            let event = self.keep(take(input, at), framing);
            take(input, 1);
            if event.is_some() {
                return event;
            }
            scanned = 0;
        }
    }

    /// Goes on with what the last byte left open: a CR or a telnet command.
    /// Leaves the decoder in plain data, or `input` empty.
    fn resume<'a>(&mut self, input: &mut &'a [u8], framing: &Framing) -> Option<Event<'a>> {
        if self.after_line && !input.is_empty() {
            self.after_line = false;
            if let b'\n' | 0 = input[0] {
                take(input, 1);
            }
        }
        if self.after_cr && !input.is_empty() {
            self.after_cr = false;
            if let b'\n' | 0 = input[0] {
                return self.line(input, 0, 1, LineEnd::CrLf, framing);
            }
            if let Some(event) = self.keep(b"\r", framing) {
                return Some(event);
            }
        }
        while self.telnet != telnet::State::Data && !input.is_empty() {
            let byte = input[0];
            let data: &[u8] = match self.telnet.step(byte, self.is_telnet) {
                Step::More => {
                    take(input, 1);
                    continue;
                }
                Step::Done(command) => {
                    take(input, 1);
                    self.is_telnet = true;
                    match command {
                        Command::EraseCharacter => &[DEL],
                        Command::EraseLine => &[CTRL_U],
                        _ => return Some(Event::Command(command)),
                    }
                }
                Step::Literal => {
                    take(input, 1);
                    &[IAC]
                }
                // This byte may end the line: it stays in the input.
                Step::NotTelnet(data) => data,
            };
            if let Some(event) = self.keep(data, framing) {
                return Some(event);
            }
        }
        None
    }

    fn next_raw<'a>(&mut self, input: &mut &'a [u8], framing: &Framing) -> Option<Event<'a>> {
        let found = memchr(b'\n', input);
        self.count_search(found, input.len());
        let Some(at) = found else {
            return self.keep(take(input, input.len()), framing);
        };
        self.line(input, at, 1, LineEnd::Lf, framing)
    }

    /// Lets a test see how much is searched.
    fn count_search(&mut self, _found: Option<usize>, _bytes: usize) {
        #[cfg(test)]
        {
            self.searched_bytes += _found.map_or(_bytes, |at| at + 1);
        }
    }

    /// Ends the line `at` bytes into `input`; its end is `end_bytes` long.
    fn line<'a>(
        &mut self,
        input: &mut &'a [u8],
        at: usize,
        end_bytes: usize,
        end: LineEnd,
        framing: &Framing,
    ) -> Option<Event<'a>> {
        let mut rest = take(input, at);
        take(input, end_bytes);
        if self.partial.is_empty() && !self.discarding && !framing.raw {
            rest = without_nuls(rest);
        }
        let mut bytes = Cow::Borrowed(rest);
        if self.discarding || !self.partial.is_empty() {
            let too_long = self.keep(rest, framing);
            if std::mem::take(&mut self.discarding) {
                // Told already, if not just now.
                return too_long.or_else(|| self.next(input, framing));
            }
            bytes = Cow::Owned(std::mem::take(&mut self.partial));
        }
        let mut end = end;
        if framing.raw && bytes.last() == Some(&b'\r') {
            end = LineEnd::CrLf;
            match &mut bytes {
                Cow::Borrowed(bytes) => *bytes = &bytes[..bytes.len() - 1],
                Cow::Owned(bytes) => bytes.truncate(bytes.len() - 1),
            }
        }
        if bytes.len() > framing.line_bytes_max {
            return Some(Event::TooLong { start: line_start(&bytes, b"", framing) });
        }
        Some(Event::Line { bytes, end })
    }

    /// Keeps the beginning of a line; says so when it passes the limit.
    fn keep<'a>(&mut self, bytes: &[u8], framing: &Framing) -> Option<Event<'a>> {
        if self.discarding {
            return None;
        }
        let mut bytes = bytes;
        if self.partial.is_empty() && !framing.raw {
            bytes = without_nuls(bytes);
        }
        // In raw mode a CR at the end may be half of the line's end.
        let last = bytes.last().or(self.partial.last());
        let end_bytes = usize::from(framing.raw && last == Some(&b'\r'));
        if self.partial.len() + bytes.len() - end_bytes > framing.line_bytes_max {
            self.discarding = true;
            let start = line_start(&std::mem::take(&mut self.partial), bytes, framing);
            return Some(Event::TooLong { start });
        }
        self.partial.extend_from_slice(bytes);
        None
    }
}

/// How a line begins of which `partial` was kept and `bytes` come next. However
/// they were split, it is the same.
fn line_start(partial: &[u8], bytes: &[u8], framing: &Framing) -> LineStart {
    let shown = framing.line_bytes_max.saturating_add(1);
    partial.iter().chain(bytes).copied().take(shown.min(LINE_START_BYTES)).collect()
}

/// Takes `count` bytes off the front of `input`.
fn take<'a>(input: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (front, rest) = input.split_at(count);
    *input = rest;
    front
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: Framing = Framing { line_bytes_max: 8, raw: false, has_web: false };
    const RAW: Framing = Framing { line_bytes_max: 8, raw: true, has_web: false };

    /// Decodes `pieces` one read after the other and writes the events down:
    /// a line in brackets with its end, `!` for a line that is too long.
    fn decode(framing: &Framing, pieces: &[&[u8]]) -> String {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        for piece in pieces {
            let mut input = *piece;
            while let Some(event) = decoder.next(&mut input, framing) {
                events.push(show(&event));
            }
            assert!(input.is_empty(), "no event means that the input is used up");
            assert!(decoder.held_bytes() <= 2 * framing.line_bytes_max + 8);
        }
        events.extend(decoder.finish(framing).iter().map(show));
        events.join(" ")
    }

    fn show(event: &Event) -> String {
        match event {
            Event::Line { bytes, end } => format!("[{}]{end:?}", bytes.escape_ascii()),
            Event::TooLong { start } => {
                assert_eq!(start.len(), 9, "as much as shows that it is too long");
                "!".into()
            }
            Event::Command(command) => format!("{command:?}"),
        }
    }

    /// The events are as expected however the bytes are split.
    #[track_caller]
    fn check(framing: &Framing, bytes: &[u8], expected: &str) {
        assert_eq!(decode(framing, &[bytes]), expected, "whole");
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(decode(framing, &single), expected, "byte by byte");
        for at in 0..=bytes.len() {
            let (front, back) = bytes.split_at(at);
            assert_eq!(decode(framing, &[front, back]), expected, "split at {at}");
        }
    }

    #[test]
    fn lf_crlf_cr_nul_and_eof_end_a_line() {
        check(&CHAT, b"a\nb\r\nc\r\0d", "[a]Lf [b]CrLf [c]CrLf [d]Eof");
        check(&CHAT, b"\n\r\n", "[]Lf []CrLf");
        check(&CHAT, b"a\r", "[a]Eof");
        check(&CHAT, b"", "");
    }

    #[test]
    fn a_lone_cr_is_data() {
        check(&CHAT, b"a\rb\r\r\nc\rd", "[a\\rb\\r]CrLf [c\\rd]Eof");
    }

    #[test]
    fn the_limit_is_exact_and_told_once() {
        check(&CHAT, b"12345678\n", "[12345678]Lf");
        check(&CHAT, b"12345678\r\n", "[12345678]CrLf");
        check(&CHAT, b"123456789\nok\n", "! [ok]Lf");
        check(&CHAT, b"123456789\r\nok\r\n", "! [ok]CrLf");
        check(&CHAT, &[b'x'; 100], "!");
        check(&CHAT, b"1234567890\n1234567890\nok", "! ! [ok]Eof");
    }

    #[test]
    fn telnet_commands_are_taken_out_of_lines() {
        check(&CHAT, b"a\xff\xfd\x01b\n", "Do(1) [ab]Lf");
        check(&CHAT, b"\xff\xfb\x1f\xff\xf6\xff\xf4", "Will(31) AreYouThere Other");
        check(&CHAT, b"a\r\xff\xf1\nb\n", "Other [a\\r]Lf [b]Lf");
        check(&CHAT, b"\xff\xfe\x01\xff\xfc\x01", "Dont(1) Wont(1)");
    }

    #[test]
    fn subnegotiations_are_dropped_whole() {
        check(&CHAT, b"a\xff\xfa\x19\0xt\nerm\xff\xff\xff\xf0b\n", "Other [ab]Lf");
        check(&CHAT, b"a\xff\xfa\x18 never ends \n\n", "[a]Eof");
    }

    #[test]
    fn byte_255_that_starts_no_command_is_data() {
        check(&CHAT, b"\xff\xff\n", "[\\xff]Lf");
        check(&CHAT, b"\xffa\xff\n", "[\\xffa\\xff]Lf");
    }

    #[test]
    fn a_too_long_line_with_commands_in_it_keeps_their_order() {
        check(&CHAT, b"1234567890\xff\xf6xx\n", "! AreYouThere");
        check(&CHAT, b"12345\xff\xf667890\n", "AreYouThere !");
        check(&CHAT, b"12345678\xff\xff\nok\n", "! [ok]Lf");
    }

    #[test]
    fn raw_knows_lf_and_crlf_only() {
        check(&RAW, b"a\nb\r\nc\r\0\xff\xf6d\r", "[a]Lf [b]CrLf [c\\r\\x00\\xff\\xf6d\\r]Eof");
        check(&RAW, b"12345678\r\n", "[12345678]CrLf");
        check(&RAW, b"12345678\r\r\n", "!");
        check(&RAW, b"12345678\r", "!");
        check(&RAW, b"123456789\n", "!");
    }

    #[test]
    fn a_whole_line_is_not_copied() {
        let mut decoder = Decoder::default();
        let mut input: &[u8] = b"one\r\ntwo\n";
        while let Some(event) = decoder.next(&mut input, &CHAT) {
            assert!(matches!(event, Event::Line { bytes: Cow::Borrowed(_), .. }));
        }
    }

    #[test]
    fn no_byte_is_searched_twice() {
        let contents: [&[u8]; 6] = [b"\r", b"\n", b"\xff", b"\xff\xf1", b"a\r", b"a line\r\n"];
        for (content, piece_bytes) in contents.iter().flat_map(|c| [(c, 1), (c, 7), (c, 4096)]) {
            for framing in [CHAT, RAW, Framing { line_bytes_max: 1 << 20, ..CHAT }] {
                let bytes = content.repeat(10_000);
                let mut decoder = Decoder::default();
                for mut input in bytes.chunks(piece_bytes) {
                    while decoder.next(&mut input, &framing).is_some() {}
                }
                assert!(decoder.searched_bytes <= bytes.len(), "{}", content.escape_ascii());
            }
        }
    }

    #[test]
    fn an_unfinished_line_or_subnegotiation_is_bounded() {
        let mut decoder = Decoder::default();
        for start in [&b"x"[..], b"\xff\xfa\x18"] {
            let mut input = start;
            assert_eq!(decoder.next(&mut input, &CHAT), None);
            let chunk = [b'y'; 64 * 1024];
            for _ in 0..1_600 {
                let mut input = &chunk[..];
                while decoder.next(&mut input, &CHAT).is_some() {}
                assert!(decoder.held_bytes() <= 16);
            }
        }
    }
}
