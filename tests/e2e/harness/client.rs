//! One client of a room, and what it expects to be sent.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

/// How long a single event may take. A safety net only: no test waits for it
/// to pass, and a test that meets it has failed.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A client. What it is sent is compared byte by byte, and everything has to
/// be expected in its order: nothing is skipped.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<Socket>,
    /// Its name, once it has read its greeting.
    nick: String,
    here: String,
    line_end: &'static str,
}

impl Client {
    pub fn connect(address: &SockAddr) -> Client {
        Self::from_socket(socket_for(address), address)
    }

    /// A client whose kernel takes few bytes that it doesn't read.
    pub fn with_small_buffer(address: &SockAddr) -> Client {
        let socket = socket_for(address);
        socket.set_recv_buffer_size(4096).expect("a receive buffer");
        Self::from_socket(socket, address)
    }

    /// A client that has more than one address, from one of them.
    pub fn connect_from(source: &SockAddr, address: &SockAddr) -> Client {
        let socket = socket_for(address);
        socket.bind(source).expect("an address of this machine");
        Self::from_socket(socket, address)
    }

    /// A client that speaks to the room through another program, and what is
    /// to be that program's standard input and output.
    pub fn pair() -> (Client, OwnedFd) {
        let (socket, other) = Socket::pair(Domain::UNIX, Type::STREAM, None).expect("sockets");
        (Self::from_connected(socket), other.into())
    }

    fn from_socket(socket: Socket, address: &SockAddr) -> Client {
        socket.connect(address).expect("the room is open");
        if address.domain() != Domain::UNIX {
            // Each write is a packet of its own, as far as possible.
            socket.set_tcp_nodelay(true).expect("an option of TCP");
        }
        Self::from_connected(socket)
    }

    fn from_connected(socket: Socket) -> Client {
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        Client {
            stream: BufReader::new(socket),
            nick: String::new(),
            here: String::new(),
            line_end: "\n",
        }
    }

    /// Reads its greeting and learns its name from it.
    #[track_caller]
    pub fn read_greeting(&mut self) {
        let welcome = self.line();
        let nick = welcome.strip_prefix("*** welcome, ").and_then(|rest| rest.split_once(':'));
        self.nick = nick.unwrap_or_else(|| panic!("greeted with {welcome:?}")).0.to_owned();
        let here = self.line();
        assert!(here.starts_with("*** ") && here.contains(" here: "), "greeted with {here:?}");
        self.here = here;
    }

    /// The line of its greeting that says who is here, and whether talk is kept.
    pub fn here(&self) -> &str {
        &self.here
    }

    pub fn nick(&self) -> &str {
        &self.nick
    }

    /// From now on it is sent CR LF.
    pub fn takes_crlf(&mut self) {
        self.line_end = "\r\n";
    }

    /// Its own address, as the server sees it.
    pub fn address(&self) -> String {
        let address = self.socket().local_addr().expect("it is connected");
        address.as_socket().expect("an IP address").to_string()
    }

    pub fn socket(&self) -> &Socket {
        self.stream.get_ref()
    }

