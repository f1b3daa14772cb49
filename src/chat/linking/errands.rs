//! What concerns one client of another server: private messages and what operators do.

use std::net::IpAddr;
use std::sync::Arc;

use slotmap::{Key, KeyData};

use crate::chat::commands::Problem;
use crate::chat::commands::mutes::SECONDS_MAX;
use crate::chat::ids::ClientId;
use crate::chat::keeping::lookups::Asked;
use crate::chat::linking::sent::Sent;
use crate::chat::member::Correspondent;
use crate::chat::names::nick::Nick;
use crate::chat::state::{Chat, Logged, Output};
use crate::chat::texts;
use crate::wire::{Dispatch, Errand, Kind, Outcome, PersonId, SharedBan, Task, Text};

impl Chat {
    /// Has another server do something with a client there.
    pub(in crate::chat) fn send_errand(
        &mut self,
        from: ClientId,
        to: ClientId,
        task: Task,
    ) -> Result<(), Problem> {
        if !self.outbox.is_up() {
            return Err(texts::LINK_IS_DOWN.into());
        }
        let remote = self.directory.get(to).ok_or(texts::IS_GONE)?;
        let (server, client) = (Arc::clone(&remote.id.server), remote.id.client);
        let text = match &task {
            Task::Tell(text) => Some(text.clone()),
            _ => None,
        };
        let (name, sent_as) = (remote.nick.text(), self.sessions[from].nick.as_str().into());
        let re = self.answered_name(from);
        let asked = Asked::Errand(Sent { from, name, text, re });
        let ticket = self.lookups.add(self.clock.now(), asked);
        let from =
            PersonId { server: Arc::clone(&self.directory.own), client: from.data().as_ffi() };
        let errand = Errand { ticket, from, name: sent_as, client, task };
        self.directory.dispatch(Dispatch::Errand(server, errand));
        Ok(())
    }

    /// Another server has done what a client here wanted, or has not.
    pub fn handle_outcome(&mut self, outcome: &Outcome) {
        let Some(Asked::Errand(sent)) = self.lookups.take(outcome.ticket) else { return };
        if !self.sessions.contains_key(sent.from) {
            return;
        }
        self.answering(sent.from, sent.re.as_deref(), |chat| chat.tell_outcome(&sent, outcome));
    }

    fn tell_outcome(&mut self, sent: &Sent, outcome: &Outcome) {
        if !outcome.is_done {
            self.fail_command();
        }
        if let Some(text) = sent.text.as_ref().filter(|_| outcome.is_done) {
            let own = self.sessions[sent.from].nick.clone();
            self.tell(sent.from, Kind::Sent, own.as_str(), &sent.name, text);
        }
        if outcome.notices.is_empty() && !outcome.is_done {
            self.notify_other(sent.from, &texts::nobody(&sent.name));
        }
        for notice in &outcome.notices {
            self.notify_other(sent.from, Text::clean(notice.as_bytes()).as_str());
        }
    }

    /// The other server doesn't answer.
    pub(in crate::chat) fn handle_lost_errand(&mut self, sent: &Sent) {
        if self.sessions.contains_key(sent.from) {
            self.answering(sent.from, sent.re.as_deref(), |chat| {
                chat.fail_command();
                chat.notify_other(sent.from, &texts::no_answer(&sent.name));
            });
        }
    }

