//! Clients that speak HTTP and WebSocket on the port of the room.

use std::net::TcpStream;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, WebSocket, client};

use crate::harness::{Client, Host, Namespace, Network, Program};

/// The server, and a client of the room.
fn web(options: &[&str]) -> (Program, Client) {
    let program = Program::web(options);
    let ann = program.guest(&mut []);
    (program, ann)
}

/// A client that has sent a request, with the end of its head.
pub fn ask(program: &Program, request: &str) -> Client {
    let mut client = program.connect();
    client.send(request.replace('\n', "\r\n") + "\r\n\r\n");
    client
}

/// All of an answer: its status and its text.
pub fn answer(program: &Program, request: &str) -> (String, String) {
    read_answer(ask(program, request))
}

pub fn post(program: &Program, target: &str, body: &str) -> (String, String) {
    let length = body.len();
    let head = format!("POST {target} HTTP/1.1\nHost: localhost\nContent-Length: {length}");
    let mut client = ask(program, &head);
    client.send(body);
    read_answer(client)
}

fn read_answer(mut client: Client) -> (String, String) {
    let answer = String::from_utf8(client.read_to_any_end()).expect("UTF-8");
    let (head, text) = answer.split_once("\r\n\r\n").expect("a head and a text");
    // Only a stream has no length, and the answer to HEAD no text.
    if head.contains("Content-Length") && !text.is_empty() {
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", text.len())), "{head}");
    }
    let status = head.lines().next().expect("a status").trim_start_matches("HTTP/1.1 ");
    (status.to_owned(), text.to_owned())
}

/// The next head, up to the empty line behind it.
fn read_head(client: &mut Client) -> String {
    let mut head = String::new();
    loop {
        let line = String::from_utf8(client.any_line()).expect("ASCII");
        if line.trim_end().is_empty() {
            return head;
        }
        head += &line;
    }
}

#[test]
fn what_is_posted_is_said_and_nobody_is_told_who_came() {
    let (program, mut ann) = web(&[]);
    let (status, text) = post(&program, "/lobby?nick=ci", "build ok\n\n/quit\nlast");
    assert_eq!(status, "200 OK");
    let posted: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (&posted["room"], &posted["first"], &posted["last"]),
        (&"lobby".into(), &2.into(), &4.into())
    );
    for line in ["<ci> build ok", "<ci> /quit", "<ci> last"] {
        ann.hears(line);
    }
    // No other command is known there.
    post(&program, "/lobby?nick=ci", "/me waves\n//me waves\n//quit");
    for line in ["* ci waves", "<ci> /me waves", "<ci> //quit"] {
        ann.hears(line);
    }
    // The name is free again.
    assert_eq!(post(&program, "/?nick=ci", "").0, "200 OK");
    ann.say("/seq");
    assert!(ann.line().contains("line 7 is the newest"));
}

#[test]
fn chunks_are_said_as_they_come() {
    let (program, mut ann) = web(&[]);
    let mut tail = ask(
        &program,
        "PUT /lobby?nick=tail HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\nExpect: 100-continue",
    );
    tail.expect("HTTP/1.1 100 Continue\r\n\r\n");
    for line in ["one", "two"] {
        tail.send(format!("{:x}\r\n{line}\n\r\n", line.len() + 1));
        ann.hears(format!("<tail> {line}"));
    }
    tail.send("4\r\nhalf\r\n0\r\n\r\n");
    ann.hears("<tail> half");
    assert!(read_head(&mut tail).starts_with("HTTP/1.1 200 OK\r\n"));
    let mut cut = ask(&program, "POST / HTTP/1.1\nHost: localhost\nContent-Length: 9");
    cut.fin();
    assert!(cut.read_to_any_end().starts_with(b"HTTP/1.1 400 "));
}

