//! Drives one load through one room: who speaks when, until the time is over and all has arrived.

use std::io;
use std::time::Duration;

use crate::apart::Apart;
use crate::check::Faults;
use crate::clock;
use crate::crowd::Crowd;
use crate::gathering::Echo;
use crate::load::{Flow, Pace};
use crate::payload::{Kind, Mark};
use crate::roles::Roles;
use crate::watch::Watch;

/// What [`Pace::Ahead`] says in one write.
const CHUNK_BYTES: usize = 4 * 1024;
/// How a room is flooded: the same way, for so long at most.
const FLOOD_AHEAD_BYTES: usize = 256 * 1024;
const FLOOD_TIME_MAX: Duration = Duration::from_secs(10);
/// When nothing has been received for so long, what is outstanding won't come back.
const STALL: Duration = Duration::from_millis(250);
/// At the end what hasn't arrived after so long without a byte is lost.
const DRAIN_PATIENCE: Duration = Duration::from_secs(1);

/// What came of one phase.
#[derive(Clone, Copy)]
pub struct Phase {
    pub deliveries: u64,
    /// Lines that were said.
    pub lines: u64,
    /// From the first line said to the last one received; with a steady pace, all the time.
    pub elapsed_ns: u64,
}

pub struct Drive {
    crowd: Crowd,
    roles: Roles,
    flow: Flow,
    echo: Echo,
    watch: Watch,
    /// Lines said, for each sender.
    said: Vec<u32>,
    next_due_ns: u64,
    /// Lines that the slowest receiver is behind because they were lost.
    forgiven: u32,
    /// Scratch for what is said.
    text: Vec<u8>,
    words: Vec<u8>,
}

impl Drive {
    /// Everybody is in the room, and nothing is on its way.
    pub fn new(mut crowd: Crowd, roles: Roles, flow: Flow, echo: Echo) -> io::Result<Drive> {
        let mut watch = Watch::new(crowd.protocol, &roles, &flow);
        if crowd.servers() > 1 {
            watch.apart = Some(Apart::new(crowd.servers(), &roles));
        }
        for &member in &roles.senders {
            crowd.give_voice(member)?;
        }
        crowd.start_counting(&roles.listeners);
        Ok(Drive {
            watch,
            said: vec![0; roles.senders.len()],
            crowd,
            roles,
            flow,
            echo,
            next_due_ns: 0,
            forgiven: 0,
            text: Vec::new(),
            words: Vec::new(),
        })
    }

    pub fn watch(&mut self) -> &mut Watch {
        &mut self.watch
    }

    pub fn closed(&self) -> usize {
        self.crowd.closed()
    }

    /// Speaks until `length` is over or so many lines have been received, then waits until all has
    /// arrived or won't any more.
    pub fn phase(&mut self, length: Duration, deliveries_max: u64) -> io::Result<Phase> {
        let start_ns = clock::now_ns();
        let (deliveries, lines) = (self.deliveries(), self.lines());
        let newlines_max =
            self.crowd.newlines() + deliveries_max * self.crowd.protocol.newlines_a_line();
        let end_ns = start_ns + clock::to_ns(self.whole_periods(length));
        self.next_due_ns = start_ns;
        self.reopen();
        // Once in any case: a machine that stands still for a slice says something in it.
        loop {
            self.pump()?;
            let wait = match self.flow.pace {
                Pace::Steady { .. } => clock::until(end_ns.min(self.next_due_ns)),
                _ => clock::until(end_ns).min(STALL),
            };
            self.crowd.turn(wait, &mut self.watch)?;
            if self.crowd.quiet() >= STALL && clock::now_ns() - start_ns >= clock::to_ns(STALL) {
                self.reopen();
            }
            if clock::now_ns() >= end_ns || self.crowd.newlines() >= newlines_max {
                break;
            }
        }
        let spoken_ns = clock::now_ns();
        self.drain()?;
        let end_ns = match self.flow.pace {
            Pace::Steady { .. } => spoken_ns.max(self.crowd.last_read_ns()),
            _ => self.crowd.last_read_ns(),
        };
        Ok(Phase {
            deliveries: self.deliveries() - deliveries,
            lines: self.lines() - lines,
            elapsed_ns: end_ns.saturating_sub(start_ns),
        })
    }

    /// Speaks at full speed until so many bytes have gone to every reader, so that whoever doesn't
    /// read has no room left.
    pub fn flood(&mut self, bytes: usize) -> io::Result<()> {
        let pace = std::mem::replace(&mut self.flow.pace, Pace::Ahead { bytes: FLOOD_AHEAD_BYTES });
        let lines = bytes / self.flow.line_bytes * self.roles.readers.len();
        let flooded = self.phase(FLOOD_TIME_MAX, lines as u64);
        self.flow.pace = pace;
        flooded.map(|_| ())
    }

    /// Slices of a steady load hold whole periods, else they would have more lines than its pace.
    fn whole_periods(&self, length: Duration) -> Duration {
        match self.flow.pace {
            Pace::Steady { period } => {
                period * (length.as_nanos() / period.as_nanos()).max(1) as u32
            }
            _ => length,
        }
    }

