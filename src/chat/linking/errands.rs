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
use crate::chat::notice::{Notice, Told};
use crate::chat::state::{Chat, Logged, Output};
use crate::chat::texts;
use crate::wire::{Dispatch, Errand, Facts, Kind, Outcome, PersonId, SharedBan, Task, Text};

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
        let mut facts = Facts::parse(&outcome.facts);
        for text in &outcome.notices {
            let (text, facts) = (Text::clean(text.as_bytes()), facts.take());
            self.notify_other(sent.from, Told { text: text.as_str(), facts: facts.as_ref() });
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
        let (is_done, notice) = match is_here.then(|| self.run_errand(id, &errand)) {
            Some(Ok(notice)) => (true, notice),
            Some(Err(Problem::Because(why))) => (false, Some(why)),
            Some(Err(Problem::Usage)) | None => (false, None),
        };
        let facts = notice.as_ref().map(|notice| Told::from(notice).facts_for_line());
        let (facts, ticket) = (facts.unwrap_or_default(), errand.ticket);
        let notices = notice.into_iter().map(|notice| notice.text.into()).collect();
        let outcome = Outcome { ticket, is_done, notices, facts };
        self.directory.dispatch(Dispatch::Outcome(errand.from.server, outcome));
    }

    /// Does it; gives what the one who wants it is told.
    fn run_errand(&mut self, id: ClientId, errand: &Errand) -> Result<Option<Notice>, Problem> {
        match &errand.task {
            Task::Tell(text) => {
                let text = Text::clean(text.as_bytes());
                self.receive_message(id, errand, text.as_str())
            }
            Task::Kick(reason) => {
                let reason = Text::clean(reason.as_bytes());
                Ok(Some(self.kick_for(id, errand, reason.as_str())))
            }
            Task::Mute => self.mute_for(id, errand, None).map(Some),
            Task::MuteFor(seconds) => self.mute_for(id, errand, Some(*seconds)).map(Some),
            Task::Unmute => self.unmute_for(id, errand).map(Some),
            Task::Ban { minutes, own, reason } => {
                let reason = Text::clean(reason.as_bytes());
                self.ban_for(id, errand, *minutes, own, reason.as_str()).map(Some)
            }
        }
    }

    fn receive_message(
        &mut self,
        id: ClientId,
        errand: &Errand,
        text: &str,
    ) -> Result<Option<Notice>, Problem> {
        let PersonId { server, client } = &errand.from;
        let from = self.directory.id(server, *client).unwrap_or_default();
        let author = Correspondent::There(Box::new(errand.from.clone()));
        self.receive_private(id, from, author, &errand.name, text)
    }

    fn kick_for(&mut self, id: ClientId, errand: &Errand, reason: &str) -> Notice {
        self.log_errand(id, errand, &format!("kicks {}: {reason:?}", self.described(id)));
        self.turn_out(id, reason).into()
    }

    fn mute_for(
        &mut self,
        id: ClientId,
        errand: &Errand,
        seconds: Option<u32>,
    ) -> Result<Notice, Problem> {
        let (what, text) = self.mute(id, seconds.map(|seconds| seconds.min(SECONDS_MAX)))?;
        self.log_errand(id, errand, &what);
        Ok(text.into())
    }

    fn unmute_for(&mut self, id: ClientId, errand: &Errand) -> Result<Notice, Problem> {
        let (what, text) = self.unmute(id)?;
        self.log_errand(id, errand, &what);
        Ok(text.into())
    }

    fn ban_for(
        &mut self,
        id: ClientId,
        errand: &Errand,
        minutes: Option<u32>,
        own: &str,
        reason: &str,
    ) -> Result<Notice, Problem> {
        let network = self.network_of(id)?;
        if own.parse().is_ok_and(|own: IpAddr| network.contains(&own)) {
            return Err(texts::would_ban_you(network).into());
        }
        let (what, text) = self.ban_network(network, &errand.name, minutes, reason)?;
        self.log_errand(id, errand, &what);
        Ok(text.into())
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
