//! The command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, ValueEnum};
use ipnet::IpNet;
use roomcast::chat::{Config, OnLag, OriginLimits, Prefix, ProofKey, Rate, Rule, parse_network};
use roomcast::net::ListenAddr;

/// Options about what raw mode doesn't have.
const WITHOUT_EFFECT_IF_RAW: [&str; 11] = [
    "prefix",
    "key_file",
    "password_file",
    "operator_file",
    "bans",
    "fold",
    "history",
    "room",
    "rooms",
    "motd",
    "whois_address",
];

/// A chat room for telnet and netcat: every line that one client sends reaches
/// every other one.
#[derive(Debug, Parser)]
#[command(
    version,
    term_width = 80,
    after_help = "SECONDS can have a unit: 90s, 5m, 2h, 1d. So can BYTES: 64k, 4M, 1G."
)]
pub struct Cli {
    /// Listen on ADDR: PORT (every interface), HOST:PORT, [IPV6]:PORT, unix:PATH,
    /// or telnet:HOST:PORT, where clients can edit their line; repeatable
    /// [default: port 8008 of every interface]
    #[arg(long, value_name = "ADDR", action = ArgAction::Append)]
    listen: Vec<ListenAddr>,

    /// Permissions of unix sockets, in octal: a user needs write permission to
    /// connect, so 0660 limits a socket to its owner and group
    #[arg(long, value_name = "MODE", default_value = "0666", value_parser = socket_mode)]
    socket_mode: u32,

