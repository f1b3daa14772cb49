//! What the loop of a server does with a chat, over sockets that are fake.

use std::time::{Duration, Instant};

use roomcast::chat::{Arrival, Chat, ClientId, Config, Interest, Refusal};
use slotmap::{SecondaryMap, SlotMap};

/// The time on the wall at the beginning: 2026-11-21, noon.
pub const NOON: u64 = 1_795_262_400;

/// A chat, a clock and a poller.
pub struct Driver {
    pub chat: Chat,
    pub now: Instant,
    start: Instant,
    /// Seconds that the clock on the wall is ahead of the time that has passed.
    wall_ahead: i64,
    /// The number of each client that is connected, by its id; places are reused.
    pub ids: SlotMap<ClientId, usize>,
    /// What the poller was told to wait for; only as current as the real one.
    pub interests: SecondaryMap<ClientId, Interest>,
    /// Clients that are gone, for events that come too late.
    pub gone: Vec<ClientId>,
}

// Each of the two programs uses a part of it.
#[allow(dead_code)]
impl Driver {
    pub fn new(config: Config) -> Driver {
        let now = Instant::now();
        let mut chat = Chat::new(config, now);
        chat.set_unix_time(NOON);
        let (ids, interests, gone) = (SlotMap::with_key(), SecondaryMap::new(), Vec::new());
        Driver { chat, now, start: now, wall_ahead: 0, ids, interests, gone }
    }

    /// A client connects. One that isn't let in is to be told why, and then closed.
    pub fn open(&mut self, number: usize, arrival: &Arrival) -> (ClientId, Result<(), Refusal>) {
        let id = self.ids.insert(number);
        self.interests.insert(id, Interest { read: true, write: false });
        (id, self.chat.handle_open(self.now, id, arrival))
    }

    /// A connection is closed; gives the number of its client.
    pub fn close(&mut self, id: ClientId) -> usize {
        self.interests.remove(id);
        self.gone.push(id);
        self.ids.remove(id).expect("it was connected")
    }

    /// The id of a client that is connected.
    pub fn id(&self, number: usize) -> ClientId {
        self.id_of(number).expect("it is connected")
    }

    /// The id of a client, if it is connected.
    pub fn id_of(&self, number: usize) -> Option<ClientId> {
        self.ids.iter().find(|(_, other)| **other == number).map(|(id, _)| id)
    }

    pub fn update_interest(&mut self, id: ClientId) {
        if self.ids.contains_key(id) {
            self.interests.insert(id, self.chat.interest(id));
        }
    }

    /// A client's connection is broken.
    pub fn break_off(&mut self, id: ClientId, has_vanished: bool) {
        match has_vanished {
            true => self.chat.handle_vanished(id),
            false => self.chat.handle_reset(id),
        }
    }

    pub fn sleep(&mut self, time: Duration) {
        self.now += time;
        let wall = NOON + (self.now - self.start).as_secs();
        self.chat.set_unix_time(wall.saturating_add_signed(self.wall_ahead));
    }

    /// The clock on the wall is set, to so many seconds ahead of what it was.
    pub fn set_wall_ahead(&mut self, seconds: i64) {
        self.wall_ahead = seconds;
        self.sleep(Duration::ZERO);
    }

    /// Whether the chat has something to do now.
    pub fn is_due(&self) -> bool {
        self.chat.poll_timeout(self.now).is_some_and(|at| at <= self.now)
    }

    /// Whatever comes for a client that is gone touches nobody.
    pub fn send_late_events(&mut self, id: ClientId) {
        self.chat.handle_bytes(self.now, id, b"too late\n");
        self.chat.handle_writable(id);
        self.chat.handle_eof(self.now, id);
        self.chat.handle_reset(id);
        assert_eq!(self.chat.interest(id), Interest::default());
    }
}
