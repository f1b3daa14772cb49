//! The password of the room, and what operators can do.

use std::time::Duration;

use roomcast::chat::{CloseReason, Closing, Config, Password, Refused};

use crate::peer::{Habit, Peer, Shown};
use crate::web::sent;
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

pub fn password(text: &str) -> Option<Password> {
    Some(Password::new(text).expect("a password"))
}

/// Everything that a client was shown, without what begins a notice.
pub fn shown(peer: &Peer) -> Vec<&str> {
    peer.screen.shown.iter().map(text).collect()
}

fn text(shown: &Shown) -> &str {
    match shown {
        Shown::Public(line) => line.strip_prefix("*** ").unwrap_or(line),
        Shown::Private(notice) => notice,
        Shown::Gap(lines) => panic!("{lines} lines skipped"),
    }
}

pub fn last(peer: &Peer) -> &str {
    shown(peer).last().copied().expect("something was shown")
}

pub fn say(world: &mut World, number: usize, line: &str) {
    world.peers[number].send(format!("{line}\n").as_bytes());
    world.settle();
}

// The password.

const PROMPT: &str = "this room has a password: type it";

fn with_password() -> World {
    let mut world = World::new(0, Config { password: password("secret"), ..Config::default() });
    world.connect(Habit::Prompt, usize::MAX);
    say(&mut world, 0, "secret");
    world
}

#[test]
fn who_gives_the_password_comes_in() {
    let mut world = with_password();
    let welcome = "welcome, guest1: just type, or try /help (editing: /edit, PuTTY, rlwrap nc)";
    assert_eq!(shown(&world.peers[0]), [PROMPT, welcome, "1 here: guest1"]);
    let second = world.connect(Habit::Prompt, usize::MAX);
    // A script, that doesn't wait to be asked.
    world.peers[second].send(b"secret\r\nhello\r\n");
    world.settle();
    assert_eq!(shown(&world.peers[0])[3..], ["guest2 joined", "<guest2> hello"]);
}

#[test]
fn before_the_password_nobody_is_shown_anything() {
    let mut world = with_password();
    let stranger = world.connect(Habit::Prompt, usize::MAX);
    world.settle();
    say(&mut world, 0, "hello");
    say(&mut world, 0, "/who");
    assert_eq!(last(&world.peers[0]), "guest1   now");
    assert_eq!(shown(&world.peers[stranger]), [PROMPT]);
    for attempt in ["/who", "/nick ann"] {
        say(&mut world, stranger, attempt);
        world.sleep(SECOND);
    }
    let answers = ["2 tries", "1 try"].map(|tries| format!("wrong password, {tries} left"));
    assert_eq!(shown(&world.peers[stranger])[1..], answers);
    assert_eq!(last(&world.peers[0]), "guest1   now");
}

#[test]
fn three_wrong_passwords_a_second_apart_are_the_end() {
    let mut world = with_password();
    let stranger = world.connect(Habit::Prompt, usize::MAX);
    world.peers[stranger].send(b"a\nb\nc\nsecret\n");
    for tries in 1..=2 {
        world.settle();
        assert_eq!(shown(&world.peers[stranger]).len(), 1 + tries);
        world.sleep(SECOND - Duration::from_millis(1));
        world.settle();
        assert_eq!(shown(&world.peers[stranger]).len(), 1 + tries);
        world.sleep(Duration::from_millis(1));
    }
    world.settle();
    assert_eq!(last(&world.peers[stranger]), "goodbye: wrong password, and no tries are left");
    assert_eq!(world.endings, [(stranger, CloseReason::NoPassword, Closing::Polite)]);
    assert_eq!(shown(&world.peers[0]).len(), 3, "nobody is told");
}

/// Those who are silent take no place of a client that knows the password.
#[test]
fn strangers_never_take_a_members_place() {
    let password = password("secret");
    let mut world = World::new(0, Config { clients_max: 2, password, ..Config::default() });
    let strangers_max = world.driver.chat.config().strangers_max();
    let strangers: Vec<_> =
        (0..strangers_max).map(|_| world.connect(Habit::Prompt, usize::MAX)).collect();
    world.settle();
    assert_eq!(world.endings, [], "each has a place");
    for number in 0..2 {
        let member = world.connect(Habit::Prompt, usize::MAX);
        world.settle();
        // The second one has the place of the first one.
        let given_way: Vec<_> = world.endings.iter().map(|(stranger, ..)| *stranger).collect();
        assert_eq!(given_way, strangers[..1], "the one that came first gives way");
        assert!(last(&world.peers[strangers[0]]).starts_with("goodbye: others are waiting"));
        say(&mut world, member, "secret");
        let here = format!("{} here: ", number + 1);
        assert!(last(&world.peers[member]).starts_with(&here));
    }
    let third = world.connect(Habit::Prompt, usize::MAX);
    say(&mut world, third, "secret");
    assert!(last(&world.peers[third]).starts_with("full: 2 clients"), "members have a limit too");
    assert!(matches!(world.endings.last(), Some((_, CloseReason::Refused(_), Closing::Polite))));
}

