//! The text being typed, the cursor in it, and what was typed before.
//!
//! The cursor stands between *clusters*: what looks like one character (Unicode
//! UAX 29). Their lengths are kept, so a key looks at the clusters beside the
//! cursor only, however long the line is.

use std::collections::VecDeque;

use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

use super::keys::Key;

/// The longest line that is edited, in bytes: what is behind the cursor moves
/// with each key.
pub(super) const TEXT_BYTES_MAX: usize = 4096;

/// The longest cluster, in bytes. A family of emoji has 25; a longer one is
/// taken for several.
const CLUSTER_BYTES_MAX: usize = 64;

/// Combining marks in a row, as in a line that is said.
const MARKS_MAX: usize = 8;

/// How much of what was typed is remembered.
const HISTORY_LINES_MAX: usize = 50;
const HISTORY_BYTES_MAX: usize = 8 * 1024;

/// A text in clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    text: String,
    /// The bytes of each cluster, `CLUSTER_BYTES_MAX` at most.
    clusters: Vec<u8>,
}

/// The text, the cursor, and what was typed before.
#[derive(Debug, Default)]
pub(super) struct Line {
    text: Text,
    /// The cursor, in bytes and in clusters.
    cursor: usize,
    cluster: usize,
    history: VecDeque<Text>,
    history_bytes: usize,
    /// How many lines back the text is from, 0 if it is new.
    back: usize,
    /// The new text, while an old one is shown.
    draft: Text,
}

impl Text {
    fn new(text: String) -> Text {
        let mut clusters = Vec::new();
        for cluster in text.graphemes(true) {
            push_lengths(cluster, &mut clusters);
        }
        Text { text, clusters }
    }

    fn capacity(&self) -> usize {
        self.text.capacity() + self.clusters.capacity()
    }
}

/// Adds the length of a cluster, of several if it is too long for one.
fn push_lengths(mut cluster: &str, lengths: &mut Vec<u8>) {
    while !cluster.is_empty() {
        let end = cluster.floor_char_boundary(CLUSTER_BYTES_MAX);
        lengths.push(end as u8);
        cluster = &cluster[end..];
    }
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
        let bytes = self.as_str().len() + c.len_utf8();
        bytes <= bytes_max.min(TEXT_BYTES_MAX) && !(is_combining_mark(c) && self.has_all_marks())
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

    /// Bytes of memory held for the line, and for those before it.
    pub fn held_bytes(&self) -> usize {
        let history = self.history.iter().map(Text::capacity).sum::<usize>();
        self.text.capacity() + self.draft.capacity() + history
    }

    /// Takes the text out.
    pub fn enter(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        (self.cursor, self.cluster, self.back) = (0, 0, 0);
        self.draft = Text::default();
        if self.history.back() != Some(&text) {
            self.history_bytes += text.text.len();
            self.history.push_back(text.clone());
        }
        while self.history.len() > HISTORY_LINES_MAX || self.history_bytes > HISTORY_BYTES_MAX {
            let oldest = self.history.pop_front().map_or(0, |line| line.text.len());
            self.history_bytes -= oldest;
        }
        text.text
    }

    pub fn press(&mut self, key: Key) {
        let last = self.text.clusters.len();
        match key {
            Key::Character(c) => self.insert(c),
            Key::Left => self.left(),
            Key::Right => self.right(),
            Key::Home => (self.cursor, self.cluster) = (0, 0),
            Key::End => (self.cursor, self.cluster) = (self.as_str().len(), last),
            Key::Up => self.go_back(self.back + 1),
            Key::Down if self.back > 0 => self.go_back(self.back - 1),
            Key::Backspace => self.erase(self.cluster.saturating_sub(1), self.cluster),
            Key::Delete | Key::DeleteOrEnd => {
                self.erase(self.cluster, last.min(self.cluster + 1));
            }
            Key::EraseWord => self.erase(self.word_start(), self.cluster),
            Key::EraseToStart => self.erase(0, self.cluster),
            Key::EraseToEnd => self.erase(self.cluster, last),
            Key::EraseAll => self.set(Text::default()),
            Key::Down | Key::Enter | Key::Redraw => {}
        }
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

    /// Shows the line `back` lines before the new one.
    fn go_back(&mut self, back: usize) {
        if back > self.history.len() {
            return;
        }
        if self.back == 0 {
            self.draft = std::mem::take(&mut self.text);
        }
        self.back = back;
        let text = match back {
            0 => std::mem::take(&mut self.draft),
            _ => self.history[self.history.len() - back].clone(),
        };
        self.set(text);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_remembered_has_a_limit() {
        let mut line = Line::default();
        for number in 0..1000 {
            line.set(Text::new(format!("{number} {}", "x".repeat(number))));
            line.enter();
            assert!(line.history.len() <= HISTORY_LINES_MAX);
            let bytes: usize = line.history.iter().map(|line| line.text.len()).sum();
            assert_eq!(line.history_bytes, bytes);
            assert!(bytes <= HISTORY_BYTES_MAX);
        }
    }

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
                line.press(key);
                if at % 17 == 16 {
                    line.enter();
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
