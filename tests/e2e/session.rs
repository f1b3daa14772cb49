//! Example sessions in a document: what clients send, and exactly what each
//! of them is sent.
//!
//! A session is a fenced block marked `session`. Its lines:
//!
//! ```text
//! $ roomcast --echo         the options of the server (without this line: none)
//! ann > hello\n             ann sends these bytes
//! bob < <ann> hello\n       these bytes are what bob is sent next
//! ann FIN                   ann closes her sending side
//! ann RESET                 ann's connection breaks
//! ann CLOSED                ann has been sent everything, and EOF
//! guest3 CONNECT            somebody new connects
//! roomcast SIGTERM          the server is stopped
//! ```
//!
//! `\n`, `\r`, `\t`, `\0`, `\\` and `\xff` are escapes; `{ann}` is the address
//! of ann. Clients that don't CONNECT are there from the start, with the names
//! that the session gives them. At the end nobody may have been sent anything
//! that the session doesn't show. `{time}` is any time in RFC 3339, `{clock}` one like 14:05,
//! `{date}` any date, `{day}` one with a time like `2026-11-20 14:05`, `{run}` the name of the
//! server's run. In the options `{data}` is a directory that isn't there yet. Unless the
//! options say otherwise (or it is `--raw`), `--presence-interval 0` and `--history 0` are among them.

use std::collections::HashMap;

use rustix::process::Signal;

use crate::harness::{Client, Host, Program};

/// One session, as it is written.
pub struct Session<'a> {
    /// Each line with its number in the document.
    lines: Vec<(usize, &'a str)>,
}

