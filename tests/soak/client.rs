//! One client on its visit.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use memchr::memchr_iter;

use crate::Fault;
use crate::connection::{Connection, Received};
use crate::line::numbered;
use crate::order::{Cursor, Order};
use crate::visit::{Expects, ROOMS, Reading, Step, Visit};

/// Nothing that a client waits for takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lines handed to the kernel at a time.
const LINES_A_TIME: u32 = 100;

/// Readers so far behind make those who talk wait.
const LAG_MAX: u64 = 500;

pub struct Client {
    pub visit: Visit,
    /// What its lines begin with.
    pub sender: u32,
    pub said: u32,
    /// Where it stands in its room's order, if it has to keep it.
    pub cursor: Option<Cursor>,
    connection: Connection,
    partial: Vec<u8>,
    name: Option<String>,
    is_json: bool,
    /// It has closed its sending side, and the server may close the connection.
    has_fin: bool,
    /// When it does something next.
    pub due: Instant,
    /// When it has read, if it reads slowly.
    pub last_read: Instant,
    since: Instant,
}

/// How far the soak is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Gathering,
    Talking,
    /// Nothing new is said, everyone hears what was.
    Settling,
    Leaving,
}

/// What a client has to know of the others.
pub struct Scene {
    pub epoll: OwnedFd,
    pub dice: fastrand::Rng,
    pub phase: Phase,
    pub orders: [Order; ROOMS.len()],
    /// How far the last of those who keep the order of a room is behind.
    pub lags: [u64; ROOMS.len()],
    /// The time between two lines of a client that talks.
    pub talk_interval: Duration,
    /// Lines and notices that all have got.
    pub delivered: u64,
}

/// What became of a client.
#[derive(PartialEq, Eq)]
pub enum Fate {
    Stays,
    /// It breaks the connection off.
    Resets,
    /// The server has closed the connection; `is_whole` if all that it said
    /// must have been heard.
    Ended {
        is_whole: bool,
    },
}

impl Client {
    pub fn new(visit: Visit, sender: u32, connection: Connection, now: Instant) -> Client {
        Client {
            visit,
            sender,
            said: 0,
            cursor: None,
            connection,
            partial: Vec::new(),
            name: None,
            is_json: false,
            has_fin: false,
            due: now,
            last_read: now,
            since: now,
        }
    }

    /// Whether it is in its room and keeps the order.
    pub fn is_settled(&self) -> bool {
        self.visit.expects == Expects::Reference && matches!(self.step(), Some(Step::Stay))
    }

    /// Whether it takes part until all has been heard.
    pub fn stays_to_the_end(&self) -> bool {
        self.visit.steps.iter().any(|step| matches!(step, Step::Stay))
    }

    /// Compares what it was sent with what the reference of its room was sent.
    pub fn skip_gap(&mut self, order: &Order) -> Result<(), Fault> {
        match self.cursor.as_mut().map(|cursor| cursor.skip_gap(order)) {
            Some(Err(fault)) => Err(self.fault(&fault)),
            _ => Ok(()),
        }
    }

    /// Breaks the connection off.
    pub fn reset(self) {
        self.connection.reset();
    }

    /// Does what is next, as far as it needn't wait.
    pub fn act(&mut self, scene: &mut Scene, now: Instant) -> Result<Fate, Fault> {
        while now >= self.due || self.stops_talking(scene.phase) {
            let Some(step) = self.step().cloned() else { return Ok(Fate::Resets) };
            let is_sent = self.connection.is_sent();
            let is_done = match step {
                Step::Reset => return Ok(Fate::Resets),
                Step::Pause(time) => {
                    self.due = now + time;
                    true
                }
                // The rest comes after all that it has sent.
                _ if !is_sent => false,
                Step::BeGreeted => self.name.is_some(),
                Step::Enter => self.cursor.is_some(),
                Step::Send(bytes) => self.send(scene, &bytes)?,
                Step::Say { lines, before, after } => self.say(scene, lines, before, after)?,
                Step::Talk => self.talk(scene, now)?,
                Step::Stay => scene.phase >= Phase::Leaving,
                Step::Fin => {
                    self.connection.fin();
                    self.has_fin = true;
                    true
                }
                Step::SeeEnd => false,
            };
            if !is_done {
                self.check_patience(now)?;
                return Ok(Fate::Stays);
            }
            self.visit.steps.pop_front();
            self.since = now;
        }
        Ok(Fate::Stays)
    }

