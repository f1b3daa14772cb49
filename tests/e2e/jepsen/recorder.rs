//! What is recorded while a run goes on, by all its threads, and waiting for it.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::history::{Loss, Noted, Observer, Outcome, SERVERS, Said, Seen, Value};
use super::notices::Local;
use crate::harness::PATIENCE;

/// How long an event may take that has to come: connections are made again after pauses.
const EVENT_TIME: Duration = PATIENCE.saturating_mul(3);

/// Shared by the threads of a run.
pub struct Recorder {
    start: Instant,
    record: Mutex<Record>,
    changed: Condvar,
}

/// What is recorded.
#[derive(Default)]
pub struct Record {
    pub observers: Vec<Observer>,
    /// The values that each was shown.
    shown: Vec<HashSet<Value>>,
    pub said: Vec<Said>,
    pub losses: Vec<Loss>,
    pub noted: Noted,
}

/// How much each observer had been shown at some time.
pub struct Mark(Vec<usize>);

impl Recorder {
    pub fn new() -> Recorder {
        let (record, changed) = (Mutex::default(), Condvar::new());
        Recorder { start: Instant::now(), record, changed }
    }

    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Changes the record, and has it looked at by those who wait.
    pub fn change<T>(&self, change: impl FnOnce(&mut Record) -> T) -> T {
        let changed = change(&mut self.record());
        self.changed.notify_all();
        changed
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().expect("nobody panics with it")
    }

    pub fn mark(&self) -> Mark {
        Mark(self.record().observers.iter().map(|observer| observer.seen.len()).collect())
    }

    /// Waits until something is so; `explain` says what isn't if it never comes to that.
    #[track_caller]
    pub fn wait(&self, is_so: impl Fn(&Record) -> bool, explain: impl Fn(&Record) -> String) {
        let result =
            self.changed.wait_timeout_while(self.record(), EVENT_TIME, |record| !is_so(record));
        let (record, result) = result.expect("nobody panics with it");
        if result.timed_out() {
            let explained = explain(&record);
            drop(record);
            panic!("after {:.1?}: {explained}", self.now());
        }
    }

    /// Waits until all observers of these servers were told this since `mark`, or something
    /// that begins like this.
    #[track_caller]
    pub fn wait_told(&self, servers: &[usize], text: &str, mark: &Mark) {
        let is_left = |record: &Record, at: usize| {
            let observer = &record.observers[at];
            let is_asked = servers.contains(&observer.server) && observer.is_to_the_end;
            is_asked && !observer.seen[mark.0[at]..].iter().any(|seen| is_text(seen, text))
        };
        let left = |record: &Record| -> Vec<usize> {
            (0..mark.0.len()).filter(|&at| is_left(record, at)).collect()
        };
        self.wait(
            |record| left(record).is_empty(),
            |record| {
                let names = left(record).into_iter().map(|at| record.observers[at].server);
                let names: Vec<_> = names.collect();
                format!("observers of the servers {names:?} weren't told {text:?}")
            },
        );
    }

    /// No observer was told anything that begins like this.
    #[track_caller]
    pub fn assert_untold(&self, text: &str) {
        let told = |observer: &Observer| observer.seen.iter().find(|it| is_text(it, text)).cloned();
        let told = self.change(|record| record.observers.iter().find_map(told));
        assert_eq!(told, None);
    }

    /// Waits until something that is said on each of these servers from now on is shown to all
    /// observers of them.
    #[track_caller]
    pub fn wait_for_talk(&self, servers: &[usize]) {
        let begin = self.now();
        let left = |record: &Record| {
            let is_heard = |server: usize| {
                let since = record.said.iter().rev().take_while(|said| said.to >= begin);
                let mut own =
                    since.filter(|said| said.value.server == server && said.from >= begin);
                own.any(|said| record.is_shown(said.value, servers))
            };
            servers.iter().copied().filter(|&server| !is_heard(server)).collect::<Vec<_>>()
        };
        self.wait(
            |record| left(record).is_empty(),
            |record| {
                format!("nothing of servers {:?} is heard again; {}", left(record), record.state())
            },
        );
    }

    /// Waits until these values are shown to all observers.
    #[track_caller]
    pub fn wait_shown(&self, values: &[Value]) {
        let left = |record: &Record| {
            let left = values.iter().copied().filter(|&value| !record.is_shown(value, &SERVERS));
            left.map(|value| value.to_string()).collect::<Vec<_>>()
        };
        self.wait(
            |record| left(record).is_empty(),
            |record| format!("{:?} aren't shown to all; {}", left(record), record.state()),
        );
    }
}

impl Record {
    /// One more observer; gives its index.
    pub fn add(&mut self, observer: Observer) -> usize {
        self.observers.push(observer);
        self.shown.push(HashSet::new());
        self.observers.len() - 1
    }

    pub fn see(&mut self, observer: usize, seen: Seen) {
        if let Seen::Line(line) = &seen {
            self.shown[observer].extend(line.value());
        }
        self.observers[observer].seen.push(seen);
    }

    /// Whether all that are there now on these servers were shown this.
    fn is_shown(&self, value: Value, servers: &[usize]) -> bool {
        let both = self.observers.iter().zip(&self.shown);
        let mut there = both.filter(|(it, _)| it.is_to_the_end && servers.contains(&it.server));
        there.all(|(_, shown)| shown.contains(&value))
    }

    /// Where everybody is, for those who look for a fault.
    fn state(&self) -> String {
        let observers = self.observers.iter().filter(|observer| observer.is_to_the_end);
        let mut lines: Vec<_> = observers
            .map(|observer| {
                let newest: Vec<_> = observer.seen.iter().rev().take(3).collect();
                format!("server {} has seen {newest:?}", observer.server)
            })
            .collect();
        lines.extend(self.said.iter().rev().take(3).map(|said| format!("{said:?}")));
        lines.extend(self.refused());
        lines.join("\n")
    }

    fn refused(&self) -> Option<String> {
        let refused = self.said.iter().rfind(|said| said.outcome == Outcome::Refused)?;
        Some(format!("the last one that was refused: {refused:?}"))
    }
}

/// Whether somebody is told this, alone or with all of its server.
fn is_text(seen: &Seen, text: &str) -> bool {
    match seen {
        Seen::Told(told) => told.starts_with(text),
        Seen::Line(line) => Local::of(line).is_some() && line.text.contains(text),
        Seen::Begin { .. } => false,
    }
}
