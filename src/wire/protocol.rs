//! Clients that speak another protocol, known by what they send first: a
//! browser, a scanner, or a page that posts lines to the chat's port.

use enum_map::Enum;

/// Bytes of a client's stream that show whether they are of a binary protocol.
pub const FIRST_BYTES: usize = PROXY_SIGNATURE.len();

/// What a header of the PROXY protocol begins with in version 2.
const PROXY_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// A protocol that isn't a chat's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum Protocol {
    /// HTTP/1 (RFC 9112), and the preface of HTTP/2 (RFC 9113, section 3.4).
    Http,
    /// TLS (RFC 8446).
    Tls,
    /// SSH (RFC 4253).
    Ssh,
    /// SMTP (RFC 5321).
    Smtp,
    /// SOCKS 4.
    Socks4,
    /// SOCKS 5 (RFC 1928).
    Socks5,
    /// IRC (RFC 2812).
    Irc,
    /// The PROXY protocol, from where it isn't believed.
    Proxy,
}

/// What the first bytes of a stream show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// A binary protocol.
    Foreign(Protocol),
    /// Nothing yet: more have to come.
    Unknown,
    /// Text, as far as can be seen.
    Text,
}

impl Protocol {
    /// What the first bytes of a client's stream show, at most `FIRST_BYTES` of
    /// them.
    pub fn of_bytes(bytes: &[u8]) -> First {
        match bytes {
            // A handshake in a record of TLS 1.x (RFC 8446, section 5.1).
            [0x16, 3, 0..=4, ..] => First::Foreign(Protocol::Tls),
            // SOCKS 4, CONNECT or BIND, and the first byte of a port.
            [4, 1 | 2, _, ..] => First::Foreign(Protocol::Socks4),
            // SOCKS 5, so many methods, a method (RFC 1928, section 3).
            [5, 1..=9, 0..=9 | 0x80.., ..] => First::Foreign(Protocol::Socks5),
            _ if bytes.starts_with(PROXY_SIGNATURE) => First::Foreign(Protocol::Proxy),
            _ if PROXY_SIGNATURE.starts_with(bytes) => First::Unknown,
            // The beginning of a byte order mark.
            [0xef] | [0xef, 0xbb] => First::Unknown,
            [] | [0x16] | [0x16, 3] | [4] | [4, 1 | 2] | [5] | [5, 1..=9] => First::Unknown,
            _ => First::Text,
        }
    }

    /// The protocol that has a first line like this, without its end.
    pub fn of_line(line: &[u8]) -> Option<Protocol> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut words = line.split(|&byte| byte == b' ');
        match (words.next()?, words.next(), words.next(), words.next()) {
            (method, Some(target), Some(version), None)
                if is_token(method) && is_target(target) && version.starts_with(b"HTTP/") =>
            {
                Some(Protocol::Http)
            }
            // As clients write it; a user who says hello doesn't.
            (b"EHLO" | b"HELO", Some([_, ..]), None, None) => Some(Protocol::Smtp),
            (version, ..) if version.starts_with(b"SSH-") => Some(Protocol::Ssh),
            (b"PROXY", Some(b"TCP4" | b"TCP6" | b"UNKNOWN"), ..) => Some(Protocol::Proxy),
            // Registering (RFC 2812, section 3.1); in capitals, as clients write it.
            (b"CAP", Some(b"LS" | b"REQ"), ..)
            | (b"NICK", Some([_, ..]), None, None)
            | (b"USER", Some([_, ..]), Some([_, ..]), Some([_, ..])) => Some(Protocol::Irc),
            _ => None,
        }
    }

    /// The protocol of a first line that is longer than any of a chat and begins
    /// like this.
    pub fn of_long_line(start: &[u8]) -> Option<Protocol> {
        let space = start.iter().position(|&byte| byte == b' ')?;
        let (method, target) = (&start[..space], &start[space + 1..]);
        let is_target =
            [&b"/"[..], b"http:", b"https:"].iter().any(|begin| target.starts_with(begin));
        (is_token(method) && is_target).then_some(Protocol::Http)
    }

    /// What such a client is sent before its connection ends.
    pub fn answer(self) -> &'static [u8] {
        match self {
            Protocol::Http => {
                b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
                  Content-Length: 48\r\nConnection: close\r\n\r\n\
                  This is a chat room: come in with nc or telnet.\n"
            }
            // An alert: fatal, protocol_version (RFC 8446, section 6).
            Protocol::Tls => &[0x15, 3, 1, 0, 2, 2, 70],
            // A server may send lines before its version (RFC 4253, section 4.2).
            Protocol::Ssh => b"This is a chat room: come in with nc or telnet.\r\n",
            // "No SMTP service here" (RFC 5321, section 4.2.3).
            Protocol::Smtp => b"554 No SMTP service here, this is a chat room\r\n",
            // Request rejected, and a port and address that mean nothing.
            Protocol::Socks4 => &[0, 91, 0, 0, 0, 0, 0, 0],
            // No acceptable method (RFC 1928, section 3).
            Protocol::Socks5 => &[5, 0xff],
            // The client behind it reads that.
            Protocol::Proxy => {
                b"This chat room is not told to believe this proxy (--proxy-from)\r\n"
            }
            // What a server sends last (RFC 2812, section 3.7.4).
            Protocol::Irc => b"ERROR :This is a chat room, not IRC: come in with nc or telnet\r\n",
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Http => "spoke HTTP",
            Protocol::Tls => "spoke TLS",
            Protocol::Ssh => "spoke SSH",
            Protocol::Smtp => "spoke SMTP",
            Protocol::Socks4 => "spoke SOCKS 4",
            Protocol::Socks5 => "spoke SOCKS 5",
            Protocol::Irc => "spoke IRC",
            Protocol::Proxy => "spoke the PROXY protocol",
        }
    }
}

