//! The text being typed, the cursor in it, and what was typed before.
//!
//! The cursor stands between *clusters*: what looks like one character (Unicode
//! UAX 29). Their lengths are kept, so a key looks at the clusters beside the
//! cursor only, however long the line is.

use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

use super::clusters::{Text, push_lengths};
use super::history::History;
use super::keys::Key;

/// The longest line that is edited, in bytes: what is behind the cursor moves
/// with each key.
pub(super) const TEXT_BYTES_MAX: usize = 4096;

/// Combining marks in a row, as in a line that is said.
const MARKS_MAX: usize = 8;

/// Of a text with more clusters the ends don't join each other when it is put in.
const JOINED_MAX: usize = 4;

/// The text, the cursor, and what was typed before.
#[derive(Debug, Default)]
pub(super) struct Line {
    text: Text,
    /// The cursor, in bytes and in clusters.
    cursor: usize,
    cluster: usize,
    history: History,
    /// How many lines back the text is from, 0 if it is new.
    back: usize,
    /// The new text, while an old one is shown.
    draft: Text,
    /// What was erased last by a key that erases more than a character.
    erased: Text,
    /// The last key was one of these: what the next one erases joins it.
    is_erasing: bool,
}

impl Line {
    pub fn new(text: String) -> Line {
        let mut line = Line::default();
        line.set(Text::new(text));
        line
    }

    pub fn as_str(&self) -> &str {
        &self.text.text
    }

    /// Whether a character can be added: the line has place for it, and what is
    /// before the cursor not too many marks.
    pub fn has_place_for(&self, c: char, bytes_max: usize) -> bool {
        self.has_place(c.len_utf8(), bytes_max) && !(is_combining_mark(c) && self.has_all_marks())
    }

    /// Whether it has place for so many bytes more.
    pub fn has_place(&self, bytes: usize, bytes_max: usize) -> bool {
        self.as_str().len() + bytes <= bytes_max.min(TEXT_BYTES_MAX)
    }

    /// What Ctrl-Y puts in, in bytes.
    pub fn erased_bytes(&self) -> usize {
        self.erased.text.len()
    }

    fn has_all_marks(&self) -> bool {
        let before = self.as_str()[..self.cursor].chars().rev();
        before.take(MARKS_MAX).filter(|&c| is_combining_mark(c)).count() == MARKS_MAX
    }

    /// The clusters before the cursor, the nearest one first.
    pub fn before(&self) -> impl Iterator<Item = &str> {
        let mut end = self.cursor;
        self.text.clusters[..self.cluster].iter().rev().map(move |&bytes| {
            let cluster = &self.text.text[end - usize::from(bytes)..end];
            end -= cluster.len();
            cluster
        })
    }

    /// The clusters behind the cursor.
    pub fn behind(&self) -> impl Iterator<Item = &str> {
        let mut start = self.cursor;
        self.text.clusters[self.cluster..].iter().map(move |&bytes| {
            let cluster = &self.text.text[start..start + usize::from(bytes)];
            start += cluster.len();
            cluster
        })
    }

    /// The text before the cursor.
    pub fn text_before(&self) -> &str {
        &self.as_str()[..self.cursor]
    }

    /// Lines that were typed before.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Remembers a line that was entered.
    pub fn remember(&mut self, line: &str) {
        self.history.push(Text::new(line.into()));
    }

    /// Bytes of memory held for the line, and for those before it.
    pub fn held_bytes(&self) -> usize {
        let texts = [&self.text, &self.draft, &self.erased].map(Text::held_bytes);
        texts.iter().sum::<usize>() + self.history.held_bytes()
    }

    /// Takes the text out.
    pub fn enter(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        (self.cursor, self.cluster, self.back) = (0, 0, 0);
        self.draft = Text::default();
        self.is_erasing = false;
        text.text
    }

