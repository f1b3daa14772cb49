//! What one client sends, whatever it speaks: bytes in, [`Input`] out.
//!
//! ```text
//! Sniffing ──> FirstLine ──> Lines <──> Editing
//!     │            ├──> Head ──> Body | Socket | Stream
//!     └────────────┴──> another protocol
//! ```
//!
//! It knows no rooms and no other clients. What a client that edits is sent is
//! put together here as well, because the line being typed stands between the
//! lines of others.

use std::borrow::Cow;

use arrayvec::ArrayVec;
use memchr::{memchr, memrchr};

use super::body::{BodyLines, Part};
use super::charset::{Charset, Typist};
use super::decoder::{Decoder, Event, Framing, LineEnd, Typed};
use super::editor::{Edited, Editor, MARK_NO_PASTES, MARK_PASTES};
use super::encoding::Ending;
use super::http::{BadRequest, HEAD_BYTES_MAX, Length, Request};
use super::options::Options;
use super::protocol::{FIRST_BYTES, First, Protocol};
use super::telnet::{Command, IAC, command_length};
use super::terminal::Terminal;
use super::websocket::{CloseCode, Frame, Frames};
use super::wrap::wrap;

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
    /// It is a request of HTTP whose head comes.
    Head,
    /// The lines of its body come.
    Body,
    /// It is a WebSocket.
    Socket,
    /// What it sends is for nobody: it has been answered, or is sent a stream.
    Stream,
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
    /// One of several lines that were pasted into it.
    Pasted(String),
    /// More was pasted at once than may be, and is gone.
    PasteTooLong,
    /// The line up to the cursor is to be completed: [`Client::complete`] is the answer.
    Complete(String),
    /// Ctrl-D in an empty line of the editor: the client wants to leave.
    End,
    /// A telnet command, to be answered with [`Client::answer`].
    Telnet(Command),
    /// The head of a request of HTTP has come. Whoever gets it says how the stream goes
    /// on, with [`Client::begin_body`], `begin_socket` or `begin_stream`.
    Request(Box<Request>),
    /// It isn't a request that can be answered as the client wants it.
    BadRequest(BadRequest),
    /// All of a body has come.
    BodyEnd,
    /// A control frame of a WebSocket.
    Frame(Frame),
    /// A WebSocket is to be closed for what the client sent.
    Broken(CloseCode),
    /// The client speaks another protocol. Nothing of what it sends is for the
    /// chat.
    Foreign(Protocol),
}

/// What has come of what isn't whole yet.
#[derive(Debug)]
enum Web {
    Head(Vec<u8>),
    Body(BodyLines),
    Socket(Frames),
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
    /// What the client reads and types.
    charset: Charset,
    /// It has chosen that by hand.
    is_charset_chosen: bool,
    /// The character that it is typing, if not in UTF-8.
    typist: Option<Box<Typist>>,
    /// Lines that were pasted, with an LF between two, and haven't been given yet.
    pasted: String,
    /// The terminal has been asked to mark what is pasted.
    marks_pastes: bool,
    /// What has come of a head, a body or a frame.
    web: Option<Box<Web>>,
    /// What the client is sent next, if it edits or did until now. What is begun
    /// is sent to its end: the state of a terminal after half of it isn't known.
    screen: Vec<u8>,
    /// How much of that is in the client's character set; the rest is UTF-8.
    encoded_bytes: usize,
    /// The client knows that the screen ends where it does.
    is_end_marked: bool,
}

/// What tells a client that nothing more is there to be sent (RFC 885).
const END_OF_RECORD: &[u8] = &[IAC, 239];

