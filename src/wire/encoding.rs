//! How messages look on the wire.
//!
//! [`Encoding`] says how one client wants to see messages. Everything that a client
//! is sent goes through the one [`Encoding::encode`]: lines, notices and private
//! messages.

use std::borrow::Cow;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use unicode_security::skeleton;
use unicode_width::UnicodeWidthChar;

use super::message::{Answered, Kind, Message, rfc3339};
use super::view::View;
use super::websocket::add_text_header;

/// How one client wants to see messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// What a message looks like.
    pub layout: Layout,
    /// What ends it.
    pub ending: Ending,
    /// What this client sees beside that, in the layouts for people.
    pub view: View,
}

/// What a message looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `<ann> hello`
    Named,
    /// `hello`: nobody's name before what they say.
    Bare,
    /// What clients say as it came, whatever it is.
    Raw,
    /// A JSON object (RFC 8259).
    Json,
}

/// Where a message ends and the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// netcat, and every client that shows nothing else.
    Lf,
    /// telnet (RFC 854, "The NVT printer and keyboard").
    CrLf,
    /// A message is a server-sent event (HTML Living Standard, section 9.2), whose id
    /// is what `/resume` takes.
    Event,
    /// A message is a text frame of WebSocket (RFC 6455, section 5.6).
    Frame,
}

impl Ending {
    /// The bytes behind a message.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Ending::Lf => b"\n",
            Ending::CrLf => b"\r\n",
            Ending::Event => b"\n\n",
            Ending::Frame => b"",
        }
    }
}

/// What each notice of the server's begins with.
pub const NOTICE: &str = "*** ";

/// The bytes that a text layout adds to a message's sender and text at most:
/// those of [`NOTICE`] and of the longer ending.
pub const FRAME_BYTES_MAX: usize = NOTICE.len() + 2;

/// The bytes that [`Layout::Json`] adds to a message's sender and text at most.
/// Both can also become twice as long.
pub const JSON_BYTES_MAX: usize = 256;

impl Encoding {
    /// How many encodings are shared; an `index` is below this.
    pub const COUNT: usize = 16;

    /// What a client gets that has shown nothing of itself.
    pub const PLAIN: Encoding = Encoding::new(Layout::Named, Ending::Lf);

    /// An encoding that many clients may share.
    pub const fn new(layout: Layout, ending: Ending) -> Encoding {
        Encoding { layout, ending, view: View { clock: None, has_colors: false } }
    }

    /// A number for each encoding that clients share, from 0; `None` if it is one
    /// person's.
    pub fn index(self) -> Option<usize> {
        let is_shared = self.view().is_plain();
        is_shared.then_some(self.layout as usize * 4 + self.ending as usize)
    }

    /// What it adds to its layout. Programs see nothing beside it.
    pub fn view(self) -> View {
        match self.layout {
            Layout::Named | Layout::Bare => self.view,
            Layout::Raw | Layout::Json => View::default(),
        }
    }

    /// The same with another layout.
    pub fn with_layout(self, layout: Layout) -> Encoding {
        Encoding { layout, ..self }
    }

    /// The same with another ending.
    pub fn with_ending(self, ending: Ending) -> Encoding {
        Encoding { ending, ..self }
    }

    /// Adds the bytes of a message to `out`.
    pub fn encode(self, message: &Message, out: &mut Vec<u8>) {
        if let Some(parts) = self.parts(message) {
            return parts.iter().for_each(|part| out.extend_from_slice(part));
        }
        let start = out.len();
        if self.ending == Ending::Event {
            begin_event(message, out);
        }
        match self.layout {
            Layout::Json => {
                let object = Object::new(message);
                serde_json::to_writer(&mut *out, &object).expect("strings and a number are JSON");
                add_fields(message, out);
            }
            _ => self.view.encode(message, self.text_parts(message), out),
        }
        self.end(start, out);
    }

    /// Ends the message that begins at `start`.
    fn end(self, start: usize, out: &mut Vec<u8>) {
        if self.ending == Ending::Frame {
            let mut header = Vec::new();
            add_text_header(out.len() - start, &mut header);
            out.splice(start..start, header);
        }
        out.extend_from_slice(self.ending.bytes());
    }

    /// Adds a line that says which day it is.
    pub fn encode_date(self, date: &str, out: &mut Vec<u8>) {
        let start = out.len();
        self.view().paint_notice(&[NOTICE, date].concat(), out);
        self.end(start, out);
    }

