//! Every text that a client can see, so that it can be read through in one go.
//!
//! A notice begins with [`crate::wire::NOTICE`], and nothing else that a client is sent
//! does (see `compose`). What tells programs something says that beside its text, as `Facts`.

use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_security::skeleton;

use crate::chat::close_reason::{CloseReason, Refusal};
use crate::chat::counts::Counts;
use crate::chat::linking::directory::Remote;
use crate::chat::names::nick::{NAME_BYTES_MAX, NAME_CHARS_MAX, NameError};
use crate::chat::names::proof::SECRET_BYTES_MAX;
use crate::chat::notice::Notice;
use crate::wire::{
    Facts, Kind, NoticeEvent as Event, Rules, SharedReport, StoreState, Time, date_and_time,
    rfc3339,
};

/// What is known of an event about these users.
fn about(event: Event, who: &[&str]) -> Facts {
    Facts { who: who.iter().map(|&name| name.into()).collect(), ..Facts::new(event) }
}

/// What is known of an event of which so many are counted.
fn counted(event: Event, count: u64) -> Facts {
    Facts { count: Some(count), ..Facts::new(event) }
}

/// A reason or a text, if there is one.
fn some(text: &str) -> Option<Box<str>> {
    Some(text).filter(|text| !text.is_empty()).map(Into::into)
}

pub(super) fn shutdown() -> Notice {
    Notice::of(Event::Shutdown, "the server is shutting down")
}

pub(super) const EDIT_OFFERED: &str =
    "line editing starts if your program agrees, as telnet does; /edit off stops it";
pub(super) const EDIT_ON: &str = "the server edits your line already; /edit off stops it";
pub(super) const EDIT_UNANSWERED: &str = "your program doesn't answer telnet options, so the server can't edit: use telnet, PuTTY or rlwrap nc; odd characters above are the question to it";
pub(super) const EDIT_DECLINED: &str =
    "your program doesn't let the server edit: your line is edited where it is, if at all";
pub(super) const EDIT_WEB: &str = "the server doesn't edit the line of a browser";
pub(super) const CHARSET_FIXED: &str = "browsers and JSON clients always get UTF-8";
pub(super) const EDIT_OFF: &str = "line editing is off";
pub(super) const NO_MESSAGES: &str = "no one has sent you a message yet";
pub(super) const IS_GONE: &str = "the user who wrote to you last has left";
pub(super) const IGNORE_YOURSELF: &str = "you can't ignore yourself";
pub(super) const KICK_YOURSELF: &str = "you can't kick yourself; /quit leaves";
pub(super) const ARE_YOU_THERE: &str = "yes, the server is here";
/// Names shown at most in one answer; the others are counted.
pub(super) const NAMES_MAX: usize = 200;

pub(super) fn password() -> Notice {
    Notice::of(Event::Login, "this room has a password: type it")
}

pub(super) const PASSWORD_WRONG_AGAIN: &str = "goodbye: wrong password, and no tries are left";
pub(super) const NO_OPERATORS: &str = "there are no operators here";
pub(super) const NO_MORE_TRIES: &str = "too many tries";
pub(super) const YOU_ARE_OPERATOR: &str = "you are an operator now; /help shows what you can do";
pub(super) const FOR_OPERATORS: &str = "only operators can do that; /op PASSWORD makes you one";
pub(super) const NO_LONGER_OPERATOR: &str = "you are no longer an operator";
pub(super) const BANS_UNSAVED: &str = "the bans can't be saved, so they end with the server";

pub(super) const GAVE_WAY: &str =
    "goodbye: others are waiting to log in, and you have not given the password; try again";

pub(super) const NOT_UTF8: &str =
    "your line is not UTF-8: others see � in it; set your terminal to UTF-8, or try /charset";

pub(super) fn welcome(nick: &str) -> Notice {
    let text = format!("welcome, {nick}: just type, or try /help");
    Notice::new(text, about(Event::Welcome, &[nick]))
}

/// The same to somebody whose line isn't edited.
pub(super) fn welcome_unedited(nick: &str) -> Notice {
    let welcome = welcome(nick);
    Notice { text: format!("{} (editing: /edit, PuTTY, rlwrap nc)", welcome.text), ..welcome }
}

/// `here: ann, bob and 3 more`; for programs also who of them is away, and why.
pub(super) fn here<'a>(
    count: usize,
    names: impl Iterator<Item = String>,
    people: impl Iterator<Item = (&'a str, Option<&'a str>)>,
) -> Notice {
    let names: Vec<_> = names.take(NAMES_MAX).collect();
    let more = match count - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (mut who, mut away) = (Vec::new(), Vec::new());
    for (name, reason) in people.take(NAMES_MAX) {
        who.push(name.into());
        away.extend(reason.map(|reason| (name.into(), reason.into())));
    }
    let facts = Facts { who, away, ..counted(Event::Members, count as u64) };
    Notice::new(format!("{count} here: {}{more}", names.join(", ")), facts)
}

/// `2 here: ann, bob; line 17 is the newest`
pub(super) fn who(here: Notice, newest: u64) -> Notice {
    Notice { text: format!("{}; line {newest} is the newest", here.text), ..here }
}

/// `2 here: ann, bob; what is said here is kept`
pub(super) fn here_and_kept(here: &str, kept: &str) -> String {
    format!("{here}; {kept}")
}

/// `2 here; line 17 is the newest`
pub(super) fn who_head(count: usize, newest: u64) -> String {
    format!("{count} here; line {newest} is the newest")
}

