//! What is said outlasts the server (`--data`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::{Client, Host, PATIENCE, Program, command, lacks, run};
use crate::web::answer;

const KEPT: &str = "; what is said here is kept";
const INTERRUPTED: &str = "*** the server stopped without warning: what was said in its last moments \
                           may be missing";
const PASSWORD: &str = "a longer secret";

/// A directory for `--data`, and a file for `--operator-file` beside it.
struct Data {
    parent: TempDir,
}

impl Data {
    fn new() -> Data {
        let parent = tempfile::tempdir().expect("a directory");
        fs::write(parent.path().join("operator"), PASSWORD).expect("an empty directory");
        Data { parent }
    }

    fn path(&self) -> PathBuf {
        self.parent.path().join("data")
    }

    fn text(&self) -> String {
        self.path().to_str().expect("UTF-8").to_owned()
    }

    fn database(&self) -> PathBuf {
        self.path().join("roomcast.db")
    }

    /// A server that keeps what is said here.
    fn start(&self, options: &[&str]) -> Program {
        let data = self.text();
        let mut all = vec!["--presence-interval", "0", "--data", &data, "--rate", "0"];
        if !options.contains(&"--history") {
            all.extend(["--history", "0"]);
        }
        Program::plain(&[&all, options].concat())
    }

    fn with_operators(&self, options: &[&str]) -> Program {
        let operators = self.parent.path().join("operator");
        self.start(&[options, &["--operator-file", operators.to_str().expect("UTF-8")]].concat())
    }

