//! The file that bans are kept in.

use std::fs::{self, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use log::warn;
use tempfile::NamedTempFile;

use super::file;
use super::worker::Worker;

/// Two thousand bans, each with a reason, take two thirds of it; the rest is for comments.
const BANS_BYTES_MAX: usize = 1 << 20;

/// Symbolic links that are followed from one to the next, as Linux has it.
const LINKS_MAX: usize = 40;

/// How often a file is opened that is replaced at the same time.
const OPENINGS_MAX: usize = 10;

/// A file that holds the bans of the last time. A thread writes it at each
/// change.
#[derive(Debug)]
pub(super) struct BansFile {
    path: PathBuf,
    writer: Worker<String, io::Result<()>>,
    /// How often it was written.
    saves: u64,
    /// Only where it was read again.
    reader: Option<Worker<(), io::Result<String>>>,
    /// It is to be read again, when all is written.
    wants_reading: bool,
    /// How often it was written when it was read again.
    read_after: u64,
}

impl BansFile {
    /// The file and what is in it; it is made if it isn't there. `wake` is called
    /// when it was written.
    pub fn open(path: PathBuf, wake: impl Fn() + Send + 'static) -> io::Result<(BansFile, String)> {
        let (mut file, text) = LockedFile::open(&path)?;
        let writer = Worker::new(move |text: String| file.write(&text), wake)?;
        let file =
            BansFile { path, writer, saves: 0, reader: None, wants_reading: false, read_after: 0 };
        Ok((file, text))
    }

    /// Has the bans written.
    pub fn save(&mut self, text: String) {
        self.saves += 1;
        self.writer.ask(text);
    }

    /// Has the file read again, since somebody else has written it. `wake` is called when
    /// that is done.
    pub fn read_again(&mut self, wake: impl Fn() + Send + 'static) {
        if self.reader.is_none() {
            let path = self.path.clone();
            let read = move |()| file::text(file::contents(&path, BANS_BYTES_MAX)?);
            match Worker::new(read, wake) {
                Ok(reader) => self.reader = Some(reader),
                Err(error) => return warn!("cannot start a thread to read bans: {error}"),
            }
        }
        self.wants_reading = true;
    }

    /// What is in the file, if it was read again and wasn't written meanwhile.
    pub fn reread(&mut self) -> Option<io::Result<String>> {
        let reader = self.reader.as_mut()?;
        if let Some((_, text)) = reader.outcome() {
            if self.saves == self.read_after {
                return Some(text);
            }
            // It may lack a ban that an operator has made since.
            self.wants_reading = true;
        }
        if self.wants_reading && self.writer.wait(Duration::ZERO) {
            (self.wants_reading, self.read_after) = (false, self.saves);
            reader.ask(());
        }
        None
    }

    /// Whether they couldn't be written; that is logged.
    pub fn has_failed(&self) -> bool {
        let Some((_, Err(error))) = self.writer.outcome() else { return false };
        warn!("cannot write {}: {error}", self.path.display());
        true
    }

    /// Waits until everything is written, `time` at most.
    pub fn finish(&self, time: Duration) {
        if !self.writer.wait(time) {
            warn!("{} may lack the last bans: writing takes too long", self.path.display());
        }
        self.has_failed();
    }
}

/// The file itself, locked: a second server would write over what the first one
/// has written.
#[derive(Debug)]
struct LockedFile {
    /// Where symbolic links lead.
    path: PathBuf,
    file: File,
}

impl LockedFile {
    /// The file and what is in it. It is made if it isn't there: that it can be
    /// written to shows here and not at the first ban.
    fn open(path: &Path) -> io::Result<(LockedFile, String)> {
        let path = follow_links(path)?;
        for _ in 0..OPENINGS_MAX {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            let file = file::open_with(&path, &mut options).map_err(explain)?;
            lock(&file)?;
            // Another server may have replaced the file before it was locked here.
            if is_same(&file, &path) {
                let text = file::text(file::read(&file, BANS_BYTES_MAX)?)?;
                return Ok((LockedFile { path, file }, text));
            }
        }
        Err(io::Error::new(ErrorKind::ResourceBusy, "another program replaces it all the time"))
    }

    /// Replaces what is in it: whole or not at all, with the same owner and mode.
    /// Where that can't be done it is written in place.
    fn write(&mut self, text: &str) -> io::Result<()> {
        match self.replace(text) {
            Err(error) if is_refused(&error) => self.write_in_place(text),
            result => result,
        }
    }

    fn replace(&mut self, text: &str) -> io::Result<()> {
        let directory = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let old = self.file.metadata()?;
        let mut new = NamedTempFile::new_in(directory)?;
        new.write_all(text.as_bytes())?;
        let made = new.as_file().metadata()?;
        if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
            fchown(new.as_file(), Some(old.uid()), Some(old.gid()))?;
        }
        new.as_file().set_permissions(Permissions::from_mode(old.mode() & 0o7777))?;
        new.as_file().sync_all()?;
        lock(new.as_file())?;
        self.file = new.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    fn write_in_place(&mut self, text: &str) -> io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())?;
        self.file.set_len(text.len() as u64)?;
        self.file.sync_all()
    }
}

