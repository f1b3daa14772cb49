//! The order of what was said in a room.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use crate::Fault;
use crate::line;

/// Places that are kept for newcomers, who are shown the past.
const PAST: usize = 10_000;

/// What was said in one room, as its reference reader was sent it.
#[derive(Default)]
pub struct Order {
    lines: VecDeque<Said>,
    /// The place of the first of them.
    first: u64,
    place_of: HashMap<u64, u64>,
    /// The number that each sender's next line has.
    next: HashMap<u32, u32>,
    hashes: RandomState,
}

/// One line, known by hashes.
#[derive(Clone, Copy)]
struct Said {
    author: u64,
    line: u64,
}

impl Order {
    /// What was said up to now.
    pub fn end(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    /// How many lines of a sender were heard.
    pub fn heard(&self, sender: u32) -> u32 {
        self.next.get(&sender).copied().unwrap_or(0)
    }

    pub fn hash(&self, name: &str) -> u64 {
        self.hashes.hash_one(name.as_bytes())
    }

    /// The reference reader was sent this.
    pub fn add(&mut self, line: &[u8]) -> Result<(), Fault> {
        let Some((author, text)) = line::said(line) else { return Ok(()) };
        let Some((sender, number)) = line::parse(text) else {
            return Err(format!("nobody said this: {}", line.escape_ascii()));
        };
        let next = self.next.entry(sender).or_default();
        if number != *next {
            return Err(format!("sender {sender}: line {number} comes where {next} is next"));
        }
        *next += 1;
        let said = Said { author: self.hash(author), line: self.hashes.hash_one(line) };
        self.place_of.insert(said.line, self.end());
        self.lines.push_back(said);
        Ok(())
    }

    /// Forgets what nobody needs who has read up to `place`.
    pub fn forget(&mut self, place: u64) {
        while self.lines.len() > PAST && self.first < place {
            let said = self.lines.pop_front().expect("there are lines");
            self.place_of.remove(&said.line);
            self.first += 1;
        }
    }
}

/// Where one reader stands in the order of its room.
pub struct Cursor {
    /// The hash of its name: it isn't sent what it says itself.
    own: u64,
    /// Unknown until its first line is found.
    place: Option<u64>,
    /// Lines that it was sent before the reference reader was.
    ahead: VecDeque<u64>,
}

impl Cursor {
    pub fn new(order: &Order, name: &str) -> Cursor {
        Cursor { own: order.hash(name), place: None, ahead: VecDeque::new() }
    }

    /// The reader was sent this.
    pub fn hear(&mut self, order: &Order, line: &[u8]) -> Result<(), Fault> {
        if line::said(line).is_some() {
            self.ahead.push_back(order.hashes.hash_one(line));
            self.skip_gap(order).map_err(|fault| format!("{fault}: {}", line.escape_ascii()))?;
        }
        Ok(())
    }

    /// Compares what it was sent with what the reference reader was sent.
    pub fn skip_gap(&mut self, order: &Order) -> Result<(), Fault> {
        while let Some(line) = self.ahead.front() {
            let place = match self.place {
                None => order.place_of.get(line).copied(),
                Some(place) => self.skip_own(order, place),
            };
            let Some(place) = place else { return Ok(()) };
            let said = order.lines[(place - order.first) as usize];
            if said.line != *line {
                return Err(format!("not what the reference reader was sent at {place}"));
            }
            self.place = Some(place + 1);
            self.ahead.pop_front();
        }
        Ok(())
    }

    /// The first place from `place` on that isn't its own; none at the end.
    fn skip_own(&self, order: &Order, place: u64) -> Option<u64> {
        let own = |place: &u64| order.lines[(place - order.first) as usize].author == self.own;
        (place..order.end()).find(|place| !own(place))
    }

    /// How many lines it hasn't been sent that the reference reader has.
    pub fn lag(&self, order: &Order) -> u64 {
        match self.place {
            None => 0,
            Some(place) => self.skip_own(order, place).map_or(0, |place| order.end() - place),
        }
    }

    /// Whether it was sent exactly what the reference reader was.
    pub fn is_at_end(&self, order: &Order) -> bool {
        self.ahead.is_empty() && self.lag(order) == 0
    }

    pub fn place(&self) -> Option<u64> {
        self.place
    }
}
