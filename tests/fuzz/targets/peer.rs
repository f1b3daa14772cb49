//! One client as seen from the other side.

use std::collections::VecDeque;

use roomcast::chat::{CloseReason, Closing};

/// IAC DO ECHO: from here on the client's line is edited.
const AGREEMENT: [u8; 3] = [255, 253, 1];

/// A client and both directions of its connection.
#[derive(Debug, Default)]
pub struct Peer {
    /// Sent by the client, not read by the server.
    pub to_server: VecDeque<u8>,
    /// The client closed its sending side.
    pub has_fin: bool,
    pub has_reset: bool,
    /// Nothing reaches it any more; what it has sent can still be read.
    pub is_deaf: bool,
    /// Why the connection is broken: its machine doesn't answer any more.
    pub has_vanished: bool,
    /// All that it has sent.
    sent: Vec<u8>,
    /// All that it was sent.
    pub stream: Vec<u8>,
    /// Bytes of the stream that the kernel still holds.
    pub held_bytes: usize,
    /// Bytes that the kernel holds at most.
    pub kernel_bytes: usize,
    /// The server has closed, after all that the client was owed.
    pub is_over: bool,
    pub ending: Option<CloseReason>,
}

impl Peer {
    pub fn new(kernel_bytes: usize) -> Peer {
        Peer { kernel_bytes, ..Peer::default() }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        if !self.has_fin && !self.has_reset {
            self.to_server.extend(bytes);
            self.sent.extend(bytes);
        }
    }

    /// The connection is over.
    pub fn end(&mut self, ending: CloseReason, closing: Closing) {
        self.is_over = closing == Closing::Polite;
        self.ending = Some(ending);
        // The answer in another protocol isn't made of lines.
        if let CloseReason::Foreign(protocol) = ending {
            match self.is_over {
                true => {
                    let lines = self.stream.strip_suffix(protocol.answer());
                    self.stream = lines.expect("the answer comes last").to_vec();
                }
                false => self.stream.clear(),
            }
        }
    }

    /// Whether it may read another character set than UTF-8.
    pub fn may_have_chosen_characters(&self) -> bool {
        let is_said = |part: &[u8]| self.sent.windows(part.len()).any(|window| window == part);
        is_said(b"charset") || is_said(b"CHARSET") || is_said(&[255, 250])
    }

    pub fn agreed_to_edit(&self) -> bool {
        self.sent.windows(3).any(|window| window == AGREEMENT)
    }

    /// Takes so many bytes out of the kernel.
    pub fn take(&mut self, bytes: usize) {
        self.held_bytes -= bytes.min(self.held_bytes);
    }

    pub fn has_place(&self) -> bool {
        self.held_bytes < self.kernel_bytes
    }

    /// The kernel takes so many of these bytes, at most; gives how many.
    pub fn receive(&mut self, bytes: &[u8], bytes_max: usize) -> usize {
        let place = self.kernel_bytes.saturating_sub(self.held_bytes);
        let taken = bytes.len().min(place).min(bytes_max);
        self.stream.extend(&bytes[..taken]);
        self.held_bytes += taken;
        taken
    }
}
