//! What operators set for a room, and lines that they take out of it.

use std::time::Duration;

use roomcast::chat::Config;

use crate::operators::{last, password, say, shown, with_operator};
use crate::peer::Habit;
use crate::web::{ask, sent};
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn slow_mode_allows_a_line_now_and_then() {
    let mut world = with_operator();
    say(&mut world, 0, "/slow 5s");
    let told = "guest1 turned on slow mode: one line in 5 s from each user";
    for number in [0, 1, 3] {
        assert_eq!(last(&world.peers[number]), told);
    }
    say(&mut world, 1, "one");
    assert_eq!(last(&world.peers[3]), "<guest2> one");
    world.sleep(SECOND);
    for line in ["two", "/me waves", "/topic two", "/roll"] {
        say(&mut world, 1, line);
        let told = "not sent: slow mode allows one line in 5 s; send it again in 4 s";
        assert_eq!(last(&world.peers[1]), told);
        assert_eq!(last(&world.peers[3]), "<guest2> one");
    }
    // Others have a pause of their own, and operators none.
    say(&mut world, 3, "three");
    say(&mut world, 0, "four");
    say(&mut world, 0, "five");
    assert_eq!(last(&world.peers[3]), "<guest1> five");
    world.sleep(4 * SECOND);
    say(&mut world, 1, "six");
    assert_eq!(last(&world.peers[3]), "<guest2> six");
    say(&mut world, 1, "/slow");
    assert_eq!(last(&world.peers[1]), "only operators can do that; /op PASSWORD makes you one");
    say(&mut world, 0, "/slow");
    assert_eq!(last(&world.peers[0]), "slow mode is on: one line in 5 s from each user");
    say(&mut world, 0, "/rooms");
    assert_eq!(last(&world.peers[0]), "1 room: lobby (5, slow 5 s)");
    let newcomer = world.connect(Habit::Prompt, usize::MAX);
    world.settle();
    let told = "this room is in slow mode: one line in 5 s from each user";
    assert!(shown(&world.peers[newcomer]).contains(&told));
    for (command, answer) in [
        ("/slow 0", "slow mode takes 1 second to 1 hour: /slow 5s, /slow 1m, /slow off"),
        ("/slow 2h", "slow mode takes 1 second to 1 hour: /slow 5s, /slow 1m, /slow off"),
        ("/slow off", "guest1 turned off slow mode"),
        ("/slow", "slow mode is off"),
    ] {
        say(&mut world, 0, command);
        assert_eq!(last(&world.peers[0]), answer, "{command}");
    }
    say(&mut world, 1, "seven");
    say(&mut world, 1, "eight");
    assert_eq!(last(&world.peers[3]), "<guest2> eight");
}

#[test]
fn a_new_connection_does_not_shorten_the_pause() {
    let mut world = with_operator();
    say(&mut world, 0, "/slow 10");
    say(&mut world, 1, "one");
    say(&mut world, 1, "/quit");
    let again = world.connect_from([192, 0, 2, 1].into());
    world.settle();
    say(&mut world, again, "two");
    let told = "not sent: slow mode allows one line in 10 s; send it again in 10 s";
    assert_eq!(last(&world.peers[again]), told);
    // One of this machine is known by its name.
    let bob = world.connect(Habit::Prompt, usize::MAX);
    say(&mut world, bob, "/nick bob\nthree\n/quit");
    let again = world.connect(Habit::Prompt, usize::MAX);
    say(&mut world, again, "/nick bob\nfour");
    assert_eq!(last(&world.peers[again]), told);
    // In another room there is no pause.
    say(&mut world, again, "/join dev");
    say(&mut world, again, "five");
    say(&mut world, 3, "six");
    assert_eq!(last(&world.peers[4]), "<guest4> six");
}