/// `ann      5m  away: "lunch"`: for how long she has said nothing, and what else there is.
pub(super) fn who_row(name: &str, idle_minutes: u32, remarks: &str) -> String {
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
pub(super) fn who_remarks(
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
pub(super) fn who_others(count: usize, names: impl Iterator<Item = String>) -> String {
    let names: Vec<_> = names.collect();
    let more = match count - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("and {count} more: {}{more}", names.join(", "))
}

/// `who` is the name as others see it, which may have an address.
pub(super) fn joined(who: &str, nick: &str) -> Notice {
    let facts = Facts { count: Some(1), ..about(Event::Join, &[nick]) };
    Notice::new(format!("{who} joined"), facts)
}

pub(super) fn left(who: &str, ending: CloseReason) -> Notice {
    let text = match ending.reason() {
        None => format!("{who} left"),
        Some(reason) => format!("{who} left ({reason})"),
    };
    let (count, reason) = (Some(1), ending.reason().map(Into::into));
    Notice::new(text, Facts { count, reason, ..about(Event::Leave, &[who]) })
}

/// What the others are told of a client that says why it leaves: `ann left: "see you"`
pub(super) fn left_saying(who: &str, words: &str) -> Notice {
    let facts = Facts { count: Some(1), words: some(words), ..about(Event::Leave, &[who]) };
    Notice::new(format!("{who} left{}", reason_after_colon(words)), facts)
}

/// `3 joined, 2 left`
/// `ann, bob and eve joined, 2 left`; with many it is `12 joined, 2 left`.
pub(super) fn came_and_went(names: &[&str], nicks: &[&str], joined: usize, left: usize) -> Notice {
    let facts = match joined {
        0 => counted(Event::Leave, left as u64),
        _ => {
            let (count, left) = (Some(joined as u64), Some(left as u64).filter(|left| *left > 0));
            Facts { count, left, ..about(Event::Join, nicks) }
        }
    };
    Notice::new(came_and_went_text(names, joined, left), facts)
}

fn came_and_went_text(names: &[&str], joined: usize, left: usize) -> String {
    let joined = match (names, joined) {
        (_, 0) => return format!("{left} left"),
        ([], _) => format!("{joined} joined"),
        ([name], _) => format!("{name} joined"),
        ([names @ .., last], _) => format!("{} and {last} joined", names.join(", ")),
    };
    match left {
        0 => joined,
        _ => format!("{joined}, {left} left"),
    }
}

pub(super) fn you_are(old: &str, new: &str) -> Notice {
    Notice::new(format!("you are {new} now"), rename(old, new))
}

pub(super) fn renamed(old: &str, new: &str) -> Notice {
    Notice::new(format!("{old} is now {new}"), rename(old, new))
}

fn rename(old: &str, new: &str) -> Facts {
    Facts { target: some(new), ..about(Event::Rename, &[old]) }
}

pub(super) fn name_taken(name: &str) -> String {
    format!("the name {name} is taken")
}

/// What is wrong with the name `look`: it looks like `taken`, which is.
pub(super) fn look_taken(taken: &str, look: &str) -> String {
    format!("the name {taken} is taken, and {look} looks like it")
}

/// What is wrong with the name of a person or a room (`what`); `example` is right.
pub(super) fn bad_name(what: &str, example: &str, error: NameError) -> String {
    match error {
        NameError::Missing => format!("the name is missing (like {example})"),
        NameError::Words if what == "name" => {
            "a name is one word; a secret follows a ! (like /nick ann!secret)".into()
        }
        NameError::Words => format!("the name of a room is one word (like {example})"),
        NameError::TooLong => {
            format!("a name has at most {NAME_CHARS_MAX} characters and {NAME_BYTES_MAX} bytes")
        }
        NameError::Character(c) => {
            let c = shown(c);
            format!(
                "a name can't contain {c}: it is made of letters, digits, _ . - (like {example})"
            )
        }
        NameError::MixedScripts(c) => {
            let c = shown(c);
            format!(
                "a name has characters of one script: {c} belongs to another one than the characters before it"
            )
        }
        NameError::BeginsWithMark => {
            "a name can't begin with a mark: put a letter before it".into()
        }
        NameError::TooManyMarks => {
            "a name can't have that many marks on one letter, or the same one twice".into()
        }
        NameError::Direction => {
            "a name from right to left begins with a letter and ends with a letter or digit".into()
        }
        NameError::Secret => {
            format!(
                "a secret has 1 to {SECRET_BYTES_MAX} bytes and no space (like /nick ann!secret)"
            )
        }
        NameError::MixedDigits => "a name from right to left has digits of one kind".into(),
    }
}

/// A character for a client's eyes: with its number unless every keyboard has
/// it, and the number alone if there is nothing to see.
fn shown(c: char) -> String {
    use GeneralCategoryGroup::{Letter, Number, Punctuation, Symbol};
    let is_visible = matches!(c.general_category_group(), Letter | Number | Punctuation | Symbol)
        && skeleton(c.encode_utf8(&mut [0; 4])).next().is_some();
    let number = u32::from(c);
    match is_visible {
        true if c.is_ascii() => c.into(),
        true => format!("{c} (U+{number:04X})"),
        false => format!("U+{number:04X}"),
    }
}

pub(super) const NOTHING_REGISTERED: &str =
    "names can't be registered here: the server keeps nothing (it would with --data DIR)";
pub(super) const NOT_REGISTERED_TOGETHER: &str = "names can't be registered here: several servers share the rooms; /nick NAME!SECRET adds a proof";
pub(super) const REGISTER_GUEST: &str =
    "guests' names can't be registered: choose another one first (like /nick ann)";
pub(super) const SECRETS_BUSY: &str = "too many secrets are being checked: try again in a moment";
pub(super) const SECRETS_FAIL: &str = "the secret can't be checked now: try again later";
pub(super) const LOG_IN_FIRST: &str = "log in first, or give the secret: /unregister NAME SECRET";
pub(super) const LOGGED_IN_ELSEWHERE: &str = "goodbye: you have logged in on another connection";
pub(super) const SECRET_IS_NEW: &str = "goodbye: your name has another secret now: log in again";
pub(super) const LOOKS_SECRET: &str =
    "not sent, because it looks like a secret: a command begins with a slash (like /login SECRET)";

pub(super) fn registered(name: &str) -> String {
    format!("{name} is yours now: when you are back, /login {name} SECRET takes it")
}

pub(super) fn secret_changed(name: &str) -> String {
    format!("{name} has another secret now")
}

pub(super) fn is_registered(name: &str) -> String {
    format!("{name} is registered: /login SECRET, or choose another name")
}

/// What is wrong with the name `look`: it looks like `name`, which has an owner.
pub(super) fn look_registered(name: &str, look: &str) -> String {
    format!("{name} is registered, and {look} looks like it: /login SECRET, or choose another name")
}

pub(super) fn reserved(name: &str) -> String {
    format!("{name} is reserved for operators: choose another name")
}

pub(super) fn not_registered(name: &str) -> String {
    format!("{name} isn't registered; /register SECRET registers the name that you have")
}

pub(super) fn logged_in(name: &str) -> String {
    format!("you are logged in as {name}")
}

pub(super) fn unregistered(name: &str) -> String {
    format!("{name} is no longer registered")
}

pub(super) fn bad_secret(bytes_min: usize, bytes_max: usize) -> String {
    format!("a secret has {bytes_min} to {bytes_max} bytes, no space, and isn't the name")
}

pub(super) fn wrong_secret(left: u32) -> String {
    format!("wrong secret, {} left before you have to wait", tries(left.min(255) as u8))
}

pub(super) fn wrong_secret_wait(seconds: u32) -> String {
    format!("wrong secret; the next try is possible in {seconds} s")
}

pub(super) fn secret_wait(seconds: u32) -> String {
    format!("too many wrong secrets: try again in {seconds} s")
}

pub(super) fn names_full(names_max: usize) -> String {
    format!("the limit of {names_max} registered names is reached; operators can /unregister some")
}

pub(super) fn too_many_registrations(names: u32) -> String {
    format!("{names} registrations a day from one address is the limit: try again tomorrow")
}

/// What `/whois` adds of a client that owns its name.
pub(super) const WITH_LOGIN: &str = ", logged in";

/// `ann is registered, and not here; last seen 3 days ago`
pub(super) fn whois_absent(name: &str, age: u32) -> String {
    format!("{name} is registered, and not here; last seen {}", ago(age))
}

pub(super) fn name_is_yours(name: &str) -> String {
    format!("your name is {name} already")
}

/// `17@k3f9`: line 17 of this run of the server.
pub(super) fn place(number: u64, run: &str) -> String {
    match run {
        "" => number.to_string(),
        _ => format!("{number}@{run}"),
    }
}

pub(super) fn goodbye(newest: &str) -> String {
    format!("goodbye; when you are back, /resume {newest} shows what you have missed")
}

/// What was said before the server started again is gone.
pub(super) fn restarted(lines: u64) -> Notice {
    let lines = count(lines, "line");
    let text =
        format!("the server has restarted since then: earlier lines are gone, {lines} since:");
    Notice::of(Event::Gap, text)
}

/// `the last 12 lines, from 5 minutes ago on:`
pub(super) fn history(lines: u64, age: u32) -> Notice {
    let text = match lines {
        1 => format!("the last line, from {}:", ago(age)),
        _ => format!("the last {lines} lines, from {} on:", ago(age)),
    };
    Notice::new(text, counted(Event::History, lines))
}

/// Nothing was said before.
pub(super) fn no_history() -> Notice {
    Notice::new("nothing was said here before", counted(Event::History, 0))
}

/// Nothing was said since the time that a client asks for.
pub(super) fn no_history_since() -> Notice {
    Notice::new("nothing was said since then", counted(Event::History, 0))
}

/// So many lines were said after one; if some are gone, programs are told how many.
pub(super) fn resumed(number: u64, lines: u64, gone: u64) -> Notice {
    let facts = match gone {
        0 => counted(Event::History, lines),
        _ => counted(Event::Gap, gone),
    };
    Notice::new(resumed_text(number, lines, gone), facts)
}

fn resumed_text(number: u64, lines: u64, gone: u64) -> String {
    match (lines, gone) {
        (0, 0) => format!("nothing was said after line {number}"),
        (_, 0) => format!("{} after line {number}:", count(lines, "line")),
        _ => {
            let gone = count(gone, "line");
            format!("{gone} after line {number} are gone, these {lines} are left:")
        }
    }
}

/// Once in a room after a crash.
pub(super) fn interrupted() -> Notice {
    let text =
        "the server stopped without warning: what was said in its last moments may be missing";
    Notice::of(Event::Interrupted, text)
}

pub(super) const NO_STORE: &str = "the store doesn't answer: try again later";

/// The engine of several servers doesn't answer.
pub(super) const LINK_DOWN: &str =
    "the link to the other servers is down: nothing can be said until it is back";
pub(super) const LINK_DOWN_ALONE: &str =
    "the link to the other servers is down: until it is back, lines reach this server only";
pub(super) const LINK_IS_DOWN: &str = "the link to the other servers is down: try again later";
pub(super) const NOT_SENT: &str = "not sent: the link to the other servers is down";
pub(super) const NO_ROOM_NOW: &str = "the link to the other servers is down: try again later";
pub(super) const NO_NAME_NOW: &str =
    "the other servers don't answer, so that name can't be checked: try again later";

/// The link is down: `text` says what that means.
pub(super) fn link_down(text: &str) -> Notice {
    Notice::new(text, cluster("down"))
}

pub(super) fn link_up() -> Notice {
    Notice::new("the link to the other servers is back", cluster("up"))
}

/// How the link, or another server, is now.
fn cluster(state: &'static str) -> Facts {
    Facts { state: Some(state.into()), ..Facts::new(Event::Cluster) }
}

pub(super) fn not_sent() -> Notice {
    Notice::of(Event::Unsent, NOT_SENT)
}

pub(super) fn engine_forgot() -> Notice {
    let text = "the servers have lost their shared history: line numbers start over";
    Notice::of(Event::Gap, text)
}

/// So many lines were too many while a server was alone.
pub(super) fn lines_said_alone(lines: u64) -> Notice {
    let were = if lines == 1 { "was" } else { "were" };
    let text =
        format!("{} that {were} said while a server was alone {were} lost", count(lines, "line"));
    Notice::new(text, counted(Event::Gap, lines))
}

/// `the server office2 is gone, along with 2 people: ann, bob`
pub(super) fn server_gone(server: &str, names: &[&str], is_planned: bool) -> Notice {
    let state = Some(if is_planned { "ended" } else { "gone" }.into());
    let shown = &names[..names.len().min(NAMES_MAX)];
    let (target, count) = (some(server), Some(names.len() as u64));
    let facts = Facts { target, state, count, ..about(Event::Cluster, shown) };
    Notice::new(server_gone_text(server, names, is_planned), facts)
}

fn server_gone_text(server: &str, names: &[&str], is_planned: bool) -> String {
    let is_gone = if is_planned { "has shut down" } else { "is gone" };
    let people = match names.len() {
        0 => return format!("the server {server} {is_gone}"),
        1 => "1 person".to_owned(),
        people => format!("{people} people"),
    };
    let shown = names[..names.len().min(NAMES_MAX)].join(", ");
    let more = match names.len().saturating_sub(NAMES_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("the server {server} {is_gone}, along with {people}: {shown}{more}")
}

pub(super) fn server_back(server: &str) -> Notice {
    let facts = Facts { target: some(server), ..cluster("back") };
    Notice::new(format!("the server {server} is back"), facts)
}

/// `link: up; office2, office3; 12 clients on other servers; 0 lines pending`
pub(super) fn link(is_up: bool, servers: &[&str], people: usize, waiting: usize) -> String {
    let state = if is_up { "up" } else { "down" };
    let others = match servers {
        [] => "no other servers".to_owned(),
        _ => servers.join(", "),
    };
    format!(
        "link: {state}; {others}; {} on other servers; {} pending",
        count(people as u64, "client"),
        count(waiting as u64, "line")
    )
}

pub(super) fn name_of_guest(name: &str) -> String {
    format!("{name} looks like a guest's name; only the server gives those")
}

pub(super) fn name_lost(old: &str, new: &str) -> Notice {
    let text = format!("{old} is already taken on another server: you are {new} now");
    Notice::new(text, rename(old, new))
}

pub(super) fn no_answer(name: &str) -> String {
    format!("the server of {name} doesn't answer: try again later")
}

/// So many lines of other servers didn't come here.
pub(super) fn missing_lines(lines: u64) -> Notice {
    let are = if lines == 1 { "is" } else { "are" };
    let text = format!("{} from other servers {are} missing here", count(lines, "line"));
    Notice::new(text, counted(Event::Gap, lines))
}

/// A line that others hear long after it was said. It is the same on all servers, so its time is
/// in no zone of one of them.
pub(super) fn late(time: Time, text: &str) -> String {
    format!("(said at {} UTC) {text}", date_and_time(time, &TimeZone::UTC))
}

pub(super) fn no_past() -> Notice {
    Notice::of(Event::Gap, "the store doesn't answer: earlier lines can't be shown now")
}

pub(super) fn not_stored(lines: u64) -> Notice {
    let were = if lines == 1 { "was" } else { "were" };
    let text = format!("{} {were} said here and not stored", count(lines, "line"));
    Notice::new(text, counted(Event::Gap, lines))
}

/// `stored: 17 lines, 52 KiB; 0 lines lost`
pub(super) fn store(state: &StoreState, lost: u64) -> String {
    let lost = count(lost, "line");
    match &state.fault {
        Some(fault) => format!("not stored: {fault}; {lost} lost"),
        None => {
            let (lines, bytes) = (count(state.lines_written, "line"), state.bytes.div_ceil(1024));
            format!("stored: {lines}, {bytes} KiB; {lost} lost")
        }
    }
}

/// To operators.
pub(super) fn store_fault(fault: &str) -> Notice {
    let (state, reason) = (Some("down".into()), some(fault));
    let facts = Facts { state, reason, ..Facts::new(Event::Store) };
    Notice::new(format!("what is said isn't stored any more: {fault}"), facts)
}

/// To operators.
pub(super) fn store_works(lost: u64) -> Notice {
    let text = match lost {
        0 => "what is said is stored again; nothing was lost".into(),
        _ => format!("what is said is stored again; {} lost since the start", count(lost, "line")),
    };
    Notice::new(text, Facts { state: Some("up".into()), ..counted(Event::Store, lost) })
}

/// Whether what is said in a room is stored, and for how long if there is a limit.
pub(super) fn kept(is_kept: bool, time: Option<Duration>) -> String {
    match (is_kept, time) {
        (false, _) => "what is said here isn't kept".into(),
        (true, None) => "what is said here is kept".into(),
        (true, Some(time)) => format!("what is said here is kept for {}", lasting_for(time)),
    }
}

/// `30 days`, `12 hours`
fn lasting_for(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        86400.. if seconds.is_multiple_of(86400) => count(seconds / 86400, "day"),
        3600.. if seconds.is_multiple_of(3600) => count(seconds / 3600, "hour"),
        60.. if seconds.is_multiple_of(60) => count(seconds / 60, "minute"),
        _ => count(seconds, "second"),
    }
}

pub(super) fn search_words(bytes_max: usize) -> String {
    format!("type the words to look for (like /search lunch friday), at most {bytes_max} bytes")
}

pub(super) fn not_searched(room: &str) -> String {
    format!("what is said in {room} isn't kept, so it can't be searched")
}

pub(super) const SEARCHING: &str = "a search is under way: try again in a moment";

pub(super) const SEARCH_TOO_LONG: &str =
    "the search took too long: more words, or rarer ones, would help";

pub(super) fn found(lines: usize) -> String {
    match lines {
        0 => "no line has all these words".into(),
        1 => "1 line has all these words:".into(),
        _ => format!("the newest {lines} lines with all these words, newest first:"),
    }
}

/// `the last 10 lines of ann:`
pub(super) fn last(name: &str, lines: usize) -> String {
    match lines {
        0 => format!("no line of {name} is kept here"),
        1 => format!("the last line of {name}:"),
        _ => format!("the last {lines} lines of {name}:"),
    }
}

/// `17 2026-11-20 14:03 <ann> hello`; a line may have no number.
pub(super) fn found_line(
    number: Option<u64>,
    time: Time,
    zone: &TimeZone,
    kind: Kind,
    from: &str,
    text: &str,
) -> String {
    let number = number.map_or(String::new(), |number| format!("{number} "));
    let time = date_and_time(time, zone);
    match kind {
        Kind::Act => format!("{number}{time} * {from} {text}"),
        _ => format!("{number}{time} <{from}> {text}"),
    }
}

/// `/mentions`
pub(super) fn mentions(lines: usize) -> String {
    match lines {
        0 => "no recent line here names you".into(),
        1 => "the last line that names you:".into(),
        _ => format!("the last {lines} lines that name you:"),
    }
}

pub(super) fn not_said_yet(number: u64, newest: u64) -> Notice {
    let text = format!("line {number} hasn't been said yet, the newest is line {newest}");
    Notice::new(text, counted(Event::Ahead, newest))
}

pub(super) fn seq(newest: u64, place: &str) -> Notice {
    let text = format!("line {newest} is the newest; /resume {place} shows what comes after it");
    Notice::new(text, counted(Event::Newest, newest))
}

pub(super) fn entered(room: &str) -> Notice {
    let facts = Facts { target: some(room), ..Facts::new(Event::Enter) };
    Notice::new(format!("you are in {room} now"), facts)
}

pub(super) fn here_already(room: &str) -> String {
    format!("you are in {room} already")
}

/// `ann went to dev`
pub(super) fn went(nick: &str, room: &str) -> Notice {
    let (target, count) = (some(room), Some(1));
    let facts = Facts { target, count, ..about(Event::Leave, &[nick]) };
    Notice::new(format!("{nick} went to {room}"), facts)
}

pub(super) fn no_more_rooms(rooms: usize) -> String {
    format!("the limit of {rooms} rooms is reached; /rooms lists them")
}

/// A room in the answer to `/rooms`: its name, its members, and its rules if it has any.
pub(super) type Listed<'a> = (&'a str, usize, Option<&'a Rules>);

/// `2 rooms: lobby (12, slow 5 s), dev (3, locked)`
pub(super) fn rooms<'a>(total: usize, rooms: impl Iterator<Item = Listed<'a>>) -> Notice {
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
    let more = match total - rooms.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}: {}{more}", count(total as u64, "room"), rooms.join(", "))
}

