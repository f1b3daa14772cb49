//! The chat side of one client.

mod state;
mod waiting;

use std::time::Instant;

use crate::chat::admission::address_limits::OriginId;
use crate::chat::close_reason::{CloseReason, Closing};
use crate::chat::moderation::mutes::Muting;
use crate::chat::names::nick::Nick;
use crate::chat::room::RoomId;
use crate::chat::room::cursor::Reader;
use crate::wire::{Client, Request, Stage};

pub(super) use self::state::{Phase, Standing, State};
pub(super) use self::waiting::{Claim, Correspondent, Intro, Reading, Unsaid, Waiting};

/// Notes that a client hasn't taken, in bytes; with more, its input waits.
pub(super) const NOTE_BYTES_MAX: usize = 16 * 1024;

/// When a client has said something that has said nothing.
const NEVER: u32 = u32::MAX;

/// One client, as the chat sees it.
#[derive(Debug)]
pub(super) struct Session {
    pub nick: Nick,
    pub reader: Reader,
    state: State,
    /// How far its input has come.
    pub stage: Stage,
    pub room: RoomId,
    /// Its place among the members of the room.
    pub place: u32,
    /// When it came, and when it said something last or `NEVER`: seconds since the
    /// start.
    pub since: u32,
    pub spoke: u32,
    /// Where it comes from.
    pub origin: OriginId,
    /// The kernel takes no more for now.
    pub blocked: bool,
    pub turn: Turn,
    /// What the caller was told last to wait for on its socket.
    pub told_interest: Interest,
    /// `None` if there is nothing in it: so it is for most clients most of the
    /// time.
    rare: Option<Box<RareState>>,
}

// Promised in docs/performance.md: an idle client takes 200 bytes, this among them.
const _: () = assert!(size_of::<Session>() <= 88);

/// Whether a client waits in the flush queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    None,
    Queued,
    /// It was put in front, because lines that it asked for are about to be dropped.
    First,
    /// It has its turn: it is being written to.
    Prepared,
}

/// What the caller may do with a client's socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Wait for bytes of the client.
    pub read: bool,
    /// Wait until the kernel takes more for the client.
    pub write: bool,
}

/// What a client that listens and speaks in whole lines doesn't need.
#[derive(Debug)]
pub(super) struct RareState {
    /// Where it comes from; kept if lines are prefixed with it.
    pub address: Option<Box<str>>,
    /// Its input, if there is more to it than the stage.
    pub client: Client,
    /// Bytes that were read but wait until the client takes its answers.
    pub held: Vec<u8>,
    /// Since when it has taken no byte that it is owed.
    pub stalled_since: Option<Instant>,
    /// It talks too fast: nothing more is taken in until then.
    pub throttled_until: Option<Instant>,
    /// Since when a line is begun.
    pub line_started_at: Option<Instant>,
    /// When it sent something last, if that matters.
    pub last_heard_at: Option<Instant>,
    /// When it was told that it will be closed because it is idle.
    pub warned: Option<Instant>,
    /// Nothing reaches it any more, and why; but something of it may still be
    /// read.
    pub write_broken: Option<CloseReason>,
    /// When its program is to have said whether it lets the server edit its line.
    pub edit_ends_at: Option<Instant>,
    /// When its state is over.
    pub state_ends_at: Option<Instant>,
    /// When its timer is set to.
    pub timer: Option<Instant>,
    /// What it wants that has to wait.
    pub waiting: Option<Waiting>,
    /// How far it is in what is stored.
    pub reading: Option<Box<Reading>>,
    /// The numbers of the first and the last line that its request has said so far.
    pub posted: Option<(u64, u64)>,
    /// Lines of its request that have no place yet.
    pub unplaced: usize,
    /// Lines of its request that weren't said.
    pub unsaid: Option<Box<Unsaid>>,
    /// The registered name that its user has shown to own.
    pub account: Option<Nick>,
    /// A registered name that it wanted and has no secret for so far.
    pub wanted: Option<Nick>,
    /// A name that it may have.
    pub claim: Option<Box<Claim>>,
    /// What it has asked for, until it has given the password.
    pub request: Option<Box<Request>>,
    /// Why it is away, if it is.
    pub away: Option<Box<str>>,
    /// The sender of its last private message.
    pub correspondent: Option<Correspondent>,
    /// Wrong passwords that it has given.
    pub password_attempts: u8,
    /// It has said whether it wants colors; what its terminal has doesn't matter.
    pub has_chosen_colors: bool,
    /// It has been told that what it sends isn't UTF-8.
    pub is_told_utf8: bool,
    /// It has been told that it sends too fast.
    pub is_told_rate: bool,
    pub is_operator: bool,
    /// An operator lets nobody hear it.
    pub muting: Option<Muting>,
}

