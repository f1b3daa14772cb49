//! Clients that speak HTTP: one request each, answered at once, by a stream, or line
//! by line as its body comes.

use std::time::Duration;

use crate::chat::answers::{self, Answer};
use crate::chat::close_reason::CloseReason;
use crate::chat::ids::ClientId;
use crate::chat::input::Manner;
use crate::chat::member::{Phase, Standing, State};
use crate::chat::names::nick::Nick;
use crate::chat::room::RoomId;
use crate::chat::room::log::Seq;
use crate::chat::state::{Chat, Logged, Output};
use crate::chat::texts;
use crate::wire::{
    BadRequest, Client, CloseCode, Encoding, Ending, Frame, Layout, Length, Method, Protocol,
    Request, Stage, accept_key, ping, pong,
};

/// How often something is sent to a client to which nothing may be said for long.
const KEEPALIVE_TIME: Duration = Duration::from_secs(30);

/// What a request asks for, where it may be asked for.
enum Wish {
    Socket(String),
    Post,
    Stream(Encoding),
}

impl Chat {
    /// The head of a request has come.
    pub(super) fn handle_request(&mut self, id: ClientId, request: &Request) {
        if let Err(problem) = self.answer_request(id, request) {
            self.answer(id, &problem, request.method == Method::Head);
        }
    }

    fn answer_request(&mut self, id: ClientId, request: &Request) -> Result<(), Answer> {
        self.check_host(request)?;
        let is_reading = matches!(request.method, Method::Get | Method::Head);
        let changes_nothing = is_reading && request.upgrade.is_none();
        if !changes_nothing {
            check_origin(request)?;
        }
        self.check_credentials(id, request)?;
        if request.path.is_empty() && changes_nothing {
            let host = request.authority.as_deref().unwrap_or("HOST:8008");
            self.answer(id, &answers::help(host), request.method == Method::Head);
            return Ok(());
        }
        let wish = self.wish(request);
        let name = room_name(request)?;
        if request.method == Method::Head {
            // No room is made for that.
            self.begin_answer(id, answers::stream_head(Layout::Named, Ending::Lf));
            self.leave(id, CloseReason::Quit, None);
            return Ok(());
        }
        let room = self.room_of(name)?;
        self.arrive_again(id);
        if self.sessions[id].room != room {
            self.change_room(id, room);
        }
        match wish {
            Wish::Socket(key) => self.begin_socket(id, request, &key),
            Wish::Post => self.begin_post(id, request),
            Wish::Stream(encoding) => self.begin_stream(id, request, encoding),
        }
    }

    fn wish(&self, request: &Request) -> Wish {
        if let Some(upgrade) = &request.upgrade {
            return Wish::Socket(upgrade.key.clone());
        }
        if let Method::Post | Method::Put = request.method {
            return Wish::Post;
        }
        let is_json = request.accept.contains("application/json")
            || request.parameter("format") == Some("json");
        let (layout, ending) = if request.accept.contains("text/event-stream") {
            (Layout::Json, Ending::Event)
        } else if is_json {
            (Layout::Json, Ending::Lf)
        } else {
            (self.config.text_layout(), Ending::Lf)
        };
        Wish::Stream(Encoding { view: self.config.view, ..Encoding::new(layout, ending) })
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
    /// line, as it is for netcat.
    fn check_credentials(&mut self, id: ClientId, request: &Request) -> Result<(), Answer> {
        if !self.is_logging_in(id) || request.upgrade.is_some() {
            return Ok(());
        }
        let given = request.credentials.as_ref().map(|(_, password)| password.as_bytes());
        let is_right = |given| self.config.password.as_ref().is_some_and(|it| it.matches(given));
        if given.is_some_and(is_right) {
            self.place_for_member()
                .map_err(|refusal| Answer::text("503 Service Unavailable", refusal.text()))?;
            self.let_in(id);
            return Ok(());
        }
        if given.is_some() {
            self.outputs.push_back(Output::Log(id, Logged::WrongPassword));
        }
        let headers = "WWW-Authenticate: Basic realm=\"roomcast\", charset=\"UTF-8\"\r\n";
        Err(Answer::text("401 Unauthorized", answers::NEEDS_PASSWORD).with_headers(headers))
    }

    /// The room of a name, the lobby without one.
    fn room_of(&mut self, name: Option<Nick>) -> Result<RoomId, Answer> {
        let Some(name) = name else { return Ok(self.rooms.lobby()) };
        let rooms_max = self.config.rooms_max;
        self.open_room(&name)
            .ok_or_else(|| Answer::text("503 Service Unavailable", texts::no_more_rooms(rooms_max)))
    }

    /// Gives a client the name that it asks for.
    fn take_name(&mut self, id: ClientId, name: Option<&str>) -> Result<(), Answer> {
        let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(()) };
        let nick = Nick::parse_with_secret(name, &self.config.proof_key).map_err(|error| {
            Answer::text("400 Bad Request", texts::bad_name("name", "?nick=ann", error))
        })?;
        let old = self.sessions[id].nick.clone();
        match self.names.rename(id, &old, &nick, |id| &self.sessions[id].nick) {
            Ok(()) => {
                self.sessions[id].nick = nick;
                Ok(())
            }
            Err(holder) => Err(Answer::text("409 Conflict", self.name_taken(&nick, holder))),
        }
    }

