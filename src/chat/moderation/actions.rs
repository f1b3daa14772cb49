//! What operators did last, for operators.

use std::collections::VecDeque;

use crate::wire::Time;

/// Actions that are kept.
pub(in crate::chat) const ACTIONS_MAX: usize = 50;

/// Bytes of one of them that are kept; the log of the server has it whole.
const ACTION_BYTES_MAX: usize = 200;

/// The last actions, the newest at the end.
#[derive(Debug, Default)]
pub(in crate::chat) struct Actions(VecDeque<(Time, Box<str>)>);

impl Actions {
    pub fn add(&mut self, time: Time, what: &str) {
        if self.0.len() >= ACTIONS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((time, what[..what.floor_char_boundary(ACTION_BYTES_MAX)].into()));
    }

    pub fn iter(&self) -> impl Iterator<Item = (Time, &str)> {
        self.0.iter().map(|(time, what)| (*time, &**what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_actions_are_kept_and_none_is_long() {
        let mut actions = Actions::default();
        for number in 0..ACTIONS_MAX as u32 + 7 {
            actions.add(number, &"é".repeat(number as usize * 10));
        }
        let kept: Vec<_> = actions.iter().collect();
        assert_eq!((kept.len(), kept[0].0, kept[49].0), (ACTIONS_MAX, 7, 56));
        assert!(kept.iter().all(|(_, what)| what.len() <= ACTION_BYTES_MAX));
    }
}
