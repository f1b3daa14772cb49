//! How the store and other servers know rooms.

use std::sync::Arc;

use crate::chat::config::Config;
use crate::chat::names::lookalikes;
use crate::chat::names::nick::Nick;
use crate::wire::RoomKey;

/// How the store and other servers know a room, unless neither does.
pub(in crate::chat) fn key_of(name: &Nick, config: &Config) -> Option<Arc<RoomKey>> {
    (is_stored(name, config) || config.is_shared).then(|| Arc::new(key(name.as_str())))
}

/// Whether what is said in a room is stored.
pub(in crate::chat) fn is_stored(name: &Nick, config: &Config) -> bool {
    let is_same = |other: &String| lookalikes::is_same(other, name.as_str());
    config.has_store && !config.unstored.iter().any(is_same)
}

fn key(name: &str) -> RoomKey {
    RoomKey { name: name.into(), looks: lookalikes::looks(name).map(Into::into) }
}

impl Config {
    /// How the store knows the lobby.
    pub fn lobby_key(&self) -> Arc<RoomKey> {
        Arc::new(key(&self.lobby))
    }
}
