//! Clients that come through a proxy, which says first where they come from: the
//! PROXY protocol, version 1 and 2 (haproxy.org, "The PROXY protocol"). It is
//! believed from the networks that the operator names, and from these each
//! connection has to begin with it.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use ipnet::IpNet;
use ppp::{HeaderResult, PartialResult, v1, v2};

use super::address::PeerAddr;
use crate::chat::ClientId;

/// How long a header may take. A proxy sends it with the connection.
const HEADER_TIME: Duration = Duration::from_secs(3);

/// The longest header, in bytes. Of version 2 what follows the addresses, such as
/// certificates, can be long; of version 1 it is `TEXT_BYTES_MAX`.
const HEADER_BYTES_MAX: usize = 4096;

const TEXT_BYTES_MAX: usize = 107;

/// Connections that haven't sent their header, at one time.
const WAITING_MAX: usize = 1024;

/// The proxies that are believed, and their connections whose header hasn't come.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    networks: Vec<IpNet>,
    waiting: HashMap<ClientId, Waiting>,
    /// Until when each of them may wait, in that order; and some that don't wait
    /// any more.
    deadlines: VecDeque<(Instant, ClientId)>,
}

#[derive(Debug)]
struct Waiting {
    listener: usize,
    bytes: Vec<u8>,
}

/// A header that has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Introduced {
    /// The client; `None` if the proxy speaks for itself, as for a health check.
    pub client: Option<SocketAddr>,
    pub listener: usize,
    /// What the client has sent after it.
    pub rest: Vec<u8>,
}

/// What came of more bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// More have to come.
    Unfinished,
    Whole(Introduced),
    /// They are no header.
    Wrong,
}

impl Proxies {
    pub fn new(networks: Vec<IpNet>) -> Self {
        Proxies { networks, ..Self::default() }
    }

    /// Whether connections from there begin with a header.
    pub fn are_at(&self, peer: PeerAddr) -> bool {
        let is_in = |ip: IpAddr| self.networks.iter().any(|network| network.contains(&ip));
        peer.ip().is_some_and(is_in)
    }

    /// Waits for the header of a connection; false if too many do.
    pub fn wait(&mut self, now: Instant, id: ClientId, listener: usize) -> bool {
        let has_place = self.waiting.len() < WAITING_MAX;
        if has_place {
            self.waiting.insert(id, Waiting { listener, bytes: Vec::new() });
            self.deadlines.push_back((now + HEADER_TIME, id));
        }
        has_place
    }

    pub fn is_waiting(&self, id: ClientId) -> bool {
        !self.waiting.is_empty() && self.waiting.contains_key(&id)
    }

    /// Takes bytes of a connection that waits.
    pub fn add(&mut self, id: ClientId, bytes: &[u8]) -> Header {
        let Some(waiting) = self.waiting.get_mut(&id) else { return Header::Wrong };
        waiting.bytes.extend(bytes);
        let header = parse(&waiting.bytes, waiting.listener);
        if header != Header::Unfinished {
            self.waiting.remove(&id);
        }
        header
    }

    /// A connection has ended.
    pub fn forget(&mut self, id: ClientId) {
        self.waiting.remove(&id);
    }

    /// When the next one has waited for too long.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadlines.front().map(|(at, _)| *at)
    }

    /// The next connection that has waited for too long.
    pub fn next_late(&mut self, now: Instant) -> Option<ClientId> {
        while let Some((_, id)) = self.deadlines.pop_front_if(|(at, _)| *at <= now) {
            if self.waiting.remove(&id).is_some() {
                return Some(id);
            }
        }
        None
    }

    /// All that wait, which don't any more.
    pub fn take_all(&mut self) -> Vec<ClientId> {
        self.deadlines.clear();
        self.waiting.drain().map(|(id, _)| id).collect()
    }
}

