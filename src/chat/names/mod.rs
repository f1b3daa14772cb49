//! Names: what is one, and who has which.

// In reading order.
pub(super) mod nick;
pub(super) mod lookalikes;
pub(super) mod proof;
pub(super) mod secret;
pub(super) mod registered;
pub(super) mod tries;
pub(super) mod bells;
mod guests;
pub(super) mod table;
