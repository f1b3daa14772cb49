//! Names: what is one, and who has which.

pub(super) mod lookalikes;
pub(super) mod proof;
pub(super) mod bells;

use std::hash::RandomState;

use ecow::{EcoString, eco_format};
use hashbrown::HashTable;
use unicode_bidi::{BidiClass, bidi_class};
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_security::{GeneralSecurityProfile, MixedScript};

use self::bells::Bells;
use self::lookalikes::Looks;
use self::proof::{PROOF_CHARS, PROOF_SIGN, ProofKey, Secret};
use crate::chat::ids::ClientId;

/// A name in characters.
pub(super) const NAME_CHARS_MAX: usize = 24;

/// A name in bytes of UTF-8.
pub(super) const NAME_BYTES_MAX: usize = 48;

// `a\n` comes to `<name!proof> a\n`: `Config::read_bytes_max` counts on that.
const _: () = assert!("<> a\n".len() + NAME_BYTES_MAX + 1 + PROOF_CHARS <= 32 * "a\n".len());

/// More bytes than these are too many for a name however they are composed.
const WORD_BYTES_MAX: usize = 12 * NAME_BYTES_MAX;

/// Marks in a row. A Burmese syllable (`ကျော်`) has as many, and UTS 39, section
/// 5.4, allows no more.
const MARKS_MAX: usize = 4;

/// Of these, the marks that stand above or below others: those with a
/// combining class.
const STACKED_MAX: usize = 2;

/// A name as its owner wrote it, in NFC, and its proof if there is one. Takes 16 bytes, and no allocation up
/// to 15 bytes of UTF-8: so the name of a guest is never allocated.
#[derive(Clone, Debug, Default)]
pub(super) struct Nick(EcoString);

/// Why a word isn't a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameError {
    Missing,
    TooLong,
    /// It is more than one word.
    Words,
    /// No name has this character.
    Character(char),
    /// This character is of another script than those before it.
    MixedScripts(char),
    /// It begins with a mark that belongs on a letter.
    BeginsWithMark,
    TooManyMarks,
    /// A name from right to left that others could be shown like, because of
    /// how it begins or ends.
    Direction,
    /// The same because of its digits.
    MixedDigits,
    /// What is after the name is no secret.
    Secret,
}

impl Nick {
    /// A name is made of letters, marks and digits of one script, `_`, `.` and
    /// `-`, 1 to 24 of them.
    pub fn parse(word: &str) -> Result<Self, NameError> {
        if word.len() > WORD_BYTES_MAX {
            return Err(NameError::TooLong);
        }
        let is_composed = is_nfc_quick(word.chars()) == IsNormalized::Yes;
        let name: EcoString = if is_composed { word.into() } else { word.nfc().collect() };
        if name.is_empty() {
            return Err(NameError::Missing);
        }
        if name.contains([' ', '\t']) {
            return Err(NameError::Words);
        }
        if let Some(c) = name.chars().find(|&c| !is_allowed(c)) {
            return Err(NameError::Character(c));
        }
        if name.chars().count() > NAME_CHARS_MAX || name.len() > NAME_BYTES_MAX {
            return Err(NameError::TooLong);
        }
        if !name.is_ascii() {
            check_scripts(&name)?;
            check_marks(&name)?;
            check_direction(&name)?;
        }
        Ok(Nick(name))
    }

    /// A name, or a name, `!` and a secret that make one with a proof.
    pub fn parse_with_secret(text: &str, key: &ProofKey) -> Result<Self, NameError> {
        if text.contains([' ', '\t']) {
            return Err(NameError::Words);
        }
        let Some((word, secret)) = text.split_once(PROOF_SIGN) else {
            return Nick::parse(text);
        };
        let Nick(name) = Nick::parse(word)?;
        let secret = Secret::parse(secret.trim()).ok_or(NameError::Secret)?;
        let proof = key.proof(&lookalikes::fold(&name), &secret);
        Ok(Nick(eco_format!("{name}{PROOF_SIGN}{proof}")))
    }

    pub fn guest(number: u64) -> Self {
        Nick(eco_format!("guest{number}"))
    }

