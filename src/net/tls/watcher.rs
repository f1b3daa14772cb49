//! A thread that notices when the certificate has to be replaced: its files have changed, it
//! ends soon, or this machine has a new address.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::certificate::{Certificate, Stamp};

/// How often it looks. Files that have changed are read at the second look, so that both are
/// written by then.
const LOOK_INTERVAL: Duration = Duration::from_secs(3);

/// Looks until a new certificate is tried to be made again that couldn't be written.
const PAUSE: u32 = 100;

/// Watches a certificate until it is dropped.
#[derive(Debug)]
pub struct CertificateWatcher {
    reload: Sender<Sender<()>>,
}

impl CertificateWatcher {
    /// Watches `certificate`, which handshakes that begin then use.
    ///
    /// # Errors
    /// As the system says when it gives no thread.
    pub fn new(certificate: Certificate) -> io::Result<CertificateWatcher> {
        let (reload, asked) = channel();
        let watch = move || Watch::new(certificate).run(&asked);
        thread::Builder::new().name("certificate".into()).spawn(watch)?;
        Ok(CertificateWatcher { reload })
    }

    /// Reads the certificate again, and waits until that is done.
    pub fn reload(&self) {
        let (done, is_done) = channel();
        // The thread is there as long as this is.
        if self.reload.send(done).is_ok() {
            let _ = is_done.recv();
        }
    }
}

struct Watch {
    certificate: Certificate,
    /// What its files were at the last look.
    seen: Option<Stamp>,
    /// How many days were left when that was warned of.
    warned: Option<i64>,
    /// Looks without a new try, after one that has failed.
    pause: u32,
}

impl Watch {
    fn new(certificate: Certificate) -> Watch {
        let seen = certificate.stamp();
        let warned = certificate.last_days();
        Watch { certificate, seen, warned, pause: 0 }
    }

    fn run(mut self, asked: &Receiver<Sender<()>>) {
        loop {
            match asked.recv_timeout(LOOK_INTERVAL) {
                Ok(done) => {
                    self.reload();
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn look(&mut self) {
        let stamp = self.certificate.new_stamp();
        let is_settled = std::mem::replace(&mut self.seen, stamp) == stamp;
        let is_changed = stamp.is_some() && stamp != self.certificate.stamp() && is_settled;
        self.pause = self.pause.saturating_sub(1);
        if is_changed || (self.pause == 0 && self.certificate.is_due()) {
            self.reload();
        }
        // Once a day.
        let left = self.certificate.last_days();
        if left != std::mem::replace(&mut self.warned, left) {
            self.certificate.warn_of_end();
        }
    }

    fn reload(&mut self) {
        self.pause = if self.certificate.reload() { 0 } else { PAUSE };
        self.warned = self.certificate.last_days();
    }
}
