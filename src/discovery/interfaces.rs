//! Interfaces of a LAN.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use if_addrs::{Interface, get_if_addrs};
use socket2::{Domain, Socket, Type};

/// What the names of interfaces begin with on which there are only programs of this machine, or
/// a network far away.
const VIRTUAL: [&str; 19] = [
    "cali",
    "cilium",
    "cni",
    "docker",
    "dummy",
    "flannel",
    "ifb",
    "kube",
    "lxc",
    "lxd",
    "podman",
    "tailscale",
    "tap",
    "tun",
    "vboxnet",
    "veth",
    "virbr",
    "vmnet",
    "wg",
];

/// Whether there may be people who look for a room on it.
///
/// Multicast DNS is for one link, and a host that can be reached from everywhere shouldn't
/// answer it there (RFC 6762, section 5.5): so an interface with a public IPv4 address isn't
/// one.
pub(super) fn is_of_lan(interface: &Interface) -> bool {
    is_real(interface) && !has_public_address(&interface.name)
}

/// Why no room can be announced or found now, in a few words; `None` if one can.
pub fn why_no_lan() -> Option<&'static str> {
    let interfaces = get_if_addrs().ok()?;
    let real: Vec<_> = interfaces.iter().filter(|interface| is_real(interface)).collect();
    match real.iter().any(|interface| is_of_lan(interface)) {
        true => None,
        false if real.is_empty() => Some("this machine is on no LAN"),
        false => Some("its addresses are public"),
    }
}

/// Whether other machines can be behind it.
fn is_real(interface: &Interface) -> bool {
    let name = &*interface.name;
    let is_virtual = VIRTUAL.iter().any(|begin| name.starts_with(begin)) || is_bridge(name);
    !(interface.is_loopback() || interface.is_p2p() || is_virtual)
}

/// Docker names its bridges `br-` and 12 digits; `br-lan` is the LAN of a router.
fn is_bridge(name: &str) -> bool {
    let id = name.strip_prefix("br-").unwrap_or_default();
    id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn has_public_address(name: &str) -> bool {
    let is_public = |interface: &Interface| match interface.ip() {
        IpAddr::V4(ip) => interface.name == name && !is_local(ip),
        IpAddr::V6(_) => false,
    };
    get_if_addrs().is_ok_and(|interfaces| interfaces.iter().any(is_public))
}

/// Private and link-local addresses, and those of carriers (RFC 6598), which some LANs have.
fn is_local(ip: Ipv4Addr) -> bool {
    let is_of_carrier = ip.octets()[0] == 100 && (64..128).contains(&ip.octets()[1]);
    ip.is_private() || ip.is_link_local() || ip.is_loopback() || is_of_carrier
}

/// The addresses of this machine that others on the LAN can use, the best first: the one at
/// which the way out of the LAN begins, then IPv4.
pub fn lan_addresses() -> Vec<IpAddr> {
    let interfaces = get_if_addrs().unwrap_or_default();
    let real = interfaces.iter().filter(|interface| is_real(interface)).map(Interface::ip);
    let mut addresses: Vec<_> = real.filter(is_for_others).collect();
    let way_out = route_ip().filter(is_for_others);
    if addresses.is_empty() {
        addresses.extend(way_out);
    }
    // A tunnel that is the way out isn't one of them.
    addresses.sort_by_key(|ip| (Some(*ip) != way_out, ip.is_ipv6(), *ip));
    addresses.dedup();
    addresses
}

/// Connecting a datagram socket sends nothing; it only asks for the route. The
/// address is one of those that RFC 5737 keeps for documentation.
fn route_ip() -> Option<IpAddr> {
    let elsewhere = SocketAddr::from(([192, 0, 2, 1], 9));
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).ok()?;
    socket.connect(&elsewhere.into()).ok()?;
    Some(socket.local_addr().ok()?.as_socket()?.ip())
}

/// Not for this machine or link alone.
fn is_for_others(ip: &IpAddr) -> bool {
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !ip.is_loopback() && !ip.is_unspecified() && !is_link_local
}

#[cfg(test)]
mod tests {
    use if_addrs::{IfAddr, IfOperStatus, Ifv4Addr};

    use super::*;

    fn interface(name: &str, ip: [u8; 4], is_p2p: bool) -> Interface {
        let netmask = Ipv4Addr::new(255, 255, 255, 0);
        let addr = Ifv4Addr { ip: ip.into(), netmask, prefixlen: 24, broadcast: None };
        Interface {
            name: name.into(),
            addr: IfAddr::V4(addr),
            index: Some(1),
            oper_status: IfOperStatus::Up,
            is_p2p,
        }
    }

    #[test]
    fn interfaces_of_programs_and_tunnels_are_not_real() {
        for (name, ip, is_p2p, is_one) in [
            ("eth0", [192, 168, 1, 5], false, true),
            ("wlp3s0", [10, 0, 0, 7], false, true),
            ("enp1s0", [169, 254, 3, 4], false, true),
            ("lo", [127, 0, 0, 1], false, false),
            ("docker0", [172, 17, 0, 1], false, false),
            ("br-1f2e3d4c5b6a", [172, 18, 0, 1], false, false),
            ("br-lan", [192, 168, 1, 1], false, true),
            ("veth12ab", [169, 254, 9, 9], false, false),
            ("wg0", [10, 8, 0, 1], false, false),
            ("ppp0", [10, 9, 0, 1], true, false),
        ] {
            assert_eq!(is_real(&interface(name, ip, is_p2p)), is_one, "{name} {ip:?}");
        }
    }

    #[test]
    fn private_addresses_are_local() {
        for (ip, is_one) in [
            ([192, 168, 1, 5], true),
            ([10, 1, 2, 3], true),
            ([172, 31, 0, 1], true),
            ([100, 64, 0, 1], true),
            ([169, 254, 0, 1], true),
            ([172, 32, 0, 1], false),
            ([100, 128, 0, 1], false),
            ([203, 0, 113, 9], false),
        ] {
            assert_eq!(is_local(ip.into()), is_one, "{ip:?}");
        }
    }
}
