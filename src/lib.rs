//! roomcast: every line that one client sends reaches every other one.

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod wire;
