//! What the program does instead of serving.

mod check;
mod find;
mod log;
mod reload;

use clap::Subcommand;

use self::check::CheckArgs;
use self::find::FindArgs;
use self::log::LogArgs;
use self::reload::ReloadArgs;

/// One for each module.
#[derive(Debug, Subcommand)]
pub enum Command {
    Find(FindArgs),
    Log(LogArgs),
    Check(CheckArgs),
    Reload(ReloadArgs),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// Why that can't be done, for the user.
    pub fn run(self) -> Result<(), String> {
        match self {
            Command::Find(args) => args.run(),
            Command::Log(args) => args.run(),
            Command::Check(args) => args.run(),
            Command::Reload(args) => args.run(),
        }
    }
}
