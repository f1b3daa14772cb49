//! The server, as a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Fault;
use crate::support::process::{Memory, Process, listening_address};

pub struct Server {
    process: Process,
    /// Where it expects clients of any kind, and where telnet.
    pub plain: SocketAddr,
    pub telnet: SocketAddr,
}

impl Server {
    pub fn start(program: &Path) -> Result<Server, Fault> {
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0", "--listen", "telnet:127.0.0.1:0"]);
        // So that the slow and the stuck come to it.
        command.args(["--stall-timeout", "20", "--backlog", "262144"]);
        // On Linux that gives up slow readers with small windows too.
        command.args(["--dead-timeout", "100000"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut process = Process::spawn(&mut command).map_err(|error| error.to_string())?;
        let stdout = process.child().stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines();
        let mut address = || {
            let line = lines.next().and_then(Result::ok).unwrap_or_default();
            let address = listening_address(&line).and_then(|address| address.as_socket());
            address.ok_or_else(|| format!("the server says {line:?}"))
        };
        let (plain, telnet) = (address()?, address()?);
        Ok(Server { process, plain, telnet })
    }

    pub fn descriptors(&self) -> Result<usize, Fault> {
        self.process.descriptors().map_err(|error| format!("it has ended: {error}"))
    }

    /// Its memory that is resident.
    pub fn memory_kib(&self) -> Result<usize, Fault> {
        let bytes = self.process.memory_bytes(Memory::Resident);
        bytes.map(|bytes| bytes / 1024).map_err(|error| format!("it has ended: {error}"))
    }
}
