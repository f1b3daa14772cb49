//! Rules of rooms that nobody is in. The store has them too, but it may not answer when somebody
//! comes.

use std::collections::VecDeque;

use crate::chat::names::nick::Nick;
use crate::wire::Rules;

/// Rooms that are remembered at most; the ones that were left first are forgotten.
const ROOMS_MAX: usize = 1000;

/// What operators had set for rooms when they were left.
#[derive(Debug, Default)]
pub(in crate::chat) struct AbsentRules {
    rooms: VecDeque<(Nick, Rules)>,
}

impl AbsentRules {
    /// A room of this name has been left with these rules.
    pub fn set(&mut self, name: &Nick, rules: Rules) {
        self.rooms.retain(|(other, _)| !other.is_same(name));
        if rules == Rules::default() {
            return;
        }
        if self.rooms.len() >= ROOMS_MAX {
            self.rooms.pop_front();
        }
        self.rooms.push_back((name.clone(), rules));
    }

    /// The rules of the room of this name; none if none were set.
    pub fn get(&self, name: &Nick) -> Rules {
        let room = self.rooms.iter().find(|(other, _)| other.is_same(name));
        room.map(|(_, rules)| rules.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_rules_count_and_their_number_is_bounded() {
        let mut absent = AbsentRules::default();
        let name = |number: usize| Nick::parse(&format!("room-{number}")).expect("a name");
        let slow = |slow_seconds: u32| Rules { slow_seconds, ..Rules::default() };
        assert_eq!(absent.get(&name(0)), Rules::default());
        absent.set(&name(0), slow(1));
        absent.set(&Nick::parse("ROOM-0").expect("a name"), slow(2));
        assert_eq!(absent.get(&name(0)), slow(2));
        absent.set(&name(0), Rules::default());
        assert!(absent.rooms.is_empty());
        (0..=ROOMS_MAX).for_each(|number| absent.set(&name(number), slow(3)));
        assert_eq!((absent.rooms.len(), absent.get(&name(0))), (ROOMS_MAX, Rules::default()));
    }
}
