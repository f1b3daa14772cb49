//! Why visits end.

use roomcast::chat::{CloseReason, Closing, OnLag, Refused};

use roomcast::wire::Protocol;

use super::Checker;
use crate::world::World;

/// A visit ends for a reason that the client has given, and not before.
#[derive(Debug, Default)]
pub struct CloseReasons {
    /// How many have been looked at.
    seen: usize,
}

impl Checker for CloseReasons {
    fn name(&self) -> &'static str {
        "visits end for a reason"
    }

    fn turn(&mut self, world: &World) {
        for &(number, ending, closing) in &world.endings[self.seen..] {
            let is_right = is_deserved(world, number, ending);
            assert!(is_right, "{number}: {ending:?}, {closing:?}");
            if closing == Closing::Polite {
                assert_ne!(ending, CloseReason::Stalled, "{number} takes nothing");
            }
        }
        self.seen = world.endings.len();
    }

    /// Each was counted, and each who couldn't come in.
    fn end(&mut self, world: &World) {
        let endings = world.chat.counts().endings;
        let refused =
            endings.iter().filter(|(ending, _)| matches!(ending, CloseReason::Refused(_)));
        let is_refused = |(_, ending, _): &&(usize, CloseReason, Closing)| {
            matches!(ending, CloseReason::Refused(_))
        };
        let later = world.endings.iter().filter(is_refused).count() as u64;
        assert_eq!(refused.map(|(_, count)| count).sum::<u64>(), world.refused + later, "refused");
        for (_, ending, _) in &world.endings {
            let same = world.endings.iter().filter(|(_, other, _)| other == ending);
            assert_eq!(endings[*ending], same.count() as u64, "{ending:?}");
        }
    }
}

fn is_deserved(world: &World, number: usize, ending: CloseReason) -> bool {
    let (peer, config) = (&world.peers[number], world.chat.config());
    match ending {
        // A request is answered, and that is all; the blind ones send any.
        CloseReason::Quit => peer.has_quit || peer.is_fin_read || (config.has_web && peer.is_blind),
        CloseReason::Reset => peer.is_broken() && !peer.has_vanished,
        CloseReason::Vanished => peer.has_vanished,
        CloseReason::Stalled => {
            // What is in records already may still be taken when it has to go.
            let took_at = peer.took_late_at.unwrap_or(peer.took_at);
            config.stall_timeout.is_some_and(|limit| took_at + limit <= world.now)
        }
        CloseReason::Lagged => config.on_lag == OnLag::Close,
        CloseReason::Unfinished => {
            let is_late =
                config.line_timeout.is_some_and(|limit| peer.came_at + limit <= world.now);
            // If time jumps between two reads of a line, or its client breaks, its end
            // wasn't read. The blind ones begin all kinds of things.
            let is_cut = peer.has_input() || peer.is_broken();
            is_late && (peer.has_begun || is_cut || peer.is_blind)
        }
        CloseReason::Idle => {
            config.idle_timeout.is_some_and(|limit| peer.heard_at + limit <= world.now)
        }
        // Only the blind ones are operators, and guess passwords.
        CloseReason::NoPassword | CloseReason::GaveWay => {
            let may_wait = config.password.is_some() || config.operator_password.is_some();
            peer.is_blind && may_wait
        }
        // They know the tokens of others.
        CloseReason::Replaced => peer.is_blind && config.has_web,
        CloseReason::Kicked | CloseReason::Banned => {
            peer.is_blind && config.operator_password.is_some()
        }
        CloseReason::LineTooLong => config.raw,
        CloseReason::NoHandshake => peer.records.is_some(),
        // It could be greeted before its handshake began.
        CloseReason::Foreign(Protocol::Tls) if peer.records.is_some() => true,
        // Only the blind ones send anything that can be sent.
        CloseReason::Foreign(_) => peer.is_blind,
        CloseReason::Shutdown => world.is_shut_down,
        CloseReason::Refused(Refused::Locked) => {
            peer.is_blind && config.operator_password.is_some()
        }
        // That is no visit.
        CloseReason::Refused(_) => false,
    }
}
