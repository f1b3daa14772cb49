//! What `Chat` is made of.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use hashbrown::HashMap;
use slotmap::SecondaryMap;

use crate::chat::admission::address_limits::Origins;
use crate::chat::admission::bans::Bans;
use crate::chat::bucket::{Bucket, Limit, Rate};
use crate::chat::clock::Clock;
use crate::chat::close_reason::{CloseReason, Closing};
use crate::chat::config::Config;
use crate::chat::counts::Counts;
use crate::chat::flush::FlushQueue;
use crate::chat::ids::ClientId;
use crate::chat::member::Session;
use crate::chat::names::NickTable;
use crate::chat::names::bells::Bells;
use crate::chat::room::table::Rooms;
use crate::chat::schedule::Schedule;
use crate::wire::Text;

/// The room and everyone in it.
///
/// The contract for the caller:
///
/// 1. `handle_open` once for each client, before anything else about it.
/// 2. After any `handle_*`, `poll_transmit` and then `poll_output` until they give
///    `None`, at once or when `poll_timeout` says so; and `handle_time` when
///    `poll_timeout` has come. A `handle_*` of one client may change its `interest`.
/// 3. Each `poll_transmit` that gives a client is followed by one
///    `handle_written` or `handle_reset` for it.
/// 4. Clients are let in and bytes are read only while `has_headroom`, and from
///    a client only while `interest` says so.
/// 5. A client of which `poll_output` says that it is over is forgotten, and what
///    the caller says about it is ignored.
#[derive(Debug)]
pub struct Chat {
    pub(super) config: Config,
    pub(super) sessions: SecondaryMap<ClientId, Session>,
    pub(super) nicks: NickTable,
    /// How many guests there have been: guest names aren't used twice.
    pub(super) guests: u64,
    pub(super) rooms: Rooms,
    /// Those that wait there, the first one in front; and some that have gone.
    pub(super) strangers: VecDeque<ClientId>,
    /// Strangers that gave way and have not been told so yet.
    pub(super) giving_way: usize,
    pub(super) bans: Bans,
    /// The bans have changed since `poll_output` gave them.
    pub(super) has_new_bans: bool,
    /// The message of the day.
    pub(super) motd: Vec<String>,
    /// Clients that want a bell when their name is said.
    pub(super) bells: Bells,
    /// What the client whose input is taken in may still make the loop do before
    /// others have their turn: see `WORK_MAX`.
    pub(super) work_left: usize,
    pub(super) flush: FlushQueue,
    pub(super) schedule: Schedule,
    /// What the caller has to do, beside the bans.
    pub(super) outputs: VecDeque<Output>,
    pub(super) counts: Counts,
    /// Where clients come from.
    pub(super) origins: Origins,
    /// How fast clients may talk, and how much of that each that has talked has
    /// used.
    pub(super) rate_limit: Option<Limit>,
    pub(super) throttles: HashMap<ClientId, Bucket>,
    /// Clients that have to wait because they talk too fast.
    pub(super) throttled: BTreeSet<ClientId>,
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
    /// It did something that operators can: its name, the command, and what came
    /// of it.
    Operator(String),
}

/// Something that the caller has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The `interest` in a client's socket may have changed, other than by what was
    /// done for this client.
    Interest(ClientId),
    /// A client did something that is to be logged.
    Log(ClientId, Logged),
    /// The bans have changed: they are to be kept, as a text for people and for
    /// `set_bans`.
    Bans(String),
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

/// What the caller may do with a client's socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Wait for bytes of the client.
    pub read: bool,
    /// Wait until the kernel takes more for the client.
    pub write: bool,
}

impl Chat {
    /// A server without clients, at the time `now`. The name of the lobby must
    /// be a name: see `Config::is_name`.
    pub fn new(config: Config, now: Instant) -> Self {
        let rate_limit = config.rate.map(Rate::limit);
        Chat {
            rooms: Rooms::new(&config),
            config,
            sessions: SecondaryMap::new(),
            nicks: NickTable::default(),
            guests: 0,
            strangers: VecDeque::new(),
            giving_way: 0,
            bans: Bans::default(),
            has_new_bans: false,
            motd: Vec::new(),
            bells: Bells::default(),
            work_left: 0,
            flush: FlushQueue::default(),
            schedule: Schedule::default(),
            outputs: VecDeque::new(),
            counts: Counts::default(),
            origins: Origins::default(),
            rate_limit,
            throttles: HashMap::new(),
            throttled: BTreeSet::new(),
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

    /// What the operator chose.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether the chat knows this client.
    pub fn has(&self, id: ClientId) -> bool {
        self.sessions.contains_key(id)
    }

    /// How many clients the chat knows, those that are leaving included.
    pub fn client_count(&self) -> usize {
        self.sessions.len()
    }
}

/// The lines of a message of the day, made harmless.
fn lines_of(text: &[u8]) -> impl Iterator<Item = String> {
    // An empty one has no line.
    let lines = text.split(|&byte| byte == b'\n').filter(|_| !text.is_empty());
    lines.map(|line| Text::clean(line).as_str().to_owned())
}
