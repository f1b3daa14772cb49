//! Rooms that several servers share.

use rustix::process::Signal;

use crate::engine::{Engine, is_possible};
use crate::harness::{Host, Program};

/// Servers with one engine, with these options. Those who come aren't told of by themselves: no
/// order is promised between two connections.
fn servers<const N: usize>(engine: &Engine, options: &[&str]) -> [Program; N] {
    let url = engine.url();
    let all = ["--cluster", &url, "--no-web", "--presence-interval", "3600"];
    std::array::from_fn(|_| Program::plain(&[&all[..], options].concat()))
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

/// All clients of all servers get the same lines in the same order, except their own.
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
    while ann.line() != "*** you are in dev now" {}
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

/// While the engine is away nothing is said; everybody knows.
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
    assert!(errors.contains("cannot use /nowhere for --cluster: No such file"), "{errors}");
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