    fn step(&self) -> Option<&Step> {
        self.visit.steps.front()
    }

    fn stops_talking(&self, phase: Phase) -> bool {
        phase >= Phase::Settling && matches!(self.step(), Some(Step::Talk))
    }

    fn check_patience(&self, now: Instant) -> Result<(), Fault> {
        let waits = match self.step() {
            Some(Step::Talk | Step::Stay) => false,
            _ => self.visit.reading != Reading::Never,
        };
        match waits && now > self.since + PATIENCE {
            true => Err(self.fault("waits for something that doesn't come")),
            false => Ok(()),
        }
    }

    fn send(&mut self, scene: &Scene, bytes: &[u8]) -> Result<bool, Fault> {
        self.connection
            .send(&scene.epoll, bytes)
            .map_err(|error| self.fault(&error.to_string()))?;
        Ok(true)
    }

    /// Says some of the lines that are left to say; true if they were all.
    fn say(
        &mut self,
        scene: &Scene,
        lines: u32,
        before: &'static str,
        after: &'static str,
    ) -> Result<bool, Fault> {
        let now = lines.min(LINES_A_TIME);
        let mut text = String::new();
        for _ in 0..now {
            text += &format!("{before}{}{after}", numbered(self.sender, self.said));
            self.said += 1;
        }
        self.send(scene, text.as_bytes())?;
        if now < lines {
            self.visit.steps[0] = Step::Say { lines: lines - now, before, after };
        }
        Ok(now == lines)
    }

    /// Says a line if the last one has been heard; true when it is to end.
    fn talk(&mut self, scene: &mut Scene, now: Instant) -> Result<bool, Fault> {
        if scene.phase >= Phase::Settling {
            self.due = now;
            return Ok(true);
        }
        let is_heard = scene.orders[self.visit.room].heard(self.sender) == self.said;
        if is_heard && scene.phase == Phase::Talking && scene.lags[self.visit.room] < LAG_MAX {
            let before = if scene.dice.usize(..10) == 0 { "/me " } else { "" };
            self.say(scene, 1, before, "\n")?;
            self.due = now + scene.talk_interval.mul_f64(0.5 + scene.dice.f64());
        }
        Ok(false)
    }

    /// Sends what the kernel hasn't taken before.
    pub fn flush(&mut self, scene: &Scene) -> Result<(), Fault> {
        self.connection.flush(&scene.epoll).map_err(|error| self.fault(&error.to_string()))
    }

    /// Reads once.
    pub fn read(&mut self, scene: &mut Scene, buffer: &mut [u8]) -> Result<Fate, Fault> {
        match self.connection.receive(buffer) {
            Received::Nothing => Ok(Fate::Stays),
            Received::Bytes(bytes) => {
                self.take(scene, &buffer[..bytes])?;
                Ok(Fate::Stays)
            }
            Received::End { .. } if self.visit.may_be_closed => Ok(Fate::Ended { is_whole: false }),
            Received::End { is_reset: false }
                if self.has_fin || matches!(self.step(), Some(Step::SeeEnd)) =>
            {
                match self.partial.is_empty() || self.visit.expects == Expects::Anything {
                    true => Ok(Fate::Ended { is_whole: true }),
                    false => Err(self.fault("half a line, and the end")),
                }
            }
            Received::End { is_reset } => {
                Err(self.fault(if is_reset { "it was reset" } else { "it was closed" }))
            }
        }
    }

