//! Clients that speak TLS: the part between what they say and hear and the socket.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

/// When clients of a server begin to speak TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Security {
    Never,
    /// Before anything else.
    AtOnce,
    /// When the server has said a line.
    AfterALine,
}

static CONFIG: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    let certificate =
        CertificateDer::from_pem_file(certificate()).expect("it is in the repository");
    roots.add(certificate).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("there are some")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
});

/// The certificate that the servers show: ECDSA with P-256.
pub fn certificate() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/example-tls.pem"))
}

/// Its key.
pub fn key() -> PathBuf {
    certificate().with_extension("key")
}

/// One client's side.
pub struct Secured(Box<ClientConnection>);

impl Secured {
    /// Does the handshake on a socket that still blocks.
    pub fn begin(socket: &mut TcpStream, security: Security) -> io::Result<Option<Secured>> {
        match security {
            Security::Never => return Ok(None),
            Security::AtOnce => {}
            Security::AfterALine => while read_byte(socket)? != b'\n' {},
        }
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(Arc::clone(&CONFIG), name);
        let mut connection = Box::new(connection.map_err(io::Error::other)?);
        connection.set_buffer_limit(None);
        while connection.is_handshaking() {
            connection.complete_io(socket)?;
        }
        Ok(Some(Secured(connection)))
    }

    /// What the socket is to be sent so that the server hears `bytes`.
    pub fn encrypt(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.0.writer().write_all(bytes)?;
        while self.0.wants_write() {
            self.0.write_tls(out)?;
        }
        Ok(())
    }

    /// Reads as `TcpStream` does.
    pub fn read(&mut self, socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        loop {
            match self.0.reader().read(&mut buffer[filled..]) {
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            // A record is 16 KiB at most.
            if buffer.len() - filled < 1 << 15 {
                return Ok(filled);
            }
            match self.0.read_tls(socket) {
                Ok(0) => return Ok(filled),
                Ok(_) => self.0.process_new_packets().map_err(io::Error::other)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock && filled > 0 => {
                    return Ok(filled);
                }
                Err(error) => return Err(error),
            };
        }
    }
}

fn read_byte(socket: &mut TcpStream) -> io::Result<u8> {
    let mut byte = [0];
    socket.read_exact(&mut byte)?;
    Ok(byte[0])
}
