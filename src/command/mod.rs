//! What the program does instead of serving.

mod log;

use clap::Subcommand;

use self::log::LogArgs;

/// One for each module.
#[derive(Debug, Subcommand)]
pub enum Command {
    Log(LogArgs),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// Why that can't be done, for the user.
    pub fn run(self) -> Result<(), String> {
        match self {
            Command::Log(args) => args.run(),
        }
    }
}
