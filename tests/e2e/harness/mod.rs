//! What the tests are made of: rooms in process and as a program, their
//! clients, and the programs that people join with.

// In reading order.
mod client;
mod host;
mod room;
mod program;
mod secured;
mod terminal;
mod dice;
mod bad_link;
mod network;

pub use crate::support::namespace::Namespace;
pub use crate::support::tool::{is_there, lacks};
pub use bad_link::BadLink;
pub use client::{Client, PATIENCE, nothing_came_for, notices};
pub use dice::Dice;
pub use host::Host;
pub use network::{Machine, Network};
pub use program::{Program, command, run, run_in};
pub use room::Room;
pub use secured::{Secured, connect, trust};
pub use terminal::Terminal;
