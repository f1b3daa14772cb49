//! The full check: one receiver's view of what every sender said, in which order.

/// How much may be missing from one sender before the checker stops telling late from doubled.
const MISSING_MAX: usize = 4_096;

/// What went wrong with the lines that one receiver, or all of them, should have got.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Faults {
    pub lost: u64,
    pub doubled: u64,
    pub out_of_order: u64,
    /// Lines that nobody sent: torn ones, and what the server had to say itself.
    pub foreign: u64,
    /// More lines than there should be at a receiver where they are only counted.
    pub surplus: u64,
}

impl Faults {
    pub fn add(&mut self, other: Faults) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.out_of_order += other.out_of_order;
        self.foreign += other.foreign;
        self.surplus += other.surplus;
    }
}

/// Follows the counters of all senders at one receiver.
pub struct Checker {
    senders: Vec<Sequence>,
    faults: Faults,
    /// The first line that nobody sent, for a message.
    stranger: Option<String>,
}

/// The counters of one sender, as they arrived.
#[derive(Default)]
struct Sequence {
    /// The counter that comes next if nothing goes wrong.
    next: u32,
    /// Counters below `next` that haven't arrived; empty on a server that works.
    missing: Vec<u32>,
}

impl Checker {
    pub fn new(senders: usize) -> Checker {
        Checker {
            senders: (0..senders).map(|_| Sequence::default()).collect(),
            faults: Faults::default(),
            stranger: None,
        }
    }

    /// A load line arrived.
    pub fn line(&mut self, sender: usize, counter: u32) {
        let Some(sequence) = self.senders.get_mut(sender) else {
            self.faults.foreign += 1;
            return;
        };
        if counter == sequence.next {
            sequence.next += 1;
        } else if counter > sequence.next {
            self.faults.lost += u64::from(counter - sequence.next);
            let room = MISSING_MAX.saturating_sub(sequence.missing.len());
            sequence.missing.extend((sequence.next..counter).take(room));
            sequence.next = counter + 1;
        } else if let Some(place) = sequence.missing.iter().position(|&missing| missing == counter)
        {
            sequence.missing.swap_remove(place);
            self.faults.lost -= 1;
            self.faults.out_of_order += 1;
        } else {
            self.faults.doubled += 1;
        }
    }

    /// Something arrived that isn't a load line.
    pub fn foreign(&mut self, line: &[u8]) {
        self.faults.foreign += 1;
        self.stranger.get_or_insert_with(|| {
            String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned()
        });
    }

    pub fn stranger(&self) -> Option<&str> {
        self.stranger.as_deref()
    }

    /// The verdict, given how many lines this receiver should have got from each sender.
    pub fn faults(&self, owed: impl Fn(usize) -> u32) -> Faults {
        let mut faults = self.faults;
        for (sender, sequence) in self.senders.iter().enumerate() {
            faults.lost += u64::from(owed(sender).saturating_sub(sequence.next));
        }
        faults
    }
}
