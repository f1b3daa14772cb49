//! The tables, and how a database is opened: made, checked, set aside.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// How long another program that has locked the database is waited for.
const BUSY_TIME: Duration = Duration::from_millis(200);

/// Says that a database is ours: "room" in ASCII.
const APPLICATION_ID: i32 = 0x726f_6f6d;

/// The version of the tables. docs/store.md describes them.
const VERSION: i32 = 1 + MIGRATIONS.len() as i32;

const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE rooms (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    topic TEXT NOT NULL DEFAULT '',
    reserved INTEGER NOT NULL
);
CREATE TABLE looks (look TEXT PRIMARY KEY, room INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE lines (
    id INTEGER PRIMARY KEY,
    room INTEGER NOT NULL,
    number INTEGER NOT NULL,
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE UNIQUE INDEX lines_by_number ON lines (room, number);
CREATE TABLE gaps (room INTEGER, first INTEGER, last INTEGER NOT NULL, PRIMARY KEY (room, first))
    WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (
    text, content = 'lines', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TRIGGER lines_insert AFTER INSERT ON lines WHEN new.kind IN ('said', 'act') BEGIN
    INSERT INTO words (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER lines_delete AFTER DELETE ON lines WHEN old.kind IN ('said', 'act') BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.id, old.text);
END;
";

/// What makes each version of the one before, the second one first. A new database gets them all.
const MIGRATIONS: &[&str] = &["
CREATE TABLE names (
    name TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    registered INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
) WITHOUT ROWID;
"];

/// Why something didn't work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What is in the file is no database, or a damaged one.
    Corrupt(String),
    /// It is none that can be used, and a try later makes no difference.
    Foreign(String),
    /// Another program has locked it.
    Busy,
    /// A query was stopped because it took too long.
    Interrupted,
    /// Something else, that may be over later.
    Other(String),
}

impl Fault {
    /// What it is, for an operator.
    pub fn text(&self) -> String {
        match self {
            Fault::Corrupt(text) | Fault::Foreign(text) | Fault::Other(text) => text.clone(),
            Fault::Busy => "another program has locked it".into(),
            Fault::Interrupted => "it took too long".into(),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Fault::Corrupt(error.to_string())
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Fault::Busy,
            Some(ErrorCode::OperationInterrupted) => Fault::Interrupted,
            // What is stored has another type than it must have.
            None => Fault::Corrupt(error.to_string()),
            Some(_) => Fault::Other(error.to_string()),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Other(error.to_string())
    }
}

/// Opens the database at `path` to write to it; makes it if it isn't there.
pub fn open(path: &Path) -> Result<Connection, Fault> {
    make(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIME)?;
    let version = check(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    if version == 0 {
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    if version < VERSION {
        migrate(&connection, version)?;
    }
    Ok(connection)
}

/// Makes the tables of this version, whole or not at all: the lines of an older one stay where
/// they are. 0 is the version of an empty database.
fn migrate(connection: &Connection, version: i32) -> Result<(), Fault> {
    let done = usize::try_from(version - 1).unwrap_or(0);
    let first = if version == 0 { TABLES } else { "" };
    let rest = MIGRATIONS[done..].concat();
    let begin = "PRAGMA synchronous = FULL; BEGIN IMMEDIATE;";
    let end = format!("PRAGMA user_version = {VERSION}; COMMIT; PRAGMA synchronous = NORMAL;");
    let result = connection.execute_batch(&format!("{begin} {first} {rest} {end}"));
    if result.is_err() && !connection.is_autocommit() {
        // The error before is the one that matters.
        let _ = connection.execute_batch("ROLLBACK");
    }
    Ok(result?)
}

/// Opens the database at `path` to look at what a server has written, which may still run.
pub fn open_to_read(path: &Path) -> Result<Connection, Fault> {
    // A log of changes that no server has open can only be read by one who may write.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIME)?;
    if check(&connection)? == 0 {
        return Err(Fault::Foreign("nothing is stored in it".into()));
    }
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Makes an empty file for its owner only, and the directory that it is in.
fn make(path: &Path) -> io::Result<()> {
    if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        match DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).open(path).map(drop)
}

/// The version of a database that is ours; 0 if it is empty.
fn check(connection: &Connection) -> Result<i32, Fault> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let count = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = connection.query_row(count, [], |row| row.get(0))?;
    match (application, version) {
        (_, 0) if tables == 0 => Ok(0),
        (APPLICATION_ID, 1..=VERSION) => Ok(version),
        (APPLICATION_ID, newer) if newer > VERSION => Err(Fault::Foreign(format!(
            "a newer roomcast has written it (version {newer}, and this one knows {VERSION})"
        ))),
        _ => Err(Fault::Foreign("it is the database of another program".into())),
    }
}

/// What tells a file from another one that is put in its place.
pub fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Gives a damaged database another name, so that it can be looked at and another one
/// be made. Gives the name.
pub fn set_aside(path: &Path, time: u64) -> io::Result<PathBuf> {
    let beside = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let names = (0..).map(|count| beside(path, &format!(".damaged-{}", time + count)));
    let aside = names.into_iter().find(|name| !name.exists()).expect("names don't run out");
    fs::rename(path, &aside)?;
    for suffix in ["-wal", "-shm"] {
        // They needn't be there.
        let _ = fs::rename(beside(path, suffix), beside(&aside, suffix));
    }
    Ok(aside)
}
