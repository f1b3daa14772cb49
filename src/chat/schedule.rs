//! What the chat does without being asked, and in which order.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::Instant;

use crate::chat::close_reason::CloseReason;
use crate::chat::ids::ClientId;
use crate::chat::room::RoomId;

/// What is to be done at once, and what at a time.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    /// Clients whose input may go on, each once.
    resumes: VecDeque<ClientId>,
    /// The same ones, to be found.
    resuming: HashSet<ClientId>,
    /// Clients that have to go, as soon as there is headroom to say so.
    leaves: VecDeque<(ClientId, CloseReason)>,
    due: BTreeSet<(Instant, Due)>,
    /// Clients that are sent something now and then so that what lies between keeps
    /// the connection, and when, in that order: all have the same interval. Some may
    /// be gone.
    keepalives: VecDeque<(Instant, ClientId)>,
    /// Newcomers that may be spare connections of browsers, and when they are greeted
    /// after all, in that order. Some may be gone, or have spoken.
    spares: VecDeque<(Instant, ClientId)>,
}

/// What is to be done at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A client is to be looked at: its nearest deadline has come.
    Client(ClientId),
    /// A newcomer is to be greeted. It may be gone by then.
    Greeting(ClientId),
    /// A newcomer has had time to tell what its terminal is.
    Answers(ClientId),
    /// A room is to be told who came and went.
    Presence(RoomId),
    /// The mute with this number ends.
    Mute(u64),
    /// The engine is asked again how a room goes on. It may be gone by then.
    Reopening(RoomId),
}

impl Schedule {
    /// When something is due, `now` if at once.
    pub fn next_time(&self, now: Instant) -> Option<Instant> {
        let is_busy = !self.resumes.is_empty() || !self.leaves.is_empty();
        if is_busy {
            return Some(now);
        }
        let due = self.due.first().map(|(at, _)| *at);
        let fronts = [&self.keepalives, &self.spares].map(|queue| queue.front());
        let fronts = fronts.into_iter().flatten().map(|(at, _)| *at);
        due.into_iter().chain(fronts).min()
    }

    /// Lets a client's input go on, behind that of others. A client that waits for that already
    /// keeps its place.
    pub fn resume(&mut self, id: ClientId) {
        if self.resuming.insert(id) {
            self.resumes.push_back(id);
        }
    }

    pub fn next_resume(&mut self) -> Option<ClientId> {
        let id = self.resumes.pop_front()?;
        self.resuming.remove(&id);
        Some(id)
    }

    pub fn resume_count(&self) -> usize {
        self.resumes.len()
    }

    pub fn is_resuming(&self, id: ClientId) -> bool {
        self.resuming.contains(&id)
    }

    /// Lets a client go.
    pub fn leave(&mut self, id: ClientId, reason: CloseReason) {
        self.leaves.push_back((id, reason));
    }

    pub fn next_leave(&mut self) -> Option<(ClientId, CloseReason)> {
        self.leaves.pop_front()
    }

    pub fn set(&mut self, at: Instant, due: Due) {
        self.due.insert((at, due));
    }

    /// Takes back what was to be done at a time, if any.
    pub fn cancel(&mut self, at: Option<Instant>, due: Due) {
        if let Some(at) = at {
            self.due.remove(&(at, due));
        }
    }

    /// The next thing that is due at `now`.
    pub fn next_due(&mut self, now: Instant) -> Option<Due> {
        if self.due.first()?.0 > now {
            return None;
        }
        self.due.pop_first().map(|(_, due)| due)
    }

    /// Keeps the connection of a client from this time on.
    pub fn keep_alive(&mut self, at: Instant, id: ClientId) {
        self.keepalives.push_back((at, id));
    }

    /// Forgets clients that are gone, as far as they are next.
    pub fn forget_gone(&mut self, is_gone: impl Fn(ClientId) -> bool) {
        for queue in [&mut self.keepalives, &mut self.spares] {
            while queue.pop_front_if(|(_, id)| is_gone(*id)).is_some() {}
        }
    }

    /// Greets a newcomer at this time, which may be a spare connection of a browser.
    pub fn greet_spare(&mut self, at: Instant, id: ClientId) {
        self.spares.push_back((at, id));
    }

    pub fn next_spare(&mut self, now: Instant) -> Option<ClientId> {
        self.spares.pop_front_if(|(at, _)| *at <= now).map(|(_, id)| id)
    }

    /// The next client whose connection is to be kept at `now`.
    pub fn next_keepalive(&mut self, now: Instant) -> Option<ClientId> {
        self.keepalives.pop_front_if(|(at, _)| *at <= now).map(|(_, id)| id)
    }

    /// Nobody is greeted, told of or kept any more.
    pub fn end_presence(&mut self) {
        self.keepalives.clear();
        self.spares.clear();
        self.due.retain(|(_, due)| matches!(due, Due::Client(_)));
    }

    /// Rooms that are to be told something.
    pub fn rooms(&self) -> impl Iterator<Item = RoomId> {
        self.due.iter().filter_map(|(_, due)| match due {
            Due::Presence(room) => Some(*room),
            Due::Client(_) | Due::Greeting(_) | Due::Answers(_) | Due::Mute(_) => None,
            Due::Reopening(_) => None,
        })
    }

    /// When something is to be done.
    pub fn times_of(&self, due: Due) -> impl Iterator<Item = Instant> {
        self.due.iter().filter(move |(_, other)| *other == due).map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use slotmap::SlotMap;

    use super::*;

    /// Promise 25: a client gets no second turn by giving reasons for one again and again.
    #[test]
    fn a_client_waits_for_one_turn_at_a_time() {
        let (mut schedule, mut ids) = (Schedule::default(), SlotMap::with_key());
        let [ann, bob]: [ClientId; 2] = [(); 2].map(|()| ids.insert(()));
        for id in [ann, ann, bob, ann, bob] {
            schedule.resume(id);
        }
        assert_eq!((schedule.resume_count(), schedule.is_resuming(bob)), (2, true));
        assert_eq!(schedule.next_resume(), Some(ann));
        schedule.resume(ann);
        assert_eq!([(); 3].map(|()| schedule.next_resume()), [Some(bob), Some(ann), None]);
        assert!(!schedule.is_resuming(ann));
    }
}
