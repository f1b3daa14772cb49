//! Which clients may connect: access rules, bans, limits per address, passwords.

// In reading order.
pub(super) mod access;
pub(super) mod bans;
pub(super) mod address_limits;
pub(super) mod password;
