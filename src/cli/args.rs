//! The options that a server has, in the groups of its help.

use std::fmt;
use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use ipnet::IpNet;
use roomcast::chat::{Rate, Rule, parse_network};
use roomcast::net::{Advertised, ListenAddr, Threads};

use super::values;
use crate::logging::LogFormat;

/// Options about what raw mode doesn't have.
const WITHOUT_EFFECT_IF_RAW: [&str; 21] = [
    "mssp",
    "urls",
    "prefix",
    "timestamps",
    "key_file",
    "password_file",
    "operator_file",
    "reserve",
    "bans",
    "presence_interval",
    "history",
    "room",
    "rooms",
    "motd",
    "whois_address",
    "host",
    "metrics",
    "data",
    "keep",
    "keep_bytes",
    "no_store",
];

/// Names by which people expect an operator or the server itself.
const RESERVED: &str = "admin,operator,root,roomcast,server,system";

#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub struct Network {
    /// Listen on ADDR, such as 9000, 127.0.0.1:9000 or unix:PATH
    ///
    /// Repeatable. ADDR is PORT (every interface), HOST:PORT, [IPV6]:PORT, unix:PATH,
    /// or telnet:HOST:PORT, where clients can edit their line. Default: port 8008 of
    /// every interface.
    #[arg(short, long, value_name = "ADDR", action = ArgAction::Append)]
    pub listen: Vec<ListenAddr>,

    /// Permissions of unix sockets, in octal
    ///
    /// A user needs write permission to connect, so 0660 limits a socket to its owner
    /// and group.
    #[arg(long, value_name = "MODE", default_value = "0666", value_parser = values::socket_mode)]
    pub socket_mode: u32,

    /// Speak TLS with clients that want it, with a self-signed certificate
    ///
    /// It is kept in --data, else made at each start. Plain and TLS clients share each
    /// port. Clients can check the fingerprint, which is printed at start.
    #[arg(long, conflicts_with = "tls_cert")]
    pub tls: bool,

    /// Speak TLS with clients that want it, with the certificate in FILE (PEM)
    ///
    /// The certificate comes first, then those that it was issued with. The files are
    /// read again when they change.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of --tls-cert, in FILE (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Refuse clients on other machines that don't speak TLS
    ///
    /// With --tls, or --tls-cert and --tls-key.
    #[arg(long)]
    pub tls_only: bool,

    /// Tell people to connect to HOST, where that isn't where the server listens
    ///
    /// Behind a proxy, a NAT or in a container. With :PORT also that port.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub advertise: Option<Advertised>,

    /// Name under which the room is found on the LAN
    ///
    /// Up to 57 bytes, without dots. Default: roomcast- and four letters.
    #[arg(long, value_name = "NAME", value_parser = values::site_name)]
    pub name: Option<String>,

    /// Do not announce the room on the LAN
    ///
    /// Else roomcast find and programs that browse by DNS-SD show it, unless the server
    /// listens on addresses of this machine only.
    #[arg(long, conflicts_with = "name")]
    pub no_announce: bool,

    /// Tell programs that list servers about this one (MSSP)
    ///
    /// How many people are here, since when, the name of the room and the ports.
    #[arg(long)]
    pub mssp: bool,

    /// Print every address at which people can join, not only the best
    #[arg(short, long)]
    pub verbose: bool,

    /// Believe proxies in NETWORK about where clients come from
    ///
    /// Repeatable. Each connection from NETWORK must begin with a header of the PROXY
    /// protocol, version 1 or 2.
    #[arg(long, value_name = "NETWORK", action = ArgAction::Append, value_parser = parse_network)]
    pub proxy_from: Vec<IpNet>,
}

#[derive(Args)]
#[command(next_help_heading = "Several servers")]
pub struct ClusterArgs {
    /// Share the rooms with other servers, through the Redis at URL
    ///
    /// URL is redis://HOST:6379/0, rediss://HOST:6379/0 with TLS, or unix:PATH, and may hold
    /// a user and a password (redis://USER:PASSWORD@HOST:6379/0). Repeatable: rooms are
    /// spread over several. All servers need the same URLs. See docs/cluster.md.
    #[arg(long = "cluster", value_name = "URL", action = ArgAction::Append)]
    pub urls: Vec<String>,

    /// Password of Redis, in FILE
    #[arg(long, value_name = "FILE", requires = "urls")]
    pub cluster_password_file: Option<PathBuf>,

    /// What the other servers call this one
    ///
    /// Default: the host name.
    #[arg(long, value_name = "NAME", value_parser = values::server_name)]
    pub server_name: Option<String>,

    /// What to do with lines while Redis is unavailable
    ///
    /// With local, people on this server talk on, and their lines reach the others late;
    /// with refuse, senders are told that their lines were not sent.
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Degrade::Local)]
    pub degrade: Degrade,
}