    /// What to put before each line: the sender's name, its address, or nothing
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = PrefixArg::Nick)]
    prefix: PrefixArg,

    /// Send each line back to its sender as well
    #[arg(long)]
    echo: bool,

    /// Relay lines unchanged: no names, notices, commands, telnet or filtering
    #[arg(long, conflicts_with_all = WITHOUT_EFFECT_IF_RAW)]
    raw: bool,

    /// Maximum number of clients, at least 1 [default: as many as the descriptor
    /// limit allows]
    #[arg(long, allow_negative_numbers = true, value_name = "CLIENTS", value_parser = at_least_1)]
    max_clients: Option<usize>,

    /// Maximum number of clients per address (IPv6: per /64; 0: no limit). Local
    /// clients are exempt
    #[arg(long, allow_negative_numbers = true, value_name = "CLIENTS", default_value_t = 16)]
    max_per_address: usize,

    /// Maximum number of new connections per address and minute, up to 1000000
    /// (0: no limit). Local clients are exempt
    #[arg(long, allow_negative_numbers = true, value_name = "CONNECTIONS", default_value_t = 60, value_parser = connections)]
    new_per_minute: u32,

    /// Believe proxies in NETWORK about where clients come from; repeatable. Each
    /// connection from there must begin with a header of the PROXY protocol, 1 or 2
    #[arg(long, value_name = "NETWORK", action = ArgAction::Append, value_parser = parse_network)]
    proxy_from: Vec<IpNet>,

    /// Accept clients from NETWORK, such as 192.0.2.0/24; repeatable. The first
    /// matching --allow or --deny wins. Once any --allow is given, other
    /// addresses are refused
    #[arg(long, value_name = "NETWORK", action = ArgAction::Append, value_parser = parse_network)]
    allow: Vec<IpNet>,

    /// Refuse clients from NETWORK; repeatable
    #[arg(long, value_name = "NETWORK", action = ArgAction::Append, value_parser = parse_network)]
    deny: Vec<IpNet>,

    /// Require the password in FILE from every client
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Make clients that send /op and the password in FILE operators, who can
    /// kick and ban
    #[arg(long, value_name = "FILE")]
    operator_file: Option<PathBuf>,

    /// Store bans in FILE, which is created if it is missing [default: bans end
    /// with the server]
    #[arg(long, value_name = "FILE")]
    bans: Option<PathBuf>,

    /// Maximum length of a line without its line end: 1 to 1048576 (1M)
    #[arg(long, allow_negative_numbers = true, value_name = "BYTES", default_value_t = 4096, value_parser = line_bytes)]
    max_line: usize,

    /// Lines per second that one client may send, up to 1000000 (0: no limit). A
    /// command counts as a line, and so does every 256 bytes. Faster clients are
    /// throttled
    #[arg(long, allow_negative_numbers = true, value_name = "LINES", default_value_t = 100, value_parser = lines)]
    rate: u32,

    /// Lines that one client may send at once before --rate applies: 1 to 1000000
    #[arg(long, allow_negative_numbers = true, value_name = "LINES", default_value_t = 1000, value_parser = burst)]
    burst: u32,

    /// Recent lines to keep for clients that fall behind: at least 65536 (64k)
    /// and 16 times --max-line, up to 1073741824 (1G)
    #[arg(long, allow_negative_numbers = true, value_name = "BYTES", default_value_t = 4 * 1024 * 1024, value_parser = backlog_bytes)]
    backlog: usize,

    /// Disconnect a client that reads nothing for SECONDS (0: never)
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", default_value_t = 90, value_parser = seconds)]
    stall_timeout: u64,

    /// Disconnect a client that leaves a line unfinished for SECONDS (0: never)
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", default_value_t = 300, value_parser = seconds)]
    line_timeout: u64,

    /// Disconnect a client that sends nothing for SECONDS, after a warning a
    /// minute before (0: never)
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", default_value_t = 0, value_parser = seconds)]
    idle_timeout: u64,

    /// Drop a connection whose host has not responded for SECONDS: at least 3 and
    /// --stall-timeout [default: 120, or --stall-timeout if longer]
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", value_parser = dead_seconds)]
    dead_timeout: Option<u64>,

    /// Batch join and leave notices of silent users, every SECONDS (0: announce
    /// each by name at once)
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", default_value_t = 5, value_parser = fold_seconds)]
    fold: u64,

    /// Lines of history to show to a new client: 0 to 1000000
    #[arg(long, allow_negative_numbers = true, value_name = "LINES", default_value_t = 50, value_parser = history_lines)]
    history: u64,

    /// Room in which every client starts
    #[arg(long, value_name = "NAME", default_value = "lobby", value_parser = room_name)]
    room: String,

    /// Maximum number of rooms: 1 to 10000
    #[arg(long, allow_negative_numbers = true, value_name = "ROOMS", default_value_t = 64, value_parser = rooms)]
    rooms: usize,

    /// Show the text in FILE to each new client; it is read again each time
    #[arg(long, value_name = "FILE")]
    motd: Option<PathBuf>,

    /// Let /whois show the addresses of clients
    #[arg(long)]
    whois_address: bool,

    /// What to do with a client that falls out of the backlog: tell it how many
    /// lines it missed and continue, or disconnect it [default: skip, with --raw
    /// close]
    #[arg(long, value_name = "WHAT", value_enum)]
    on_lag: Option<OnLagArg>,

    /// Keep the key for name proofs (/nick NAME SECRET) in FILE, which is created
    /// if it is missing [default: a new key at each start]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// The --allow and --deny in their order.
    #[arg(skip)]
    access: Vec<Rule>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PrefixArg {
    Nick,
    Addr,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnLagArg {
    Skip,
    Close,
}

impl Cli {
    /// Reads the command line; on a bad one says what would be right and exits
    /// with 2.
    pub fn read() -> Cli {
        let matches = Cli::command().get_matches();
        let mut cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        cli.access = cli.access_rules(&matches);
        let backlog_min = Config::backlog_bytes_min(cli.max_line);
        if cli.backlog < backlog_min {
            refuse(&format!(
                "--backlog {} is too small for --max-line {}: at least {backlog_min} is needed",
                cli.backlog, cli.max_line
            ));
        }
        if let Some(dead_timeout) = cli.dead_timeout
            && dead_timeout < cli.stall_timeout
        {
            refuse(&format!(
                "--dead-timeout {dead_timeout} is shorter than --stall-timeout {}: one that \
                 doesn't read would be taken for one that is gone",
                cli.stall_timeout
            ));
        }
        if cli.rate == 0 && matches.value_source("burst") == Some(ValueSource::CommandLine) {
            refuse("--burst has no effect with --rate 0, which is no limit");
        }
        if cli.raw && cli.on_lag == Some(OnLagArg::Skip) {
            refuse("--on-lag skip can't go with --raw, where nobody can be told of a gap");
        }
        cli
    }

    fn access_rules(&self, matches: &ArgMatches) -> Vec<Rule> {
        let places = |option| matches.indices_of(option).into_iter().flatten();
        let allowed = places("allow").zip(self.allow.iter().copied().map(Rule::Allow));
        let denied = places("deny").zip(self.deny.iter().copied().map(Rule::Deny));
        let mut rules: Vec<_> = allowed.chain(denied).collect();
        rules.sort_by_key(|(place, _)| *place);
        rules.into_iter().map(|(_, rule)| rule).collect()
    }

    /// The addresses to listen on; none stands for the default.
    pub fn listen(&self) -> &[ListenAddr] {
        &self.listen
    }

    /// The permissions of unix sockets.
    pub fn socket_mode(&self) -> u32 {
        self.socket_mode
    }

    /// When a client is given up whose machine doesn't answer.
    pub fn dead_timeout(&self) -> Duration {
        const DEFAULT: u64 = 120;
        Duration::from_secs(self.dead_timeout.unwrap_or(DEFAULT.max(self.stall_timeout)))
    }

    /// The file with the message of the day.
    pub fn motd(&self) -> Option<&Path> {
        self.motd.as_deref()
    }

    /// The file with the password of the room.
    /// Networks of proxies that are believed.
    pub fn proxy_from(&self) -> &[IpNet] {
        &self.proxy_from
    }

    pub fn password_file(&self) -> Option<&Path> {
        self.password_file.as_deref()
    }

    /// The file with the password of operators.
    pub fn operator_file(&self) -> Option<&Path> {
        self.operator_file.as_deref()
    }

    /// The file with the bans.
    pub fn bans(&self) -> Option<&Path> {
        self.bans.as_deref()
    }

    /// The file with the key for proofs.
    pub fn key_file(&self) -> Option<&Path> {
        self.key_file.as_deref()
    }

    /// How many clients are wanted at one time, if that was given.
    pub fn max_clients(&self) -> Option<usize> {
        self.max_clients
    }

    /// The room's configuration, with `clients_max` clients.
    pub fn config(&self, clients_max: usize, proof_key: ProofKey) -> Config {
        let prefix = match self.prefix {
            PrefixArg::Nick => Prefix::Nick,
            PrefixArg::Addr => Prefix::Addr,
            PrefixArg::None => Prefix::None,
        };
        let on_lag = match self.on_lag {
            Some(OnLagArg::Skip) => OnLag::Skip,
            Some(OnLagArg::Close) => OnLag::Close,
            None if self.raw => OnLag::Close,
            None => OnLag::Skip,
        };
        Config {
            run: String::new(),
            prefix,
            echo: self.echo,
            raw: self.raw,
            clients_max,
            origin_limits: OriginLimits {
                clients_max: self.max_per_address,
                new_per_minute: self.new_per_minute,
            },
            access: self.access.clone(),
            line_bytes_max: self.max_line,
            backlog_bytes_max: self.backlog,
            rate: (self.rate > 0)
                .then_some(Rate { lines_per_second: self.rate, burst: self.burst }),
            line_timeout: unless_zero(self.line_timeout),
            idle_timeout: unless_zero(self.idle_timeout),
            stall_timeout: unless_zero(self.stall_timeout),
            on_lag,
            fold_time: Duration::from_secs(self.fold),
            lobby: self.room.clone(),
            rooms_max: self.rooms,
            history_lines: self.history,
            whois_address: self.whois_address,
            password: None,
            operator_password: None,
            proof_key,
        }
    }
}

fn unless_zero(seconds: u64) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

fn refuse(what: &str) -> ! {
    Cli::command().error(ErrorKind::ValueValidation, what).exit()
}

fn socket_mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 && !text.starts_with('+') => Ok(mode),
        _ => Err("expected permissions in octal, from 0 to 0777, like 0660".to_owned()),
    }
}

