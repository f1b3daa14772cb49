//! Taking lines out of the history of a room.

use crate::chat::commands::{Outcome, Problem};
use crate::chat::ids::ClientId;
use crate::chat::room::RoomId;
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::{Change, News};

impl Chat {
    /// The numbers of the newest `lines` lines of a room, or of all: the first and the last one.
    fn newest_lines(&self, room: RoomId, lines: Option<u64>) -> Option<(u64, u64)> {
        let room = &self.rooms[room];
        let (log, last) = (&room.log, room.newest());
        let in_log = log.next() - log.first();
        let first = match lines {
            None => 1,
            Some(lines) if lines <= in_log => room.number_from(log.next() - lines),
            // The others are stored, or gone.
            Some(lines) => room.number_from(log.first()).saturating_sub(lines - in_log).max(1),
        };
        (first <= last).then_some((first, last))
    }

    /// The lines with these numbers aren't in a room any more: neither here nor in the store.
    pub(in crate::chat) fn clear_lines(&mut self, id: RoomId, first: u64, last: u64) {
        let room = &mut self.rooms[id];
        let run = room.run().to_owned();
        let (log, all) = (&room.log, self.sessions.iter());
        let (from, end) = log.places(&run, first, last);
        let readers = all.filter(|(_, it)| it.room == id && it.reader.next() < end);
        let readers = readers.map(|(id, it)| (id, it.reader.own_in(log, id, from, end)));
        let readers: Vec<_> = readers.collect();
        let cleared = room.clear(&run, first, last);
        for (reader, gone) in readers {
            let session = &mut self.sessions[reader];
            session.reader.move_past(&self.rooms[id].log, reader, cleared, gone);
            // It may wait for nothing else.
            self.resume_if_caught_up(reader);
            self.queue(reader);
        }
        let room = &self.rooms[id];
        if let Some(key) = room.key.as_ref().filter(|_| room.is_stored && room.is_kept) {
            self.handover.add(key, News::Cleared(first, last));
        }
    }
}

/// `/clear [LINES]`
pub(in crate::chat) fn clear(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let lines = match rest {
        "" => None,
        _ => Some(rest.parse().ok().filter(|&lines| lines > 0).ok_or(Problem::Usage)?),
    };
    let room = chat.sessions[id].room;
    let is_shared = chat.config.is_shared && chat.rooms[room].key.is_some();
    if is_shared && !chat.outbox.is_up() {
        return Err(texts::LINK_IS_DOWN.into());
    }
    let (first, last) = chat.newest_lines(room, lines).ok_or(texts::NOTHING_TO_CLEAR)?;
    if !is_shared {
        // Else when all servers know it.
        chat.clear_lines(room, first, last);
    }
    let name = chat.rooms[room].name.clone();
    chat.log_operator(id, &format!("clears lines {first} to {last} of {}", name.as_str()));
    let text = texts::cleared(chat.sessions[id].nick.as_str(), first, last);
    chat.append_change(room, &text, Change::Clear(first, last));
    Ok(())
}
