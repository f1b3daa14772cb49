//! The checker sees what is broken: each rule is shown a history that breaks it.

use std::time::Duration;

use super::checker::{Rule, check};
use super::history::{History, Line, Loss, Observer, Outcome, Said, Seen, Value};
use super::notices::FORGOT;

fn value(text: &str) -> Value {
    Value::parse(text).expect("a value")
}

/// A line: `5@a 0.0.1` is said, and what begins with `***` or `->` is a notice or a presence.
/// What a server counts by itself is `@own`.
fn line(text: &str) -> Seen {
    let (place, text) = text.split_once(' ').expect("a place");
    let (number, run) = place.split_once('@').expect("a number");
    let (kind, text) = match (text.strip_prefix("*** "), text.strip_prefix("-> ")) {
        (Some(text), _) => ("notice", text),
        (_, Some(text)) => ("presence", text),
        _ => ("said", text),
    };
    let [run, kind, from, text] = [run, kind, "", text].map(str::to_owned);
    Seen::Line(Line { run, number: number.parse().expect("a number"), kind, from, text })
}

/// One that was there all the time, and begins after line 0 of `a`.
fn observer(at: usize, lines: &[&str]) -> Observer {
    let begin = Seen::Begin { run: "a".into(), number: 0 };
    let seen = [begin].into_iter().chain(lines.iter().map(|text| line(text))).collect();
    let nick = format!("watcher{at}");
    Observer { server: at, nick, is_from_the_begin: true, is_to_the_end: true, seen }
}

/// Observers that see this, of clients that have said `said`.
fn history(said: &[&str], observers: &[&[&str]]) -> History {
    let said = said.iter().enumerate().map(|(at, text)| {
        let time = Duration::from_secs(at as u64);
        Said { value: value(text), outcome: Outcome::Accepted, from: time, to: time }
    });
    let observers = observers.iter().enumerate().map(|(at, lines)| observer(at, lines));
    History { observers: observers.collect(), said: said.collect(), ..History::default() }
}

#[track_caller]
fn finds(history: &History, rules: &[Rule]) {
    let faults = check(history);
    let found: Vec<_> = faults.iter().map(|fault| fault.rule).collect();
    assert_eq!(found, rules, "{faults:#?}");
}

const TWO: [&str; 2] = ["0.0.1", "1.1.1"];

#[test]
fn what_is_right_is_right() {
    let both: &[&str] = &["1@a 0.0.1", "2@a 1.1.1", "3@a -> ann left"];
    finds(&history(&TWO, &[both, both]), &[]);
    // The last ones are told when they like, and the first ones of their own coming never.
    let other: &[&str] = &["1@a 0.0.1", "2@a 1.1.1"];
    finds(&history(&TWO, &[both, other]), &[]);
    let (one, other): (&[&str], &[&str]) = (
        &["1@a -> watcher1 and ann joined", "2@a 0.0.1", "3@a 1.1.1"],
        &["2@a 0.0.1", "3@a 1.1.1"],
    );
    finds(&history(&TWO, &[one, other]), &[]);
    // Late lines have the same value.
    finds(&history(&["0.0.1"], &[&["1@a (said at 2026-11-20 14:03) 0.0.1"]]), &[]);
}

#[test]
fn a_number_with_two_lines_is_found() {
    let (one, other): (&[&str], &[&str]) =
        (&["1@a 0.0.1", "2@a 1.1.1"], &["1@a 1.1.1", "2@a 0.0.1"]);
    finds(&history(&TWO, &[one, other]), &[Rule::OneChain, Rule::OneChain]);
}

#[test]
fn a_number_that_comes_too_late_is_found() {
    finds(&history(&TWO, &[&["2@a 1.1.1", "1@a 0.0.1"]]), &[Rule::Order]);
    let forgot = format!("1@own *** {FORGOT}");
    let back: &[&str] = &["1@a 0.0.1", &forgot, "1@b 1.1.1", &forgot, "2@a 0.0.2"];
    finds(&history(&["0.0.1", "0.0.2", "1.1.1"], &[back]), &[Rule::Order]);
}

#[test]
fn a_sender_out_of_order_is_found() {
    let seen: &[&str] = &["1@a 0.0.2", "2@a 0.0.1"];
    finds(&history(&["0.0.1", "0.0.2"], &[seen]), &[Rule::SenderOrder]);
}

#[test]
fn a_value_that_comes_twice_is_found() {
    finds(&history(&["0.0.1"], &[&["1@a 0.0.1", "2@a 0.0.1"]]), &[Rule::Once]);
}

#[test]
fn a_hole_is_found_unless_it_was_counted() {
    let said = ["0.0.1", "0.0.2", "0.0.3"];
    let all: &[&str] = &["1@a 0.0.1", "2@a 0.0.2", "3@a 0.0.3"];
    finds(&history(&said, &[all, &["1@a 0.0.1", "3@a 0.0.3"]]), &[Rule::Middle]);
    let told = "1@own *** 1 line from other servers is missing here";
    finds(&history(&said, &[all, &["1@a 0.0.1", told, "3@a 0.0.3"]]), &[]);
    // Nobody has the one that is missing.
    finds(&history(&["0.0.1", "0.0.3"], &[&["1@a 0.0.1", "3@a 0.0.3"]]), &[Rule::Middle]);
    // A client that was too slow knows how many.
    let mut slow = history(&said, &[all, &["1@a 0.0.1", "3@a 0.0.3"]]);
    let told = "1 line skipped: it came faster than you read".to_owned();
    slow.observers[1].seen.insert(2, Seen::Told(told));
    finds(&slow, &[]);
}

