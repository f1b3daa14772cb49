//! What operators set for a room: slow mode, and who may enter.

use std::time::Duration;

use crate::chat::commands::history::seconds_in;
use crate::chat::commands::{Outcome, Problem};
use crate::chat::ids::ClientId;
use crate::chat::linking::people::nick_of;
use crate::chat::member::Session;
use crate::chat::moderation::pauses::Speaker;
use crate::chat::names::nick::Nick;
use crate::chat::notice::Notice;
use crate::chat::room::RoomId;
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::{Change, Rules, Task};

/// The longest pause of slow mode in seconds.
const SLOW_SECONDS_MAX: u32 = 3600;

/// Users who are invited into one room at most.
const INVITED_MAX: usize = 100;

impl Chat {
    /// How many seconds a client has to wait before it may say a line, if it has to.
    pub(in crate::chat) fn slow_wait(&self, id: ClientId) -> Option<u32> {
        let session = &self.sessions[id];
        let rules = &self.rooms[session.room].rules;
        if rules.slow_seconds == 0 || self.is_operator(id) {
            return None;
        }
        let now = self.clock.now();
        let (pauses, room) = (&self.moderation.pauses, session.room);
        let own = pauses.get(now, room, Speaker::Client(id));
        // One that has gone may have come again.
        let is_gone = |client: ClientId| !self.sessions.get(client).is_some_and(Session::is_member);
        let before = self.lasting_speaker(id).and_then(|it| pauses.get(now, room, it));
        let before = before.filter(|(_, client)| is_gone(*client));
        let until = own.max(before).map(|(until, _)| until)?;
        // Slow mode may have become faster.
        let longest = Duration::from_secs(rules.slow_seconds.into());
        let wait = until.saturating_duration_since(now).min(longest);
        Some(wait.as_millis().div_ceil(1000) as u32)
    }

    /// By what a client is known when it comes again.
    fn lasting_speaker(&self, id: ClientId) -> Option<Speaker> {
        let session = &self.sessions[id];
        match self.admission.network(session.origin) {
            Some(network) => Some(Speaker::From(network)),
            None if session.nick.is_guest() => None,
            None => Some(Speaker::Named(session.nick.text())),
        }
    }

    /// A client says a line: it has to wait before the next one if its room is in slow mode.
    pub(in crate::chat) fn begin_pause(&mut self, id: ClientId) {
        let room = self.sessions[id].room;
        let seconds = self.rooms[room].rules.slow_seconds;
        if seconds == 0 || self.is_operator(id) {
            return;
        }
        let now = self.clock.now();
        let pause = (now + Duration::from_secs(seconds.into()), id);
        let speakers = [Some(Speaker::Client(id)), self.lasting_speaker(id)];
        for speaker in speakers.into_iter().flatten() {
            self.moderation.pauses.begin(now, room, speaker, pause);
        }
    }

    /// What a client is told whose line came too soon.
    pub(in crate::chat) fn early_line(&self, id: ClientId, wait: u32) -> Notice {
        texts::too_soon(self.rooms[self.sessions[id].room].rules.slow_seconds, wait)
    }

    /// A line came too soon.
    pub(in crate::chat) fn refuse_early_line(&mut self, id: ClientId, wait: u32) {
        let notice = self.early_line(id, wait);
        self.refuse(id, &notice);
    }

    /// Whether a client may not enter a room because it is locked.
    pub(in crate::chat) fn is_locked_for(&self, id: ClientId, room: RoomId) -> bool {
        let (rules, nick) = (&self.rooms[room].rules, &self.sessions[id].nick);
        rules.is_locked && !self.is_operator(id) && !is_invited(rules, nick)
    }

    /// Sets what holds in a client's room, and tells everybody in it.
    fn set_rules(&mut self, id: ClientId, rules: Rules, text: String) {
        let notice = texts::rules_set(self.sessions[id].nick.as_str(), text, &rules);
        let room = self.sessions[id].room;
        if !self.config.is_shared || self.rooms[room].key.is_none() {
            self.apply_rules(room, &rules);
            self.keep_rules(room);
        } else if !self.outbox.is_up() {
            // The others hear of it later.
            self.apply_rules(room, &rules);
        }
        self.append_change(room, &notice, Change::Rules(rules));
    }

    /// What holds in a room is this from now on.
    pub(in crate::chat) fn apply_rules(&mut self, room: RoomId, rules: &Rules) {
        let was_locked = self.is_lobby_locked();
        self.rooms[room].rules = checked(rules);
        if was_locked && !self.is_lobby_locked() {
            self.let_waiting_in();
        }
    }

