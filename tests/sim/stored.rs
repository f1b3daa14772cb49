//! Rooms that a store keeps: what it was given and what clients read of it is all that was
//! said, in its order, with what is missing counted.

use std::time::Duration;

use fastrand::Rng;
use roomcast::chat::Config;
use serde_json::Value;

use crate::checks;
use crate::faults::{Fault, Faults};
use crate::peer::Habit;
use crate::seeds::Scenario;
use crate::world::World;

pub const SCENARIO: Scenario = Scenario {
    test: "what_is_stored_is_read_without_a_hole",
    fixed: 0..150,
    // A gap was partly in memory still; one had been told partly before.
    found: &[1_814_525_100_147_357_025, 1_814_525_100_147_351_423],
    fresh: 100,
    run,
};

const ROOMS: [&str; 3] = ["lobby", "dev", "tea"];

const CLIENTS: usize = 6;

fn config(rng: &mut Rng) -> Config {
    Config {
        // Own lines are read like all others.
        echo: true,
        has_store: true,
        backlog_bytes_max: rng.usize(1..6) * 1024,
        line_bytes_max: 64,
        history_lines: rng.u64(..20),
        rooms_max: 3,
        ..Config::default()
    }
}

fn act(world: &mut World) {
    let number = world.rng.usize(..world.peers.len());
    match world.rng.u8(..40) {
        0 => {
            let room = *world.rng.choice(&ROOMS).expect("three");
            world.peers[number].send(format!("/join {room}\n").as_bytes());
        }
        1 => {
            let line = world.rng.u64(..100);
            world.peers[number].send(format!("/resume {line}\n").as_bytes());
        }
        2 => {
            let lines = world.rng.u64(1..100);
            world.peers[number].send(format!("/history {lines}\n").as_bytes());
        }
        3 => world.misfortune(),
        4..8 => world.turn(),
        8 if world.faults.has(Fault::Stalls) => {
            world.peers[number].habit =
                *world.rng.choice(&[Habit::Slow, Habit::Prompt]).expect("two");
        }
        _ => {
            let text = world.peers[number].next_text() + "\n";
            world.peers[number].send(text.as_bytes());
        }
    }
}

/// Each room is read from its begin by one that sees JSON.
fn check(world: &mut World) {
    for room in ROOMS {
        let reader = world.connect(Habit::Prompt, usize::MAX);
        world.peers[reader]
            .send(format!("/join {room}\n/format json\n/resume 0\n/seq\n").as_bytes());
        world.settle();
        world.sleep(Duration::from_secs(1));
        world.settle();
        let lines = world.peers[reader].screen.shown.iter().filter_map(|shown| shown.public());
        let objects = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let objects: Vec<_> = objects.collect();
        let texts: Vec<_> =
            objects.iter().map(|it| it["text"].as_str().unwrap_or_default()).collect();
        let intro = texts.iter().position(|text| text.contains(" after line 0"));
        let intro = intro.unwrap_or_else(|| panic!("{room}: {texts:?}"));
        check_numbers(&objects[intro + 1..], room);
        world.peers[reader].send(b"/quit\n");
        world.settle();
    }
}

/// Numbers grow by one from the first on, except where lines are said to be missing.
fn check_numbers(objects: &[Value], room: &str) {
    let (mut next, mut missing) = (None, 0);
    for object in objects {
        match object["seq"].as_u64() {
            Some(number) => {
                if let Some(next) = next {
                    assert_eq!(number, next + missing, "{room}: {object}");
                }
                (next, missing) = (Some(number + 1), 0);
            }
            None => {
                let text = object["text"].as_str().expect("a text");
                let count = text.split(' ').next().and_then(|word| word.parse::<u64>().ok());
                if text.ends_with("not stored") {
                    missing += count.expect("a count");
                }
            }
        }
    }
}

fn run(rng: &mut Rng, faults: Faults) {
    let mut world = World::new(rng.u64(..), config(rng));
    world.faults = faults;
    world.watch(checks::common());
    for _ in 0..CLIENTS {
        let kernel_bytes = world.rng.usize(100..4096);
        world.connect(Habit::Prompt, kernel_bytes);
    }
    for _ in 0..rng.usize(100..1500) {
        act(&mut world);
    }
    world.rest();
    // A room that was opened without the store begins with other numbers.
    let is_exact = !world.store.as_ref().expect("a store").has_failed();
    if is_exact {
        world.faults = Faults::default();
        // There are descriptors again by then.
        (0..100).for_each(|_| world.turn());
        check(&mut world);
    }
    world.end();
}

/// A world with a reader at place 0 that has said something in the lobby and in `dev`.
fn world() -> World {
    let config = Config { has_store: true, echo: true, ..Config::default() };
    let mut world = World::new(7, config);
    world.connect(Habit::Prompt, usize::MAX);
    tell(&mut world, "hello\n/join dev\nhello\n/leave\n");
    world
}

/// What the reader is shown when it sends this.
fn tell(world: &mut World, lines: &str) -> Vec<String> {
    world.peers[0].screen.shown.clear();
    world.peers[0].send(lines.as_bytes());
    world.settle();
    world.peers[0]
        .screen
        .shown
        .iter()
        .filter_map(|shown| shown.public().map(str::to_owned))
        .collect()
}

#[test]
fn a_client_has_one_search_at_a_time() {
    let mut world = world();
    let shown = tell(&mut world, "/search hello\n/search hello\n");
    let busy = "*** a search is under way: try again in a moment";
    assert_eq!(shown.iter().filter(|line| *line == busy).count(), 1, "{shown:?}");
    assert!(shown.contains(&"*** 1 line has all these words:".to_owned()), "{shown:?}");
    assert!(!tell(&mut world, "/search hello\n").contains(&busy.to_owned()));
}

#[test]
fn without_the_store_rooms_are_entered_and_no_number_is_used_again() {
    let mut world = world();
    let newest = |shown: &[String]| {
        let line = shown.iter().find_map(|line| line.strip_prefix("*** line "));
        let number = line.and_then(|line| line.split(' ').next()?.parse::<u64>().ok());
        number.unwrap_or_else(|| panic!("{shown:?}"))
    };
    let before = newest(&tell(&mut world, "/join dev\n/seq\n"));
    tell(&mut world, "/leave\n");
    world.store.as_mut().expect("a store").break_down();
    let shown = tell(&mut world, "/join dev\n");
    assert!(shown.contains(&"*** you are now in dev".to_owned()), "{shown:?}");
    let lost = "*** the store doesn't answer: earlier lines can't be shown now".to_owned();
    assert!(shown.contains(&lost), "{shown:?}");
    let shown = tell(&mut world, "hello again\n/seq\n/search hello\n");
    assert!(newest(&shown) > before && shown.contains(&"<guest1> hello again".to_owned()));
    assert!(
        shown.contains(&"*** the store doesn't answer: try again later".to_owned()),
        "{shown:?}"
    );
}

#[test]
fn what_is_stored_is_read_without_a_hole() {
    SCENARIO.check();
}
