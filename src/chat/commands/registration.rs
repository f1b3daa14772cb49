//! Names that have owners: `/register`, `/login`, `/unregister`.
//!
//! A secret is hashed elsewhere, which takes long: the client waits for it as it waits for the
//! store, and what it wanted is done when the verdict comes.

use crate::chat::close_reason::CloseReason;
use crate::chat::commands::{Outcome, Problem, take_name};
use crate::chat::ids::ClientId;
use crate::chat::keeping::lookups::Asked;
use crate::chat::linking::people::nick_of;
use crate::chat::login::PENALTY;
use crate::chat::member::{Session, Waiting};
use crate::chat::names::nick::Nick;
use crate::chat::names::registered::{REGISTERED_MAX, REGISTRATIONS_A_DAY};
use crate::chat::names::secret::{
    Deed, OwnerSecret, SECRET_BYTES_MAX, SECRET_BYTES_MIN, SecretJob, Verdict,
};
use crate::chat::names::tries::Next;
use crate::chat::state::{Chat, Logged, Output};
use crate::chat::texts;
use crate::wire::KeptName;

impl Chat {
    /// Names that were registered before the start. Nobody may be here yet.
    pub fn set_names(&mut self, names: Vec<KeptName>) {
        names.into_iter().for_each(|kept| self.registered.insert(kept));
    }

    /// Whether a client may have a name as far as others own it.
    ///
    /// # Errors
    /// Why not, for the client.
    pub(in crate::chat) fn check_owner(&mut self, id: ClientId, nick: &Nick) -> Result<(), String> {
        let session = &self.sessions[id];
        let mut owned = false;
        for kept in self.registered.alike(nick) {
            if session.owns(&kept.name) {
                owned = true;
                continue;
            }
            let owner = Nick::parse(&kept.name).unwrap_or_default();
            let text = match owner.is_same(nick) {
                true => texts::is_registered(nick.name()),
                false => texts::look_registered(owner.name(), nick.name()),
            };
            // For a /login without a name.
            self.sessions[id].set_rare(|rare| rare.wanted = Some(owner));
            return Err(text);
        }
        match !owned && self.registered.is_reserved(nick) && !self.is_operator(id) {
            true => Err(texts::reserved(nick.name())),
            false => Ok(()),
        }
    }

    /// Whether names can be registered here.
    fn check_registration(&self) -> Result<(), Problem> {
        match (self.config.has_store, self.config.is_shared) {
            (_, true) => Err(texts::NOT_REGISTERED_TOGETHER.into()),
            (false, false) => Err(texts::NOTHING_REGISTERED.into()),
            (true, false) => Ok(()),
        }
    }

    /// Has a secret hashed, or compared with a hash. The client waits.
    fn ask_secret(
        &mut self,
        id: ClientId,
        secret: OwnerSecret,
        hash: Option<Box<str>>,
        deed: Deed,
    ) {
        let ticket = self.lookups.add(self.clock.now(), Asked::Secret(id, deed));
        self.outputs.push_back(Output::Secret(SecretJob { ticket, secret, hash }));
        self.sessions[id].set_rare(|rare| rare.waiting = Some(Waiting::Secret));
    }

    /// Has a secret of a registered name compared, if it may be tried.
    fn try_secret(
        &mut self,
        id: ClientId,
        nick: &Nick,
        secret: &str,
        deed: fn(Nick) -> Deed,
    ) -> Outcome {
        let kept = self.registered.find(nick).ok_or_else(|| texts::not_registered(nick.name()))?;
        let (name, hash) = (kept.name.clone(), kept.hash.clone());
        let network = self.admission.network(self.sessions[id].origin);
        let begun = self.tries.begin(&name, network, self.clock.uptime());
        begun.map_err(texts::secret_wait)?;
        let Some(secret) = OwnerSecret::new(secret) else {
            // It can't be right.
            self.refuse_secret(id, &name);
            return Ok(());
        };
        let nick = Nick::parse(&name).unwrap_or_default();
        self.ask_secret(id, secret, Some(hash), deed(nick));
        Ok(())
    }

    /// A secret was wrong.
    fn refuse_secret(&mut self, id: ClientId, name: &str) {
        self.outputs.push_back(Output::Log(id, Logged::WrongSecret));
        self.throttle(id, self.clock.now() + PENALTY);
        let network = self.admission.network(self.sessions[id].origin);
        let text = match self.tries.next(name, network, self.clock.uptime()) {
            Next::Left(tries) => texts::wrong_secret(tries),
            Next::Wait(seconds) => texts::wrong_secret_wait(seconds),
        };
        self.refuse(id, &text);
    }

    /// It is known whether a secret is right, or what its hash is. To be called while there is
    /// headroom.
    pub fn handle_verdict(&mut self, ticket: u64, verdict: Verdict) {
        // Else it has taken too long.
        if let Some(Asked::Secret(id, deed)) = self.lookups.take(ticket) {
            self.end_secret(id, &deed, verdict);
        }
    }

