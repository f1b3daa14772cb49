//! The frames of WebSocket (RFC 6455), on the side of the server.
//!
//! What a client sends becomes lines, whatever frames it is cut into. What it is sent
//! is a frame a message, unmasked and whole, so that all clients share one image of it.

use std::io::Cursor;

use arrayvec::ArrayVec;
use data_encoding::BASE64;
use sha1::{Digest, Sha1};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// The longest header of a frame, in bytes.
const HEADER_BYTES_MAX: usize = 14;

/// What a control frame carries at most (RFC 6455, section 5.5).
const CONTROL_BYTES_MAX: usize = 125;

/// What the key of a client is hashed with (RFC 6455, section 1.3).
const KEY_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Why a connection is closed (RFC 6455, section 7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCode {
    /// The client wants to leave, or is to.
    Normal,
    /// The server ends.
    Away,
    /// A frame is none.
    Protocol,
    /// It sends something else than text.
    Unsupported,
    /// A text isn't UTF-8.
    NotUtf8,
    /// It isn't let in, or not any more.
    Policy,
    /// A message is too long.
    TooLong,
    /// It may come again later (registered with IANA as "Try Again Later").
    Later,
}

impl CloseCode {
    /// Its number.
    pub fn number(self) -> u16 {
        match self {
            CloseCode::Normal => 1000,
            CloseCode::Away => 1001,
            CloseCode::Protocol => 1002,
            CloseCode::Unsupported => 1003,
            CloseCode::NotUtf8 => 1007,
            CloseCode::Policy => 1008,
            CloseCode::TooLong => 1009,
            CloseCode::Later => 1013,
        }
    }

    /// The frame that closes a connection for this reason.
    pub fn frame(self) -> Vec<u8> {
        frame(OpCode::Control(Control::Close), &self.number().to_be_bytes())
    }
}

/// What a client has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A whole message.
    Text(String),
    /// It is to be answered with [`pong`].
    Ping(ArrayVec<u8, CONTROL_BYTES_MAX>),
    /// The answer to a ping, or a sign of life.
    Pong,
    /// The client closes the connection.
    Close,
}

/// What has come of the frames that aren't whole yet.
#[derive(Debug, Default)]
pub struct Frames {
    header: ArrayVec<u8, HEADER_BYTES_MAX>,
    /// The frame whose payload comes.
    current: Option<Current>,
    /// What has come of a message.
    message: Vec<u8>,
    /// A message is begun, and more fragments of it have to come.
    is_fragmented: bool,
    control: ArrayVec<u8, CONTROL_BYTES_MAX>,
}

#[derive(Debug)]
struct Current {
    header: FrameHeader,
    bytes_left: u64,
    mask: [u8; 4],
    /// Bytes of the payload that have come, modulo 4: where the mask goes on.
    at: usize,
}

impl Frames {
    /// Nothing has come.
    pub const fn new() -> Frames {
        Frames {
            header: ArrayVec::new_const(),
            current: None,
            message: Vec::new(),
            is_fragmented: false,
            control: ArrayVec::new_const(),
        }
    }

    /// Whether no frame and no message is begun.
    pub fn is_at_rest(&self) -> bool {
        self.header.is_empty() && self.current.is_none() && !self.is_fragmented
    }

    /// Takes bytes off the front of `input` up to the end of a frame. `None` means that
    /// `input` is used up. Messages have at most `message_bytes_max` bytes.
    ///
    /// # Errors
    /// Why the connection is to be closed.
    pub fn next(
        &mut self,
        input: &mut &[u8],
        message_bytes_max: usize,
    ) -> Result<Option<Frame>, CloseCode> {
        loop {
            if self.current.is_none() && !self.read_header(input, message_bytes_max)? {
                return Ok(None);
            }
            if !self.read_payload(input) {
                return Ok(None);
            }
            if let Some(frame) = self.end_frame()? {
                return Ok(Some(frame));
            }
        }
    }

    /// Whether the header of a frame is whole.
    fn read_header(&mut self, input: &mut &[u8], max: usize) -> Result<bool, CloseCode> {
        let (begun, more) = (self.header.len(), HEADER_BYTES_MAX - self.header.len());
        self.header.extend(input.iter().take(more).copied());
        let mut cursor = Cursor::new(&self.header[..]);
        let Some((header, length)) =
            FrameHeader::parse(&mut cursor).map_err(|_| CloseCode::Protocol)?
        else {
            *input = &input[more.min(input.len())..];
            return Ok(false);
        };
        // Bytes of the payload came along.
        *input = &input[cursor.position() as usize - begun..];
        self.header.clear();
        let mask = self.check(&header, length, max)?;
        self.current = Some(Current { header, bytes_left: length, mask, at: 0 });
        Ok(true)
    }

