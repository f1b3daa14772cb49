//! The command line, and the environment variables that stand for options.

mod generate;
pub mod values;
mod variables;

use std::fmt;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgAction, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, ValueEnum};
use ipnet::IpNet;
use jiff::tz::TimeZone;
use roomcast::chat::{Config, OnLag, OriginLimits, Prefix, ProofKey, Rate, Rule, parse_network};
use roomcast::cluster;
use roomcast::discovery::Security;
use roomcast::net::{Advertised, ListenAddr, Threads};
use roomcast::store;
use roomcast::wire::{Clock, View};

use self::generate::Generated;
use crate::command::Command;
use crate::data_dir::DataDir;
use crate::logging::LogFormat;

/// More threads than that don't write faster: what is done by one of them alone is too much.
const THREADS_MAX: usize = 8;

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

const AFTER_HELP: &str = "\
SECONDS can have a unit: 90s, 5m, 2h, 1d. So can BYTES: 64k, 4M, 1G.

Each option can also be set by an environment variable: ROOMCAST_MAX_CLIENTS=50
is --max-clients 50. Options on the command line come first. Several values are
separated by commas, and an empty variable counts as unset.";

const AFTER_SHORT_HELP: &str = "\
SECONDS can have a unit: 90s, 5m, 2h, 1d. So can BYTES: 64k, 4M, 1G.
--help says more about each option.";

/// A chat room for browsers, telnet and netcat: every line that one client sends
/// reaches every other one.
#[derive(Debug, Parser)]
#[command(version, term_width = 80, after_help = AFTER_SHORT_HELP, after_long_help = AFTER_HELP)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    room: RoomArgs,
    #[command(flatten)]
    web: Web,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    files: Files,

    /// Print a manual page or completions for a shell; packages have them from there
    #[arg(long, value_name = "WHAT", hide = true, exclusive = true)]
    generate: Option<Generated>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
struct Network {
    /// Listen on ADDR, such as 9000, 127.0.0.1:9000 or unix:PATH
    ///
    /// Repeatable. ADDR is PORT (every interface), HOST:PORT, [IPV6]:PORT, unix:PATH,
    /// or telnet:HOST:PORT, where clients can edit their line. Default: port 8008 of
    /// every interface.
    #[arg(short, long, value_name = "ADDR", action = ArgAction::Append)]
    listen: Vec<ListenAddr>,

    /// Permissions of unix sockets, in octal
    ///
    /// A user needs write permission to connect, so 0660 limits a socket to its owner
    /// and group.
    #[arg(long, value_name = "MODE", default_value = "0666", value_parser = values::socket_mode)]
    socket_mode: u32,

    /// Speak TLS with clients that want it, with a self-signed certificate
    ///
    /// It is kept in --data, else made at each start. Plain and TLS clients share each
    /// port. Clients can check the fingerprint, which is printed at start.
    #[arg(long, conflicts_with = "tls_cert")]
    tls: bool,

    /// Speak TLS with clients that want it, with the certificate in FILE (PEM)
    ///
    /// The certificate comes first, then those that it was issued with. The files are
    /// read again when they change.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// Private key of --tls-cert, in FILE (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Refuse clients on other machines that don't speak TLS
    ///
    /// With --tls, or --tls-cert and --tls-key.
    #[arg(long)]
    tls_only: bool,

    /// Tell people to connect to HOST, where that isn't where the server listens
    ///
    /// Behind a proxy, a NAT or in a container. With :PORT also that port.
    #[arg(long, value_name = "HOST[:PORT]")]
    advertise: Option<Advertised>,

    /// Name under which the room is found on the LAN
    ///
    /// Up to 57 bytes, without dots. Default: roomcast- and four letters.
    #[arg(long, value_name = "NAME", value_parser = values::site_name)]
    name: Option<String>,

    /// Do not announce the room on the LAN
    ///
    /// Else roomcast find and programs that browse by DNS-SD show it, unless the server
    /// listens on addresses of this machine only.
    #[arg(long, conflicts_with = "name")]
    no_announce: bool,

    /// Tell programs that list servers about this one (MSSP)
    ///
    /// How many people are here, since when, the name of the room and the ports.
    #[arg(long)]
    mssp: bool,

    /// Print every address at which people can join, not only the best
    #[arg(short, long)]
    verbose: bool,

