//! What one person adds to the text layouts: the time of each message, colors.
//!
//! Nobody shares it, so the log has no image of it: messages are encoded on the way
//! out to clients that want it, and cost no one else anything.

use std::num::NonZeroI8;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::Time;
use super::mention::mentions;
use super::message::{Kind, Message};

/// How one person wants to see text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// In which zone the times of messages are shown, if at all.
    pub clock: Option<Clock>,
    /// Names, notices and mentions can be told apart by their looks (ECMA-48, 8.3.117,
    /// "Select graphic rendition").
    pub has_colors: bool,
}

/// The zone of the times that a client is shown: one byte, because two encodings of
/// each client have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock(NonZeroI8);

/// No zone is further from UTC, in hours. (ISO 8601 knows no limit; those in use are
/// at most 14 hours ahead and 12 behind.)
const HOURS_MAX: i8 = 14;

const RESET: &[u8] = b"\x1b[0m";
const DIM: &[u8] = b"\x1b[2m";
const BOLD: &[u8] = b"\x1b[1m";
/// Colors that can be read on black and on white.
const NAME_COLORS: [&[u8]; 10] = [
    b"\x1b[31m",
    b"\x1b[32m",
    b"\x1b[33m",
    b"\x1b[35m",
    b"\x1b[36m",
    b"\x1b[91m",
    b"\x1b[92m",
    b"\x1b[94m",
    b"\x1b[95m",
    b"\x1b[96m",
];

impl Clock {
    /// That of the server.
    pub const SERVER: Clock = Clock(NonZeroI8::MAX);
    /// UTC.
    pub const UTC: Clock = Clock(NonZeroI8::MIN);

    /// So many quarters of an hour ahead of UTC.
    fn ahead(quarters: i8) -> Clock {
        NonZeroI8::new(quarters).map_or(Clock::UTC, Clock)
    }

    /// The zone that is so far ahead of UTC: `+02:00`, `-3:30`, `+2`, `utc`.
    pub fn parse(text: &str) -> Option<Clock> {
        if text.eq_ignore_ascii_case("utc") {
            return Some(Clock::UTC);
        }
        let (sign, digits) = match text.split_at_checked(1)? {
            ("+", digits) => (1, digits),
            ("-", digits) => (-1, digits),
            _ => return None,
        };
        let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "00"));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_two = |text: &str| text.len() == 2 && is_number(text);
        if !is_two(minutes) || !is_number(hours) || !(1..=2).contains(&hours.len()) {
            return None;
        }
        let (hours, minutes): (i8, i8) = (hours.parse().ok()?, minutes.parse().ok()?);
        let quarters = hours.checked_mul(4)?.checked_add(minutes / 15)?;
        let is_zone = minutes % 15 == 0 && minutes < 60 && quarters <= 4 * HOURS_MAX;
        is_zone.then_some(Clock::ahead(sign * quarters))
    }

    /// The zone as it is now: `+02:00`.
    pub fn offset(self, time: Time, server: &TimeZone) -> String {
        let minutes = self.seconds_ahead(time, server) / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }

    /// The day on which it is `time`, counted from 1970.
    pub fn day(self, time: Time, server: &TimeZone) -> i32 {
        // Times are below 2^32, so days are few.
        self.local(time, server).div_euclid(86_400) as i32
    }

    /// A day as it is written: `Sunday, 29 November 2026`.
    pub fn date(self, time: Time, server: &TimeZone) -> String {
        let seconds = i32::try_from(self.seconds_ahead(time, server)).unwrap_or_default();
        let offset = Offset::from_seconds(seconds).unwrap_or(Offset::UTC);
        let timestamp = Timestamp::from_second(time.into()).unwrap_or_default();
        offset.to_datetime(timestamp).strftime("%A, %-d %B %Y").to_string()
    }

    fn local(self, time: Time, server: &TimeZone) -> i64 {
        i64::from(time) + self.seconds_ahead(time, server)
    }

    fn seconds_ahead(self, time: Time, server: &TimeZone) -> i64 {
        match self {
            Clock::UTC => 0,
            Clock::SERVER => {
                let timestamp = Timestamp::from_second(time.into()).unwrap_or_default();
                server.to_offset(timestamp).seconds().into()
            }
            Clock(quarters) => i64::from(quarters.get()) * 15 * 60,
        }
    }
}

