//! What makes a room pleasant for people, one case at a time.

use std::time::Duration;

use roomcast::chat::Config;

use crate::peer::{Habit, Peer, Shown};
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A world with so many guests.
fn world(config: Config, guests: usize) -> World {
    let mut world = World::new(5, config);
    for _ in 0..guests {
        world.connect(Habit::Prompt, usize::MAX);
        world.settle();
    }
    world
}

/// What a client is shown when it has sent this.
fn tell(world: &mut World, number: usize, lines: &str) -> Vec<String> {
    let before = screen(&world.peers[number]).len();
    world.peers[number].send(lines.as_bytes());
    world.settle();
    screen(&world.peers[number]).split_off(before)
}

/// Everything that a client was shown, as it was shown.
fn screen(peer: &Peer) -> Vec<String> {
    let text = |shown: &Shown| match shown {
        Shown::Public(line) => line.clone(),
        Shown::Private(notice) => format!("*** {notice}"),
        Shown::Gap(lines) => format!("gap {lines}"),
    };
    peer.screen.shown.iter().map(text).collect()
}

#[test]
fn who_shows_in_columns_since_when_each_one_is_silent() {
    let mut world = world(Config::default(), 4);
    tell(&mut world, 1, "/nick 山田たろう\n/away it's \"late\"\n");
    tell(&mut world, 2, &format!("/nick {}\n", "x".repeat(24)));
    world.sleep(26 * 60 * MINUTE);
    tell(&mut world, 2, "hello\n");
    world.sleep(121 * MINUTE);
    tell(&mut world, 3, "hello\n");
    world.sleep(59 * MINUTE);
    tell(&mut world, 0, "hello\n");
    let rows = tell(&mut world, 0, "/who\n");
    assert!(rows[0].starts_with("*** 4 here; line "), "{rows:?}");
    let expected = [
        "*** guest1                     now",
        "*** guest4                     59m",
        "*** xxxxxxxxxxxxxxxxxxxxxxxx    3h",
        "*** 山田たろう                  1d  away: \"it's 'late'\"",
    ];
    assert_eq!(rows[1..], expected);
    assert!(rows[..4].iter().all(|row| row.len() <= 40), "{rows:?}");
}

#[test]
fn who_tells_operators_of_the_muted_and_programs_all_in_one_line() {
    let operator_password = roomcast::chat::Password::new("secret");
    let mut world = world(Config { operator_password, ..Config::default() }, 2);
    tell(&mut world, 0, "/op secret\n/mute guest2\n");
    world.sleep(SECOND);
    let rows = tell(&mut world, 0, "/who\n");
    assert_eq!(rows[1..], ["*** guest1   now", "*** guest2   now  muted"]);
    assert_eq!(tell(&mut world, 1, "/who\n")[1..], ["*** guest1   now", "*** guest2   now"]);
    let json = tell(&mut world, 1, "/format json\n/who\n");
    assert!(json[1].contains("\"text\":\"2 here: guest1, guest2; line "), "{json:?}");
}

#[test]
fn what_a_user_said_last_is_shown_under_every_name_that_looks_like_it() {
    let mut world = world(Config::default(), 3);
    tell(&mut world, 0, "/nick bob\n");
    for line in 0..12 {
        tell(&mut world, 0, &format!("line {line}\n"));
        tell(&mut world, 1, "between\n");
    }
    for name in ["bob", "BOB", "ВОВ"] {
        let shown = tell(&mut world, 2, &format!("/last {name}\n"));
        assert_eq!(shown[0], "*** the last 10 lines of bob:", "{name}");
        assert!(shown[1].ends_with(" <bob> line 2") && shown[10].ends_with(" <bob> line 11"));
        assert_eq!(shown.len(), 11);
    }
    // One that has left is known by the name itself.
    world.peers[0].send(b"/quit\n");
    world.settle();
    assert_eq!(tell(&mut world, 2, "/last BOB\n")[0], "*** the last 10 lines of BOB:");
    assert_eq!(tell(&mut world, 2, "/last ВОВ\n"), ["*** no line of ВОВ is kept here"]);
}

#[test]
fn what_a_user_said_last_comes_from_the_store_too() {
    let config = Config { has_store: true, backlog_bytes_max: 1024, ..Config::default() };
    let mut world = world(config, 3);
    tell(&mut world, 0, "/nick ann\n");
    for line in 0..12 {
        tell(&mut world, 0, &format!("line {line}\n"));
        for _ in 0..4 {
            tell(&mut world, 1, "somebody else says something long, and again\n");
        }
    }
    let shown = tell(&mut world, 2, "/last ann\n");
    assert_eq!(shown[0], "*** the last 10 lines of ann:", "{shown:?}");
    for (row, line) in (2..12).enumerate() {
        assert!(shown[row + 1].ends_with(&format!(" <ann> line {line}")), "{shown:?}");
    }
}

const DAYS: [&str; 3] = [
    "*** Saturday, 21 November 2026",
    "*** Sunday, 22 November 2026",
    "*** Monday, 23 November 2026",
];

