//! The program: command line, logger, signals, bind, run, exit code.

mod cli;
mod signals;
mod service;
mod access_file;
mod reload;
mod output;
mod logging;
mod hint;
mod private_file;
mod key_file;
mod data_dir;
mod log_command;

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use log::{info, warn};
use roomcast::chat::{Config, PASSWORD_BYTES_MAX};
use roomcast::net::{
    Certificate, CertificateWatcher, DEFAULT_PORT, ListenAddr, Listener, Server, Stopper,
};
use roomcast::store::{self, Opened};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::cli::{Cli, Command, LogArgs, Tls};
use crate::data_dir::DataDir;
use crate::hint::Joining;
use crate::output::Output;
use crate::reload::Reload;
use crate::signals::Signals;

/// The exit code after a second signal: 128 and SIGINT, as shells have it.
const EXIT_SECOND_SIGNAL: i32 = 130;

/// Descriptors that aren't clients: standard streams, poller, timer, notifier,
/// the reserve, listeners, and connections that are saying goodbye.
const DESCRIPTORS_KEPT: u64 = 64;

/// The end takes no longer than this from the first signal on, whoever reads.
const END_TIME_MAX: Duration = Duration::from_secs(6);

/// How long the end waits for standard output and standard error to take what
/// was written.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(1);
const FLUSH_TIME_MIN: Duration = Duration::from_millis(50);

/// When the first signal came.
static STOPPED: OnceLock<Instant> = OnceLock::new();