    /// The bytes of a message in pieces, where they needn't be copied.
    pub fn parts<'a>(self, message: &Message<'a>) -> Option<[&'a [u8]; 5]> {
        let is_line = matches!(self.ending, Ending::Lf | Ending::CrLf);
        if self.layout == Layout::Json || !is_line || !self.view().is_plain() {
            return None;
        }
        let [before, from, after, text] = self.text_parts(message);
        Some([before, from, after, text, self.ending.bytes()])
    }

    /// A message as text. Nothing that a client says can be taken for a notice
    /// or for what another says: it begins with the sender's name, or a space
    /// stands before what looks like the server's.
    fn text_parts<'a>(self, message: &Message<'a>) -> [&'a [u8]; 4] {
        let (from, text) = (message.from.as_bytes(), message.text);
        match (message.kind, self.layout) {
            (Kind::Notice | Kind::Presence, _) => [NOTICE.as_bytes(), b"", b"", text],
            (Kind::Act, _) => [b"* ", from, b" ", text],
            (Kind::Said, Layout::Bare) if is_like_ours(text) => [b" ", b"", b"", text],
            (Kind::Said, Layout::Bare | Layout::Raw) => [b"", b"", b"", text],
            (Kind::Said, _) => [b"<", from, b"> ", text],
            (Kind::Received, _) => [b"<", from, b" to you> ", text],
            (Kind::Sent, _) => [b"<you to ", message.to.as_bytes(), b"> ", text],
        }
    }
}

/// Adds what a notice tells, and what a message answers, to the JSON object at the end of `out`.
fn add_fields(message: &Message, out: &mut Vec<u8>) {
    if !message.facts.is_empty() {
        out.pop();
        out.push(b',');
        out.extend_from_slice(&message.facts.as_bytes()[1..]);
    }
    if let Some(Answered { re, ok }) = message.answered {
        out.pop();
        out.extend_from_slice(b",\"re\":");
        serde_json::to_writer(&mut *out, re).expect("a string is JSON");
        out.extend_from_slice(format!(",\"ok\":{ok}}}").as_bytes());
    }
}

/// What stands before the data of an event. An event without a number has no id, so
/// that a client goes on after the last one that has.
fn begin_event(message: &Message, out: &mut Vec<u8>) {
    if let Some(number) = message.number {
        out.extend_from_slice(format!("id: {number}@{}\n", message.run).as_bytes());
    }
    out.extend_from_slice(b"data: ");
}

/// Whether a text without a name before it could be taken for a line of the
/// server's, or for what a client does or says to one alone.
///
/// What takes no column on the screen doesn't count (that is, the characters
/// with the property Default_Ignorable_Code_Point of Unicode UAX 44, and those
/// that join the one before). Neither does which of the characters that look
/// alike it is (Unicode UTS 39, section 4).
fn is_like_ours(text: &[u8]) -> bool {
    if text.first().is_some_and(u8::is_ascii_alphanumeric) {
        return false;
    }
    let text = String::from_utf8_lossy(text);
    let shown = text.chars().filter(|c| c.width() != Some(0)).take(NOTICE.len());
    let shown: String = shown.map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let plain = skeleton(&shown.nfkc().collect::<String>()).collect::<String>();
    [NOTICE, "* ", "<"].iter().any(|start| plain.starts_with(start))
}

/// A message as a JSON object: the fields and their order are a promise. What a notice tells
/// comes behind them.
#[derive(Serialize)]
struct Object<'a> {
    /// The number of the line in its room; `null` for what is sent to this
    /// client alone.
    seq: Option<u64>,
    /// When it was said, RFC 3339, in UTC.
    time: String,
    room: &'a str,
    /// The sender; `null` if it is the server.
    from: Option<&'a str>,
    kind: &'static str,
    text: Cow<'a, str>,
    /// Which counting `seq` belongs to.
    run: &'a str,
    /// The one client that it is for; `null` for a line of the room.
    to: Option<&'a str>,
}

