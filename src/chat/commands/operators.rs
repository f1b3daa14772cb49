//! What operators can do.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::chat::admission::access::parse_network;
use crate::chat::admission::bans::{BANS_MAX, Ban, Bans, REASON_BYTES_MAX, ban_network, ban_of};
use crate::chat::close_reason::{CloseReason, Closing};
use crate::chat::commands::history::seconds_in;
use crate::chat::commands::{Outcome, Problem};
use crate::chat::ids::ClientId;
use crate::chat::linking::people::nick_of;
use crate::chat::login::PASSWORD_ATTEMPTS_MAX;
use crate::chat::member::Session;
use crate::chat::notice::Notice;
use crate::chat::state::{Chat, Logged, Output};
use crate::chat::texts;
use crate::wire::{Kind, SharedBan, Task, Text, Time};

const MINUTE: Duration = Duration::from_secs(60);

/// The longest ban in minutes: ten years.
const MINUTES_MAX: u32 = 10 * 365 * 24 * 60;

/// Bans that `/bans` shows at most.
const BANS_SHOWN_MAX: usize = 50;

impl Chat {
    /// Bans as `poll_output` has given them.
    ///
    /// # Errors
    /// Which line is wrong, and what would be right.
    pub fn set_bans(&mut self, text: &str) -> Result<(), String> {
        self.admission.set_bans(Bans::parse(self.clock.moment(), text)?);
        Ok(())
    }

    /// Whether the bans have changed since `poll_output` gave them last.
    pub fn has_new_bans(&self) -> bool {
        self.admission.has_new_bans()
    }

    /// The bans that `poll_output` gave couldn't be kept; operators are told.
    pub fn handle_unsaved_bans(&mut self) {
        self.tell_operators(&texts::BANS_UNSAVED.into());
    }

    /// The operators that are here.
    pub(in crate::chat) fn operators(&self) -> Vec<ClientId> {
        let is_operator = |session: &Session| {
            session.is_member() && !session.is_plain() && session.rare().is_operator
        };
        let operators = self.sessions.iter().filter(|(_, session)| is_operator(session));
        operators.map(|(id, _)| id).collect()
    }

    /// Tells the operators that are here something.
    pub(in crate::chat) fn tell_operators(&mut self, notice: &Notice) {
        for id in self.operators() {
            self.notify_other(id, notice);
        }
    }

    /// A client may do what operators can from now on.
    pub(in crate::chat) fn become_operator(&mut self, id: ClientId) {
        self.sessions[id].set_rare(|rare| (rare.is_operator, rare.password_attempts) = (true, 0));
        self.note_person(id);
        self.log_operator(id, "became an operator");
        self.notify(id, texts::YOU_ARE_OPERATOR);
        self.show_waiting_reports(id);
    }

    pub(in crate::chat) fn is_operator(&self, id: ClientId) -> bool {
        self.sessions.get(id).is_some_and(|session| session.rare().is_operator)
    }

    fn is_here(&self, id: ClientId) -> bool {
        self.sessions.get(id).is_some_and(|session| session.is_member())
    }

    /// Whether an operator has muted a client, which is told so.
    pub(in crate::chat) fn is_silenced(&mut self, id: ClientId) -> bool {
        let Some(muting) = self.sessions[id].rare().muting else { return false };
        let notice = texts::silenced(self.mute_left(muting));
        self.refuse(id, &notice);
        true
    }

    /// The network that a word of `/ban` means.
    fn find_network(&self, word: &str) -> Result<IpNet, Problem> {
        if word.contains(['.', ':', '/'])
            && let Ok(network) = parse_network(word)
        {
            let is_local = network.addr().is_loopback();
            return match is_local {
                true => Err(texts::is_this_machine(network).into()),
                false => Ok(ban_network(network)),
            };
        }
        self.network_of(self.find_client(word)?)
    }

    /// The network that a ban of a client here is for.
    pub(in crate::chat) fn network_of(&self, other: ClientId) -> Result<IpNet, Problem> {
        let network = self.admission.network(self.sessions[other].origin);
        let nick = self.sessions[other].nick.as_str();
        match network {
            None => Err(texts::is_local(nick).into()),
            Some(network) if network.is_unicast_link_local() => {
                Err(texts::is_link_local(nick).into())
            }
            Some(network) => Ok(ban_of(network)),
        }
    }

