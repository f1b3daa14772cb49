//! `roomcast log`: prints what a server has stored.

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use roomcast::store::{Filter, Reader};
use roomcast::wire::{Encoding, Ending, Layout, Message, Past};

/// How often `--follow` looks for new lines.
const LOOK_TIME: Duration = Duration::from_millis(200);

/// What is printed, and how.
#[derive(Debug)]
pub struct Options {
    pub filter: Filter,
    pub is_json: bool,
    pub follows: bool,
}

/// Prints what is stored in the database at `path`.
///
/// # Errors
/// Why that can't be done, for the user.
pub fn run(path: &Path, options: Options) -> Result<(), String> {
    let cannot = |why: &str| format!("cannot read {}: {why}", path.display());
    let Options { filter, is_json, follows } = options;
    let room = filter.room.clone();
    let mut reader = Reader::open(path, filter).map_err(|fault| cannot(&fault.text()))?;
    if let Some(room) = room
        && !follows
        && !reader.has_room(&room).map_err(|fault| cannot(&fault.text()))?
    {
        return Err(format!("nothing of a room {room} is stored in {}", path.display()));
    }
    let run = reader.run().map_err(|fault| cannot(&fault.text()))?;
    let printer = Printer { zone: TimeZone::system(), run, is_json };
    let mut stdout = io::stdout().lock();
    loop {
        let lines = reader.next_lines().map_err(|fault| cannot(&fault.text()))?;
        if lines.is_empty() && !follows {
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
        let Past::Line { number, time, kind, from, text } = line else { return };
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
        };
        Encoding::new(layout, Ending::Lf).encode(&message, bytes);
    }
}