    /// The lines of a body are said, as those of a script are.
    fn begin_post(&mut self, id: ClientId, request: &Request) -> Result<(), Answer> {
        let user = request.credentials.as_ref().map(|(user, _)| user.as_str());
        self.take_name(id, request.parameter("nick").or(user))?;
        self.become_unannounced(id);
        let session = &mut self.sessions[id];
        // It is sent nothing but the answer.
        session.reader.skip_all(&self.rooms[session.room].log);
        session.reader.stop(&self.rooms[session.room].log);
        session.set_client(|client| client.begin_body(request.body));
        if request.expects_continue && request.body != Length::Bytes(0) {
            self.add_note(id, b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        if request.body == Length::Bytes(0) {
            self.end_post(id);
        }
        Ok(())
    }

    /// A line of a body has come. It is said as it is: a log may have lines that look
    /// like commands.
    pub(super) fn say_posted(&mut self, id: ClientId, text: &str) {
        if text.is_empty() {
            return;
        }
        let before = self.position(id);
        self.say(id, Manner::Say, text);
        let after = self.position(id);
        if after > before {
            self.sessions[id].set_rare(|rare| {
                let (first, _) = rare.posted.unwrap_or((after, after));
                rare.posted = Some((first, after));
            });
        }
    }

    /// All of a body has come.
    pub(super) fn end_post(&mut self, id: ClientId) {
        let session = &self.sessions[id];
        let room = self.rooms[session.room].name.as_str();
        let answer = answers::posted(session.rare().posted, room, &self.config.run);
        self.answer(id, &answer, false);
    }

    /// Everything that is said is sent, until the client goes.
    fn begin_stream(
        &mut self,
        id: ClientId,
        request: &Request,
        encoding: Encoding,
    ) -> Result<(), Answer> {
        let since = request.last_event_id.as_deref().or(request.parameter("since"));
        let from = since.map(|since| self.first_since(id, since)).transpose()?;
        self.become_unannounced(id);
        self.set_encoding(id, encoding);
        let session = &mut self.sessions[id];
        session.reader.skip_all(&self.rooms[session.room].log);
        if let Some(from) = from {
            session.reader.rewind(from);
        }
        self.begin_answer(id, answers::stream_head(encoding.layout, encoding.ending));
        if encoding.ending == Ending::Event {
            self.schedule.keep_alive(self.clock.now() + KEEPALIVE_TIME, id);
        }
        if request.parameter("poll") == Some("1") {
            self.leave(id, CloseReason::Quit, None);
        } else if from.is_some() {
            self.flush.push_first(id, &mut self.sessions[id]);
        }
        Ok(())
    }

    /// The first line that a client asks for with `since`: a number (with its run), a
    /// time, or `all`.
    fn first_since(&self, id: ClientId, since: &str) -> Result<Seq, Answer> {
        let log = &self.rooms[self.sessions[id].room].log;
        if since == "all" {
            return Ok(log.first());
        }
        if let Some(seconds) = seconds_of(since) {
            let time = self.clock.wall().saturating_sub(seconds);
            let is_new = |seq: &Seq| log.time(*seq) >= time;
            return Ok((log.first()..log.next()).find(is_new).unwrap_or(log.next()));
        }
        let (number, run) = since.split_once('@').unwrap_or((since, &self.config.run));
        let number: Seq =
            number.parse().map_err(|_| Answer::text("400 Bad Request", answers::SINCE))?;
        let number = if run == self.config.run { number } else { 0 };
        Ok(number.clamp(log.first(), log.next()))
    }

    /// A WebSocket is a client like any other from now on, that is sent JSON.
    fn begin_socket(&mut self, id: ClientId, request: &Request, key: &str) -> Result<(), Answer> {
        if !self.is_logging_in(id) {
            self.take_name(id, request.parameter("nick"))?;
        }
        let since = request.parameter("since");
        let from = since.map(|since| self.first_since(id, since)).transpose()?;
        let encoding = Encoding::new(Layout::Json, Ending::Frame);
        self.set_encoding(id, encoding);
        let session = &mut self.sessions[id];
        session.reader.skip_all(&self.rooms[session.room].log);
        session.set_client(Client::begin_socket);
        let head = answers::socket_head(&accept_key(key)).into_bytes();
        session.reader.add_note_here(&head);
        self.queue(id);
        self.schedule.keep_alive(self.clock.now() + KEEPALIVE_TIME, id);
        match from {
            // It is asked for the password soon.
            _ if self.is_logging_in(id) => {}
            Some(from) => {
                self.greet_first(id);
                self.sessions[id].reader.rewind(from);
                self.flush.push_first(id, &mut self.sessions[id]);
            }
            None => self.handle_arrival(id),
        }
        Ok(())
    }

    /// A control frame has come.
    pub(super) fn handle_frame(&mut self, id: ClientId, frame: &Frame) {
        match frame {
            Frame::Ping(payload) => self.add_note(id, &pong(payload)),
            Frame::Close => self.close_socket(id, CloseCode::Normal),
            Frame::Pong | Frame::Text(_) => {}
        }
    }

    /// The client has sent what ends a WebSocket.
    pub(super) fn close_socket(&mut self, id: ClientId, code: CloseCode) {
        self.sessions[id].set_client(Client::begin_stream);
        self.add_note(id, &code.frame());
        let reason = match code {
            CloseCode::Normal => CloseReason::Quit,
            _ => CloseReason::Foreign(Protocol::Http),
        };
        self.leave(id, reason, None);
    }

    /// A head or a line of a body has taken too long.
    pub(super) fn refuse_slow_request(&mut self, id: ClientId) {
        self.answer(id, &Answer::text("408 Request Timeout", answers::TOO_SLOW), false);
    }

    /// What lies between us and a client (a proxy, a router that translates addresses)
    /// forgets a connection on which nothing is sent.
    pub(super) fn keep_alive(&mut self, id: ClientId) {
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

    /// A WebSocket whose client leaves is told why.
    pub(super) fn say_closed(&mut self, id: ClientId, reason: CloseReason) {
        if self.sessions[id].stage != Stage::Socket {
            return;
        }
        let code = match reason {
            CloseReason::Quit => CloseCode::Normal,
            CloseReason::Shutdown => CloseCode::Away,
            _ => CloseCode::Policy,
        };
        self.sessions[id].set_client(Client::begin_stream);
        self.add_note(id, &code.frame());
    }

    /// A line of a body is too long.
    pub(super) fn refuse_long_line(&mut self, id: ClientId) {
        self.answer(id, &Answer::text("413 Content Too Large", answers::LINE_TOO_LONG), false);
    }

    /// What the client has sent is no request that can be answered.
    pub(super) fn handle_bad_request(&mut self, id: ClientId, problem: BadRequest) {
        let (status, text) = problem.answer();
        let headers = match problem {
            BadRequest::Method => "Allow: GET, HEAD, POST, PUT\r\n",
            BadRequest::SocketVersion => "Sec-WebSocket-Version: 13\r\n",
            _ => "",
        };
        self.answer(id, &Answer::text(status, text).with_headers(headers), false);
    }

    /// Answers a request; that is all there is to it.
    fn answer(&mut self, id: ClientId, answer: &Answer, is_head: bool) {
        self.become_unannounced(id);
        let session = &mut self.sessions[id];
        session.reader.skip_all(&self.rooms[session.room].log);
        self.begin_answer(id, answer.encode(is_head));
        self.leave(id, CloseReason::Quit, None);
    }

    /// Sends the head of an answer. What the client sends from now on is for nobody.
    fn begin_answer(&mut self, id: ClientId, head: String) {
        let session = &mut self.sessions[id];
        session.set_client(Client::begin_stream);
        session.reader.add_note_here(head.as_bytes());
        self.queue(id);
    }

    /// A request that comes late meets a client that was greeted already: it comes anew.
    fn arrive_again(&mut self, id: ClientId) {
        let session = &self.sessions[id];
        let (room, Some(standing)) = (session.room, session.standing()) else { return };
        if matches!(standing, Standing::LoggingIn | Standing::Arriving | Standing::Posting) {
            return;
        }
        let left = texts::left(session.nick.as_str(), CloseReason::Quit);
        self.leave_presence(room, standing, left);
        self.sessions[id].set_standing(Standing::Arriving);
    }

    /// Nobody is told that a client comes and goes.
    fn become_unannounced(&mut self, id: ClientId) {
        if let State::Member(Standing::Arriving, Phase::Talking) = self.sessions[id].state() {
            self.sessions[id].set_standing(Standing::Posting);
        }
    }
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

/// A time like `90s`, `10m`, `2h` or `1d`, in seconds.
fn seconds_of(text: &str) -> Option<u32> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86400,
        _ => return None,
    };
    text[..text.len() - 1].parse::<u32>().ok()?.checked_mul(unit)
}
