//! A server that is killed at random points while much is said: what is stored is all that
//! was said up to some point, and no number is used twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rustix::process::Signal;

use crate::harness::{Client, Dice, Host, Program};

/// How often the server is killed, and how often under `CI=true`, where the tests run twice.
const KILLS: usize = 20;
const KILLS_IN_CI: usize = 100;

/// How often it goes on with the same database.
const KILLS_OF_ONE: usize = 5;

/// How long it talks before that at most.
const TALK_TIME: Duration = Duration::from_millis(400);

/// What everybody heard so long before the end is stored. Lines are written every 0.1 s; the
/// rest is for a busy machine, whose disk may stand still for seconds.
const LATEST: Duration = Duration::from_secs(8);

/// One round in so many is long enough to look at that.
const LONG_ROUND: usize = 100;

const ROOMS: [&str; 2] = ["lobby", "dev"];

/// What is in the database: the words of each speaker in each room, and numbers.
#[derive(Default)]
struct Stored {
    /// Counters by room and speaker, in the order of their numbers.
    said: BTreeMap<(String, String), Vec<u64>>,
    numbers: BTreeSet<(String, u64)>,
}

impl Stored {
    fn read(path: &Path) -> Stored {
        let connection = Connection::open(path).expect("it opens");
        let check: String = connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .expect("it can be checked");
        assert_eq!(check, "ok");
        let select = "SELECT rooms.name, number, kind, text FROM lines \
                      JOIN rooms ON rooms.id = room ORDER BY room, number";
        let mut select = connection.prepare(select).expect("the tables are there");
        let mut rows = select.query([]).expect("they can be read");
        let mut stored = Stored::default();
        while let Some(row) = rows.next().expect("a row") {
            let text = |at| row.get::<_, String>(at).expect("a text");
            let number: u64 = row.get(1).expect("a number");
            assert!(stored.numbers.insert((text(0), number)), "{number} twice in {}", text(0));
            if text(2) == "said" {
                // `ROUND.SPEAKER COUNTER`
                let words = text(3);
                let (speaker, counter) = words.split_once(' ').expect("two words");
                let counters = stored.said.entry((text(0), speaker.to_owned())).or_default();
                counters.push(counter.parse().expect("a counter"));
            }
        }
        stored
    }

    /// Each speaker is there from its first word to some word, without a hole.
    fn check(&self) {
        for (who, counters) in &self.said {
            let all: Vec<u64> = (1..=counters.len() as u64).collect();
            assert_eq!(counters, &all, "{who:?}");
        }
    }
}

/// A client that is in a room.
fn enter(program: &Program, room: &str) -> Client {
    let mut client = program.connect();
    client.read_greeting();
    client.say(format!("/join {room}"));
    let entered = if room == "lobby" { "you are already in lobby" } else { "you are now in dev" };
    while !client.line().contains(entered) {}
    client
}

/// Says `WORD 1`, `WORD 2` and on until the server is gone.
fn talk(mut client: Client, word: &str) {
    for first in (1_u64..).step_by(10) {
        let lines: Vec<_> = (first..first + 10).map(|count| format!("{word} {count}\n")).collect();
        if !client.try_send(lines.concat()) {
            return;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Hears that until the server is gone; gives when each was heard.
fn listen(mut client: Client, word: &str) -> Vec<Instant> {
    let mut heard = Vec::new();
    while let Some(line) = client.line_before_any_end() {
        if line.contains(word) {
            heard.push(Instant::now());
        }
    }
    heard
}

/// Promise 52: whenever the server is killed, what is stored is all that was said up to some
/// point, and no number of a line is used twice.
#[test]
fn whenever_it_is_killed_the_store_has_all_up_to_some_point() {
    let mut dice = Dice::new();
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    let rounds = if is_ci { KILLS_IN_CI } else { KILLS };
    let directory = tempfile::tempdir().expect("a directory");
    let mut newest = BTreeSet::new();
    for round in 0..rounds {
        let data = directory.path().join(format!("data-{}", round / KILLS_OF_ONE));
        let options = ["--data", data.to_str().expect("UTF-8"), "--rate", "0"];
        if !data.exists() {
            newest.clear();
        }
        let mut program = Program::start(&options);
        let time = match round % LONG_ROUND {
            0 => LATEST + TALK_TIME,
            _ => TALK_TIME.mul_f64(dice.fraction()),
        };
        let (heard, killed) = thread::scope(|scope| {
            let listeners: Vec<_> = (0..ROOMS.len())
                .map(|speaker| {
                    let word = format!("{round}.{speaker}");
                    let (talker, listener) =
                        (enter(&program, ROOMS[speaker]), enter(&program, ROOMS[speaker]));
                    let said = word.clone();
                    scope.spawn(move || talk(talker, &said));
                    scope.spawn(move || listen(listener, &word))
                })
                .collect();
            thread::sleep(time);
            program.signal(Signal::KILL);
            let killed = Instant::now();
            let heard = listeners.into_iter().map(|it| it.join().expect("it listens"));
            (heard.collect::<Vec<_>>(), killed)
        });
        program.wait();
        let stored = Stored::read(&data.join("roomcast.db"));
        stored.check();
        assert!(newest.is_subset(&stored.numbers), "what was there is there");
        for (speaker, heard) in heard.iter().enumerate() {
            let old = heard.iter().filter(|at| **at + LATEST < killed).count();
            let who = (ROOMS[speaker].to_owned(), format!("{round}.{speaker}"));
            let kept = stored.said.get(&who).map_or(0, Vec::len);
            assert!(kept >= old, "{who:?}: {kept} of {old} that were said long before");
        }
        newest = stored.numbers;
    }
}
