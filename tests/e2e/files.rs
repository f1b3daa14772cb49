//! The files of options: what may stand there, and how they are written.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::{Client, Host, PATIENCE, Program, lacks, run};

/// Each option that takes a file.
const OPTIONS: [&str; 6] =
    ["--motd", "--password-file", "--operator-file", "--access-file", "--key-file", "--bans"];

const PASSWORD: &str = "a longer secret";

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn make_fifo(path: &Path) {
    let mode = Mode::from_raw_mode(0o600);
    mknodat(CWD, path, FileType::Fifo, mode, 0).expect("a FIFO");
}

/// The program says in one line what is wrong with this file, and ends.
#[track_caller]
fn is_refused(option: &str, path: &Path, clue: &str) {
    let path = path.to_str().expect("a plain path");
    let output = run(&["--listen", "127.0.0.1:0", option, path]);
    let errors = String::from_utf8(output.stderr).expect("it is UTF-8");
    assert_eq!(output.status.code(), Some(1), "{option} {path}: {errors}");
    let complaints: Vec<_> = errors.lines().filter(|line| line.starts_with("roomcast: ")).collect();
    assert_eq!(complaints.len(), 1, "{errors}");
    let named = format!("{path} for {option}: ");
    assert!(complaints[0].contains(&named) && complaints[0].contains(clue), "{errors}");
    assert!(!errors.contains("secret"), "{errors}");
}

/// A file for `--operator-file`, and one for `--bans`.
fn operator_files(directory: &TempDir) -> (PathBuf, PathBuf) {
    let (password, bans) = (directory.path().join("operator"), directory.path().join("bans"));
    fs::write(&password, PASSWORD).expect("an empty directory");
    (password, bans)
}

fn options<'a>(password: &'a Path, bans: &'a Path) -> [&'a str; 4] {
    let text = |path: &'a Path| path.to_str().expect("a plain path");
    ["--operator-file", text(password), "--bans", text(bans)]
}

/// Bans an address, which works at once whatever becomes of the file.
fn ban(ann: &mut Client, address: &str) {
    ann.say(format!("/op {PASSWORD}"));
    ann.hears("*** you are now an operator; /help shows what you can do");
    ann.say(format!("/ban {address}"));
    ann.hears(format!("*** {address}/32 is banned for ever, 0 clients were disconnected"));
}

/// Promise 41.
#[test]
fn a_file_of_an_option_must_be_a_regular_file() {
    let directory = directory();
    let fifo = directory.path().join("fifo");
    make_fifo(&fifo);
    for option in OPTIONS {
        is_refused(option, &fifo, "it is a FIFO, and must be a regular file");
        is_refused(option, Path::new("/dev/zero"), "it is a device, and must be a regular file");
        is_refused(option, directory.path(), "it is a directory, and must be a regular file");
    }
    let zero = fs::metadata("/dev/zero").expect("it is there");
    assert!(zero.file_type().is_char_device(), "it is left alone");
}

#[test]
fn a_place_where_bans_can_not_be_kept_is_found_at_the_start() {
    is_refused("--bans", Path::new("/no/such/directory/bans"), "its directory must be there");
    // Root may open it, but it holds no bans.
    is_refused("--bans", Path::new("/proc/version"), "cannot use");
}

#[test]
fn a_byte_order_mark_is_left_out() {
    let directory = directory();
    let (password, bans) = operator_files(&directory);
    fs::write(&password, format!("\u{feff}{PASSWORD}\r\n")).expect("it is ours");
    fs::write(&bans, "\u{feff}192.0.2.7 forever ann\n").expect("it is ours");
    let motd = directory.path().join("motd");
    fs::write(&motd, "\u{feff}hello\n").expect("it is ours");
    let mut options = options(&password, &bans).to_vec();
    options.extend(["--motd", motd.to_str().expect("a plain path")]);
    let program = Program::start(&options);
    let mut ann = program.connect();
    assert!(ann.line().starts_with("*** welcome"));
    ann.hears("*** hello");
    assert!(ann.line().contains(" here: "));
    ban(&mut ann, "192.0.2.8");
    ann.say("/bans");
    ann.hears("*** 2 bans:");
}

#[test]
fn text_that_is_not_utf_8_is_refused_with_its_line() {
    let directory = directory();
    let path = directory.path().join("file");
    for option in ["--motd", "--bans"] {
        fs::write(&path, b"# one\n# two\n# k\xe4se\n").expect("it is ours");
        is_refused(option, &path, "line 3 isn't UTF-8");
    }
    for option in ["--password-file", "--operator-file"] {
        fs::write(&path, b"secret k\xe4se\n").expect("it is ours");
        is_refused(option, &path, "line 1 isn't UTF-8");
    }
}

