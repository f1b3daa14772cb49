//! Clients that come through a proxy (the PROXY protocol).

use rustix::process::Signal;

use crate::harness::{Client, Host, Program, nothing_came_for};

const V2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\x12\x67\x1f\x48";
const V2_LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

fn behind_proxy(options: &[&str]) -> Program {
    Program::start(&[&["--proxy-from", "127.0.0.0/8", "--whois-address"], options].concat())
}

/// A client that a proxy has introduced.
fn introduced(program: &Program, header: &[u8]) -> Client {
    let mut client = program.connect();
    client.send(header);
    client
}

/// Promise 45.
#[test]
fn the_address_that_a_proxy_names_is_the_clients() {
    let program = behind_proxy(&[]);
    let headers: [(&[u8], &str); 4] = [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 8008\r\n", "192.0.2.7:4711"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 8008\r\n", "[2001:db8::7]:4711"),
        (V2, "192.0.2.7:4711"),
        (V2_LOCAL, "127.0.0.1:"),
    ];
    for (header, address) in headers {
        // The client's first line comes with it.
        let mut ann = introduced(&program, &[header, b"/nick ann\n"].concat());
        ann.read_greeting();
        ann.line();
        ann.say("/whois ann");
        let answer = ann.line();
        assert!(answer.contains(&format!(", from {address}")), "{answer}");
        ann.say("/quit");
        ann.rest();
    }
}

/// Promise 45.
#[test]
fn limits_and_rules_count_the_address_that_a_proxy_names() {
    let program = behind_proxy(&["--max-per-address", "1", "--deny", "203.0.113.0/24"]);
    let header = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 8008\r\n";
    let mut ann = introduced(&program, header);
    ann.read_greeting();
    let mut second = introduced(&program, header);
    second.hears("*** refused: 1 client is connected from your address, which is the limit");
    let mut other = introduced(&program, b"PROXY TCP4 192.0.2.8 198.51.100.1 4711 8008\r\n");
    other.read_greeting();
    ann.hears("*** guest2 joined");
    let mut denied = introduced(&program, b"PROXY TCP4 203.0.113.7 198.51.100.1 4711 8008\r\n");
    denied.hears("*** refused: your address is not allowed here");
    nothing_came_for(&mut [&mut ann], &mut other);
}

/// Promise 45: nobody is let in from there unless it is said whose the connection is.
#[test]
fn a_connection_from_a_proxy_without_a_header_is_refused_and_logged() {
    let mut program = behind_proxy(&[]);
    for sent in [&b"hello\n"[..], b"GET / HTTP/1.1\r\n\r\n", b"PROXY TCP4 here there 1 2\r\n"] {
        let mut client = introduced(&program, sent);
        assert_eq!(client.read_to_any_end(), b"", "{}", sent.escape_ascii());
    }
    // One that says nothing has three seconds.
    let mut silent = program.connect();
    assert_eq!(silent.read_to_any_end(), b"");
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let log = program.stderr();
    assert!(log.contains(": no PROXY protocol header"), "{log}");
}

/// Promise 45: from anywhere else it is another protocol, and its lines reach nobody.
#[test]
fn a_proxy_that_is_not_believed_is_answered_and_never_shown() {
    let program = Program::start(&[]);
    let [mut ann, mut bob] = program.guests();
    for header in [&b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 8008\r\n"[..], V2] {
        program.signal(Signal::STOP);
        let mut client = introduced(&program, &[header, b"forged\n"].concat());
        program.signal(Signal::CONT);
        let answer = client.read_to_any_end();
        let text = b"This chat room is not told to believe this proxy (--proxy-from)\r\n";
        assert!(answer.ends_with(text), "{}", answer.escape_ascii());
        let (joined, left) = (ann.line(), ann.line());
        assert!(joined.ends_with(" joined") && left.contains(" left"), "{joined}, {left}");
        assert_eq!([bob.line(), bob.line()], [joined, left]);
    }
    nothing_came_for(&mut [&mut bob], &mut ann);
}

/// What a proxy has introduced before the end of the server is told of it.
#[test]
fn connections_that_are_not_introduced_do_not_hold_up_the_end() {
    let mut program = behind_proxy(&[]);
    let mut silent = program.connect();
    let mut ann = introduced(&program, V2);
    ann.read_greeting();
    program.signal(Signal::TERM);
    ann.hears("*** the server is shutting down");
    assert_eq!(silent.read_to_any_end(), b"");
    assert_eq!(program.exit_code(), 0);
}
