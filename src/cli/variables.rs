//! Environment variables that stand for options.

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Command};

/// Adds to the command line the variables that stand for its options. One that is empty,
/// or that turns a flag off, counts as unset.
pub fn add_to(command: Command) -> Command {
    let of_subcommand = |command: Command| command.mut_args(of_subcommand);
    command.mut_args(with_variable).mut_subcommands(of_subcommand)
}

/// A variable of the server that means something else for a subcommand doesn't stand for an
/// option there: in a container `roomcast log` would leave out all rooms but the first one.
fn of_subcommand(arg: Arg) -> Arg {
    if arg.get_id() == "room" { arg } else { with_variable(arg) }
}

fn with_variable(arg: Arg) -> Arg {
    let Some(name) = variable(&arg) else { return arg };
    let value = std::env::var_os(&name).unwrap_or_default();
    match arg.get_action() {
        _ if value.is_empty() => arg,
        // Else it would count as given, and conflict with others.
        ArgAction::SetTrue if OFF.iter().any(|off| value.eq_ignore_ascii_case(off)) => arg,
        ArgAction::SetTrue => arg.env(name).hide_env(true).value_parser(BoolishValueParser::new()),
        // On the command line an option is repeated, and a path may have commas.
        ArgAction::Append => arg.env(name).hide_env(true).value_delimiter(','),
        _ => arg.env(name).hide_env(true),
    }
}

/// What turns a flag off, as `BoolishValueParser` knows it.
const OFF: [&str; 6] = ["0", "f", "false", "n", "no", "off"];

/// The environment variable that stands for an option.
pub fn variable(arg: &Arg) -> Option<String> {
    let is_one = !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version");
    let name = arg.get_long().filter(|_| is_one)?;
    Some(format!("ROOMCAST_{}", name.to_uppercase().replace('-', "_")))
}