    // What it does.

    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket().write_all(bytes.as_ref()).expect("the server takes what it is sent");
    }

    /// Sends if the server takes it within a moment; false if not.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.socket().write_all(bytes.as_ref()).is_ok()
    }

    /// Sends a line that ends with LF.
    #[track_caller]
    pub fn say(&mut self, line: impl AsRef<[u8]>) {
        self.send([line.as_ref(), b"\n"].concat());
    }

    /// Sends bytes of which TCP calls the last one urgent.
    #[track_caller]
    pub fn send_urgent(&mut self, bytes: &[u8]) {
        let sent = self.socket().send_out_of_band(bytes).expect("urgent data");
        assert_eq!(sent, bytes.len());
    }

    /// Sends `bytes` one by one. Between two of them `witness` asks the server
    /// something, so that the server reads each for itself.
    #[track_caller]
    pub fn send_byte_by_byte(&mut self, bytes: &[u8], witness: &mut Client) {
        for byte in bytes {
            self.send([*byte]);
            witness.ping();
        }
    }

    /// Waits until the server has answered a line of this client, and so has
    /// read what came before that line, from anyone.
    #[track_caller]
    pub fn ping(&mut self) {
        self.say("/me");
        self.hears("*** usage: /me TEXT");
    }

    /// Closes its sending side.
    pub fn fin(&mut self) {
        self.socket().shutdown(Shutdown::Write).expect("it is connected");
    }

    /// Is gone, and the server's kernel is told so by a reset.
    pub fn reset(self) {
        self.socket().set_linger(Some(Duration::ZERO)).expect("an option of sockets");
    }

    // What it is sent.

    /// Reads exactly these bytes.
    #[track_caller]
    pub fn expect(&mut self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        let mut at = 0;
        while at < expected.len() {
            let got = self.peek();
            let count = got.len().min(expected.len() - at);
            let is_same = count > 0 && got[..count] == expected[at..at + count];
            assert!(
                is_same,
                "\n expected: {}\n after the first {at} bytes of it came: {}\n",
                expected.escape_ascii(),
                got.escape_ascii()
            );
            self.stream.consume(count);
            at += count;
        }
    }

    /// Reads what comes up to the first place where this has come.
    #[track_caller]
    pub fn reads_to(&mut self, end: impl AsRef<[u8]>) {
        let (end, mut read) = (end.as_ref(), Vec::new());
        while !read.ends_with(end) {
            let got = self.peek();
            assert!(!got.is_empty(), "{} came, not {}", read.escape_ascii(), end.escape_ascii());
            read.push(got[0]);
            self.stream.consume(1);
        }
    }

    /// Reads this line, with the end that this client takes.
    #[track_caller]
    pub fn hears(&mut self, line: impl AsRef<[u8]>) {
        let end = self.line_end.as_bytes();
        self.expect([line.as_ref(), end].concat());
    }

    /// Reads the answer to `/who`; these have said something less than a minute ago.
    #[track_caller]
    pub fn hears_who(&mut self, names: &[impl AsRef<str>]) {
        let line = self.line();
        let newest = line.strip_prefix(&format!("*** {} here; line ", names.len()));
        assert!(newest.is_some_and(|it| it.ends_with(" is the newest")), "{line:?}");
        for name in names {
            let row = self.line();
            let words: Vec<_> = row.split_whitespace().collect();
            assert_eq!(words[..3], ["***", name.as_ref(), "now"], "{row:?}");
        }
    }

    /// Reads the farewell of a client that says `/quit`.
    #[track_caller]
    pub fn hears_goodbye(&mut self) {
        let line = self.line();
        assert!(line.starts_with("*** goodbye; when you are back, /resume "), "{line:?}");
    }

    /// Reads one line, whatever it is; gives it without its end.
    #[track_caller]
    pub fn line(&mut self) -> String {
        let line = self.any_line();
        let end = self.line_end.as_bytes();
        let line = line.strip_suffix(end).expect("the line ends as this client takes it");
        String::from_utf8(line.to_vec()).expect("a chat line is UTF-8")
    }

    /// Reads up to the next LF, whatever that is.
    #[track_caller]
    pub fn any_line(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        let result = self.stream.read_until(b'\n', &mut line);
        let is_whole = result.is_ok() && line.ends_with(b"\n");
        assert!(is_whole, "{:?} reads {}, then {result:?}", self.nick, line.escape_ascii());
        line
    }

    /// Reads up to the next LF; `None` if the connection ends before, in whatever way.
    pub fn line_before_any_end(&mut self) -> Option<String> {
        let mut line = String::new();
        let is_whole = self.stream.read_line(&mut line).is_ok() && line.ends_with('\n');
        is_whole.then_some(line)
    }

    /// Reads what comes next, at least one byte.
    #[track_caller]
    pub fn some_bytes(&mut self) -> Vec<u8> {
        let bytes = self.stream.fill_buf().expect("something comes").to_vec();
        assert!(!bytes.is_empty(), "the connection has ended");
        self.stream.consume(bytes.len());
        bytes
    }

    /// Reads everything up to EOF.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut self.stream, &mut rest).expect("EOF comes");
        rest
    }

    #[track_caller]
    pub fn expect_eof(&mut self) {
        let got = self.peek();
        assert!(got.is_empty(), "expected EOF, got: {}", got.escape_ascii());
    }

    /// The connection ends, by EOF or by a reset. Gives what came before.
    #[track_caller]
    pub fn read_to_any_end(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match std::io::Read::read_to_end(&mut self.stream, &mut rest) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
            _ => rest,
        }
    }

    /// Nothing comes for `time`: the one way for a test to wait.
    #[track_caller]
    pub fn hears_nothing_for(&mut self, time: Duration) {
        self.socket().set_read_timeout(Some(time)).expect("a timeout");
        match self.stream.fill_buf() {
            Err(error)
                if [ErrorKind::WouldBlock, ErrorKind::Interrupted].contains(&error.kind()) => {}
            result => panic!("expected nothing, got {result:?}"),
        }
        self.socket().set_read_timeout(Some(PATIENCE)).expect("a timeout");
    }

    /// What has come, at least a byte unless it is EOF.
    #[track_caller]
    fn peek(&mut self) -> &[u8] {
        loop {
            match self.stream.fill_buf() {
                Ok(_) => break,
                // A signal of whatever kind; a read with a timeout isn't resumed.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("{error} while {:?} reads", self.nick),
            }
        }
        self.stream.buffer()
    }
}

fn socket_for(address: &SockAddr) -> Socket {
    Socket::new(address.domain(), Type::STREAM, None).expect("a socket")
}

/// Shows that `listeners` have read everything that they are sent: `speaker`
/// says one line more, and that is what comes next.
#[track_caller]
pub fn nothing_came_for(listeners: &mut [&mut Client], speaker: &mut Client) {
    speaker.say("sentinel");
    for listener in listeners {
        listener.hears(format!("<{}> sentinel", speaker.nick));
    }
}

/// `listeners` are all told the same by the server.
#[track_caller]
pub fn notices(listeners: &mut [&mut Client], notice: &str) {
    for listener in listeners {
        listener.hears(format!("*** {notice}"));
    }
}
