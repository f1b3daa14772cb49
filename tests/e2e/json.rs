//! Lines as JSON are what docs/roomcast.schema.json says.

use std::fs;
use std::path::Path;

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use roomcast::wire::NoticeEvent;
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Client, Host, Program, run};
use crate::source::document;

/// The schema, which needs nothing from anywhere else.
pub struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
    /// The fields that each line has, in their order.
    fields: Vec<String>,
}

impl Schema {
    pub fn load() -> Schema {
        let schema: Value = serde_json::from_str(&text()).expect("it is JSON");
        let fields = schema["required"].as_array().expect("a list").iter();
        let fields = fields.map(|name| name.as_str().expect("a name").to_owned()).collect();
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.set_default_draft(Draft::V2020_12);
        compiler.enable_format_assertions();
        compiler.add_resource("roomcast.json", schema).expect("a new one");
        let index = compiler.compile("roomcast.json", &mut schemas).expect("it is a schema");
        Schema { schemas, index, fields }
    }

    #[track_caller]
    pub fn check(&self, line: &str) -> Value {
        let value: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        if let Err(error) = self.schemas.validate(&value, self.index) {
            panic!("{line}: {error:#}");
        }
        // serde_json sorts them; the order is that of the text.
        let place = |name: &String| line.find(&format!("\"{name}\":")).expect(name);
        let places: Vec<_> = self.fields.iter().map(place).collect();
        assert!(places.is_sorted(), "their order: {line}");
        let last = *places.last().expect("there are some");
        for name in value.as_object().expect("it is an object").keys() {
            assert!(self.fields.contains(name) || place(name) > last, "new ones behind: {line}");
        }
        let time = value["time"].as_str().expect("a text");
        assert!(time.len() == 20 && time.starts_with("20") && time.ends_with('Z'), "{time}");
        value
    }
}

fn text() -> String {
    document("docs/roomcast.schema.json")
}

/// What is said and what of it is JSON's text.
const TEXTS: &[&str] = &[
    "plain",
    "a \"quote\" and a back\\slash",
    "a\ttab",
    "日本語 👩‍👩‍👧 \u{202e}x",
    "{\"seq\":1}",
    "\u{7f}\u{1b}[31mred",
];

fn lines_of(options: &[&str]) -> Vec<String> {
    let room = Program::start(options);
    let mut ann = room.connect();
    ann.read_greeting();
    let mut bob = room.connect();
    bob.read_greeting();
    ann.line();
    ann.say("/format json");
    let mut lines = vec![ann.line()];
    for text in TEXTS {
        bob.say(text);
    }
    bob.say("/me waves");
    bob.say("/msg guest1 hello");
    bob.say("/topic tea");
    bob.say("/nick eve");
    bob.say("/quit");
    // All that has been said is there.
    while !lines.last().is_some_and(|line| line.contains(" left\"")) {
        lines.push(ann.line());
    }
    ann.say("/history 100");
    ann.say("/nonsense");
    while !lines.last().is_some_and(|line| line.contains("there is no command")) {
        lines.push(ann.line());
    }
    lines
}

#[test]
fn every_line_is_as_the_schema_says() {
    let schema = Schema::load();
    let modes: [&[&str]; 4] =
        [&[], &["--prefix", "addr"], &["--prefix", "none"], &["--echo", "--room", "тест"]];
    for options in modes {
        let lines = lines_of(options);
        assert!(lines.len() > 20, "{lines:?}");
        lines.iter().for_each(|line| drop(schema.check(line)));
        for kind in ["said", "act", "notice", "presence", "private"] {
            let kind = format!("\"kind\":\"{kind}\"");
            assert!(lines.iter().any(|line| line.contains(&kind)), "no {kind}");
        }
    }
}

#[test]
fn a_text_comes_back_as_it_was_said() {
    let lines = lines_of(&[]);
    let texts: Vec<_> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|line| line["kind"] == "said")
        .map(|line| line["text"].as_str().expect("a text").to_owned())
        .collect();
    let expected = ["plain", TEXTS[1], TEXTS[2], "日本語 👩‍👩‍👧 \u{202e}x\u{202c}", TEXTS[4], "red"];
    assert_eq!(texts[..6], expected);
    // Once more as history.
    assert_eq!(texts[6..], expected);
}