    /// Gives the mask of a frame that may come (RFC 6455, section 5).
    fn check(&self, header: &FrameHeader, length: u64, max: usize) -> Result<[u8; 4], CloseCode> {
        let mask = header.mask.ok_or(CloseCode::Protocol)?;
        if header.rsv1 || header.rsv2 || header.rsv3 || length > i64::MAX as u64 {
            return Err(CloseCode::Protocol);
        }
        match header.opcode {
            OpCode::Control(_) if header.is_final && length <= CONTROL_BYTES_MAX as u64 => Ok(mask),
            OpCode::Control(_) => Err(CloseCode::Protocol),
            OpCode::Data(data) if (data == Data::Continue) != self.is_fragmented => {
                Err(CloseCode::Protocol)
            }
            OpCode::Data(Data::Binary) => Err(CloseCode::Unsupported),
            OpCode::Data(_) if self.message.len() as u64 + length > max as u64 => {
                Err(CloseCode::TooLong)
            }
            OpCode::Data(_) => Ok(mask),
        }
    }

    /// Whether the payload of the frame is whole.
    fn read_payload(&mut self, input: &mut &[u8]) -> bool {
        let Some(current) = &mut self.current else { return false };
        let most = usize::try_from(current.bytes_left).unwrap_or(usize::MAX);
        let (taken, rest) = input.split_at(most.min(input.len()));
        *input = rest;
        let (mask, at) = (current.mask, current.at);
        let plain = taken.iter().zip(at..).map(|(byte, at)| byte ^ mask[at % 4]);
        match current.header.opcode {
            OpCode::Control(_) => self.control.extend(plain),
            OpCode::Data(_) => self.message.extend(plain),
        }
        current.at = (at + taken.len()) % 4;
        current.bytes_left -= taken.len() as u64;
        current.bytes_left == 0
    }

    /// The frame is whole; gives what it ends.
    fn end_frame(&mut self) -> Result<Option<Frame>, CloseCode> {
        let Some(Current { header, .. }) = self.current.take() else { return Ok(None) };
        if let OpCode::Control(control) = header.opcode {
            let payload = std::mem::take(&mut self.control);
            return match control {
                Control::Ping => Ok(Some(Frame::Ping(payload))),
                Control::Pong => Ok(Some(Frame::Pong)),
                _ => check_close(&payload).map(|()| Some(Frame::Close)),
            };
        }
        self.is_fragmented = !header.is_final;
        if self.is_fragmented {
            return Ok(None);
        }
        let message = String::from_utf8(std::mem::take(&mut self.message));
        message.map(|text| Some(Frame::Text(text))).map_err(|_| CloseCode::NotUtf8)
    }
}

/// What a client says when it closes (RFC 6455, section 7.4): nothing, or a code and a
/// text.
fn check_close(payload: &[u8]) -> Result<(), CloseCode> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(()) } else { Err(CloseCode::Protocol) };
    };
    match u16::from_be_bytes(*code) {
        1000..=1003 | 1007..=1014 | 3000..=4999 => {}
        _ => return Err(CloseCode::Protocol),
    }
    str::from_utf8(reason).map(|_| ()).map_err(|_| CloseCode::NotUtf8)
}

fn frame(opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    add_header(opcode, payload.len(), &mut bytes);
    bytes.extend_from_slice(payload);
    bytes
}

fn add_header(opcode: OpCode, length: usize, out: &mut Vec<u8>) {
    let header = FrameHeader { opcode, ..FrameHeader::default() };
    header.format(length as u64, out).expect("a vector takes everything");
}

/// Adds the header of a frame with a text of so many bytes.
pub fn add_text_header(length: usize, out: &mut Vec<u8>) {
    add_header(OpCode::Data(Data::Text), length, out);
}

/// The frame that asks whether the client is there.
pub fn ping() -> Vec<u8> {
    frame(OpCode::Control(Control::Ping), b"")
}

/// The frame that answers a ping.
pub fn pong(payload: &[u8]) -> Vec<u8> {
    frame(OpCode::Control(Control::Pong), payload)
}

