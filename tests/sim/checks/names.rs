//! Names.

use std::collections::HashMap;

use super::{Checker, order, said};
use crate::peer::Peer;
use crate::world::World;

/// Promises 13 and 14: the name on a line is at that time the name of who said
/// it, and nobody else's.
#[derive(Debug, Default)]
pub struct Names;

impl Checker for Names {
    fn name(&self) -> &'static str {
        "names are true"
    }

    fn rest(&mut self, world: &World) {
        let guests = world.peers.iter().filter_map(|peer| Some((peer.guest_name()?, peer.number)));
        let mut holders =
            Holders { guests: guests.collect(), numbers: HashMap::from([("guest1".into(), 0)]) };
        for line in order(world) {
            match line.strip_prefix("*** ") {
                Some(notice) => holders.notice(notice),
                None => holders.line(line, &world.peers),
            }
        }
    }
}

/// Nobody has been seen with that name so far.
const UNSEEN: usize = usize::MAX;

/// Who has which name at one place in the order.
struct Holders {
    /// By the name that the server gave.
    guests: HashMap<String, usize>,
    /// By key.
    numbers: HashMap<String, usize>,
}

impl Holders {
    fn line(&mut self, line: &str, peers: &[Peer]) {
        let (number, counter) = said(line).unwrap_or_else(|| panic!("said by nobody: {line:?}"));
        assert!(counter <= peers[number].counter, "never said: {line:?}");
        let holder = self.numbers.get_mut(&key(label(line))).expect("a name in use");
        if *holder == UNSEEN {
            *holder = number;
        }
        assert_eq!(*holder, number, "not the name of its sender: {line:?}");
    }

    fn notice(&mut self, notice: &str) {
        if let Some(name) = notice.strip_suffix(" joined") {
            // One that hasn't read its welcome is known by what it says first.
            let number = self.guests.get(name).copied().unwrap_or(UNSEEN);
            assert_eq!(self.numbers.insert(key(name), number), None, "two have the name {name}");
        } else if let Some((old, new)) = notice.split_once(" is now ") {
            let number = self.numbers.remove(&key(old)).expect("the old name was in use");
            assert_eq!(self.numbers.insert(key(new), number), None, "two have the name {new}");
        } else if let Some((name, _)) = notice.split_once(" left") {
            assert!(self.numbers.remove(&key(name)).is_some(), "{name} wasn't here");
        } else if let Some((name, _)) = notice.split_once(" rolls ") {
            assert!(self.numbers.contains_key(&key(name)), "{name} isn't here");
        } else {
            assert!(PUBLIC.iter().any(|start| notice.starts_with(start)), "{notice}");
        }
    }
}

/// Notices that are not about names.
const PUBLIC: [&str; 3] =
    ["the server is shutting down", "elsewhere ", "the servers have lost their shared history"];

/// What nobody else may have at the same time: the name without case and proof.
fn key(name: &str) -> String {
    name.split('!').next().expect("split gives one").to_lowercase()
}

/// The label of a public line that somebody said.
fn label(line: &str) -> &str {
    match line.strip_prefix("* ") {
        Some(act) => act.split(' ').next().expect("split gives one"),
        None => &line[1..line.find('>').expect("the end of the label")],
    }
}
