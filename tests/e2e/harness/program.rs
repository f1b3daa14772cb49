//! The real binary.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use socket2::SockAddr;

use super::client::PATIENCE;
use super::host::Host;

const BINARY: &str = env!("CARGO_BIN_EXE_roomcast");

/// Whatever happens is told at once, so that a test needn't wait for it, and
/// nothing of what happened before.
const PROMPT: &[&str] = &["--fold", "0", "--history", "0"];

/// The server as a process of its own. Dropping it kills it.
pub struct Program {
    child: Child,
    addresses: Vec<SockAddr>,
    stdout: BufReader<ChildStdout>,
    stderr: File,
}

impl Program {
    /// Starts it with `--listen 127.0.0.1:0`, `PROMPT` and these options.
    pub fn start(options: &[&str]) -> Program {
        Self::listening(&["127.0.0.1:0"], options)
    }

    /// Starts it with `--listen 127.0.0.1:0` and these options only.
    pub fn plain(options: &[&str]) -> Program {
        let mut command = Command::new(BINARY);
        command.args(["--listen", "127.0.0.1:0"]).args(options);
        Self::spawn(command, 1)
    }

    /// Starts it with `PROMPT` and a `--listen` for each address.
    pub fn listening(addresses: &[&str], options: &[&str]) -> Program {
        let mut command = Command::new(BINARY);
        command.args(addresses.iter().flat_map(|address| ["--listen", address]));
        command.args(PROMPT).args(options);
        Self::spawn(command, addresses.len())
    }

    /// Starts it with `--listen 127.0.0.1:0` and with this limit on its
    /// descriptors.
    pub fn with_descriptors(descriptors: usize, options: &[&str]) -> Program {
        let mut command = Command::new("sh");
        let script = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
        command.args(["-c", &script, BINARY, "--listen", "127.0.0.1:0"]).args(PROMPT).args(options);
        Self::spawn(command, 1)
    }

    /// Starts it with `--listen 127.0.0.1:0` and `PROMPT`; it logs all that it
    /// can.
    pub fn with_full_log(options: &[&str]) -> Program {
        Self::with_log_filters("trace", options)
    }

    /// Starts it with `--listen 127.0.0.1:0`, `PROMPT` and this `RUST_LOG`.
    pub fn with_log_filters(filters: &str, options: &[&str]) -> Program {
        let mut command = Command::new("sh");
        let script = format!("RUST_LOG={filters} exec \"$0\" \"$@\"");
        command.args(["-c", &script, BINARY, "--listen", "127.0.0.1:0"]).args(PROMPT).args(options);
        Self::spawn(command, 1)
    }

    fn spawn(mut command: Command, listeners: usize) -> Program {
        let stderr = tempfile::tempfile().expect("a temporary file");
        command
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone().expect("a descriptor"));
        let mut child = command.spawn().expect("the binary was built");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut program = Program { child, addresses: Vec::new(), stdout, stderr };
        for _ in 0..listeners {
            let line = program.stdout_line();
            let Some(address) = line.strip_prefix("listening on ") else {
                panic!("said {line:?} and {:?}", program.stderr());
            };
            program.addresses.push(parse(address));
        }
        program
    }

    /// Where it listens, in the order of the options.
    pub fn addresses(&self) -> &[SockAddr] {
        &self.addresses
    }

    /// The port of its first listener.
    pub fn port(&self) -> u16 {
        self.address().as_socket().expect("it is TCP").port()
    }

    /// The next line on its standard output.
    pub fn stdout_line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("standard output is read");
        line.trim_end().to_owned()
    }

    /// Everything that it has written on standard error.
    pub fn stderr(&self) -> String {
        let bytes = self.stderr.metadata().expect("it is a file").len();
        let mut text = vec![0; bytes as usize];
        // Not from where the file is at: there the server goes on writing.
        self.stderr.read_exact_at(&mut text, 0).expect("so much is written");
        String::from_utf8(text).expect("standard error is UTF-8")
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it is running");
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        assert!(ends_within(&self.child, PATIENCE), "it is still running");
        self.child.wait().expect("it is a child")
    }

    /// Waits for its end, no longer than for anything; gives the code that it
    /// exits with.
    pub fn exit_code(&mut self) -> i32 {
        let status = self.wait();
        status.code().unwrap_or_else(|| panic!("it ended with {status}"))
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    // What the system knows of it.

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(self.proc("fd")).expect("it is running").count()
    }

    /// Bytes of its memory that were resident at any time.
    pub fn memory_bytes_max(&self) -> usize {
        let status = fs::read_to_string(self.proc("status")).expect("it is running");
        1024 * field(&status, "VmHWM:")
    }

    /// Waits until it has nothing to do.
    pub fn settle(&self) {
        let start = Instant::now();
        while !self.threads("status").all(|status| status.contains("State:\tS")) {
            assert!(start.elapsed() < PATIENCE, "it is always busy");
            thread::yield_now();
        }
    }

    /// How often its threads have gone to sleep.
    pub fn sleeps(&self) -> usize {
        self.threads("status").map(|status| field(&status, "voluntary_ctxt_switches:")).sum()
    }

    /// How long its threads have been on a CPU.
    pub fn cpu_time(&self) -> Duration {
        let first = |stat: String| stat.split_whitespace().next().map(number);
        let nanoseconds = self.threads("schedstat").map(|stat| first(stat).expect("three numbers"));
        Duration::from_nanos(nanoseconds.sum::<usize>() as u64)
    }

    /// What the system says in this file about each of its threads.
    fn threads(&self, file: &str) -> impl Iterator<Item = String> {
        let tasks = fs::read_dir(self.proc("task")).expect("it is running");
        tasks.map(move |task| {
            let path = task.expect("a thread").path().join(file);
            fs::read_to_string(path).expect("its threads live as long as it does")
        })
    }

    fn proc(&self, what: &str) -> String {
        format!("/proc/{}/{what}", self.child.id())
    }
}

impl Host for Program {
    fn address(&self) -> &SockAddr {
        &self.addresses[0]
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs it with a command line that makes it end by itself.
pub fn run(arguments: &[&str]) -> Output {
    run_in(Path::new("."), arguments)
}

/// Runs it in a directory, with a command line that makes it end by itself.
pub fn run_in(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(arguments).current_dir(directory).env_remove("RUST_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary was built");
    if !ends_within(&child, PATIENCE) {
        child.kill().expect("it is running");
        panic!("it runs with {arguments:?}");
    }
    child.wait_with_output().expect("it is a child")
}

fn ends_within(child: &Child, time: Duration) -> bool {
    let end = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).expect("a descriptor");
    let time = Timespec::try_from(time).expect("a short time");
    let mut ends = [PollFd::new(&end, PollFlags::IN)];
    loop {
        match poll(&mut ends, Some(&time)) {
            Ok(count) => return count > 0,
            // The tests' own process was signalled.
            Err(Errno::INTR) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn parse(address: &str) -> SockAddr {
    match address.strip_prefix("unix:") {
        Some(path) => SockAddr::unix(path).expect("a path"),
        None => address.parse::<SocketAddr>().expect("an address").into(),
    }
}

/// The number in a line of /proc/PID/status.
fn field(status: &str, name: &str) -> usize {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    number(line.and_then(|line| line.split_whitespace().next()).expect(name))
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}