    pub fn press(&mut self, key: Key) {
        let last = self.text.clusters.len();
        let was_erasing = std::mem::take(&mut self.is_erasing);
        match key {
            Key::Character(c) => self.insert(c),
            Key::Left => self.left(),
            Key::Right => self.right(),
            Key::WordLeft => self.go_to(self.letters_start()),
            Key::WordRight => self.go_to(self.letters_end()),
            Key::Home => (self.cursor, self.cluster) = (0, 0),
            Key::End => (self.cursor, self.cluster) = (self.as_str().len(), last),
            Key::Up => self.go_back(self.back + 1),
            Key::Down if self.back > 0 => self.go_back(self.back - 1),
            Key::Backspace => self.erase(self.cluster.saturating_sub(1), self.cluster),
            Key::Delete | Key::DeleteOrEnd => {
                self.erase(self.cluster, last.min(self.cluster + 1));
            }
            Key::EraseWord => self.cut(self.word_start(), self.cluster, was_erasing),
            Key::EraseLetters => self.cut(self.letters_start(), self.cluster, was_erasing),
            Key::EraseWordAfter => self.cut(self.cluster, self.letters_end(), was_erasing),
            Key::EraseToStart => self.cut(0, self.cluster, was_erasing),
            Key::EraseToEnd => self.cut(self.cluster, last, was_erasing),
            Key::EraseAll => self.set(Text::default()),
            Key::Yank => self.insert_text(&self.erased.clone()),
            Key::Swap => self.swap(),
            // What isn't for a line.
            _ => {}
        }
    }

    /// Puts a text in, for which there is place.
    pub fn insert_str(&mut self, text: &str) {
        self.insert_text(&Text::new(text.into()));
    }

    /// Puts a text in the place of so many bytes before the cursor; false if these aren't
    /// whole characters.
    pub fn replace_before(&mut self, bytes: usize, text: &str) -> bool {
        let (mut start, mut left) = (self.cluster, bytes);
        while left > 0 && start > 0 {
            let cluster = usize::from(self.text.clusters[start - 1]);
            let Some(rest) = left.checked_sub(cluster) else { return false };
            (start, left) = (start - 1, rest);
        }
        if left == 0 {
            self.erase(start, self.cluster);
            self.insert_str(text);
        }
        left == 0
    }

    fn set(&mut self, text: Text) {
        (self.cursor, self.cluster) = (text.text.len(), text.clusters.len());
        self.text = text;
    }

    fn left(&mut self) {
        if self.cluster > 0 {
            self.cluster -= 1;
            self.cursor -= usize::from(self.text.clusters[self.cluster]);
        }
    }

    fn right(&mut self) {
        if let Some(&bytes) = self.text.clusters.get(self.cluster) {
            self.cluster += 1;
            self.cursor += usize::from(bytes);
        }
    }

    fn insert(&mut self, c: char) {
        self.text.text.insert(self.cursor, c);
        self.text.clusters.insert(self.cluster, c.len_utf8() as u8);
        self.cursor += c.len_utf8();
        self.cluster += 1;
        self.join();
    }

    /// Puts a text in.
    fn insert_text(&mut self, text: &Text) {
        if text.clusters.len() <= JOINED_MAX {
            return text.text.chars().for_each(|c| self.insert(c));
        }
        let (clusters, behind) =
            (self.text.clusters.len(), self.text.clusters.len() - self.cluster);
        let cursor = self.cursor + text.text.len();
        self.text.text.insert_str(self.cursor, &text.text);
        self.text.clusters.splice(self.cluster..self.cluster, text.clusters.iter().copied());
        debug_assert_eq!(self.text.clusters.len(), clusters + text.clusters.len());
        // At both ends.
        self.join();
        (self.cursor, self.cluster) = (cursor, self.text.clusters.len() - behind);
        self.join();
    }

    /// Puts the cursor before a cluster.
    fn go_to(&mut self, cluster: usize) {
        let bytes = self.text.clusters[..cluster].iter().map(|&bytes| usize::from(bytes));
        (self.cursor, self.cluster) = (bytes.sum(), cluster);
    }

