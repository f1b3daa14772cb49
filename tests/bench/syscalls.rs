//! Counts a server's system calls from outside: with perf where it may, else with strace. Both slow
//! the server down, so this is a pass of its own, and only counts are taken from it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Attached to a server and counting.
pub struct Counter {
    tool: Tool,
    child: Child,
    report: PathBuf,
}

#[derive(Clone, Copy)]
enum Tool {
    Perf,
    Strace,
}

impl Counter {
    /// Returns once it counts.
    pub fn attach(server: u32, scratch: &Path) -> Result<Counter, String> {
        perf(server, scratch)
            .or_else(|perf| strace(server, scratch).map_err(|strace| format!("{perf}; {strace}")))
    }

    /// How many calls were made since it was attached.
    pub fn finish(mut self) -> Result<u64, String> {
        if let Some(pid) = Pid::from_raw(self.child.id() as i32) {
            // Both end with their report on this signal.
            kill_process(pid, Signal::INT).map_err(|error| error.to_string())?;
        }
        self.child.wait().map_err(|error| error.to_string())?;
        let report = fs::read_to_string(&self.report).map_err(|error| error.to_string())?;
        let calls = match self.tool {
            Tool::Perf => {
                report.lines().find_map(|line| line.split_once(",,raw_syscalls")?.0.parse().ok())
            }
            Tool::Strace => report.lines().find_map(total_of_strace),
        };
        calls.ok_or_else(|| format!("no count in {report:?}"))
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        // Both fail if it has ended, as it should.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `perf stat` that starts disabled, is told to count, and says when it does.
fn perf(server: u32, scratch: &Path) -> Result<Counter, String> {
    let report = scratch.join("perf.csv");
    let child = Command::new("perf")
        .args([
            "stat",
            "-e",
            "raw_syscalls:sys_enter",
            "-x",
            ",",
            "-D",
            "-1",
            "--control",
            "fd:0,1",
            "-o",
        ])
        .arg(&report)
        .args(["-p", &server.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("perf: {error}"))?;
    let mut counter = Counter { tool: Tool::Perf, child, report };
    let (Some(control), Some(answers)) = (&mut counter.child.stdin, &mut counter.child.stdout)
    else {
        return Err("perf: no pipes".into());
    };
    let mut answer = [0; 4];
    control
        .write_all(b"enable\n")
        .and_then(|()| answers.read_exact(&mut answer))
        .map_err(|_| "perf: may not count system calls here".to_owned())?;
    Ok(counter)
}

/// `strace -c`, whose first line says that it is attached.
fn strace(server: u32, scratch: &Path) -> Result<Counter, String> {
    let report = scratch.join("strace.txt");
    let mut child = Command::new("strace")
        .args(["-c", "-f", "-o"])
        .arg(&report)
        .args(["-p", &server.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("strace: {error}"))?;
    let mut first = String::new();
    if let Some(stderr) = child.stderr.take() {
        // Its later words go nowhere, which it doesn't mind.
        BufReader::new(stderr).read_line(&mut first).map_err(|error| format!("strace: {error}"))?;
    }
    let counter = Counter { tool: Tool::Strace, child, report };
    if first.contains("attached") { Ok(counter) } else { Err(format!("strace: {}", first.trim())) }
}

/// `100.00    0.001131           5       206         2 total`: the calls, and maybe the errors.
fn total_of_strace(line: &str) -> Option<u64> {
    let words: Vec<&str> = line.strip_suffix("total")?.split_whitespace().collect();
    words.get(3)?.parse().ok()
}
