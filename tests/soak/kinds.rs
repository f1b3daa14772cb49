//! The kinds of clients.

use std::time::Duration;

use crate::visit::{Expects, ROOMS, Reading, Step, Visit};

/// Makes a visit of its kind.
type Kind = fn(&mut fastrand::Rng) -> Visit;

/// How many of a hundred clients are of each kind.
const SHARES: &[(usize, Kind)] = &[
    (46, reader),
    (10, talker),
    (12, passer_by),
    (10, visitor),
    (4, script),
    (3, breaker),
    (3, stuck),
    (3, slow),
    (2, telnet),
    (2, editor),
    (2, asker),
    (1, stranger),
    (1, too_long),
    (1, json),
];

/// Lines in one flood at most.
pub const FLOOD_LINES_MAX: u32 = 800;

/// A client for a place, of the kind that the place is for: were it drawn
/// anew for each, those who stay would soon be all there are.
pub fn for_place(place: usize, dice: &mut fastrand::Rng) -> Visit {
    let all: usize = SHARES.iter().map(|(share, _)| share).sum();
    // Neighbours are of different kinds.
    let mut chance = place * 61 % all;
    for (share, kind) in SHARES {
        match chance.checked_sub(*share) {
            Some(rest) => chance = rest,
            None => return kind(dice),
        }
    }
    unreachable!("the shares are all there are")
}

/// The one with whom the others in its room are compared.
pub fn reference(room: usize) -> Visit {
    let steps = [Step::Stay].into_iter().chain(quit());
    ordered("reference", room, Expects::Reference, steps)
}

/// A reader that stays and misses nothing.
fn reader(dice: &mut fastrand::Rng) -> Visit {
    let steps = [Step::Stay].into_iter().chain(quit());
    ordered("reader", any_room(dice), Expects::Order, steps)
}

/// Says a line every now and then, and misses nothing.
fn talker(dice: &mut fastrand::Rng) -> Visit {
    let steps = [Step::Talk, Step::Stay].into_iter().chain(quit());
    ordered("talker", any_room(dice), Expects::Order, steps)
}

/// Misses nothing while it is there, and goes.
fn passer_by(dice: &mut fastrand::Rng) -> Visit {
    let steps = [say(dice, 3, "\n"), pause(dice, 20_000), say(dice, 3, "\r\n")];
    ordered("passer-by", any_room(dice), Expects::Order, steps.into_iter().chain(quit()))
}

/// Comes, says something or not, and goes in any way.
fn visitor(dice: &mut fastrand::Rng) -> Visit {
    let room = any_room(dice);
    let mut steps = vec![pause(dice, 500), join(room), say(dice, 4, "\n"), pause(dice, 10_000)];
    steps.extend(match dice.usize(..4) {
        0 => vec![Step::Reset],
        1 => vec![Step::Fin, Step::SeeEnd],
        2 => vec![Step::Fin, pause(dice, 500), Step::Reset],
        _ => quit().into(),
    });
    Visit { room, ..visit("visitor", steps) }
}

/// `echo hi | nc -N`
fn script(dice: &mut fastrand::Rng) -> Visit {
    let steps = [say(dice, 3, "\n"), Step::Fin, Step::SeeEnd];
    visit("script", steps)
}

/// Breaks off anywhere.
fn breaker(dice: &mut fastrand::Rng) -> Visit {
    let bytes =
        b"/help\n/who\n/nick x\n\xff\xfd\x01\xff\xfa\x18x\xff\xf0/join dev\n/history 9\nhalf a";
    let bytes = bytes[..dice.usize(..bytes.len())].to_vec();
    // Without its end nothing of that is said in the room.
    let steps = [Step::Send(bytes), pause(dice, 1000), Step::Reset];
    Visit { expects: Expects::Anything, ..visit("breaker", steps) }
}

/// Has stopped reading, and asks so much that it is owed more than fits.
fn stuck(dice: &mut fastrand::Rng) -> Visit {
    let asks = b"/help\n".repeat(dice.usize(..4000));
    let steps = [Step::Send(asks), pause(dice, 60_000), Step::Reset];
    Visit { reading: Reading::Never, may_be_closed: true, ..visit("stuck", steps) }
}

/// Reads a few bytes at a time, and may miss lines.
fn slow(dice: &mut fastrand::Rng) -> Visit {
    let steps = [Step::Pause(Duration::from_secs(60)), pause(dice, 180_000), Step::Reset];
    Visit { reading: Reading::Slowly, ..visit("slow", steps) }
}

/// Negotiates, as telnet does off its own port when it is asked to.
fn telnet(dice: &mut fastrand::Rng) -> Visit {
    let asks = b"\xff\xfd\x01\xff\xfd\x03\xff\xfb\x1f\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0\xff\xf6";
    let steps = [Step::Send(asks.to_vec()), say(dice, 5, "\r\n"), pause(dice, 10_000)];
    let steps = steps.into_iter().chain(quit());
    Visit { expects: Expects::Anything, ..visit("telnet", steps) }
}

