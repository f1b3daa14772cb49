//! The servers that can be measured: how each is started, and what it can't do.

use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::engine::Engine;
use crate::machine::Cores;
use crate::process::{Process, Readiness};
use crate::protocol::{Irc, Lines, Nats, Protocol, Redis, Roomcast, WebSocket};
use crate::secured::{Security, certificate, key};

/// Beside the clients a server keeps a few descriptors of its own.
const SPARE_CLIENTS: usize = 64;

/// A server that can be started any number of times.
pub struct Server {
    pub name: String,
    kind: Kind,
    pub protocol: &'static dyn Protocol,
    /// Whether its clients speak TLS.
    pub security: Security,
    /// More clients than this it can't take.
    pub clients_max: usize,
    /// Connections that may wait to be accepted: less than its backlog.
    pub connects_at_once: usize,
    /// So many of it share the room.
    pub processes: usize,
    /// Of each of them, if it is told.
    pub threads: Option<usize>,
}

enum Kind {
    Roomcast {
        path: PathBuf,
        arguments: Vec<String>,
    },
    /// The same, and what is said is stored.
    Stored {
        path: PathBuf,
        arguments: Vec<String>,
    },
    /// Several of it, and the engine that orders what is said, if it is installed.
    Clustered {
        path: PathBuf,
        arguments: Vec<String>,
        engine: Option<PathBuf>,
    },
    Bare,
    Ncat {
        path: PathBuf,
        arguments: Vec<String>,
    },
    Redis(PathBuf),
    Nats {
        path: PathBuf,
        settings: String,
    },
    Ngircd(PathBuf),
    Given {
        command: String,
        port: u16,
    },
}

/// When a server that tells who joined does so.
#[derive(Clone, Copy)]
pub enum News {
    /// As it does by itself.
    Usual,
    /// Before anything is measured.
    AtOnce,
}

impl Server {
    fn new(name: &str, kind: Kind, protocol: &'static dyn Protocol) -> Server {
        Server {
            name: name.to_owned(),
            kind,
            protocol,
            security: Security::Never,
            clients_max: usize::MAX,
            connects_at_once: 64,
            processes: 1,
            threads: None,
        }
    }

    pub fn roomcast(path: PathBuf, arguments: &str) -> Server {
        let arguments = arguments.split_whitespace().map(str::to_owned).collect();
        Server {
            connects_at_once: 512,
            ..Server::new("roomcast", Kind::Roomcast { path, arguments }, &Roomcast)
        }
    }

    /// The same with clients that speak WebSocket.
    pub fn websocket(path: PathBuf, arguments: &str) -> Server {
        Server {
            name: "websocket".to_owned(),
            protocol: &WebSocket,
            ..Server::roomcast(path, arguments)
        }
    }

    /// The same that keeps what is said. Its cost is that of the loop: the store has a thread
    /// of its own.
    pub fn stored(path: PathBuf, arguments: &str) -> Server {
        let arguments = arguments.split_whitespace().map(str::to_owned).collect();
        let kind = Kind::Stored { path, arguments };
        Server { connects_at_once: 512, ..Server::new("stored", kind, &Roomcast) }
    }

    /// So many of it that share their rooms.
    pub fn clustered(path: PathBuf, arguments: &str, processes: usize) -> Server {
        let arguments = arguments.split_whitespace().map(str::to_owned).collect();
        let kind = Kind::Clustered { path, arguments, engine: find("redis-server") };
        let name = format!("cluster{processes}");
        Server { connects_at_once: 512, processes, ..Server::new(&name, kind, &Roomcast) }
    }

    /// The same that writes with so many threads.
    pub fn team(path: PathBuf, arguments: &str, threads: usize) -> Server {
        let arguments = format!("--threads {threads} {arguments}");
        let name = format!("threads{threads}");
        Server { name, threads: Some(threads), ..Server::roomcast(path, &arguments) }
    }

