//! When two names can be taken for one another (UTS 39, section 4, "Confusable
//! Detection").
//!
//! Looking alike is not transitive once case doesn't count: Greek `Ν` looks
//! like `N`, its lower case `ν` like `v`, and still `n` and `v` are different.
//! So a name has two keys, and two names are alike if they have any in common:
//!
//! - what it looks like as it is written (`ВОВ` in Cyrillic and `bob`);
//! - what it looks like in lower case (`Ann` and `ANN`, `Ηλίας` and `ηλίας`).
//!
//! For a name in ASCII both are the same, and cheap.

use std::hash::BuildHasher;

use arrayvec::ArrayString;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

/// The longest name in ASCII whose key is made without an allocation.
const ASCII_CHARS_MAX: usize = 24;

/// The hashes of what a name looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat) struct Looks {
    /// As it is written.
    pub written: u64,
    /// In lower case.
    pub folded: u64,
}

impl Looks {
    pub fn of(name: &str, hasher: &impl BuildHasher) -> Looks {
        if name.is_ascii() && name.len() <= ASCII_CHARS_MAX {
            let hash = hasher.hash_one(ascii_key(name).as_str());
            return Looks { written: hash, folded: hash };
        }
        let written = hasher.hash_one(finish(name));
        let folded = fold(name);
        // A skeleton begins with taking apart, so this has the same one.
        let is_caseless = name.nfd().eq(folded.chars());
        let folded = if is_caseless { written } else { hasher.hash_one(finish(&folded)) };
        Looks { written, folded }
    }
}

/// What a name looks like as it is written and in lower case, as texts that can be kept.
pub(in crate::chat) fn looks(name: &str) -> [String; 2] {
    [finish(name), finish(&fold(name))]
}

/// Whether two names differ in case only, or not at all.
pub(in crate::chat) fn is_same(a: &str, b: &str) -> bool {
    fold(a) == fold(b)
}

/// A name without case.
pub(in crate::chat) fn fold(name: &str) -> String {
    // Taken apart, so that each character has a case of its own.
    without_case(name.nfd()).collect()
}

/// Lower, upper and lower again is what case folding is (Unicode, section 3.13)
/// and what it lacks for looks: `ẞ`, `ß` and `SS` meet, and so do `ı` and `I`.
fn without_case(chars: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    let upper = chars.flat_map(char::to_lowercase).flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase)
}

/// The key of a name in ASCII, the same as `finish` makes.
fn ascii_key(name: &str) -> ArrayString<{ 2 * ASCII_CHARS_MAX }> {
    let mut key = ArrayString::new();
    for c in name.chars() {
        match c.to_ascii_lowercase() {
            'i' | '1' => key.push('l'),
            '0' => key.push('o'),
            'm' => key.push_str("rn"),
            c => key.push(c),
        }
    }
    key
}

/// What a name looks like, without case.
///
/// The skeleton of UTS 39 is made for text with case, so it is folded, and
/// folding makes characters that have a skeleton of their own (`M`, `m`, `rn`).
fn finish(name: &str) -> String {
    let first: String = skeleton(name).collect();
    let folded: String = without_case(first.chars()).collect();
    if folded == first {
        // The skeleton of a skeleton is the same.
        return merge(first.chars());
    }
    merge(without_case(skeleton(&folded)))
}

