//! How to join: what to type on this machine or on another one of the LAN.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use roomcast::net::Listener;
use socket2::{Domain, Socket, Type};

use crate::cli::Tls;

/// What decides how to join.
#[derive(Clone, Copy, Debug)]
pub struct Joining {
    /// There is a page for browsers.
    pub has_page: bool,
    pub tls: Tls,
}

/// One line with the commands that join a room at `listener`, and the address of its
/// page if it has one.
pub fn join(listener: &Listener, joining: Joining) -> String {
    let Some(address) = listener.ip_address() else {
        let path = listener.unix_path().map(|path| path.display().to_string()).unwrap_or_default();
        return format!("join with: nc -U {path}");
    };
    let ip = match address.ip() {
        ip if ip.is_unspecified() => lan_ip().unwrap_or(Ipv4Addr::LOCALHOST.into()),
        ip => ip,
    };
    let zone = zone(address);
    let scheme = if joining.tls == Tls::None { "http" } else { "https" };
    let page = match joining.has_page && zone.is_none() {
        true => format!("   or: {scheme}://{}/", SocketAddr::new(ip, address.port())),
        // Browsers know no zones.
        false => String::new(),
    };
    let is_local = ip.is_loopback();
    let ip = match zone {
        Some(zone) => format!("{ip}%{zone}"),
        None => ip.to_string(),
    };
    if joining.tls == Tls::Required && !is_local {
        return format!("join with: ncat --ssl {ip} {port}{page}", port = address.port());
    }
    if listener.is_telnet() {
        return format!("join with: telnet {ip} {port}", port = address.port());
    }
    format!("join with: nc {ip} {port}   or: telnet {ip} {port}{page}", port = address.port())
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
