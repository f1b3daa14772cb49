//! What each client sets for itself.

pub const EDIT_OFFERED: &str =
    "line editing starts if your program supports it; /edit off stops it";
pub const EDIT_ON: &str = "the server edits your line already; /edit off stops it";
pub const EDIT_UNANSWERED: &str = "your program doesn't answer telnet options, so the server can't edit your line: use telnet, PuTTY or rlwrap nc (and ignore odd characters above)";
pub const EDIT_DECLINED: &str =
    "your program doesn't let the server edit your line; it may edit it itself";
pub const FORMAT_WEB: &str = "over the web everything is sent as JSON";
pub const EDIT_WEB: &str = "the server doesn't edit the line of a browser";
pub const EDIT_OFF: &str = "line editing is off";
pub const CHARSET_FIXED: &str = "browsers and JSON clients always get UTF-8";
pub const NOT_UTF8: &str =
    "your line is not UTF-8: others see � in it; set your terminal to UTF-8, or try /charset";

/// `/charset`
pub fn charset(name: &str) -> String {
    format!("your characters are {name}; /charset NAME sets others, such as latin1 or cp437")
}

/// `/charset latin1`
pub fn charset_set(name: &str) -> String {
    format!("your characters are {name} from now on")
}

pub fn no_charset(name: &str) -> String {
    let shown = &name[..name.floor_char_boundary(32)];
    format!("no character set is called {shown}; try utf-8, latin1, cp437 or windows-1252")
}

pub fn bell(is_on: bool) -> &'static str {
    match is_on {
        true => "the bell rings when your name is said",
        false => "the bell is off",
    }
}

pub fn quiet(is_on: bool) -> &'static str {
    match is_on {
        true => "join and leave notices are hidden",
        false => "join and leave notices are shown",
    }
}

pub const TIMESTAMPS_USAGE: &str = "usage: /timestamps on|off, or with a zone: /timestamps +02:00";

/// `/timestamps`, with the zone if they are on.
pub fn timestamps(zone: Option<&str>) -> String {
    match zone {
        Some(zone) => format!("timestamps are on, in UTC{zone}"),
        None => "timestamps are off".to_owned(),
    }
}

/// `/color`
pub fn color(is_on: bool) -> &'static str {
    if is_on { "colors are on" } else { "colors are off" }
}

pub fn format(name: &str) -> String {
    format!("lines are sent to you as {name}")
}
