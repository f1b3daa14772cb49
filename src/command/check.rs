//! `roomcast check`: asks a server whether it is healthy, for containers and monitors.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use socket2::{Domain, SockAddr, Socket, Type};

/// Check whether a server is healthy; exit with 0 if it is
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Server to check: HOST:PORT, http://HOST:PORT, or unix:PATH
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:8008")]
    url: Target,
}

/// Connecting, and each read and write after it.
const TIME_MAX: Duration = Duration::from_secs(3);

/// A server that answers more than this isn't one of ours.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

const HEADERS_MAX: usize = 64;

/// What is asked for if the URL doesn't say.
const HEALTH: &str = "/healthz";

/// Where the server is.
#[derive(Clone, Debug)]
enum Target {
    /// Host, port and path.
    Tcp(String, u16, String),
    Unix(PathBuf),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Target, String> {
        const FORMS: &str = "expected HOST:PORT, http://HOST:PORT or unix:PATH";
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Target::Unix(path.into()));
        }
        if text.starts_with("https:") {
            return Err("https is not supported here; use http on the server's machine".into());
        }
        let rest = match text.strip_prefix("http://") {
            Some(rest) => rest,
            // Another scheme, or a slip in this one.
            None if text.contains("//") || text.starts_with("unix:") => return Err(FORMS.into()),
            None => text,
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let path = if path.len() < 2 { HEALTH } else { path };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| FORMS)?),
            _ => (authority, 80),
        };
        let is_path = path.bytes().all(|byte| byte.is_ascii_graphic());
        let is_host = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic());
        match is_path && is_host {
            true => Ok(Target::Tcp(host.to_owned(), port, path.to_owned())),
            false => Err(FORMS.into()),
        }
    }
}

impl CheckArgs {
    /// Asks the server.
    ///
    /// # Errors
    /// What is wrong with it, for the user.
    pub fn run(self) -> Result<(), String> {
        let (server, status) = match self.url {
            Target::Tcp(host, port, path) => {
                let server = format!("{host}:{port}");
                let status = connect(&host, port).and_then(|tcp| ask(tcp, &server, &path));
                (server, status)
            }
            Target::Unix(path) => {
                let status = connect_unix(&path).and_then(|unix| ask(unix, "localhost", HEALTH));
                (path.display().to_string(), status)
            }
        };
        match status {
            Ok(200) => Ok(()),
            Ok(status) => Err(format!("{server} answers with status {status}")),
            Err(error) => Err(format!("{server} doesn't answer: {error}")),
        }
    }
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let mut result = Err(io::Error::other("the host has no address"));
    for address in (bare, port).to_socket_addrs()? {
        result = TcpStream::connect_timeout(&address, TIME_MAX);
        if result.is_ok() {
            break;
        }
    }
    let stream = result?;
    stream.set_read_timeout(Some(TIME_MAX))?;
    stream.set_write_timeout(Some(TIME_MAX))?;
    Ok(stream)
}

fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_read_timeout(Some(TIME_MAX))?;
    // Connecting too (unix(7)): one that stands still accepts nobody.
    socket.set_write_timeout(Some(TIME_MAX))?;
    socket.connect(&SockAddr::unix(path)?)?;
    Ok(socket.into())
}

/// Sends a request; gives the status of the answer (RFC 9110, section 15).
fn ask(mut stream: impl Read + Write, host: &str, path: &str) -> io::Result<u16> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => io::Error::other("it takes too long"),
        _ => error,
    })?;
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Response::new(&mut headers);
    let _ = head.parse(&answer);
    head.code.ok_or_else(|| io::Error::other("it does not speak HTTP"))
}
