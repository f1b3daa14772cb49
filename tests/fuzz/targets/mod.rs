//! What is fuzzed: functions that take any bytes, and fail when something
//! doesn't hold that must.
//!
//! libFuzzer calls them with what it makes up, and `cargo test` with what has
//! been found so far (`tests/fuzz/corpus`).

// What the targets share.
#[path = "../../support/driver.rs"]
mod driver;
mod cuts;
mod sequences;
mod stream;
mod peer;
mod world;
mod pieces;

// The targets.
mod lines;
mod telnet;
mod text;
mod editor;
mod commands;
mod chat;
mod first_bytes;
mod requests;
mod frames;
mod handshake;

pub use self::chat::chat;
pub use self::commands::commands;
pub use self::editor::editor;
pub use self::first_bytes::first_bytes;
pub use self::frames::frames;
pub use self::handshake::handshake;
pub use self::lines::lines;
pub use self::requests::requests;
pub use self::telnet::telnet;
pub use self::text::text;