    /// As others see it, with its proof.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn text(&self) -> EcoString {
        self.0.clone()
    }

    /// Without its proof.
    pub fn name(&self) -> &str {
        self.0.split(PROOF_SIGN).next().unwrap_or_default()
    }

    /// Whether both are the same name, case and proofs apart.
    pub fn is_same(&self, other: &Nick) -> bool {
        lookalikes::is_same(self.name(), other.name())
    }
}

/// The General Security Profile of UTS 39, section 3.1, less what isn't a
/// letter, mark or digit (so no joiner, which can't be seen), plus three signs.
fn is_allowed(c: char) -> bool {
    match c {
        '_' | '.' | '-' => true,
        // Thai and Lao AM are left out of the profile because NFKC takes them
        // apart. Here it is the other way round: their first part, which looks
        // the same before and after a tone, can't stand alone.
        '\u{e33}' | '\u{eb3}' => true,
        '\u{e4d}' | '\u{ecd}' => false,
        _ if c.is_ascii() => c.is_ascii_alphanumeric(),
        _ => is_letter_mark_or_digit(c) && c.identifier_allowed(),
    }
}

fn is_letter_mark_or_digit(c: char) -> bool {
    use GeneralCategoryGroup::{Letter, Mark, Number};
    matches!(c.general_category_group(), Letter | Mark | Number)
}

fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}

/// All characters have a script in common (UTS 39, section 5.1); Han, Hiragana
/// and Katakana count as one, and so do Han and Hangul.
fn check_scripts(name: &str) -> Result<(), NameError> {
    if name.is_single_script() {
        return Ok(());
    }
    let begin_with = |end: usize| &name[..end];
    let other =
        name.char_indices().find(|(at, c)| !begin_with(at + c.len_utf8()).is_single_script());
    Err(NameError::MixedScripts(other.map_or(char::REPLACEMENT_CHARACTER, |(_, c)| c)))
}

/// Marks belong on something, and so many on one that they can be told apart
/// and stay in their line (UTS 39, section 5.4).
fn check_marks(name: &str) -> Result<(), NameError> {
    if !name.contains(is_mark) {
        return Ok(());
    }
    if name.starts_with(is_mark) {
        return Err(NameError::BeginsWithMark);
    }
    let runs = |name: &str, is_bad: fn(&[char]) -> bool| {
        let chars: Vec<_> = name.chars().collect();
        chars.chunk_by(|_, &next| is_mark(next)).any(|run| is_bad(&run[1..]))
    };
    let are_many = |marks: &[char]| {
        let stacked = marks.iter().filter(|&&mark| canonical_combining_class(mark) != 0);
        marks.len() > MARKS_MAX || stacked.count() > STACKED_MAX
    };
    // The second one of two that are the same can't be seen, also if the first
    // one is a part of the letter.
    let are_doubled = |marks: &[char]| marks.windows(2).any(|pair| pair[0] == pair[1]);
    let decomposed: String = name.nfd().collect();
    if runs(name, are_many) || runs(&decomposed, are_doubled) {
        return Err(NameError::TooManyMarks);
    }
    Ok(())
}

/// A name from right to left follows the rule for domain names (RFC 5893,
/// section 2): no two that do are shown the same. Without it `א1` and `1א` are.
fn check_direction(name: &str) -> Result<(), NameError> {
    use BidiClass::{AL, AN, EN, L, NSM, R};
    let classes: Vec<_> = name.chars().map(bidi_class).collect();
    let has = |class| classes.contains(&class);
    if !has(R) && !has(AL) && !has(AN) {
        return Ok(());
    }
    let first = classes.first();
    let last = classes.iter().rfind(|&&class| class != NSM);
    let begins_well = matches!(first, Some(R | AL));
    let ends_well = matches!(last, Some(R | AL | EN | AN));
    if !begins_well || !ends_well || has(L) {
        return Err(NameError::Direction);
    }
    if has(EN) && has(AN) { Err(NameError::MixedDigits) } else { Ok(()) }
}

/// The names of clients. Holds ids only; the names are with the sessions, which `nick_of`
/// looks up.
#[derive(Debug, Default)]
pub(super) struct Names {
    table: NickTable,
    bells: Bells,
    /// How many guests there have been: guest names aren't used twice.
    guests: u64,
}