/// Its line is edited by the server.
fn editor(dice: &mut fastrand::Rng) -> Visit {
    let agrees = b"\xff\xfd\x01\xff\xfd\x03\xff\xfb\x1f\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0";
    let mut steps = vec![Step::Send(agrees.to_vec()), pause(dice, 1000)];
    for _ in 0..dice.usize(1..10) {
        // A typing error, taken back.
        steps.extend([Step::Send(b"oops\x7f\x7f\x7f\x7f".to_vec()), say(dice, 2, "\r\0")]);
        steps.push(pause(dice, 2000));
    }
    steps.extend([Step::Send(b"/quit\r\0".to_vec()), Step::SeeEnd]);
    Visit { is_telnet: true, expects: Expects::Anything, ..visit("editor", steps) }
}

/// What is asked; `#` stands for a number.
const COMMANDS: &[&str] = &[
    "/help",
    "/who",
    "/roll 2d6",
    "/rooms",
    "/stats",
    "/time",
    "/uptime",
    "/seq",
    "/history 20",
    "/history",
    "/resume 1",
    "/topic a topic",
    "/topic",
    "/away lunch",
    "/back",
    "/quiet",
    "/bell",
    "/nick asker#",
    "/nick",
    "/nick asker# secret",
    "/msg guest# hi",
    "/msg asker# hi",
    "/r again",
    "/ignore guest#",
    "/ignore",
    "/unignore guest#",
    "/whois guest#",
    "/join dev",
    "/join ops",
    "/join lobby",
    "/join room#",
    "/leave",
    "/me",
    "/edit off",
    "/ping",
    "/nonsense",
    "/",
];

/// Tries every command.
fn asker(dice: &mut fastrand::Rng) -> Visit {
    let mut steps = vec![];
    for _ in 0..dice.usize(1..40) {
        steps.extend([command(dice), pause(dice, 1000)]);
    }
    visit("asker", steps.into_iter().chain(quit()))
}

fn command(dice: &mut fastrand::Rng) -> Step {
    let command = dice.choice(COMMANDS).expect("there are some");
    let number = dice.usize(1..200).to_string();
    Step::Send(format!("{}\n", command.replace('#', &number)).into())
}

/// Takes this server for one of another kind. Nothing of that may be shown to
/// the room, which would be a line that nobody said.
fn stranger(dice: &mut fastrand::Rng) -> Visit {
    const HELLOS: &[&[u8]] = &[
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /x HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi",
        b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"EHLO localhost\r\n",
        b"\x05\x01\x00",
        b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00",
    ];
    let hello = dice.choice(HELLOS).expect("there are some").to_vec();
    let steps = [Step::Send(hello), pause(dice, 1000), Step::Fin, Step::SeeEnd];
    Visit { expects: Expects::Anything, may_be_closed: true, ..visit("stranger", steps) }
}

/// Lines past the limit, which nobody hears, and others among them.
fn too_long(dice: &mut fastrand::Rng) -> Visit {
    let line = [vec![b'x'; dice.usize(4097..100_000)], b"\n".into()].concat();
    let steps = [say(dice, 2, "\n"), Step::Send(line), say(dice, 2, "\n"), pause(dice, 5000)];
    visit("too long", steps.into_iter().chain(quit()))
}

/// A bot.
fn json(dice: &mut fastrand::Rng) -> Visit {
    let ask = Step::Send(b"/format json\n".to_vec());
    let steps = [ask, say(dice, 3, "\n"), pause(dice, 30_000)].into_iter().chain(quit());
    Visit { expects: Expects::Json, ..visit("json", steps) }
}

/// Says so much at once that it takes many turns.
pub fn flood(dice: &mut fastrand::Rng, pause: Duration) -> Visit {
    let room = any_room(dice);
    let lines = dice.u32(100..FLOOD_LINES_MAX);
    let say = Step::Say { lines, before: "", after: "\n" };
    let steps = [Step::Pause(pause), join(room), say, Step::Fin, Step::SeeEnd];
    Visit { room, ..visit("flood", steps) }
}

fn visit(kind: &'static str, steps: impl IntoIterator<Item = Step>) -> Visit {
    let steps = steps.into_iter().collect();
    let (reading, expects) = (Reading::All, Expects::Lines);
    Visit { kind, is_telnet: false, room: 0, reading, expects, may_be_closed: false, steps }
}

/// A visit of a client that goes to a room, and does the steps there.
fn ordered(
    kind: &'static str,
    room: usize,
    expects: Expects,
    steps: impl Iterator<Item = Step>,
) -> Visit {
    let mut first = vec![Step::BeGreeted];
    if room > 0 {
        first.push(join(room));
    }
    first.push(Step::Enter);
    Visit { room, expects, ..visit(kind, first.into_iter().chain(steps)) }
}

fn any_room(dice: &mut fastrand::Rng) -> usize {
    // Most are in the first one.
    dice.usize(..ROOMS.len() + 3).saturating_sub(3)
}

fn join(room: usize) -> Step {
    Step::Send(format!("/join {}\n", ROOMS[room]).into())
}

fn say(dice: &mut fastrand::Rng, lines_max: u32, after: &'static str) -> Step {
    let before = if dice.usize(..8) == 0 { "/me " } else { "" };
    Step::Say { lines: dice.u32(..=lines_max), before, after }
}

fn pause(dice: &mut fastrand::Rng, milliseconds_max: u64) -> Step {
    Step::Pause(Duration::from_millis(dice.u64(..milliseconds_max)))
}

fn quit() -> [Step; 2] {
    [Step::Send(b"/quit\n".to_vec()), Step::SeeEnd]
}
