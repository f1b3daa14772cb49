//! People who join with telnet, in a terminal.

use crate::harness::{Client, Host, Program, Terminal, lacks};

/// Somebody with telnet and somebody else, or nothing where telnet is missing.
fn telnet() -> Option<(Program, Terminal, Client)> {
    if lacks(&["telnet", "tmux"]) {
        return None;
    }
    let program = Program::start(&[]);
    let [mut bob] = program.guests();
    let terminal = Terminal::run(&format!("telnet 127.0.0.1 {}", program.port()));
    bob.hears("*** guest2 joined");
    terminal.shows("Escape character is '^]'.");
    terminal.shows("*** 2 here: guest1, guest2");
    Some((program, terminal, bob))
}

#[test]
fn people_talk_with_telnet() {
    let Some((_program, terminal, mut bob)) = telnet() else { return };
    terminal.types("hello");
    bob.hears("<guest2> hello");
    bob.say("hi");
    terminal.shows("<guest1> hi");
    bob.say("two lines,");
    bob.say("none of them in steps");
    terminal.shows("<guest1> two lines,");
    terminal.shows("<guest1> none of them in steps");
    terminal.types("/nick ann");
    bob.hears("*** guest2 is now ann");
    terminal.shows("*** guest2 is now ann");
    terminal.types("/quit");
    bob.hears("*** ann left");
    terminal.shows("Connection closed by foreign host.");
}

/// Programs that say what they can do are edited without asking; others when they type `/edit`.
#[test]
fn every_telnet_is_edited() {
    for (tool, command, says_first) in [
        ("plink", "plink -telnet -P", true),
        ("telnet", "telnet 127.0.0.1", false),
        ("busybox", "busybox telnet 127.0.0.1", false),
    ] {
        if lacks(&[tool, "tmux"]) {
            continue;
        }
        let program = Program::start(&[]);
        let [mut bob] = program.guests();
        let host = if says_first { "127.0.0.1" } else { "" };
        let terminal = Terminal::run(&format!("{command} {} {host}", program.port()));
        bob.hears("*** guest2 joined");
        if !says_first {
            terminal.types("/edit");
        }
        terminal.shows(">");
        terminal.sends("half");
        terminal.shows("> half");
        bob.say("hi");
        terminal.shows("<guest1> hi");
        terminal.shows("> half");
        terminal.presses("Enter");
        bob.hears("<guest2> half");
    }
}

/// A program that edits lines itself goes on doing so, and nc is told why it isn't edited.
#[test]
fn programs_that_can_not_be_edited_stay_as_they_are() {
    for (tool, command, answer) in [
        ("nc", "nc 127.0.0.1", "so the server can't edit"),
        ("ncat", "ncat -t 127.0.0.1", "doesn't let the server edit"),
    ] {
        if lacks(&[tool, "tmux"]) {
            continue;
        }
        let program = Program::start(&[]);
        let [mut bob] = program.guests();
        let terminal = Terminal::run(&format!("{command} {}", program.port()));
        bob.hears("*** guest2 joined");
        terminal.types("/edit");
        terminal.comes_to(|screen, _| screen.contains(answer));
        terminal.types("hello");
        bob.hears("<guest2> hello");
    }
}

/// Promise 16: Ctrl-C in telnet neither eats a byte nor makes it deaf.
#[test]
fn after_ctrl_c_telnet_still_hears_and_is_heard() {
    let Some((_program, terminal, mut bob)) = telnet() else { return };
    for round in 0..3 {
        terminal.types(&format!("before {round}"));
        bob.hears(format!("<guest2> before {round}"));
        terminal.presses("C-c");
        terminal.types(&format!("after {round}"));
        bob.hears(format!("<guest2> after {round}"));
        bob.say(format!("reply {round}"));
        terminal.shows(&format!("<guest1> reply {round}"));
    }
}
