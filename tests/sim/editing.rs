//! Editing that begins and ends in the middle of a packet.

use roomcast::chat::{CloseReason, Closing, Config, OnLag, Password};

use crate::peer::{Habit, Peer, Shown};
use crate::world::World;

const DO_ECHO: &[u8] = b"\xff\xfd\x01";
const DONT_ECHO: &[u8] = b"\xff\xfe\x01";

/// What the first client heard the others say.
fn heard(world: &World) -> Vec<&str> {
    let said = |shown: &&Shown| matches!(shown, Shown::Public(line) if line.starts_with('<'));
    let lines = world.peers[0].screen.shown.iter().filter(said);
    lines.map(|shown| if let Shown::Public(line) = shown { &line[..] } else { "" }).collect()
}

/// A client whose line is edited, before another one that hears it.
fn editing(config: Config, kernel_bytes: usize) -> (World, usize) {
    let mut world = World::new(0, config);
    world.connect(Habit::Prompt, usize::MAX);
    let number = world.connect(Habit::Stuck, kernel_bytes);
    world.peers[number].send(DO_ECHO);
    world.turn();
    (world, number)
}

#[test]
fn what_is_behind_the_end_of_editing_is_a_line() {
    for end in [DONT_ECHO, b"/edit off\r\n"] {
        let stream = [b"typed\r\n", end, b"a line\r\n"].concat();
        for at in 0..stream.len() {
            let (mut world, number) = editing(Config::default(), usize::MAX);
            let (front, back) = stream.split_at(at);
            for packet in [front, back] {
                world.peers[number].send(packet);
                world.settle();
            }
            assert_eq!(heard(&world), ["<guest2> typed", "<guest2> a line"], "cut at {at}");
        }
    }
}

/// Backspace is a key: a line that has one was edited.
#[test]
fn what_is_behind_the_password_is_keys() {
    let stream = [DO_ECHO, b"secret\r\n", b"a linf\x7fe\r\n"].concat();
    for at in 0..stream.len() {
        let password = Password::new("secret");
        let mut world = World::new(0, Config { password, ..Config::default() });
        world.connect(Habit::Prompt, usize::MAX);
        world.peers[0].send(b"secret\n");
        let number = world.connect(Habit::Stuck, usize::MAX);
        let (front, back) = stream.split_at(at);
        for packet in [front, back] {
            world.peers[number].send(packet);
            world.settle();
        }
        assert_eq!(heard(&world), ["<guest2> a line"], "cut at {at}");
    }
}

#[test]
fn nothing_is_drawn_after_a_farewell() {
    let config = Config { backlog_bytes_max: 8192, on_lag: OnLag::Close, ..Config::default() };
    let (mut world, number) = editing(config, 300);
    for _ in 0..1000 {
        let text = Peer::next_text(&mut world.peers[0]) + "\n";
        world.peers[0].send(text.as_bytes());
        world.turn();
    }
    world.peers[number].kernel_bytes = usize::MAX;
    world.settle();
    assert_eq!(world.endings, [(number, CloseReason::Lagged, Closing::Polite)]);
    let stream: Vec<u8> = world.peers[number].to_client.iter().copied().collect();
    assert!(stream.ends_with(b" lines came faster than you read\r\n"), "{}", stream.escape_ascii());
}
