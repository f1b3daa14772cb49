//! Where the engine is, and what the loop and the two threads of a link tell each other.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use redis::{ConnectionInfo, IntoConnectionInfo};

use crate::wire::{
    Answer, Arrival, Dispatch, Errand, Outcome, PeopleNews, Query, RoomKey, Submission,
};

/// Where the engine is, and what it is told of this server.
#[derive(Clone)]
pub struct Options {
    pub(super) info: ConnectionInfo,
    /// The name of this server, for people.
    pub server_name: Box<str>,
    /// Lines of a room that the engine keeps.
    pub lines_max: usize,
    /// Lines that a room begins with here.
    pub tail_lines: usize,
}

impl Options {
    /// The engine at a URL: `redis://HOST:6379/0`, `rediss://` with TLS, or `unix:PATH`.
    ///
    /// # Errors
    /// What would be right, without anything secret.
    pub fn new(url: &str) -> Result<Options, String> {
        const FORMS: &str = "expected redis://HOST:6379/0, rediss://HOST:6379/0 or unix:PATH";
        let known = ["redis://", "rediss://", "unix:"];
        if !known.iter().any(|scheme| url.starts_with(scheme)) {
            return Err(FORMS.into());
        }
        let info = url.into_connection_info().map_err(|_| FORMS.to_owned())?;
        Ok(Options { info, server_name: "server".into(), lines_max: 10_000, tail_lines: 1000 })
    }

    /// Other servers call this one so.
    pub fn with_name(self, name: &str) -> Options {
        Options { server_name: name.into(), ..self }
    }

    /// With this password, and as this user if there is one.
    pub fn with_password(self, user: Option<&str>, password: &str) -> Options {
        let redis = self.info.redis_settings().clone().set_password(password);
        let redis = match user {
            Some(user) => redis.set_username(user),
            None => redis,
        };
        Options { info: self.info.set_redis_settings(redis), ..self }
    }

    /// Where the engine is, without anything secret.
    pub fn address(&self) -> String {
        self.info.addr().to_string()
    }
}

impl fmt::Debug for Options {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("address", &self.info.addr()).finish_non_exhaustive()
    }
}

/// What the writer has to do.
#[derive(Debug)]
pub(super) enum Job {
    Submit(Vec<Submission>),
    Dispatch(Dispatch),
    Answer(Query),
    /// The reader has to look up.
    Wake,
    /// All that came before is done; then it is said.
    Flush(Sender<()>),
    /// The server ends.
    Leave,
}

/// What the reader has to do.
#[derive(Debug)]
pub(super) enum Watch {
    Begin { room: Arc<RoomKey>, run: Box<str>, next: u64 },
    End(Arc<RoomKey>),
}

/// One of the two threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that hands over.
    Writer,
    /// The one that reads.
    Reader,
}

/// What a link has to say.
#[derive(Clone, Debug)]
pub enum Event {
    /// Lines have got their places, in their order.
    Arrived(Vec<Arrival>),
    /// A question was answered.
    Answer(u64, Answer),
    /// A room counts anew under this name, from the line `next` on: the engine has forgotten
    /// what it was told.
    Reset {
        /// Which room.
        room: Arc<RoomKey>,
        /// Names the counting.
        run: Box<str>,
        /// The number of the next line.
        next: u64,
    },
    /// News about people on other servers.
    People(Vec<PeopleNews>),
    /// Another server wants something of a client here.
    Errand(Errand),
    /// What has come of an errand.
    Outcome(Outcome),
    /// There are so many guests more: their highest number.
    Guests(u64),
    /// The engine doesn't know who is here.
    Forgotten,
    /// The engine works.
    Up,
    /// The engine hasn't worked for two seconds, and why.
    Down(Box<str>),
    /// Something about the engine isn't as it should be, for the operator.
    Warning(Box<str>),
    /// One of the threads works. `Link::next_event` makes `Up` of it.
    #[doc(hidden)]
    Works(Side),
    /// One of the threads hasn't worked for too long, and why. `Link::next_event` makes `Down`
    /// of it.
    #[doc(hidden)]
    Fails(Side, Box<str>),
}
