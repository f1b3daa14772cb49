//! One client as seen from the other side: what it types, and what it is shown.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use roomcast::chat::Interest;

use crate::records::{Records, Stage};

/// One thing that a client was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A line that everyone is sent, without its end.
    Public(String),
    /// An answer for this client alone.
    Private(String),
    /// So many lines were skipped.
    Gap(u64),
}

impl Shown {
    /// The line, if everyone is sent it.
    pub fn public(&self) -> Option<&str> {
        match self {
            Shown::Public(line) => Some(line),
            _ => None,
        }
    }
}

/// The one telnet answer that is given each time.
pub const WONT_TIMING_MARK: [u8; 3] = [255, 252, 6];

/// Takes a client's stream apart.
#[derive(Debug, Default)]
pub struct Screen {
    partial: Vec<u8>,
    pub shown: Vec<Shown>,
    /// After how many things shown a bell rang.
    pub bells: Vec<usize>,
    /// Telnet answers (IAC, verb, option).
    pub telnet: Vec<[u8; 3]>,
    /// The server has closed.
    pub is_over: bool,
}

/// How the server's notices for one client alone begin.
const PRIVATE: &[&str] = &[
    "welcome, ",
    "there is no command ",
    "/",
    "that line was not sent",
    "your line is not UTF-8",
    "you send faster than",
    "commands begin with a slash",
    "yes, the server",
    "the name ",
    "your name is ",
    "a name ",
    "a secret ",
    "usage: ",
    "goodbye",
    "full: ",
    "refused: ",
    "an operator has muted you",
    "dice are typed like",
    "a message goes to",
    "example: ",
    "and ",
    "you may speak again",
    "the link to the other servers is",
    "not sent: ",
    "the server office2 ",
    "the server of ",
    "the other servers don't answer",
];

impl Screen {
    pub fn receive(&mut self, bytes: impl Iterator<Item = u8>) {
        for byte in bytes {
            if byte == 7 && self.partial.is_empty() {
                self.bells.push(self.shown.len());
                continue;
            }
            self.partial.push(byte);
            if let [255, verb, option] = self.partial[..] {
                self.telnet.push([255, verb, option]);
                self.partial.clear();
            } else if byte == b'\n' && self.partial[0] != 255 {
                let line = std::mem::take(&mut self.partial);
                self.shown.push(shown(line));
            }
        }
    }

    /// Nothing is torn: a stream ends where a line ends.
    pub fn assert_whole(&self) {
        assert!(self.partial.is_empty(), "torn: {:?}", String::from_utf8_lossy(&self.partial));
    }
}

fn shown(line: Vec<u8>) -> Shown {
    let line = String::from_utf8(line).expect("every line is UTF-8");
    let line = line.strip_suffix('\n').expect("the end of the line");
    let line = line.strip_suffix('\r').unwrap_or(line);
    assert!(!line.chars().any(|c| c.is_control() && c != '\t'), "a control character: {line:?}");
    let Some(notice) = line.strip_prefix("*** ") else {
        return match line.ends_with(" to you> psst") {
            true => Shown::Private(line.into()),
            false => Shown::Public(line.into()),
        };
    };
    let (count, rest) = notice.split_once(' ').unwrap_or((notice, ""));
    match count.parse() {
        Ok(lines) if rest.starts_with("line") && rest.contains(" skipped: ") => Shown::Gap(lines),
        Ok(_) if rest.starts_with("here: ") || rest.starts_with("here; ") => {
            Shown::Private(notice.into())
        }
        // Which day it is.
        _ if notice.contains("day, ") && notice.ends_with(" 2026") => Shown::Private(notice.into()),
        // A row of `/who`.
        _ if rest.starts_with("  ") => Shown::Private(notice.into()),
        _ if notice.contains(" looks like a guest's name")
            || notice.contains(" is already taken on another server") =>
        {
            Shown::Private(notice.into())
        }
        _ if PRIVATE.iter().any(|start| notice.starts_with(start)) => Shown::Private(notice.into()),
        _ => Shown::Public(line.into()),
    }
}

