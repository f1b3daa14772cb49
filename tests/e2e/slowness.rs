//! Readers that are slow or have stopped reading.

use std::time::Duration;

use roomcast::chat::{Config, OnLag};

use crate::harness::{Client, Host, Program, Room};

/// More than the kernel and the backlog keep for a client that doesn't read.
const LINES: usize = 3000;
const LINE_BYTES: usize = 1000;
/// What `talk` gives while nobody comes or goes.
const NO_NOTICES: [&str; 0] = [];
/// So many lines at once don't make a reader fall behind.
const BATCH: usize = 16;

fn backlog() -> Config {
    Config {
        backlog_bytes_max: 1 << 16,
        clients_max: 100,
        stall_timeout: None,
        on_lag: OnLag::Skip,
        ..Config::default()
    }
}

/// A client that doesn't read, one that does, and a client that speaks to both.
fn slow_fast_and_speaker(room: &impl Host) -> (Client, Client, Client) {
    let mut slow = Client::with_small_buffer(room.address());
    slow.read_greeting();
    let mut fast = room.guest(&mut [&mut slow]);
    let speaker = room.guest(&mut [&mut slow, &mut fast]);
    (slow, fast, speaker)
}

/// The speaker says lines with numbers, and the fast one hears them all. Gives
/// the notices between them.
fn talk(speaker: &mut Client, fast: &mut Client) -> Vec<String> {
    let mut notices = Vec::new();
    for batch in (0..LINES).collect::<Vec<_>>().chunks(BATCH) {
        for number in batch {
            speaker.say(format!("{number} {}", "x".repeat(LINE_BYTES)));
        }
        for number in batch {
            let mut line = fast.line();
            while line.starts_with("*** ") {
                notices.push(std::mem::replace(&mut line, fast.line()));
            }
            assert!(line.starts_with(&format!("<guest3> {number} x")), "{line}");
        }
    }
    notices
}

/// The number in a line of `talk`.
fn number(line: &str) -> Option<usize> {
    let (number, rest) = line.strip_prefix("<guest3> ")?.split_once(' ')?;
    assert_eq!(rest.len(), LINE_BYTES, "the line is whole");
    number.parse().ok()
}

/// Promise 6: a client that falls out of the backlog is told once how many lines it
/// missed, exactly, and goes on; nobody else waits for it.
#[test]
fn a_reader_that_falls_behind_is_told_how_many_lines_it_missed() {
    let room = Room::with(backlog());
    let (mut slow, mut fast, mut speaker) = slow_fast_and_speaker(&room);
    assert_eq!(talk(&mut speaker, &mut fast), NO_NOTICES);
    let (mut delivered, mut skipped) = (0, 0);
    while delivered + skipped < LINES {
        let line = slow.line();
        if let Some(number) = number(&line) {
            assert_eq!(number, delivered + skipped);
            delivered += 1;
            continue;
        }
        let notice = line.strip_prefix("*** ").and_then(|notice| {
            notice.strip_suffix(" lines skipped: they came faster than you read")
        });
        assert_eq!(skipped, 0, "told once");
        skipped = notice.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{line}"));
    }
    assert!(skipped > 0);
    slow.say("back again");
    fast.hears("<guest1> back again");
    assert_eq!(room.close().lines_missed, skipped as u64);
}

#[test]
fn with_on_lag_close_a_reader_that_falls_behind_is_closed() {
    let options =
        ["--on-lag", "close", "--backlog", "65536", "--rate", "0", "--stall-timeout", "0"];
    let program = Program::start(&options);
    let (mut slow, mut fast, mut speaker) = slow_fast_and_speaker(&program);
    assert_eq!(talk(&mut speaker, &mut fast), NO_NOTICES);
    let mut delivered = 0;
    let farewell = loop {
        let line = slow.line();
        match number(&line) {
            Some(number) => assert_eq!(number, delivered),
            None => break line,
        }
        delivered += 1;
    };
    let missed = LINES - delivered;
    assert_eq!(farewell, format!("*** goodbye: {missed} lines came faster than you read"));
    slow.expect_eof();
    fast.hears("*** guest1 left (too slow)");
    speaker.hears("*** guest1 left (too slow)");
}

/// Promise 7: a client that takes no byte for the stall limit is closed, with the
/// reason told.
#[test]
fn one_who_has_stopped_reading_is_closed_after_the_stall_timeout() {
    let program = Program::start(&["--stall-timeout", "1", "--rate", "0"]);
    let (mut slow, mut fast, mut speaker) = slow_fast_and_speaker(&program);
    let mut notices = talk(&mut speaker, &mut fast);
    if notices.is_empty() {
        notices.push(fast.line());
    }
    assert_eq!(notices, ["*** guest1 left (stopped reading)"]);
    speaker.hears("*** guest1 left (stopped reading)");
    slow.read_to_any_end();
}

/// Promise 7: a client that takes a little all the time isn't stuck, although the
/// kernel says only after a third of what it keeps that it takes more.
#[test]
fn one_who_reads_slowly_has_not_stopped_reading() {
    let program = Program::start(&["--rate", "0", "--stall-timeout", "4"]);
    let (mut slow, mut fast, mut speaker) = slow_fast_and_speaker(&program);
    assert_eq!(talk(&mut speaker, &mut fast), NO_NOTICES);
    for number in 0..180 {
        // 20 KB a second, for more than twice the limit.
        slow.hears(format!("<guest3> {number} {}", "x".repeat(LINE_BYTES)));
        fast.hears_nothing_for(Duration::from_millis(50));
    }
}
