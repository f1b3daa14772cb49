//! Standard output and standard error, which nobody may be reading.

use std::io::{BufRead, BufReader, pipe};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{Client, Host, PATIENCE, Program, command};
use crate::support::full_pipe;
use crate::support::process::Process;

/// Longer than an end takes whose output nobody reads, and shorter than promised.
const END_TIME_MAX: Duration = Duration::from_secs(6);

/// Clients come and go, and make the server write more log lines than wait for
/// a reader at one time; two of them talk. In raw mode they see nothing else.
fn talk(program: &Program) {
    let (mut ann, mut bob) = (program.connect(), program.connect());
    for number in 0..700 {
        program.connect().reset();
        ann.say(number.to_string());
        bob.hears(number.to_string());
    }
}

/// Promises 28 and 33.
#[test]
fn a_full_standard_error_delays_no_client_and_no_end() {
    let (_reader, writer) = full_pipe().expect("a pipe");
    let mut program = Program::with_stderr(writer, &["--raw"]);
    talk(&program);
    let start = Instant::now();
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    assert!(start.elapsed() < END_TIME_MAX, "{:?}", start.elapsed());
}

/// Promise 33.
#[test]
fn log_lines_that_standard_error_does_not_take_are_dropped_and_counted() {
    let (reader, writer) = full_pipe().expect("a pipe");
    let mut program = Program::with_stderr(writer, &["--raw"]);
    talk(&program);
    let (told, is_told) = std::sync::mpsc::channel();
    let log = thread::spawn(move || {
        let lines = BufReader::new(reader).lines();
        let mut log = Vec::new();
        for line in lines.map(|line| line.expect("UTF-8")) {
            if line.contains(" log messages dropped") {
                let _ = told.send(());
            }
            log.push(line);
        }
        log
    });
    is_told.recv_timeout(PATIENCE).expect("it is told");
    // And then everything is as before.
    talk(&program);
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    drop(program);
    let log = log.join().expect("no panic");
    let report = log.iter().position(|line| line.contains(" log messages dropped"));
    let report = report.expect("it was told");
    assert!(log[report].contains(" WARN "), "{}", log[report]);
    let words: Vec<_> = log[report].split(' ').collect();
    let count = words.iter().find_map(|word| word.parse::<usize>().ok());
    assert!(count.is_some_and(|count| count > 1), "{}", log[report]);
    assert!(report < log.len() - 1, "what comes later is written again");
    assert!(log[log.len() - 1].contains("stopped: "), "{:?}", log.last());
}

/// Promise 28.
#[test]
fn a_full_standard_output_delays_no_client_and_no_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let (_reader, writer) = full_pipe().expect("a pipe");
    let address = format!("unix:{}", path.display());
    let mut command = command(&["--listen", &address, "--presence-interval", "0"]);
    command.stdout(writer).stderr(Stdio::null());
    let mut process = Process::spawn(&mut command).expect("the binary was built");
    let start = Instant::now();
    while UnixStream::connect(&path).is_err() {
        assert!(start.elapsed() < PATIENCE, "it doesn't listen");
        thread::yield_now();
    }
    let mut ann = Client::connect(&socket2::SockAddr::unix(&path).expect("a short path"));
    ann.read_greeting();
    process.signal(Signal::TERM);
    assert!(process.ends_within(END_TIME_MAX), "it is still running");
    assert_eq!(process.wait().expect("it is a child").code(), Some(0));
}

#[test]
fn streams_that_are_full_or_closed_change_no_exit_code() {
    // An address that RFC 5737 keeps for documentation is no machine's.
    for redirection in ["2>/dev/full", "2>&-", ">/dev/full 2>&1", ">&- 2>&-"] {
        let script = format!("exec \"$0\" --listen 192.0.2.1:0 {redirection}");
        let program = env!("CARGO_BIN_EXE_roomcast");
        let status = Command::new("sh").args(["-c", &script, program]).status();
        assert_eq!(status.expect("a shell").code(), Some(1), "{redirection}");
    }
}

/// Who reads the log goes away, and the room stays.
#[test]
fn a_broken_standard_error_ends_nothing() {
    let (reader, writer) = pipe().expect("a pipe");
    let mut program = Program::with_stderr(writer, &["--raw"]);
    drop(reader);
    talk(&program);
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
}

/// Each line of the log is one object, whatever is in it.
#[test]
fn the_log_may_be_json() {
    let program = Program::start(&["--log-format", "json", "--deny", "127.0.0.1"]);
    let mut refused = program.connect();
    refused.hears("*** refused: your address is not allowed here");
    program.logs("your address is not allowed here");
    program.signal(Signal::TERM);
    let log = program.logs("stopped: ");
    for line in log.lines() {
        let object: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(object["level"], "info", "{line}");
        assert!(object["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
        assert!(object["message"].as_str().is_some_and(|it| !it.is_empty()), "{line}");
    }
}

/// The journal sorts by priority, and has a time of its own for each line.
#[test]
fn the_journal_is_told_priorities() {
    // Standard error of the program is a file of the harness; its number is what systemd says.
    let script = "JOURNAL_STREAM=$(stat -L -c %d:%i /dev/stderr) exec \"$0\" \"$@\"";
    let program = Program::started_by(&["sh", "-c", script], &[]);
    let log = program.logs("<6>place for ");
    assert!(log.lines().all(|line| line.starts_with("<6>")), "{log}");
    // Standard error is something else.
    let program = Program::started_by(&["env", "JOURNAL_STREAM=1:1"], &[]);
    assert!(program.logs("] place for ").starts_with('['));
}
