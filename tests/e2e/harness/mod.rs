//! What the tests are made of: rooms in process and as a program, their
//! clients, and the programs that people join with.

// In reading order.
mod client;
mod host;
mod room;
mod program;
mod tool;
mod terminal;
mod dice;
mod namespace;
mod bad_link;
mod network;

pub use bad_link::BadLink;
pub use client::{Client, PATIENCE, nothing_came_for, notices};
pub use dice::Dice;
pub use host::Host;
pub use namespace::Namespace;
pub use network::{Machine, Network};
pub use program::{Program, run, run_in};
pub use room::Room;
pub use terminal::Terminal;
pub use tool::{is_there, lacks};
