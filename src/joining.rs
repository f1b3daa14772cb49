//! How to join: what to type on this machine or on another one of the LAN.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use roomcast::discovery::{Security, lan_addresses};
use roomcast::net::{Advertised, Listener};

/// What decides how to join.
#[derive(Clone, Copy, Debug)]
pub struct Joining<'a> {
    /// There is a page for browsers.
    pub has_page: bool,
    pub security: Security,
    /// Where people are to connect to instead of where the server listens.
    pub advertised: Option<&'a Advertised>,
    /// All addresses are wanted, not only the best.
    pub is_verbose: bool,
}

/// Where people connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The path of a unix socket.
    Unix(String),
    Tcp {
        /// A name, or an address without brackets; with a zone if it needs one.
        host: String,
        port: u16,
        is_telnet: bool,
        /// Only this machine can.
        is_local: bool,
        has_page: bool,
        security: Security,
    },
}

impl Joining<'_> {
    /// The places of all listeners, each once.
    pub fn places(self, listeners: &[Listener]) -> Vec<Place> {
        let mut places = Vec::new();
        for place in listeners.iter().flat_map(|listener| self.of_listener(listener)) {
            // All listeners may be at one advertised address.
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    fn of_listener(self, listener: &Listener) -> Vec<Place> {
        let Some(address) = listener.ip_address() else {
            let path = listener.unix_path().map(|path| path.display().to_string());
            return vec![Place::Unix(path.unwrap_or_default())];
        };
        let is_telnet = listener.is_telnet();
        let Joining { has_page, security, .. } = self;
        let place = |host, port, is_local| Place::Tcp {
            host,
            port,
            is_telnet,
            is_local,
            has_page,
            security,
        };
        if let Some(Advertised { host, port }) = self.advertised {
            // Only one listener can be at that port.
            let port = port.filter(|_| !is_telnet).unwrap_or(address.port());
            return vec![place(host.clone(), port, false)];
        }
        let places = self.addresses(address).into_iter().map(|ip| {
            let host = match zone(address) {
                Some(zone) => format!("{ip}%{zone}"),
                None => ip.to_string(),
            };
            place(host, address.port(), ip.is_loopback())
        });
        places.collect()
    }

    /// The addresses of a listener that people can use.
    fn addresses(self, address: SocketAddr) -> Vec<IpAddr> {
        if !address.ip().is_unspecified() {
            return vec![address.ip()];
        }
        let mut addresses = lan_addresses();
        addresses.retain(|ip| ip.is_ipv4() || address.is_ipv6());
        addresses.truncate(if self.is_verbose { usize::MAX } else { 1 });
        if addresses.is_empty() {
            addresses.push(Ipv4Addr::LOCALHOST.into());
        }
        addresses
    }
}

impl Place {
    /// What people type, and the address of the page if there is one.
    pub fn commands(&self) -> Vec<String> {
        let (host, port, is_telnet, is_local, security) = match self {
            Place::Unix(path) => return vec![format!("nc -U {path}")],
            Place::Tcp { host, port, is_telnet, is_local, security, .. } => {
                (host, port, *is_telnet, *is_local, *security)
            }
        };
        let plain = ["nc", "telnet"].map(|program| format!("{program} {host} {port}"));
        let plain = plain.into_iter().skip(usize::from(is_telnet));
        let secured = [format!("ncat --ssl {host} {port}")].into_iter();
        let mut commands: Vec<_> = match security {
            Security::Plain => plain.collect(),
            // Its first bytes are options of telnet.
            Security::TlsPossible if is_telnet => plain.collect(),
            Security::TlsPossible => plain.chain(secured).collect(),
            // Plain text is for this machine.
            Security::TlsRequired if is_local => secured.chain(plain).collect(),
            Security::TlsRequired => secured.collect(),
        };
        commands.extend(self.page());
        commands
    }

    /// The address of the page. Browsers know no zones, and telnet's options are no HTTP.
    pub fn page(&self) -> Option<String> {
        let Place::Tcp { host, port, is_telnet: false, has_page, security, .. } = self else {
            return None;
        };
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let (scheme, default) = match security {
            Security::Plain => ("http", 80),
            _ => ("https", 443),
        };
        let port = if *port == default { String::new() } else { format!(":{port}") };
        (*has_page && !host.contains('%')).then(|| format!("{scheme}://{host}{port}/"))
    }

    /// Whether other machines can join.
    pub fn is_for_others(&self) -> bool {
        matches!(self, Place::Tcp { is_local: false, .. })
    }
}

/// The zone of a link-local address: the name of its interface, else its number.
fn zone(address: SocketAddr) -> Option<String> {
    let SocketAddr::V6(address) = address else { return None };
    let number = address.scope_id();
    if number == 0 {
        return None;
    }
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let interface = interfaces.into_iter().find(|interface| interface.index == Some(number));
    Some(interface.map_or_else(|| number.to_string(), |interface| interface.name))
}
