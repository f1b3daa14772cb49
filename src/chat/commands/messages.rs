//! From one person to another, and about one.

use std::borrow::Cow;

use crate::chat::commands::{Outcome, Problem, switch};
use crate::chat::ids::ClientId;
use crate::chat::input::Manner;
use crate::chat::linking::people::nick_of;
use crate::chat::member::{Correspondent, NOTE_BYTES_MAX};
use crate::chat::names::nick::Nick;
use crate::chat::names::proof::PROOF_SIGN;
use crate::chat::notice::Notice;
use crate::chat::room::RoomId;
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::{Kind, Layout, Task, is_said};

/// People that one may ignore.
const IGNORED_MAX: usize = 100;

/// Bells and answers that may wait for a client before no more bells do: a bell
/// is a byte, but takes the memory of a note.
const NOTES_MAX: usize = 64;

/// The longest reason for being away or leaving, in bytes.
pub(super) const REASON_BYTES_MAX: usize = 100;

/// Users that one private message goes to.
const RECIPIENTS_MAX: usize = 5;
/// Lines that `/mentions` shows.
const MENTIONS_MAX: usize = 10;

/// Bytes that it shows of each.
const MENTION_BYTES_MAX: usize = 400;

/// Bytes of a room's newest lines that `/mentions` looks through at most: half a millisecond. A
/// name beyond ASCII takes longer to look for, as if there were so many times as much.
const SEARCHED_BYTES_MAX: usize = 512 * 1024;
const SLOW_FACTOR: usize = 4;

/// So many bytes are as much work as a key.
const SEARCHED_BYTES_A_KEY: usize = 256;

impl Chat {
    /// Whom a name belongs to, with its proof or without; it may be a client of another server,
    /// which has no session here.
    pub(in crate::chat) fn find_client(&self, name: &str) -> Result<ClientId, Problem> {
        let bare = name.split(PROOF_SIGN).next().unwrap_or_default();
        let nick = Nick::parse(bare).ok();
        let nick_of = nick_of(&self.sessions, &self.directory);
        let holder = nick.and_then(|nick| self.names.find(&nick, &nick_of));
        let is_proved = |id: &ClientId| {
            let nick = nick_of(*id).as_str();
            bare == name || nick.split_once(PROOF_SIGN) == name.split_once(PROOF_SIGN)
        };
        holder.filter(is_proved).ok_or_else(|| texts::nobody(name).into())
    }

    /// Sends `text` from one client to another.
    fn send_private(&mut self, from: ClientId, to: ClientId, text: &str) -> Outcome {
        let text = &*match Manner::of(text) {
            (Manner::Say, text) => Cow::Borrowed(text),
            (Manner::Act, text) => texts::act(self.sessions[from].nick.as_str(), text).into(),
        };
        if to.is_elsewhere() {
            self.come_back(from);
            return self.send_errand(from, to, Task::Tell(text.into()));
        }
        let sender = self.sessions[from].nick.clone();
        let author = Correspondent::Here(from);
        let notice = self.receive_private(to, from, author, sender.as_str(), text)?;
        self.come_back(from);
        let name = self.sessions[to].nick.clone();
        self.tell(from, Kind::Sent, sender.as_str(), name.as_str(), text);
        if let Some(notice) = notice {
            self.notify(from, &notice);
        }
        Ok(())
    }

    /// A client here is sent `text` by one of this server or of another one, which is called
    /// `sender`. Gives what that is told.
    pub(in crate::chat) fn receive_private(
        &mut self,
        to: ClientId,
        from: ClientId,
        author: Correspondent,
        sender: &str,
        text: &str,
    ) -> Result<Option<Notice>, Problem> {
        let recipient = &self.sessions[to];
        let name = recipient.nick.clone();
        if recipient.reader.filter().is_some_and(|filter| filter.ignored.contains(&from)) {
            return Err(texts::ignores_you(name.as_str()).into());
        }
        if recipient.reader.note_bytes() > NOTE_BYTES_MAX {
            return Err(texts::does_not_read(name.as_str()).into());
        }
        let away = recipient.rare().away.clone();
        self.tell(to, Kind::Received, sender, name.as_str(), text);
        self.sessions[to].set_rare(|rare| rare.correspondent = Some(author));
        Ok(away.map(|reason| texts::is_away(name.as_str(), &reason)))
    }

