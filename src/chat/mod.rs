//! Who is here, who says what, and what each client is sent.
//!
//! [`Chat`] is a state machine: it does no I/O, reads no clock, starts no
//! thread and writes no log, and nothing that a client sends makes it fail or
//! panic. The caller tells it what happened (`handle_*`, with the time where
//! that matters) and then asks what to do (`poll_*`).
//!
//! The one idea: a room is one log of lines, and a client is a cursor into it.

// In reading order.
mod ids;
mod bucket;
mod config;
mod room;
mod names;
mod member;
mod close_reason;
mod admission;
mod counts;
mod texts;
mod commands;
mod lifecycle;
mod login;
mod deadlines;
mod throttle;
mod attendance;
mod input;
mod editing;
mod output;
mod invariants;

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use hashbrown::HashMap;
use slotmap::SecondaryMap;

pub use self::admission::access::{Rule, parse_network};
pub use self::admission::address_limits::OriginLimits;
use self::admission::address_limits::Origins;
use self::admission::bans::Bans;
pub use self::admission::password::{PASSWORD_BYTES_MAX, Password, invisible_character};
pub use self::bucket::{Bucket, Limit, Rate};
pub use self::close_reason::{CloseReason, CloseReasons, Closing, Refusal, Refused};
pub use self::config::{Config, OnLag, Prefix};
pub use self::counts::Counts;
pub use self::ids::ClientId;
pub use self::lifecycle::Arrival;
use self::member::Session;
use self::names::bells::Bells;
pub use self::names::proof::ProofKey;
use self::names::{Nick, NickTable};
pub use self::output::Output;
pub use self::room::cursor::{SLICES_MAX, Slices};
use self::room::table::Rooms;
use self::room::{Room, RoomId};
use crate::wire::Time;

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
    config: Config,
    sessions: SecondaryMap<ClientId, Session>,
    nicks: NickTable,
    /// How many guests there have been: guest names aren't used twice.
    guests: u64,
    rooms: Rooms,
    /// Where everyone starts.
    lobby: RoomId,
    /// Where clients wait that have to give a password.
    login_room: Option<RoomId>,
    /// Those that wait there, the first one in front; and some that have gone.
    strangers: VecDeque<ClientId>,
    /// Strangers that gave way and have not been told so yet.
    giving_way: usize,
    bans: Bans,
    /// The bans have changed since `poll_output` gave them.
    has_new_bans: bool,
    /// The message of the day.
    motd: Vec<String>,
    /// Clients that want a bell when their name is said.
    bells: Bells,
    /// Rooms with lines that their members haven't been queued for.
    dirty_rooms: Vec<RoomId>,
    /// One of them has so many that there is no headroom.
    has_many_new_lines: bool,
    /// What the client whose input is taken in may still make the loop do before
    /// others have their turn: see `WORK_MAX`.
    work_left: usize,
    /// Clients that may have something to send and aren't blocked, each once,
    /// the one that has waited longest in front.
    flush: VecDeque<ClientId>,
    /// What the last `poll_transmit` offered.
    offer: Offer,
    /// Clients whose held input may go on.
    resumes: VecDeque<ClientId>,
    /// Clients that have to go, as soon as there is headroom to say so.
    pending_leaves: VecDeque<(ClientId, CloseReason)>,
    /// When to look at a client again, at most one entry each.
    timers: BTreeSet<(Instant, ClientId)>,
    /// Arrivals, and when to greet them, in that order.
    arrivals: VecDeque<(Instant, ClientId)>,
    /// Rooms with comings and goings to tell, and when, in that order.
    folds: VecDeque<(Instant, RoomId)>,
    /// What the caller has to do, beside the bans.
    outputs: VecDeque<Output>,
    counts: Counts,
    /// Where clients come from.
    origins: Origins,
    /// How fast clients may talk, and how much of that each that has talked has
    /// used.
    rate_limit: Option<bucket::Limit>,
    throttles: HashMap<ClientId, bucket::Bucket>,
    /// Clients that have to wait because they talk too fast.
    throttled: BTreeSet<ClientId>,
    is_shutting_down: bool,
    /// The time of the last call that told it.
    now: Instant,
    /// The time on the wall.
    unix_time: Time,
    started: Instant,
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

/// What the caller may do with a client's socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Wait for bytes of the client.
    pub read: bool,
    /// Wait until the kernel takes more for the client.
    pub write: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Offer {
    bytes: usize,
    /// The offer was all there is for that client.
    is_all: bool,
}

impl Chat {
    /// A server without clients, at the time `now`. The name of the lobby must
    /// be a name: see `Config::is_name`.
    pub fn new(config: Config, now: Instant) -> Self {
        let mut rooms = Rooms::default();
        let name = Nick::parse(&config.lobby).unwrap_or_default();
        let lobby = rooms.insert(Room::new(name, &config));
        let rate_limit = config.rate.map(Rate::limit);
        let mut chat = Chat {
            config,
            sessions: SecondaryMap::new(),
            nicks: NickTable::default(),
            guests: 0,
            rooms,
            lobby,
            login_room: None,
            strangers: VecDeque::new(),
            giving_way: 0,
            bans: Bans::default(),
            has_new_bans: false,
            motd: Vec::new(),
            bells: Bells::default(),
            dirty_rooms: Vec::new(),
            has_many_new_lines: false,
            work_left: 0,
            flush: VecDeque::new(),
            offer: Offer::default(),
            resumes: VecDeque::new(),
            pending_leaves: VecDeque::new(),
            timers: BTreeSet::new(),
            arrivals: VecDeque::new(),
            folds: VecDeque::new(),
            outputs: VecDeque::new(),
            counts: Counts::default(),
            origins: Origins::default(),
            rate_limit,
            throttles: HashMap::new(),
            throttled: BTreeSet::new(),
            is_shutting_down: false,
            now,
            unix_time: 0,
            started: now,
        };
        chat.make_login_room();
        chat
    }

    /// What the clock on the wall says, in seconds since 1970: for people to
    /// see and for files. All durations go by `now`.
    pub fn set_unix_time(&mut self, seconds: u64) {
        self.unix_time = u32::try_from(seconds).unwrap_or(Time::MAX);
    }

    /// How many seconds the server has run. Whatever took so long or was so long
    /// ago is told by this clock: nobody sets it.
    fn uptime(&self) -> u32 {
        u32::try_from(self.now.duration_since(self.started).as_secs()).unwrap_or(u32::MAX)
    }

    /// What newcomers are told first.
    pub fn set_motd(&mut self, text: &[u8]) {
        self.motd = commands::rooms::lines_of(text).collect();
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
