//! What goes wrong, one thing at a time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::cluster::Cluster;
use super::history::SERVERS;
use super::notices::{BACK, DOWN, FORGOT};
use super::wall::Wall;
use super::way::Weather;
use crate::engine::is_possible;

/// How long Redis pauses when it is told to. It can't be told to go on.
const PAUSE: Duration = Duration::from_secs(5);

/// How long a server stands still: longer than anybody waits for an answer.
const STANDSTILL: Duration = Duration::from_secs(3);

/// A fault, some of them of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nemesis {
    KillServer(usize),
    StopServer(usize),
    KillEngine,
    StopEngine,
    /// The way of a server is bad.
    Way(usize, Weather),
    Flush,
    /// The keys of the room with these ends are deleted.
    Delete(&'static [&'static str]),
    Trim,
    /// The engine goes on with an older file.
    OlderFile,
    FullMemory,
    ReadOnly,
    PauseAll,
    PauseWrites,
    /// The clock of a server, or the engine's, steps so many seconds on or back.
    Clock(Option<usize>, i64),
}

use Nemesis::*;

impl Nemesis {
    /// Begins.
    pub fn strike(self, cluster: &mut Cluster) {
        if self.loses() {
            cluster.note();
        }
        let engine = &mut cluster.engine;
        match self {
            KillServer(server) => cluster.kill_server(server),
            StopServer(server) => cluster.signal(server, Signal::STOP),
            KillEngine => engine.kill(),
            StopEngine => engine.signal(Signal::STOP),
            Way(server, weather) => cluster.ways[server].set(weather),
            Flush => _ = engine.ask("FLUSHALL"),
            Delete(ends) => {
                let keys: Vec<_> = ends.iter().map(|end| format!("{{rc:lobby}}:{end}")).collect();
                engine.ask(&format!("DEL {}", keys.join(" ")));
            }
            Trim => _ = engine.ask("XTRIM {rc:lobby}:log MAXLEN 1"),
            OlderFile => roll_back(cluster),
            FullMemory => _ = engine.ask("CONFIG SET maxmemory 1"),
            // Nobody is there.
            ReadOnly => _ = engine.ask("REPLICAOF 127.0.0.1 1"),
            PauseAll => _ = engine.ask(&format!("CLIENT PAUSE {} ALL", PAUSE.as_millis())),
            PauseWrites => _ = engine.ask("CLIENT PAUSE 60000 WRITE"),
            Clock(server, seconds) => cluster.set_clock(server, seconds),
        }
    }

    /// Ends.
    pub fn heal(self, cluster: &mut Cluster) {
        match self {
            KillServer(server) => cluster.restart_server(server),
            StopServer(server) => cluster.signal(server, Signal::CONT),
            KillEngine => cluster.engine.restart(),
            StopEngine => cluster.engine.signal(Signal::CONT),
            Way(server, _) => cluster.ways[server].set(Weather::Fair),
            Flush | Delete(_) | Trim | OlderFile => {}
            FullMemory => _ = cluster.engine.ask("CONFIG SET maxmemory 0"),
            ReadOnly => _ = cluster.engine.ask("REPLICAOF NO ONE"),
            // It is answered when all go on.
            PauseAll => _ = cluster.engine.ask("PING"),
            PauseWrites => _ = cluster.engine.ask("CLIENT UNPAUSE"),
            Clock(server, _) => cluster.set_clock(server, 0),
        }
        if self.loses() {
            cluster.lose(None);
        }
    }

    /// Whether the engine may lose something.
    fn loses(self) -> bool {
        matches!(self, KillEngine | Flush | Delete(_) | Trim | OlderFile)
    }

    /// Whether it makes the engine forget the counting.
    fn forgets(self) -> bool {
        match self {
            Flush | OlderFile => true,
            Delete(ends) => ends.contains(&"meta"),
            _ => false,
        }
    }

    /// The servers that have no engine meanwhile.
    fn cut_off(self) -> Vec<usize> {
        match self {
            KillEngine | StopEngine | FullMemory | ReadOnly | PauseAll | PauseWrites => {
                SERVERS.into()
            }
            Way(server, Weather::Cut | Weather::Frozen | Weather::Deaf) => vec![server],
            _ => Vec::new(),
        }
    }
}