    /// Believe proxies in NETWORK about where clients come from
    ///
    /// Repeatable. Each connection from NETWORK must begin with a header of the PROXY
    /// protocol, version 1 or 2.
    #[arg(long, value_name = "NETWORK", action = ArgAction::Append, value_parser = parse_network)]
    proxy_from: Vec<IpNet>,
}

#[derive(Args)]
#[command(next_help_heading = "Several servers")]
struct ClusterArgs {
    /// Share the rooms with other servers, through the Redis at URL
    ///
    /// URL is redis://HOST:6379/0, rediss://HOST:6379/0 with TLS, or unix:PATH, and may hold
    /// a user and a password (redis://USER:PASSWORD@HOST:6379/0). Repeatable: rooms are
    /// spread over several. All servers need the same URLs. See docs/cluster.md.
    #[arg(long = "cluster", value_name = "URL", action = ArgAction::Append)]
    urls: Vec<String>,

    /// Password of Redis, in FILE
    #[arg(long, value_name = "FILE", requires = "urls")]
    cluster_password_file: Option<PathBuf>,

    /// What the other servers call this one
    ///
    /// Default: the host name.
    #[arg(long, value_name = "NAME", value_parser = values::server_name)]
    server_name: Option<String>,

    /// What to do with lines while Redis is unavailable
    ///
    /// With local, people on this server talk on, and their lines reach the others late;
    /// with refuse, senders are told that their lines were not sent.
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Degrade::Local)]
    degrade: Degrade,
}

/// What happens to lines while there are no other servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Degrade {
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
struct RoomArgs {
    /// What stands before each line: the sender's name, address, or nothing
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = PrefixArg::Nick)]
    prefix: PrefixArg,

    /// Send each line back to its sender as well
    #[arg(long)]
    echo: bool,

    /// Relay lines unchanged: no names, notices, commands, telnet or filtering
    #[arg(long, conflicts_with_all = WITHOUT_EFFECT_IF_RAW)]
    raw: bool,

    /// Room in which every client starts
    #[arg(long, value_name = "NAME", default_value = "lobby", value_parser = values::room_name)]
    room: String,

    /// Lines of history to show to a new client: 0 to 1000000
    #[arg(long, allow_negative_numbers = true, value_name = "LINES", default_value_t = 50, value_parser = values::history_lines)]
    history: u64,

    /// Batch join and leave notices of silent users, every SECONDS
    ///
    /// 0 announces each of them by name at once.
    #[arg(long, alias = "fold", allow_negative_numbers = true, value_name = "SECONDS", default_value_t = 5, value_parser = values::presence_seconds)]
    presence_interval: u64,

    /// Show the time of each message to clients that don't ask for something else
    ///
    /// In the time zone of the server. Each user can change it with /timestamps.
    #[arg(long)]
    timestamps: bool,

    /// Let /whois show the addresses of clients
    #[arg(long)]
    whois_address: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Web")]
struct Web {
    /// Answer no HTTP requests: no page for browsers, no curl, no WebSocket
    #[arg(long)]
    no_web: bool,

    /// Accept HTTP requests for the host NAME
    ///
    /// Repeatable. IP addresses, localhost, names in .local and the name of this
    /// machine are always accepted.
    #[arg(long, value_name = "NAME", action = ArgAction::Append, conflicts_with = "no_web")]
    host: Vec<String>,

    /// Let clients in NETWORK read /metrics
    ///
    /// Repeatable. Local clients always can. An IPv6 network is a /64 or larger.
    #[arg(long, value_name = "NETWORK", action = ArgAction::Append, conflicts_with = "no_web", value_parser = values::metrics_network)]
    metrics: Vec<IpNet>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
struct Limits {
    /// Threads that write to clients, 1 to 64
    ///
    /// They write together where CLIENTS or more are written to at once, 96 if that is not
    /// given. Default: as many as the processors that the server may use, 8 at most.
    #[arg(long, value_name = "COUNT[/CLIENTS]", value_parser = values::threads)]
    threads: Option<Threads>,

    /// Maximum number of clients, at least 1
    ///
    /// Default: as many as the descriptor limit allows.
    #[arg(long, allow_negative_numbers = true, value_name = "CLIENTS", value_parser = values::at_least_1)]
    max_clients: Option<usize>,

