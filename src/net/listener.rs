//! Sockets that clients connect to.

use std::fmt;
use std::fs::Permissions;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use log::warn;
use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, TcpKeepalive, Type};

use super::address::{ListenAddr, is_every_ipv6};

/// Connections that the kernel keeps until they are accepted; it may keep
/// fewer (`net.core.somaxconn`).
const PENDING_CONNECTIONS: i32 = 4096;

/// Bytes that the kernel keeps for a client that doesn't read, before it says
/// that it would block. (Linux doubles it for its own bookkeeping, and allows
/// `net.core.wmem_max`.) Without it a stuck client costs up to 4 MB.
const SEND_BUFFER_BYTES: usize = 256 * 1024;

/// A peer that is gone without a word is given up after so long, unless
/// another time is set.
const DEAD_TIMEOUT: Duration = Duration::from_secs(120);

/// How often a silent peer is asked whether it is there, before it is given up:
/// from the half of the time on.
const KEEPALIVE_PROBES: u32 = 6;

/// The kernel takes no longer times: 32,767 s (tcp(7), TCP_KEEPIDLE), and 2^31
/// milliseconds.
const KEEPALIVE_MAX: Duration = Duration::from_secs(32_000);
const USER_TIMEOUT_MAX: Duration = Duration::from_secs(2_000_000);

/// A bound socket that accepts clients.
#[derive(Debug)]
pub struct Listener {
    // Dropped before the socket: see `UnixPath`.
    pub(super) address: LocalAddr,
    pub(super) socket: Socket,
    /// Its clients speak telnet.
    pub(super) is_telnet: bool,
}

/// Where a listener is bound.
#[derive(Debug)]
pub(super) enum LocalAddr {
    Ip(SocketAddr),
    Unix(UnixPath),
    /// The path of a unix socket that somebody else has bound, and whose it stays.
    Passed(PathBuf),
}

/// The path of a socket that this process bound. It is removed on drop if it
/// still holds that socket.
///
/// Drop it before the socket is closed: a bound socket keeps its inode, so no
/// other file can have the same number until then.
#[derive(Debug)]
pub(super) struct UnixPath {
    path: PathBuf,
    /// Device and inode; `None` if the path was replaced at once.
    file: Option<(u64, u64)>,
}

impl Listener {
    /// Binds each socket that `address` stands for (a host name can have more
    /// than one address; with port 0 all get the same port).
    ///
    /// # Errors
    /// As the system says: the name isn't known, the address is in use or isn't
    /// one of this machine, or binding it isn't allowed.
    pub fn bind(address: &ListenAddr) -> io::Result<Vec<Listener>> {
        match address {
            ListenAddr::Unix(path) => Ok(vec![Self::bind_unix(path)?]),
            ListenAddr::Telnet(address) => {
                let mut listeners = Self::bind(&ListenAddr::Tcp(address.clone()))?;
                for listener in &mut listeners {
                    listener.is_telnet = true;
                }
                Ok(listeners)
            }
            ListenAddr::Tcp(address) => Self::bind_each(&address.addresses()?),
        }
    }

    /// Binds the addresses of one host. Those that this machine doesn't have are
    /// skipped, with a warning, if it has another one.
    fn bind_each(addresses: &[SocketAddr]) -> io::Result<Vec<Listener>> {
        let mut listeners: Vec<Listener> = Vec::new();
        let mut skipped = Vec::new();
        for &(mut address) in addresses {
            if let (0, Some(first)) = (address.port(), listeners.first()) {
                address.set_port(first.ip_address().map_or(0, |first| first.port()));
            }
            match Self::bind_tcp(address) {
                Ok(listener) => listeners.push(listener),
                Err(error) if is_unavailable(&error) => skipped.push((address, error)),
                Err(error) => return Err(error),
            }
        }
        if listeners.is_empty()
            && let Some(address) = addresses.iter().find(|address| is_every_ipv6(address))
        {
            listeners.push(Self::bind_tcp((Ipv4Addr::UNSPECIFIED, address.port()).into())?);
        }
        if listeners.is_empty() {
            let nothing = || io::Error::new(ErrorKind::AddrNotAvailable, "it has no address");
            return Err(skipped.pop().map_or_else(nothing, |(_, error)| error));
        }
        for (address, error) in skipped {
            warn!("not listening on {address}: {error}");
        }
        Ok(listeners)
    }