/// Makes one of what is still two and looks like one.
fn merge(skeleton: impl Iterator<Item = char>) -> String {
    let mut merged = String::new();
    let mut base = None;
    for c in skeleton {
        // `I` looks like `l` and is `i`.
        let c = if c == 'i' { 'l' } else { c };
        if !is_combining_mark(c) {
            base = Some(c);
        }
        // A dot above a letter that has one already (UTS 39, section 5.4).
        if c != '\u{307}' || !matches!(base, Some('l' | 'j')) {
            merged.push(c);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use unicode_security::GeneralSecurityProfile;

    use super::*;

    #[track_caller]
    fn check(a: &str, b: &str, expected: bool) {
        let hasher = RandomState::new();
        let (a_looks, b_looks) = (Looks::of(a, &hasher), Looks::of(b, &hasher));
        let keys = [b_looks.written, b_looks.folded];
        let is_alike = keys.contains(&a_looks.written) || keys.contains(&a_looks.folded);
        assert_eq!(
            is_alike,
            expected,
            "{a} and {b}: {} {} {} {}",
            finish(a),
            finish(&fold(a)),
            finish(b),
            finish(&fold(b))
        );
    }

    #[test]
    fn names_that_look_alike_share_a_key() {
        for (a, b) in [
            // Case.
            ("ann", "ANN"),
            ("Ünal", "üNAL"),
            ("Groß", "GROSS"),
            ("Groß", "GROẞ"),
            ("Σοφός", "ΣΟΦΌΣ"),
            ("Анна", "АННА"),
            // Within ASCII.
            ("alice", "aIice"),
            ("alice", "a1ice"),
            ("ALICE", "aIice"),
            ("bob", "b0b"),
            ("BOB", "b0b"),
            ("mike", "rnike"),
            ("MIKE", "rnike"),
            ("guest1", "guestl"),
            ("guest10", "guestIO"),
            // One script and another.
            ("copa", "сора"),
            ("Copa", "сора"),
            ("bob", "ВОВ"),
            ("BOB", "ВОВ"),
            ("hanna", "ΗΑΝΝΑ"),
            ("0", "О"),
            // The same in another encoding.
            ("é", "e\u{301}"),
            ("ann", "ａｎｎ"),
            ("ann", "𝐚𝐧𝐧"),
            ("カ", "ｶ"),
            ("น้ำ", "น้\u{e4d}า"),
            // Dots.
            ("Işık", "ışık"),
            ("İrem", "irem"),
            ("Irem", "irem"),
            ("i\u{307}rem", "irem"),
            ("ı\u{307}rem", "irem"),
            ("j\u{307}on", "jon"),
            // Digits.
            ("علي١", "علي۱"),
            ("৪", "8"),
            // Characters that can't be seen.
            ("ann", "a\u{200b}nn"),
            ("ann", "an\u{ad}n"),
        ] {
            check(a, b, true);
            check(b, a, true);
        }
    }

    #[test]
    fn names_that_are_different_share_none() {
        for (a, b) in [
            ("ann", "anna"),
            ("ann", "änn"),
            ("guest1", "guest2"),
            ("guest1", "guest11"),
            ("nan", "van"),
            ("guy", "guu"),
            ("hanna", "ηλίας"),
            ("Анна", "Инна"),
            ("东", "車"),
            ("김", "긴"),
            ("a-b", "a_b"),
            ("a.b", "ab"),
        ] {
            check(a, b, false);
        }
    }

    #[test]
    fn the_short_way_for_ascii_is_the_long_one() {
        let signs = "_.-";
        for c in ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(signs.chars()) {
            for name in [String::from(c), format!("r{c}n")] {
                assert_eq!(ascii_key(&name).as_str(), finish(&name), "{name}");
                assert_eq!(ascii_key(&name).as_str(), finish(&fold(&name)), "{name}");
            }
        }
    }

    /// As `finish` relies on.
    #[test]
    fn the_skeleton_of_a_skeleton_is_the_same() {
        let skeleton = |text: &str| skeleton(text).collect::<String>();
        for c in (char::MIN..=char::MAX).filter(|c| c.identifier_allowed()) {
            let once = skeleton(&String::from(c));
            assert_eq!(skeleton(&once), once, "{c}");
        }
    }

    #[test]
    fn no_two_guests_look_alike() {
        let keys: std::collections::HashSet<_> =
            (1..20_000).map(|number| ascii_key(&format!("guest{number}"))).collect();
        assert_eq!(keys.len(), 19_999);
    }
}
