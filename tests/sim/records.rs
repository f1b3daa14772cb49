//! Something like TLS between a client and the chat: what is said is put into records, which
//! are longer than that and say nothing until they are whole, and nothing is said before a
//! handshake.

use std::collections::VecDeque;

/// What a client sends first (the beginning of a handshake record), and what it is answered.
const HELLO: &[u8] = b"\x16\x03\x01 hello";

/// What the client sends when it has the answer.
const FINISHED: &[u8] = b"\x14 done";

/// Bytes before and behind what a record says.
const HEAD_BYTES: usize = 2;
const TAG_BYTES: usize = 20;

/// The most that one record says.
const RECORD_BYTES_MAX: usize = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing has come.
    Fresh,
    Handshake,
    Done,
    /// It came too late, or the client isn't let in: it can't read what it is sent.
    Refused,
}

/// Both ends of one connection.
#[derive(Debug)]
pub struct Records {
    pub stage: Stage,
    /// What the server has put into records and the kernel hasn't taken.
    pub pending: VecDeque<u8>,
    /// What the server has read of a record that isn't whole.
    partial: Vec<u8>,
    has_hello: bool,
    /// What has come and the chat hasn't taken.
    pub unread: VecDeque<u8>,
    /// What the client has read of a record that isn't whole.
    shown: Vec<u8>,
    /// What the client says as soon as it may.
    outbox: Vec<u8>,
    has_answer: bool,
}

impl Records {
    /// A connection, and what its client sends first.
    pub fn new() -> (Records, &'static [u8]) {
        let records = Records {
            stage: Stage::Fresh,
            pending: VecDeque::new(),
            partial: Vec::new(),
            has_hello: false,
            unread: VecDeque::new(),
            shown: Vec::new(),
            outbox: Vec::new(),
            has_answer: false,
        };
        (records, HELLO)
    }

    /// What the client puts on the way when it says this.
    pub fn say(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.has_answer {
            return seal(bytes);
        }
        self.outbox.extend(bytes);
        Vec::new()
    }

    /// Whether the client waits to say something.
    pub fn has_outbox(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// The client reads; gives what it is shown, and what it sends then.
    pub fn show(&mut self, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
        if self.stage == Stage::Refused {
            return Default::default();
        }
        self.shown.extend(bytes);
        if self.has_answer {
            return (open(&mut self.shown), Vec::new());
        }
        if self.shown.len() < HELLO.len() {
            return Default::default();
        }
        self.shown.drain(..HELLO.len());
        self.has_answer = true;
        let said = seal(&std::mem::take(&mut self.outbox));
        (open(&mut self.shown), [FINISHED, &said].concat())
    }

    /// The server reads; whether that is the beginning of a handshake.
    pub fn take_in(&mut self, bytes: &[u8]) -> bool {
        self.partial.extend(bytes);
        let is_begin = self.stage == Stage::Fresh && !bytes.is_empty();
        if is_begin {
            self.stage = Stage::Handshake;
        }
        is_begin
    }

    /// The server goes on with what it has read; whether that is the end of the handshake.
    pub fn go_on(&mut self) -> bool {
        let is_shaking = self.stage == Stage::Handshake;
        if is_shaking && !self.has_hello && self.partial.len() >= HELLO.len() {
            self.partial.drain(..HELLO.len());
            self.has_hello = true;
            self.pending.extend(HELLO);
        }
        let is_end = is_shaking && self.has_hello && self.partial.len() >= FINISHED.len();
        if is_end {
            self.partial.drain(..FINISHED.len());
            self.stage = Stage::Done;
        }
        if self.stage == Stage::Done {
            self.unread.extend(open(&mut self.partial));
        }
        is_end
    }

    /// It came too late: the server takes its bytes for what anybody sends.
    pub fn refuse(&mut self) -> Vec<u8> {
        self.stage = Stage::Refused;
        std::mem::take(&mut self.partial)
    }

    /// The server puts this into records.
    pub fn encrypt(&mut self, bytes: &[u8]) {
        self.pending.extend(seal(bytes));
    }
}

fn seal(bytes: &[u8]) -> Vec<u8> {
    let seal_one = |part: &[u8]| {
        let length = u16::try_from(part.len()).expect("it is short");
        [&length.to_be_bytes(), part, &[0; TAG_BYTES]].concat()
    };
    bytes.chunks(RECORD_BYTES_MAX).flat_map(seal_one).collect()
}

/// What the whole records say; they are taken off.
fn open(bytes: &mut Vec<u8>) -> Vec<u8> {
    let mut said = Vec::new();
    while let [high, low, ..] = bytes[..] {
        let length = usize::from(u16::from_be_bytes([high, low]));
        if bytes.len() < HEAD_BYTES + length + TAG_BYTES {
            break;
        }
        said.extend(&bytes[HEAD_BYTES..HEAD_BYTES + length]);
        bytes.drain(..HEAD_BYTES + length + TAG_BYTES);
    }
    said
}