fn at_least_1(text: &str) -> Result<usize, String> {
    number(text, 1, usize::MAX)
}

fn connections(text: &str) -> Result<u32, String> {
    number(text, 0, 1_000_000)
}

fn lines(text: &str) -> Result<u32, String> {
    number(text, 0, 1_000_000)
}

fn burst(text: &str) -> Result<u32, String> {
    number(text, 1, 1_000_000)
}

fn dead_seconds(text: &str) -> Result<u64, String> {
    time(text, 3, 3_155_760_000)
}

fn line_bytes(text: &str) -> Result<usize, String> {
    size(text, 1, 1 << 20)
}

fn backlog_bytes(text: &str) -> Result<usize, String> {
    size(text, 1 << 16, 1 << 30)
}

fn seconds(text: &str) -> Result<u64, String> {
    // A hundred years: deadlines stay within what clocks can hold.
    time(text, 0, 3_155_760_000)
}

fn history_lines(text: &str) -> Result<u64, String> {
    number(text, 0, 1_000_000)
}

fn rooms(text: &str) -> Result<usize, String> {
    number(text, 1, 10_000)
}

fn room_name(text: &str) -> Result<String, String> {
    match Config::is_name(text) {
        true => Ok(text.to_owned()),
        false => Err("expected a name of 1 to 24 letters, digits, _ . or -".to_owned()),
    }
}

fn fold_seconds(text: &str) -> Result<u64, String> {
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

/// Bytes, plain or with a unit.
fn size(text: &str, min: usize, max: usize) -> Result<usize, String> {
    with_unit(text, &[("k", 1 << 10), ("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)])
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
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, expected) in [
            ("65536", 1 << 16),
            ("64k", 1 << 16),
            ("64K", 1 << 16),
            ("4M", 1 << 22),
            ("1G", 1 << 30),
        ] {
            assert_eq!(backlog_bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "M", "1.5M", "4m", "-4M", "2G", "99999999999999999G"] {
            assert!(backlog_bytes(text).is_err(), "{text}");
        }
    }
}
