//! Names that belong to whoever knows their secrets.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tempfile::TempDir;
use tungstenite::{WebSocket, client};

use crate::harness::{Client, Host, PATIENCE, Program, Room, notices, run};

const SECRET: &str = "four-blue-whales";

/// A server that keeps names, in a directory of its own.
fn start(directory: &TempDir, options: &[&str]) -> Program {
    let data = directory.path().to_str().expect("a plain path");
    Program::start(&[&["--data", data], options].concat())
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// A guest who has read its greeting.
fn guest(program: &Program) -> Client {
    let mut client = program.connect();
    client.read_greeting();
    client
}

/// Takes a name and registers it.
fn register(client: &mut Client, name: &str) {
    client.say(format!("/nick {name}"));
    let renamed = client.line();
    assert!(renamed.ends_with(&format!(" is now {name}")), "{renamed}");
    client.say(format!("/register {SECRET}"));
    client.hears(format!("*** {name} is registered to you; next time, type /login {name} SECRET"));
}

/// Promise 83.
#[test]
fn a_registered_name_is_its_owners_after_a_restart_and_nothing_else_is_kept_of_the_secret() {
    let directory = directory();
    let mut program = start(&directory, &[]);
    let mut ann = guest(&program);
    register(&mut ann, "Ann");
    let mut bob = guest(&program);
    ann.hears("*** guest2 joined");
    ann.say("/whois ann");
    let answer = ann.line();
    assert!(answer.starts_with("*** Ann: in lobby") && answer.ends_with(", logged in"), "{answer}");
    ann.say("/quit");
    ann.hears_goodbye();
    bob.hears("*** Ann left");
    program.signal(Signal::TERM);
    program.wait();
    let log = program.stderr();
    assert!(!log.contains(SECRET) && !log.contains("argon2"), "{log}");
    for file in fs::read_dir(directory.path()).expect("a directory").flatten() {
        let bytes = fs::read(file.path()).expect("it is read");
        let is_in = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
        assert!(!is_in, "the secret is in {:?}", file.path());
    }
    let program = start(&directory, &[]);
    let mut bob = guest(&program);
    for name in ["ann", "ANN"] {
        bob.say(format!("/nick {name}"));
        bob.hears(format!("*** {name} is registered: /login SECRET, or choose another name"));
    }
    bob.say("/nick \u{430}nn");
    assert!(bob.line().contains("script"), "it isn't a name at all");
    bob.say("/whois ann");
    bob.hears("*** Ann is registered, and not here; last seen less than a minute ago");
    bob.say("/login five-blue-whales");
    bob.hears("*** wrong secret, 2 tries left before you have to wait");
    bob.say(format!("/login {SECRET}"));
    bob.hears("*** guest1 is now Ann");
    bob.hears("*** you are logged in as Ann");
    bob.say("/nick eve");
    bob.hears("*** Ann is now eve");
    // The name is still its own.
    let mut eve = guest(&program);
    bob.hears("*** guest2 joined");
    eve.say("/nick Ann");
    eve.hears("*** Ann is registered: /login SECRET, or choose another name");
    bob.say("/nick Ann");
    notices(&mut [&mut bob, &mut eve], "eve is now Ann");
}

/// Promise 83.
#[test]
fn a_name_that_looks_like_a_registered_one_is_its_owners_too() {
    let directory = directory();
    let program = start(&directory, &[]);
    let mut ann = guest(&program);
    register(&mut ann, "alice");
    ann.say("/nick eve");
    ann.hears("*** alice is now eve");
    let mut bob = guest(&program);
    ann.hears("*** guest2 joined");
    bob.say("/nick a1ice");
    bob.hears(
        "*** alice is registered, and a1ice looks like it: /login SECRET, or choose another name",
    );
    bob.say(format!("/login {SECRET}"));
    notices(&mut [&mut ann, &mut bob], "guest2 is now alice");
    bob.hears("*** you are logged in as alice");
}

/// Promise 83.
#[test]
fn a_ghost_gives_way_to_its_owner_at_once() {
    let directory = directory();
    let program = start(&directory, &[]);
    let mut ghost = guest(&program);
    register(&mut ghost, "ann");
    let mut bob = guest(&program);
    ghost.hears("*** guest2 joined");
    let mut ann = guest(&program);
    notices(&mut [&mut ghost, &mut bob], "guest3 joined");
    ann.say(format!("/login ann {SECRET}"));
    ghost.hears("*** goodbye: you have logged in on another connection");
    ghost.expect_eof();
    notices(&mut [&mut ann, &mut bob], "ann left (reconnected)");
    notices(&mut [&mut ann, &mut bob], "guest3 is now ann");
    ann.hears("*** you are logged in as ann");
    bob.say("hello");
    ann.hears("<guest2> hello");
}

#[test]
fn a_script_logs_in_with_its_first_line() {
    let directory = directory();
    let program = start(&directory, &[]);
    let mut ann = guest(&program);
    register(&mut ann, "ci");
    ann.say("/nick ann");
    ann.hears("*** ci is now ann");
    let mut script = program.connect();
    script.say(format!("/login ci {SECRET}\nit works"));
    script.fin();
    while ann.line() != "<ci> it works" {}
}

/// Promise 84.
#[test]
fn guesses_wait_longer_and_longer() {
    let directory = directory();
    let program = start(&directory, &[]);
    let mut ann = guest(&program);
    register(&mut ann, "ann");
    let mut guesser = guest(&program);
    for left in ["2 tries", "1 try"] {
        guesser.say("/login ann wrong-secret");
        guesser.hears(format!("*** wrong secret, {left} left before you have to wait"));
    }
    guesser.say("/login ann x");
    let answer = guesser.line();
    assert!(answer.starts_with("*** wrong secret; the next try is possible in "), "{answer}");
    // Not with the right one either, and nobody else may try it instead.
    let mut other = guest(&program);
    other.say(format!("/login ann {SECRET}"));
    let answer = other.line();
    assert!(answer.starts_with("*** too many wrong secrets: try again in "), "{answer}");
    assert!(program.logs("wrong secret of a name").contains("127.0.0.1"));
}

#[test]
fn a_name_is_given_up_by_its_owner_or_an_operator_and_gets_another_secret() {
    let directory = directory();
    let password = directory.path().join("password");
    write_private(&password, "let me\n");
    let program = start(&directory, &["--operator-file", password.to_str().expect("a plain path")]);
    let mut ann = guest(&program);
    ann.say("/unregister");
    ann.hears("*** log in first, or give the secret: /unregister NAME SECRET");
    ann.say("/register 4-whales");
    ann.hears("*** guests' names can't be registered: choose another one first (like /nick ann)");
    register(&mut ann, "ann");
    for bad in ["short", "two words-here"] {
        ann.say(format!("/register {bad}"));
        ann.hears("*** a secret has 8 to 64 bytes, no space, and isn't the name");
    }
    ann.say("/register five-blue-whales");
    ann.hears("*** the secret of ann has been changed");
    let mut bob = guest(&program);
    ann.hears("*** guest2 joined");
    bob.say(format!("/login ann {SECRET}"));
    bob.hears("*** wrong secret, 2 tries left before you have to wait");
    ann.say("/unregister");
    ann.hears("*** ann is no longer registered");
    ann.say("/nick eve");
    notices(&mut [&mut ann, &mut bob], "ann is now eve");
    bob.say("/nick ann");
    notices(&mut [&mut ann, &mut bob], "guest2 is now ann");
    bob.say(format!("/register {SECRET}"));
    bob.hears("*** ann is registered to you; next time, type /login ann SECRET");
    ann.say(format!("/unregister ann {SECRET}"));
    ann.hears("*** ann is no longer registered");
    bob.say(format!("/register {SECRET}"));
    bob.hears("*** ann is registered to you; next time, type /login ann SECRET");
    ann.say("/op let me");
    ann.hears("*** you are now an operator; /help shows what you can do");
    ann.say("/unregister ANN");
    ann.hears("*** ann is no longer registered");
    program.logs("unregisters ann");
}

fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text).expect("it is written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("it is ours");
}

