//! What a notice tells, for programs: fields beside its text.
//!
//! They are kept as the JSON object that clients are sent, beside the text of the notice: in the
//! log of a room, in the store and on the way to other servers.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};

/// Bytes of facts that are kept with a line at most. What a user has written is left out first.
pub const FACTS_BYTES_MAX: usize = 16 * 1024;

/// The one table of events.
macro_rules! events {
    ($($(#[doc = $doc:literal])+ $event:ident = $name:literal,)+) => {
        /// What has happened. docs/protocol.md says which facts each one has.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum NoticeEvent {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $event,)+
        }

        impl NoticeEvent {
            /// Every event, with its name in JSON.
            pub const ALL: &[(NoticeEvent, &str)] = &[$((NoticeEvent::$event, $name),)+];
        }
    };
}

events! {
    /// Users have come into the room.
    Join = "join",
    /// Users have left the room.
    Leave = "leave",
    /// A user has another name.
    Rename = "rename",
    /// The topic of the room, or who has set it.
    Topic = "topic",
    /// An operator has disconnected a user.
    Kick = "kick",
    /// An operator says something to everyone.
    Announce = "announce",
    /// What operators have set for the room: slow mode, and whether it is locked.
    Rules = "rules",
    /// Lines were taken out of the history.
    Clear = "clear",
    /// Lines are missing here.
    Gap = "gap",
    /// The server stopped without warning before, and lines may be missing.
    Interrupted = "interrupted",
    /// The server shuts down.
    Shutdown = "shutdown",
    /// Another server, or the link to the others, has come or gone.
    Cluster = "cluster",
    /// The store works again, or doesn't.
    Store = "store",
    /// The reader has come in.
    Welcome = "welcome",
    /// Who is in the room.
    Members = "members",
    /// The reader has come into another room.
    Enter = "enter",
    /// Which rooms there are.
    Rooms = "rooms",
    /// Lines of the past follow.
    History = "history",
    /// The number of the newest line.
    Newest = "newest",
    /// The reader asks for what comes after a line that hasn't been said.
    Ahead = "ahead",
    /// A user is away.
    Away = "away",
    /// A user isn't away any more.
    Back = "back",
    /// An operator has muted the reader.
    Mute = "mute",
    /// The reader may speak again.
    Unmute = "unmute",
    /// What the reader has said is shown to no one.
    Unsent = "unsent",
    /// The reader is too fast and is read later.
    Throttle = "throttle",
    /// The reader has to type the password.
    Login = "login",
    /// An operator lets the reader into a room that is locked.
    Invite = "invite",
    /// To operators: a user reports another one.
    Report = "report",
    /// The connection ends soon unless the reader sends something.
    Idle = "idle",
    /// The connection ends.
    Goodbye = "goodbye",
}

/// What a notice tells. What doesn't apply is left out of the JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What has happened.
    pub event: NoticeEvent,
    /// The names of those who did it, or whom it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub who: Vec<Box<str>>,
    /// The new name, or the room, or the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Box<str>>,
    /// How many users, lines, tries or seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The number of the first line that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// The number of the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// How many others have left, where a notice tells both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
    /// How it is now, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Cow<'static, str>>,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<str>>,
    /// What a user has written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Box<str>>,
    /// Those of `who` that are away, and why. Told to one client alone.
    #[serde(skip_deserializing, skip_serializing_if = "Vec::is_empty", serialize_with = "map")]
    pub away: Vec<(Box<str>, Box<str>)>,
    /// Rooms, and how many users are in each. Told to one client alone.
    #[serde(skip_deserializing, skip_serializing_if = "Vec::is_empty", serialize_with = "map")]
    pub rooms: Vec<(Box<str>, u64)>,
}

impl Facts {
    /// Facts of which only the event is known.
    pub const fn new(event: NoticeEvent) -> Facts {
        Facts {
            event,
            who: Vec::new(),
            target: None,
            count: None,
            first: None,
            last: None,
            left: None,
            state: None,
            reason: None,
            words: None,
            away: Vec::new(),
            rooms: Vec::new(),
        }
    }

    /// The JSON object.
    pub fn encode(&self) -> Box<str> {
        serde_json::to_string(self).expect("strings and numbers are JSON").into()
    }

    /// The same for a line, in `FACTS_BYTES_MAX`.
    pub fn encode_for_line(&self) -> Box<str> {
        let whole = self.encode();
        if whole.len() <= FACTS_BYTES_MAX {
            return whole;
        }
        let short = Facts { words: None, reason: None, ..self.clone() }.encode();
        match short.len() {
            ..=FACTS_BYTES_MAX => short,
            _ => Facts { count: self.count, ..Facts::new(self.event) }.encode(),
        }
    }

    /// A JSON object that was kept or comes from another server; `None` if it is none, is longer
    /// than `FACTS_BYTES_MAX`, or has an event that this server doesn't know.
    pub fn parse(object: &str) -> Option<Facts> {
        let object = Some(object).filter(|object| object.len() <= FACTS_BYTES_MAX)?;
        serde_json::from_str(object).ok()
    }

    /// Such an object as this server would write it; empty if it is none.
    pub fn check(object: &str) -> Box<str> {
        Facts::parse(object).map_or("".into(), |facts| facts.encode_for_line())
    }
}

fn map<K: Serialize, V: Serialize, S: Serializer>(
    pairs: &[(K, V)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed() -> Facts {
        let (who, target) = (vec!["ann".into()], Some("\"bob\"".into()));
        Facts { who, target, ..Facts::new(NoticeEvent::Rename) }
    }

    #[test]
    fn facts_that_do_not_apply_are_left_out() {
        let object = r#"{"event":"rename","who":["ann"],"target":"\"bob\""}"#;
        assert_eq!(&*renamed().encode(), object);
        let away = vec![("bob".into(), "lunch".into())];
        let rooms = vec![("zoo".into(), 2), ("dev".into(), 1)];
        let facts = Facts { away, rooms, ..Facts::new(NoticeEvent::Members) };
        let object = r#"{"event":"members","away":{"bob":"lunch"},"rooms":{"zoo":2,"dev":1}}"#;
        assert_eq!(&*facts.encode(), object);
    }

    #[test]
    fn what_was_kept_comes_back_and_nothing_else_does() {
        let object = renamed().encode();
        assert_eq!(Facts::check(&object), object);
        let more = object.replace("}", ",\"seq\":7,\"who2\":\"x\"}");
        assert_eq!(Facts::check(&more), object);
        for bad in ["", "{}", "[]", "{\"event\":\"x\"}", "\n", "{\"event\":\"join\",\"who\":7}"] {
            assert_eq!(&*Facts::check(bad), "", "{bad}");
        }
    }

    #[test]
    fn facts_of_a_line_have_a_limit() {
        let words = Some("x".repeat(FACTS_BYTES_MAX).into());
        let long = Facts { words, ..renamed() };
        assert_eq!(long.encode_for_line(), renamed().encode());
        let who = vec!["x".repeat(FACTS_BYTES_MAX).into()];
        let long = Facts { who, count: Some(7), ..Facts::new(NoticeEvent::Join) };
        assert_eq!(&*long.encode_for_line(), r#"{"event":"join","count":7}"#);
    }

    #[test]
    fn each_event_has_the_name_of_the_table() {
        for (event, name) in NoticeEvent::ALL {
            let object = Facts::new(*event).encode();
            assert_eq!(*object, format!("{{\"event\":\"{name}\"}}"));
            assert_eq!(Facts::check(&object), object);
        }
    }
}
