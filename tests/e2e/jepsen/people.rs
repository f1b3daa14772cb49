//! Clients: some say values, some look on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value as Json;

use super::history::{Line, Observer, Outcome, Said, Seen, Value};
use super::notices::Local;
use super::recorder::Recorder;
use crate::harness::{Client, Host, Program};

/// Between two lines of a client. The pace of people would show little.
const PAUSE: Duration = Duration::from_millis(10);

/// How long a server may be stopped.
const READ_TIME: Duration = Duration::from_secs(60);

/// A client that says values until it is stopped.
pub struct Speaker {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<(Client, Option<Value>)>,
}

impl Speaker {
    /// Speaks on a server as the client of this number.
    pub fn start(
        recorder: &Arc<Recorder>,
        program: &Program,
        server: usize,
        client: usize,
    ) -> Speaker {
        let is_over = Arc::<AtomicBool>::default();
        let (recorder, ends) = (Arc::clone(recorder), Arc::clone(&is_over));
        let stream = program.connect();
        let thread = thread::spawn(move || speak(&recorder, stream, server, client, &ends));
        Speaker { is_over, thread }
    }

    /// Lets it say one more line that is accepted. Gives it, still connected, and its last value
    /// unless its server is gone.
    pub fn stop(self) -> (Client, Option<Value>) {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().expect("it speaks")
    }
}

fn speak(
    recorder: &Recorder,
    mut stream: Client,
    server: usize,
    client: usize,
    is_over: &AtomicBool,
) -> (Client, Option<Value>) {
    stream.socket().set_read_timeout(Some(READ_TIME)).expect("a timeout");
    for counter in 1.. {
        // Before the line is sent: what is sent later is accepted.
        let is_last = is_over.load(Ordering::Relaxed);
        let value = Value { server, client, counter };
        let from = recorder.now();
        let outcome = say(&mut stream, value);
        let said = Said { value, outcome, from, to: recorder.now() };
        recorder.change(|record| record.said.push(said));
        match outcome {
            Outcome::Accepted if is_last => return (stream, Some(value)),
            Outcome::Unknown => return (stream, None),
            Outcome::Accepted | Outcome::Refused => thread::sleep(PAUSE),
        }
    }
    unreachable!("a counter has no end")
}

/// Says a value, and something else that is answered: what came before the answer belongs to the
/// value.
fn say(stream: &mut Client, value: Value) -> Outcome {
    if !stream.try_send(format!("{value}\n/me\n")) {
        return Outcome::Unknown;
    }
    let mut outcome = Outcome::Accepted;
    loop {
        match stream.line_before_any_end().as_deref().map(str::trim_end) {
            None => return Outcome::Unknown,
            Some(line) if line.starts_with("*** not sent:") => outcome = Outcome::Refused,
            Some("*** usage: /me TEXT") => return outcome,
            Some(_) => {}
        }
    }
}

/// Records what a server shows from now on, until it is gone.
pub fn watch(recorder: &Arc<Recorder>, program: &Program, server: usize, is_from_the_begin: bool) {
    let mut client = program.connect();
    client.socket().set_read_timeout(Some(READ_TIME)).expect("a timeout");
    let nick = read_name(&mut client);
    client.say("/format json\n/seq");
    let observer =
        Observer { server, nick, is_from_the_begin, is_to_the_end: true, seen: Vec::new() };
    let index = recorder.change(|record| record.add(observer));
    let recorder = Arc::clone(recorder);
    let watching = Arc::clone(&recorder);
    thread::spawn(move || {
        while let Some(line) = client.line_before_any_end() {
            // What comes before the first answer is text.
            if let Some(seen) = parse(&line) {
                watching.change(|record| record.see(index, seen));
            }
        }
        watching.change(|record| record.observers[index].is_to_the_end = false);
    });
    recorder.wait(
        |record| record.observers[index].seen.iter().any(|it| matches!(it, Seen::Begin { .. })),
        |_| format!("an observer of server {server} hasn't begun"),
    );
}

/// Reads up to the first line of its greeting, which has its name. What is said of the link may
/// come before it.
fn read_name(client: &mut Client) -> String {
    loop {
        let line = client.line();
        let name = line.strip_prefix("*** welcome, ").and_then(|rest| rest.split_once(':'));
        if let Some((name, _)) = name {
            return name.to_owned();
        }
    }
}

/// What a line of JSON says; `None` if it isn't one.
fn parse(line: &str) -> Option<Seen> {
    let json: Json = serde_json::from_str(line).ok()?;
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    let (kind, from) = (text("kind"), text("from"));
    let line = Line { run: text("run"), number: 0, kind, from, text: text("text") };
    Some(match json["seq"].as_u64() {
        Some(number) => Seen::Line(Line { number, ..line }),
        // What a server says by itself has no number; it is of no counting here.
        None if Local::of(&line).is_some() => Seen::Line(Line { run: "own".into(), ..line }),
        // `line 17 is the newest; /resume 17@k3f9 shows what comes after it`
        None => match text("text")
            .strip_prefix("line ")
            .and_then(|it| it.split_once(" is the newest; "))
        {
            Some((number, _)) => Seen::Begin { run: text("run"), number: number.parse().ok()? },
            None => Seen::Told(text("text")),
        },
    })
}
