//! What operators set for a room, and lines that they take out of it: what programs and pages see
//! of that, what outlasts the server, and what other servers know.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::cluster::{hears_at_last, say_until, servers};
use crate::engine::{Engine, is_possible};
use crate::harness::{Client, Host, Program};
use crate::web::{answer, ask, post};

/// A directory with a file for `--operator-file`.
struct Files(TempDir);

impl Files {
    fn new() -> Files {
        let files = Files(tempfile::tempdir().expect("a directory"));
        fs::write(files.path("operator"), "secret").expect("an empty directory");
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(files.path("operator"), mode).expect("it is ours");
        files
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("UTF-8").to_owned()
    }
}

/// An operator.
fn operator(program: &Program, name: &str) -> Client {
    let mut client = program.connect();
    client.read_greeting();
    client.say(format!("/nick {name}\n/op secret"));
    hears_at_last(&mut client, "*** you are now an operator; /help shows what you can do");
    client
}

/// Promise 80.
#[test]
fn a_post_in_slow_mode_gets_a_status() {
    let files = Files::new();
    let program = Program::web(&["--operator-file", &files.path("operator")]);
    let mut ann = operator(&program, "ann");
    ann.say("/slow 1m");
    hears_at_last(&mut ann, "*** ann turned on slow mode: one line in 60 s from each user");
    assert_eq!(post(&program, "/?nick=ci", "one\n").0, "200 OK");
    hears_at_last(&mut ann, "<ci> one");
    let (status, text) = post(&program, "/?nick=ci", "two\n");
    assert_eq!(status, "429 Too Many Requests");
    let start = "not sent: slow mode allows one line in 60 s; send it again in ";
    assert!(text.starts_with(start), "{text}");
    let (status, text) = post(&program, "/?nick=bot", "three\nfour\nfive\n");
    assert_eq!(status, "429 Too Many Requests");
    let start = "2 lines were not sent, the others were: slow mode allows one line in 60 s; ";
    assert!(text.starts_with(start), "{text}");
    hears_at_last(&mut ann, "<bot> three");
    ann.say("/slow off");
    ann.hears("*** ann turned off slow mode");
    assert_eq!(post(&program, "/?nick=ci", "six\n").0, "200 OK");
    ann.hears("<ci> six");
}

/// Promise 80: what becomes of lines is told, whatever has changed when the last one comes.
#[test]
fn a_post_is_told_of_all_lines_that_were_not_said() {
    let files = Files::new();
    let program = Program::web(&["--operator-file", &files.path("operator")]);
    let mut ann = operator(&program, "ann");
    let begin = |ann: &mut Client, lines: &str, name: &str| {
        let mut curl = program.connect();
        let chunk = format!("{:x}\r\n{lines}\r\n", lines.len());
        let head = format!("POST /?nick={name} HTTP/1.1\r\nHost: localhost\r\n");
        curl.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}"));
        hears_at_last(ann, &format!("<{name}> first"));
        curl
    };
    let end = |curl: &mut Client, lines: &str| {
        let chunk = format!("{:x}\r\n{lines}\r\n0\r\n\r\n", lines.len());
        curl.send(chunk);
        String::from_utf8(curl.read_to_any_end()).expect("UTF-8")
    };
    ann.say("/slow 1m");
    hears_at_last(&mut ann, "*** ann turned on slow mode: one line in 60 s from each user");
    let mut slow = begin(&mut ann, "first\nsecond\n", "slow");
    ann.say("/slow off");
    ann.hears("*** ann turned off slow mode");
    let answer = end(&mut slow, "third\n");
    assert!(answer.starts_with("HTTP/1.1 429 Too Many Requests"), "{answer}");
    let text = "1 line was not sent, the others were: slow mode allows one line in 60 s; ";
    assert!(answer.contains(text), "{answer}");
    ann.hears("<slow> third");
    let mut mal = begin(&mut ann, "first\n", "mal");
    ann.say("/mute mal");
    ann.hears("*** mal is muted");
    let answer = end(&mut mal, "second\nthird\n");
    assert!(answer.starts_with("HTTP/1.1 403 Forbidden"), "{answer}");
    let text = "2 lines were not sent, the others were: an operator has muted you";
    assert!(answer.contains(text), "{answer}");
}

/// Promise 81.
#[test]
fn a_locked_room_is_told_of_in_the_form_that_a_client_speaks() {
    let files = Files::new();
    let program = Program::web(&["--operator-file", &files.path("operator")]);
    let mut ann = operator(&program, "ann");
    ann.say("/lock");
    let locked = "*** ann locked the room: only operators and invited users can enter";
    hears_at_last(&mut ann, locked);
    let text = "goodbye: lobby is locked: only operators and invited users can enter\n";
    assert_eq!(post(&program, "/?nick=ci", "one\n"), ("403 Forbidden".into(), text.into()));
    let (status, body) = answer(&program, "GET /lobby?poll=1 HTTP/1.1\nHost: localhost");
    assert_eq!((&*status, &*body), ("403 Forbidden", text));
    // Another room is open.
    assert_eq!(answer(&program, "GET /dev?poll=1 HTTP/1.1\nHost: localhost").0, "200 OK");
    let request = "GET / HTTP/1.1\nHost: localhost\nConnection: Upgrade\nUpgrade: websocket\n\
                   Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let told = ask(&program, request).read_to_any_end();
    let told = String::from_utf8_lossy(&told);
    assert!(told.starts_with("HTTP/1.1 101 ") && told.contains(text.trim_end()), "{told}");
    let mut bob = program.connect();
    bob.hears(
        "*** lobby is locked: wait, type the name that was invited, or the operators' password",
    );
    ann.say("/invite ci");
    ann.hears("*** ci can enter lobby now");
    assert_eq!(post(&program, "/?nick=ci", "one\n").0, "200 OK");
    ann.hears("<ci> one");
    ann.say("/unlock");
    ann.hears("*** ann unlocked the room");
    bob.read_greeting();
}

