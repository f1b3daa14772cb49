//! What `Chat` is made of.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use slotmap::SecondaryMap;

use crate::chat::admission::Admission;
use crate::chat::admission::access::Rule;
use crate::chat::admission::password::Password;
use crate::chat::answering::Answering;
use crate::chat::clock::Clock;
use crate::chat::close_reason::{CloseReason, Closing};
use crate::chat::config::Config;
use crate::chat::counts::Counts;
use crate::chat::flush::FlushQueue;
use crate::chat::ids::ClientId;
use crate::chat::keeping::handover::Handover;
use crate::chat::keeping::lookups::Lookups;
use crate::chat::keeping::repairs::Repairs;
use crate::chat::linking::directory::Directory;
use crate::chat::linking::outbox::Outbox;
use crate::chat::member::Session;
use crate::chat::moderation::Moderation;
use crate::chat::names::registered::{Registered, Registrations};
use crate::chat::names::secret::SecretJob;
use crate::chat::names::table::Names;
use crate::chat::names::tries::Tries;
use crate::chat::pace::Pace;
use crate::chat::room::table::Rooms;
use crate::chat::room::visits::Visits;
use crate::chat::schedule::Schedule;
use crate::chat::secured::Secured;
use crate::chat::web::pages::Pages;
use crate::wire::{Query, RoomKey, Text};

/// All clients.
pub(super) type Sessions = SecondaryMap<ClientId, Session>;

/// The room and everyone in it.
///
/// The contract for the caller:
///
/// 1. `handle_open` once for each client, before anything else about it.
/// 2. After any `handle_*`, `poll_transmit` and then `poll_output` until they give
///    `None`, at once or when `poll_timeout` says so; and `handle_time` when
///    `poll_timeout` has come.
/// 3. Each `poll_transmit` that gives a client is followed by one
///    `handle_written` or `handle_reset` for it.
/// 4. Clients are let in and bytes are read only while `has_headroom`, and from
///    a client only while `interest` says so.
/// 5. A client of which `poll_output` says that it is over is forgotten, and what
///    the caller says about it is ignored.
/// 6. If rooms are shared with other servers, `set_shared` first; `take_submissions` and
///    then `take_dispatches` whenever the link takes more; and what it says in its order, lines
///    (`handle_arrival_of`) only while `has_place_for_arrivals`.
/// 7. If there is a store, `take_news` whenever it takes more, and `handle_answer` for
///    each `Output::Ask`, when there is headroom; and `handle_verdict` for each
///    `Output::Secret`, the same.
#[derive(Debug)]
pub struct Chat {
    pub(super) config: Config,
    pub(super) sessions: Sessions,
    pub(super) names: Names,
    pub(super) registered: Registered,
    pub(super) tries: Tries,
    pub(super) registrations: Registrations,
    pub(super) rooms: Rooms,
    pub(super) admission: Admission,
    pub(super) moderation: Moderation,
    pub(super) pages: Pages,
    pub(super) handover: Handover,
    pub(super) repairs: Repairs,
    pub(super) outbox: Outbox,
    pub(super) directory: Directory,
    pub(super) lookups: Lookups,
    pub(super) secured: Secured,
    pub(super) visits: Visits,
    /// The message of the day.
    pub(super) motd: Vec<String>,
    pub(super) pace: Pace,
    pub(super) flush: FlushQueue,
    pub(super) schedule: Schedule,
    /// What the caller has to do, beside the bans.
    pub(super) outputs: VecDeque<Output>,
    /// The command that is being run.
    pub(super) answering: Option<Answering>,
    pub(super) counts: Counts,
    /// How often dice were rolled.
    pub(super) rolls: u64,
    pub(super) is_shutting_down: bool,
    pub(super) clock: Clock,
}

/// Something that a client did, for the operator's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logged {
    /// It gave a wrong password of the room.
    WrongPassword,
    /// It gave a wrong password of operators.
    WrongOperatorPassword,
    /// It gave a wrong secret of a registered name.
    WrongSecret,
    /// An operator did something.
    Operator {
        /// The operator's name.
        name: String,
        /// The server where the operator is, if that is another one; the client is then the one
        /// that it was done to.
        server: Option<String>,
        /// What was done, and what came of it.
        what: String,
    },
    /// It has reported a user to the operators: who, whom, and why.
    Report(String),
}

