//! People on several servers: names, private messages and what operators do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::cluster::{hears_at_last, say_until, servers};
use crate::engine::{Engine, is_possible};
use crate::harness::{Client, Host, Program};
use crate::json::{Schema, answer, until};

/// A client on each server, and everybody knows of the other one.
fn ann_and_bob(here: &Program, there: &Program) -> (Client, Client) {
    let mut ann = named(here, "ann");
    let mut bob = named(there, "bob");
    say_until(&mut ann, "/whois bob", |line| line.starts_with("*** bob: in lobby on the server "));
    say_until(&mut bob, "/whois ann", |line| line.starts_with("*** ann: in lobby on the server "));
    (ann, bob)
}

fn named(program: &Program, name: &str) -> Client {
    let mut client = program.connect();
    client.read_greeting();
    client.say(format!("/nick {name}"));
    hears_at_last(&mut client, &format!("*** you are now {name}"));
    client
}

/// Promise 68: no two people have names that look alike, wherever they are.
#[test]
fn names_are_unique_over_all_servers() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let [here, there] = servers(&engine, &[]);
    let _ann = named(&here, "ann");
    let mut bob = there.connect();
    bob.read_greeting();
    assert_ne!(bob.nick(), "guest1", "guests have numbers of their own");
    bob.say("/nick ann");
    bob.hears("*** the name ann is taken");
    bob.say("/nick Аnn");
    bob.hears(
        "*** a name can't mix scripts: n is from a different script than the characters \
         before it",
    );
    bob.say("/nick АНН");
    bob.hears("*** you are now АНН");
    let mut eve = here.connect();
    eve.read_greeting();
    eve.say("/nick guest1001");
    eve.hears("*** guest1001 looks like a guest's name; only the server gives those");
    bob.say("/quit");
    bob.hears_goodbye();
    // It is free when the server has said so.
    say_until(&mut eve, "/nick анн", |line| line == "*** you are now анн");
}

/// Promise 68: two who want one name at the same time: one of them gets it.
#[test]
fn a_name_that_many_want_at_once_is_one_clients() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let programs: [Program; 3] = servers(&engine, &[]);
    let mut clients: Vec<_> = programs.iter().map(Host::connect).collect();
    for client in &mut clients {
        client.read_greeting();
    }
    for round in 0..20 {
        for client in &mut clients {
            client.say(format!("/nick ann{round}"));
        }
        let is_theirs = format!("*** you are now ann{round}");
        let answers: Vec<_> = clients.iter_mut().map(Client::line).collect();
        let winners = answers.iter().filter(|answer| **answer == is_theirs).count();
        assert_eq!(winners, 1, "{answers:?}");
    }
}

/// Promise 68: a name that changed hands while the engine was away stays with its new holder.
#[test]
fn a_name_that_is_handed_on_while_the_engine_is_away_stays_where_it_is() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let [here, there] = servers(&engine, &[]);
    let mut ann = named(&here, "ann");
    let mut bob = named(&here, "bob");
    let mut zoe = there.connect();
    zoe.read_greeting();
    say_until(&mut zoe, "/whois bob", |line| line.starts_with("*** bob: in lobby on the server "));
    engine.signal(Signal::STOP);
    let down =
        "*** the link to the other servers is down: until it is back, lines reach this server only";
    hears_at_last(&mut bob, down);
    for (client, name) in [(&mut bob, "bert"), (&mut ann, "bob")] {
        client.say(format!("/nick {name}"));
        hears_at_last(client, &format!("*** you are now {name}"));
    }
    engine.signal(Signal::CONT);
    hears_at_last(&mut ann, "*** the link to the other servers is back");
    say_until(&mut zoe, "/whois bert", |line| {
        line.starts_with("*** bert: in lobby on the server ")
    });
    say_until(&mut zoe, "/whois bob", |line| line.starts_with("*** bob: in lobby on the server "));
    zoe.say("/nick bob");
    hears_at_last(&mut zoe, "*** the name bob is taken");
    ann.say("/who");
    while !ann.line().starts_with("*** bob ") {}
}

