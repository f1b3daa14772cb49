//! Where newcomers come in, as the server's own door: it accepts them while
//! there is headroom and goes on by itself after the system had no means to.

use std::collections::VecDeque;

use fastrand::Rng;

/// Turns that a shortage of descriptors lasts at most.
const SHORTAGE_TURNS_MAX: u32 = 40;

/// The listener, and those who have connected and aren't accepted.
#[derive(Debug, Default)]
pub struct Door {
    waiting: VecDeque<usize>,
    shortage: Shortage,
    /// Turns until the shortage is over.
    turns: u32,
}

/// What the server can do for a newcomer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shortage {
    /// Let it in.
    #[default]
    None,
    /// Tell it that there is no place, with the descriptor kept in reserve.
    TurnsAway,
    /// Nothing: it waits.
    Pauses,
}

impl Door {
    /// A client has connected.
    pub fn knock(&mut self, number: usize) {
        self.waiting.push_back(number);
    }

    pub fn shortage(&self) -> Shortage {
        self.shortage
    }

    /// The next one that can be accepted.
    pub fn accept(&mut self) -> Option<usize> {
        if self.shortage == Shortage::Pauses { None } else { self.waiting.pop_front() }
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// A turn is over; so may be a shortage.
    pub fn turn(&mut self) {
        self.turns = self.turns.saturating_sub(1);
        if self.turns == 0 {
            self.shortage = Shortage::None;
        }
    }

    /// A shortage begins, unless there is one.
    pub fn run_short(&mut self, rng: &mut Rng) {
        if self.turns == 0 {
            self.turns = rng.u32(1..SHORTAGE_TURNS_MAX);
            self.shortage = if rng.bool() { Shortage::TurnsAway } else { Shortage::Pauses };
        }
    }
}