#[test]
fn a_reserved_name_is_for_operators() {
    let directory = directory();
    let password = directory.path().join("password");
    write_private(&password, "let me\n");
    let password = password.to_str().expect("a plain path");
    let program = Program::start(&["--operator-file", password]);
    let mut ann = guest(&program);
    for name in ["admin", "ADMIN", "adrnin", "r00t", "server"] {
        ann.say(format!("/nick {name}"));
        ann.hears(format!("*** {name} is reserved for operators: choose another name"));
    }
    ann.say("/op let me");
    ann.hears("*** you are now an operator; /help shows what you can do");
    ann.say("/nick admin");
    ann.hears("*** guest1 is now admin");
    let program = Program::start(&["--reserve", "boss,chef", "--reserve", "ops"]);
    let mut ann = guest(&program);
    for name in ["boss", "b0ss", "chef", "ops"] {
        ann.say(format!("/nick {name}"));
        ann.hears(format!("*** {name} is reserved for operators: choose another name"));
    }
    ann.say("/nick admin");
    ann.hears("*** guest1 is now admin");
    let refused = run(&["--reserve", "a b"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn without_a_store_names_are_not_registered_and_guests_go_on_as_ever() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/nick ann");
    notices(&mut [&mut ann, &mut bob], "guest1 is now ann");
    for command in ["/register four-blue-whales", "/login four-blue-whales", "/unregister"] {
        ann.say(command);
        ann.hears(
            "*** names can't be registered here: the server keeps nothing (it would with --data DIR)",
        );
    }
    ann.say("hello");
    bob.hears("<ann> hello");
}

#[test]
fn a_secret_without_its_slash_is_not_said() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    for line in [" /login ann four-blue-whales", "login ann four-blue-whales", "register x-y-z-1-2"]
    {
        ann.say(line);
        ann.hears("*** not sent, because it looks like a secret: a command begins with a slash (like /login SECRET)");
    }
    ann.say("//login is a command");
    bob.hears("<guest1> /login is a command");
    ann.say("login is easy");
    bob.hears("<guest1> login is easy");
}

/// The tables of version 1 become those of the newest one, and what is there stays.
#[test]
fn a_database_of_the_version_before_gets_the_new_table() {
    let directory = directory();
    let mut program = start(&directory, &[]);
    let mut ann = guest(&program);
    ann.say("hello from before");
    ann.ping();
    program.signal(Signal::TERM);
    program.wait();
    let path: PathBuf = directory.path().join("roomcast.db");
    let database = rusqlite::Connection::open(&path).expect("it opens");
    database
        .execute_batch(
            "DROP TABLE names; ALTER TABLE lines DROP COLUMN facts; PRAGMA user_version = 1",
        )
        .expect("as it was");
    drop(database);
    let log = run(&["log", "--data", directory.path().to_str().expect("a plain path")]);
    let log = String::from_utf8(log.stdout).expect("UTF-8");
    assert!(log.contains("hello from before"), "{log}");
    let program = start(&directory, &[]);
    let mut ann = guest(&program);
    ann.say("/search before");
    ann.hears("*** 1 line has all these words:");
    assert!(ann.line().ends_with("<guest1> hello from before"), "it is still there");
    register(&mut ann, "ann");
}

/// A WebSocket.
fn socket(program: &Program, target: &str) -> WebSocket<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", program.port())).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    client(format!("ws://localhost{target}"), stream).expect("a WebSocket").0
}

