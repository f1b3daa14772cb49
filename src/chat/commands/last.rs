//! `/last NAME`: what a user said last, from the log in memory and then from the store.

use ecow::EcoString;

use crate::chat::commands::{Outcome, Problem};
use crate::chat::ids::ClientId;
use crate::chat::keeping::lookups::{Asked, Wanted};
use crate::chat::linking::people::nick_of;
use crate::chat::names::nick::Nick;
use crate::chat::names::proof::PROOF_SIGN;
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::{Answer, Past, Wish, is_sender};

/// Lines that are shown.
const LINES_MAX: usize = 10;

/// Lines in memory that are looked at: about a millisecond of work.
const RECORDS_MAX: usize = 10_000;

impl Chat {
    /// The name that lines of a user have. Of those who are here, what looks like the name is the
    /// name; those who have left are known by the name itself.
    fn sender(&self, name: &str) -> Result<EcoString, Problem> {
        let bare = name.split(PROOF_SIGN).next().unwrap_or_default();
        match self.find_client(name) {
            Ok(id) => {
                let nick = nick_of(&self.sessions, &self.directory)(id);
                let address = match self.directory.get(id) {
                    Some(_) => None,
                    None => self.shown_address(id),
                };
                let name = if bare == name { nick.name() } else { nick.as_str() };
                Ok(address.unwrap_or(name).into())
            }
            Err(problem) => match Nick::parse(bare) {
                Ok(_) => Ok(name.into()),
                Err(_) => Err(problem),
            },
        }
    }

    /// The store has said what a user said before what is in memory.
    pub(in crate::chat) fn handle_last(&mut self, wanted: Wanted, answer: Answer) {
        let Wanted { client, name, lines } = wanted;
        if !self.sessions.contains_key(client) {
            return;
        }
        let is_empty = lines.is_empty();
        let mut all = match answer {
            Answer::Found(found) => found,
            Answer::TooLong if is_empty => return self.refuse(client, texts::SEARCH_TOO_LONG),
            Answer::TooLong => Vec::new(),
            _ => {
                self.refuse(client, &texts::no_past());
                if is_empty {
                    return;
                }
                Vec::new()
            }
        };
        all.reverse();
        all.extend(lines);
        self.show_last(client, &name, &all);
    }

    fn show_last(&mut self, id: ClientId, name: &str, lines: &[Past]) {
        self.notify(id, &texts::last(name, lines.len()));
        for line in lines {
            let text = self.found_line(line);
            self.notify(id, &text);
        }
    }
}

/// `/last NAME`
pub(in crate::chat) fn last(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    if rest.is_empty() {
        return Err(Problem::Usage);
    }
    let name = chat.sender(rest)?;
    let room = &chat.rooms[chat.sessions[id].room];
    let is_wanted = |from: &str| is_sender(from, &name);
    let (mut lines, first) = room.log.find_last(LINES_MAX, RECORDS_MAX, is_wanted);
    lines.reverse();
    let (before, missing) = (room.number_from(first), LINES_MAX - lines.len());
    match room.key.clone().filter(|_| room.is_stored && missing > 0 && before > 1) {
        None => chat.show_last(id, &name, &lines),
        Some(_) if chat.is_searching(id) => {
            return Err(texts::SEARCHING.into());
        }
        Some(key) => {
            let wish = Wish::Last { name: name.as_str().into(), before, lines: missing };
            let wanted = Wanted { client: id, name, lines };
            chat.ask(key, wish, Asked::Last(Box::new(wanted)));
        }
    }
    Ok(())
}
