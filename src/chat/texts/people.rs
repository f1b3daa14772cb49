//! People: who is here, what is known of them, and what they do to each other.

use super::phrases::{about, ago, and_more, counted, reason_after_colon, some, span};
use crate::chat::linking::directory::Remote;
use crate::chat::notice::Notice;
use crate::wire::{Facts, NoticeEvent as Event};

/// Names shown at most in one answer; the others are counted.
pub const NAMES_MAX: usize = 200;

/// `here: ann, bob and 3 more`; for programs also who of them is away, and why.
pub fn here<'a>(
    count: usize,
    names: impl Iterator<Item = String>,
    people: impl Iterator<Item = (&'a str, Option<&'a str>)>,
) -> Notice {
    let names: Vec<_> = names.take(NAMES_MAX).collect();
    let more = and_more(count - names.len());
    let (mut who, mut away) = (Vec::new(), Vec::new());
    for (name, reason) in people.take(NAMES_MAX) {
        who.push(name.into());
        away.extend(reason.map(|reason| (name.into(), reason.into())));
    }
    let facts = Facts { who, away, ..counted(Event::Members, count as u64) };
    Notice::new(format!("{count} here: {}{more}", names.join(", ")), facts)
}

/// `2 here: ann, bob; line 17 is the newest`
pub fn who(here: Notice, newest: u64) -> Notice {
    Notice { text: format!("{}; line {newest} is the newest", here.text), ..here }
}

/// `2 here: ann, bob; what is said here is kept`
pub fn here_and_kept(here: &str, kept: &str) -> String {
    format!("{here}; {kept}")
}

/// `2 here; line 17 is the newest`
pub fn who_head(count: usize, newest: u64) -> String {
    format!("{count} here; line {newest} is the newest")
}

/// `ann      5m  away: "lunch"`: for how long she has said nothing, and what else there is.
pub fn who_row(name: &str, idle_minutes: u32, remarks: &str) -> String {
    let idle = match idle_minutes {
        0 => "now".into(),
        1..60 => format!("{idle_minutes}m"),
        60..1440 => format!("{}h", idle_minutes / 60),
        _ => format!("{}d", idle_minutes / 1440),
    };
    match remarks {
        "" => format!("{name}  {idle:>4}"),
        _ => format!("{name}  {idle:>4}  {remarks}"),
    }
}

