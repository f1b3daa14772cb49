//! Clients that speak HTTP, as far as time and a slow network matter.

use std::net::Ipv4Addr;
use std::time::Duration;

use roomcast::chat::{CloseReason, Closing, Config, Password};

use crate::checks;
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

/// What a client was sent that reads nothing.
pub fn sent(world: &World, number: usize) -> String {
    let bytes: Vec<u8> = world.peers[number].to_client.iter().copied().collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A client that has sent a request.
pub fn ask(world: &mut World, request: &[u8]) -> usize {
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

/// A silent connection from where a browser has just asked for something is greeted after
/// five seconds, and counted and told of when it says something.
#[test]
fn a_spare_connection_of_a_browser_is_nobody() {
    let browser = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/5.0\r\n\r\n";
    let ip = |last| Some(Ipv4Addr::new(192, 0, 2, last).into());
    for (asks_first, address) in [(true, ip(1)), (false, ip(2))] {
        let mut world = world();
        let connect = |world: &mut World, ip| world.connect_with(Habit::Stuck, usize::MAX, ip);
        let watcher = connect(&mut world, ip(9));
        world.sleep(SECOND);
        world.settle();
        let page = connect(&mut world, address);
        if asks_first {
            world.peers[page].send(browser);
            world.settle();
            world.sleep(20 * SECOND);
        }
        let spares = [connect(&mut world, address), connect(&mut world, address)];
        let told = |world: &mut World| {
            world.settle();
            world.peers[watcher].to_client.clear();
            world.peers[watcher].send(b"/who\n");
            world.settle();
            sent(world, watcher)
        };
        world.sleep(SECOND);
        assert!(told(&mut world).starts_with("*** 1 here; "), "{}", sent(&world, watcher));
        world.peers[watcher].send(b"/stats\n");
        world.settle();
        assert!(sent(&world, watcher).contains("*** 1 here in 1 room, "));
        assert_eq!(world.driver.chat.people_count(), 1);
        // One speaks after all.
        world.peers[spares[0]].send(b"hello\n");
        world.sleep(SECOND);
        world.settle();
        // It isn't announced, as no script is that sends a line first.
        assert!(sent(&world, watcher).ends_with("> hello\n"), "{}", sent(&world, watcher));
        world.peers[spares[0]].send(b"/seq\n");
        world.settle();
        assert!(sent(&world, spares[0]).contains(" is the newest"), "{}", sent(&world, spares[0]));
        world.sleep(2 * SECOND);
        let who = told(&mut world);
        assert!(who.starts_with("*** 2 here; "), "{who}");
        assert_eq!(sent(&world, spares[1]), "");
        // It may be a person, who is greeted late and not counted yet.
        world.sleep(2 * SECOND);
        let who = told(&mut world);
        assert!(who.starts_with("*** 2 here; "), "{who}");
        assert!(sent(&world, spares[1]).starts_with("*** welcome, "));
        for _ in 0..4 {
            world.sleep(5 * SECOND);
            world.settle();
        }
        assert_eq!(sent(&world, watcher), who, "nobody is told of it");
        world.peers[spares[1]].send(b"I am one\n");
        world.settle();
        let told_of = sent(&world, watcher);
        assert!(told_of.contains(" joined\n") && told_of.ends_with("> I am one\n"), "{told_of}");
        let who = told(&mut world);
        assert!(who.starts_with("*** 3 here; "), "{who}");
    }
}

fn world_with_password() -> World {
    let password = Password::new("secret");
    World::new(0, Config { has_web: true, password, ..Config::default() })
}

/// Guessing isn't faster than in the chat.
#[test]
fn a_wrong_password_of_a_request_is_answered_a_second_later() {
    let mut world = world_with_password();
    let guess = b"GET /lobby HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic YTpi\r\n\r\n";
    let number = ask(&mut world, guess);
    world.sleep(SECOND / 2);
    world.settle();
    assert_eq!(sent(&world, number), "");
    world.sleep(SECOND / 2);
    world.settle();
    assert!(sent(&world, number).starts_with("HTTP/1.1 401 Unauthorized\r\n"));
}

/// An empty line is no try, and may stand before a request (RFC 9112, section 2.2).
#[test]
fn a_request_behind_an_empty_line_is_answered_and_nothing_else() {
    let mut world = world_with_password();
    let request = b"\r\n\r\nGET /lobby HTTP/1.1\r\nHost: localhost\r\n\
        Authorization: Basic OnNlY3JldA==\r\n\r\n";
    let number = ask(&mut world, request);
    assert!(sent(&world, number).starts_with("HTTP/1.1 200 OK\r\n"), "{}", sent(&world, number));
    let mut world = world_with_password();
    let number = ask(&mut world, b"\n\n\n\nsecret\n");
    world.sleep(SECOND);
    world.settle();
    assert!(sent(&world, number).starts_with("*** welcome"), "{}", sent(&world, number));
}

#[test]
fn a_websocket_without_the_password_hears_nothing_of_its_room() {
    let mut world = world_with_password();
    let member = ask(&mut world, b"secret\n/join dev\n");
    let upgrade = String::from_utf8_lossy(UPGRADE).replace("GET / ", "GET /dev?since=all ");
    let stranger = ask(&mut world, upgrade.as_bytes());
    world.sleep(SECOND);
    world.peers[member].send(b"between us\n");
    world.settle();
    let told = sent(&world, stranger);
    assert!(told.contains("this room has a password"), "{told}");
    assert!(!told.contains("between us"), "{told}");
    // The password in a frame.
    world.peers[stranger].send(b"\x81\x86\0\0\0\0secret");
    world.settle();
    let told = sent(&world, stranger);
    assert!(told.contains("between us"), "{told}");
}

/// Answers wait for the greeting, and input for the answers to be taken.
#[test]
fn a_used_spare_connection_may_ask_for_much_before_it_is_greeted() {
    let mut world = world();
    world.watch(checks::common());
    let ip = Some(Ipv4Addr::new(192, 0, 2, 1).into());
    let connect = |world: &mut World| world.connect_with(Habit::Stuck, usize::MAX, ip);
    let page = connect(&mut world);
    // It sends more than chat.
    world.peers[page].is_blind = true;
    world.peers[page].send(b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/5.0\r\n\r\n");
    world.settle();
    let spare = connect(&mut world);
    world.sleep(SECOND);
    world.settle();
    world.peers[spare].send("/help all\n".repeat(100).as_bytes());
    world.settle();
    world.sleep(SECOND);
    world.settle();
    let told = sent(&world, spare);
    assert!(told.contains("*** welcome, "), "{told}");
    assert_eq!(told.matches("*** /quit").count(), 100);
}
