//! What the server has counted.

use super::close_reason::CloseReasons;

/// What has happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Clients that were let in.
    pub clients: u64,
    /// Lines that clients said.
    pub lines: u64,
    /// Lines that slow readers missed, each counted for each reader.
    pub lines_missed: u64,
    /// Why connections have ended.
    pub endings: CloseReasons,
}
