//! roomcast: every line that one client sends reaches every other one.

#![deny(unsafe_code)]
#![warn(missing_docs)]

// Arrows point one way: net -> chat -> wire.
pub mod wire;
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
