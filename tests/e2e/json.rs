//! Lines as JSON are what the schema in docs/protocol.md says.

use serde_json::Value;

use crate::harness::{Host, Program};
use crate::source::document;

/// The schema, from the document.
fn schema() -> Value {
    let protocol = document("docs/protocol.md");
    let block = protocol.split("```json\n").nth(1).expect("there is a schema");
    serde_json::from_str(block.split("```").next().expect("a first part")).expect("it is JSON")
}

fn is_type(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "null" => value.is_null(),
        _ => panic!("the schema has a new type, {name}"),
    }
}

/// As much of JSON Schema as the schema uses.
#[track_caller]
fn check(line: &str, schema: &Value) {
    let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    let object = value.as_object().expect("each line is an object");
    let names = schema["required"].as_array().expect("a list");
    let names: Vec<_> = names.iter().map(|name| name.as_str().expect("a name")).collect();
    // serde_json sorts them; the order is that of the text.
    let place = |name: &str| line.find(&format!("\"{name}\":")).expect(name);
    assert!(names.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "their order: {line}");
    assert_eq!(object.len(), names.len(), "{line}");
    for (name, value) in object {
        let property = &schema["properties"][name];
        match &property["type"] {
            Value::String(name) => assert!(is_type(value, name), "{line}"),
            Value::Array(names) => {
                let names = names.iter().map(|name| name.as_str().expect("a name"));
                assert!(names.into_iter().any(|name| is_type(value, name)), "{line}");
            }
            _ => {}
        }
        if let Value::Array(values) = &property["enum"] {
            assert!(values.contains(value), "{line}");
        }
        if let Some(minimum) = property["minimum"].as_u64() {
            assert!(value.is_null() || value.as_u64() >= Some(minimum), "{line}");
        }
    }
    let time = value["time"].as_str().expect("a text");
    assert!(time.len() == 20 && time.starts_with("20") && time.ends_with('Z'), "{time}");
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
    let schema = schema();
    let modes: [&[&str]; 4] =
        [&[], &["--prefix", "addr"], &["--prefix", "none"], &["--echo", "--room", "тест"]];
    for options in modes {
        let lines = lines_of(options);
        assert!(lines.len() > 20, "{lines:?}");
        lines.iter().for_each(|line| check(line, &schema));
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
