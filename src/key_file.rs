//! The key for proofs of names, kept in a file so that a proof outlives the
//! server.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use roomcast::chat::ProofKey;
use roomcast::net::file;

use crate::private_file;

type Key = [u8; ProofKey::BYTES];

/// The key in the file as text: two digits for each byte.
const DIGITS: usize = 2 * ProofKey::BYTES;

/// With a byte order mark and the end of a line.
const FILE_BYTES_MAX: usize = DIGITS + 5;

/// The key in `path`, which is made if it isn't there and is that of an option; without a path
/// a new one.
pub fn key(path: Option<&Path>, option: &str) -> Result<ProofKey, String> {
    let cannot = |what: &str, path: &Path, error: &io::Error| {
        format!("cannot {what} {} for {option}: {error}", path.display())
    };
    let key = match path {
        None => random()?,
        Some(path) => match read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                create(path).map_err(|error| cannot("create", path, &error))?
            }
            result => result.map_err(|error| cannot("read", path, &error))?,
        },
    };
    Ok(ProofKey::new(key))
}

fn random<const SIZE: usize>() -> Result<[u8; SIZE], String> {
    let mut bytes = [0; SIZE];
    getrandom::fill(&mut bytes)
        .map_err(|error| format!("cannot make a key, the system gives no randomness: {error}"))?;
    Ok(bytes)
}

fn read(path: &Path) -> io::Result<Key> {
    let file = private_file::open(path, "key file")?;
    let no_key = || {
        let what = format!("it must hold {DIGITS} hexadecimal digits and nothing else");
        io::Error::new(ErrorKind::InvalidData, what)
    };
    let text = file::read(&file, FILE_BYTES_MAX).and_then(file::text);
    let text = text.map_err(|error| match error.kind() {
        // It is too long, or no text.
        ErrorKind::InvalidData => no_key(),
        _ => error,
    })?;
    parse(text.trim_ascii_end().as_bytes()).ok_or_else(no_key)
}

fn parse(text: &[u8]) -> Option<Key> {
    let mut key = Key::default();
    if text.len() != DIGITS {
        return None;
    }
    for (byte, digits) in key.iter_mut().zip(text.chunks(2)) {
        let digit = |at: usize| char::from(digits[at]).to_digit(16);
        *byte = u8::try_from(16 * digit(0)? + digit(1)?).ok()?;
    }
    Some(key)
}

/// Makes the file with a new key, whole or not at all.
fn create(path: &Path) -> io::Result<Key> {
    let key: Key = random().map_err(io::Error::other)?;
    let new = beside(path)?;
    let result = write(&new, &key).and_then(|()| fs::hard_link(&new, path));
    // It has another name now, or is of no use.
    let _ = fs::remove_file(&new);
    match result {
        Ok(()) => Ok(key),
        // Another server was quicker: a link, unlike a rename, replaces nothing.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(path),
        Err(error) if has_no_links(&error) => create_in_place(path, &key),
        Err(error) => Err(error),
    }
}

/// Whether the file system has no hard links, as FAT and many network file
/// systems have none.
fn has_no_links(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported)
}

/// Makes the file without a link. Another server that starts at the same moment
/// may find it half written, and says so.
fn create_in_place(path: &Path, key: &Key) -> io::Result<Key> {
    match write(path, key) {
        Ok(()) => Ok(*key),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(path),
        Err(error) => {
            // Half a key is of no use.
            let _ = fs::remove_file(path);
            Err(error)
        }
    }
}

/// A path in the same directory that nobody has.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let number = u64::from_ne_bytes(random().map_err(io::Error::other)?);
    let mut name = OsString::from(path);
    name.push(format!(".{number:016x}"));
    Ok(name.into())
}

fn write(path: &Path, key: &Key) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    file.write_all(format!("{digits}\n").as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_64_hexadecimal_digits() {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&[0x0f, 0xa1]);
        assert_eq!(parse(format!("0fA1{}", "0".repeat(60)).as_bytes()), Some(key));
        for bad in ["", "0", &"0".repeat(63), &"0".repeat(65), &"+f".repeat(32), &"0g".repeat(32)] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
