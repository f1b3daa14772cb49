//! Comings and goings that are counted.

use super::{Checker, order};
use crate::world::World;

/// Those who were told of as coming, less those who were told of as going, are
/// those who are here. Only for rooms where nobody speaks before it is greeted
/// and then stays.
#[derive(Debug, Default)]
pub struct Attendance;

impl Checker for Attendance {
    fn name(&self) -> &'static str {
        "comings and goings are counted right"
    }

    fn rest(&mut self, world: &World) {
        if world.is_shut_down {
            return;
        }
        let mut notices = order(world);
        notices.retain(|line| line.starts_with("*** "));
        let told: i64 = notices.iter().map(|notice| change(notice)).sum();
        let is_here = |number: &usize| world.peers[*number].guest_name().is_some();
        // The observer was there before it could be told of.
        let here = world.ids.values().filter(|number| is_here(number)).count() - 1;
        assert_eq!(told, here as i64, "by {notices:?}");
    }
}

/// By how much a notice changes the number of those who are here: `3 joined, 2
/// left`, `ann, bob and eve joined`, `ann left (connection reset)`.
fn change(notice: &str) -> i64 {
    let text = &notice[4..];
    let counted_left = text.rsplit_once(", ").and_then(|(joined, left)| {
        Some((joined, left.strip_suffix(" left")?.parse::<i64>().ok()?))
    });
    match counted_left {
        Some((joined, left)) => people(joined) - left,
        None => people(text),
    }
}

fn people(text: &str) -> i64 {
    let count = |who: &str| match who.parse() {
        Ok(number) => number,
        Err(_) => 1 + who.matches(", ").count() as i64 + who.matches(" and ").count() as i64,
    };
    if let Some(who) = text.strip_suffix(" joined") {
        return count(who);
    }
    match text.split_once(" left") {
        Some((who, _)) => -count(who),
        None => 0,
    }
}
