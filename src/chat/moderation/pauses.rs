//! Slow mode: who has said a line in a room lately, and has to wait before the next one.

use std::time::Instant;

use ecow::EcoString;
use hashbrown::HashMap;

use crate::chat::admission::address_limits::Network;
use crate::chat::ids::ClientId;
use crate::chat::room::RoomId;

/// Pauses that are known. Users beyond them needn't wait.
const PAUSES_MAX: usize = 10_000;

/// With fewer of them nobody looks for those that are over.
const PAUSES_MIN: usize = 64;

/// By what a user is known. A connection that comes after one that is gone is taken for the
/// same user's if it comes from the same address, or has the same name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::chat) enum Speaker {
    Client(ClientId),
    From(Network),
    Named(EcoString),
}

/// Until when, and which client has begun it.
type Pause = (Instant, ClientId);

/// All pauses, some of which may be over.
#[derive(Debug, Default)]
pub(in crate::chat) struct Pauses {
    pauses: HashMap<(RoomId, Speaker), Pause>,
    /// With so many those that are over are taken out.
    tidy_at: usize,
}

impl Pauses {
    /// A client has said a line, and has to wait now.
    pub fn begin(&mut self, now: Instant, room: RoomId, speaker: Speaker, pause: Pause) {
        if self.pauses.len() >= self.tidy_at.max(PAUSES_MIN) {
            self.pauses.retain(|_, (until, _)| *until > now);
            self.tidy_at = 2 * self.pauses.len();
        }
        let key = (room, speaker);
        if self.pauses.len() < PAUSES_MAX || self.pauses.contains_key(&key) {
            self.pauses.insert(key, pause);
        }
    }

    /// Until when a user has to wait, and which client has begun that.
    pub fn get(&self, now: Instant, room: RoomId, speaker: Speaker) -> Option<Pause> {
        self.pauses.get(&(room, speaker)).copied().filter(|(until, _)| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn pauses_end_and_have_a_limit() {
        let (now, room, mut pauses) = (crate::some_time(), RoomId::default(), Pauses::default());
        let client = |number| Speaker::Client(ClientId::elsewhere(number));
        let until = now + Duration::from_secs(5);
        let count = PAUSES_MAX as u32;
        for number in 0..count + 1 {
            pauses.begin(now, room, client(number), (until, ClientId::default()));
        }
        let has = |pauses: &Pauses, at, number| pauses.get(at, room, client(number)).is_some();
        assert!(has(&pauses, now, 0) && !has(&pauses, now, count) && !has(&pauses, until, 0));
        pauses.tidy_at = 0;
        pauses.begin(
            until,
            room,
            client(count),
            (until + Duration::from_secs(5), ClientId::default()),
        );
        assert!(has(&pauses, until, count));
        assert_eq!(pauses.pauses.len(), 1, "what is over takes no place");
    }
}
