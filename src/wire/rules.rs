//! What operators set for a room.

use serde::{Deserialize, Serialize};

/// What operators have set for a room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// A user may say one line in so many seconds; 0: as many as like.
    pub slow_seconds: u32,
    /// Only users who are in the room, operators and those who are invited may be in it.
    pub is_locked: bool,
    /// Their names.
    pub invited: Vec<Box<str>>,
}

impl Rules {
    /// The rules as one text, empty if there are none.
    pub fn text(&self) -> String {
        match *self == Rules::default() {
            true => String::new(),
            // Numbers and strings are always JSON.
            false => serde_json::to_string(self).unwrap_or_default(),
        }
    }

    /// The same from that text; none if it isn't one.
    pub fn parse(text: &str) -> Rules {
        serde_json::from_str(text).unwrap_or_default()
    }
}
