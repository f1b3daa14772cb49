//! Files that only the operator should be able to read.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use log::warn;
use roomcast::chat::{PASSWORD_BYTES_MAX, Password, invisible_character};
use roomcast::net::file;
use rustix::process::geteuid;

/// A file with a password may have a byte order mark and a line end, too.
const FILE_BYTES_MAX: usize = PASSWORD_BYTES_MAX + 5;

/// Opens a file that holds a secret; warns if others can use it. `what` names it.
pub fn open(path: &Path, what: &str) -> io::Result<File> {
    let file = file::open(path)?;
    let metadata = file.metadata()?;
    // A file of somebody else is read as one of its group, as services do.
    let (others, change) = match metadata.uid() == geteuid().as_raw() {
        true => (0o077, "go="),
        false => (0o007, "o="),
    };
    if metadata.mode() & others != 0 {
        warn!("others can use the {what} {}; chmod {change} keeps them out", path.display());
    }
    Ok(file)
}

/// The password in the file of an option: its only line.
pub fn password(path: &Path, option: &str) -> Result<Password, String> {
    read_password(path).map_err(|error| cannot_read(path, option, &error))
}

/// The same as it was written, without the warning.
pub fn line(path: &Path, option: &str) -> Result<String, String> {
    let bytes = file::contents(path, FILE_BYTES_MAX);
    let text = bytes.and_then(file::text).map(|text| text.trim_end().to_owned());
    text.map_err(|error| cannot_read(path, option, &error))
}

fn cannot_read(path: &Path, option: &str, error: &io::Error) -> String {
    format!("cannot read {} for {option}: {error}", path.display())
}

fn read_password(path: &Path) -> io::Result<Password> {
    let bytes = file::read(&open(path, "password file")?, FILE_BYTES_MAX);
    let not_one = || {
        let what = format!(
            "it must hold one line of 1 to {PASSWORD_BYTES_MAX} bytes that can be typed, and no \
             space at its begin or end"
        );
        io::Error::new(ErrorKind::InvalidData, what)
    };
    let bytes = bytes.map_err(|error| match error.kind() {
        // It is too long.
        ErrorKind::InvalidData => not_one(),
        _ => error,
    })?;
    let text = file::text(bytes)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if let Some(c) = invisible_character(line) {
        let what = format!("it holds an invisible character (U+{:04X})", u32::from(c));
        return Err(io::Error::new(ErrorKind::InvalidData, what));
    }
    Password::new(line).ok_or_else(not_one)
}