fn parse(bytes: &[u8], listener: usize) -> Header {
    let header = HeaderResult::parse(bytes);
    if header.is_incomplete() || is_unfinished_text(bytes) {
        let is_bounded = bytes.len() < HEADER_BYTES_MAX;
        return if is_bounded { Header::Unfinished } else { Header::Wrong };
    }
    let (client, length) = match header {
        HeaderResult::V1(Ok(header)) => (client_of_text(&header), header.header.len()),
        HeaderResult::V2(Ok(header)) => (client_of_binary(&header), header.len()),
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => return Header::Wrong,
    };
    let rest = bytes.get(length..).unwrap_or_default().to_vec();
    Header::Whole(Introduced { client, listener, rest })
}

/// Whether it may be the beginning of a header of version 1, of which the parser knows
/// only the end for certain.
fn is_unfinished_text(bytes: &[u8]) -> bool {
    let begin = v1::PROTOCOL_PREFIX.as_bytes();
    let is_text = bytes.starts_with(begin) || begin.starts_with(bytes);
    is_text && bytes.len() <= TEXT_BYTES_MAX && !bytes.contains(&b'\n')
}

fn client_of_text(header: &v1::Header) -> Option<SocketAddr> {
    match header.addresses {
        v1::Addresses::Unknown => None,
        v1::Addresses::Tcp4(ip) => Some((ip.source_address, ip.source_port).into()),
        v1::Addresses::Tcp6(ip) => Some((ip.source_address, ip.source_port).into()),
    }
}

fn client_of_binary(header: &v2::Header) -> Option<SocketAddr> {
    match (header.command, header.addresses) {
        (v2::Command::Proxy, v2::Addresses::IPv4(ip)) => {
            Some((ip.source_address, ip.source_port).into())
        }
        (v2::Command::Proxy, v2::Addresses::IPv6(ip)) => {
            Some((ip.source_address, ip.source_port).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
    const TEXT: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 8008\r\n";

    fn check(header: &[u8], client: Option<&str>) {
        let client = client.map(|client| client.parse().expect("an address"));
        let bytes = [header, b"hello\n"].concat();
        let rest = b"hello\n".to_vec();
        let whole = Header::Whole(Introduced { client, listener: 1, rest });
        assert_eq!(parse(&bytes, 1), whole, "{}", header.escape_ascii());
        for length in 1..header.len() {
            assert_eq!(parse(&header[..length], 1), Header::Unfinished, "{length} bytes");
        }
    }

    fn binary(command: u8, family: u8, content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u16).to_be_bytes();
        [SIGNATURE, &[0x20 | command, family], &length, content].concat()
    }

    #[test]
    fn both_versions_name_the_client() {
        check(TEXT, Some("192.0.2.7:4711"));
        check(b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 8008\r\n", Some("[2001:db8::7]:4711"));
        let ipv4 = [192, 0, 2, 7, 198, 51, 100, 1, 0x12, 0x67, 0x1f, 0x48];
        check(&binary(1, 0x11, &ipv4), Some("192.0.2.7:4711"));
        // What follows the addresses is passed over.
        let longer = [&ipv4[..], &[0x04, 0, 3, 1, 2, 3]].concat();
        check(&binary(1, 0x11, &longer), Some("192.0.2.7:4711"));
    }

    #[test]
    fn a_proxy_may_speak_for_itself() {
        check(b"PROXY UNKNOWN\r\n", None);
        check(&binary(0, 0, b""), None);
    }

    #[test]
    fn what_is_no_header_is_known_early_and_has_a_limit() {
        for bytes in [&b"hello\n"[..], b"GET / HTTP/1.1\r\n", b"PROXY TCP4 here there 1 2\r\n"] {
            assert_eq!(parse(bytes, 0), Header::Wrong, "{}", bytes.escape_ascii());
        }
        let endless = binary(1, 0x11, &[0; 60_000]);
        assert_eq!(parse(&endless[..HEADER_BYTES_MAX], 0), Header::Wrong);
    }
}
