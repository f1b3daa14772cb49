//! `/search`, and `?search=` in a request.

use crate::chat::ids::ClientId;
use crate::chat::keeping::lookups::Asked;
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::{Answer, Past, Wish};

/// Searches of all clients at one time.
const SEARCHES_MAX: usize = 32;

/// Bytes of what is searched for.
const WORDS_BYTES_MAX: usize = 200;

impl Chat {
    /// Searches for words in a client's room.
    ///
    /// # Errors
    /// Why that can't be done.
    pub(in crate::chat) fn begin_search(
        &mut self,
        id: ClientId,
        words: &str,
    ) -> Result<(), String> {
        if !words.contains(char::is_alphanumeric) || words.len() > WORDS_BYTES_MAX {
            return Err(texts::search_words(WORDS_BYTES_MAX));
        }
        let room = &self.rooms[self.sessions[id].room];
        let Some(key) = room.key.clone().filter(|_| room.is_stored) else {
            return Err(texts::not_searched(room.name.as_str()));
        };
        if self.is_searching(id) {
            return Err(texts::SEARCHING.into());
        }
        self.ask(key, Wish::Search(words.into()), Asked::Search(id));
        Ok(())
    }

    /// Whether a client has to wait until searches are done, its own or others'.
    pub(in crate::chat) fn is_searching(&self, id: ClientId) -> bool {
        self.lookups.has(id) || self.lookups.searches() >= SEARCHES_MAX
    }

    /// What a client has searched for is found.
    pub(super) fn handle_found(&mut self, id: ClientId, answer: Answer) {
        let Some(session) = self.sessions.get(id) else { return };
        let room = &self.rooms[session.room];
        // It may have been asked before some were taken out.
        let is_cleared =
            |line: &Past| line.number().is_some_and(|it| room.log.is_cleared(room.run(), it));
        let answer = match answer {
            Answer::Found(mut found) => {
                found.retain(|line| !is_cleared(line));
                Answer::Found(found)
            }
            answer => answer,
        };
        if session.rare().request.is_some() {
            return self.answer_search(id, &answer);
        }
        let found = match answer {
            Answer::Found(found) => found,
            Answer::TooLong => return self.refuse(id, texts::SEARCH_TOO_LONG),
            _ => return self.refuse(id, texts::NO_STORE),
        };
        self.notify(id, &texts::found(found.len()));
        for line in &found {
            let text = self.found_line(line);
            self.notify(id, &text);
        }
    }

    /// A line that was found, as a person is shown it: `17 2026-11-20 14:03 <ann> hello`.
    pub(in crate::chat) fn found_line(&self, line: &Past) -> String {
        match line {
            Past::Lost(lines) => texts::not_stored(*lines).text,
            Past::Line { number, time, kind, from, text, .. } => texts::found_line(
                Some(*number).filter(|number| *number > 0),
                *time,
                &self.config.zone,
                *kind,
                from,
                text,
            ),
        }
    }
}