    /// It was sent these bytes.
    fn take(&mut self, scene: &mut Scene, bytes: &[u8]) -> Result<(), Fault> {
        let mut start = 0;
        for end in memchr_iter(b'\n', bytes) {
            scene.delivered += 1;
            if self.visit.expects == Expects::Anything {
                continue;
            }
            let line = &bytes[start..end];
            start = end + 1;
            if self.partial.is_empty() {
                self.hear(scene, line)?;
            } else {
                self.partial.extend_from_slice(line);
                let line = std::mem::take(&mut self.partial);
                self.hear(scene, &line)?;
            }
        }
        if self.visit.expects != Expects::Anything {
            self.partial.extend_from_slice(&bytes[start..]);
        }
        Ok(())
    }

    fn hear(&mut self, scene: &mut Scene, line: &[u8]) -> Result<(), Fault> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let order = &mut scene.orders[self.visit.room];
        let result = match (self.visit.expects, &mut self.cursor) {
            (Expects::Json, _) => self.hear_json(line),
            (Expects::Order | Expects::Reference, None) => self.arrive(order, line),
            (Expects::Reference, Some(_)) => check_notice(line).and_then(|()| order.add(line)),
            (Expects::Order, Some(cursor)) => {
                check_notice(line).and_then(|()| cursor.hear(order, line))
            }
            _ => check_grammar(line),
        };
        result.map_err(|fault| self.fault(&fault))
    }

    /// On its way into its room.
    fn arrive(&mut self, order: &Order, line: &[u8]) -> Result<(), Fault> {
        let line = str::from_utf8(line).map_err(|error| error.to_string())?;
        if let Some(rest) = line.strip_prefix("*** welcome, ") {
            self.name = rest.split_once(':').map(|(name, _)| name.to_owned());
        }
        let entered = match self.visit.room {
            0 => line.contains(" here: "),
            room => line == format!("*** you are now in {}", ROOMS[room]),
        };
        if let Some(name) = self.name.as_ref().filter(|_| entered) {
            self.cursor = Some(Cursor::new(order, name));
        }
        Ok(())
    }

    fn hear_json(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.is_json |= line.starts_with(b"{");
        match self.is_json {
            false => check_grammar(line),
            true => match serde_json::from_slice::<serde_json::Value>(line) {
                Ok(serde_json::Value::Object(_)) => Ok(()),
                _ => Err(format!("no JSON: {}", line.escape_ascii())),
            },
        }
    }

    fn fault(&self, what: &str) -> Fault {
        let Client { visit, sender, name, said, .. } = self;
        let name = name.as_deref().unwrap_or("-");
        let room = ROOMS[visit.room];
        let steps = visit.steps.iter().map(name_of).collect::<VecDeque<_>>();
        format!("{} {sender} ({name} in {room}, said {said}, next {steps:?}): {what}", visit.kind)
    }
}

/// Whoever keeps the order misses nothing.
fn check_notice(line: &[u8]) -> Result<(), Fault> {
    match line.starts_with(b"*** ") && memchr::memmem::find(line, b" skipped: ").is_some() {
        true => Err(format!("it kept up and was sent: {}", line.escape_ascii())),
        false => check_grammar(line),
    }
}

fn check_grammar(line: &[u8]) -> Result<(), Fault> {
    let is_said = line.starts_with(b"<") || line.starts_with(b"* ");
    match (is_said || line.starts_with(b"*** ")) && str::from_utf8(line).is_ok() {
        true => Ok(()),
        false => Err(format!("not a line: {}", line.escape_ascii())),
    }
}

fn name_of(step: &Step) -> &'static str {
    match step {
        Step::BeGreeted => "be greeted",
        Step::Enter => "enter",
        Step::Pause(_) => "pause",
        Step::Send(_) => "send",
        Step::Say { .. } => "say",
        Step::Talk => "talk",
        Step::Stay => "stay",
        Step::Fin => "fin",
        Step::Reset => "reset",
        Step::SeeEnd => "see the end",
    }
}
