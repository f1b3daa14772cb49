//! A server's process: started, measured, and ended.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, PipeReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::FileExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::full_pipe;
use crate::support::process::{Memory, Process, ROOMCAST, is_listening, listening_address};
use crate::verdict::{Judged, Verdict, died};

const START_TIME_MAX: Duration = Duration::from_secs(10);
/// Between two looks whether a server listens.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// A server that can be started: a name and a shell command.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub name: String,
    /// With `{port}` where the port stands.
    command: String,
    is_roomcast: bool,
}

/// What a fault wants of its server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup {
    /// For roomcast only.
    pub options: &'static [&'static str],
    /// The limit on its descriptors.
    pub descriptors: Option<usize>,
}

/// What makes it hard for a server, besides its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// Nobody reads its standard error, and it is full.
    UnreadLog,
    /// To make sure that a file is on the disk takes `SLOW_DISK`.
    SlowDisk,
}

pub const SLOW_DISK: Duration = Duration::from_secs(3);

/// The line in the file `operator`.
pub const OPERATOR_PASSWORD: &str = "a longer secret";

/// A running server.
pub struct Server {
    pub address: SocketAddr,
    pub is_roomcast: bool,
    process: RefCell<Process>,
    /// Its standard output and standard error.
    output: File,
    /// What nobody reads of it.
    _unread: Option<PipeReader>,
    /// Files for its options, which may name them as `$DIR/motd` and so on.
    pub directory: TempDir,
}

impl Candidate {
    /// A known server by its name, or `NAME=COMMAND`.
    pub fn parse(text: &str) -> Result<Candidate, String> {
        let (name, command) = match text.split_once('=') {
            Some((name, command)) if command.contains("{port}") => (name, command.to_owned()),
            Some(_) => return Err("the command must have {port} in it".into()),
            None if text == "roomcast" => {
                (text, format!("'{ROOMCAST}' --listen 127.0.0.1:{{port}}"))
            }
            // Of its own it lets in 100.
            None if text == "ncat" => {
                (text, "ncat -l 127.0.0.1 {port} --chat --keep-open --max-conns 2000".into())
            }
            None => {
                return Err("known are roomcast and ncat; others are NAME='COMMAND {port}'".into());
            }
        };
        let is_roomcast = name == "roomcast";
        Ok(Candidate { name: name.to_owned(), command, is_roomcast })
    }

    pub fn start(&self, setup: &Setup, trouble: Trouble) -> Result<Server, String> {
        // roomcast says which port it has got.
        let port =
            if self.is_roomcast { 0 } else { free_port().map_err(|error| error.to_string())? };
        let mut script = String::new();
        let tracer = match trouble {
            Trouble::SlowDisk => format!(
                "strace -D -f -o /dev/null -e trace=fsync -e inject=fsync:delay_enter={} ",
                SLOW_DISK.as_micros()
            ),
            _ => String::new(),
        };
        script += &format!("exec {tracer}{}", self.command.replace("{port}", &port.to_string()));
        if self.is_roomcast {
            script.extend(setup.options.iter().flat_map(|option| [" ", option]));
        }
        let mut command = Command::new("sh");
        command.args(["-c", &script]).env("RUST_LOG", "debug");
        let server = Server::spawn(command, self.is_roomcast, trouble)
            .map_err(|error| format!("{script:?} doesn't start: {error}"))?;
        let server = server.wait_until_it_listens(port)?;
        if let Some(descriptors) = setup.descriptors {
            let limited = server.process.borrow().limit_descriptors(descriptors);
            limited.map_err(|error| error.to_string())?;
        }
        Ok(server)
    }
}

/// One that was free a moment ago.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

impl Server {
    fn spawn(mut command: Command, is_roomcast: bool, trouble: Trouble) -> io::Result<Server> {
        let directory = tempfile::tempdir()?;
        fs::write(directory.path().join("motd"), "hello\n")?;
        fs::write(directory.path().join("operator"), OPERATOR_PASSWORD)?;
        command.env("DIR", directory.path());
        let output = tempfile::tempfile()?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output.try_clone()?);
        let is_unread = trouble == Trouble::UnreadLog;
        let unread = if is_unread { Some(full_pipe()?) } else { None };
        let unread = unread.map(|(reader, writer)| {
            command.stderr(writer);
            reader
        });
        let process = RefCell::new(Process::spawn(&mut command)?);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(Server { address, is_roomcast, process, output, _unread: unread, directory })
    }

    fn wait_until_it_listens(mut self, port: u16) -> Result<Server, String> {
        self.address.set_port(port);
        let start = Instant::now();
        while start.elapsed() < START_TIME_MAX {
            if self.is_roomcast {
                if let Some(address) = self.announced() {
                    self.address = address;
                    return Ok(self);
                }
            } else if is_listening(port) {
                return Ok(self);
            }
            if self.ends_within(LOOK_INTERVAL) {
                break;
            }
        }
        Err(format!("it doesn't listen: {}", String::from_utf8_lossy(&self.output())))
    }

    /// The address in the first line that it prints.
    fn announced(&self) -> Option<SocketAddr> {
        let output = String::from_utf8(self.output()).ok()?;
        let line = output.lines().find(|line| line.starts_with("listening on "))?;
        listening_address(line)?.as_socket()
    }

    pub fn signal(&self, signal: Signal) {
        self.process.borrow().signal(signal);
    }

    /// Whether it ends before `time` has passed.
    pub fn ends_within(&self, time: Duration) -> bool {
        self.process.borrow().ends_within(time)
    }

    pub fn is_running(&self) -> bool {
        self.process.borrow().is_running()
    }

    /// How it ended; only to be asked when it has.
    pub fn status(&self) -> ExitStatus {
        self.process.borrow_mut().wait().expect("it is a child")
    }

    /// Everything that it has printed.
    pub fn output(&self) -> Vec<u8> {
        // The position in the file is the server's.
        let mut output = vec![0; self.output.metadata().map_or(0, |file| file.len()) as usize];
        self.output.read_exact_at(&mut output, 0).expect("it is that long");
        output
    }

    /// The last line that it has printed.
    pub fn last_words(&self) -> String {
        let output = self.output();
        String::from_utf8_lossy(&output).lines().last().unwrap_or_default().to_owned()
    }

    // What the system says of it.

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> Judged<usize> {
        self.process.borrow().descriptors().map_err(gone)
    }

    /// Bytes of its memory that are resident.
    pub fn memory_bytes(&self) -> Judged<usize> {
        self.process.borrow().memory_bytes(Memory::Resident).map_err(gone)
    }

    /// The most bytes of memory that it had at any time, beside its files.
    pub fn memory_bytes_max(&self) -> Judged<usize> {
        self.process.borrow().memory_bytes(Memory::Peak).map_err(gone)
    }

    /// How long its threads have been on a processor.
    pub fn cpu_time(&self) -> Judged<Duration> {
        self.process.borrow().cpu_time().map_err(gone)
    }
}

fn gone(error: io::Error) -> Verdict {
    died(format!("it is gone: {error}"))
}