    /// The same with clients that speak TLS.
    pub fn tls(path: PathBuf, arguments: &str) -> Server {
        let files = [("--tls-cert", certificate()), ("--tls-key", key())];
        let mut server = Server::roomcast(path, arguments);
        if let Kind::Roomcast { arguments, .. } = &mut server.kind {
            let options =
                files.map(|(option, file)| [option.to_owned(), file.display().to_string()]);
            arguments.extend(options.into_iter().flatten());
        }
        Server { name: "tls".to_owned(), security: Security::AtOnce, ..server }
    }

    pub fn bare() -> Server {
        Server { connects_at_once: 512, ..Server::new("bare", Kind::Bare, &Lines) }
    }

    pub fn given(command: String, port: u16) -> Server {
        let program = command.split_whitespace().next().unwrap_or("given");
        let name =
            Path::new(program).file_name().map_or(program.into(), |name| name.to_string_lossy());
        Server {
            connects_at_once: 8,
            ..Server::new(&name, Kind::Given { command: command.clone(), port }, &Lines)
        }
    }

    /// The other servers that are installed here.
    pub fn installed() -> Vec<Server> {
        // Ncat waits with select(2), which takes 1,024 descriptors, and has a backlog of 10.
        let ncat = |name, arguments: &[&str], security| {
            let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            let kind = Kind::Ncat { path: find("ncat")?, arguments };
            Some(Server {
                clients_max: 1_000,
                connects_at_once: 8,
                security,
                ..Server::new(name, kind, &Lines)
            })
        };
        let (certificate, key) = (certificate(), key());
        let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
        let nats = |name, settings, security| {
            let kind = Kind::Nats { path: find("nats-server")?, settings };
            Some(Server { security, ..Server::new(name, kind, &Nats) })
        };
        let nats_tls = format!("tls {{ cert_file: \"{certificate}\", key_file: \"{key}\" }}\n");
        let ncat_tls = ["--broker", "--ssl", "--ssl-cert", &certificate, "--ssl-key", &key];
        let others = [
            ncat("ncat-broker", &["--broker"], Security::Never),
            ncat("ncat-chat", &["--chat"], Security::Never),
            ncat("ncat-tls", &ncat_tls, Security::AtOnce),
            find("redis-server").map(|path| Server::new("redis", Kind::Redis(path), &Redis)),
            nats("nats", String::new(), Security::Never),
            nats("nats-tls", nats_tls, Security::AfterALine),
            // Its backlog is 10.
            find("ngircd").map(|path| Server {
                connects_at_once: 8,
                ..Server::new("ngircd", Kind::Ngircd(path), &Irc)
            }),
        ];
        others.into_iter().flatten().collect()
    }

    /// Whether there can be only one of it at a time.
    pub fn has_fixed_port(&self) -> bool {
        matches!(self.kind, Kind::Given { .. })
    }

    /// Whether it shares its rooms through an engine.
    pub fn is_clustered(&self) -> bool {
        matches!(self.kind, Kind::Clustered { .. })
    }

