//! What packages need beside the program, made of the definition of the command line: manual
//! pages and completions for shells.

use std::io;

use clap::{Command, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;

/// What can be made.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Generated {
    /// roomcast(1)
    Man,
    /// roomcast-log(1)
    ManLog,
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
SIGHUP
Without a terminal: passwords, access rules, bans and certificates are read again. With a terminal
the server ends.
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
.BR nc (1),
.BR telnet (1),
.BR systemctl (1)
"#;

/// Makes it from the definition of the command line.
///
/// # Errors
/// None that memory doesn't give.
pub fn generate(what: Generated, mut command: Command) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    command.build();
    match what {
        Generated::Man => bytes = page(command, MORE)?,
        Generated::ManLog => {
            let log = command.find_subcommand("log").expect("there is one").clone();
            bytes = page(log.name("roomcast-log").bin_name("roomcast log"), "")?;
        }
        Generated::Bash => complete(Shell::Bash, command, &mut bytes),
        Generated::Zsh => complete(Shell::Zsh, command, &mut bytes),
        Generated::Fish => complete(Shell::Fish, command, &mut bytes),
    }
    Ok(bytes)
}

/// The manual page of a command, with `more` at its end.
fn page(command: Command, more: &str) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    // What comes after the options has a name that says nothing.
    let page = String::from_utf8_lossy(&page).replace(".SH EXTRA\n", ".SH NOTES\n");
    Ok((page + more).into_bytes())
}

fn complete(shell: Shell, mut command: Command, bytes: &mut Vec<u8>) {
    clap_complete::generate(shell, &mut command, "roomcast", bytes);
}
