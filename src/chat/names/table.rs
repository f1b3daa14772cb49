//! Who has which name, and who wants a bell for it.

use std::hash::RandomState;

use hashbrown::HashTable;

use crate::chat::ids::ClientId;
use crate::chat::names::bells::Bells;
use crate::chat::names::guests::Guests;
use crate::chat::names::lookalikes::Looks;
use crate::chat::names::nick::Nick;

/// The names of clients, of which no two have a look in common. Holds ids only; the names
/// are with the sessions, which `nick_of` looks up.
#[derive(Debug, Default)]
pub(in crate::chat) struct Names {
    /// By what the names look like as they are written.
    written: Shards,
    /// By what they look like in lower case, if that is something else.
    folded: Shards,
    hasher: RandomState,
    bells: Bells,
    guests: Guests,
}

impl Names {
    /// A client whose name is this one or looks like it.
    pub fn find<'a>(
        &self,
        nick: &Nick,
        nick_of: impl Fn(ClientId) -> &'a Nick,
    ) -> Option<ClientId> {
        self.find_other(ClientId::default(), nick.looks(&self.hasher), nick_of)
    }

    /// Gives a newcomer the name of a guest.
    pub fn insert_guest<'a>(
        &mut self,
        id: ClientId,
        nick_of: impl Fn(ClientId) -> &'a Nick,
    ) -> Nick {
        loop {
            let nick = self.guests.next();
            let looks = nick.looks(&self.hasher);
            if self.find_other(id, looks, &nick_of).is_none() {
                self.insert_looks(id, looks, nick_of);
                return nick;
            }
        }
    }

    /// Nobody has seen this name of a guest, which is free again: the next guest may have
    /// it.
    pub fn take_back_guest(&mut self, nick: &Nick) {
        self.guests.take_back(nick);
    }

    /// Several servers have one counting of guests, and this one has the numbers up to
    /// `highest` from it.
    pub fn add_guests(&mut self, highest: u64, server: &str) {
        self.guests.add(highest, server);
    }

    /// Whether there are few numbers left for guests.
    pub fn wants_guests(&self) -> bool {
        self.guests.wants_more()
    }

    /// The same, once.
    pub fn ask_for_guests(&mut self) -> bool {
        self.guests.ask()
    }

    /// Gives somebody of another server a name that no one here has.
    pub fn insert<'a>(
        &mut self,
        id: ClientId,
        nick: &Nick,
        nick_of: impl Fn(ClientId) -> &'a Nick,
    ) {
        self.insert_looks(id, nick.looks(&self.hasher), nick_of);
    }

    /// Gives `id` the name `new` instead of `old`, and its bell the same.
    ///
    /// # Errors
    /// It isn't free: this other client's name is the same or looks like it.
    pub fn rename<'a>(
        &mut self,
        id: ClientId,
        old: &Nick,
        new: &Nick,
        nick_of: impl Fn(ClientId) -> &'a Nick,
    ) -> Result<(), ClientId> {
        let looks = new.looks(&self.hasher);
        if let Some(holder) = self.find_other(id, looks, &nick_of) {
            return Err(holder);
        }
        let has_bell = self.bells.has(old, id);
        self.remove(id, old);
        self.insert_looks(id, looks, nick_of);
        self.set_bell(id, new, has_bell);
        Ok(())
    }

    /// Frees the name that `id` has.
    pub fn remove(&mut self, id: ClientId, nick: &Nick) {
        let looks = nick.looks(&self.hasher);
        self.written.remove(looks.written, id);
        if looks.folded != looks.written {
            self.folded.remove(looks.folded, id);
        }
        self.set_bell(id, nick, false);
    }

    /// Whether `id`, whose name is this one, has it.
    pub fn holds<'a>(
        &self,
        id: ClientId,
        nick: &Nick,
        nick_of: impl Fn(ClientId) -> &'a Nick,
    ) -> bool {
        self.find(nick, nick_of) == Some(id)
    }

    /// All names are free.
    pub fn clear(&mut self) {
        let guests = std::mem::take(&mut self.guests);
        *self = Names { guests, ..Names::default() };
    }

    /// How many clients have names.
    pub fn len(&self) -> usize {
        self.written.len()
    }

    /// Whether `id` wants a bell when its name is said.
    pub fn set_bell(&mut self, id: ClientId, nick: &Nick, has_bell: bool) {
        if has_bell {
            self.bells.insert(nick, id);
        } else if self.bells.has(nick, id) {
            self.bells.remove(nick);
        }
    }

    pub fn bells(&self) -> &Bells {
        &self.bells
    }

    /// A client other than `id` whose name has one of these looks.
    fn find_other<'a>(
        &self,
        id: ClientId,
        looks: Looks,
        nick_of: impl Fn(ClientId) -> &'a Nick,
    ) -> Option<ClientId> {
        let looks_of = |id| nick_of(id).looks(&self.hasher);
        let has = |other: ClientId, look, of: fn(Looks) -> u64| {
            other != id && of(looks_of(other)) == look
        };
        [looks.written, looks.folded].into_iter().find_map(|look| {
            let written = self.written.find(look, |other| has(other, look, |looks| looks.written));
            written
                .or_else(|| self.folded.find(look, |other| has(other, look, |looks| looks.folded)))
        })
    }

    fn insert_looks<'a>(
        &mut self,
        id: ClientId,
        looks: Looks,
        nick_of: impl Fn(ClientId) -> &'a Nick,
    ) {
        let looks_of = |id| nick_of(id).looks(&self.hasher);
        self.written.insert(looks.written, id, |id| looks_of(id).written);
        if looks.folded != looks.written {
            self.folded.insert(looks.folded, id, |id| looks_of(id).folded);
        }
    }
}

