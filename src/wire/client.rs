//! What one client sends, whatever it speaks: bytes in, [`Input`] out.
//!
//! ```text
//! Sniffing ──> FirstLine ──> Lines <──> Editing
//!     └────────────┴──> another protocol
//! ```
//!
//! It knows no rooms and no other clients. What a client that edits is sent is
//! put together here as well, because the line being typed stands between the
//! lines of others.

use std::borrow::Cow;

use arrayvec::ArrayVec;

use super::decoder::{Decoder, Event, Framing, LineEnd, Typed};
use super::editor::{Edited, Editor};
use super::protocol::{FIRST_BYTES, First, Protocol};
use super::telnet::{Command, Options};

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How much of a stream has shown that it is a chat client's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// The first bytes may be of a binary protocol.
    #[default]
    Sniffing,
    /// The first line may be of another protocol.
    FirstLine,
    /// It is a chat client's.
    Lines,
}

/// What a client has sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// A line as it came, without its end and without telnet commands.
    Line {
        /// At most `line_bytes_max` of them.
        bytes: Cow<'a, [u8]>,
        /// What ended it.
        end: LineEnd,
    },
    /// A line has passed the limit. Comes once; the rest of it is discarded.
    TooLong,
    /// A line that was typed into the editor. [`Editor::entered`] is what the
    /// terminal shows of it.
    Typed(String),
    /// Ctrl-D in an empty line of the editor: the client wants to leave.
    End,
    /// A telnet command, to be answered with [`Client::answer`].
    Telnet(Command),
    /// The client speaks another protocol. Nothing of what it sends is for the
    /// chat.
    Foreign(Protocol),
}

/// The input of one client, and the terminal that it types on.
#[derive(Debug, Default)]
pub struct Client {
    stage: Stage,
    /// First bytes that don't show yet what they are.
    first: ArrayVec<u8, FIRST_BYTES>,
    decoder: Decoder,
    /// What has been agreed with telnet.
    options: Option<Box<Options>>,
    /// The line that is being typed, if the server edits it.
    editor: Option<Box<Editor>>,
    /// What the client is sent next, if it edits or did until now. What is begun
    /// is sent to its end: the state of a terminal after half of it isn't known.
    screen: Vec<u8>,
}

impl Client {
    /// A client of which nothing but the stage is known.
    pub const fn at(stage: Stage) -> Self {
        Client {
            stage,
            first: ArrayVec::new_const(),
            decoder: Decoder::new(),
            options: None,
            editor: None,
            screen: Vec::new(),
        }
    }

    /// How far its stream has come.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether its stage is all there is to remember: `Client::at(stage)` would do
    /// as well.
    pub fn is_at_rest(&self) -> bool {
        let is_plain = self.options.is_none() && self.editor.is_none() && self.screen.is_empty();
        is_plain && self.first.is_empty() && self.decoder.is_new()
    }

    /// Whether it has sent at least a byte.
    pub fn has_sent(&self) -> bool {
        self.stage != Stage::Sniffing || !self.first.is_empty()
    }

    /// Whether nothing is begun that needs an end: a line or a telnet command.
    pub fn is_between_lines(&self) -> bool {
        // Empty lines begin nothing, though they may be the begin of something else.
        self.decoder.is_between_lines() && self.first.iter().all(|byte| b"\r\n".contains(byte))
    }

