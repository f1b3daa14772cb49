//! What names a client.

slotmap::new_key_type! {
    /// Names one client from connect to close. Made by the caller; never used
    /// again for another client.
    pub struct ClientId;
}