/// How many tables there are in one.
const SHARDS: usize = 64;

/// A table of clients by a hash, made of many.
///
/// A table that grows hashes again all that is in it, and to find out what a
/// name looks like takes microseconds. So no insertion grows more than a small
/// part of the whole.
#[derive(Debug)]
struct Shards(Vec<HashTable<ClientId>>);

impl Shards {
    fn find(&self, hash: u64, is_it: impl Fn(ClientId) -> bool) -> Option<ClientId> {
        self.0[shard(hash)].find(hash, |&id| is_it(id)).copied()
    }

    fn insert(&mut self, hash: u64, id: ClientId, hash_of: impl Fn(ClientId) -> u64) {
        self.0[shard(hash)].insert_unique(hash, id, |&id| hash_of(id));
    }

    fn remove(&mut self, hash: u64, id: ClientId) {
        if let Ok(entry) = self.0[shard(hash)].find_entry(hash, |&other| other == id) {
            entry.remove();
        }
    }

    fn len(&self) -> usize {
        self.0.iter().map(HashTable::len).sum()
    }
}

impl Default for Shards {
    fn default() -> Self {
        Shards(vec![HashTable::new(); SHARDS])
    }
}

/// By bits that the table itself doesn't use: it takes those at both ends.
fn shard(hash: u64) -> usize {
    (hash >> 32) as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use slotmap::SlotMap;

    use super::*;
    use crate::chat::names::proof::ProofKey;

    #[test]
    fn a_name_is_held_with_and_without_a_proof() {
        let mut room = Room::default();
        let ann = room.add("ann");
        let bob = room.add("bob");
        let key = ProofKey::default();
        let proved = Nick::parse_with_secret("ann!secret", &key).expect("a name and a secret");
        assert_eq!(room.rename(bob, &proved), Err(ann));
        assert_eq!(room.rename(ann, &proved), Ok(()));
        assert_eq!(room.holder("ANN"), Some(ann));
        assert_eq!(room.rename(bob, &nick("ann")), Err(ann));
        assert_eq!(room.rename(ann, &nick("ann")), Ok(()));
        assert_eq!(room.table.len(), 2);
    }

    fn nick(word: &str) -> Nick {
        Nick::parse(word).expect(word)
    }

    /// Clients with names, as the sessions have them.
    #[derive(Default)]
    struct Room {
        nicks: SlotMap<ClientId, Nick>,
        table: Names,
    }

    impl Room {
        /// Adds a client, which must be free to take the name.
        fn add(&mut self, word: &str) -> ClientId {
            let nick = nick(word);
            let id = self.nicks.insert(nick.clone());
            assert_eq!(self.table.find(&nick, |id| &self.nicks[id]), None, "{word}");
            let looks = nick.looks(&self.table.hasher);
            self.table.insert_looks(id, looks, |id| &self.nicks[id]);
            id
        }

        fn rename(&mut self, id: ClientId, new: &Nick) -> Result<(), ClientId> {
            self.table.rename(id, &self.nicks[id], new, |id| &self.nicks[id])?;
            self.nicks[id] = new.clone();
            Ok(())
        }

        fn holder(&self, word: &str) -> Option<ClientId> {
            self.table.find(&nick(word), |id| &self.nicks[id])
        }
    }

    #[test]
    fn a_name_is_held_with_all_that_looks_like_it() {
        let mut room = Room::default();
        let bob = room.add("ВОВ");
        // As it is written and in lower case.
        for alike in ["bob", "BOB", "вов", "ВОв", "b0b"] {
            assert_eq!(room.holder(alike), Some(bob), "{alike}");
        }
        assert_eq!(room.rename(bob, &nick("eve")), Ok(()));
        for alike in ["bob", "вов"] {
            assert_eq!(room.holder(alike), None, "{alike}");
        }
        assert_eq!(room.holder("EVE"), Some(bob));
        assert_eq!(room.table.len(), 1);
    }

    #[test]
    fn a_name_may_look_like_ones_own_but_not_also_like_anothers() {
        let mut room = Room::default();
        let latin = room.add("bob");
        let cyrillic = room.add("вов");
        // It looks like both.
        assert_eq!(room.rename(latin, &nick("ВОВ")), Err(cyrillic));
        assert_eq!(room.rename(cyrillic, &nick("ВОВ")), Err(latin));
        assert_eq!(room.rename(latin, &nick("BOB")), Ok(()));
    }

    /// However many there are, one more looks at a small part of them.
    #[test]
    fn a_new_name_looks_at_few_others() {
        let mut room = Room::default();
        let letters: Vec<char> = ('а'..='я').collect();
        let digit = |number: usize, place: u32| letters[number / 32usize.pow(place) % 32];
        for number in 0..4096 {
            let word: String = (0..3).map(|place| digit(number, place)).collect();
            let nick = nick(&word);
            if room.holder(&word).is_some() {
                continue;
            }
            let id = room.nicks.insert(nick.clone());
            let looks = std::cell::Cell::new(0);
            let new = nick.looks(&room.table.hasher);
            room.table.insert_looks(id, new, |id| {
                looks.set(looks.get() + 1);
                &room.nicks[id]
            });
            assert!(looks.get() <= 200, "{} looks at the {number}th", looks.get());
        }
        assert!(room.table.len() > 3000, "{} names", room.table.len());
    }
}
