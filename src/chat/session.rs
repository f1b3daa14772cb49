//! The chat side of one client.

use std::time::Instant;

use super::ending::{Closing, Ending};
use super::nicks::Nick;
use super::reader::Reader;
use crate::wire::{Decoder, Refusals};

/// Notes that a client hasn't taken, in bytes; with more, its input waits.
pub(super) const NOTE_BYTES_MAX: usize = 16 * 1024;

/// One client, as the chat sees it.
#[derive(Debug)]
pub(super) struct Session {
    pub nick: Nick,
    /// Where it comes from; kept if lines are prefixed with it.
    pub address: Option<Box<str>>,
    pub decoder: Decoder,
    /// The telnet options refused so far; only for a client that speaks telnet.
    pub refusals: Option<Box<Refusals>>,
    pub reader: Reader,
    /// Bytes that were read but wait until the client takes its answers.
    pub held: Box<[u8]>,
    pub phase: Phase,
    /// The kernel takes no more for now.
    pub blocked: bool,
    /// It is in the flush queue.
    pub queued: bool,
    /// Since when the client has taken no byte that it is owed.
    pub stalled_since: Option<Instant>,
    /// When its timer is set to.
    pub timer: Option<Instant>,
}

/// How far a visit has come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// Both directions are open.
    Talking,
    /// The client closed its sending side. It stays a member until this time,
    /// for replies to what it said.
    Listening { until: Instant },
    /// It has to go, and the others will be told when there is headroom in the
    /// log. It gets no more lines until then.
    Parting { closing: Closing },
    /// It isn't a member any more. It gets what it is owed, until this time at
    /// the latest.
    Leaving { ending: Ending, until: Instant },
}

impl Session {
    pub fn new(nick: Nick, address: Option<Box<str>>, reader: Reader) -> Self {
        Session {
            nick,
            address,
            decoder: Decoder::default(),
            refusals: None,
            reader,
            held: Box::default(),
            phase: Phase::Talking,
            blocked: false,
            queued: false,
            stalled_since: None,
            timer: None,
        }
    }

    pub fn is_member(&self) -> bool {
        !matches!(self.phase, Phase::Leaving { .. })
    }

    /// Whether nothing can reach it any more.
    pub fn is_broken(&self) -> bool {
        matches!(self.phase, Phase::Parting { closing: Closing::Abrupt })
    }

    /// Whether more of its input may be taken in.
    pub fn wants_input(&self) -> bool {
        matches!(self.phase, Phase::Talking) && self.reader.note_bytes() <= NOTE_BYTES_MAX
    }

    /// The name for others; with the address if lines are prefixed with that.
    pub fn who(&self) -> String {
        match &self.address {
            Some(address) => format!("{} ({address})", self.nick.as_str()),
            None => self.nick.as_str().to_owned(),
        }
    }
}