/// The one who was here is told once, before the first line of the day; the one who came
/// on that day is not.
#[test]
fn after_a_quiet_night_those_who_were_here_are_told_of_the_day() {
    let mut world = world(Config::default(), 2);
    tell(&mut world, 0, "good night\n");
    tell(&mut world, 1, "/format json\n");
    world.sleep(24 * 60 * MINUTE);
    world.settle();
    let newcomer = world.connect(Habit::Prompt, usize::MAX);
    world.settle();
    let before = screen(&world.peers[newcomer]).len();
    let before_them = [0, 1].map(|number| screen(&world.peers[number]).len());
    tell(&mut world, 1, "good morning\n");
    tell(&mut world, 1, "again\n");
    let shown = screen(&world.peers[0]).split_off(before_them[0]);
    assert_eq!(shown, ["<guest2> good morning", "<guest2> again"], "the join was the first line");
    assert!(screen(&world.peers[0]).contains(&DAYS[1].to_owned()));
    assert_eq!(
        screen(&world.peers[newcomer])[before..],
        ["<guest2> good morning", "<guest2> again"]
    );
    let json = screen(&world.peers[1]);
    assert!(json.iter().all(|line| !line.contains("Sunday")), "{json:?}");
}

/// Whatever shows the past says where a day begins, and in the end that it is over.
#[test]
fn the_past_says_which_day_it_was() {
    let config = |has_store, history_lines| Config {
        has_store,
        history_lines,
        backlog_bytes_max: if has_store { 256 } else { 4096 },
        // Nobody is told of who comes.
        fold_time: Duration::from_secs(1_000_000),
        ..Config::default()
    };
    for has_store in [false, true] {
        let mut world = world(config(has_store, 9), 2);
        pass(&mut world);
        for text in ["one", "two"] {
            for line in 0..4 {
                tell(&mut world, 0, &format!("{text} {line} {}\n", "x".repeat(30)));
            }
            world.sleep(24 * 60 * MINUTE);
            world.settle();
        }
        let newcomer = world.connect(Habit::Prompt, usize::MAX);
        pass(&mut world);
        let words = |lines: Vec<String>| -> Vec<String> {
            let first = |line: String| line.split(" x").next().expect("a part").to_owned();
            let is_of_past = |line: &String| line.starts_with('<') || line.contains("day, ");
            lines.into_iter().filter(is_of_past).map(first).collect()
        };
        let expected: Vec<_> = [DAYS[0].to_owned()]
            .into_iter()
            .chain((0..4).map(|line| format!("<guest1> one {line}")))
            .chain([DAYS[1].to_owned()])
            .chain((0..4).map(|line| format!("<guest1> two {line}")))
            .chain([DAYS[2].to_owned()])
            .collect();
        if !has_store {
            assert_eq!(words(screen(&world.peers[newcomer])), expected, "the history of newcomers");
        }
        for command in ["/history 20\n", "/resume 0\n", "/history 2026-11-01\n"] {
            let shown = tell(&mut world, newcomer, command);
            assert_eq!(words(shown), expected, "{command:?}, a store: {has_store}");
        }
        let stamped = tell(&mut world, newcomer, "/timestamps on\n/history 20\n");
        let is_date = |line: &&String| line.contains("day, ");
        assert_eq!(stamped.iter().filter(is_date).count(), 2, "{stamped:?}");
        let json = tell(&mut world, newcomer, "/format json\n/history 20\n");
        assert_eq!(json.iter().filter(is_date).count(), 0, "{json:?}");
    }
}

/// Newcomers are greeted.
fn pass(world: &mut World) {
    for _ in 0..10 {
        world.sleep(SECOND / 5);
        world.settle();
    }
}

/// One more line is for what tells of editing. The message of the day is the operator's, and
/// what is behind the notice of the history was said by people.
#[test]
fn a_welcome_has_four_lines_at_most() {
    for has_store in [false, true] {
        for password in [None, roomcast::chat::Password::new("secret")] {
            let needs_password = password.is_some();
            let config = Config { has_store, password, history_lines: 9, ..Config::default() };
            let mut world = world(config, 1);
            if needs_password {
                tell(&mut world, 0, "secret\n");
            }
            tell(&mut world, 0, "/topic tea\n");
            let newcomer = world.connect(Habit::Prompt, usize::MAX);
            pass(&mut world);
            if needs_password {
                tell(&mut world, newcomer, "secret\n");
                pass(&mut world);
            }
            let shown = screen(&world.peers[newcomer]);
            let welcome = shown.iter().skip_while(|line| !line.starts_with("*** welcome, "));
            let welcome = welcome.take_while(|line| !line.starts_with("*** the last "));
            assert_eq!(welcome.count(), 3, "{shown:?}");
        }
    }
}

/// Promise 83.
#[test]
fn only_the_secret_takes_a_registered_name() {
    let mut world = world(Config { has_store: true, ..Config::default() }, 2);
    tell(&mut world, 0, "/nick ann\n/register four-blue-whales\n/nick eve\n");
    assert_eq!(screen(&world.peers[0]).last().map(String::as_str), Some("*** ann is now eve"));
    let refused = tell(&mut world, 1, "/nick ann\n");
    assert_eq!(refused, ["*** ann is registered: /login SECRET, or choose another name"]);
    let refused = tell(&mut world, 1, "/login ann four-red-whales\n");
    assert!(refused[0].starts_with("*** wrong secret, "), "{refused:?}");
    // It is read on after a moment.
    world.sleep(MINUTE);
    let taken = tell(&mut world, 1, "/login ann four-blue-whales\n");
    assert!(taken.contains(&"*** you are logged in as ann".to_owned()), "{taken:?}");
}