/// What happens to lines while there are no other servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Degrade {
    Local,
    Refuse,
}

impl fmt::Debug for ClusterArgs {
    /// Without the URLs, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterArgs").finish_non_exhaustive()
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Room")]
pub struct RoomArgs {
    /// What stands before each line: the sender's name, address, or nothing
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = PrefixArg::Nick)]
    pub prefix: PrefixArg,

    /// Send each line back to its sender as well
    #[arg(long)]
    pub echo: bool,

    /// Relay lines unchanged: no names, notices, commands, telnet or filtering
    #[arg(long, conflicts_with_all = WITHOUT_EFFECT_IF_RAW)]
    pub raw: bool,

    /// Room in which every client starts
    #[arg(long, value_name = "NAME", default_value = "lobby", value_parser = values::room_name)]
    pub room: String,

    /// Lines of history to show to a new client: 0 to 1000000
    #[arg(long, allow_negative_numbers = true, value_name = "LINES", default_value_t = 50, value_parser = values::history_lines)]
    pub history: u64,

    /// Batch join and leave notices of silent users, every SECONDS
    ///
    /// 0 announces each of them by name at once.
    #[arg(long, alias = "fold", allow_negative_numbers = true, value_name = "SECONDS", default_value_t = 5, value_parser = values::presence_seconds)]
    pub presence_interval: u64,

    /// Show the time of each message to clients that don't ask for something else
    ///
    /// In the time zone of the server. Each user can change it with /timestamps.
    #[arg(long)]
    pub timestamps: bool,

    /// Let /whois show the addresses of clients
    #[arg(long)]
    pub whois_address: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Web")]
pub struct Web {
    /// Answer no HTTP requests: no page for browsers, no curl, no WebSocket
    #[arg(long)]
    pub no_web: bool,

    /// Accept HTTP requests for the host NAME
    ///
    /// Repeatable. IP addresses, localhost, names in .local and the name of this
    /// machine are always accepted.
    #[arg(long, value_name = "NAME", action = ArgAction::Append, conflicts_with = "no_web")]
    pub host: Vec<String>,

    /// Let clients in NETWORK read /metrics
    ///
    /// Repeatable. Local clients always can. An IPv6 network is a /64 or larger.
    #[arg(long, value_name = "NETWORK", action = ArgAction::Append, conflicts_with = "no_web", value_parser = values::metrics_network)]
    pub metrics: Vec<IpNet>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Threads that write to clients, 1 to 64
    ///
    /// All of them are used when a turn writes to at least CLIENTS clients (96 if that is
    /// not given). Default: as many as the processors that the server may use, 8 at most.
    #[arg(long, value_name = "COUNT[/CLIENTS]", value_parser = values::threads)]
    pub threads: Option<Threads>,

    /// Maximum number of clients, at least 1
    ///
    /// Default: as many as the descriptor limit allows.
    #[arg(long, allow_negative_numbers = true, value_name = "CLIENTS", value_parser = values::at_least_1)]
    pub max_clients: Option<usize>,

    /// Maximum number of clients per address (0: no limit)
    ///
    /// IPv6 addresses count per /64. Local clients are exempt.
    #[arg(long, allow_negative_numbers = true, value_name = "CLIENTS", default_value_t = 16)]
    pub max_per_address: usize,

    /// Maximum number of new connections per address and minute (0: no limit)
    ///
    /// Up to 1000000. IPv6 addresses count per /64. Local clients are exempt.
    #[arg(long, allow_negative_numbers = true, value_name = "CONNECTIONS", default_value_t = 60, value_parser = values::connections)]
    pub new_per_minute: u32,

    /// Maximum number of rooms: 1 to 10000
    #[arg(long, allow_negative_numbers = true, value_name = "ROOMS", default_value_t = 64, value_parser = values::rooms)]
    pub rooms: usize,

    /// Maximum length of a line without its line end: 1 to 1048576 (1M)
    #[arg(long, allow_negative_numbers = true, value_name = "BYTES", default_value_t = 4096, value_parser = values::line_bytes)]
    pub max_line: usize,

    /// Lines per second that one client may send (0: no limit)
    ///
    /// LINES/BURST sets how many lines may come at once before that applies: --rate
    /// 100/1000. Both up to 1000000. A command counts as a line, and so does every 256
    /// bytes. Faster clients are throttled.
    #[arg(long, allow_negative_numbers = true, value_name = "LINES[/BURST]", default_value = "100/1000", value_parser = values::rate)]
    pub rate: RateArg,

    /// Lines that one client may send at once, as in --rate LINES/BURST.
    #[arg(long, hide = true, allow_negative_numbers = true, value_name = "LINES", value_parser = values::burst)]
    pub burst: Option<u32>,

