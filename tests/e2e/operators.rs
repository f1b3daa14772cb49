//! Files with passwords and bans, of the real program.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::{Client, Host, Program, run};

/// A directory with a file `password`, and what else is made in it.
fn with_password(text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("password");
    fs::write(&path, text).expect("it can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    (directory, path)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn operator(program: &Program) -> Client {
    let mut ann = program.connect();
    ann.read_greeting();
    ann.say("/op secret");
    ann.hears("*** you are now an operator; /help shows what you can do");
    ann
}

#[test]
fn bans_are_in_their_file_after_a_restart() {
    let (directory, password) = with_password("secret\n");
    let bans = directory.path().join("bans");
    let options = ["--operator-file", text(&password), "--bans", text(&bans)];
    let mut program = Program::start(&options);
    let mut ann = operator(&program);
    ann.say("/ban 192.0.2.0/24 spam from there");
    ann.hears(
        "*** 192.0.2.0/24 is banned for ever: \"spam from there\", 0 clients were disconnected",
    );
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let file = fs::read_to_string(&bans).expect("it is there");
    assert_eq!(file.lines().nth(1), Some("192.0.2.0/24 forever guest1 spam from there"), "{file}");
    let mut program = Program::start(&options);
    let mut ann = operator(&program);
    ann.say("/bans");
    ann.hears("*** 1 ban:");
    ann.hears("*** 192.0.2.0/24, by guest1: \"spam from there\"");
    ann.say("/unban 192.0.2.0/24");
    ann.hears("*** 192.0.2.0/24 is no longer banned");
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let file = fs::read_to_string(&bans).expect("it is there");
    assert_eq!(file.lines().count(), 1, "{file}");
    // Nothing else is left beside it.
    assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 2);
}

#[test]
fn bans_that_cannot_be_saved_are_told() {
    let (directory, password) = with_password("secret");
    let nowhere = directory.path().join("nowhere");
    fs::create_dir(&nowhere).expect("a directory");
    let bans = nowhere.join("bans");
    let program = Program::start(&["--operator-file", text(&password), "--bans", text(&bans)]);
    fs::remove_dir_all(&nowhere).expect("it is ours");
    let mut ann = operator(&program);
    ann.say("/ban 192.0.2.7 1");
    ann.hears("*** 192.0.2.7/32 is banned for 60 s more, 0 clients were disconnected");
    ann.hears("*** the bans can't be saved, so they end with the server");
    let mut program = program;
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let log = program.stderr();
    assert!(log.contains("cannot write") && log.contains(text(&bans)), "{log}");
}

