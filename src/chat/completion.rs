//! What Tab makes of the beginning of a word: names, commands and what they take.
//!
//! Nothing here knows of keys: a client asks with the line up to its cursor, and is told
//! what the end of it may become.

use std::cmp::Reverse;

use unicode_normalization::UnicodeNormalization;

use crate::chat::commands::{TABLE, find, nearest};
use crate::chat::ids::ClientId;
use crate::chat::state::Chat;

/// What a word may become, of which so many are told.
const CANDIDATES_MAX: usize = 64;

/// People of a room that are looked at.
const PEOPLE_LOOKED_AT_MAX: usize = 4096;

/// What it counts for, as work of the loop: that of a command.
const COMPLETION_WORK: usize = 128;

/// What may stand before a name in a sentence.
const OPENING: [char; 4] = ['(', '[', '"', '\''];

/// What the end of a line may become.
#[derive(Debug, Default)]
struct Completion {
    /// The bytes at the end that are replaced.
    bytes: usize,
    candidates: Vec<String>,
}

impl Chat {
    /// Answers a client that wants its line completed, which is `before` up to the cursor.
    pub(super) fn complete(&mut self, id: ClientId, before: &str) {
        self.pace.spend(COMPLETION_WORK);
        let Completion { bytes, candidates } = self.completion(id, before);
        let framing = self.config.framing();
        self.sessions[id].set_client(|client| client.complete(bytes, candidates, &framing));
    }

    /// A client has typed a line, which its arrow keys bring back unless it has a secret.
    pub(super) fn remember(&mut self, id: ClientId, line: &str) {
        if !has_secret(line) {
            self.sessions[id].set_client(|client| client.remember(line));
        }
    }

    fn completion(&self, id: ClientId, before: &str) -> Completion {
        let start = before
            .rfind(char::is_whitespace)
            .map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8));
        let (line, word) = before.split_at(start);
        let Some(command) = before.strip_prefix('/').filter(|rest| !rest.starts_with('/')) else {
            let word = word.trim_start_matches(OPENING);
            return self.names(id, word, if line.is_empty() { ": " } else { " " });
        };
        if line.is_empty() {
            return self.commands(id, word, command);
        }
        let usage = find(command).map_or("", |(command, _)| command.usage);
        if usage.contains("ROOM") {
            return self.rooms_like(word);
        }
        if usage.contains("COMMAND") {
            return self.commands(id, word, word.trim_start_matches('/'));
        }
        let choices: Vec<_> = choices(usage).filter(|it| begins_with(it, word)).collect();
        match choices.is_empty() {
            true => self.names(id, word, " "),
            false => Completion::new(word, choices.into_iter().map(|it| format!("{it} "))),
        }
    }

    /// Commands that begin with `name`, in the place of `word`.
    fn commands(&self, id: ClientId, word: &str, name: &str) -> Completion {
        let slash = if word.starts_with('/') { "/" } else { "" };
        let commands = TABLE.iter().filter(|it| begins_with(it.name, name) && self.offers(id, it));
        Completion::new(word, commands.map(|it| format!("{slash}{} ", it.name)))
    }

    /// Rooms that begin with `word`, those with the most people first.
    fn rooms_like(&self, word: &str) -> Completion {
        let name = word.trim_start_matches('#');
        let sign = &word[..word.len() - name.len()];
        let here = self.rooms.iter().map(|(id, room)| (self.people_in(id), room.name.as_str()));
        let is_elsewhere = |key| self.rooms.find_key(key).is_none();
        let elsewhere = self.directory.rooms().filter(|(key, _)| is_elsewhere(key));
        let rooms = here.chain(elsewhere.map(|(key, people)| (people, &*key.name)));
        let mut rooms: Vec<_> = rooms.filter(|(_, room)| begins_with(room, name)).collect();
        rooms.sort_unstable_by_key(|&(people, room)| (Reverse(people), room));
        Completion::new(word, rooms.iter().map(|(_, room)| format!("{sign}{room} ")))
    }

    /// People in the room of a client whose names begin with `word`, which may have an `@`
    /// before it: who has spoken last first, and those on other servers behind them.
    fn names(&self, id: ClientId, word: &str, end: &str) -> Completion {
        let name = word.strip_prefix('@').unwrap_or(word);
        let (sign, end) = if name == word { ("", end) } else { ("@", " ") };
        let room = &self.rooms[self.sessions[id].room];
        let browsers = &self.admission.browsers;
        let members = room.members().iter().take(PEOPLE_LOOKED_AT_MAX);
        let here = members.filter(|&&it| it != id && !browsers.is_spare(it)).map(|&it| {
            let session = &self.sessions[it];
            let spoke = session.has_spoken().then_some(session.spoke);
            (Reverse(spoke), session.nick.name())
        });
        let elsewhere = room.key.iter().flat_map(|key| self.directory.people_in(key));
        let elsewhere = elsewhere.take(PEOPLE_LOOKED_AT_MAX);
        let elsewhere = elsewhere.filter_map(|it| self.directory.get(it));
        let people = here.chain(elsewhere.map(|it| (Reverse(None), it.nick.name())));
        let mut people: Vec<_> = people.filter(|(_, nick)| begins_with(nick, name)).collect();
        people.sort_unstable();
        people.dedup_by_key(|(_, nick)| *nick);
        Completion::new(word, people.iter().map(|(_, nick)| format!("{sign}{nick}{end}")))
    }
}