/// Something that the caller has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The `interest` in a client's socket has changed.
    Interest(ClientId),
    /// A client did something that is to be logged.
    Log(ClientId, Logged),
    /// The bans have changed: they are to be kept, as a text for people and for
    /// `set_bans`.
    Bans(String),
    /// The store is to be asked this; `handle_answer` follows.
    Ask(Query),
    /// A secret is to be hashed or compared; `handle_verdict` follows.
    Secret(SecretJob),
    /// This room is to be read from the line `next` on: `handle_arrivals` follow.
    Watch {
        /// Which room.
        room: Arc<RoomKey>,
        /// Names the counting of its lines.
        run: Box<str>,
        /// The number of the next line.
        next: u64,
    },
    /// This room isn't to be read any more.
    Unwatch(Arc<RoomKey>),
    /// A client has left, and is to be disconnected.
    Closed {
        /// Whose.
        id: ClientId,
        /// Why.
        ending: CloseReason,
        /// What is to be done with its connection.
        closing: Closing,
    },
}

impl Chat {
    /// A server without clients, at the time `now`. The name of the lobby must
    /// be a name: see `Config::is_name`.
    pub fn new(config: Config, now: Instant) -> Self {
        let mut registered = Registered::default();
        registered.reserve(&config.reserved);
        Chat {
            registered,
            tries: Tries::default(),
            registrations: Registrations::default(),
            rooms: Rooms::new(&config),
            pace: Pace::new(config.rate),
            handover: Handover::new(config.backlog_bytes_max),
            repairs: Repairs::default(),
            outbox: Outbox::default(),
            directory: Directory::default(),
            config,
            sessions: SecondaryMap::new(),
            names: Names::default(),
            admission: Admission::default(),
            moderation: Moderation::default(),
            pages: Pages::default(),
            lookups: Lookups::default(),
            secured: Secured::default(),
            visits: Visits::default(),
            motd: Vec::new(),
            flush: FlushQueue::default(),
            schedule: Schedule::default(),
            outputs: VecDeque::new(),
            answering: None,
            counts: Counts::default(),
            rolls: 0,
            is_shutting_down: false,
            clock: Clock::new(now),
        }
    }

    /// What the clock on the wall says, in seconds since 1970: for people to
    /// see and for files. All durations go by `now`.
    pub fn set_unix_time(&mut self, seconds: u64) {
        self.clock.set_wall(seconds);
    }

    /// What newcomers are told first.
    pub fn set_motd(&mut self, text: &[u8]) {
        self.motd = lines_of(text).collect();
    }

    /// What newcomers have to type from now on. There must have been a password before.
    pub fn set_password(&mut self, password: Password) {
        self.config.password = Some(password);
    }

    /// What makes operators from now on.
    pub fn set_operator_password(&mut self, password: Password) {
        self.config.operator_password = Some(password);
    }

    /// Which addresses may connect from now on; those that are here stay.
    pub fn set_access(&mut self, rules: Vec<Rule>) {
        self.config.access = rules;
    }

    /// What the operator chose.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// A turn of the caller's loop is over, and took so long.
    pub fn count_turn(&mut self, time: Duration) {
        self.counts.turns.add(time);
    }

    /// Whether the chat knows this client.
    pub fn has(&self, id: ClientId) -> bool {
        self.sessions.contains_key(id)
    }

    /// How many clients the chat knows, those that are leaving included.
    pub fn client_count(&self) -> usize {
        self.sessions.len()
    }

    /// The same without those that may be spare connections of browsers.
    pub fn people_count(&self) -> usize {
        self.sessions.len() - self.admission.browsers.spares().len()
    }
}

/// The lines of a message of the day, made harmless.
fn lines_of(text: &[u8]) -> impl Iterator<Item = String> {
    // An empty one has no line.
    let lines = text.split(|&byte| byte == b'\n').filter(|_| !text.is_empty());
    lines.map(|line| Text::clean(line).as_str().to_owned())
}
