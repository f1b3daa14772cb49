//! What is read again without disconnecting anybody, at `roomcast reload` and SIGHUP.

use std::path::PathBuf;
use std::sync::Arc;

use log::{info, warn};
use roomcast::chat::{Password, Rule};
use roomcast::net::{CertificateWatcher, Renewal, Renewer};

use crate::{access_file, private_file, service};

/// Where it is read from.
pub struct Reload {
    pub renewer: Renewer,
    pub certificate: Option<Arc<CertificateWatcher>>,
    pub password_file: Option<PathBuf>,
    pub operator_file: Option<PathBuf>,
    pub access_file: Option<PathBuf>,
    /// Rules of options, which come first.
    pub rules: Vec<Rule>,
    pub has_bans_file: bool,
}

impl Reload {
    /// Whether there is anything to read again.
    pub fn has_files(&self) -> bool {
        let files = [&self.password_file, &self.operator_file, &self.access_file];
        files.iter().any(|file| file.is_some()) || self.has_bans_file || self.certificate.is_some()
    }

    /// Reads everything again. What is wrong with a file is logged, and what it said before
    /// stays.
    pub fn run(&self) {
        service::tell_reloading();
        let all = [
            (self.renew_access(), "access rules"),
            (self.renew_password(), "password"),
            (self.renew_operator_password(), "operator password"),
            (self.renew_bans(), "bans"),
            (self.renew_certificate(), "TLS certificate"),
        ];
        let done: Vec<_> = all.iter().filter(|(is_done, _)| *is_done).map(|(_, it)| *it).collect();
        let done = if done.is_empty() { "nothing".to_owned() } else { done.join(", ") };
        info!("read again: {done}; options and environment variables need a restart");
        service::tell_ready();
    }

    fn renew_access(&self) -> bool {
        let Some(path) = &self.access_file else { return false };
        match access_file::rules(path) {
            Ok(rules) => {
                let rules = self.rules.iter().copied().chain(rules).collect();
                self.renewer.renew(Renewal::Access(rules));
                true
            }
            Err(error) => {
                warn!("{error}; the rules before it stay in use");
                false
            }
        }
    }

    fn renew_password(&self) -> bool {
        self.renew_file(self.password_file.as_ref(), "--password-file", Renewal::Password)
    }

    fn renew_operator_password(&self) -> bool {
        self.renew_file(self.operator_file.as_ref(), "--operator-file", Renewal::OperatorPassword)
    }

    fn renew_file(
        &self,
        path: Option<&PathBuf>,
        option: &str,
        renewal: fn(Password) -> Renewal,
    ) -> bool {
        let Some(path) = path else { return false };
        match private_file::password(path, option) {
            Ok(password) => {
                self.renewer.renew(renewal(password));
                true
            }
            Err(error) => {
                warn!("{error}; the password before it stays in use");
                false
            }
        }
    }

    fn renew_bans(&self) -> bool {
        if self.has_bans_file {
            self.renewer.renew(Renewal::Bans);
        }
        self.has_bans_file
    }

    fn renew_certificate(&self) -> bool {
        self.certificate.as_ref().map(|certificate| certificate.reload()).is_some()
    }
}
