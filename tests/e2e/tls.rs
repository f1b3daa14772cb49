//! TLS on the same port as plain text.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::process::Signal;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::harness::{Host, PATIENCE, Program, lacks, run};
use crate::source::root;

fn file(name: &str) -> PathBuf {
    root().join("tests/e2e").join(name)
}

/// A server that speaks TLS with the certificate of the tests, with these options.
fn start(options: &[&str]) -> Program {
    let (certificate, key) = (file("example-tls.pem"), file("example-tls.key"));
    let text = |path: &PathBuf| path.to_str().expect("UTF-8").to_owned();
    let (certificate, key) = (text(&certificate), text(&key));
    Program::web(&[&["--tls-cert", &certificate, "--tls-key", &key], options].concat())
}

/// A client that speaks TLS, and of which each byte can be looked at.
struct Secured {
    connection: ClientConnection,
    socket: TcpStream,
    /// What has come and was not asked for.
    text: Vec<u8>,
}

impl Secured {
    /// One that hasn't sent anything.
    fn new(program: &Program) -> Secured {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_file(file("example-tls.pem")).expect("PEM");
        roots.add(certificate).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("there are some")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
        let socket = TcpStream::connect(("127.0.0.1", program.port())).expect("it listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket.set_nodelay(true).expect("an option");
        Secured { connection, socket, text: Vec::new() }
    }

    /// One that has been greeted.
    fn enter(program: &Program) -> Secured {
        let mut client = Secured::new(program);
        client.shake_hands(usize::MAX);
        assert!(client.line().starts_with("*** welcome, "));
        assert!(client.line().contains(" here: "));
        client
    }

    /// Does the handshake with so many bytes in each write.
    fn shake_hands(&mut self, bytes_at_once: usize) {
        while self.connection.is_handshaking() || self.connection.wants_write() {
            let mut bytes = Vec::new();
            while self.connection.wants_write() {
                self.connection.write_tls(&mut bytes).expect("memory");
            }
            for part in bytes.chunks(bytes_at_once.max(1)) {
                self.socket.write_all(part).expect("it is read");
            }
            if self.connection.is_handshaking() {
                self.receive();
            }
        }
    }

    /// Takes in what comes next; false at the end of the connection.
    fn receive(&mut self) -> bool {
        let bytes = self.connection.read_tls(&mut self.socket).expect("something comes");
        let state = self.connection.process_new_packets().expect("it is TLS");
        let mut part = vec![0; state.plaintext_bytes_to_read()];
        self.connection.reader().read_exact(&mut part).expect("so much is there");
        self.text.extend(part);
        bytes > 0
    }

    fn say(&mut self, line: &str) {
        self.connection.writer().write_all(line.as_bytes()).expect("memory");
        self.connection.writer().write_all(b"\n").expect("memory");
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.socket).expect("it is read");
        }
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.text.iter().position(|&byte| byte == b'\n') {
                let line = self.text.drain(..=end).collect::<Vec<_>>();
                return String::from_utf8(line).expect("UTF-8").trim_end().to_owned();
            }
            assert!(self.receive(), "the end, after {}", self.text.escape_ascii());
        }
    }

    #[track_caller]
    fn hears(&mut self, line: &str) {
        assert_eq!(self.line(), line);
    }

    /// The server says that nothing more comes, and then closes.
    fn ends_properly(mut self) {
        while self.receive() {}
        let mut rest = [0];
        let end = self.connection.reader().read(&mut rest);
        assert!(matches!(end, Ok(0)), "{end:?}, after {}", self.text.escape_ascii());
    }
}

