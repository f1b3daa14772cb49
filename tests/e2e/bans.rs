//! Bans, which are of addresses: of those from other machines.

use std::path::PathBuf;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::{Client, Machine, Namespace, Network, Program};

const PASSWORD: &str = "a longer secret";

/// The files of a server with operators.
struct Files {
    directory: TempDir,
}

impl Files {
    fn new() -> Files {
        let files = Files { directory: tempfile::tempdir().expect("a directory") };
        std::fs::write(files.path("operator"), PASSWORD).expect("an empty directory");
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn serve(&self, network: &Network) -> Program {
        let (operator, bans) = (self.path("operator"), self.path("bans"));
        let (operator, bans) = (operator.display().to_string(), bans.display().to_string());
        network.serve(&["--operator-file", &operator, "--bans", &bans])
    }
}

/// An operator on this machine.
fn operator(machine: &Machine, program: &Program) -> Client {
    let mut operator = machine.guest(program, &mut []);
    operator.say(format!("/op {PASSWORD}"));
    operator.hears("*** you are now an operator; /help shows what you can do");
    operator
}

#[track_caller]
fn is_banned(mut client: Client) {
    client.hears("*** refused: your address is banned");
    client.expect_eof();
}

#[test]
fn a_ban_of_a_name_ends_all_connections_from_there_until_it_is_undone() {
    if !Namespace::is_possible() {
        return;
    }
    let (mut network, files) = (Network::new(), Files::new());
    let mut program = files.serve(&network);
    let (home, machine, other) = (network.machine(), network.machine(), network.machine());
    let mut ann = operator(&home, &program);
    let mut bob = machine.guest(&program, &mut [&mut ann]);
    let mut bot = machine.guest(&program, &mut [&mut ann, &mut bob]);
    let mut eve = other.guest(&program, &mut [&mut ann, &mut bob, &mut bot]);
    ann.say("/ban guest2");
    let mut told = [ann.line(), ann.line(), ann.line()];
    told.sort();
    let banned =
        format!("*** {}/32 is banned for ever, 2 clients were disconnected", machine.ipv4(2));
    let left = |name: &str| format!("*** {name} left (banned)");
    assert_eq!(told, [banned, left("guest2"), left("guest3")]);
    for client in [&mut bob, &mut bot] {
        let end = String::from_utf8(client.rest()).expect("lines");
        assert!(end.ends_with("*** goodbye: your address is banned\n"), "{end}");
    }
    let mut told = [eve.line(), eve.line()];
    told.sort();
    assert_eq!(told, [left("guest2"), left("guest3")]);
    is_banned(machine.connect(&program));
    // It lasts.
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let program = files.serve(&network);
    is_banned(machine.connect(&program));
    let mut ann = operator(&home, &program);
    ann.say(format!("/unban {}", machine.ipv4(2)));
    ann.hears(format!("*** {}/32 is no longer banned", machine.ipv4(2)));
    machine.guest(&program, &mut [&mut ann]);
}

#[test]
fn a_ban_of_an_ipv6_address_is_of_all_that_begin_alike() {
    if !Namespace::is_possible() {
        return;
    }
    let (mut network, files) = (Network::new(), Files::new());
    let program = files.serve(&network);
    let (home, machine) = (network.machine(), network.machine());
    machine.add_address(&network, machine.ipv6(3));
    let mut ann = operator(&home, &program);
    let mut bob = machine.connect_from(machine.ipv6(2), &program);
    bob.read_greeting();
    ann.hears("*** guest2 joined");
    ann.say("/ban guest2");
    let mut told = [ann.line(), ann.line()];
    told.sort();
    let [banned, left] = told;
    assert!(banned.ends_with("::/64 is banned for ever, 1 client was disconnected"), "{banned}");
    assert_eq!(left, "*** guest2 left (banned)");
    bob.hears("*** goodbye: your address is banned");
    bob.expect_eof();
    is_banned(machine.connect_from(machine.ipv6(3), &program));
    // IPv4 is another address.
    machine.guest(&program, &mut [&mut ann]);
}