fn explain(error: io::Error) -> io::Error {
    let what = match error.kind() {
        ErrorKind::NotFound => "its directory must be there",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "it must be readable and writable"
        }
        _ => return error,
    };
    io::Error::new(error.kind(), format!("{error}; {what}"))
}

/// Whether a file can't be replaced here, but perhaps written to: it is mounted
/// by itself, has another owner, or the directory takes no new files.
fn is_refused(error: &io::Error) -> bool {
    use ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(error.kind(), CrossesDevices | PermissionDenied | ReadOnlyFilesystem | ResourceBusy)
}

/// Where a path leads; the file at the end needn't be there.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            // It is something else, or nothing yet.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(ErrorKind::AddrInUse, "another roomcast uses it"))
        }
        // Some network file systems have no locks.
        Err(TryLockError::Error(_)) | Ok(()) => Ok(()),
    }
}

fn is_same(file: &File, path: &Path) -> bool {
    let id = |metadata: Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), path.metadata()) {
        (Ok(one), Ok(other)) => id(one) == id(other),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    fn directory() -> TempDir {
        tempfile::tempdir().expect("a directory")
    }

    fn content(path: &Path) -> String {
        fs::read_to_string(path).expect("a file")
    }

    fn open(path: &Path) -> LockedFile {
        LockedFile::open(path).expect("it opens").0
    }

    #[test]
    fn a_new_file_is_for_its_owner_only() {
        let directory = directory();
        let path = directory.path().join("bans");
        let mut file = open(&path);
        assert_eq!(path.metadata().expect("it is made").mode() & 0o777, 0o600);
        file.write("text").expect("it is written");
        assert_eq!(content(&path), "text");
        assert_eq!(path.metadata().expect("it is there").mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_keeps_its_mode_and_owner_and_the_link_to_it_stays() {
        let directory = directory();
        let (path, link) = (directory.path().join("bans"), directory.path().join("link"));
        fs::write(&path, "before").expect("it is written");
        fs::set_permissions(&path, Permissions::from_mode(0o664)).expect("it is ours");
        // Only root can give a file away.
        let _ = std::os::unix::fs::chown(&path, Some(1234), Some(1235));
        let before = path.metadata().expect("it is there");
        symlink("bans", &link).expect("a link");
        let (mut file, text) = LockedFile::open(&link).expect("it opens");
        assert_eq!(text, "before");
        file.write("after").expect("it is written");
        assert_eq!(content(&path), "after");
        assert!(link.is_symlink());
        let after = path.metadata().expect("it is there");
        let facts = |metadata: &Metadata| (metadata.mode(), metadata.uid(), metadata.gid());
        assert_eq!(facts(&after), facts(&before));
        assert_ne!(after.ino(), before.ino(), "it was replaced");
    }

    #[test]
    fn a_link_may_lead_to_a_file_that_is_not_there_yet() {
        let directory = directory();
        let (path, link) = (directory.path().join("bans"), directory.path().join("link"));
        symlink(&path, &link).expect("a link");
        open(&link).write("text").expect("it is written");
        assert_eq!(content(&path), "text");
        assert!(link.is_symlink());
    }

    #[test]
    fn links_in_a_circle_are_refused() {
        let directory = directory();
        let link = directory.path().join("link");
        symlink("link", &link).expect("a link");
        assert!(LockedFile::open(&link).is_err());
    }

    #[test]
    fn a_file_that_is_in_use_is_refused_also_after_a_change() {
        let directory = directory();
        let path = directory.path().join("bans");
        let mut file = open(&path);
        for text in ["one", "two", "three"] {
            let error = LockedFile::open(&path).expect_err("it is in use");
            assert_eq!(error.to_string(), "another roomcast uses it");
            file.write(text).expect("it is written");
        }
        drop(file);
        assert_eq!(LockedFile::open(&path).expect("it is free").1, "three");
    }

    #[test]
    fn what_is_written_in_place_is_as_long_as_its_text() {
        let directory = directory();
        let path = directory.path().join("bans");
        fs::write(&path, "a long text").expect("it is written");
        open(&path).write_in_place("short").expect("it is written");
        assert_eq!(content(&path), "short");
    }
}