impl Names {
    /// A client whose name is this one or looks like it.
    pub fn find<'a>(
        &self,
        nick: &Nick,
        nick_of: impl Fn(ClientId) -> &'a Nick,
    ) -> Option<ClientId> {
        self.table.find(nick, nick_of)
    }

    /// Gives a newcomer the name of a guest.
    pub fn insert_guest<'a>(
        &mut self,
        id: ClientId,
        nick_of: impl Fn(ClientId) -> &'a Nick,
    ) -> Nick {
        loop {
            self.guests += 1;
            let nick = Nick::guest(self.guests);
            if self.table.find(&nick, &nick_of).is_none() {
                self.table.insert(id, &nick, nick_of);
                return nick;
            }
        }
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
        self.table.rename(id, old, new, nick_of)?;
        if self.bells.has(old, id) {
            self.bells.remove(old);
            self.bells.insert(new, id);
        }
        Ok(())
    }

    /// Frees the name that `id` has.
    pub fn remove(&mut self, id: ClientId, nick: &Nick) {
        self.table.remove(id, nick);
        self.set_bell(id, nick, false);
    }

    /// All names are free.
    pub fn clear(&mut self) {
        (self.table, self.bells) = (NickTable::default(), Bells::default());
    }

    /// How many clients have names.
    pub fn len(&self) -> usize {
        self.table.len()
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
}

/// Which client has which name. No two have names with a look in common.
#[derive(Debug, Default)]
struct NickTable {
    /// By what the names look like as they are written.
    written: Shards,
    /// By what they look like in lower case, if that is something else.
    folded: Shards,
    hasher: RandomState,
}

impl NickTable {
    /// A client whose name is this one or looks like it.
    pub fn find<'a>(
        &self,
        nick: &Nick,
        nick_of: impl Fn(ClientId) -> &'a Nick,
    ) -> Option<ClientId> {
        self.find_other(ClientId::default(), nick.looks(&self.hasher), nick_of)
    }

    /// Gives a name that nobody has to `id`.
    pub fn insert<'a>(
        &mut self,
        id: ClientId,
        nick: &Nick,
        nick_of: impl Fn(ClientId) -> &'a Nick,
    ) {
        self.insert_looks(id, nick.looks(&self.hasher), nick_of);
    }

    /// Frees the name that `id` has.
    pub fn remove(&mut self, id: ClientId, nick: &Nick) {
        let looks = nick.looks(&self.hasher);
        self.written.remove(looks.written, id);
        if looks.folded != looks.written {
            self.folded.remove(looks.folded, id);
        }
    }

    /// Gives `id` the name `new` instead of `old`.
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
        self.remove(id, old);
        self.insert_looks(id, looks, nick_of);
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.written.len()
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