    /// Sends `text` to each of these names. One that it doesn't reach holds up no other one.
    fn send_to_several(&mut self, from: ClientId, names: &str, text: &str) -> Outcome {
        let names: Vec<_> = names.split(',').filter(|name| !name.is_empty()).collect();
        if names.is_empty() {
            return Err(Problem::Usage);
        }
        if names.len() > RECIPIENTS_MAX {
            return Err(texts::too_many_recipients(RECIPIENTS_MAX).into());
        }
        self.pace.take_lines(from, self.clock.now(), names.len() as u32 - 1);
        let mut reached = Vec::new();
        for name in names {
            let result = self.find_client(name).and_then(|to| {
                if reached.contains(&to) {
                    return Ok(());
                }
                reached.push(to);
                self.send_private(from, to, text)
            });
            match result {
                Ok(()) => {}
                Err(Problem::Because(why)) => self.refuse(from, &why),
                Err(Problem::Usage) => return Err(Problem::Usage),
            }
        }
        Ok(())
    }

    /// Rings the bells of the clients that `author` names in `text` in a room.
    pub(in crate::chat) fn ring(&mut self, room: RoomId, author: ClientId, text: &str) {
        for id in self.names.bells().named_in(text) {
            let session = &self.sessions[id];
            let is_ignored =
                session.reader.filter().is_some_and(|filter| filter.ignored.contains(&author));
            // A bell comes after its line, which one that stops isn't sent now.
            let can_hear = session.reader.newest_encoding().layout != Layout::Json
                && !session.reader.is_stopped()
                && session.reader.note_count() < NOTES_MAX;
            let is_for_it = session.room == room && id != author && !is_ignored;
            if is_for_it && can_hear {
                self.add_note(id, b"\x07");
            }
        }
    }
}

/// `/msg NAME[,NAME…] TEXT`
pub(in crate::chat) fn msg(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let (name, text) = rest.split_once([' ', '\t']).ok_or(Problem::Usage)?;
    if name.contains(',') {
        return chat.send_to_several(id, name, text.trim());
    }
    chat.send_private(id, chat.find_client(name)?, text.trim())
}

/// `/reply TEXT`
pub(in crate::chat) fn reply(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    if rest.is_empty() {
        return Err(Problem::Usage);
    }
    let author = chat.sessions[id].rare().correspondent.clone().ok_or(texts::NO_MESSAGES)?;
    let is_here = |id: &ClientId| chat.sessions.get(*id).is_some_and(|it| it.is_member());
    let to = match author {
        Correspondent::Here(id) => Some(id).filter(is_here),
        Correspondent::There(person) => chat.directory.id(&person.server, person.client),
    };
    let to = to.ok_or(texts::IS_GONE)?;
    chat.send_private(id, to, rest)
}

/// `/ignore [NAME]`
pub(in crate::chat) fn ignore(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    if rest.is_empty() {
        let ignored = chat.sessions[id].reader.filter().map(|filter| &filter.ignored[..]);
        let nick_of = nick_of(&chat.sessions, &chat.directory);
        let names = ignored.unwrap_or_default().iter().map(|&id| nick_of(id).as_str());
        let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
        let text = texts::ignored(&names);
        drop(nick_of);
        chat.notify(id, &text);
        return Ok(());
    }
    let other = chat.find_client(rest)?;
    let name = nick_of(&chat.sessions, &chat.directory)(other).clone();
    if other == id {
        return Err(texts::IGNORE_YOURSELF.into());
    }
    // A client that is gone needs no place.
    let (sessions, directory) = (&chat.sessions, &chat.directory);
    let is_there = |id: &ClientId| sessions.contains_key(*id) || directory.get(*id).is_some();
    let mut ignored = chat.sessions[id].reader.filter().cloned().unwrap_or_default().ignored;
    ignored.retain(is_there);
    let is_ignored = !ignored.contains(&other);
    match is_ignored {
        true if ignored.len() >= IGNORED_MAX => {
            return Err(texts::too_many_ignored(IGNORED_MAX).into());
        }
        true => ignored.push(other),
        false => ignored.retain(|&ignored| ignored != other),
    }
    chat.sessions[id].reader.set_filter(|filter| filter.ignored = ignored);
    chat.notify(id, &texts::ignore(name.as_str(), is_ignored));
    Ok(())
}