pub(super) fn topic(topic: Option<&str>) -> Notice {
    let text = match topic {
        Some(topic) => format!("topic: {topic}"),
        None => "there is no topic; /topic TEXT sets one".into(),
    };
    let words = Some(topic.unwrap_or_default().into());
    Notice::new(text, Facts { words, ..Facts::new(Event::Topic) })
}

pub(super) fn topic_set(nick: &str, topic: Option<&str>) -> Notice {
    let text = match topic {
        Some(topic) => format!("{nick} set the topic: {topic}"),
        None => format!("{nick} removed the topic"),
    };
    let words = Some(topic.unwrap_or_default().into());
    Notice::new(text, Facts { words, ..about(Event::Topic, &[nick]) })
}

pub(super) fn topic_too_long(bytes_max: usize) -> String {
    format!("a topic has at most {bytes_max} bytes")
}

pub(super) fn nobody(name: &str) -> String {
    format!("no one here is called {name}; /who shows who is here")
}

pub(super) fn ignores_you(name: &str) -> String {
    format!("{name} ignores your messages")
}

/// What somebody does, in a private message: `* ann waves`
pub(super) fn act(nick: &str, text: &str) -> String {
    format!("* {nick} {text}")
}

pub(super) fn too_many_recipients(recipients_max: usize) -> String {
    format!("a message goes to at most {recipients_max} users at once")
}