/// Whether it can be the target of a request (RFC 9112, section 3.2): a path, a
/// URL or a host with its port, or all of a server.
fn is_target(word: &[u8]) -> bool {
    word.starts_with(b"/") || word == b"*" || word.contains(&b':')
}

/// Whether it is a token (RFC 9110, section 5.6.2), as a method is.
fn is_token(word: &[u8]) -> bool {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !word.is_empty() && word.iter().all(is_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_known_by_their_first_line() {
        use Protocol::{Http, Irc, Proxy, Smtp, Ssh};
        for (line, protocol) in [
            (&b"GET / HTTP/1.1\r"[..], Http),
            (b"GET /index.html?a=b HTTP/1.0", Http),
            (b"POST /chat HTTP/1.1", Http),
            (b"patch / HTTP/1.1", Http),
            (b"X-MINE / HTTP/1.1", Http),
            (b"OPTIONS * HTTP/1.1", Http),
            (b"CONNECT example.com:443 HTTP/1.1", Http),
            (b"PRI * HTTP/2.0", Http),
            (b"SSH-2.0-OpenSSH_9.2p1 Debian-2", Ssh),
            (b"SSH-1.99-x", Ssh),
            (b"EHLO mail.example.com\r", Smtp),
            (b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 8008\r", Proxy),
            (b"PROXY UNKNOWN", Proxy),
            (b"CAP LS 302", Irc),
            (b"NICK ann\r", Irc),
            (b"USER ann 0 * :Ann", Irc),
            (b"HELO [192.0.2.1]", Smtp),
        ] {
            assert_eq!(Protocol::of_line(line), Some(protocol), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn what_people_say_first_is_no_protocol() {
        for line in [
            &b""[..],
            b"hello",
            b"GET",
            b"GET /",
            b"GET out of here",
            b"get / HTTP",
            b"I like HTTP/1.1",
            b"what about HTTP/1.1 then",
            b"<b> / HTTP/1.1",
            b"  HTTP/1.1",
            b"HELO",
            b"HELO there friend",
            b"helo bob",
            b"ssh -p 22",
            b"/me waves",
        ] {
            assert_eq!(Protocol::of_line(line), None, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn binary_protocols_are_known_by_three_bytes() {
        use First::{Foreign, Text, Unknown};
        let tls = &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..];
        let cases = [
            (&tls[..3], Foreign(Protocol::Tls)),
            (tls, Foreign(Protocol::Tls)),
            (&[5, 1, 0], Foreign(Protocol::Socks5)),
            (&[5, 3, 0, 1, 2], Foreign(Protocol::Socks5)),
            (&[4, 1, 0, 80, 192, 0, 2, 1, 0], Foreign(Protocol::Socks4)),
            (&[], Unknown),
            (&tls[..1], Unknown),
            (&tls[..2], Unknown),
            (&[4], Unknown),
            (&[5, 2], Unknown),
            (b"\x16\n", Text),
            (b"\x04\n", Text),
            (b"hel", Text),
            (b"\xff\xfd\x01", Text),
            (b"\n", Text),
        ];
        for (bytes, first) in cases {
            assert_eq!(Protocol::of_bytes(bytes), first, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_first_line_that_is_too_long_may_still_be_http() {
        assert_eq!(Protocol::of_long_line(b"GET /aaaaaaaa"), Some(Protocol::Http));
        assert_eq!(Protocol::of_long_line(b"POST /"), Some(Protocol::Http));
        assert_eq!(Protocol::of_long_line(b"GET http://a.example/"), Some(Protocol::Http));
        for start in [&b""[..], b"aaaaaaaa", b"a long story", b" /", b"<ann> /etc"] {
            assert_eq!(Protocol::of_long_line(start), None, "{}", start.escape_ascii());
        }
    }

    #[test]
    fn the_answer_of_http_is_as_long_as_it_says() {
        let answer = str::from_utf8(Protocol::Http.answer()).expect("ASCII");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{answer}");
    }
}
