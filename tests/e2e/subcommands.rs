//! Subcommands that deal with a server that runs: `roomcast check` and `roomcast reload`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Output;
use std::thread;

use rustix::process::Signal;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::harness::{Host, Program, Terminal, lacks, run};
use crate::support::process::ROOMCAST;

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Runs it; gives its exit code and its one line of complaint.
fn outcome(arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = run(arguments);
    assert_eq!(stdout, b"");
    let complaint = String::from_utf8(stderr).expect("UTF-8");
    assert!(complaint.lines().count() <= 1 || status.code() == Some(2), "{complaint}");
    (status.code(), complaint.trim_end().to_owned())
}

fn well() -> (Option<i32>, String) {
    (Some(0), String::new())
}

#[test]
fn a_server_can_be_checked() {
    let directory = tempfile::tempdir().expect("a directory");
    let unix = format!("unix:{}", text(&directory.path().join("room")));
    // Not even a password keeps the health from being told.
    let password = directory.path().join("password");
    fs::write(&password, "secret\n").expect("a file");
    let program = Program::web_at(&unix, &["--listen", "127.0.0.1:0"]);
    assert_eq!(outcome(&["check", &unix]), well());
    drop(program);
    let program = Program::web(&["--password-file", text(&password), "--tls", "--tls-only"]);
    let url = format!("http://127.0.0.1:{}", program.port());
    assert_eq!(outcome(&["check", &url]), well());
    assert_eq!(outcome(&["check", &format!("{url}/")]), well());
    let server = format!("127.0.0.1:{}", program.port());
    assert_eq!(outcome(&["check", &server]), well());
    assert_eq!(
        outcome(&["check", &format!("{url}/lobby")]),
        (Some(1), format!("roomcast: {server} answers with status 401"))
    );
    drop(program);
    let (code, complaint) = outcome(&["check", &url]);
    assert_eq!(code, Some(1));
    let refused = "doesn't answer: Connection refused";
    assert!(complaint.starts_with(&format!("roomcast: {server} {refused}")), "{complaint}");
    let (code, complaint) = outcome(&["check", &unix]);
    assert_eq!(code, Some(1));
    assert!(complaint.contains("doesn't answer: "), "{complaint}");
}

/// A server that stands still takes connections, and answers nothing.
#[test]
fn a_check_doesnt_wait_for_ever() {
    let directory = tempfile::tempdir().expect("a directory");
    let unix = format!("unix:{}", text(&directory.path().join("room")));
    let program = Program::web_at(&unix, &["--listen", "127.0.0.1:0"]);
    program.signal(Signal::STOP);
    let (code, complaint) = outcome(&["check", &unix]);
    program.signal(Signal::CONT);
    assert_eq!(code, Some(1));
    assert!(complaint.ends_with("doesn't answer: it takes too long"), "{complaint}");
    // One that doesn't even accept connections.
    let path = directory.path().join("full");
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    socket.bind(&SockAddr::unix(&path).expect("a path")).expect("it is free");
    socket.listen(0).expect("it is bound");
    let _first = UnixStream::connect(&path).expect("one has place");
    let (code, complaint) = outcome(&["check", &format!("unix:{}", text(&path))]);
    assert_eq!(code, Some(1));
    assert!(complaint.contains("doesn't answer: "), "{complaint}");
}

#[test]
fn a_check_knows_what_isnt_a_server_of_ours() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let other = thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a client");
        // All of it: else the connection is reset.
        assert_ne!(socket.read(&mut [0; 1024]).expect("a request"), 0);
        socket.write_all(b"220 mail.example.org ESMTP\r\n").expect("it is read");
    });
    let (code, complaint) = outcome(&["check", &url]);
    other.join().expect("it ends");
    assert_eq!(code, Some(1));
    assert!(complaint.ends_with("doesn't answer: it does not speak HTTP"), "{complaint}");
}

#[test]
fn what_cannot_be_checked_is_told() {
    for (url, clue) in [
        ("ftp://chat.example.org", "expected HOST:PORT, http://HOST:PORT or unix:PATH"),
        ("http://", "expected HOST:PORT, http://HOST:PORT or unix:PATH"),
        ("http://chat.example.org:x", "expected HOST:PORT, http://HOST:PORT or unix:PATH"),
        ("http//chat.example.org:8008", "expected HOST:PORT, http://HOST:PORT or unix:PATH"),
        (":8008", "expected HOST:PORT, http://HOST:PORT or unix:PATH"),
        ("unix:", "expected HOST:PORT, http://HOST:PORT or unix:PATH"),
        ("https://chat.example.org", "use http on the server's machine"),
    ] {
        let (code, complaint) = outcome(&["check", url]);
        assert_eq!(code, Some(2), "{url}");
        assert!(complaint.contains(clue), "{url}: {complaint}");
    }
}

/// Promise 62: also where SIGHUP would end the server, since it has a terminal.
#[test]
fn a_server_with_a_terminal_can_be_told_to_reload() {
    if lacks(&["tmux"]) {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let (data, rules) = (directory.path().join("data"), directory.path().join("rules"));
    fs::write(&rules, "allow 192.0.2.0/24\n").expect("a file");
    let (data, rules) = (text(&data), text(&rules));
    let options = format!("--listen 127.0.0.1:0 --data {data} --access-file {rules}");
    let terminal = Terminal::run(&format!("{ROOMCAST} {options}"));
    terminal.comes_to(|screen, _| screen.contains("join with:"));
    assert_eq!(outcome(&["reload", "--data", data]), well());
    terminal.comes_to(|screen, _| screen.contains("read again: access rules, bans;"));
    let pid = fs::read_to_string(Path::new(data).join("lock")).expect("it is there");
    fs::write(rules, "allow 192.0.2.0\nnonsense\n").expect("a file");
    assert_eq!(outcome(&["reload", pid.trim()]), well());
    terminal.comes_to(|screen, _| screen.contains("the rules before it stay in use"));
}

#[test]
fn what_cannot_be_told_to_reload_is_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let program = Program::start(&["--data", text(&data)]);
    let [mut ann] = program.guests();
    assert!(ann.here().ends_with("; what is said here is kept"), "{}", ann.here());
    assert_eq!(outcome(&["reload", "--data", text(&data)]), well());
    ann.ping();
    drop(program);
    let nobody = format!("roomcast: no server is using {}", text(&data));
    assert_eq!(outcome(&["reload", "--data", text(&data)]), (Some(1), nobody));
    let (code, complaint) = outcome(&["reload", "--data", "/nowhere"]);
    assert_eq!(code, Some(1));
    assert!(complaint.starts_with("roomcast: cannot tell who uses /nowhere: "), "{complaint}");
    let needs = "roomcast: reload needs the process ID of the server, or its --data";
    assert_eq!(outcome(&["reload"]), (Some(1), needs.to_owned()));
    // Not even a parent is told what would end it.
    let (code, complaint) = outcome(&["reload", &std::process::id().to_string()]);
    assert_eq!(code, Some(1));
    assert!(complaint.ends_with(", not roomcast"), "{complaint}");
    for wrong in ["0", "foo", "-1"] {
        let (code, complaint) = outcome(&["reload", wrong]);
        assert_eq!(code, Some(2));
        let right = "expected the process ID of a server: a whole number from 1 on";
        assert!(complaint.contains(right), "{wrong}: {complaint}");
    }
    let (code, complaint) = outcome(&["reload", &i32::MAX.to_string()]);
    assert_eq!(code, Some(1));
    assert!(complaint.ends_with(&format!("there is no process {}", i32::MAX)), "{complaint}");
}
