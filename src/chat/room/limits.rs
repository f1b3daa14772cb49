//! How large a log gets.

/// How much of the past a log keeps. It always keeps the newest line.
#[derive(Clone, Copy, Debug)]
pub(in crate::chat) struct Limits {
    /// Bytes of lines, each with its sender and `FRAME_BYTES_MAX` more.
    pub bytes_max: usize,
    /// Lines.
    pub records_max: usize,
}