#[test]
fn bad_files_are_told_in_one_line_and_exit_with_1() {
    let line = "it must hold one line of 1 to 200 bytes that can be typed";
    let cases = [
        ("--password-file", "", line),
        ("--password-file", "two\nlines\n", line),
        ("--operator-file", " secret", line),
        ("--operator-file", "\u{7}", line),
        ("--bans", "lan forever ann\n", "line 1: expected an address like 192.0.2.7"),
        ("--bans", "# none\n192.0.2.7 soon ann\n", "line 2: expected a time like"),
    ];
    for (option, content, clue) in cases {
        let (_directory, path) = with_password(content);
        let output = run(&["--listen", "127.0.0.1:0", option, text(&path)]);
        let errors = String::from_utf8(output.stderr).expect("it is UTF-8");
        assert_eq!(output.status.code(), Some(1), "{option} {content:?}: {errors}");
        let complaint = errors.lines().find(|line| line.starts_with("roomcast: "));
        let complaint = complaint.unwrap_or_else(|| panic!("{errors}"));
        assert!(complaint.contains(clue) && complaint.contains(text(&path)), "{complaint}");
        assert!(!errors.contains("secret"), "{errors}");
    }
    let output = run(&["--listen", "127.0.0.1:0", "--password-file", "/nowhere/password"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_password_that_others_can_read_is_warned_of() {
    let (_directory, path) = with_password("secret\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let mut program = Program::start(&["--password-file", text(&path)]);
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let log = program.stderr();
    assert!(log.contains("others can use the password file"), "{log}");
}

/// The log names the address at each wrong password, and no name.
#[test]
fn wrong_passwords_are_in_the_log() {
    let (_directory, path) = with_password("secret\n");
    let mut program = Program::start(&["--password-file", text(&path)]);
    for _ in 0..2 {
        let mut stranger = program.connect();
        stranger.hears("*** this room has a password: type it");
        stranger.send("1\n2\n3\n");
        let told = String::from_utf8(stranger.rest()).expect("UTF-8");
        assert!(told.ends_with("*** goodbye: wrong password, and no tries are left\n"), "{told}");
    }
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let log = program.stderr();
    assert_eq!(log.matches(": wrong password\n").count(), 6, "{log}");
    assert!(log.contains("ended: 2 no password"), "{log}");
}

/// So does a client that guesses the operators' password; nothing of the guess does.
#[test]
fn wrong_guesses_are_in_the_log() {
    let (_directory, path) = with_password("secret\n");
    let mut program = Program::start(&["--operator-file", text(&path)]);
    let [mut ann] = program.guests();
    ann.say("/op hunter2");
    ann.hears("*** wrong operator password, 2 tries left");
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let log = program.stderr();
    assert_eq!(log.matches(": wrong operator password").count(), 1, "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}

/// Whatever operators do is in the log, with who did it to whom.
#[test]
fn what_operators_do_is_in_the_log() {
    let (_directory, path) = with_password("secret\n");
    let mut program = Program::start(&["--operator-file", text(&path)]);
    let [mut ann, mut bob, mut eve] = program.guests();
    let from = ann.address();
    ann.say("/nick boss");
    ann.hears("*** guest1 is now boss");
    ann.say("/op secret");
    ann.hears("*** you are now an operator; /help shows what you can do");
    ann.say("/mute guest2");
    ann.hears("*** guest2 is muted");
    ann.say("/kick guest3 spam");
    eve.rest();
    bob.say("/report guest3 rude");
    ann.say("/ban 192.0.2.7 5 spam\n/unban 192.0.2.7\n/announce tea");
    while bob.line() != "*** boss announces: tea" {}
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let log = program.stderr();
    for what in [
        "became an operator",
        "mutes guest2 from this machine",
        "kicks guest3 from this machine: \"spam\"",
        "bans 192.0.2.7/32 for 5 minutes, disconnecting 0 clients: \"spam\"",
        "takes back the ban of 192.0.2.7/32",
        "announces \"tea\"",
    ] {
        let line = format!("operator boss ({from}) {what}");
        assert_eq!(log.matches(&line).count(), 1, "{line}: {log}");
    }
    let report = format!("{}: guest2 reports guest3 in lobby: \"rude\"", bob.address());
    let line = log.lines().find(|line| line.ends_with(&report));
    assert!(line.is_some_and(|line| line.contains("WARN")), "{report}: {log}");
}

#[test]
fn a_password_that_is_longer_than_a_line_may_be_is_refused() {
    let (_directory, path) = with_password("secret\n");
    let options = ["--listen", "127.0.0.1:0", "--max-line", "100", "--password-file", text(&path)];
    let output = run(&options);
    let errors = String::from_utf8(output.stderr).expect("it is UTF-8");
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("--max-line 100 is too short for --password-file"), "{errors}");
}

/// Promise 17: a typo is corrected as in any line, and what a terminal sends for the end of
/// a line isn't a part of the password.
#[test]
fn the_password_may_be_corrected_while_it_is_typed() {
    let (_directory, path) = with_password("secret\n");
    let program = Program::start(&["--password-file", text(&path)]);
    let typed: [&[u8]; 7] = [
        b"sercr\x08\x08\x08cret\n",
        b"secrte\x7f\x7fet\r\n",
        b"wrong\x15secret\r\0",
        b"secrex\xff\xf7t\r\n",
        b"wrong\xff\xf8secret\r\n",
        b"secret\r\r\n",
        b"\xef\xbb\xbfsecret\n",
    ];
    for typed in typed {
        let mut stranger = program.connect();
        stranger.send(typed);
        let mut heard = Vec::new();
        while !heard.windows(8).any(|window| window == b"welcome,") {
            heard.extend(stranger.any_line());
            assert!(!heard.windows(5).any(|window| window == b"wrong"), "{}", typed.escape_ascii());
        }
    }
}