/// The same, though they come faster than those that give way can be told.
#[test]
fn strangers_that_come_at_once_never_take_a_members_place() {
    let password = password("secret");
    for habit in [Habit::Prompt, Habit::Stuck] {
        let config = Config { clients_max: 2, password: password.clone(), ..Config::default() };
        let mut world = World::new(0, config);
        let kernel_bytes = if let Habit::Stuck = habit { 0 } else { usize::MAX };
        for _ in 0..100 {
            world.connect(habit, kernel_bytes);
        }
        let member = world.connect(Habit::Prompt, usize::MAX);
        assert_eq!(world.refused, 0);
        say(&mut world, member, "secret");
        assert!(last(&world.peers[member]).starts_with("1 here: "), "{habit:?}");
    }
}

/// However many strangers come, they have as many places as there are.
#[test]
fn a_flood_of_strangers_ends_nobody_else() {
    let password = password("secret");
    let mut world = World::new(0, Config { clients_max: 100, password, ..Config::default() });
    let member = world.connect(Habit::Prompt, usize::MAX);
    say(&mut world, member, "secret");
    for _ in 0..300 {
        world.connect(Habit::Stuck, usize::MAX);
        world.turn();
    }
    world.settle();
    let places = 1 + world.driver.chat.config().strangers_max();
    assert_eq!(world.driver.chat.client_count(), places);
    say(&mut world, member, "/who");
    assert_eq!(last(&world.peers[member]), "guest1   now");
}

#[test]
fn the_password_has_a_minute() {
    let mut world = with_password();
    let stranger = world.connect(Habit::Prompt, usize::MAX);
    world.settle();
    world.sleep(59 * SECOND);
    world.settle();
    assert_eq!(world.endings, []);
    world.sleep(SECOND);
    world.settle();
    assert_eq!(last(&world.peers[stranger]), "goodbye: the password didn't come in 60 s");
    assert_eq!(world.endings, [(stranger, CloseReason::NoPassword, Closing::Polite)]);
    assert_eq!(
        world.driver.chat.poll_timeout(world.driver.now),
        None,
        "the other one has no such limit"
    );
}

#[test]
fn who_gives_a_wrong_password_at_once_is_not_asked_for_it() {
    let fold_time = SECOND;
    let config = Config { password: password("secret"), fold_time, ..Config::default() };
    let mut world = World::new(0, config);
    world.connect(Habit::Prompt, usize::MAX);
    say(&mut world, 0, "wrong");
    world.sleep(SECOND);
    world.settle();
    let answer = "wrong password, 2 tries left";
    assert_eq!(shown(&world.peers[0]), [answer]);
}

/// Nothing is sent between the password and the greeting, whatever its socket
/// takes then.
#[test]
fn who_is_let_in_and_not_greeted_yet_keeps_nobody_busy() {
    let fold_time = 5 * SECOND;
    let config = Config { password: password("secret"), fold_time, ..Config::default() };
    let mut world = World::new(0, config);
    let slow = world.connect(Habit::Stuck, PROMPT.len());
    world.sleep(SECOND);
    world.settle();
    assert!(world.interests[world.driver.id(slow)].write, "a part of the prompt waits");
    say(&mut world, slow, "secret");
    world.peers[slow].habit = Habit::Prompt;
    world.settle();
    assert!(!world.interests[world.driver.id(slow)].write);
    world.sleep(SECOND);
    world.settle();
    let welcome = "welcome, guest1: just type, or try /help (editing: /edit, PuTTY, rlwrap nc)";
    assert_eq!(shown(&world.peers[slow]), [PROMPT, welcome, "1 here: guest1"]);
}

#[test]
fn a_request_of_a_browser_is_no_password() {
    let mut world = with_password();
    let page = world.connect(Habit::Stuck, usize::MAX);
    world.settle();
    world.peers[page].send(b"POST / HTTP/1.1\r\n\r\nsecret\nhello\n");
    world.settle();
    assert!(matches!(world.endings[..], [(_, CloseReason::Foreign(_), Closing::Polite)]));
    assert_eq!(shown(&world.peers[0]).len(), 3);
}