impl Client {
    /// A client of which nothing but the stage is known.
    pub const fn at(stage: Stage) -> Self {
        Client {
            stage,
            first: ArrayVec::new_const(),
            decoder: Decoder::new(),
            options: None,
            editor: None,
            charset: Charset::UTF_8,
            is_charset_chosen: false,
            typist: None,
            pasted: String::new(),
            marks_pastes: false,
            web: None,
            screen: Vec::new(),
            encoded_bytes: 0,
            is_end_marked: false,
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
        is_plain
            && self.charset.is_utf8()
            && self.pasted.is_empty()
            && !self.marks_pastes
            && self.web.is_none()
            && self.first.is_empty()
            && self.decoder.is_new()
    }

    /// Whether it has sent at least a byte.
    pub fn has_sent(&self) -> bool {
        self.stage != Stage::Sniffing || !self.first.is_empty()
    }

    /// Whether nothing is begun that needs an end: a line or a telnet command.
    pub fn is_between_lines(&self) -> bool {
        // Empty lines begin nothing, though they may be the beginning of something else.
        let is_web_begun = match self.web.as_deref() {
            None => false,
            Some(Web::Head(_) | Web::Socket(_)) => true,
            Some(Web::Body(lines)) => lines.is_begun(),
        };
        !is_web_begun
            && self.decoder.is_between_lines()
            && self.first.iter().all(|byte| b"\r\n".contains(byte))
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
        match self.stage {
            Stage::Head | Stage::Body | Stage::Socket | Stage::Stream => {
                return self.next_web(input, framing);
            }
            Stage::Sniffing | Stage::FirstLine | Stage::Lines => {}
        }
        if !self.pasted.is_empty() {
            return Some(self.next_pasted(framing.line_bytes_max));
        }
        if self.editor.is_some() {
            return self.next_typed(input, framing);
        }
        let event = self.decoder.next(input, framing)?;
        match self.check_first(event, framing) {
            Some(event) => Some(self.in_utf8(event)),
            None => self.next_web(input, framing),
        }
    }

    /// The client closed its sending side: a last line without an end counts.
    pub fn finish(&mut self, framing: &Framing) -> Option<Input<'static>> {
        match self.stage {
            Stage::Head | Stage::Body => return Some(Input::BadRequest(CUT)),
            Stage::Socket | Stage::Stream => return None,
            Stage::Sniffing | Stage::FirstLine | Stage::Lines => {}
        }
        let event = self.decoder.finish(framing)?;
        let event = self.check_first(event, framing).unwrap_or(Input::BadRequest(CUT));
        Some(self.in_utf8(event))
    }

    /// The body of a request comes.
    pub fn begin_body(&mut self, length: Length) {
        self.stage = Stage::Body;
        self.web = Some(Box::new(Web::Body(BodyLines::new(length))));
    }

    /// Frames of a WebSocket come.
    pub fn begin_socket(&mut self) {
        (self.stage, self.web) = (Stage::Socket, None);
    }

    /// What comes is for nobody.
    pub fn begin_stream(&mut self) {
        (self.stage, self.web) = (Stage::Stream, None);
    }

    /// Whether the end of a body has come and not been given yet, or lines that were
    /// pasted.
    pub fn has_pending(&self) -> bool {
        let is_body_done = matches!(self.web.as_deref(), Some(Web::Body(it)) if it.is_done());
        is_body_done || !self.pasted.is_empty()
    }

    /// Whether it speaks HTTP and hasn't been answered yet.
    pub fn is_asking(&self) -> bool {
        matches!(self.stage, Stage::Head | Stage::Body)
    }

