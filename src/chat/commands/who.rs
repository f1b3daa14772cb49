//! `/who`: a row for each of those who are here, or a line for programs.

use unicode_width::UnicodeWidthStr;

use crate::chat::commands::Outcome;
use crate::chat::config::Prefix;
use crate::chat::ids::ClientId;
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::Layout;

/// People who get a row: those who said something last. The others are named below.
const ROWS_MAX: usize = 20;

/// Members of a room that are looked at, so that the answer costs little in a large one.
const MEMBERS_MAX: usize = 1000;

/// Columns of the widest name that the others are aligned with: a row fits a window of 40.
const NAME_COLUMNS_MAX: usize = 24;

/// One of those who are here.
struct Row {
    /// For how many minutes it has said nothing.
    idle_minutes: u32,
    name: String,
    remarks: String,
}

impl Chat {
    /// Those in a client's room, who said something last first.
    fn people_around(&self, id: ClientId) -> Vec<(u32, ClientId)> {
        let room = self.sessions[id].room;
        let browsers = &self.admission.browsers;
        let members = self.rooms[room].members().iter().copied().take(MEMBERS_MAX);
        let here = members.filter(|other| !browsers.is_spare(*other));
        let elsewhere = self.rooms[room].key.iter().flat_map(|key| self.directory.people_in(key));
        let all = here.chain(elsewhere.take(MEMBERS_MAX));
        let mut people: Vec<_> = all.map(|other| (self.idle_minutes(other), other)).collect();
        people.sort_unstable();
        people
    }

    /// For how many minutes somebody has said nothing. Of people on other servers only what
    /// they say in rooms of this one counts.
    fn idle_minutes(&self, id: ClientId) -> u32 {
        let seconds = match self.directory.get(id) {
            Some(remote) => self.clock.wall().saturating_sub(remote.since.max(remote.spoke)),
            None => self.clock.uptime().saturating_sub(self.sessions[id].silent_since()),
        };
        seconds / 60
    }

    fn row(&self, (idle_minutes, id): (u32, ClientId), asker: ClientId) -> Row {
        if let Some(remote) = self.directory.get(id) {
            let is_shown = self.config.prefix == Prefix::Addr;
            let address = remote.address.as_deref().filter(|_| is_shown);
            let server = self.directory.server_name(&remote.id.server);
            let remarks = texts::who_remarks(address, remote.away.as_deref(), false, Some(server));
            return Row { idle_minutes, name: remote.nick.as_str().into(), remarks };
        }
        let session = &self.sessions[id];
        let rare = session.rare();
        let is_muted = rare.muting.is_some() && self.is_operator(asker);
        let remarks =
            texts::who_remarks(self.shown_address(id), rare.away.as_deref(), is_muted, None);
        Row { idle_minutes, name: session.nick.as_str().into(), remarks }
    }
}

/// `/who`
pub(in crate::chat) fn who(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    let newest = chat.position(id);
    if chat.sessions[id].reader.newest_encoding().layout == Layout::Json {
        // Programs have it in one line, and don't care for columns.
        chat.notify(id, &texts::who(chat.here(id), newest));
        return Ok(());
    }
    let (people, count) = (chat.people_around(id), chat.people_in(chat.sessions[id].room));
    let (first, others) = people.split_at(people.len().min(ROWS_MAX));
    let rows: Vec<_> = first.iter().map(|&person| chat.row(person, id)).collect();
    let columns = rows.iter().map(|row| row.name.width()).filter(|it| *it <= NAME_COLUMNS_MAX);
    let columns = columns.max().unwrap_or_default();
    let mut lines = vec![texts::who_head(count, newest)];
    for Row { idle_minutes, name, remarks, .. } in &rows {
        let name = format!("{name}{}", " ".repeat(columns.saturating_sub(name.width())));
        lines.push(texts::who_row(&name, *idle_minutes, remarks));
    }
    if !others.is_empty() {
        let shown = others.iter().take(texts::NAMES_MAX - ROWS_MAX);
        let names = shown.map(|&person| chat.row(person, id).name);
        lines.push(texts::who_others(count - first.len(), names));
    }
    lines.iter().for_each(|line| chat.notify(id, line));
    Ok(())
}