    /// Whoever has to speak now does.
    fn pump(&mut self) -> io::Result<()> {
        match self.flow.pace {
            Pace::Steady { period } => {
                while self.next_due_ns <= clock::now_ns() {
                    self.next_due_ns += clock::to_ns(period);
                    self.say(0, 1)?;
                }
            }
            Pace::Window { lines } => {
                while let Some(sender) = self.watch.backs.next_fresh() {
                    self.say(sender, lines.saturating_sub(self.outstanding(sender)))?;
                }
            }
            Pace::Block { lines } => {
                if self.outstanding(0) == 0 {
                    self.say(0, lines)?;
                }
            }
            Pace::Ahead { .. } => {
                let ahead_max = self.flow.outstanding_lines() as u32;
                let chunk = (CHUNK_BYTES / self.flow.line_bytes).max(1) as u32;
                let arrived = self.arrived_everywhere() + self.forgiven;
                while self.said[0] - arrived + chunk <= ahead_max
                    && !self.crowd.is_speaking(self.roles.senders[0])
                {
                    self.say(0, chunk)?;
                }
            }
        }
        Ok(())
    }

    /// Says the next lines of a sender in one write. A sender whose last words the kernel hasn't
    /// taken yet says nothing: it is asked again when they have come back.
    fn say(&mut self, sender: usize, lines: u32) -> io::Result<()> {
        let member = self.roles.senders[sender];
        if lines == 0 || self.crowd.is_speaking(member) {
            return Ok(());
        }
        self.words.clear();
        let first = self.said[sender];
        for counter in first..first + lines {
            self.text.clear();
            Mark { kind: Kind::Load, sender, counter }.encode(self.flow.line_bytes, &mut self.text);
            self.crowd.protocol.say(&self.text, &mut self.words);
        }
        self.said[sender] += lines;
        let now_ns = clock::now_ns();
        for counter in first..first + lines {
            self.watch.stamps.set(sender, counter, now_ns);
        }
        self.crowd.say(member, &self.words)
    }

    fn outstanding(&self, sender: usize) -> u32 {
        self.said[sender] - self.watch.backs.of(sender)
    }

    /// How many lines of the only sender every reader has received.
    fn arrived_everywhere(&self) -> u32 {
        let others = self.roles.readers.iter().filter(|&&reader| self.owed(reader) > 0);
        let least = others.map(|&reader| self.received(reader)).min();
        least.unwrap_or(0).min(u64::from(self.said[0] - self.forgiven)) as u32
    }

    /// Nothing that is outstanding counts any more, and every sender is asked anew.
    fn reopen(&mut self) {
        for (sender, &said) in self.said.iter().enumerate() {
            self.watch.backs.give_up(sender, said);
        }
        if matches!(self.flow.pace, Pace::Ahead { .. }) {
            self.forgiven = 0;
            self.forgiven = self.said[0] - self.arrived_everywhere();
        }
    }

    fn drain(&mut self) -> io::Result<()> {
        let owed: u64 = self.roles.readers.iter().map(|&reader| self.owed(reader)).sum();
        let newlines = owed * self.crowd.protocol.newlines_a_line();
        let start_ns = clock::now_ns();
        // The sum is looked at first because it costs nothing.
        while self.crowd.newlines() < newlines || !self.has_everything() {
            let waited = Duration::from_nanos(clock::now_ns() - start_ns).min(self.crowd.quiet());
            // What came while this thread stood still is read before it gives up.
            self.crowd.turn(DRAIN_PATIENCE.saturating_sub(waited), &mut self.watch)?;
            if waited.min(self.crowd.quiet()) >= DRAIN_PATIENCE {
                break;
            }
        }
        Ok(())
    }

    fn has_everything(&self) -> bool {
        self.roles.readers.iter().all(|&reader| self.received(reader) >= self.owed(reader))
    }

    fn deliveries(&self) -> u64 {
        self.roles.readers.iter().map(|&reader| self.received(reader)).sum()
    }

    fn lines(&self) -> u64 {
        self.said.iter().copied().map(u64::from).sum()
    }

    /// How many different orders the listeners have heard.
    pub fn orders(&self) -> usize {
        self.watch.apart.as_ref().map_or(0, |apart| apart.orders(&self.roles.listeners))
    }

    /// How many lines this reader should have received by the end.
    fn owed(&self, reader: usize) -> u64 {
        (0..self.said.len()).map(|sender| u64::from(self.owed_of(sender, reader))).sum()
    }

    fn owed_of(&self, sender: usize, reader: usize) -> u32 {
        let own = self.roles.senders[sender] == reader && self.echo == Echo::Others;
        if own { 0 } else { self.said[sender] }
    }

    fn received(&self, reader: usize) -> u64 {
        self.crowd.newlines_of(reader) / self.crowd.protocol.newlines_a_line()
    }

    /// What is wrong with all that was received.
    pub fn faults(&self) -> Faults {
        let mut faults = Faults::default();
        self.roles.readers.iter().for_each(|&reader| faults.add(self.faults_of(reader)));
        faults
    }

    /// A listener's lines were checked one by one, another's are judged by their number.
    fn faults_of(&self, reader: usize) -> Faults {
        let checked = self.watch.faults(reader, |sender| self.owed_of(sender, reader));
        checked.unwrap_or_else(|| {
            let (owed, received) = (self.owed(reader), self.received(reader));
            Faults {
                lost: owed.saturating_sub(received),
                surplus: received.saturating_sub(owed),
                ..Faults::default()
            }
        })
    }
}