    /// Takes the clusters `start..end` out, of which one is beside the cursor, for Ctrl-Y.
    fn cut(&mut self, start: usize, end: usize, was_erasing: bool) {
        self.is_erasing = true;
        if start == end {
            self.is_erasing = was_erasing;
            return;
        }
        let bytes = |clusters: &[u8]| clusters.iter().map(|&bytes| usize::from(bytes)).sum();
        let from: usize = bytes(&self.text.clusters[..start]);
        let length: usize = bytes(&self.text.clusters[start..end]);
        let cut = Text {
            text: self.as_str()[from..from + length].into(),
            clusters: self.text.clusters[start..end].into(),
        };
        let erased = std::mem::take(&mut self.erased);
        self.erased = match (was_erasing, start < self.cluster) {
            (false, _) => cut,
            (true, true) => cut.and(&erased),
            (true, false) => erased.and(&cut),
        };
        self.erase(start, end);
    }

    /// Swaps the characters before and behind the cursor, at the end of the line the last
    /// two, and goes behind them.
    fn swap(&mut self) {
        if self.cluster == self.text.clusters.len() {
            self.left();
        }
        let behind = self.behind().next().map(str::to_owned);
        if let Some(behind) = behind.filter(|_| self.cluster > 0) {
            self.erase(self.cluster, self.cluster + 1);
            self.left();
            self.insert_str(&behind);
            self.right();
        } else {
            self.right();
        }
    }

    /// Takes the clusters `start..end` out, of which one is beside the cursor.
    fn erase(&mut self, start: usize, end: usize) {
        let bytes =
            |clusters: &[u8]| clusters.iter().map(|&bytes| usize::from(bytes)).sum::<usize>();
        let before = bytes(&self.text.clusters[start..self.cluster]);
        let behind = bytes(&self.text.clusters[self.cluster..end]);
        self.text.text.replace_range(self.cursor - before..self.cursor + behind, "");
        self.text.clusters.drain(start..end);
        (self.cursor, self.cluster) = (self.cursor - before, start);
        self.join();
    }

    /// What is beside the cursor may have become one cluster, or two: looks at
    /// two clusters before and one behind it. The cursor goes behind what it
    /// would stand in.
    fn join(&mut self) {
        let (first, last) =
            (self.cluster.saturating_sub(2), self.text.clusters.len().min(self.cluster + 1));
        let bytes =
            |clusters: &[u8]| clusters.iter().map(|&bytes| usize::from(bytes)).sum::<usize>();
        let start = self.cursor - bytes(&self.text.clusters[first..self.cluster]);
        let end = self.cursor + bytes(&self.text.clusters[self.cluster..last]);
        let part = &self.text.text[start..end];
        if part.is_ascii() {
            // None of them joins another one.
            return;
        }
        let mut lengths = Vec::new();
        for cluster in part.graphemes(true) {
            push_lengths(cluster, &mut lengths);
        }
        let (mut cursor, mut cluster) = (start, first);
        for &bytes in &lengths {
            if cursor >= self.cursor {
                break;
            }
            cursor += usize::from(bytes);
            cluster += 1;
        }
        self.text.clusters.splice(first..last, lengths);
        (self.cursor, self.cluster) = (cursor, cluster);
    }

    /// The cluster with which the word before the cursor begins.
    fn word_start(&self) -> usize {
        let is_blank = |cluster: &&str| cluster.starts_with(char::is_whitespace);
        let blanks = self.before().take_while(is_blank).count();
        let word = self.before().skip(blanks).take_while(|cluster| !is_blank(cluster)).count();
        self.cluster - blanks - word
    }

    /// Where the letters and digits before the cursor begin, and what is between.
    fn letters_start(&self) -> usize {
        let others = self.before().take_while(|cluster| !is_letter(cluster)).count();
        let letters = self.before().skip(others).take_while(|cluster| is_letter(cluster)).count();
        self.cluster - others - letters
    }

    /// Where those behind it end.
    fn letters_end(&self) -> usize {
        let others = self.behind().take_while(|cluster| !is_letter(cluster)).count();
        let letters = self.behind().skip(others).take_while(|cluster| is_letter(cluster)).count();
        self.cluster + others + letters
    }

