//! A clock on the wall for one process, which a test can set.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::engine::{Engine, is_possible};
use crate::harness::{Host, Program, lacks};

pub struct Wall {
    directory: TempDir,
    /// Holds how far the clock is ahead of the machine's, in seconds.
    step: File,
}

impl Wall {
    /// Whether there is what builds it.
    pub fn is_possible() -> bool {
        !lacks(&["cc"])
    }

    /// A clock that shows what the machine's shows.
    pub fn new() -> Wall {
        let directory = tempfile::tempdir().expect("a directory");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/jepsen/clock.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(directory.path().join("clock.so"));
        assert!(compiler.arg(source).status().expect("it is there").success());
        let step = File::create(directory.path().join("step")).expect("it is new");
        let wall = Wall { directory, step };
        wall.set(0);
        wall
    }

    /// The command, to be followed by a program's, that lets it see this clock.
    pub fn launcher(&self) -> Vec<String> {
        let path = |name| self.directory.path().join(name).display().to_string();
        let library = format!("LD_PRELOAD={}", path("clock.so"));
        vec!["env".to_owned(), library, format!("WALL={}", path("step"))]
    }

    /// Sets it so many seconds ahead of the machine's.
    pub fn set(&self, seconds: i64) {
        self.step.write_all_at(&seconds.to_ne_bytes(), 0).expect("it can be written");
    }
}

#[test]
fn a_clock_can_be_set() {
    if !is_possible() || !Wall::is_possible() {
        return;
    }
    const DAYS: i64 = 400;
    let wall = Wall::new();
    let launcher = wall.launcher();
    let engine = Engine::launched_by(launcher.clone(), &[]);
    let launcher: Vec<_> = launcher.iter().map(String::as_str).collect();
    let program = Program::plain_started_by(&launcher, &["--no-web"]);
    let mut ann = program.connect();
    ann.read_greeting();
    let mut times = || {
        ann.say("/time");
        // `*** it is 2026-11-20T14:03:00Z`
        let year = ann.line()[10..14].parse::<i64>().expect("a year");
        let seconds = engine.ask("TIME").lines().next().map(str::parse::<i64>);
        (year, seconds.expect("a line").expect("seconds"))
    };
    let (year, seconds) = times();
    wall.set(DAYS * 86_400);
    let (year_then, seconds_then) = times();
    assert!(year_then > year, "{year_then}");
    assert!(seconds_then >= seconds + DAYS * 86_400, "{seconds_then}");
}
