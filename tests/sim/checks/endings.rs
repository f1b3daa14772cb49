//! Why visits end.

use roomcast::chat::{Closing, Ending, OnLag};

use super::Checker;
use crate::world::World;

/// A visit ends for a reason that the client has given, and not before.
#[derive(Debug, Default)]
pub struct Endings {
    /// How many have been looked at.
    seen: usize,
}

impl Checker for Endings {
    fn name(&self) -> &'static str {
        "visits end for a reason"
    }

    fn turn(&mut self, world: &World) {
        for &(number, ending, closing) in &world.endings[self.seen..] {
            let is_right = is_deserved(world, number, ending);
            assert!(is_right, "{number}: {ending:?}, {closing:?}");
            if closing == Closing::Polite {
                assert_ne!(ending, Ending::Stalled, "{number} takes nothing");
            }
        }
        self.seen = world.endings.len();
    }

    /// Each was counted, and each who couldn't come in.
    fn end(&mut self, world: &World) {
        let endings = world.chat.counts().endings;
        let refused = endings.iter().filter(|(ending, _)| matches!(ending, Ending::Refused(_)));
        assert_eq!(refused.map(|(_, count)| count).sum::<u64>(), world.refused, "refused");
        for (_, ending, _) in &world.endings {
            let same = world.endings.iter().filter(|(_, other, _)| other == ending);
            assert_eq!(endings[*ending], same.count() as u64, "{ending:?}");
        }
    }
}

fn is_deserved(world: &World, number: usize, ending: Ending) -> bool {
    let (peer, config) = (&world.peers[number], world.chat.config());
    match ending {
        Ending::Quit => peer.has_quit || peer.is_fin_read,
        Ending::Reset => peer.is_broken() && !peer.has_vanished,
        Ending::Vanished => peer.has_vanished,
        Ending::Stalled => {
            config.stall_timeout.is_some_and(|limit| peer.took_at + limit <= world.now)
        }
        Ending::Lagged => config.on_lag == OnLag::Close,
        Ending::Unfinished => {
            let is_late =
                config.line_timeout.is_some_and(|limit| peer.came_at + limit <= world.now);
            // If time jumps between two reads of a line, or its client breaks, its end
            // wasn't read. The blind ones begin all kinds of things.
            let is_cut = peer.has_input() || peer.is_broken();
            is_late && (peer.has_begun || is_cut || peer.is_blind)
        }
        Ending::Idle => config.idle_timeout.is_some_and(|limit| peer.heard_at + limit <= world.now),
        // Only the blind ones are operators, and guess passwords.
        Ending::NoPassword | Ending::GaveWay => peer.is_blind && config.password.is_some(),
        Ending::Kicked | Ending::Banned => peer.is_blind && config.operator_password.is_some(),
        Ending::LineTooLong => config.raw,
        // Only the blind ones send anything that can be sent.
        Ending::Foreign(_) => peer.is_blind,
        Ending::Shutdown => world.is_shut_down,
        // That is no visit.
        Ending::Refused(_) => false,
    }
}
