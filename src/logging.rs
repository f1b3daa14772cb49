//! The log: its level, its form, and where it goes.

use std::io::{self, Write};
use std::os::fd::AsFd;

use anstream::AutoStream;
use clap::ValueEnum;
use env_logger::fmt::Formatter;
use env_logger::{Builder, Target, WriteStyle};
use jiff::Timestamp;
use log::{Level, Record};
use rustix::fs::fstat;
use serde_json::json;

use crate::output::Output;

/// How lines of the log look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// Logs at `info` unless `RUST_LOG` says otherwise; an empty one says nothing.
/// Lines are coloured as if they went to standard error directly.
pub fn start(stderr: Output, format: LogFormat) {
    let filters = std::env::var("RUST_LOG").ok().filter(|filters| !filters.is_empty());
    let style = match std::env::var("RUST_LOG_STYLE").as_deref() {
        Ok("always") => WriteStyle::Always,
        Ok("never") => WriteStyle::Never,
        _ => AutoStream::choice(&io::stderr()).into(),
    };
    let mut builder = Builder::new();
    builder
        .parse_filters(filters.as_deref().unwrap_or("info"))
        .write_style(style)
        .target(Target::Pipe(Box::new(stderr)));
    match format {
        LogFormat::Json => _ = builder.format(write_json),
        LogFormat::Text if is_journal() => _ = builder.format(write_journal),
        LogFormat::Text => {}
    }
    builder.init();
}

/// One object in a line.
fn write_json(out: &mut Formatter, record: &Record) -> io::Result<()> {
    let line = json!({
        "time": format!("{:.3}", Timestamp::now()),
        "level": record.level().as_str().to_lowercase(),
        "target": record.target(),
        "message": record.args().to_string(),
    });
    writeln!(out, "{line}")
}

/// A line with its priority (sd-daemon(3)); the journal knows the time itself.
fn write_journal(out: &mut Formatter, record: &Record) -> io::Result<()> {
    writeln!(out, "<{}>{}", priority(record.level()), record.args())
}

/// The priority as syslog has it (RFC 5424, section 6.2.1).
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// Whether standard error is the journal: systemd says which file that is (systemd.exec(5),
/// `JOURNAL_STREAM`).
fn is_journal() -> bool {
    let Ok(journal) = std::env::var("JOURNAL_STREAM") else { return false };
    let stderr = fstat(io::stderr().as_fd());
    stderr.is_ok_and(|file| journal == format!("{}:{}", file.st_dev, file.st_ino))
}
