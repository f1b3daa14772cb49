//! What a certificate says.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// A chain of certificates with all that may be written beside it, or a key.
pub(super) const FILE_BYTES_MAX: usize = 1 << 20;

/// Names of a certificate that are shown at most.
const NAMES_SHOWN_MAX: usize = 6;

pub(super) const DAY_SECONDS: i64 = 24 * 60 * 60;

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// Host names and addresses.
    pub names: Vec<String>,
    /// From when on it is valid, in seconds since 1970.
    pub begin: i64,
    /// Until when.
    pub end: i64,
    /// SHA-256, as browsers and `openssl x509 -fingerprint` show it.
    pub fingerprint: String,
}

impl Facts {
    pub fn of(certificate: &CertificateDer) -> Result<Facts, String> {
        let (_, parsed) = parse_x509_certificate(certificate).map_err(|error| error.to_string())?;
        let alternatives = parsed.subject_alternative_name().ok().flatten();
        let names = alternatives.iter().flat_map(|extension| &extension.value.general_names);
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => ip(bytes),
            _ => None,
        });
        let validity = parsed.validity();
        Ok(Facts {
            names: names.collect(),
            begin: validity.not_before.timestamp(),
            end: validity.not_after.timestamp(),
            fingerprint: fingerprint(certificate),
        })
    }

    /// The names, the end and the fingerprint, for the operator.
    pub fn describe(&self) -> String {
        let Facts { names, fingerprint, .. } = self;
        let shown = &names[..names.len().min(NAMES_SHOWN_MAX)];
        let mut text = match shown {
            [] => "for no name".to_owned(),
            shown => format!("for {}", shown.join(", ")),
        };
        if names.len() > shown.len() {
            let _ = write!(text, " and {} more", names.len() - shown.len());
        }
        text + &format!(", valid until {}; SHA-256 {fingerprint}", date(self.end))
    }
}

fn fingerprint(certificate: &[u8]) -> String {
    let bytes = Sha256::digest(certificate);
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// An address as a certificate has it (RFC 5280, section 4.2.1.6).
fn ip(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| Ipv4Addr::from(bytes).to_string());
    let v6 = <[u8; 16]>::try_from(bytes).map(|bytes| Ipv6Addr::from(bytes).to_string());
    v4.or(v6).ok()
}

/// The day, UTC.
pub(super) fn date(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .map_or_else(|_| seconds.to_string(), |at| at.strftime("%Y-%m-%d").to_string())
}