#[test]
fn everybody_sees_who_is_where() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let [here, there] = servers(&engine, &["--server-name", "office"]);
    let (mut ann, mut bob) = ann_and_bob(&here, &there);
    ann.say("/who");
    assert!(ann.line().starts_with("*** 2 here; line "));
    ann.hears("*** ann   now");
    ann.hears("*** bob   now  on office");
    bob.say("/away lunch");
    bob.hears("*** you are away, until you say something");
    say_until(&mut ann, "/whois bob", |line| {
        line == "*** bob: in lobby on the server office, here for 0 s, away: \"lunch\""
            || line.starts_with("*** bob: in lobby on the server office, here for ")
                && line.ends_with(", away: \"lunch\"")
    });
    bob.say("/join dev");
    hears_at_last(&mut bob, "*** you are now in dev");
    say_until(&mut ann, "/rooms", |line| line == "*** 2 rooms: lobby (1), dev (1)");
    ann.say("/stats");
    hears_at_last(&mut ann, "*** link: up; office; 1 client on other servers; 0 lines pending");
}

#[test]
fn private_messages_find_people_on_other_servers() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let [here, there] = servers(&engine, &[]);
    let (mut ann, mut bob) = ann_and_bob(&here, &there);
    ann.say("/msg bob psst");
    bob.hears("<ann to you> psst");
    ann.hears("<you to bob> psst");
    bob.say("/reply what?");
    bob.hears("<you to ann> what?");
    ann.hears("<bob to you> what?");
    bob.say("/ignore ann");
    bob.hears("*** you no longer see what ann says");
    ann.say("/msg bob psst");
    ann.hears("*** bob ignores your messages");
    ann.say("hello");
    ann.say("/msg bob still there?");
    ann.hears("*** bob ignores your messages");
    bob.say("/ignore ann");
    // What ann said meanwhile wasn't for bob.
    bob.hears("*** you see what ann says again");
    bob.say("/away lunch");
    bob.hears("*** you are away, until you say something");
    ann.say("/msg bob psst");
    ann.hears("<you to bob> psst");
    ann.hears("*** bob is away: \"lunch\"");
    bob.hears("<ann to you> psst");
    ann.say("/msg carl psst");
    ann.hears("*** no one here is called carl; /who shows who is here");
}

/// Events have their fields on all servers, and answers say what they answer when they come from
/// another one.
#[test]
fn programs_are_told_the_same_on_all_servers() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let [here, mut there] = servers(&engine, &[]);
    let (mut ann, mut bob) = ann_and_bob(&here, &there);
    let schema = Schema::load();
    ann.say("/format json");
    assert_eq!(answer(&mut ann, &schema, "format")["ok"], true);
    bob.say("/topic tea");
    let topic = until(&mut ann, &schema, "topic");
    assert_eq!((&topic["who"][0], &topic["words"]), (&"bob".into(), &"tea".into()));
    // The log has it, and so has the engine.
    ann.say("/history 1");
    assert_eq!(until(&mut ann, &schema, "topic"), topic);
    ann.say("/msg bob hi");
    let sent = answer(&mut ann, &schema, "msg");
    assert_eq!((&sent["kind"], &sent["ok"]), (&"private".into(), &true.into()));
    bob.say("/away tea");
    hears_at_last(&mut bob, "*** you are away, until you say something");
    ann.say("/msg bob hi");
    let away = until(&mut ann, &schema, "away");
    assert_eq!((&away["who"][0], &away["reason"]), (&"bob".into(), &"tea".into()));
    bob.say("/ignore ann");
    hears_at_last(&mut bob, "*** you no longer see what ann says");
    ann.say("/msg bob hi");
    assert_eq!(answer(&mut ann, &schema, "msg")["ok"], false);
    there.signal(Signal::TERM);
    assert_eq!(there.exit_code(), 0);
    let gone = until(&mut ann, &schema, "cluster");
    assert_eq!((&gone["state"], &gone["who"][0]), (&"ended".into(), &"bob".into()));
}

