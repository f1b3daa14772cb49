//! Where a text names somebody: for bells, names in bold and `/mentions`.
//!
//! A name counts where it is a word, in any case, with an `@` before it or without: `ann`,
//! `Ann:`, `@ann`. Not as a part of a longer word (`joann`) or of an address
//! (`ann@example.org`). The page does the same (`isMention` in `page.html`).

use std::ops::Range;

use memchr::memchr2_iter;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// What can be a name in a text: each word, as it is and without full stops around it.
pub fn words(text: &str) -> impl Iterator<Item = [&str; 2]> {
    spans(text).map(|span| forms(&text[span]))
}

/// Where a text says a name that is in lower case already, without its proof.
pub fn mentions(text: &str, name: &str) -> impl Iterator<Item = Range<usize>> {
    spans(text).filter_map(move |Range { start, end }| {
        let [whole, bare] = forms(&text[start..end]);
        if is_name(whole, name) {
            return Some(start..end);
        }
        let at = start + whole.len() - whole.trim_start_matches('.').len();
        is_name(bare, name).then(|| at..at + bare.len())
    })
}

/// Whether a text says a name that is in lower case already. Much faster than `mentions` where
/// most texts don't.
pub fn is_said(text: &str, name: &str) -> bool {
    let may_be_said = !name.is_ascii() || has_ascii_word(text.as_bytes(), name.as_bytes());
    may_be_said && mentions(text, name).next().is_some()
}

/// Whether a name in ASCII stands where a word may begin.
fn has_ascii_word(text: &[u8], name: &[u8]) -> bool {
    let Some(first) = name.first() else { return false };
    memchr2_iter(*first, first.to_ascii_uppercase(), text).any(|at| {
        let is_begin = at == 0 || !text[at - 1].is_ascii_alphanumeric();
        let found = text.get(at..at + name.len());
        is_begin && found.is_some_and(|found| found.eq_ignore_ascii_case(name))
    })
}

/// A full stop belongs to a name or ends a sentence.
fn forms(word: &str) -> [&str; 2] {
    [word, word.trim_matches('.')]
}

fn is_name(word: &str, name: &str) -> bool {
    match word.is_ascii() {
        true => word.eq_ignore_ascii_case(name),
        false => word.chars().flat_map(char::to_lowercase).eq(name.chars()),
    }
}

/// The words of a text that are no parts of addresses.
fn spans(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut rest = 0;
    let next = move || {
        let start = rest + text[rest..].find(is_part)?;
        let length = text[start..].find(|c| !is_part(c));
        rest = length.map_or(text.len(), |length| start + length);
        Some(start..rest)
    };
    std::iter::from_fn(next).filter(|span| !is_of_address(text, span))
}

/// Whether an `@` joins a word to another one.
fn is_of_address(text: &str, span: &Range<usize>) -> bool {
    let before = text[..span.start].strip_suffix('@');
    let after = text[span.end..].strip_prefix('@');
    before.is_some_and(|before| before.ends_with(is_part))
        || after.is_some_and(|after| after.starts_with(is_part))
}

/// Whether a character may stand in a name.
fn is_part(c: char) -> bool {
    use GeneralCategoryGroup::{Letter, Mark, Number};
    match c {
        '_' | '.' | '-' => true,
        _ if c.is_ascii() => c.is_ascii_alphanumeric(),
        _ => matches!(c.general_category_group(), Letter | Mark | Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, text: &str, expected: &[&str]) {
        let said: Vec<_> = mentions(text, name).map(|span| &text[span]).collect();
        assert_eq!(said, expected, "{name} in {text:?}");
        assert_eq!(is_said(text, name), !expected.is_empty(), "{name} in {text:?}");
        let found = words(text).any(|forms| forms.iter().any(|form| form.to_lowercase() == name));
        assert_eq!(found, !expected.is_empty(), "{name} in {text:?}");
    }

    #[test]
    fn a_name_is_said_where_it_is_a_word() {
        for text in ["ann", "ann: hi", "(ann)", "it was ann.", "...ann", "@ann", "hi @ann: tea"] {
            check("ann", text, &["ann"]);
        }
        check("ann", "Ann, ANN and @aNN", &["Ann", "ANN", "aNN"]);
        check("ann", "ann@ @@ann ann's (@ann)", &["ann", "ann", "ann", "ann"]);
        for text in ["", "anna", "joann", "ann_", "ann-2", "a nn", "ännann", "annä"] {
            check("ann", text, &[]);
        }
    }

    #[test]
    fn an_address_names_nobody() {
        for text in ["ann@example.org", "<ann@a>", "bob@ann", "a@ann@b", "me+ann@a.b", "ä@ann"] {
            check("ann", text, &[]);
        }
        check("ann", "ann@example.org is @ann", &["ann"]);
        check("example.org", "ann@example.org", &[]);
    }

    #[test]
    fn names_of_all_scripts_and_with_full_stops_are_found() {
        check("анна", "привет, @Анна!", &["Анна"]);
        check("a.b", "hi A.b.", &["A.b"]);
        check("a.b", "a b xa.b", &[]);
        check("şi", "“Şi”", &["Şi"]);
        check("नमिता", "नमिता: हाय", &["नमिता"]);
        check("नमि", "नमिता: हाय", &[]);
        check("", "ann", &[]);
    }
}