/// Lines that are encoded for one reader are those that an image has.
#[test]
fn lines_from_before_the_first_json_client_are_the_same() {
    let room = Program::start(&[]);
    let [mut ann, mut bob] = room.guests();
    bob.say("/format json");
    bob.line();
    ann.say("hello \"you\"");
    ann.say("/me waves");
    let live = [bob.line(), bob.line()];
    ann.say("/join elsewhere");
    bob.line();
    bob.say("/history 3");
    bob.line();
    assert_eq!([bob.line(), bob.line()], live);

    let room = Program::start(&[]);
    let [mut ann, mut bob] = room.guests();
    ann.say("hello \"you\"");
    ann.say("/me waves");
    bob.hears("<guest1> hello \"you\"");
    bob.hears("* guest1 waves");
    bob.say("/format json");
    bob.line();
    bob.say("/history 2");
    bob.line();
    let word = |line: &str, number| line.split('"').nth_back(number).expect("so many").to_owned();
    // Another server has another run.
    let without_time = |line: &str| {
        let time = line.split('"').nth(5).expect("a time").to_owned();
        line.replace(&time, "").replace(&word(line, 3), "")
    };
    let late = [bob.line(), bob.line()];
    for (late, live) in late.iter().zip(&live) {
        assert_eq!(without_time(late), without_time(live));
    }
}

#[test]
fn json_names_the_sender_also_where_text_does_not() {
    let room = Program::start(&["--prefix", "none"]);
    let [mut ann, mut bob] = room.guests();
    ann.say("/format json");
    ann.line();
    bob.say("*** hello");
    let line: Value = serde_json::from_str(&ann.line()).expect("JSON");
    assert_eq!((&line["from"], &line["text"]), (&"guest2".into(), &"*** hello".into()));
}

/// How a client's lines end doesn't depend on what they look like.
#[test]
fn a_client_that_takes_cr_lf_takes_it_in_each_format() {
    let room = Program::start(&[]);
    let [mut ann, mut bob] = room.guests();
    ann.send("/format json\r\n");
    ann.takes_crlf();
    assert!(ann.line().contains("lines are sent to you as json"));
    bob.say("one");
    assert!(ann.line().contains("\"text\":\"one\","));
    ann.send("/format text\r\n");
    ann.hears("*** lines are sent to you as text");
    bob.say("two");
    ann.hears("<guest2> two");
}

/// The next line as JSON, behind those from before the client asked for that.
#[track_caller]
fn next(client: &mut Client, schema: &Schema) -> Value {
    loop {
        let line = client.line();
        if !line.starts_with("*** ") {
            return schema.check(&line);
        }
    }
}

/// Reads JSON lines of a client up to one with this event.
#[track_caller]
pub fn until(client: &mut Client, schema: &Schema, event: &str) -> Value {
    loop {
        let line = next(client, schema);
        if line["event"] == event {
            return line;
        }
    }
}

/// Reads JSON lines of a client up to an answer to this command.
#[track_caller]
pub fn answer(client: &mut Client, schema: &Schema, re: &str) -> Value {
    loop {
        let line = next(client, schema);
        if line["re"] == re {
            return line;
        }
    }
}

fn without_old_fields(mut line: Value) -> String {
    let object = line.as_object_mut().expect("an object");
    for name in ["seq", "time", "room", "from", "kind", "text", "run", "to"] {
        object.remove(name);
    }
    line.to_string()
}

