//! Clients that speak TLS, as far as the chat knows.

use std::time::Duration;

use roomcast::chat::{Config, Slices};

use crate::peer::{Habit, Shown};
use crate::world::World;

/// After a handshake.
const GREETING_DELAY: Duration = Duration::from_millis(300);

fn world() -> World {
    let mut world = World::new(0, Config { has_tls: true, ..Config::default() });
    world.connect(Habit::Prompt, usize::MAX);
    world.sleep(GREETING_DELAY);
    world.settle();
    world
}

#[test]
fn a_client_is_greeted_some_time_after_its_handshake() {
    let mut world = world();
    world.connect(Habit::Prompt, usize::MAX);
    let (id, now) = (world.id(1), world.now);
    assert!(world.driver.chat.begin_handshake(id));
    world.sleep(Duration::from_secs(5));
    world.driver.chat.handle_time(now + Duration::from_secs(5));
    assert_eq!(world.driver.chat.poll_transmit(&mut Slices::new()), None);
    let now = world.now;
    world.driver.chat.handle_secured(now, id, "TLS 1.3");
    world.sleep(GREETING_DELAY - Duration::from_millis(1));
    world.settle();
    assert!(world.peers[1].screen.shown.is_empty());
    world.sleep(Duration::from_millis(1));
    world.settle();
    assert!(world.peers[1].guest_name().is_some());
    // Once.
    world.sleep(Duration::from_secs(5));
    world.settle();
    let is_welcome =
        |shown: &&Shown| matches!(shown, Shown::Private(text) if text.starts_with("welcome"));
    assert_eq!(world.peers[1].screen.shown.iter().filter(is_welcome).count(), 1);
}

#[test]
fn a_handshake_comes_before_everything_else() {
    let mut world = world();
    let id = world.id(0);
    world.peers[0].send(b"hello\n");
    world.settle();
    assert!(!world.driver.chat.begin_handshake(id));
}

#[test]
fn what_was_begun_before_a_cut_is_not_said() {
    let mut world = world();
    world.connect(Habit::Prompt, usize::MAX);
    world.sleep(GREETING_DELAY);
    world.settle();
    world.peers[1].send(b"whole\ndon't");
    world.settle();
    let (id, now) = (world.id(1), world.now);
    world.driver.chat.handle_cut_off(now, id);
    world.settle();
    world.sleep(Duration::from_secs(2));
    world.settle();
    let heard: Vec<_> = world.peers[0].screen.shown.iter().filter_map(Shown::public).collect();
    assert!(heard.contains(&"<guest2> whole"), "{heard:?}");
    assert!(!heard.iter().any(|line| line.contains("don't")), "{heard:?}");
    assert!(heard.last().is_some_and(|line| line.starts_with("*** guest2 left")), "{heard:?}");
}
