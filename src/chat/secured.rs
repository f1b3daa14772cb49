//! Clients that speak TLS, as far as the chat has to know: what is between is the caller's.

use hashbrown::HashMap;

use crate::chat::ids::ClientId;

/// What is known of each of them.
#[derive(Debug, Default)]
pub(super) struct Secured {
    /// The version, or `None` during the handshake.
    versions: HashMap<ClientId, Option<&'static str>>,
}

impl Secured {
    /// A client begins a handshake.
    pub fn begin(&mut self, id: ClientId) {
        self.versions.insert(id, None);
    }

    /// Its handshake is done.
    pub fn finish(&mut self, id: ClientId, version: &'static str) {
        self.versions.insert(id, Some(version));
    }

    pub fn is_in_handshake(&self, id: ClientId) -> bool {
        self.versions.get(&id) == Some(&None)
    }

    /// What a client speaks, if it is TLS.
    pub fn version(&self, id: ClientId) -> Option<&'static str> {
        self.versions.get(&id).copied().flatten()
    }

    /// A client is gone.
    pub fn forget(&mut self, id: ClientId) {
        self.versions.remove(&id);
    }
}
