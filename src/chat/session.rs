//! The chat side of one client.

use std::time::Instant;

use super::ending::{Closing, Ending};
use super::nicks::Nick;
use super::reader::Reader;
use crate::wire::{Decoder, Refusals};

/// Notes that a client hasn't taken, in bytes; with more, its input waits.
pub(super) const NOTE_BYTES_MAX: usize = 16 * 1024;

/// One client, as the chat sees it. What a client that only listens doesn't
/// need is boxed: it is most of them most of the time.
#[derive(Debug)]
pub(super) struct Session {
    pub nick: Nick,
    /// Where it comes from; kept if lines are prefixed with it.
    pub address: Option<Box<str>>,
    /// `None` between two lines.
    pub decoder: Option<Box<Decoder>>,
    /// The telnet options refused so far; only for a client that speaks telnet.
    pub refusals: Option<Box<Refusals>>,
    pub reader: Reader,
    pub phase: Phase,
    /// The kernel takes no more for now.
    pub blocked: bool,
    /// It is in the flush queue.
    pub queued: bool,
    waiting: Option<Box<Waiting>>,
}

/// How far a visit has come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// Both directions are open.
    Talking,
    /// The client closed its sending side. It stays a member for a while, for
    /// replies to what it said.
    Listening,
    /// It has to go, and the others will be told when there is headroom in the
    /// log. It gets no more lines until then.
    Parting { closing: Closing },
    /// It isn't a member any more. It gets what it is owed, if it takes it in
    /// time.
    Leaving { ending: Ending },
}

/// What a client is waited for.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// When its phase is over.
    pub until: Option<Instant>,
    /// Since when it has taken no byte that it is owed.
    pub stalled_since: Option<Instant>,
    /// When its timer is set to.
    pub timer: Option<Instant>,
    /// Bytes that were read but wait until it takes its answers.
    pub held: Vec<u8>,
}

impl Session {
    pub fn new(nick: Nick, address: Option<Box<str>>, reader: Reader) -> Self {
        Session {
            nick,
            address,
            decoder: None,
            refusals: None,
            reader,
            phase: Phase::Talking,
            blocked: false,
            queued: false,
            waiting: None,
        }
    }

    /// What it is waited for, to be looked at.
    pub fn waiting(&self) -> &Waiting {
        static NOTHING: Waiting =
            Waiting { until: None, stalled_since: None, timer: None, held: Vec::new() };
        self.waiting.as_deref().unwrap_or(&NOTHING)
    }

    /// Changes what it is waited for.
    pub fn set_waiting(&mut self, change: impl FnOnce(&mut Waiting)) {
        let waiting = self.waiting.get_or_insert_default();
        change(waiting);
        let Waiting { until: None, stalled_since: None, timer: None, held } = &**waiting else {
            return;
        };
        if held.is_empty() {
            self.waiting = None;
        }
    }

    /// Enters a phase that is over at `until`, if ever.
    pub fn enter(&mut self, phase: Phase, until: Option<Instant>) {
        self.phase = phase;
        self.set_waiting(|waiting| waiting.until = until);
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