    /// Does what a client wanted to do, or tells it why not.
    pub(in crate::chat) fn end_secret(&mut self, id: ClientId, deed: &Deed, verdict: Verdict) {
        let is_waiting =
            |it: &Session| it.is_member() && matches!(it.rare().waiting, Some(Waiting::Secret));
        let is_here = self.sessions.get(id).is_some_and(is_waiting);
        if is_here {
            self.sessions[id].set_rare(|rare| rare.waiting = None);
        }
        self.count_verdict(id, deed, &verdict);
        if !is_here {
            return;
        }
        self.answering(id, Some(deed.command()), |chat| chat.end_deed(id, deed, verdict));
        self.schedule.resume(id);
        if self.sessions.contains_key(id) {
            self.update_interest(id);
        }
    }

    fn end_deed(&mut self, id: ClientId, deed: &Deed, verdict: Verdict) {
        match (deed, verdict) {
            (_, Verdict::Busy) => self.refuse(id, texts::SECRETS_BUSY),
            (Deed::Register(nick), Verdict::Hashed(hash)) => self.register(id, nick, hash),
            (Deed::LogIn(nick), Verdict::Right) => self.log_in_as(id, nick),
            (Deed::Unregister(nick), Verdict::Right) => {
                self.unregister(nick.as_str());
                self.notify(id, &texts::unregistered(nick.as_str()));
            }
            (Deed::LogIn(nick) | Deed::Unregister(nick), Verdict::Wrong) => {
                self.refuse_secret(id, nick.as_str());
            }
            _ => self.refuse(id, texts::SECRETS_FAIL),
        }
    }

    /// A try that was begun counts as wrong unless it is right or wasn't one.
    fn count_verdict(&mut self, id: ClientId, deed: &Deed, verdict: &Verdict) {
        self.counts.secrets_refused += u64::from(*verdict == Verdict::Busy);
        let (Deed::LogIn(nick) | Deed::Unregister(nick), Some(session)) =
            (deed, self.sessions.get(id))
        else {
            return;
        };
        let network = self.admission.network(session.origin);
        match verdict {
            Verdict::Right => self.tries.succeed(nick.as_str(), network),
            Verdict::Wrong => {}
            _ => self.tries.take_back(nick.as_str(), network),
        }
    }

    /// The name of a client is its own from now on, or has another secret.
    fn register(&mut self, id: ClientId, nick: &Nick, hash: Box<str>) {
        let now = self.clock.wall();
        let known = self.registered.find(nick).cloned();
        let is_own = known.as_ref().is_none_or(|kept| self.sessions[id].owns(&kept.name));
        let has_name = known.is_some() || self.sessions[id].nick.is_same(nick);
        if !is_own || !has_name {
            // Something else has happened meanwhile.
            return self.refuse(id, texts::SECRETS_FAIL);
        }
        let text = match &known {
            Some(kept) => texts::secret_changed(&kept.name),
            None => texts::registered(nick.name()),
        };
        let kept = match known {
            Some(kept) => KeptName { hash, last_seen: now, ..kept },
            None => KeptName { name: nick.name().into(), hash, registered: now, last_seen: now },
        };
        let name = kept.name.clone();
        self.registered.insert(kept.clone());
        self.handover.add_name(&name, Some(kept));
        self.set_account(id, &name);
        // Who knew the old secret only isn't the owner any more.
        self.end_accounts(&name, Some(id));
        self.notify(id, &text);
    }

    /// A client has given the right secret: the name is its own, whoever has it.
    fn log_in_as(&mut self, id: ClientId, nick: &Nick) {
        let Some(kept) = self.registered.find(nick) else {
            return self.refuse(id, &texts::not_registered(nick.name()));
        };
        let name = kept.name.clone();
        self.set_account(id, &name);
        let holder = self.names.find(nick, nick_of(&self.sessions, &self.directory));
        if let Some(ghost) = holder.filter(|&holder| holder != id) {
            self.leave(ghost, CloseReason::Replaced, Some(texts::LOGGED_IN_ELSEWHERE));
        }
        let has_name = self.sessions[id].nick.is_same(nick);
        if let Err(why) = if has_name { Ok(()) } else { take_name(self, id, nick) } {
            return self.refuse(id, &why);
        }
        self.notify(id, &texts::logged_in(&name));
    }

    fn set_account(&mut self, id: ClientId, name: &str) {
        let Ok(account) = Nick::parse(name) else { return };
        self.touch_account(id);
        self.pages.log_in(id, &account);
        self.sessions[id].set_rare(|rare| (rare.account, rare.wanted) = (Some(account), None));
        self.touch_account(id);
    }

    /// The owner of a registered name is here.
    pub(in crate::chat) fn touch_account(&mut self, id: ClientId) {
        let session = &self.sessions[id];
        if session.is_plain() {
            return;
        }
        if let Some(account) = &session.rare().account
            && let Some(kept) = self.registered.touch(account.as_str(), self.clock.wall())
        {
            self.handover.add_name(account.as_str(), Some(kept));
        }
    }