/// Promise 82: what is cleared is gone, also from the disk.
#[test]
fn what_is_cleared_is_in_no_history_and_on_no_disk() {
    let files = Files::new();
    let (operators, data) = (files.path("operator"), files.path("data"));
    let options = ["--operator-file", &*operators, "--data", &*data, "--rate", "0"];
    let mut program = Program::web(&options);
    let mut ann = operator(&program, "ann");
    ann.say("one\npassword hunter2\nthree\n/slow 5s\n/search hunter2");
    hears_at_last(&mut ann, "*** 1 line has all these words:");
    ann.say("/clear 3");
    while !ann.line().contains("ann cleared lines ") {}
    ann.say("/search hunter2");
    ann.hears("*** no line has all these words");
    let request = "GET /lobby?poll=1&since=all HTTP/1.1\nHost: localhost";
    let (_, text) = answer(&program, request);
    assert!(text.contains("<ann> one") && !text.contains("hunter2"), "{text}");
    assert!(text.contains("ann cleared lines "), "{text}");
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let mut program = Program::web(&options);
    let (_, text) = answer(&program, request);
    assert!(text.contains("<ann> one") && !text.contains("hunter2"), "{text}");
    let mut bob = operator(&program, "bob");
    bob.say("/search hunter2");
    bob.hears("*** no line has all these words");
    // What was set for the room outlasts the server, too.
    bob.say("/slow");
    bob.hears("*** slow mode is on: one line in 5 s from each user");
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let database = rusqlite::Connection::open(files.0.path().join("data/roomcast.db"));
    let select = "SELECT count(*) FROM lines WHERE text LIKE '%hunter2%'";
    let lines: i64 =
        database.expect("it opens").query_row(select, [], |row| row.get(0)).expect("one");
    assert_eq!(lines, 0);
}

/// Promise 82: nor on another server.
#[test]
fn rules_and_cleared_lines_are_for_all_servers() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let (files, others) = (Files::new(), Files::new());
    let password = files.path("operator");
    let options = ["--operator-file", &*password, "--rate", "0"];
    let data = [files.path("data"), others.path("data")];
    let [here] = servers(&engine, &[&options[..], &["--data", &data[0]]].concat());
    let [mut there] = servers(&engine, &[&options[..], &["--data", &data[1]]].concat());
    let mut ann = operator(&here, "ann");
    let mut bob = there.connect();
    bob.read_greeting();
    bob.say("/nick bob");
    hears_at_last(&mut bob, "*** you are now bob");
    ann.say("/slow 1h");
    hears_at_last(&mut bob, "*** ann turned on slow mode: one line in 3600 s from each user");
    bob.say("one\ntwo");
    hears_at_last(
        &mut bob,
        "*** not sent: slow mode allows one line in 3600 s; send it again in 3600 s",
    );
    hears_at_last(&mut ann, "<bob> one");
    ann.say("/slow off\nthe secret\nthree");
    hears_at_last(&mut bob, "<ann> three");
    // What comes behind them shows that ann's server has them too.
    bob.say("seen");
    hears_at_last(&mut ann, "<bob> seen");
    ann.say("/clear 3");
    while !bob.line().contains("ann cleared lines ") {}
    bob.say("/search secret");
    bob.hears("*** no line has all these words");
    bob.say("/history");
    bob.line();
    let mut shown = Vec::new();
    while shown.last().is_none_or(|line: &String| !line.contains("ann cleared lines ")) {
        shown.push(bob.line());
    }
    assert!(shown.iter().any(|line| line == "<bob> one"), "{shown:?}");
    assert!(!shown.iter().any(|line| line.contains("the secret")), "{shown:?}");
    // A server that doesn't run clears its store when it comes back.
    ann.say("another secret");
    hears_at_last(&mut bob, "<ann> another secret");
    bob.say("seen too");
    hears_at_last(&mut ann, "<bob> seen too");
    there.signal(Signal::TERM);
    assert_eq!(there.exit_code(), 0);
    ann.say("/clear\n/lock");
    hears_at_last(&mut ann, "*** ann locked the room: only operators and invited users can enter");
    let [there] = servers(&engine, &[&options[..], &["--data", &data[1]]].concat());
    let mut eve = there.connect();
    eve.hears(
        "*** lobby is locked: wait, type the name that was invited, or the operators' password",
    );
    eve.say("secret");
    hears_at_last(&mut eve, "*** you are now an operator; /help shows what you can do");
    say_until(&mut eve, "/search secret", |line| line == "*** no line has all these words");
    ann.say("/unlock");
    hears_at_last(&mut eve, "*** ann unlocked the room");
}
