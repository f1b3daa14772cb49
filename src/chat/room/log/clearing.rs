//! Lines that operators take out.

use super::{Log, NONE, Seq, Stretch};
use crate::chat::room::cleared::{CLEARED_MAX, Cleared, ClearedNumbers};

impl Log {
    /// Takes the lines with these numbers of a counting out, as far as they are here; gives where
    /// they were. Lines keep their numbers, but those before them get other places. Takes as long
    /// as there are lines.
    pub fn clear(&mut self, run: &str, first: u64, last: u64) -> Cleared {
        let (from, end) = self.places(run, first, last);
        let cleared = Cleared { first: from, end };
        let is_whole = first >= self.number(self.first);
        let lines =
            if is_whole { end - from } else { last.saturating_add(1).saturating_sub(first) };
        if self.cleared.len() >= CLEARED_MAX {
            self.cleared.pop_front();
        }
        self.cleared.push_back(ClearedNumbers { run: run.into(), first, last, lines });
        if from < end {
            self.remove(cleared);
        }
        cleared
    }

    /// The places of the lines with these numbers of a counting, as far as they are here. What is
    /// before the first number of all is before all of them.
    pub fn places(&self, run: &str, first: u64, last: u64) -> (Seq, Seq) {
        let from = match first {
            0 | 1 => self.first,
            _ => self.place_after(run, first - 1),
        };
        let from = from.clamp(self.first, self.next());
        (from, self.place_after(run, last).clamp(from, self.next()))
    }

    fn remove(&mut self, cleared: Cleared) {
        let Cleared { first, end } = cleared;
        self.link_past(cleared);
        let behind = Stretch { place: end, number: self.number(end), ..self.stretch(end).clone() };
        let (start, stop) = (self.begin(first), self.begin(end));
        let (at, count) = (self.index(first), (end - first) as usize);
        self.bytes.drain((start - self.start) as usize..(stop - self.start) as usize);
        self.records.drain(at..at + count);
        self.records.range_mut(..at).for_each(|record| record.end += stop - start);
        (self.start, self.first) = (self.start + (stop - start), self.first + count as u64);
        self.stretches.retain(|stretch| !cleared.has(stretch.place));
        self.stretches.iter_mut().for_each(|it| it.place = cleared.moved(it.place));
        let at = self.stretches.partition_point(|stretch| stretch.place < end);
        if self.stretches.get(at).is_none_or(|stretch| stretch.place != end) {
            self.stretches.insert(at, behind);
        }
        while self.stretches.get(1).is_some_and(|stretch| stretch.place <= self.first) {
            self.stretches.pop_front();
        }
        for image in self.images.iter_mut().flatten() {
            image.remove(cleared);
        }
    }

    /// The way from each line of an author to the next one leads past lines that are about to be
    /// taken out.
    fn link_past(&mut self, cleared: Cleared) {
        for place in self.first..cleared.first {
            let mut next = self.next_own(place);
            while cleared.has(next) {
                next = self.next_own(next);
            }
            if next >= cleared.end {
                let is_last = next == NONE;
                let distance = if is_last { 0 } else { next - cleared.moved(place) };
                let at = self.index(place);
                self.records[at].next_own = distance as u32;
            }
        }
    }

    /// Whether the line with this number of a counting was taken out.
    pub fn is_cleared(&self, run: &str, number: u64) -> bool {
        let is_it =
            |it: &ClearedNumbers| *it.run == *run && it.first <= number && number <= it.last;
        self.cleared.iter().any(is_it)
    }

    /// How many lines of a counting were taken out after one number and before another one.
    pub fn lines_cleared(&self, run: &str, after: u64, before: u64) -> u64 {
        let lines = |it: &ClearedNumbers| {
            // A client may ask for any number.
            let first = it.first.max(after.saturating_add(1));
            let end = it.last.saturating_add(1).min(before);
            end.saturating_sub(first).min(it.lines)
        };
        self.cleared.iter().filter(|it| *it.run == *run).map(lines).sum()
    }
}