    /// Bytes have come; gives those that are for [`Client::next`]. While the first
    /// ones may be of a binary protocol there are none.
    ///
    /// # Errors
    /// The protocol, if it isn't a chat client's.
    pub fn open<'a>(&mut self, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, Protocol> {
        if self.stage != Stage::Sniffing {
            return Ok(bytes.into());
        }
        let first = std::mem::take(&mut self.first);
        let bytes =
            if first.is_empty() { bytes.into() } else { Cow::from([&first, bytes].concat()) };
        match Protocol::of_bytes(&bytes) {
            First::Foreign(protocol) => Err(protocol),
            First::Unknown => {
                self.first = bytes.iter().copied().collect();
                Ok(Cow::default())
            }
            First::Text => {
                self.stage = Stage::FirstLine;
                // It says that what follows is UTF-8, and is no text.
                match bytes.strip_prefix(BYTE_ORDER_MARK) {
                    Some(rest) => Ok(rest.to_vec().into()),
                    None => Ok(bytes),
                }
            }
        }
    }

    /// No more bytes come that could show what the first ones are: they are text.
    /// Gives them back, to be opened.
    pub fn end_sniffing(&mut self) -> ArrayVec<u8, FIRST_BYTES> {
        if !self.first.is_empty() {
            self.stage = Stage::FirstLine;
        }
        std::mem::take(&mut self.first)
    }

    /// Takes bytes off the front of `input` up to the next event. `None` means
    /// that `input` is used up.
    pub fn next<'a>(&mut self, input: &mut &'a [u8], framing: &Framing) -> Option<Input<'a>> {
        if self.editor.is_some() {
            return self.next_typed(input, framing);
        }
        let event = self.decoder.next(input, framing)?;
        Some(self.check_first(event))
    }

    /// The client closed its sending side: a last line without an end counts.
    pub fn finish(&mut self, framing: &Framing) -> Option<Input<'static>> {
        let event = self.decoder.finish(framing)?;
        Some(self.check_first(event))
    }

    /// Offers the client to edit its line; gives what to send. Editing begins when
    /// its program agrees, which a telnet does and an `nc` doesn't.
    pub fn offer(&mut self) -> Vec<u8> {
        let offer = self.options.get_or_insert_default().offer();
        self.agree();
        offer
    }

    /// Takes the offer back; gives what to send.
    pub fn withdraw(&mut self) -> &'static [u8] {
        let answer = self.options.get_or_insert_default().withdraw();
        self.agree();
        answer
    }

    /// What the client types isn't shown from now on, nor edited, until `offer`,
    /// if its program speaks telnet; gives what to send.
    pub fn conceal(&mut self) -> &'static [u8] {
        self.options.get_or_insert_default().conceal()
    }

    /// Whether the client is asked to show nothing, and hasn't said no.
    pub fn is_concealed(&self) -> bool {
        self.options.as_ref().is_some_and(|options| options.is_concealed())
    }

    /// The bytes that answer a telnet command.
    pub fn answer(&mut self, command: Command) -> Vec<u8> {
        let answer = self.options.get_or_insert_default().answer(command);
        if let (Command::WindowSize { columns }, Some(editor)) = (command, &mut self.editor) {
            editor.set_columns(columns);
        }
        self.agree();
        answer
    }

    /// Whether the server edits the client's line: its bytes are keys.
    pub fn is_editing(&self) -> bool {
        self.editor.is_some()
    }

    /// Whether the client is sent screens.
    pub fn has_screen(&self) -> bool {
        self.is_editing() || !self.screen.is_empty()
    }

    /// What the client is to be sent before anything else.
    pub fn screen(&self) -> &[u8] {
        &self.screen
    }

    /// Makes place for lines of others; they are to be added to what this gives.
    pub fn begin_screen(&mut self) -> &mut Vec<u8> {
        if let Some(editor) = &mut self.editor {
            editor.hide(&mut self.screen);
        }
        &mut self.screen
    }

    /// Shows the line that is being typed below the others.
    pub fn end_screen(&mut self) {
        if let Some(editor) = &mut self.editor {
            editor.show(&mut self.screen);
        }
    }

    /// So many bytes of the screen were sent.
    pub fn advance_screen(&mut self, bytes: usize) {
        self.screen.drain(..bytes);
    }

    fn next_typed<'a>(&mut self, input: &mut &'a [u8], framing: &Framing) -> Option<Input<'a>> {
        let editor = self.editor.as_mut()?;
        loop {
            let before = *input;
            let keys = match self.decoder.next_typed(input)? {
                Typed::Command(command) => return Some(Input::Telnet(command)),
                Typed::Keys(keys) => keys,
            };
            let mut rest = keys;
            let edited = editor.next(&mut rest, framing.line_bytes_max);
            // The keys stood right before what is left of the input.
            *input = &before[before.len() - input.len() - rest.len()..];
            match edited {
                None => {}
                Some(Edited::Line(line)) => return Some(Input::Typed(line)),
                Some(Edited::End) => return Some(Input::End),
            }
        }
    }

    /// What the decoder has found, unless it is the first line and shows another
    /// protocol.
    fn check_first<'a>(&mut self, event: Event<'a>) -> Input<'a> {
        let protocol = match &event {
            Event::Command(command) => return Input::Telnet(*command),
            _ if self.stage == Stage::Lines => None,
            Event::Line { bytes, .. } => Protocol::of_line(bytes),
            Event::TooLong { start } => Protocol::of_long_line(start),
        };
        self.stage = Stage::Lines;
        match (protocol, event) {
            (Some(protocol), _) => Input::Foreign(protocol),
            (None, Event::Line { bytes, end }) => Input::Line { bytes, end },
            (None, _) => Input::TooLong,
        }
    }

    /// Begins or ends editing as agreed with the client.
    fn agree(&mut self) {
        let Some(options) = &self.options else { return };
        if options.is_editing() == self.editor.is_some() {
            return;
        }
        match self.editor.take() {
            Some(mut editor) => editor.hide(&mut self.screen),
            None => {
                let begun = self.decoder.take_partial();
                self.editor = Some(Box::new(Editor::new(&begun, options.columns())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FRAMING: Framing = Framing { line_bytes_max: 64, raw: false };
    const DO_ECHO: &[u8] = b"\xff\xfd\x01";
    const DONT_ECHO: &[u8] = b"\xff\xfe\x01";

    /// What a client has sent in pieces of this length, and then the end of the
    /// stream, up to what disconnects it. Telnet commands are answered.
    fn inputs(client: &mut Client, bytes: &[u8], piece: usize) -> Vec<Input<'static>> {
        let mut inputs = Vec::new();
        for piece in bytes.chunks(piece) {
            let opened = match client.open(piece) {
                Ok(opened) => opened,
                Err(protocol) => return vec![Input::Foreign(protocol)],
            };
            take(client, &opened, &mut inputs);
        }
        let first = client.end_sniffing();
        take(client, &first, &mut inputs);
        if !ends_visit(&inputs) {
            inputs.extend(client.finish(&FRAMING));
        }
        inputs
    }

    fn take(client: &mut Client, mut bytes: &[u8], inputs: &mut Vec<Input<'static>>) {
        while !ends_visit(inputs)
            && let Some(input) = client.next(&mut bytes, &FRAMING)
        {
            inputs.push(match input {
                Input::Line { bytes, end } => Input::Line { bytes: bytes.into_owned().into(), end },
                Input::TooLong => Input::TooLong,
                Input::Typed(line) => Input::Typed(line),
                Input::End => Input::End,
                Input::Foreign(protocol) => Input::Foreign(protocol),
                Input::Telnet(command) => {
                    client.answer(command);
                    Input::Telnet(command)
                }
            });
        }
    }

    fn ends_visit(inputs: &[Input]) -> bool {
        matches!(inputs.last(), Some(Input::End | Input::Foreign(_)))
    }

    fn line(text: &'static str, end: LineEnd) -> Input<'static> {
        Input::Line { bytes: text.as_bytes().into(), end }
    }

    #[test]
    fn a_chat_client_is_at_rest_between_its_lines() {
        let mut client = Client::default();
        assert!(!client.has_sent());
        assert_eq!(inputs(&mut client, b"\xef\xbb\xbfhi\n", 1), [line("hi", LineEnd::Lf)]);
        assert!(client.is_at_rest() && client.stage() == Stage::Lines);
        assert_eq!(inputs(&mut client, b"GET / HTTP/1.1\r\n", 99).len(), 1);
        assert!(client.is_at_rest(), "only the first line may be of another protocol");
    }

    #[test]
    fn another_protocol_is_known_by_its_first_bytes_or_line() {
        for (bytes, protocol) in [
            (&b"\x16\x03\x01rest"[..], Protocol::Tls),
            (b"GET / HTTP/1.1\r\n", Protocol::Http),
            (b"\r\n\r\n\0\r\nQUIT\nrest", Protocol::Proxy),
        ] {
            let mut client = Client::default();
            assert_eq!(inputs(&mut client, bytes, 1), [Input::Foreign(protocol)]);
        }
    }

    #[test]
    fn what_was_begun_before_editing_is_edited() {
        let mut client = Client::default();
        client.offer();
        let sent = [b"hel", DO_ECHO, b"lo\r", DONT_ECHO, b"bye\n"].concat();
        let expected = [
            Input::Telnet(Command::Do(1)),
            Input::Typed("hello".into()),
            Input::Telnet(Command::Dont(1)),
            line("bye", LineEnd::Lf),
        ];
        assert_eq!(inputs(&mut client, &sent, 99), expected);
        assert!(!client.is_editing());
    }

    #[test]
    fn what_is_concealed_is_not_edited() {
        let mut client = Client::default();
        client.conceal();
        let sent = [DO_ECHO, DONT_ECHO, DO_ECHO, b"secret\r\n"].concat();
        assert_eq!(inputs(&mut client, &sent, 2)[3..], [line("secret", LineEnd::CrLf)]);
        client.offer();
        assert!(client.is_editing());
    }

    #[test]
    fn a_screen_has_the_typed_line_below_the_others() {
        let mut client = Client::default();
        client.offer();
        inputs(&mut client, &[DO_ECHO, b"hi"].concat(), 99);
        client.end_screen();
        assert!(client.screen().ends_with(b"> hi"));
        let bytes = client.screen().len();
        client.advance_screen(bytes);
        client.begin_screen().extend(b"<ann> hello\r\n");
        client.end_screen();
        assert_eq!(client.screen(), b"\r\x1b[K<ann> hello\r\n\r\x1b[K> hi");
        client.withdraw();
        assert!(client.has_screen() && !client.is_editing());
    }

    proptest! {
        /// How bytes are cut into packets changes nothing (promise 9).
        #[test]
        fn pieces_change_nothing(parts in prop::collection::vec(prop::sample::select(vec![
            &b"a"[..], b"\r", b"\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\x16\x03", b"\x05\x01",
            DO_ECHO, DONT_ECHO, b"\xff\xfb\x03", b"\x1b[D", b"\x7f", b"\x04", b"\xcc\x81",
            b"GET / HTTP/1.1\r\n", b"PROXY UNKNOWN\r\n", b"QUIT\n", b"0123456789abcdef",
        ]), 0..20), piece in 1..8_usize) {
            let bytes = parts.concat();
            let whole = inputs(&mut Client::default(), &bytes, bytes.len().max(1));
            prop_assert_eq!(inputs(&mut Client::default(), &bytes, piece), whole);
        }
    }
}