/// What a client sends last of a line, or of a telnet command without option.
const END_BYTES: [u8; 3] = [b'\n', 0, 0xf6];

/// A pause in taking anything that is long: the least stall limit is no shorter.
const LATE: Duration = Duration::from_secs(90);

/// How a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// All that is there, at once.
    Prompt,
    /// Now and then, a little.
    Slow,
    /// Never.
    Stuck,
}

/// A client and both directions of its connection.
#[derive(Debug)]
pub struct Peer {
    pub habit: Habit,
    /// Sent by the client, not read by the server.
    pub to_server: VecDeque<u8>,
    /// The client closed its sending side.
    pub has_fin: bool,
    pub is_fin_read: bool,
    pub has_reset: bool,
    /// The same, but nothing tells of it: the server's kernel has given it up.
    pub has_vanished: bool,
    /// Written by the server, not read by the client.
    pub to_client: VecDeque<u8>,
    /// Since when the kernel has taken nothing for it, if it owes it something.
    pub stalled_since: Option<Instant>,
    /// When the kernel has taken something for it last.
    pub took_at: Instant,
    /// The same before a long pause, if there was one.
    pub took_late_at: Option<Instant>,
    /// Bytes that the kernel holds for the client.
    pub kernel_bytes: usize,
    pub screen: Screen,
    /// Names what it says: its lines are `number.counter`.
    pub number: usize,
    pub counter: u64,
    /// It has sent what ends a visit.
    pub has_quit: bool,
    /// The server knows it.
    pub is_open: bool,
    /// The connection was dropped without a proper goodbye.
    pub is_cut: bool,
    /// Nothing reaches it any more; what it has sent can still be read.
    pub is_deaf: bool,
    /// The address that it comes from, if that isn't the server's machine.
    pub ip: Option<IpAddr>,
    /// When it was let in, and when the server read something of it last.
    pub came_at: Instant,
    pub heard_at: Instant,
    /// It has begun what it hasn't finished.
    pub has_begun: bool,
    /// It doesn't look at what it is shown.
    pub is_blind: bool,
    /// If it speaks something like TLS.
    pub records: Option<Records>,
}

impl Peer {
    pub fn new(number: usize, now: Instant, habit: Habit, kernel_bytes: usize) -> Self {
        Peer {
            habit,
            to_server: VecDeque::new(),
            has_fin: false,
            is_fin_read: false,
            has_reset: false,
            has_vanished: false,
            to_client: VecDeque::new(),
            stalled_since: None,
            took_at: now,
            took_late_at: None,
            kernel_bytes,
            screen: Screen::default(),
            number,
            counter: 0,
            has_quit: false,
            is_open: true,
            is_cut: false,
            is_deaf: false,
            ip: None,
            came_at: now,
            heard_at: now,
            has_begun: false,
            is_blind: false,
            records: None,
        }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        if !self.has_fin && !self.is_broken() {
            let is_end = |byte: &u8| END_BYTES.contains(byte);
            self.has_begun = !bytes.last().is_some_and(is_end);
            // Ctrl-D ends a visit where the server edits the line.
            self.has_quit |= bytes == [4] || bytes.windows(5).any(|word| word == b"/quit");
            match &mut self.records {
                Some(records) => self.to_server.extend(records.say(bytes)),
                None => self.to_server.extend(bytes),
            }
        }
    }

    /// From the begin on it speaks something like TLS.
    pub fn begin_records(&mut self) {
        let (records, hello) = Records::new();
        (self.records, self.to_server) = (Some(records), hello.iter().copied().collect());
    }

    /// How far its records have come, if what it is sent goes into records.
    pub fn stage(&self) -> Option<Stage> {
        self.records.as_ref().map(|records| records.stage).filter(|it| *it != Stage::Refused)
    }

    /// Whether the server waits for the kernel to take something.
    pub fn is_written(&self, interest: Interest) -> bool {
        self.has_pending() || (interest.write && self.stage().is_none_or(|it| it == Stage::Done))
    }

