//! The real binary.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{ChildStdout, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use socket2::SockAddr;

use super::client::PATIENCE;
use super::host::Host;
use crate::support::process::{Memory, Process, ROOMCAST, listening_address};

/// Whatever happens is told at once, so that a test needn't wait for it, and
/// nothing of what happened before. With the web a newcomer's first bytes would be waited
/// for.
const PROMPT: &[&str] = &["--presence-interval", "0", "--history", "0", "--no-web"];

/// They mean nothing to a server that tells nothing.
fn prompt(options: &[&str]) -> &'static [&'static str] {
    if options.contains(&"--raw") { &[] } else { PROMPT }
}

/// The server as a process of its own. Dropping it kills it.
pub struct Program {
    process: Process,
    addresses: Vec<SockAddr>,
    stdout: BufReader<ChildStdout>,
    stderr: File,
}

impl Program {
    /// Starts it with `--listen 127.0.0.1:0`, `PROMPT` and these options.
    pub fn start(options: &[&str]) -> Program {
        Self::listening(&["127.0.0.1:0"], options)
    }

    /// Starts it with `--listen 127.0.0.1:0`, these options, and what makes it prompt but
    /// `--no-web`.
    pub fn web(options: &[&str]) -> Program {
        Self::web_at("127.0.0.1:0", options)
    }

    /// The same with a `--listen` for this address instead.
    pub fn web_at(address: &str, options: &[&str]) -> Program {
        let mut command = Command::new(ROOMCAST);
        command.args(["--listen", address, "--presence-interval", "0", "--history", "0"]);
        command.args(options);
        Self::spawn(command, 1)
    }

    /// Starts it with `--listen 127.0.0.1:0` and these options only.
    pub fn plain(options: &[&str]) -> Program {
        Self::plain_started_by(&[], options)
    }

    /// The same started by this program and these arguments of it.
    pub fn plain_started_by(launcher: &[&str], options: &[&str]) -> Program {
        let words = [launcher, &[ROOMCAST, "--listen", "127.0.0.1:0"], options].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        Self::spawn(command, 1)
    }

    /// Starts it with a `--listen` for each address and these options only, where the clock
    /// shows the time of this zone.
    pub fn in_zone(zone: &str, addresses: &[&str], options: &[&str]) -> Program {
        let mut command = Command::new(ROOMCAST);
        command.env("TZ", zone);
        command.args(addresses.iter().flat_map(|address| ["--listen", address])).args(options);
        Self::spawn(command, addresses.len())
    }

    /// Starts it with `PROMPT` and a `--listen` for each address.
    pub fn listening(addresses: &[&str], options: &[&str]) -> Program {
        let mut command = Command::new(ROOMCAST);
        command.args(addresses.iter().flat_map(|address| ["--listen", address]));
        command.args(prompt(options)).args(options);
        Self::spawn(command, addresses.len())
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
        command
            .args(["-c", &script, ROOMCAST, "--listen", "127.0.0.1:0"])
            .args(prompt(options))
            .args(options);
        Self::spawn(command, 1)
    }

    /// Starts it with `PROMPT` and these options; it logs all that it can to
    /// `stderr`, which the test keeps for itself.
    pub fn with_stderr(stderr: impl Into<Stdio>, options: &[&str]) -> Program {
        let mut command = Command::new(ROOMCAST);
        command.env("RUST_LOG", "trace").stderr(stderr);
        command.args(["--listen", "127.0.0.1:0"]).args(prompt(options)).args(options);
        Self::spawn_as(command, 1, tempfile::tempfile().expect("a temporary file"))
    }

    /// Starts it with `--listen 127.0.0.1:0` and `PROMPT`, by this program and these
    /// arguments of it.
    pub fn started_by(launcher: &[&str], options: &[&str]) -> Program {
        let mut command = Command::new(launcher[0]);
        command.args(&launcher[1..]).args([ROOMCAST, "--listen", "127.0.0.1:0"]);
        command.args(prompt(options)).args(options);
        Self::spawn(command, 1)
    }

    /// The same with what `web` gives it.
    pub fn web_started_by(launcher: &[&str], options: &[&str]) -> Program {
        let mut command = Command::new(launcher[0]);
        command.args(&launcher[1..]).args([ROOMCAST, "--listen", "127.0.0.1:0"]);
        command.args(["--presence-interval", "0", "--history", "0"]).args(options);
        Self::spawn(command, 1)
    }