/// `ann rolls 2d6+1: 3 + 5 + 1 = 9`, `ann rolls d20: 17`
pub(super) fn rolled(nick: &str, dice: &str, faces: &[u16], bonus: i32) -> String {
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

pub(super) fn bad_dice(dice_max: u16, sides_max: u16) -> String {
    format!(
        "dice are typed like 2d6, d20 or 3d6+2: at most {dice_max}, with 2 to {sides_max} sides"
    )
}

pub(super) fn does_not_read(name: &str) -> String {
    format!("{name} is not reading at the moment; try again later")
}

pub(super) fn is_away(name: &str, reason: &str) -> Notice {
    let facts = Facts { reason: some(reason), ..about(Event::Away, &[name]) };
    Notice::new(format!("{name} is away{}", reason_after_colon(reason)), facts)
}

pub(super) fn ignored(names: &[&str]) -> String {
    match names {
        [] => "you ignore no one; /ignore NAME hides what a user says".into(),
        _ => format!("you ignore {}", names.join(", ")),
    }
}

pub(super) fn ignore(name: &str, is_ignored: bool) -> String {
    match is_ignored {
        true => format!("you no longer see what {name} says"),
        false => format!("you see what {name} says again"),
    }
}

pub(super) fn too_many_ignored(people_max: usize) -> String {
    format!("you already ignore {people_max} users, which is the limit")
}

pub(super) fn bell(is_on: bool) -> &'static str {
    match is_on {
        true => "a bell rings when your name is said",
        false => "no bell rings",
    }
}