impl RareState {
    const EMPTY: RareState = RareState {
        address: None,
        client: Client::at(Stage::Sniffing),
        held: Vec::new(),
        stalled_since: None,
        throttled_until: None,
        line_started_at: None,
        last_heard_at: None,
        warned: None,
        write_broken: None,
        edit_ends_at: None,
        state_ends_at: None,
        timer: None,
        waiting: None,
        reading: None,
        posted: None,
        unplaced: 0,
        unsaid: None,
        account: None,
        wanted: None,
        claim: None,
        request: None,
        away: None,
        correspondent: None,
        password_attempts: 0,
        has_chosen_colors: false,
        is_told_utf8: false,
        is_told_rate: false,
        is_operator: false,
        muting: None,
    };

    fn at(stage: Stage) -> Self {
        RareState { client: Client::at(stage), ..RareState::EMPTY }
    }

    fn is_empty(&self) -> bool {
        let times = [
            self.stalled_since,
            self.throttled_until,
            self.line_started_at,
            self.last_heard_at,
            self.warned,
            self.edit_ends_at,
            self.state_ends_at,
            self.timer,
        ];
        let is_told = self.is_told_utf8 || self.is_told_rate || self.has_chosen_colors;
        let is_privileged = self.is_operator || self.muting.is_some();
        times.iter().all(Option::is_none)
            && self.address.is_none()
            && self.client.is_at_rest()
            && self.held.is_empty()
            && self.write_broken.is_none()
            && self.waiting.is_none()
            && self.reading.is_none()
            && self.posted.is_none()
            && self.unplaced == 0
            && self.unsaid.is_none()
            && self.account.is_none()
            && self.wanted.is_none()
            && self.claim.is_none()
            && self.request.is_none()
            && self.away.is_none()
            && self.correspondent.is_none()
            && self.password_attempts == 0
            && !is_told
            && !is_privileged
    }
}

impl Session {
    pub fn new(nick: Nick, room: RoomId, reader: Reader, now: u32) -> Self {
        let state = State::Member(Standing::Arriving, Phase::Talking);
        let (blocked, turn) = (false, Turn::None);
        let (since, spoke, place, rare) = (now, NEVER, 0, None);
        let (origin, stage) = (OriginId::LOCAL, Stage::Sniffing);
        Session {
            nick,
            reader,
            state,
            stage,
            room,
            place,
            since,
            spoke,
            origin,
            blocked,
            turn,
            told_interest: Interest { read: true, write: false },
            rare,
        }
    }

    pub fn rare(&self) -> &RareState {
        static EMPTY: RareState = RareState::EMPTY;
        self.rare.as_deref().unwrap_or(&EMPTY)
    }

    /// Whether its user has shown to own this registered name.
    pub fn owns(&self, name: &str) -> bool {
        self.rare().account.as_ref().is_some_and(|account| account.as_str() == name)
    }

    /// Whether it has sent at least a byte.
    pub fn has_sent(&self) -> bool {
        self.stage != Stage::Sniffing || self.rare().client.has_sent()
    }

    pub fn has_spoken(&self) -> bool {
        self.spoke != NEVER
    }

    /// When it said something last, or came.
    pub fn silent_since(&self) -> u32 {
        if self.has_spoken() { self.spoke } else { self.since }
    }

    /// Whether it has no rare state.
    pub fn is_plain(&self) -> bool {
        self.rare.is_none()
    }

    /// Whether input of it waits.
    pub fn is_holding(&self) -> bool {
        let waits = |rare: &RareState| !rare.held.is_empty() || rare.client.has_pending();
        self.rare.as_deref().is_some_and(waits)
    }