impl Nick {
    fn looks(&self, hasher: &RandomState) -> Looks {
        Looks::of(self.name(), hasher)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use slotmap::SlotMap;
    use unicode_properties::GeneralCategory;

    use super::*;
    use crate::wire::Text;

    /// Names that users may have, in many scripts.
    const GOOD: &[&str] = &[
        "a",
        "Ann",
        "guest1",
        "_.-",
        "0",
        // Latin
        "Zoë",
        "Łukasz",
        "Þórður",
        "José_María",
        "Groß",
        "İrem",
        "Nguyễn",
        "Trần_Thị_Tuyết",
        "Yorùbá.Ọ̀ṣun",
        // Other alphabets
        "Анна",
        "Їжак-2",
        "Γιώργος",
        "ΣΟΦΊΑ",
        "Հայկ",
        "თამარ",
        // From right to left
        "محمد",
        "عبد_الله",
        "علي٣",
        "علي3",
        "مُحَمَّد",
        "پریا",
        "דוד",
        "שרה-לאה",
        // Syllables
        "प्रिया",
        "श्रीकृष्ण",
        "घोड़ों",
        "राम२",
        "সুস্মিতা",
        "ਗੁਰਪ੍ਰੀਤ",
        "தமிழ்ச்செல்வி",
        "ശ്രീജിത്ത്",
        "స్వాతి",
        "สมชาย",
        "น้ำฝน",
        "พิมพ์ใจ",
        "ຄຳ",
        "ကျော်စွာ",
        "សុខា",
        "አበበ",
        // East Asia
        "王小明",
        "諸葛亮",
        "山田たろう",
        "サトー",
        "佐々木",
        "김민수",
        "金수",
    ];

    #[test]
    fn names_of_all_the_world_are_names() {
        for word in GOOD {
            assert_eq!(Nick::parse(word).expect(word).as_str(), word.nfc().collect::<String>());
        }
    }

    #[test]
    fn a_word_that_is_no_name_has_its_reason() {
        use NameError::*;
        let cases = [
            ("", Missing),
            ("a b", Words),
            ("<ann>", Character('<')),
            ("***", Character('*')),
            ("ann:", Character(':')),
            ("a/b", Character('/')),
            ("ann!k3f9x2", Character('!')),
            ("a\u{a0}b", Character('\u{a0}')),
            ("l·l", Character('·')),
            ("x²", Character('²')),
            ("Ⅷ", Character('Ⅷ')),
            ("😀", Character('😀')),
            ("ⓐnn", Character('ⓐ')),
            ("ａｎｎ", Character('ａ')),
            ("ｶﾅ", Character('ｶ')),
            ("ﬁn", Character('ﬁ')),
            ("𝐚𝐧𝐧", Character('𝐚')),
            ("ᴀnn", Character('ᴀ')),
            // What can't be seen.
            ("a\u{200b}nn", Character('\u{200b}')),
            ("a\u{200c}nn", Character('\u{200c}')),
            ("a\u{200d}nn", Character('\u{200d}')),
            ("a\u{2060}nn", Character('\u{2060}')),
            ("a\u{feff}nn", Character('\u{feff}')),
            ("a\u{ad}nn", Character('\u{ad}')),
            ("a\u{34f}nn", Character('\u{34f}')),
            ("a\u{fe0f}nn", Character('\u{fe0f}')),
            ("a\u{e0101}", Character('\u{e0101}')),
            ("\u{3164}", Character('\u{3164}')),
            ("\u{115f}", Character('\u{115f}')),
            ("\u{2800}", Character('\u{2800}')),
            // What changes the direction.
            ("a\u{202e}nn", Character('\u{202e}')),
            ("a\u{2067}nn", Character('\u{2067}')),
            ("a\u{200f}nn", Character('\u{200f}')),
            ("a\u{61c}nn", Character('\u{61c}')),
            // Scripts.
            ("\u{430}nn", MixedScripts('n')),
            ("an\u{43d}", MixedScripts('\u{43d}')),
            ("1nnа", MixedScripts('а')),
            ("ann日本", MixedScripts('日')),
            ("αnn", MixedScripts('n')),
            ("かな김", MixedScripts('김')),
            ("aن", MixedScripts('ن')),
            ("x२", MixedScripts('२')),
            // Marks.
            ("\u{301}a", BeginsWithMark),
            ("ा", BeginsWithMark),
            ("q\u{323}\u{331}\u{303}", TooManyMarks),
            ("n\u{302}\u{302}", TooManyMarks),
            ("á\u{301}", TooManyMarks),
            ("កាាាាា", TooManyMarks),
            // Direction.
            ("1א", Direction),
            ("_א", Direction),
            ("א-", Direction),
            ("ع1٣", MixedDigits),
            ("٣", Direction),
        ];
        for (word, error) in cases {
            assert_eq!(Nick::parse(word).expect_err(word), error, "{word}");
        }
    }

    #[test]
    fn a_name_has_24_characters_and_48_bytes_at_most() {
        for (part, most) in [("a", 24), ("é", 24), ("я", 24), ("王", 16), ("e\u{301}", 24)] {
            assert!(Nick::parse(&part.repeat(most)).is_ok(), "{part}");
            let error = Nick::parse(&part.repeat(most + 1)).expect_err("too long");
            assert_eq!(error, NameError::TooLong, "{part}");
        }
        assert_eq!(Nick::parse(&"a".repeat(1 << 20)).expect_err("long"), NameError::TooLong);
    }

    #[test]
    fn the_name_of_a_guest_is_not_allocated() {
        assert_eq!(size_of::<Nick>(), 16);
        assert!(Nick::guest(9_999_999_999).as_str().len() <= EcoString::INLINE_LIMIT);
    }

    #[test]
    fn case_makes_no_difference() {
        assert!(nick("Ann").is_same(&nick("aNN")));
        assert!(nick("Жанна").is_same(&nick("ЖАННА")));
        assert!(!nick("ann").is_same(&nick("anna")));
        assert!(!nick("bob").is_same(&nick("ВОВ")));
    }

    #[test]
    fn a_secret_makes_a_proof_beside_the_name() {
        let nick = |text: &str| Nick::parse_with_secret(text, &ProofKey::new([1; 32]));
        let proved = nick("Ann!secret").expect("a name and a secret");
        assert_eq!((proved.as_str(), proved.name()), ("Ann!7rsec4", "Ann"));
        assert_eq!(nick("ann!secret").expect("the same").as_str(), "ann!7rsec4");
        assert_eq!(nick("ann").expect("a name").as_str(), "ann");
        assert!(proved.is_same(&nick("ANN").expect("a name")));
        assert_eq!(nick("a/b!secret").expect_err("a bad name"), NameError::Character('/'));
        for words in ["Anna Maria", "ann secret", "ann!two words"] {
            assert_eq!(nick(words).expect_err("no name"), NameError::Words, "{words}");
        }
        for secret in ["", &"x".repeat(65)] {
            let error = nick(&format!("ann!{secret}")).expect_err("a bad secret");
            assert_eq!(error, NameError::Secret);
        }
    }

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
        table: NickTable,
    }

