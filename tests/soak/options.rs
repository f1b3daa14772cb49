//! What is asked for on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::support::process::ROOMCAST;

/// Clients of all kinds at once.
#[derive(Parser)]
pub struct Options {
    /// How long it lasts [default: 20 seconds]
    #[arg(long)]
    minutes: Option<f64>,
    /// Clients at one time
    #[arg(long, default_value_t = 500)]
    pub clients: usize,
    /// What everything random comes from
    #[arg(long, default_value_t = fastrand::u64(..))]
    pub seed: u64,
    /// The roomcast to test [default: the one that Cargo built]
    #[arg(long, value_name = "PATH", default_value = ROOMCAST, hide_default_value = true)]
    pub roomcast: PathBuf,
    /// As for other tests: runs if one is a part of `soak`
    filters: Vec<String>,
    // What `cargo test` may hand to all tests.
    #[arg(long, hide = true)]
    nocapture: bool,
    #[arg(long, hide = true)]
    no_capture: bool,
    #[arg(long, hide = true)]
    exact: bool,
    #[arg(long, short, hide = true)]
    quiet: bool,
    #[arg(long, hide = true)]
    test_threads: Option<usize>,
    #[arg(long, hide = true)]
    skip: Vec<String>,
}

impl Options {
    pub fn read() -> Options {
        Options::parse()
    }

    /// Whether this test is among those that are to run.
    pub fn is_wanted(&self) -> bool {
        let names = |filter: &String| "soak".contains(filter.as_str());
        (self.filters.is_empty() || self.filters.iter().any(names)) && !self.skip.iter().any(names)
    }

    pub fn time(&self) -> Duration {
        self.minutes
            .map_or(Duration::from_secs(20), |minutes| Duration::from_secs_f64(60.0 * minutes))
    }
}
