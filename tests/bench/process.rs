//! A server's process: started, asked by the kernel's accounting, and ended.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};

use crate::clock;
use crate::machine::Cores;

const START_TIMEOUT: Duration = Duration::from_secs(10);
/// Then it is killed.
const END_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two looks whether a server listens that doesn't say so.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// How a server tells where it listens.
pub enum Readiness {
    /// Its first line on stdout is `listening on ADDRESS`.
    Announced,
    /// It was told where, and doesn't say when it listens.
    Silent(SocketAddr),
}

/// A running server. It ends when this is dropped, or when the benchmark dies.
pub struct Process {
    child: Child,
    log: PathBuf,
    pub address: SocketAddr,
    /// Kept open, so that what the server prints later doesn't fail.
    _stdout: Option<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts `command` on the server's core; what it says beyond its address goes to `log`.
    pub fn start(
        mut command: Command,
        readiness: &Readiness,
        log: &Path,
        cores: Cores,
    ) -> Result<Process, String> {
        if let Readiness::Silent(address) = readiness
            && listens(address.port())
        {
            return Err(format!("somebody else listens on port {}", address.port()));
        }
        // Several of a kind may share a log.
        let file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(|error| format!("{}: {error}", log.display()))?;
        let copy = file.try_clone().map_err(|error| error.to_string())?;
        command.stdin(Stdio::null()).stderr(file).stdout(match readiness {
            Readiness::Announced => Stdio::piped(),
            Readiness::Silent(_) => copy.into(),
        });
        // SAFETY: only one system call is made between fork and exec.
        unsafe {
            command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?));
        }
        let child = cores
            .start_server(|| command.spawn())
            .and_then(|started| started)
            .map_err(|error| format!("{:?} doesn't start: {error}", command.get_program()))?;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut process = Process { child, log: log.to_owned(), address, _stdout: None };
        let ready = match readiness {
            Readiness::Announced => process.read_address(),
            Readiness::Silent(address) => {
                process.address = *address;
                process.wait_for_port()
            }
        };
        ready.map_err(|reason| format!("{reason}{}", last_words(log)))?;
        Ok(process)
    }

    fn read_address(&mut self) -> Result<(), String> {
        let stdout = self.child.stdout.take().ok_or("no stdout")?;
        let limit = Timespec { tv_sec: START_TIMEOUT.as_secs() as i64, tv_nsec: 0 };
        let ready = poll(&mut [PollFd::new(&stdout, PollFlags::IN)], Some(&limit));
        if !matches!(ready, Ok(1..)) {
            return Err(format!("said nothing within {} s", START_TIMEOUT.as_secs()));
        }
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line).map_err(|error| error.to_string())?;
        self.address = line
            .trim()
            .strip_prefix("listening on ")
            .and_then(|address| address.parse().ok())
            .ok_or_else(|| {
                format!("its first line isn't `listening on ADDRESS` but {:?}", line.trim())
            })?;
        self._stdout = Some(stdout);
        Ok(())
    }

    fn wait_for_port(&mut self) -> Result<(), String> {
        let deadline = clock::now_ns() + clock::to_ns(START_TIMEOUT);
        while clock::now_ns() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("ended with {status}"));
            }
            if listens(self.address.port()) {
                return Ok(());
            }
            // There is no event for "somebody listens there now".
            std::thread::sleep(RETRY_PAUSE);
        }
        Err(format!("doesn't listen within {} s", START_TIMEOUT.as_secs()))
    }

    /// Asks it to end; gives its log, which other servers may have written to before.
    pub fn end(mut self) -> io::Result<String> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let deadline = clock::now_ns() + clock::to_ns(END_TIMEOUT);
        while self.is_running() && clock::now_ns() < deadline {
            std::thread::sleep(RETRY_PAUSE);
        }
        fs::read_to_string(&self.log)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Time on a processor of all its threads, to the nanosecond once they sleep. A thread that ends
    /// takes its time with it.
    pub fn cpu_ns(&self) -> io::Result<u64> {
        self.tasks()?
            .iter()
            .map(|task| first_number(&fs::read_to_string(task.join("schedstat"))?))
            .sum()
    }

    /// How often its threads gave up a processor or were taken off it: what a thread does after
    /// every wake-up.
    pub fn context_switches(&self) -> io::Result<u64> {
        let switches = |task: &PathBuf| {
            let status = fs::read_to_string(task.join("status"))?;
            Ok(field(&status, "voluntary_ctxt_switches:")?
                + field(&status, "nonvoluntary_ctxt_switches:")?)
        };
        self.tasks()?.iter().map(switches).sum()
    }

    /// Memory that is nobody else's: neither shared nor a file's.
    pub fn private_bytes(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        Ok(field(&status, "RssAnon:")? * 1024)
    }

    pub fn descriptors(&self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.id()))?.count())
    }

    fn tasks(&self) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(format!("/proc/{}/task", self.id()))?.map(|entry| Ok(entry?.path())).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either fails only if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks the kernel. Connecting would tell as well, but there are servers that a connection which ends
/// at once ends too.
fn listens(port: u16) -> bool {
    let listening = |line: &str| {
        let mut words = line.split_whitespace();
        let local = words.nth(1).and_then(|address| address.rsplit_once(':'));
        let state = words.nth(1);
        local.and_then(|(_, port)| u16::from_str_radix(port, 16).ok()) == Some(port)
            && state == Some("0A")
    };
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .any(|table| fs::read_to_string(table).is_ok_and(|table| table.lines().any(listening)))
}

fn field(status: &str, name: &str) -> io::Result<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    first_number(value.ok_or_else(|| io::Error::other(format!("no {name} in /proc")))?)
}

fn first_number(text: &str) -> io::Result<u64> {
    let number = text.split_whitespace().next().and_then(|number| number.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("no number in {text:?}")))
}

/// The end of a server's log, for the message that it failed.
fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(3).collect();
    lines.iter().rev().map(|line| format!("\n    {line}")).collect()
}
