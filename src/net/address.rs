//! Where to listen, and where clients come from.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

/// An address to listen on, as the operator writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddr {
    /// `HOST:PORT`; `[::]:PORT` is every interface, IPv4 and IPv6. A host name
    /// can stand for several addresses.
    Tcp(Vec<SocketAddr>),
    /// `telnet:HOST:PORT`: clients there speak telnet, and are offered to have
    /// their line edited.
    Telnet(Vec<SocketAddr>),
    /// `unix:PATH`
    Unix(PathBuf),
}

impl FromStr for ListenAddr {
    type Err = String;

    /// Looks host names up.
    fn from_str(text: &str) -> Result<Self, String> {
        const FORMS: &str = "expected HOST:PORT, [::]:PORT, telnet:HOST:PORT or unix:PATH";
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err(format!("the path is missing, {FORMS}"));
            }
            return Ok(ListenAddr::Unix(path.into()));
        }
        if let Some(text) = text.strip_prefix("telnet:") {
            return match text.parse()? {
                ListenAddr::Tcp(addresses) => Ok(ListenAddr::Telnet(addresses)),
                _ => Err(format!("telnet is for TCP, {FORMS}")),
            };
        }
        match text.rsplit_once(':') {
            None => return Err(format!("the port is missing, {FORMS}")),
            Some(("", _)) => return Err(format!("the host is missing, {FORMS}")),
            Some((_, port)) if port.parse::<u16>().is_err() => {
                return Err(format!("the port is not a number from 0 to 65535, {FORMS}"));
            }
            Some(_) => {}
        }
        let addrs = text.to_socket_addrs().map_err(|error| format!("{error}, {FORMS}"))?;
        Ok(ListenAddr::Tcp(addrs.collect()))
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            ListenAddr::Telnet(addresses) => {
                write!(f, "telnet:{}", ListenAddr::Tcp(addresses.clone()))
            }
            ListenAddr::Tcp(addresses) => {
                let addresses: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
                f.write_str(&addresses.join(" and "))
            }
            ListenAddr::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Where a client comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerAddr {
    /// Its IP address and port.
    Ip {
        /// IPv4 is mapped into IPv6: so it takes less memory.
        ip: Ipv6Addr,
        /// The port.
        port: u16,
    },
    /// The how manieth client it is; unix sockets have no address of a peer.
    Unix(u32),
}

impl PeerAddr {
    pub(super) fn new(address: Option<SocketAddr>, number: u32) -> Self {
        match address {
            Some(address) => {
                let ip = match address.ip() {
                    IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                    IpAddr::V6(ip) => ip,
                };
                PeerAddr::Ip { ip, port: address.port() }
            }
            None => PeerAddr::Unix(number),
        }
    }

    /// The IP address, if it has one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.ipv6().map(|ip| ip.to_canonical())
    }

    /// The IP address, IPv4 mapped into IPv6.
    pub(super) fn ipv6(&self) -> Option<Ipv6Addr> {
        match self {
            PeerAddr::Ip { ip, .. } => Some(*ip),
            PeerAddr::Unix(_) => None,
        }
    }
}

impl fmt::Display for PeerAddr {
    /// `127.0.0.1:55821`, `[::1]:55821` or `unix:7`
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            PeerAddr::Ip { ip, port } => SocketAddr::new(ip.to_canonical(), *port).fmt(f),
            PeerAddr::Unix(number) => write!(f, "unix:{number}"),
        }
    }
}

/// Whether the address is every interface.
pub(super) fn is_every_ipv6(address: &SocketAddr) -> bool {
    matches!(address.ip(), IpAddr::V6(ip) if ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_to_listen_on_are_parsed() {
        let tcp = |text: &str| ListenAddr::Tcp(vec![text.parse().expect("an address")]);
        assert_eq!("127.0.0.1:8008".parse(), Ok(tcp("127.0.0.1:8008")));
        assert_eq!("[::]:0".parse(), Ok(tcp("[::]:0")));
        let ListenAddr::Tcp(addresses) = tcp("127.0.0.1:23") else { unreachable!() };
        assert_eq!("telnet:127.0.0.1:23".parse(), Ok(ListenAddr::Telnet(addresses)));
        assert_eq!("unix:/a b".parse(), Ok(ListenAddr::Unix("/a b".into())));
    }

    #[test]
    fn a_bad_address_is_told_with_the_right_forms() {
        let cases = [
            "",
            "8008",
            ":8008",
            "localhost",
            "1.2.3.4:",
            "1.2.3.4:http",
            "1.2.3.4:65536",
            "unix:",
            "telnet:8008",
            "telnet:unix:/a",
            "telnet:telnet:127.0.0.1:23",
        ];
        for text in cases {
            let error = text.parse::<ListenAddr>().expect_err(text);
            assert!(
                error.ends_with("expected HOST:PORT, [::]:PORT, telnet:HOST:PORT or unix:PATH"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_mapped_ipv4_peer_is_shown_as_ipv4() {
        let peer =
            |text: &str| PeerAddr::new(Some(text.parse().expect("an address")), 1).to_string();
        assert_eq!(peer("[::ffff:192.0.2.1]:7"), "192.0.2.1:7");
        assert_eq!(peer("[2001:db8::1]:7"), "[2001:db8::1]:7");
        assert_eq!(PeerAddr::new(None, 7).to_string(), "unix:7");
    }
}
