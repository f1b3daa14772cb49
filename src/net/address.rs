//! Where to listen, and where clients come from.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

/// The port of an address that names none.
pub const DEFAULT_PORT: u16 = 8008;

/// An address to listen on, as the operator writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddr {
    /// `HOST:PORT` and its short forms.
    Tcp(HostPort),
    /// `telnet:HOST:PORT`: clients there speak telnet, and are offered to have
    /// their line edited.
    Telnet(HostPort),
    /// `unix:PATH`
    Unix(PathBuf),
}

/// A host, by address or name, and a port. A name is looked up when it is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// Without brackets; an IPv6 address can have a zone.
    host: String,
    port: u16,
}

const FORMS: &str = "expected PORT, HOST:PORT, [IPV6]:PORT, telnet:HOST:PORT or unix:PATH";

impl FromStr for ListenAddr {
    type Err = String;

    /// Looks nothing up.
    fn from_str(text: &str) -> Result<Self, String> {
        let with_forms = |error| format!("{error}, {FORMS}");
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err(with_forms("the path is missing"));
            }
            return Ok(ListenAddr::Unix(path.into()));
        }
        if let Some(text) = text.strip_prefix("telnet:") {
            if text.starts_with("unix:") {
                return Err(with_forms("telnet is for TCP"));
            }
            return HostPort::parse(text).map(ListenAddr::Telnet).map_err(with_forms);
        }
        HostPort::parse(text).map(ListenAddr::Tcp).map_err(with_forms)
    }
}

impl ListenAddr {
    /// Host and port; `None` for a unix socket.
    pub fn host_port(&self) -> Option<&HostPort> {
        match self {
            ListenAddr::Tcp(address) | ListenAddr::Telnet(address) => Some(address),
            ListenAddr::Unix(_) => None,
        }
    }
}

impl HostPort {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (host, port) = Self::split(text)?;
        Ok(HostPort { host, port: port.unwrap_or(DEFAULT_PORT) })
    }

    /// The host, and the port if there is one.
    fn split(text: &str) -> Result<(String, Option<u16>), &'static str> {
        if text.contains('/') {
            return Err("a path needs unix: before it");
        }
        let is_port = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (host, port) = match text.strip_prefix('[').map(|text| text.split_once(']')) {
            Some(None) => return Err("the ] is missing"),
            Some(Some((host, _))) if !is_ipv6(host) => return Err("[] hold no IPv6 address"),
            Some(Some((host, ""))) => (host, None),
            Some(Some((host, port))) => {
                (host, Some(port.strip_prefix(':').ok_or("the : before the port is missing")?))
            }
            None if is_port => ("*", Some(text)),
            None if is_ipv6(text) => (text, None),
            None => match text.split_once(':') {
                Some(("", port)) => ("*", Some(port)),
                Some((_, port)) if port.contains(':') => {
                    return Err("an IPv6 address with a port needs brackets");
                }
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        if host.is_empty() {
            return Err("the host is missing");
        }
        let port = port.map(str::parse).transpose();
        let port = port.map_err(|_| "the port is not a number from 0 to 65535")?;
        Ok((if host == "*" { "::" } else { host }.to_owned(), port))
    }

    /// The addresses of the host, each once.
    pub(super) fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        Ok(each_once((self.host.as_str(), self.port).to_socket_addrs()?))
    }

    /// Whether this is IPv4 on every interface, and `other` is both families
    /// on the same port.
    pub fn is_part_of(&self, other: &HostPort) -> bool {
        self.port != 0 && self.port == other.port && self.host == "0.0.0.0" && other.host == "::"
    }
}

/// Whether this may be the name of a host, or an IPv4 address.
pub(super) fn is_host_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    // A command would take one that begins with - for an option.
    let has_place = (1..=253).contains(&name.len()) && !name.starts_with('-');
    has_place && name.bytes().all(is_letter)
}

/// Whether this is an IPv6 address, with a zone or without.
fn is_ipv6(text: &str) -> bool {
    let address = match text.split_once('%') {
        Some((_, "")) => return false,
        Some((address, _)) => address,
        None => text,
    };
    address.parse::<Ipv6Addr>().is_ok()
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            ListenAddr::Tcp(address) => address.fmt(f),
            ListenAddr::Telnet(address) => write!(f, "telnet:{address}"),
            ListenAddr::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Where clients are told to connect to, where that differs from where the server listens:
/// behind a proxy, a NAT, or with a name of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// A name, or an address without brackets.
    pub host: String,
    /// `None` is the port that the server listens on.
    pub port: Option<u16>,
}

