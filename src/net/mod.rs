//! Sockets, the poller and the loop.
//!
//! This part moves bytes between sockets and [`Chat`](crate::chat::Chat), and
//! decides nothing about what is said.

// In reading order.
mod tls;
mod server;
mod gathering;
mod looks;
mod accept;
mod proxy;
mod connection;
mod delivery;
mod sync;
mod parts;
mod apart;
mod crew;
mod doorstep;
mod registered;
mod listener;
mod secrets;
mod worker;
mod motd;
mod bans;
pub mod file;
mod journal;
mod pulse;
mod renewal;
mod address;

pub use self::crew::Threads;
pub use address::{Advertised, DEFAULT_PORT, HostPort, ListenAddr, PeerAddr};
pub use listener::Listener;
pub use pulse::Pulse;
pub use renewal::{Renewal, Renewer};
pub use server::{Server, Stopper};
pub use tls::{Certificate, CertificateWatcher, TlsSide};
