//! What the members that listen hear during a load: each line is checked, timed, and reported back
//! to its sender.

use crate::apart::Apart;
use crate::check::{Checker, Faults};
use crate::crowd::Ear;
use crate::latency::Histogram;
use crate::load::Flow;
use crate::payload::{Kind, Mark};
use crate::protocol::Protocol;
use crate::roles::Roles;

/// A receiver may be this many windows behind the observer and its latencies still count.
const STAMPS_WINDOWS: usize = 64;

/// The ear of a load.
pub struct Watch {
    protocol: &'static dyn Protocol,
    line_bytes: usize,
    /// For each member its checker, if it is a listener.
    checkers: Vec<Option<Checker>>,
    /// For each sender.
    observers: Vec<usize>,
    pub backs: Backs,
    pub stamps: Stamps,
    latencies: Histogram,
    /// Where several servers share the room.
    pub apart: Option<Apart>,
}

impl Watch {
    pub fn new(protocol: &'static dyn Protocol, roles: &Roles, flow: &Flow) -> Watch {
        let senders = roles.senders.len();
        let mut checkers: Vec<Option<Checker>> = (0..roles.members).map(|_| None).collect();
        for &listener in &roles.listeners {
            checkers[listener] = Some(Checker::new(senders));
        }
        Watch {
            protocol,
            line_bytes: flow.line_bytes,
            checkers,
            observers: (0..senders).map(|sender| roles.observer_of(sender)).collect(),
            backs: Backs { lines: vec![0; senders], fresh: Vec::new() },
            stamps: Stamps::new(senders, flow.outstanding_lines() * STAMPS_WINDOWS),
            latencies: Histogram::default(),
            apart: None,
        }
    }

    /// Latencies before this don't count.
    pub fn forget_latencies(&mut self) {
        self.latencies = Histogram::default();
        self.apart.iter_mut().for_each(Apart::forget_latencies);
    }

    pub fn latencies(&self) -> &Histogram {
        &self.latencies
    }

    /// What went wrong at a member that should have got `owed(sender)` lines of each sender; `None`
    /// if it doesn't listen.
    pub fn faults(&self, member: usize, owed: impl Fn(usize) -> u32) -> Option<Faults> {
        Some(self.checkers[member].as_ref()?.faults(owed))
    }

    /// A line that arrived and that nobody sent.
    pub fn stranger(&self) -> Option<&str> {
        self.checkers.iter().flatten().find_map(Checker::stranger)
    }
}

impl Ear for Watch {
    fn line(&mut self, member: usize, line: &[u8], now_ns: u64) {
        let Some(checker) = &mut self.checkers[member] else {
            return;
        };
        let Some(Mark { kind: Kind::Load, sender, counter }) = Mark::decode(line, self.line_bytes)
        else {
            if !self.protocol.is_frame(line) {
                checker.foreign(line);
            }
            return;
        };
        checker.line(sender, counter);
        let stamp_ns = self.stamps.get(sender, counter);
        let latency_ns = stamp_ns.map(|stamp_ns| now_ns.saturating_sub(stamp_ns));
        if let Some(ns) = latency_ns {
            self.latencies.add(ns);
        }
        if let Some(apart) = &mut self.apart {
            apart.line(member, sender, counter, latency_ns);
        }
        if self.observers.get(sender) == Some(&member) {
            self.backs.line(sender, counter);
        }
    }
}

/// How many lines of each sender have come back.
pub struct Backs {
    lines: Vec<u32>,
    /// Senders that something has come back for since they were last looked at.
    fresh: Vec<usize>,
}

impl Backs {
    /// A later line that is back counts for earlier ones that were lost.
    fn line(&mut self, sender: usize, counter: u32) {
        if let Some(lines) = self.lines.get_mut(sender) {
            *lines = (*lines).max(counter + 1);
            if self.fresh.last() != Some(&sender) {
                self.fresh.push(sender);
            }
        }
    }

    pub fn of(&self, sender: usize) -> u32 {
        self.lines[sender]
    }

    /// Nothing of this sender will come back any more.
    pub fn give_up(&mut self, sender: usize, said: u32) {
        self.lines[sender] = said;
        self.fresh.push(sender);
    }

    /// A sender that something has come back for, each time anew; it can be named twice.
    pub fn next_fresh(&mut self) -> Option<usize> {
        self.fresh.pop()
    }
}

/// When each of the newest lines of each sender was said.
pub struct Stamps {
    lines_a_sender: usize,
    stamps: Vec<(u32, u64)>,
}

impl Stamps {
    fn new(senders: usize, lines: usize) -> Stamps {
        let lines_a_sender = lines.next_power_of_two();
        Stamps { lines_a_sender, stamps: vec![(u32::MAX, 0); senders * lines_a_sender] }
    }

    pub fn set(&mut self, sender: usize, counter: u32, now_ns: u64) {
        let place = self.place(sender, counter);
        self.stamps[place] = (counter, now_ns);
    }

    fn get(&self, sender: usize, counter: u32) -> Option<u64> {
        let (stamped, stamp_ns) = *self.stamps.get(self.place(sender, counter))?;
        (stamped == counter).then_some(stamp_ns)
    }

    fn place(&self, sender: usize, counter: u32) -> usize {
        sender * self.lines_a_sender + counter as usize % self.lines_a_sender
    }
}