    /// A program that it needs and that isn't installed.
    pub fn lacks(&self) -> Option<&'static str> {
        matches!(self.kind, Kind::Clustered { engine: None, .. }).then_some("redis-server")
    }

    /// The engine through which several of it share a room, if it is such a server.
    pub fn start_engine(
        &self,
        scratch: &Path,
        cores: Cores,
    ) -> Result<Option<Engine>, Box<dyn Error>> {
        match &self.kind {
            Kind::Clustered { engine: Some(program), .. } => {
                Engine::start(program, scratch, cores).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Starts it with room for `clients`; its files go to `scratch`.
    pub fn start(
        &self,
        clients: usize,
        news: News,
        scratch: &Path,
        cores: Cores,
    ) -> Result<Process, Box<dyn Error>> {
        self.start_beside(None, clients, news, scratch, cores)
    }

    /// The same for one of those that share a room through this engine.
    pub fn start_beside(
        &self,
        engine: Option<&Engine>,
        clients: usize,
        news: News,
        scratch: &Path,
        cores: Cores,
    ) -> Result<Process, Box<dyn Error>> {
        let (mut command, readiness) = self.command(clients, news, scratch)?;
        if let Some(engine) = engine {
            command.args(["--cluster", &engine.url()]);
        }
        let log = scratch.join(format!("{}.log", self.name));
        let process = Process::start(command, &readiness, &log, cores)?;
        Ok(process.counting(matches!(self.kind, Kind::Stored { .. })))
    }

    fn command(
        &self,
        clients: usize,
        news: News,
        scratch: &Path,
    ) -> io::Result<(Command, Readiness)> {
        let room = (clients + SPARE_CLIENTS).to_string();
        let mut command;
        let address = match &self.kind {
            Kind::Roomcast { path, arguments }
            | Kind::Stored { path, arguments }
            | Kind::Clustered { path, arguments, .. } => {
                command = Command::new(path);
                command.args(["--listen", "127.0.0.1:0", "--max-clients", &room]);
                // Senders are to be limited by nothing but the server's speed.
                command.args(["--rate", "0"]);
                if let News::AtOnce = news {
                    command.args(["--presence-interval", "0"]);
                }
                if let Kind::Stored { .. } = self.kind {
                    command.arg("--data").arg(fresh_directory(scratch)?);
                }
                command.args(arguments);
                return Ok((command, Readiness::Announced));
            }
            Kind::Bare => {
                command = Command::new(env::current_exe()?);
                command.arg("--serve-bare");
                return Ok((command, Readiness::Announced));
            }
            Kind::Given { command: line, port } => {
                command = Command::new("sh");
                command.args(["-c", &format!("exec {line}")]);
                local(*port)
            }
            Kind::Ncat { path, arguments } => {
                let address = free_address()?;
                command = Command::new(path);
                command.arg("-l").args(arguments);
                command.args(["-m", &room, "127.0.0.1", &address.port().to_string()]);
                address
            }
            Kind::Redis(path) => {
                let address = free_address()?;
                command = Command::new(path);
                command.args(["--port", &address.port().to_string(), "--bind", "127.0.0.1"]);
                command.args(["--maxclients", &room, "--appendonly", "no", "--save", ""]);
                command.current_dir(scratch);
                address
            }
            Kind::Nats { path, settings } => {
                let address = free_address()?;
                let settings =
                    format!("max_connections: {room}\nping_interval: \"1h\"\n{settings}");
                command = Command::new(path);
                command.args(["-a", "127.0.0.1", "-p", &address.port().to_string(), "-c"]);
                command.arg(written(scratch, &format!("{}.conf", self.name), &settings)?);
                address
            }
            Kind::Ngircd(path) => {
                let address = free_address()?;
                command = Command::new(path);
                let settings = ngircd_settings(address.port());
                command.args(["-n", "-f"]).arg(written(scratch, "ngircd.conf", &settings)?);
                address
            }
        };
        Ok((command, Readiness::Silent(address)))
    }
}

/// Every limit lifted that keeps a flood or a crowd from one address out. It ends by itself once
/// everybody is gone: changing its user frees it from ending with this program.
fn ngircd_settings(port: u16) -> String {
    format!(
        "[Global]\nName = bench.example.net\nInfo = bench\nListen = 127.0.0.1\nPorts = {port}\n\
         MotdFile = /dev/null\n\
         [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\nMaxPenaltyTime = 0\n\
         PingTimeout = 3600\nIdleTimeout = 10\n\
         [Options]\nDNS = no\nIdent = no\nPAM = no\n"
    )
}

/// A directory that no other server of this run has.
fn fresh_directory(scratch: &Path) -> io::Result<PathBuf> {
    let names = (0..).map(|number| scratch.join(format!("data-{number}")));
    let path = names.into_iter().find(|path| !path.exists()).expect("names don't run out");
    fs::create_dir(&path)?;
    Ok(path)
}

fn written(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let path = folder.join(name);
    fs::write(&path, text)?;
    Ok(path)
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// One that was free a moment ago, for servers that can't be asked to pick a port.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind(local(0))?.local_addr()
}

/// Servers are often installed where only root's PATH looks.
fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders =
        env::split_paths(&path).chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}