    /// Another server wants something of a client here.
    pub fn handle_errand(&mut self, mut errand: Errand) {
        // Whoever can write to the engine may have sent it.
        let Some(name) = Nick::parse_shown(&errand.name) else { return };
        errand.name = name.as_str().into();
        let id = KeyData::from_ffi(errand.client).into();
        let is_here = self.sessions.get(id).is_some_and(|session| session.is_member());
        let result = match errand.task.clone() {
            _ if !is_here => Ok(None),
            Task::Tell(text) => {
                let text = Text::clean(text.as_bytes());
                self.receive_message(id, &errand, text.as_str()).map(Some)
            }
            Task::Kick(reason) => {
                let reason = Text::clean(reason.as_bytes());
                self.kick_for(id, &errand, reason.as_str()).map(Some)
            }
            Task::Mute => self.mute_for(id, &errand, None).map(Some),
            Task::MuteFor(seconds) => self.mute_for(id, &errand, Some(seconds)).map(Some),
            Task::Unmute => self.unmute_for(id, &errand).map(Some),
            Task::Ban { minutes, own, reason } => {
                let reason = Text::clean(reason.as_bytes());
                self.ban_for(id, &errand, minutes, &own, reason.as_str()).map(Some)
            }
        };
        let (is_done, notices) = match result {
            Ok(None) => (false, Vec::new()),
            Ok(Some(notices)) => (true, notices),
            Err(Problem::Because(why)) => (false, vec![why.text]),
            Err(Problem::Usage) => (false, Vec::new()),
        };
        let notices = notices.into_iter().map(Into::into).collect();
        let outcome = Outcome { ticket: errand.ticket, is_done, notices };
        self.directory.dispatch(Dispatch::Outcome(errand.from.server, outcome));
    }

    fn receive_message(
        &mut self,
        id: ClientId,
        errand: &Errand,
        text: &str,
    ) -> Result<Vec<String>, Problem> {
        let PersonId { server, client } = &errand.from;
        let from = self.directory.id(server, *client).unwrap_or_default();
        let author = Correspondent::There(Box::new(errand.from.clone()));
        let notice = self.receive_private(id, from, author, &errand.name, text)?;
        Ok(notice.into_iter().map(|notice| notice.text).collect())
    }

    fn kick_for(
        &mut self,
        id: ClientId,
        errand: &Errand,
        reason: &str,
    ) -> Result<Vec<String>, Problem> {
        self.log_errand(id, errand, &format!("kicks {}: {reason:?}", self.described(id)));
        Ok(vec![self.turn_out(id, reason)])
    }

    fn mute_for(
        &mut self,
        id: ClientId,
        errand: &Errand,
        seconds: Option<u32>,
    ) -> Result<Vec<String>, Problem> {
        let (what, text) = self.mute(id, seconds.map(|seconds| seconds.min(SECONDS_MAX)))?;
        self.log_errand(id, errand, &what);
        Ok(vec![text])
    }

    fn unmute_for(&mut self, id: ClientId, errand: &Errand) -> Result<Vec<String>, Problem> {
        let (what, text) = self.unmute(id)?;
        self.log_errand(id, errand, &what);
        Ok(vec![text])
    }

    fn ban_for(
        &mut self,
        id: ClientId,
        errand: &Errand,
        minutes: Option<u32>,
        own: &str,
        reason: &str,
    ) -> Result<Vec<String>, Problem> {
        let network = self.network_of(id)?;
        if own.parse().is_ok_and(|own: IpAddr| network.contains(&own)) {
            return Err(texts::would_ban_you(network).into());
        }
        let (what, text) = self.ban_network(network, &errand.name, minutes, reason)?;
        self.log_errand(id, errand, &what);
        Ok(vec![text])
    }

    /// Has logged what an operator of another server did.
    fn log_errand(&mut self, id: ClientId, errand: &Errand, what: &str) {
        let server = self.directory.server_name(&errand.from.server).to_owned();
        let action = format!("{} on the server {server} {what}", errand.name);
        self.moderation.actions.add(self.clock.wall(), &action);
        let (name, server, what) = (errand.name.to_string(), Some(server), what.to_owned());
        self.outputs.push_back(Output::Log(id, Logged::Operator { name, server, what }));
    }

    /// Tells the other servers of a ban that was made here, or taken back.
    pub(in crate::chat) fn share_ban(&mut self, ban: SharedBan) {
        if self.config.is_shared {
            self.directory.dispatch(Dispatch::Ban(ban));
        }
    }
}
