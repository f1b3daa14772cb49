//! What clients of the different servers say and hear. A line's text comes last in every
//! protocol here, so reading is the same for all: find the text at the end of a line.

/// How to talk in one room of a server.
pub trait Protocol {
    /// What a newcomer sends before anything else.
    fn join(&self, _client: usize) -> Vec<u8> {
        Vec::new()
    }

    /// A newcomer is in the room once it has received a line that contains this. `None`: the server
    /// says nothing to a newcomer, and only a line that reaches it shows that it is in.
    fn welcome(&self) -> Option<&'static [u8]> {
        None
    }

    /// Appends what a client sends to say `text`, which has no line end.
    fn say(&self, text: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(text);
        out.push(b'\n');
    }

    /// The byte that ends what a receiver gets for a line, and that is nowhere else in it.
    fn line_end(&self) -> u8 {
        b'\n'
    }

    /// A received line up to the end of its text.
    fn text<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        line
    }

    /// How many newlines a receiver gets for each line that was said.
    fn newlines_a_line(&self) -> u64 {
        1
    }

    /// Whether a received line is the protocol's own, and neither a text nor about somebody.
    fn is_frame(&self, _line: &[u8]) -> bool {
        false
    }

    /// Whether a connection that listens can't speak, so that a sender needs a second one.
    fn speaks_apart(&self) -> bool {
        false
    }

    /// The longest line, with its newline, that the protocol carries.
    fn line_bytes_max(&self) -> usize {
        usize::MAX
    }

    /// A request that the server answers to the asking client alone, with a line that contains
    /// `token`.
    fn ping(&self, _token: &str) -> Option<Vec<u8>> {
        None
    }
}

/// Bare lines, and a server without a word of its own.
pub struct Lines;

impl Protocol for Lines {}

/// Lines, and notices that start with `*** `.
pub struct Roomcast;

impl Protocol for Roomcast {
    fn welcome(&self) -> Option<&'static [u8]> {
        Some(b"*** ")
    }

    /// An unknown command, which is answered and not sent to the room.
    fn ping(&self, token: &str) -> Option<Vec<u8>> {
        Some(format!("/{token}\n").into_bytes())
    }
}

/// The same in JSON over WebSocket (RFC 6455). A text is followed by the fields `run` and `to`.
pub struct WebSocket;

impl Protocol for WebSocket {
    fn join(&self, _client: usize) -> Vec<u8> {
        b"GET /lobby HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            .to_vec()
    }

    fn welcome(&self) -> Option<&'static [u8]> {
        Some(b"\"welcome, ")
    }

    /// One frame, whose mask changes nothing.
    fn say(&self, text: &[u8], out: &mut Vec<u8>) {
        out.push(0x81);
        match text.len() {
            length @ 0..126 => out.push(0x80 | length as u8),
            length => {
                out.push(0x80 | 126);
                out.extend_from_slice(&(length as u16).to_be_bytes());
            }
        }
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(text);
    }

    /// Of the object.
    fn line_end(&self) -> u8 {
        b'}'
    }

    fn text<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        memchr::memmem::rfind(line, b"\",\"run\":").map_or(line, |end| &line[..end])
    }

    fn ping(&self, token: &str) -> Option<Vec<u8>> {
        let mut request = Vec::new();
        self.say(format!("/{token}").as_bytes(), &mut request);
        Some(request)
    }
}

/// RESP, the protocol of Redis: one channel.
pub struct Redis;

impl Protocol for Redis {
    fn join(&self, _client: usize) -> Vec<u8> {
        b"*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nroom\r\n".to_vec()
    }

    fn welcome(&self) -> Option<&'static [u8]> {
        Some(b"subscribe")
    }

    fn say(&self, text: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(
            format!("*3\r\n$7\r\nPUBLISH\r\n$4\r\nroom\r\n${}\r\n", text.len()).as_bytes(),
        );
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    }

    /// `*3`, the length of `message`, `message`, then likewise the channel and the text.
    fn newlines_a_line(&self) -> u64 {
        7
    }

    fn is_frame(&self, line: &[u8]) -> bool {
        matches!(line, b"*3" | b"message" | b"room" | [b'$', ..])
    }

    fn speaks_apart(&self) -> bool {
        true
    }

    fn ping(&self, token: &str) -> Option<Vec<u8>> {
        Some(format!("*2\r\n$4\r\nPING\r\n${}\r\n{token}\r\n", token.len()).into_bytes())
    }
}

/// The text protocol of NATS: one subject.
pub struct Nats;

impl Protocol for Nats {
    fn join(&self, _client: usize) -> Vec<u8> {
        b"CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\nSUB room 1\r\nPING\r\n"
            .to_vec()
    }

    fn welcome(&self) -> Option<&'static [u8]> {
        Some(b"PONG")
    }

    fn say(&self, text: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(format!("PUB room {}\r\n", text.len()).as_bytes());
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    }

    /// `MSG`, and the text.
    fn newlines_a_line(&self) -> u64 {
        2
    }

    fn is_frame(&self, line: &[u8]) -> bool {
        line.starts_with(b"MSG ") || line == b"PING"
    }
}

/// IRC (RFC 2812): one channel.
pub struct Irc;

impl Protocol for Irc {
    fn join(&self, client: usize) -> Vec<u8> {
        format!("NICK g{client}\r\nUSER g 0 * :g\r\nJOIN #room\r\n").into_bytes()
    }

    /// End of the list of names.
    fn welcome(&self) -> Option<&'static [u8]> {
        Some(b" 366 ")
    }

    fn say(&self, text: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(b"PRIVMSG #room :");
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    }

    /// 512 bytes with `:g12345!~g@127.0.0.1 PRIVMSG #room :` before and CR LF after it.
    fn line_bytes_max(&self) -> usize {
        460
    }

    fn ping(&self, token: &str) -> Option<Vec<u8>> {
        Some(format!("PING {token}\r\n").into_bytes())
    }
}
