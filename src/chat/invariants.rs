//! What always holds between two calls, for the simulation to check.

use std::collections::BTreeSet;

use super::state::{Chat, Output};
use crate::chat::admission::address_limits::OriginId;
use crate::chat::close_reason::CloseReason;
use crate::chat::ids::ClientId;
use crate::chat::linking::directory::Remote;
use crate::chat::linking::people::nick_of;
use crate::chat::member::{NOTE_BYTES_MAX, Session, Standing, State, Turn, Waiting};
use crate::chat::room::RoomId;
use crate::chat::schedule::Due;
use crate::wire::{Encoding, FIRST_BYTES, KeptName};

/// The longest answer in bytes, which is the page, as far as it is longer than what may wait.
const ANSWER_BYTES_MAX: usize = 32 * 1024;

/// A page from the store, in bytes of any encoding.
const PAGE_BYTES_MAX: usize = 64 * 1024;

impl Chat {
    /// Panics if something is wrong with the state as a whole. Slow.
    #[doc(hidden)]
    pub fn assert_invariants(&self) {
        for (id, room) in self.rooms.all() {
            room.log.assert_limits();
            assert!(self.rooms.is_listed(id), "{id:?}: lines for nobody");
            for (place, member) in (0..).zip(room.members()) {
                let session = &self.sessions[*member];
                assert!(session.room == id && session.place == place, "{member:?}: its place");
            }
        }
        self.assert_rooms();
        let members = self.sessions.values().filter(|session| session.is_member()).count();
        let places: usize = self.rooms.all().map(|(_, room)| room.members().len()).sum();
        assert_eq!(places, members, "each member is in one room");
        for (id, session) in &self.sessions {
            self.assert_queued(id, session);
            let is_told = self.outputs.contains(&Output::Interest(id));
            assert!(is_told || session.told_interest == session.interest(), "{id:?}: interest");
            self.assert_bounded(id, session);
            let timers = self.schedule.times_of(Due::Client(id));
            assert!(timers.eq(session.rare().timer), "{id:?}: one timer at most");
        }
        let gives_way =
            |session: &&Session| session.state() == State::Leaving(CloseReason::GaveWay);
        let giving_way = self.sessions.values().filter(gives_way).count();
        assert_eq!(self.admission.giving_way(), giving_way, "strangers that give way");
        assert!(giving_way <= self.config.strangers_max(), "{giving_way} of them");
        let has_bell = |(id, session): &(ClientId, &Session)| {
            session.is_member() && self.names.bells().has(&session.nick, *id)
        };
        let bells = self.sessions.iter().filter(has_bell).count();
        assert_eq!(self.names.bells().len(), bells, "a bell of nobody");
        let is_counted = |session: &&Session| session.origin != OriginId::LOCAL;
        let counted = self.sessions.values().filter(is_counted).count();
        assert_eq!(self.admission.client_count(), counted, "places of addresses");
        let throttled: BTreeSet<_> =
            self.sessions.keys().filter(|id| self.is_throttled(*id)).collect();
        assert_eq!(
            self.pace.throttled().collect::<BTreeSet<_>>(),
            throttled,
            "clients that are throttled"
        );
        assert!(self.pace.known().all(|id| self.sessions.contains_key(id)), "a pace of nobody");
        let mut visitors = self.visits.known();
        assert!(visitors.all(|id| self.sessions.contains_key(id)), "a visit of nobody");
        for session in self.sessions.values().filter(|session| session.is_member()) {
            let is_own = |kept: &KeptName| session.owns(&kept.name);
            let owners = self.registered.alike(&session.nick);
            assert!(owners.into_iter().all(is_own), "{:?}: without its secret", session.nick);
        }
        if !self.config.raw && !self.is_shutting_down {
            let knocking = self.sessions.keys().filter(|&id| self.is_logging_in(id));
            let named = members - knocking.filter(|&id| self.sessions[id].is_member()).count();
            let elsewhere = self.directory.everybody();
            let nick_of = nick_of(&self.sessions, &self.directory);
            let holds = |(id, it): &(ClientId, &Remote)| self.names.holds(*id, &it.nick, &nick_of);
            let named = named + elsewhere.filter(holds).count();
            assert_eq!(self.names.len(), named, "each member has one name");
        }
    }

