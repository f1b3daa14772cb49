//! Rooms of a LAN: announced and found by multicast DNS (RFC 6762) as services (RFC 6763).
//!
//! It knows nothing of the room but what it is told. Its thread and sockets are there only
//! where something is announced or looked for.

mod announcer;
mod finder;
mod interfaces;
mod records;

pub use announcer::{Announcer, host_label};
pub use finder::{Found, find};
pub use interfaces::{lan_addresses, why_no_lan};
pub use records::{NAME_BYTES_MAX, Security, Site};
