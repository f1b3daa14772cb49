//! `roomcast find`: shows the rooms on the LAN and how to join them.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use roomcast::discovery::{self, Found};
use roomcast::net::Advertised;
use roomcast::wire::Text;
use unicode_width::UnicodeWidthStr;

use crate::joining::Place;

/// Show the rooms on the LAN and how to join them
#[derive(Debug, Args)]
pub struct FindArgs {}

/// Rooms answer within a tenth of a second. Some links lose packets, and who has asked asks
/// again after a second.
const SEARCH_TIME: Duration = Duration::from_secs(2);

/// How wide the column of names may be.
const NAME_WIDTH_MAX: usize = 30;

impl FindArgs {
    /// Looks for rooms and prints them.
    ///
    /// # Errors
    /// Why none can be shown, for the user.
    pub fn run(self) -> Result<(), String> {
        let rooms = discovery::find(SEARCH_TIME)?;
        if rooms.is_empty() {
            if let Some(why) = discovery::why_no_lan() {
                return Err(format!("no rooms found, and none here can be announced: {why}"));
            }
            return Err("no rooms found on this LAN; run roomcast to start one".into());
        }
        let cannot = |error: io::Error| format!("cannot print: {error}");
        io::stdout().write_all(table(&rooms).as_bytes()).map_err(cannot)
    }
}

/// A line for each room: its name, how many people are there, and how to join.
fn table(rooms: &[Found]) -> String {
    let rows = rooms.iter().map(|room| {
        let name = shown(&room.name);
        let people = room.users.map_or("?".to_owned(), |users| users.to_string());
        (name, people, commands(room))
    });
    let rows: Vec<_> = rows.collect();
    let widths = rows.iter().map(|(name, ..)| name.width());
    let width = widths.max().unwrap_or_default().clamp("NAME".len(), NAME_WIDTH_MAX);
    let line = |name: &str, people: &str, how: &str| {
        let gap = " ".repeat(width.saturating_sub(name.width()));
        format!("{name}{gap}  {people:>6}  {how}\n")
    };
    let mut text = line("NAME", "PEOPLE", "JOIN WITH");
    for (name, people, how) in rows {
        text += &line(&name, &people, &how);
    }
    text
}

/// What others have sent, without anything that a terminal would obey.
fn shown(text: &str) -> String {
    Text::clean(text.as_bytes()).as_str().replace('\t', " ")
}

fn commands(room: &Found) -> String {
    let advertised = room.advertised.as_deref().and_then(|at| at.parse::<Advertised>().ok());
    let (host, port) = match advertised {
        Some(Advertised { host, port }) => (host, port.unwrap_or(room.port)),
        None => (room.host.clone(), room.port),
    };
    let (has_page, security) = (room.has_page, room.security);
    let place = Place::Tcp { host, port, is_telnet: false, is_local: false, has_page, security };
    // The shortest command, and the page.
    let mut commands = place.commands();
    commands.truncate(1);
    commands.extend(place.page());
    let commands = commands.join("   or: ");
    if room.has_password { format!("{commands}   (password)") } else { commands }
}
