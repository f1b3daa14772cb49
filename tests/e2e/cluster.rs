//! Rooms that several servers share.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::engine::{Engine, is_possible};
use crate::harness::{Client, Host, PATIENCE, Program, lacks};
use crate::source::document;

/// Servers with one engine, with these options. Those who come aren't told of by themselves: no
/// order is promised between two connections.
pub fn servers<const N: usize>(engine: &Engine, options: &[&str]) -> [Program; N] {
    let url = engine.url();
    let all = ["--cluster", &url, "--no-web", "--presence-interval", "3600"];
    std::array::from_fn(|_| Program::plain(&[&all[..], options].concat()))
}

/// Says something again and again, until the answer is this.
#[track_caller]
pub fn say_until(client: &mut Client, line: &str, is_it: impl Fn(&str) -> bool) {
    let start = Instant::now();
    let mut answer = String::new();
    while start.elapsed() < PATIENCE {
        client.say(line);
        answer = client.line();
        if is_it(&answer) {
            return;
        }
    }
    panic!("the last answer is {answer}");
}

/// Reads until this line comes.
#[track_caller]
pub fn hears_at_last(client: &mut Client, line: &str) {
    while client.line() != line {}
}

#[test]
fn a_line_reaches_the_clients_of_all_servers() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let [here, there] = servers(&engine, &[]);
    let mut ann = here.connect();
    ann.read_greeting();
    let mut bob = there.connect();
    bob.read_greeting();
    ann.say("hello");
    bob.hears("*** guest1 joined");
    bob.hears("<guest1> hello");
    bob.say("hi");
    ann.hears("*** guest1001 joined");
    ann.hears("<guest1001> hi");
    ann.say("/topic all of it");
    bob.hears("*** guest1 set the topic: all of it");
    ann.hears("*** guest1 set the topic: all of it");
    bob.say("/topic");
    bob.hears("*** topic: all of it");
    ann.say("/quit");
    bob.hears("*** guest1 left");
}

/// Promise 69: all clients of all servers get the same lines in the same order, except their own.
#[test]
fn all_servers_have_one_order() {
    if !is_possible() {
        return;
    }
    const LINES: usize = 500;
    let engine = Engine::start();
    let programs: [Program; 3] = servers(&engine, &["--echo", "--rate", "0", "--history", "0"]);
    let mut clients: Vec<_> = programs.iter().map(Host::connect).collect();
    for client in &mut clients {
        client.read_greeting();
    }
    for (at, client) in clients.iter_mut().enumerate() {
        let lines: String = (0..LINES).map(|number| format!("{at}.{number}\n")).collect();
        client.send(lines);
    }
    let mut heard = Vec::new();
    for client in &mut clients {
        let mut lines = Vec::new();
        while lines.len() < 3 * LINES {
            let line = client.line();
            if line.starts_with('<') {
                lines.push(line);
            }
        }
        heard.push(lines);
    }
    assert!(heard.iter().all(|lines| *lines == heard[0]));
    for at in 0..3 {
        let mark = format!("> {at}.");
        let own: Vec<_> = heard[0].iter().filter(|line| line.contains(&mark)).collect();
        assert_eq!(own.len(), LINES);
        for (number, line) in own.iter().enumerate() {
            assert!(line.ends_with(&format!("> {at}.{number}")), "{line}");
        }
    }
}

#[test]
fn a_room_goes_on_where_another_server_has_it() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let [here, there] = servers(&engine, &["--history", "10"]);
    let mut ann = here.connect();
    ann.read_greeting();
    ann.say("/join dev");
    while ann.line() != "*** you are now in dev" {}
    ann.say("old news");
    // It has its place before the other server asks.
    ann.say("/seq");
    while !ann.line().contains("line 2 is the newest") {
        ann.say("/seq");
    }
    let mut bob = there.connect();
    bob.read_greeting();
    bob.say("/join dev");
    while bob.line() != "<guest1> old news" {}
    bob.say("more of it");
    while ann.line() != "<guest1001> more of it" {}
}