/// Reads up to a message with this in it.
fn skip_to(socket: &mut WebSocket<TcpStream>, what: &str) -> String {
    loop {
        let message = socket.read().expect("a message").to_string();
        if message.contains(what) {
            return message;
        }
    }
}

#[test]
fn a_page_that_has_logged_in_stays_so_when_it_connects_again() {
    let directory = directory();
    let data = directory.path().to_str().expect("a plain path");
    let program = Program::web(&["--data", data]);
    let target = "/?nick=ann&session=0123456789abcdef";
    let mut page = socket(&program, target);
    page.send(format!("/register {SECRET}").into()).expect("it is sent");
    skip_to(&mut page, "ann is registered to you");
    let mut again = socket(&program, target);
    assert!(skip_to(&mut again, "welcome, ").contains("welcome, ann"));
    // Another one isn't the same page: it may log in, and the first one gives way.
    let mut other = socket(&program, "/?nick=ann&session=fedcba9876543210");
    skip_to(&mut other, "ann is registered: /login SECRET");
    other.send(format!("/login {SECRET}").into()).expect("it is sent");
    skip_to(&mut again, "you have logged in on another connection");
    let told = skip_to(&mut other, "you are logged in as ann");
    assert!(told.contains("\"to\":\"ann\""), "{told}");
}

#[test]
fn a_bell_rings_for_a_client_that_edits_its_line() {
    let room = Room::open();
    let [mut bob] = room.guests();
    let address = room.address().as_socket().expect("it is TCP");
    let mut edited = TcpStream::connect(address).expect("it listens");
    edited.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut until = |send: &[u8], what: &[u8]| {
        edited.write_all(send).expect("it is sent");
        let (mut got, mut part) = (Vec::new(), [0; 256]);
        while !got.windows(what.len()).any(|window| window == what) {
            let count = edited.read(&mut part).expect("it comes");
            assert!(count > 0, "{}", got.escape_ascii());
            got.extend_from_slice(&part[..count]);
        }
    };
    // DO ECHO
    until(b"\xff\xfd\x01/nick zoe\r\0", b"is now zoe");
    until(b"/bell on\r\0", b"the bell rings");
    while bob.line() != "*** guest2 is now zoe" {}
    bob.say("tea, @zoe?");
    until(b"", b"\x07");
}
