//! What names a client.

use slotmap::{Key, KeyData};

slotmap::new_key_type! {
    /// Names one client from connect to close. Made by the caller; never used
    /// again for another client.
    pub struct ClientId;
}

/// The half of all indices from here on is for clients of other servers: here there are never
/// so many.
const ELSEWHERE: u64 = 1 << 31;

impl ClientId {
    /// Names a client of another server. No session has it.
    pub(in crate::chat) fn elsewhere(number: u32) -> ClientId {
        let index = ELSEWHERE | (u64::from(number) % ELSEWHERE);
        KeyData::from_ffi((1 << 32) | index).into()
    }

    /// Whether it is a client of another server.
    pub(in crate::chat) fn is_elsewhere(self) -> bool {
        !self.is_null() && self.data().as_ffi() & ELSEWHERE != 0
    }
}
