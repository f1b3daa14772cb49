//! Roomcast as a service: what a manager such as systemd is told, and the sockets that it
//! passes.

use std::fs;
use std::iter;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use socket2::SockAddr;

use crate::harness::{Client, Host, Namespace, PATIENCE, Program, lacks};
use crate::source::root;
use crate::support::process::ROOMCAST;

/// The end of a manager: what it is told comes here.
struct Manager {
    socket: UnixDatagram,
    directory: tempfile::TempDir,
}

impl Manager {
    fn new() -> Manager {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = UnixDatagram::bind(directory.path().join("notify")).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Manager { socket, directory }
    }

    /// A server that it starts, without a terminal.
    fn start(&self, variables: &str) -> Program {
        let path = self.directory.path().join("notify");
        let path = path.to_str().expect("UTF-8");
        let script = format!("NOTIFY_SOCKET={path} {variables} exec setsid \"$0\" \"$@\"");
        Program::started_by(&["sh", "-c", &script], &[])
    }

    /// The next thing that it is told.
    fn told(&self) -> String {
        let mut bytes = [0; 4096];
        let length = self.socket.recv(&mut bytes).expect("it is told something");
        str::from_utf8(&bytes[..length]).expect("UTF-8").trim_end().to_owned()
    }

    /// Waits until it is told this.
    fn hears(&self, wanted: &str) {
        while self.told() != wanted {}
    }
}

/// Promise 61: a service manager is told when the server is ready, how many clients there are,
/// and when it ends.
#[test]
fn a_manager_is_told_what_the_server_does() {
    let manager = Manager::new();
    let mut program = manager.start("");
    manager.hears("READY=1");
    let [_ann] = program.guests();
    manager.hears("STATUS=1 client");
    program.signal(Signal::HUP);
    let reloading = iter::repeat_with(|| manager.told());
    let reloading = reloading.into_iter().find(|told| told.starts_with("RELOADING=1"));
    let since = reloading.as_deref().and_then(|told| told.split("MONOTONIC_USEC=").nth(1));
    assert!(since.is_some_and(|since| since.parse::<u64>().is_ok()), "{reloading:?}");
    manager.hears("READY=1");
    program.signal(Signal::TERM);
    manager.hears("STOPPING=1");
    assert_eq!(program.exit_code(), 0);
}

/// Promise 61: signs of life come from the loop, as long as it runs.
#[test]
fn the_loop_gives_signs_of_life() {
    let manager = Manager::new();
    let program = manager.start("WATCHDOG_USEC=300000");
    // Nobody is there, so nothing else makes it take a turn.
    for _ in 0..5 {
        manager.hears("WATCHDOG=1");
    }
    drop(program);
}

/// Without a manager there is no thread for one, and nothing wakes the loop.
#[test]
fn without_a_manager_there_is_no_thread_for_one() {
    let program = Program::start(&[]);
    let tasks = fs::read_dir(format!("/proc/{}/task", program.pid())).expect("it runs");
    let names: Vec<_> = tasks
        .map(|task| fs::read_to_string(task.expect("a thread").path().join("comm")))
        .map(|name| name.expect("it runs").trim_end().to_owned())
        .collect();
    let unused = ["service", "certificate", "store"];
    assert!(!names.iter().any(|name| unused.contains(&&name[..])), "{names:?}");
}

/// A server that `systemd-socket-activate` starts for the first client.
struct Activated(Child);

impl Drop for Activated {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn activate(namespace: &Namespace, sockets: &[&str], options: &[&str]) -> Activated {
    let mut command = Command::new("systemd-socket-activate");
    command.args(sockets.iter().flat_map(|socket| ["--listen", socket]));
    command.arg(ROOMCAST).args(options).args(["--presence-interval", "0", "--no-web"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Activated(namespace.enter(|| command.spawn()).expect("it starts"))
}

/// Connects when `systemd-socket-activate` listens. What looks for that is the client that
/// starts the server.
fn connect(namespace: &Namespace, address: &SockAddr) -> Client {
    namespace.enter(|| {
        while TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], 8008))).is_err() {}
        Client::connect(address)
    })
}

/// Promise 61: sockets that a manager has opened are used, each for what its address says.
#[test]
fn sockets_of_a_manager_are_told_apart_by_their_addresses() {
    if lacks(&["systemd-socket-activate"]) || !Namespace::is_possible() {
        return;
    }
    let namespace = Namespace::new();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("room");
    let sockets = [path.to_str().expect("UTF-8"), "[::1]:2323", "127.0.0.1:8008"];
    let _server = activate(&namespace, &sockets, &["--listen", "telnet:[::1]:2323"]);
    let plain: SocketAddr = ([127, 0, 0, 1], 8008).into();
    let telnet: SocketAddr = "[::1]:2323".parse().expect("an address");
    let mut ann = connect(&namespace, &plain.into());
    assert!(ann.line().starts_with("*** welcome, "));
    let mut bob = connect(&namespace, &SockAddr::unix(&path).expect("a path"));
    assert!(bob.line().starts_with("*** welcome, "));
    let mut eve = connect(&namespace, &telnet.into());
    // It is offered to edit its line: IAC WILL ECHO.
    eve.expect([255, 251, 1]);
}