    /// Recent lines to keep for clients that fall behind
    ///
    /// At least 65536 (64k) and 16 times --max-line, up to 1073741824 (1G).
    #[arg(long, allow_negative_numbers = true, value_name = "BYTES", default_value_t = 4 * 1024 * 1024, value_parser = values::backlog_bytes)]
    pub backlog: usize,

    /// What to do with a client that falls out of the backlog
    ///
    /// Tell it how many lines it missed and continue, or disconnect it. Default: skip,
    /// with --raw close.
    #[arg(long, value_name = "WHAT", value_enum)]
    pub on_lag: Option<OnLagArg>,

    /// Disconnect a client that reads nothing for SECONDS (0: never)
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", default_value_t = 90, value_parser = values::seconds)]
    pub stall_timeout: u64,

    /// Disconnect a client that leaves a line unfinished for SECONDS (0: never)
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", default_value_t = 300, value_parser = values::seconds)]
    pub line_timeout: u64,

    /// Disconnect a client that sends nothing for SECONDS (0: never)
    ///
    /// It is warned a minute before.
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", default_value_t = 0, value_parser = values::seconds)]
    pub idle_timeout: u64,

    /// Drop a connection whose host has not responded for SECONDS
    ///
    /// At least 3 and --stall-timeout. Default: 120, or --stall-timeout if longer.
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", value_parser = values::dead_seconds)]
    pub dead_timeout: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Access")]
pub struct Access {
    /// Accept clients from NETWORK, such as 192.0.2.0/24
    ///
    /// Repeatable. The first matching --allow or --deny wins. Once any --allow is
    /// given, other addresses are refused.
    #[arg(long, value_name = "NETWORK", action = ArgAction::Append, value_parser = parse_network)]
    pub allow: Vec<IpNet>,

    /// Refuse clients from NETWORK
    ///
    /// Repeatable.
    #[arg(long, value_name = "NETWORK", action = ArgAction::Append, value_parser = parse_network)]
    pub deny: Vec<IpNet>,

    /// Read more --allow and --deny from FILE, one in each line
    ///
    /// As allow NETWORK or deny NETWORK. They come after those of the command line.
    #[arg(long, value_name = "FILE")]
    pub access_file: Option<PathBuf>,

    /// Require the password in FILE from every client
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,

    /// Make clients that send /op and the password in FILE operators
    ///
    /// Operators can kick, mute and ban.
    #[arg(long, value_name = "FILE")]
    pub operator_file: Option<PathBuf>,

    /// Names that only operators may take
    ///
    /// Repeatable, or separated by commas. What looks like one of them is reserved too. The
    /// names that are given take the place of the default ones.
    #[arg(long, value_name = "NAMES", action = ArgAction::Append, value_delimiter = ',', value_parser = values::person_name, default_value = RESERVED)]
    pub reserve: Vec<String>,

    /// The --allow and --deny in their order.
    #[arg(skip)]
    pub rules: Vec<Rule>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Files")]
pub struct Files {
    /// Store messages, names and bans in DIR (created if missing)
    ///
    /// It holds what is said, bans and the key for name proofs. Default: the first
    /// directory in $STATE_DIRECTORY, which systemd sets, else nothing is kept.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Delete what was said in --data after SECONDS (0: never)
    ///
    /// At least 60.
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", default_value_t = 0, value_parser = values::keep_seconds)]
    pub keep: u64,

    /// Delete the oldest lines in --data when they take more than BYTES
    ///
    /// At least 1M, the index for searching included.
    #[arg(long, allow_negative_numbers = true, value_name = "BYTES", default_value = "1G", value_parser = values::keep_bytes)]
    pub keep_bytes: u64,

    /// Keep nothing of what is said in ROOM in --data
    ///
    /// Repeatable.
    #[arg(long, value_name = "ROOM", action = ArgAction::Append, value_parser = values::room_name)]
    pub no_store: Vec<String>,

    /// Show the text in FILE to each new client
    ///
    /// It is read again each time.
    #[arg(long, value_name = "FILE")]
    pub motd: Option<PathBuf>,

    /// Form of the log: text, or JSON with one object per line
    ///
    /// In the journal of systemd, text lines have their priority instead of a time.
    #[arg(long, value_name = "FORM", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Store bans in FILE (created if missing)
    ///
    /// Default: the file bans in --data, else bans end with the server.
    #[arg(long, value_name = "FILE")]
    pub bans: Option<PathBuf>,

    /// Keep the key for name proofs (/nick NAME!SECRET) in FILE (created if missing)
    ///
    /// Default: the file key in --data, else a new key at each start.
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

/// `None` is no limit. By this name clap doesn't take it for an option without a
/// default.
pub type RateArg = Option<Rate>;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PrefixArg {
    Nick,
    Addr,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnLagArg {
    Skip,
    Close,
}