pub(super) fn quiet(is_on: bool) -> &'static str {
    match is_on {
        true => "join and leave notices are hidden",
        false => "join and leave notices are shown",
    }
}

/// `/timestamps`, with the zone if they are on.
pub(super) fn timestamps(zone: Option<&str>) -> String {
    match zone {
        Some(zone) => format!("timestamps are on, in UTC{zone}"),
        None => "timestamps are off".to_owned(),
    }
}

/// `/charset`
pub(super) fn charset(name: &str) -> String {
    format!("your characters are {name}; /charset NAME sets others, such as latin1 or cp437")
}

/// `/charset latin1`
pub(super) fn charset_set(name: &str) -> String {
    format!("your characters are {name} from now on")
}

pub(super) fn no_charset(name: &str) -> String {
    let shown = &name[..name.floor_char_boundary(32)];
    format!("no character set is called {shown}; try utf-8, latin1, cp437 or windows-1252")
}

/// `/color`
pub(super) fn color(is_on: bool) -> &'static str {
    if is_on { "colors are on" } else { "colors are off" }
}

pub(super) fn format(name: &str) -> String {
    format!("lines are sent to you as {name}")
}

pub(super) fn away(nick: &str, is_away: bool, reason: &str) -> Notice {
    let reason = some(reason);
    match is_away {
        true => {
            let facts = Facts { reason, ..about(Event::Away, &[nick]) };
            Notice::new("you are away, until you say something", facts)
        }
        false => Notice::new("you are back", about(Event::Back, &[nick])),
    }
}

pub(super) fn reason_too_long(bytes_max: usize) -> String {
    format!("a reason has at most {bytes_max} bytes")
}

/// `bob: in lobby, here for 2 hours, silent for 5 minutes, away: "lunch", from 10.0.0.7:4711`
/// What `/whois` adds of a client that speaks TLS.
pub(super) fn speaks(version: &str) -> String {
    format!(", with {version}")
}

