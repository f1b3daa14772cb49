//! Hashes the secrets of registered names, on a thread of its own.
//!
//! A hash takes tens of milliseconds and 19 MiB of memory, so that guessing is dear. One thread
//! makes one at a time, and few wait for it.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::chat::{OwnerSecret, SecretJob, Verdict};

/// Secrets that wait at most.
const JOBS_MAX: usize = 16;

/// What the thread takes for a hash: memory in KiB, passes over it, and lanes. The first choice of
/// OWASP's "Password Storage Cheat Sheet" for Argon2id (RFC 9106).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// 128 bits, as RFC 9106, section 3.1, recommends.
const SALT_BYTES: usize = 16;

/// The thread.
#[derive(Debug)]
pub(super) struct Secrets {
    jobs: SyncSender<SecretJob>,
    verdicts: Receiver<(u64, Verdict)>,
}

impl Secrets {
    /// A thread that calls `wake` after each secret.
    ///
    /// # Errors
    /// As the system says when it gives no thread.
    pub fn new(wake: impl Fn() + Send + 'static) -> io::Result<Secrets> {
        let (jobs, todo) = sync_channel::<SecretJob>(JOBS_MAX);
        let (done, verdicts) = channel();
        let run = move || {
            for SecretJob { ticket, secret, hash } in todo {
                let verdict = match hash {
                    None => make(&secret),
                    Some(hash) => compare(&secret, &hash),
                };
                if done.send((ticket, verdict)).is_err() {
                    // The server ends.
                    return;
                }
                wake();
            }
        };
        thread::Builder::new().name("secrets".into()).spawn(run)?;
        Ok(Secrets { jobs, verdicts })
    }

    /// Has a secret hashed or compared; false if there is no place for one more.
    pub fn ask(&self, job: SecretJob) -> bool {
        self.jobs.try_send(job).is_ok()
    }

    /// The next verdict, with its ticket.
    pub fn next(&self) -> Option<(u64, Verdict)> {
        self.verdicts.try_recv().ok()
    }
}

fn argon2() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn make(secret: &OwnerSecret) -> Verdict {
    let mut salt = [0; SALT_BYTES];
    let hash = getrandom::fill(&mut salt)
        .ok()
        .and_then(|()| argon2()?.hash_password_with_salt(secret.bytes(), &salt).ok());
    hash.map_or(Verdict::Failed, |hash| Verdict::Hashed(hash.to_string().into()))
}

/// What a hash says of its making is what it was made with, whatever is made today.
fn compare(secret: &OwnerSecret, hash: &str) -> Verdict {
    let hash = PasswordHash::new(hash);
    let (Ok(hash), Some(argon2)) = (hash, argon2()) else { return Verdict::Failed };
    match argon2.verify_password(secret.bytes(), &hash) {
        Ok(()) => Verdict::Right,
        Err(Error::PasswordInvalid) => Verdict::Wrong,
        Err(_) => Verdict::Failed,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn secret(text: &str) -> OwnerSecret {
        OwnerSecret::for_test(text)
    }

    #[test]
    fn a_secret_has_its_own_hash_and_no_other() {
        let (wake, woken) = mpsc::channel();
        let secrets = Secrets::new(move || _ = wake.send(())).expect("a thread");
        let answer = |ticket, text: &str, hash: Option<&str>| {
            let job = SecretJob { ticket, secret: secret(text), hash: hash.map(Into::into) };
            assert!(secrets.ask(job), "there is a place");
            woken.recv_timeout(PATIENCE).expect("it is done");
            let (number, verdict) = secrets.next().expect("a verdict");
            assert_eq!(number, ticket);
            verdict
        };
        let Verdict::Hashed(hash) = answer(1, "four-blue-whales", None) else { panic!("no hash") };
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(answer(2, "four-blue-whales", Some(&hash)), Verdict::Right);
        assert_eq!(answer(3, "five-blue-whales", Some(&hash)), Verdict::Wrong);
        assert_eq!(answer(4, "four-blue-whales", Some("no hash")), Verdict::Failed);
        let Verdict::Hashed(other) = answer(5, "four-blue-whales", None) else { panic!("no hash") };
        assert_ne!(hash, other, "each has a salt of its own");
    }

    /// Promise 78.
    #[test]
    fn few_secrets_wait() {
        let secrets = Secrets::new(|| ()).expect("a thread");
        let job = |ticket| SecretJob { ticket, secret: secret("four-blue-whales"), hash: None };
        let taken = (0..200).filter(|&ticket| secrets.ask(job(ticket))).count();
        assert!((JOBS_MAX..100).contains(&taken), "{taken}");
    }
}
