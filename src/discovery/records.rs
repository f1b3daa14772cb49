//! What is said of a room: the name and the keys of its services (RFC 6763, sections 4 and 6).

use std::net::IpAddr;

use mdns_sd::{Error, IfKind, ServiceInfo, TxtProperties};

/// The type of a room.
pub(super) const ROOM: &str = "_roomcast._tcp.local.";

/// The type of its page.
pub(super) const PAGE: &str = "_http._tcp.local.";

/// The longest name, in bytes: a label of the domain name system has 63 (RFC 1035, section
/// 2.3.4), and a number such as ` (23)` may come behind it.
pub const NAME_BYTES_MAX: usize = 57;

/// The version of the keys.
const VERSION: &str = "1";

/// Who speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Nobody.
    Plain,
    /// Each client that wants to.
    TlsPossible,
    /// Each client on another machine.
    TlsRequired,
}

/// A room that is to be found.
#[derive(Clone, Debug)]
pub struct Site {
    /// What people call it: 1 to [`NAME_BYTES_MAX`] bytes, without a dot or backslash, which
    /// the daemon doesn't tell from those of the domain.
    pub name: String,
    /// What it is called in `.local`: never the name of the machine.
    pub host: String,
    /// Where it listens; an unspecified address stands for all of the LAN.
    pub ip: IpAddr,
    /// Its port.
    pub port: u16,
    /// There is a page for browsers.
    pub has_page: bool,
    /// A password is asked for.
    pub has_password: bool,
    /// Who speaks TLS.
    pub security: Security,
    /// `HOST` or `HOST:PORT` for people, if that isn't where it listens.
    pub advertised: Option<String>,
}

impl Site {
    /// The services with so many people in the room.
    pub(super) fn services(&self, users: usize) -> Result<Vec<ServiceInfo>, Error> {
        let yes_no = |is: bool| if is { "yes" } else { "no" };
        let users = users.to_string();
        let mut keys = vec![
            ("txtvers", VERSION),
            ("users", &users),
            ("tls", self.security.word()),
            ("password", yes_no(self.has_password)),
            ("page", yes_no(self.has_page)),
        ];
        keys.extend(self.advertised.as_deref().map(|address| ("at", address)));
        let mut services = vec![self.service(ROOM, &keys)?];
        if self.has_page {
            services.push(self.service(PAGE, &[("path", "/")])?);
        }
        Ok(services)
    }

    fn service(&self, kind: &str, keys: &[(&str, &str)]) -> Result<ServiceInfo, Error> {
        let host = format!("{}.local.", self.host);
        if !self.ip.is_unspecified() {
            return ServiceInfo::new(kind, &self.name, &host, self.ip, self.port, keys);
        }
        let mut service = ServiceInfo::new(kind, &self.name, &host, (), self.port, keys)?;
        if self.ip.is_ipv4() {
            service.set_interfaces(vec![IfKind::IPv4]);
        }
        Ok(service.enable_addr_auto())
    }
}

impl Security {
    fn word(self) -> &'static str {
        match self {
            Security::Plain => "no",
            Security::TlsPossible => "yes",
            Security::TlsRequired => "only",
        }
    }

    pub(super) fn of(keys: &TxtProperties) -> Security {
        match keys.get_property_val_str("tls") {
            Some("only") => Security::TlsRequired,
            Some("yes") => Security::TlsPossible,
            _ => Security::Plain,
        }
    }
}

/// The name of a room in that of its service.
pub(super) fn name_of(service: &str) -> &str {
    let name = service.strip_suffix(ROOM).unwrap_or(service);
    name.strip_suffix('.').unwrap_or(name)
}