#[test]
fn each_event_tells_who_what_and_how_many() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("operator");
    fs::write(&file, "secret").expect("an empty directory");
    let program = Program::start(&["--operator-file", path(&file), "--max-line", "200"]);
    let schema = Schema::load();
    let mut ann = program.connect();
    ann.say("/format json\n/nick ann\n/op secret");
    assert_eq!(answer(&mut ann, &schema, "op")["ok"], true);
    let mut bob = program.connect();
    bob.read_greeting();
    bob.say("/format json\n/nick bob\nhello");
    until(&mut ann, &schema, "join");
    until(&mut ann, &schema, "rename");
    let facts = |ann: &mut Client, event: &str| without_old_fields(until(ann, &schema, event));

    bob.say("/nick eve\n/nick bob");
    assert_eq!(facts(&mut ann, "rename"), r#"{"event":"rename","target":"eve","who":["bob"]}"#);
    bob.say("/topic tea \"at\" 5");
    let topic = r#"{"event":"topic","who":["bob"],"words":"tea \"at\" 5"}"#;
    assert_eq!(facts(&mut ann, "topic"), topic);
    ann.say("/announce tea");
    let announced = r#"{"event":"announce","who":["ann"],"words":"tea"}"#;
    assert_eq!(facts(&mut bob, "announce"), announced);

    bob.say("/away lunch");
    let away = r#"{"event":"away","ok":true,"re":"away","reason":"lunch","who":["bob"]}"#;
    assert_eq!(facts(&mut bob, "away"), away);
    ann.say("/who\n/rooms\n/seq");
    let who = until(&mut ann, &schema, "members");
    assert_eq!(
        (&who["count"], &who["away"]["bob"], &who["re"]),
        (&2.into(), &"lunch".into(), &"who".into())
    );
    let rooms = r#"{"count":1,"event":"rooms","ok":true,"re":"rooms","rooms":{"lobby":2}}"#;
    assert_eq!(facts(&mut ann, "rooms"), rooms);
    assert_eq!(until(&mut ann, &schema, "newest")["re"], "seq");
    ann.say("/msg bob hi");
    assert_eq!(answer(&mut ann, &schema, "msg")["kind"], "private");
    assert_eq!(answer(&mut ann, &schema, "msg")["event"], "away");
    bob.say("back");
    assert_eq!(facts(&mut bob, "back"), r#"{"event":"back","who":["bob"]}"#);

    ann.say("/mute bob");
    assert_eq!(facts(&mut bob, "mute"), r#"{"event":"mute"}"#);
    bob.say("x\n/me y");
    assert_eq!(facts(&mut bob, "unsent"), r#"{"event":"unsent"}"#);
    assert_eq!(facts(&mut bob, "unsent"), r#"{"event":"unsent","ok":false,"re":"me"}"#);
    ann.say("/mute bob");
    assert_eq!(facts(&mut bob, "unmute"), r#"{"event":"unmute"}"#);
    bob.say("x".repeat(201));
    assert_eq!(facts(&mut bob, "unsent"), r#"{"event":"unsent"}"#);

    ann.say("/slow 1h");
    let slow = r#"{"count":3600,"event":"rules","state":"open","who":["ann"]}"#;
    assert_eq!(facts(&mut bob, "rules"), slow);
    bob.say("one\ntwo\n/me three");
    let wait = until(&mut bob, &schema, "unsent")["count"].as_u64().expect("a number");
    assert!((1..=3600).contains(&wait), "{wait}");
    assert_eq!(answer(&mut bob, &schema, "me")["ok"], false);
    ann.say("/slow off\n/lock");
    let open = r#"{"count":0,"event":"rules","state":"open","who":["ann"]}"#;
    assert_eq!(facts(&mut bob, "rules"), open);
    let locked = r#"{"count":0,"event":"rules","state":"locked","who":["ann"]}"#;
    assert_eq!(facts(&mut bob, "rules"), locked);
    ann.say("/clear 1");
    let cleared = until(&mut bob, &schema, "clear");
    assert_eq!((&cleared["who"][0], &cleared["first"]), (&"ann".into(), &cleared["last"]));
    assert_eq!(cleared["seq"].as_u64(), cleared["last"].as_u64().map(|last| last + 1));
    ann.say("/unlock");
    assert_eq!(facts(&mut bob, "rules"), open);
    bob.say("/report ann rude");
    assert_eq!(answer(&mut bob, &schema, "report")["ok"], true);
    let report = r#"{"event":"report","reason":"rude","target":"lobby","who":["bob","ann"]}"#;
    assert_eq!(facts(&mut ann, "report"), report);

    bob.say("/history 2\n/resume 999\n/nonsense\n/names");
    assert_eq!(until(&mut bob, &schema, "history")["count"], 2);
    let ahead = until(&mut bob, &schema, "ahead");
    assert_eq!((&ahead["re"], &ahead["ok"]), (&"resume".into(), &false.into()));
    assert_eq!(answer(&mut bob, &schema, "nonsense")["ok"], false);
    assert_eq!(answer(&mut bob, &schema, "who")["ok"], true);

    bob.say("/join dev");
    let entered = r#"{"event":"enter","ok":true,"re":"join","target":"dev"}"#;
    assert_eq!(facts(&mut bob, "enter"), entered);
    let left = r#"{"count":1,"event":"leave","target":"dev","who":["bob"]}"#;
    assert_eq!(facts(&mut ann, "leave"), left);
    bob.say("/leave\nhello");
    assert_eq!(facts(&mut ann, "join"), r#"{"count":1,"event":"join","who":["bob"]}"#);
    ann.say("/kick bob spam");
    let kicked = r#"{"event":"kick","reason":"spam","who":["bob"]}"#;
    assert_eq!(facts(&mut ann, "kick"), kicked);
    assert_eq!(facts(&mut bob, "goodbye"), r#"{"event":"goodbye","reason":"kicked"}"#);

    let mut eve = program.connect();
    eve.say("/nick! ann");
    eve.rest();
    program.signal(Signal::TERM);
    assert_eq!(facts(&mut ann, "shutdown"), r#"{"event":"shutdown"}"#);
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// What limits do to a client, and what is missing for it.
#[test]
fn limits_and_missing_lines_are_events() {
    let program = Program::plain(&["--rate", "50/5", "--idle-timeout", "2"]);
    let schema = Schema::load();
    let mut ann = program.connect();
    ann.say("/format json");
    ann.say(["x"; 20].join("\n"));
    until(&mut ann, &schema, "throttle");
    ann.say("/resume 1@other");
    assert_eq!(until(&mut ann, &schema, "gap")["re"], "resume");
    assert_eq!(until(&mut ann, &schema, "idle")["count"], 1);
    let goodbye = until(&mut ann, &schema, "goodbye");
    assert_eq!(goodbye["reason"], "idle");
}

/// What happens to the store, and what a crash of the server may have cost.
#[test]
fn faults_of_the_store_are_events() {
    let directory = tempfile::tempdir().expect("a directory");
    let (data, file) = (directory.path().join("data"), directory.path().join("operator"));
    fs::write(&file, "secret").expect("an empty directory");
    let options = ["--data", path(&data), "--operator-file", path(&file), "--history", "50"];
    let schema = Schema::load();
    let program = Program::plain(&options);
    let mut ann = program.connect();
    ann.say("/format json\n/op secret");
    assert_eq!(answer(&mut ann, &schema, "op")["ok"], true);
    let other = Connection::open(data.join("roomcast.db")).expect("it opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("it is locked");
    ann.say("during");
    let down = until(&mut ann, &schema, "store");
    assert_eq!(down["state"], "down");
    assert!(down["reason"].as_str().is_some_and(|why| why.contains("locked")), "{down}");
    other.execute_batch("COMMIT").expect("it is free");
    let up = until(&mut ann, &schema, "store");
    assert_eq!((&up["state"], &up["count"]), (&"up".into(), &0.into()));
    program.signal(Signal::KILL);
    drop(program);
    let program = Program::plain(&options);
    let mut ann = program.connect();
    ann.say("/format json");
    until(&mut ann, &schema, "interrupted");
}

/// A notice that tells of several has a number, and of how many it has names.
#[test]
fn users_who_come_together_are_counted() {
    let program = Program::plain(&["--presence-interval", "1"]);
    let schema = Schema::load();
    let mut ann = program.connect();
    ann.say("/format json");
    let welcome = r#"{"event":"welcome","who":["guest1"]}"#;
    assert_eq!(without_old_fields(until(&mut ann, &schema, "welcome")), welcome);
    // It is announced itself by now, and not with the others.
    ann.say("hello");
    let mut others: Vec<_> = (0..3).map(|_| program.connect()).collect();
    others.iter_mut().for_each(|other| other.say("/quiet on"));
    let mut names = Vec::new();
    while names.len() < 3 {
        let line = until(&mut ann, &schema, "join");
        let who = line["who"].as_array().expect("a list");
        assert_eq!(line["count"], who.len());
        names.extend(who.iter().cloned());
    }
    names.sort_by_key(|name| name.to_string());
    assert_eq!(names, ["guest2", "guest3", "guest4"]);
}

/// What is read from the store has the fields that it had.
#[test]
fn events_of_the_past_keep_their_fields() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let options = ["--data", path(&data)];
    let schema = Schema::load();
    let mut program = Program::start(&options);
    let mut ann = program.connect();
    ann.read_greeting();
    ann.say("/format json\nhello\n/nick ann\n/topic tea\n/seq");
    let (rename, topic) = (until(&mut ann, &schema, "rename"), until(&mut ann, &schema, "topic"));
    until(&mut ann, &schema, "newest");
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);

    let program = Program::start(&options);
    let mut bob = program.connect();
    bob.read_greeting();
    bob.say("/format json\n/history 1\n/history 50");
    assert_eq!(answer(&mut bob, &schema, "history")["event"], "history");
    assert_eq!(until(&mut bob, &schema, "rename"), rename);
    assert_eq!(until(&mut bob, &schema, "topic"), topic);
    bob.say("/search hello");
    assert_eq!(answer(&mut bob, &schema, "search")["ok"], true);
    let log = run(&["log", "--data", path(&data), "--json"]);
    let log = String::from_utf8(log.stdout).expect("UTF-8");
    let found: Vec<_> = log.lines().map(|line| schema.check(line)).collect();
    assert!(found.contains(&rename) && found.contains(&topic), "{log}");
}

#[test]
fn each_event_is_in_the_schema_and_the_document() {
    let schema = text();
    let protocol = document("docs/protocol.md");
    for (_, name) in NoticeEvent::ALL {
        assert!(schema.contains(&format!("\"{name}\"")), "{name} isn't in the schema");
        assert!(protocol.contains(&format!("\n| `{name}` |")), "{name} has no row");
    }
}
