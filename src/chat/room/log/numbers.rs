//! Which numbers lines have: people and programs know them by these.

use std::sync::Arc;

use super::{Log, Seq, Stretch};

impl Log {
    /// The number of the line at a place, or of the next one that has a number: people and
    /// programs know it by that, and it never changes.
    pub fn number(&self, seq: Seq) -> u64 {
        let stretch = self.stretch(seq);
        match stretch.is_numbered {
            true => (stretch.number + seq).saturating_sub(stretch.place),
            false => stretch.number,
        }
    }

    /// The number of the line at a place, if it has one.
    pub fn own_number(&self, seq: Seq) -> Option<u64> {
        self.stretch(seq).is_numbered.then(|| self.number(seq))
    }

    /// Names the counting that the number of the line at a place belongs to.
    pub fn run_of(&self, seq: Seq) -> &str {
        &self.stretch(seq).run
    }

    pub(super) fn stretch(&self, seq: Seq) -> &Stretch {
        let stretch = self.stretches.iter().rev().find(|stretch| stretch.place <= seq);
        stretch.unwrap_or(&self.stretches[0])
    }

    /// The number of the newest line, or of the one before the first one.
    pub fn newest(&self) -> u64 {
        self.number(self.next()) - 1
    }

    /// Names the newest counting of lines.
    pub fn run(&self) -> &str {
        self.run_of(self.next())
    }

    /// Whether lines here are of this counting.
    pub fn has_run(&self, run: &str) -> bool {
        self.stretches.iter().any(|stretch| *stretch.run == *run)
    }

    /// The number of the first line of a counting at a place or later.
    pub fn number_from(&self, run: &str, seq: Seq) -> Option<u64> {
        let at = self.stretches.iter().rposition(|stretch| stretch.place <= seq).unwrap_or(0);
        let stretch = self.stretches.range(at..).find(|stretch| *stretch.run == *run)?;
        Some(self.number(seq.max(stretch.place)))
    }

    /// The place of the first line after the one with this number of a counting. That line may
    /// be gone.
    pub fn place_after(&self, run: &str, number: u64) -> Seq {
        let (mut end, mut earliest) = (self.next(), None);
        for stretch in self.stretches.iter().rev() {
            if stretch.is_numbered && *stretch.run == *run {
                let before = stretch.number - 1;
                if number > before {
                    return stretch.place.saturating_add(number - before).min(end);
                }
                earliest = Some(stretch);
            }
            end = stretch.place;
        }
        let first = &self.stretches[0];
        match earliest {
            // It is before all that is here.
            Some(stretch) if stretch.place == first.place => {
                first.place.saturating_sub(first.number - 1 - number)
            }
            Some(stretch) => stretch.place,
            None => first.place,
        }
    }

    /// The log begins with this number of this counting: nobody has read it so far.
    pub fn begin_at(&mut self, run: &str, number: u64) {
        assert!(self.records.is_empty(), "lines have their places");
        self.first = number - 1;
        let (place, run) = (self.first, run.into());
        self.stretches = [Stretch { place, number, run, is_numbered: true }].into();
    }

    /// The next line gets this number, which none has had so far.
    pub fn jump_to(&mut self, number: u64) {
        assert!(number > self.newest(), "numbers never go back");
        let is_next = self.own_number(self.next()) == Some(number);
        if !is_next {
            let run = Arc::clone(&self.stretch(self.next()).run);
            self.begin_stretch(run, number, true);
        }
    }

    /// The next line gets this number of this counting.
    pub fn begin_run(&mut self, run: &str, number: u64) {
        self.begin_stretch(run.into(), number, true);
    }

    /// The next lines get no numbers.
    pub fn begin_unnumbered(&mut self) {
        let next = self.next();
        let number = self.number(next);
        if self.own_number(next).is_some() {
            let run = Arc::clone(&self.stretch(next).run);
            self.begin_stretch(run, number, false);
        }
    }

    fn begin_stretch(&mut self, run: Arc<str>, number: u64, is_numbered: bool) {
        let place = self.next();
        // One without lines is over.
        while self.stretches.pop_back_if(|stretch| stretch.place >= place).is_some() {}
        self.stretches.push_back(Stretch { place, number, run, is_numbered });
    }
}
