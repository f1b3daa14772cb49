//! The documents say what is so.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::sync::{LazyLock, Mutex};
use std::{fs, iter, thread};

use crate::session::Session;
use crate::source::{Source, document, root, sources};

#[test]
fn the_examples_of_the_protocol_are_what_happens() {
    let protocol = document("docs/protocol.md");
    let sessions = Session::find(&protocol);
    assert!(sessions.len() > 20, "there are {} examples", sessions.len());
    // They wait most of the time.
    let sessions = Mutex::new(sessions.into_iter());
    let next = || sessions.lock().expect("no example panics here").next();
    let run_all = || iter::from_fn(next).for_each(|session| session.run());
    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(run_all))));
}

/// The same of what HTTP clients are told, and docs/web.md.
#[test]
fn the_page_on_the_web_names_every_text_of_an_answer() {
    let page = document("docs/web.md");
    let is_one = |source: &Source| {
        ["web/answers.rs", "wire/http.rs", "wire/body.rs"]
            .iter()
            .any(|path| source.path.ends_with(path))
    };
    let mut sentences = 0;
    for source in sources("src").into_iter().filter(is_one) {
        let file = document(source.path.to_str().expect("a plain path"));
        let code = file.split("#[cfg(test)]").next().expect("a first part");
        // What `expect` has is for developers.
        let is_said = |text: &&String| {
            is_sentence(text)
                && code.contains(text.as_str())
                && !code.contains(&format!("expect(\"{text}"))
        };
        for text in source.strings.iter().filter(is_said) {
            for part in text.split(['{', '}']).step_by(2) {
                assert!(page.contains(part), "{part:?} of {:?} isn't there", source.path);
            }
            sentences += 1;
        }
    }
    assert!(sentences > 20, "{sentences}");
}

/// Whether a string of the source is something that a person reads.
fn is_sentence(text: &str) -> bool {
    let is_head = text.contains("\\r\\n") || text.contains(": ") && text.contains("--");
    text.matches(' ').count() >= 3 && text.starts_with(|c: char| c.is_ascii_lowercase()) && !is_head
}

/// Each text that a client can see is in docs/protocol.md, up to what is filled
/// in.
#[test]
fn the_protocol_names_every_text_of_the_server() {
    // Lines are wrapped there.
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let protocol = flat(&document("docs/protocol.md"));
    for text in sources("src/chat/texts").into_iter().flat_map(|source| source.strings) {
        for part in text.split(['{', '}']).step_by(2) {
            assert!(protocol.contains(&flat(part)), "{part:?} isn't in docs/protocol.md");
        }
    }
}

/// The rows of docs/promises.md: number, and the names of tests.
fn promises() -> BTreeMap<usize, Vec<String>> {
    // A bar in a cell is escaped.
    let document = document("docs/promises.md").replace("\\|", "");
    let rows = document.lines().filter(|line| line.starts_with('|')).skip(2);
    let promise = |row: &str| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [number, promise, tests] = cells[..] else { panic!("not three cells: {row}") };
        assert!(!promise.is_empty());
        let tests = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (number.parse().expect("a number"), tests)
    };
    rows.map(promise).collect()
}

#[test]
fn each_promise_names_tests_that_exist() {
    for (number, tests) in promises() {
        assert!(!tests.is_empty(), "nothing proves promise {number}");
        assert_exist(tests.iter().map(String::as_str));
    }
}

/// There are tests with these names.
#[track_caller]
fn assert_exist<'a>(tests: impl Iterator<Item = &'a str>) {
    static SOURCES: LazyLock<Vec<Source>> =
        LazyLock::new(|| sources("src").into_iter().chain(sources("tests")).collect());
    for test in tests {
        let function = format!("fn {test}");
        let is_there = SOURCES.iter().any(|source| source.has_word(&function));
        assert!(is_there, "there is no test {test}");
    }
}

/// Each limit of docs/security.md has a test.
#[test]
fn each_limit_names_tests_that_exist() {
    let document = document("docs/security.md");
    let (_, limits) = document.split_once("## Limits").expect("a part on limits");
    let rows = limits.lines().skip_while(|line| !line.starts_with('|'));
    let rows: Vec<_> = rows.take_while(|line| line.starts_with('|')).skip(2).collect();
    assert!(rows.len() > 20, "{} limits", rows.len());
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split('|').collect();
        let [what, _default, _result, tests] = cells[..] else { panic!("not four cells: {row}") };
        let tests: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "nothing proves the limit of {what}");
        assert_exist(tests.into_iter());
    }
}

/// What a test here says of itself and what docs/promises.md says of it is the
/// same.
#[test]
fn each_test_that_proves_a_promise_is_named_with_it() {
    let promises = promises();
    let mut promises_of_test = BTreeMap::<&str, BTreeSet<usize>>::new();
    let files = sources("tests/e2e").into_iter().map(|source| source.path);
    let texts: Vec<_> = files.map(|path| document(path.to_str().expect("a plain path"))).collect();
    for text in &texts {
        let mut numbers = BTreeSet::new();
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("/// Promise") {
                let head = comment.split(':').next().expect("a first part");
                let words = head.split(|c: char| !c.is_ascii_digit());
                numbers = words.filter_map(|word| word.parse().ok()).collect();
            } else if let Some(function) = line.strip_prefix("fn ") {
                let name = function.split('(').next().expect("a first part");
                promises_of_test.insert(name, std::mem::take(&mut numbers));
            }
        }
    }
    for (test, numbers) in promises_of_test {
        let named = promises.iter().filter(|(_, tests)| tests.iter().any(|name| name == test));
        let named: BTreeSet<_> = named.map(|(number, _)| *number).collect();
        assert_eq!(numbers, named, "{test}: said there, and in docs/promises.md");
    }
}

/// docs/testing.md has each mutant of tests/mutants, and what has killed it is
/// still there.
#[test]
fn each_mutant_is_in_the_document() {
    let document = document("docs/testing.md");
    let (_, table) = document.split_once("| killed by |\n|---|---|---|\n").expect("the table");
    let rows: BTreeMap<_, _> = table.lines().map_while(mutant).collect();
    let files = fs::read_dir(root().join("tests/mutants")).expect("the directory exists");
    let paths = files.map(|file| file.expect("a file").path());
    let patches: Vec<_> = paths.filter(|path| path.extension().is_some()).collect();
    assert_eq!(patches.len(), rows.len(), "the runner prints the table");
    for path in patches {
        let name = path.file_stem().and_then(OsStr::to_str).expect("a plain name");
        let patch = fs::read_to_string(&path).expect("a patch");
        let what = patch.lines().next().map(|line| line.trim_end_matches('.'));
        let row = rows.get(name).unwrap_or_else(|| panic!("{name} isn't in docs/testing.md"));
        assert_eq!(what, Some(row.0), "{name}: what is broken");
        assert_exist(row.1.split('`').skip(1).step_by(2));
    }
}

/// A row of the table of mutants: name, what is broken, killed by.
fn mutant(row: &str) -> Option<(&str, (&str, &str))> {
    let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
    let [name, what, tests] = cells[..] else { return None };
    Some((name, (what, tests)))
}