fn main() -> ExitCode {
    let mut cli = Cli::read();
    if let Some(Command::Log(args)) = cli.take_command() {
        return print_log(args);
    }
    let (signals, stdout, stderr) = match prepare() {
        Ok(prepared) => prepared,
        Err(error) => {
            // Standard error may be closed or full; the exit code says it too.
            let _ = writeln!(io::stderr(), "roomcast: {error}");
            return ExitCode::FAILURE;
        }
    };
    logging::start(stderr.clone(), cli.log_format());
    let result = serve(&cli, signals, &stdout);
    if let Err(error) = &result {
        stderr.push(format!("roomcast: {error}\n").into());
    }
    let flushed = Instant::now() + flush_time();
    for output in [stdout, stderr] {
        output.flush(flushed.saturating_duration_since(Instant::now()));
    }
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print_log(args: LogArgs) -> ExitCode {
    let path = args.path().ok_or("--data must say where the server keeps what is said".to_owned());
    match path.and_then(|path| log_command::run(&path, args.options())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "roomcast: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the process needs whatever it serves.
fn prepare() -> Result<(Signals, Output, Output), String> {
    let signals = Signals::prepare().map_err(|error| format!("cannot handle signals: {error}"))?;
    let (stdout, stderr) = outputs().map_err(|error| format!("cannot start a thread: {error}"))?;
    Ok((signals, stdout, stderr))
}

fn outputs() -> io::Result<(Output, Output)> {
    let report = |dropped| match dropped {
        1 => warn!("1 log message dropped: standard error took no more"),
        _ => warn!("{dropped} log messages dropped: standard error took no more"),
    };
    Ok((Output::new(io::stdout(), |_| ())?, Output::new(io::stderr(), report)?))
}

/// How long to wait at the end until everything is written: less if those who
/// left took their time, and never so little that a file doesn't get it.
fn flush_time() -> Duration {
    let passed = STOPPED.get().map_or(Duration::ZERO, Instant::elapsed);
    END_TIME_MAX.saturating_sub(passed).clamp(FLUSH_TIME_MIN, FLUSH_TIME_MAX)
}

fn serve(cli: &Cli, signals: Signals, stdout: &Output) -> Result<(), String> {
    let data = cli.data().map(|path| DataDir::open(&path)).transpose()?;
    if let Some(option) = cli.keeping().filter(|_| data.is_none()) {
        return Err(format!("{option} has no effect without --data, where what is said is kept"));
    }
    let in_data = |name: &str| data.as_ref().map(|data| data.file(name));
    let key_file = cli.key_file().map(Path::to_owned).or_else(|| in_data("key"));
    let bans_file = cli.bans().map(Path::to_owned).or_else(|| in_data("bans"));
    let proof_key = key_file::key(key_file.as_deref())?;
    let clients_max = clients_max(cli.max_clients(), cli.password_file().is_some())?;
    // UTC if the system doesn't say.
    let mut config = cli.config(clients_max, proof_key, TimeZone::system());
    config.run = run_id()?;
    let store = data.as_ref().map(|data| open_store(&cli.store(data), &mut config)).transpose()?;
    config.password = cli.password_file().map(private_file::password).transpose()?;
    if config.password.is_some() && config.line_bytes_max < PASSWORD_BYTES_MAX {
        return Err(format!(
            "--max-line {} is too short for --password-file: at least {PASSWORD_BYTES_MAX} is needed",
            config.line_bytes_max
        ));
    }
    let rules = config.access.clone();
    if let Some(path) = cli.access_file() {
        config.access.extend(access_file::rules(path)?);
    }
    config.operator_password = cli.operator_file().map(private_file::password).transpose()?;
    let certificate = certificate(cli, data.as_ref())?;
    let listeners = listen(cli.listen())?;
    for listener in &listeners {
        listener
            .set_socket_mode(cli.socket_mode())
            .map_err(|error| format!("cannot set the --socket-mode of {listener}: {error}"))?;
        listener
            .set_dead_timeout(cli.dead_timeout(), config.stall_timeout.is_some())
            .map_err(|error| format!("cannot set the --dead-timeout: {error}"))?;
    }
    let joining = Joining { has_page: config.has_web, tls: cli.tls() };
    let fingerprint = certificate.as_ref().and_then(Certificate::own_fingerprint);
    let announcement = announcement(&listeners, joining, fingerprint);
    let (log_bytes_max, json_bytes_max) = config.log_bytes_max();
    info!(
        "place for {} clients and {} rooms; the log of a room takes {} KiB of memory at most, \
         and {} KiB more when somebody wants JSON",
        config.clients_max,
        config.rooms_max,
        log_bytes_max / 1024,
        json_bytes_max / 1024
    );
    let mut server =
        Server::new(config, listeners).map_err(|error| format!("cannot start: {error}"))?;
    server.set_proxies(cli.proxy_from().to_vec());
    if let Some(certificate) = &certificate {
        server.set_certificate(certificate);
    }
    if cli.tls() == Tls::Required {
        server.require_tls();
    }
    if let Some(path) = cli.motd() {
        server
            .set_motd_file(path.to_owned())
            .map_err(|error| format!("cannot read {} for --motd: {error}", path.display()))?;
    }
    let has_bans_file = bans_file.is_some();
    if let Some(path) = bans_file {
        let shown = path.display().to_string();
        server
            .set_bans_file(path)
            .map_err(|error| format!("cannot use {shown} for bans: {error}"))?;
    }
    let no_thread = |error: io::Error| format!("cannot start a thread: {error}");
    match store {
        Some(store) => {
            server.set_store(store).map_err(no_thread)?;
        }
        None if cli.is_raw() => {}
        None => info!("what is said, bans and proofs of names end with the server: see --data"),
    }
    // It watches as long as it is there, also where nothing is reloaded.
    let watcher = certificate.map(CertificateWatcher::new).transpose().map_err(no_thread)?;
    let watcher = watcher.map(Arc::new);
    let reload = Reload {
        renewer: server.renewer(),
        certificate: watcher.clone(),
        password_file: cli.password_file().map(Path::to_owned),
        operator_file: cli.operator_file().map(Path::to_owned),
        access_file: cli.access_file().map(Path::to_owned),
        rules,
        has_bans_file,
    };
    signals.on_reload(move || reload.run()).map_err(no_thread)?;
    let stopper = server.stopper();
    signals
        .on_stop(move || on_signal(&stopper))
        .map_err(|error| format!("cannot handle signals: {error}"))?;
    service::watch(server.pulse()).map_err(no_thread)?;
    service::tell_ready();
    // Whoever reads this may stop the server at once.
    stdout.push(announcement.into());
    let counts = server.run().map_err(|error| format!("cannot go on: {error}"))?;
    drop(watcher);
    info!(
        "stopped: {}; {}; the longest turn took {:.1?}",
        counts.came(),
        counts.ended(),
        counts.turns.longest
    );
    Ok(())
}

/// The store of this directory, whose counting of lines goes on.
fn open_store(options: &store::Options, config: &mut Config) -> Result<Opened, String> {
    let opened = Opened::new(options.clone(), &config.run, &config.lobby_key())?;
    config.run.clone_from(&opened.start.run);
    config.unstored_run = run_id()?;
    config.has_store = true;
    info!("what is said is kept in {}", options.path.display());
    Ok(opened)
}

/// The listeners that a service manager has passed, and those for the other addresses.
fn listen(addresses: &[ListenAddr]) -> Result<Vec<Listener>, String> {
    let mut passed = service::passed_listeners()?;
    let mut others = Vec::new();
    for address in addresses {
        match passed.iter_mut().find(|listener| listener.is_at(address)) {
            Some(listener) if matches!(address, ListenAddr::Telnet(_)) => listener.set_telnet(),
            Some(_) => {}
            None => others.push(address.clone()),
        }
    }
    if passed.is_empty() || !others.is_empty() {
        passed.extend(bind(&others)?);
    }
    Ok(passed)
}

fn bind(addresses: &[ListenAddr]) -> Result<Vec<Listener>, String> {
    if addresses.is_empty() {
        let listener = Listener::bind_everywhere(DEFAULT_PORT);
        return Ok(vec![
            listener.map_err(|error| cannot_listen(&format!("port {DEFAULT_PORT}"), &error))?,
        ]);
    }
    let mut listeners = Vec::new();
    for address in addresses {
        if let Some(whole) = addresses.iter().find(|other| is_part_of(address, other)) {
            return Err(format!(
                "cannot listen on {address}: {whole} is IPv4 too; leave out one of them"
            ));
        }
        listeners.extend(
            Listener::bind(address).map_err(|error| cannot_listen(&address.to_string(), &error))?,
        );
    }
    Ok(listeners)
}

fn is_part_of(address: &ListenAddr, other: &ListenAddr) -> bool {
    match (address.host_port(), other.host_port()) {
        (Some(address), Some(other)) => address.is_part_of(other),
        _ => false,
    }
}

fn cannot_listen(address: &str, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "cannot listen on {address}: it is in use, perhaps by another roomcast; \
             choose another one with --listen"
        ),
        _ => format!("cannot listen on {address}: {error}"),
    }
}

/// The certificate for TLS, if that is wanted.
fn certificate(cli: &Cli, data: Option<&DataDir>) -> Result<Option<Certificate>, String> {
    if let Some((certificate, key)) = cli.tls_files() {
        return Certificate::from_files(certificate.to_owned(), key.to_owned()).map(Some);
    }
    match cli.tls() {
        Tls::None => Ok(None),
        _ => Certificate::self_signed(cli.hosts(), data.map(DataDir::path)).map(Some),
    }
}

/// Where the room is and how to join. The fingerprint is that of a self-signed certificate.
fn announcement(listeners: &[Listener], joining: Joining, fingerprint: Option<&str>) -> String {
    let mut text = String::new();
    for listener in listeners {
        text += &format!("listening on {listener}\n");
    }
    for listener in listeners {
        text += &format!("{}\n", hint::join(listener, joining));
    }
    if let Some(fingerprint) = fingerprint {
        text += &format!("TLS certificate (SHA-256): {fingerprint}\n");
    }
    text
}

/// The first signal stops the server, the second one the process.
fn on_signal(stopper: &Stopper) {
    if STOPPED.set(Instant::now()).is_err() {
        std::process::exit(EXIT_SECOND_SIGNAL);
    }
    stopper.stop();
    service::tell_stopping();
}

/// A name for this run of the server, by which its line numbers are told from those
/// of another one.
fn run_id() -> Result<String, String> {
    // Without those that look alike (Crockford's base 32).
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random numbers: {error}"))?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

/// How many clients there may be at one time: as many as are wanted, else as many
/// as the limit on descriptors leaves room for, which is raised as far as it goes.
fn clients_max(wanted: Option<usize>, has_password: bool) -> Result<usize, String> {
    let mut limit = getrlimit(Resource::Nofile);
    let soft = limit.current;
    limit.current = limit.maximum;
    let descriptors = match setrlimit(Resource::Nofile, limit) {
        Ok(()) => limit.maximum,
        Err(_) => soft,
    };
    let possible = descriptors.unwrap_or(u64::MAX).saturating_sub(DESCRIPTORS_KEPT).max(1);
    let possible = usize::try_from(possible).unwrap_or(usize::MAX);
    let possible = Config::clients_max_of(possible, has_password);
    match wanted {
        Some(wanted) if wanted > possible => Err(format!(
            "--max-clients {wanted} is more than the limit on descriptors allows: at most \
             {possible} fit; raise it with ulimit -n"
        )),
        Some(wanted) => Ok(wanted),
        // More than the kernel allows a process anyway, unless it was told so.
        None => Ok(possible.min(1 << 20)),
    }
}
