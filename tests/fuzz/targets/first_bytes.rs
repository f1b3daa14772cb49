//! What a client sends first: text, or another protocol.

use std::iter;
use std::time::Duration;

use roomcast::chat::{CloseReason, Config, Password};
use roomcast::wire::{FIRST_BYTES, First, Protocol};

use super::cuts::cut;
use super::world::World;

/// However a client's bytes are cut, it is told the same, and so are the others:
/// nothing at all if it speaks another protocol.
pub fn first_bytes(data: &[u8]) {
    let [shape, seed, bytes @ ..] = data else { return };
    assert_settled(bytes);
    let visit = Visit::new(*shape, iter::once(bytes));
    let other = Visit::new(*shape, cut(bytes, *seed));
    assert_eq!(visit.ending, other.ending);
    assert_eq!(visit.heard.escape_ascii().to_string(), other.heard.escape_ascii().to_string());
    if !visit.is_drawn {
        assert_eq!(
            visit.stream.escape_ascii().to_string(),
            other.stream.escape_ascii().to_string()
        );
    }
    let is_foreign = matches!(visit.ending, Some(CloseReason::Foreign(_)));
    assert!(!is_foreign || visit.heard.is_empty(), "heard: {}", visit.heard.escape_ascii());
    if is_request(bytes) {
        assert_eq!(visit.ending, Some(CloseReason::Foreign(Protocol::Http)));
    }
}

/// What the first bytes show doesn't change with the next ones.
fn assert_settled(bytes: &[u8]) {
    let all = Protocol::of_bytes(bytes);
    for length in 0..bytes.len() {
        match Protocol::of_bytes(&bytes[..length]) {
            First::Unknown => assert!(length < FIRST_BYTES, "unknown after {length} bytes"),
            first => assert_eq!(first, all, "after {length} bytes"),
        }
    }
}

/// Whether it begins with a request as browsers send it.
fn is_request(bytes: &[u8]) -> bool {
    let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") else { return false };
    let Ok(line) = str::from_utf8(&bytes[..end]) else { return false };
    let words: Vec<_> = line.split(' ').collect();
    let [method, target, version] = words[..] else { return false };
    let is_target = target.starts_with('/') && target.chars().all(|c| c.is_ascii_graphic());
    ["GET", "POST", "PUT", "OPTIONS"].contains(&method) && is_target && version == "HTTP/1.1"
}

/// A visit to a room with one other in it.
struct Visit {
    ending: Option<CloseReason>,
    /// What the visitor was sent.
    stream: Vec<u8>,
    is_drawn: bool,
    /// What the other one was sent.
    heard: Vec<u8>,
}

impl Visit {
    /// `shape`: whether it begins with silence, and whether with the password.
    fn new<'a>(shape: u8, packets: impl Iterator<Item = &'a [u8]>) -> Visit {
        // Nobody is told who comes and goes.
        let hour = Duration::from_secs(3600);
        let password = Password::new("secret").filter(|_| shape & 2 != 0);
        let (fold_time, line_timeout) = (hour, None);
        let mut world =
            World::new(Config { fold_time, line_timeout, password, ..Config::default() });
        world.open(usize::MAX, None, false);
        world.peers[0].send(b"secret\n");
        world.pass(Duration::from_secs(1));
        let greeting = world.peers[0].stream.len();
        world.open(usize::MAX, None, false);
        if shape & 1 != 0 {
            world.pass(Duration::from_secs(1));
        }
        for packet in packets {
            world.peers[1].send(packet);
            world.settle();
        }
        world.peers[1].has_fin = true;
        // So long it may wait after wrong passwords, and for replies.
        world.pass(Duration::from_secs(5));
        world.assert_clean(true);
        let [witness, visitor] = &world.peers[..] else { panic!("two peers") };
        Visit {
            ending: visitor.ending,
            stream: visitor.stream.clone(),
            is_drawn: visitor.agreed_to_edit(),
            heard: witness.stream[greeting..].to_vec(),
        }
    }
}
