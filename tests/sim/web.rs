//! Clients that speak HTTP, as far as time and a slow network matter.

use std::time::Duration;

use roomcast::chat::{CloseReason, Closing, Config};

use crate::peer::Habit;
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const EVENTS: &[u8] =
    b"GET /lobby HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";

fn world() -> World {
    World::new(0, Config { has_web: true, fold_time: 5 * SECOND, ..Config::default() })
}

fn sent(world: &World, number: usize) -> String {
    let bytes: Vec<u8> = world.peers[number].to_client.iter().copied().collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A client that has sent a request.
fn ask(world: &mut World, request: &[u8]) -> usize {
    // What it is sent stays where a test can see it.
    let number = world.connect(Habit::Stuck, usize::MAX);
    world.peers[number].send(request);
    world.settle();
    number
}

#[test]
fn a_head_that_takes_too_long_is_refused() {
    let mut world = world();
    let number = ask(&mut world, b"GET / HTTP/1.1\r\n");
    for _ in 0..9 {
        world.sleep(SECOND);
        world.peers[number].send(b"A: b\r\n");
        world.settle();
    }
    assert_eq!(world.endings, []);
    world.sleep(SECOND);
    world.settle();
    assert_eq!(world.endings, [(number, CloseReason::Quit, Closing::Polite)]);
    assert!(sent(&world, number).starts_with("HTTP/1.1 408 Request Timeout\r\n"));
}

#[test]
fn connections_are_kept_every_thirty_seconds() {
    for (request, keepalive) in [(UPGRADE, &b"\x89\x00"[..]), (EVENTS, b":\n\n")] {
        let mut world = world();
        let number = ask(&mut world, request);
        world.sleep(10 * SECOND);
        world.settle();
        for _ in 0..3 {
            world.peers[number].to_client.clear();
            world.sleep(30 * SECOND);
            world.settle();
            assert_eq!(world.peers[number].to_client, keepalive);
        }
        world.peers[number].has_reset = true;
        world.settle();
        world.sleep(60 * SECOND);
        world.settle();
        assert_eq!(world.driver.chat.poll_timeout(world.driver.now), None);
    }
}