    /// Maximum number of clients per address (0: no limit)
    ///
    /// IPv6 addresses count per /64. Local clients are exempt.
    #[arg(long, allow_negative_numbers = true, value_name = "CLIENTS", default_value_t = 16)]
    max_per_address: usize,

    /// Maximum number of new connections per address and minute (0: no limit)
    ///
    /// Up to 1000000. IPv6 addresses count per /64. Local clients are exempt.
    #[arg(long, allow_negative_numbers = true, value_name = "CONNECTIONS", default_value_t = 60, value_parser = values::connections)]
    new_per_minute: u32,

    /// Maximum number of rooms: 1 to 10000
    #[arg(long, allow_negative_numbers = true, value_name = "ROOMS", default_value_t = 64, value_parser = values::rooms)]
    rooms: usize,

    /// Maximum length of a line without its line end: 1 to 1048576 (1M)
    #[arg(long, allow_negative_numbers = true, value_name = "BYTES", default_value_t = 4096, value_parser = values::line_bytes)]
    max_line: usize,

    /// Lines per second that one client may send (0: no limit)
    ///
    /// LINES/BURST sets how many lines may come at once before that applies: --rate
    /// 100/1000. Both up to 1000000. A command counts as a line, and so does every 256
    /// bytes. Faster clients are throttled.
    #[arg(long, allow_negative_numbers = true, value_name = "LINES[/BURST]", default_value = "100/1000", value_parser = values::rate)]
    rate: RateArg,

    /// Lines that one client may send at once, as in --rate LINES/BURST.
    #[arg(long, hide = true, allow_negative_numbers = true, value_name = "LINES", value_parser = values::burst)]
    burst: Option<u32>,

    /// Recent lines to keep for clients that fall behind
    ///
    /// At least 65536 (64k) and 16 times --max-line, up to 1073741824 (1G).
    #[arg(long, allow_negative_numbers = true, value_name = "BYTES", default_value_t = 4 * 1024 * 1024, value_parser = values::backlog_bytes)]
    backlog: usize,

    /// What to do with a client that falls out of the backlog
    ///
    /// Tell it how many lines it missed and continue, or disconnect it. Default: skip,
    /// with --raw close.
    #[arg(long, value_name = "WHAT", value_enum)]
    on_lag: Option<OnLagArg>,

    /// Disconnect a client that reads nothing for SECONDS (0: never)
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", default_value_t = 90, value_parser = values::seconds)]
    stall_timeout: u64,

    /// Disconnect a client that leaves a line unfinished for SECONDS (0: never)
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", default_value_t = 300, value_parser = values::seconds)]
    line_timeout: u64,

    /// Disconnect a client that sends nothing for SECONDS (0: never)
    ///
    /// It is warned a minute before.
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", default_value_t = 0, value_parser = values::seconds)]
    idle_timeout: u64,

    /// Drop a connection whose host has not responded for SECONDS
    ///
    /// At least 3 and --stall-timeout. Default: 120, or --stall-timeout if longer.
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", value_parser = values::dead_seconds)]
    dead_timeout: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Access")]
struct Access {
    /// Accept clients from NETWORK, such as 192.0.2.0/24
    ///
    /// Repeatable. The first matching --allow or --deny wins. Once any --allow is
    /// given, other addresses are refused.
    #[arg(long, value_name = "NETWORK", action = ArgAction::Append, value_parser = parse_network)]
    allow: Vec<IpNet>,

    /// Refuse clients from NETWORK
    ///
    /// Repeatable.
    #[arg(long, value_name = "NETWORK", action = ArgAction::Append, value_parser = parse_network)]
    deny: Vec<IpNet>,

    /// Read more --allow and --deny from FILE, one in each line
    ///
    /// As allow NETWORK or deny NETWORK. They come after those of the command line.
    #[arg(long, value_name = "FILE")]
    access_file: Option<PathBuf>,

    /// Require the password in FILE from every client
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Make clients that send /op and the password in FILE operators
    ///
    /// Operators can kick, mute and ban.
    #[arg(long, value_name = "FILE")]
    operator_file: Option<PathBuf>,

    /// Names that only operators may take
    ///
    /// Repeatable, or separated by commas. What looks like one of them is reserved too. The
    /// names that are given take the place of the default ones.
    #[arg(long, value_name = "NAMES", action = ArgAction::Append, value_delimiter = ',', value_parser = values::person_name, default_value = RESERVED)]
    reserve: Vec<String>,

