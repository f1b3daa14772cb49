//! Whose server this is: a certificate with its key, which may be replaced while the server
//! runs.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use log::{info, warn};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};

use super::facts::{DAY_SECONDS, FILE_BYTES_MAX, Facts, date};
use super::self_signed::SelfSigned;
use crate::net::file;

/// How long before its end the operator is warned.
const LAST_DAYS: i64 = 7;

/// A certificate with its key, and where they come from.
#[derive(Debug)]
pub struct Certificate {
    config: Arc<ServerConfig>,
    current: Arc<Current>,
    source: Source,
    /// What its files were when they were read.
    stamp: Option<Stamp>,
    facts: Facts,
}

#[derive(Debug)]
pub(super) enum Source {
    Files { certificate: PathBuf, key: PathBuf },
    SelfSigned(Box<SelfSigned>),
}

/// What clients are shown now. Handshakes begin on the loop's thread, and another one
/// replaces it: neither waits for the other.
#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

struct Loaded {
    certified: CertifiedKey,
    facts: Facts,
}

impl Certificate {
    /// The certificate in a file, followed by those that it was issued with, and its key in
    /// another one; both are PEM (RFC 7468).
    ///
    /// # Errors
    /// What is wrong with them, for the operator.
    pub fn from_files(certificate: PathBuf, key: PathBuf) -> Result<Certificate, String> {
        Certificate::new(Source::Files { certificate, key })
    }

    /// A certificate that nobody but this server vouches for, for this machine's names and
    /// addresses and for `hosts`. It is kept in `directory`, or ends with the server.
    ///
    /// # Errors
    /// Why it can't be read or made, for the operator.
    pub fn self_signed(hosts: &[String], directory: Option<&Path>) -> Result<Certificate, String> {
        let own = SelfSigned::open(hosts, directory)?;
        Certificate::new(Source::SelfSigned(Box::new(own)))
    }

    fn new(source: Source) -> Result<Certificate, String> {
        // Before they are read: what changes meanwhile is noticed.
        let stamp = source.stamp();
        let Loaded { certified, facts } = source.load()?;
        let current = Arc::new(Current(ArcSwap::from_pointee(certified)));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Tickets keep what the server would have to remember of each client.
        config.ticketer = ring::Ticketer::new().map_err(|error| error.to_string())?;
        let certificate = Certificate { config: Arc::new(config), current, source, stamp, facts };
        info!("the TLS certificate is {}", certificate.facts.describe());
        certificate.warn_of_end();
        Ok(certificate)
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// What clients are shown first.
    #[cfg(test)]
    pub(super) fn shown(&self) -> rustls::pki_types::CertificateDer<'static> {
        self.current.0.load().cert[0].clone()
    }

    /// The SHA-256 fingerprint by which people can know a self-signed certificate.
    pub fn own_fingerprint(&self) -> Option<&str> {
        match self.source {
            Source::SelfSigned(_) => Some(&self.facts.fingerprint),
            Source::Files { .. } => None,
        }
    }

    /// What its files are now; nothing if one isn't there.
    pub(super) fn new_stamp(&self) -> Option<Stamp> {
        self.source.stamp()
    }

    /// What its files were when they were read.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        self.stamp
    }

    /// Whether a self-signed one has to be made anew.
    pub(super) fn is_due(&self) -> bool {
        match &self.source {
            Source::SelfSigned(own) => own.is_due(&self.facts),
            Source::Files { .. } => false,
        }
    }

    /// Reads it again, or makes a new one if that is due. If it fails the old one stays,
    /// which is logged; gives false then.
    pub(super) fn reload(&mut self) -> bool {
        if let Source::SelfSigned(own) = &self.source
            && !own.is_due(&self.facts)
        {
            info!("the TLS certificate is still {}", self.facts.describe());
            return true;
        }
        self.stamp = self.source.stamp();
        match self.source.load() {
            Ok(Loaded { certified, facts }) => {
                let word = if facts == self.facts { "still" } else { "now" };
                self.facts = facts;
                self.current.0.store(Arc::new(certified));
                info!("the TLS certificate is {word} {}", self.facts.describe());
                self.warn_of_end();
                true
            }
            Err(error) => {
                warn!("{error}; the TLS certificate before it stays in use");
                false
            }
        }
    }

    /// How many days it is valid, if they are few.
    pub(super) fn last_days(&self) -> Option<i64> {
        let days = (self.facts.end - Timestamp::now().as_second()).div_euclid(DAY_SECONDS);
        (days < LAST_DAYS).then_some(days.max(-1))
    }

    /// Warns if clients refuse it, or will soon.
    pub(super) fn warn_of_end(&self) {
        let (begin, end) = (date(self.facts.begin), date(self.facts.end));
        match self.last_days() {
            Some(..0) => warn!("the TLS certificate has expired: it was valid until {end}"),
            Some(_) => warn!("the TLS certificate expires soon: it is valid until {end}"),
            None if self.facts.begin > Timestamp::now().as_second() => {
                warn!("the TLS certificate isn't valid before {begin}");
            }
            None => {}
        }
    }
}

impl Source {
    fn stamp(&self) -> Option<Stamp> {
        let Source::Files { certificate, key } = self else { return None };
        Some([stamp(certificate)?, stamp(key)?])
    }

    fn load(&self) -> Result<Loaded, String> {
        match self {
            Source::Files { certificate, key } => load_files(certificate, key),
            Source::SelfSigned(own) => own.load().and_then(|(der, key)| load(vec![der], key)),
        }
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// Of each file its device, its number there, its length and when it was changed.
pub(super) type Stamp = [(u64, u64, u64, i64, i64); 2];

fn stamp(path: &Path) -> Option<(u64, u64, u64, i64, i64)> {
    let it = path.metadata().ok()?;
    Some((it.dev(), it.ino(), it.size(), it.mtime(), it.mtime_nsec()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn load_files(certificate: &Path, key: &Path) -> Result<Loaded, String> {
    let bad_chain =
        |why: String| format!("cannot use {} for --tls-cert: {why}", certificate.display());
    let bad_key = |why: String| format!("cannot use {} for --tls-key: {why}", key.display());
    let text = file::contents(certificate, FILE_BYTES_MAX)
        .map_err(|error| bad_chain(error.to_string()))?;
    let chain = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| bad_chain(explain(error, "certificate")))?;
    if chain.is_empty() {
        return Err(bad_chain("it holds no certificate in PEM".into()));
    }
    let text = file::contents(key, FILE_BYTES_MAX).map_err(|error| bad_key(error.to_string()))?;
    let secret = PrivateKeyDer::from_pem_slice(&text)
        .map_err(|error| bad_key(explain(error, "private key")))?;
    if key.metadata().is_ok_and(|it| it.mode() & 0o007 != 0) {
        warn!("others can use the key file {}; chmod o= keeps them out", key.display());
    }
    load(chain, secret).map_err(|error| bad_key(format!("with {}: {error}", certificate.display())))
}

fn load(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Loaded, String> {
    let facts = Facts::of(&chain[0])?;
    let certified =
        CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                "the key isn't that of the certificate".to_owned()
            }
            error => error.to_string(),
        })?;
    Ok(Loaded { certified, facts })
}

fn explain(error: pem::Error, what: &str) -> String {
    match error {
        pem::Error::NoItemsFound => format!("it holds no {what} in PEM"),
        error => error.to_string(),
    }
}
