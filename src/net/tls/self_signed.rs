//! Certificates that this server makes for itself.
//!
//! Nobody else vouches for them, so clients know it again by the fingerprint. The key stays
//! when the certificate is made anew.

use std::fmt;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Write};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SerialNumber, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;

use super::facts::{DAY_SECONDS, FILE_BYTES_MAX, Facts};
use crate::net::address::is_host_name;
use crate::net::file;

/// Clients on Apple's systems refuse certificates that are valid for longer.
const VALID_DAYS: i32 = 398;

/// So long before its end a certificate is made anew.
const RENEWAL_DAYS: i64 = 30;

/// Where the kernel of Linux lists IPv6 addresses, the flags of each in the fifth column
/// (proc_net(5)).
const IPV6_ADDRESSES: &str = "/proc/self/net/if_inet6";

/// The flag of an address that lasts for a day or so (RFC 8981).
const IS_TEMPORARY: u32 = 0x01;

/// What makes such certificates.
pub(super) struct SelfSigned {
    hosts: Vec<String>,
    /// Where the newest one is kept.
    file: Option<PathBuf>,
    key: KeyPair,
}

impl SelfSigned {
    /// The key in `directory`, which is made if it isn't there; without a directory a new
    /// one.
    pub fn open(hosts: &[String], directory: Option<&Path>) -> Result<SelfSigned, String> {
        let (hosts, file) = (hosts.to_vec(), directory.map(|path| path.join("tls.pem")));
        let key = match directory {
            None => new_key()?,
            Some(directory) => kept_key(&directory.join("tls.key"))?,
        };
        Ok(SelfSigned { hosts, file, key })
    }

    /// The certificate that is kept, or a new one, with the key.
    pub fn load(&self) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), String> {
        let der = match self.kept() {
            Some(kept) => kept,
            None => self.make()?,
        };
        Ok((der, PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()))
    }

    /// Whether a new one is wanted instead of one that says this: it ends soon, or this
    /// machine has a name or an address that it doesn't hold.
    pub fn is_due(&self, facts: &Facts) -> bool {
        let names = self.names();
        facts.end - Timestamp::now().as_second() < RENEWAL_DAYS * DAY_SECONDS
            || !names.iter().all(|name| facts.names.contains(name))
    }

    /// The certificate in the file, if it is still good.
    fn kept(&self) -> Option<CertificateDer<'static>> {
        let text = file::contents(self.file.as_ref()?, FILE_BYTES_MAX).ok()?;
        let der = CertificateDer::from_pem_slice(&text).ok()?;
        let facts = Facts::of(&der).ok()?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&der).ok()?;
        let is_ours = parsed.public_key().subject_public_key.data == self.key.public_key_raw();
        (is_ours && !self.is_due(&facts)).then_some(der)
    }

    fn make(&self) -> Result<CertificateDer<'static>, String> {
        let cannot = |error: rcgen::Error| format!("cannot make a TLS certificate: {error}");
        let mut parameters = CertificateParams::new(self.names()).map_err(cannot)?;
        // Yesterday: clocks differ.
        let begin = Timestamp::now().to_zoned(TimeZone::UTC).date() - 1.day();
        let end = begin + VALID_DAYS.days();
        let midnight =
            |date: Date| date_time_ymd(date.year().into(), date.month() as u8, date.day() as u8);
        (parameters.not_before, parameters.not_after) = (midnight(begin), midnight(end));
        parameters.serial_number = Some(serial_number()?);
        parameters.distinguished_name.push(DnType::CommonName, "roomcast, self-signed");
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let made = parameters.self_signed(&self.key).map_err(cannot)?;
        if let Some(path) = &self.file {
            write(path, &made.pem())?;
        }
        Ok(made.der().clone())
    }

    /// What clients may call this machine.
    fn names(&self) -> Vec<String> {
        let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let local = (!machine.contains('.')).then(|| format!("{machine}.local"));
        let mut names = vec!["localhost".to_owned()];
        for name in self.hosts.iter().cloned().chain([machine]).chain(local) {
            let is_good = is_host_name(&name) || name.parse::<IpAddr>().is_ok();
            if is_good && !names.contains(&name) {
                names.push(name);
            }
        }
        names.extend(addresses().iter().map(IpAddr::to_string));
        names
    }
}

impl fmt::Debug for SelfSigned {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfSigned").field("file", &self.file).finish_non_exhaustive()
    }
}