/// Promise 50.
#[test]
fn a_stream_is_text_json_or_events() {
    let (program, mut ann) = web(&[]);
    ann.say("before");
    ann.say("/seq");
    ann.line();
    let get = |target: &str, accept: &str| {
        let request = format!("GET {target} HTTP/1.1\nHost: localhost\nAccept: {accept}");
        let mut client = ask(&program, &request);
        let head = read_head(&mut client);
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        client
    };
    let mut text = get("/lobby", "*/*");
    let mut json = get("/lobby?since=1", "application/json");
    let mut events = get("/lobby?since=1", "text/event-stream");
    ann.say("hello");
    text.expect("<guest1> hello\n");
    for (number, line) in [(2, "before"), (3, "hello")] {
        let object: Value = serde_json::from_str(&json.line()).expect("JSON");
        assert_eq!((&object["seq"], &object["text"]), (&number.into(), &line.into()));
        let id = events.line();
        assert!(id.starts_with(&format!("id: {number}@")), "{id}");
        let data = events.line();
        let object: Value = serde_json::from_str(&data["data: ".len()..]).expect("JSON");
        assert_eq!(object["text"], line);
        events.expect("\n");
    }
    // A browser goes on after what it has seen; and a script may want the past only.
    let since = "GET /lobby?poll=1 HTTP/1.1\nHost: localhost\nLast-Event-ID: 2";
    assert_eq!(answer(&program, since).1, "<guest1> hello\n");
    ann.say("/who");
    assert!(ann.line().starts_with("*** 4 here; "), "streams are in the room");
}

/// Promise 46.
#[test]
fn each_mistake_has_its_status() {
    let (program, _ann) = web(&["--host", "chat.example"]);
    let uname = rustix::system::uname();
    let machine = uname.nodename().to_str().expect("a name");
    let request = format!("GET / HTTP/1.1\nHost: {machine}:8008");
    assert_eq!(answer(&program, &request).0, "200 OK", "{request}");
    for (request, status) in [
        ("DELETE / HTTP/1.1\nHost: localhost", "405 Method Not Allowed"),
        ("GET /a/b HTTP/1.1\nHost: localhost", "404 Not Found"),
        ("GET /lobby?since=yesterday HTTP/1.1\nHost: localhost", "400 Bad Request"),
        ("GET / HTTP/1.1", "400 Bad Request"),
        ("GET / HTTP/1.1\nHost: evil.example", "403 Forbidden"),
        ("GET / HTTP/1.1\nHost: Chat.Example:8008", "200 OK"),
        ("HEAD /lobby HTTP/1.1\nHost: 127.0.0.1:8008", "200 OK"),
        ("POST / HTTP/1.1\nHost: localhost\nOrigin: http://evil.example", "403 Forbidden"),
        ("POST / HTTP/1.1\nHost: localhost\nOrigin: null", "403 Forbidden"),
        ("POST / HTTP/1.1\nHost: localhost\nSec-Fetch-Site: cross-site", "403 Forbidden"),
        ("POST / HTTP/1.1\nHost: localhost:80\nOrigin: http://localhost:80", "200 OK"),
        ("POST /?nick=guest1 HTTP/1.1\nHost: localhost", "409 Conflict"),
        ("POST /?nick=guest99 HTTP/1.1\nHost: localhost", "409 Conflict"),
        ("POST /?nick=a+b HTTP/1.1\nHost: localhost", "400 Bad Request"),
        (
            "POST / HTTP/1.1\nHost: localhost\nContent-Type: multipart/form-data; boundary=x",
            "415 Unsupported Media Type",
        ),
        (
            "POST / HTTP/1.1\nHost: localhost\nContent-Length: 1\nContent-Length: 1",
            "400 Bad Request",
        ),
    ] {
        assert_eq!(answer(&program, request).0, status, "{request}");
    }
    let long = "x".repeat(5000);
    assert_eq!(post(&program, "/", &long).0, "413 Content Too Large");
}

#[test]
fn with_a_password_each_request_brings_it() {
    let program = Program::web(&["--password-file", "tests/e2e/example.password"]);
    let ask = |authorization: &str| {
        let line = "GET /lobby?poll=1&since=all HTTP/1.1\nHost: localhost";
        answer(&program, &format!("{line}{authorization}")).0
    };
    assert_eq!(ask(""), "401 Unauthorized");
    assert_eq!(ask("\nAuthorization: Basic YW5uOndyb25n"), "401 Unauthorized");
    // One that closes its sending side waits no less, and gets the answer.
    let mut half =
        self::ask(&program, "GET / HTTP/1.1\nHost: localhost\nAuthorization: Basic YTpi");
    half.fin();
    assert_eq!(read_answer(half).0, "200 OK", "the help is for everyone");
    let line = "GET /lobby HTTP/1.1\nHost: localhost\nAuthorization: Basic YTpi";
    let mut half = self::ask(&program, line);
    half.fin();
    assert_eq!(read_answer(half), ("401 Unauthorized".into(), "wrong password\n".into()));
    let right = data_encoding::BASE64.encode(b"ann:open sesame");
    assert_eq!(ask(&format!("\nAuthorization: Basic {right}")), "200 OK");
}

