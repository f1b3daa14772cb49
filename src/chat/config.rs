//! What the operator chose, and the limits that follow.

use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;

use crate::chat::admission::access::Rule;
use crate::chat::admission::address_limits::OriginLimits;
use crate::chat::admission::password::Password;
use crate::chat::bucket::Rate;
use crate::chat::names::nick::Nick;
use crate::chat::names::proof::ProofKey;
use crate::chat::room::log;
use crate::wire::{Framing, Layout, View};

/// What the operator chose for the room.
#[derive(Clone, Debug)]
pub struct Config {
    /// Names the counting of lines, which begins anew with each start: a few
    /// letters and digits. Without one a client can't tell one start from another.
    pub run: String,
    /// What comes before each line.
    pub prefix: Prefix,
    /// Whether a sender gets its own lines too.
    pub echo: bool,
    /// A plain relay: no notices, names, commands, telnet or cleaning.
    pub raw: bool,
    /// Whether requests of HTTP are answered.
    pub has_web: bool,
    /// Whether TLS is spoken too: newcomers have time for a ClientHello.
    pub has_tls: bool,
    /// What this server may be called in a request, beside the addresses and names that
    /// it always may.
    pub hosts: Vec<String>,
    /// From where `/metrics` may be read, beside this machine. IPv6 networks have 64
    /// bits at most.
    pub metrics_networks: Vec<IpNet>,
    /// Clients at one time.
    pub clients_max: usize,
    /// Clients from one address.
    pub origin_limits: OriginLimits,
    /// Which addresses may connect: the first rule that matches decides.
    pub access: Vec<Rule>,
    /// The longest line in bytes, without its end.
    pub line_bytes_max: usize,
    /// Bytes of recent lines kept: how far behind a reader may fall.
    pub backlog_bytes_max: usize,
    /// How fast one client may talk; `None`: as fast as it can.
    pub rate: Option<Rate>,
    /// A line that a client has begun ends in this time, or the client is
    /// closed; `None`: whenever it likes.
    pub line_timeout: Option<Duration>,
    /// A client that sends nothing for so long is closed; `None`: it may stay.
    pub idle_timeout: Option<Duration>,
    /// A client that takes no byte of what it is owed for so long is closed;
    /// `None`: never.
    pub stall_timeout: Option<Duration>,
    /// What happens to a reader that falls out of the backlog.
    pub on_lag: OnLag,
    /// The comings and goings of people who say nothing are told together, once
    /// in so long, and newcomers are greeted when they have had time to say
    /// something first. Zero: all that is told at once, by name.
    pub fold_time: Duration,
    /// The room where everyone starts.
    pub lobby: String,
    /// Rooms at one time.
    pub rooms_max: usize,
    /// Lines of the past that a newcomer is shown.
    pub history_lines: u64,
    /// The zone of the times that people are shown.
    pub zone: TimeZone,
    /// What clients see of messages that asked for nothing else, beside the text.
    pub view: View,
    /// Whether `/whois` shows the addresses of clients.
    pub whois_address: bool,
    /// Whether there is a store that keeps what is said.
    pub has_store: bool,
    /// Rooms are shared with other servers.
    pub is_shared: bool,
    /// While these can't be reached, those who are here talk on alone.
    pub talks_alone: bool,
    /// Rooms of which nothing is stored.
    pub unstored: Vec<String>,
    /// If there is a store: names the counting of lines in those rooms, which begins anew
    /// with each start.
    pub unstored_run: String,
    /// How long the store keeps what is said, for people to know.
    pub keep: Option<Duration>,
    /// Names that only operators may take.
    pub reserved: Vec<String>,
    /// What newcomers have to type first.
    pub password: Option<Password>,
    /// What makes an operator.
    pub operator_password: Option<Password>,
    /// What programs are told that list servers; `None`: nothing.
    pub listing: Option<Listing>,
    /// What proofs of names (`/nick NAME SECRET`) are made with.
    pub proof_key: ProofKey,
}

/// What programs that list servers are told of this one, beside how many people there are
/// and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What it is called.
    pub name: String,
    /// The ports where clients can connect.
    pub ports: Vec<u16>,
}

/// What comes before each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// `<ann> hello`
    Nick,
    /// `<127.0.0.1:55821> hello`
    Addr,
    /// `hello`
    None,
}