/// Lets people talk on, and restarts the engine with the files that it had before.
fn roll_back(cluster: &mut Cluster) {
    let older = copy_files(cluster);
    cluster.wait_for_talk(&SERVERS);
    cluster.engine.kill();
    put_back(cluster, &older);
    cluster.engine.restart();
}

const FILES: &str = "appendonlydir";

/// A copy of the engine's files.
fn copy_files(cluster: &Cluster) -> PathBuf {
    let [files, older] = [FILES, "older"].map(|name| cluster.engine.path().join(name));
    run("cp", &[&files, &older]);
    older
}

/// Makes a copy the files of the engine, which doesn't run.
fn put_back(cluster: &Cluster, older: &Path) {
    let files = cluster.engine.path().join(FILES);
    run("rm", &[&files]);
    run("mv", &[older, &files]);
}

fn run(program: &str, paths: &[&Path]) {
    let mut command = Command::new(program);
    if program != "mv" {
        command.arg("-r");
    }
    assert!(command.args(paths).status().expect("it is there").success(), "{program}");
}

/// A fault that begins and ends: those who have to be told are told, the others talk on, and
/// nothing is broken afterwards.
#[track_caller]
fn survives(nemesis: Nemesis) {
    if !is_possible() {
        return;
    }
    let mut cluster = Cluster::start();
    let mark = cluster.mark();
    nemesis.strike(&mut cluster);
    let cut_off = nemesis.cut_off();
    cluster.wait_told(&cut_off, DOWN, &mark);
    let others: Vec<_> = SERVERS.into_iter().filter(|server| !cut_off.contains(server)).collect();
    cluster.wait_for_talk(&others);
    nemesis.heal(&mut cluster);
    cluster.wait_told(&cut_off, BACK, &mark);
    if nemesis.forgets() {
        cluster.wait_told(&SERVERS, FORGOT, &mark);
    }
    cluster.finish();
}

/// A fault that nobody has to be told of: all but these talk on meanwhile, for this long at least.
#[track_caller]
fn goes_unnoticed(nemesis: Nemesis, talkers: &[usize], time: Duration) {
    if !is_possible() {
        return;
    }
    let mut cluster = Cluster::start();
    nemesis.strike(&mut cluster);
    cluster.wait_for_talk(talkers);
    std::thread::sleep(time);
    nemesis.heal(&mut cluster);
    cluster.finish();
}

#[test]
fn nothing_happens() {
    goes_unnoticed(Way(0, Weather::Fair), &SERVERS, Duration::ZERO);
}

#[test]
fn a_server_is_killed() {
    goes_unnoticed(KillServer(1), &[0, 2], Duration::ZERO);
}

#[test]
fn a_server_stands_still() {
    if !is_possible() {
        return;
    }
    let mut cluster = Cluster::start();
    StopServer(1).strike(&mut cluster);
    std::thread::sleep(STANDSTILL);
    StopServer(1).heal(&mut cluster);
    cluster.finish();
}

/// Promise 75.
#[test]
fn the_engine_is_killed() {
    survives(KillEngine);
}

#[test]
fn the_engine_stands_still() {
    survives(StopEngine);
}

#[test]
fn a_way_is_cut() {
    survives(Way(0, Weather::Cut));
}

#[test]
fn a_way_is_frozen() {
    survives(Way(1, Weather::Frozen));
}

/// Promise 75.
#[test]
fn replies_are_lost() {
    survives(Way(2, Weather::Deaf));
}

#[test]
fn a_way_is_slow() {
    goes_unnoticed(Way(0, Weather::Slow(Duration::from_millis(50))), &SERVERS, Duration::ZERO);
}

#[test]
fn bytes_arrive_one_by_one() {
    goes_unnoticed(Way(1, Weather::Sliced), &SERVERS, Duration::from_secs(1));
}

/// Promise 74.
#[test]
fn everything_is_flushed() {
    survives(Flush);
}

#[test]
fn the_room_is_deleted() {
    survives(Delete(&["log", "meta"]));
}

