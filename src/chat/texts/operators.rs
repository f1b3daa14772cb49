//! What operators do, and reports to them.

use ipnet::IpNet;
use jiff::tz::TimeZone;

use super::phrases::{about, count, count_were, lasting, reason_after_colon, some, tries};
use crate::chat::linking::directory::Remote;
use crate::chat::notice::Notice;
use crate::wire::{Facts, NoticeEvent as Event, SharedReport, Time, date_and_time};

pub const NO_OPERATORS: &str = "there are no operators here";
pub const YOU_ARE_OPERATOR: &str = "you are now an operator; /help shows what you can do";
pub const FOR_OPERATORS: &str = "only operators can do that; /op PASSWORD makes you one";
pub const NO_LONGER_OPERATOR: &str = "you are no longer an operator";

pub fn operator_password_wrong(left: u8) -> String {
    match left {
        0 => "wrong operator password, and no tries are left".into(),
        _ => format!("wrong operator password, {} left", tries(left)),
    }
}

/// `2 operators: ann, bob on office`
pub fn operators(names: &[String]) -> String {
    format!("{}: {}", count(names.len() as u64, "operator"), names.join(", "))
}

pub fn operator_elsewhere(remote: &Remote, server: &str) -> String {
    format!("{} on {server}", remote.nick.as_str())
}

/// What an operator says to everyone.
pub fn announcement(name: &str, text: &str) -> Notice {
    let facts = Facts { words: some(text), ..about(Event::Announce, &[name]) };
    Notice::new(format!("{name} announces: {text}"), facts)
}

pub const KICK_YOURSELF: &str = "you can't kick yourself; /quit leaves";

pub fn you_are_kicked(reason: &str) -> String {
    format!("goodbye: an operator kicked you{}", reason_after_colon(reason))
}

/// `bob left (kicked: "spam")`
pub fn kicked(name: &str, reason: &str) -> Notice {
    let facts = Facts { reason: some(reason), ..about(Event::Kick, &[name]) };
    Notice::new(format!("{name} left (kicked{})", reason_after_colon(reason)), facts)
}

pub fn is_kicked(name: &str) -> String {
    format!("{name} was kicked")
}

pub const BANS_UNSAVED: &str = "the bans can't be saved, so they end with the server";

pub fn you_are_banned(seconds: Option<u32>, reason: &str) -> String {
    let why = reason_after_colon(reason);
    format!("goodbye: your address is banned{}{why}", lasting(seconds))
}

pub const BAN_TIME: &str =
    "a ban lasts from 1 minute to 3650 days: /ban ann 10m, 2h or 7d; without a time for ever";

/// `192.0.2.0/24 is banned for 60 minutes more: "spam", 2 clients were disconnected`
pub fn is_banned(network: IpNet, seconds: Option<u32>, reason: &str, clients: usize) -> String {
    let time = seconds.map_or(" for ever".into(), |seconds| lasting(Some(seconds)));
    let (why, clients_were) = (reason_after_colon(reason), count_were(clients as u64, "client"));
    format!("{network} is banned{time}{why}, {clients_were} disconnected")
}

pub fn is_local(name: &str) -> String {
    format!("{name} is on the server's machine, which can't be banned; /kick {name} works")
}

pub fn is_link_local(name: &str) -> String {
    format!("{name} has a link-local address, which can't be banned; /kick {name} works")
}

pub fn is_this_machine(network: IpNet) -> String {
    format!("{network} is the server's machine, which can't be banned")
}

pub fn would_ban_you(network: IpNet) -> String {
    format!("you are connected from {network} yourself")
}

pub fn too_many_bans(bans_max: usize) -> String {
    format!("the limit of {bans_max} bans is reached; /unban makes room")
}

pub fn no_ban(network: IpNet) -> String {
    format!("{network} isn't banned; /bans shows what is")
}

pub fn unbanned(network: IpNet) -> String {
    format!("{network} is no longer banned")
}

/// `2 bans:`
pub fn bans(bans: usize) -> String {
    match bans {
        0 => "no one is banned".into(),
        _ => format!("{}:", count(bans as u64, "ban")),
    }
}

/// `192.0.2.0/24 for 5 minutes more, by ann: "spam"`
pub fn ban(network: IpNet, seconds: Option<u32>, by: &str, reason: &str) -> String {
    format!("{network}{}, by {by}{}", lasting(seconds), reason_after_colon(reason))
}

pub fn bans_left_out(bans: usize) -> String {
    format!("and {} more, in the file of bans", count(bans as u64, "ban"))
}

/// With an end if there is one, in so many seconds.
pub fn you_are_muted(seconds: Option<u32>) -> Notice {
    let facts = Facts { count: seconds.map(u64::from), ..Facts::new(Event::Mute) };
    Notice::new(muted_text(seconds), facts)
}

/// The same to one who says something.
pub fn silenced(seconds: Option<u32>) -> Notice {
    Notice::of(Event::Unsent, muted_text(seconds))
}

fn muted_text(seconds: Option<u32>) -> String {
    format!("an operator has muted you{}: no one sees what you send", lasting(seconds))
}

pub fn you_may_speak() -> Notice {
    Notice::of(Event::Unmute, "you may speak again")
}

pub const MUTE_YOURSELF: &str = "you can't mute yourself";

pub fn muted(name: &str, seconds: Option<u32>) -> String {
    format!("{name} is muted{}", lasting(seconds))
}

pub fn unmuted(name: &str) -> String {
    format!("{name} may speak again")
}

pub fn not_muted(name: &str) -> String {
    format!("{name} isn't muted")
}

pub fn too_many_mutes(mutes_max: usize) -> String {
    format!("the limit of {mutes_max} mutes with an end is reached; /unmute makes room")
}

pub const MUTE_TIME: &str = "a mute lasts from 1 second to 365 days: /mute ann 30s, 10m, 2h or 1d";

/// `bob reports eve in lobby: "spam"`
pub fn report(report: &SharedReport) -> Notice {
    let SharedReport { by, about, room, why, .. } = report;
    let text = format!("{by} reports {about} in {room}{}", reason_after_colon(why));
    let who = vec![by.clone(), about.clone()];
    let (target, reason) = (some(room), some(why));
    Notice::new(text, Facts { who, target, reason, ..Facts::new(Event::Report) })
}

/// The same with the time, in a list.
pub fn report_then(it: &SharedReport, zone: &TimeZone) -> Notice {
    let report = report(it);
    Notice { text: format!("{} {}", date_and_time(it.time, zone), report.text), ..report }
}

pub fn reports_waiting(reports: usize) -> String {
    format!("{} since an operator was here:", count(reports as u64, "report"))
}

pub fn reports(reports: usize) -> String {
    match reports {
        0 => "no one has reported anything".into(),
        1 => "the last report:".into(),
        _ => format!("the last {reports} reports, newest last:"),
    }
}

pub const REPORTED: &str = "the operators have your report";
pub const REPORTED_LATER: &str = "no operator is here: the next one to log in will see your report";

pub fn too_many_reports(seconds: u32) -> String {
    format!("not reported: there were too many reports; try again in {seconds} s")
}

/// `2026-11-20 14:03 ann kicks bob`
pub fn action(time: Time, what: &str, zone: &TimeZone) -> String {
    format!("{} {what}", date_and_time(time, zone))
}

pub fn actions(actions: usize) -> String {
    match actions {
        1 => "the last action of an operator:".into(),
        _ => format!("the last {actions} actions of operators, newest last:"),
    }
}