/// Promise 73: while the engine is away nothing is said; everybody knows.
#[test]
fn without_the_engine_nobody_talks_and_everybody_knows() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let [here, there] = servers(&engine, &["--degrade", "refuse"]);
    let mut ann = here.connect();
    ann.read_greeting();
    let mut bob = there.connect();
    bob.read_greeting();
    engine.signal(Signal::STOP);
    let down = "*** the link to the other servers is down: nothing can be said until it is back";
    ann.hears(down);
    bob.hears(down);
    ann.say("is anybody there?");
    ann.hears("*** not sent: the link to the other servers is down");
    ann.say("/join dev");
    ann.hears("*** the link to the other servers is down: try again later");
    engine.signal(Signal::CONT);
    ann.hears("*** the link to the other servers is back");
    bob.hears("*** the link to the other servers is back");
    ann.say("here we are");
    bob.hears("*** guest1 joined");
    bob.hears("<guest1> here we are");
}

#[test]
fn without_an_engine_a_server_does_not_start() {
    let output = crate::harness::run(&["--listen", "127.0.0.1:0", "--cluster", "unix:/nowhere"]);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(errors.contains("--cluster: cannot use /nowhere: No such file"), "{errors}");
}

/// A server that stops tells its own clients, and what they said last is heard elsewhere.
#[test]
fn a_server_that_stops_leaves_nothing_unsaid() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let [mut here, there] = servers(&engine, &[]);
    let mut ann = here.connect();
    ann.read_greeting();
    let mut bob = there.connect();
    bob.read_greeting();
    ann.say("hello");
    bob.hears("*** guest1 joined");
    bob.hears("<guest1> hello");
    ann.say("one last thing\n/topic");
    ann.hears("*** there is no topic; /topic TEXT sets one");
    here.signal(Signal::TERM);
    ann.hears("*** the server is shutting down");
    assert_eq!(here.exit_code(), 0);
    bob.hears("<guest1> one last thing");
    bob.say("/history");
    assert!(!bob.line().contains("shutting down"));
}

/// Promise 28: a server whose engine is away ends at once, and has stored what was said.
#[test]
fn a_server_that_stops_does_not_wait_for_an_engine_that_is_away() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().to_str().expect("UTF-8");
    let [mut here] = servers(&engine, &["--data", data]);
    let mut ann = here.connect();
    ann.read_greeting();
    ann.say("hello");
    say_until(&mut ann, "/search hello", |line| line.ends_with("<guest1> hello"));
    engine.signal(Signal::STOP);
    let down =
        "*** the link to the other servers is down: until it is back, lines reach this server only";
    hears_at_last(&mut ann, down);
    ann.say("/quit");
    ann.rest();
    let start = Instant::now();
    here.signal(Signal::TERM);
    assert_eq!(here.exit_code(), 0);
    // Six seconds are what it may take at most.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let log = here.stderr();
    assert!(!log.contains("the last lines may not be stored"), "{log}");
    engine.signal(Signal::CONT);
}

/// Promise 70: while the engine is away those who are here talk on; what they said reaches the
/// others afterwards, late and once.
#[test]
fn alone_servers_talk_on_and_catch_up() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let [here, there] = servers(&engine, &[]);
    let [mut ann, mut carl] = [here.connect(), here.connect()];
    let mut bob = there.connect();
    [&mut ann, &mut carl, &mut bob].into_iter().for_each(Client::read_greeting);
    ann.say("before");
    bob.hears("*** guest1 joined");
    bob.hears("<guest1> before");
    carl.hears("*** guest1 joined");
    carl.hears("<guest1> before");
    engine.signal(Signal::STOP);
    let down =
        "*** the link to the other servers is down: until it is back, lines reach this server only";
    for client in [&mut ann, &mut carl, &mut bob] {
        client.hears(down);
    }
    ann.say("alone");
    carl.hears("<guest1> alone");
    bob.say("here too");
    carl.say("/nick dora");
    carl.hears("*** you are now dora");
    carl.say("/seq");
    assert!(carl.line().contains("line 2 is the newest"), "lines have no number now");
    // What is said now is late.
    std::thread::sleep(Duration::from_secs(6));
    engine.signal(Signal::CONT);
    // What is read first isn't promised.
    let hears = |client: &mut Client, from: &str, text: &str| {
        let mut lines = [client.line(), client.line()];
        lines.sort();
        assert_eq!(lines[0], "*** the link to the other servers is back");
        let start = format!("<{from}> (said at ");
        assert!(lines[1].starts_with(&start) && lines[1].ends_with(text), "{}", lines[1]);
    };
    hears(&mut ann, "guest1001", ") here too");
    hears(&mut carl, "guest1001", ") here too");
    hears(&mut bob, "guest1", ") alone");
    ann.say("together");
    carl.hears("<guest1> together");
    bob.hears("<guest1> together");
    say_until(&mut bob, "/who", |line| line.starts_with("*** 3 here; "));
}