    /// A room exists as long as it is needed, and its presence is right.
    fn assert_rooms(&self) {
        assert!(self.rooms.len() <= self.config.rooms_max, "{} rooms", self.rooms.len());
        for (id, room) in self.rooms.all() {
            let readers = self.sessions.values().filter(|session| session.room == id).count();
            assert_eq!(room.readers(), readers, "{id:?}: readers");
            assert_eq!(room.log.readers(), self.encodings_in(id), "{id:?}: who needs an image");
            let is_kept = id == self.rooms.lobby() || Some(id) == self.rooms.login();
            assert!(readers > 0 || is_kept, "{id:?}: nobody needs it");
            let is_counted =
                |id: &&ClientId| self.sessions[**id].standing() == Some(Standing::Counted);
            let counted = room.members().iter().filter(is_counted).count();
            room.presence.assert_true(counted);
            let notices = self.schedule.times_of(Due::Presence(id));
            assert!(notices.eq(room.presence.due_at), "{id:?}: one notice to come at most");
        }
        let rooms: Vec<_> = self.rooms.all().map(|(id, _)| id).collect();
        assert!(self.schedule.rooms().all(|id| rooms.contains(&id)), "a notice for no room");
    }

    /// How many clients in a room want each encoding.
    fn encodings_in(&self, id: RoomId) -> [usize; Encoding::COUNT] {
        let mut counts = [0; Encoding::COUNT];
        for session in self.sessions.values().filter(|session| session.room == id) {
            if let Some(index) = session.reader.newest_encoding().index() {
                counts[index] += 1;
            }
        }
        counts
    }

    /// Nobody waits for a write that will never be tried.
    fn assert_queued(&self, id: ClientId, session: &Session) {
        let places = self.flush.count(id);
        assert_eq!(places, usize::from(session.turn != Turn::None), "{id:?}: places in the queue");
        let room = &self.rooms[session.room];
        let is_due = session.turn == Turn::None
            && !session.blocked
            && !room.is_dirty()
            && !session.is_ungreeted();
        if is_due {
            assert!(session.reader.is_done(&room.log), "{id:?}: forgotten");
            let waiting = session.rare().waiting.as_ref().filter(|_| session.is_member());
            let is_waiting = match waiting {
                None => false,
                Some(Waiting::Lines(_)) => !session.reader.is_held(),
                Some(Waiting::Answer(_) | Waiting::Secret | Waiting::Request(_)) => {
                    !self.lookups.has(id)
                }
                Some(Waiting::Places) => session.rare().unplaced == 0,
            };
            assert!(
                !is_waiting || self.schedule.is_resuming(id),
                "{id:?}: its command is forgotten"
            );
            assert!(session.rare().client.screen().is_empty(), "{id:?}: forgotten on its screen");
            let is_held = session.reader.is_held();
            assert!(is_held || !session.is_leaving(), "{id:?}: not ended");
            let reading = session.rare().reading.as_ref();
            let is_asked = reading.is_some_and(|reading| reading.is_asked);
            assert_eq!(is_held, is_asked, "{id:?}: its page is forgotten");
            assert!(!is_asked || self.lookups.has(id), "{id:?}: nobody is asked");
        }
    }

    fn assert_bounded(&self, id: ClientId, session: &Session) {
        let note_bytes = session.reader.note_bytes();
        let page = if session.rare().reading.is_some() { PAGE_BYTES_MAX } else { 0 };
        let most = NOTE_BYTES_MAX + ANSWER_BYTES_MAX + page;
        assert!(note_bytes <= most, "{id:?}: {note_bytes} in notes");
        // The first bytes may have waited for others.
        let held_max = self.config.read_bytes_max() + FIRST_BYTES;
        assert!(session.rare().held.len() <= held_max, "{id:?}: held");
        let goes_on = note_bytes > NOTE_BYTES_MAX
            || self.schedule.is_resuming(id)
            || session.rare().throttled_until.is_some()
            || session.rare().waiting.is_some();
        if session.is_talking() {
            assert!(session.rare().held.is_empty() || goes_on, "{id:?}: held for ever");
            let is_deaf = session.rare().write_broken.is_some();
            let may_go_on = self.interest(id).read
                || self.schedule.is_resuming(id)
                || session.rare().throttled_until.is_some();
            assert!(!is_deaf || may_go_on, "{id:?}: never ended");
        }
    }
}