    /// Whether it is sent nothing yet: its greeting comes first, or the end of
    /// its visit if it has to go before.
    pub fn is_ungreeted(&self) -> bool {
        use Phase::{Parting, Talking};
        matches!(self.state, State::Member(Standing::Arriving, Talking | Parting(_)))
    }

    pub fn set_rare<T>(&mut self, change: impl FnOnce(&mut RareState) -> T) -> T {
        let stage = self.stage;
        let rare = self.rare.get_or_insert_with(|| Box::new(RareState::at(stage)));
        let result = change(rare);
        self.stage = rare.client.stage();
        if rare.is_empty() {
            self.rare = None;
        }
        result
    }

    /// Lets `change` have its input. While there is nothing to it but the stage, it
    /// takes no place.
    pub fn set_client<T>(&mut self, change: impl FnOnce(&mut Client) -> T) -> T {
        if self.rare.is_some() {
            return self.set_rare(|rare| change(&mut rare.client));
        }
        let mut client = Client::at(self.stage);
        let result = change(&mut client);
        self.stage = client.stage();
        if !client.is_at_rest() {
            self.set_rare(|rare| rare.client = client);
        }
        result
    }

    /// Lets `change` put what its reader has on its screen.
    pub fn compose(&mut self, change: impl FnOnce(&mut Client, &mut Reader, &str) -> bool) -> bool {
        let Session { rare, reader, nick, .. } = self;
        let change = |rare: &mut Box<RareState>| change(&mut rare.client, reader, nick.as_str());
        let is_ready = rare.as_mut().is_some_and(change);
        // What is on the screen may have been all that there was.
        self.set_rare(|_| ());
        is_ready
    }

    /// Enters a state that is over at `until`, if ever.
    pub fn enter(&mut self, state: State, until: Option<Instant>) {
        self.state = state;
        self.set_rare(|rare| rare.state_ends_at = until);
    }

    pub fn state(&self) -> State {
        self.state
    }

    pub fn is_member(&self) -> bool {
        matches!(self.state, State::Member(..))
    }

    /// Whether it may still send something.
    pub fn is_talking(&self) -> bool {
        matches!(self.state, State::Member(_, Phase::Talking))
    }

    pub fn is_leaving(&self) -> bool {
        matches!(self.state, State::Leaving(_))
    }

    /// Changes why it leaves.
    pub fn set_reason(&mut self, reason: CloseReason) {
        if let State::Leaving(old) = &mut self.state {
            *old = reason;
        }
    }

    /// What the others know of it; nothing once it has left.
    pub fn standing(&self) -> Option<Standing> {
        match self.state {
            State::Member(standing, _) => Some(standing),
            State::Leaving(_) => None,
        }
    }

    /// Changes what the others know of a member.
    pub fn set_standing(&mut self, standing: Standing) {
        if let State::Member(old, _) = &mut self.state {
            *old = standing;
        }
    }

    /// Changes what a member may still do, until then if it ends by itself.
    pub fn set_phase(&mut self, phase: Phase, until: Option<Instant>) {
        if let State::Member(standing, _) = self.state {
            self.enter(State::Member(standing, phase), until);
        }
    }

    /// Whether nothing can reach it any more.
    pub fn is_broken(&self) -> bool {
        matches!(self.state, State::Member(_, Phase::Parting(Closing::Abrupt)))
            || self.rare().write_broken.is_some()
    }

    /// What to wait for on its socket.
    pub fn interest(&self) -> Interest {
        Interest {
            read: self.wants_input() && !self.is_holding(),
            write: self.blocked && !self.is_broken(),
        }
    }

    /// Whether it has made a request that isn't answered yet.
    pub fn awaits_answer(&self) -> bool {
        self.rare.as_deref().is_some_and(|rare| {
            let is_to_come = matches!(rare.waiting, Some(Waiting::Request(_) | Waiting::Places));
            is_to_come || rare.client.is_asking()
        })
    }

    /// Whether more of its input may be taken in.
    pub fn wants_input(&self) -> bool {
        self.is_talking()
            && self.reader.note_bytes() <= NOTE_BYTES_MAX
            && self
                .rare
                .as_deref()
                .is_none_or(|rare| rare.waiting.is_none() && rare.throttled_until.is_none())
    }
}
