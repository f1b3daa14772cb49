//! Where a line is in its log.

/// The place of a line in the log of its room. Places are without holes; the numbers
/// of lines, for people and programs, may jump: see `Log::number`.
pub(in crate::chat) type Seq = u64;

/// No such line.
pub(in crate::chat) const NONE: Seq = Seq::MAX;
