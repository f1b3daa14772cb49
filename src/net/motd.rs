//! The file with the message of the day.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use log::warn;

/// More of the file isn't read.
const MOTD_BYTES_MAX: u64 = 16 * 1024;

/// A file that is read again for each newcomer, so that it can be changed
/// while the server runs.
#[derive(Debug)]
pub(super) struct MotdFile {
    path: PathBuf,
    /// The last look at it failed; that is logged once.
    is_missing: bool,
    last: Vec<u8>,
}

impl MotdFile {
    /// The file and what is in it now.
    pub fn open(path: PathBuf) -> io::Result<(MotdFile, Vec<u8>)> {
        let mut file = MotdFile { path, is_missing: false, last: Vec::new() };
        let text = file.content()?;
        file.last.clone_from(&text);
        Ok((file, text))
    }

    /// What is in it, if that has changed.
    pub fn read(&mut self) -> Option<Vec<u8>> {
        let text = match self.content() {
            Ok(text) => text,
            Err(error) => {
                if !std::mem::replace(&mut self.is_missing, true) {
                    warn!(
                        "cannot read {}: {error}; newcomers see what was in it",
                        self.path.display()
                    );
                }
                return None;
            }
        };
        self.is_missing = false;
        if text == self.last {
            return None;
        }
        self.last.clone_from(&text);
        Some(text)
    }

    fn content(&self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        File::open(&self.path)?.take(MOTD_BYTES_MAX).read_to_end(&mut text)?;
        while text.ends_with(b"\n") {
            text.pop();
        }
        Ok(text)
    }
}
