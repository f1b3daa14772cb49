//! The server, as a process of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::Fault;

pub struct Server {
    child: Child,
    /// Where it expects clients of any kind, and where telnet.
    pub plain: SocketAddr,
    pub telnet: SocketAddr,
}

impl Server {
    pub fn start() -> Result<Server, Fault> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roomcast"));
        command.args(["--listen", "127.0.0.1:0", "--listen", "telnet:127.0.0.1:0"]);
        // So that the slow and the stuck come to it.
        command.args(["--stall-timeout", "20", "--backlog", "262144"]);
        // On Linux that gives up slow readers with small windows too.
        command.args(["--dead-timeout", "100000"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut address = || {
            let line = lines.next().and_then(Result::ok).unwrap_or_default();
            let address = line.strip_prefix("listening on ").and_then(|text| text.parse().ok());
            address.ok_or_else(|| format!("the server says {line:?}"))
        };
        let (plain, telnet) = (address(), address());
        // From here on it is ended when it is dropped.
        let unset = SocketAddr::from(([0; 4], 0));
        let mut server = Server { child, plain: unset, telnet: unset };
        (server.plain, server.telnet) = (plain?, telnet?);
        Ok(server)
    }

    pub fn descriptors(&self) -> Result<usize, Fault> {
        Ok(fs::read_dir(self.proc("fd")).map_err(|error| format!("it has ended: {error}"))?.count())
    }

    /// Its memory that is resident.
    pub fn memory_kib(&self) -> Result<usize, Fault> {
        let status = fs::read_to_string(self.proc("status")).map_err(|error| error.to_string())?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.ok_or_else(|| "the server has ended".into())
    }

    fn proc(&self, what: &str) -> String {
        format!("/proc/{}/{what}", self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