pub(super) fn whois(
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
pub(super) fn whois_elsewhere(remote: &Remote, here: u32, server: &str) -> String {
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

/// The name in the answer to `/who`: `bob`, `bob (away: "lunch")`
pub(super) fn member(nick: &str, address: Option<&str>, away: Option<&str>) -> String {
    let mut text = nick.to_owned();
    if let Some(address) = address {
        text += &format!(" ({address})");
    }
    if let Some(reason) = away {
        text += &format!(" (away{})", reason_after_colon(reason));
    }
    text
}

pub(super) fn time(now: Time) -> String {
    format!("it is {}", rfc3339(now))
}

pub(super) fn uptime(time: Duration) -> String {
    format!("up for {}", span(time.as_secs() as u32))
}

pub(super) fn stats(counts: &Counts, clients: usize, rooms: usize) -> String {
    format!("{clients} here in {}, {}", count(rooms as u64, "room"), counts.came())
}

impl Counts {
    /// What `/stats` shows of clients and lines: `3 came, 2 lines, 0 skipped`
    pub fn came(&self) -> String {
        let Counts { clients, lines, lines_missed, .. } = self;
        format!("{clients} came, {}, {lines_missed} skipped", count(*lines, "line"))
    }

    /// What `/stats` shows of the endings: `ended: 3 quit, 1 connection reset`
    pub fn ended(&self) -> String {
        let endings = self.endings.iter().filter(|(_, count)| **count > 0);
        let endings: Vec<_> =
            endings.map(|(ending, count)| format!("{count} {}", ending.name())).collect();
        match &endings[..] {
            [] => "ended: none".into(),
            _ => format!("ended: {}", endings.join(", ")),
        }
    }
}

/// What stands around the words of a client within an answer.
const QUOTE: char = '"';

/// `: "lunch"`, so that a reason can't be taken for more of the answer.
fn reason_after_colon(reason: &str) -> String {
    match reason {
        "" => String::new(),
        _ => format!(": {QUOTE}{}{QUOTE}", reason.replace(QUOTE, "'")),
    }
}

/// `5 minutes ago`
fn ago(seconds: u32) -> String {
    format!("{} ago", span(seconds))
}

/// `5 minutes`, in the largest unit of which there is one.
fn span(seconds: u32) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    match units.into_iter().find(|(unit, _)| seconds >= *unit) {
        Some((unit, name)) => count(u64::from(seconds / unit), name),
        None => "less than a minute".into(),
    }
}

/// `1 line`, `2 lines`
fn count(count: u64, name: &str) -> String {
    match count {
        1 => format!("1 {name}"),
        _ => format!("{count} {name}s"),
    }
}

pub(super) const TIMESTAMPS_USAGE: &str =
    "usage: /timestamps on|off, or with a zone: /timestamps +02:00";

pub(super) fn usage(usage: &str) -> String {
    format!("usage: {usage}")
}

pub(super) fn example(example: &str) -> String {
    format!("example: {example}")
}

pub(super) fn unknown_command(word: &str, nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("there is no command {word}; did you mean /{nearest}?"),
        None => format!("there is no command {word}; /help all lists them, and //text says /text"),
    }
}

/// Somebody typed a command without its slash.
pub(super) fn slip(word: &str) -> String {
    format!("commands begin with a slash: /{word}; to say {word}, type it again")
}

pub(super) fn no_other_name(why: &str) -> String {
    format!("goodbye: {why}")
}

pub(super) fn too_fast(lines_per_second: u32) -> Notice {
    let lines = count(lines_per_second.into(), "line");
    let text =
        format!("you send faster than {lines} a second: the rest is delayed, and nothing is lost");
    Notice::of(Event::Throttle, text)
}

pub(super) fn line_too_long(bytes_max: usize) -> Notice {
    let text = format!("that line was not sent: it is longer than {bytes_max} bytes");
    Notice::of(Event::Unsent, text)
}

pub(super) fn paste_too_long(bytes_max: usize) -> String {
    format!("nothing was sent: the paste is longer than {} KiB", bytes_max / 1024)
}

pub(super) fn lagged(missed: u64) -> Notice {
    let text = match missed {
        1 => "1 line skipped: it came faster than you read".into(),
        _ => format!("{missed} lines skipped: they came faster than you read"),
    };
    Notice::new(text, counted(Event::Gap, missed))
}

/// The last that a client is told.
pub(super) fn farewell(text: &str, ending: CloseReason) -> Notice {
    let facts = Facts { reason: some(ending.name()), ..Facts::new(Event::Goodbye) };
    Notice::new(text, facts)
}

pub(super) fn lagged_closing(missed: u64) -> String {
    format!("goodbye: {} came faster than you read", count(missed, "line"))
}

pub(super) fn unfinished(limit: Duration) -> String {
    format!("goodbye: your line wasn't finished in {} s; a line ends with LF", limit.as_secs())
}

pub(super) fn idle(limit: Duration) -> String {
    format!("goodbye: you sent nothing for {} s", limit.as_secs())
}

pub(super) fn idle_warning(left: Duration) -> Notice {
    let left = left.as_millis().div_ceil(1000);
    let text = format!(
        "your connection ends in {left} s unless you send something, an empty line will do"
    );
    Notice::new(text, counted(Event::Idle, left as u64))
}

/// Clients that are throttled: `throttled: ann, bob`
pub(super) fn throttled(names: &[&str]) -> String {
    format!("throttled: {}", names.join(", "))
}

pub(super) fn password_wrong(left: u8) -> Notice {
    let text = match left {
        0 => "wrong password, and no tries are left".into(),
        _ => format!("wrong password, {} left", tries(left)),
    };
    Notice::new(text, counted(Event::Login, left.into()))
}

pub(super) fn operator_password_wrong(left: u8) -> String {
    match left {
        0 => "wrong operator password, and no tries are left".into(),
        _ => format!("wrong operator password, {} left", tries(left)),
    }
}

pub(super) fn no_password(limit: Duration) -> String {
    format!("goodbye: the password didn't come in {} s", limit.as_secs())
}

/// `1 try`, `2 tries`
fn tries(count: u8) -> String {
    match count {
        1 => "1 try".into(),
        _ => format!("{count} tries"),
    }
}

/// ` for 90 minutes more`, or nothing if it is for ever.
fn lasting(seconds: Option<u32>) -> String {
    match seconds {
        None => String::new(),
        Some(seconds @ ..120) => format!(" for {seconds} s more"),
        Some(seconds @ ..172_800) => format!(" for {} minutes more", seconds.div_ceil(60)),
        Some(seconds) => format!(" for {} days more", seconds.div_ceil(86_400)),
    }
}

