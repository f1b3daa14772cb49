//! What is left when all are gone.

use super::Checker;
use crate::world::World;

/// Promise 21: nothing is left.
#[derive(Debug, Default)]
pub struct Leftovers;

impl Checker for Leftovers {
    fn name(&self) -> &'static str {
        "everything is freed"
    }

    fn end(&mut self, world: &World) {
        assert_eq!(world.chat.client_count(), 0);
        assert!(world.ids.is_empty());
        assert_eq!(world.chat.poll_timeout(world.now), None);
        assert_eq!(world.chat.new_bytes(), 0);
        let open: Vec<_> = world.peers.iter().filter(|peer| peer.is_open).collect();
        assert!(open.is_empty(), "{open:?}");
    }
}