fn socket(program: &Program, target: &str) -> WebSocket<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", program.port())).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time");
    client(format!("ws://localhost{target}"), stream).expect("a WebSocket").0
}

/// The text of the next message.
fn next(socket: &mut WebSocket<TcpStream>) -> String {
    object(socket)["text"].as_str().expect("a text").to_owned()
}

fn object(socket: &mut WebSocket<TcpStream>) -> Value {
    let message = socket.read().expect("a message");
    serde_json::from_str(message.to_text().expect("text")).expect("JSON")
}

#[test]
fn a_websocket_is_a_client_like_any_other() {
    let (program, mut ann) = web(&[]);
    ann.say("first");
    ann.say("/seq");
    ann.line();
    let mut web = socket(&program, "/lobby?nick=web&since=1");
    assert_eq!(next(&mut web), "welcome, web: just type, or try /help");
    assert_eq!(next(&mut web), "1 line after line 1:");
    assert_eq!(next(&mut web), "first");
    // It has joined before it is sent the past.
    assert_eq!(next(&mut web), "web joined");
    web.send("hello".into()).expect("it is sent");
    ann.hears("*** web joined");
    ann.hears("<web> hello");
    // A page learns the number of what it has said.
    assert_eq!(next(&mut web), "hello");
    ann.say("/msg web psst");
    ann.line();
    assert_eq!(next(&mut web), "psst");
    web.send("/me waves".into()).expect("it is sent");
    ann.hears("* web waves");
    assert_eq!(next(&mut web), "waves");
    web.send("/reply /me whispers".into()).expect("it is sent");
    ann.hears("<web to you> * web whispers");
    assert_eq!(next(&mut web), "* web whispers");
    web.send(Message::Ping(b"there?"[..].into())).expect("it is sent");
    assert_eq!(web.read().expect("a pong"), Message::Pong(b"there?"[..].into()));
    let long = "x".repeat(200);
    ann.say(&long);
    assert_eq!(next(&mut web), long);
    web.close(None).expect("it is sent");
    ann.hears("*** web left");
    let Ok(Message::Close(Some(close))) = web.read() else { panic!("it is closed") };
    assert_eq!(close.code, CloseCode::Normal);
}

/// Promise 48.
#[test]
fn a_websocket_is_closed_for_abuse_and_told_why() {
    let (program, _ann) = web(&[]);
    for (message, code) in [
        (Message::Binary(b"a"[..].into()), CloseCode::Unsupported),
        (Message::Text("x".repeat(5000).into()), CloseCode::Size),
    ] {
        let mut web = socket(&program, "/");
        web.send(message).expect("it is sent");
        let close = loop {
            match web.read().expect("a message") {
                Message::Close(close) => break close.expect("a code"),
                _ => continue,
            }
        };
        assert_eq!(close.code, code);
    }
}

/// What a WebSocket is sent is JSON in frames, whatever it asks for.
#[test]
fn a_websocket_is_sent_nothing_but_json() {
    let (program, mut ann) = web(&["--mssp"]);
    let mut web = socket(&program, "/?nick=web");
    assert_eq!(next(&mut web), "welcome, web: just type, or try /help");
    let mut say = |text: &str| web.send(Message::text(text)).expect("it is open");
    say("MSSP-REQUEST");
    ann.hears("*** web joined");
    ann.hears("<web> MSSP-REQUEST");
    say("one\ntwo\r\nthree");
    ann.hears("<web> one two three");
    say("/bell on");
    say("/format text");
    let refused = loop {
        let object = object(&mut web);
        if object["re"] == "format" {
            break object;
        }
    };
    assert_eq!(
        (&refused["ok"], &refused["text"]),
        (&false.into(), &"over the web everything is sent as JSON".into())
    );
    ann.say("web: hello");
    assert_eq!(next(&mut web), "web: hello");
    ann.say("bye");
    assert_eq!(next(&mut web), "bye");
}

