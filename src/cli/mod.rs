//! The command line, and the environment variables that stand for options.

mod args;
mod generate;
pub mod values;
mod variables;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};
use ipnet::IpNet;
use jiff::tz::TimeZone;
use roomcast::chat::{Config, OnLag, OriginLimits, Prefix, ProofKey, Rule};
use roomcast::cluster;
use roomcast::discovery::Security;
use roomcast::net::{Advertised, ListenAddr, Threads};
use roomcast::store;
use roomcast::wire::{Clock, View};

use self::args::{
    Access, ClusterArgs, Degrade, Files, Limits, Network, OnLagArg, PrefixArg, RoomArgs, Web,
};
use self::generate::Generated;
use crate::command::Command;
use crate::data_dir::DataDir;
use crate::logging::LogFormat;

/// The permissions of unix sockets if nobody says otherwise.
const SOCKET_MODE: u32 = 0o666;

/// More threads than that don't write faster: what is done by one of them alone is too much.
const THREADS_MAX: usize = 8;

const AFTER_HELP: &str = "\
SECONDS can have a unit: 90s, 5m, 2h, 1d. So can BYTES: 64k, 4M, 1G.

Each option can also be set by an environment variable: ROOMCAST_MAX_CLIENTS=50
is --max-clients 50. Options on the command line take precedence. Several values are
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
        if let Some(what) = cli.without_effect(&matches).filter(|_| cli.command.is_none()) {
            refuse(what);
        }
        if cli.room.raw && cli.limits.on_lag == Some(OnLagArg::Skip) {
            refuse("--on-lag skip can't go with --raw, where nobody can be told of a gap");
        }
        cli
    }

    /// Why an option that is given has no effect. One that is its default in a variable isn't
    /// given: packages have a file with all of them.
    fn without_effect(&self, matches: &ArgMatches) -> Option<&'static str> {
        let is_typed = |id| matches.value_source(id) == Some(ValueSource::CommandLine);
        let ClusterArgs { urls, server_name, degrade, .. } = &self.cluster;
        let Network { listen, socket_mode, .. } = &self.network;
        let is_unix = |address: &ListenAddr| matches!(address, ListenAddr::Unix(_));
        // Those that a service manager passes may be unix sockets.
        let may_be_unix = listen.iter().any(is_unix) || std::env::var_os("LISTEN_FDS").is_some();
        if urls.is_empty() && server_name.is_some() {
            Some("--server-name has no effect without --cluster, through which servers share rooms")
        } else if urls.is_empty() && (is_typed("degrade") || *degrade != Degrade::Local) {
            Some("--degrade has no effect without --cluster, through which servers share rooms")
        } else if !may_be_unix && (is_typed("socket_mode") || *socket_mode != SOCKET_MODE) {
            Some("--socket-mode has no effect without a unix socket: add --listen unix:PATH")
        } else {
            None
        }
    }

    /// What is wrong with the environment: variables that look like those of options.
    pub fn unknown_variables() -> Option<String> {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        variables::unknown(&Cli::command(), names)
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