/// What one line says.
enum Step<'a> {
    Send(&'a str, &'a str),
    Receive(&'a str, &'a str),
    Connect(&'a str),
    Fin(&'a str),
    Reset(&'a str),
    Closed(&'a str),
    Stop,
}

impl<'a> Session<'a> {
    /// The sessions of a document.
    pub fn find(document: &'a str) -> Vec<Session<'a>> {
        let mut sessions = Vec::new();
        let mut lines = (1..).zip(document.lines());
        while let Some((_, line)) = lines.next() {
            if line == "```session" {
                let lines = lines.by_ref().take_while(|(_, line)| *line != "```").collect();
                sessions.push(Session { lines });
            }
        }
        sessions
    }

    /// Plays it with a server of its own.
    pub fn run(&self) {
        let mut lines = &self.lines[..];
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path().join("data");
        let mut options = Vec::new();
        if let [(_, first), rest @ ..] = lines
            && let Some(given) = first.strip_prefix("$ roomcast")
        {
            options = given.split_whitespace().collect();
            let at = options.iter().position(|option| *option == "{data}");
            if let Some(at) = at {
                options[at] = data.to_str().expect("UTF-8");
            }
            lines = rest;
        }
        let steps: Vec<_> = lines.iter().map(|(at, line)| (at, line, parse(line))).collect();
        let mut stage = Stage::new(&options);
        let mut newcomers = Vec::new();
        for (_, _, step) in &steps {
            match step {
                Step::Connect(name) => newcomers.push(*name),
                Step::Stop => {}
                Step::Send(name, _)
                | Step::Receive(name, _)
                | Step::Fin(name)
                | Step::Reset(name)
                | Step::Closed(name) => {
                    if !newcomers.contains(name) {
                        stage.invite(name);
                    }
                }
            }
        }
        for (at, line, step) in steps {
            // Shown if the test fails.
            println!("line {at}: {line}");
            stage.play(&step);
        }
        println!("the end of it");
        stage.end();
    }
}

fn parse(line: &str) -> Step<'_> {
    if line == "roomcast SIGTERM" {
        return Step::Stop;
    }
    let (name, rest) = line.split_once(' ').unwrap_or_else(|| panic!("what is {line:?}?"));
    match (rest, rest.split_at_checked(2)) {
        ("CONNECT", _) => Step::Connect(name),
        ("FIN", _) => Step::Fin(name),
        ("RESET", _) => Step::Reset(name),
        ("CLOSED", _) => Step::Closed(name),
        (_, Some(("> ", text))) => Step::Send(name, text),
        (_, Some(("< ", text))) => Step::Receive(name, text),
        _ => panic!("what is {line:?}?"),
    }
}

/// The server and the clients of a session.
struct Stage<'a> {
    program: Program,
    is_raw: bool,
    /// Whatever happens is told at once.
    is_prompt: bool,
    is_stopped: bool,
    clients: HashMap<&'a str, Client>,
    addresses: HashMap<&'a str, String>,
}

impl<'a> Stage<'a> {
    fn new(options: &[&str]) -> Self {
        let mut given = options.to_vec();
        let is_raw = options.contains(&"--raw");
        if !is_raw && !options.contains(&"--presence-interval") {
            given.extend(["--presence-interval", "0"]);
        }
        if !is_raw && !options.contains(&"--history") {
            given.extend(["--history", "0"]);
        }
        Stage {
            program: Program::plain(&given),
            is_raw,
            is_prompt: given.windows(2).any(|option| option == ["--presence-interval", "0"]),
            is_stopped: false,
            clients: HashMap::new(),
            addresses: HashMap::new(),
        }
    }

    fn connect(&mut self, name: &'a str) {
        let client = self.program.connect();
        self.addresses.insert(name, client.address());
        self.clients.insert(name, client);
    }

    /// Lets somebody in and gives it its name, unless it is in already.
    fn invite(&mut self, name: &'a str) {
        if self.clients.contains_key(name) {
            return;
        }
        self.connect(name);
        if self.is_raw {
            return;
        }
        let is_prompt = self.is_prompt;
        let newcomer = self.client(name);
        newcomer.read_greeting();
        newcomer.say(format!("/nick {name}"));
        if !is_prompt {
            return newcomer.hears(format!("*** you are now {name}"));
        }
        for (&other, client) in &mut self.clients {
            if other != name {
                assert!(client.line().ends_with(" joined"));
            }
            assert!(client.line().ends_with(&format!(" is now {name}")));
        }
    }

    fn client(&mut self, name: &str) -> &mut Client {
        self.clients.get_mut(name).unwrap_or_else(|| panic!("{name} isn't here"))
    }

    /// The server stands still from a newcomer's coming to the next step: who
    /// speaks at once does so before it can be greeted, on any machine.
    fn play(&mut self, step: &Step<'a>) {
        if !matches!(step, Step::Send(..)) {
            self.program.signal(Signal::CONT);
        }
        match *step {
            Step::Connect(name) => {
                self.program.signal(Signal::STOP);
                self.connect(name);
            }
            Step::Send(name, text) => {
                let bytes = self.bytes(text);
                self.client(name).send(bytes);
                self.program.signal(Signal::CONT);
            }
            Step::Receive(name, text)
                if ["{time}", "{clock}", "{date}", "{day}", "{run}"]
                    .iter()
                    .any(|at| text.contains(at)) =>
            {
                let line = self.client(name).any_line();
                let line = String::from_utf8(line).expect("it is UTF-8");
                let line = without(&line, "0000-00-00T00:00:00Z", "{time}");
                let line = without(&line, "0000-00-00 00:00", "{day}");
                let line = without_date(&without(&line, "[00:00]", "[{clock}]"));
                assert_eq!(without_run(&line).as_bytes(), self.bytes(text));
            }
            Step::Receive(name, text) => {
                let bytes = self.bytes(text);
                self.client(name).expect(bytes);
            }
            Step::Fin(name) => self.client(name).fin(),
            Step::Reset(name) => self.take(name).reset(),
            Step::Closed(name) => self.take(name).expect_eof(),
            Step::Stop => {
                self.program.signal(Signal::TERM);
                self.is_stopped = true;
            }
        }
    }

    fn take(&mut self, name: &str) -> Client {
        self.clients.remove(name).unwrap_or_else(|| panic!("{name} isn't here"))
    }

    /// Nobody has been sent anything more: a newcomer says a line, and that is
    /// what comes next; and after the end of the server comes nothing.
    fn end(mut self) {
        self.program.signal(Signal::CONT);
        if !self.is_stopped {
            let mut newcomer = self.program.connect();
            if self.is_raw || newcomer.any_line().starts_with(b"*** welcome") {
                newcomer.say("sentinel");
                for client in self.clients.values_mut() {
                    if !self.is_raw {
                        let line = client.any_line();
                        // Perhaps in color.
                        let is_told = line.windows(7).any(|part| part == b" joined");
                        assert!(is_told, "sent beyond the example: {}", line.escape_ascii());
                    }
                    assert!(client.any_line().trim_ascii_end().ends_with(b"sentinel"));
                }
            }
            self.program.signal(Signal::TERM);
            for client in self.clients.values_mut() {
                let line = client.any_line().escape_ascii().to_string();
                assert!(line.contains("*** the server is shutting down"), "{line}");
            }
        }
        for (_, mut client) in self.clients {
            client.expect_eof();
        }
        assert_eq!(self.program.exit_code(), 0);
    }

    /// The bytes that a text of the session stands for.
    fn bytes(&self, text: &str) -> Vec<u8> {
        let mut text = text.to_owned();
        for (name, address) in &self.addresses {
            text = text.replace(&format!("{{{name}}}"), address);
        }
        unescape(&text)
    }
}

/// A line with `name` for each part of it that is like `form` but for digits.
fn without(line: &str, form: &str, name: &str) -> String {
    let is_like = |at: usize| {
        let Some(word) = line.get(at..at + form.len()) else { return false };
        word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).eq(form.chars())
    };
    let starts: Vec<_> = (0..line.len()).filter(|&at| is_like(at)).collect();
    let mut line = line.to_owned();
    for at in starts.into_iter().rev() {
        line.replace_range(at..at + form.len(), name);
    }
    line
}

/// A line with `{date}` for a date from the day of the week to the year.
fn without_date(line: &str) -> String {
    const YEAR_CHARS: usize = 4;
    let Some(day) = line.find("day, ") else { return line.to_owned() };
    let start = line[..day].rfind(' ').map_or(0, |at| at + 1);
    let end = line.rfind(" 20").expect("a year") + 1 + YEAR_CHARS;
    format!("{}{{date}}{}", &line[..start], &line[end..])
}

/// A line with `{run}` for the name of the server's run.
fn without_run(line: &str) -> String {
    const RUN_CHARS: usize = 4;
    let mut line = line.to_owned();
    for before in ["\"run\":\"", "@"] {
        if let Some(at) = line.find(before) {
            let at = at + before.len();
            line.replace_range(at..at + RUN_CHARS, "{run}");
        }
    }
    line
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend(plain.as_bytes());
        let (byte, length) = match escape.as_bytes() {
            [b'n', ..] => (b'\n', 1),
            [b'r', ..] => (b'\r', 1),
            [b't', ..] => (b'\t', 1),
            [b'0', ..] => (0, 1),
            [b'\\', ..] => (b'\\', 1),
            [b'x', ..] => (u8::from_str_radix(&escape[1..3], 16).expect("two digits"), 3),
            _ => panic!("no such escape in {text:?}"),
        };
        bytes.push(byte);
        rest = &escape[length..];
    }
    bytes.extend(rest.as_bytes());
    bytes
}
