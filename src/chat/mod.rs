//! Who is here, who says what, and what each client is sent.
//!
//! [`Chat`] is a state machine: it does no I/O, reads no clock, starts no
//! thread and writes no log, and nothing that a client sends makes it fail or
//! panic. The caller tells it what happened (`handle_*`, with the time where
//! that matters) and then asks what to do (`poll_*`).
//!
//! The one idea: a room is one log of lines, and a client is a cursor into it.

// In reading order.
mod ids;
mod clock;
mod bucket;
mod pace;
mod config;
mod room;
mod names;
mod keeping;
mod linking;
mod member;
mod close_reason;
mod admission;
mod counts;
mod moderation;
mod schedule;
mod flush;
mod secured;
mod notice;
mod texts;
mod answering;
mod state;
mod commands;
mod lifecycle;
mod login;
mod deadlines;
mod throttle;
mod attendance;
mod web;
mod days;
mod completion;
mod input;
mod editing;
mod listing;
mod output;
mod invariants;

pub use self::admission::access::{Rule, parse_network};
pub use self::admission::address_limits::OriginLimits;
pub use self::admission::password::{PASSWORD_BYTES_MAX, Password, invisible_character};
pub use self::bucket::{Bucket, Limit, Rate};
pub use self::close_reason::{CloseReason, CloseReasons, Closing, Refusal, Refused};
pub use self::config::{Config, Listing, OnLag, Prefix};
pub use self::counts::{Counts, TurnTimes};
pub use self::flush::Offer;
pub use self::ids::ClientId;
pub use self::lifecycle::Arrival;
pub use self::member::Interest;
pub use self::names::proof::ProofKey;
pub use self::names::secret::{OwnerSecret, SecretJob, Verdict};
pub use self::room::cursor::{SLICES_MAX, Slices};
pub use self::state::{Chat, Logged, Output};