/// What is in the engine and not in memory any more is read from there.
#[test]
fn the_past_beyond_memory_is_read_from_the_engine() {
    if !is_possible() {
        return;
    }
    const LINES: usize = 3000;
    let engine = Engine::start();
    let options = ["--backlog", "65536", "--max-line", "256", "--rate", "0"];
    let [here, there] = servers(&engine, &options);
    let mut ann = here.connect();
    ann.read_greeting();
    let mut carl = there.connect();
    carl.read_greeting();
    for number in 1..=LINES {
        ann.say(format!("line {number}"));
    }
    // Each server takes the lines in its own time: carl's has all of them then.
    hears_at_last(&mut carl, &format!("<guest1> line {LINES}"));
    let mut bob = there.connect();
    bob.read_greeting();
    // The line that tells of ann is the first one.
    bob.say("/resume 1");
    hears_at_last(&mut bob, "*** 3000 lines after line 1:");
    for number in 1..=LINES {
        assert_eq!(bob.line(), format!("<guest1> line {number}"));
    }
}

/// The answer to a POST has the numbers of its lines.
#[test]
fn a_post_is_answered_when_its_lines_have_their_places() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let url = engine.url();
    let program = Program::web(&["--cluster", &url]);
    let mut bob = program.connect();
    bob.read_greeting();
    // The first line tells of bob.
    for (at, name) in [(2, "ann"), (4, "ann"), (6, "zoe")] {
        let mut curl = program.connect();
        let request = format!("POST /lobby?nick={name} HTTP/1.1\r\nHost: localhost\r\n");
        curl.send(format!("{request}Content-Length: 12\r\n\r\nhello\nthere\n"));
        let answer = String::from_utf8(curl.read_to_any_end()).expect("UTF-8");
        let numbers = format!("\"first\":{at},\"last\":{},", at + 1);
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains(&numbers), "{answer}");
        bob.hears(format!("<{name}> hello"));
        bob.hears(format!("<{name}> there"));
    }
}

/// While a POST waits it is sent nothing that is said to it: its answer comes first and alone.
#[test]
fn a_post_that_waits_is_sent_its_answer_alone() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let url = engine.url();
    let program = Program::web(&["--cluster", &url]);
    let mut bob = program.connect();
    bob.read_greeting();
    engine.signal(Signal::STOP);
    let mut curl = program.connect();
    curl.send("POST /lobby HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nhello\n");
    // It has been read when its line waits for the engine.
    bob.say("/stats");
    while !bob.line().ends_with(" 1 line pending") {
        bob.say("/stats");
    }
    bob.say("/msg guest2 psst");
    let answer = String::from_utf8(curl.read_to_any_end()).expect("UTF-8");
    assert!(answer.starts_with("HTTP/1.1 ") && !answer.contains("psst"), "{answer}");
    engine.signal(Signal::CONT);
}

/// Nobody knows what becomes of lines that the engine hasn't answered.
#[test]
fn a_post_that_the_link_fails_under_is_told_so() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let url = engine.url();
    let program = Program::web(&["--cluster", &url, "--degrade", "refuse"]);
    engine.signal(Signal::STOP);
    let mut curl = program.connect();
    curl.send("POST /lobby HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nhello\n");
    let answer = String::from_utf8(curl.read_to_any_end()).expect("UTF-8");
    assert!(answer.starts_with("HTTP/1.1 504 Gateway Timeout"), "{answer}");
    let mut curl = program.connect();
    curl.send("POST /lobby HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nhello\n");
    let answer = String::from_utf8(curl.read_to_any_end()).expect("UTF-8");
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable"), "{answer}");
    engine.signal(Signal::CONT);
}

