//! A server's machine and machines of clients, each with a link of its own to
//! the server's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use super::bad_link::BadLink;
use super::client::{Client, notices};
use super::program::Program;
use crate::support::namespace::Namespace;

/// The server's machine.
pub struct Network {
    server: Namespace,
    machines: u8,
}

/// A machine of clients: 10.0.N.2, fd00:N::2 and fe80::2, on a link on which
/// the server is 10.0.N.1, fd00:N::1 and fe80::1.
pub struct Machine {
    namespace: Namespace,
    number: u8,
}

/// The machine's end of its link.
const INTERFACE: &str = "eth0";
const INDEX: u32 = 100;

impl Network {
    pub fn new() -> Network {
        Network { server: Namespace::new(), machines: 0 }
    }

    /// The server, for IPv4 and IPv6 on one socket.
    pub fn serve(&self, options: &[&str]) -> Program {
        self.serve_at(&["[::]:0"], options)
    }

    /// The same, which answers requests of HTTP.
    pub fn serve_web(&self, options: &[&str]) -> Program {
        self.server.enter(|| Program::web_at("[::]:0", options))
    }

    /// The server, at these addresses.
    pub fn serve_at(&self, addresses: &[&str], options: &[&str]) -> Program {
        self.server.enter(|| Program::listening(addresses, options))
    }

    /// Does something on the server's machine.
    pub fn enter<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        self.server.enter(act)
    }

    /// Gives the server's machine one more interface, to which nobody is linked: the other end
    /// is none of a LAN.
    pub fn add_interface(&self, name: &str, address: &str) {
        self.server.ip(&format!("link add {name} type veth peer name veth-{name}"));
        self.server.ip(&format!("address add {address} dev {name}"));
        self.server.ip(&format!("link set {name} up"));
        self.server.ip(&format!("link set veth-{name} up"));
    }

    /// A client on the server's own machine that has read nothing yet.
    pub fn connect(&self, program: &Program) -> Client {
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, program.port()));
        self.server.enter(|| Client::connect(&server.into()))
    }

    /// One more machine.
    pub fn machine(&mut self) -> Machine {
        let machine = self.unlinked_machine();
        let peer = format!("peer name to{} netns {}", machine.number, self.server.path());
        machine.namespace.ip(&format!("link add {INTERFACE} index {INDEX} type veth {peer}"));
        self.give_addresses(&machine);
        machine
    }

    /// One more machine, with a link that may lose packets and delays them.
    pub fn machine_far_away(&mut self, delay: Duration) -> (Machine, BadLink) {
        let machine = self.unlinked_machine();
        let link = BadLink::new([&self.server, &machine.namespace], delay);
        self.server.ip(&format!("link set tun0 name to{}", machine.number));
        machine.namespace.ip(&format!("link set tun0 name {INTERFACE}"));
        self.give_addresses(&machine);
        (machine, link)
    }

    fn unlinked_machine(&mut self) -> Machine {
        self.machines += 1;
        Machine { namespace: Namespace::new(), number: self.machines }
    }

    fn give_addresses(&self, machine: &Machine) {
        let number = machine.number;
        let servers_link = format!("to{number}");
        let ends = [(&self.server, &servers_link[..], 1), (&machine.namespace, INTERFACE, 2)];
        for (namespace, link, host) in ends {
            namespace.ip(&format!("address add 10.0.{number}.{host}/24 dev {link}"));
            namespace.ip(&format!("address add fd00:{number}::{host}/64 dev {link} nodad"));
            namespace.ip(&format!("address add fe80::{host}/64 dev {link} nodad"));
            namespace.ip(&format!("link set {link} up"));
        }
    }
}

impl Machine {
    /// Does something on it.
    pub fn enter<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        self.namespace.enter(act)
    }

    /// Cuts its link: its packets go nowhere, and nobody is told.
    pub fn cut(&self) {
        self.namespace.ip(&format!("link set {INTERFACE} down"));
    }

    /// Mends its link.
    pub fn mend(&self) {
        self.namespace.ip(&format!("link set {INTERFACE} up"));
    }

    /// Gives it one more address, to which the server finds its way.
    pub fn add_address(&self, network: &Network, address: IpAddr) {
        let (bits, nodad) = if address.is_ipv4() { (32, "") } else { (128, " nodad") };
        self.namespace.ip(&format!("address add {address}/{bits} dev {INTERFACE}{nodad}"));
        network.server.ip(&format!("route add {address}/{bits} dev to{}", self.number));
    }

    /// A client on it that has read nothing yet, over IPv4.
    #[track_caller]
    pub fn connect(&self, program: &Program) -> Client {
        self.connect_from(self.ipv4(2), program)
    }

    /// The same, from one of its addresses.
    #[track_caller]
    pub fn connect_from(&self, source: IpAddr, program: &Program) -> Client {
        self.connect_to(program.port(), source)
    }

    /// The same, to one of the server's ports.
    #[track_caller]
    pub fn connect_to(&self, port: u16, source: IpAddr) -> Client {
        let server = if source.is_ipv4() { self.ipv4(1) } else { self.ipv6(1) };
        let (server, source) = (SocketAddr::new(server, port), SocketAddr::new(source, 0));
        self.namespace.enter(|| Client::connect_from(&source.into(), &server.into()))
    }

    /// The same, over addresses that are valid on the link only.
    #[track_caller]
    pub fn connect_locally(&self, program: &Program) -> Client {
        let ip = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
        let server = SocketAddrV6::new(ip, program.port(), 0, INDEX);
        self.namespace.enter(|| Client::connect(&SocketAddr::V6(server).into()))
    }

    /// A newcomer on it. It has read its greeting, and all the others that it
    /// joined.
    #[track_caller]
    pub fn guest(&self, program: &Program, others: &mut [&mut Client]) -> Client {
        let mut newcomer = self.connect(program);
        newcomer.read_greeting();
        notices(others, &format!("{} joined", newcomer.nick()));
        newcomer
    }

    /// The address of a host on its link.
    pub fn ipv4(&self, host: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, self.number, host).into()
    }

    /// The address of a host on its link.
    pub fn ipv6(&self, host: u16) -> IpAddr {
        Ipv6Addr::new(0xfd00, self.number.into(), 0, 0, 0, 0, 0, host).into()
    }
}
