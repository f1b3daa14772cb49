//! How the store knows rooms.

use std::sync::Arc;

use crate::chat::config::Config;
use crate::chat::names::lookalikes;
use crate::chat::names::nick::Nick;
use crate::wire::RoomKey;

/// How the store knows a room, unless what is said there isn't stored.
pub(in crate::chat) fn key_of(name: &Nick, config: &Config) -> Option<Arc<RoomKey>> {
    let name = name.as_str();
    let is_left_out = || config.unstored.iter().any(|other| lookalikes::is_same(other, name));
    (config.has_store && !is_left_out()).then(|| Arc::new(key(name)))
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