#[test]
fn an_invisible_character_is_refused_where_it_would_count() {
    let directory = directory();
    let path = directory.path().join("file");
    for option in ["--password-file", "--operator-file"] {
        for (c, name) in [("\u{200b}", "U+200B"), ("\u{200f}", "U+200F"), ("\u{ad}", "U+00AD")] {
            fs::write(&path, format!("secret{c}\n")).expect("it is ours");
            is_refused(option, &path, &format!("it holds an invisible character ({name})"));
        }
    }
    fs::write(&path, "# none\n192.0.2.7\u{200b} forever ann\n").expect("it is ours");
    is_refused("--bans", &path, "line 2: there is an invisible character (U+200B)");
}

#[test]
fn two_servers_on_one_file_of_bans_are_refused() {
    let directory = directory();
    let (password, bans) = operator_files(&directory);
    let program = Program::start(&options(&password, &bans));
    is_refused("--bans", &bans, "another roomcast uses it");
    // The file that is there after a change, too.
    let [mut ann] = program.guests();
    ban(&mut ann, "192.0.2.7");
    wait_for(&bans, "192.0.2.7");
    is_refused("--bans", &bans, "another roomcast uses it");
    drop(program);
    Program::start(&options(&password, &bans));
}

/// Waits until a file has this in it.
#[track_caller]
fn wait_for(path: &Path, text: &str) {
    let start = Instant::now();
    while !fs::read_to_string(path).is_ok_and(|content| content.contains(text)) {
        assert!(start.elapsed() < PATIENCE, "{text} isn't in {}", path.display());
        std::thread::yield_now();
    }
}

/// Promise 41.
#[test]
fn a_message_that_becomes_a_fifo_holds_up_nobody() {
    let directory = directory();
    let (motd, fifo) = (directory.path().join("motd"), directory.path().join("fifo"));
    fs::write(&motd, "hello").expect("it is ours");
    make_fifo(&fifo);
    let program = Program::start(&["--motd", motd.to_str().expect("a plain path")]);
    fs::rename(&fifo, &motd).expect("it is ours");
    for number in 1..=3 {
        let mut newcomer = program.connect();
        newcomer.hears(format!(
            "*** welcome, guest{number}: just type, or try /help (editing: /edit, PuTTY, rlwrap nc)"
        ));
        newcomer.hears("*** hello");
        assert!(newcomer.line().contains(" here: "));
    }
    let log = program.logs("it is a FIFO");
    assert_eq!(log.matches("cannot read").count(), 1, "{log}");
}

