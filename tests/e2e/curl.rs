//! The examples of docs/web.md, and what else curl does.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use crate::harness::{Host, Program, lacks};
use crate::source::{blocks, document};

/// Each block of commands talks to a server of its own, in its order.
#[test]
fn the_examples_of_the_web_are_what_happens() {
    if lacks(&["curl", "sh"]) {
        return;
    }
    let page = document("docs/web.md");
    let blocks = blocks(&page, "console");
    assert!(blocks.len() >= 3);
    for block in blocks {
        let mut lines = block.lines().peekable();
        let options = lines.next_if(|line| line.starts_with("$ roomcast "));
        let options = options.map_or("", |line| &line["$ roomcast ".len()..]);
        let options: Vec<_> = options.split_whitespace().collect();
        let program = Program::web(&options);
        while let Some(line) = lines.next() {
            let command = line.strip_prefix("$ ").expect("a command");
            let mut expected = Vec::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
                expected.push(line);
            }
            Run::start(command, program.port()).says(&expected);
        }
    }
}

/// A command of a shell, with what it says.
struct Run {
    command: String,
    port: u16,
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Run {
    fn start(command: &str, port: u16) -> Run {
        let here = command.replace("localhost:8008", &format!("127.0.0.1:{port}"));
        // A signal to it reaches curl.
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec {here}")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("there is a shell");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        Run { command: command.to_owned(), port, child, stdout }
    }

    /// It says these lines and ends, or goes on for ever if the last one is `^C`.
    fn says(mut self, expected: &[&str]) {
        let (expected, is_endless) = match expected {
            [lines @ .., "^C"] => (lines, true),
            lines => (lines, false),
        };
        for expected in expected {
            let mut line = String::new();
            self.stdout.read_line(&mut line).expect("UTF-8");
            let line = line.trim_end_matches('\n');
            let line = line.replace(&format!("127.0.0.1:{}", self.port), "localhost:8008");
            let line = line.replace(&format!("127.0.0.1 {}", self.port), "localhost 8008");
            assert!(
                fits(&line, expected),
                "{}\nsaid     {line}\nexpected {expected}",
                self.command
            );
        }
        if is_endless {
            assert!(self.child.try_wait().expect("it is ours").is_none(), "{} ended", self.command);
            self.child.kill().expect("it runs");
        } else {
            let mut rest = String::new();
            self.stdout.read_to_string(&mut rest).expect("UTF-8");
            assert_eq!(rest, "", "{}", self.command);
        }
        self.child.wait().expect("it ends");
    }
}

/// Whether a line is what an example says, with anything for each of its placeholders.
fn fits(line: &str, expected: &str) -> bool {
    let mut rest = line;
    let mut parts = expected.split("{run}").flat_map(|part| part.split("{time}"));
    let first = parts.next().unwrap_or_default();
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    for part in parts {
        let at = match part {
            "" => rest.len(),
            _ => match rest.find(part) {
                Some(at) if !rest[..at].contains(['"', ' ']) => at,
                _ => return false,
            },
        };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty()
}

/// `tail -f | curl -T -`: each line is said when it comes, not when the body ends.
#[test]
fn a_log_is_followed_line_by_line() {
    if lacks(&["curl"]) {
        return;
    }
    let program = Program::web(&[]);
    let mut ann = program.guest(&mut []);
    let url = format!("http://127.0.0.1:{}/lobby?nick=tail", program.port());
    let mut curl = Command::new("curl")
        .args(["-sT", "-", &url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it is there");
    let mut log = curl.stdin.take().expect("it is piped");
    for line in ["one", "two"] {
        log.write_all(format!("{line}\n").as_bytes()).expect("it reads");
        ann.hears(format!("<tail> {line}"));
    }
    drop(log);
    let output = curl.wait_with_output().expect("it ends");
    assert!(output.stdout.starts_with(b"{\"room\":\"lobby\",\"first\":2,\"last\":3,"));
}

/// `curl -I` and `curl` without more.
#[test]
fn curl_alone_gets_a_help() {
    if lacks(&["curl"]) {
        return;
    }
    let program = Program::web(&[]);
    let curl = |option: &str| {
        let url = format!("http://127.0.0.1:{}/", program.port());
        let output = Command::new("curl").args([option, &url]).output().expect("it is there");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let port = program.port();
    let help = curl("-s");
    assert!(help.contains(&format!("curl -d 'hello' http://127.0.0.1:{port}/lobby")), "{help}");
    let head = curl("-sI");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains(&format!("Content-Length: {}\r\n", help.len())), "{head}");
}
