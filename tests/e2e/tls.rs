//! TLS on the same port as plain text.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Lines, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use data_encoding::BASE64;
use rustix::process::Signal;
use rustls::{AlertDescription, HandshakeKind};

use crate::harness::{Host, Namespace, Network, PATIENCE, Program, Secured, connect, lacks, trust};
use crate::source::root;

fn file(name: &str) -> PathBuf {
    root().join("tests/e2e").join(name)
}

/// A server that speaks TLS with the certificate of the tests, with these options.
fn start(options: &[&str]) -> Program {
    let (certificate, key) = (file("example-tls.pem"), file("example-tls.key"));
    let text = |path: &PathBuf| path.to_str().expect("UTF-8").to_owned();
    let (certificate, key) = (text(&certificate), text(&key));
    Program::web(&[&["--tls-cert", &certificate, "--tls-key", &key], options].concat())
}

/// Promise 56: TLS and plain text are one room on one port, for real programs.
#[test]
fn openssl_ncat_curl_and_netcat_are_in_one_room() {
    if lacks(&["openssl", "ncat", "curl", "nc"]) {
        return;
    }
    let program = start(&[]);
    let port = program.port().to_string();
    let [mut ann] = program.guests();
    let certificate = file("example-tls.pem");
    let certificate = certificate.to_str().expect("UTF-8");
    let address = format!("127.0.0.1:{port}");
    let certificate = ["-CAfile", certificate, "-verify_return_error"];
    let openssl = [&["openssl", "s_client", "-quiet", "-connect", &address], &certificate[..]];
    let programs: [(&[&str], &str); 3] = [
        (&openssl.concat(), "openssl"),
        (&["ncat", "--ssl", "127.0.0.1", &port], "ncat"),
        (&["nc", "127.0.0.1", &port], "netcat"),
    ];
    for (command, name) in programs {
        let mut child = Command::new(command[0])
            .args(&command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let input = child.stdin.as_mut().expect("it is piped");
        input.write_all(format!("by {name}\n/seq\n").as_bytes()).expect("it reads");
        // It comes as a script or, where the handshake takes long, as a person.
        while !ann.line().ends_with(&format!("> by {name}")) {}
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let is_answer = |line: &String| line.contains(" is the newest; ");
        assert!(output.lines().map_while(Result::ok).any(|line| is_answer(&line)), "{name}");
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }
    let url = format!("https://localhost:{port}/lobby");
    let certificate = certificate[1];
    let curl =
        Command::new("curl").args(["-s", "--cacert", certificate, "-d", "by curl", &url]).output();
    let answer = String::from_utf8(curl.expect("it runs").stdout).expect("UTF-8");
    assert!(answer.starts_with("{\"room\":\"lobby\","), "{answer}");
    while !ann.line().ends_with("> by curl") {}
}

/// Promise 56: a handshake may come in any pieces.
#[test]
fn a_handshake_may_come_in_pieces_of_one_byte() {
    let program = start(&[]);
    let [mut ann] = program.guests();
    let mut bob = Secured::new(&program);
    bob.shake_hands(1);
    bob.say("hello");
    ann.hears("<guest2> hello");
    bob.say("/whois guest2");
    let mut line = bob.line();
    while !line.contains("in lobby") {
        line = bob.line();
    }
    assert!(line.ends_with(", with TLS 1.3"), "{line}");
    ann.say("and plain");
    bob.hears("<guest1> and plain");
}

/// A client that comes again needs half a handshake: its ticket holds the rest.
#[test]
fn a_client_that_comes_again_has_a_ticket() {
    let program = start(&[]);
    let config = trust(&file("example-tls.pem"));
    let enter = || {
        let mut client = Secured::with(Arc::clone(&config), "localhost", connect(&program));
        client.read_greeting();
        client.connection.handshake_kind()
    };
    assert_eq!(enter(), Some(HandshakeKind::Full));
    assert_eq!(enter(), Some(HandshakeKind::Resumed));
}

/// A client that asks for protocols gets the one that there is (ALPN, RFC 7301).
#[test]
fn http_1_1_is_spoken_where_a_protocol_is_asked_for() {
    let program = start(&[]);
    let mut config = (*trust(&file("example-tls.pem"))).clone();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client = Secured::with(Arc::new(config), "localhost", connect(&program));
    client.shake_hands(usize::MAX);
    assert_eq!(client.connection.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(
        client
            .asks("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r")
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
}

/// Promise 57: the password, telnet, streams and limits are as without TLS.
#[test]
fn everything_else_works_inside() {
    let password = file("example.password");
    let program =
        start(&["--password-file", password.to_str().expect("UTF-8"), "--max-line", "300"]);
    let password = fs::read_to_string(&password).expect("a file");
    let mut ann = Secured::new(&program);
    ann.shake_hands(usize::MAX);
    assert!(ann.line().contains("password"), "it is asked for");
    ann.say(password.trim_end());
    assert!(ann.line().starts_with("*** welcome, "));
    assert!(ann.line().contains(" here: "));
    ann.say(&"x".repeat(301));
    assert!(ann.line().starts_with("*** that line was not sent"));
    ann.say("hello");
    // WILL and DO for what the server may know; AYT.
    ann.send(b"\xff\xf6");
    assert!(ann.line().contains("yes, the server"));
    let authorization = BASE64.encode(format!("ci:{}", password.trim_end()).as_bytes());
    let answer = Secured::new(&program).asks(&format!(
        "GET /lobby?since=all&poll=1 HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\
         Authorization: Basic {authorization}\r\n\r"
    ));
    assert!(answer.contains("\"text\":\"hello\""), "{answer}");
    let answer = Secured::new(&program).asks("GET /lobby?poll=1 HTTP/1.1\r\nHost: localhost\r\n\r");
    assert!(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{answer}");
}

/// Programs that ask what this is are told commands that work for them.
#[test]
fn help_is_for_those_who_speak_tls() {
    let program = start(&[]);
    let host = format!("localhost:{}", program.port());
    let answer = Secured::new(&program).asks(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r"));
    assert!(answer.contains(&format!("curl -d 'hello' https://{host}/lobby ")), "{answer}");
    assert!(answer.contains(&format!("ncat --ssl localhost {} ", program.port())), "{answer}");
}

/// Promise 57: nothing is torn or lost inside.
#[test]
fn much_in_both_directions_keeps_its_order() {
    // So that a few lines are many records.
    let text = "x".repeat(400);
    // A read is of 1 KiB then, less than a record; or of 64 KiB, some records.
    for backlog in ["64k", "4M"] {
        let program = start(&["--backlog", backlog, "--rate", "0"]);
        let mut ann = Secured::enter(&program);
        let mut bob = Secured::enter(&program);
        ann.hears("*** guest2 joined");
        for part in 0..4 {
            let lines: Vec<_> = (0..200).map(|number| format!("{part}.{number} {text}")).collect();
            ann.say(&lines.join("\n"));
            for line in lines {
                bob.hears(&format!("<guest1> {line}"));
            }
        }
    }
}

/// Promise 57: a client that doesn't read gets what it missed as any other, nothing torn and
/// nothing twice.
#[test]
fn a_client_that_reads_late_is_told_what_it_missed() {
    let program = start(&["--backlog", "64k", "--rate", "0"]);
    let mut ann = Secured::enter(&program);
    let mut bob = Secured::enter(&program);
    ann.hears("*** guest2 joined");
    let text = "x".repeat(900);
    for number in 0..20_000 {
        ann.say(&format!("{number} {text}"));
    }
    ann.say("/seq");
    while !ann.line().contains("is the newest") {}
    let mut next = 0;
    loop {
        let line = bob.line();
        if let Some(said) = line.strip_prefix("<guest1> ") {
            let (number, rest) = said.split_once(' ').expect("two words");
            assert_eq!((number.parse(), rest), (Ok(next), &*text));
            next += 1;
        } else {
            let count = line.strip_prefix("*** ").and_then(|line| line.split(' ').next());
            let skipped = count.and_then(|count| count.parse::<u32>().ok());
            next += skipped.unwrap_or_else(|| panic!("{line}"));
        }
        if next == 20_000 {
            return;
        }
    }
}

/// Promise 57: the end is said.
#[test]
fn the_end_is_said_in_tls_too() {
    let program = start(&[]);
    let mut ann = Secured::enter(&program);
    ann.say("/quit");
    assert!(ann.line().starts_with("*** goodbye"));
    ann.ends_properly();
    let mut bob = Secured::enter(&program);
    program.signal(Signal::TERM);
    bob.hears("*** the server is shutting down");
    bob.ends_properly();
}

/// Promise 57: what a client had begun when it was cut off may not be all that it wanted to
/// say.
#[test]
fn a_line_that_is_cut_off_is_not_said() {
    let program = start(&[]);
    let [mut ann] = program.guests();
    let mut bob = Secured::enter(&program);
    ann.hears("*** guest2 joined");
    bob.connection.writer().write_all(b"don't").expect("memory");
    bob.connection.write_tls(&mut bob.socket).expect("it is read");
    drop(bob);
    assert!(ann.line().starts_with("*** guest2 left"));
}

/// Promise 57: a reset in the middle of a record says nothing, and neither does a record that
/// was changed on its way.
#[test]
fn half_a_record_and_a_changed_one_say_nothing() {
    let program = start(&[]);
    let [mut ann] = program.guests();
    for number in 2..4 {
        let mut bob = Secured::enter(&program);
        ann.hears(format!("*** guest{number} joined"));
        bob.connection.writer().write_all(b"hello\n").expect("memory");
        let mut record = Vec::new();
        bob.connection.write_tls(&mut record).expect("memory");
        if number == 2 {
            bob.socket.write_all(&record[..record.len() / 2]).expect("it is read");
            socket2::SockRef::from(&bob.socket).set_linger(Some(Duration::ZERO)).expect("ours");
        } else {
            *record.last_mut().expect("a tag") ^= 1;
            bob.socket.write_all(&record).expect("it is read");
            // It is told so (RFC 8446, section 6.2), in an alert that it can read.
            let error = loop {
                bob.connection.read_tls(&mut bob.socket).expect("something comes");
                if let Err(error) = bob.connection.process_new_packets() {
                    break error;
                }
            };
            assert_eq!(error, rustls::Error::AlertReceived(AlertDescription::BadRecordMac));
        }
        drop(bob);
        ann.hears(format!("*** guest{number} left (connection reset)"));
    }
}

/// Promise 56: what is no TLS is told so.
#[test]
fn what_is_no_tls_is_told_so_and_nobody_hears_of_it() {
    let program = start(&[]);
    let [mut ann] = program.guests();
    let mut socket = TcpStream::connect(("127.0.0.1", program.port())).expect("it listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // A ServerHello.
    socket.write_all(b"\x16\x03\x01\0\x04\x02\0\0\0").expect("it is read");
    let mut answer = Vec::new();
    match socket.read_to_end(&mut answer) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => {}
    }
    assert!(answer.starts_with(&[0x15, 3]), "{}", answer.escape_ascii());
    ann.ping();
}

/// A client that begins with TLS and doesn't go on is sent nothing, and has ten seconds.
#[test]
fn a_handshake_that_is_never_done_ends() {
    let program = start(&[]);
    let mut socket = TcpStream::connect(("127.0.0.1", program.port())).expect("it listens");
    socket.set_read_timeout(Some(3 * PATIENCE)).expect("a timeout");
    socket.write_all(b"\x16\x03\x01\x01").expect("it is read");
    let mut answer = Vec::new();
    match socket.read_to_end(&mut answer) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => assert_eq!(answer, b""),
    }
}

/// Clients that begin a handshake and don't go on have so many places, and no more.
#[test]
fn unfinished_handshakes_keep_nobody_out() {
    let program = start(&[]);
    let mut begun: Vec<_> = (0..300).map(|_| connect(&program)).collect();
    for socket in &mut begun {
        socket.write_all(b"\x16\x03\x01\x01").expect("it is read");
    }
    // Those that came first give way, though they had time left.
    begun[0].set_read_timeout(Some(PATIENCE / 2)).expect("a timeout");
    assert!(matches!(begun[0].read(&mut [0]), Ok(0) | Err(_)));
    let mut ann = Secured::enter(&program);
    ann.say("/seq");
    while !ann.line().contains("is the newest") {}
    assert!(program.logs("no TLS handshake").contains("127.0.0.1"));
}

/// A turn of the loop has time for some handshakes; the others are done in the next ones.
#[test]
fn handshakes_that_come_at_once_are_all_done() {
    let program = start(&[]);
    program.signal(Signal::STOP);
    let mut clients: Vec<_> = (0..100).map(|_| Secured::new(&program)).collect();
    for client in &mut clients {
        client.connection.write_tls(&mut client.socket).expect("it is sent");
    }
    program.signal(Signal::CONT);
    for client in &mut clients {
        client.shake_hands(usize::MAX);
        client.say("/seq");
    }
    for client in &mut clients {
        while !client.line().contains("is the newest") {}
    }
}

/// Promise 58: whoever waits long for a handshake isn't greeted in plain text meanwhile.
#[test]
fn nobody_that_waits_for_a_handshake_is_greeted_in_plain_text() {
    let directory = tempfile::tempdir().expect("a directory");
    let [cert, key] = ["cert", "key"].map(|name| directory.path().join(name));
    let [cert, key] = [&cert, &key].map(|path| path.to_str().expect("UTF-8"));
    if lacks(&["openssl"]) {
        return;
    }
    // A handshake takes milliseconds.
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:4096", "-nodes", "-subj", "/CN=localhost"])
        .args(["-keyout", key, "-out", cert])
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("it runs").success());
    let program = Program::web(&["--tls-cert", cert, "--tls-key", key, "--max-per-address", "0"]);
    program.signal(Signal::STOP);
    let mut sockets: Vec<_> = (0..200).map(|_| connect(&program)).collect();
    let mut hello = Vec::new();
    Secured::new(&program).connection.write_tls(&mut hello).expect("memory");
    for socket in &mut sockets {
        socket.write_all(&hello).expect("it is sent");
    }
    program.signal(Signal::CONT);
    for socket in &mut sockets {
        let mut first = [0];
        socket.read_exact(&mut first).expect("a handshake goes on");
        assert_eq!(first, [0x16], "it is plain text: {}", first.escape_ascii());
    }
}

/// Promise 28: nobody that isn't let in holds up the end.
#[test]
fn refused_clients_that_say_nothing_hold_up_no_end() {
    let mut program = start(&["--max-clients", "1"]);
    let [_ann] = program.guests();
    let mut half = connect(&program);
    half.write_all(b"\x16\x03\x01\x01").expect("it is read");
    let mut bob = Secured::new(&program);
    bob.shake_hands(usize::MAX);
    // A record that never ends.
    bob.socket.write_all(b"\x17\x03\x03\x40\x00").expect("it is read");
    let mut socket = bob.socket.try_clone().expect("a descriptor");
    let dripping = thread::spawn(move || {
        while socket.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    drop((bob, half));
    dripping.join().expect("it has ended");
}

/// Promise 58: one that isn't let in is told so in TLS, in its form.
#[test]
fn refusals_are_said_in_tls() {
    let program = start(&["--max-clients", "1"]);
    let [_ann] = program.guests();
    let full = "*** full: 1 client is connected, which is the limit; try again later";
    let mut bob = Secured::new(&program);
    bob.shake_hands(1);
    bob.hears(full);
    bob.ends_properly();
    let answer = Secured::new(&program).asks("GET /lobby HTTP/1.1\r\nHost: localhost\r\n\r");
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    // One that doesn't go on with its handshake is forgotten.
    let mut socket = connect(&program);
    socket.set_read_timeout(Some(3 * PATIENCE)).expect("a timeout");
    socket.write_all(b"\x16\x03\x01\x01").expect("it is read");
    match socket.read_to_end(&mut Vec::new()) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => {}
    }
}

/// Promise 58: with --tls-only, plain text from other machines is refused with a line that
/// says how to connect.
#[test]
fn plain_text_from_other_machines_is_refused_if_tls_is_required() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let (certificate, key) = (file("example-tls.pem"), file("example-tls.key"));
    let (certificate, key) = (certificate.to_str().expect("UTF-8"), key.to_str().expect("UTF-8"));
    let options = ["--tls-cert", certificate, "--tls-key", key, "--tls-only"];
    let program = network.serve_web(&options);
    let machine = network.machine();
    let port = program.port();
    let refused = format!(
        "*** refused: TLS is required here; connect with ncat --ssl 10.0.1.1 {port}, or with \
         openssl s_client -quiet -connect 10.0.1.1:{port}"
    );
    // One that says nothing, and one that says something.
    for line in ["", "hello\n"] {
        let mut plain = machine.connect(&program);
        plain.send(line);
        plain.hears(&refused);
        plain.expect_eof();
    }
    let mut browser = machine.connect(&program);
    browser.send(format!("GET /dev?x=1 HTTP/1.1\r\nHost: 10.0.1.1:{port}\r\n\r\n"));
    let answer = String::from_utf8(browser.read_to_any_end()).expect("UTF-8");
    assert!(answer.starts_with("HTTP/1.1 308 Permanent Redirect\r\n"), "{answer}");
    let location = format!("\r\nLocation: https://10.0.1.1:{port}/dev?x=1\r\n");
    assert!(answer.contains(&location), "{answer}");
    let mut post = machine.connect(&program);
    post.send("POST /lobby HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    let answer = String::from_utf8(post.read_to_any_end()).expect("UTF-8");
    assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
    let socket = machine.connect(&program).socket().try_clone().expect("a descriptor");
    let mut ann = Secured::trusting(&file("example-tls.pem"), socket.into());
    ann.read_greeting();
    let mut bob = network.connect(&program);
    bob.read_greeting();
    bob.say("hello");
    ann.hears("*** guest2 joined");
    ann.hears("<guest2> hello");
    ann.say("/quit");
    bob.hears("*** guest1 left");
    let program = network.serve_web(&[&options[..], &["--advertise", "chat.example.org"]].concat());
    let mut plain = machine.connect(&program);
    let address = format!("chat.example.org {}", program.port());
    let refused = "*** refused: TLS is required here; connect with";
    assert!(plain.line().starts_with(&format!("{refused} ncat --ssl {address}, ")));
}

/// Promise 58: a proxy on this machine may speak plain text, for whomever it speaks.
#[test]
fn a_proxy_on_this_machine_may_speak_plain_text() {
    let program = start(&["--tls-only", "--proxy-from", "127.0.0.0/8", "--no-web"]);
    let header = "PROXY TCP4 192.0.2.7 198.51.100.1 4711 8008\r\n";
    let mut ann = program.connect();
    ann.send(header);
    ann.read_greeting();
    // TLS may come behind the header, in the same packet.
    let mut socket = connect(&program);
    socket.write_all(header.as_bytes()).expect("it is read");
    let mut bob = Secured::trusting(&file("example-tls.pem"), socket);
    bob.read_greeting();
    bob.say("hello");
    ann.hears("*** guest2 joined");
    ann.hears("<guest2> hello");
}

/// Promise 56: a client may ask for new keys, and is told that there is no second handshake.
#[test]
fn a_client_may_ask_for_new_keys_and_not_for_a_new_handshake() {
    if lacks(&["openssl"]) {
        return;
    }
    let program = start(&[]);
    let [mut ann] = program.guests();
    // These letters are commands (openssl-s_client(1)), each of which it reads alone.
    let mut keys = Talker::start(&program, "-tls1_3");
    for letter in ["K", "k", "K"] {
        keys.say(letter);
        assert!(keys.shows("KEYUPDATE"));
    }
    keys.say("hello");
    while !ann.line().ends_with("> hello") {}
    keys.say("/seq");
    assert!(keys.shows(" is the newest; "));
    let mut again = Talker::start(&program, "-tls1_2");
    again.say("R");
    assert!(again.shows("no renegotiation"));
    ann.hears("*** guest3 joined");
    while !ann.line().starts_with("*** guest3 left") {}
    ann.ping();
}

/// `openssl s_client`, which has been greeted.
struct Talker {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Talker {
    fn start(program: &Program, version: &str) -> Talker {
        let script =
            format!("exec openssl s_client -connect 127.0.0.1:{} {version} 2>&1", program.port());
        let mut child = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut talker = Talker { child, output };
        assert!(talker.shows(" here: "), "{version}");
        talker
    }

    fn say(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("it is piped");
        input.write_all(format!("{line}\n").as_bytes()).expect("it reads");
    }

    /// Whether it shows this at some time.
    fn shows(&mut self, text: &str) -> bool {
        self.output.by_ref().map_while(Result::ok).any(|line| line.contains(text))
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Promise 56: Python's `ssl` checks the name and the certificate.
#[test]
fn python_talks_in_tls() {
    if lacks(&["python3"]) {
        return;
    }
    let program = start(&[]);
    let [mut ann] = program.guests();
    let script = "import socket, ssl, sys\n\
        context = ssl.create_default_context(cafile=sys.argv[2])\n\
        plain = socket.create_connection(('localhost', int(sys.argv[1])))\n\
        room = context.wrap_socket(plain, server_hostname='localhost')\n\
        lines = room.makefile('rw', newline='\\n')\n\
        lines.readline(); lines.readline()\n\
        lines.write('by python\\n'); lines.flush()\n\
        print(lines.readline(), end='')\n\
        lines.write('/quit\\n'); lines.flush()\n\
        print(lines.readline(), end='')\n\
        print(repr(room.recv(1)), room.version())\n";
    let child = Command::new("python3")
        .args(["-c", script, &program.port().to_string()])
        .arg(file("example-tls.pem"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    ann.hears("*** guest2 joined");
    ann.hears("<guest2> by python");
    ann.say("by netcat");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], "<guest1> by netcat");
    assert!(lines[1].starts_with("*** goodbye"), "{said}");
    // Without close_notify that would be an error.
    assert_eq!(lines[2], "b'' TLSv1.3");
}

/// Promise 56: no version and no cipher that is known to be weak.
#[test]
fn a_scanner_finds_nothing_weak() {
    if lacks(&["sslscan"]) {
        return;
    }
    let program = start(&[]);
    let address = format!("127.0.0.1:{}", program.port());
    let output = Command::new("sslscan").args(["--no-colour", &address]).output();
    let said = String::from_utf8(output.expect("it runs").stdout).expect("UTF-8");
    for version in ["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"] {
        let is_off = |line: &&str| line.starts_with(version) && line.ends_with("disabled");
        assert!(said.lines().any(|line| is_off(&line)), "{version} in {said}");
    }
    for line in ["TLSv1.2   enabled", "TLSv1.3   enabled", "renegotiation not supported"] {
        assert!(said.contains(line), "{line} isn't in {said}");
    }
    let ciphers =
        said.lines().filter(|line| line.starts_with("Preferred ") || line.starts_with("Accepted "));
    for cipher in ciphers {
        let name = cipher.split_whitespace().nth(4).expect("a cipher");
        let is_good = name.starts_with("TLS_") || name.starts_with("ECDHE-");
        assert!(is_good && (name.contains("GCM") || name.contains("CHACHA20")), "{cipher}");
    }
    let mut about_holes = said.lines().filter(|line| line.contains("vulnerable"));
    assert!(about_holes.all(|line| line.contains("not vulnerable")), "{said}");
}
