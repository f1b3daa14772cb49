//! Files that the operator names: regular files only, which are opened without
//! waiting and have a limit.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// What an editor may put before a text to say that it is UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Opens a regular file to read it.
///
/// # Errors
/// As the system says, or what else the file is: a FIFO would be waited for, and
/// a device has no end.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(path, OpenOptions::new().read(true))
}

/// The same, with other options.
pub(super) fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Looked at before, since opening alone may do something to a device; and
    // after, since it may have become another one in between.
    match path.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        result => check(&result?)?,
    }
    let file = options.custom_flags(OFlags::NONBLOCK.bits() as i32).open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

fn check(metadata: &Metadata) -> io::Result<()> {
    match metadata.is_file() {
        true => Ok(()),
        false => {
            let kind = kind(metadata.file_type());
            Err(invalid(format!("it is {kind}, and must be a regular file")))
        }
    }
}

fn kind(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// What is in an open file.
///
/// # Errors
/// As the system says, or that it is longer than `bytes_max`.
pub fn read(file: &File, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() > bytes_max {
        true => Err(invalid(format!("it is longer than {bytes_max} bytes"))),
        false => Ok(bytes),
    }
}

/// What is in a file that the operator names.
///
/// # Errors
/// Those of [`open`] and [`read`].
pub fn contents(path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    read(&open(path)?, bytes_max)
}

/// The text that `bytes` are, without a byte order mark.
///
/// # Errors
/// Which line isn't UTF-8.
pub fn text(bytes: Vec<u8>) -> io::Result<String> {
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + memchr::memchr_iter(b'\n', valid).count();
        invalid(format!("line {line} isn't UTF-8"))
    })?;
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len_utf8());
    }
    Ok(text)
}

fn invalid(what: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn error(result: io::Result<impl std::fmt::Debug>) -> String {
        result.expect_err("it is refused").to_string()
    }

    #[test]
    fn only_a_regular_file_is_opened() {
        let directory = tempfile::tempdir().expect("a directory");
        assert!(error(open(directory.path())).contains("a directory"));
        assert!(error(open(Path::new("/dev/zero"))).contains("a device"));
        let path = directory.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
        assert!(error(open(&path)).contains("a socket"));
    }

    #[test]
    fn a_file_has_a_limit() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(&file, "12345").expect("it is written");
        let read = |bytes_max| read(&open(file.path()).expect("it opens"), bytes_max);
        assert_eq!(read(5).expect("it fits"), b"12345");
        assert_eq!(error(read(4)), "it is longer than 4 bytes");
    }

    #[test]
    fn a_text_is_utf_8_and_may_have_a_byte_order_mark() {
        assert_eq!(text("\u{feff}käse\n".into()).expect("a text"), "käse\n");
        assert_eq!(text(Vec::new()).expect("a text"), "");
        assert_eq!(error(text(b"one\ntwo\nk\xe4se\n".into())), "line 3 isn't UTF-8");
    }
}