    /// The --allow and --deny in their order.
    #[arg(skip)]
    rules: Vec<Rule>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Files")]
struct Files {
    /// Keep what is to outlast the server in DIR (created if missing)
    ///
    /// It holds what is said, bans and the key for name proofs. Default: the first
    /// directory in $STATE_DIRECTORY, which systemd sets, else nothing is kept.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Delete what was said in --data after SECONDS (0: never)
    ///
    /// At least 60.
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", default_value_t = 0, value_parser = values::keep_seconds)]
    keep: u64,

    /// Delete the oldest lines in --data when they take more than BYTES
    ///
    /// At least 1M, the index for searching included.
    #[arg(long, allow_negative_numbers = true, value_name = "BYTES", default_value = "1G", value_parser = values::keep_bytes)]
    keep_bytes: u64,

    /// Keep nothing of what is said in ROOM in --data
    ///
    /// Repeatable.
    #[arg(long, value_name = "ROOM", action = ArgAction::Append, value_parser = values::room_name)]
    no_store: Vec<String>,

    /// Show the text in FILE to each new client
    ///
    /// It is read again each time.
    #[arg(long, value_name = "FILE")]
    motd: Option<PathBuf>,

    /// Form of the log: text, or JSON with one object per line
    ///
    /// In the journal of systemd, text lines have their priority instead of a time.
    #[arg(long, value_name = "FORM", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    /// Store bans in FILE (created if missing)
    ///
    /// Default: the file bans in --data, else bans end with the server.
    #[arg(long, value_name = "FILE")]
    bans: Option<PathBuf>,

    /// Keep the key for name proofs (/nick NAME!SECRET) in FILE (created if missing)
    ///
    /// Default: the file key in --data, else a new key at each start.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// `None` is no limit. By this name clap doesn't take it for an option without a
/// default.
type RateArg = Option<Rate>;

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
    /// Reads the command line and the environment. On a bad value says what would
    /// be right and exits with 2.
    pub fn read() -> Cli {
        let matches = command().get_matches();
        let mut cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        if let Some(what) = cli.generate {
            print_generated(what);
        }
        cli.access.rules = cli.access.rules(&matches);
        cli.limits.join_burst();
        cli.limits.check();
        if let Err(what) = cli.engines() {
            refuse(&what);
        }
        if cli.network.tls_only && cli.security() == Security::Plain {
            refuse("--tls-only needs a certificate: add --tls, or --tls-cert and --tls-key");
        }
        if cli.room.raw && cli.limits.on_lag == Some(OnLagArg::Skip) {
            refuse("--on-lag skip can't go with --raw, where nobody can be told of a gap");
        }
        cli
    }

    /// What is to be done instead of serving, if anything.
    pub fn take_command(&mut self) -> Option<Command> {
        self.command.take()
    }

    /// The addresses to listen on; none stands for the default.
    pub fn listen(&self) -> &[ListenAddr] {
        &self.network.listen
    }

    /// The permissions of unix sockets.
    pub fn socket_mode(&self) -> u32 {
        self.network.socket_mode
    }

    /// Networks of proxies that are believed.
    pub fn proxy_from(&self) -> &[IpNet] {
        &self.network.proxy_from
    }

    /// Whether clients may or must speak TLS.
    pub fn security(&self) -> Security {
        let Network { tls, tls_cert, tls_only, .. } = &self.network;
        match *tls || tls_cert.is_some() {
            true if *tls_only => Security::TlsRequired,
            true => Security::TlsPossible,
            false => Security::Plain,
        }
    }

    /// The engines that rooms are shared through, without the password in a file.
    ///
    /// # Errors
    /// What is wrong with a URL, without anything secret.
    pub fn engines(&self) -> Result<Vec<cluster::Options>, String> {
        let name = self.cluster.server_name.clone().or_else(machine_name);
        let options = self.cluster.urls.iter().map(|url| {
            let options = cluster::Options::new(url).map_err(|what| format!("--cluster: {what}"));
            options.map(|options| options.with_name(name.as_deref().unwrap_or("server")))
        });
        options.collect()
    }

    /// The file with the password of the engines.
    pub fn cluster_password_file(&self) -> Option<&Path> {
        self.cluster.cluster_password_file.as_deref()
    }

