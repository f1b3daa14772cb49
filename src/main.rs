//! The program: command line, logger, signals, bind, run, exit code.

mod cli;
mod signals;
mod service;
mod access_file;
mod reload;
mod output;
mod logging;
mod joining;
mod first_screen;
mod startup;
mod listening;
mod private_file;
mod key_file;
mod data_dir;
mod command;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use log::{info, warn};
use roomcast::discovery::{Announcer, Site, why_no_lan};
use roomcast::net::{Certificate, CertificateWatcher, Pulse, Server, Stopper};

use crate::cli::Cli;
use crate::first_screen::FirstScreen;
use crate::joining::Joining;
use crate::output::Output;
use crate::reload::Reload;
use crate::signals::Signals;

/// The exit code after a second signal: 128 and SIGINT, as shells have it.
const EXIT_SECOND_SIGNAL: i32 = 130;

/// The end takes no longer than this from the first signal on, whoever reads.
const END_TIME_MAX: Duration = Duration::from_secs(6);

/// How long the end waits for standard output and standard error to take what
/// was written.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(1);
const FLUSH_TIME_MIN: Duration = Duration::from_millis(50);

/// How long the engine of several servers has to answer at the start.
const ENGINE_TIME: Duration = Duration::from_secs(5);

/// When the first signal came.
static STOPPED: OnceLock<Instant> = OnceLock::new();

fn main() -> ExitCode {
    let mut cli = Cli::read();
    if let Some(command) = cli.take_command() {
        return finish(command.run());
    }
    let (signals, stdout, stderr) = match prepare() {
        Ok(prepared) => prepared,
        Err(error) => return finish(Err(error)),
    };
    logging::start(stderr.clone(), cli.log_format());
    if let Some(unknown) = Cli::unknown_variables() {
        warn!("{unknown}");
    }
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

fn finish(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed or full; the exit code says it too.
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
    let data = startup::data_dir(cli)?;
    let (mut config, store) = startup::configure(cli, data.as_ref())?;
    let listeners = listening::listen(cli)?;
    config.listing = startup::listing(cli, &config, &listeners);
    let site = startup::site(cli, &config, &listeners);
    let host = site.as_ref().map(|site| format!("{}.local", site.host));
    let certificate = startup::certificate(cli, data.as_ref(), host)?;
    startup::log_limits(&config);
    let fingerprint = certificate.as_ref().and_then(Certificate::own_fingerprint);
    let joining = Joining {
        has_page: config.has_web,
        security: cli.security(),
        advertised: cli.advertise(),
        is_verbose: cli.is_verbose(),
    };
    let not_announced = site.as_ref().and_then(|_| why_no_lan());
    let first_screen = FirstScreen {
        places: joining.places(&listeners),
        listeners: &listeners,
        // A name that nobody has chosen is for those who find the room.
        name: match not_announced {
            None => site.as_ref().map(|site| &*site.name),
            Some(_) => cli.name(),
        },
        not_announced,
        fingerprint,
        // Nothing but a terminal is to show it.
        password: cli
            .password_file()
            .filter(|_| io::stdout().is_terminal())
            .map(|path| private_file::line(path, "--password-file"))
            .transpose()?,
        is_verbose: cli.is_verbose(),
    };
    let first_screen = first_screen.text();
    let mut server =
        Server::new(config, listeners).map_err(|error| format!("cannot start: {error}"))?;
    startup::equip(&mut server, cli, certificate.as_ref())?;
    server.set_threads(cli.threads()).map_err(|error| format!("cannot start a thread: {error}"))?;
    let bans_file = startup::bans_file(cli, data.as_ref());
    let has_bans_file = bans_file.is_some();
    if let Some(path) = bans_file {
        let option = if cli.bans().is_some() { "--bans" } else { "--data" };
        let cannot = format!("cannot use {} for {option}", path.display());
        server.set_bans_file(path).map_err(|error| format!("{cannot}: {error}"))?;
    }
    let no_thread = |error: io::Error| format!("cannot start a thread: {error}");
    match store {
        Some(store) => server.set_store(store).map_err(no_thread)?,
        None if cli.is_raw() => {}
        None => info!("what is said, bans and proofs of names end with the server: see --data"),
    }
    let engines = startup::engines(cli)?;
    if !engines.is_empty() {
        server.set_engines(engines, ENGINE_TIME).map_err(|error| format!("--cluster: {error}"))?;
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
        rules: cli.access_rules().to_vec(),
        has_bans_file,
    };
    // At a hangup even one without files says what it has read.
    if reload.has_files() || signals.is_hangup_for_reload() {
        signals.on_reload(move || reload.run()).map_err(no_thread)?;
    }
    let announcer = site.and_then(|site| announce(site, server.pulse()));
    let (stopper, leaving) = (server.stopper(), announcer.clone());
    signals
        .on_stop(move || on_signal(&stopper, leaving.as_ref()))
        .map_err(|error| format!("cannot handle signals: {error}"))?;
    service::watch(server.pulse()).map_err(no_thread)?;
    service::tell_ready();
    // Whoever reads this may stop the server at once.
    stdout.push(first_screen.into());
    let counts = server.run().map_err(|error| format!("cannot go on: {error}"))?;
    drop(watcher);
    if let Some(announcer) = announcer {
        announcer.end();
    }
    info!(
        "stopped: {}; {}; the longest turn took {:.1?}",
        counts.came(),
        counts.ended(),
        counts.turns.longest
    );
    Ok(())
}

/// Announces the room on the LAN. A room that can't be announced is one all the same.
fn announce(site: Site, pulse: Arc<Pulse>) -> Option<Announcer> {
    let announced = Announcer::start(site, move || pulse.clients());
    announced.inspect_err(|error| warn!("{error}")).ok()
}

/// The first signal stops the server, the second one the process.
fn on_signal(stopper: &Stopper, announcer: Option<&Announcer>) {
    if STOPPED.set(Instant::now()).is_err() {
        std::process::exit(EXIT_SECOND_SIGNAL);
    }
    stopper.stop();
    if let Some(announcer) = announcer {
        announcer.say_goodbye();
    }
    service::tell_stopping();
}