    /// The rules of a client's room, if it may change them now.
    fn rules_to_change(&mut self, id: ClientId) -> Option<Rules> {
        let rules = self.rooms[self.sessions[id].room].rules.clone();
        self.is_linked(id).then_some(rules)
    }
}

/// The same rules within the limits: they may come from another server.
pub(in crate::chat) fn checked(rules: &Rules) -> Rules {
    let names = rules.invited.iter().filter_map(|name| Nick::parse_shown(name));
    let invited = names.take(INVITED_MAX).map(|nick| nick.as_str().into()).collect();
    let slow_seconds = rules.slow_seconds.min(SLOW_SECONDS_MAX);
    Rules { slow_seconds, invited, is_locked: rules.is_locked }
}

/// Whether an operator has invited a user of this name.
pub(in crate::chat) fn is_invited(rules: &Rules, nick: &Nick) -> bool {
    rules.invited.iter().any(|name| **name == *nick.as_str())
}

/// `/slow [5s|off]`
pub(in crate::chat) fn slow(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    if rest.is_empty() {
        let text = texts::slow(chat.rooms[chat.sessions[id].room].rules.slow_seconds);
        chat.notify(id, &text);
        return Ok(());
    }
    let seconds = match rest {
        "off" => Some(0),
        _ => seconds_in(rest, 1).filter(|&seconds| seconds > 0),
    };
    let seconds = seconds.filter(|&seconds| seconds <= SLOW_SECONDS_MAX).ok_or(texts::SLOW_TIME)?;
    let Some(rules) = chat.rules_to_change(id) else { return Ok(()) };
    let text = texts::slow_set(chat.sessions[id].nick.as_str(), seconds);
    chat.set_rules(id, Rules { slow_seconds: seconds, ..rules }, text);
    let room = chat.rooms[chat.sessions[id].room].name.clone();
    chat.log_operator(id, &format!("sets slow mode of {} to {seconds} s", room.as_str()));
    Ok(())
}

/// `/lock`
pub(in crate::chat) fn lock(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    let Some(rules) = chat.rules_to_change(id) else { return Ok(()) };
    if rules.is_locked {
        return Err(texts::LOCKED_ALREADY.into());
    }
    let text = texts::locked(chat.sessions[id].nick.as_str());
    chat.set_rules(id, Rules { is_locked: true, ..rules }, text);
    let room = chat.rooms[chat.sessions[id].room].name.clone();
    chat.log_operator(id, &format!("locks {}", room.as_str()));
    Ok(())
}

/// `/unlock`
pub(in crate::chat) fn unlock(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    let Some(rules) = chat.rules_to_change(id) else { return Ok(()) };
    if !rules.is_locked {
        return Err(texts::NOT_LOCKED.into());
    }
    let text = texts::unlocked(chat.sessions[id].nick.as_str());
    chat.set_rules(id, Rules { is_locked: false, invited: Vec::new(), ..rules }, text);
    let room = chat.rooms[chat.sessions[id].room].name.clone();
    chat.log_operator(id, &format!("unlocks {}", room.as_str()));
    Ok(())
}

/// `/invite NAME`
pub(in crate::chat) fn invite(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    if rest.is_empty() {
        return Err(Problem::Usage);
    }
    let Some(mut rules) = chat.rules_to_change(id) else { return Ok(()) };
    if !rules.is_locked {
        return Err(texts::NOT_LOCKED.into());
    }
    // It may be somebody who isn't here yet.
    let other = chat.find_client(rest);
    let nick = match &other {
        Ok(other) => nick_of(&chat.sessions, &chat.directory)(*other).clone(),
        Err(_) => {
            Nick::parse(rest).map_err(|error| texts::bad_name("name", "/invite ann", error))?
        }
    };
    let room = chat.sessions[id].room;
    let name = chat.rooms[room].name.clone();
    if !is_invited(&rules, &nick) {
        if rules.invited.len() >= INVITED_MAX {
            return Err(texts::too_many_invited(INVITED_MAX).into());
        }
        rules.invited.push(nick.as_str().into());
    }
    let text = texts::invited(nick.as_str(), name.as_str());
    chat.set_rules(id, rules, text);
    chat.log_operator(id, &format!("invites {} into {}", nick.as_str(), name.as_str()));
    let text = texts::you_are_invited(chat.sessions[id].nick.as_str(), name.as_str());
    match other {
        Ok(other) if other.is_elsewhere() => {
            chat.send_errand(id, other, Task::Tell(text.text.into()))?
        }
        Ok(other) if chat.sessions[other].room != room => chat.notify_other(other, &text),
        _ => {}
    }
    Ok(())
}
