//! `roomcast log`: prints what a server has stored.

use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use roomcast::store::{FILE_NAME, Filter, Reader};
use roomcast::wire::{Encoding, Ending, Layout, Message, Past, Time};

use crate::cli::values;

/// How often `--follow` looks for new lines.
const LOOK_TIME: Duration = Duration::from_millis(200);

/// Print what is stored in --data, even while the server runs
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct LogArgs {
    /// Directory that the server was given as --data
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Print only what was said in ROOM
    #[arg(long, value_name = "ROOM", value_parser = values::room_name)]
    room: Option<String>,

    /// Print what was said at TIME or later
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Time>,

    /// Print what was said before TIME
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Time>,

    /// Print lines that have all of these words; word* matches all that begin so
    #[arg(long, value_name = "WORDS", value_parser = words)]
    search: Option<String>,

    /// Print JSON, one object per line
    #[arg(long)]
    json: bool,

    /// Wait for more, as tail -f does
    #[arg(long)]
    follow: bool,
}

const AFTER_HELP: &str = "\
TIME is a day (2026-11-20), a time of it (2026-11-20T14:30), or an age: 90s, 2h.";

impl LogArgs {
    /// Prints what is stored.
    ///
    /// # Errors
    /// Why that can't be done, for the user.
    pub fn run(self) -> Result<(), String> {
        let path = self.path().ok_or("--data must say where the server keeps what is said")?;
        let LogArgs { room, since, until, search: words, json, follow, .. } = self;
        let cannot = |why: &str| format!("cannot read {}: {why}", path.display());
        // SQLite wouldn't say more than that it can't, and the path again.
        path.metadata().map_err(|error| cannot(&error.to_string()))?;
        let filter = Filter { room: room.clone(), since, until, words };
        let mut reader = Reader::open(&path, filter).map_err(|fault| cannot(&fault.text()))?;
        if let Some(room) = room
            && !follow
            && !reader.has_room(&room).map_err(|fault| cannot(&fault.text()))?
        {
            return Err(format!("nothing of a room {room} is stored in {}", path.display()));
        }
        let run = reader.run().map_err(|fault| cannot(&fault.text()))?;
        let printer = Printer { zone: TimeZone::system(), run, is_json: json };
        let mut stdout = io::stdout().lock();
        loop {
            let lines = reader.next_lines().map_err(|fault| cannot(&fault.text()))?;
            if lines.is_empty() && !follow {
                return Ok(());
            }
            match printer.print(&lines, &mut stdout) {
                // Nobody reads any more, as with head.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                result => result.map_err(|error| format!("cannot print: {error}"))?,
            }
            if lines.is_empty() {
                thread::sleep(LOOK_TIME);
            }
        }
    }

    /// The database, if a directory was given.
    fn path(&self) -> Option<PathBuf> {
        let of_service = || std::env::split_paths(&std::env::var_os("STATE_DIRECTORY")?).next();
        self.data.clone().or_else(of_service).map(|directory| directory.join(FILE_NAME))
    }
}

struct Printer {
    zone: TimeZone,
    /// Names the counting of lines.
    run: String,
    is_json: bool,
}

impl Printer {
    fn print(&self, lines: &[(String, Past)], out: &mut impl Write) -> io::Result<()> {
        let mut bytes = Vec::new();
        for (room, line) in lines {
            self.add(room, line, &mut bytes);
        }
        out.write_all(&bytes)?;
        out.flush()
    }

    /// `2026-11-20 14:03:12 lobby 17 <ann> hello`, or the object that clients are sent
    /// that have asked for JSON.
    fn add(&self, room: &str, line: &Past, bytes: &mut Vec<u8>) {
        let Past::Line { number, time, kind, from, text, facts } = line else { return };
        let layout = if self.is_json { Layout::Json } else { Layout::Named };
        if !self.is_json {
            let at = Timestamp::from_second((*time).into()).unwrap_or_default();
            let at = at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
            bytes.extend(format!("{at} {room} {number} ").bytes());
        }
        let message = Message {
            number: Some(*number),
            time: *time,
            zone: &self.zone,
            room,
            run: &self.run,
            kind: *kind,
            from,
            to: "",
            reader: "",
            text: text.as_bytes(),
            facts,
            answered: None,
        };
        Encoding::new(layout, Ending::Lf).encode(&message, bytes);
    }
}

fn time(text: &str) -> Result<Time, String> {
    let ago = || {
        let seconds = values::seconds(text).ok()?;
        let is_bare = text.bytes().all(|byte| byte.is_ascii_digit());
        (!is_bare).then(|| Timestamp::now().as_second().saturating_sub(seconds as i64))
    };
    let at = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::system()).ok();
    let seconds = ago().or_else(|| Some(at()?.timestamp().as_second()));
    seconds.and_then(|seconds| seconds.max(0).try_into().ok()).ok_or_else(|| {
        "expected a day like 2026-11-20, a time like 2026-11-20T14:30, or an age like 2h".to_owned()
    })
}

fn words(text: &str) -> Result<String, String> {
    match text.contains(char::is_alphanumeric) {
        true => Ok(text.to_owned()),
        false => Err("expected words".to_owned()),
    }
}
