//! The bots of docs/, run as they are, and what docs/bots.md shows of them.

use std::process::{Child, Command, Stdio};

use crate::harness::{Client, Host, Program, lacks};
use crate::source::document;

/// A bot that has joined. Dropping it ends it.
struct Bot(Child);

impl Bot {
    fn run(interpreter: &str, script: &str, room: &Program) -> Bot {
        let script = format!("{}/docs/{script}", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(interpreter);
        command.args([&script, "127.0.0.1", &room.port().to_string()]);
        Bot(command.stdin(Stdio::null()).spawn().expect("the interpreter is installed"))
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        // It may have ended when the room did.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A room with a guest, who has heard that the bot came.
fn room_with(interpreter: &str, script: &str, name: &str) -> Option<(Program, Client, Bot)> {
    if lacks(&[interpreter]) {
        return None;
    }
    let room = Program::start(&[]);
    let [mut ann] = room.guests();
    let bot = Bot::run(interpreter, script, &room);
    ann.hears("*** guest2 joined");
    ann.hears(format!("*** guest2 is now {name}"));
    Some((room, ann, bot))
}

#[test]
fn the_bot_in_shell_answers() {
    let Some((_room, mut ann, _bot)) = room_with("bash", "bot.sh", "timebot") else { return };
    ann.say("hello");
    ann.say("!time");
    let answer = ann.line();
    assert!(answer.starts_with("<timebot> it is ") && answer.ends_with(" UTC"), "{answer:?}");
}

#[test]
fn the_bot_in_shell_answers_where_times_are_shown() {
    if lacks(&["bash"]) {
        return;
    }
    let room = Program::start(&["--timestamps"]);
    let mut ann = room.connect();
    ann.say("/timestamps off");
    let _bot = Bot::run("bash", "bot.sh", &room);
    while !ann.line().ends_with(" is now timebot") {}
    ann.say("!time");
    let answer = ann.line();
    assert!(answer.starts_with("<timebot> it is "), "{answer:?}");
}

#[test]
fn the_bot_in_python_answers() {
    let Some((_room, mut ann, _bot)) = room_with("python3", "bot.py", "pingbot") else { return };
    ann.say("a \"quoted\" {word}");
    ann.say("!ping");
    ann.hears("<pingbot> pong, guest1 (line 5)");
    ann.say("/me says !ping");
    ann.say("!ping");
    ann.hears("<pingbot> pong, guest1 (line 8)");
}

#[test]
fn the_page_about_bots_shows_what_they_do() {
    let page = document("docs/bots.md");
    for script in ["docs/bot.sh", "docs/bot.py"] {
        let shown = |line: &&str| page.lines().any(|other| other == *line);
        let script = document(script);
        let code = script
            .lines()
            .skip_while(|line| !line.starts_with("exec") && !line.starts_with("room"));
        let missing: Vec<_> = code.filter(|line| !shown(line)).collect();
        assert_eq!(missing, [""; 0]);
    }
}