    /// What `roomcast log` prints with these options.
    fn log(&self, options: &[&str]) -> String {
        let output = run(&[&["log", "--data", &self.text()], options].concat());
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

/// A client that has been greeted.
fn enter(program: &Program) -> Client {
    let mut client = program.connect();
    client.read_greeting();
    client
}

/// Reads up to this line.
#[track_caller]
fn skip_to(client: &mut Client, line: &str) {
    for _ in 0..100_000 {
        if client.line() == line {
            return;
        }
    }
    panic!("{line:?} never comes");
}

fn stop(mut program: Program) {
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0, "{}", program.stderr());
}

fn kill(mut program: Program) {
    program.signal(Signal::KILL);
    program.wait();
}

/// Says so many lines `NAME 1`, `NAME 2` and on, and hears them all.
fn talk(client: &mut Client, witness: &mut Client, name: &str, lines: usize) {
    let texts: Vec<_> = (1..=lines).map(|number| format!("{name} {number}")).collect();
    client.say(texts.join("\n"));
    skip_to(witness, &format!("<guest1> {name} {lines}"));
}

/// Promise 51: what was said is there after the server was stopped, and numbers go on.
#[test]
fn what_was_said_is_there_after_a_restart() {
    let data = Data::new();
    let program = data.start(&[]);
    let mut ann = enter(&program);
    ann.say("one\n/topic soup\n/me waves\n/join dev\nin dev\n/seq");
    ann.hears("*** ann set the topic: soup".replace("ann", ann.nick()).as_str());
    skip_to(&mut ann, &format!("*** 1 here: guest1{KEPT}"));
    let place = ann.line();
    let run = place.split('@').nth(1).expect("a run").split(' ').next().expect("a word").to_owned();
    stop(program);

    let program = data.start(&["--history", "50"]);
    let mut bob = program.connect();
    bob.read_greeting();
    assert!(bob.here().ends_with(KEPT), "{}", bob.here());
    bob.hears("*** topic: soup");
    // That somebody came is stored from the first line on that somebody says.
    bob.hears("*** the last 5 lines, from less than a minute ago on:");
    for line in [
        "<guest1> one",
        "*** guest1 set the topic: soup",
        "* guest1 waves",
        "*** guest1 went to dev",
        "*** the server is shutting down",
    ] {
        bob.hears(line);
    }
    // It has joined as the seventh line.
    bob.say(format!("/resume 4@{run}"));
    bob.hears("*** 3 lines after line 4:");
    bob.hears("*** guest1 went to dev");
    bob.hears("*** the server is shutting down");
    bob.hears("*** guest1 joined");
    bob.say("/join dev");
    bob.hears("*** you are now in dev");
    bob.hears(format!("*** 1 here: guest1{KEPT}"));
    bob.hears("*** the last 2 lines, from less than a minute ago on:");
    bob.hears("<guest1> in dev");
    bob.hears("*** the server is shutting down");
    bob.say("/seq");
    let said = bob.line();
    assert!(said.contains(&format!("@{run} ")) && said.starts_with("*** line 4 "), "{said}");
    stop(program);
}

/// Promise 52: after `kill -9` what was said is there, and no number is used again.
#[test]
fn after_a_kill_numbers_go_on_and_the_room_says_so() {
    let data = Data::new();
    let mut newest = 0;
    for round in 0..3 {
        let program = data.start(&["--history", "50"]);
        let mut ann = enter(&program);
        if round > 0 {
            skip_to(&mut ann, INTERRUPTED);
        }
        let mut bob = enter(&program);
        talk(&mut ann, &mut bob, "word", 10);
        // What is found is written.
        ann.say("/search word");
        skip_to(
            &mut ann,
            "*** the newest 20 lines with all these words, newest first:"
                .replace("20", if round == 0 { "10" } else { "20" })
                .as_str(),
        );
        (0..if round == 0 { 10 } else { 20 }).for_each(|_| _ = ann.line());
        ann.say("/seq");
        let line = ann.line();
        let number = line.split(' ').nth(2).and_then(|word| word.parse::<u64>().ok());
        let number = number.unwrap_or_else(|| panic!("{line}"));
        assert!(number > newest, "{number} after {newest}");
        newest = number;
        kill(program);
    }
    let log = data.log(&["--search", "word"]);
    assert_eq!(log.lines().count(), 30, "{log}");
    let numbers: Vec<u64> = log
        .lines()
        .map(|line| line.split(' ').nth(3).and_then(|word| word.parse().ok()).expect("a number"))
        .collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

/// Promise 53: what the log of a room doesn't hold any more comes from the store, in its
/// place.
#[test]
fn the_past_beyond_memory_is_read_in_its_place() {
    let data = Data::new();
    let program = data.start(&["--backlog", "64k"]);
    let mut ann = enter(&program);
    let mut bob = enter(&program);
    ann.hears("*** guest2 joined");
    talk(&mut ann, &mut bob, "word", 5000);
    bob.say("/history 4000\n/seq");
    bob.hears("*** the last 4000 lines, from less than a minute ago on:");
    (1001..=5000).for_each(|number| bob.hears(format!("<guest1> word {number}")));
    bob.hears(place(&mut ann));
    // Its own are among them, and what is said meanwhile comes after that.
    bob.say("between");
    bob.say("/resume 100");
    ann.hears("<guest2> between");
    bob.hears("*** 4903 lines after line 100:");
    ann.say("after");
    (99..=5000).for_each(|number| bob.hears(format!("<guest1> word {number}")));
    bob.hears("<guest2> between");
    bob.hears("<guest1> after");
    bob.say("/history 2000-01-01");
    skip_to(&mut bob, "<guest2> between");
    bob.hears("<guest1> after");
    let (head, body) = answer(&program, "GET /lobby?since=2&poll=1 HTTP/1.1\nHost: localhost");
    assert_eq!(head, "200 OK");
    let lines: Vec<_> = body.lines().collect();
    assert_eq!(
        (lines.len(), lines[0], lines[4999]),
        (5002, "<guest1> word 1", "<guest1> word 5000")
    );
    stop(program);
}

/// What `/seq` answers.
fn place(client: &mut Client) -> String {
    client.say("/seq");
    client.line()
}

/// Promise 54: lines are found by their words, in the chat and by a request.
#[test]
fn lines_are_found_by_their_words() {
    let data = Data::new();
    let program = data.start(&["--no-store", "tea", "--keep", "30d"]);
    let mut ann = program.connect();
    ann.read_greeting();
    assert!(ann.here().ends_with("; what is said here is kept for 30 days"), "{}", ann.here());
    ann.say("soup for lunch\nno soup\n/me cooks soup\n/search SOUP*");
    ann.hears("*** the newest 3 lines with all these words, newest first:");
    for (number, text) in
        [(4, "* guest1 cooks soup"), (3, "<guest1> no soup"), (2, "<guest1> soup for lunch")]
    {
        let line = ann.line();
        assert!(line.starts_with(&format!("*** {number} 20")) && line.ends_with(text), "{line}");
    }
    let search = |query: &str| {
        answer(
            &program,
            &format!("GET {query} HTTP/1.1\nHost: localhost\nAccept: application/json"),
        )
    };
    let (head, body) = search("/lobby?search=lunch%20soup");
    assert_eq!(head, "200 OK");
    assert!(
        body.starts_with("{\"seq\":2,") && body.contains("\"text\":\"soup for lunch\""),
        "{body}"
    );
    assert_eq!(body.lines().count(), 1);
    let (head, body) = search("/tea?search=lunch");
    assert_eq!(head, "400 Bad Request");
    assert_eq!(body, "what is said in tea isn't kept, so it can't be searched\n");
    assert_eq!(search("/lobby?search=%21").0, "400 Bad Request");
    ann.say("/join tea");
    ann.hears("*** you are now in tea");
    ann.hears("*** 1 here: guest1; what is said here isn't kept");
    ann.say("secret tea\n/search tea");
    ann.hears("*** what is said in tea isn't kept, so it can't be searched");
    // Numbers begin there with each start, and so does the name of the counting.
    let run = |seq: &str| seq.split(['@', ' ']).nth(8).map(str::to_owned);
    let unstored = run(&place(&mut ann));
    ann.say("/leave");
    skip_to(&mut ann, &format!("*** 1 here: guest1{KEPT} for 30 days"));
    let stored = run(&place(&mut ann));
    assert!(
        stored.is_some() && unstored.is_some() && stored != unstored,
        "{stored:?} {unstored:?}"
    );
    stop(program);
    assert!(!data.log(&[]).contains("tea ") && data.log(&[]).contains("soup for lunch"));
}

#[test]
fn options_about_what_is_kept_need_a_place_for_it() {
    for option in [["--keep", "30d"], ["--no-store", "tea"]] {
        let output = run(&[&["--listen", "127.0.0.1:0"], &option[..]].concat());
        let errors = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{errors}");
        let expected = format!("roomcast: {} has no effect without --data", option[0]);
        assert!(errors.lines().any(|line| line.starts_with(&expected)), "{errors}");
    }
}

#[test]
fn the_log_is_printed_as_asked_and_followed() {
    let data = Data::new();
    let refused = |options: &[&str]| {
        let output = run(&[&["log"], options].concat());
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    assert!(refused(&[]).starts_with("roomcast: --data must say where"), "{}", refused(&[]));
    let nowhere = refused(&["--data", "/nowhere"]);
    assert!(nowhere.starts_with("roomcast: cannot read /nowhere/roomcast.db: No such file"));
    assert_eq!(nowhere.matches("/nowhere").count(), 1, "{nowhere}");
    let program = data.start(&[]);
    let mut ann = enter(&program);
    ann.say("hello\n/join dev\nin dev\n/me waves\n/search waves");
    skip_to(&mut ann, "*** 1 line has all these words:");
    let dev = data.log(&["--room", "dev"]);
    let ends: Vec<_> = dev.lines().map(|line| &line[20..]).collect();
    assert_eq!(ends, ["dev 2 <guest1> in dev", "dev 3 * guest1 waves"]);
    assert_eq!(data.log(&["--search", "hel*"]).lines().count(), 1);
    // The first room of the server isn't what is wanted here.
    let mut log = command(&["log", "--data", &data.text()]);
    let output = log.env("ROOMCAST_ROOM", "dev").output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), data.log(&[]));
    assert_eq!(data.log(&["--since", "1h"]), data.log(&[]));
    assert_eq!(data.log(&["--until", "2000-01-01"]), "");
    let json = data.log(&["--json", "--room", "dev"]);
    assert!(
        json.starts_with("{\"seq\":2,\"time\":\"20") && json.contains("\"room\":\"dev\""),
        "{json}"
    );
    assert!(
        refused(&["--data", &data.text(), "--room", "nowhere"])
            .contains("nothing of a room nowhere")
    );
    let mut follower = Follower::start(&data);
    ann.say("news");
    follower.hears("<guest1> news");
    stop(program);
    follower.hears("*** the server is shutting down");
}

/// `roomcast log --follow`
struct Follower {
    child: Child,
    output: PathBuf,
}

impl Follower {
    fn start(data: &Data) -> Follower {
        let output = data.parent.path().join("followed");
        let file = fs::File::create(&output).expect("an empty directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_roomcast"));
        command.args(["log", "--follow", "--data", &data.text()]).stdin(Stdio::null());
        let child = command.stdout(file).spawn().expect("it starts");
        Follower { child, output }
    }