#[test]
fn a_bell_rings_for_people_on_other_servers() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let [here, there] = servers(&engine, &[]);
    let (mut ann, mut bob) = ann_and_bob(&here, &there);
    bob.say("/bell on");
    bob.hears("*** the bell rings when your name is said");
    ann.say("hello bob");
    bob.expect("*** ann joined\n<ann> hello bob\n\x07");
}

/// A file with the password of operators.
fn operator_file() -> (TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("operator");
    fs::write(&path, "secret").expect("it can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let path = path.to_str().expect("UTF-8").to_owned();
    (directory, path)
}

#[test]
fn operators_reach_people_on_other_servers() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let (_directory, file) = operator_file();
    let [here, there] = servers(&engine, &["--operator-file", &file]);
    let (mut ann, mut bob) = ann_and_bob(&here, &there);
    ann.say("/op secret");
    ann.hears("*** you are now an operator; /help shows what you can do");
    ann.say("/mute bob");
    ann.hears("*** bob is muted");
    bob.hears("*** an operator has muted you: no one sees what you send");
    ann.say("/mute bob");
    ann.hears("*** bob may speak again");
    bob.hears("*** you may speak again");
    ann.say("/mute bob 10m");
    ann.hears("*** bob is muted for 10 minutes more");
    bob.hears("*** an operator has muted you for 10 minutes more: no one sees what you send");
    bob.say("/nick bert");
    bob.hears("*** an operator has muted you for 10 minutes more: no one sees what you send");
    ann.say("/unmute bob");
    ann.hears("*** bob may speak again");
    bob.hears("*** you may speak again");
    bob.say("/report ann loud");
    bob.hears("*** the operators have your report");
    ann.hears("*** bob reports ann in lobby: \"loud\"");
    ann.say("/announce tea is ready");
    ann.hears("*** ann announces: tea is ready");
    bob.hears("*** ann announces: tea is ready");
    ann.say("/ban bob");
    ann.hears("*** bob is on the server's machine, which can't be banned; /kick bob works");
    ann.say("/ban 192.0.2.0/24 spam");
    ann.hears("*** 192.0.2.0/24 is banned for ever: \"spam\", 0 clients were disconnected");
    let mut carl = named(&there, "carl");
    carl.say("/op secret");
    carl.hears("*** you are now an operator; /help shows what you can do");
    say_until(&mut ann, "/ops", |line| line.starts_with("*** 2 operators: ann, carl on "));
    carl.say("/bans");
    carl.hears("*** 1 ban:");
    carl.hears("*** 192.0.2.0/24, by ann: \"spam\"");
    ann.say("/kick bob go home");
    hears_at_last(&mut ann, "*** bob was kicked");
    bob.hears("*** goodbye: an operator kicked you: \"go home\"");
    bob.expect_eof();
    assert!(there.logs("kicks bob").contains("operator ann (on the server "));
}

/// A server that comes later has the bans that were made before.
#[test]
fn bans_are_for_servers_that_come_later() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let (_directory, file) = operator_file();
    let options = ["--operator-file", &*file];
    let [here] = servers(&engine, &options);
    let mut ann = named(&here, "ann");
    ann.say("/op secret\n/ban 192.0.2.0/24\n/ban 198.51.100.0/24\n/unban 198.51.100.0/24");
    hears_at_last(&mut ann, "*** 198.51.100.0/24 is no longer banned");
    let [there] = servers(&engine, &options);
    let mut bob = named(&there, "bob");
    bob.say("/op secret");
    bob.hears("*** you are now an operator; /help shows what you can do");
    bob.say("/bans");
    bob.hears("*** 1 ban:");
    assert!(bob.line().starts_with("*** 192.0.2.0/24"));
}

