//! Environment variables that stand for options.

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Command};
use strsim::osa_distance;

/// What all of them begin with.
const PREFIX: &str = "ROOMCAST_";

/// So many letters wrong may be a typing error.
const ERRORS_MAX: usize = 3;

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
    Some(format!("{PREFIX}{}", name.to_uppercase().replace('-', "_")))
}

/// What is wrong with variables of these names that begin like those of options and stand for
/// none; `None` if nothing is.
pub fn unknown(command: &Command, names: impl Iterator<Item = String>) -> Option<String> {
    let commands = std::iter::once(command).chain(command.get_subcommands());
    let known: Vec<_> = commands.flat_map(Command::get_arguments).filter_map(variable).collect();
    let mut unknown: Vec<_> = names
        .filter(|name| name.starts_with(PREFIX) && !known.contains(name))
        .map(|name| {
            let near = known.iter().map(|known| (osa_distance(known, &name), known)).min();
            match near.filter(|(distance, _)| *distance <= ERRORS_MAX) {
                Some((_, near)) => format!("{} (did you mean {near}?)", name.escape_debug()),
                None => name.escape_debug().to_string(),
            }
        })
        .collect();
    unknown.sort();
    let is_none = unknown.is_empty();
    (!is_none).then(|| format!("variables that stand for no option: {}", unknown.join(", ")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn variables_of_no_option_are_named_with_the_nearest_one() {
        let said =
            |names: &[&str]| unknown(&Cli::command(), names.iter().map(|name| (*name).to_owned()));
        assert_eq!(said(&["PATH", "ROOMCAST", "ROOMCAST_MAX_CLIENTS", "ROOMCAST_SINCE"]), None);
        let names = ["ROOMCAST_MAXCLIENTS", "ROOMCAST_LISTENS", "ROOMCAST_SERVICE_HOST"];
        let expected = "variables that stand for no option: ROOMCAST_LISTENS (did you mean \
                        ROOMCAST_LISTEN?), ROOMCAST_MAXCLIENTS (did you mean \
                        ROOMCAST_MAX_CLIENTS?), ROOMCAST_SERVICE_HOST";
        assert_eq!(said(&names).as_deref(), Some(expected));
    }
}
