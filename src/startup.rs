//! From the command line to a server that is ready to run: directories, files, keys and
//! limits.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use log::info;
use roomcast::chat::{Config, Listing, PASSWORD_BYTES_MAX};
use roomcast::cluster;
use roomcast::discovery::{Security, Site, host_label};
use roomcast::net::{Certificate, Listener, Server};
use roomcast::store::{self, Opened};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::cli::Cli;
use crate::data_dir::DataDir;
use crate::{access_file, key_file, private_file};

/// Descriptors that aren't clients: standard streams, poller, timer, notifier,
/// the reserve, listeners, and connections that are saying goodbye.
const DESCRIPTORS_KEPT: u64 = 64;

/// The directory for what is to outlast the server, if there is to be one.
///
/// # Errors
/// Why it can't be used, and options that have no effect without it.
pub fn data_dir(cli: &Cli) -> Result<Option<DataDir>, String> {
    let data = cli.data().map(|path| DataDir::open(&path)).transpose()?;
    match cli.keeping().filter(|_| data.is_none()) {
        Some(option) => {
            Err(format!("{option} has no effect without --data, where what is said is kept"))
        }
        None => Ok(data),
    }
}

/// The configuration with all that files say, and the store if something is to be kept.
///
/// # Errors
/// Which file can't be used and why, for the operator.
pub fn configure(cli: &Cli, data: Option<&DataDir>) -> Result<(Config, Option<Opened>), String> {
    let key_file = cli.key_file().map(Path::to_owned).or_else(|| in_data(data, "key"));
    let option = if cli.key_file().is_some() { "--key-file" } else { "--data" };
    let proof_key = key_file::key(key_file.as_deref(), option)?;
    let clients_max = clients_max(cli.max_clients(), cli.password_file().is_some())?;
    // UTC if the system doesn't say.
    let mut config = cli.config(clients_max, proof_key, TimeZone::system());
    config.run = run_id()?;
    let store = data.map(|data| open_store(&cli.store(data), &mut config)).transpose()?;
    let password = |path: Option<&Path>, option| {
        path.map(|path| private_file::password(path, option)).transpose()
    };
    config.password = password(cli.password_file(), "--password-file")?;
    if config.password.is_some() && config.line_bytes_max < PASSWORD_BYTES_MAX {
        return Err(format!(
            "--max-line {} is too short for --password-file: at least {PASSWORD_BYTES_MAX} is needed",
            config.line_bytes_max
        ));
    }
    if let Some(path) = cli.access_file() {
        config.access.extend(access_file::rules(path)?);
    }
    config.operator_password = password(cli.operator_file(), "--operator-file")?;
    Ok((config, store))
}

/// What is announced of the room on the LAN, unless nobody there can reach it.
pub fn site(cli: &Cli, config: &Config, listeners: &[Listener]) -> Option<Site> {
    let others = listeners.iter().filter_map(|listener| {
        let address = listener.ip_address().filter(|address| !address.ip().is_loopback())?;
        Some((listener.is_telnet(), address))
    });
    // Anybody can speak to one that isn't for telnet.
    let (is_telnet, address) = others.min_by_key(|(is_telnet, _)| *is_telnet)?;
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let host = host_label(&machine, address.port());
    let site = Site {
        name: cli.name().map_or_else(|| host.clone(), str::to_owned),
        host,
        ip: address.ip(),
        port: address.port(),
        has_page: config.has_web && !is_telnet,
        has_password: config.password.is_some(),
        security: cli.security(),
        advertised: cli.advertise().map(ToString::to_string),
    };
    cli.is_announced().then_some(site)
}

/// What programs that list servers are told of this one, if they are.
pub fn listing(cli: &Cli, config: &Config, listeners: &[Listener]) -> Option<Listing> {
    let addresses = listeners.iter().filter_map(Listener::ip_address);
    let mut ports: Vec<_> = addresses.map(|address| address.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    let name = cli.name().unwrap_or(&config.lobby).to_owned();
    cli.is_listed().then_some(Listing { name, ports })
}

/// Logs how many clients and rooms there may be, and the memory that takes.
pub fn log_limits(config: &Config) {
    let (log_bytes_max, json_bytes_max) = config.log_bytes_max();
    info!(
        "place for {} clients and {} rooms; the log of a room takes {} KiB of memory at most, \
         and {} KiB more when somebody wants JSON",
        config.clients_max,
        config.rooms_max,
        log_bytes_max / 1024,
        json_bytes_max / 1024
    );
}

/// Gives the server what the options say and its configuration doesn't hold.
///
/// # Errors
/// Which file can't be used and why, for the operator.
pub fn equip(
    server: &mut Server,
    cli: &Cli,
    certificate: Option<&Certificate>,
) -> Result<(), String> {
    server.set_proxies(cli.proxy_from().to_vec());
    if let Some(certificate) = certificate {
        server.set_certificate(certificate);
    }
    if cli.security() == Security::TlsRequired {
        server.require_tls();
    }
    if let Some(advertised) = cli.advertise() {
        server.set_advertised(advertised.clone());
    }
    if let Some(path) = cli.motd() {
        server
            .set_motd_file(path.to_owned())
            .map_err(|error| format!("cannot read {} for --motd: {error}", path.display()))?;
    }
    Ok(())
}

/// The engines that rooms are shared through, with their password.
///
/// # Errors
/// Which file can't be used and why, for the operator.
pub fn engines(cli: &Cli) -> Result<Vec<cluster::Options>, String> {
    let engines = cli.engines()?;
    let Some(path) = cli.cluster_password_file() else { return Ok(engines) };
    private_file::password(path, "--cluster-password-file")?;
    let password = private_file::line(path, "--cluster-password-file")?;
    Ok(engines.into_iter().map(|engine| engine.with_password(None, &password)).collect())
}

/// Where bans are kept, if anywhere.
pub fn bans_file(cli: &Cli, data: Option<&DataDir>) -> Option<PathBuf> {
    cli.bans().map(Path::to_owned).or_else(|| in_data(data, "bans"))
}

fn in_data(data: Option<&DataDir>, name: &str) -> Option<PathBuf> {
    data.map(|data| data.file(name))
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

/// The certificate for TLS, if that is wanted: one that holds `host` too if it is made here.
///
/// # Errors
/// Which file can't be used and why, for the operator.
pub fn certificate(
    cli: &Cli,
    data: Option<&DataDir>,
    host: Option<String>,
) -> Result<Option<Certificate>, String> {
    if let Some((certificate, key)) = cli.tls_files() {
        return Certificate::from_files(certificate.to_owned(), key.to_owned()).map(Some);
    }
    let hosts: Vec<_> = cli.hosts().into_iter().chain(host).collect();
    match cli.security() {
        Security::Plain => Ok(None),
        _ => Certificate::self_signed(&hosts, data.map(DataDir::path)).map(Some),
    }
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
