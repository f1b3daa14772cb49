//! A server's process: started, asked by the kernel's accounting, and ended.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::clock;
use crate::machine::Cores;
use crate::support::process::{self as support, Memory, is_listening, listening_address};

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
    /// The same with a unix socket.
    Socket(PathBuf),
}

/// A running server. It ends when this is dropped, or when the benchmark dies.
pub struct Process {
    process: support::Process,
    log: PathBuf,
    pub address: SocketAddr,
    /// Only the first thread's time counts.
    counts_loop_only: bool,
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
            && is_listening(address.port())
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
            Readiness::Silent(_) | Readiness::Socket(_) => copy.into(),
        });
        // SAFETY: only one system call is made between fork and exec.
        unsafe {
            command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?));
        }
        let process = cores
            .start_server(|| support::Process::spawn(&mut command))
            .and_then(|started| started)
            .map_err(|error| format!("{:?} doesn't start: {error}", command.get_program()))?;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let (log_path, counts_loop_only) = (log.to_owned(), false);
        let mut process =
            Process { process, log: log_path, address, counts_loop_only, _stdout: None };
        let ready = match readiness {
            Readiness::Announced => process.read_address(),
            Readiness::Silent(address) => {
                process.address = *address;
                process.wait_until(|| is_listening(address.port()))
            }
            Readiness::Socket(path) => process.wait_until(|| UnixStream::connect(path).is_ok()),
        };
        ready.map_err(|reason| format!("{reason}{}", last_words(log)))?;
        Ok(process)
    }

    fn read_address(&mut self) -> Result<(), String> {
        let stdout = self.process.child().stdout.take().ok_or("no stdout")?;
        let limit = Timespec { tv_sec: START_TIMEOUT.as_secs() as i64, tv_nsec: 0 };
        let ready = poll(&mut [PollFd::new(&stdout, PollFlags::IN)], Some(&limit));
        if !matches!(ready, Ok(1..)) {
            return Err(format!("said nothing within {} s", START_TIMEOUT.as_secs()));
        }
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line).map_err(|error| error.to_string())?;
        let address = listening_address(&line).and_then(|address| address.as_socket());
        self.address = address.ok_or_else(|| {
            format!("its first line isn't `listening on ADDRESS` but {:?}", line.trim())
        })?;
        self._stdout = Some(stdout);
        Ok(())
    }

    fn wait_until(&mut self, listens: impl Fn() -> bool) -> Result<(), String> {
        let deadline = clock::now_ns() + clock::to_ns(START_TIMEOUT);
        while clock::now_ns() < deadline {
            if listens() {
                return Ok(());
            }
            // There is no event for "somebody listens there now".
            if self.process.ends_within(RETRY_PAUSE) {
                let status = self.process.wait().map_err(|error| error.to_string())?;
                return Err(format!("ended with {status}"));
            }
        }
        Err(format!("doesn't listen within {} s", START_TIMEOUT.as_secs()))
    }

    /// Asks it to end; gives its log, which other servers may have written to before.
    pub fn end(self) -> io::Result<String> {
        self.process.signal(Signal::TERM);
        self.process.ends_within(END_TIMEOUT);
        fs::read_to_string(&self.log)
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn is_running(&self) -> bool {
        self.process.is_running()
    }

    /// From now on only the time of its first thread counts, or that of all.
    pub fn counting(self, counts_loop_only: bool) -> Process {
        Process { counts_loop_only, ..self }
    }

    /// Time on a processor of all its threads, or of the first one.
    pub fn cpu_ns(&self) -> io::Result<u64> {
        match self.counts_loop_only {
            true => self.loop_cpu_ns(),
            false => Ok(clock::to_ns(self.process.cpu_time()?)),
        }
    }

    /// Time on a processor of its first thread.
    pub fn loop_cpu_ns(&self) -> io::Result<u64> {
        // proc_pid_schedstat(5): nanoseconds on a processor come first.
        let stat = fs::read_to_string(format!("/proc/{0}/task/{0}/schedstat", self.id()))?;
        let time = stat.split(' ').next().and_then(|word| word.parse().ok());
        time.ok_or_else(|| io::Error::other(format!("not a schedstat: {stat:?}")))
    }

    /// What a thread does after every wake-up.
    pub fn context_switches(&self) -> io::Result<u64> {
        Ok(self.process.context_switches()? as u64)
    }

    /// Memory that is nobody else's: neither shared nor a file's.
    pub fn private_bytes(&self) -> io::Result<u64> {
        Ok(self.process.memory_bytes(Memory::Private)? as u64)
    }

    pub fn descriptors(&self) -> io::Result<usize> {
        self.process.descriptors()
    }
}

/// The end of a server's log, for the message that it failed.
fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(3).collect();
    lines.iter().rev().map(|line| format!("\n    {line}")).collect()
}