    #[track_caller]
    fn hears(&mut self, end: &str) {
        let start = Instant::now();
        let text = || fs::read_to_string(&self.output).expect("it is there");
        while !text().lines().any(|line| line.ends_with(end)) {
            assert!(start.elapsed() < PATIENCE, "{end:?} isn't in {}", text());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

/// Makes a client an operator.
fn promote(client: &mut Client) {
    client.say(format!("/op {PASSWORD}"));
    client.hears("*** you are now an operator; /help shows what you can do");
}

/// The room talks on while nothing can be written, operators are told, and it goes on by
/// itself.
fn survives(program: &Program, ann: &mut Client, fault: &str, mend: impl FnOnce()) {
    let mut bob = enter(program);
    ann.hears("*** guest2 joined");
    // Something to write.
    bob.say("during");
    ann.hears("<guest2> during");
    let notice = ann.line();
    let told = notice.strip_prefix("*** what is said isn't stored any more: ");
    assert!(told.is_some_and(|why| why.contains(fault)), "{notice}");
    let (_, metrics) = answer(program, "GET /metrics HTTP/1.1\nHost: localhost");
    assert!(metrics.contains("\nroomcast_store_failing 1\n"), "{metrics}");
    ann.say("/stats");
    let stats = [ann.line(), ann.line(), ann.line()];
    assert!(stats[2].starts_with("*** not stored: "), "{stats:?}");
    bob.say("still here");
    ann.hears("<guest2> still here");
    mend();
    ann.hears("*** what is said is stored again; nothing was lost");
}

/// Promise 55: the disk is full, and then it isn't.
#[test]
fn a_full_disk_stops_no_talk() {
    if lacks(&["unshare", "mount"]) {
        return;
    }
    let data = Data::new();
    fs::create_dir(data.path()).expect("an empty directory");
    let mount = format!("mount -t tmpfs -o size=1m none {} && exec \"$@\"", data.text());
    let operators = data.parent.path().join("operator");
    let options = [
        "--data",
        &data.text(),
        "--rate",
        "0",
        "--operator-file",
        operators.to_str().expect("UTF-8"),
    ];
    let launcher = ["unshare", "-m", "sh", "-c", &mount, "sh"];
    let program = Program::web_started_by(&launcher, &options);
    let mut ann = enter(&program);
    promote(&mut ann);
    // The server's view of the file system.
    let inside = format!("/proc/{}/root{}", program.pid(), data.text());
    let filler = Path::new(&inside).join("filler");
    let mut size = 1 << 20;
    while size > 0 {
        let full = fs::OpenOptions::new().append(true).create(true).open(&filler);
        let full = full.and_then(|mut file| std::io::Write::write_all(&mut file, &vec![0; size]));
        size = if full.is_err() { size / 2 } else { size };
    }
    let filler = || fs::remove_file(&filler).expect("it is there");
    survives(&program, &mut ann, "full", filler);
    stop(program);
}

/// Promise 55: another program has locked the database.
#[test]
fn a_database_that_is_locked_stops_no_talk() {
    let data = Data::new();
    let program = data.with_operators(&[]);
    let mut ann = enter(&program);
    promote(&mut ann);
    let other = Connection::open(data.database()).expect("it opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("it is locked");
    survives(&program, &mut ann, "another program has locked it", || {
        other.execute_batch("COMMIT").expect("it is free");
    });
    stop(program);
}

/// Promise 55: the disk is broken, full, or can only be read.
#[test]
fn write_errors_stop_no_talk() {
    if !lacks(&["strace"]) {
        ["EIO", "ENOSPC", "EROFS"].into_iter().for_each(stops_no_talk);
    }
}

fn stops_no_talk(error: &str) {
    let data = Data::new();
    let path = data.database().to_str().expect("UTF-8").to_owned() + "-wal";
    let operators = data.parent.path().join("operator");
    let options = ["--data", &data.text(), "--operator-file", operators.to_str().expect("UTF-8")];
    // The first of them make the tables.
    let inject = format!("inject=pwrite64:error={error}:when=60..64");
    let strace = ["strace", "-D", "-f", "-o", "/dev/null"];
    let launcher = [&strace[..], &["-P", &path, "-e", "trace=pwrite64", "-e", &inject]].concat();
    let program = Program::web_started_by(&launcher, &options);
    let mut ann = enter(&program);
    promote(&mut ann);
    let mut bob = enter(&program);
    ann.hears("*** guest2 joined");
    let mut said = 0;
    let notice = loop {
        said += 1;
        bob.say(format!("line {said}"));
        let line = ann.line();
        if line.starts_with("*** ") {
            break line;
        }
        // Else they would be written together.
        thread::sleep(Duration::from_millis(20));
    };
    assert!(notice.contains("isn't stored any more: "), "{notice}");
    skip_to(&mut ann, "*** what is said is stored again; nothing was lost");
    stop(program);
    let log = data.log(&["--search", "line"]);
    assert_eq!(log.lines().count(), said, "{log}");
}

/// Promise 55: the directory is gone.
#[test]
fn a_directory_that_is_removed_is_made_again() {
    let data = Data::new();
    let program = data.start(&[]);
    let mut ann = enter(&program);
    ann.say("before\n/search before");
    skip_to(&mut ann, "*** 1 line has all these words:");
    ann.line();
    let seq = place(&mut ann);
    fs::remove_dir_all(data.path()).expect("it is there");
    ann.say("after\n/search after");
    skip_to(&mut ann, "*** 1 line has all these words:");
    ann.line();
    let number = |line: &str| line.split(' ').nth(2).and_then(|word| word.parse::<u64>().ok());
    assert_eq!(number(&place(&mut ann)), number(&seq).map(|number| number + 1));
    // Only the database is removed.
    fs::remove_file(data.database()).expect("it is there");
    ann.say("again\n/search again");
    skip_to(&mut ann, "*** 1 line has all these words:");
    ann.line();
    stop(program);
    let connection = Connection::open(data.database()).expect("it is there");
    let check = "PRAGMA integrity_check";
    let check: String = connection.query_row(check, [], |row| row.get(0)).expect("an answer");
    assert_eq!(check, "ok");
    let program = data.start(&[]);
    let mut ann = enter(&program);
    assert!(number(&place(&mut ann)) > number(&seq));
    stop(program);
}

/// Promise 55: what is there is no database, or none of ours.
#[test]
fn a_damaged_database_is_set_aside_and_a_foreign_one_is_left_alone() {
    let data = Data::new();
    fs::create_dir(data.path()).expect("an empty directory");
    fs::write(data.database(), "no database at all, but long enough to look at: ".repeat(100))
        .expect("a file");
    let program = data.start(&[]);
    program.logs("is damaged");
    let mut ann = enter(&program);
    ann.say("hello\n/search hello");
    skip_to(&mut ann, "*** 1 line has all these words:");
    stop(program);
    let names = fs::read_dir(data.path()).expect("a directory");
    let names: Vec<_> =
        names.map(|entry| entry.expect("a file").file_name().into_string()).collect();
    let is_aside =
        |name: &Result<String, _>| name.as_ref().is_ok_and(|name| name.contains(".db.damaged-"));
    assert_eq!(names.iter().filter(|name| is_aside(name)).count(), 1, "{names:?}");

    fs::remove_file(data.database()).expect("it is there");
    let other = Connection::open(data.database()).expect("it opens");
    other.execute_batch("CREATE TABLE mine (x)").expect("it is ours");
    let output = run(&["--listen", "127.0.0.1:0", "--data", &data.text()]);
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(errors.contains("it is the database of another program"), "{errors}");
    other.execute_batch("DROP TABLE mine; PRAGMA application_id = 0x726f6f6d; PRAGMA user_version = 99; CREATE TABLE lines (x)").expect("it is ours");
    let output = run(&["--listen", "127.0.0.1:0", "--data", &data.text()]);
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(errors.contains("a newer roomcast has written it (version 99"), "{errors}");
}

/// Promise 55: what is too much for the queue is counted, in the history and in memory.
#[test]
fn what_the_queue_has_no_place_for_is_counted_in_the_history() {
    let data = Data::new();
    let program = data.with_operators(&["--backlog", "64k"]);
    let mut ann = enter(&program);
    let mut bob = enter(&program);
    ann.hears("*** guest2 joined");
    promote(&mut ann);
    ann.say("before");
    skip_to(&mut bob, "<guest1> before");
    let other = Connection::open(data.database()).expect("it opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("it is locked");
    let text = "x".repeat(1000);
    // A queue of 16 MiB is full before that.
    for number in 0..24 {
        ann.say(vec![&*text; 1000].join("\n"));
        ann.say(format!("part {number}"));
        skip_to(&mut bob, &format!("<guest1> part {number}"));
    }
    while !ann.line().starts_with("*** what is said isn't stored any more: ") {}
    let memory = program.memory_bytes_max();
    assert!(memory < 64 << 20, "{memory} bytes");
    other.execute_batch("COMMIT").expect("it is free");
    let lost = loop {
        let line = ann.line();
        if let Some(text) = line.strip_prefix("*** what is said is stored again; ") {
            break text.split(' ').next().and_then(|word| word.parse::<usize>().ok());
        }
    };
    let lost = lost.expect("some lines are lost");
    assert!((1..24_000).contains(&lost), "{lost}");
    // Said since then, so that the gap is handed over.
    ann.say("after\n/search after");
    skip_to(&mut ann, "*** 1 line has all these words:");
    bob.say("/resume 1");
    let gap = loop {
        let line = bob.line();
        if let Some(text) = line.strip_suffix(" lines were said here and not stored") {
            break text.strip_prefix("*** ").and_then(|count| count.parse::<usize>().ok());
        }
    };
    // The last of them are still in memory.
    let shown = std::iter::repeat_with(|| bob.line()).take_while(|line| line != "<guest1> after");
    assert_eq!(gap.expect("a count") + shown.count(), lost);
    stop(program);
    let count = "SELECT count(*) FROM lines WHERE kind = 'said'";
    let stored: usize = other.query_row(count, [], |row| row.get(0)).expect("a count");
    assert_eq!(stored + lost, 24 * 1001 + 2);
}

/// A backup that was made while people talk is restored as docs/deploy.md says.
#[test]
fn a_backup_can_be_restored() {
    if lacks(&["sqlite3"]) {
        return;
    }
    let data = Data::new();
    let program = data.start(&[]);
    let (mut ann, mut bob) = (enter(&program), enter(&program));
    talk(&mut ann, &mut bob, "before", 100);
    // It is written within 0.1 s: a search finds all that was said before.
    ann.say("/search before");
    skip_to(&mut ann, "*** the newest 20 lines with all these words, newest first:");
    let copy = data.parent.path().join("copy.db");
    let command = format!(".backup {}", copy.display());
    let status = Command::new("sqlite3").arg(data.database()).arg(command).status();
    assert!(status.expect("it runs").success());
    talk(&mut ann, &mut bob, "after", 100);
    bob.say("/seq");
    let newest = |line: String| -> u64 {
        let number = line.strip_prefix("*** line ").and_then(|line| line.split(' ').next());
        number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{line}"))
    };
    let last = newest(bob.line());
    stop(program);
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(data.path().join(format!("roomcast.db{end}")));
    }
    fs::copy(&copy, data.database()).expect("it is put back");
    let program = data.start(&["--history", "1000"]);
    let mut ann = program.connect();
    skip_to(&mut ann, "<guest1> before 100");
    ann.say("hello\n/seq");
    let line = std::iter::repeat_with(|| ann.line()).find(|line| line.contains("is the newest"));
    assert!(newest(line.expect("an answer")) > last, "no number is used twice");
    assert!(!data.log(&[]).contains("after 1"));
}

/// Old lines go, by their number here.
#[test]
fn old_lines_are_deleted_when_there_are_too_many() {
    let data = Data::new();
    let program = data.start(&["--keep-bytes", "1M", "--backlog", "64k"]);
    let mut ann = enter(&program);
    let mut bob = enter(&program);
    for part in 0..20 {
        talk(&mut ann, &mut bob, &format!("part{part} {}", "x".repeat(100)), 1000);
    }
    ann.say("/search part19");
    skip_to(&mut ann, "*** the newest 20 lines with all these words, newest first:");
    (0..20).for_each(|_| _ = ann.line());
    ann.say("/search part0");
    ann.hears("*** no line has all these words");
    bob.say("/resume 2");
    let gone = bob.line();
    assert!(gone.contains(" lines after line 2 are gone, these "), "{gone}");
    stop(program);
    let size = fs::metadata(data.database()).expect("it is there").len();
    assert!(size < 3 << 20, "{size} bytes");
}