impl Completion {
    fn new(word: &str, candidates: impl Iterator<Item = String>) -> Completion {
        Completion { bytes: word.len(), candidates: candidates.take(CANDIDATES_MAX).collect() }
    }
}

/// What a command takes, if its usage names all of that: `on|off`.
fn choices(usage: &str) -> impl Iterator<Item = &str> {
    let argument = usage.split_once(' ').map_or("", |(_, argument)| argument);
    let words = argument.trim_matches(['[', ']']).split('|');
    words.filter(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// Whether a name begins with this, upper and lower case alike.
fn begins_with(name: &str, start: &str) -> bool {
    let mut name = name.chars().flat_map(char::to_lowercase);
    start.nfc().flat_map(char::to_lowercase).all(|c| name.next() == Some(c))
}

/// Whether a line gives a secret away, so that it isn't kept for the arrow keys: the usage
/// of its command says so. A command that is misspelled may be meant to.
fn has_secret(line: &str) -> bool {
    let Some(line) = line.strip_prefix('/') else { return false };
    let (name, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let command = find(name).or_else(|| find(nearest(name, true)?));
    let usage = command.map_or("", |(command, _)| command.usage);
    match () {
        () if rest.trim().is_empty() => false,
        // The secret is behind a name.
        () if usage.contains("[!SECRET]") || usage.contains("[SECRET]") => {
            rest.contains('!') || rest.trim().contains([' ', '\t'])
        }
        () => usage.contains("SECRET") || usage.contains("PASSWORD"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_the_usage_of_their_command() {
        for line in
            ["/op secret", "/OP secret", "/nick ann!secret", "/n ann!x", "/nick! a!b", "/nik a!b"]
        {
            assert!(has_secret(line), "{line}");
        }
        for line in ["/op", "/nick ann", "op secret", "/msg bob hello!", "hello!", "//op x"] {
            assert!(!has_secret(line), "{line}");
        }
    }

    #[test]
    fn a_name_begins_in_any_case() {
        assert!(
            begins_with("Ann", "aN") && begins_with("ÉVA", "e\u{301}v") && begins_with("x", "")
        );
        assert!(!begins_with("ann", "anna"));
    }

    #[test]
    fn choices_are_those_of_the_usage() {
        let of = |usage| choices(usage).collect::<Vec<_>>();
        assert_eq!(of("/quiet on|off"), ["on", "off"]);
        assert_eq!(of("/edit [off]"), ["off"]);
        assert_eq!(of("/msg NAME TEXT"), [""; 0]);
        assert_eq!(of("/quit"), [""; 0]);
    }
}