/// The terminal is asked to show nothing of the password, and then to be edited.
#[test]
fn telnet_does_not_show_the_password() {
    let mut world = with_password();
    let telnet = world.connect(Habit::Prompt, usize::MAX);
    let id = world.driver.id(telnet);
    world.driver.chat.offer_editing(id);
    world.settle();
    assert_eq!(world.peers[telnet].screen.telnet, [[255, 251, 1]], "WILL ECHO");
    world.peers[telnet].send(b"\xff\xfd\x01secret\r\n");
    world.settle();
    let telnet = &world.peers[telnet].screen.telnet;
    assert_eq!(
        telnet[1..],
        [[255, 251, 3], [255, 253, 31], [255, 253, 24]],
        "WILL SGA, DO NAWS, DO TTYPE"
    );
}

/// A client that wants no ECHO says so each time that it is offered (RFC 854).
#[test]
fn a_stranger_that_shows_what_it_sends_is_asked_once() {
    let mut world = with_password();
    let telnet = world.connect(Habit::Prompt, usize::MAX);
    for _ in 0..10 {
        world.peers[telnet].send(b"\xff\xfe\x01");
        world.settle();
    }
    assert_eq!(world.peers[telnet].screen.telnet, [[255, 251, 1]], "WILL ECHO");
    world.peers[telnet].send(b"secret\r\n");
    world.settle();
    assert_eq!(world.peers[telnet].screen.telnet.len(), 1, "it is left alone");
    assert!(last(&world.peers[telnet]).starts_with("2 here: "));
}

/// A script that guesses once in each visit is counted, and logged, like others.
#[test]
fn who_goes_after_a_wrong_password_is_known_for_it() {
    let mut world = with_password();
    let [closes, resets, looks] = [(); 3].map(|()| world.connect(Habit::Prompt, usize::MAX));
    for guesser in [closes, resets] {
        say(&mut world, guesser, "guess");
    }
    world.peers[closes].has_fin = true;
    world.peers[looks].has_fin = true;
    world.peers[resets].has_reset = true;
    for _ in 0..3 {
        world.settle();
        world.sleep(SECOND);
    }
    let ended = |number: usize| world.endings.iter().find(|(other, ..)| *other == number);
    assert_eq!(ended(closes), Some(&(closes, CloseReason::NoPassword, Closing::Polite)));
    assert_eq!(ended(resets), Some(&(resets, CloseReason::NoPassword, Closing::Abrupt)));
    assert_eq!(ended(looks), Some(&(looks, CloseReason::Quit, Closing::Polite)));
}

/// As everywhere, a client that sends CR LF is sent CR LF.
#[test]
fn the_password_shows_how_lines_end() {
    let mut world = with_password();
    let stranger = world.connect(Habit::Stuck, usize::MAX);
    world.settle();
    for line in [&b"wrong\r\n"[..], b"secret\r\n"] {
        world.peers[stranger].send(line);
        world.settle();
        world.sleep(SECOND);
    }
    world.settle();
    let sent: Vec<u8> = world.peers[stranger].to_client.iter().copied().collect();
    let lines = String::from_utf8(sent).expect("UTF-8");
    let ends: Vec<_> = lines.lines().zip(lines.split_inclusive('\n')).collect();
    assert_eq!(ends.len(), 4, "{lines}");
    assert!(ends[1..].iter().all(|(_, line)| line.ends_with("\r\n")), "{lines:?}");
}

#[test]
fn at_the_end_of_the_server_strangers_are_told_too() {
    let mut world = with_password();
    let stranger = world.connect(Habit::Prompt, usize::MAX);
    world.settle();
    world.driver.chat.handle_shutdown(world.driver.now);
    world.settle();
    assert_eq!(last(&world.peers[stranger]), "the server is shutting down");
    assert_eq!(world.driver.chat.client_count(), 0);
}

// Operators.

/// An operator at place 0, and clients from 192.0.2.1 and 192.0.2.2, two each.
pub fn with_operator() -> World {
    let config = Config { operator_password: password("secret"), ..Config::default() };
    let mut world = World::new(0, config);
    world.connect(Habit::Prompt, usize::MAX);
    for host in [1, 1, 2, 2] {
        world.connect_from([192, 0, 2, host].into());
    }
    say(&mut world, 0, "/op secret");
    let answer = "you are now an operator; /help shows what you can do";
    assert_eq!(last(&world.peers[0]), answer);
    world
}

