//! What is a name.

use std::hash::RandomState;

use ecow::{EcoString, eco_format};
use unicode_bidi::{BidiClass, bidi_class};
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_security::{GeneralSecurityProfile, MixedScript};

use crate::chat::names::lookalikes::{self, Looks};
use crate::chat::names::proof::{PROOF_CHARS, PROOF_SIGN, ProofKey, Secret};

/// A name in characters.
pub(in crate::chat) const NAME_CHARS_MAX: usize = 24;

/// What the names of guests begin with. It looks like nothing else.
const GUEST: &str = "guest";

/// A name in bytes of UTF-8.
pub(in crate::chat) const NAME_BYTES_MAX: usize = 48;

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
pub(in crate::chat) struct Nick(EcoString);

/// Why a word isn't a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat) enum NameError {
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

    /// No name.
    pub const NONE: Nick = Nick(EcoString::new());

    /// A name as another server shows it, with its proof if there is one.
    pub fn parse_shown(text: &str) -> Option<Self> {
        let Some((word, proof)) = text.split_once(PROOF_SIGN) else {
            return Nick::parse(text).ok();
        };
        let is_proof =
            proof.len() == PROOF_CHARS && proof.bytes().all(|b| b.is_ascii_alphanumeric());
        let Nick(name) = Nick::parse(word).ok().filter(|_| is_proof)?;
        Some(Nick(eco_format!("{name}{PROOF_SIGN}{proof}")))
    }

    pub fn guest(number: u64) -> Self {
        Nick(eco_format!("{GUEST}{number}"))
    }

    /// The name of a guest for which this start of a server has no number.
    pub fn unnumbered_guest(number: u64, server: &str) -> Self {
        Nick(eco_format!("{GUEST}{number}-{server}"))
    }

    /// Whether it looks like a guest's name.
    pub fn is_guest(&self) -> bool {
        let [look, folded] = lookalikes::looks(self.name());
        [look, folded].iter().any(|look| {
            let number =
                look.strip_prefix(GUEST).map(|rest| rest.split('-').next().unwrap_or(rest));
            // The digits 0 and 1 look like letters.
            let is_digit = |c: char| c.is_ascii_digit() || matches!(c, 'o' | 'l');
            number.is_some_and(|number| !number.is_empty() && number.chars().all(is_digit))
        })
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

    /// What it looks like, its proof apart.
    pub fn looks(&self, hasher: &RandomState) -> Looks {
        Looks::of(self.name(), hasher)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
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

    fn nick(word: &str) -> Nick {
        Nick::parse(word).expect(word)
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
