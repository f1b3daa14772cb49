//! Other servers, and the link to them.

use jiff::tz::TimeZone;

use super::people::NAMES_MAX;
use super::phrases::{about, and_more, count, counted, some};
use crate::chat::notice::Notice;
use crate::wire::{Facts, NoticeEvent as Event, Time, date_and_time};

/// The engine of several servers doesn't answer.
pub const LINK_DOWN: &str =
    "the link to the other servers is down: nothing can be said until it is back";

pub const LINK_DOWN_ALONE: &str =
    "the link to the other servers is down: until it is back, lines reach this server only";
pub const LINK_IS_DOWN: &str = "the link to the other servers is down: try again later";
pub const NOT_SENT: &str = "not sent: the link to the other servers is down";
pub const NO_ROOM_NOW: &str = "the link to the other servers is down: try again later";
pub const NO_NAME_NOW: &str =
    "the other servers don't answer, so that name can't be checked: try again later";

/// The link is down: `text` says what that means.
pub fn link_down(text: &str) -> Notice {
    Notice::new(text, cluster("down"))
}

pub fn link_up() -> Notice {
    Notice::new("the link to the other servers is back", cluster("up"))
}

/// How the link, or another server, is now.
fn cluster(state: &'static str) -> Facts {
    Facts { state: Some(state.into()), ..Facts::new(Event::Cluster) }
}

pub fn not_sent() -> Notice {
    Notice::of(Event::Unsent, NOT_SENT)
}

pub fn engine_forgot() -> Notice {
    let text = "the servers have lost their shared history: line numbers start over";
    Notice::of(Event::Gap, text)
}

/// So many lines were too many while a server was alone.
pub fn lines_said_alone(lines: u64) -> Notice {
    let were = if lines == 1 { "was" } else { "were" };
    let text =
        format!("{} that {were} said while a server was alone {were} lost", count(lines, "line"));
    Notice::new(text, counted(Event::Gap, lines))
}

/// So many lines of other servers didn't come here.
pub fn missing_lines(lines: u64) -> Notice {
    let are = if lines == 1 { "is" } else { "are" };
    let text = format!("{} from other servers {are} missing here", count(lines, "line"));
    Notice::new(text, counted(Event::Gap, lines))
}

/// A line that others hear long after it was said. It is the same on all servers, so its time is
/// in no zone of one of them.
pub fn late(time: Time, text: &str) -> String {
    format!("(said at {} UTC) {text}", date_and_time(time, &TimeZone::UTC))
}

/// `the server office2 is gone, along with 2 people: ann, bob`
pub fn server_gone(server: &str, names: &[&str], is_planned: bool) -> Notice {
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
    let more = and_more(names.len().saturating_sub(NAMES_MAX));
    format!("the server {server} {is_gone}, along with {people}: {shown}{more}")
}

pub fn server_back(server: &str) -> Notice {
    let facts = Facts { target: some(server), ..cluster("back") };
    Notice::new(format!("the server {server} is back"), facts)
}

/// `link: up; office2, office3; 12 clients on other servers; 0 lines pending`
pub fn link(is_up: bool, servers: &[&str], people: usize, waiting: usize) -> String {
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

pub fn no_answer(name: &str) -> String {
    format!("the server of {name} doesn't answer: try again later")
}
