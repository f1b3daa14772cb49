//! Who may come in: access rules, bans, places for each address, passwords.

// In reading order.
pub(super) mod access;
pub(super) mod bans;
pub(super) mod address_limits;
pub(super) mod password;
