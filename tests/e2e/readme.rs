//! What the README shows is what happens.

use rustix::process::Signal;

use crate::harness::{Program, lacks, run};
use crate::netcat::Netcat;
use crate::source::{blocks, document};

/// Whether a cell of the transcript is what somebody types.
fn is_typed(cell: &str) -> bool {
    !["*** ", "<", "* "].iter().any(|start| cell.starts_with(start))
}

#[test]
fn the_transcript_of_the_readme_is_what_happens() {
    if lacks(&["nc"]) {
        return;
    }
    let room = Program::plain(&[]);
    let port = room.port().to_string();
    let mut people: [Option<Netcat>; 2] = [None, None];
    let transcript = &blocks(&document("README.md"), "text")[0];
    for row in transcript.lines() {
        let (left, right) = row.split_once('|').expect("two columns");
        let cells = [left.trim_end(), right.trim()];
        let filled = || cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
        for (who, cell) in filled().filter(|(_, cell)| is_typed(cell)) {
            match cell.strip_prefix("$ nc localhost 8008") {
                Some(_) => people[who] = Some(Netcat::run("nc", &["127.0.0.1", &port])),
                None => people[who].as_mut().expect("they have joined").typist.say(cell),
            }
        }
        for (who, cell) in filled().filter(|(_, cell)| !is_typed(cell)) {
            let typist = &mut people[who].as_mut().expect("they have joined").typist;
            if let Some(begin) = cell.strip_suffix('…') {
                // Its end has no place there.
                let line = typist.line();
                assert!(line.starts_with(begin), "{line}");
                continue;
            }
            match cell.split_once('@') {
                // Each start has a name of its own.
                Some((before, after)) => {
                    let line = typist.line();
                    let (heard, rest) = line.split_once('@').expect("a run");
                    assert_eq!((heard, &rest[4..]), (before, &after[4..]));
                }
                None => typist.hears(cell),
            }
        }
    }
}

#[test]
fn the_options_in_operating_are_the_help() {
    let help = String::from_utf8(run(&["--help"]).stdout).expect("the help is UTF-8");
    let page = document("docs/operating.md");
    let (_, options) = page.split_once("## Options").expect("a part on options");
    // Lines that the help leaves blank have blanks in it.
    assert!(help.lines().map(str::trim_end).eq(blocks(options, "text")[0].lines()), "{help}");
}

#[test]
fn the_readme_is_short() {
    assert!(document("README.md").lines().count() <= 120);
}

/// Each `$ cargo run --release -- OPTIONS` starts a room; only the addresses are
/// others here, so that no port or path has to be free.
#[test]
fn the_commands_of_the_readme_start_a_room() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = format!("unix:{}/room", directory.path().display());
    let readme = document("README.md");
    let blocks = blocks(&readme, "console").concat();
    let commands = blocks.lines().filter_map(|line| line.strip_prefix("$ cargo run --release"));
    let mut count = 0;
    for command in commands {
        let mut words = command.trim().trim_start_matches("--").split_whitespace();
        let (mut addresses, mut options) = (Vec::new(), Vec::new());
        while let Some(word) = words.next() {
            match (word, word == "--listen") {
                (_, true) => addresses.push(match words.next().expect("an address") {
                    address if address.starts_with("unix:") => path.as_str(),
                    _ => "127.0.0.1:0",
                }),
                (word, false) => options.push(word),
            }
        }
        if addresses.is_empty() {
            addresses.push("127.0.0.1:0");
        }
        let mut room = Program::listening(&addresses, &options);
        assert!(room.stdout_line().starts_with("join with: nc "));
        room.signal(Signal::INT);
        assert_eq!(room.exit_code(), 0, "{command}");
        count += 1;
    }
    assert_eq!(count, 6, "the README has as many commands");
}