pub(super) fn you_are_kicked(reason: &str) -> String {
    format!("goodbye: an operator kicked you{}", reason_after_colon(reason))
}

/// `bob left (kicked: "spam")`
pub(super) fn kicked(name: &str, reason: &str) -> Notice {
    let facts = Facts { reason: some(reason), ..about(Event::Kick, &[name]) };
    Notice::new(format!("{name} left (kicked{})", reason_after_colon(reason)), facts)
}

pub(super) fn is_kicked(name: &str) -> String {
    format!("{name} was kicked")
}

pub(super) fn you_are_banned(seconds: Option<u32>, reason: &str) -> String {
    let why = reason_after_colon(reason);
    format!("goodbye: your address is banned{}{why}", lasting(seconds))
}

/// `192.0.2.0/24 is banned for 60 minutes more, 2 clients were disconnected`
pub(super) fn is_banned(network: IpNet, seconds: Option<u32>, clients: usize) -> String {
    let were = if clients == 1 { "was" } else { "were" };
    let clients = count(clients as u64, "client");
    format!("{network} is banned{}, {clients} {were} disconnected", lasting(seconds))
}

pub(super) fn is_local(name: &str) -> String {
    format!("{name} is on the server's machine, which can't be banned; /kick {name} works")
}

pub(super) fn is_link_local(name: &str) -> String {
    format!("{name} has a link-local address, which can't be banned; /kick {name} works")
}

pub(super) fn is_this_machine(network: IpNet) -> String {
    format!("{network} is the server's machine, which can't be banned")
}

pub(super) fn would_ban_you(network: IpNet) -> String {
    format!("you are connected from {network} yourself")
}

pub(super) fn too_many_bans(bans_max: usize) -> String {
    format!("the limit of {bans_max} bans is reached; /unban makes room")
}

pub(super) fn no_ban(network: IpNet) -> String {
    format!("{network} isn't banned; /bans shows what is")
}

pub(super) fn unbanned(network: IpNet) -> String {
    format!("{network} is no longer banned")
}

/// `2 bans:`
pub(super) fn bans(bans: usize) -> String {
    match bans {
        0 => "no one is banned".into(),
        _ => format!("{}:", count(bans as u64, "ban")),
    }
}

/// `192.0.2.0/24 for 5 minutes more, by ann: "spam"`
pub(super) fn ban(network: IpNet, seconds: Option<u32>, by: &str, reason: &str) -> String {
    format!("{network}{}, by {by}{}", lasting(seconds), reason_after_colon(reason))
}

pub(super) fn bans_left_out(bans: usize) -> String {
    format!("and {} more, in the file of bans", count(bans as u64, "ban"))
}

/// With an end if there is one, in so many seconds.
pub(super) fn you_are_muted(seconds: Option<u32>) -> Notice {
    let facts = Facts { count: seconds.map(u64::from), ..Facts::new(Event::Mute) };
    Notice::new(muted_text(seconds), facts)
}

/// The same to one who says something.
pub(super) fn silenced(seconds: Option<u32>) -> Notice {
    Notice::of(Event::Unsent, muted_text(seconds))
}

fn muted_text(seconds: Option<u32>) -> String {
    format!("an operator has muted you{}: no one sees what you send", lasting(seconds))
}

pub(super) fn you_may_speak() -> Notice {
    Notice::of(Event::Unmute, "you may speak again")
}

pub(super) fn muted(name: &str, seconds: Option<u32>) -> String {
    format!("{name} is muted{}", lasting(seconds))
}

pub(super) fn unmuted(name: &str) -> String {
    format!("{name} may speak again")
}

pub(super) fn not_muted(name: &str) -> String {
    format!("{name} isn't muted")
}

pub(super) fn too_many_mutes(mutes_max: usize) -> String {
    format!("the limit of {mutes_max} mutes with an end is reached; /unmute makes room")
}

pub(super) const MUTE_TIME: &str =
    "a mute lasts from 1 second to 365 days: /mute ann 30s, 10m, 2h or 1d";

/// What newcomers to a room are told of its rules, if there are some.
pub(super) fn rules(rules: &Rules) -> Option<Notice> {
    let slow = (rules.slow_seconds > 0).then(|| one_line_in(rules.slow_seconds));
    let lock = rules.is_locked.then(|| "it is locked for others".to_owned());
    let text = match (slow, lock) {
        (Some(slow), Some(lock)) => format!("this room is in slow mode, {slow}, and {lock}"),
        (Some(slow), None) => format!("this room is in slow mode: {slow}"),
        (None, Some(_)) => "this room is locked for others".into(),
        (None, None) => return None,
    };
    Some(Notice::new(text, rules_now(&[], rules)))
}

