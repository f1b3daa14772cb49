//! The file that bans are kept in.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file that holds the bans of the last time, and is written at each change.
#[derive(Debug)]
pub(super) struct BansFile(PathBuf);

impl BansFile {
    /// The file and what is in it; nothing if it isn't there yet.
    pub fn open(path: PathBuf) -> io::Result<(BansFile, String)> {
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            result => result?,
        };
        Ok((BansFile(path), text))
    }

    /// Replaces what is in it, whole or not at all.
    pub fn write(&self, text: &str) -> io::Result<()> {
        let directory = match self.0.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut file = NamedTempFile::new_in(directory)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.0).map_err(|error| error.error)?;
        Ok(())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}
