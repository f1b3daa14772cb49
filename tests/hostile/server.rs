//! A server's process: started, measured, and ended.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::verdict::{Judged, died};

const START_TIME_MAX: Duration = Duration::from_secs(10);
/// Between two looks whether a server listens.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);
const BINARY: &str = env!("CARGO_BIN_EXE_roomcast");

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

/// A running server. Dropping it kills it.
pub struct Server {
    pub address: SocketAddr,
    pub is_roomcast: bool,
    child: RefCell<Child>,
    pid: Pid,
    /// Readable when the process has ended.
    end: OwnedFd,
    /// Its standard output and standard error.
    output: File,
}

impl Candidate {
    /// A known server by its name, or `NAME=COMMAND`.
    pub fn parse(text: &str) -> Result<Candidate, String> {
        let (name, command) = match text.split_once('=') {
            Some((name, command)) if command.contains("{port}") => (name, command.to_owned()),
            Some(_) => return Err("the command must have {port} in it".into()),
            None if text == "roomcast" => (text, format!("'{BINARY}' --listen 127.0.0.1:{{port}}")),
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

    pub fn start(&self, setup: &Setup) -> Result<Server, String> {
        // roomcast says which port it has got.
        let port =
            if self.is_roomcast { 0 } else { free_port().map_err(|error| error.to_string())? };
        let mut script = String::new();
        if let Some(descriptors) = setup.descriptors {
            script += &format!("ulimit -n {descriptors}; ");
        }
        script += &format!("exec {}", self.command.replace("{port}", &port.to_string()));
        if self.is_roomcast {
            script.extend(setup.options.iter().flat_map(|option| [" ", option]));
        }
        let mut command = Command::new("sh");
        command.args(["-c", &script]).env("RUST_LOG", "debug");
        let server = Server::spawn(command, self.is_roomcast)
            .map_err(|error| format!("{script:?} doesn't start: {error}"))?;
        server.wait_until_it_listens(port)
    }
}

/// One that was free a moment ago.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Whether somebody listens on this port. Connecting to see that would be a
/// first client that leaves at once: some servers don't survive it.
fn is_listening(port: u16) -> bool {
    const LISTENING: &str = "0A";
    let end = format!(":{port:04X}");
    // Of the network that this thread is in.
    ["/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"].iter().any(|table| {
        let table = fs::read_to_string(table).unwrap_or_default();
        table.lines().skip(1).any(|row| {
            let mut columns = row.split_whitespace().skip(1);
            let is_port = columns.next().is_some_and(|address| address.ends_with(&end));
            is_port && columns.nth(1) == Some(LISTENING)
        })
    })
}

impl Server {
    fn spawn(mut command: Command, is_roomcast: bool) -> io::Result<Server> {
        let output = tempfile::tempfile()?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output.try_clone()?);
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let end = pidfd_open(pid, PidfdFlags::empty())?;
        Ok(Server { address, is_roomcast, child: RefCell::new(child), pid, end, output })
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
        let (line, _) = output.split_once("listening on ")?.1.split_once('\n')?;
        line.parse().ok()
    }

    pub fn signal(&self, signal: Signal) {
        // It may have ended.
        let _ = kill_process(self.pid, signal);
    }

    /// Whether it ends before `time` has passed.
    pub fn ends_within(&self, time: Duration) -> bool {
        let start = Instant::now();
        loop {
            let left = Timespec::try_from(time.saturating_sub(start.elapsed()));
            let mut ends = [PollFd::new(&self.end, PollFlags::IN)];
            match poll(&mut ends, Some(&left.expect("a short time"))) {
                Err(Errno::INTR) => {}
                result => return result.is_ok_and(|count| count > 0),
            }
        }
    }

    pub fn is_running(&self) -> bool {
        !self.ends_within(Duration::ZERO)
    }

    /// How it ended; only to be asked when it has.
    pub fn status(&self) -> ExitStatus {
        self.child.borrow_mut().wait().expect("it is a child")
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

    // What the system knows of it.

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> Judged<usize> {
        Ok(fs::read_dir(self.proc("fd")).map_err(|_| gone())?.count())
    }

    /// Bytes of its memory that are resident.
    pub fn memory_bytes(&self) -> Judged<usize> {
        self.status_bytes("VmRSS:")
    }

    /// Bytes of its memory that were resident at any time.
    pub fn memory_bytes_max(&self) -> Judged<usize> {
        self.status_bytes("VmHWM:")
    }

    fn status_bytes(&self, name: &str) -> Judged<usize> {
        let status = fs::read_to_string(self.proc("status")).map_err(|_| gone())?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
        Ok(1024 * number.ok_or_else(gone)?)
    }

    /// How long its threads have been on a processor.
    pub fn cpu_time(&self) -> Judged<Duration> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(self.proc("task")).map_err(|_| gone())? {
            let path = thread.map_err(|_| gone())?.path().join("schedstat");
            let schedstat = fs::read_to_string(path).map_err(|_| gone())?;
            let first = schedstat.split_whitespace().next();
            nanoseconds += first.and_then(|number| number.parse::<u64>().ok()).ok_or_else(gone)?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    fn proc(&self, what: &str) -> String {
        format!("/proc/{}/{what}", self.pid.as_raw_nonzero())
    }
}

fn gone() -> crate::verdict::Verdict {
    died("it is gone")
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let child = self.child.get_mut();
        let _ = child.kill();
        let _ = child.wait();
    }
}