/// Promise 56: TLS and plain text are one room on one port, for real programs.
#[test]
fn openssl_ncat_curl_and_netcat_are_in_one_room() {
    if lacks(&["openssl", "ncat", "curl", "nc"]) {
        return;
    }
    let program = start(&[]);
    let port = program.port().to_string();
    let [mut ann] = program.guests();
    let certificate = file("example-tls.pem");
    let certificate = certificate.to_str().expect("UTF-8");
    let address = format!("127.0.0.1:{port}");
    let certificate = ["-CAfile", certificate, "-verify_return_error"];
    let openssl = [&["openssl", "s_client", "-quiet", "-connect", &address], &certificate[..]];
    let programs: [(&[&str], &str); 3] = [
        (&openssl.concat(), "openssl"),
        (&["ncat", "--ssl", "127.0.0.1", &port], "ncat"),
        (&["nc", "127.0.0.1", &port], "netcat"),
    ];
    for (command, name) in programs {
        let mut child = Command::new(command[0])
            .args(&command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let input = child.stdin.as_mut().expect("it is piped");
        input.write_all(format!("by {name}\n/seq\n").as_bytes()).expect("it reads");
        // It comes as a script or, where the handshake takes long, as a person.
        while !ann.line().ends_with(&format!("> by {name}")) {}
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let is_answer = |line: &String| line.contains(" is the newest; ");
        assert!(output.lines().map_while(Result::ok).any(|line| is_answer(&line)), "{name}");
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }
    let url = format!("https://localhost:{port}/lobby");
    let certificate = certificate[1];
    let curl =
        Command::new("curl").args(["-s", "--cacert", certificate, "-d", "by curl", &url]).output();
    let answer = String::from_utf8(curl.expect("it runs").stdout).expect("UTF-8");
    assert!(answer.starts_with("{\"room\":\"lobby\","), "{answer}");
    while !ann.line().ends_with("> by curl") {}
}

/// Promise 56: a handshake may come in any pieces.
#[test]
fn a_handshake_may_come_in_pieces_of_one_byte() {
    let program = start(&[]);
    let [mut ann] = program.guests();
    let mut bob = Secured::new(&program);
    bob.shake_hands(1);
    bob.say("hello");
    ann.hears("<guest2> hello");
    bob.say("/whois guest2");
    let mut line = bob.line();
    while !line.contains("in lobby") {
        line = bob.line();
    }
    assert!(line.ends_with(", with TLS 1.3"), "{line}");
    ann.say("and plain");
    bob.hears("<guest1> and plain");
}

/// Promise 57: nothing is torn or lost inside.
#[test]
fn much_in_both_directions_keeps_its_order() {
    // A read is of 1 KiB then, less than a record.
    let program = start(&["--backlog", "64k", "--rate", "0"]);
    let mut ann = Secured::enter(&program);
    let mut bob = Secured::enter(&program);
    ann.hears("*** guest2 joined");
    for part in 0..20 {
        let lines: Vec<_> = (0..500).map(|number| format!("{}", part * 500 + number)).collect();
        ann.say(&lines.join("\n"));
        for line in lines {
            bob.hears(&format!("<guest1> {line}"));
        }
    }
}

/// Promise 57: a client that doesn't read gets what it missed as any other, nothing torn and
/// nothing twice.
#[test]
fn a_client_that_reads_late_is_told_what_it_missed() {
    let program = start(&["--backlog", "64k", "--rate", "0"]);
    let mut ann = Secured::enter(&program);
    let mut bob = Secured::enter(&program);
    ann.hears("*** guest2 joined");
    let text = "x".repeat(900);
    for number in 0..20_000 {
        ann.say(&format!("{number} {text}"));
    }
    ann.say("/seq");
    while !ann.line().contains("is the newest") {}
    let mut next = 0;
    loop {
        let line = bob.line();
        if let Some(said) = line.strip_prefix("<guest1> ") {
            let (number, rest) = said.split_once(' ').expect("two words");
            assert_eq!((number.parse(), rest), (Ok(next), &*text));
            next += 1;
        } else {
            let count = line.strip_prefix("*** ").and_then(|line| line.split(' ').next());
            let skipped = count.and_then(|count| count.parse::<u32>().ok());
            next += skipped.unwrap_or_else(|| panic!("{line}"));
        }
        if next == 20_000 {
            return;
        }
    }
}

/// Promise 57: the end is said.
#[test]
fn the_end_is_said_in_tls_too() {
    let program = start(&[]);
    let mut ann = Secured::enter(&program);
    ann.say("/quit");
    assert!(ann.line().starts_with("*** goodbye"));
    ann.ends_properly();
    let mut bob = Secured::enter(&program);
    program.signal(Signal::TERM);
    bob.hears("*** the server is shutting down");
    bob.ends_properly();
}

/// Promise 57: what a client had begun when it was cut off may not be all that it wanted to
/// say.
#[test]
fn a_line_that_is_cut_off_is_not_said() {
    let program = start(&[]);
    let [mut ann] = program.guests();
    let mut bob = Secured::enter(&program);
    ann.hears("*** guest2 joined");
    bob.connection.writer().write_all(b"don't").expect("memory");
    bob.connection.write_tls(&mut bob.socket).expect("it is read");
    drop(bob);
    assert!(ann.line().starts_with("*** guest2 left"));
}

/// Promise 56: what is no TLS is told so.
#[test]
fn what_is_no_tls_is_told_so_and_nobody_hears_of_it() {
    let program = start(&[]);
    let [mut ann] = program.guests();
    let mut socket = TcpStream::connect(("127.0.0.1", program.port())).expect("it listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // A ServerHello.
    socket.write_all(b"\x16\x03\x01\0\x04\x02\0\0\0").expect("it is read");
    let mut answer = Vec::new();
    match socket.read_to_end(&mut answer) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => {}
    }
    assert!(answer.starts_with(&[0x15, 3]), "{}", answer.escape_ascii());
    ann.ping();
}

/// A client that begins with TLS and doesn't go on is sent nothing, and has ten seconds.
#[test]
fn a_handshake_that_is_never_done_ends() {
    let program = start(&[]);
    let mut socket = TcpStream::connect(("127.0.0.1", program.port())).expect("it listens");
    socket.set_read_timeout(Some(3 * PATIENCE)).expect("a timeout");
    socket.write_all(b"\x16\x03\x01\x01").expect("it is read");
    let mut answer = Vec::new();
    match socket.read_to_end(&mut answer) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => assert_eq!(answer, b""),
    }
}

#[test]
fn what_is_wrong_with_the_files_is_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let empty = directory.path().join("empty");
    fs::write(&empty, "").expect("a file");
    let text = |path: &PathBuf| path.to_str().expect("UTF-8").to_owned();
    let (certificate, key) = (text(&file("example-tls.pem")), text(&file("example-tls.key")));
    let refused = |certificate: &str, key: &str| {
        let output = run(&["--listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let said = [
        (refused("/nowhere", &key), "cannot use /nowhere: No such file"),
        (refused(&certificate, "/nowhere"), "cannot use /nowhere: No such file"),
        (refused(&text(&empty), &key), "it holds no certificate in PEM"),
        (refused(&certificate, &text(&empty)), "it holds no private key in PEM"),
        (refused(&certificate, &certificate), "it holds no private key in PEM"),
    ];
    for (errors, clue) in said {
        assert!(errors.contains(clue), "{clue:?} isn't in {errors}");
    }
}
