//! Clients that speak HTTP: one request each, answered at once, by a stream, or line
//! by line as its body comes.

mod answers;
mod metrics;
mod page;
pub(super) mod pages;
mod post;
mod socket;
mod stream;

use std::time::Duration;

use crate::chat::close_reason::{CloseReason, Refusal};
use crate::chat::commands::rules::is_invited;
use crate::chat::ids::ClientId;
use crate::chat::keeping::rooms::Opening;
use crate::chat::linking::people::{Permit, nick_of};
use crate::chat::login::PENALTY;
use crate::chat::member::{Phase, Standing, State, Waiting};
use crate::chat::names::nick::Nick;
use crate::chat::room::RoomId;
use crate::chat::state::{Chat, Logged, Output};
use crate::chat::texts;
use crate::chat::web::answers::Answer;
use crate::chat::web::pages::TOKEN_BYTES_MIN;
use crate::wire::Answer as Looked;
use crate::wire::{
    BadRequest, Client, Encoding, Ending, Layout, Method, Protocol, Request, Stage, ping,
    secured_url,
};

/// How often something is sent to a client to which nothing may be said for long.
const KEEPALIVE_TIME: Duration = Duration::from_secs(30);

impl Chat {
    /// The head of a request has come.
    pub(in crate::chat) fn handle_request(&mut self, id: ClientId, request: &Request) {
        self.counts.requests += 1;
        if request.is_browser {
            let network = self.admission.network(self.sessions[id].origin);
            self.admission.browsers.ask(self.clock.now(), network);
        }
        let session = &self.sessions[id];
        let is_new = session.standing() == Some(Standing::Arriving);
        let guest = is_new.then(|| session.nick.clone());
        let is_read = matches!(request.method, Method::Get | Method::Head);
        let result = match is_read && request.upgrade.is_none() {
            true => self.read(id, request),
            false => self.change(id, request),
        };
        if let Err(answer) = result {
            self.answer(id, &answer, request.method == Method::Head);
        }
        // Else the numbers of guests would count requests.
        if let Some(guest) = guest
            && self.names.find(&guest, nick_of(&self.sessions, &self.directory)).is_none()
        {
            self.names.take_back_guest(&guest);
        }
    }

    /// A request that changes nothing: some are answered with the same for everyone, and
    /// all others are for streams.
    fn read(&mut self, id: ClientId, request: &Request) -> Result<(), Answer> {
        if request.path == "healthz" {
            return Err(Answer::text("200 OK", "ok"));
        }
        self.check_host(request)?;
        let is_page = request.accept.contains("text/html");
        match &*request.path {
            "metrics" if self.may_see_metrics(id) => Err(answers::metrics(self.metrics())),
            "metrics" => Err(Answer::text("403 Forbidden", answers::NO_METRICS)),
            // Browsers and crawlers ask for them, whatever there is.
            "favicon.ico" | "robots.txt" => Err(Answer::text("404 Not Found", answers::NO_FILE)),
            "" if !is_page => {
                let host = request.authority.as_deref().unwrap_or("HOST:8008");
                Err(answers::help(host, self.secured.version(id).is_some()))
            }
            _ if is_page => {
                room_name(request)?;
                Err(page::page(request))
            }
            _ => self.enter(id, request),
        }
    }

    /// A request that changes something.
    fn change(&mut self, id: ClientId, request: &Request) -> Result<(), Answer> {
        self.check_host(request)?;
        check_origin(request)?;
        self.enter(id, request)
    }

