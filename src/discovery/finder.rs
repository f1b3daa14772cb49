//! Looks for rooms.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use mdns_sd::{IfKind, IfPredicate, ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent};

use super::interfaces;
use super::records::{ROOM, Security, name_of};

/// Rooms that are remembered; more are not of one LAN.
const ROOMS_MAX: usize = 1000;

/// A room that others have announced. What they say of it may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What people call it, as it was announced: it may hold anything.
    pub name: String,
    /// An address, IPv4 rather than IPv6; with the zone if it needs one.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `HOST` or `HOST:PORT` that people are to use instead, as it was announced.
    pub advertised: Option<String>,
    /// How many people are there, if that was announced.
    pub users: Option<u64>,
    /// Who speaks TLS.
    pub security: Security,
    /// A password is asked for.
    pub has_password: bool,
    /// There is a page for browsers.
    pub has_page: bool,
}

/// The rooms that answer within `time`, by their names.
///
/// # Errors
/// Why none can be looked for, for the user.
pub fn find(time: Duration) -> Result<Vec<Found>, String> {
    let cannot = |error: mdns_sd::Error| format!("cannot look for rooms: {error}");
    let end = Instant::now() + time;
    let daemon = ServiceDaemon::new().map_err(cannot)?;
    let others = IfPredicate::new(|interface| !interfaces::is_of_lan(interface));
    daemon.disable_interface(IfKind::Predicate(others)).map_err(cannot)?;
    let events = daemon.browse(ROOM).map_err(cannot)?;
    let mut rooms = HashMap::new();
    while let Ok(event) = events.recv_deadline(end) {
        match event {
            ServiceEvent::ServiceResolved(service) if rooms.len() < ROOMS_MAX => {
                if let Some(room) = Found::new(&service) {
                    rooms.insert(service.fullname.clone(), room);
                }
            }
            ServiceEvent::ServiceRemoved(_, name) => {
                rooms.remove(&name);
            }
            _ => {}
        }
    }
    let _ = daemon.shutdown();
    let mut rooms: Vec<_> = rooms.into_values().collect();
    rooms.sort_by(|a, b| (&a.name, &a.host, a.port).cmp(&(&b.name, &b.host, b.port)));
    Ok(rooms)
}

impl Found {
    fn new(service: &ResolvedService) -> Option<Found> {
        let keys = &service.txt_properties;
        let value = |key: &str| keys.get_property_val_str(key);
        Some(Found {
            name: name_of(&service.fullname).to_owned(),
            host: best_address(service)?,
            port: service.port,
            advertised: value("at").filter(|at| !at.is_empty()).map(str::to_owned),
            users: value("users").and_then(|users| users.parse().ok()),
            security: Security::of(keys),
            has_password: value("password") == Some("yes"),
            has_page: value("page") == Some("yes"),
        })
    }
}

/// IPv4 rather than IPv6, and one for others than those of the link.
fn best_address(service: &ResolvedService) -> Option<String> {
    let rank = |address: &&ScopedIp| match address.to_ip_addr() {
        IpAddr::V4(ip) => (ip.is_link_local(), false, IpAddr::V4(ip)),
        IpAddr::V6(ip) => (ip.is_unicast_link_local(), true, IpAddr::V6(ip)),
    };
    match service.addresses.iter().min_by_key(rank)? {
        ScopedIp::V6(address) if address.addr().is_unicast_link_local() => {
            Some(format!("{}%{}", address.addr(), address.scope_id().name))
        }
        address => Some(address.to_ip_addr().to_string()),
    }
}