    fn next_web<'a>(&mut self, input: &mut &'a [u8], framing: &Framing) -> Option<Input<'a>> {
        match self.stage {
            Stage::Socket => self.next_frame(input, framing),
            Stage::Head | Stage::Body => {
                let next = match self.web.as_deref_mut()? {
                    Web::Head(head) => next_request(head, input),
                    Web::Body(lines) => next_part(lines, input, framing.line_bytes_max),
                    Web::Socket(_) => None,
                };
                if let Some(Input::BadRequest(_) | Input::BodyEnd) = next {
                    self.begin_stream();
                }
                next
            }
            _ => {
                *input = &[];
                None
            }
        }
    }

    fn next_frame<'a>(&mut self, input: &mut &'a [u8], framing: &Framing) -> Option<Input<'a>> {
        if self.web.is_none() {
            if input.is_empty() {
                return None;
            }
            self.web = Some(Box::new(Web::Socket(Frames::new())));
        }
        let Some(Web::Socket(frames)) = self.web.as_deref_mut() else { return None };
        let frame = frames.next(input, framing.line_bytes_max);
        if frames.is_at_rest() {
            self.web = None;
        }
        match frame {
            Ok(None) => None,
            Ok(Some(Frame::Text(text))) => {
                // A frame is one line.
                let text = match text.contains(['\n', '\r']) {
                    true => text.replace("\r\n", " ").replace(['\n', '\r'], " "),
                    false => text,
                };
                let bytes = text.into_bytes().into();
                Some(Input::Line { bytes, end: LineEnd::Lf })
            }
            Ok(Some(frame)) => Some(Input::Frame(frame)),
            Err(code) => {
                self.begin_stream();
                Some(Input::Broken(code))
            }
        }
    }

    /// Offers the client to edit its line; gives what to send. Editing begins when
    /// its program agrees, which a telnet does and an `nc` doesn't.
    pub fn offer(&mut self) -> Vec<u8> {
        let offer = self.options.get_or_insert_default().offer();
        self.agree();
        offer
    }

    /// The same to a client that may be no telnet, as an `nc` isn't.
    pub fn probe(&mut self) -> Vec<u8> {
        // Its answer is a telnet command.
        self.decoder.set_text(false);
        let is_telnet = self.decoder.is_telnet();
        let options = self.options.get_or_insert_default();
        let offer = if is_telnet { options.offer() } else { options.probe() };
        self.agree();
        offer
    }

    /// Whether the client was offered to edit, and hasn't answered.
    pub fn is_offered(&self) -> bool {
        self.options.as_ref().is_some_and(|options| options.is_offered())
    }

    /// Whether the client was asked about its terminal and hasn't answered everything.
    pub fn has_open_questions(&self) -> bool {
        self.options.as_ref().is_some_and(|options| options.has_open_questions())
    }

    /// What the client says about its terminal.
    pub fn terminal(&self) -> Terminal {
        self.options.as_ref().map(|options| options.terminal()).unwrap_or_default()
    }

    /// Offers the client to tell it the state of the server, once; gives what to send.
    pub fn offer_status(&mut self) -> &'static [u8] {
        self.options.get_or_insert_default().offer_status()
    }

    /// The client wants the state of the server; gives what precedes that, or nothing if
    /// it has been told.
    pub fn begin_status(&mut self) -> Option<&'static [u8]> {
        self.options.get_or_insert_default().begin_status()
    }

    /// What the client reads and types.
    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// The client chooses what it reads and types from now on, whatever its program says.
    pub fn choose_charset(&mut self, charset: Charset) {
        self.is_charset_chosen = true;
        self.set_charset(charset);
    }

    fn set_charset(&mut self, charset: Charset) {
        (self.charset, self.typist) = (charset, None);
        self.decoder.set_text(!charset.is_utf8() && !self.is_offered());
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
        let charset = self.options.as_ref().and_then(|options| options.charset());
        if let Some(charset) = charset.filter(|it| !self.is_charset_chosen && *it != self.charset) {
            self.set_charset(charset);
        }
        self.agree();
        answer
    }

    /// Whether the server edits the client's line: its bytes are keys.
    pub fn is_editing(&self) -> bool {
        self.editor.is_some()
    }

    /// Answers [`Input::Complete`]: these are what so many bytes before the cursor may
    /// become. The bell rings if there are none.
    pub fn complete(&mut self, bytes: usize, candidates: Vec<String>, framing: &Framing) {
        if let Some(editor) = &mut self.editor {
            editor.complete(bytes, candidates, framing.line_bytes_max);
        }
    }

    /// Remembers a line that was typed, for the arrow keys: not to be called with secrets.
    pub fn remember(&mut self, line: &str) {
        if let Some(editor) = &mut self.editor {
            editor.remember(line);
        }
    }

    /// Whether the client is sent screens.
    pub fn has_screen(&self) -> bool {
        let is_plain = self.charset.is_utf8() && !self.marks_ends();
        self.is_editing() || !is_plain || !self.screen.is_empty()
    }

    /// Whether the client wants to know where what there is to send ends.
    fn marks_ends(&self) -> bool {
        !self.is_editing() && self.options.as_ref().is_some_and(|options| options.marks_ends())
    }

    /// What the client is to be sent before anything else.
    pub fn screen(&self) -> &[u8] {
        &self.screen
    }

    /// Makes place for lines of others; they are to be added to what this gives.
    pub fn begin_screen(&mut self) -> &mut Vec<u8> {
        self.is_end_marked = false;
        if let Some(editor) = &mut self.editor {
            editor.hide(&mut self.screen);
        }
        &mut self.screen
    }

    /// The lines of others on the screen, from this byte on, are for people: they are
    /// wrapped at the width of the window, if that is known.
    pub fn wrap_screen(&mut self, from: usize) {
        let columns = self.options.as_ref().map_or(0, |options| options.columns());
        if self.editor.is_some() {
            wrap(&mut self.screen, from, columns);
        }
    }

    /// The client leaves: the terminal is as it was before.
    pub fn restore_terminal(&mut self) {
        if std::mem::take(&mut self.marks_pastes) {
            self.screen.extend(MARK_NO_PASTES);
        }
    }

    /// Shows the line that is being typed below the others.
    pub fn end_screen(&mut self) {
        if let Some(editor) = &mut self.editor {
            editor.show(&mut self.screen);
        }
        if self.marks_ends() && !self.screen.is_empty() && !self.is_end_marked {
            self.screen.extend(END_OF_RECORD);
            self.is_end_marked = true;
        }
    }

    /// Puts what was added to the screen into the client's character set. What is on the
    /// screen then can be sent.
    pub fn encode_screen(&mut self) {
        let is_same = self.charset.is_utf8() || self.screen[self.encoded_bytes..].is_ascii();
        if !is_same {
            let added = self.screen.split_off(self.encoded_bytes);
            self.encode_added(&added);
        }
        self.encoded_bytes = self.screen.len();
    }

    /// Adds text with telnet commands in it to the screen.
    fn encode_added(&mut self, added: &[u8]) {
        // As RFC 854 wants it ("Transmission of data").
        let doubled = self.decoder.is_telnet().then_some(IAC);
        let mut rest = added;
        while !rest.is_empty() {
            // No character has IAC in UTF-8: where one stands, a command begins.
            let (text, commands) = rest.split_at(memchr(IAC, rest).unwrap_or(rest.len()));
            self.charset.encode(text, doubled, &mut self.screen);
            let (command, behind) = commands.split_at(command_length(commands));
            self.screen.extend(command);
            rest = behind;
        }
    }

    /// So many bytes of the screen were sent.
    pub fn advance_screen(&mut self, bytes: usize) {
        self.screen.drain(..bytes);
        self.encoded_bytes = self.encoded_bytes.saturating_sub(bytes);
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
            let edited = match self.charset.is_utf8() {
                true => editor.next(&mut rest, framing.line_bytes_max),
                false => {
                    // Byte by byte: what is behind a key that does something isn't looked at.
                    let (byte, left) = keys.split_first()?;
                    rest = left;
                    let charset = self.charset;
                    let typist = self.typist.get_or_insert_with(|| Typist::new(charset).into());
                    let typed = typist.next(*byte);
                    editor.next(&mut typed.as_bytes(), framing.line_bytes_max)
                }
            };
            // The keys stood right before what is left of the input.
            *input = &before[before.len() - input.len() - rest.len()..];
            match edited {
                None => {}
                Some(Edited::Line(line)) => return Some(Input::Typed(line)),
                Some(Edited::Lines(lines)) => {
                    self.pasted = lines;
                    return Some(self.next_pasted(framing.line_bytes_max));
                }
                Some(Edited::Complete(before)) => return Some(Input::Complete(before)),
                Some(Edited::PasteTooLong) => return Some(Input::PasteTooLong),
                Some(Edited::End) => return Some(Input::End),
            }
        }
    }

    /// A line in the client's character set as UTF-8.
    fn in_utf8<'a>(&self, input: Input<'a>) -> Input<'a> {
        match input {
            Input::Line { bytes, end } if !self.charset.is_utf8() => {
                let bytes = self.charset.decode(&bytes).into_bytes().into();
                Input::Line { bytes, end }
            }
            _ => input,
        }
    }

    /// The next line that was pasted; there must be one.
    fn next_pasted<'a>(&mut self, line_bytes_max: usize) -> Input<'a> {
        let end = memchr(b'\n', self.pasted.as_bytes());
        let line: String =
            self.pasted.drain(..end.map_or(self.pasted.len(), |at| at + 1)).collect();
        if self.pasted.is_empty() {
            self.pasted = String::new();
        }
        let line = line.trim_end_matches('\n');
        if line.len() > line_bytes_max { Input::TooLong } else { Input::Pasted(line.to_owned()) }
    }

    /// What the decoder has found, unless it is the first line and shows another
    /// protocol; `None` if that is HTTP and is to be understood.
    fn check_first<'a>(&mut self, event: Event<'a>, framing: &Framing) -> Option<Input<'a>> {
        let protocol = match &event {
            Event::Command(command) => return Some(Input::Telnet(*command)),
            _ if self.stage == Stage::Lines => None,
            Event::Line { bytes, .. } => Protocol::of_line(bytes),
            Event::TooLong { start } => Protocol::of_long_line(start),
        };
        // Empty lines may stand before a request (RFC 9112, section 2.2), and say nothing.
        if !matches!(&event, Event::Line { bytes, .. } if bytes.is_empty()) {
            self.stage = Stage::Lines;
        }
        // No program speaks telnet and HTTP.
        let is_web = framing.has_web && !self.decoder.is_telnet();
        Some(match (protocol, event) {
            (Some(Protocol::Http), Event::Line { bytes, end }) if is_web => {
                let end = if end == LineEnd::CrLf { Ending::CrLf } else { Ending::Lf };
                let head = [&bytes, end.bytes()].concat();
                self.stage = Stage::Head;
                self.web = Some(Box::new(Web::Head(head)));
                return None;
            }
            (Some(Protocol::Http), _) if is_web => Input::BadRequest(BadRequest::TooLong),
            (Some(protocol), _) => Input::Foreign(protocol),
            (None, Event::Line { bytes, end }) => Input::Line { bytes, end },
            (None, _) => Input::TooLong,
        })
    }

    /// Begins or ends editing as agreed with the client.
    fn agree(&mut self) {
        let Some(options) = &self.options else { return };
        let (is_editing, marks_pastes) = (options.is_editing(), options.terminal().marks_pastes());
        match self.editor.take() {
            editor if is_editing == editor.is_some() => self.editor = editor,
            Some(mut editor) => {
                editor.hide(&mut self.screen);
                self.restore_terminal();
            }
            None => {
                let begun = self.decoder.take_partial();
                let begun = match self.charset.is_utf8() {
                    true => begun,
                    false => self.charset.decode(&begun).into_bytes(),
                };
                self.typist = None;
                self.editor = Some(Box::new(Editor::new(&begun, options.columns())));
            }
        }
        if is_editing && marks_pastes && !self.marks_pastes {
            self.screen.extend(MARK_PASTES);
            self.marks_pastes = true;
        }
    }
}

