//! A server's process: what its end says, and what the system says of it while
//! it runs.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output};
use std::sync::Once;
use std::time::{Duration, Instant};

use nix::sys::signal::SigHandler;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, kill_process, pidfd_open, prlimit,
};
use socket2::SockAddr;

/// The server that is tested.
pub const ROOMCAST: &str = env!("CARGO_BIN_EXE_roomcast");

/// A process that was started here. Dropping it kills it.
pub struct Process {
    child: Child,
    /// Readable when the process has ended.
    end: OwnedFd,
}

/// What kind of memory is asked for.
#[derive(Clone, Copy, Debug)]
pub enum Memory {
    /// What is resident now.
    Resident,
    /// The most that was resident at any time without being a file's, as pages
    /// of the program are, which come in as its code first runs.
    Peak,
    /// What is resident now and neither shared nor a file's.
    Private,
}

/// Variables that are for the tests, not for a server.
const TEST_VARIABLES: [&str; 3] = ["ROOMCAST_TOUR", "ROOMCAST_SEED", "ROOMCAST_NEMESIS_SECONDS"];

impl Process {
    /// Starts it. Whatever the tests were started by, it ignores neither SIGINT nor
    /// SIGHUP because of that.
    pub fn spawn(command: &mut Command) -> io::Result<Process> {
        static ARE_DEFAULT: Once = Once::new();
        ARE_DEFAULT.call_once(|| {
            for signal in [nix::sys::signal::SIGINT, nix::sys::signal::SIGHUP] {
                // SAFETY: that is what a process begins with; no handler is set.
                unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }.expect("it can be");
            }
        });
        TEST_VARIABLES.into_iter().for_each(|name| _ = command.env_remove(name));
        Self::new(command.spawn()?)
    }

    pub fn new(child: Child) -> io::Result<Process> {
        let end = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
        Ok(Process { child, end })
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, unless it has ended.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// From now on it may have so many descriptors open.
    pub fn limit_descriptors(&self, count: usize) -> io::Result<()> {
        let limit = Rlimit { current: Some(count as u64), maximum: Some(count as u64) };
        prlimit(Some(Pid::from_child(&self.child)), Resource::Nofile, limit)?;
        Ok(())
    }

    /// Whether it ends before `time` has passed.
    pub fn ends_within(&self, time: Duration) -> bool {
        let start = Instant::now();
        loop {
            let left = Timespec::try_from(time.saturating_sub(start.elapsed()));
            let mut ends = [PollFd::new(&self.end, PollFlags::IN)];
            match poll(&mut ends, Some(&left.expect("a short time"))) {
                // This process was signalled.
                Err(Errno::INTR) => {}
                result => return result.is_ok_and(|count| count > 0),
            }
        }
    }

    pub fn is_running(&self) -> bool {
        !self.ends_within(Duration::ZERO)
    }

    /// Waits for its end, however long that takes.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// What it has written where it was given a pipe, and how it ended. Waits
    /// for its end, `time` at most.
    pub fn output_within(mut self, time: Duration) -> io::Result<Output> {
        if !self.ends_within(time) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it is still running"));
        }
        let [mut stdout, mut stderr] = [Vec::new(), Vec::new()];
        if let Some(mut pipe) = self.child.stdout.take() {
            io::Read::read_to_end(&mut pipe, &mut stdout)?;
        }
        if let Some(mut pipe) = self.child.stderr.take() {
            io::Read::read_to_end(&mut pipe, &mut stderr)?;
        }
        Ok(Output { status: self.child.wait()?, stdout, stderr })
    }

    // What the system says of it; an error when it has ended.

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> io::Result<usize> {
        Ok(fs::read_dir(self.proc("fd"))?.count())
    }

    /// Bytes of its memory.
    pub fn memory_bytes(&self, memory: Memory) -> io::Result<usize> {
        let status = fs::read_to_string(self.proc("status"))?;
        let kibibytes = match memory {
            Memory::Resident => field(&status, "VmRSS:")?,
            Memory::Peak => field(&status, "VmHWM:")?.saturating_sub(field(&status, "RssFile:")?),
            Memory::Private => field(&status, "RssAnon:")?,
        };
        Ok(1024 * kibibytes)
    }

    /// How long its threads have been on a processor, to the nanosecond once
    /// they sleep. A thread that ends takes its time with it.
    pub fn cpu_time(&self) -> io::Result<Duration> {
        let stats = self.of_threads("schedstat")?;
        let nanoseconds: io::Result<usize> = stats.iter().map(|stat| first_number(stat)).sum();
        Ok(Duration::from_nanos(nanoseconds? as u64))
    }

    /// How often its threads went to sleep.
    pub fn sleeps(&self) -> io::Result<usize> {
        let threads = self.of_threads("status")?;
        threads.iter().map(|status| field(status, "voluntary_ctxt_switches:")).sum()
    }

    /// How often its threads went to sleep or were taken off a processor.
    pub fn context_switches(&self) -> io::Result<usize> {
        let threads = self.of_threads("status")?;
        let preempted: io::Result<usize> =
            threads.iter().map(|status| field(status, "nonvoluntary_ctxt_switches:")).sum();
        Ok(self.sleeps()? + preempted?)
    }

    /// Whether all its threads sleep.
    pub fn is_asleep(&self) -> io::Result<bool> {
        Ok(self.of_threads("status")?.iter().all(|status| status.contains("State:\tS")))
    }

    /// What the system says in this file about each of its threads.
    fn of_threads(&self, file: &str) -> io::Result<Vec<String>> {
        let threads = fs::read_dir(self.proc("task"))?;
        threads.map(|thread| fs::read_to_string(thread?.path().join(file))).collect()
    }

    fn proc(&self, what: &str) -> PathBuf {
        format!("/proc/{}/{what}", self.child.id()).into()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either fails only if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in one of the server's first lines: `listening on ADDRESS`.
pub fn listening_address(line: &str) -> Option<SockAddr> {
    let address = line.trim_end().strip_prefix("listening on ")?;
    match address.strip_prefix("unix:") {
        Some(path) => SockAddr::unix(path).ok(),
        None => Some(address.parse::<SocketAddr>().ok()?.into()),
    }
}

/// The longest turn of the server's loop, which is in the last line of its log.
pub fn longest_turn(log: &str) -> Option<Duration> {
    let (_, turn) = log.rsplit_once("the longest turn took ")?;
    let turn = turn.lines().next()?;
    let units = [("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let seconds = |(unit, seconds)| Some(turn.strip_suffix(unit)?.parse::<f64>().ok()? * seconds);
    units.into_iter().find_map(seconds).map(Duration::from_secs_f64)
}

/// Whether a program listens on this TCP port, in this thread's network.
/// Connecting would tell as well, but some servers don't survive a first client
/// that leaves at once.
pub fn is_listening(port: u16) -> bool {
    const LISTENING: &str = "0A";
    let end = format!(":{port:04X}");
    ["/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"].iter().any(|table| {
        let table = fs::read_to_string(table).unwrap_or_default();
        table.lines().skip(1).any(|row| {
            let mut columns = row.split_whitespace().skip(1);
            let is_port = columns.next().is_some_and(|address| address.ends_with(&end));
            is_port && columns.nth(1) == Some(LISTENING)
        })
    })
}

/// The number in a line of `/proc/PID/status`.
fn field(status: &str, name: &str) -> io::Result<usize> {
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    first_number(value.ok_or_else(|| io::Error::other(format!("no {name} in /proc")))?)
}

fn first_number(text: &str) -> io::Result<usize> {
    let number = text.split_whitespace().next().and_then(|number| number.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("no number in {text:?}")))
}