#[test]
fn what_operators_do_is_for_operators() {
    let mut world = with_operator();
    for command in [
        "/kick guest3",
        "/ban guest3",
        "/unban ::",
        "/bans",
        "/mute guest3",
        "/unmute guest3",
        "/announce a",
        "/deop",
        "/ops",
        "/reports",
        "/actions",
    ] {
        say(&mut world, 1, command);
        let answer = "only operators can do that; /op PASSWORD makes you one";
        assert_eq!(last(&world.peers[1]), answer, "{command}");
    }
    let has = |world: &World, number: usize, start: &str| {
        shown(&world.peers[number]).iter().any(|line| line.starts_with(start))
    };
    for number in [0, 1] {
        let before = shown(&world.peers[number]).len();
        say(&mut world, number, "/help");
        // A window has 24 rows.
        assert!(shown(&world.peers[number]).len() - before <= 12);
        assert_eq!(has(&world, number, "operators also have /kick, /ban, "), number == 0);
        assert!(!has(&world, number, "/kick"));
        say(&mut world, number, "/help all");
        assert_eq!(has(&world, number, "/kick"), number == 0);
        assert!(has(&world, number, "/report "));
    }
}

#[test]
fn an_operator_is_made_by_the_password_and_by_three_tries_at_most() {
    let mut world = with_operator();
    for (left, answer) in [
        (2, "wrong operator password, 2 tries left"),
        (1, "wrong operator password, 1 try left"),
        (0, "wrong operator password, and no tries are left"),
    ] {
        say(&mut world, 1, "/op wrong");
        assert_eq!(last(&world.peers[1]), answer, "{left}");
        world.sleep(SECOND);
        world.settle();
    }
    say(&mut world, 1, "/op secret");
    assert_eq!(last(&world.peers[1]), "too many tries");
    say(&mut world, 1, "/bans");
    assert_eq!(last(&world.peers[1]), "only operators can do that; /op PASSWORD makes you one");
    assert_eq!(world.endings, []);
}

#[test]
fn without_a_password_there_are_no_operators() {
    let mut world = World::new(0, Config::default());
    world.connect(Habit::Prompt, usize::MAX);
    say(&mut world, 0, "/op");
    assert_eq!(last(&world.peers[0]), "usage: /op PASSWORD");
    say(&mut world, 0, "/op x");
    assert_eq!(last(&world.peers[0]), "there are no operators here");
}

#[test]
fn who_is_kicked_is_told_why_and_so_are_the_others() {
    let mut world = with_operator();
    say(&mut world, 0, "/kick guest3 too  loud");
    assert_eq!(last(&world.peers[2]), "goodbye: an operator kicked you: \"too  loud\"");
    assert_eq!(last(&world.peers[1]), "guest3 left (kicked: \"too  loud\")");
    assert_eq!(world.endings, [(2, CloseReason::Kicked, Closing::Polite)]);
    say(&mut world, 3, "/nick eve");
    say(&mut world, 0, "/kick eve");
    assert_eq!(last(&world.peers[1]), "eve left (kicked)");
    say(&mut world, 0, "/kick eve");
    assert!(last(&world.peers[0]).starts_with("no one here is called eve"));
    // The name is free again, and the address may come again.
    say(&mut world, 1, "/nick eve");
    assert_eq!(last(&world.peers[0]), "guest2 is now eve");
    world.connect_from([192, 0, 2, 1].into());
    world.settle();
    assert_eq!(last(&world.peers[0]), "guest6 joined");
}

#[test]
fn operators_cannot_kick_themselves() {
    let mut world = with_operator();
    say(&mut world, 0, "/kick guest1");
    assert_eq!(last(&world.peers[0]), "you can't kick yourself; /quit leaves");
    assert!(world.endings.is_empty());
}

#[test]
fn who_is_muted_reaches_nobody() {
    let mut world = with_operator();
    say(&mut world, 0, "/mute guest2");
    assert_eq!(last(&world.peers[0]), "guest2 is muted");
    let before = shown(&world.peers[2]).len();
    let told = shown(&world.peers[1]).len();
    let attempts = [
        "hello",
        "//hello",
        "/me waves",
        "/msg guest3 hello",
        "/reply hello",
        "/nick loud",
        "/nick! loud",
        "/login loud loud-secret",
        "/topic loud",
        "/away loud",
    ];
    for attempt in attempts {
        say(&mut world, 1, attempt);
        assert_eq!(
            last(&world.peers[1]),
            "an operator has muted you: no one sees what you send",
            "{attempt}"
        );
    }
    assert_eq!(shown(&world.peers[1]).len(), told + attempts.len());
    assert_eq!(shown(&world.peers[2]).len(), before);
    say(&mut world, 0, "/mute guest2");
    assert_eq!(last(&world.peers[1]), "you may speak again");
    say(&mut world, 1, "hello");
    assert_eq!(last(&world.peers[2]), "<guest2> hello");
}