impl<'a> Object<'a> {
    fn new(message: &Message<'a>) -> Object<'a> {
        let Message { number, time, room, run, kind, from, to, reader, text, .. } = *message;
        let from = (!from.is_empty()).then_some(from);
        let to = if number.is_some() || !to.is_empty() { to } else { reader };
        let to = (!to.is_empty()).then_some(to);
        let kind = match kind {
            Kind::Said => "said",
            Kind::Act => "act",
            Kind::Notice => "notice",
            Kind::Presence => "presence",
            Kind::Received | Kind::Sent => "private",
        };
        // It is UTF-8: only raw mode has other bytes, and no JSON.
        let text = String::from_utf8_lossy(text);
        Object { seq: number, time: rfc3339(time), room, from, kind, text, run, to }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::wire::Clock;

    const LINE: Message<'static> = Message {
        number: Some(7),
        // 2026-11-21
        time: 1_795_234_506,
        zone: &TimeZone::UTC,
        room: "lobby",
        run: "k3f9",
        kind: Kind::Said,
        from: "ann",
        to: "",
        reader: "",
        text: b"hello",
        facts: "",
        answered: None,
    };

    fn encode(message: &Message, layout: Layout, ending: Ending) -> String {
        let mut bytes = Vec::new();
        Encoding::new(layout, ending).encode(message, &mut bytes);
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn each_kind_of_message_has_a_form_of_its_own() {
        let line = |kind| Message { kind, to: "bob", ..LINE };
        for (kind, expected) in [
            (Kind::Said, "<ann> hello\n"),
            (Kind::Act, "* ann hello\n"),
            (Kind::Notice, "*** hello\n"),
            (Kind::Presence, "*** hello\n"),
            (Kind::Received, "<ann to you> hello\n"),
            (Kind::Sent, "<you to bob> hello\n"),
        ] {
            assert_eq!(encode(&line(kind), Layout::Named, Ending::Lf), expected, "{kind:?}");
        }
        assert_eq!(encode(&LINE, Layout::Named, Ending::CrLf), "<ann> hello\r\n");
        assert_eq!(encode(&LINE, Layout::Bare, Ending::Lf), "hello\n");
        assert_eq!(encode(&LINE, Layout::Raw, Ending::Lf), "hello\n");
    }

    #[test]
    fn without_a_name_before_it_nothing_looks_like_the_servers() {
        let invisible = ["\u{200b}", "\u{200e}", "\u{2060}", "\u{feff}", "\u{34f}", "\u{fe0f}"];
        let hidden = invisible.map(|c| format!("{c}*{c}**{c} bob left"));
        let others = ["*** bob left", "* bob waves", "<bob> hi", "\u{e0020}*** bob left"];
        let look_alikes =
            ["∗∗∗ bob left", "＊＊＊\u{3000}bob left", "***\u{a0}bob left", "‹bob› hi"];
        let all = hidden.iter().map(String::as_str).chain(others).chain(look_alikes);
        for text in all {
            let message = Message { text: text.as_bytes(), ..LINE };
            assert_eq!(encode(&message, Layout::Bare, Ending::Lf), format!(" {text}\n"));
            assert_eq!(encode(&message, Layout::Raw, Ending::Lf), format!("{text}\n"));
        }
    }

    #[test]
    fn a_line_is_one_json_object_with_its_fields_in_their_order() {
        let line = Message { text: b"a \"quote\" and a\ttab", ..LINE };
        let expected = "{'seq':7,'time':'2026-11-21T04:15:06Z','room':'lobby','from':'ann',\
                        'kind':'said','text':'a \\'quote\\' and a\\ttab','run':'k3f9',\
                        'to':null}\r\n";
        let expected = expected.replace('\'', "\"");
        assert_eq!(encode(&line, Layout::Json, Ending::CrLf), expected);
    }

    #[test]
    fn what_a_notice_tells_stands_behind_the_fields_of_all() {
        let (facts, answered) = ("{\"event\":\"join\"}", Some(Answered { re: "x\"", ok: false }));
        let notice = Message { kind: Kind::Notice, from: "", ..LINE };
        let encode = |message| encode(&message, Layout::Json, Ending::Lf);
        let behind = |message| {
            let line = encode(message);
            line.split_once("\"to\":null").expect("the last field").1.to_owned()
        };
        assert_eq!(behind(notice), "}\n");
        assert_eq!(behind(Message { facts, ..notice }), ",\"event\":\"join\"}\n");
        assert_eq!(behind(Message { answered, ..notice }), ",\"re\":\"x\\\"\",\"ok\":false}\n");
        let both = ",\"event\":\"join\",\"re\":\"x\\\"\",\"ok\":false}\n";
        assert_eq!(behind(Message { facts, answered, ..notice }), both);
        for layout in [Layout::Named, Layout::Bare, Layout::Raw] {
            let text = |message| super::tests::encode(&message, layout, Ending::Lf);
            assert_eq!(text(Message { facts, answered, ..notice }), text(notice));
        }
    }

    #[test]
    fn a_json_object_is_an_event_or_a_frame_too() {
        let object = encode(&LINE, Layout::Json, Ending::Lf);
        let object = object.trim_end();
        let event = format!("id: 7@k3f9\ndata: {object}\n\n");
        assert_eq!(encode(&LINE, Layout::Json, Ending::Event), event);
        let notice = encode(&Message { number: None, ..LINE }, Layout::Json, Ending::Event);
        assert!(notice.starts_with("data: {"), "{notice}");
        let frame = |text| {
            let mut bytes = Vec::new();
            let line = Message { text, ..LINE };
            Encoding::new(Layout::Json, Ending::Frame).encode(&line, &mut bytes);
            bytes
        };
        let short = frame(b"");
        assert_eq!(short[..2], [0x81, object.len() as u8 - 5]);
        let long = frame(&[b'a'; 300]);
        let length = object.len() - 5 + 300;
        assert_eq!(long[..4], [0x81, 126, (length >> 8) as u8, length as u8]);
        assert_eq!(long.len(), 4 + length);
    }

    #[test]
    fn what_an_encoding_adds_has_a_limit() {
        // The name of a room has 48 bytes at most.
        let room = &"r".repeat(48);
        for kind in [Kind::Said, Kind::Act, Kind::Notice, Kind::Presence] {
            let message =
                Message { number: Some(u64::MAX), room, kind, from: "", text: b"", ..LINE };
            for layout in [Layout::Named, Layout::Bare, Layout::Raw] {
                assert!(encode(&message, layout, Ending::CrLf).len() <= FRAME_BYTES_MAX);
            }
            for ending in [Ending::CrLf, Ending::Event, Ending::Frame] {
                let mut bytes = Vec::new();
                Encoding::new(Layout::Json, ending).encode(&message, &mut bytes);
                assert!(bytes.len() <= JSON_BYTES_MAX, "{ending:?}: {} bytes", bytes.len());
            }
        }
    }

    fn seen(view: View, kind: Kind, text: &str) -> String {
        let zone = &TimeZone::fixed(jiff::tz::offset(1));
        let from = if let Kind::Notice = kind { "" } else { "bob" };
        let text = text.as_bytes();
        let message = Message { zone, kind, from, reader: "ann", text, ..LINE };
        let mut bytes = Vec::new();
        Encoding { view, ..Encoding::PLAIN }.encode(&message, &mut bytes);
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn the_time_stands_before_each_message() {
        let view = |clock| View { clock: Some(clock), has_colors: false };
        let server = view(Clock::SERVER);
        assert_eq!(seen(server, Kind::Said, "hello"), "[05:15] <bob> hello\n");
        assert_eq!(seen(server, Kind::Notice, "bob left"), "[05:15] *** bob left\n");
        assert_eq!(
            seen(view(Clock::parse("-4:30").expect("a zone")), Kind::Act, "waves"),
            "[23:45] * bob waves\n"
        );
    }

    #[test]
    fn names_notices_and_mentions_have_looks_of_their_own() {
        let view = View { clock: None, has_colors: true };
        let name = "\x1b[36mbob\x1b[0m";
        for (text, expected) in [
            ("hello", "hello"),
            ("ann: hi, Ann. annex", "\x1b[1mann\x1b[0m: hi, \x1b[1mAnn\x1b[0m. annex"),
            ("(ANN) ann! @ann", "(\x1b[1mANN\x1b[0m) \x1b[1mann\x1b[0m! @\x1b[1mann\x1b[0m"),
        ] {
            assert_eq!(seen(view, Kind::Said, text), format!("<{name}> {expected}\n"));
        }
        assert_eq!(seen(view, Kind::Notice, "ann left"), "\x1b[2m*** ann left\x1b[0m\n");
        let both = View { clock: Some(Clock::SERVER), ..view };
        let expected = format!("\x1b[2m[05:15]\x1b[0m * {name} waves\n");
        assert_eq!(seen(both, Kind::Act, "waves"), expected);
    }
}
