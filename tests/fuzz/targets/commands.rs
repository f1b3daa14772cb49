//! Commands, said to a chat of three.

use std::collections::HashSet;
use std::time::Duration;

use roomcast::chat::{Config, Password};
use roomcast::wire::Text;

use super::world::World;

const CLIENTS: usize = 3;
const LINES_MAX: usize = 200;

/// Each line of the input is a command of the client that its first byte
/// chooses. It is answered, and what everyone is sent is whole lines, each the
/// server's or somebody's.
pub fn commands(data: &[u8]) {
    let operator_password = Password::new("secret");
    let config = Config { rooms_max: 3, history_lines: 3, operator_password, ..Config::default() };
    let mut world = World::new(config);
    let mut speak_telnet = HashSet::new();
    for line in data.split(|byte| *byte == b'\n').take(LINES_MAX) {
        let [chosen, command @ ..] = line else { continue };
        // In the place of a client that has left comes another.
        while world.chat.client_count() < CLIENTS {
            world.open(usize::MAX, None, false);
            world.settle();
        }
        let number = open_peer(&world, chosen % CLIENTS as u8);
        // A telnet command may go on over the end of the line.
        if command.contains(&255) {
            speak_telnet.insert(number);
        }
        let has_answer = say(&mut world, number, command);
        let is_deaf = speak_telnet.contains(&number);
        assert!(has_answer || is_deaf, "no answer to /{}", command.escape_ascii());
        // So long isn't heard who gave a wrong password.
        world.sleep(Duration::from_secs(1));
        world.settle();
    }
    world.finish();
    world.assert_clean(true);
}

/// The chosen one of those who are here.
fn open_peer(world: &World, place: u8) -> usize {
    let here = (0..world.peers.len()).filter(|number| world.peers[*number].ending.is_none());
    here.cycle().nth(place.into()).expect("somebody is here")
}

/// Whether a client that says a command is answered, or needn't be.
fn say(world: &mut World, number: usize, command: &[u8]) -> bool {
    let length = world.peers[number].stream.len();
    let line = [b"/", command].concat();
    world.peers[number].send(&[&line, &b"\n"[..]].concat());
    world.settle();
    let text = Text::clean(&line).as_str().to_ascii_lowercase();
    // What one says oneself isn't sent back.
    let is_said = ["//", "/me ", "/me\t"].iter().any(|start| text.starts_with(start));
    // Its keys may have erased the command.
    let is_said = is_said || !text.starts_with('/');
    is_said || world.peers[number].stream.len() > length
}
