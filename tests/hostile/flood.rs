//! Many numbered lines from one sender, and what became of them.

use std::time::Duration;

use memchr::memmem;

use crate::crowd::{Crowd, Id, show};
use crate::verdict::{Judged, check, lied};

/// What each line of a flood begins and ends with.
const MARK: &str = "=#";
/// What may wait in this process.
const UNSENT_BYTES_MAX: usize = 1 << 18;

/// Lines `0..` of one sender.
#[derive(Clone, Debug)]
pub struct Flood {
    sender: Id,
    line_bytes: usize,
    /// How many lines are sent or about to be.
    pub lines: usize,
    lines_max: usize,
    /// A reader that it isn't far ahead of, and what that one was sent before.
    reader: Option<(Id, usize)>,
}

/// How a reader got a flood.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delivery {
    pub delivered: usize,
    /// Lines that the server said it left out.
    pub skipped: usize,
}

impl Flood {
    pub fn new(sender: Id, line_bytes: usize, lines_max: usize) -> Flood {
        Flood { sender, line_bytes, lines: 0, lines_max, reader: None }
    }

    /// As many lines as make so many bytes.
    pub fn of_bytes(sender: Id, line_bytes: usize, bytes: usize) -> Flood {
        Flood::new(sender, line_bytes, bytes / line_bytes)
    }

    /// From now on the sender is never far ahead of this reader. If all are on one
    /// processor, or this machine stands still for a while, a client that sends without
    /// end is faster than any reader.
    pub fn keep_pace_with(&mut self, crowd: &mut Crowd, reader: Id) {
        self.reader = Some((reader, crowd.client(reader).received_bytes));
    }

    /// Whether the reader, if there is one, has got most of what was sent.
    fn is_read(&self, crowd: &mut Crowd) -> bool {
        const AHEAD_MAX: usize = 1 << 20;
        self.reader.is_none_or(|(reader, before)| {
            let received = crowd.client(reader).received_bytes - before;
            self.lines * self.line_bytes < received + AHEAD_MAX
        })
    }

    /// Gives the sender more to send.
    pub fn feed(&mut self, crowd: &mut Crowd) {
        while self.lines < self.lines_max
            && self.is_read(crowd)
            && crowd.client(self.sender).unsent_bytes() < UNSENT_BYTES_MAX
        {
            let line = self.line(self.lines) + "\n";
            crowd.client(self.sender).queue(line.as_bytes());
            self.lines += 1;
        }
    }

    /// Sends all of it, as fast as this reader gets it, until it has got the end.
    pub fn pour(&mut self, crowd: &mut Crowd, reader: Id) -> Judged<()> {
        const TIME_MAX: Duration = Duration::from_secs(15);
        self.keep_pace_with(crowd, reader);
        let last = self.last();
        crowd.hears_while(TIME_MAX, reader, &last, |crowd| self.feed(crowd)).map(drop)
    }

    pub fn is_fed(&self) -> bool {
        self.lines == self.lines_max
    }

    /// One that was cut anywhere is seen to be.
    fn line(&self, number: usize) -> String {
        let filler = "x".repeat(self.line_bytes.saturating_sub(21));
        format!("{MARK}{number:08}{filler}{number:08}{MARK}")
    }

    /// What the last line ends with.
    pub fn last(&self) -> String {
        format!("{:08}{MARK}", self.lines_max - 1)
    }

    /// Checks that lines came whole, in order and once, and that gaps were told
    /// with their exact length.
    pub fn judge(&self, received: &[u8]) -> Judged<Delivery> {
        let mut delivery = Delivery::default();
        let (mut next, mut notices) = (0, Vec::new());
        let whole_lines = memchr::memrchr(b'\n', received).map_or(0, |end| end + 1);
        for line in received[..whole_lines].split(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some(at) = memmem::find(line, MARK.as_bytes()) else {
                notices.push(line);
                continue;
            };
            let number = self.number(&line[at..]).ok_or_else(|| lied(torn(line)))?;
            check(number >= next, || lied(format!("line {number} came after line {}", next - 1)))?;
            let gap = number - next;
            let is_told = gap == 0 || notices.iter().any(|notice| has_number(notice, gap));
            check(is_told, || lied(format!("{gap} lines lost without a word")))?;
            delivery.skipped += gap;
            delivery.delivered += 1;
            next = number + 1;
            notices.clear();
        }
        Ok(delivery)
    }

    fn number(&self, text: &[u8]) -> Option<usize> {
        let digits = text.get(MARK.len()..MARK.len() + 8)?;
        let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
        (text == self.line(number).as_bytes()).then_some(number)
    }
}

fn torn(line: &[u8]) -> String {
    format!("a torn line: {}", show(line))
}

fn has_number(notice: &[u8], number: usize) -> bool {
    let number = number.to_string();
    notice.split(|byte| !byte.is_ascii_digit()).any(|digits| digits == number.as_bytes())
}