    /// Names that this server is called by, but for those of the machine.
    pub fn hosts(&self) -> Vec<String> {
        let advertised = self.network.advertise.iter().map(|advertised| &advertised.host);
        self.web.host.iter().chain(advertised).cloned().collect()
    }

    /// Whether the room is announced on the LAN.
    pub fn is_announced(&self) -> bool {
        !self.network.no_announce
    }

    /// Whether programs that list servers are told about this one.
    pub fn is_listed(&self) -> bool {
        self.network.mssp
    }

    /// The name under which it is.
    pub fn name(&self) -> Option<&str> {
        self.network.name.as_deref()
    }

    /// Whether all addresses are to be shown.
    pub fn is_verbose(&self) -> bool {
        self.network.verbose
    }

    /// Where people are told to connect to.
    pub fn advertise(&self) -> Option<&Advertised> {
        self.network.advertise.as_ref()
    }

    /// The files with the certificate for TLS and its key.
    pub fn tls_files(&self) -> Option<(&Path, &Path)> {
        self.network.tls_cert.as_deref().zip(self.network.tls_key.as_deref())
    }

    /// When a client is given up whose machine doesn't answer.
    pub fn dead_timeout(&self) -> Duration {
        const DEFAULT: u64 = 120;
        let Limits { dead_timeout, stall_timeout, .. } = self.limits;
        Duration::from_secs(dead_timeout.unwrap_or(DEFAULT.max(stall_timeout)))
    }

    /// Whether a client that reads nothing is disconnected.
    pub fn has_stall_timeout(&self) -> bool {
        self.limits.stall_timeout > 0
    }

    /// The directory for what is to outlast the server. A service of systemd is told
    /// which one is its own (`StateDirectory=` in systemd.exec(5)).
    pub fn data(&self) -> Option<PathBuf> {
        let given = self.files.data.clone();
        let of_service = || {
            let paths = std::env::var_os("STATE_DIRECTORY")?;
            std::env::split_paths(&paths).next()
        };
        given.or_else(|| of_service().filter(|path| path.is_absolute() && !self.room.raw))
    }

    /// An option about what is kept that was given; without a directory it has no effect.
    pub fn keeping(&self) -> Option<&'static str> {
        let Files { keep, no_store, .. } = &self.files;
        let given = [("--keep", *keep > 0), ("--no-store", !no_store.is_empty())];
        given.into_iter().find_map(|(option, is_given)| is_given.then_some(option))
    }

    /// Where what is said is kept in this directory, and for how long.
    pub fn store(&self, data: &DataDir) -> store::Options {
        let (keep, keep_bytes) = (unless_zero(self.files.keep), self.files.keep_bytes);
        store::Options { path: data.file(store::FILE_NAME), keep, keep_bytes }
    }

    /// Whether lines are relayed unchanged.
    pub fn is_raw(&self) -> bool {
        self.room.raw
    }

    /// The file with the message of the day.
    pub fn motd(&self) -> Option<&Path> {
        self.files.motd.as_deref()
    }

    /// The file with the password of the room.
    pub fn password_file(&self) -> Option<&Path> {
        self.access.password_file.as_deref()
    }

    /// The file with the password of operators.
    pub fn operator_file(&self) -> Option<&Path> {
        self.access.operator_file.as_deref()
    }

    /// The file with the bans.
    pub fn bans(&self) -> Option<&Path> {
        self.files.bans.as_deref()
    }

    /// The file with the key for proofs.
    pub fn key_file(&self) -> Option<&Path> {
        self.files.key_file.as_deref()
    }

    /// The form of the log.
    pub fn log_format(&self) -> LogFormat {
        self.files.log_format
    }

    /// The --allow and --deny, in their order.
    pub fn access_rules(&self) -> &[Rule] {
        &self.access.rules
    }

    /// The file with more access rules.
    pub fn access_file(&self) -> Option<&Path> {
        self.access.access_file.as_deref()
    }

    /// How many threads write to clients.
    pub fn threads(&self) -> Threads {
        let processors = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.limits.threads.unwrap_or_else(|| Threads::new(processors().min(THREADS_MAX)))
    }

    /// How many clients are wanted at one time, if that was given.
    pub fn max_clients(&self) -> Option<usize> {
        self.limits.max_clients
    }