    /// Nobody has shown to own this name any more, `except` one: those who have it, and may have
    /// been told the secret by somebody, are disconnected.
    fn end_accounts(&mut self, name: &str, except: Option<ClientId>) {
        self.pages.log_out(name, except);
        let others = self.sessions.iter().filter(|(id, it)| Some(*id) != except && it.owns(name));
        let others: Vec<_> = others.map(|(id, _)| id).collect();
        let nick = Nick::parse(name).unwrap_or_default();
        for id in others {
            let session = &mut self.sessions[id];
            session.set_rare(|rare| rare.account = None);
            if except.is_some() && session.is_member() && session.nick.is_same(&nick) {
                self.leave(id, CloseReason::Replaced, Some(texts::SECRET_IS_NEW));
            }
        }
    }

    /// A name isn't registered any more. Whoever has it keeps it as long as it is there.
    fn unregister(&mut self, name: &str) {
        self.registered.remove(name);
        self.handover.add_name(name, None);
        self.end_accounts(name, None);
    }

    /// What `/whois` says of a registered name that nobody has.
    pub(in crate::chat) fn whois_absent(&self, name: &str) -> Option<String> {
        let kept = self.registered.find(&Nick::parse(name).ok()?)?;
        let age = self.clock.wall().saturating_sub(kept.last_seen);
        Some(texts::whois_absent(&kept.name, age))
    }
}

/// `/register SECRET`
pub(in crate::chat) fn register(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    chat.check_registration()?;
    if rest.is_empty() {
        return Err(Problem::Usage);
    }
    let nick = chat.sessions[id].nick.clone();
    if nick.is_guest() {
        return Err(texts::REGISTER_GUEST.into());
    }
    let is_new = chat.registered.find(&nick).is_none();
    chat.check_owner(id, &nick)?;
    let secret = OwnerSecret::new(rest).filter(|_| rest != nick.name());
    let secret = secret.ok_or_else(|| texts::bad_secret(SECRET_BYTES_MIN, SECRET_BYTES_MAX))?;
    if is_new && chat.registered.len() >= REGISTERED_MAX {
        return Err(texts::names_full(REGISTERED_MAX).into());
    }
    if !chat.handover.takes_names() {
        return Err(texts::NO_STORE.into());
    }
    let network = chat.admission.network(chat.sessions[id].origin);
    if !chat.registrations.take(network, chat.clock.now()) {
        return Err(texts::too_many_registrations(REGISTRATIONS_A_DAY).into());
    }
    chat.ask_secret(id, secret, None, Deed::Register(nick));
    Ok(())
}

/// `/login [NAME] SECRET`
pub(in crate::chat) fn login(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    chat.check_registration()?;
    let (nick, secret) = name_and_secret(chat, id, rest)?;
    if chat.registered.find(&nick).is_some_and(|kept| {
        let session = &chat.sessions[id];
        session.owns(&kept.name) && session.nick.is_same(&nick)
    }) {
        chat.notify(id, &texts::logged_in(nick.name()));
        return Ok(());
    }
    chat.try_secret(id, &nick, secret, Deed::LogIn)
}

/// `/unregister [[NAME] SECRET]`, and `/unregister NAME` of operators.
pub(in crate::chat) fn unregister(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    chat.check_registration()?;
    if rest.is_empty() {
        let name = chat.sessions[id].rare().account.clone().ok_or(texts::LOG_IN_FIRST)?;
        chat.unregister(name.as_str());
        chat.notify(id, &texts::unregistered(name.as_str()));
        return Ok(());
    }
    if chat.is_operator(id)
        && let Ok(nick) = Nick::parse(rest)
        && let Some(name) = chat.registered.find(&nick).map(|kept| kept.name.clone())
    {
        chat.unregister(&name);
        chat.log_operator(id, &format!("unregisters {name}"));
        chat.notify(id, &texts::unregistered(&name));
        return Ok(());
    }
    let (nick, secret) = name_and_secret(chat, id, rest)?;
    chat.try_secret(id, &nick, secret, Deed::Unregister)
}

/// What follows a command: a name and a secret, or a secret for the registered name that the
/// client wanted last, or else for the one that it has.
fn name_and_secret<'a>(
    chat: &Chat,
    id: ClientId,
    rest: &'a str,
) -> Result<(Nick, &'a str), Problem> {
    let words: Vec<_> = rest.split_whitespace().collect();
    let session = &chat.sessions[id];
    match words[..] {
        [secret] => {
            let wanted = session.rare().wanted.as_ref();
            Ok((wanted.unwrap_or(&session.nick).clone(), secret))
        }
        [name, secret] => {
            let nick = Nick::parse(name)
                .map_err(|error| texts::bad_name("name", "/login ann SECRET", error))?;
            Ok((nick, secret))
        }
        _ => Err(Problem::Usage),
    }
}
