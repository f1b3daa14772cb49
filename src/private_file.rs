//! Files that only the operator should be able to read.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use log::warn;
use roomcast::chat::{PASSWORD_BYTES_MAX, Password};

/// Opens a file that holds a secret; warns if others can read it. `what` names it.
pub fn open(path: &Path, what: &str) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.mode() & 0o077 != 0 {
        warn!("others can use the {what} {}; chmod 600 keeps them out", path.display());
    }
    Ok(file)
}

/// The password in a file: its only line.
pub fn password(path: &Path) -> Result<Password, String> {
    let cannot = |error: &dyn std::fmt::Display| {
        format!("cannot read the password file {}: {error}", path.display())
    };
    let mut bytes = Vec::new();
    let bytes_max = PASSWORD_BYTES_MAX as u64 + 2;
    open(path, "password file")
        .and_then(|file| file.take(bytes_max).read_to_end(&mut bytes))
        .map_err(|error| cannot(&error))?;
    let text = str::from_utf8(&bytes).unwrap_or_default();
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    Password::new(line).ok_or_else(|| {
        cannot(&format!(
            "it must hold one line of 1 to {PASSWORD_BYTES_MAX} bytes that can be typed, and no \
             space at its begin or end"
        ))
    })
}
