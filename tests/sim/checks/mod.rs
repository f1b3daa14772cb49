//! What must hold whatever happens, seen from outside: by what clients are
//! shown, and by what the chat asks of its caller.

mod order;
mod names;
mod liveness;
mod endings;
mod limits;
mod attendance;
mod leftovers;

pub use self::attendance::Attendance;
pub use self::endings::CloseReasons;
pub use self::leftovers::Leftovers;
pub use self::limits::Limits;
pub use self::liveness::{Deliveries, Wakeups};
pub use self::names::Names;
pub use self::order::Order;
use crate::peer::Shown;
use crate::world::World;

/// Watches one thing. Panics if it is broken.
pub trait Checker {
    /// What it watches.
    fn name(&self) -> &'static str;

    /// A turn of the loop is over.
    fn turn(&mut self, _world: &World) {}

    /// The weather is good and nothing happens by itself any more.
    fn rest(&mut self, _world: &World) {}

    /// Everyone has gone.
    fn end(&mut self, _world: &World) {}
}

/// Those that fit every scenario.
pub fn common() -> Vec<Box<dyn Checker>> {
    vec![
        Box::<Wakeups>::default(),
        Box::<CloseReasons>::default(),
        Box::<Limits>::default(),
        Box::<Leftovers>::default(),
    ]
}

/// The order of the room: what its observer was shown, a client at place 0 that
/// was there from the beginning, says nothing and always reads.
fn order(world: &World) -> Vec<&str> {
    let shown = &world.peers[0].screen.shown;
    let gap = shown.iter().find(|shown| matches!(shown, Shown::Gap(_)));
    assert_eq!(gap, None, "a healthy reader was lapped");
    shown.iter().filter_map(Shown::public).collect()
}

/// Who said a public line, and its counter.
fn said(line: &str) -> Option<(usize, u64)> {
    let text = match line.strip_prefix("* ") {
        Some(act) => act.split_once(' ')?.1,
        None => line.strip_prefix('<')?.split_once("> ")?.1,
    };
    let word =
        text.trim_start_matches('/').split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let (number, counter) = word.split_once('.')?;
    Some((number.parse().ok()?, counter.parse().ok()?))
}
