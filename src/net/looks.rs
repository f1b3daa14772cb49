//! Looks at what clients have sent, and which deadlines may be judged by them.
//!
//! A process can be away for long: it is stopped, its machine sleeps, or others
//! use the processors. When it is back, all deadlines seem to have passed. So a
//! deadline is judged by a time at which the loop has looked at everyone since.

use std::time::Instant;

/// A round ends after so many looks in any case: under a load that leaves
/// something unread each time, deadlines still come.
const LOOKS_MAX: usize = 64;

/// Looks come in rounds, in which each client that has sent something is seen.
#[derive(Debug)]
pub(super) struct Looks {
    /// When the first look of this round began.
    began: Option<Instant>,
    looks: usize,
    /// Events in this round.
    events: usize,
    /// When the last round began that is over.
    judged: Instant,
}

/// One look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub began: Instant,
    pub events: usize,
    /// Events that it could have shown.
    pub events_max: usize,
    /// Whatever may have an event.
    pub sources: usize,
    /// Events that were left for later.
    pub unread: usize,
}

impl Looks {
    pub fn new(now: Instant) -> Looks {
        Looks { began: None, looks: 0, events: 0, judged: now }
    }

    /// What a look has shown is handled.
    pub fn add(&mut self, look: Look) {
        let began = *self.began.get_or_insert(look.began);
        self.looks += 1;
        self.events += look.events;
        // Those that were seen come last the next time.
        let is_everyone = look.events < look.events_max || self.events >= look.sources;
        if (is_everyone && look.unread == 0) || self.looks >= LOOKS_MAX {
            *self = Looks::new(began);
        }
    }

    /// The time by which deadlines may be judged.
    pub fn judged(&self) -> Instant {
        self.judged
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn look(began: Instant, events: usize, unread: usize) -> Look {
        Look { began, events, events_max: 10, sources: 100, unread }
    }

    #[test]
    fn a_deadline_is_judged_by_the_time_before_a_look() {
        let start = Instant::now();
        let mut looks = Looks::new(start);
        assert_eq!(looks.judged(), start);
        looks.add(look(start + SECOND, 0, 0));
        assert_eq!(looks.judged(), start + SECOND);
    }

    #[test]
    fn a_look_that_shows_only_some_is_the_first_of_several() {
        let start = Instant::now();
        let mut looks = Looks::new(start);
        for number in 1..=9 {
            looks.add(look(start + number * SECOND, 10, 0));
            assert_eq!(looks.judged(), start);
        }
        looks.add(look(start + 10 * SECOND, 10, 0));
        assert_eq!(looks.judged(), start + SECOND);
        looks.add(look(start + 11 * SECOND, 10, 0));
        assert_eq!(looks.judged(), start + SECOND);
        looks.add(look(start + 12 * SECOND, 9, 0));
        assert_eq!(looks.judged(), start + 11 * SECOND);
    }

    #[test]
    fn what_is_always_left_unread_does_not_stop_the_clock() {
        let start = Instant::now();
        let mut looks = Looks::new(start);
        for number in 1..=LOOKS_MAX as u32 {
            assert_eq!(looks.judged(), start);
            looks.add(look(start + number * SECOND, 1, 1));
        }
        assert_eq!(looks.judged(), start + SECOND);
    }
}