/// An operator has set rules.
pub(super) fn rules_set(nick: &str, text: String, rules: &Rules) -> Notice {
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

pub(super) fn slow(seconds: u32) -> String {
    match seconds {
        0 => "slow mode is off".into(),
        _ => format!("slow mode is on: {}", one_line_in(seconds)),
    }
}

pub(super) fn slow_set(nick: &str, seconds: u32) -> String {
    match seconds {
        0 => format!("{nick} turned off slow mode"),
        _ => format!("{nick} turned on slow mode: {}", one_line_in(seconds)),
    }
}

pub(super) const SLOW_TIME: &str =
    "slow mode takes 1 second to 1 hour: /slow 5s, /slow 1m, /slow off";

/// A line that came too soon.
pub(super) fn too_soon(seconds: u32, wait: u32) -> Notice {
    let text =
        format!("not sent: slow mode allows one line in {seconds} s; send it again in {wait} s");
    Notice::new(text, counted(Event::Unsent, wait.into()))
}

/// The answer to a POST of which some lines came too soon.
pub(super) fn partly_posted(unsent: u32, why: &str) -> String {
    let why = why.strip_prefix("not sent: ").unwrap_or(why);
    let were = if unsent == 1 { "was" } else { "were" };
    format!("{} {were} not sent, the others were: {why}", count(unsent.into(), "line"))
}

pub(super) fn locked(nick: &str) -> String {
    format!("{nick} locked the room: no one else can enter, but those whom an operator invites")
}

pub(super) fn unlocked(nick: &str) -> String {
    format!("{nick} unlocked the room")
}

pub(super) const LOCKED_ALREADY: &str = "the room is locked already; /invite NAME lets a user in";
pub(super) const NOT_LOCKED: &str = "the room isn't locked";

pub(super) fn is_locked(room: &str) -> String {
    format!("{room} is locked: an operator has to invite you")
}

/// The answer to a request, and the farewell of a WebSocket.
pub(super) fn locked_out(room: &str) -> String {
    format!("goodbye: {room} is locked, and only users whom an operator invites can enter")
}

/// What newcomers are asked while the first room is locked.
pub(super) fn locked_entry(room: &str) -> Notice {
    let text = format!(
        "{room} is locked: wait, type the name that was invited, or the operators' password"
    );
    Notice::new(text, Facts { target: some(room), ..Facts::new(Event::Login) })
}

pub(super) fn invited(name: &str, room: &str) -> String {
    format!("{name} can enter {room} now")
}

pub(super) fn you_are_invited(by: &str, room: &str) -> Notice {
    let facts = Facts { target: some(room), ..about(Event::Invite, &[by]) };
    Notice::new(format!("{by} invites you: /join {room} takes you there"), facts)
}

pub(super) fn too_many_invited(invited_max: usize) -> String {
    format!("{invited_max} users are invited, which is the limit; /unlock ends that")
}

/// `ann cleared lines 5 to 7 from the history`
pub(super) fn cleared(nick: &str, first: u64, last: u64) -> Notice {
    let text = match first == last {
        true => format!("{nick} cleared line {first} from the history"),
        false => format!("{nick} cleared lines {first} to {last} from the history"),
    };
    let (first, last) = (Some(first), Some(last));
    Notice::new(text, Facts { first, last, ..about(Event::Clear, &[nick]) })
}

/// To a client that asks for what was said since a line.
pub(super) fn lines_cleared(lines: u64) -> Notice {
    let were = if lines == 1 { "was" } else { "were" };
    let text = format!("{} {were} cleared since then", count(lines, "line"));
    Notice::new(text, counted(Event::Clear, lines))
}

pub(super) const NOTHING_TO_CLEAR: &str = "there is nothing to clear";

/// `2 operators: ann, bob on office`
pub(super) fn operators(names: &[String]) -> String {
    format!("{}: {}", count(names.len() as u64, "operator"), names.join(", "))
}

pub(super) fn operator_elsewhere(remote: &Remote, server: &str) -> String {
    format!("{} on {server}", remote.nick.as_str())
}

/// `bob reports eve in lobby: "spam"`
pub(super) fn report(report: &SharedReport) -> Notice {
    let SharedReport { by, about, room, why, .. } = report;
    let text = format!("{by} reports {about} in {room}{}", reason_after_colon(why));
    let who = vec![by.clone(), about.clone()];
    let (target, reason) = (some(room), some(why));
    Notice::new(text, Facts { who, target, reason, ..Facts::new(Event::Report) })
}

/// The same with the time, in a list.
pub(super) fn report_then(it: &SharedReport, zone: &TimeZone) -> Notice {
    let report = report(it);
    Notice { text: format!("{} {}", date_and_time(it.time, zone), report.text), ..report }
}

pub(super) fn reports_waiting(reports: usize) -> String {
    format!("{} since an operator was here:", count(reports as u64, "report"))
}

pub(super) fn reports(reports: usize) -> String {
    match reports {
        0 => "no one has reported anything".into(),
        1 => "the last report:".into(),
        _ => format!("the last {reports} reports, newest last:"),
    }
}

pub(super) const REPORTED: &str = "the operators have your report";
pub(super) const REPORTED_LATER: &str =
    "no operator is here: the next one who comes will see your report";

pub(super) fn too_many_reports(seconds: u32) -> String {
    format!("not reported: there were too many reports; try again in {seconds} s")
}

/// `2026-11-20 14:03 ann kicks bob`
pub(super) fn action(time: Time, what: &str, zone: &TimeZone) -> String {
    format!("{} {what}", date_and_time(time, zone))
}

pub(super) fn actions(actions: usize) -> String {
    match actions {
        1 => "the last action of an operator:".into(),
        _ => format!("the last {actions} actions of operators, newest last:"),
    }
}

/// What an operator says to everyone.
pub(super) fn announcement(name: &str, text: &str) -> Notice {
    let facts = Facts { words: some(text), ..about(Event::Announce, &[name]) };
    Notice::new(format!("{name} announces: {text}"), facts)
}

impl Refusal {
    /// What the client is told, without what begins a notice.
    pub fn text(&self) -> String {
        match *self {
            Refusal::Full { clients } => {
                let are = if clients == 1 { "is" } else { "are" };
                let clients = count(clients as u64, "client");
                format!("full: {clients} {are} connected, which is the limit; try again later")
            }
            Refusal::PerAddress { clients } => {
                let are = if clients == 1 { "is" } else { "are" };
                let clients = count(clients as u64, "client");
                format!("refused: {clients} {are} connected from your address, which is the limit")
            }
            Refusal::NewPerMinute { connections, wait } => format!(
                "refused: {} a minute from one address is the limit; try again in {} s",
                count(connections.into(), "connection"),
                wait.as_millis().div_ceil(1000),
            ),
            Refusal::Unserved => {
                "refused: the server cannot take more connections; try again later".into()
            }
            Refusal::PlainText { ref address } => {
                let (host, port) = match address {
                    Some((host, port)) => (host.to_string(), port.to_string()),
                    None => ("HOST".into(), "PORT".into()),
                };
                // As a URL has them (RFC 3986, section 3.2.2).
                let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                let (ncat, openssl) = ("ncat --ssl", "openssl s_client -quiet -connect");
                let commands =
                    format!("{ncat} {host} {port}, or with {openssl} {bracketed}:{port}");
                format!("refused: TLS is required here; connect with {commands}")
            }
            Refusal::Denied => "refused: your address is not allowed here".into(),
            Refusal::Banned { seconds, ref reason } => {
                let (lasting, why) = (lasting(seconds), reason_after_colon(reason));
                format!("refused: your address is banned{lasting}{why}")
            }
        }
    }
}

/// A line of `/help`, with so much place for how a command is typed.
pub(super) fn help_line(usage: &str, help: &str, width: usize) -> String {
    format!("{usage:<width$} {help}")
}

pub(super) const HELP_MORE: &str = "/help all shows all commands, /help COMMAND shows one";
