//! Names: what is one, and who has which.

use std::hash::{BuildHasher, RandomState};

use ecow::{EcoString, eco_format};
use hashbrown::HashTable;

use super::ClientId;

/// A name in characters (ASCII, so bytes too).
const NICK_CHARS_MAX: usize = 24;

/// A name as its owner wrote it. Takes 16 bytes, and no allocation up to 15
/// characters: so the name of a guest is never allocated.
#[derive(Clone, Debug, Default)]
pub(super) struct Nick(EcoString);

impl Nick {
    /// A name of letters, digits, `_`, `.` and `-`, 1 to 24 of them.
    pub fn parse(word: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let fits = (1..=NICK_CHARS_MAX).contains(&word.len());
        (fits && word.bytes().all(is_allowed)).then(|| Nick(word.into()))
    }

    pub fn guest(number: u64) -> Self {
        Nick(eco_format!("guest{number}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both are the same name; case makes no difference.
    pub fn is_same(&self, other: &Nick) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

/// Who has which name. Holds ids only; the names are with the sessions, which
/// `nick_of` looks up.
#[derive(Debug, Default)]
pub(super) struct NickTable {
    ids: HashTable<ClientId>,
    hasher: RandomState,
}

impl NickTable {
    /// The client that has this name.
    pub fn find<'a>(
        &self,
        nick: &Nick,
        nick_of: impl Fn(ClientId) -> &'a Nick,
    ) -> Option<ClientId> {
        self.ids.find(self.hash(nick), |&id| nick_of(id).is_same(nick)).copied()
    }

    /// Gives a name that nobody has to `id`.
    pub fn insert<'a>(
        &mut self,
        id: ClientId,
        nick: &Nick,
        nick_of: impl Fn(ClientId) -> &'a Nick,
    ) {
        let hasher = &self.hasher;
        let hash = hash(hasher, nick);
        self.ids.insert_unique(hash, id, |&id| self::hash(hasher, nick_of(id)));
    }

    /// Frees the name that `id` has.
    pub fn remove(&mut self, id: ClientId, nick: &Nick) {
        if let Ok(entry) = self.ids.find_entry(self.hash(nick), |&other| other == id) {
            entry.remove();
        }
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    fn hash(&self, nick: &Nick) -> u64 {
        hash(&self.hasher, nick)
    }
}

fn hash(hasher: &RandomState, nick: &Nick) -> u64 {
    hasher.hash_one(nick.0.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_1_to_24_letters_digits_and_three_signs() {
        let longest = "a".repeat(24);
        for word in ["a", "Ann", "guest1", "_.-", "0", &longest] {
            assert_eq!(Nick::parse(word).expect(word).as_str(), word);
        }
        let too_long = "a".repeat(25);
        for word in ["", "a b", "<ann>", "***", "ann:", "é", "a\u{200b}", "a/b", &too_long] {
            assert!(Nick::parse(word).is_none(), "{word}");
        }
    }

    #[test]
    fn the_name_of_a_guest_is_not_allocated() {
        assert_eq!(size_of::<Nick>(), 16);
        assert!(Nick::guest(9_999_999_999).as_str().len() <= EcoString::INLINE_LIMIT);
    }

    #[test]
    fn case_makes_no_difference() {
        let nick = |word| Nick::parse(word).expect("a name");
        assert!(nick("Ann").is_same(&nick("aNN")));
        assert!(!nick("ann").is_same(&nick("anna")));
    }
}
