//! How to join: what to type on this machine or on another one of the LAN.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use roomcast::net::{Advertised, Listener};
use socket2::{Domain, Socket, Type};

use crate::cli::Tls;

/// What decides how to join.
#[derive(Clone, Copy, Debug)]
pub struct Joining<'a> {
    /// There is a page for browsers.
    pub has_page: bool,
    pub tls: Tls,
    /// Where people are to connect to instead of where the server listens.
    pub advertised: Option<&'a Advertised>,
    /// That of a self-signed certificate.
    pub fingerprint: Option<&'a str>,
}

impl Joining<'_> {
    /// Where the room is and how to join.
    pub fn announcement(self, listeners: &[Listener]) -> String {
        let mut text = String::new();
        for listener in listeners {
            text += &format!("listening on {listener}\n");
        }
        let mut commands: Vec<_> =
            listeners.iter().map(|listener| self.commands(listener)).collect();
        // All listeners may be at one advertised address.
        commands.dedup();
        for commands in commands {
            text += &format!("join with: {commands}\n");
        }
        if let Some(fingerprint) = self.fingerprint {
            text += &format!("TLS certificate (SHA-256): {fingerprint}\n");
        }
        text
    }

    /// The commands that join a room at `listener`, and the address of its page if it has
    /// one.
    fn commands(self, listener: &Listener) -> String {
        let Some(address) = listener.ip_address() else {
            let path = listener.unix_path().map(|path| path.display().to_string());
            return format!("nc -U {}", path.unwrap_or_default());
        };
        let Place { host, port, is_local, has_zone } = self.place(address, listener.is_telnet());
        // Browsers know no zones.
        let page = match self.has_page && !has_zone {
            true => format!("   or: {}", self.page(&host, port)),
            false => String::new(),
        };
        if self.tls == Tls::Required && !is_local {
            return format!("ncat --ssl {host} {port}{page}");
        }
        if listener.is_telnet() {
            return format!("telnet {host} {port}");
        }
        format!("nc {host} {port}   or: telnet {host} {port}{page}")
    }

    /// Where people connect to.
    fn place(self, address: SocketAddr, is_telnet: bool) -> Place {
        if let Some(Advertised { host, port }) = self.advertised {
            // Only one listener can be at that port.
            let port = port.filter(|_| !is_telnet).unwrap_or(address.port());
            return Place { host: host.clone(), port, is_local: false, has_zone: false };
        }
        let ip = match address.ip() {
            ip if ip.is_unspecified() => lan_ip().unwrap_or(Ipv4Addr::LOCALHOST.into()),
            ip => ip,
        };
        let zone = zone(address);
        let host = match &zone {
            Some(zone) => format!("{ip}%{zone}"),
            None => ip.to_string(),
        };
        let (port, is_local) = (address.port(), ip.is_loopback());
        Place { host, port, is_local, has_zone: zone.is_some() }
    }

    /// The address of the page.
    fn page(self, host: &str, port: u16) -> String {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let (scheme, default) = match self.tls {
            Tls::None => ("http", 80),
            _ => ("https", 443),
        };
        match port == default {
            true => format!("{scheme}://{host}/"),
            false => format!("{scheme}://{host}:{port}/"),
        }
    }
}

/// Where people connect to.
struct Place {
    /// A name, or an address without brackets.
    host: String,
    port: u16,
    /// Only this machine can.
    is_local: bool,
    /// The host is an address with a zone.
    has_zone: bool,
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

/// The address of this machine that others on the LAN can most likely use: the
/// one that the way out of the LAN begins at, else any that isn't for this
/// machine or link alone.
fn lan_ip() -> Option<IpAddr> {
    route_ip().filter(is_for_others).or_else(|| {
        let interfaces = if_addrs::get_if_addrs().ok()?;
        let mut ips: Vec<_> =
            interfaces.iter().map(if_addrs::Interface::ip).filter(is_for_others).collect();
        ips.sort_by_key(IpAddr::is_ipv6);
        ips.first().copied()
    })
}

/// Connecting a datagram socket sends nothing; it only asks for the route. The
/// address is one of those that RFC 5737 keeps for documentation.
fn route_ip() -> Option<IpAddr> {
    let elsewhere = SocketAddr::from(([192, 0, 2, 1], 9));
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).ok()?;
    socket.connect(&elsewhere.into()).ok()?;
    Some(socket.local_addr().ok()?.as_socket()?.ip())
}

fn is_for_others(ip: &IpAddr) -> bool {
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !ip.is_loopback() && !ip.is_unspecified() && !is_link_local
}
