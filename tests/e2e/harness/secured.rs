//! A client that speaks TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::{PATIENCE, Program};
use crate::source::root;

/// A client that speaks TLS, and of which each byte can be looked at.
pub struct Secured {
    pub connection: ClientConnection,
    pub socket: TcpStream,
    /// What has come and was not asked for.
    text: Vec<u8>,
}

impl Secured {
    /// One that hasn't sent anything, and trusts the certificate of the tests.
    pub fn new(program: &Program) -> Secured {
        let certificate = root().join("tests/e2e/example-tls.pem");
        Secured::trusting(&certificate, connect(program))
    }

    /// One that trusts the certificate in this file.
    pub fn trusting(certificate: &Path, socket: TcpStream) -> Secured {
        Secured::expecting("localhost", certificate, socket)
    }

    /// The same, and the server must be called so there.
    pub fn expecting(name: &'static str, certificate: &Path, socket: TcpStream) -> Secured {
        Secured::with(trust(certificate), name, socket)
    }

    /// The same with settings that several share.
    pub fn with(config: Arc<ClientConfig>, name: &'static str, socket: TcpStream) -> Secured {
        let name = ServerName::try_from(name).expect("a name");
        let mut connection = ClientConnection::new(config, name).expect("a client");
        connection.set_buffer_limit(None);
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket.set_nodelay(true).expect("an option");
        Secured { connection, socket, text: Vec::new() }
    }

    /// One that has been greeted.
    pub fn enter(program: &Program) -> Secured {
        let mut client = Secured::new(program);
        client.read_greeting();
        client
    }

    /// Does the handshake and reads the greeting.
    pub fn read_greeting(&mut self) {
        self.shake_hands(usize::MAX);
        assert!(self.line().starts_with("*** welcome, "));
        assert!(self.line().contains(" here: "));
    }

    /// The certificate that the server has shown.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.connection.peer_certificates().expect("it has shown one")[0]
    }

    /// Sends a request and reads the answer to its end, which is said in TLS.
    pub fn asks(mut self, request: &str) -> String {
        self.shake_hands(usize::MAX);
        self.say(request);
        while self.receive() {}
        let text = String::from_utf8(std::mem::take(&mut self.text)).expect("UTF-8");
        self.ends_properly();
        text
    }

    /// Does the handshake with so many bytes in each write.
    pub fn shake_hands(&mut self, bytes_at_once: usize) {
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
    pub fn receive(&mut self) -> bool {
        let bytes = self.connection.read_tls(&mut self.socket).expect("something comes");
        let state = self.connection.process_new_packets().expect("it is TLS");
        let mut part = vec![0; state.plaintext_bytes_to_read()];
        self.connection.reader().read_exact(&mut part).expect("so much is there");
        self.text.extend(part);
        bytes > 0
    }

    pub fn say(&mut self, line: &str) {
        self.send(&[line.as_bytes(), b"\n"].concat());
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.connection.writer().write_all(bytes).expect("memory");
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.socket).expect("it is read");
        }
    }

    pub fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.text.iter().position(|&byte| byte == b'\n') {
                let line = self.text.drain(..=end).collect::<Vec<_>>();
                return String::from_utf8(line).expect("UTF-8").trim_end().to_owned();
            }
            assert!(self.receive(), "the end, after {}", self.text.escape_ascii());
        }
    }

    #[track_caller]
    pub fn hears(&mut self, line: &str) {
        assert_eq!(self.line(), line);
    }

    /// The server says that nothing more comes, and then closes.
    pub fn ends_properly(mut self) {
        while self.receive() {}
        let mut rest = [0];
        let end = self.connection.reader().read(&mut rest);
        assert!(matches!(end, Ok(0)), "{end:?}, after {}", self.text.escape_ascii());
    }
}

/// Settings of a client that trusts the certificate in this file.
pub fn trust(certificate: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(certificate).expect("PEM");
    roots.add(certificate).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("there are some")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// A connection to the server.
pub fn connect(program: &Program) -> TcpStream {
    TcpStream::connect(("127.0.0.1", program.port())).expect("it listens")
}