#[test]
fn a_locked_room_is_for_those_in_it_and_those_who_are_invited() {
    let mut world = with_operator();
    for number in [0, 1] {
        say(&mut world, number, "/join dev");
    }
    say(&mut world, 0, "/invite guest4");
    assert_eq!(last(&world.peers[0]), "the room isn't locked");
    say(&mut world, 0, "/lock");
    let told = "guest1 locked the room: only operators and invited users can enter";
    assert_eq!(last(&world.peers[1]), told);
    say(&mut world, 1, "hello");
    assert_eq!(last(&world.peers[0]), "<guest2> hello");
    say(&mut world, 3, "/join dev");
    assert_eq!(last(&world.peers[3]), "dev is locked: an operator has to invite you");
    say(&mut world, 3, "/rooms");
    assert_eq!(last(&world.peers[3]), "2 rooms: lobby (3), dev (2, locked)");
    say(&mut world, 0, "/invite guest4");
    assert_eq!(last(&world.peers[1]), "guest4 can enter dev now");
    assert_eq!(last(&world.peers[3]), "guest1 invites you: /join dev takes you there");
    say(&mut world, 3, "/join dev");
    assert!(
        shown(&world.peers[3])
            .contains(&"this room is locked: only operators and invited users can enter")
    );
    assert!(shown(&world.peers[3]).contains(&"you are now in dev"));
    // Who leaves it doesn't come back, unless it is an operator.
    say(&mut world, 1, "/leave");
    say(&mut world, 1, "/join dev");
    assert_eq!(last(&world.peers[1]), "dev is locked: an operator has to invite you");
    say(&mut world, 1, "/op secret");
    say(&mut world, 1, "/join dev");
    assert!(shown(&world.peers[1]).contains(&"you are now in dev"));
    for (command, answer) in [
        ("/lock", "the room is locked already; /invite NAME lets a user in"),
        ("/invite", "usage: /invite NAME"),
        ("/unlock", "guest1 unlocked the room"),
        ("/unlock", "the room isn't locked"),
    ] {
        say(&mut world, 0, command);
        assert_eq!(last(&world.peers[0]), answer, "{command}");
    }
    say(&mut world, 4, "/join dev");
    assert!(shown(&world.peers[4]).contains(&"you are now in dev"));
}

#[test]
fn newcomers_wait_while_the_first_room_is_locked() {
    let mut world = with_operator();
    say(&mut world, 0, "/lock");
    say(&mut world, 0, "/invite zoe");
    let [bob, zoe, eve] = [(); 3].map(|()| world.connect(Habit::Prompt, usize::MAX));
    world.settle();
    let prompt =
        "lobby is locked: wait, type the name that was invited, or the operators' password";
    for number in [bob, zoe, eve] {
        assert_eq!(shown(&world.peers[number]), [prompt]);
    }
    say(&mut world, 1, "psst");
    say(&mut world, bob, "hello");
    let wrong = "that is neither an invited name nor the operators' password, 2 tries left";
    assert_eq!(shown(&world.peers[bob]), [prompt, wrong]);
    say(&mut world, zoe, "/nick zoe");
    assert!(
        shown(&world.peers[zoe]).contains(&"guest6 is now zoe"),
        "{:?}",
        shown(&world.peers[zoe])
    );
    say(&mut world, eve, "secret");
    let told = "you are now an operator; /help shows what you can do";
    assert!(shown(&world.peers[eve]).contains(&told), "{:?}", shown(&world.peers[eve]));
    // What comes before he knows that the room is open was meant for the lock.
    world.peers[bob].send(b"secret\n");
    say(&mut world, eve, "/unlock");
    world.sleep(SECOND);
    world.settle();
    let heard = shown(&world.peers[bob]);
    assert!(heard.contains(&"the room is open now: press Enter to come in"), "{heard:?}");
    world.sleep(SECOND);
    world.settle();
    let heard = shown(&world.peers[bob]);
    assert!(heard.iter().any(|line| line.starts_with("welcome, ")), "{heard:?}");
    assert!(!shown(&world.peers[eve]).iter().any(|line| line.contains("> secret")));
    say(&mut world, bob, "hello");
    assert!(last(&world.peers[eve]).ends_with("> hello"));
}

