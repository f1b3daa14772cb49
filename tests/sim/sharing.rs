//! Rooms that several servers share, one case at a time.

use std::time::Duration;

use roomcast::chat::Config;

use crate::operators::{last, say, shown};
use crate::peer::Habit;
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

/// Two clients in the lobby of a server that shares its rooms.
fn world() -> World {
    let mut world = World::new(0, Config { is_shared: true, rate: None, ..Config::default() });
    for _ in 0..2 {
        world.connect(Habit::Prompt, usize::MAX);
        world.settle();
    }
    world
}

/// The engine goes away, or comes back.
fn hold(world: &mut World, is_up: bool) {
    let engine = world.engine.as_mut().expect("rooms are shared");
    engine.hold(&mut world.driver.chat, is_up);
    world.settle();
}

/// Both go to a room that is opened while the engine is away; so many questions fail when it is
/// back.
fn with_room_opened_alone(failing: usize) -> World {
    let mut world = world();
    hold(&mut world, false);
    say(&mut world, 0, "/join tea");
    say(&mut world, 1, "/join tea");
    say(&mut world, 0, "alone");
    assert_eq!(last(&world.peers[1]), "<guest1> alone");
    world.engine.as_mut().expect("rooms are shared").failing = failing;
    hold(&mut world, true);
    world
}

/// How often a client was shown this.
fn times(world: &World, number: usize, text: &str) -> usize {
    shown(&world.peers[number]).into_iter().filter(|it| *it == text).count()
}

/// Promise 70: a room that was opened while the engine was away goes on with it although a
/// question is not answered; what is said meanwhile is shown at once, and once.
#[test]
fn a_room_opened_alone_is_asked_for_until_it_is_known() {
    let mut world = with_room_opened_alone(2);
    for text in ["one", "two"] {
        say(&mut world, 0, text);
        assert_eq!(last(&world.peers[1]), format!("<guest1> {text}"));
        world.sleep(SECOND);
        world.settle();
    }
    say(&mut world, 0, "/stats");
    assert!(shown(&world.peers[0]).iter().any(|it| it.ends_with("; 0 lines pending")));
    say(&mut world, 0, "three");
    say(&mut world, 1, "/seq");
    assert!(last(&world.peers[1]).starts_with("line 4 is the newest"), "it has numbers again");
    for text in ["alone", "one", "two", "three"] {
        assert_eq!(times(&world, 1, &format!("<guest1> {text}")), 1, "{text}");
        assert_eq!(times(&world, 0, &format!("<guest1> {text}")), 0, "{text}");
    }
}

/// What is said in a room that the engine never opens stops nobody; what is too much for later
/// is counted.
#[test]
fn a_room_that_stays_unknown_stops_nobody() {
    let mut world = with_room_opened_alone(usize::MAX);
    for number in 0..3000 {
        world.peers[0].send(format!("line {number}\n").as_bytes());
    }
    world.settle();
    assert_eq!(last(&world.peers[1]), "<guest1> line 2999");
    assert!(world.chat.has_headroom());
    world.engine.as_mut().expect("rooms are shared").failing = 0;
    world.sleep(SECOND);
    world.settle();
    assert_eq!(
        last(&world.peers[1]),
        "2000 lines that were said while a server was alone were lost"
    );
}
