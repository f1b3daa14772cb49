//! Rooms: their topics, rules, locks and invitations.

use super::phrases::{about, and_more, count, count_were, counted, some};
use crate::chat::notice::Notice;
use crate::wire::{Facts, NoticeEvent as Event, Rules};

pub fn entered(room: &str) -> Notice {
    let facts = Facts { target: some(room), ..Facts::new(Event::Enter) };
    Notice::new(format!("you are now in {room}"), facts)
}

pub fn here_already(room: &str) -> String {
    format!("you are already in {room}")
}

/// `ann went to dev`
pub fn went(nick: &str, room: &str) -> Notice {
    let (target, count) = (some(room), Some(1));
    let facts = Facts { target, count, ..about(Event::Leave, &[nick]) };
    Notice::new(format!("{nick} went to {room}"), facts)
}

pub fn no_more_rooms(rooms: usize) -> String {
    format!("the limit of {rooms} rooms is reached; /rooms lists them")
}

/// A room in the answer to `/rooms`: its name, its members, and its rules if it has any.
pub type Listed<'a> = (&'a str, usize, Option<&'a Rules>);

/// `2 rooms: lobby (12, slow 5 s), dev (3, locked)`
pub fn rooms<'a>(total: usize, rooms: impl Iterator<Item = Listed<'a>>) -> Notice {
    let rooms: Vec<_> = rooms.collect();
    let text = rooms_text(total, &rooms);
    let rooms = rooms.into_iter().map(|(name, members, _)| (name.into(), members as u64)).collect();
    Notice::new(text, Facts { rooms, ..counted(Event::Rooms, total as u64) })
}

fn rooms_text(total: usize, rooms: &[Listed<'_>]) -> String {
    let rooms = rooms.iter().map(|(name, members, rules)| {
        let slow = rules.map_or(0, |rules| rules.slow_seconds);
        let slow = if slow > 0 { format!(", slow {slow} s") } else { String::new() };
        let lock = if rules.is_some_and(|rules| rules.is_locked) { ", locked" } else { "" };
        format!("{name} ({members}{slow}{lock})")
    });
    let rooms: Vec<_> = rooms.collect();
    let more = and_more(total - rooms.len());
    format!("{}: {}{more}", count(total as u64, "room"), rooms.join(", "))
}

pub fn topic(topic: Option<&str>) -> Notice {
    let text = match topic {
        Some(topic) => format!("topic: {topic}"),
        None => "there is no topic; /topic TEXT sets one".into(),
    };
    let words = Some(topic.unwrap_or_default().into());
    Notice::new(text, Facts { words, ..Facts::new(Event::Topic) })
}

pub fn topic_set(nick: &str, topic: Option<&str>) -> Notice {
    let text = match topic {
        Some(topic) => format!("{nick} set the topic: {topic}"),
        None => format!("{nick} removed the topic"),
    };
    let words = Some(topic.unwrap_or_default().into());
    Notice::new(text, Facts { words, ..about(Event::Topic, &[nick]) })
}

pub fn topic_too_long(bytes_max: usize) -> String {
    format!("a topic has at most {bytes_max} bytes")
}

/// What newcomers to a room are told of its rules, if there are some.
pub fn rules(rules: &Rules) -> Option<Notice> {
    let slow = (rules.slow_seconds > 0).then(|| one_line_in(rules.slow_seconds));
    let lock = rules.is_locked.then(|| "only operators and invited users can enter".to_owned());
    let text = match (slow, lock) {
        (Some(slow), Some(lock)) => format!("this room is in slow mode, {slow}, and {lock}"),
        (Some(slow), None) => format!("this room is in slow mode: {slow}"),
        (None, Some(_)) => "this room is locked: only operators and invited users can enter".into(),
        (None, None) => return None,
    };
    Some(Notice::new(text, rules_now(&[], rules)))
}

/// An operator has set rules.
pub fn rules_set(nick: &str, text: String, rules: &Rules) -> Notice {
    Notice::new(text, rules_now(&[nick], rules))
}

fn rules_now(who: &[&str], rules: &Rules) -> Facts {
    let state = if rules.is_locked { "locked" } else { "open" };
    let count = Some(rules.slow_seconds.into());
    Facts { state: Some(state.into()), count, ..about(Event::Rules, who) }
}

/// `one line in 5 s from each user`
fn one_line_in(seconds: u32) -> String {
    format!("one line in {seconds} s from each user")
}

pub fn slow(seconds: u32) -> String {
    match seconds {
        0 => "slow mode is off".into(),
        _ => format!("slow mode is on: {}", one_line_in(seconds)),
    }
}

pub fn slow_set(nick: &str, seconds: u32) -> String {
    match seconds {
        0 => format!("{nick} turned off slow mode"),
        _ => format!("{nick} turned on slow mode: {}", one_line_in(seconds)),
    }
}

pub const SLOW_TIME: &str = "slow mode takes 1 second to 1 hour: /slow 5s, /slow 1m, /slow off";

/// A line that came too soon.
pub fn too_soon(seconds: u32, wait: u32) -> Notice {
    let text =
        format!("not sent: slow mode allows one line in {seconds} s; send it again in {wait} s");
    Notice::new(text, counted(Event::Unsent, wait.into()))
}

/// The answer to a POST of which some lines, or all, weren't said.
pub fn partly_posted(unsent: u32, is_part: bool, why: &str) -> String {
    let why = why.strip_prefix("not sent: ").unwrap_or(why);
    let unsent = count_were(unsent.into(), "line");
    match is_part {
        true => format!("{unsent} not sent, the others were: {why}"),
        false => format!("{unsent} not sent: {why}"),
    }
}

pub fn locked(nick: &str) -> String {
    format!("{nick} locked the room: only operators and invited users can enter")
}

pub fn unlocked(nick: &str) -> String {
    format!("{nick} unlocked the room")
}

pub const LOCKED_ALREADY: &str = "the room is locked already; /invite NAME lets a user in";
pub const NOT_LOCKED: &str = "the room isn't locked";

pub fn is_locked(room: &str) -> String {
    format!("{room} is locked: an operator has to invite you")
}

/// The answer to a request, and the farewell of a WebSocket.
pub fn locked_out(room: &str) -> String {
    format!("goodbye: {room} is locked: only operators and invited users can enter")
}

/// What newcomers are asked while the first room is locked.
pub fn locked_entry(room: &str) -> Notice {
    let text = format!(
        "{room} is locked: wait, type the name that was invited, or the operators' password"
    );
    Notice::new(text, Facts { target: some(room), ..Facts::new(Event::Login) })
}

pub fn invited(name: &str, room: &str) -> String {
    format!("{name} can enter {room} now")
}

pub fn you_are_invited(by: &str, room: &str) -> Notice {
    let facts = Facts { target: some(room), ..about(Event::Invite, &[by]) };
    Notice::new(format!("{by} invites you: /join {room} takes you there"), facts)
}

pub fn too_many_invited(invited_max: usize) -> String {
    format!("{invited_max} users are invited, which is the limit; /unlock ends that")
}