    /// Binds `port` on every interface: IPv4 and IPv6 in one socket where the
    /// system has IPv6, else IPv4.
    ///
    /// # Errors
    /// As [`Listener::bind`].
    pub fn bind_everywhere(port: u16) -> io::Result<Listener> {
        let ipv4 = || Self::bind_tcp((Ipv4Addr::UNSPECIFIED, port).into());
        match Self::bind_tcp((std::net::Ipv6Addr::UNSPECIFIED, port).into()) {
            Err(error) if error.kind() != ErrorKind::AddrInUse => ipv4(),
            result => result,
        }
    }

    /// Sets when the connections of this listener are given up whose other side
    /// doesn't answer any more, from 3 seconds on: silent ones are asked from half
    /// of that time on.
    ///
    /// If the server closes stuck readers (`has_stall_timeout`), data that isn't
    /// acknowledged is given up after this time too, which the kernel does else
    /// after a quarter of an hour. It makes no difference then between a peer that
    /// is gone and one that takes nothing (RFC 5482; tcp(7), TCP_USER_TIMEOUT), so
    /// the time should be no shorter than the stall limit.
    ///
    /// # Errors
    /// As the system says.
    pub fn set_dead_timeout(
        &self,
        dead_timeout: Duration,
        has_stall_timeout: bool,
    ) -> io::Result<()> {
        if self.ip_address().is_none() {
            return Ok(());
        }
        let idle = (dead_timeout / 2).clamp(Duration::from_secs(1), KEEPALIVE_MAX);
        let interval = (idle / KEEPALIVE_PROBES).max(Duration::from_secs(1));
        let probes = (idle.as_secs() / interval.as_secs()).max(1) as u32;
        self.socket.set_tcp_keepalive(
            &TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(probes),
        )?;
        let user_timeout = has_stall_timeout.then_some(dead_timeout.min(USER_TIMEOUT_MAX));
        self.socket.set_tcp_user_timeout(user_timeout)
    }

    /// Sets the permissions of a unix socket: who may write to it can connect.
    ///
    /// # Errors
    /// As the system says.
    pub fn set_socket_mode(&self, mode: u32) -> io::Result<()> {
        match &self.address {
            LocalAddr::Unix(path) => path.set_mode(mode),
            LocalAddr::Ip(_) | LocalAddr::Passed(_) => Ok(()),
        }
    }

    /// The address, with the real port; `None` for a unix socket.
    pub fn ip_address(&self) -> Option<SocketAddr> {
        match &self.address {
            LocalAddr::Ip(address) => Some(*address),
            LocalAddr::Unix(_) | LocalAddr::Passed(_) => None,
        }
    }

    /// Whether its clients speak telnet.
    pub fn is_telnet(&self) -> bool {
        self.is_telnet
    }

    /// The path of a unix socket.
    pub fn unix_path(&self) -> Option<&Path> {
        match &self.address {
            LocalAddr::Ip(_) => None,
            LocalAddr::Unix(path) => Some(&path.path),
            LocalAddr::Passed(path) => Some(path),
        }
    }

    /// A socket that was bound before and listens, such as one of a service manager. A path
    /// that it is bound to stays when the server ends.
    ///
    /// # Errors
    /// If it is no such socket, or as the system says.
    pub fn passed(socket: OwnedFd) -> io::Result<Listener> {
        let socket = Socket::from(socket);
        if !socket.is_listener()? {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it doesn't listen"));
        }
        let address = socket.local_addr()?;
        let address = match (address.as_socket(), address.as_pathname()) {
            (Some(address), _) => LocalAddr::Ip(address),
            (None, Some(path)) => LocalAddr::Passed(path.to_owned()),
            (None, None) => {
                let what = "it is neither of IP nor a unix socket with a path";
                return Err(io::Error::new(ErrorKind::InvalidInput, what));
            }
        };
        let listener = Listener { socket, address, is_telnet: false };
        if listener.ip_address().is_some() {
            Self::set_options(&listener.socket)?;
            listener.set_dead_timeout(DEAD_TIMEOUT, true)?;
        }
        Self::listen(&listener.socket)?;
        Ok(listener)
    }

    /// Whether `address` names this listener.
    pub fn is_at(&self, address: &ListenAddr) -> bool {
        match (address, self.ip_address()) {
            (ListenAddr::Unix(path), None) => self.unix_path() == Some(path),
            (ListenAddr::Tcp(address) | ListenAddr::Telnet(address), Some(own)) => {
                address.addresses().is_ok_and(|addresses| addresses.contains(&own))
            }
            _ => false,
        }
    }

    /// Its clients speak telnet.
    pub fn set_telnet(&mut self) {
        self.is_telnet = true;
    }