    /// Bans a network, here and on all servers. Gives what that was, for the log and for the
    /// one who did it.
    pub(in crate::chat) fn ban_network(
        &mut self,
        network: IpNet,
        by: &str,
        minutes: Option<u32>,
        reason: &str,
    ) -> Result<(String, String), Problem> {
        let time = minutes.map(|minutes| MINUTE * minutes);
        let ban = Ban::new(network, by.to_owned(), self.clock.now(), time).because(reason);
        if !self.admission.ban(self.clock.moment(), ban.clone()) {
            return Err(texts::too_many_bans(BANS_MAX).into());
        }
        let left = ban.seconds_left(self.clock.moment());
        let until = left.map_or(Time::MAX, |seconds| self.clock.wall().saturating_add(seconds));
        let (reason, by) = (ban.reason.clone(), by.into());
        self.share_ban(SharedBan { network: network.to_string().into(), until, by, reason });
        let clients = self.turn_out_banned(&ban);
        let span = minutes.map_or("for ever".into(), |minutes| format!("for {minutes} minutes"));
        let why = if ban.reason.is_empty() { String::new() } else { format!(": {:?}", ban.reason) };
        let what = format!("bans {network} {span}, disconnecting {clients} clients{why}");
        Ok((what, texts::is_banned(network, left, &ban.reason, clients)))
    }

    /// A ban that an operator of another server has made or taken back.
    pub(in crate::chat) fn apply_ban(&mut self, ban: &SharedBan) {
        let Ok(network) = parse_network(&ban.network).map(ban_network) else { return };
        if ban.until == 0 {
            self.admission.unban(network);
        }
        if ban.until <= self.clock.wall() {
            return;
        }
        let seconds = ban.until - self.clock.wall();
        let time = (ban.until != Time::MAX).then(|| Duration::from_secs(seconds.into()));
        // Whoever can write to the engine may have sent it.
        let [by, reason] = [&ban.by, &ban.reason].map(|text| Text::clean(text.as_bytes()));
        let by = by.as_str().split_whitespace().collect();
        let ban = Ban::new(network, by, self.clock.now(), time).because(reason.as_str());
        let at = self.clock.moment();
        let left = |ban: &Ban| ban.seconds_left(at).unwrap_or(u32::MAX);
        let known = self.admission.bans(at).find(|it| it.network == network).map(left);
        // What is read again ends a second earlier or later.
        if known.is_some_and(|known| known.abs_diff(left(&ban)) <= 2) {
            return;
        }
        if known.is_some() {
            self.admission.unban(network);
        }
        if self.admission.ban(at, ban.clone()) {
            self.turn_out_banned(&ban);
        }
    }

    /// Disconnects a client for a reason; gives what the one who wants that is told.
    pub(in crate::chat) fn turn_out(&mut self, other: ClientId, reason: &str) -> String {
        let nick = self.sessions[other].nick.clone();
        let farewell = texts::you_are_kicked(reason);
        let left = texts::kicked(nick.as_str(), reason);
        self.leave_as(other, CloseReason::Kicked, Some(&farewell), left);
        texts::is_kicked(nick.as_str())
    }

    /// Everybody goes who comes from a network that is banned; gives how many.
    fn turn_out_banned(&mut self, ban: &Ban) -> usize {
        let is_hit = |&id: &ClientId| {
            let network = self.admission.network(self.sessions[id].origin);
            network.is_some_and(|network| ban.is_for(network)) && self.is_here(id)
        };
        let banned: Vec<_> = self.sessions.keys().filter(is_hit).collect();
        for &id in &banned {
            self.part(id, CloseReason::Banned, Closing::Polite);
        }
        banned.len()
    }

