//! The options of `roomcast log`.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use roomcast::store::{FILE_NAME, Filter};
use roomcast::wire::Time;

use super::values;
use crate::log_command::Options;

/// Print what is stored in --data, while the server runs or after that
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct LogArgs {
    /// Directory that the server was given as --data
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Print what was said in ROOM only
    #[arg(long, value_name = "ROOM", value_parser = values::room_name)]
    room: Option<String>,

    /// Print what was said at TIME or later
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Time>,

    /// Print what was said before TIME
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Time>,

    /// Print lines that have all of these words; a word that ends with * may go on
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
    /// The database, if a directory was given.
    pub fn path(&self) -> Option<PathBuf> {
        let of_service = || std::env::split_paths(&std::env::var_os("STATE_DIRECTORY")?).next();
        self.data.clone().or_else(of_service).map(|directory| directory.join(FILE_NAME))
    }

    /// What is printed.
    pub fn options(self) -> Options {
        let LogArgs { room, since, until, search: words, json, follow, .. } = self;
        let filter = Filter { room, since, until, words };
        Options { filter, is_json: json, follows: follow }
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