/// Promise 81: who knows an invited name has to get it.
#[test]
fn a_name_that_is_taken_opens_no_locked_room() {
    let config = Config {
        has_web: true,
        has_store: true,
        operator_password: password("secret"),
        ..Config::default()
    };
    let mut world = World::new(0, config);
    let [ann, zoe] = [0; 2].map(|_| world.connect(Habit::Prompt, usize::MAX));
    say(&mut world, ann, "/op secret\n/join dev\n/lock\n/invite zoe\n/invite eve");
    say(&mut world, ann, "between us");
    say(&mut world, zoe, "/nick zoe");
    let out = "goodbye: dev is locked: only operators and invited users can enter";
    let head =
        |method: &str, target: &str| format!("{method} {target} HTTP/1.1\r\nHost: localhost");
    // It would never take the name.
    for query in ["nick=eve&since=all", "nick=eve&search=us", "nick=zoe&poll=1&since=all"] {
        let request = head("GET", &format!("/dev?{query}")) + "\r\n\r\n";
        let stream = ask(&mut world, request.as_bytes());
        let told = sent(&world, stream);
        assert!(
            told.starts_with("HTTP/1.1 403 Forbidden") && told.ends_with(&format!("{out}\n")),
            "{told}"
        );
    }
    let post = head("POST", "/dev?nick=zoe") + "\r\nContent-Length: 5\r\n\r\nhello";
    let post = ask(&mut world, post.as_bytes());
    assert!(sent(&world, post).starts_with("HTTP/1.1 403 Forbidden"), "{}", sent(&world, post));
    let upgrade = "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let come = |world: &mut World, target: &str| {
        let request = head("GET", target) + upgrade;
        let socket = ask(world, request.as_bytes());
        say(world, ann, "only for us");
        sent(world, socket)
    };
    let told = come(&mut world, "/dev?nick=zoe&since=all");
    assert!(told.contains(out) && !told.contains("us\""), "{told}");
    let told = come(&mut world, "/dev?nick=eve&since=all&session=0123456789abcdef");
    assert!(told.contains("between us") && told.contains("only for us"), "{told}");
    // A page that comes back has its name, though its old connection isn't gone.
    let told = come(&mut world, "/dev?nick=eve&session=0123456789abcdef");
    assert!(told.contains("only for us"), "{told}");
}

/// Promise 81: in the first room, too.
#[test]
fn a_name_that_is_taken_lets_nobody_into_a_locked_first_room() {
    let mut world = with_operator();
    say(&mut world, 1, "/nick zoe");
    say(&mut world, 0, "/lock");
    say(&mut world, 0, "/invite zoe");
    let eve = world.connect(Habit::Prompt, usize::MAX);
    say(&mut world, eve, "zoe");
    let wrong = "that is neither an invited name nor the operators' password, 2 tries left";
    assert_eq!(last(&world.peers[eve]), wrong);
    say(&mut world, 0, "/who");
    assert!(!shown(&world.peers[0]).iter().any(|line| line.starts_with("guest6")));
    say(&mut world, 1, "/quit");
    world.sleep(SECOND);
    world.settle();
    say(&mut world, eve, "zoe");
    assert!(shown(&world.peers[0]).contains(&"guest6 is now zoe"), "{:?}", shown(&world.peers[0]));
}

