//! `roomcast reload`: makes a server read its files again.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::data_dir::DataDir;
use crate::signals::RELOADING;

/// Make a server read its files again without disconnecting anybody
#[derive(Debug, Args)]
pub struct ReloadArgs {
    /// Process ID of the server
    #[arg(value_name = "PID", allow_negative_numbers = true, value_parser = process_id)]
    pid: Option<i32>,

    /// Directory that the server was given as --data, instead of PID
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl ReloadArgs {
    /// Sends the signal. What the server reads then, it logs.
    ///
    /// # Errors
    /// Why that can't be done, for the user.
    pub fn run(self) -> Result<(), String> {
        let pid = match (self.pid, &self.data) {
            (Some(pid), _) => pid,
            (None, Some(path)) => DataDir::user_of(path)?,
            (None, None) => {
                return Err("reload needs the process ID of the server, or its --data".into());
            }
        };
        check_name(pid)?;
        kill(Pid::from_raw(pid), RELOADING).map_err(|error| match error {
            Errno::ESRCH => format!("there is no process {pid}"),
            error => format!("cannot signal process {pid}: {}", error.desc()),
        })
    }
}

fn process_id(text: &str) -> Result<i32, String> {
    let id = text.parse().ok().filter(|id| *id >= 1);
    id.ok_or_else(|| "expected the process ID of a server: a whole number from 1 on".to_owned())
}

/// Other programs end at the signal. Where the system doesn't say what a process runs, the
/// user is believed.
fn check_name(pid: i32) -> Result<(), String> {
    match fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) if !name.starts_with(env!("CARGO_PKG_NAME")) => {
            Err(format!("process {pid} is {}, not roomcast", name.trim_end()))
        }
        _ => Ok(()),
    }
}