    /// The client comes into the room that it asks for.
    fn enter(&mut self, id: ClientId, request: &Request) -> Result<(), Answer> {
        if !self.check_credentials(id, request)? {
            return Ok(());
        }
        let name = room_name(request)?;
        if request.method == Method::Head {
            // No room is made for that.
            self.begin_answer(id, answers::stream_head(Layout::Named, Ending::Lf).as_bytes());
            self.leave(id, CloseReason::Quit, None);
            return Ok(());
        }
        self.arrive_again(id);
        // A stranger stays where nothing is said.
        let is_let_in = !self.is_logging_in(id);
        let (upgrade, lock) = (&request.upgrade, self.lock_for(id, name.as_ref(), request));
        if let Some(why) = lock.filter(|_| is_let_in) {
            let Some(upgrade) = upgrade else { return Err(Answer::text("403 Forbidden", why)) };
            self.refuse_socket(id, &upgrade.key, &why);
            return Ok(());
        }
        if is_let_in && !self.enter_room(id, name, request)? {
            return Ok(());
        }
        if self.asks_for_name(id, request) {
            return Ok(());
        }
        if let Some(words) = request.parameter("search") {
            return self.search_for(id, words, request);
        }
        match (&request.upgrade, request.method) {
            (Some(upgrade), _) => self.begin_socket(id, request, &upgrade.key),
            (None, Method::Post | Method::Put) => self.begin_post(id, request),
            (None, Method::Get | Method::Head) => self.begin_stream(id, request),
        }
    }

