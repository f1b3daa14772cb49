//! Random comings and goings where those who are silent are counted.

use std::time::Duration;

use fastrand::Rng;
use roomcast::chat::Config;

use crate::checks::{self, Attendance, Checker};
use crate::faults::{Fault, Faults};
use crate::peer::Habit;
use crate::seeds::Scenario;
use crate::world::World;

pub const SCENARIO: Scenario = Scenario {
    test: "crowds_are_told_of_as_many_as_they_are",
    fixed: 0..50,
    found: &[],
    fresh: 50,
    run,
};

const SECOND: Duration = Duration::from_secs(1);

/// Clients that come in one run at most.
const CLIENTS_MAX: usize = 40;

fn config(rng: &mut Rng) -> Config {
    Config {
        clients_max: 20,
        fold_time: rng.u32(1..6) * SECOND,
        history_lines: rng.u64(..5),
        ..Config::default()
    }
}

fn act(world: &mut World) {
    match world.rng.u8(..20) {
        0..2 if world.peers.len() < CLIENTS_MAX => come(world),
        2..5 => {
            let time = SECOND.mul_f64(world.rng.f64());
            world.sleep(time);
        }
        5 => world.misfortune(),
        6..12 => world.turn(),
        _ if world.peers.len() > 1 => {
            let number = world.rng.usize(1..world.peers.len());
            talk_or_go(world, number);
        }
        _ => {}
    }
}

/// Some stay; others are scripts, which say a line and go.
fn come(world: &mut World) {
    let habit = if world.draw_habit() == Habit::Prompt { Habit::Prompt } else { Habit::Slow };
    let kernel_bytes = world.rng.usize(100..4096);
    let number = world.connect(habit, kernel_bytes);
    if world.rng.u8(..4) == 0 {
        world.peers[number].send(b"build ok\n/quit\n");
    }
}

fn talk_or_go(world: &mut World, number: usize) {
    let (action, has) = (world.rng.u8(..24), |fault| world.faults.has(fault));
    let times = if has(Fault::Floods) { 60 } else { 1 };
    let peer = &mut world.peers[number];
    // One that speaks before it is greeted is taken for a script.
    let is_greeted = peer.guest_name().is_some();
    match action {
        0 => world.reset(number),
        1 => peer.has_fin |= has(Fault::HalfCloses),
        2 => peer.send(b"/quit\n"),
        3 => peer.send(format!("/nick n{number}\n").as_bytes()),
        4 if is_greeted => peer.send(&b"hello\n".repeat(times)),
        5 if is_greeted => peer.send(b"/me waves\n"),
        6 => peer.send(b"/who\n"),
        7 if has(Fault::Silences) => peer.vanish(),
        _ => {}
    }
}

fn checkers() -> Vec<Box<dyn Checker>> {
    let mut checkers = checks::common();
    checkers.push(Box::<Attendance>::default());
    checkers
}

fn run(rng: &mut Rng, faults: Faults) {
    let config = config(rng);
    let mut world = World::new(rng.u64(..), config);
    world.faults = faults;
    world.watch(checkers());
    // The observer is there before anyone can be told of, and has spoken.
    world.connect(Habit::Prompt, usize::MAX);
    world.settle();
    world.sleep(SECOND);
    world.settle();
    world.peers[0].send(b"first\n");
    world.settle();
    for _ in 0..rng.usize(50..600) {
        act(&mut world);
    }
    world.rest();
    if rng.bool() {
        world.shut_down();
    }
    world.end();
}

#[test]
fn crowds_are_told_of_as_many_as_they_are() {
    SCENARIO.check();
}
