//! Random clients in random weather.

use std::time::Duration;

use roomcast::chat::{Config, OnLag};

use crate::checks;
use crate::peer::{Habit, Peer};
use crate::world::{Faults, World};

/// Seeds that found a bug once, and some more.
const SEEDS: std::ops::Range<u64> = 0..150;

/// What a client adds to what it says, to make trouble.
const TROUBLE: &[&[u8]] = &[
    b"",
    b" hello",
    b" *** the server is shutting down",
    b" <guest1> hi",
    b"\x1b[31m red \x1b]0;title\x07",
    b"\rlone",
    b"\xff\xf1 in \xff\xfa\x18 not shown \xff\xf0 between",
    b" caf\xe9 \xc0\xaf",
    b"\t\x00\x07\x08\x7f",
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
                12 => self.sleep_up_to(Duration::from_millis(800)),
                13 if self.rng.u8(..8) == 0 => self.sleep_up_to(Duration::from_secs(100)),
                _ => self.turn(),
            }
        }
    }

    fn sleep_up_to(&mut self, time: Duration) {
        let time = time.mul_f64(self.rng.f64());
        self.sleep(time);
    }

    fn join(&mut self) {
        let habit = *self.rng.choice(&[Habit::Prompt, Habit::Slow, Habit::Stuck]).expect("three");
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
            0 => self.peers[number].has_fin = true,
            1 => self.peers[number].has_reset = true,
            2 => self.peers[number].send(b"/quit\n"),
            3..10 => self.command(number),
            10 => (0..60).for_each(|_| self.say(number)),
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
        if peer.has_fin || peer.has_reset {
            return;
        }
        let text = peer.next_text();
        peer.send(&[before.as_bytes(), text.as_bytes(), trouble, line_end].concat());
    }

    /// Whether the server rightly didn't take all that the peer sent.
    pub fn faults_end_input(&self, peer: &Peer) -> bool {
        peer.has_reset || peer.habit == Habit::Stuck
    }
}

fn run(seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let config = Config {
        echo: rng.u8(..4) == 0,
        clients_max: 10,
        line_bytes_max: 64,
        backlog_bytes_max: rng.usize(4..64) * 1024,
        on_lag: if rng.u8(..4) == 0 { OnLag::Close } else { OnLag::Skip },
        ..Config::default()
    };
    let is_echo = config.echo;
    let mut world = World::new(rng.u64(..), config);
    world.has_addresses = true;
    world.faults = Faults {
        short_writes: rng.bool(),
        split_reads: rng.bool(),
        late_events: rng.bool(),
        cut_flushes: rng.bool(),
    };
    world.connect(Habit::Prompt, usize::MAX);
    world.storm(rng.usize(100..1500));
    // Good weather: who can read does, and input ends.
    for peer in &mut world.peers {
        if peer.habit == Habit::Slow {
            peer.habit = Habit::Prompt;
        }
    }
    world.settle();
    if rng.bool() {
        world.chat.handle_shutdown(world.now);
        world.settle();
    }
    checks::check(&world, is_echo);
    everyone_goes(&mut world);
}

/// In the end nothing is left, whatever happened.
fn everyone_goes(world: &mut World) {
    for peer in &mut world.peers {
        peer.has_reset = true;
    }
    world.settle();
    assert_eq!(world.chat.client_count(), 0);
    assert!(world.ids.is_empty());
    assert_eq!(world.chat.poll_timeout(world.now), None);
}

#[test]
fn storms_leave_everyone_with_the_order_of_the_room() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    if let Some(seed) = number("SIM_SEED") {
        return run(seed);
    }
    let fresh = fastrand::Rng::new().u64(1 << 32..1 << 62);
    let fresh_count = number("SIM_SEEDS").unwrap_or(150);
    for seed in SEEDS.chain(fresh..fresh + fresh_count) {
        let result = std::panic::catch_unwind(|| run(seed));
        assert!(result.is_ok(), "failed; run it again with SIM_SEED={seed}");
    }
}
