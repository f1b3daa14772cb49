//! Random clients in random weather.

use std::time::Duration;

use fastrand::Rng;
use roomcast::chat::{Config, OnLag, Rate};

use crate::checks::{self, Checker, Deliveries, Names, Order};
use crate::faults::{Fault, Faults};
use crate::peer::Habit;
use crate::seeds::Scenario;
use crate::world::World;

const FOUND: &[u64] = &[
    // Only a client's own lines are behind its gap.
    2_853_399_201_014_092_599,
    2_853_399_201_014_118_142,
    2_853_399_201_014_135_273,
    // Minutes pass between two reads of a line.
    3_424_482_714_281_952_636,
    3_424_482_714_281_962_236,
    // A client vanishes between two reads of its line.
    3_356_949_545_455_016_942,
];

pub const SCENARIO: Scenario = Scenario {
    test: "storms_leave_everyone_with_the_order_of_the_room",
    fixed: 0..150,
    found: FOUND,
    fresh: 150,
    run,
};

/// The same in a room that other servers share: a line is shown when it has come back.
pub const SHARED: Scenario = Scenario {
    test: "storms_over_an_engine_leave_everyone_with_its_order",
    fixed: 0..100,
    found: &[],
    fresh: 100,
    run: run_shared,
};

/// What a client adds to what it says, to make trouble.
const TROUBLE: &[&[u8]] = &[
    b"",
    b" hello",
    b" *** the server is shutting down",
    b" <guest1> hi",
    b"\x1b[31m red \x1b]0;title\x07",
    b"\xff\xf1 in \xff\xfa\x18 not shown \xff\xf0 between",
    b" caf\xe9 \xc0\xaf",
    b"\t\x00\x07x\x08y\x7f",
    " \u{202e}\u{85}\u{2028} 日本".as_bytes(),
];

const LINE_ENDS: &[&[u8]] = &[b"\n", b"\n", b"\r\n", b"\r\0"];

const COMMANDS: &[&str] = &[
    "/who",
    "/help",
    "/nick ann",
    "/nick ANN",
    "/nick bob",
    "/nick guest3",
    "/nick АНН",
    "/nick анн",
    "/nick annа",
    "/nick ann secret",
    "/nick Ann secret",
    "/nick ann other",
    "/nick not a name",
    "/me",
    "/roll",
    "/roll 20d1000-5",
    "/roll 0d0",
    "/nonsense",
    "",
    "12345678901234567890123456789012345678901234567890123456789012345 is too long",
];

impl World {
    fn storm(&mut self, actions: usize) {
        for _ in 0..actions {
            match self.rng.u8(..20) {
                0..2 if self.peers.len() < 12 => self.join(),
                0..12 => self.act(),
                12 => {
                    let time = Duration::from_millis(800).mul_f64(self.rng.f64());
                    self.sleep(time);
                }
                13 => self.misfortune(),
                _ => self.turn(),
            }
        }
    }

    fn join(&mut self) {
        let habit = self.draw_habit();
        let kernel_bytes = self.rng.usize(1..4096);
        self.connect(habit, kernel_bytes);
    }

    /// One client, never the observer, does something.
    fn act(&mut self) {
        if self.peers.len() == 1 {
            return;
        }
        let number = self.rng.usize(1..self.peers.len());
        match self.rng.u8(..40) {
            0 => self.peers[number].has_fin |= self.faults.has(Fault::HalfCloses),
            1 => self.reset(number),
            2 => self.peers[number].send(b"/quit\n"),
            12 if self.faults.has(Fault::Silences) => self.peers[number].vanish(),
            3..10 => self.command(number),
            10 if self.faults.has(Fault::Floods) => (0..60).for_each(|_| self.say(number)),
            11 => self.peers[number].send(b"\xff\xfd\x06\xff\xfb\x1f\xff\xf6"),
            _ => self.say(number),
        }
    }

    fn command(&mut self, number: usize) {
        let command = *self.rng.choice(COMMANDS).expect("some");
        let line_end = *self.rng.choice(LINE_ENDS).expect("some");
        self.peers[number].send(command.as_bytes());
        self.peers[number].send(line_end);
    }

    fn say(&mut self, number: usize) {
        let before = *self.rng.choice(&["", "", "", "/me ", "//"]).expect("some");
        let trouble = *self.rng.choice(TROUBLE).expect("some");
        let line_end = *self.rng.choice(LINE_ENDS).expect("some");
        let peer = &mut self.peers[number];
        if peer.has_fin || peer.is_broken() {
            return;
        }
        let text = peer.next_text();
        peer.send(&[before.as_bytes(), text.as_bytes(), trouble, line_end].concat());
    }
}

fn config(rng: &mut Rng) -> Config {
    Config {
        echo: rng.u8(..4) == 0,
        clients_max: 10,
        line_bytes_max: 64,
        backlog_bytes_max: rng.usize(4..64) * 1024,
        rate: (rng.u8(..4) == 0).then(|| Rate { lines_per_second: 5, burst: rng.u32(1..50) }),
        on_lag: if rng.u8(..4) == 0 { OnLag::Close } else { OnLag::Skip },
        ..Config::default()
    }
}

fn checkers() -> Vec<Box<dyn Checker>> {
    let mut checkers = checks::common();
    checkers.push(Box::<Order>::default());
    checkers.push(Box::<Names>::default());
    checkers.push(Box::<Deliveries>::default());
    checkers
}

fn run(rng: &mut Rng, faults: Faults) {
    let config = config(rng);
    run_with(rng, faults, config);
}

fn run_shared(rng: &mut Rng, faults: Faults) {
    // Without gaps: where they begin for a newcomer can't be told.
    let config = Config { is_shared: true, backlog_bytes_max: 1 << 20, ..config(rng) };
    run_with(rng, faults, config);
}

fn run_with(rng: &mut Rng, faults: Faults, config: Config) {
    let mut world = World::new(rng.u64(..), config);
    world.has_addresses = true;
    world.faults = faults;
    world.watch(checkers());
    world.connect(Habit::Prompt, usize::MAX);
    if world.chat.config().is_shared {
        // It isn't shown the line that tells of itself, which others would be.
        world.settle();
    }
    world.storm(rng.usize(100..1500));
    world.rest();
    if rng.bool() {
        world.shut_down();
        world.rest();
    }
    world.end();
}

#[test]
fn storms_leave_everyone_with_the_order_of_the_room() {
    SCENARIO.check();
}

#[test]
fn storms_over_an_engine_leave_everyone_with_its_order() {
    SHARED.check();
}