/// The addresses of this machine that last, in an order that doesn't change.
fn addresses() -> Vec<IpAddr> {
    let temporary = temporary_addresses();
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<_> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    addresses.retain(|ip| match ip {
        IpAddr::V4(ip) => !ip.is_link_local(),
        IpAddr::V6(v6) => !v6.is_unicast_link_local() && !temporary.contains(ip),
    });
    addresses.sort();
    addresses.dedup();
    addresses
}

/// Addresses that change each day: with them the certificate would, and people would have to
/// trust it anew.
fn temporary_addresses() -> Vec<IpAddr> {
    let text = fs::read_to_string(IPV6_ADDRESSES).unwrap_or_default();
    text.lines().filter_map(temporary_address).collect()
}

fn temporary_address(line: &str) -> Option<IpAddr> {
    let mut fields = line.split_ascii_whitespace();
    let address = u128::from_str_radix(fields.next()?, 16).ok()?;
    let flags = u32::from_str_radix(fields.nth(3)?, 16).ok()?;
    (flags & IS_TEMPORARY != 0).then_some(IpAddr::V6(address.into()))
}

/// A random number of 127 bits, which is positive and more than the 64 that browsers want.
fn serial_number() -> Result<SerialNumber, String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random numbers: {error}"))?;
    bytes[0] &= 0x7f;
    Ok(SerialNumber::from_slice(&bytes))
}

fn new_key() -> Result<KeyPair, String> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
        .map_err(|error| format!("cannot make a key for TLS: {error}"))
}

fn kept_key(path: &Path) -> Result<KeyPair, String> {
    let cannot = |why: &dyn fmt::Display| {
        let path = path.display();
        format!("cannot use {path}: {why}; without the file a new key would be made")
    };
    match file::contents(path, FILE_BYTES_MAX) {
        Ok(text) => {
            let text = str::from_utf8(&text).map_err(|error| cannot(&error))?;
            KeyPair::from_pem(text).map_err(|_| cannot(&"it holds no private key in PEM"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = new_key()?;
            write(path, &key.serialize_pem()).map(|()| key)
        }
        Err(error) => Err(cannot(&error)),
    }
}

/// Writes a file for its owner only, whole or not at all.
fn write(path: &Path, text: &str) -> Result<(), String> {
    let write = || -> io::Result<()> {
        let mut new = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        new.write_all(text.as_bytes())?;
        new.as_file().set_permissions(Permissions::from_mode(0o600))?;
        new.as_file().sync_all()?;
        new.persist(path)?;
        Ok(())
    };
    write().map_err(|error| format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_due_before_its_end_and_for_new_names() {
        let directory = tempfile::tempdir().expect("a directory");
        let own = SelfSigned::open(&[], Some(directory.path())).expect("a key");
        let (first, _) = own.load().expect("a certificate");
        let facts = Facts::of(&first).expect("it can be read");
        assert!(!own.is_due(&facts));
        let days = (facts.end - facts.begin) / DAY_SECONDS;
        assert_eq!(days, i64::from(VALID_DAYS));
        let at = |seconds| Facts { end: Timestamp::now().as_second() + seconds, ..facts.clone() };
        assert!(own.is_due(&at(RENEWAL_DAYS * DAY_SECONDS - 60)));
        assert!(!own.is_due(&at(RENEWAL_DAYS * DAY_SECONDS + 60)));
        let renamed = SelfSigned::open(&["chat.example".into()], Some(directory.path()));
        let renamed = renamed.expect("the same key");
        assert!(renamed.is_due(&facts));
        let (second, _) = renamed.load().expect("a certificate");
        assert_ne!(first, second);
        let again = Facts::of(&second).expect("it can be read");
        assert!(again.names.contains(&"chat.example".to_owned()));
        // The names before it are still there, so it does for both.
        assert!(!own.is_due(&again) && own.load().expect("a certificate").0 == second);
    }

    #[test]
    fn temporary_addresses_are_known() {
        let line = "20010db8000000000000000000000007 02 40 00 01     eth0";
        assert_eq!(temporary_address(line), "2001:db8::7".parse().ok());
        let lasting = "20010db8000000000000000000000007 02 40 00 80     eth0";
        assert_eq!(temporary_address(lasting), None);
        assert_eq!(temporary_address(""), None);
    }

    #[test]
    fn only_names_that_hosts_can_have_are_taken() {
        for name in ["chat", "chat.example.org", "a_b-c.local"] {
            assert!(is_host_name(name), "{name}");
        }
        for name in ["", "a b", "*.example.org", "käse", &"a".repeat(254)] {
            assert!(!is_host_name(name), "{name}");
        }
    }
}