    fn bind_tcp(address: SocketAddr) -> io::Result<Listener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        if address.is_ipv6() {
            socket.set_only_v6(!is_every_ipv6(&address))?;
        }
        // A restart needn't wait until the connections before it are forgotten.
        socket.set_reuse_address(true)?;
        Self::set_options(&socket)?;
        socket.bind(&address.into())?;
        Self::listen(&socket)?;
        let address = socket.local_addr()?.as_socket().unwrap_or(address);
        let listener = Listener { socket, address: LocalAddr::Ip(address), is_telnet: false };
        listener.set_dead_timeout(DEAD_TIMEOUT, true)?;
        Ok(listener)
    }

    /// Sets what accepted sockets inherit.
    fn set_options(socket: &Socket) -> io::Result<()> {
        // The loop gathers lines itself; the kernel shouldn't wait for more.
        socket.set_tcp_nodelay(true)?;
        // Telnet's Ctrl-C is urgent data; out of line it would eat a byte.
        socket.set_out_of_band_inline(true)?;
        socket.set_send_buffer_size(SEND_BUFFER_BYTES)
    }

    fn bind_unix(path: &Path) -> io::Result<Listener> {
        let address = SockAddr::unix(path)?;
        remove_stale(path, &address)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&address)?;
        let address = LocalAddr::Unix(UnixPath::new(path));
        Self::listen(&socket)?;
        Ok(Listener { address, socket, is_telnet: false })
    }

    fn listen(socket: &Socket) -> io::Result<()> {
        socket.set_nonblocking(true)?;
        socket.listen(PENDING_CONNECTIONS)
    }
}

impl fmt::Display for Listener {
    /// `127.0.0.1:8008`, `[::]:8008` or `unix:PATH`
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.address {
            LocalAddr::Ip(address) => address.fmt(f),
            LocalAddr::Unix(path) => write!(f, "unix:{}", path.path.display()),
            LocalAddr::Passed(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl UnixPath {
    fn new(path: &Path) -> Self {
        UnixPath { path: path.to_owned(), file: socket_file(path) }
    }

    fn set_mode(&self, mode: u32) -> io::Result<()> {
        if socket_file(&self.path) != self.file {
            return Err(io::Error::new(ErrorKind::NotFound, "another file is in its place"));
        }
        std::fs::set_permissions(&self.path, Permissions::from_mode(mode))
    }
}

impl Drop for UnixPath {
    fn drop(&mut self) {
        if self.file.is_some() && socket_file(&self.path) == self.file {
            // If that fails the next start finds it stale.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Device and inode of the socket at `path`; `None` if it is something else.
fn socket_file(path: &Path) -> Option<(u64, u64)> {
    let file = std::fs::symlink_metadata(path).ok()?;
    file.file_type().is_socket().then(|| (file.dev(), file.ino()))
}

/// Whether this machine lacks the address, or its whole family.
fn is_unavailable(error: &io::Error) -> bool {
    error.kind() == ErrorKind::AddrNotAvailable
        || Errno::from_io_error(error) == Some(Errno::AFNOSUPPORT)
}

/// Removes a socket file that no process listens on any more.
fn remove_stale(path: &Path, address: &SockAddr) -> io::Result<()> {
    let Ok(file) = std::fs::symlink_metadata(path) else { return Ok(()) };
    let kind = file.file_type();
    if !kind.is_socket() {
        let what = match () {
            () if kind.is_dir() => "a directory",
            () if kind.is_file() => "a regular file",
            () if kind.is_symlink() => "a symbolic link",
            () => "a file that is no socket",
        };
        let text = format!("the path holds {what}; remove it or choose another path");
        return Err(io::Error::new(ErrorKind::AlreadyExists, text));
    }
    // A socket of another type never gets a connection, so a server that is
    // there isn't visited; but it hears whether there is one.
    let probe = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    match probe.connect(address) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    /// An address of no machine (RFC 5737).
    const ELSEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 0);
    const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    #[test]
    fn an_address_of_a_name_that_this_machine_lacks_is_skipped() {
        for addresses in [[ELSEWHERE, HERE], [HERE, ELSEWHERE]] {
            let listeners = Listener::bind_each(&addresses).expect("one of them is here");
            let ips: Vec<_> = listeners.iter().filter_map(Listener::ip_address).collect();
            assert_eq!(ips.len(), 1);
            assert_eq!(ips[0].ip(), HERE.ip());
        }
    }

    #[test]
    fn a_name_without_an_address_of_this_machine_is_an_error() {
        let error = Listener::bind_each(&[ELSEWHERE]).expect_err("it isn't here");
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    }
}