impl View {
    /// Whether it adds nothing.
    pub fn is_plain(self) -> bool {
        self == View::default()
    }

    /// Adds a message, given in the parts of its layout (what comes before the
    /// sender, the sender, what comes after, the text), without its ending.
    pub(super) fn encode(self, message: &Message, parts: [&[u8]; 4], out: &mut Vec<u8>) {
        if let Some(clock) = self.clock {
            self.paint(DIM, &time_of_day(clock.local(message.time, message.zone)), out);
            out.push(b' ');
        }
        if !self.has_colors {
            return parts.iter().for_each(|part| out.extend_from_slice(part));
        }
        let [before, from, after, text] = parts;
        if let Kind::Notice | Kind::Presence = message.kind {
            return self.paint(DIM, &[before, text].concat(), out);
        }
        out.extend_from_slice(before);
        self.paint(color_of(from), from, out);
        out.extend_from_slice(after);
        self.paint_mentions(message.reader, text, out);
    }

    pub(super) fn paint_notice(self, notice: &str, out: &mut Vec<u8>) {
        self.paint(DIM, notice.as_bytes(), out);
    }

    /// Adds `text` in a color, if there are any.
    fn paint(self, color: &[u8], text: &[u8], out: &mut Vec<u8>) {
        if !self.has_colors || text.is_empty() {
            return out.extend_from_slice(text);
        }
        for part in [color, text, RESET] {
            out.extend_from_slice(part);
        }
    }

    /// Adds a text with the reader's own name in bold wherever it is a word.
    fn paint_mentions(self, reader: &str, text: &[u8], out: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(text);
        // A proof is known by the name before it.
        let name = reader.split('!').next().unwrap_or_default().to_lowercase();
        let mut rest = 0;
        for mention in mentions(&text, &name) {
            out.extend_from_slice(&text.as_bytes()[rest..mention.start]);
            rest = mention.end;
            self.paint(BOLD, &text.as_bytes()[mention], out);
        }
        out.extend_from_slice(&text.as_bytes()[rest..]);
    }
}

/// `[14:05]`
fn time_of_day(local: i64) -> [u8; 7] {
    // Below 1440.
    let minutes = (local.rem_euclid(86_400) / 60) as u16;
    let digit = |number: u16| b'0' + (number % 10) as u8;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    [b'[', digit(hours / 10), digit(hours), b':', digit(minutes / 10), digit(minutes), b']']
}

/// The color of a name: the same one everywhere and always (FNV-1a).
fn color_of(name: &[u8]) -> &'static [u8] {
    let hash = name.iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
    });
    NAME_COLORS[hash as usize % NAME_COLORS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21, 04:15:06 UTC, a Saturday.
    const TIME: Time = 1_795_234_506;

    #[test]
    fn a_zone_is_told_by_its_distance_from_utc() {
        for (text, quarters) in
            [("+02:00", 8), ("-3:30", -14), ("+2", 8), ("UTC", 0), ("+5:45", 23), ("+14:00", 56)]
        {
            assert_eq!(Clock::parse(text), Some(Clock::ahead(quarters)), "{text}");
        }
        for text in
            ["", "+", "2", "+2:0", "+2:07", "+15", "+99:00", "++2", "+2:75", "on", "+é", "é"]
        {
            assert_eq!(Clock::parse(text), None, "{text}");
        }
        assert_eq!(Clock::ahead(-14).offset(TIME, &TimeZone::UTC), "-03:30");
    }

    #[test]
    fn days_begin_at_midnight_of_the_zone() {
        let (utc, behind) = (Clock::UTC, Clock::ahead(-18));
        assert_eq!(utc.day(TIME, &TimeZone::UTC), behind.day(TIME, &TimeZone::UTC) + 1);
        assert_eq!(utc.date(TIME, &TimeZone::UTC), "Saturday, 21 November 2026");
        assert_eq!(behind.date(TIME, &TimeZone::UTC), "Friday, 20 November 2026");
    }
}
