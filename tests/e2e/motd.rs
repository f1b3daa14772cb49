//! The message of the day.

use std::fs;

use rustix::process::Signal;

use crate::harness::{Host, Program, run};

/// It is read again for each newcomer; when it can't be, the last one stays.
#[test]
fn a_newcomer_sees_what_is_in_the_file_now() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("motd");
    fs::write(&path, "one\n\u{1b}[31mtwo\n").expect("a file");
    let mut program = Program::start(&["--motd", path.to_str().expect("a plain path")]);
    let check = |program: &Program, number: usize, expected: &[&str]| {
        let mut newcomer = program.connect();
        newcomer.hears(format!(
            "*** welcome, guest{number}: just type, or try /help (editing: /edit, PuTTY, rlwrap nc)"
        ));
        for line in expected {
            newcomer.hears(format!("*** {line}"));
        }
        assert!(newcomer.line().contains(" here: "));
    };
    check(&program, 1, &["one", "two"]);
    fs::write(&path, "three").expect("a file");
    check(&program, 2, &["three"]);
    fs::remove_file(&path).expect("it is there");
    check(&program, 3, &["three"]);
    check(&program, 4, &["three"]);
    fs::write(&path, "").expect("a file");
    check(&program, 5, &[]);
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    assert_eq!(program.stderr().matches("cannot read").count(), 1, "{}", program.stderr());
}

#[test]
fn a_message_that_can_not_be_read_at_the_start_is_told_in_one_line() {
    let output = run(&["--listen", "127.0.0.1:0", "--motd", "/nowhere/motd"]);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).expect("it is UTF-8");
    let last = errors.lines().last().expect("a line");
    assert!(last.starts_with("roomcast: cannot read /nowhere/motd for --motd: "), "{errors}");
}