/// Passwords are in files or URLs, and nowhere in the log.
#[test]
fn the_password_of_the_engine_is_not_shown() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    engine.ask("CONFIG SET requirepass sesame");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("password");
    std::fs::write(&path, "sesame\n").expect("it can be written");
    let (url, file) = (engine.url(), path.to_str().expect("UTF-8"));
    let options = ["--cluster", &url, "--cluster-password-file", file];
    let program = Program::with_full_log(&options);
    let mut ann = program.connect();
    ann.read_greeting();
    assert!(!program.stderr().contains("sesame"));
    for wrong in ["redis://:sesame@", "redis://u:sesame@host:port", "http://:sesame@host"] {
        let output = crate::harness::run(&["--cluster", wrong]);
        let errors = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(
            errors.contains("--cluster: expected redis://HOST:6379/0")
                && !errors.contains("sesame")
        );
    }
    let output = crate::harness::run(&["--listen", "127.0.0.1:0", "--cluster", &url]);
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(errors.contains("NOAUTH") || errors.contains("Authentication"), "{errors}");
}

/// Promise 71: each server stores what it has seen, and gets what it hasn't from the engine.
#[test]
fn a_store_gets_what_was_said_elsewhere_while_it_was_away() {
    if !is_possible() {
        return;
    }
    const LINES: usize = 2500;
    let engine = Engine::start();
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().to_str().expect("UTF-8");
    let [mut here] = servers(&engine, &["--data", data]);
    let [there] = servers(&engine, &["--rate", "0"]);
    let mut ann = here.connect();
    ann.read_greeting();
    ann.say("first");
    say_until(&mut ann, "/seq", |line| line.contains("line 2 is the newest"));
    ann.say("/quit");
    ann.rest();
    here.signal(Signal::TERM);
    assert_eq!(here.exit_code(), 0);
    let mut bob = there.connect();
    bob.read_greeting();
    for number in 1..=LINES {
        bob.say(format!("line {number}"));
    }
    // Somebody has come, and a guest has left.
    say_until(&mut bob, "/seq", |line| line.contains(&format!("line {} is", LINES + 4)));
    let [mut here] = servers(&engine, &["--data", data]);
    let mut ann = here.connect();
    ann.read_greeting();
    ann.say("last");
    let is_there = |line: &str| line.ends_with("line 1200");
    say_until(&mut ann, "/search \"line 1200\"", is_there);
    here.signal(Signal::TERM);
    assert_eq!(here.exit_code(), 0);
    let mut log = crate::harness::command(&["log", "--data", data, "--json"]);
    let output = log.output().expect("it runs");
    let log = String::from_utf8(output.stdout).expect("UTF-8");
    let numbers: Vec<u64> = log.lines().map(number_in).collect();
    let newest = *numbers.last().expect("there are lines");
    // Before the second one nobody had said anything.
    let hole = numbers.iter().zip(2..).find(|(number, expected)| **number != *expected);
    assert_eq!(hole, None, "each line once, in their order");
    assert!(newest >= LINES as u64 + 5, "{newest}");
}

/// Promise 71: after a new start of the engine and then of a server, which counts anew, each line
/// is stored once.
#[test]
fn a_store_has_each_line_once_whatever_is_started_again() {
    if !is_possible() {
        return;
    }
    let mut engine = Engine::start();
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().to_str().expect("UTF-8");
    let [mut here] = servers(&engine, &["--data", data]);
    let mut ann = here.connect();
    ann.read_greeting();
    ann.say("before");
    say_until(&mut ann, "/seq", |line| line.contains("line 2 is the newest"));
    engine.kill();
    engine.restart();
    ann.say("between");
    say_until(&mut ann, "/search between", |line| line.ends_with("<guest1> between"));
    for text in ["once", "twice"] {
        here.signal(Signal::TERM);
        assert_eq!(here.exit_code(), 0);
        let [next] = servers(&engine, &["--data", data]);
        here = next;
        let mut bob = here.connect();
        bob.read_greeting();
        bob.say(text);
        say_until(&mut bob, &format!("/search {text}"), |line| {
            line.ends_with(&format!("> {text}"))
        });
    }
    here.signal(Signal::TERM);
    assert_eq!(here.exit_code(), 0);
    let output = crate::harness::command(&["log", "--data", data]).output().expect("it runs");
    let log = String::from_utf8(output.stdout).expect("UTF-8");
    let said: Vec<_> = log.lines().filter_map(|line| Some(line.split_once("> ")?.1)).collect();
    assert_eq!(said, ["before", "between", "once", "twice"], "{log}");
}

