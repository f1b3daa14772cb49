//! Why a client is disconnected or refused, and how its connection is closed.

use std::time::Duration;

use ecow::EcoString;
use enum_map::{Enum, EnumMap};

use crate::wire::Protocol;

/// Every reason why a connection can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum CloseReason {
    /// It said `/quit`, or closed its sending side.
    Quit,
    /// Its connection broke.
    Reset,
    /// Its machine doesn't answer any more.
    Vanished,
    /// It took no byte for the stall limit.
    Stalled,
    /// It fell out of the log, and the server was told to close then.
    Lagged,
    /// It sent a line past the limit where it can't be told (raw mode).
    LineTooLong,
    /// It didn't finish a line in time.
    Unfinished,
    /// It sent nothing for too long.
    Idle,
    /// It didn't give the password in time, or gave a wrong one and no right one.
    NoPassword,
    /// Its TLS handshake failed or took too long.
    NoHandshake,
    /// It hadn't given the password when others needed its place.
    GaveWay,
    /// It has come back on another connection.
    Replaced,
    /// An operator sent it away.
    Kicked,
    /// An operator banned its address.
    Banned,
    /// It speaks another protocol.
    Foreign(Protocol),
    /// The server shuts down.
    Shutdown,
    /// It wasn't let in.
    Refused(Refused),
}

/// Every reason why a client isn't let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum Refused {
    /// There is no place for more clients.
    Full,
    /// There is no place for more clients from its address.
    PerAddress,
    /// Too many have come from its address lately.
    NewPerMinute,
    /// The server doesn't allow clients from its address.
    Denied,
    /// An operator has banned its address.
    Banned,
    /// An operator has locked the room.
    Locked,
    /// The system can't watch its connection.
    Unserved,
    /// It doesn't speak TLS.
    PlainText,
}

/// Why a client isn't let in, with the numbers that it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no place for more than these.
    Full {
        /// Clients that are here.
        clients: usize,
    },
    /// There is no place for more than these from its address.
    PerAddress {
        /// Clients that are here from there.
        clients: usize,
    },
    /// More than so many have come from its address in a minute.
    NewPerMinute {
        /// Connections that may come in a minute.
        connections: u32,
        /// When the next one may come.
        wait: Duration,
    },
    /// The server doesn't allow clients from its address.
    Denied,
    /// An operator has banned its address.
    Banned {
        /// For how many seconds more; `None`: for ever.
        seconds: Option<u32>,
        /// Why, if the operator has said it; else empty.
        reason: Box<str>,
    },
    /// The system can't watch its connection.
    Unserved,
    /// It doesn't speak TLS.
    PlainText {
        /// Host and port to connect to, if they are known.
        address: Option<(EcoString, u16)>,
    },
}

/// How many connections have ended for each reason.
pub type CloseReasons = EnumMap<CloseReason, u64>;

impl CloseReason {
    /// What others are told; a plain quit needs no reason.
    pub fn reason(self) -> Option<&'static str> {
        (self != CloseReason::Quit).then(|| self.name())
    }

    /// Whether the server ended it for a reason of the client's.
    pub fn is_forced(self) -> bool {
        use CloseReason::{Quit, Replaced, Reset, Shutdown};
        !matches!(self, Quit | Reset | Replaced | Shutdown)
    }

    /// The reason in a word or a few.
    pub fn name(self) -> &'static str {
        match self {
            CloseReason::Quit => "quit",
            CloseReason::Reset => "connection reset",
            CloseReason::Vanished => "stopped answering",
            CloseReason::Stalled => "stopped reading",
            CloseReason::Lagged => "too slow",
            CloseReason::LineTooLong => "line too long",
            CloseReason::Unfinished => "line not finished",
            CloseReason::Idle => "idle",
            CloseReason::NoPassword => "no password",
            CloseReason::NoHandshake => "no TLS handshake",
            CloseReason::GaveWay => "gave way",
            CloseReason::Replaced => "reconnected",
            CloseReason::Kicked => "kicked",
            CloseReason::Banned => "banned",
            CloseReason::Foreign(protocol) => protocol.name(),
            CloseReason::Shutdown => "shutdown",
            CloseReason::Refused(Refused::Full) => "full",
            CloseReason::Refused(Refused::PerAddress) => "too many from one address",
            CloseReason::Refused(Refused::NewPerMinute) => "too many a minute from one address",
            CloseReason::Refused(Refused::Denied) => "not allowed",
            CloseReason::Refused(Refused::Banned) => "refused for a ban",
            CloseReason::Refused(Refused::Locked) => "room locked",
            CloseReason::Refused(Refused::Unserved) => "not served",
            CloseReason::Refused(Refused::PlainText) => "plain text",
        }
    }
}

impl Refusal {
    /// The reason without its numbers.
    pub fn kind(&self) -> Refused {
        match self {
            Refusal::Full { .. } => Refused::Full,
            Refusal::PerAddress { .. } => Refused::PerAddress,
            Refusal::NewPerMinute { .. } => Refused::NewPerMinute,
            Refusal::Denied => Refused::Denied,
            Refusal::Banned { .. } => Refused::Banned,
            Refusal::Unserved => Refused::Unserved,
            Refusal::PlainText { .. } => Refused::PlainText,
        }
    }
}

/// How a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// All that the client was owed is with the kernel: say goodbye properly,
    /// so that it arrives.
    Polite,
    /// Nothing more will reach the client: drop the connection at once.
    Abrupt,
}
