//! Links of several servers to one engine, a real one: what each gets, whatever happens to it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use roomcast::cluster::{Event, Link, Options};
use roomcast::wire::{
    Answer, Arrival, Change, Kind, Query, RoomKey, SharedLine, Submission, Tail, Wish,
};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::{PATIENCE, lacks};
use crate::support::process::Process;

/// A Redis of its own, on a unix socket.
pub struct Engine {
    directory: TempDir,
    /// What it is started by, if anything.
    launcher: Vec<String>,
    /// Options besides those that all have.
    options: Vec<String>,
    process: Option<Process>,
}

impl Engine {
    pub fn start() -> Engine {
        Self::start_with(&[])
    }

    /// One with these options of Redis.
    pub fn start_with(options: &[&str]) -> Engine {
        Self::launched_by(Vec::new(), options)
    }

    /// The same started by this program and these arguments of it.
    pub fn launched_by(launcher: Vec<String>, options: &[&str]) -> Engine {
        let directory = tempfile::tempdir().expect("a directory");
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let mut engine = Engine { directory, launcher, options, process: None };
        engine.restart();
        engine
    }

    /// One that this command starts, but for its socket and directory.
    pub fn started_by(command: &str) -> Engine {
        let directory = tempfile::tempdir().expect("a directory");
        let (launcher, options) = (Vec::new(), Vec::new());
        let mut engine = Engine { directory, launcher, options, process: None };
        let command = command.trim_end_matches(" &").replace("/tmp/rc.sock", &engine.socket());
        let command = command.replace("--dir /tmp", &format!("--dir {}", engine.path().display()));
        let (program, options) = command.split_once(' ').expect("it has options");
        assert_eq!(program, "redis-server");
        let mut command = Command::new(program);
        command.args(options.split(' ')).stdin(Stdio::null()).stdout(Stdio::null());
        engine.process = Some(Process::spawn(&mut command).expect("it starts"));
        engine.ask("PING");
        engine
    }

    /// One that speaks TLS, with a certificate for `localhost`; gives its URL too, and the file
    /// with what its certificate is to be checked by.
    pub fn with_tls() -> (Engine, String, PathBuf) {
        let directory = tempfile::tempdir().expect("a directory");
        let file = |name: &str| directory.path().join(name);
        let (certificate, key) = (file("cert.pem"), file("key.pem"));
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        openssl.args(["-nodes", "-days", "2", "-subj", "/CN=localhost"]);
        openssl.args(["-addext", "subjectAltName=DNS:localhost", "-addext"]);
        openssl.args(["basicConstraints=critical,CA:FALSE", "-keyout"]).arg(&key);
        openssl.arg("-out").arg(&certificate);
        assert!(openssl.output().expect("it runs").status.success());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        drop(listener);
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let (port_text, certificate_text) = (port.to_string(), text(&certificate));
        let options = ["--tls-port", &port_text, "--tls-auth-clients", "no", "--tls-key-file"];
        let key = text(&key);
        let files = [&*key, "--tls-cert-file", &certificate_text, "--tls-ca-cert-file"];
        let options = [&options[..], &files, &[&*certificate_text]].concat();
        let options = options.into_iter().map(str::to_owned).collect();
        let mut engine = Engine { directory, launcher: Vec::new(), options, process: None };
        engine.restart();
        (engine, format!("rediss://localhost:{port}/0"), certificate)
    }

    pub fn url(&self) -> String {
        format!("unix:{}", self.socket())
    }

    pub fn socket(&self) -> String {
        self.path().join("redis.sock").display().to_string()
    }

    /// Where its files are.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn restart(&mut self) {
        self.process = None;
        let mut words = self.launcher.iter().map(String::as_str).chain(["redis-server"]);
        let mut command = Command::new(words.next().expect("a program"));
        command
            .args(words)
            .args(["--port", "0", "--unixsocket", &self.socket(), "--dir"])
            .arg(self.path());
        command.args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
        command.args(&self.options);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(Process::spawn(&mut command).expect("it starts"));
        self.ask("PING");
    }

    /// Runs a command of Redis; gives its answer.
    pub fn ask(&self, command: &str) -> String {
        let start = Instant::now();
        loop {
            let mut cli = Command::new("redis-cli");
            cli.args(["-s", &self.socket()]).args(command.split(' '));
            let output = cli.output().expect("it runs");
            let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            // It may still read its file.
            if output.status.success() && !answer.starts_with("LOADING") {
                return answer;
            }
            assert!(start.elapsed() < PATIENCE, "{command}: {output:?}");
        }
    }

    pub fn signal(&self, signal: Signal) {
        self.process.as_ref().expect("it runs").signal(signal);
    }

    pub fn kill(&mut self) {
        self.process = None;
    }

    fn options(&self) -> Options {
        Options::new(&self.url()).expect("it is one")
    }
}

