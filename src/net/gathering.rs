//! How long a turn waits for more input before it writes to everyone.
//!
//! A write to a client costs about the same for one line as for a hundred. So
//! when lines come faster than a room can be written to, it pays to write less
//! often: as network cards do with their interrupts. Nothing waits in a room
//! where lines come singly.

use std::time::{Duration, Instant};

/// With fewer clients than this a look for more isn't small beside the writes.
const CLIENTS_MIN: usize = 16;

/// With so many bytes to write to each client, more make a write no cheaper;
/// they only push each other out of the processor's caches.
const BYTES_ENOUGH: usize = 96 * 1024;

/// The longest pause, because a turn is to be a few milliseconds long in a
/// room of any size.
const PAUSE_MAX: Duration = Duration::from_millis(2);

/// Remembers how long it took to write to everyone.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// Time spent writing since everyone had been written to.
    writing_time: Duration,
    /// When everyone had been written to, and the time that it took.
    written: Option<(Instant, Duration)>,
}

impl Gathering {
    /// Whether it pays to look for more, with `bytes` to write to each of
    /// `clients`.
    pub fn is_worth_it(clients: usize, bytes: usize) -> bool {
        clients >= CLIENTS_MIN && (1..BYTES_ENOUGH).contains(&bytes)
    }

    /// How long to wait first: until half the time that it took to write to
    /// everyone has passed since then. So a busy room gets its lines half as
    /// late again at most, and there is no wait if the last lines are old.
    pub fn pause(&self, now: Instant) -> Duration {
        let Some((at, time)) = self.written else { return Duration::ZERO };
        (at + time / 2).saturating_duration_since(now).min(PAUSE_MAX)
    }

    /// A turn has written from `start` until `now`; `is_everyone` if nobody is
    /// left to be written to.
    pub fn add_writes(&mut self, start: Instant, now: Instant, is_everyone: bool) {
        self.writing_time += now - start;
        if is_everyone {
            self.written = Some((now, std::mem::take(&mut self.writing_time)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn lines_that_come_singly_never_wait() {
        let start = Instant::now();
        let mut gathering = Gathering::default();
        assert_eq!(gathering.pause(start), Duration::ZERO);
        gathering.add_writes(start, start + 2 * MS, true);
        assert_eq!(gathering.pause(start + 3 * MS), Duration::ZERO);
    }

    #[test]
    fn in_a_busy_room_a_turn_waits_half_as_long_as_it_writes() {
        let start = Instant::now();
        let mut gathering = Gathering::default();
        gathering.add_writes(start, start + 2 * MS, true);
        assert_eq!(gathering.pause(start + 2 * MS), MS);
        assert_eq!(gathering.pause(start + 5 * MS / 2), MS / 2);
    }

    #[test]
    fn writes_of_several_turns_count_together_and_the_pause_has_a_limit() {
        let start = Instant::now();
        let mut gathering = Gathering::default();
        gathering.add_writes(start, start + MS, false);
        assert_eq!(gathering.pause(start + MS), Duration::ZERO);
        gathering.add_writes(start + MS, start + 2 * MS, true);
        assert_eq!(gathering.pause(start + 2 * MS), MS);
        gathering.add_writes(start, start + 40 * MS, true);
        assert_eq!(gathering.pause(start + 40 * MS), PAUSE_MAX);
    }

    #[test]
    fn few_clients_and_full_writes_are_not_worth_a_look() {
        assert!(Gathering::is_worth_it(CLIENTS_MIN, 1));
        assert!(!Gathering::is_worth_it(CLIENTS_MIN - 1, 1));
        assert!(!Gathering::is_worth_it(CLIENTS_MIN, 0));
        assert!(!Gathering::is_worth_it(CLIENTS_MIN, BYTES_ENOUGH));
    }
}