    /// What a client is told last whose parting had to wait.
    pub(in crate::chat) fn parting_words(
        &self,
        id: ClientId,
        ending: CloseReason,
    ) -> Option<String> {
        let network = self.admission.network(self.sessions.get(id)?.origin);
        match ending {
            CloseReason::Banned => {
                let at = self.clock.moment();
                let ban = self.admission.ban_for(at, network?)?;
                Some(texts::you_are_banned(ban.seconds_left(at), &ban.reason))
            }
            _ => None,
        }
    }

    /// Has logged what an operator did.
    pub(in crate::chat) fn log_operator(&mut self, id: ClientId, what: &str) {
        let name = self.sessions[id].nick.as_str().to_owned();
        self.moderation.actions.add(self.clock.wall(), &format!("{name} {what}"));
        let (server, what) = (None, what.to_owned());
        self.outputs.push_back(Output::Log(id, Logged::Operator { name, server, what }));
    }

    /// A client by its name and where it comes from, for the log.
    pub(in crate::chat) fn described(&self, id: ClientId) -> String {
        let session = &self.sessions[id];
        let from = self.admission.network(session.origin).map(ban_of);
        let from = from.map_or("this machine".into(), |network| network.to_string());
        format!("{} from {from}", session.nick.as_str())
    }
}

/// `/op PASSWORD`
pub(in crate::chat) fn op(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    if rest.is_empty() {
        return Err(Problem::Usage);
    }
    let password = chat.config.operator_password.as_ref().ok_or(texts::NO_OPERATORS)?;
    if chat.sessions[id].rare().password_attempts >= PASSWORD_ATTEMPTS_MAX {
        return Err(texts::NO_MORE_TRIES.into());
    }
    if password.matches(rest.as_bytes()) {
        chat.become_operator(id);
        return Ok(());
    }
    chat.outputs.push_back(Output::Log(id, Logged::WrongOperatorPassword));
    let left = chat.count_password_attempt(id);
    chat.refuse(id, &texts::operator_password_wrong(left));
    Ok(())
}

/// `/deop`
pub(in crate::chat) fn deop(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    chat.log_operator(id, "is none any more");
    chat.sessions[id].set_rare(|rare| rare.is_operator = false);
    chat.note_person(id);
    chat.notify(id, texts::NO_LONGER_OPERATOR);
    Ok(())
}

/// `/ops`
pub(in crate::chat) fn ops(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    let here = chat.operators().into_iter();
    let here = here.map(|id| chat.sessions[id].nick.text().to_string());
    let elsewhere = chat.directory.everybody().filter(|(_, remote)| remote.is_operator);
    let elsewhere = elsewhere.map(|(_, remote)| {
        texts::operator_elsewhere(remote, chat.directory.server_name(&remote.id.server))
    });
    let mut names: Vec<_> = here.chain(elsewhere).collect();
    names.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    chat.notify(id, &texts::operators(&names));
    Ok(())
}

/// `/kick NAME [REASON]`
pub(in crate::chat) fn kick(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let (name, reason) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    if name.is_empty() {
        return Err(Problem::Usage);
    }
    let other = chat.find_client(name)?;
    if other == id {
        return Err(texts::KICK_YOURSELF.into());
    }
    let reason = reason.trim();
    if other.is_elsewhere() {
        let nick = nick_of(&chat.sessions, &chat.directory)(other).clone();
        chat.log_operator(id, &format!("kicks {}: {reason:?}", nick.as_str()));
        return chat.send_errand(id, other, Task::Kick(reason.into()));
    }
    let what = format!("kicks {}: {reason:?}", chat.described(other));
    chat.log_operator(id, &what);
    let text = chat.turn_out(other, reason);
    chat.notify(id, &text);
    Ok(())
}

