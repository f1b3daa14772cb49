//! The chat with fake sockets and a simulated clock.
//!
//! Everything is drawn from one seed. A failure prints the command that repeats
//! it; how many seeds are run is said in `seeds`.

#[path = "../support/driver.rs"]
mod driver;
mod faults;
mod seeds;

// What is simulated.
mod records;
mod peer;
mod door;
mod store;
mod hasher;
mod engine;
mod world;

// What must hold.
mod checks;

// Random scenarios.
mod storms;
mod chaos;
mod crowds;
mod stored;

// One case at a time.
mod presence;
mod limits;
mod floods;
mod operators;
mod rules;
mod sharing;
mod past;
mod comfort;
mod packets;
mod handing_out;
mod editing;
mod web;
mod tls;

use seeds::Scenario;

/// Everything that is run with random seeds.
const SCENARIOS: [Scenario; 7] = [
    storms::SCENARIO,
    storms::SHARED,
    chaos::SCENARIO,
    chaos::WEB,
    chaos::STORED,
    crowds::SCENARIO,
    stored::SCENARIO,
];
