//! The directory for what is to outlast the server.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use log::warn;

/// Read, write and search, for the owner only.
const MODE: u32 = 0o700;

/// The file that a server locks, with its process ID.
const LOCK: &str = "lock";
const ID_BYTES_MAX: u64 = 32;

/// A directory that no other server uses.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

impl DataDir {
    /// The directory `path`, which is made if it isn't there.
    ///
    /// # Errors
    /// Why it can't be used, for the user.
    pub fn open(path: &Path) -> Result<DataDir, String> {
        let cannot = |what: &str| format!("cannot use {} for --data: {what}", path.display());
        match DirBuilder::new().mode(MODE).create(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(cannot("the directory that it is in must be there"));
            }
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(cannot(&error.to_string()));
            }
            _ => {}
        }
        let metadata = fs::metadata(path).map_err(|error| cannot(&error.to_string()))?;
        if !metadata.is_dir() {
            return Err(cannot("it must be a directory"));
        }
        if metadata.mode() & 0o077 != 0 {
            warn!("others can look into {}: chmod 700 would keep them out", path.display());
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(path.join(LOCK)).map_err(|error| cannot(&error.to_string()))?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => Err(cannot("another roomcast uses it")),
            // Some network file systems have no locks.
            Err(TryLockError::Error(_)) | Ok(()) => {
                let id = format!("{}\n", std::process::id());
                let written = lock.set_len(0).and_then(|()| lock.write_all_at(id.as_bytes(), 0));
                written.map_err(|error| cannot(&error.to_string()))?;
                Ok(DataDir { path: path.to_owned(), _lock: lock })
            }
        }
    }

    /// The process of the server that uses the directory `path`.
    ///
    /// # Errors
    /// Why that isn't known, for the user.
    pub fn user_of(path: &Path) -> Result<i32, String> {
        let file = path.join(LOCK);
        let cannot = |what: &str| format!("cannot tell who uses {}: {what}", path.display());
        let lock = File::open(&file).map_err(|error| cannot(&error.to_string()))?;
        if lock.try_lock_shared().is_ok() {
            return Err(format!("no server is using {}", path.display()));
        }
        let mut id = String::new();
        let read = lock.take(ID_BYTES_MAX).read_to_string(&mut id);
        read.map_err(|error| cannot(&error.to_string()))?;
        id.trim().parse().map_err(|_| cannot("its lock doesn't say which process it is"))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_is_made_for_its_owner_only_and_for_one_server() {
        let parent = tempfile::tempdir().expect("a directory");
        let path = parent.path().join("data");
        let data = DataDir::open(&path).expect("it is made");
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, MODE);
        assert_eq!(data.file("bans"), path.join("bans"));
        let second = DataDir::open(&path).expect_err("it is used");
        assert!(second.ends_with("for --data: another roomcast uses it"), "{second}");
        assert_eq!(DataDir::user_of(&path), Ok(std::process::id().cast_signed()));
        drop(data);
        let nobody = DataDir::user_of(&path).expect_err("it is free");
        assert!(nobody.starts_with("no server is using "), "{nobody}");
        DataDir::open(&path).expect("it is free again");
    }

    #[test]
    fn what_is_no_directory_is_refused() {
        let parent = tempfile::tempdir().expect("a directory");
        let file = parent.path().join("file");
        fs::write(&file, "").expect("it is written");
        let error = DataDir::open(&file).expect_err("it is a file");
        assert!(error.ends_with("it must be a directory"), "{error}");
        let error = DataDir::open(&parent.path().join("a/b")).expect_err("there is no a");
        assert!(error.ends_with("the directory that it is in must be there"), "{error}");
    }
}
