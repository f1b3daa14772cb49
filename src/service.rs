//! What a service manager such as systemd is told (sd_notify(3)), and the sockets that it
//! passes (sd_listen_fds(3)).
//!
//! Sending may block, so the loop never does it.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use listenfd::ListenFd;
use log::debug;
use roomcast::net::{Listener, Pulse};
use sd_notify::NotifyState;

/// How often the manager is told of a new number of clients, at most.
const STATUS_INTERVAL: Duration = Duration::from_secs(5);

/// Signs of life in the time that the manager waits for one.
const SIGNS: u32 = 3;

/// Whether a manager wants to be told.
fn is_managed() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some()
}

/// The server can be connected to.
pub fn tell_ready() {
    notify(&[NotifyState::Ready]);
}

/// Files are read again, until `tell_ready`.
pub fn tell_reloading() {
    // The manager knows by the time which of several reloads is meant (sd_notify(3)).
    let reloading = |now| notify(&[NotifyState::Reloading, now]);
    NotifyState::monotonic_usec_now().map_or_else(|_| notify(&[NotifyState::Reloading]), reloading);
}

/// The server begins to stop.
pub fn tell_stopping() {
    notify(&[NotifyState::Stopping]);
}

fn notify(state: &[NotifyState]) {
    if is_managed()
        && let Err(error) = sd_notify::notify(state)
    {
        debug!("the service manager can't be told: {error}");
    }
}

/// Tells the manager from now on how many clients there are, and that the loop goes on if it
/// wants to know. Without a manager nothing is started.
///
/// # Errors
/// As the system says when it gives no thread.
pub fn watch(pulse: Arc<Pulse>) -> io::Result<()> {
    if !is_managed() {
        return Ok(());
    }
    let watchdog = sd_notify::watchdog_enabled().map(|time| time / SIGNS);
    let pause = watchdog.unwrap_or(STATUS_INTERVAL).min(STATUS_INTERVAL);
    let has_watchdog = watchdog.is_some();
    thread::Builder::new()
        .name("service".into())
        .spawn(move || Watch { pulse, has_watchdog, told: None }.run(pause))
        .map(drop)
}

struct Watch {
    pulse: Arc<Pulse>,
    has_watchdog: bool,
    /// Clients that the manager was told of.
    told: Option<usize>,
}

impl Watch {
    fn run(mut self, pause: Duration) {
        loop {
            let turns = self.pulse.turns();
            if self.has_watchdog {
                self.pulse.wake();
            }
            self.tell_clients();
            thread::sleep(pause);
            // One that stands still says nothing, and the manager starts it again.
            if self.has_watchdog && self.pulse.turns() != turns {
                notify(&[NotifyState::Watchdog]);
            }
        }
    }

    fn tell_clients(&mut self) {
        let clients = self.pulse.clients();
        if self.told.replace(clients) != Some(clients) {
            let text = match clients {
                1 => "1 client".to_owned(),
                clients => format!("{clients} clients"),
            };
            notify(&[NotifyState::Status(&text)]);
        }
    }
}

/// The sockets that the manager has opened, in no order that means anything.
///
/// # Errors
/// Which of them can't be used, for the operator.
pub fn passed_listeners() -> Result<Vec<Listener>, String> {
    let mut passed = ListenFd::from_env();
    let mut listeners = Vec::new();
    for at in 0..passed.len() {
        let cannot =
            |error: io::Error| format!("cannot use socket {at} of the service manager: {error}");
        let socket = match passed.take_tcp_listener(at) {
            Ok(Some(socket)) => socket.into(),
            _ => passed
                .take_unix_listener(at)
                .map_err(cannot)?
                .map(Into::into)
                .ok_or_else(|| cannot(io::Error::other("it is gone")))?,
        };
        listeners.push(Listener::passed(socket).map_err(cannot)?);
    }
    Ok(listeners)
}