    /// Starts it with `--listen 127.0.0.1:0` and `PROMPT`; strace tampers with its
    /// system calls as these options of it say.
    pub fn tampered(strace: &[&str], options: &[&str]) -> Program {
        // The program itself stays the child, which is signalled.
        let launcher = ["strace", "-D", "-f", "-o", "/dev/null"];
        Self::started_by(&[&launcher, strace].concat(), options)
    }

    /// The same with a `--listen` for this address instead.
    pub fn tampered_at(address: &str, strace: &[&str]) -> Program {
        let launcher = ["strace", "-D", "-f", "-o", "/dev/null"];
        Self::started_at(address, &[&launcher, strace].concat())
    }

    /// Starts it with a `--listen` for this address and `PROMPT`, by this program
    /// and these arguments of it.
    pub fn started_at(address: &str, launcher: &[&str]) -> Program {
        let mut command = Command::new(launcher[0]);
        command.args(&launcher[1..]).args([ROOMCAST, "--listen", address]).args(PROMPT);
        Self::spawn(command, 1)
    }

    fn spawn(mut command: Command, listeners: usize) -> Program {
        let stderr = tempfile::tempfile().expect("a temporary file");
        command.env_remove("RUST_LOG").stderr(stderr.try_clone().expect("a descriptor"));
        Self::spawn_as(command, listeners, stderr)
    }

    fn spawn_as(mut command: Command, listeners: usize, stderr: File) -> Program {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = Process::spawn(&mut command).expect("the binary was built");
        let stdout = BufReader::new(process.child().stdout.take().expect("it is piped"));
        let mut program = Program { process, addresses: Vec::new(), stdout, stderr };
        for _ in 0..listeners {
            let line = program.stdout_line();
            let Some(address) = listening_address(&line) else {
                panic!("said {line:?} and {:?}", program.stderr());
            };
            program.addresses.push(address);
        }
        program
    }

    /// Where it listens, in the order of the options.
    pub fn addresses(&self) -> &[SockAddr] {
        &self.addresses
    }

    /// The port of its first listener.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

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

    /// Waits until it has written this on standard error; gives everything that
    /// it has written there.
    #[track_caller]
    pub fn logs(&self, text: &str) -> String {
        let start = Instant::now();
        loop {
            let log = self.stderr();
            if log.contains(text) {
                return log;
            }
            assert!(start.elapsed() < PATIENCE, "{text:?} isn't in {log}");
            thread::yield_now();
        }
    }

    /// From now on it may have so many descriptors open.
    pub fn limit_descriptors(&self, count: usize) {
        self.process.limit_descriptors(count).expect("it is running");
    }

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        assert!(self.process.ends_within(PATIENCE), "it is still running");
        self.process.wait().expect("it is a child")
    }

    /// Waits for its end, no longer than for anything; gives the code that it
    /// exits with.
    pub fn exit_code(&mut self) -> i32 {
        let status = self.wait();
        status.code().unwrap_or_else(|| panic!("it ended with {status}"))
    }

    // What the system knows of it.

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        self.process.descriptors().expect("it is running")
    }

    /// The most bytes of memory that it had at any time, beside its files.
    pub fn memory_bytes_max(&self) -> usize {
        self.process.memory_bytes(Memory::Peak).expect("it is running")
    }

    /// Waits until it has nothing to do.
    pub fn settle(&self) {
        let start = Instant::now();
        while !self.process.is_asleep().expect("it is running") {
            assert!(start.elapsed() < PATIENCE, "it is always busy");
            thread::yield_now();
        }
    }

    /// How often its threads have gone to sleep.
    pub fn sleeps(&self) -> usize {
        self.process.sleeps().expect("it is running")
    }

    /// How long its threads have been on a CPU.
    pub fn cpu_time(&self) -> Duration {
        self.process.cpu_time().expect("it is running")
    }
}

impl Host for Program {
    fn address(&self) -> &SockAddr {
        &self.addresses[0]
    }
}

/// The program with these arguments, to be started as a test likes.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(ROOMCAST);
    command.args(arguments).stdin(Stdio::null());
    // Not what the tests of a server are to have.
    command.env_remove("RUST_LOG").env_remove("ROOMCAST_THREADS");
    command
}

/// Runs it with a command line that makes it end by itself.
pub fn run(arguments: &[&str]) -> Output {
    run_in(Path::new("."), arguments)
}

/// Runs it in a directory, with a command line that makes it end by itself.
pub fn run_in(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = command(arguments);
    command.current_dir(directory).stdout(Stdio::piped()).stderr(Stdio::piped());
    let process = Process::spawn(&mut command).expect("the binary was built");
    let output = process.output_within(PATIENCE);
    output.unwrap_or_else(|error| panic!("with {arguments:?}: {error}"))
}
