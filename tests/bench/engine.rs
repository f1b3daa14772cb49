//! The engine of servers that share rooms: a Redis of its own, on a unix socket.

use std::error::Error;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use roomcast::cluster::Options;
use tempfile::TempDir;

use crate::machine::Cores;
use crate::process::{Process, Readiness};

pub struct Engine {
    process: Process,
    socket: PathBuf,
    // Both end with it, after the process.
    _data: TempDir,
    _folder: TempDir,
}

impl Engine {
    /// Starts `program` on the servers' core.
    pub fn start(program: &Path, scratch: &Path, cores: Cores) -> Result<Engine, Box<dyn Error>> {
        let data = tempfile::tempdir_in(scratch)?;
        // Elsewhere: the path of a socket has to be short.
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("redis.sock");
        let mut command = Command::new(program);
        command.args(["--port", "0", "--unixsocket"]).arg(&socket).arg("--dir").arg(data.path());
        // As is recommended for a cluster, but for writing its file anew in the middle of a load.
        command.args(["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]);
        command.args(["--auto-aof-rewrite-percentage", "0"]);
        let log = scratch.join("engine.log");
        let process = Process::start(command, &Readiness::Socket(socket.clone()), &log, cores)?;
        Ok(Engine { process, socket, _data: data, _folder: folder })
    }

    pub fn url(&self) -> String {
        format!("unix:{}", self.socket.display())
    }

    /// How a link finds it.
    pub fn options(&self) -> Result<Options, String> {
        Options::new(&self.url())
    }

    pub fn connect(&self) -> io::Result<UnixStream> {
        UnixStream::connect(&self.socket)
    }

    /// Bytes that it has sent to everybody.
    pub fn sent_bytes(&self) -> Result<u64, Box<dyn Error>> {
        let mut connection = redis::Client::open(self.url())?.get_connection()?;
        let text: String = redis::cmd("INFO").arg("stats").query(&mut connection)?;
        let bytes = text.lines().find_map(|line| line.strip_prefix("total_net_output_bytes:"));
        Ok(bytes.ok_or("the engine doesn't say what it has sent")?.trim().parse()?)
    }

    /// Time on a processor of all its threads.
    pub fn cpu_ns(&self) -> io::Result<u64> {
        self.process.cpu_ns()
    }
}
