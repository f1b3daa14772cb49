//! Rooms that several servers share: one engine (Redis) orders what is said.
//!
//! Two threads talk to the engine, so the loop never waits for it: one hands over what was said
//! here and answers questions, the other one reads what has got its place. Each has a connection
//! of its own, and gives it up after any error.

// In reading order.
mod engine;
mod entries;
mod rooms;
mod people;
mod messages;
mod lifeline;
mod knowledge;
mod writer;
mod watched;
mod inbox;
mod reader;
mod link;
mod engines;

pub use self::engines::Engines;
pub use self::link::{Link, QUEUE_BYTES_MAX, Start};
pub use self::messages::{Event, Options};
