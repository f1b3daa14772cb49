//! Muting, for a time or until it is undone.

use std::time::Duration;

use ipnet::IpNet;

use crate::chat::admission::access::parse_network;
use crate::chat::admission::bans::ban_of;
use crate::chat::commands::history::seconds_in;
use crate::chat::commands::operators::split_word;
use crate::chat::commands::{Outcome, Problem};
use crate::chat::ids::ClientId;
use crate::chat::moderation::mutes::{MUTES_MAX, Mute, Muting};
use crate::chat::names::nick::Nick;
use crate::chat::schedule::Due;
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::{Dispatch, SharedMute, Task, Time};

/// The longest mute with an end in seconds.
pub(in crate::chat) const SECONDS_MAX: u32 = 365 * 24 * 3600;

impl Chat {
    /// How many seconds a client stays muted, if that has an end.
    pub(in crate::chat) fn mute_left(&self, muting: Muting) -> Option<u32> {
        match muting {
            Muting::Open => None,
            Muting::Timed(number) => {
                let mute = self.moderation.mutes.get(number);
                Some(mute.map_or(0, |mute| mute.seconds_left(self.clock.now())))
            }
        }
    }

    /// Lets nobody hear a client for so many seconds; without a number until it leaves, or if
    /// nobody hears it everybody again. Gives what that was, for the log and for the one who
    /// wants it.
    pub(in crate::chat) fn mute(
        &mut self,
        other: ClientId,
        seconds: Option<u32>,
    ) -> Result<(String, String), Problem> {
        let muting = match seconds {
            None if self.sessions[other].rare().muting.is_some() => return self.unmute(other),
            None => Muting::Open,
            Some(seconds) => Muting::Timed(self.add_mute(other, seconds)?),
        };
        self.sessions[other].set_rare(|rare| rare.muting = Some(muting));
        self.notify_other(other, &texts::you_are_muted(seconds));
        let span = seconds.map_or(String::new(), |seconds| format!(" for {seconds} s"));
        let what = format!("mutes {}{span}", self.described(other));
        Ok((what, texts::muted(self.sessions[other].nick.as_str(), seconds)))
    }

    /// Gives the number of a mute of a client, which may have one already that ends later now.
    fn add_mute(&mut self, other: ClientId, seconds: u32) -> Result<u64, Problem> {
        let session = &self.sessions[other];
        let (nick, old) = (session.nick.clone(), session.rare().muting);
        let network = self.admission.network(session.origin).map(ban_of);
        let time = Duration::from_secs(seconds.into());
        let number = match old {
            Some(Muting::Timed(number)) => self.prolong_mute(number, time),
            _ => self.keep_mute(nick, network, time),
        };
        let number = number.ok_or_else(|| texts::too_many_mutes(MUTES_MAX))?;
        if let Some(mute) = self.moderation.mutes.get(number) {
            self.share_mute(&mute.clone(), self.clock.wall().saturating_add(seconds));
        }
        Ok(number)
    }

    /// A mute ends at another time.
    fn prolong_mute(&mut self, number: u64, time: Duration) -> Option<u64> {
        let until = self.clock.now() + time;
        let before = self.moderation.mutes.set_end(number, until)?;
        self.schedule.cancel(Some(before), Due::Mute(number));
        self.schedule.set(until, Due::Mute(number));
        Some(number)
    }

    fn keep_mute(&mut self, nick: Nick, network: Option<IpNet>, time: Duration) -> Option<u64> {
        let until = self.clock.now() + time;
        let number = self.moderation.mutes.add(nick, network, until)?;
        self.schedule.set(until, Due::Mute(number));
        Some(number)
    }

    /// Lets everybody hear a client again, and all who are muted with it.
    pub(in crate::chat) fn unmute(&mut self, other: ClientId) -> Result<(String, String), Problem> {
        let nick = self.sessions[other].nick.clone();
        let what = format!("unmutes {}", self.described(other));
        match self.sessions[other].rare().muting {
            None => return Err(texts::not_muted(nick.as_str()).into()),
            Some(Muting::Open) => self.let_speak(other),
            Some(Muting::Timed(number)) => self.undo_mute(number),
        }
        Ok((what, texts::unmuted(nick.as_str())))
    }

    /// An operator takes a mute with an end back.
    fn undo_mute(&mut self, number: u64) {
        if let Some(mute) = self.end_mute(number) {
            self.share_mute(&mute, 0);
        }
    }

    /// A mute is over. Clients that it was for are told that they may speak.
    pub(in crate::chat) fn end_mute(&mut self, number: u64) -> Option<Mute> {
        let mute = self.moderation.mutes.remove(number)?;
        self.schedule.cancel(Some(mute.until), Due::Mute(number));
        let muted = self.sessions.iter().filter(|(_, session)| {
            !session.is_plain() && session.rare().muting == Some(Muting::Timed(number))
        });
        let muted: Vec<_> = muted.map(|(id, _)| id).collect();
        muted.into_iter().for_each(|id| self.let_speak(id));
        Some(mute)
    }