    /// A name that is made to point here (DNS rebinding) isn't one of ours.
    fn check_host(&self, request: &Request) -> Result<(), Answer> {
        let Some(host) = request.host.as_deref() else { return Ok(()) };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_ours = bare.parse::<std::net::IpAddr>().is_ok()
            || host == "localhost"
            || host.ends_with(".localhost")
            || host.ends_with(".local")
            || self.config.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host));
        if is_ours { Ok(()) } else { Err(Answer::text("403 Forbidden", answers::wrong_host(host))) }
    }

    /// With a password each request brings it, but for WebSockets: there it is the first
    /// line, as it is for netcat. False if the answer comes later.
    fn check_credentials(&mut self, id: ClientId, request: &Request) -> Result<bool, Answer> {
        if !self.is_logging_in(id) {
            return Ok(true);
        }
        if self.config.password.is_none() {
            // It waits because the lobby is locked; the room that it asks for may be another one.
            self.place_for_member().map_err(|refusal| answers::refused(&refusal))?;
            self.let_in(id);
            return Ok(true);
        }
        if request.upgrade.is_some() {
            return Ok(true);
        }
        let Some((_, password)) = &request.credentials else {
            return Err(answers::needs_password(answers::NEEDS_PASSWORD));
        };
        if self.config.password.as_ref().is_some_and(|it| it.matches(password.as_bytes())) {
            self.place_for_member().map_err(|refusal| answers::refused(&refusal))?;
            self.let_in(id);
            return Ok(true);
        }
        self.outputs.push_back(Output::Log(id, Logged::WrongPassword));
        self.refuse_password_later(id);
        Ok(false)
    }

    /// The answer to a wrong password takes as long as one in the chat does, so that
    /// guessing isn't faster here.
    fn refuse_password_later(&mut self, id: ClientId) {
        let session = &mut self.sessions[id];
        session.set_client(Client::begin_stream);
        let state = State::Member(Standing::LoggingIn, Phase::Talking);
        session.enter(state, Some(self.clock.now() + PENALTY));
        self.set_timer(id);
    }

    /// The time is over in which a client has to give the password, or has to wait
    /// after a wrong one.
    pub(in crate::chat) fn end_request_login(&mut self, id: ClientId) {
        self.answer(id, &answers::needs_password(answers::WRONG_PASSWORD), false);
    }

    /// What a client that isn't let in is sent, if `first`, what it has sent, is a
    /// request.
    pub(in crate::chat) fn refused_request(
        &self,
        refusal: &Refusal,
        first: &[u8],
    ) -> Option<Vec<u8>> {
        let line = first.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let is_request = Protocol::of_line(line) == Some(Protocol::Http);
        let is_plain = matches!(refusal, Refusal::PlainText { .. });
        let address = is_plain.then(|| secured_url(first)).flatten();
        (self.config.has_web && is_request).then(|| match address {
            Some(address) => answers::moved(refusal, &address).encode(false),
            None => answers::refused(refusal).encode(false),
        })
    }

    /// Why a request may not enter the room that it asks for, if an operator has locked that.
    fn lock_for(&mut self, id: ClientId, name: Option<&Nick>, request: &Request) -> Option<String> {
        let room = name.map_or(Some(self.rooms.lobby()), |name| self.rooms.find(name))?;
        let is_locked = self.is_locked_out(id, room, request);
        is_locked.then(|| texts::locked_out(self.rooms[room].name.as_str()))
    }

    /// Whether a client may not enter a room because it is locked. One that is invited by the
    /// name that it asks for may, if it gets that.
    fn is_locked_out(&mut self, id: ClientId, room: RoomId, request: &Request) -> bool {
        if !self.is_locked_for(id, room) {
            return false;
        }
        let wanted = wanted_name(request);
        let nick = wanted.and_then(|it| Nick::parse_with_secret(it, &self.config.proof_key).ok());
        let Some(nick) = nick.filter(|nick| is_invited(&self.rooms[room].rules, nick)) else {
            return true;
        };
        if let Some(token) = session_token(request).filter(|_| request.upgrade.is_some()) {
            // Its old connection may have the name.
            self.end_old_connection(id, token);
        }
        !self.may_be_called(id, &nick)
    }

    /// Moves a client to the room of this name, or to the lobby without one. False if the
    /// store has to say first how the room goes on: then the request is done later.
    fn enter_room(
        &mut self,
        id: ClientId,
        name: Option<Nick>,
        request: &Request,
    ) -> Result<bool, Answer> {
        if name.as_ref().is_some_and(|name| self.rooms.find(name).is_none()) {
            // Others see how a new room is called.
            self.check_muting(id)?;
        }
        let opening = match name {
            None => Opening::Open(self.rooms.lobby()),
            Some(name) => self.open_room(id, &name),
        };
        match opening {
            Opening::Open(room) if self.is_locked_out(id, room, request) => {
                let text = texts::locked_out(self.rooms[room].name.as_str());
                Err(Answer::text("403 Forbidden", text))
            }
            Opening::Open(room) if self.sessions[id].room == room => Ok(true),
            Opening::Open(room) => {
                self.change_room(id, room);
                Ok(true)
            }
            Opening::Full => {
                let text = texts::no_more_rooms(self.config.rooms_max);
                Err(Answer::text("503 Service Unavailable", text))
            }
            Opening::Asked => {
                let waiting = Waiting::Request(Box::new(request.clone()));
                self.sessions[id].set_rare(|rare| rare.waiting = Some(waiting));
                Ok(false)
            }
        }
    }

    /// The room that a request is about can't be entered now.
    pub(in crate::chat) fn answer_unavailable(&mut self, id: ClientId, text: &str) {
        self.answer(id, &Answer::text("503 Service Unavailable", text.to_owned()), false);
    }

    /// The store has said how the room goes on that a request is about.
    pub(in crate::chat) fn handle_waiting_request(&mut self, id: ClientId, request: &Request) {
        if self.sessions[id].stage == Stage::Socket {
            return self.resume_socket(id, request);
        }
        if let Err(answer) = self.enter(id, request) {
            self.answer(id, &answer, false);
        }
    }

    /// A request that looks for words.
    fn search_for(&mut self, id: ClientId, words: &str, request: &Request) -> Result<(), Answer> {
        self.begin_search(id, words).map_err(|text| Answer::text("400 Bad Request", text))?;
        let session = &mut self.sessions[id];
        session.set_rare(|rare| rare.request = Some(Box::new(request.clone())));
        // What else it sends is for nobody, and it is sent nothing but the answer.
        session.set_client(Client::begin_stream);
        let log = &self.rooms[session.room].log;
        session.reader.skip_all(log);
        session.reader.stop(log);
        self.become_unannounced(id);
        Ok(())
    }

    /// What a request looks for is found.
    pub(in crate::chat) fn answer_search(&mut self, id: ClientId, answer: &Looked) {
        let request = self.sessions[id].set_rare(|rare| rare.request.take());
        let found = match answer {
            Looked::Found(found) => found,
            Looked::TooLong => return self.refuse_search(id, texts::SEARCH_TOO_LONG),
            _ => return self.refuse_search(id, texts::NO_STORE),
        };
        let encoding = request.map(|request| self.stream_encoding(&request));
        let layout = encoding.map_or(Layout::Named, |encoding| encoding.layout);
        let mut bytes = Vec::new();
        for line in found {
            match layout {
                Layout::Json => {
                    let encoding = Encoding::new(Layout::Json, Ending::Lf);
                    let session = &mut self.sessions[id];
                    let log = &self.rooms[session.room].log;
                    log.encode_past(line, encoding, "", &mut bytes);
                }
                _ => bytes.extend((self.found_line(line) + "\n").into_bytes()),
            }
        }
        self.answer(id, &answers::found(layout, bytes), false);
    }

    fn refuse_search(&mut self, id: ClientId, why: &str) {
        self.answer(id, &Answer::text("503 Service Unavailable", why), false);
    }

    /// Whether others may see what a client says and is called.
    fn check_muting(&self, id: ClientId) -> Result<(), Answer> {
        let Some(muting) = self.sessions[id].rare().muting else { return Ok(()) };
        let text = texts::you_are_muted(self.mute_left(muting));
        Err(Answer::text("403 Forbidden", text.text))
    }

    /// Gives a client the name that it asks for.
    fn take_name(&mut self, id: ClientId, name: Option<&str>) -> Result<(), Answer> {
        let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(()) };
        let nick = Nick::parse_with_secret(name, &self.config.proof_key).map_err(|error| {
            Answer::text("400 Bad Request", texts::bad_name("name", "?nick=ann", error))
        })?;
        self.check_muting(id)?;
        let taken = |why| Answer::text("409 Conflict", why);
        if let Permit::No(why) = self.permit(id, &nick, || Waiting::Places) {
            return Err(taken(why));
        }
        self.set_nick(id, &nick).map_err(taken)
    }

    /// Whether the engine is asked for the name that a request is about; it goes on then.
    pub(super) fn asks_for_name(&mut self, id: ClientId, request: &Request) -> bool {
        let Some(name) = wanted_name(request) else { return false };
        let Ok(nick) = Nick::parse_with_secret(name, &self.config.proof_key) else { return false };
        let rare = self.sessions[id].rare();
        let needs_none = rare.claim.is_some() || rare.muting.is_some();
        if needs_none || !self.config.is_shared || !self.outbox.is_up() || self.is_logging_in(id) {
            return false;
        }
        if let Some(token) = session_token(request) {
            // Its old connection may have the name.
            self.end_old_connection(id, token);
        }
        let waiting = || Waiting::Request(Box::new(request.clone()));
        matches!(self.permit(id, &nick, waiting), Permit::Asked)
    }

    /// A head or a line of a body has taken too long.
    pub(in crate::chat) fn refuse_slow_request(&mut self, id: ClientId) {
        self.answer(id, &Answer::text("408 Request Timeout", answers::TOO_SLOW), false);
    }

    /// What lies between us and a client (a proxy, a router that translates addresses)
    /// forgets a connection on which nothing is sent.
    pub(in crate::chat) fn keep_alive(&mut self, id: ClientId) {
        let Some(session) = self.sessions.get(id).filter(|session| session.is_member()) else {
            return;
        };
        match session.reader.newest_encoding().ending {
            Ending::Frame => self.add_note(id, &ping()),
            // A comment (HTML Living Standard, section 9.2.6).
            Ending::Event => self.add_note(id, b":\n\n"),
            Ending::Lf | Ending::CrLf => return,
        }
        self.schedule.keep_alive(self.clock.now() + KEEPALIVE_TIME, id);
    }

    /// What the client has sent is no request that can be answered.
    pub(in crate::chat) fn handle_bad_request(&mut self, id: ClientId, problem: BadRequest) {
        let (status, text) = problem.answer();
        let answer = Answer::text(status, text);
        let answer = match problem {
            BadRequest::Method => answer.with_header("Allow", "GET, HEAD, POST, PUT"),
            BadRequest::SocketVersion => answer.with_header("Sec-WebSocket-Version", 13),
            _ => answer,
        };
        self.answer(id, &answer, false);
    }

    /// Answers a request; that is all there is to it.
    fn answer(&mut self, id: ClientId, answer: &Answer, is_head: bool) {
        self.become_unannounced(id);
        let session = &mut self.sessions[id];
        session.reader.skip_all(&self.rooms[session.room].log);
        self.begin_answer(id, &answer.encode(is_head));
        self.leave(id, CloseReason::Quit, None);
    }

    /// Sends an answer, or its head. What the client sends from now on is for nobody.
    fn begin_answer(&mut self, id: ClientId, bytes: &[u8]) {
        let session = &mut self.sessions[id];
        session.set_client(Client::begin_stream);
        session.reader.add_note_here(bytes);
        self.queue(id);
    }

    /// A request that comes late meets a client that was greeted already: it comes anew.
    pub(super) fn arrive_again(&mut self, id: ClientId) {
        let session = &self.sessions[id];
        let (room, Some(standing)) = (session.room, session.standing()) else { return };
        if matches!(standing, Standing::LoggingIn | Standing::Arriving | Standing::Posting) {
            return;
        }
        let left = texts::left(session.nick.as_str(), CloseReason::Quit);
        self.leave_presence(id, room, standing, left);
        self.sessions[id].set_standing(Standing::Arriving);
    }

    /// Nobody is told that a client comes and goes.
    fn become_unannounced(&mut self, id: ClientId) {
        if let State::Member(Standing::Arriving, Phase::Talking) = self.sessions[id].state() {
            self.sessions[id].set_standing(Standing::Posting);
        }
    }
}