/// `/ban NAME|NETWORK [TIME] [REASON]`
pub(in crate::chat) fn ban(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let (word, rest) = split_word(rest);
    if word.is_empty() {
        return Err(Problem::Usage);
    }
    let (minutes, reason) = time_and_reason(rest)?;
    if reason.len() > REASON_BYTES_MAX {
        return Err(texts::reason_too_long(REASON_BYTES_MAX).into());
    }
    if let Ok(other) = chat.find_client(word)
        && other.is_elsewhere()
    {
        chat.log_operator(id, &format!("bans where {word} comes from: {reason:?}"));
        let own = chat.admission.network(chat.sessions[id].origin);
        let own = own.map_or(String::new(), |own| own.to_canonical().to_string()).into();
        return chat.send_errand(id, other, Task::Ban { minutes, own, reason: reason.into() });
    }
    let network = chat.find_network(word)?;
    let own = chat.admission.network(chat.sessions[id].origin);
    if own.is_some_and(|own| network.contains(&own.to_canonical())) {
        return Err(texts::would_ban_you(network).into());
    }
    let by = chat.sessions[id].nick.clone();
    let (what, text) = chat.ban_network(network, by.as_str(), minutes, reason)?;
    chat.log_operator(id, &what);
    chat.notify(id, &text);
    Ok(())
}

/// `/unban NETWORK`
pub(in crate::chat) fn unban(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let network = parse_network(rest).map(ban_network).map_err(|_| Problem::Usage)?;
    if !chat.admission.unban(network) {
        return Err(texts::no_ban(network).into());
    }
    let by = chat.sessions[id].nick.clone();
    let (until, by, reason) = (0, by.as_str().into(), Box::default());
    chat.share_ban(SharedBan { network: network.to_string().into(), until, by, reason });
    chat.log_operator(id, &format!("takes back the ban of {network}"));
    chat.notify(id, &texts::unbanned(network));
    Ok(())
}

/// `/bans`
pub(in crate::chat) fn bans(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    let at = chat.clock.moment();
    let bans = chat.admission.bans(at);
    let line = |ban: &Ban| texts::ban(ban.network, ban.seconds_left(at), &ban.by, &ban.reason);
    let lines: Vec<_> = bans.map(line).collect();
    chat.notify(id, &texts::bans(lines.len()));
    for line in lines.iter().take(BANS_SHOWN_MAX) {
        chat.notify(id, line);
    }
    if lines.len() > BANS_SHOWN_MAX {
        chat.notify(id, &texts::bans_left_out(lines.len() - BANS_SHOWN_MAX));
    }
    Ok(())
}

/// The first word of a text, and what comes after it.
pub(in crate::chat) fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    (word, rest.trim())
}

/// What stands behind the name in `/ban`: a time in minutes, if there is one, and the reason.
/// What begins with a digit is a time, so that a typing error makes no ban for ever.
fn time_and_reason(text: &str) -> Result<(Option<u32>, &str), Problem> {
    let (word, reason) = split_word(text);
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok((None, text));
    }
    let is_number = word.parse::<u32>().is_ok();
    if is_number && is_unit(split_word(reason).0) {
        return Err(texts::BAN_TIME.into());
    }
    match seconds_in(word, 60).map(|seconds| seconds.div_ceil(60)) {
        Some(minutes @ 1..=MINUTES_MAX) => Ok((Some(minutes), reason)),
        _ => Err(texts::BAN_TIME.into()),
    }
}

/// Whether a word is a unit of time: `2 hours` is no time of `2` and a reason.
fn is_unit(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    const UNITS: &[&str] = &["s", "sec", "second", "m", "min", "minute", "h", "hour", "d", "day"];
    UNITS.contains(&&*word) || UNITS.contains(&word.trim_end_matches('s'))
}

/// `/announce TEXT`
pub(in crate::chat) fn announce(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    if rest.is_empty() {
        return Err(Problem::Usage);
    }
    chat.log_operator(id, &format!("announces {rest:?}"));
    let text = texts::announcement(chat.sessions[id].nick.as_str(), rest);
    let rooms: Vec<_> = chat.rooms.iter().map(|(id, _)| id).collect();
    for room in rooms {
        chat.append_notice(room, Kind::Notice, &text);
    }
    let elsewhere: Vec<_> = chat.directory.rooms().map(|(room, _)| Arc::clone(room)).collect();
    let is_up = chat.outbox.is_up();
    for room in elsewhere.iter().filter(|_| is_up) {
        if chat.rooms.find_key(room).is_none() {
            chat.append_elsewhere(room, &text);
        }
    }
    Ok(())
}