/// The name of a room is told to those that somebody leaves, and in `/rooms`.
#[test]
fn who_is_muted_names_no_room() {
    let mut world = with_operator();
    say(&mut world, 3, "/join dev");
    say(&mut world, 1, "hello");
    say(&mut world, 0, "/mute guest2");
    let before = shown(&world.peers[2]).len();
    say(&mut world, 1, "/join guest3_is_a_fool");
    assert_eq!(last(&world.peers[1]), "an operator has muted you: no one sees what you send");
    assert_eq!(shown(&world.peers[2]).len(), before);
    say(&mut world, 2, "/rooms");
    assert_eq!(last(&world.peers[2]), "2 rooms: lobby (4), dev (1)");
    for (command, answer) in [
        ("/join dev", "2 here: guest2, guest4"),
        ("/leave", "4 here: guest1, guest2, guest3, guest5"),
    ] {
        say(&mut world, 1, command);
        assert_eq!(last(&world.peers[1]), answer, "{command}");
    }
}

/// A mute with a time is for all who come from there later.
#[test]
fn who_is_muted_names_nothing_by_a_request() {
    let operator_password = password("secret");
    let mut world = World::new(0, Config { has_web: true, operator_password, ..Config::default() });
    let ann = world.connect(Habit::Prompt, usize::MAX);
    let bob = world.connect_from([192, 0, 2, 1].into());
    world.sleep(SECOND);
    world.settle();
    say(&mut world, ann, "/op secret");
    say(&mut world, bob, "/nick bob\nhello");
    say(&mut world, ann, "/mute bob 10m");
    let muted = "an operator has muted you for 10 minutes more: no one sees what you send";
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let ask = |world: &mut World, line: &str, headers: &str| {
        let number = world.connect_with(Habit::Stuck, usize::MAX, Some([192, 0, 2, 1].into()));
        let request = format!("{line} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        world.peers[number].send(request.as_bytes());
        world.settle();
        world.sleep(SECOND);
        world.settle();
        sent(world, number)
    };
    for (line, headers) in [
        ("GET /BUY-PILLS", ""),
        ("GET /BUY-PILLS", upgrade),
        ("POST /BUY-PILLS?nick=pills", "Content-Length: 0\r\n"),
        ("POST /?nick=pills", "Content-Length: 0\r\n"),
    ] {
        let told = ask(&mut world, line, headers);
        assert!(told.starts_with("HTTP/1.1 403 Forbidden") && told.contains(muted), "{told}");
    }
    let told = ask(&mut world, "GET /?nick=pills", upgrade);
    assert!(told.contains(muted) && told.contains("welcome, guest"), "{told}");
    say(&mut world, ann, "/rooms");
    assert_eq!(last(&world.peers[ann]), "1 room: lobby (3)");
    say(&mut world, ann, "/who");
    assert!(!shown(&world.peers[ann]).iter().any(|line| line.starts_with("pills")));
    // What there is already may be heard.
    assert!(ask(&mut world, "GET /lobby?poll=1", "").starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn a_ban_is_for_all_who_come_from_there_and_ends() {
    let mut world = with_operator();
    say(&mut world, 0, "/ban guest2 60");
    let answer = "192.0.2.1/32 is banned for 60 minutes more, 2 clients were disconnected";
    assert!(shown(&world.peers[0]).contains(&answer), "{:?}", shown(&world.peers[0]));
    for number in [1, 2] {
        assert_eq!(
            last(&world.peers[number]),
            "goodbye: your address is banned for 60 minutes more"
        );
        assert!(world.endings.contains(&(number, CloseReason::Banned, Closing::Polite)));
    }
    assert!(shown(&world.peers[3]).contains(&"guest2 left (banned)"));
    assert_eq!(world.endings.len(), 2);
    world.sleep(600 * SECOND);
    let refused = world.connect_from([192, 0, 2, 1].into());
    world.settle();
    let text = "refused: your address is banned for 50 minutes more";
    assert_eq!(shown(&world.peers[refused]), [text]);
    assert_eq!(world.driver.chat.counts().endings[CloseReason::Refused(Refused::Banned)], 1);
    say(&mut world, 0, "/bans");
    let bans = ["1 ban:", "192.0.2.1/32 for 50 minutes more, by guest1"];
    assert!(shown(&world.peers[0]).ends_with(&bans));
    world.sleep(3000 * SECOND);
    let allowed = world.connect_from([192, 0, 2, 1].into());
    world.settle();
    assert!(shown(&world.peers[allowed])[0].starts_with("welcome, "));
    say(&mut world, 0, "/bans");
    assert_eq!(last(&world.peers[0]), "no one is banned");
}

#[test]
fn a_ban_says_for_how_long_and_why() {
    const WRONG: &str =
        "a ban lasts from 1 minute to 3650 days: /ban ann 10m, 2h or 7d; without a time for ever";
    let mut world = with_operator();
    for (rest, answer) in [
        ("abc", "is banned for ever: \"abc\", 0 clients were disconnected"),
        ("5 spam", "is banned for 5 minutes more: \"spam\", 0 clients were disconnected"),
        ("30s", "is banned for 60 s more, 0 clients were disconnected"),
        ("2h", "is banned for 120 minutes more, 0 clients were disconnected"),
        ("7d \"ads\"", "is banned for 7 days more: \"'ads'\", 0 clients were disconnected"),
        ("5 days", WRONG),
        ("2 hours spam", WRONG),
        ("10x spam", WRONG),
        ("2hours spam", WRONG),
        ("0", WRONG),
        ("0s spam", WRONG),
        ("3651d", WRONG),
        ("99999999999", WRONG),
    ] {
        say(&mut world, 0, &format!("/ban 198.51.100.7 {rest}"));
        let told = last(&world.peers[0]);
        assert_eq!(told.strip_prefix("198.51.100.7/32 ").unwrap_or(told), answer, "{rest}");
        say(&mut world, 0, "/unban 198.51.100.7");
    }
    say(&mut world, 0, "/help ban");
    let help = shown(&world.peers[0]);
    let [.., usage, help, _example] = &help[..] else { panic!("{help:?}") };
    assert_eq!(*usage, "usage: /ban NAME|NETWORK [TIME] [REASON]");
    assert_eq!(*help, "refuse an address for 10m, 2h, 7d, or for ever");
}

#[test]
fn who_is_banned_is_told_why() {
    let mut world = with_operator();
    say(&mut world, 0, "/ban guest2 1h spam again");
    let told = "goodbye: your address is banned for 60 minutes more: \"spam again\"";
    assert_eq!(last(&world.peers[1]), told);
    let refused = world.connect_from([192, 0, 2, 1].into());
    world.settle();
    let text = "refused: your address is banned for 60 minutes more: \"spam again\"";
    assert_eq!(shown(&world.peers[refused]), [text]);
    say(&mut world, 0, "/bans");
    let ban = "192.0.2.1/32 for 60 minutes more, by guest1: \"spam again\"";
    assert_eq!(last(&world.peers[0]), ban);
    // Without a time the rest is the reason.
    say(&mut world, 0, "/ban 192.0.2.2 spam");
    assert_eq!(last(&world.peers[3]), "goodbye: your address is banned: \"spam\"");
    let text = world.bans.expect("they have changed");
    let mut world = with_operator();
    world.driver.chat.set_bans(&text).expect("its own text");
    let refused = world.connect_from([192, 0, 2, 2].into());
    world.settle();
    assert_eq!(shown(&world.peers[refused]), ["refused: your address is banned: \"spam\""]);
}

#[test]
fn a_mute_ends_by_itself() {
    let mut world = with_operator();
    say(&mut world, 0, "/mute guest2 10m");
    assert_eq!(last(&world.peers[0]), "guest2 is muted for 10 minutes more");
    let told = "an operator has muted you for 10 minutes more: no one sees what you send";
    assert_eq!(last(&world.peers[1]), told);
    world.sleep(599 * SECOND);
    say(&mut world, 1, "hello");
    let told = "an operator has muted you for 1 s more: no one sees what you send";
    assert_eq!(last(&world.peers[1]), told);
    world.sleep(SECOND);
    world.settle();
    assert_eq!(last(&world.peers[1]), "you may speak again");
    say(&mut world, 1, "hello");
    assert_eq!(last(&world.peers[3]), "<guest2> hello");
    for (command, answer) in [
        ("/mute guest2 0s", "a mute lasts from 1 second to 365 days: /mute ann 30s, 10m, 2h or 1d"),
        (
            "/mute guest2 soon",
            "a mute lasts from 1 second to 365 days: /mute ann 30s, 10m, 2h or 1d",
        ),
        ("/mute", "usage: /mute NAME [10m]"),
        ("/mute guest1", "you can't mute yourself"),
        ("/mute guest4 10", "guest4 is muted for 10 minutes more"),
        ("/unmute guest2", "guest2 isn't muted"),
        ("/unmute nobody", "no one here is called nobody; /who shows who is here"),
    ] {
        say(&mut world, 0, command);
        assert_eq!(last(&world.peers[0]), answer, "{command}");
    }
}

#[test]
fn a_mute_outlasts_the_connection_by_name_and_by_address() {
    let mut world = with_operator();
    say(&mut world, 1, "/nick bob");
    say(&mut world, 0, "/mute bob 10m");
    say(&mut world, 1, "/quit");
    // From the same address, with another name.
    let again = world.connect_from([192, 0, 2, 1].into());
    world.settle();
    say(&mut world, again, "hello");
    let told = "an operator has muted you for 10 minutes more: no one sees what you send";
    assert_eq!(last(&world.peers[again]), told);
    // From another one, with the same name.
    say(&mut world, 3, "/nick BOB");
    say(&mut world, 3, "again");
    assert_eq!(last(&world.peers[3]), told);
    // Another client of that address that was here before may speak.
    say(&mut world, 2, "hello");
    assert_eq!(last(&world.peers[4]), "<guest3> hello");
    // Undone, it is undone for all of them.
    say(&mut world, 0, "/unmute bob");
    assert_eq!(last(&world.peers[0]), "BOB may speak again");
    for number in [again, 3] {
        assert_eq!(last(&world.peers[number]), "you may speak again");
    }
}

#[test]
fn a_user_who_left_can_be_unmuted() {
    let mut world = with_operator();
    say(&mut world, 1, "/nick bob");
    say(&mut world, 0, "/mute bob 10m");
    say(&mut world, 0, "/mute bob 20m");
    assert_eq!(last(&world.peers[0]), "bob is muted for 20 minutes more");
    say(&mut world, 1, "/quit");
    say(&mut world, 0, "/unmute bob");
    assert_eq!(last(&world.peers[0]), "bob may speak again");
    let again = world.connect_from([192, 0, 2, 1].into());
    world.settle();
    say(&mut world, again, "hello");
    assert!(last(&world.peers[0]).ends_with("> hello"));
}

#[test]
fn an_operator_can_stop_being_one() {
    let mut world = with_operator();
    say(&mut world, 1, "/op secret");
    say(&mut world, 0, "/ops");
    assert_eq!(last(&world.peers[0]), "2 operators: guest1, guest2");
    say(&mut world, 1, "/deop");
    assert_eq!(last(&world.peers[1]), "you are no longer an operator");
    say(&mut world, 1, "/bans");
    assert_eq!(last(&world.peers[1]), "only operators can do that; /op PASSWORD makes you one");
    say(&mut world, 0, "/ops");
    assert_eq!(last(&world.peers[0]), "1 operator: guest1");
}

#[test]
fn a_report_reaches_operators_at_once_or_the_next_one() {
    let mut world = with_operator();
    say(&mut world, 1, "/report guest5 spam, and \"more\"");
    assert_eq!(last(&world.peers[1]), "the operators have your report");
    let report = "guest2 reports guest5 in lobby: \"spam, and 'more'\"";
    assert_eq!(last(&world.peers[0]), report);
    assert_ne!(last(&world.peers[4]), report, "only operators see it");
    say(&mut world, 0, "/deop");
    say(&mut world, 3, "/report gone_already spam");
    let told = "no operator is here: the next one to log in will see your report";
    assert_eq!(last(&world.peers[3]), told);
    say(&mut world, 4, "/op secret");
    let heard = shown(&world.peers[4]);
    let [.., waiting, report] = heard[..] else { panic!("{heard:?}") };
    assert_eq!(waiting, "1 report since an operator was here:");
    assert!(report.ends_with("guest4 reports gone_already in lobby: \"spam\""), "{report}");
    say(&mut world, 0, "/op secret");
    assert!(last(&world.peers[0]).starts_with("you are now an operator"), "it was shown before");
    say(&mut world, 0, "/reports");
    let heard = shown(&world.peers[0]);
    assert!(heard.contains(&"the last 2 reports, newest last:"), "{heard:?}");
}

#[test]
fn reports_have_a_limit() {
    let mut world = with_operator();
    for (command, answer) in [
        ("/report", "usage: /report NAME WHY"),
        ("/report guest5", "usage: /report NAME WHY"),
        ("/report a%b spam", "no one here is called a%b; /who shows who is here"),
    ] {
        say(&mut world, 1, command);
        assert_eq!(last(&world.peers[1]), answer, "{command}");
    }
    for _ in 0..3 {
        say(&mut world, 1, "/report guest5 spam");
        assert_eq!(last(&world.peers[1]), "the operators have your report");
    }
    // From the same address.
    for number in [1, 2] {
        say(&mut world, number, "/report guest5 spam");
        let told = "not reported: there were too many reports; try again in 600 s";
        assert_eq!(last(&world.peers[number]), told);
    }
    world.sleep(600 * SECOND);
    say(&mut world, 2, "/report guest5 spam");
    assert_eq!(last(&world.peers[2]), "the operators have your report");
}

#[test]
fn operators_see_what_operators_did() {
    let mut world = with_operator();
    say(&mut world, 0, "/mute guest2 10s");
    say(&mut world, 0, "/kick guest3 spam");
    say(&mut world, 0, "/actions");
    let heard = shown(&world.peers[0]);
    let actions = &heard[heard.len() - 4..];
    assert_eq!(actions[0], "the last 3 actions of operators, newest last:");
    for (action, what) in actions[1..].iter().zip([
        "guest1 became an operator",
        "guest1 mutes guest2 from 192.0.2.1/32 for 10 s",
        "guest1 kicks guest3 from 192.0.2.1/32: \"spam\"",
    ]) {
        assert!(action.ends_with(what), "{action}");
    }
}

#[test]
fn setting_the_clock_changes_no_duration() {
    const DAY: i64 = 24 * 3600;
    let mut world = with_operator();
    say(&mut world, 0, "/ban 192.0.2.7 60");
    say(&mut world, 1, "hello");
    let told = |world: &mut World, line: &str| {
        say(world, 0, line);
        last(&world.peers[0]).to_owned()
    };
    let before = ["/whois guest2", "/uptime"].map(|command| told(&mut world, command));
    for ahead in [14 * DAY, -14 * DAY, 12 * 365 * DAY] {
        world.set_wall_ahead(ahead);
        assert_eq!(told(&mut world, "/bans"), "192.0.2.7/32 for 60 minutes more, by guest1");
        let after = ["/whois guest2", "/uptime"].map(|command| told(&mut world, command));
        assert_eq!(after, before);
    }
    world.sleep(3599 * SECOND);
    assert_eq!(told(&mut world, "/bans"), "192.0.2.7/32 for 1 s more, by guest1");
    world.sleep(SECOND);
    assert_eq!(told(&mut world, "/bans"), "no one is banned");
}

#[test]
fn bans_outlive_the_server() {
    let mut world = with_operator();
    assert_eq!(world.bans, None);
    say(&mut world, 0, "/ban 2001:db8:1:2::7");
    let answer = "2001:db8:1:2::/64 is banned for ever, 0 clients were disconnected";
    assert_eq!(last(&world.peers[0]), answer);
    say(&mut world, 0, "/ban 192.0.2.2 5");
    let text = world.bans.expect("they have changed");
    let mut world = with_operator();
    world.driver.chat.set_bans(&text).expect("its own text");
    for address in ["2001:db8:1:2:3::", "192.0.2.2"] {
        let refused = world.connect_from(address.parse().expect("an address"));
        world.settle();
        let told = shown(&world.peers[refused]);
        assert!(told[0].starts_with("refused: your address is banned"), "{told:?}");
    }
    say(&mut world, 0, "/unban 192.0.2.2");
    assert_eq!(last(&world.peers[0]), "192.0.2.2/32 is no longer banned");
    let allowed = world.connect_from([192, 0, 2, 2].into());
    world.settle();
    assert!(shown(&world.peers[allowed])[0].starts_with("welcome, "));
}

#[test]
fn operators_ban_neither_themselves_nor_their_machine() {
    let mut world = with_operator();
    let too_long = format!("/ban guest2 5 {}", "x".repeat(151));
    say(&mut world, 1, "/op secret");
    for (number, command, answer) in [
        (1, "/ban 192.0.0.0/16", "you are connected from 192.0.0.0/16 yourself"),
        (
            0,
            "/ban guest1",
            "guest1 is on the server's machine, which can't be banned; /kick guest1 works",
        ),
        (0, "/ban 127.0.0.1", "127.0.0.1/32 is the server's machine, which can't be banned"),
        (0, "/ban ::1/128", "::1/128 is the server's machine, which can't be banned"),
        (0, "/ban nobody", "no one here is called nobody; /who shows who is here"),
        (0, "/ban", "usage: /ban NAME|NETWORK [TIME] [REASON]"),
        (0, &too_long, "a reason has at most 150 bytes"),
        (0, "/unban", "usage: /unban NETWORK"),
        (0, "/unban 192.0.2.7", "192.0.2.7/32 isn't banned; /bans shows what is"),
        (0, "/bans", "no one is banned"),
    ] {
        say(&mut world, number, command);
        assert_eq!(last(&world.peers[number]), answer, "{command}");
    }
    assert_eq!(world.endings, []);
}

#[test]
fn an_announcement_is_for_every_room() {
    let mut world = with_operator();
    say(&mut world, 1, "/join dev");
    say(&mut world, 0, "/announce tea is ready");
    for number in [0, 1, 2] {
        assert_eq!(last(&world.peers[number]), "guest1 announces: tea is ready");
    }
}

#[test]
fn operators_are_told_when_bans_cannot_be_kept() {
    let mut world = with_operator();
    world.driver.chat.handle_unsaved_bans();
    world.settle();
    let told = "the bans can't be saved, so they end with the server";
    assert_eq!(last(&world.peers[0]), told);
    assert_ne!(last(&world.peers[1]), told);
}