/// `/bell on|off`
pub(in crate::chat) fn bell(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let has_bell = switch(rest)?;
    chat.names.set_bell(id, &chat.sessions[id].nick, has_bell);
    chat.notify(id, texts::bell(has_bell));
    Ok(())
}

/// `/mentions`
///
/// They are looked for when they are asked for, so they take no memory, and are there too if they
/// were said before the client came.
pub(in crate::chat) fn mentions(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    let session = &chat.sessions[id];
    let name = session.nick.name().to_lowercase();
    let factor = if name.is_ascii() { 1 } else { SLOW_FACTOR };
    let ignored = session.reader.filter().map(|filter| &filter.ignored[..]).unwrap_or_default();
    let log = &chat.rooms[session.room].log;
    let (mut searched, mut found) = (0, Vec::new());
    let newest = session.reader.stop_seq().min(log.next());
    for seq in (log.first()..newest).rev() {
        let line = log.line(seq);
        let text = line.text();
        searched += (text.len() + 64) * factor;
        if searched > SEARCHED_BYTES_MAX || found.len() == MENTIONS_MAX {
            break;
        }
        let is_of_another = line.author != id && !ignored.contains(&line.author);
        if matches!(line.kind, Kind::Said | Kind::Act) && is_of_another && is_said(&text, &name) {
            let (number, zone) = (log.own_number(seq), &chat.config.zone);
            let shown = &text[..text.floor_char_boundary(MENTION_BYTES_MAX)];
            let shown = if shown.len() < text.len() { &format!("{shown}…") } else { shown };
            found.push(texts::found_line(number, line.time, zone, line.kind, &line.from(), shown));
        }
    }
    chat.pace.spend(searched / SEARCHED_BYTES_A_KEY);
    chat.notify(id, &texts::mentions(found.len()));
    for line in found.iter().rev() {
        chat.notify(id, line);
    }
    Ok(())
}

/// `/away [REASON]`
pub(in crate::chat) fn away(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    if rest.len() > REASON_BYTES_MAX {
        return Err(texts::reason_too_long(REASON_BYTES_MAX).into());
    }
    let is_back = rest.is_empty() && chat.sessions[id].rare().away.is_some();
    let away = (!is_back).then(|| rest.into());
    chat.sessions[id].set_rare(|rare| rare.away = away);
    chat.note_person(id);
    let nick = chat.sessions[id].nick.clone();
    chat.notify(id, &texts::away(nick.as_str(), !is_back, rest));
    Ok(())
}

/// `/whois NAME`
pub(in crate::chat) fn whois(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    if rest.is_empty() {
        return Err(Problem::Usage);
    }
    let other = match (chat.find_client(rest), chat.whois_absent(rest)) {
        (Err(_), Some(text)) => {
            chat.notify(id, &text);
            return Ok(());
        }
        (other, _) => other?,
    };
    if let Some(remote) = chat.directory.get(other) {
        let here = chat.clock.wall().saturating_sub(remote.since);
        let server = chat.directory.server_name(&remote.id.server);
        let text = texts::whois_elsewhere(remote, here, server);
        chat.notify(id, &text);
        return Ok(());
    }
    let session = &chat.sessions[other];
    let room = chat.rooms[session.room].name.as_str();
    let (here, silent) = (
        chat.clock.uptime().saturating_sub(session.since),
        chat.clock.uptime().saturating_sub(session.silent_since()),
    );
    let (away, address) = (session.rare().away.as_deref(), session.rare().address.as_deref());
    let nick = session.nick.as_str();
    let mut text = texts::whois(nick, room, here, silent, away, address);
    if chat.registered.find(&session.nick).is_some_and(|kept| session.owns(&kept.name)) {
        text += texts::WITH_LOGIN;
    }
    if let Some(version) = chat.secured.version(other) {
        text += &texts::speaks(version);
    }
    chat.notify(id, &text);
    Ok(())
}
