//! What packages need beside the program, made of the definition of the command line: manual
//! pages and completions for shells.

use std::io;

use clap::{Command, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;

use super::variables;

/// What can be made.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Generated {
    /// roomcast(1)
    Man,
    /// roomcast-log(1)
    ManLog,
    /// roomcast-find(1)
    ManFind,
    /// roomcast-check(1)
    ManCheck,
    /// roomcast-reload(1)
    ManReload,
    /// /etc/default/roomcast: the variables that stand for options, as comments
    Defaults,
    Bash,
    Zsh,
    Fish,
}

/// What the help doesn't say and a manual page should; docs/operating.md has more.
const MORE: &str = r#".SH "EXIT STATUS"
.TP
0
Stopped by a signal.
.TP
1
An address cannot be listened on, a file of an option cannot be read or has bad content, or the
system failed. One line on standard error says which.
.TP
2
The command line or an environment variable is wrong. Standard error says what would be right.
.TP
130
Stopped by a second signal.
.SH SIGNALS
.TP
SIGINT, SIGTERM
Every client is told and disconnected; the server ends within six seconds. A second one ends it at
once.
.TP
SIGUSR1, which roomcast reload sends
Passwords, access rules, bans and certificates are read again.
.TP
SIGHUP
The same without a terminal. With a terminal the server ends.
.SH FILES
In the directory of \fB\-\-data\fR:
.TP
roomcast.db
What is said, an SQLite database.
.TP
bans, key
Bans, and the key for proofs of names.
.TP
tls.pem, tls.key
The self\-signed certificate of \fB\-\-tls\fR.
.SH EXAMPLES
.TP
roomcast
A room on port 8008 of every interface. Join with nc HOST 8008, telnet HOST 8008 or a browser.
.TP
roomcast \-\-listen 127.0.0.1:9000 \-\-listen unix:/tmp/room
The same on another port of this machine only, and on a unix socket.
.TP
roomcast \-\-tls \-\-data /var/lib/roomcast
With a self\-signed certificate, and what is said is kept.
.SH "SEE ALSO"
.BR roomcast\-find (1),
.BR roomcast\-log (1),
.BR roomcast\-check (1),
.BR roomcast\-reload (1),
.BR roomcast\-protocol (7),
.BR nc (1),
.BR telnet (1),
.BR systemctl (1)
"#;

const DEFAULTS: &str = "\
# Options of roomcast.service; roomcast(1) says more about each.
# Several values are separated by commas. What is said is kept in /var/lib/roomcast.
# After a change: systemctl restart roomcast
";

/// Makes it from the definition of the command line.
///
/// # Errors
/// None that memory doesn't give.
pub fn generate(what: Generated, mut command: Command) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    command.build();
    match what {
        Generated::Man => bytes = page(command, MORE)?,
        Generated::ManLog => bytes = subpage(&command, "log")?,
        Generated::ManFind => bytes = subpage(&command, "find")?,
        Generated::ManCheck => bytes = subpage(&command, "check")?,
        Generated::ManReload => bytes = subpage(&command, "reload")?,
        Generated::Defaults => bytes = defaults(&command).into_bytes(),
        Generated::Bash => complete(Shell::Bash, command, &mut bytes),
        Generated::Zsh => complete(Shell::Zsh, command, &mut bytes),
        Generated::Fish => complete(Shell::Fish, command, &mut bytes),
    }
    Ok(bytes)
}

/// The manual page of a subcommand.
fn subpage(command: &Command, name: &'static str) -> io::Result<Vec<u8>> {
    let subcommand = command.find_subcommand(name).expect("there is one").clone();
    page(subcommand.name(format!("roomcast-{name}")).bin_name(format!("roomcast {name}")), "")
}

/// The manual page of a command, with `more` at its end.
fn page(command: Command, more: &str) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    // What comes after the options has a name that says nothing.
    let page = String::from_utf8_lossy(&page).replace(".SH EXTRA\n", ".SH NOTES\n");
    Ok((with_values(&command, &page) + more).into_bytes())
}

/// The same page with the values of options in its synopsis, where the first of their names is.
fn with_values(command: &Command, page: &str) -> String {
    command.get_opts().filter(|arg| arg.get_action().takes_values()).fold(
        page.to_owned(),
        |page, arg| {
            let name = arg.get_long().unwrap_or_default().replace('-', r"\-");
            let value = arg.get_value_names().and_then(|names| names.first());
            let value = value.map_or("VALUE", |value| value);
            let alone = format!(r"\fB\-\-{name}\fR]");
            page.replacen(&alone, &format!(r"\fB\-\-{name}\fR \fI{value}\fR]"), 1)
        },
    )
}

/// A file of variables for a service manager, all of them commented out.
fn defaults(command: &Command) -> String {
    let mut text = DEFAULTS.to_owned();
    for arg in command.get_arguments() {
        let Some(name) = variables::variable(arg) else { continue };
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let value: String =
            arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        text += &format!("\n# {help}\n#{name}={value}\n");
    }
    text
}

fn complete(shell: Shell, mut command: Command, bytes: &mut Vec<u8>) {
    clap_complete::generate(shell, &mut command, "roomcast", bytes);
}