    fn let_speak(&mut self, id: ClientId) {
        self.sessions[id].set_rare(|rare| rare.muting = None);
        if self.sessions[id].is_member() {
            self.notify_other(id, &texts::you_may_speak());
        }
    }

    /// A client has connected: if it comes from where a muted one came from, it is muted.
    pub(in crate::chat) fn mute_again(&mut self, id: ClientId) {
        let network = self.admission.network(self.sessions[id].origin);
        let mute = network.and_then(|network| self.moderation.mutes.of_network(network));
        if let Some(number) = mute.map(|mute| mute.number) {
            self.sessions[id].set_rare(|rare| rare.muting = Some(Muting::Timed(number)));
        }
    }

    /// A client has taken a name: if a muted one had it, it is muted.
    pub(in crate::chat) fn mute_name(&mut self, id: ClientId) {
        let session = &self.sessions[id];
        let mute = self.moderation.mutes.of_name(&session.nick);
        let mute = mute.filter(|_| session.rare().muting.is_none());
        if let Some(number) = mute.map(|mute| mute.number) {
            self.sessions[id].set_rare(|rare| rare.muting = Some(Muting::Timed(number)));
        }
    }

    /// Tells the other servers until when a client is muted that they know by this mute.
    fn share_mute(&mut self, mute: &Mute, until: Time) {
        if self.config.is_shared {
            let name = mute.nick.as_str().into();
            let network = mute.network.map(|network| network.to_string().into());
            self.directory.dispatch(Dispatch::Mute(SharedMute { name, network, until }));
        }
    }

    /// A client of another server is muted for a time, or may speak again: it may come here.
    pub(in crate::chat) fn apply_mute(&mut self, mute: &SharedMute) {
        // Whoever can write to the engine may have sent it.
        let Some(nick) = Nick::parse_shown(&mute.name) else { return };
        let network = mute.network.as_deref().and_then(|network| parse_network(network).ok());
        let mutes = &self.moderation.mutes;
        let of_name = mutes.of_name(&nick).map(|mute| mute.number);
        let known = of_name.or_else(|| network.and_then(|network| mutes.exactly_of(network)));
        let seconds = mute.until.saturating_sub(self.clock.wall()).min(SECONDS_MAX);
        let time = Duration::from_secs(seconds.into());
        match (known, seconds) {
            (Some(number), 0) => _ = self.end_mute(number),
            (Some(number), _) => _ = self.prolong_mute(number, time),
            (None, 0) => {}
            // Nobody comes back with the name of a guest.
            (None, _) if network.is_none() && nick.is_guest() => {}
            (None, _) => _ = self.keep_mute(nick, network, time),
        }
    }
}

/// `/mute NAME [10m]`
pub(in crate::chat) fn mute(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let (name, time) = split_word(rest);
    if name.is_empty() {
        return Err(Problem::Usage);
    }
    let seconds = match (time, seconds_in(time, 60)) {
        ("", _) => None,
        (_, Some(seconds @ 1..=SECONDS_MAX)) => Some(seconds),
        _ => return Err(texts::MUTE_TIME.into()),
    };
    let other = chat.find_client(name)?;
    if other == id {
        return Err(texts::MUTE_YOURSELF.into());
    }
    if other.is_elsewhere() {
        let (task, what) = match seconds {
            None => (Task::Mute, format!("mutes {name}, or lets them speak")),
            Some(seconds) => (Task::MuteFor(seconds), format!("mutes {name} for {seconds} s")),
        };
        chat.log_operator(id, &what);
        return chat.send_errand(id, other, task);
    }
    let (what, text) = chat.mute(other, seconds)?;
    chat.log_operator(id, &what);
    chat.notify(id, &text);
    Ok(())
}

/// `/unmute NAME`
pub(in crate::chat) fn unmute(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    if rest.is_empty() {
        return Err(Problem::Usage);
    }
    let (what, text) = match chat.find_client(rest) {
        Ok(other) if other.is_elsewhere() => {
            chat.log_operator(id, &format!("unmutes {rest}"));
            return chat.send_errand(id, other, Task::Unmute);
        }
        Ok(other) => chat.unmute(other)?,
        Err(problem) => {
            // It may have left, and be muted when it comes back.
            let nick = Nick::parse(rest).ok();
            let mute = nick.as_ref().and_then(|nick| chat.moderation.mutes.of_name(nick));
            let Some(mute) = mute else { return Err(problem) };
            let name = mute.nick.text();
            chat.undo_mute(mute.number);
            (format!("unmutes {name}"), texts::unmuted(&name))
        }
    };
    chat.log_operator(id, &what);
    chat.notify(id, &text);
    Ok(())
}
