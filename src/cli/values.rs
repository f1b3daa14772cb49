//! What the values of options may be, and what is said of those that may not.

use ipnet::IpNet;
use roomcast::chat::{Config, Rate, invisible_character, parse_network};
use roomcast::discovery::NAME_BYTES_MAX;
use roomcast::net::Threads;

pub fn socket_mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 && !text.starts_with('+') => Ok(mode),
        _ => Err("expected permissions in octal, from 0 to 0777, like 0660".to_owned()),
    }
}

/// The name of a server, which people see in notices.
pub fn server_name(text: &str) -> Result<String, String> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match text.len() {
        1..=64 if text.chars().all(is_good) => Ok(text.to_owned()),
        _ => Err("expected up to 64 letters, digits and -, _ or ., such as office2".to_owned()),
    }
}

/// Clients are known by the first 64 bits of an IPv6 address.
pub fn metrics_network(text: &str) -> Result<IpNet, String> {
    match parse_network(text)? {
        IpNet::V6(network) if network.prefix_len() > 64 => {
            Err("expected an IPv6 network of /64 or larger, such as 2001:db8::/64".to_owned())
        }
        network => Ok(network),
    }
}

/// A whole number, 1 or more. The greatest one that fits says nothing to anybody.
pub fn at_least_1(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number >= 1);
    number.ok_or_else(|| "expected a whole number, 1 or more".to_owned())
}

/// Threads, and with how many clients to write to they write together.
pub fn threads(text: &str) -> Result<Threads, String> {
    let (count, clients) = match text.split_once('/') {
        Some((count, clients)) => (count, Some(at_least_1(clients)?)),
        None => (text, None),
    };
    let threads = Threads::new(number(count, 1, 64)?);
    Ok(clients.map_or(threads, |clients_min| Threads { clients_min, ..threads }))
}

pub fn connections(text: &str) -> Result<u32, String> {
    number(text, 0, 1_000_000)
}

/// Lines a second, and how many may come at once; `None` is no limit.
pub fn rate(text: &str) -> Result<Option<Rate>, String> {
    let (lines, at_once) = match text.split_once('/') {
        Some((lines, at_once)) => (lines, Some(burst(at_once)?)),
        None => (text, None),
    };
    match (number(lines, 0, 1_000_000)?, at_once) {
        (0, None) => Ok(None),
        (0, Some(_)) => Err("0 is no limit, so nothing can follow it".to_owned()),
        (lines_per_second, at_once) => {
            Ok(Some(Rate { lines_per_second, burst: at_once.unwrap_or(BURST) }))
        }
    }
}

/// Lines that may come at once if nothing else is said.
const BURST: u32 = 1000;

pub fn burst(text: &str) -> Result<u32, String> {
    number(text, 1, 1_000_000)
}

pub fn dead_seconds(text: &str) -> Result<u64, String> {
    time(text, 3, 3_155_760_000)
}

pub fn line_bytes(text: &str) -> Result<usize, String> {
    size(text, 1, 1 << 20)
}

pub fn backlog_bytes(text: &str) -> Result<usize, String> {
    size(text, 1 << 16, 1 << 30)
}

pub fn seconds(text: &str) -> Result<u64, String> {
    // A hundred years: deadlines stay within what clocks can hold.
    time(text, 0, 3_155_760_000)
}

pub fn keep_seconds(text: &str) -> Result<u64, String> {
    match time(text, 0, 3_155_760_000)? {
        1..60 => Err("expected at least 60 seconds, or 0".to_owned()),
        seconds => Ok(seconds),
    }
}

pub fn keep_bytes(text: &str) -> Result<u64, String> {
    size(text, 1 << 20, 1 << 50).map(|bytes| bytes as u64)
}

pub fn history_lines(text: &str) -> Result<u64, String> {
    number(text, 0, 1_000_000)
}

pub fn rooms(text: &str) -> Result<usize, String> {
    number(text, 1, 10_000)
}

pub fn room_name(text: &str) -> Result<String, String> {
    match Config::is_name(text) {
        true => Ok(text.to_owned()),
        false => Err("expected a name of 1 to 24 letters, digits, _ . or -".to_owned()),
    }
}

/// A name of a user.
pub fn person_name(text: &str) -> Result<String, String> {
    room_name(text)
}

/// The name of a service: what people see, in the length that the domain name system allows.
pub fn site_name(text: &str) -> Result<String, String> {
    let is_shown = !text.contains(char::is_control) && invisible_character(text).is_none();
    let has_place = (1..=NAME_BYTES_MAX).contains(&text.len()) && text.trim() == text;
    match has_place && is_shown && !text.contains(['.', '\\']) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "expected 1 to {NAME_BYTES_MAX} visible bytes without dots and backslashes, and no \
             space at either end"
        )),
    }
}

pub fn presence_seconds(text: &str) -> Result<u64, String> {
    time(text, 0, 86_400)
}

/// Seconds, plain or with a unit.
fn time(text: &str, min: u64, max: u64) -> Result<u64, String> {
    with_unit(text, &[("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)])
        .filter(|seconds| (min..=max).contains(seconds))
        .ok_or_else(|| {
            format!("expected a whole number from {min} to {max} seconds, or a time like 90s or 5m")
        })
}

const SIZES: &[(&str, u64)] =
    &[("k", 1 << 10), ("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30), ("T", 1 << 40)];

/// Bytes, plain or with a unit.
fn size(text: &str, min: usize, max: usize) -> Result<usize, String> {
    with_unit(text.strip_suffix("iB").unwrap_or(text), SIZES)
        .and_then(|bytes| usize::try_from(bytes).ok())
        .filter(|bytes| (min..=max).contains(bytes))
        .ok_or_else(|| {
            format!("expected a whole number from {min} to {max} bytes, or a size like 64k or 4M")
        })
}

/// A whole number, multiplied by its unit if it has one.
fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let unit = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)));
    match unit {
        Some((number, factor)) => number.parse::<u64>().ok()?.checked_mul(*factor),
        None => text.parse().ok(),
    }
}

fn number<N>(text: &str, min: N, max: N) -> Result<N, String>
where
    N: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    match text.parse() {
        Ok(number) if number >= min && number <= max => Ok(number),
        _ => Err(format!("expected a whole number from {min} to {max}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_have_a_unit() {
        for (text, expected) in [("90", 90), ("90s", 90), ("5m", 300), ("2h", 7200), ("1d", 86_400)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "s", "1.5h", "-1", "5 m", "5M", "1h30m", "99999999999999999d"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_rate_is_lines_a_second_and_perhaps_a_burst() {
        let rate_of = |lines_per_second, burst| Ok(Some(Rate { lines_per_second, burst }));
        assert_eq!(rate("100"), rate_of(100, 1000));
        assert_eq!(rate("100/5"), rate_of(100, 5));
        assert_eq!(rate("0"), Ok(None));
        for text in ["", "/", "5/", "/5", "5/0", "0/5", "-1", "5/5/5", "1000001"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, expected) in [
            ("65536", 1 << 16),
            ("64k", 1 << 16),
            ("64K", 1 << 16),
            ("4M", 1 << 22),
            ("1G", 1 << 30),
            ("64KiB", 1 << 16),
            ("4MiB", 1 << 22),
            ("1GiB", 1 << 30),
        ] {
            assert_eq!(backlog_bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "M", "1.5M", "4m", "-4M", "2G", "99999999999999999G"] {
            assert!(backlog_bytes(text).is_err(), "{text}");
        }
    }
}