impl fmt::Display for Advertised {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match (self.port, self.host.contains(':')) {
            (None, _) => f.write_str(&self.host),
            (Some(port), true) => write!(f, "[{}]:{port}", self.host),
            (Some(port), false) => write!(f, "{}:{port}", self.host),
        }
    }
}

impl FromStr for Advertised {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORMS: &str =
            "expected HOST or HOST:PORT, such as chat.example.org or 192.0.2.7:9000";
        let with_forms = |error| format!("{error}, {FORMS}");
        if text.contains('/') {
            return Err(with_forms("a host has no /"));
        }
        let (host, port) = HostPort::split(text).map_err(with_forms)?;
        if host == "::" || host == "0.0.0.0" {
            return Err(with_forms("the host is missing"));
        }
        if !is_host_name(&host) && host.parse::<Ipv6Addr>().is_err() {
            return Err(with_forms("the host is no name and no address"));
        }
        if port == Some(0) {
            return Err(with_forms("nobody can connect to port 0"));
        }
        Ok(Advertised { host, port })
    }
}

/// Where a client comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerAddr {
    /// Its IP address and port.
    Ip {
        /// IPv4 is mapped into IPv6, and the zone of a link-local address is in
        /// its bits that are always 0: so it takes less memory.
        ip: Ipv6Addr,
        /// The port.
        port: u16,
    },
    /// The sequence number of the client; unix sockets have no address of a peer.
    Unix(u32),
}

impl PeerAddr {
    pub(super) fn new(address: Option<SocketAddr>, number: u32) -> Self {
        match address {
            Some(address) => {
                let (ip, zone) = match address {
                    SocketAddr::V4(address) => (address.ip().to_ipv6_mapped(), 0),
                    SocketAddr::V6(address) => (*address.ip(), address.scope_id()),
                };
                let ip = if ip.is_unicast_link_local() { with_zone(ip, zone) } else { ip };
                PeerAddr::Ip { ip, port: address.port() }
            }
            None => PeerAddr::Unix(number),
        }
    }

    /// The IP address, if it has one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.ipv6().map(|ip| ip.to_canonical())
    }

    /// The zone of a link-local address, by number; 0 for all others.
    pub(super) fn zone(&self) -> u32 {
        match self {
            PeerAddr::Ip { ip, .. } if ip.is_unicast_link_local() => {
                (ip.to_bits() >> ZONE_SHIFT) as u32
            }
            _ => 0,
        }
    }

    /// The IP address, IPv4 mapped into IPv6.
    pub(super) fn ipv6(&self) -> Option<Ipv6Addr> {
        match self {
            PeerAddr::Ip { ip, .. } if ip.is_unicast_link_local() => Some(with_zone(*ip, 0)),
            PeerAddr::Ip { ip, .. } => Some(*ip),
            PeerAddr::Unix(_) => None,
        }
    }
}

impl fmt::Display for PeerAddr {
    /// `127.0.0.1:55821`, `[::1]:55821`, `[fe80::1%2]:55821` or `unix:7`
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            PeerAddr::Ip { port, .. } => match self.ip() {
                Some(IpAddr::V6(ip)) => SocketAddrV6::new(ip, *port, 0, self.zone()).fmt(f),
                Some(ip) => SocketAddr::new(ip, *port).fmt(f),
                None => Ok(()),
            },
            PeerAddr::Unix(number) => write!(f, "unix:{number}"),
        }
    }
}