/// The number of a line of JSON.
fn number_in(line: &str) -> u64 {
    let (_, rest) = line.split_once("\"seq\":").expect("it has one");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

/// Rooms are spread over several engines, and people are everywhere all the same.
#[test]
fn rooms_are_spread_over_several_engines() {
    if !is_possible() {
        return;
    }
    let engines = [Engine::start(), Engine::start()];
    let second = engines[1].url();
    let [here, there] = servers(&engines[0], &["--cluster", &second]);
    let [mut ann, mut bob] = [here.connect(), there.connect()];
    [&mut ann, &mut bob].into_iter().for_each(Client::read_greeting);
    for room in ["lobby", "dev", "ops", "tea", "cats"] {
        for client in [&mut ann, &mut bob] {
            client.say(format!("/join {room}"));
            if room != "lobby" {
                hears_at_last(client, &format!("*** you are now in {room}"));
            }
        }
        ann.say(format!("this is {room}"));
        hears_at_last(&mut bob, &format!("<guest1> this is {room}"));
        say_until(&mut bob, "/who", |line| line.starts_with("*** 2 here; "));
    }
    let rooms = |engine: &Engine| engine.ask("KEYS {rc:*}:log").lines().count();
    let (first, second) = (rooms(&engines[0]), rooms(&engines[1]));
    assert!(first + second == 5 && first > 0 && second > 0, "{first} and {second}");
    // If one of them is away, all know it.
    engines[1].signal(Signal::STOP);
    hears_at_last(
        &mut ann,
        "*** the link to the other servers is down: until it is back, lines reach this server only",
    );
    engines[1].signal(Signal::CONT);
    hears_at_last(&mut ann, "*** the link to the other servers is back");
}

/// What docs/cluster.md begins with: Redis, three servers, and somebody who talks.
#[test]
fn the_five_commands_of_the_page_lead_to_one_room() {
    if !is_possible() {
        return;
    }
    let page = document("docs/cluster.md");
    let (_, block) = page.split_once("```sh\n").expect("it has one");
    let (block, _) = block.split_once("```").expect("it ends");
    let commands: Vec<_> = block.lines().collect();
    assert_eq!(commands.len(), 5);
    let engine = Engine::started_by(commands[0]);
    let servers = commands[1..4].iter().map(|command| {
        let command = command.trim_end_matches(" &").replace("unix:/tmp/rc.sock", &engine.url());
        let words: Vec<_> = command.split(' ').collect();
        assert!(words[..2] == ["roomcast", "--listen"] && words[2].starts_with("800"));
        Program::plain(&[&words[3..], &["--no-announce"]].concat())
    });
    let servers: Vec<_> = servers.collect();
    assert_eq!(commands[4], "nc localhost 8001");
    let mut clients: Vec<_> = servers.iter().map(Host::connect).collect();
    clients.iter_mut().for_each(Client::read_greeting);
    clients[0].say("hello");
    for client in &mut clients[1..] {
        hears_at_last(client, "<guest1> hello");
    }
}

/// The rights that docs/cluster.md gives to a user of Redis are all that a server needs.
#[test]
fn the_rights_in_the_page_are_enough() {
    if !is_possible() {
        return;
    }
    let page = document("docs/cluster.md");
    let rights = page.lines().find(|line| line.starts_with("ACL SETUSER")).expect("it has them");
    let engine = Engine::start();
    assert_eq!(engine.ask(&rights.replace("PASSWORD", "sesame")), "OK");
    // Nobody else may do anything.
    engine.ask("ACL SETUSER default on nopass -@all +acl");
    let url = format!("{}?user=roomcast&pass=sesame", engine.url());
    let directory = tempfile::tempdir().expect("a directory");
    let password = directory.path().join("password");
    std::fs::write(&password, "sesame\n").expect("it can be written");
    let password = password.to_str().expect("UTF-8");
    let options = ["--cluster", &url, "--operator-file", password];
    let [here, there] = [(); 2].map(|()| Program::with_full_log(&options));
    let [mut ann, mut bob] = [here.connect(), there.connect()];
    [&mut ann, &mut bob].into_iter().for_each(Client::read_greeting);
    ann.say("/nick ann");
    hears_at_last(&mut ann, "*** guest1 is now ann");
    ann.say("/topic all of it\nhello");
    hears_at_last(&mut bob, "<ann> hello");
    ann.say("/op sesame");
    hears_at_last(&mut ann, "*** you are now an operator; /help shows what you can do");
    ann.say("/clear 1");
    let cleared = |line: &str| line.starts_with("*** ann cleared ");
    while !cleared(&bob.line()) {}
    bob.say("/msg ann psst\n/join dev\nhello\n/history\n/quit");
    let psst = format!("<{} to you> psst", bob.nick());
    hears_at_last(&mut ann, &psst);
    assert!(String::from_utf8_lossy(&bob.rest()).contains("you are now in dev"));
    let log = here.stderr() + &there.stderr();
    assert!(!log.contains("NOPERM") && !log.contains("sesame"), "{log}");
}

/// Without other servers there is no thread and no connection for them.
#[test]
fn a_server_alone_has_no_threads_for_others() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let threads = |program: &Program| {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", program.pid())).expect("it runs");
        let names = tasks.map(|task| task.expect("a thread").path().join("comm"));
        // One may end meanwhile.
        let names = names.filter_map(|path| std::fs::read_to_string(path).ok());
        names.filter(|name| name.starts_with("cluster-")).count()
    };
    let alone = Program::plain(&["--no-web"]);
    let [shared] = servers(&engine, &[]);
    assert_eq!((threads(&alone), threads(&shared)), (0, 2));
    assert!(shared.descriptors() > alone.descriptors());
}