/// Promise 41.
#[test]
fn a_message_that_is_read_slowly_holds_up_nobody() {
    if lacks(&["strace"]) {
        return;
    }
    let directory = directory();
    let motd = directory.path().join("motd");
    fs::write(&motd, "hello").expect("it is ours");
    let path = motd.to_str().expect("a plain path");
    // From the second time on: at the start nobody waits.
    let slow = "inject=openat:delay_enter=5000000:when=2+";
    let program = Program::tampered(&["-P", path, "-e", slow], &["--motd", path]);
    let start = Instant::now();
    let mut newcomer = program.connect();
    newcomer
        .hears("*** welcome, guest1: just type, or try /help (editing: /edit, PuTTY, rlwrap nc)");
    newcomer.hears("*** hello");
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

/// Promise 41.
#[test]
fn a_slow_disk_delays_nobody_when_bans_are_saved() {
    if lacks(&["strace"]) {
        return;
    }
    let directory = directory();
    let (password, bans) = operator_files(&directory);
    let slow = ["-e", "trace=fsync", "-e", "inject=fsync:delay_enter=3000000"];
    let mut program = Program::tampered(&slow, &options(&password, &bans));
    let [mut ann, mut bob] = program.guests();
    let start = Instant::now();
    ban(&mut ann, "192.0.2.7");
    for number in 0..100 {
        ann.say(number.to_string());
        bob.hears(format!("<guest1> {number}"));
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let content = fs::read_to_string(&bans).expect("it is there");
    assert!(!content.contains("192.0.2.7"), "the disk is slow");
    // Nothing that was accepted is lost at the end.
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let content = fs::read_to_string(&bans).expect("it is there");
    assert!(content.contains("192.0.2.7"), "{content}");
}

#[test]
fn bans_that_can_not_be_replaced_are_written_in_place() {
    if lacks(&["strace"]) {
        return;
    }
    let directory = directory();
    let (password, bans) = operator_files(&directory);
    fs::write(&bans, "# nothing\n".repeat(100)).expect("it is ours");
    let before = fs::metadata(&bans).expect("it is there").ino();
    // As for a file that is mounted by itself.
    let busy = ["-e", "trace=/^rename", "-e", "inject=/^rename:error=EBUSY"];
    let mut program = Program::tampered(&busy, &options(&password, &bans));
    let [mut ann] = program.guests();
    ban(&mut ann, "192.0.2.7");
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let content = fs::read_to_string(&bans).expect("it is there");
    assert!(content.ends_with("192.0.2.7/32 forever guest1\n"), "{content}");
    assert_eq!(content.lines().count(), 2, "{content}");
    assert_eq!(fs::metadata(&bans).expect("it is there").ino(), before);
    assert_eq!(fs::read_dir(directory.path()).expect("it is there").count(), 2);
}

#[test]
fn a_key_file_can_be_made_without_hard_links() {
    if lacks(&["strace"]) {
        return;
    }
    let directory = directory();
    let path = directory.path().join("key");
    let no_links = ["-e", "trace=link,linkat", "-e", "inject=link,linkat:error=EPERM"];
    let key_file = ["--key-file", path.to_str().expect("a plain path")];
    let program = Program::tampered(&no_links, &key_file);
    program.guests::<1>();
    let key = fs::read_to_string(&path).expect("it was made");
    assert_eq!(key.trim_end().len(), 64);
    assert_eq!(fs::metadata(&path).expect("it is there").mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(directory.path()).expect("it is there").count(), 1);
    drop(program);
    // And it is read again.
    Program::start(&key_file);
    assert_eq!(fs::read_to_string(&path).expect("it is there"), key);
}

#[test]
fn a_limit_on_the_size_of_files_ends_nothing_and_is_told() {
    if lacks(&["prlimit"]) {
        return;
    }
    let directory = directory();
    let (password, bans) = operator_files(&directory);
    let mut program = Program::started_by(&["prlimit", "--fsize=300"], &options(&password, &bans));
    let [mut ann] = program.guests();
    ban(&mut ann, "192.0.2.1");
    wait_for(&bans, "192.0.2.1");
    for number in 2..=20 {
        ann.say(format!("/ban 192.0.2.{number}"));
    }
    let unsaved = "*** the bans can't be saved, so they end with the server";
    let mut line = ann.line();
    while line != unsaved {
        line = ann.line();
    }
    let kept = fs::read_to_string(&bans).expect("it is there");
    assert!(kept.contains("192.0.2.1") && kept.ends_with('\n'), "it is whole: {kept}");
    // Bans that came meanwhile are tried again; afterwards no file is left of that.
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    assert_eq!(fs::read_dir(directory.path()).expect("it is there").count(), 2);
}

/// Bans and the key for proofs are there again, and no second server gets at them.
#[test]
fn a_data_directory_keeps_bans_and_the_key() {
    let parent = directory();
    let (password, _) = operator_files(&parent);
    let data = parent.path().join("data");
    let [operators, data_option] = [&password, &data].map(|path| path.to_str().expect("UTF-8"));
    let options = ["--operator-file", operators, "--data", data_option];
    let mut program = Program::start(&options);
    let kept = "; what is said here is kept";
    let mut ann = program.guest(&mut []);
    assert!(ann.here().ends_with(kept), "{}", ann.here());
    ban(&mut ann, "192.0.2.1");
    is_refused("--data", &data, "another roomcast uses it");
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let key = fs::read(data.join("key")).expect("it was made");

    // A service of systemd is told by a variable.
    let variable = format!("STATE_DIRECTORY={data_option}:/var/lib/other");
    let mut program = Program::started_by(&["env", &variable], &options[..2]);
    let mut ann = program.guest(&mut []);
    assert!(ann.here().ends_with(kept), "{}", ann.here());
    ann.say(format!("/op {PASSWORD}"));
    ann.line();
    ann.say("/bans");
    ann.hears("*** 1 ban:");
    assert!(ann.line().starts_with("*** 192.0.2.1/32"));
    assert_eq!(fs::read(data.join("key")).expect("it is there"), key);
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let mut names: Vec<_> = fs::read_dir(&data)
        .expect("a directory")
        .map(|entry| entry.expect("a file").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert_eq!(names, ["bans", "key", "lock", "roomcast.db"]);
}

#[test]
fn without_a_data_directory_the_log_says_that_nothing_is_kept() {
    let says = |options: &[&str]| {
        let mut program = Program::start(options);
        program.signal(Signal::TERM);
        assert_eq!(program.exit_code(), 0);
        program.stderr().contains("see --data")
    };
    assert!(says(&[]));
    assert!(!says(&["--raw"]), "it has nothing to keep");
    let parent = directory();
    let data = parent.path().join("data");
    assert!(!says(&["--data", data.to_str().expect("UTF-8")]));
}