/// What there is beside a name and a time: `away: "lunch", on office2`
pub fn who_remarks(
    address: Option<&str>,
    away: Option<&str>,
    is_muted: bool,
    server: Option<&str>,
) -> String {
    let away = away.map(|reason| format!("away{}", reason_after_colon(reason)));
    let muted = is_muted.then(|| "muted".to_owned());
    let server = server.map(|server| format!("on {server}"));
    let remarks = [address.map(str::to_owned), away, muted, server];
    remarks.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `and 3 more: ann, bob, eve`
pub fn who_others(count: usize, names: impl Iterator<Item = String>) -> String {
    let names: Vec<_> = names.collect();
    let more = and_more(count - names.len());
    format!("and {count} more: {}{more}", names.join(", "))
}

/// The name in the answer to `/who`: `bob`, `bob (away: "lunch")`
pub fn member(nick: &str, address: Option<&str>, away: Option<&str>) -> String {
    let mut text = nick.to_owned();
    if let Some(address) = address {
        text += &format!(" ({address})");
    }
    if let Some(reason) = away {
        text += &format!(" (away{})", reason_after_colon(reason));
    }
    text
}

/// `bob: in lobby, here for 2 hours, silent for 5 minutes, away: "lunch", from 10.0.0.7:4711`
pub fn whois(
    nick: &str,
    room: &str,
    here: u32,
    silent: u32,
    away: Option<&str>,
    address: Option<&str>,
) -> String {
    let (here, silent) = (span(here), span(silent));
    let mut text = format!("{nick}: in {room}, here for {here}, silent for {silent}");
    if let Some(reason) = away {
        text += &format!(", away{}", reason_after_colon(reason));
    }
    if let Some(address) = address {
        text += &format!(", from {address}");
    }
    text
}

/// `ann: in dev on the server office2, here for 5 min`
pub fn whois_elsewhere(remote: &Remote, here: u32, server: &str) -> String {
    let (nick, room) = (remote.nick.as_str(), &remote.room.name);
    let mut text = format!("{nick}: in {room} on the server {server}, here for {}", span(here));
    if let Some(reason) = &remote.away {
        text += &format!(", away{}", reason_after_colon(reason));
    }
    if let Some(address) = &remote.address {
        text += &format!(", from {address}");
    }
    text
}

/// `ann is registered, and not here; last seen 3 days ago`
pub fn whois_absent(name: &str, age: u32) -> String {
    format!("{name} is registered, and not here; last seen {}", ago(age))
}

/// What `/whois` adds of a client that speaks TLS.
pub fn speaks(version: &str) -> String {
    format!(", with {version}")
}

/// What `/whois` adds of a client that owns its name.
pub const WITH_LOGIN: &str = ", logged in";

pub fn nobody(name: &str) -> String {
    format!("no one here is called {name}; /who shows who is here")
}

pub fn ignores_you(name: &str) -> String {
    format!("{name} ignores your messages")
}

/// What somebody does, in a private message: `* ann waves`
pub fn act(nick: &str, text: &str) -> String {
    format!("* {nick} {text}")
}

pub const NO_MESSAGES: &str = "no one has sent you a message yet";
pub const IS_GONE: &str = "the user who wrote to you last has left";

pub fn too_many_recipients(recipients_max: usize) -> String {
    format!("a message goes to at most {recipients_max} users at once")
}

pub fn does_not_read(name: &str) -> String {
    format!("{name} is not reading at the moment; try again later")
}

pub fn is_away(name: &str, reason: &str) -> Notice {
    let facts = Facts { reason: some(reason), ..about(Event::Away, &[name]) };
    Notice::new(format!("{name} is away{}", reason_after_colon(reason)), facts)
}

pub fn away(nick: &str, is_away: bool, reason: &str) -> Notice {
    let reason = some(reason);
    match is_away {
        true => {
            let facts = Facts { reason, ..about(Event::Away, &[nick]) };
            Notice::new("you are away, until you say something", facts)
        }
        false => Notice::new("you are back", about(Event::Back, &[nick])),
    }
}

pub fn reason_too_long(bytes_max: usize) -> String {
    format!("a reason has at most {bytes_max} bytes")
}

pub const IGNORE_YOURSELF: &str = "you can't ignore yourself";

pub fn ignored(names: &[&str]) -> String {
    match names {
        [] => "you ignore no one; /ignore NAME hides what a user says".into(),
        _ => format!("you ignore {}", names.join(", ")),
    }
}

pub fn ignore(name: &str, is_ignored: bool) -> String {
    match is_ignored {
        true => format!("you no longer see what {name} says"),
        false => format!("you see what {name} says again"),
    }
}

pub fn too_many_ignored(people_max: usize) -> String {
    format!("you already ignore {people_max} users, which is the limit")
}

/// `ann rolls 2d6+1: 3 + 5 + 1 = 9`, `ann rolls d20: 17`
pub fn rolled(nick: &str, dice: &str, faces: &[u16], bonus: i32) -> String {
    let total = faces.iter().map(|&face| i32::from(face)).sum::<i32>() + bonus;
    if let ([_], 0) = (faces, bonus) {
        return format!("{nick} rolls {dice}: {total}");
    }
    let faces: Vec<_> = faces.iter().map(u16::to_string).collect();
    let bonus = match bonus {
        0 => String::new(),
        1.. => format!(" + {bonus}"),
        _ => format!(" - {}", -bonus),
    };
    format!("{nick} rolls {dice}: {}{bonus} = {total}", faces.join(" + "))
}

pub fn bad_dice(dice_max: u16, sides_max: u16) -> String {
    format!(
        "dice are typed like 2d6, d20 or 3d6+2: at most {dice_max}, with 2 to {sides_max} sides"
    )
}