#[test]
fn a_websocket_is_told_that_the_server_ends() {
    let (mut program, _ann) = web(&[]);
    let mut web = socket(&program, "/");
    assert_eq!(next(&mut web), "welcome, guest2: just type, or try /help");
    program.signal(Signal::TERM);
    let close = loop {
        if let Message::Close(close) = web.read().expect("a message") {
            break close.expect("a code");
        }
    };
    assert_eq!(close.code, CloseCode::Away);
    drop(web);
    assert!(program.wait().success());
}

#[test]
fn a_client_without_a_place_is_told_when_to_come_again() {
    let (program, _ann) = web(&["--max-clients", "1"]);
    let mut curl = ask(&program, "GET /lobby HTTP/1.1\nHost: localhost");
    let head = read_head(&mut curl);
    assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{head}");
    assert!(head.contains("\r\nRetry-After: 60\r\n"), "{head}");
    curl.expect("full: 1 client is connected, which is the limit; try again later\n");
    // A person is told in a line of the chat.
    program
        .connect()
        .expect("*** full: 1 client is connected, which is the limit; try again later\n");
    let denied = Program::web(&["--deny", "127.0.0.0/8"]);
    let (status, text) = answer(&denied, "GET / HTTP/1.1\nHost: localhost");
    assert_eq!(
        (status.as_str(), text.as_str()),
        ("403 Forbidden", "refused: your address is not allowed here\n")
    );
}

/// Promise 50.
#[test]
fn a_stream_says_what_it_has_no_more() {
    let (program, mut ann) = web(&["--backlog", "64k"]);
    for _ in 0..20 {
        ann.say("x".repeat(4000));
    }
    ann.say("/seq");
    ann.line();
    let request = "GET /lobby?poll=1&since=1 HTTP/1.1\nHost: localhost";
    let (_, text) = answer(&program, request);
    assert!(text.starts_with("*** 4 lines skipped"), "{}", &text[..80]);
    let request = "GET /lobby?poll=1&since=1@other HTTP/1.1\nHost: localhost";
    let (_, text) = answer(&program, request);
    assert!(text.starts_with("*** the server has restarted"), "{}", &text[..80]);
    assert!(text.lines().last().is_some_and(|line| line.starts_with("<guest1> xxx")));
}

/// Promise 50.
#[test]
fn a_websocket_gives_the_password_first_and_gets_what_it_asked_for() {
    let program = Program::web(&["--password-file", "tests/e2e/example.password"]);
    let mut ann = program.connect();
    ann.say("open sesame");
    ann.read_greeting();
    let mut web = socket(&program, "/dev?nick=web&since=0");
    let asked = object(&mut web);
    assert_eq!(asked["text"], "this room has a password: type it");
    assert_eq!(asked["event"], "login");
    // A stranger hears nothing of any room.
    ann.say("secret");
    ann.say("/join dev");
    ann.hears("*** you are now in dev");
    ann.hears("*** 1 here: guest1");
    ann.say("secret too");
    web.send("wrong".into()).expect("it is sent");
    let refused = object(&mut web);
    assert_eq!((&refused["event"], &refused["count"]), (&"login".into(), &2.into()));
    web.send("open sesame".into()).expect("it is sent");
    assert_eq!(next(&mut web), "welcome, web: just type, or try /help");
    assert_eq!(next(&mut web), "2 lines after line 0:");
    ann.hears("*** web joined");
    assert_eq!(next(&mut web), "guest1 joined");
    assert_eq!(next(&mut web), "secret too");
}

