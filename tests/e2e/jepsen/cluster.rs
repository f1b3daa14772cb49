//! Three servers with one engine, a way to it for each, and people.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::checker::{Fault, check};
use super::history::{History, Loss, SERVERS, Value};
use super::people::{Speaker, watch};
use super::recorder::{Mark, Recorder};
use super::wall::Wall;
use super::way::Way;
use crate::engine::Engine;
use crate::harness::{Dice, Machine, Network, PATIENCE, Program};

/// What is said while the engine is away is refused: then all servers show one order.
const OPTIONS: &[&str] = &[
    "--degrade",
    "refuse",
    "--no-web",
    "--presence-interval",
    "3600",
    "--history",
    "0",
    "--rate",
    "0",
    "--echo",
];

/// What may happen between a line that is accepted and its loss: Redis writes its file each
/// second, and a machine may stand still.
const SLACK: Duration = Duration::from_secs(4);

/// How long a lease is.
const LEASE_SECONDS: i64 = 15;

/// Faults of a kind that are shown at most.
const FAULTS_MAX: usize = 5;

/// All of it.
pub struct Cluster {
    pub engine: Engine,
    /// The ways to it; none if there is a network.
    pub ways: Vec<Way>,
    /// A machine for each server, if there is a network.
    pub machines: Vec<Machine>,
    /// The clock of each server, and the engine's, if they can be set.
    walls: Vec<Wall>,
    pub dice: Dice,
    recorder: Arc<Recorder>,
    /// Where each server finds the engine.
    urls: Vec<String>,
    servers: Vec<Option<Program>>,
    speakers: Vec<Option<Speaker>>,
    /// How many clients have spoken so far.
    clients: usize,
    /// All that was said before was shown to all.
    settled_at: Duration,
}

impl Cluster {
    /// All on this machine, with ways that can be made bad.
    pub fn start() -> Cluster {
        Self::with_walls(Vec::new())
    }

    /// The same with clocks that can be set.
    pub fn with_clocks() -> Cluster {
        Self::with_walls((0..=SERVERS.len()).map(|_| Wall::new()).collect())
    }

    fn with_walls(walls: Vec<Wall>) -> Cluster {
        let mut dice = Dice::new();
        let launcher = walls.last().map_or(Vec::new(), Wall::launcher);
        let engine = Engine::launched_by(launcher, &["--appendfsync", "everysec"]);
        let ways: Vec<_> =
            SERVERS.into_iter().map(|at| Way::new(&engine, at, dice.fork())).collect();
        let urls = ways.iter().map(Way::url).collect();
        Self::begin(dice, engine, urls, ways, Vec::new(), walls)
    }

    /// Each server on a machine of its own, with a link to the one of the engine.
    pub fn on_machines() -> Cluster {
        // Nobody else is in its network.
        const PORT: &str = "6379";
        let mut network = Network::new();
        let options = ["--port", PORT, "--bind", "0.0.0.0", "--protected-mode", "no"];
        let engine = network.enter(|| Engine::start_with(&options));
        let machines: Vec<_> = SERVERS.into_iter().map(|_| network.machine()).collect();
        let url = |machine: &Machine| format!("redis://{}:{PORT}/0", machine.ipv4(1));
        let urls = machines.iter().map(url).collect();
        Self::begin(Dice::new(), engine, urls, Vec::new(), machines, Vec::new())
    }

    fn begin(
        dice: Dice,
        engine: Engine,
        urls: Vec<String>,
        ways: Vec<Way>,
        machines: Vec<Machine>,
        walls: Vec<Wall>,
    ) -> Cluster {
        let (recorder, settled_at) = (Arc::new(Recorder::new()), Duration::ZERO);
        let (servers, speakers) = (SERVERS.map(|_| None).into(), SERVERS.map(|_| None).into());
        let mut cluster = Cluster {
            engine,
            ways,
            machines,
            walls,
            dice,
            recorder,
            urls,
            servers,
            speakers,
            clients: 0,
            settled_at,
        };
        // All look on before anybody speaks.
        for server in SERVERS {
            cluster.start_server(server);
            cluster.watch(server, true);
        }
        SERVERS.into_iter().for_each(|server| cluster.speak(server));
        cluster.settle();
        cluster
    }

    /// Does something where a server is.
    fn at<T: Send>(&self, server: usize, act: impl FnOnce() -> T + Send) -> T {
        match self.machines.get(server) {
            Some(machine) => machine.enter(act),
            None => act(),
        }
    }

    fn start_server(&mut self, server: usize) {
        let (url, name) = (&self.urls[server], format!("server{server}"));
        let options = [OPTIONS, &["--cluster", url, "--server-name", &name]].concat();
        let launcher = self.walls.get(server).map_or(Vec::new(), Wall::launcher);
        let launcher: Vec<_> = launcher.iter().map(String::as_str).collect();
        let start = || Program::plain_started_by(&launcher, &options);
        self.servers[server] = Some(self.at(server, start));
    }

    fn watch(&mut self, server: usize, is_from_the_begin: bool) {
        let (recorder, program) = (&self.recorder, self.server(server));
        self.at(server, || watch(recorder, program, server, is_from_the_begin));
    }

    fn speak(&mut self, server: usize) {
        self.clients += 1;
        let (recorder, program, client) = (&self.recorder, self.server(server), self.clients);
        let speaker = self.at(server, || Speaker::start(recorder, program, server, client));
        self.speakers[server] = Some(speaker);
    }

    fn server(&self, server: usize) -> &Program {
        self.servers[server].as_ref().expect("it runs")
    }

    // What is done to it.

    pub fn signal(&self, server: usize, signal: Signal) {
        self.server(server).signal(signal);
    }

