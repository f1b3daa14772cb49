//! People who join with netcat.

use std::process::{Child, Command, Output, Stdio};

use crate::harness::{Client, Host, Program, is_there, lacks};

/// A netcat whose standard input and output are ours. Dropping it kills it.
pub struct Netcat {
    child: Child,
    /// The other ends of its standard input and output.
    pub typist: Client,
}

impl Netcat {
    pub fn run(program: &str, arguments: &[&str]) -> Netcat {
        let (typist, stdio) = Client::pair();
        let stdin = Stdio::from(stdio.try_clone().expect("a descriptor"));
        let mut command = Command::new(program);
        command.args(arguments).stdin(stdin).stdout(Stdio::from(stdio));
        let child = command.spawn().expect("it was found");
        Netcat { child, typist }
    }
}

impl Drop for Netcat {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether to skip a test that needs the netcat of OpenBSD, whose -N others
/// don't have.
fn lacks_nc() -> bool {
    let is_openbsd = |output: Output| {
        String::from_utf8_lossy(&output.stderr).contains("OpenBSD")
            || String::from_utf8_lossy(&output.stdout).contains("-N")
    };
    let help = Command::new("nc").arg("-h").stdin(Stdio::null()).output();
    lacks(&["nc"]) || !is_there(help.is_ok_and(is_openbsd), "the nc of OpenBSD")
}

/// Two people talk, each with this command.
fn check_talk(program: &str, arguments: &[&str], room: &Program) {
    let [mut witness] = room.guests();
    let mut ann = Netcat::run(program, arguments);
    ann.typist.read_greeting();
    witness.hears("*** guest2 joined");
    let mut bob = Netcat::run(program, arguments);
    bob.typist.read_greeting();
    ann.typist.hears("*** guest3 joined");
    witness.hears("*** guest3 joined");
    ann.typist.say("hello");
    bob.typist.hears("<guest2> hello");
    witness.hears("<guest2> hello");
    bob.typist.say("hi");
    ann.typist.hears("<guest3> hi");
    witness.hears("<guest3> hi");
    ann.typist.say("/quit");
    ann.typist.hears_goodbye();
    bob.typist.hears("*** guest2 left");
    witness.hears("*** guest2 left");
}

/// `printf hi | netcat`: the line arrives, the reply comes back, and netcat
/// ends by itself.
fn check_script(program: &str, arguments: &[&str], room: &Program) {
    let [mut witness] = room.guests();
    for (number, text) in ["hi", "hi\n"].into_iter().enumerate() {
        let nick = format!("guest{}", number + 2);
        let mut netcat = Netcat::run(program, arguments);
        netcat.typist.send(text);
        netcat.typist.fin();
        witness.hears(format!("*** {nick} joined"));
        witness.hears(format!("<{nick}> hi"));
        witness.say("yes");
        netcat.typist.read_greeting();
        netcat.typist.hears("<guest1> yes");
        netcat.typist.expect_eof();
        assert!(netcat.child.wait().expect("it is a child").success());
        witness.hears(format!("*** {nick} left"));
    }
}

#[test]
fn people_talk_with_nc() {
    if lacks_nc() {
        return;
    }
    let room = Program::start(&[]);
    check_talk("nc", &["127.0.0.1", &room.port().to_string()], &room);
}

#[test]
fn people_talk_with_nc_over_a_unix_socket() {
    if lacks_nc() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("room").display().to_string();
    let room = Program::listening(&[&format!("unix:{path}")], &[]);
    check_talk("nc", &["-U", &path], &room);
}

#[test]
fn people_talk_with_ncat() {
    if lacks(&["ncat"]) {
        return;
    }
    let room = Program::start(&[]);
    check_talk("ncat", &["127.0.0.1", &room.port().to_string()], &room);
}

/// Promise 20: with a line end and without.
#[test]
fn a_script_says_a_line_with_nc_and_gets_a_reply() {
    if lacks_nc() {
        return;
    }
    let room = Program::start(&[]);
    check_script("nc", &["-N", "127.0.0.1", &room.port().to_string()], &room);
}

/// Promise 20: with a line end and without.
#[test]
fn a_script_says_a_line_with_ncat_and_gets_a_reply() {
    if lacks(&["ncat"]) {
        return;
    }
    let room = Program::start(&[]);
    check_script("ncat", &["127.0.0.1", &room.port().to_string()], &room);
}
