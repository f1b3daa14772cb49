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

/// By how much a notice changes the number of those who are here.
fn change(notice: &str) -> i64 {
    let part = |part: &str| {
        let (who, verb) = part.split_once(' ').expect("who, and what");
        let people = who.parse().unwrap_or(1);
        match verb.split(' ').next() {
            Some("joined") => people,
            Some("left") => -people,
            _ => 0,
        }
    };
    // `3 joined, 2 left`, or `ann left (connection reset)`.
    notice[4..].split(", ").map(part).sum()
}