/// What happens to a reader that falls out of the backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLag {
    /// It is told how many lines it missed, and goes on.
    Skip,
    /// It is closed.
    Close,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            run: String::new(),
            prefix: Prefix::Nick,
            echo: false,
            raw: false,
            has_web: false,
            has_tls: false,
            hosts: Vec::new(),
            metrics_networks: Vec::new(),
            clients_max: 10_000,
            origin_limits: OriginLimits::default(),
            access: Vec::new(),
            line_bytes_max: 4096,
            backlog_bytes_max: 4 * 1024 * 1024,
            rate: None,
            line_timeout: Some(Duration::from_secs(300)),
            idle_timeout: None,
            stall_timeout: Some(Duration::from_secs(90)),
            on_lag: OnLag::Skip,
            fold_time: Duration::ZERO,
            lobby: "lobby".into(),
            rooms_max: 64,
            history_lines: 0,
            zone: TimeZone::UTC,
            view: View::default(),
            whois_address: false,
            has_store: false,
            is_shared: false,
            talks_alone: true,
            unstored_run: String::new(),
            unstored: Vec::new(),
            keep: None,
            reserved: Vec::new(),
            password: None,
            operator_password: None,
            listing: None,
            proof_key: ProofKey::default(),
        }
    }
}

/// Bytes read from one client in one turn at most.
const READ_BYTES_MAX: usize = 64 * 1024;
/// Of all lines kept, the part of bytes (or records) that one read can come to
/// is at most a half: see `read_bytes_max`.
const READS_IN_BACKLOG: usize = 64;
/// The shortest line that the log is laid out for, prefix and all. Shorter ones
/// are kept in the same number, not in more.
const LINE_BYTES_TYPICAL: usize = 64;
/// Places for clients that haven't given the password: so many, or this part of
/// those for members.
const STRANGERS_MIN: usize = 16;
const STRANGERS_PART: usize = 4;
const BACKLOG_BYTES_MIN: usize = 64 * 1024;
/// Lines of the greatest length that a backlog holds at least. Cleaning can
/// make a line three times as long (U+FFFD for each byte).
const LONGEST_LINES_IN_BACKLOG: usize = 16;

impl Config {
    /// Whether the addresses of clients are kept.
    pub(super) fn keeps_address(&self) -> bool {
        self.prefix == Prefix::Addr || self.whois_address
    }

    /// Whether a room can have this name.
    pub fn is_name(word: &str) -> bool {
        Nick::parse(word).is_ok()
    }

    /// The smallest backlog in bytes that goes with `line_bytes_max`.
    pub fn backlog_bytes_min(line_bytes_max: usize) -> usize {
        BACKLOG_BYTES_MIN.max(line_bytes_max.saturating_mul(LONGEST_LINES_IN_BACKLOG))
    }

    /// Bytes that may be read from one client in one turn.
    ///
    /// A read can grow on its way into the log: `a\n` becomes `<name> a\n`, at
    /// most 32 times as long with the longest name and its proof, or the longest
    /// address. So one read
    /// comes to at most half a backlog, in bytes and in lines, and a reader that
    /// is not behind can't be lapped by it.
    pub fn read_bytes_max(&self) -> usize {
        READ_BYTES_MAX.min(self.backlog_bytes_max / READS_IN_BACKLOG)
    }

    /// Clients at one time that haven't given the password. They have places of
    /// their own, so that they can't take those of members.
    pub fn strangers_max(&self) -> usize {
        match self.password {
            Some(_) => STRANGERS_MIN.max(self.clients_max / STRANGERS_PART),
            // When an operator has locked the first room: they take places of clients.
            None => STRANGERS_MIN,
        }
    }

    /// Clients at one time in all, those that have just given way included.
    pub fn connections_max(&self) -> usize {
        match self.password {
            Some(_) => self.clients_max.saturating_add(2 * self.strangers_max()),
            None => self.clients_max,
        }
    }

    /// How many clients there may be where there are so many `places` in all.
    pub fn clients_max_of(places: usize, has_password: bool) -> usize {
        let strangers = STRANGERS_MIN.max(places / (STRANGERS_PART + 2));
        let clients = if has_password { places.saturating_sub(2 * strangers) } else { places };
        clients.max(1)
    }

    /// What a client sees of messages that asks for nothing else.
    pub(super) fn text_layout(&self) -> Layout {
        match self.prefix {
            _ if self.raw => Layout::Raw,
            Prefix::None => Layout::Bare,
            Prefix::Nick | Prefix::Addr => Layout::Named,
        }
    }

    /// Bytes of memory that the log of a room takes at most, and how many more
    /// it takes once a client has asked for JSON.
    pub fn log_bytes_max(&self) -> (usize, usize) {
        log::Log::bytes_max(self.log_limits())
    }

    pub(super) fn log_limits(&self) -> log::Limits {
        log::Limits {
            bytes_max: self.backlog_bytes_max,
            records_max: self.backlog_bytes_max / LINE_BYTES_TYPICAL,
        }
    }

    pub(super) fn framing(&self) -> Framing {
        Framing {
            line_bytes_max: self.line_bytes_max,
            raw: self.raw,
            has_web: self.has_web && !self.raw,
        }
    }
}
