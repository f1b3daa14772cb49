//! A chat room for browsers, telnet and netcat: every line that one client sends
//! reaches every other one.
//!
//! The program is a thin shell around this library. A room in process is bound
//! by its caller, who also says when it ends:
//!
//! ```
//! use roomcast::chat::Config;
//! use roomcast::net::{Listener, Server};
//!
//! let listeners = Listener::bind(&"127.0.0.1:0".parse()?)?;
//! println!("listening on {}", listeners[0]);
//! let server = Server::new(Config::default(), listeners)?;
//! let stopper = server.stopper();
//! let room = std::thread::spawn(|| server.run());
//! stopper.stop();
//! let counts = room.join().expect("the room doesn't panic")?;
//! assert_eq!(counts.clients, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(unsafe_code)]
#![warn(missing_docs)]

// Arrows point one way: net -> chat, store, cluster -> wire. (discovery needs none of them.)
pub mod wire;
pub mod discovery;
pub mod cluster;
pub mod store;
pub mod chat;
pub mod net;

/// How property tests run: a failing seed is kept in tests/regressions, to be
/// committed, and is tried first from then on.
#[cfg(test)]
fn property_tests() -> proptest::test_runner::Config {
    use proptest::test_runner::{Config, FileFailurePersistence};
    let seeds = FileFailurePersistence::SourceParallel("tests/regressions");
    Config { failure_persistence: Some(Box::new(seeds)), ..Config::default() }
}

/// A time to begin a test with: parts that read no clock can't make one.
#[cfg(test)]
fn some_time() -> std::time::Instant {
    std::time::Instant::now()
}