/// The connection ended in the middle of a request.
const CUT: BadRequest = BadRequest::Malformed("the request was cut off");

/// Takes bytes off the front of `input` up to the end of a line of a body.
fn next_part<'a>(lines: &mut BodyLines, input: &mut &[u8], max: usize) -> Option<Input<'a>> {
    Some(match lines.next(input, max)? {
        Part::Line(bytes) => Input::Line { bytes: bytes.into(), end: LineEnd::Lf },
        Part::TooLong => Input::TooLong,
        Part::End => Input::BodyEnd,
        Part::Wrong(error) => Input::BadRequest(error),
    })
}

/// Takes bytes off the front of `input` up to the end of a head.
fn next_request<'a>(head: &mut Vec<u8>, input: &mut &[u8]) -> Option<Input<'a>> {
    // What is behind the head is looked at again: it is the body's.
    let before = head.len();
    let taken = input.len().min(HEAD_BYTES_MAX.saturating_sub(before));
    head.extend_from_slice(&input[..taken]);
    // Lines are looked at when they are whole.
    let end = before + memrchr(b'\n', &input[..taken]).map_or(0, |at| at + 1);
    let result = if end > before { Request::parse(&head[..end]) } else { Ok(None) };
    match result {
        Ok(None) if head.len() >= HEAD_BYTES_MAX => {
            *input = &[];
            Some(Input::BadRequest(BadRequest::TooLong))
        }
        Ok(None) => {
            *input = &input[taken..];
            None
        }
        Ok(Some((request, length))) => {
            *input = &input[length - before..];
            Some(Input::Request(Box::new(request)))
        }
        Err(error) => {
            *input = &[];
            Some(Input::BadRequest(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FRAMING: Framing = Framing { line_bytes_max: 64, raw: false, has_web: false };
    const DO_ECHO: &[u8] = b"\xff\xfd\x01";
    const DONT_ECHO: &[u8] = b"\xff\xfe\x01";

    /// What a client has sent in pieces of this length, and then the end of the
    /// stream, up to what disconnects it. Telnet commands are answered.
    fn inputs(client: &mut Client, bytes: &[u8], piece: usize) -> Vec<Input<'static>> {
        inputs_with(&FRAMING, client, bytes, piece)
    }

    fn inputs_with(
        framing: &Framing,
        client: &mut Client,
        bytes: &[u8],
        piece: usize,
    ) -> Vec<Input<'static>> {
        let mut inputs = Vec::new();
        for piece in bytes.chunks(piece) {
            let opened = match client.open(piece) {
                Ok(opened) => opened,
                Err(protocol) => return vec![Input::Foreign(protocol)],
            };
            take(framing, client, &opened, &mut inputs);
        }
        let first = client.end_sniffing();
        take(framing, client, &first, &mut inputs);
        if !ends_visit(&inputs) {
            inputs.extend(client.finish(framing));
        }
        inputs
    }

    fn take(
        framing: &Framing,
        client: &mut Client,
        mut bytes: &[u8],
        inputs: &mut Vec<Input<'static>>,
    ) {
        while !ends_visit(inputs)
            && let Some(input) = client.next(&mut bytes, framing)
        {
            inputs.push(match input {
                Input::Request(request) => {
                    client.begin_body(request.body);
                    Input::Request(request)
                }
                Input::BadRequest(problem) => Input::BadRequest(problem),
                Input::BodyEnd => Input::BodyEnd,
                Input::Frame(frame) => Input::Frame(frame),
                Input::Broken(code) => Input::Broken(code),
                Input::Line { bytes, end } => Input::Line { bytes: bytes.into_owned().into(), end },
                Input::TooLong => Input::TooLong,
                Input::Typed(line) => Input::Typed(line),
                Input::Pasted(line) => Input::Pasted(line),
                Input::PasteTooLong => Input::PasteTooLong,
                Input::Complete(before) => Input::Complete(before),
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
        use Input::{BadRequest, BodyEnd, End, Foreign};
        matches!(inputs.last(), Some(End | Foreign(_) | BadRequest(_) | BodyEnd))
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
    fn a_request_and_its_body_are_read_in_any_pieces() {
        let web = Framing { has_web: true, ..FRAMING };
        let sent = b"POST /dev HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                     6\r\none\ntw\r\n1\r\no\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
        for piece in [1, 2, 7, 1000] {
            let read = inputs_with(&web, &mut Client::default(), sent, piece);
            assert!(matches!(&read[0], Input::Request(request) if request.path == "dev"));
            let lines = [line("one", LineEnd::Lf), line("two", LineEnd::Lf), Input::BodyEnd];
            assert_eq!(read[1..], lines, "pieces of {piece}");
        }
        for (sent, problem) in [
            (&b"GET / HTTP/1.1\n\n"[..], "lines of the head must end with CR LF"),
            (b"GET / HTTP/1.1\r\nHost: a\r\n", "the request was cut off"),
        ] {
            let problem = Input::BadRequest(BadRequest::Malformed(problem));
            assert_eq!(inputs_with(&web, &mut Client::default(), sent, 3), [problem]);
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

    /// What its screen has come to, which is sent.
    fn screen(client: &mut Client) -> String {
        let screen = String::from_utf8_lossy(client.screen()).into_owned();
        client.advance_screen(client.screen().len());
        screen
    }

    #[test]
    fn telnet_commands_on_a_screen_stay_as_they_are() {
        let screen = |is_telnet| {
            let mut client = Client::at(Stage::Lines);
            if is_telnet {
                inputs(&mut client, &[IAC, 241], 1);
            }
            client.choose_charset(Charset::parse("latin1").expect("it is known"));
            client.begin_screen().extend(b"abc");
            client.encode_screen();
            let screen = client.begin_screen();
            screen.extend("\u{ff}".as_bytes());
            screen.extend([IAC, 252, 138, IAC, 250, 24, 1, IAC, 240, IAC, 241]);
            // The rest of a character is no command.
            screen.extend([0x80, b'<']);
            screen.extend("\u{e9}".as_bytes());
            client.encode_screen();
            client.screen().to_vec()
        };
        let command = [IAC, 252, 138, IAC, 250, 24, 1, IAC, 240, IAC, 241, b'<', 0xe9];
        assert_eq!(screen(false), [b"abc\xff", &command[..]].concat());
        assert_eq!(screen(true), [b"abc\xff\xff", &command[..]].concat());
    }

    #[test]
    fn lines_of_others_are_wrapped_at_the_window() {
        const SIZE: &[u8] = b"\xff\xfa\x1f\x00\x14\x00\x18\xff\xf0";
        let mut client = Client::default();
        client.offer();
        inputs(&mut client, DO_ECHO, 99);
        let line = "<ann> a few words more\r\n";
        for (sent, rows) in [(&b""[..], line), (SIZE, "<ann> a few words\r\n      more\r\n")] {
            inputs(&mut client, sent, 99);
            let from = client.begin_screen().len();
            client.begin_screen().extend(line.as_bytes());
            client.wrap_screen(from);
            assert_eq!(screen(&mut client), rows);
        }
    }

    #[test]
    fn a_terminal_that_is_known_for_it_marks_pastes_while_the_server_edits() {
        let is = |name: &str| [b"\xff\xfa\x18\0", name.as_bytes(), b"\xff\xf0"].concat();
        for (name, asked) in [("xterm-256color", "\x1b[?2004h"), ("DUMB", ""), ("ansi", "")] {
            let mut client = Client::default();
            client.offer();
            inputs(&mut client, &[DO_ECHO, &is(name), &is(name)].concat(), 99);
            assert_eq!(screen(&mut client), asked, "{name}");
            inputs(&mut client, DONT_ECHO, 99);
            assert_eq!(screen(&mut client), asked.replace('h', "l"), "{name}");
            inputs(&mut client, DO_ECHO, 99);
            assert_eq!(screen(&mut client), asked, "{name}");
            client.restore_terminal();
            client.restore_terminal();
            assert_eq!(screen(&mut client), asked.replace('h', "l"), "{name}");
        }
    }

    #[test]
    fn pasted_lines_come_one_by_one_though_nothing_more_is_typed() {
        let mut client = Client::default();
        client.offer();
        let pasted = format!("\x1b[200~one\n{}\nthree\nfour\x1b[201~y", "x".repeat(65));
        let mut read = inputs(&mut client, &[DO_ECHO, pasted.as_bytes()].concat(), 99);
        while client.has_pending() {
            read.extend(client.next(&mut &b"!"[..], &FRAMING));
        }
        let line = |text: &str| Input::Pasted(text.into());
        assert_eq!(read[1..], [line("one"), Input::TooLong, line("three"), line("four")]);
        let rest = inputs(&mut client, b"done\r", 99);
        assert_eq!(rest, [Input::Typed("done".into())]);
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