#[test]
fn a_wrong_count_is_found() {
    let said = ["0.0.1", "0.0.2", "0.0.3", "0.0.4"];
    let all: &[&str] = &["1@a 0.0.1", "2@a 0.0.2", "3@a 0.0.3", "4@a 0.0.4"];
    let told = |count| format!("1@own *** {count} lines from other servers are missing here");
    let (two, one) = (told(2), "1@own *** 1 line from other servers is missing here");
    finds(&history(&said, &[all, &["1@a 0.0.1", &two, "4@a 0.0.4"]]), &[]);
    finds(&history(&said, &[all, &["1@a 0.0.1", &two, "3@a 0.0.3", "4@a 0.0.4"]]), &[Rule::Count]);
    finds(&history(&said, &[all, &["1@a 0.0.1", one, "4@a 0.0.4"]]), &[Rule::Middle]);
}

#[test]
fn what_is_missing_at_the_begin_or_the_end_is_found() {
    let all: &[&str] = &["1@a 0.0.1", "2@a 1.1.1"];
    finds(&history(&TWO, &[all, &["1@a 0.0.1"]]), &[Rule::Suffix]);
    finds(&history(&TWO, &[all, &["2@a 1.1.1"]]), &[Rule::Prefix]);
    let mut killed = history(&TWO, &[all, &["1@a 0.0.1"]]);
    killed.observers[1].is_to_the_end = false;
    finds(&killed, &[]);
}

#[test]
fn what_is_missing_at_the_begin_of_a_new_counting_is_found() {
    let said = ["0.0.1", "0.0.2", "0.0.3"];
    let forgot = format!("1@own *** {FORGOT}");
    let all: &[&str] = &["1@a 0.0.1", &forgot, "1@b 0.0.2", "2@b 0.0.3"];
    finds(&history(&said, &[all, all]), &[]);
    finds(&history(&said, &[all, &["1@a 0.0.1", &forgot, "2@b 0.0.3"]]), &[Rule::Prefix]);
    // What is missing at the end of the old one is what was forgotten.
    finds(&history(&said, &[all, &[&forgot, "1@b 0.0.2", "2@b 0.0.3"]]), &[]);
}

#[test]
fn what_was_shown_before_may_be_left_out_when_it_comes_again() {
    let forgot = format!("1@own *** {FORGOT}");
    let (one, other): (&[&str], &[&str]) =
        (&["1@a 0.0.1", &forgot, "2@b 1.1.1"], &[&forgot, "1@b 0.0.1", "2@b 1.1.1"]);
    finds(&history(&TWO, &[one, other]), &[]);
    // By all: only the engine knows what it was then.
    let said = ["0.0.1", "1.1.1", "2.2.1"];
    let all: &[&str] = &["1@a 0.0.1", &forgot, "1@b 1.1.1", "3@b 2.2.1"];
    let mut by_all = history(&said, &[all, all]);
    finds(&by_all, &[Rule::Middle, Rule::Middle]);
    by_all.noted.insert(("b".into(), 2), value("0.0.1"));
    finds(&by_all, &[]);
}

#[test]
fn a_new_counting_without_a_word_is_found() {
    let seen: &[&str] = &["1@a 0.0.1", "1@b 1.1.1"];
    finds(&history(&TWO, &[seen]), &[Rule::NewCounting]);
    // One that goes on with the next number has lost nothing.
    finds(&history(&TWO, &[&["1@a 0.0.1", "2@b 1.1.1"]]), &[]);
}

#[test]
fn what_was_accepted_and_is_shown_to_nobody_is_found() {
    let mut lost = history(&TWO, &[&["1@a 0.0.1"]]);
    finds(&lost, &[Rule::Accepted]);
    let [from, to] = [0, 5].map(Duration::from_secs);
    // Its server was killed.
    lost.losses = vec![Loss { from, to, server: Some(1) }];
    finds(&lost, &[]);
    lost.losses[0].server = Some(0);
    finds(&lost, &[Rule::Accepted]);
    // The engine has forgotten it: everybody has to be told.
    lost.losses[0].server = None;
    finds(&lost, &[Rule::Accepted]);
    let forgot = line(&format!("1@own *** {FORGOT}"));
    lost.observers[0].seen.push(forgot);
    finds(&lost, &[]);
    // It was said later.
    lost.losses[0].to = Duration::ZERO;
    finds(&lost, &[Rule::Accepted]);
}

#[test]
fn what_the_engine_has_and_nobody_is_shown_is_found() {
    let [from, to] = [0, 5].map(Duration::from_secs);
    let forgot = format!("1@own *** {FORGOT}");
    let mut skipped = history(&TWO, &[&["1@a 0.0.1", &forgot]]);
    skipped.losses = vec![Loss { from, to, server: None }];
    finds(&skipped, &[]);
    skipped.kept = vec![(1, value("1.1.1"))];
    finds(&skipped, &[Rule::Kept]);
    // It can't be counted by one who came later.
    skipped.observers[0].is_from_the_begin = false;
    finds(&skipped, &[]);
}

#[test]
fn what_was_refused_and_is_shown_is_found() {
    let mut shown = history(&["0.0.1"], &[&["1@a 0.0.1"]]);
    shown.said[0].outcome = Outcome::Refused;
    finds(&shown, &[Rule::Refused]);
    shown.said[0].outcome = Outcome::Unknown;
    finds(&shown, &[]);
}

#[test]
fn what_nobody_has_said_is_found() {
    finds(&history(&[], &[&["1@a 0.0.1"]]), &[Rule::MadeUp]);
}