/// The name that a request asks for: one that posts may log in with it. A stream takes none.
pub(super) fn wanted_name(request: &Request) -> Option<&str> {
    let user = request.credentials.as_ref().map(|(user, _)| user.as_str());
    let is_post = matches!(request.method, Method::Post | Method::Put);
    let takes_name = is_post || request.upgrade.is_some();
    let name = request.parameter("nick").or(user.filter(|_| is_post));
    name.filter(|name| takes_name && !name.is_empty())
}

/// What shows that a request is of a page that was here before.
pub(super) fn session_token(request: &Request) -> Option<&str> {
    request.parameter("session").filter(|token| token.len() >= TOKEN_BYTES_MIN)
}

/// The name of the room that a request is about.
fn room_name(request: &Request) -> Result<Option<Nick>, Answer> {
    let path = Some(&request.path).filter(|path| !path.is_empty());
    let name = path.map(|path| Nick::parse(path)).transpose();
    name.map_err(|error| Answer::text("404 Not Found", texts::bad_name("room", "/dev", error)))
}

/// A page of another site makes the browser send this (see `Origin` in RFC 6454 and the
/// Fetch Metadata Request Headers of the W3C).
fn check_origin(request: &Request) -> Result<(), Answer> {
    let is_own = |origin: &str| {
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        request.authority.as_deref() == Some(host)
    };
    let is_cross = request.fetch_site.as_deref() == Some("cross-site")
        || request.origin.as_deref().is_some_and(|origin| !is_own(origin));
    if is_cross { Err(Answer::text("403 Forbidden", answers::CROSS_SITE)) } else { Ok(()) }
}
