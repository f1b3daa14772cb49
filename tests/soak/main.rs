//! The soak: clients of all kinds at once, for as long as one likes.
//!
//! `cargo test --release --test soak` is a short one; the real one is
//! `cargo test --release --test soak -- --minutes 10 --clients 4000 --seed N`.
//!
//! In each room one reader is the *reference*: what it is sent is checked line
//! by line (whole, no number of a sender left out or twice), and everybody else
//! who reads as fast as it can has to be sent the same lines in the same order.
//! At the end all leave, and the server must have given back what it took.

// In reading order.
#[path = "../support/mod.rs"]
mod support;
mod options;
mod line;
mod order;
mod visit;
mod kinds;
mod connection;
mod client;
mod server;
mod watcher;
mod crowd;

use std::process::ExitCode;
use std::time::Instant;

use crate::crowd::Crowd;
use crate::options::Options;

/// What went wrong.
type Fault = String;

fn main() -> ExitCode {
    let options = Options::read();
    if !options.is_wanted() {
        println!("\ntest result: ok. 0 passed; 0 failed");
        return ExitCode::SUCCESS;
    }
    println!("\nrunning 1 test\nseed {}", options.seed);
    let start = Instant::now();
    let result = Crowd::new(&options).and_then(Crowd::run);
    let seconds = start.elapsed().as_secs();
    match result {
        Ok(()) => println!("\ntest result: ok. 1 passed; 0 failed; finished in {seconds} s"),
        Err(fault) => {
            println!("\nseed {}: {fault}", options.seed);
            println!("\ntest result: FAILED. 0 passed; 1 failed; finished in {seconds} s");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