#[test]
fn the_page_is_one_file_that_runs_its_own_script_only() {
    let (mut program, mut ann) = web(&[]);
    // It is the third of the ways to join.
    let port = program.port();
    assert!(program.stdout_line().ends_with(&format!("   or: http://127.0.0.1:{port}/")));
    let get = |path: &str, more: &str| {
        let head = format!("GET {path} HTTP/1.1\nHost: localhost\nAccept: text/html{more}");
        let mut browser = ask(&program, &head);
        (read_head(&mut browser), browser.read_to_any_end())
    };
    let (head, page) = get("/", "");
    let page = String::from_utf8(page).expect("UTF-8");
    for element in ["script", "style"] {
        assert!(head.contains(&format!("; {element}-src 'sha256-")), "{head}");
        assert_eq!(page.matches(&format!("<{element}>")).count(), 1);
    }
    assert!(head.contains("Content-Security-Policy: default-src 'none'; "), "{head}");
    for unsafe_way in ["src=\"", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"] {
        assert!(!page.contains(unsafe_way), "{unsafe_way}");
    }
    let (head, compressed) = get("/dev", "\nAccept-Encoding: br, gzip");
    assert!(head.contains("\r\nContent-Encoding: gzip\r\n"), "{head}");
    assert!(compressed.starts_with(&[0x1f, 0x8b]) && compressed.len() < 16 * 1024);
    assert!(get("/a/b", "").0.starts_with("HTTP/1.1 404 Not Found\r\n"));
    // It knows each command that there is.
    ann.say("/help all\n/seq");
    let mut commands = 0;
    while let Some(usage) = ann.line().strip_prefix("*** /") {
        let name = usage.split(' ').next().expect("a name");
        assert!(page.contains(&format!("'/{name}'")), "{name}");
        commands += 1;
    }
    assert!(commands > 20);
}

/// One that comes too often is told when it may come again.
#[test]
fn an_address_that_asks_too_often_is_told_how_long_to_wait() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let program = network.serve_web(&["--new-per-minute", "2"]);
    let machine = network.machine();
    let ask = || {
        let mut curl = machine.connect(&program);
        curl.send("GET / HTTP/1.1\r\nHost: 10.0.1.1\r\n\r\n");
        let head = read_head(&mut curl);
        (head, String::from_utf8(curl.read_to_any_end()).expect("UTF-8"))
    };
    for _ in 0..2 {
        assert!(ask().0.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    let (head, text) = ask();
    assert!(head.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{head}");
    let seconds = head.split_once("Retry-After: ").expect("it is there").1;
    let seconds: u32 = seconds.lines().next().and_then(|it| it.parse().ok()).expect("a number");
    assert!((1..=30).contains(&seconds), "{head}");
    assert!(text.starts_with("refused: 2 connections a minute from one address"), "{text}");
}

/// A phone that changes its network has its name again at once.
#[test]
fn a_websocket_that_comes_back_ends_its_old_connection() {
    let (program, mut ann) = web(&[]);
    let target = "/?nick=web&session=0123456789abcdef";
    let mut old = socket(&program, target);
    ann.hears("*** web joined");
    let mut new = socket(&program, &format!("{target}&since=0"));
    ann.hears("*** web left (reconnected)");
    ann.hears("*** web joined");
    assert_eq!(next(&mut new), "welcome, web: just type, or try /help");
    let close = loop {
        if let Message::Close(close) = old.read().expect("a message") {
            break close.expect("a code");
        }
    };
    assert_eq!(close.code, CloseCode::Normal);
    let request = "GET /?session=short HTTP/1.1\nHost: localhost\nConnection: Upgrade\n\
                   Upgrade: websocket\nSec-WebSocket-Version: 13\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    assert_eq!(answer(&program, request).0, "400 Bad Request");
}

/// What nobody has seen is no name that was used.
#[test]
fn requests_use_up_no_names_of_guests() {
    let (program, mut ann) = web(&[]);
    for request in ["GET / HTTP/1.1", "GET /healthz HTTP/1.1", "GET /a/b HTTP/1.1"] {
        answer(&program, &format!("{request}\nHost: localhost"));
    }
    post(&program, "/?nick=ci", "hello\n");
    ann.hears("<ci> hello");
    let _web = socket(&program, "/?nick=web");
    ann.hears("*** web joined");
    // Its name is seen.
    post(&program, "/", "hello\n");
    ann.hears("<guest2> hello");
    assert_eq!(program.guest(&mut [&mut ann]).nick(), "guest3");
}

#[test]
fn raw_mode_knows_no_http() {
    let program = Program::start(&["--raw"]);
    let (mut ann, mut bob) = (program.connect(), program.connect());
    bob.say("here");
    ann.expect("here\n");
    bob.say("GET / HTTP/1.1");
    ann.expect("GET / HTTP/1.1\n");
}