#[test]
fn the_units_are_right_and_safe() {
    if lacks(&["systemd-analyze"]) {
        return;
    }
    let unit = |name: &str| root().join("pkg/systemd").join(name);
    let directory = tempfile::tempdir().expect("a directory");
    // The program isn't installed here.
    let text = fs::read_to_string(unit("roomcast.service")).expect("a unit");
    let installed = directory.path().join("roomcast.service");
    fs::write(&installed, text.replace("/usr/bin/roomcast", ROOMCAST)).expect("a file");
    fs::copy(unit("roomcast.socket"), directory.path().join("roomcast.socket")).expect("a file");
    let analyze = |arguments: &[&str], file: &Path| {
        let output = Command::new("systemd-analyze").args(arguments).arg(file).output();
        let output = output.expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    };
    for name in ["roomcast.service", "roomcast.socket"] {
        let (is_right, said) = analyze(&["verify", "--man=no"], &directory.path().join(name));
        assert!(is_right && said.is_empty(), "{name}: {said}");
    }
    let arguments = ["security", "--offline=true", "--threshold=15"];
    let (is_safe, said) = analyze(&arguments, &installed);
    assert!(is_safe, "{said}");
}

/// A server without a terminal, with these options.
fn supervised(options: &[&str]) -> Program {
    Program::started_by(&["setsid"], options)
}

/// Has everything read again, and waits until that is done.
fn reload(program: &Program) {
    program.signal(Signal::HUP);
    program.logs("read again: ");
}

/// Promise 62: a new password counts for those who come, and nobody is disconnected.
#[test]
fn passwords_are_read_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let (password, operator) = (directory.path().join("one"), directory.path().join("two"));
    fs::write(&password, "old secret").expect("a file");
    fs::write(&operator, "old key").expect("a file");
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (password_file, operator_file) = (text(&password), text(&operator));
    let program =
        supervised(&["--password-file", &password_file, "--operator-file", &operator_file]);
    let mut ann = program.connect();
    ann.say("old secret");
    while !ann.line().contains(" here: ") {}
    // Somebody who is asked, and answers with the new one.
    let mut bob = program.connect();
    assert!(bob.line().contains("password"));
    fs::write(&password, "new secret").expect("a file");
    fs::write(&operator, "new key").expect("a file");
    reload(&program);
    let done = program.logs("read again: password, operator password;");
    assert!(done.contains("options and environment variables need a restart"), "{done}");
    bob.say("old secret");
    assert!(bob.line().starts_with("*** wrong password"));
    bob.say("new secret");
    while !bob.line().contains(" here: ") {}
    ann.hears("*** guest2 joined");
    ann.say("/op old key");
    assert!(ann.line().contains("wrong"), "it isn't that any more");
    ann.say("/op new key");
    assert!(ann.line().starts_with("*** you are now an operator"));
    // A file that is wrong changes nothing.
    fs::write(&password, "").expect("a file");
    program.signal(Signal::HUP);
    program.logs("the password before it stays in use");
    let mut eve = program.connect();
    eve.say("new secret");
    while !eve.line().contains(" here: ") {}
}

/// Promise 62: access rules count for those who come.
#[test]
fn access_rules_are_read_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("rules");
    fs::write(&path, "# everybody\n").expect("a file");
    let program = supervised(&["--access-file", path.to_str().expect("UTF-8")]);
    let [mut ann] = program.guests();
    fs::write(&path, "deny 127.0.0.0/8\n").expect("a file");
    reload(&program);
    let mut bob = program.connect();
    bob.hears("*** refused: your address is not allowed here");
    ann.ping();
    fs::write(&path, "allow\n").expect("a file");
    program.signal(Signal::HUP);
    let logged = program.logs("the rules before it stay in use");
    assert!(logged.contains("line 1: expected an address like"), "{logged}");
    assert!(program.connect().line().starts_with("*** refused: "));
}

/// Promise 62: bans that somebody has written into the file count, and those that operators
/// have made stay.
#[test]
fn bans_are_read_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let (bans, operator) = (directory.path().join("bans"), directory.path().join("operator"));
    fs::write(&operator, "a key").expect("a file");
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (bans_file, operator_file) = (text(&bans), text(&operator));
    let program = supervised(&["--bans", &bans_file, "--operator-file", &operator_file]);
    let [mut ann] = program.guests();
    ann.say("/op a key");
    assert!(ann.line().starts_with("*** you are now an operator"));
    ann.say("/ban 192.0.2.1");
    assert!(ann.line().starts_with("*** 192.0.2.1/32 is banned"));
    while !fs::read_to_string(&bans).is_ok_and(|text| text.contains("192.0.2.1/32")) {}
    let written = fs::read_to_string(&bans).expect("a file");
    fs::write(&bans, written + "198.51.100.0/24 forever bob\n").expect("a file");
    reload(&program);
    // It is read by a thread.
    let has_both = |ann: &mut Client| {
        ann.say("/bans\n/seq");
        let lines = iter::repeat_with(|| ann.line()).take_while(|it| !it.contains("is the newest"));
        let shown = lines.collect::<Vec<_>>().join("\n");
        shown.contains("192.0.2.1/32") && shown.contains("198.51.100.0/24")
    };
    while !has_both(&mut ann) {}
    fs::write(&bans, "nonsense\n").expect("a file");
    program.signal(Signal::HUP);
    program.logs("those before stay in force");
    assert!(has_both(&mut ann));
}