/// Promise 81: nobody was in the room, and the store doesn't say that it is locked.
#[test]
fn a_locked_room_is_locked_without_the_store() {
    let operator_password = password("secret");
    let config = Config { has_web: true, has_store: true, operator_password, ..Config::default() };
    let mut world = World::new(0, config);
    let [ann, bob] = [0; 2].map(|_| world.connect(Habit::Prompt, usize::MAX));
    world.sleep(SECOND);
    world.settle();
    say(&mut world, ann, "/op secret\n/join dev\nhello\n/slow 5s\n/lock\n/leave");
    say(&mut world, ann, "/deop");
    world.store.as_mut().expect("a store").break_down();
    say(&mut world, bob, "/join dev");
    assert_eq!(last(&world.peers[bob]), "dev is locked: an operator has to invite you");
    let stream = ask(&mut world, b"GET /dev?poll=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let told = sent(&world, stream);
    let end = "dev is locked: only operators and invited users can enter\n";
    assert!(told.starts_with("HTTP/1.1 403 Forbidden") && told.ends_with(end), "{told}");
    say(&mut world, ann, "/op secret");
    say(&mut world, ann, "/join dev");
    say(&mut world, ann, "/slow");
    assert_eq!(last(&world.peers[ann]), "slow mode is on: one line in 5 s from each user");
    say(&mut world, ann, "/unlock");
    say(&mut world, ann, "/leave");
    say(&mut world, bob, "/join dev");
    assert!(shown(&world.peers[bob]).contains(&"you are now in dev"));
}

/// Nobody can change the rules of a room where there are no operators.
#[test]
fn without_operators_nothing_is_locked() {
    let mut world = World::new(0, Config::default());
    let ann = world.connect(Habit::Prompt, usize::MAX);
    say(&mut world, ann, "/lock");
    assert_eq!(last(&world.peers[ann]), "only operators can do that; /op PASSWORD makes you one");
}

#[test]
fn a_password_counts_in_a_locked_room_too() {
    let config = Config {
        password: password("room"),
        operator_password: password("secret"),
        ..Config::default()
    };
    let mut world = World::new(0, config);
    let ann = world.connect(Habit::Prompt, usize::MAX);
    say(&mut world, ann, "room");
    say(&mut world, ann, "/op secret");
    say(&mut world, ann, "/lock");
    say(&mut world, ann, "/invite zoe");
    let [bob, zoe, eve] = [(); 3].map(|()| world.connect(Habit::Prompt, usize::MAX));
    world.settle();
    say(&mut world, bob, "room");
    let told = "goodbye: lobby is locked: only operators and invited users can enter";
    assert_eq!(last(&world.peers[bob]), told);
    say(&mut world, zoe, "zoe");
    assert_eq!(last(&world.peers[zoe]), "wrong password, 2 tries left");
    say(&mut world, eve, "secret");
    let told = "you are now an operator; /help shows what you can do";
    assert!(shown(&world.peers[eve]).contains(&told));
}

/// What a client is shown of the past.
fn history(world: &mut World, number: usize, command: &str) -> Vec<String> {
    let before = shown(&world.peers[number]).len();
    say(world, number, command);
    shown(&world.peers[number])[before + 1..].iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn lines_that_are_cleared_are_shown_to_nobody() {
    let mut world = with_operator();
    for line in ["one", "two", "three"] {
        say(&mut world, 1, line);
    }
    let first = world.driver.chat.counts().lines;
    assert_eq!(first, 3);
    let before = history(&mut world, 3, "/history 4");
    let joined = before[0].clone();
    assert_eq!(before[1..], ["<guest2> one", "<guest2> two", "<guest2> three"]);
    say(&mut world, 3, "/seq");
    let newest: u64 =
        last(&world.peers[3]).split(' ').nth(1).expect("a number").parse().expect("one");
    say(&mut world, 0, "/clear 2");
    let told = format!("guest1 cleared lines {} to {newest} from the history", newest - 1);
    assert_eq!(last(&world.peers[1]), told);
    let after = history(&mut world, 3, "/history 3");
    assert_eq!(after, [joined.as_str(), "<guest2> one", &told]);
    // Numbers stay, and who asks for what was there is told.
    say(&mut world, 3, "/seq");
    assert!(last(&world.peers[3]).starts_with(&format!("line {} is the newest", newest + 1)));
    let run = last(&world.peers[3])
        .split('@')
        .nth(1)
        .map(|run| run.split(' ').next().unwrap_or_default());
    let at = run.map_or(String::new(), |run| format!("@{run}"));
    let before = shown(&world.peers[3]).len();
    say(&mut world, 3, &format!("/resume {}{at}", newest - 2));
    let resumed = [
        format!("1 line after line {}:", newest - 2),
        "2 lines were cleared since then".into(),
        told,
    ];
    assert_eq!(shown(&world.peers[3])[before..], resumed);
    let newcomer = world.connect(Habit::Prompt, usize::MAX);
    world.settle();
    say(&mut world, newcomer, "/history");
    let heard = shown(&world.peers[newcomer]);
    assert!(heard.contains(&"<guest2> one") && !heard.contains(&"<guest2> two"), "{heard:?}");
    // All of it, by one who has said something itself.
    say(&mut world, 1, "four");
    say(&mut world, 0, "/clear");
    let told = format!("guest1 cleared lines 1 to {} from the history", newest + 3);
    assert_eq!(last(&world.peers[1]), told);
    assert_eq!(history(&mut world, 3, "/history"), [told]);
    for (command, answer) in
        [("/clear 0", "usage: /clear [LINES]"), ("/clear x", "usage: /clear [LINES]")]
    {
        say(&mut world, 0, command);
        assert_eq!(last(&world.peers[0]), answer, "{command}");
    }
}

/// Most of the lines are in the store alone by then.
#[test]
fn what_is_cleared_is_not_in_the_store_either() {
    let operator_password = password("secret");
    let config = Config { operator_password, has_store: true, ..Config::default() };
    let mut world = World::new(0, Config { backlog_bytes_max: 256, ..config });
    let [ann, bob] = [0; 2].map(|_| world.connect(Habit::Prompt, usize::MAX));
    world.settle();
    say(&mut world, ann, "/op secret");
    for number in 1..=40 {
        say(&mut world, bob, &format!("line {number}"));
    }
    assert!(history(&mut world, bob, "/history 60").contains(&"<guest2> line 20".to_owned()));
    say(&mut world, ann, "/clear 30");
    let left = history(&mut world, bob, "/history 60");
    let is_left = |number: u32| left.contains(&format!("<guest2> line {number}"));
    assert!((1..=10).all(is_left) && !(11..=40).any(is_left), "{left:?}");
    let store = world.store.as_ref().expect("there is one");
    let is_stored = |number: u32| store.has_line(&format!("line {number}"));
    assert!((1..=10).all(is_stored) && !(11..=40).any(is_stored));
}

/// A client that reads slowly isn't sent what was taken out before it came to that, and what is
/// behind is whole.
#[test]
fn a_slow_reader_is_not_sent_what_was_cleared() {
    let mut world = with_operator();
    let slow = world.connect(Habit::Stuck, 600);
    world.settle();
    for number in 0..40 {
        say(&mut world, 1, &format!("line {number} {}", "x".repeat(100)));
    }
    say(&mut world, 1, "the secret");
    say(&mut world, 0, "/clear 20");
    say(&mut world, 1, "after it");
    world.peers[slow].habit = Habit::Prompt;
    world.settle();
    let heard = shown(&world.peers[slow]);
    assert!(!heard.iter().any(|line| line.contains("the secret")), "{heard:?}");
    let said = |number: usize| heard.iter().any(|line| line.contains(&format!("line {number} x")));
    assert!((0..20).all(said) && !(22..40).any(said), "{heard:?}");
    let [.., notice, after] = heard[..] else { panic!("{heard:?}") };
    assert!(notice.contains(" cleared lines "), "{notice}");
    assert_eq!(after, "<guest2> after it");
}

/// Promise 36: with and without a store, before and after lines were taken out.
#[test]
fn no_number_is_too_large() {
    for has_store in [false, true] {
        let operator_password = password("secret");
        let config = Config { has_web: true, has_store, operator_password, ..Config::default() };
        let mut world = World::new(0, config);
        let ann = world.connect(Habit::Prompt, usize::MAX);
        world.sleep(SECOND);
        world.settle();
        say(&mut world, ann, "/op secret\none\ntwo\nthree");
        for clear in ["/seq", "/clear 1", "/clear 18446744073709551615"] {
            say(&mut world, ann, clear);
            for number in [u64::MAX, u64::MAX - 1, i64::MAX as u64, u64::from(u32::MAX), 0] {
                for command in ["resume", "history", "mentions", "last", "search"] {
                    say(&mut world, ann, &format!("/{command} {number}"));
                }
                say(&mut world, ann, &format!("/history {number}d\n/slow {number}"));
                for request in [
                    format!("GET /lobby?poll=1&since={number} HTTP/1.1\r\n"),
                    format!("GET /lobby?poll=1&since={number}d HTTP/1.1\r\n"),
                    format!("GET /lobby?poll=1 HTTP/1.1\r\nLast-Event-ID: {number}\r\n"),
                ] {
                    let request = format!("{request}Host: localhost\r\n\r\n");
                    let stream = ask(&mut world, request.as_bytes());
                    let told = sent(&world, stream);
                    assert!(told.starts_with("HTTP/1.1 "), "{request}: {told}");
                }
            }
        }
        say(&mut world, ann, "/time");
        assert!(last(&world.peers[ann]).starts_with("it is "));
    }
}