/// A mute with an end is for servers that come later too, until it is taken back.
#[test]
fn mutes_are_for_servers_that_come_later() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let (_directory, file) = operator_file();
    let options = ["--operator-file", &*file];
    let [here] = servers(&engine, &options);
    let [mut ann, mut bob, mut carl] = ["ann", "bob", "carl"].map(|name| named(&here, name));
    ann.say("/op secret");
    hears_at_last(&mut ann, "*** you are now an operator; /help shows what you can do");
    ann.say("/mute bob 10m\n/mute carl 10m\n/unmute carl");
    hears_at_last(&mut ann, "*** carl may speak again");
    // Mutes with an end outlast a connection.
    bob.say("/quit");
    carl.say("/quit");
    let [there] = servers(&engine, &options);
    let [mut bob, mut carl] = ["bob", "carl"].map(|name| {
        let mut client = there.connect();
        client.read_greeting();
        // The name may not be free yet.
        let is_named = |line: &str| line == format!("*** you are now {name}");
        say_until(&mut client, &format!("/nick {name}"), is_named);
        client
    });
    bob.say("am I heard?");
    hears_at_last(
        &mut bob,
        "*** an operator has muted you for 10 minutes more: no one sees what you send",
    );
    carl.say("I am");
    hears_at_last(&mut ann, "<carl> I am");
}

/// What is over is thrown out of the engine when there is much of it.
#[test]
fn bans_that_are_over_leave_the_engine() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let (_directory, file) = operator_file();
    let [here] = servers(&engine, &["--operator-file", &*file]);
    let over: String = (0..2000).map(|at| format!(r#" over{at} {{"until":{at}}}"#)).collect();
    engine.ask(&format!("HSET {{rc}}:bans lasting {}{over}", r#"{"until":4294967295}"#));
    let mut ann = named(&here, "ann");
    // Redis is asked for the name after the ban.
    ann.say("/op secret\n/ban 198.51.100.0/24\n/nick anna");
    hears_at_last(&mut ann, "*** you are now anna");
    let mut kept: Vec<_> = engine.ask("HKEYS {rc}:bans").lines().map(str::to_owned).collect();
    kept.sort();
    assert_eq!(kept, ["198.51.100.0/24", "lasting"]);
}

/// Promise 72: a server that dies gives its names back by its lease, and is told of in one line.
#[test]
fn a_server_that_dies_is_told_of_in_one_line() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let [here] = servers(&engine, &["--server-name", "here"]);
    let [there] = servers(&engine, &["--server-name", "there"]);
    let (mut ann, _bob) = ann_and_bob(&here, &there);
    let _carl = named(&there, "carl");
    say_until(&mut ann, "/whois carl", |line| line.starts_with("*** carl: in lobby"));
    there.signal(Signal::KILL);
    ann.say("/nick bob");
    ann.hears("*** the name bob is taken");
    // The lease of the server takes longer than a client of the tests waits.
    let mut told = Vec::new();
    while told.last().is_none_or(|line| line != "*** you are now bob") {
        std::thread::sleep(Duration::from_millis(100));
        ann.say("/nick bob");
        told.push(ann.line());
        told.retain(|line| line != "*** the name bob is taken");
    }
    let gone = "*** the server there is gone, along with 2 people: bob, carl";
    assert_eq!(told, [gone, "*** you are now bob"]);
    assert_eq!(ann.line(), "*** your name is already bob");
    ann.say("/who");
    assert!(ann.line().starts_with("*** 1 here; line "));
    ann.hears("*** bob   now");
}

/// Promise 72.
#[test]
fn a_server_that_ends_is_told_of_in_one_line() {
    if !is_possible() {
        return;
    }
    let engine = Engine::start();
    let [here] = servers(&engine, &["--server-name", "here"]);
    let [mut there] = servers(&engine, &["--server-name", "there"]);
    let (mut ann, mut bob) = ann_and_bob(&here, &there);
    bob.say("hello");
    ann.hears("*** bob joined");
    ann.hears("<bob> hello");
    there.signal(Signal::TERM);
    assert_eq!(there.exit_code(), 0);
    ann.hears("*** the server there has shut down, along with 1 person: bob");
    ann.say("/nick bob");
    ann.hears("*** you are now bob");
}
