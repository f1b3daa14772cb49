//! What several test programs share. Each uses a part of it.
#![allow(dead_code)]

// In reading order.
pub mod process;
pub mod tool;
pub mod namespace;
