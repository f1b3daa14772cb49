//! Where the server listens.

use std::io::{self, ErrorKind};

use roomcast::net::{DEFAULT_PORT, ListenAddr, Listener};

use crate::cli::Cli;
use crate::service;

/// The listeners at the addresses of the command line, set up as it says.
///
/// # Errors
/// Which address can't be used and why, for the operator.
pub fn listen(cli: &Cli) -> Result<Vec<Listener>, String> {
    let listeners = open(cli.listen())?;
    for listener in &listeners {
        listener
            .set_socket_mode(cli.socket_mode())
            .map_err(|error| format!("cannot set the --socket-mode of {listener}: {error}"))?;
        listener
            .set_dead_timeout(cli.dead_timeout(), cli.has_stall_timeout())
            .map_err(|error| format!("cannot set the --dead-timeout: {error}"))?;
    }
    Ok(listeners)
}

/// The listeners that a service manager has passed, and those for the other addresses.
fn open(addresses: &[ListenAddr]) -> Result<Vec<Listener>, String> {
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