/// A page that comes with its name and its token has both, and stays.
#[test]
fn a_page_has_its_name_on_all_servers() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let url = engine.url();
    let [here, there] = [(); 2].map(|()| Program::web(&["--cluster", &url]));
    let mut bob = there.connect();
    bob.read_greeting();
    let mut page = here.connect();
    let target = "/lobby?nick=ann&session=0123456789abcdef";
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    page.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{upgrade}{key}\r\n"));
    let mut sent = String::new();
    let mut hears = |page: &mut Client, text: &str| {
        while !sent.contains(text) {
            sent += &String::from_utf8_lossy(&page.some_bytes());
        }
    };
    hears(&mut page, "welcome, ann");
    hears_at_last(&mut bob, "*** ann joined");
    bob.say("hello");
    hears(&mut page, "\"text\":\"hello\"");
    bob.say("/nick ann");
    hears_at_last(&mut bob, "*** the name ann is taken");
}

/// `rediss://` is TLS, with a certificate that is checked.
#[test]
fn the_link_to_the_engine_may_be_encrypted() {
    if !is_possible() || lacks(&["openssl"]) {
        return;
    }
    let (_engine, url, certificate) = Engine::with_tls();
    let trusted = format!("SSL_CERT_FILE={}", certificate.display());
    let options = ["--cluster", &*url];
    let [here, there] = [(); 2].map(|()| Program::started_by(&["env", &trusted], &options));
    let [mut ann, mut bob] = [here.connect(), there.connect()];
    [&mut ann, &mut bob].into_iter().for_each(Client::read_greeting);
    ann.say("hello");
    hears_at_last(&mut bob, "<guest1> hello");
    let output = crate::harness::run(&["--listen", "127.0.0.1:0", "--cluster", &url]);
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(errors.contains("certificate") && output.status.code() == Some(1), "{errors}");
}
