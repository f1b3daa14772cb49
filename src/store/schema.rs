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
const VERSION: i32 = 1 + STEPS.len() as i32;

/// What makes each version of the tables from the one before, from 1 on. `facts` is what a notice
/// tells programs, as JSON; NULL if it tells nothing, and for all else.
const STEPS: &[&str] = &["
CREATE TABLE names (
    name TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    registered INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
) WITHOUT ROWID;
ALTER TABLE lines ADD COLUMN facts TEXT;
"];

/// For those who only read: lines of version 1 as if they had a column for that.
const FACTS_OF_VERSION_1: &str =
    "CREATE TEMP VIEW lines AS SELECT *, NULL AS facts FROM main.lines;";

/// The tables of version 1.
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
    /// A query isn't understood, which says nothing about the disk.
    Query(String),
    /// Something else, that may be over later.
    Other(String),
}

impl Fault {
    /// What it is, for an operator.
    pub fn text(&self) -> String {
        match self {
            Fault::Corrupt(text)
            | Fault::Foreign(text)
            | Fault::Query(text)
            | Fault::Other(text) => text.clone(),
            Fault::Busy => "another program has locked it".into(),
            Fault::Interrupted => "it took too long".into(),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        match error.sqlite_error_code() {
            // A value that can't be stored comes from elsewhere.
            None if matches!(error, rusqlite::Error::ToSqlConversionFailure(_)) => {
                Fault::Other(error.to_string())
            }
            Some(ErrorCode::Unknown) => Fault::Query(error.to_string()),
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
    upgrade(&connection, version)?;
    Ok(connection)
}

/// Makes the tables of a database what this version has, whole or not at all: 0 is an empty one.
fn upgrade(connection: &Connection, version: i32) -> Result<(), Fault> {
    if version == VERSION {
        return Ok(());
    }
    let tables = if version == 0 { TABLES } else { "" };
    let steps = STEPS[version.max(1) as usize - 1..].concat();
    let begin = "PRAGMA synchronous = FULL; BEGIN IMMEDIATE;";
    let end = format!("PRAGMA user_version = {VERSION}; COMMIT; PRAGMA synchronous = NORMAL;");
    let result = connection.execute_batch(&format!("{begin} {tables} {steps} {end}"));
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
    match check(&connection)? {
        0 => return Err(Fault::Foreign("nothing is stored in it".into())),
        // The server of that version may still write to it, so it stays as it is.
        1 => connection.execute_batch(FACTS_OF_VERSION_1)?,
        _ => {}
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

/// The version of a database, 0 if it is empty; that it is ours if it isn't.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A database of version 1, with a line of a user and a notice.
    fn version_1(path: &Path) {
        let connection = Connection::open(path).expect("a database");
        let lines = "INSERT INTO rooms (name, reserved) VALUES ('lobby', 100);
                     INSERT INTO looks VALUES ('lobby', 1);
                     INSERT INTO meta VALUES ('run', 'k3f9');
                     INSERT INTO lines (room, number, time, kind, sender, text) VALUES
                         (1, 1, 7, 'said', 'ann', 'hello'), (1, 2, 8, 'presence', '', 'bob left');";
        connection.pragma_update(None, "application_id", APPLICATION_ID).expect("it is set");
        let script = format!("{TABLES} {lines} PRAGMA user_version = 1;");
        connection.execute_batch(&script).expect("it is written");
    }

    fn version(connection: &Connection) -> i32 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a number")
    }

    /// The texts of lines, and how many have facts.
    fn lines(connection: &Connection) -> (String, u64) {
        let select =
            "SELECT group_concat(text), count(facts) FROM (SELECT * FROM lines ORDER BY id)";
        let row = connection.query_row(select, [], |row| Ok((row.get(0)?, row.get(1)?)));
        row.expect("there are lines")
    }

    #[test]
    fn a_database_of_version_1_becomes_a_new_one_in_place() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("roomcast.db");
        version_1(&path);
        for _ in 0..2 {
            let connection = open(&path).expect("it opens");
            assert_eq!(version(&connection), VERSION);
            assert_eq!(lines(&connection), ("hello,bob left".into(), 0));
        }
        let made = open(&directory.path().join("new.db")).expect("it is made");
        let upgraded = open(&path).expect("it opens");
        let columns = |connection: &Connection| {
            let select = "SELECT group_concat(name) FROM pragma_table_info('lines')";
            connection.query_row(select, [], |row| row.get::<_, String>(0)).expect("columns")
        };
        assert_eq!(columns(&made), columns(&upgraded));
    }

    #[test]
    fn who_only_reads_a_database_of_version_1_leaves_it_so() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("roomcast.db");
        version_1(&path);
        let connection = open_to_read(&path).expect("it opens");
        assert_eq!(lines(&connection), ("hello,bob left".into(), 0));
        assert_eq!(version(&connection), 1);
    }

    #[test]
    fn a_database_of_a_newer_version_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("roomcast.db");
        version_1(&path);
        let connection = Connection::open(&path).expect("a database");
        connection.pragma_update(None, "user_version", VERSION + 1).expect("it is set");
        assert!(matches!(open(&path), Err(Fault::Foreign(_))));
        assert_eq!(version(&connection), VERSION + 1);
    }
}