    /// Whether the server has encrypted what the kernel hasn't taken.
    pub fn has_pending(&self) -> bool {
        self.records.as_ref().is_some_and(|records| !records.pending.is_empty())
    }

    /// Nothing of what is encrypted will be taken any more; whether there was something.
    pub fn drop_pending(&mut self) -> bool {
        let had_pending = self.has_pending();
        if let Some(records) = &mut self.records {
            records.pending.clear();
        }
        had_pending
    }

    /// The kernel takes what it can of what is encrypted; whether that was something.
    pub fn take_pending(&mut self, now: Instant, most: usize) -> bool {
        let Some(records) = &mut self.records else { return false };
        let place = self.kernel_bytes.saturating_sub(self.to_client.len());
        let bytes = records.pending.len().min(place).min(most);
        self.to_client.extend(records.pending.drain(..bytes));
        if bytes > 0 {
            if self.took_at + LATE <= now {
                self.took_late_at = Some(self.took_at);
            }
            (self.took_at, self.stalled_since) = (now, None);
        }
        bytes > 0
    }

    /// The kernel takes so many of the bytes that the server offers.
    pub fn take(&mut self, now: Instant, offered: &[u8], bytes: usize) {
        self.to_client.extend(&offered[..bytes]);
        if bytes > 0 {
            (self.took_at, self.stalled_since) = (now, None);
        }
        let is_short = bytes < offered.len();
        self.stalled_since = is_short.then_some(self.stalled_since.unwrap_or(now));
    }

    /// Its machine goes away without a word.
    pub fn vanish(&mut self) {
        self.has_vanished |= !self.is_broken();
        self.has_reset = true;
    }

    /// The server doesn't let it in, and says why.
    pub fn turn_away(&mut self, refusal: &[u8]) {
        self.to_client.extend(refusal);
        self.is_open = false;
        if let Some(records) = &mut self.records {
            records.refuse();
        }
    }

    /// Whether it has said what the server hasn't read.
    pub fn has_input(&self) -> bool {
        self.is_readable() || self.has_outbox()
    }

    /// Whether there is something for the server to read.
    pub fn is_readable(&self) -> bool {
        let is_unread = |records: &Records| !records.unread.is_empty();
        !self.to_server.is_empty()
            || self.records.as_ref().is_some_and(is_unread)
            || (self.has_fin && !self.is_fin_read && !self.has_outbox())
    }

    /// Whether it says something as soon as its handshake is done.
    fn has_outbox(&self) -> bool {
        self.records.as_ref().is_some_and(Records::has_outbox)
    }

    /// Whether its connection is broken.
    pub fn is_broken(&self) -> bool {
        self.has_reset || self.is_deaf
    }

    /// Whether the server has to do something about it, sooner or later. One
    /// that doesn't read its answers isn't read either.
    pub fn is_waiting(&self) -> bool {
        self.is_open && (self.is_broken() || (self.has_input() && self.habit != Habit::Stuck))
    }

    /// The next text that it says: nobody says the same twice.
    pub fn next_text(&mut self) -> String {
        self.counter += 1;
        format!("{}.{}", self.number, self.counter)
    }

    pub fn read(&mut self, bytes: usize) {
        let bytes = bytes.min(self.to_client.len());
        let mut shown: Vec<u8> = self.to_client.drain(..bytes).collect();
        if let Some(records) = &mut self.records {
            let sent;
            (shown, sent) = records.show(&shown);
            if !self.is_deaf && !self.has_reset {
                self.to_server.extend(sent);
            }
        }
        if !self.is_blind {
            self.screen.receive(shown.into_iter());
        }
        self.screen.is_over |= !self.is_open && self.to_client.is_empty();
    }

    /// The name that the server gave it.
    pub fn guest_name(&self) -> Option<String> {
        self.screen.shown.iter().find_map(|shown| match shown {
            Shown::Private(notice) => {
                notice.strip_prefix("welcome, ")?.split(':').next().map(String::from)
            }
            _ => None,
        })
    }
}
