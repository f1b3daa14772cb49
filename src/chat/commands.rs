//! The commands of the room: one table, from which the help is made too.

use std::time::Instant;

use super::ending::Ending;
use super::input::Manner;
use super::log::Kind;
use super::nicks::Nick;
use super::{Chat, ClientId, texts};

/// One command.
pub(super) struct Command {
    name: &'static str,
    /// How it is typed.
    pub usage: &'static str,
    /// What it does.
    pub help: &'static str,
    run: fn(&mut Chat, Instant, ClientId, &str),
}

/// Every command, in the order of the help.
pub(super) const TABLE: &[Command] = &[
    Command { name: "nick", usage: "/nick NAME", help: "change your name", run: nick },
    Command { name: "who", usage: "/who", help: "show who is here", run: who },
    Command { name: "me", usage: "/me TEXT", help: "say what you do: * ann waves", run: me },
    Command { name: "quit", usage: "/quit", help: "leave", run: quit },
    Command { name: "help", usage: "/help", help: "show this", run: help },
];

/// Bytes of an unknown command that its answer shows at most.
const SHOWN_BYTES_MAX: usize = 32;

impl Chat {
    /// Runs `line`, a line that began with one slash, without that.
    pub(super) fn handle_command(&mut self, now: Instant, id: ClientId, line: &str) {
        let (name, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        match TABLE.iter().find(|command| command.name.eq_ignore_ascii_case(name)) {
            Some(command) => (command.run)(self, now, id, rest.trim()),
            None => {
                let shown = &name[..name.floor_char_boundary(SHOWN_BYTES_MAX)];
                self.notify(id, &texts::unknown_command(&format!("/{shown}")));
            }
        }
    }
}

impl Chat {
    /// Why the name isn't free.
    fn name_taken(&self, nick: &Nick, holder: ClientId) -> String {
        let taken = &self.sessions[holder].nick;
        if nick.is_same(taken) {
            texts::name_taken(nick.as_str())
        } else {
            texts::look_taken(taken.as_str(), nick.as_str())
        }
    }
}

fn nick(chat: &mut Chat, _now: Instant, id: ClientId, rest: &str) {
    let nick = match Nick::parse(rest) {
        Ok(nick) => nick,
        Err(error) => return chat.notify(id, &texts::bad_name(error)),
    };
    let old = chat.sessions[id].nick.clone();
    if old.as_str() == nick.as_str() {
        return chat.notify(id, &texts::name_is_yours(nick.as_str()));
    }
    if let Err(holder) = chat.nicks.rename(id, &old, &nick, |id| &chat.sessions[id].nick) {
        return chat.notify(id, &chat.name_taken(&nick, holder));
    }
    chat.sessions[id].nick = nick.clone();
    if chat.is_known(id) {
        let renamed = texts::renamed(old.as_str(), nick.as_str());
        chat.append_notice(chat.sessions[id].room, ClientId::default(), Kind::Presence, &renamed);
    } else {
        chat.notify(id, &texts::you_are(nick.as_str()));
    }
}

fn who(chat: &mut Chat, _now: Instant, id: ClientId, _rest: &str) {
    chat.notify(id, &chat.here(id));
}

fn me(chat: &mut Chat, _now: Instant, id: ClientId, rest: &str) {
    if rest.is_empty() {
        return chat.notify(id, &texts::usage("/me TEXT"));
    }
    chat.say(id, Manner::Act, rest);
}

fn quit(chat: &mut Chat, now: Instant, id: ClientId, _rest: &str) {
    chat.leave(now, id, Ending::Quit, Some(texts::GOODBYE));
}

fn help(chat: &mut Chat, _now: Instant, id: ClientId, _rest: &str) {
    for line in texts::help() {
        chat.notify(id, &line);
    }
}
