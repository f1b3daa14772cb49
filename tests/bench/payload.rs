//! The load line: who sent it and which of the sender's lines it is, so that a reader can tell
//! lost from doubled from late. A fixed size, so that it can be found at the end of whatever a
//! server puts in front of it (a name, an address, a protocol's header).

/// `s012.000004711.` and the newline.
pub const LINE_BYTES_MIN: usize = 16;
/// What a line server with a limit of 4,096 bytes takes with room to spare.
pub const LINE_BYTES_MAX: usize = 4_000;
/// Three digits.
pub const SENDERS_MAX: usize = 1_000;

const HEADER_BYTES: usize = 15;
const FILLER: [u8; LINE_BYTES_MAX] = filler();

/// What a line is for. Lines of different kinds are counted apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Part of a measured load.
    Load,
    /// Shows that whoever receives it is in the room.
    Probe,
}

/// What stands at the start of a load line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    pub kind: Kind,
    pub sender: usize,
    pub counter: u32,
}

impl Mark {
    /// Appends the text of a line of `line_bytes` bytes, without the newline that makes it full.
    pub fn encode(self, line_bytes: usize, out: &mut Vec<u8>) {
        let mut header = *b"s000.000000000.";
        if self.kind == Kind::Probe {
            header[0] = b'p';
        }
        write_decimal(self.sender as u32, &mut header[1..4]);
        write_decimal(self.counter, &mut header[5..14]);
        out.extend_from_slice(&header);
        out.extend_from_slice(filler_of(line_bytes - 1 - HEADER_BYTES));
    }

    /// The mark of a received line (without its line end) whose last bytes are a text made by
    /// [`Mark::encode`] with the same `line_bytes`; `None` for everything else, torn lines included.
    pub fn decode(line: &[u8], line_bytes: usize) -> Option<Mark> {
        let text = &line[line.len().checked_sub(line_bytes - 1)?..];
        let (header, filler) = text.split_at(HEADER_BYTES);
        let kind = match header[0] {
            b's' => Kind::Load,
            b'p' => Kind::Probe,
            _ => return None,
        };
        if header[4] != b'.' || header[14] != b'.' || filler != filler_of(filler.len()) {
            return None;
        }
        let sender = read_decimal(&header[1..4])? as usize;
        let counter = read_decimal(&header[5..14])?;
        Some(Mark { kind, sender, counter })
    }
}

/// Words and spaces, as in a chat. A line's filler is the tail of this, so it never ends with a
/// space, which a server may trim.
const fn filler() -> [u8; LINE_BYTES_MAX] {
    let words = b" the quick brown fox jumps over the lazy dog today";
    assert!(LINE_BYTES_MAX.is_multiple_of(words.len()));
    let mut bytes = [0; LINE_BYTES_MAX];
    let mut at = 0;
    while at < LINE_BYTES_MAX {
        bytes[at] = words[at % words.len()];
        at += 1;
    }
    bytes
}

fn filler_of(bytes: usize) -> &'static [u8] {
    &FILLER[LINE_BYTES_MAX - bytes..]
}

fn write_decimal(mut value: u32, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

fn read_decimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| {
        digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0'))
    })
}
