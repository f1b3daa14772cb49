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
#[command(version, term_width = 80)]
pub struct Cli {
    /// Listen on ADDR: PORT (every interface), HOST:PORT, [IPV6]:PORT, unix:PATH,
    /// or telnet:HOST:PORT, where clients can edit their line; repeatable
    /// [default: port 8008 of every interface]
    #[arg(long, value_name = "ADDR", action = ArgAction::Append)]
    listen: Vec<ListenAddr>,

    /// What comes before each line: the sender's name, its address, or nothing
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = PrefixArg::Nick)]
    prefix: PrefixArg,

    /// Send each line back to its sender too
    #[arg(long)]
    echo: bool,

    /// Relay lines as they are: no names, notices, commands, telnet or cleaning
    #[arg(long, conflicts_with_all = WITHOUT_EFFECT_IF_RAW)]
    raw: bool,

    /// Clients at one time, at least 1 [default: as many as the descriptor
    /// limit allows]
    #[arg(long, value_name = "CLIENTS", value_parser = at_least_1)]
    max_clients: Option<usize>,

    /// Clients from one address at one time (of IPv6: from one /64); 0 is no
    /// limit, and on this machine there is none
    #[arg(long, value_name = "CLIENTS", default_value_t = 16)]
    max_per_address: usize,

    /// New connections from one address in a minute: at most 1000000; 0 is no
    /// limit, and on this machine there is none
    #[arg(long, value_name = "CONNECTIONS", default_value_t = 60, value_parser = connections)]
    new_per_minute: u32,

    /// Let clients from NETWORK in, like 192.0.2.0/24; repeatable, the first
    /// --allow or --deny that fits decides, and if there is an --allow and none
    /// fits they are kept out
    #[arg(long, value_name = "NETWORK", action = ArgAction::Append, value_parser = parse_network)]
    allow: Vec<IpNet>,

    /// Keep clients from NETWORK out
    #[arg(long, value_name = "NETWORK", action = ArgAction::Append, value_parser = parse_network)]
    deny: Vec<IpNet>,

    /// Let in only who types the line in FILE first
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Make operators of those who say /op and the line in FILE; they can send
    /// others away
    #[arg(long, value_name = "FILE")]
    operator_file: Option<PathBuf>,

    /// Keep the bans of operators in FILE, which is created if it is missing
    /// [default: they end with the server]
    #[arg(long, value_name = "FILE")]
    bans: Option<PathBuf>,

    /// The longest line in bytes, without its end: 1 to 1048576
    #[arg(long, value_name = "BYTES", default_value_t = 4096, value_parser = line_bytes)]
    max_line: usize,

    /// Lines (or commands, or 256 bytes of them) that one client may send in a
    /// second; what is more is read later: at most 1000000; 0 is no limit
    #[arg(long, value_name = "LINES", default_value_t = 100, value_parser = lines)]
    rate: u32,

    /// Lines that one client may send at once before --rate counts: 1 to 1000000
    #[arg(long, value_name = "LINES", default_value_t = 1000, value_parser = burst)]
    burst: u32,

    /// Recent lines kept for readers that fall behind, in bytes: at least
    /// 65536 and 16 times --max-line, at most 1073741824
    #[arg(long, value_name = "BYTES", default_value_t = 4 * 1024 * 1024, value_parser = backlog_bytes)]
    backlog: usize,

    /// Close a client that takes nothing of what it is owed for so many
    /// seconds; 0 is never
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = seconds)]
    stall_timeout: u64,

    /// Close a client that doesn't finish a line in so many seconds; 0 is never
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = seconds)]
    line_timeout: u64,

    /// Close a client that sends nothing for so many seconds, with a warning a
    /// minute before; 0 is never
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = seconds)]
    idle_timeout: u64,

    /// Give a client up whose machine doesn't answer for so many seconds: at
    /// least 3 and --stall-timeout [default: 120, or --stall-timeout if that is
    /// more]
    #[arg(long, value_name = "SECONDS", value_parser = dead_seconds)]
    dead_timeout: Option<u64>,

    /// Tell once in so many seconds how many silent people came and went; 0 to
    /// tell each at once, by name
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = fold_seconds)]
    fold: u64,

    /// Lines of the past that a newcomer is shown: 0 to 1000000
    #[arg(long, value_name = "LINES", default_value_t = 50, value_parser = history_lines)]
    history: u64,

    /// The room where everyone starts
    #[arg(long, value_name = "NAME", default_value = "lobby", value_parser = room_name)]
    room: String,

    /// Rooms at one time: 1 to 10000
    #[arg(long, value_name = "ROOMS", default_value_t = 64, value_parser = rooms)]
    rooms: usize,

    /// Show newcomers what is in FILE, which is read again for each
    #[arg(long, value_name = "FILE")]
    motd: Option<PathBuf>,

    /// Let /whois show where somebody comes from
    #[arg(long)]
    whois_address: bool,

    /// What happens to a reader that falls out of the backlog: it is told how
    /// many lines it missed and goes on, or it is closed [default: skip, with
    /// --raw close]
    #[arg(long, value_name = "WHAT", value_enum)]
    on_lag: Option<OnLagArg>,

    /// Keep the key for proofs of names (/nick NAME SECRET) in FILE, which is
    /// made if it isn't there [default: a new key at each start]
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
    number(text, 3, 3_155_760_000)
}

fn line_bytes(text: &str) -> Result<usize, String> {
    number(text, 1, 1 << 20)
}

fn backlog_bytes(text: &str) -> Result<usize, String> {
    number(text, 1 << 16, 1 << 30)
}

fn seconds(text: &str) -> Result<u64, String> {
    // A hundred years: deadlines stay within what clocks can hold.
    number(text, 0, 3_155_760_000)
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
    number(text, 0, 86_400)
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
