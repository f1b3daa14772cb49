//! The chat with fake sockets and a simulated clock.
//!
//! Everything is drawn from one seed, which a failure prints; `SIM_SEED=N`
//! runs that seed alone, and `SIM_SEEDS=N` so many fresh ones.

mod peer;
mod world;
mod checks;
mod presence;
mod storms;
mod chaos;
mod limits;
mod floods;
mod operators;
mod past;
mod packets;
mod editing;
