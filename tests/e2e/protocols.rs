//! Clients that speak another protocol: a browser, a page that posts lines, a
//! scanner.

use rustix::process::Signal;

use crate::harness::{Client, Host, Program, nothing_came_for, notices};

const POST: &[u8] = b"POST / HTTP/1.1\r\nHost: localhost:8008\r\nContent-Type: text/plain\r\n\
    Content-Length: 30\r\n\r\n/nick ann\r\nforged\n/me waves\n\n";

const TLS_HELLO: &[u8] = b"\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03hello\nin\nlines\n\r\n";

/// What foreign clients send, and how the answer to each begins.
const FOREIGN: &[(&[u8], &[u8])] = &[
    (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n"),
    (POST, b"HTTP/1.1 400 Bad Request\r\n"),
    (b"\r\n\nGET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n"),
    (TLS_HELLO, b"\x15\x03\x01\x00\x02\x02\x46"),
    (b"SSH-2.0-OpenSSH_9.2p1\r\nforged\n", b"This is a chat room"),
    (b"EHLO mail.example.com\r\nMAIL FROM:<a@example.com>\r\n", b"554 "),
    (b"CAP LS 302\r\nNICK forged\r\nUSER forged 0 * :forged\r\n", b"ERROR :This is a chat room"),
    (b"NICK forged\r\nUSER forged 0 * :forged\r\n", b"ERROR :This is a chat room"),
    (b"\x05\x02\x00\x02forged\nagain\n", b"\x05\xff"),
    (b"\x04\x01\x00\x50\xc0\x00\x02\x01\x00forged\n", b"\0\x5b\0\0\0\0\0\0"),
];

fn is_protocol_of(answer: &[u8], client: &mut Client) {
    let got = client.read_to_any_end();
    let is_right = got.windows(answer.len()).any(|window| window == answer);
    assert!(is_right, "answered with {}", got.escape_ascii());
}

/// Promise 26: other protocols get an answer of their own, and nothing of what
/// they send is shown to anybody.
#[test]
fn other_protocols_are_answered_and_never_shown() {
    let program = Program::plain(&["--presence-interval", "3600", "--history", "0", "--no-web"]);
    let mut guests = [program.connect(), program.connect()];
    guests.iter_mut().for_each(Client::read_greeting);
    let [ann, bob] = &mut guests;
    bob.say("hello");
    notices(&mut [&mut *ann], "guest2 joined");
    ann.hears("<guest2> hello");
    for (sent, answer) in FOREIGN {
        // It speaks at once, before it can be greeted.
        program.signal(Signal::STOP);
        let mut foreign = program.connect();
        foreign.send(sent);
        program.signal(Signal::CONT);
        let got = foreign.read_to_any_end();
        assert!(got.starts_with(answer), "{}: {}", sent.escape_ascii(), got.escape_ascii());
    }
    nothing_came_for(&mut [ann], bob);
}

/// Promise 26: the same if the bytes come one by one, each in a packet.
#[test]
fn other_protocols_are_known_byte_by_byte() {
    let program = Program::plain(&["--presence-interval", "3600", "--history", "0", "--no-web"]);
    let mut guests = [program.connect(), program.connect(), program.connect()];
    guests.iter_mut().for_each(Client::read_greeting);
    let [ann, bob, witness] = &mut guests;
    bob.say("hello");
    for listener in [&mut *ann, &mut *witness] {
        listener.hears("*** guest2 joined");
        listener.hears("<guest2> hello");
    }
    for (sent, answer) in FOREIGN {
        let mut foreign = program.connect();
        for byte in *sent {
            // It may be gone before it has sent everything.
            if !foreign.try_send([*byte]) {
                break;
            }
            witness.ping();
        }
        is_protocol_of(answer, &mut foreign);
    }
    nothing_came_for(&mut [ann, witness], bob);
}

/// Promise 26: a request whose first line is longer than any line may be.
#[test]
fn a_request_that_is_too_long_is_not_shown() {
    let program = Program::plain(&["--presence-interval", "3600", "--history", "0", "--no-web"]);
    let mut guests = [program.connect(), program.connect()];
    guests.iter_mut().for_each(Client::read_greeting);
    let [ann, bob] = &mut guests;
    bob.say("hello");
    notices(&mut [&mut *ann], "guest2 joined");
    ann.hears("<guest2> hello");
    let mut page = program.connect();
    let path = "a".repeat(5000);
    page.send(format!("POST /{path} HTTP/1.1\r\nHost: localhost\r\n\r\nforged\n"));
    is_protocol_of(b"HTTP/1.1 400", &mut page);
    nothing_came_for(&mut [ann], bob);
}

/// They are counted, and the log says it of each address once.
#[test]
fn other_protocols_are_counted() {
    let program = Program::start(&[]);
    for _ in 0..3 {
        let mut foreign = program.connect();
        foreign.send(b"GET / HTTP/1.1\r\n\r\n");
        is_protocol_of(b"HTTP/1.1 400", &mut foreign);
    }
    let mut ann = program.connect();
    ann.read_greeting();
    ann.say("/stats");
    ann.hears("*** 1 here in 1 room, 4 came, 0 lines, 0 skipped");
    ann.hears("*** ended: 3 spoke HTTP");
    let mut program = program;
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    let log = program.stderr();
    assert_eq!(log.matches(": spoke HTTP").count(), 1, "{log}");
}

/// In raw mode everything is relayed as it is.
#[test]
fn raw_mode_knows_no_other_protocols() {
    let program = Program::start(&["--raw"]);
    let mut clients = [program.connect(), program.connect()];
    let [ann, bob] = &mut clients;
    bob.say("GET / HTTP/1.1");
    ann.hears("GET / HTTP/1.1");
    ann.say("x");
    bob.hears("x");
}