/// One server's end.
struct Server {
    link: Link,
    woken: Receiver<()>,
    count: u64,
    room: Arc<RoomKey>,
    /// What has arrived: numbers and texts.
    lines: Vec<(u64, String)>,
}

impl Server {
    fn new(engine: &Engine) -> Server {
        let (waker, woken) = channel();
        let link = Link::new(engine.options(), move || _ = waker.send(())).expect("threads");
        let looks = ["lobby", "lobby"].map(Into::into);
        let room = Arc::new(RoomKey { name: "lobby".into(), looks });
        Server { link, woken, count: 0, room, lines: Vec::new() }
    }

    /// One that has opened the room and reads it.
    fn reading(engine: &Engine) -> Server {
        let mut server = Server::new(engine);
        assert!(matches!(server.event(), Event::Up));
        let tail = server.tail();
        let run = tail.run.expect("it has a name");
        server.link.watch(Arc::clone(&server.room), &run, tail.next);
        server
    }

    /// The next event.
    #[track_caller]
    fn event(&mut self) -> Event {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.link.next_event() {
                // There are other tests for that.
                Some(Event::People(_) | Event::Forgotten) => continue,
                Some(event) => return event,
                None => {}
            }
            let left = end.saturating_duration_since(Instant::now());
            self.woken.recv_timeout(left).expect("something happens");
        }
    }

    fn tail(&mut self) -> Tail {
        self.link.ask(Query { ticket: 1, room: Arc::clone(&self.room), wish: Wish::Tail });
        loop {
            match self.event() {
                Event::Answer(1, Answer::Tail(tail)) => return tail,
                Event::Up | Event::Down(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn say(&mut self, text: &str) {
        self.submit(text, None);
    }

    fn submit(&mut self, text: &str, topic: Option<&str>) {
        let line = self.line(text, topic.map(|topic| Change::Topic(topic.into())));
        self.link.submit(vec![line]);
    }

    /// The next line that it has.
    fn line(&mut self, text: &str, change: Option<Change>) -> Submission {
        self.count += 1;
        let time = std::time::UNIX_EPOCH.elapsed().expect("it is later").as_secs() as u32;
        let (kind, from, text) = (Kind::Said, "ann".into(), text.into());
        let line = SharedLine { author: 1, time, kind, from, text, facts: "".into(), change };
        Submission { room: Arc::clone(&self.room), count: self.count, line }
    }

    /// Reads until so many lines have arrived.
    #[track_caller]
    fn reads(&mut self, lines: usize) {
        while self.lines.len() < lines {
            match self.event() {
                Event::Arrived(arrivals) => self.take(arrivals),
                // Machines stand still for a second now and then.
                Event::Up | Event::Down(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn take(&mut self, arrivals: Vec<Arrival>) {
        let lines = arrivals.into_iter().map(|Arrival { number, line, .. }| (number, line));
        self.lines.extend(lines.map(|(number, line)| (number, line.text.into())));
    }
}

pub fn is_possible() -> bool {
    !lacks(&["redis-server", "redis-cli"])
}

/// Promise 69: all servers get the same lines with the same numbers, those of each in its order.
#[test]
fn three_servers_have_one_order() {
    if !is_possible() {
        return;
    }
    const LINES: usize = 200;
    let engine = Engine::start();
    let mut servers: Vec<_> = (0..3).map(|_| Server::reading(&engine)).collect();
    for number in 0..LINES {
        for (at, server) in servers.iter_mut().enumerate() {
            server.say(&format!("{at}.{number}"));
        }
    }
    servers.iter_mut().for_each(|server| server.reads(3 * LINES));
    let first = servers[0].lines.clone();
    let numbers: Vec<_> = first.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=3 * LINES as u64).collect::<Vec<_>>());
    assert!(servers.iter().all(|server| server.lines == first));
    for at in 0..3 {
        let own = first.iter().filter(|(_, text)| text.starts_with(&format!("{at}.")));
        let own: Vec<_> = own.map(|(_, text)| text.clone()).collect();
        let said: Vec<_> = (0..LINES).map(|number| format!("{at}.{number}")).collect();
        assert_eq!(own, said);
    }
}

/// A room begins with what was said, and what it is about.
#[test]
fn a_server_that_comes_later_knows_the_past() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let mut first = Server::reading(&engine);
    first.submit("one", Some("all of it"));
    first.reads(1);
    first.say("two");
    first.reads(2);
    let mut second = Server::new(&engine);
    assert!(matches!(second.event(), Event::Up));
    let tail = second.tail();
    assert_eq!((tail.is_known, tail.next, &*tail.topic), (true, 3, "all of it"));
    assert_eq!(tail.lines.len(), 2);
    let run = tail.run.expect("it has a name");
    second.link.watch(Arc::clone(&second.room), &run, tail.next);
    first.say("three");
    second.reads(1);
    assert_eq!(second.lines, [(3, "three".to_owned())]);
}

/// An engine that stands still is noticed, also when nobody says anything; what was said
/// meanwhile arrives afterwards, once.
#[test]
fn an_engine_that_stands_still_is_noticed_and_nothing_is_lost() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let mut servers = [Server::reading(&engine), Server::reading(&engine)];
    servers[0].say("before");
    servers.iter_mut().for_each(|server| server.reads(1));
    engine.signal(Signal::STOP);
    for server in &mut servers {
        assert!(matches!(server.event(), Event::Down(_)));
    }
    servers[0].say("meanwhile");
    servers[1].say("here too");
    engine.signal(Signal::CONT);
    for server in &mut servers {
        while server.lines.len() < 3 {
            match server.event() {
                Event::Up | Event::Down(_) => {}
                Event::Arrived(arrivals) => server.take(arrivals),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(servers[0].lines, servers[1].lines);
    let texts: Vec<_> = servers[0].lines.iter().map(|(_, text)| &**text).collect();
    assert!(texts[0] == "before" && texts.contains(&"meanwhile") && texts.contains(&"here too"));
}

/// After kill -9 lines that were said and not answered arrive once.
#[test]
fn an_engine_that_is_killed_gives_each_line_once() {
    if !is_possible() {
        return;
    }
    const LINES: usize = 300;
    let mut engine = Engine::start();
    let mut servers = [Server::reading(&engine), Server::reading(&engine)];
    for number in 0..LINES {
        servers[number % 2].say(&number.to_string());
        if number % 100 == 50 {
            engine.kill();
            engine.restart();
        }
    }
    for server in &mut servers {
        while server.lines.len() < LINES {
            match server.event() {
                // A new counting that goes on where the old one was.
                Event::Reset { next, .. } => assert_eq!(next, server.lines.len() as u64 + 1),
                Event::Up | Event::Down(_) => {}
                Event::Arrived(arrivals) => server.take(arrivals),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(servers[0].lines, servers[1].lines);
    let numbers: Vec<_> = servers[0].lines.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=LINES as u64).collect::<Vec<_>>());
    let mut said: Vec<u64> =
        servers[0].lines.iter().map(|(_, text)| text.parse().expect("a number")).collect();
    said.sort_unstable();
    assert_eq!(said, (0..LINES as u64).collect::<Vec<_>>());
}

/// An engine that forgets everything, or remembers an older state, is noticed: the room counts
/// anew, so no number is used twice under one name.
#[test]
fn an_engine_that_forgets_is_noticed() {
    if !is_possible() {
        return;
    }
    let mut engine = Engine::start();
    let mut server = Server::reading(&engine);
    server.say("before");
    server.reads(1);
    engine.ask("FLUSHALL");
    let run = loop {
        match server.event() {
            Event::Reset { run, next: 1, .. } => break run,
            Event::Up | Event::Down(_) => {}
            other => panic!("{other:?}"),
        }
    };
    server.say("after");
    server.reads(2);
    assert_eq!(server.lines[1], (1, "after".to_owned()));
    // What is appended to its file from here on is lost.
    engine.ask("CONFIG SET appendonly no");
    server.say("lost");
    server.say("lost too");
    server.reads(4);
    engine.kill();
    engine.restart();
    loop {
        match server.event() {
            Event::Reset { run: new, .. } => {
                assert_ne!(new, run);
                break;
            }
            Event::Up | Event::Down(_) => {}
            other => panic!("{other:?}"),
        }
    }
    server.say("again");
    server.reads(5);
}

/// Of an engine that keeps few lines the numbers say how many are missing.
#[test]
fn what_the_engine_has_dropped_can_be_counted() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let mut server = Server::reading(&engine);
    (0..10).for_each(|number| server.say(&number.to_string()));
    server.reads(10);
    let mut late = Server::new(&engine);
    assert!(matches!(late.event(), Event::Up));
    let run = late.tail().run.expect("it has a name");
    engine.ask("XTRIM {rc:lobby}:log MAXLEN 3");
    late.link.watch(Arc::clone(&late.room), &run, 2);
    late.reads(3);
    assert_eq!(late.lines[0], (8, "7".to_owned()));
}

/// An engine that drops what it has when its memory is full is warned of.
#[test]
fn an_engine_that_evicts_is_warned_of() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    engine.ask("CONFIG SET maxmemory-policy allkeys-lru");
    let mut server = Server::new(&engine);
    loop {
        match server.event() {
            Event::Warning(text) => {
                assert!(text.contains("allkeys-lru and should be noeviction"), "{text}");
                break;
            }
            Event::Up => {}
            other => panic!("{other:?}"),
        }
    }
}

/// An engine that isn't there at the start is found when it comes.
#[test]
fn an_engine_may_come_later() {
    if !is_possible() {
        return;
    }
    let mut engine = Engine::start();
    engine.kill();
    let mut server = Server::new(&engine);
    server.say("early");
    engine.restart();
    assert!(matches!(server.event(), Event::Up));
    let tail = server.tail();
    assert_eq!((tail.next, tail.lines.len()), (2, 1));
}

/// A stream that has more than its state says (somebody has put an older one beside it) begins
/// anew, instead of taking nothing for ever.
#[test]
fn a_stream_that_does_not_fit_its_state_begins_anew() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let mut first = Server::reading(&engine);
    (0..3).for_each(|number| first.say(&number.to_string()));
    first.reads(3);
    engine.ask("HSET {rc:lobby}:meta s 0");
    // One that doesn't know better.
    let mut second = Server::new(&engine);
    second.say("again");
    loop {
        match first.event() {
            Event::Reset { next, .. } => assert_eq!(next, 1),
            Event::Arrived(arrivals) => {
                first.take(arrivals);
                break;
            }
            Event::Up | Event::Down(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(first.lines.last(), Some(&(1, "again".to_owned())));
}

/// Lines that may not be taken out stay, and nothing else is lost or tried for ever.
#[test]
fn lines_that_may_not_be_taken_out_stay_and_nothing_is_lost() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let mut server = Server::reading(&engine);
    server.say("one");
    server.reads(1);
    engine.ask("ACL SETUSER default -xdel");
    let two = server.line("two", None);
    let clear = server.line("cleared", Some(Change::Clear(1, 1)));
    let three = server.line("three", None);
    server.link.submit(vec![two, clear, three]);
    loop {
        match server.event() {
            Event::Warning(text) => {
                assert!(text.starts_with("lines of lobby stay, "), "{text}");
                break;
            }
            Event::Arrived(arrivals) => server.take(arrivals),
            Event::Up | Event::Down(_) => {}
            other => panic!("{other:?}"),
        }
    }
    server.reads(3);
    let lines: Vec<_> = server.lines.iter().map(|(number, text)| (*number, &**text)).collect();
    assert_eq!(lines, [(1, "one"), (2, "two"), (3, "three")]);
    assert_eq!(engine.ask("XLEN {rc:lobby}:log"), "3");
}

/// An entry of another counting than the room's (anybody may have written it) counts as missing;
/// nothing is read again for it.
#[test]
fn an_entry_of_no_counting_is_left_out() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let mut server = Server::reading(&engine);
    server.say("one");
    server.reads(1);
    engine.ask("HSET {rc:lobby}:meta s 2");
    engine.ask("XADD {rc:lobby}:log 2-0 r zzz i evil n 1 l 0 a 0 t 5 k said f eve x boo");
    server.say("two");
    server.reads(2);
    // The state of the room is compared with what is known of it in its turn.
    engine.ask("DEL {rc:lobby}:log {rc:lobby}:meta");
    loop {
        match server.event() {
            Event::Reset { next, .. } => break assert_eq!(next, 1),
            Event::Up | Event::Down(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(server.lines, [(1, "one".to_owned()), (3, "two".to_owned())]);
}