    /// The room's configuration, with `clients_max` clients, of a server in `zone`.
    pub fn config(&self, clients_max: usize, proof_key: ProofKey, zone: TimeZone) -> Config {
        let Cli { room, web, limits, .. } = self;
        let prefix = match room.prefix {
            PrefixArg::Nick => Prefix::Nick,
            PrefixArg::Addr => Prefix::Addr,
            PrefixArg::None => Prefix::None,
        };
        let on_lag = match limits.on_lag {
            Some(OnLagArg::Skip) => OnLag::Skip,
            Some(OnLagArg::Close) => OnLag::Close,
            None if room.raw => OnLag::Close,
            None => OnLag::Skip,
        };
        Config {
            run: String::new(),
            prefix,
            echo: room.echo,
            raw: room.raw,
            has_web: !room.raw && !web.no_web,
            has_tls: self.security() != Security::Plain,
            metrics_networks: web.metrics.clone(),
            hosts: self.hosts().into_iter().chain(machine_name()).collect(),
            clients_max,
            origin_limits: OriginLimits {
                clients_max: limits.max_per_address,
                new_per_minute: limits.new_per_minute,
            },
            access: self.access.rules.clone(),
            line_bytes_max: limits.max_line,
            backlog_bytes_max: limits.backlog,
            rate: limits.rate,
            line_timeout: unless_zero(limits.line_timeout),
            idle_timeout: unless_zero(limits.idle_timeout),
            stall_timeout: unless_zero(limits.stall_timeout),
            on_lag,
            fold_time: Duration::from_secs(room.presence_interval),
            lobby: room.room.clone(),
            rooms_max: limits.rooms,
            history_lines: room.history,
            zone,
            view: View { clock: room.timestamps.then_some(Clock::SERVER), has_colors: false },
            whois_address: room.whois_address,
            has_store: false,
            is_shared: !self.cluster.urls.is_empty(),
            talks_alone: self.cluster.degrade == Degrade::Local,
            unstored: self.files.no_store.clone(),
            unstored_run: String::new(),
            keep: unless_zero(self.files.keep),
            listing: None,
            reserved: self.access.reserve.clone(),
            password: None,
            operator_password: None,
            proof_key,
        }
    }
}

/// What this machine is called.
fn machine_name() -> Option<String> {
    rustix::system::uname().nodename().to_str().ok().map(str::to_owned)
}

impl Limits {
    /// Takes over the burst where it was given in an option of its own, as it was
    /// before --rate could hold both.
    fn join_burst(&mut self) {
        let Some(burst) = self.burst else { return };
        match &mut self.rate {
            Some(rate) => rate.burst = burst,
            None => refuse("--burst has no effect with --rate 0, which is no limit"),
        }
    }

    /// Ends the program if two limits don't fit each other.
    fn check(&self) {
        let Limits { backlog, max_line, stall_timeout, .. } = *self;
        let backlog_min = Config::backlog_bytes_min(max_line);
        if backlog < backlog_min {
            refuse(&format!(
                "--backlog {backlog} is too small for --max-line {max_line}: at least \
                 {backlog_min} is needed"
            ));
        }
        if let Some(dead_timeout) = self.dead_timeout
            && dead_timeout < stall_timeout
        {
            refuse(&format!(
                "--dead-timeout {dead_timeout} is shorter than --stall-timeout {stall_timeout}: a \
                 client that doesn't read would be taken for one that is gone"
            ));
        }
    }
}

impl Access {
    fn rules(&self, matches: &ArgMatches) -> Vec<Rule> {
        let places = |option| matches.indices_of(option).into_iter().flatten();
        let allowed = places("allow").zip(self.allow.iter().copied().map(Rule::Allow));
        let denied = places("deny").zip(self.deny.iter().copied().map(Rule::Deny));
        let mut rules: Vec<_> = allowed.chain(denied).collect();
        rules.sort_by_key(|(place, _)| *place);
        rules.into_iter().map(|(_, rule)| rule).collect()
    }
}

fn command() -> clap::Command {
    variables::add_to(Cli::command())
}

fn unless_zero(seconds: u64) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// Prints it and ends the program.
fn print_generated(what: Generated) -> ! {
    let printed =
        generate::generate(what, command()).and_then(|bytes| io::stdout().write_all(&bytes));
    std::process::exit(i32::from(printed.is_err()));
}

fn refuse(what: &str) -> ! {
    command().error(ErrorKind::ValueValidation, what).exit()
}
