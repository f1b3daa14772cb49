//! Frames of a WebSocket.

use std::io::{Cursor, Read, Write};
use std::iter;

use roomcast::wire::{Client, CloseCode, Frame, Framing, Input};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

use super::cuts::cut;

const FRAMING: Framing = Framing { line_bytes_max: 256, raw: false, has_web: true };

/// However frames are cut the messages are the same, and they are those that tungstenite
/// finds, up to the first thing that one of both doesn't take.
pub fn frames(data: &[u8]) {
    let [seed, bytes @ ..] = data else { return };
    let whole = read(iter::once(bytes));
    assert_eq!(whole, read(cut(bytes, *seed)));
    let (messages, end) = whole;
    let expected = expected(bytes);
    let common = messages.len().min(expected.len());
    assert_eq!(messages[..common], expected[..common]);
    match end {
        // It has gone on longer than we did, or as long.
        Some(CloseCode::TooLong | CloseCode::Unsupported) => {}
        _ => assert!(messages.len() <= expected.len(), "{messages:?} and {expected:?}"),
    }
    if end.is_none() {
        assert_eq!(messages, expected);
    }
}

/// The texts that come of packets, and with what they end if they do.
fn read<'a>(packets: impl Iterator<Item = &'a [u8]>) -> (Vec<String>, Option<CloseCode>) {
    let mut client = Client::default();
    client.begin_socket();
    let mut messages = Vec::new();
    for packet in packets {
        let mut input = packet;
        while let Some(next) = client.next(&mut input, &FRAMING) {
            match next {
                Input::Line { bytes, .. } => {
                    assert!(bytes.len() <= FRAMING.line_bytes_max);
                    messages.push(String::from_utf8(bytes.into_owned()).expect("UTF-8"));
                }
                Input::Frame(Frame::Close) => return (messages, Some(CloseCode::Normal)),
                Input::Frame(_) => {}
                Input::Broken(code) => return (messages, Some(code)),
                other => panic!("{other:?}"),
            }
        }
    }
    (messages, None)
}

/// The same by tungstenite.
fn expected(bytes: &[u8]) -> Vec<String> {
    let config =
        WebSocketConfig::default().max_message_size(Some(1 << 16)).max_frame_size(Some(1 << 16));
    let stream = OneWay(Cursor::new(bytes));
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, Some(config));
    let mut messages = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => messages.push(text.to_string()),
            Ok(Message::Close(_)) | Err(_) => return messages,
            Ok(_) => {}
        }
    }
}

/// What is written goes nowhere.
struct OneWay<'a>(Cursor<&'a [u8]>);

impl Read for OneWay<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for OneWay<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