    /// Sets the clock of a server, or the engine's, so many seconds ahead.
    pub fn set_clock(&self, server: Option<usize>, seconds: i64) {
        self.walls[server.unwrap_or(SERVERS.len())].set(seconds);
    }

    /// Kills a server; what was said on it and isn't known elsewhere is lost.
    pub fn kill_server(&mut self, server: usize) {
        self.servers[server] = None;
        self.speakers[server] = None;
        self.recorder.wait(
            |record| !record.observers.iter().any(|it| it.server == server && it.is_to_the_end),
            |_| format!("observers of server {server} haven't ended"),
        );
        self.lose(Some(server));
    }

    /// Starts it again, with other people.
    pub fn restart_server(&mut self, server: usize) {
        self.start_server(server);
        self.watch(server, false);
        self.speak(server);
    }

    /// Something that was said since all was settled may be lost, on this server or in the
    /// engine.
    pub fn lose(&self, server: Option<usize>) {
        let (from, to) = (self.settled_at.saturating_sub(SLACK), self.recorder.now());
        self.recorder.change(|record| record.losses.push(Loss { from, to, server }));
    }

    // What is waited for.

    pub fn now(&self) -> Duration {
        self.recorder.now()
    }

    pub fn mark(&self) -> Mark {
        self.recorder.mark()
    }

    #[track_caller]
    pub fn wait_told(&self, servers: &[usize], text: &str, mark: &Mark) {
        self.recorder.wait_told(servers, text, mark);
    }

    /// The engine takes all servers for alive.
    #[track_caller]
    pub fn wait_for_leases(&self) {
        self.wait_until_left("not all servers have a lease", |leases| {
            leases.len() == SERVERS.len()
        });
    }

    /// A server has a lease by the engine's clock as it is now set.
    #[track_caller]
    pub fn wait_for_new_lease(&self) {
        self.wait_until_left("no server has a new lease", |leases| {
            leases.iter().any(|seconds| (1..=LEASE_SECONDS).contains(seconds))
        });
    }

    /// Waits for leases that have so many seconds left; says what is wrong if they don't come.
    #[track_caller]
    fn wait_until_left(&self, what: &str, is_such: impl Fn(&[i64]) -> bool) {
        let start = Instant::now();
        loop {
            let keys = self.engine.ask("KEYS {rc}:lease:*");
            let left = |key| self.engine.ask(&format!("TTL {key}")).trim().parse().ok();
            if is_such(&keys.lines().filter_map(left).collect::<Vec<_>>()) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Nobody was told anything that begins like this.
    #[track_caller]
    pub fn assert_untold(&self, text: &str) {
        self.recorder.assert_untold(text);
    }

    /// What is said on each of these servers from now on is heard on all of them.
    #[track_caller]
    pub fn wait_for_talk(&self, servers: &[usize]) {
        self.recorder.wait_for_talk(servers);
    }

    /// All hear all again.
    #[track_caller]
    pub fn settle(&mut self) {
        let now = self.recorder.now();
        self.wait_for_talk(&SERVERS);
        self.settled_at = now;
    }

    /// Lets all come to its end, and compares what was said and what was shown.
    #[track_caller]
    pub fn finish(mut self) {
        self.settle();
        let speakers = self.speakers.iter_mut().filter_map(Option::take);
        let (clients, values): (Vec<_>, Vec<_>) = speakers.map(Speaker::stop).unzip();
        let values: Vec<_> = values.into_iter().map(|it| it.expect("its server lives")).collect();
        self.recorder.wait_shown(&values);
        self.note();
        let kept = self.kept().into_iter().map(|(_, number, value)| (number, value));
        let kept: Vec<_> = kept.collect();
        let has = |value| kept.iter().any(|(_, other)| *other == value);
        assert!(values.into_iter().all(has), "the engine has what was said last");
        let history = self.recorder.change(|record| History {
            observers: record.observers.clone(),
            said: record.said.clone(),
            losses: record.losses.clone(),
            kept,
            noted: record.noted.clone(),
        });
        // Nobody leaves before.
        drop(clients);
        let faults = check(&history);
        if faults.is_empty() {
            println!("{} values were said", history.said.len());
            return;
        }
        show(&faults);
        for server in SERVERS {
            println!("server {server}: {}", self.server(server).stderr());
        }
        panic!("{} faults, some of them above", faults.len());
    }

    /// The values that the engine has, with their countings and numbers.
    fn kept(&self) -> Vec<(String, u64, Value)> {
        let answer = self.engine.ask("XRANGE {rc:lobby}:log - +");
        let (mut run, mut number) = (String::new(), 0);
        let mut kept = Vec::new();
        let mut lines = answer.lines();
        while let Some(line) = lines.next() {
            if let Some(value) = Value::parse(line) {
                kept.push((run.clone(), number, value));
            } else if let Some(id) = line.strip_suffix("-0").and_then(|id| id.parse().ok()) {
                number = id;
                // The first field is the counting.
                run = lines.nth(1).unwrap_or_default().to_owned();
            }
        }
        kept
    }

    /// Notes what the engine has.
    pub fn note(&self) {
        let kept = self.kept().into_iter().map(|(run, number, value)| ((run, number), value));
        self.recorder.change(|record| record.noted.extend(kept));
    }
}

/// Shows some faults of each kind.
fn show(faults: &[Fault]) {
    let mut counts = BTreeMap::<_, usize>::new();
    for fault in faults {
        let count = counts.entry(fault.rule).or_default();
        *count += 1;
        if *count <= FAULTS_MAX {
            println!("{fault}");
        }
    }
    println!("{counts:?}");
}