    impl Room {
        /// Adds a client, which must be free to take the name.
        fn add(&mut self, word: &str) -> ClientId {
            let nick = nick(word);
            let id = self.nicks.insert(nick.clone());
            assert_eq!(self.table.find(&nick, |id| &self.nicks[id]), None, "{word}");
            self.table.insert(id, &nick, |id| &self.nicks[id]);
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
            room.table.insert(id, &nick, |id| {
                looks.set(looks.get() + 1);
                &room.nicks[id]
            });
            assert!(looks.get() <= 200, "{} looks at the {number}th", looks.get());
        }
        assert!(room.table.len() > 3000, "{} names", room.table.len());
    }

    /// Words that are likely to be names, and some that are nearly.
    fn word() -> impl Strategy<Value = String> {
        prop_oneof![
            "[\\p{Latin}0-9_.-]{1,8}",
            "[\\p{Latin}\u{300}-\u{330}]{1,6}",
            "[\\p{Cyrillic}0-9]{1,8}",
            "[\\p{Greek}]{1,8}",
            "[\\p{Arabic}0-9_\u{660}-\u{669}]{1,8}",
            "[\\p{Hebrew}0-9.-]{1,8}",
            "[\\p{Devanagari}]{1,8}",
            "[\\p{Thai}]{1,8}",
            "[\\p{Han}\\p{Hiragana}\\p{Katakana}]{1,8}",
            "[\\p{Hangul}]{1,8}",
            "[a-c\\p{Cf}]{1,4}",
            "\\PC{1,8}",
        ]
    }

    proptest! {
        #![proptest_config(crate::property_tests())]

        #[test]
        fn a_name_is_harmless_and_the_same_in_any_case(word in word()) {
            if let Ok(nick) = Nick::parse(&word) {
                let name = nick.as_str();
                let is_hidden = |c: char| {
                    use GeneralCategory::{Control, Format, PrivateUse, Unassigned};
                    let category = c.general_category();
                    c.is_whitespace()
                        || matches!(category, Control | Format | PrivateUse | Unassigned)
                };
                prop_assert!(!name.contains(is_hidden));
                prop_assert!(Text::clean(name.as_bytes()).as_str() == name);
                prop_assert!(Nick::parse(name).expect("a name again").as_str() == name);
                prop_assert!(name.chars().count() <= NAME_CHARS_MAX);
                prop_assert!(name.len() <= NAME_BYTES_MAX);
                let hasher = RandomState::new();
                let folded = nick.looks(&hasher).folded;
                for same in [name.to_lowercase(), name.to_uppercase(), name.nfd().collect()] {
                    prop_assert_eq!(Looks::of(&same, &hasher).folded, folded, "{}", same);
                }
            }
        }
    }
}