#[test]
fn the_log_is_deleted() {
    survives(Delete(&["log"]));
}

#[test]
fn the_state_is_deleted() {
    survives(Delete(&["meta"]));
}

/// Promise 74.
#[test]
fn the_engine_has_an_older_file() {
    survives(OlderFile);
}

#[test]
fn the_memory_of_the_engine_is_full() {
    survives(FullMemory);
}

#[test]
fn the_engine_is_read_only() {
    survives(ReadOnly);
}

#[test]
fn the_engine_pauses() {
    survives(PauseAll);
}

#[test]
fn the_engine_pauses_for_those_who_write() {
    survives(PauseWrites);
}

/// Promise 74: what was dropped before a server could read it is counted there.
#[test]
fn what_is_trimmed_is_counted() {
    if !is_possible() {
        return;
    }
    let mut cluster = Cluster::start();
    let mark = cluster.mark();
    let cut = Way(0, Weather::Cut);
    cut.strike(&mut cluster);
    cluster.wait_told(&[0], DOWN, &mark);
    Trim.strike(&mut cluster);
    Trim.heal(&mut cluster);
    cut.heal(&mut cluster);
    cluster.wait_told(&[0], "missing here", &mark);
    cluster.finish();
}

/// A server adds again what wasn't answered. If the engine has forgotten meanwhile that it has
/// it, and others have shown it, it is still shown once.
#[test]
fn replies_are_lost_and_then_everything_is_flushed() {
    if !is_possible() {
        return;
    }
    let mut cluster = Cluster::start();
    let mark = cluster.mark();
    let deaf = Way(0, Weather::Deaf);
    deaf.strike(&mut cluster);
    cluster.wait_told(&[0], DOWN, &mark);
    Flush.strike(&mut cluster);
    Flush.heal(&mut cluster);
    deaf.heal(&mut cluster);
    cluster.wait_told(&[0], BACK, &mark);
    cluster.finish();
}

/// Promise 74: an engine with an older file is noticed although the first server to come back knows nothing
/// that it has lost.
#[test]
fn the_first_to_come_back_knew_less_than_an_older_file() {
    if !is_possible() {
        return;
    }
    let mut cluster = Cluster::start();
    let mark = cluster.mark();
    cluster.ways[1].set(Weather::Frozen);
    cluster.wait_told(&[1], DOWN, &mark);
    let others = [0, 2];
    cluster.wait_for_talk(&others);
    let older = copy_files(&cluster);
    cluster.wait_for_talk(&others);
    others.iter().for_each(|&server| cluster.ways[server].set(Weather::Cut));
    cluster.engine.kill();
    put_back(&cluster, &older);
    cluster.engine.restart();
    cluster.ways[1].set(Weather::Fair);
    cluster.wait_for_talk(&[1]);
    others.iter().for_each(|&server| cluster.ways[server].set(Weather::Fair));
    OlderFile.heal(&mut cluster);
    cluster.wait_told(&others, FORGOT, &mark);
    cluster.finish();
}

/// How far a clock steps: past the leases of servers.
pub const STEP_SECONDS: i64 = 3600;

/// A clock steps on, then back to before it began, then to where it should be: all talk on, and
/// no server is taken for dead. The next step comes when one server has a lease by the clock as it
/// is set: those of the others are from before.
#[track_caller]
fn survives_steps(server: Option<usize>) {
    if !is_possible() || !Wall::is_possible() {
        return;
    }
    let mut cluster = Cluster::with_clocks();
    for seconds in [STEP_SECONDS, -STEP_SECONDS, 0] {
        Clock(server, seconds).strike(&mut cluster);
        cluster.wait_for_talk(&SERVERS);
        cluster.wait_for_new_lease();
    }
    cluster.wait_for_leases();
    cluster.wait_for_talk(&SERVERS);
    cluster.assert_untold("the server server");
    cluster.finish();
}

/// Promise 75.
#[test]
fn the_clock_of_a_server_steps() {
    survives_steps(Some(1));
}

/// Promise 75.
#[test]
fn the_clock_of_the_engine_steps() {
    survives_steps(None);
}
