//! Everything at once, drawn by a seed.

use std::thread;
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::history::SERVERS;
use super::nemesis::Nemesis::{self, *};
use super::nemesis::STEP_SECONDS;
use super::wall::Wall;
use super::way::Weather;
use crate::engine::is_possible;
use crate::harness::Dice;

/// Names how long this goes on.
const SECONDS: &str = "ROOMCAST_NEMESIS_SECONDS";

/// The same when nothing is said.
const SECONDS_DEFAULT: u64 = 20;

/// How long a fault lasts at most: some are noticed, others aren't.
const FAULT_TIME: Duration = Duration::from_secs(4);

/// One in so many rounds has two faults.
const DOUBLE_ROUND: usize = 3;

/// One in so many rounds begins before all of the last one has healed.
const HASTY_ROUND: usize = 3;

fn draw(dice: &mut Dice) -> Nemesis {
    let server = SERVERS[dice.below(SERVERS.len())];
    let slow = Weather::Slow(Duration::from_millis(dice.below(200) as u64));
    let step = [STEP_SECONDS, -STEP_SECONDS][dice.below(2)];
    let all = [
        KillServer(server),
        StopServer(server),
        KillEngine,
        StopEngine,
        Way(server, Weather::Cut),
        Way(server, Weather::Frozen),
        Way(server, Weather::Deaf),
        Way(server, slow),
        Way(server, Weather::Sliced),
        Flush,
        Delete(&["log", "meta"]),
        Delete(&["log"]),
        Delete(&["meta"]),
        Trim,
        OlderFile,
        FullMemory,
        ReadOnly,
        PauseWrites,
        Clock(Some(server), step),
        Clock(None, step),
    ];
    all[dice.below(all.len())]
}

impl Nemesis {
    /// Whether it is struck first: it needs an engine that answers, and people who talk.
    fn is_early(self) -> bool {
        matches!(self, Flush | Delete(_) | Trim | OlderFile | FullMemory | ReadOnly | PauseWrites)
    }

    /// Whether both can be there at once, this one first: one fault of a kind is enough.
    fn goes_with(self, other: Nemesis) -> bool {
        let is_of_engine = |it| matches!(it, KillEngine | StopEngine);
        let process = |it| match it {
            KillServer(server) | StopServer(server) => Some(server),
            _ => None,
        };
        let way = |it| if let Way(server, _) = it { Some(server) } else { None };
        let clock = |it| if let Clock(server, _) = it { Some(server) } else { None };
        let is_twice = (is_of_engine(self) && is_of_engine(other))
            || (process(self).is_some() && process(self) == process(other))
            || (way(self).is_some() && way(self) == way(other))
            || (clock(self).is_some() && clock(self) == clock(other));
        !is_twice && !other.is_early()
    }
}

/// Does one or two things for a while.
fn round(cluster: &mut Cluster, dice: &mut Dice) {
    let first = draw(dice);
    let second = Some(draw(dice)).filter(|_| dice.below(DOUBLE_ROUND) == 0);
    let second = second.filter(|second| first.goes_with(*second));
    let time = FAULT_TIME.mul_f64(dice.fraction());
    println!("{:.1?}: {first:?} and {second:?} for {time:.1?}", cluster.now());
    first.strike(cluster);
    if let Some(second) = second {
        thread::sleep(time.mul_f64(dice.fraction()) / 2);
        second.strike(cluster);
    }
    thread::sleep(time);
    // The one that came last ends first. A server starts only when all else is well.
    let mut both: Vec<_> = [second, Some(first)].into_iter().flatten().collect();
    both.sort_by_key(|it| matches!(it, KillServer(_)));
    both.into_iter().for_each(|nemesis| nemesis.heal(cluster));
}

/// Promise 75.
#[test]
fn everything_happens() {
    if !is_possible() || !Wall::is_possible() {
        return;
    }
    let seconds = std::env::var(SECONDS).map(|it| it.parse().expect("a number of seconds"));
    let time = Duration::from_secs(seconds.unwrap_or(SECONDS_DEFAULT));
    let start = Instant::now();
    let mut cluster = Cluster::with_clocks();
    let mut dice = cluster.dice.fork();
    while start.elapsed() < time {
        round(&mut cluster, &mut dice);
        if dice.below(HASTY_ROUND) > 0 {
            cluster.settle();
        }
    }
    cluster.finish();
}