/// `Sec-WebSocket-Accept` for the key of a client (RFC 6455, section 4.2.2).
pub fn accept_key(key: &str) -> String {
    let hash = Sha1::new().chain_update(key).chain_update(KEY_SUFFIX).finalize();
    BASE64.encode(&hash)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 100;
    const TEXT: u8 = 1;
    const FINAL: u8 = 0x80;

    /// A frame as a client sends it.
    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut bytes = vec![first];
        match payload.len() {
            length @ 0..126 => bytes.push(0x80 | length as u8),
            length => {
                bytes.push(0x80 | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
        }
        bytes.extend(mask);
        bytes.extend(payload.iter().zip(0..).map(|(byte, at)| byte ^ mask[at % 4]));
        bytes
    }

    /// What comes of bytes in pieces of this length.
    fn read(bytes: &[u8], piece: usize) -> (Vec<Frame>, Option<CloseCode>) {
        let (mut frames, mut read) = (Frames::default(), Vec::new());
        for mut piece in bytes.chunks(piece) {
            loop {
                match frames.next(&mut piece, MAX) {
                    Ok(Some(frame)) => read.push(frame),
                    Ok(None) => break,
                    Err(code) => return (read, Some(code)),
                }
            }
            assert!(piece.is_empty());
        }
        (read, None)
    }

    fn text(text: &str) -> Frame {
        Frame::Text(text.into())
    }

    #[test]
    fn messages_are_put_together() {
        let bytes = [
            masked(FINAL | TEXT, b"hello"),
            masked(TEXT, "caf".as_bytes()),
            masked(FINAL | 9, b"ping"),
            masked(0, &"é".as_bytes()[..1]),
            masked(FINAL | 10, b""),
            masked(FINAL, &"é".as_bytes()[1..]),
            masked(FINAL | TEXT, b""),
            masked(FINAL | 8, b"\x03\xe8bye"),
        ]
        .concat();
        let ping = Frame::Ping(b"ping".iter().copied().collect());
        let expected = vec![text("hello"), ping, Frame::Pong, text("café"), text(""), Frame::Close];
        for piece in [1, 2, 3, 1000] {
            assert_eq!(read(&bytes, piece), (expected.clone(), None), "pieces of {piece}");
        }
    }

    #[test]
    fn abuse_has_its_code() {
        use CloseCode::{NotUtf8, Protocol, TooLong, Unsupported};
        let declared =
            |length: u64| [&[FINAL | TEXT, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
        for (what, bytes, code) in [
            ("unmasked", vec![FINAL | TEXT, 1, b'a'], Protocol),
            ("a reserved bit", masked(FINAL | 0x40 | TEXT, b"a"), Protocol),
            ("a reserved opcode", masked(FINAL | 3, b"a"), Protocol),
            ("a reserved control", masked(FINAL | 11, b"a"), Protocol),
            ("binary", masked(FINAL | 2, b"a"), Unsupported),
            ("too long", masked(FINAL | TEXT, &[b'a'; MAX + 1]), TooLong),
            (
                "too long in fragments",
                [masked(TEXT, &[b'a'; 60]), masked(FINAL, &[b'a'; 60])].concat(),
                TooLong,
            ),
            ("declared 2^62", declared(1 << 62), TooLong),
            ("declared 2^63", declared(1 << 63), Protocol),
            ("a fragmented ping", masked(9, b"a"), Protocol),
            ("a long ping", masked(FINAL | 9, &[b'a'; 126]), Protocol),
            ("nothing to continue", masked(FINAL, b"a"), Protocol),
            (
                "a new text inside of one",
                [masked(TEXT, b"a"), masked(TEXT, b"b")].concat(),
                Protocol,
            ),
            ("no UTF-8", masked(FINAL | TEXT, b"\xff"), NotUtf8),
            (
                "no UTF-8 over two frames",
                [masked(TEXT, b"\xc3"), masked(FINAL, b"(")].concat(),
                NotUtf8,
            ),
            ("half a code", masked(FINAL | 8, b"\x03"), Protocol),
            ("no code", masked(FINAL | 8, b"\x03\xed"), Protocol),
            ("a reason that is no UTF-8", masked(FINAL | 8, b"\x03\xe8\xff"), NotUtf8),
        ] {
            for piece in [1, 5, 1000] {
                assert_eq!(read(&bytes, piece), (vec![], Some(code)), "{what}, {piece}");
            }
        }
    }

    #[test]
    fn a_client_at_rest_has_nothing_begun() {
        let mut frames = Frames::new();
        let bytes = masked(FINAL | TEXT, b"hello");
        for (at, byte) in bytes.iter().enumerate() {
            assert_eq!(frames.is_at_rest(), at == 0, "after {at} bytes");
            let _ = frames.next(&mut &[*byte][..], MAX);
        }
        assert!(frames.is_at_rest());
    }

    #[test]
    fn frames_are_as_the_rfc_shows_them() {
        // RFC 6455, sections 1.3 and 5.7.
        assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(pong(b"Hello"), b"\x8a\x05Hello");
        assert_eq!(ping(), b"\x89\x00");
        assert_eq!(CloseCode::Away.frame(), b"\x88\x02\x03\xe9");
        let mut long = Vec::new();
        add_text_header(256, &mut long);
        assert_eq!(long, b"\x81\x7e\x01\x00");
    }

    proptest! {
        /// How frames are cut into packets changes nothing, and nothing panics.
        #[test]
        fn pieces_change_nothing(parts in prop::collection::vec(prop::sample::select(vec![
            masked(FINAL | TEXT, b"hello"), masked(TEXT, b"a\xc3"), masked(0, b""),
            masked(FINAL, b"\xa9"), masked(FINAL | 9, b"ping"), masked(FINAL | 8, b""),
            vec![0x81], vec![0xff], vec![0; 4], vec![0x81, 0xfe, 0, 90],
        ]), 0..8), piece in 1..8_usize) {
            let bytes = parts.concat();
            prop_assert_eq!(read(&bytes, piece), read(&bytes, bytes.len().max(1)));
        }
    }
}
