//! The thread that hands over what was said here, and answers questions about rooms.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redis::RedisResult;

use super::engine::{Engine, Submission, explain};
use super::lifeline::Lifeline;
use super::messages::{Event, Job, Options, Side};
use crate::wire::{Answer, Batch, News, Query, RoomKey, Shared, StoredLine, Tail, Time, Wish};

/// How often the engine is asked whether it is there when there is nothing else to ask.
const HEARTBEAT: Duration = Duration::from_millis(400);

/// A line that has waited longer is late: others have talked on meanwhile.
const LATE_SECONDS: Time = 5;

/// What the thread has.
pub(super) struct Writer {
    lifeline: Lifeline,
    incarnation: Arc<str>,
    lines_max: usize,
    tail_lines: usize,
    /// What isn't handed over yet, in its order.
    queue: VecDeque<Batch>,
    waiting: Arc<AtomicUsize>,
    events: SyncSender<Event>,
    /// The reader is to look up.
    is_wake_due: bool,
    /// Something was asked of the engine last.
    asked_at: Instant,
    has_checked: bool,
}

impl Writer {
    pub fn new(
        options: Options,
        incarnation: Arc<str>,
        waiting: Arc<AtomicUsize>,
        events: SyncSender<Event>,
    ) -> Writer {
        let Options { lines_max, tail_lines, .. } = options;
        Writer {
            lifeline: Lifeline::new(Side::Writer, options),
            incarnation,
            lines_max,
            tail_lines,
            queue: VecDeque::new(),
            waiting,
            events,
            is_wake_due: false,
            asked_at: Instant::now(),
            has_checked: false,
        }
    }

    /// Works until the link is gone.
    pub fn run(mut self, jobs: &Receiver<Job>, wake: &dyn Fn()) {
        loop {
            self.work(wake);
            let due = self.lifeline.next_attempt().unwrap_or(self.asked_at + HEARTBEAT);
            let pause = due.saturating_duration_since(Instant::now());
            match jobs.recv_timeout(pause) {
                Ok(job) => {
                    self.take(job, wake);
                    while let Ok(job) = jobs.try_recv() {
                        self.take(job, wake);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn take(&mut self, job: Job, wake: &dyn Fn()) {
        match job {
            Job::Submit(batch) => self.queue.push_back(batch),
            Job::Wake => self.is_wake_due = true,
            Job::Flush(done) => {
                self.work(wake);
                // Nobody waits any more if it took too long.
                let _ = done.send(self.queue.is_empty());
            }
            Job::Answer(query) => {
                // It has to know all that was said before.
                self.work(wake);
                let answer = self.answer(&query, wake);
                self.say(Event::Answer(query.ticket, answer), wake);
            }
        }
    }

    /// Does what is to be done, if the engine is there.
    fn work(&mut self, wake: &dyn Fn()) {
        self.check_eviction(wake);
        while let Some(batch) = self.queue.pop_front() {
            let (incarnation, lines_max) = (Arc::clone(&self.incarnation), self.lines_max);
            let done = self.ask(wake, |engine| hand_over(engine, &batch, &incarnation, lines_max));
            if done.is_none() {
                self.queue.push_front(batch);
                return;
            }
            self.waiting.fetch_sub(batch.bytes(), Ordering::Relaxed);
        }
        if self.is_wake_due {
            let incarnation = Arc::clone(&self.incarnation);
            self.is_wake_due = self.ask(wake, |engine| engine.wake(&incarnation)).is_none();
        }
        if self.asked_at.elapsed() >= HEARTBEAT || self.lifeline.next_attempt().is_some() {
            self.ask(wake, Engine::ping);
        }
    }

    /// An engine that forgets streams when its memory is full loses lines without a word.
    fn check_eviction(&mut self, wake: &dyn Fn()) {
        if self.has_checked {
            return;
        }
        if let Some(policy) = self.ask(wake, |engine| Ok(engine.eviction())) {
            self.has_checked = true;
            if let Some(policy) = policy.filter(|policy| policy != "noeviction") {
                let text = format!(
                    "the engine drops rooms when its memory is full: its maxmemory-policy is \
                     {policy} and should be noeviction"
                );
                self.say(Event::Warning(text.into()), wake);
            }
        }
    }

    fn answer(&mut self, query: &Query, wake: &dyn Fn()) -> Answer {
        if !self.queue.is_empty() {
            return Answer::Failed;
        }
        let lines = self.tail_lines;
        let answer = match query.wish {
            Wish::Tail => self.ask(wake, |engine| tail(engine, &query.room, lines)),
            Wish::Page { .. } | Wish::Search(_) => None,
        };
        answer.unwrap_or(Answer::Failed)
    }

    /// Asks the engine something; `None` if it isn't there.
    fn ask<T>(
        &mut self,
        wake: &dyn Fn(),
        what: impl FnOnce(&mut Engine) -> RedisResult<T>,
    ) -> Option<T> {
        let (engine, event) = self.lifeline.keep();
        self.asked_at = Instant::now();
        let result = engine.map(what);
        if let Some(event) = event {
            self.say(event, wake);
        }
        match result? {
            Ok(answer) => Some(answer),
            Err(error) => {
                if let Some(event) = self.lifeline.lose(self.asked_at, &explain(&error)) {
                    self.say(event, wake);
                }
                None
            }
        }
    }

    fn say(&self, event: Event, wake: &dyn Fn()) {
        // It fails only when the link is gone.
        if self.events.send(event).is_ok() {
            wake();
        }
    }
}

/// Adds what is in a batch to its rooms.
fn hand_over(
    engine: &mut Engine,
    batch: &Batch,
    incarnation: &str,
    lines_max: usize,
) -> RedisResult<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as Time;
    let mut rooms: Vec<(&RoomKey, Vec<Submission>)> = Vec::new();
    for (room, news) in batch.iter() {
        let submission = match news {
            News::Line(StoredLine { number, time, kind, from, text }) => Submission {
                count: number,
                is_late: now.saturating_sub(time) > LATE_SECONDS,
                what: Shared::Line {
                    time,
                    kind,
                    from: from.into(),
                    text: String::from_utf8_lossy(text).into(),
                },
            },
            News::Topic(topic) => {
                Submission { count: 0, is_late: false, what: Shared::Topic(topic.into()) }
            }
            News::Lost(..) | News::Closed => continue,
        };
        match rooms.iter_mut().rfind(|(other, _)| *other == &**room) {
            Some((_, submissions)) => submissions.push(submission),
            None => rooms.push((room, vec![submission])),
        }
    }
    for (room, submissions) in rooms {
        engine.append(room, incarnation, lines_max, &submissions)?;
    }
    Ok(())
}

fn tail(engine: &mut Engine, room: &RoomKey, lines: usize) -> RedisResult<Answer> {
    let standing = engine.open(room, "")?;
    let lines = engine.tail(room, standing.place, lines)?;
    Ok(Answer::Tail(Tail {
        is_known: standing.place.number > 0,
        name: room.name.clone(),
        next: standing.place.number + 1,
        run: Some(standing.run),
        topic: standing.topic,
        lines,
        is_interrupted: false,
    }))
}
