//! Who does what in a room.

use crate::load::{Flow, Pace};

/// Receivers whose every line is checked; the others' lines are counted.
const LISTENERS: usize = 8;
/// More of them where lines are few, so that there are enough latencies for a p99.9.
const LISTENERS_PACED: usize = 100;

/// Members of a room, by their numbers. Senders and listeners are readers.
pub struct Roles {
    pub members: usize,
    pub readers: Vec<usize>,
    pub senders: Vec<usize>,
    pub listeners: Vec<usize>,
}

impl Roles {
    pub fn new(members: usize, flow: &Flow) -> Roles {
        let readers: Vec<usize> =
            (0..members).filter(|&member| !is_stuck(member, members, flow)).collect();
        let wanted =
            if matches!(flow.pace, Pace::Steady { .. }) { LISTENERS_PACED } else { LISTENERS };
        let count = wanted.min(readers.len());
        // Spread over the room; the last one to come is one of them.
        let listeners =
            (1..=count).map(|number| readers[readers.len() * number / count - 1]).collect();
        Roles { members, senders: readers[..flow.senders].to_vec(), readers, listeners }
    }

    /// The member whose sight of a line brings it back to its sender: the last one to come, and
    /// another one for that one's own lines.
    pub fn observer_of(&self, sender: usize) -> usize {
        match self.listeners[..] {
            [stand_in, .., observer] if self.senders[sender] == observer => stand_in,
            [.., observer] => observer,
            [] => unreachable!("a room without readers"),
        }
    }
}

/// Spread over the room, and neither of the first two, who say the probes.
pub fn is_stuck(member: usize, members: usize, flow: &Flow) -> bool {
    let step = members.checked_div(flow.stuck).unwrap_or(usize::MAX);
    member % step == step / 2
}
