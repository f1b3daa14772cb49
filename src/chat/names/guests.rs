//! The names of guests: no name that others have seen is used twice.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use crate::chat::names::nick::Nick;
use crate::wire::GUEST_NUMBERS;

/// With fewer numbers a server that shares rooms asks for more.
const NUMBERS_FEW: u64 = GUEST_NUMBERS / 2;

/// The numbers of guests.
#[derive(Debug, Default)]
pub(in crate::chat) struct Guests {
    /// The newest one.
    newest: u64,
    /// If other servers have guests too: the numbers that this one has.
    shared: Option<Shared>,
}

/// Numbers that no other server has.
#[derive(Debug, Default)]
struct Shared {
    ranges: VecDeque<RangeInclusive<u64>>,
    is_asked: bool,
    /// Names this start of the server, which makes any number its own.
    server: Box<str>,
    /// How many guests had no number.
    unnumbered: u64,
}

impl Guests {
    /// The name of the next guest.
    pub fn next(&mut self) -> Nick {
        let Some(shared) = &mut self.shared else {
            self.newest += 1;
            return Nick::guest(self.newest);
        };
        while let Some(range) = shared.ranges.front_mut() {
            if let Some(number) = range.next() {
                self.newest = number;
                return Nick::guest(number);
            }
            shared.ranges.pop_front();
        }
        // The engine is away for long.
        shared.unnumbered += 1;
        Nick::unnumbered_guest(shared.unnumbered, &shared.server)
    }

    /// Nobody has seen this name, which is free again: the next guest may have it.
    pub fn take_back(&mut self, nick: &Nick) {
        if nick.as_str() != Nick::guest(self.newest).as_str() {
            return;
        }
        if let Some(shared) = &mut self.shared {
            let Some(range) = shared.ranges.front_mut() else { return };
            *range = self.newest..=*range.end();
        }
        self.newest -= 1;
    }

    /// There are more numbers up to this one.
    pub fn add(&mut self, highest: u64, server: &str) {
        let shared = self.shared.get_or_insert_default();
        shared.ranges.push_back(highest.saturating_sub(GUEST_NUMBERS) + 1..=highest);
        (shared.is_asked, shared.server) = (false, server.into());
    }

    /// Whether there are few numbers left, and no more are asked for.
    pub fn wants_more(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| {
            let left =
                |range: &RangeInclusive<u64>| (range.end() + 1).saturating_sub(*range.start());
            !shared.is_asked && shared.ranges.iter().map(left).sum::<u64>() < NUMBERS_FEW
        })
    }

    /// The same; they are asked for then.
    pub fn ask(&mut self) -> bool {
        let wants_more = self.wants_more();
        if let Some(shared) = &mut self.shared {
            shared.is_asked |= wants_more;
        }
        wants_more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_alone_counts_its_guests() {
        let mut guests = Guests::default();
        let names: Vec<_> = (0..3).map(|_| guests.next()).collect();
        assert_eq!(
            names.iter().map(Nick::as_str).collect::<Vec<_>>(),
            ["guest1", "guest2", "guest3"]
        );
        guests.take_back(&names[2]);
        guests.take_back(&names[0]);
        assert_eq!(guests.next().as_str(), "guest3");
        assert!(!guests.wants_more());
    }

    #[test]
    fn servers_have_numbers_of_their_own() {
        let mut guests = Guests::default();
        guests.add(3000, "k3x9f2");
        assert_eq!(guests.next().as_str(), "guest2001");
        let second = guests.next();
        guests.take_back(&second);
        assert_eq!(guests.next().as_str(), "guest2002");
        assert!(!guests.wants_more());
        (0..600).for_each(|_| _ = guests.next());
        assert!(guests.ask());
        assert!(!guests.ask(), "it was asked already");
        (0..398).for_each(|_| _ = guests.next());
        assert_eq!(guests.next().as_str(), "guest1-k3x9f2", "there are no numbers any more");
        guests.add(5000, "k3x9f2");
        assert_eq!(guests.next().as_str(), "guest4001");
    }
}