/// Addresses in their order, each once: a file of hosts can name one twice.
fn each_once(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for address in found {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// Where the zone is in a link-local address (RFC 4291, section 2.5.6).
const ZONE_SHIFT: u32 = 64;

fn with_zone(ip: Ipv6Addr, zone: u32) -> Ipv6Addr {
    let mask = u128::from(u32::MAX) << ZONE_SHIFT;
    Ipv6Addr::from_bits(ip.to_bits() & !mask | u128::from(zone) << ZONE_SHIFT)
}

/// Whether the address is every interface.
pub(super) fn is_every_ipv6(address: &SocketAddr) -> bool {
    matches!(address.ip(), IpAddr::V6(ip) if ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_address_to_listen_on_is_understood() {
        let cases = [
            ("9000", "[::]:9000"),
            (":9000", "[::]:9000"),
            ("*:9000", "[::]:9000"),
            ("[::]:9000", "[::]:9000"),
            ("0.0.0.0:9000", "0.0.0.0:9000"),
            ("127.0.0.1:9000", "127.0.0.1:9000"),
            ("127.0.0.1", "127.0.0.1:8008"),
            ("localhost:9000", "localhost:9000"),
            ("localhost", "localhost:8008"),
            ("[::1]:9000", "[::1]:9000"),
            ("[::1]", "[::1]:8008"),
            ("::1", "[::1]:8008"),
            ("[fe80::1%eth0]:9000", "[fe80::1%eth0]:9000"),
            ("[fe80::1%2]:9000", "[fe80::1%2]:9000"),
            ("telnet:127.0.0.1:23", "telnet:127.0.0.1:23"),
            ("telnet:23", "telnet:[::]:23"),
            ("unix:/a b", "unix:/a b"),
        ];
        for (text, shown) in cases {
            let address: ListenAddr = text.parse().expect(text);
            assert_eq!(address.to_string(), shown);
        }
        for form in documented_forms() {
            assert!(cases.iter().any(|(text, _)| *text == form), "{form} has no row here");
        }
    }

    /// The addresses in the table of docs/operating.md, without those that a prefix
    /// begins.
    fn documented_forms() -> Vec<&'static str> {
        let (_, table) = include_str!("../../docs/operating.md")
            .split_once("| ADDR | listens on |")
            .expect("a table of addresses");
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let cells = rows.filter_map(|row| row.split('|').nth(1));
        let forms = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
        let forms: Vec<_> = forms.filter(|form| !form.contains(char::is_uppercase)).collect();
        assert!(forms.len() > 10, "{forms:?}");
        forms
    }

    #[test]
    fn an_address_that_a_name_has_twice_counts_once() {
        let addresses = ["127.0.0.1:9", "[::1]:9", "127.0.0.1:9", "127.0.0.1:9", "[::1]:9"];
        let found = addresses.map(|address| address.parse().expect("an address"));
        assert_eq!(each_once(found.into_iter()), found[..2]);
    }

    #[test]
    fn a_bad_address_is_told_with_the_right_forms() {
        let cases = [
            ("", "the host is missing"),
            ("1.2.3.4:", "the port is not a number from 0 to 65535"),
            ("1.2.3.4:http", "the port is not a number from 0 to 65535"),
            ("1.2.3.4:65536", "the port is not a number from 0 to 65535"),
            ("65536", "the port is not a number from 0 to 65535"),
            ("[::1", "the ] is missing"),
            ("[::1]9", "the : before the port is missing"),
            ("[fe80::1%]:9", "[] hold no IPv6 address"),
            ("[localhost]:9", "[] hold no IPv6 address"),
            ("2001:db8:9000", "an IPv6 address with a port needs brackets"),
            ("/tmp/room", "a path needs unix: before it"),
            ("unix:", "the path is missing"),
            ("telnet:unix:/a", "telnet is for TCP"),
            ("telnet:telnet:127.0.0.1:23", "an IPv6 address with a port needs brackets"),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<ListenAddr>(), Err(format!("{error}, {FORMS}")), "{text}");
        }
    }

    #[test]
    fn what_is_advertised_is_a_host_that_others_can_reach() {
        let parse = |text: &str| text.parse::<Advertised>().map(|it| (it.host, it.port));
        for (text, host, port) in [
            ("chat.example.org", "chat.example.org", None),
            ("chat.example.org:80", "chat.example.org", Some(80)),
            ("192.0.2.7:9000", "192.0.2.7", Some(9000)),
            ("2001:db8::7", "2001:db8::7", None),
            ("[2001:db8::7]:9000", "2001:db8::7", Some(9000)),
        ] {
            assert_eq!(parse(text), Ok((host.to_owned(), port)));
        }
        for (text, clue) in [
            ("", "the host is missing"),
            ("9000", "the host is missing"),
            (":9000", "the host is missing"),
            ("*:9000", "the host is missing"),
            ("chat example", "no name"),
            ("-lcsh:4444", "no name"),
            ("chat:0", "port 0"),
            ("chat:99999", "not a number"),
            ("fe80::1%eth0", "no name"),
            ("http://chat.example.org/", "a host has no /"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.starts_with(clue) || error.contains(clue), "{text}: {error}");
            assert!(error.contains("expected HOST or HOST:PORT"), "{error}");
        }
    }

    #[test]
    fn a_mapped_ipv4_peer_is_shown_as_ipv4() {
        let peer =
            |text: &str| PeerAddr::new(Some(text.parse().expect("an address")), 1).to_string();
        assert_eq!(peer("[::ffff:192.0.2.1]:7"), "192.0.2.1:7");
        assert_eq!(peer("[2001:db8::1]:7"), "[2001:db8::1]:7");
        assert_eq!(peer("[fe80::1%2]:7"), "[fe80::1%2]:7", "the zone is shown");
        assert_eq!(PeerAddr::new(None, 7).to_string(), "unix:7");
    }
}
