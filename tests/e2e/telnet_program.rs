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