    /// Shows the line `back` lines before the new one, if there is one.
    pub fn go_back(&mut self, back: usize) {
        let old = self.history.get(back).cloned();
        if old.is_none() && back > 0 {
            return;
        }
        if self.back == 0 {
            self.draft = std::mem::take(&mut self.text);
        }
        self.back = back;
        let text = old.unwrap_or_else(|| std::mem::take(&mut self.draft));
        self.set(text);
    }
}

/// Whether it is of a word, as Alt-B has it.
fn is_letter(cluster: &str) -> bool {
    cluster.starts_with(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::clusters::CLUSTER_BYTES_MAX;
    use super::*;

    #[test]
    fn marks_are_bounded_as_in_a_line_that_is_said() {
        let mut line = Line::new("a".into());
        let marks = (0..100).filter(|_| {
            let has_place = line.has_place_for('\u{301}', TEXT_BYTES_MAX);
            if has_place {
                line.press(Key::Character('\u{301}'));
            }
            has_place
        });
        assert_eq!(marks.count(), MARKS_MAX);
        assert!(line.has_place_for('b', TEXT_BYTES_MAX));
    }

    #[test]
    fn what_joins_without_an_end_is_taken_for_several() {
        let mut line = Line::default();
        for _ in 0..100 {
            "\u{1f469}\u{200d}".chars().for_each(|c| line.press(Key::Character(c)));
        }
        assert!(line.text.clusters.iter().all(|&bytes| usize::from(bytes) <= CLUSTER_BYTES_MAX));
        let bytes: usize = line.text.clusters.iter().map(|&bytes| usize::from(bytes)).sum();
        assert_eq!(bytes, line.as_str().len());
        (0..700).for_each(|_| line.press(Key::Backspace));
        assert_eq!((line.as_str(), line.cursor, line.cluster), ("", 0, 0));
    }

    fn key() -> impl Strategy<Value = Key> {
        let characters =
            "ab \u{301}e日\u{200d}👩👧🏽❤\u{fe0f}\u{1f1e6}\u{1100}\u{1161}\u{11a8}".chars();
        let moves = [
            Key::Left,
            Key::Right,
            Key::Home,
            Key::End,
            Key::Up,
            Key::Down,
            Key::Backspace,
            Key::Delete,
            Key::EraseWord,
            Key::EraseToStart,
            Key::EraseToEnd,
            Key::EraseAll,
            Key::WordLeft,
            Key::WordRight,
            Key::EraseLetters,
            Key::EraseWordAfter,
            Key::Yank,
            Key::Swap,
        ];
        prop_oneof![
            3 => prop::sample::select(characters.collect::<Vec<_>>()).prop_map(Key::Character),
            2 => prop::sample::select(moves.to_vec()),
        ]
    }

    proptest! {
        #![proptest_config(crate::property_tests())]

        /// The lengths are those of the text, and the cursor is between two.
        #[test]
        fn clusters_fit_the_text(keys in prop::collection::vec(key(), 0..100)) {
            let mut line = Line::default();
            for (at, key) in keys.into_iter().enumerate() {
                if key != Key::Yank || line.has_place(line.erased_bytes(), TEXT_BYTES_MAX) {
                    line.press(key);
                }
                if at % 17 == 16 {
                    let entered = line.enter();
                    line.remember(&entered);
                }
                let bytes = |clusters: &[u8]| clusters.iter().map(|&b| usize::from(b)).sum::<usize>();
                prop_assert_eq!(bytes(&line.text.clusters), line.as_str().len());
                prop_assert_eq!(bytes(&line.text.clusters[..line.cluster]), line.cursor);
                prop_assert!(line.as_str().is_char_boundary(line.cursor));
            }
        }

        /// What is typed at the end is in the clusters that it would have at once.
        #[test]
        fn typed_text_is_in_its_clusters(text in "[ab \u{301}e日👩👧🏽❤\u{fe0f}\u{1100}\u{1161}]{0,40}") {
            let mut line = Line::default();
            text.chars().for_each(|c| line.press(Key::Character(c)));
            prop_assert_eq!(&line.text, &Text::new(text.clone()));
        }
    }
}
