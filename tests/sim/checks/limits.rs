//! Limits.

use super::Checker;
use crate::peer::{Peer, WONT_TIMING_MARK};
use crate::world::World;

/// Everything that has a limit stays within it. What is inside the chat is
/// checked there, each turn.
#[derive(Debug, Default)]
pub struct Limits;

impl Checker for Limits {
    fn name(&self) -> &'static str {
        "limits are kept"
    }

    fn turn(&mut self, world: &World) {
        let (chat, config) = (&world.chat, world.chat.config());
        assert!(chat.client_count() <= config.connections_max(), "{} clients", chat.client_count());
        assert_eq!(chat.client_count(), world.ids.len(), "a client is known to one side only");
        assert!(chat.new_bytes() <= config.backlog_bytes_max, "{} new bytes", chat.new_bytes());
        for peer in world.peers.iter().filter(|peer| peer.is_open) {
            assert!(peer.to_client.len() <= peer.kernel_bytes, "more than there is place for");
        }
    }

    fn rest(&mut self, world: &World) {
        world.peers.iter().for_each(each_option_is_answered_once);
    }
}

/// Promise 15.
fn each_option_is_answered_once(peer: &Peer) {
    let mut answers = peer.screen.telnet.clone();
    answers.retain(|answer| *answer != WONT_TIMING_MARK);
    answers.sort_unstable();
    let repeated = answers.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(repeated, None, "to {}", peer.number);
}
