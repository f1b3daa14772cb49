//! The thread that hands over what was said here, and answers questions about rooms.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redis::RedisResult;

use super::engine::Engine;
use super::knowledge::Knowledge;
use super::lifeline::Lifeline;
use super::messages::{Event, Job, Options, Side};
use super::people::{self, Published};
use crate::wire::{Answer, Dispatch, Outcome, Person, Query, RoomKey, Submission, Wish};

/// How often the engine is asked whether it is there when there is nothing else to ask.
const HEARTBEAT: Duration = Duration::from_millis(400);

/// How often a server says that it is alive; its lease lasts three times as long.
const BEAT: Duration = Duration::from_secs(5);

/// Clients that are published in one call of the script.
const PUBLISHED_MAX: usize = 100;

/// What the thread has.
pub(super) struct Writer {
    lifeline: Lifeline,
    incarnation: Arc<str>,
    server_name: Box<str>,
    lines_max: usize,
    tail_lines: usize,
    /// What isn't done yet, in its order.
    queue: VecDeque<Job>,
    /// Bytes of lines in it and on their way to it.
    waiting: Arc<AtomicUsize>,
    knowledge: Arc<Knowledge>,
    events: SyncSender<Event>,
    /// The reader is to look up.
    is_wake_due: bool,
    /// Something was asked of the engine last.
    asked_at: Instant,
    /// When it is to be said that this server is alive.
    beat_at: Instant,
    /// How far the clock here is behind the engine's, in seconds.
    behind: i64,
    /// The highest number that this server has for guests.
    guests: u64,
    has_checked: bool,
    /// The server has said that it ends.
    has_left: bool,
}

impl Writer {
    pub fn new(
        options: Options,
        incarnation: Arc<str>,
        waiting: Arc<AtomicUsize>,
        knowledge: Arc<Knowledge>,
        events: SyncSender<Event>,
    ) -> Writer {
        let Options { lines_max, tail_lines, .. } = options;
        let now = Instant::now();
        Writer {
            server_name: options.server_name.clone(),
            lifeline: Lifeline::new(Side::Writer, options),
            incarnation,
            lines_max,
            tail_lines,
            queue: VecDeque::new(),
            waiting,
            knowledge,
            events,
            is_wake_due: false,
            asked_at: now,
            beat_at: now,
            behind: 0,
            guests: 0,
            has_checked: false,
            has_left: false,
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
                    self.take(job);
                    while let Ok(job) = jobs.try_recv() {
                        self.take(job);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Wake => self.is_wake_due = true,
            job => self.queue.push_back(job),
        }
    }

    /// Does what is to be done, as far as the engine does it.
    fn work(&mut self, wake: &dyn Fn()) {
        match self.try_work(wake) {
            Ok(true) => {
                let event = self.lifeline.works();
                self.say_all(event, wake);
            }
            Ok(false) => {}
            Err(error) => {
                let event = self.lifeline.lose(self.asked_at, &error);
                self.say_all(event, wake);
            }
        }
        if self.lifeline.engine().is_none() {
            self.fail_questions(wake);
        }
    }

    /// The same; false if it isn't time to try it.
    fn try_work(&mut self, wake: &dyn Fn()) -> RedisResult<bool> {
        let is_new = self.lifeline.engine().is_none();
        self.asked_at = Instant::now();
        if !self.lifeline.connect()? {
            return Ok(false);
        }
        if is_new || Instant::now() >= self.beat_at {
            // A new connection is good when something was written.
            self.beat(wake)?;
        }
        self.check_eviction(wake)?;
        while let Some(job) = self.queue.front() {
            if matches!(job, Job::Dispatch(Dispatch::Publish { .. })) {
                self.publish(wake)?;
            } else if let Some(job) = self.queue.pop_front()
                && let Err(error) = self.try_job(&job, wake)
            {
                self.queue.push_front(job);
                return Err(error);
            }
            if Instant::now() >= self.beat_at {
                // However much there is to do, this server is alive.
                self.beat(wake)?;
            }
        }
        if self.is_wake_due {
            let incarnation = Arc::clone(&self.incarnation);
            self.ask(|engine| engine.wake(&incarnation))?;
            self.is_wake_due = false;
        }
        if self.asked_at.elapsed() >= HEARTBEAT {
            self.ask(Engine::ping)?;
        }
        Ok(true)
    }

    fn try_job(&mut self, job: &Job, wake: &dyn Fn()) -> RedisResult<()> {
        match job {
            Job::Submit(lines) => {
                self.submit(lines, wake)?;
                let bytes = lines.iter().map(|it| it.line.bytes()).sum();
                self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            }
            Job::Dispatch(dispatch) => self.dispatch(dispatch, wake)?,
            Job::Answer(query) => {
                let answer = self.answer(query)?;
                self.say(Event::Answer(query.ticket, answer), wake);
            }
            Job::Leave => {
                let incarnation = Arc::clone(&self.incarnation);
                self.ask(|engine| engine.leave(&incarnation))?;
                self.has_left = true;
            }
            // Nobody waits any more if it took too long.
            Job::Flush(done) => _ = done.send(()),
            Job::Wake => {}
        }
        Ok(())
    }

    /// Questions that can't be answered now aren't answered later.
    fn fail_questions(&mut self, wake: &dyn Fn()) {
        let is_question = |job: &Job| matches!(job, Job::Answer(_));
        let (questions, rest) = self.queue.drain(..).partition::<Vec<_>, _>(is_question);
        self.queue = rest.into();
        for job in questions {
            if let Job::Answer(query) = job {
                self.say(Event::Answer(query.ticket, Answer::Failed), wake);
            }
        }
    }

    fn beat(&mut self, wake: &dyn Fn()) -> RedisResult<()> {
        if self.has_left {
            return Ok(());
        }
        let (incarnation, name) = (Arc::clone(&self.incarnation), self.server_name.clone());
        let guests = self.guests;
        let (is_known, time) = self.ask(|engine| engine.beat(&incarnation, &name, guests))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.behind = time - now.as_secs() as i64;
        self.beat_at = Instant::now() + BEAT;
        if !is_known {
            self.say(Event::Forgotten, wake);
        }
        Ok(())
    }

    /// An engine that forgets streams when its memory is full loses lines without a word.
    fn check_eviction(&mut self, wake: &dyn Fn()) -> RedisResult<()> {
        if self.has_checked {
            return Ok(());
        }
        let policy = self.ask(Engine::eviction)?;
        self.has_checked = true;
        if let Some(policy) = policy.filter(|policy| policy != "noeviction") {
            let text = format!(
                "the engine drops rooms when its memory is full: its maxmemory-policy is \
                 {policy} and should be noeviction"
            );
            self.say(Event::Warning(text.into()), wake);
        }
        Ok(())
    }

    /// Adds lines to their rooms.
    fn submit(&mut self, lines: &[Submission], wake: &dyn Fn()) -> RedisResult<()> {
        let mut rooms: Vec<(&RoomKey, Vec<&Submission>)> = Vec::new();
        for submission in lines {
            match rooms.iter_mut().rfind(|(other, _)| *other == &*submission.room) {
                Some((_, entries)) => entries.push(submission),
                None => rooms.push((&submission.room, vec![submission])),
            }
        }
        let (incarnation, lines_max) = (Arc::clone(&self.incarnation), self.lines_max);
        let behind = self.behind;
        for (room, entries) in rooms {
            let known = self.knowledge.of(room);
            let (known, refused) = self.ask(|engine| {
                engine.append(room, &incarnation, lines_max, &known, behind, &entries)
            })?;
            self.knowledge.learn(room, &known);
            if let Some(why) = refused {
                let name = &room.name;
                let text = format!("lines of {name} stay, which an operator has cleared: {why}");
                self.say(Event::Warning(text.into()), wake);
            }
        }
        Ok(())
    }

    /// Says who is here: all that come next in the queue and are that.
    fn publish(&mut self, wake: &dyn Fn()) -> RedisResult<()> {
        let next = self.queue.iter().map_while(|job| match job {
            Job::Dispatch(Dispatch::Publish { ticket, person }) => Some((*ticket, person)),
            _ => None,
        });
        let (tickets, people): (Vec<_>, Vec<_>) = next.take(PUBLISHED_MAX).unzip();
        let people: Vec<_> = people.into_iter().cloned().collect();
        // Who asks for a name waits for an answer.
        let all: Vec<_> = people.iter().zip(tickets.iter().map(|ticket| *ticket == 0)).collect();
        let own = Arc::clone(&self.incarnation);
        let published = self.ask(|engine| engine.publish(&own, &all))?;
        for ((ticket, person), published) in tickets.into_iter().zip(people).zip(published) {
            let named = match published {
                Published::Done(number) => Ok(number),
                Published::Taken(holder) => Err(holder),
                Published::Unknown => {
                    self.beat_at = Instant::now();
                    return Err(people::unknown());
                }
            };
            self.queue.pop_front();
            let Person { client, name, .. } = person;
            self.say(Event::Answer(ticket, Answer::Named { client, name, named }), wake);
        }
        Ok(())
    }

    fn dispatch(&mut self, dispatch: &Dispatch, wake: &dyn Fn()) -> RedisResult<()> {
        let own = Arc::clone(&self.incarnation);
        match dispatch {
            // Many of them in one call.
            Dispatch::Publish { .. } => {}
            Dispatch::Withdraw(client) => {
                self.ask(|engine| engine.withdraw(&own, *client))?;
            }
            Dispatch::Errand(server, errand) => {
                if !self.ask(|engine| engine.send(&own, server, "errand", errand))? {
                    let outcome = Outcome { ticket: errand.ticket, ..Outcome::default() };
                    self.say(Event::Outcome(outcome), wake);
                }
            }
            Dispatch::Outcome(server, outcome) => {
                self.ask(|engine| engine.send(&own, server, "outcome", outcome))?;
            }
            Dispatch::Ban(ban) => self.ask(|engine| engine.ban(&own, ban))?,
            Dispatch::Report(report) => self.ask(|engine| engine.tell(&own, "report", report))?,
            Dispatch::Mute(mute) => self.ask(|engine| engine.mute(&own, mute))?,
            Dispatch::Guests => {
                self.guests = self.ask(|engine| engine.guests(&own))?;
                self.say(Event::Guests(self.guests), wake);
            }
        }
        Ok(())
    }

    fn answer(&mut self, query: &Query) -> RedisResult<Answer> {
        let (own, lines) = (Arc::clone(&self.incarnation), self.tail_lines);
        match query.wish {
            Wish::Tail => {
                self.ask(|engine| engine.room(&query.room, &own, lines)).map(Answer::Tail)
            }
            Wish::Page { from, before } | Wish::Elsewhere { from, before } => {
                self.ask(|engine| engine.page(&query.room, from, before)).map(Answer::Page)
            }
            Wish::Search(_) | Wish::Last { .. } | Wish::Newest(_) => Ok(Answer::Failed),
        }
    }

    /// Asks the engine something; there is a connection.
    fn ask<T>(&mut self, what: impl FnOnce(&mut Engine) -> RedisResult<T>) -> RedisResult<T> {
        self.asked_at = Instant::now();
        let engine = self.lifeline.engine().ok_or_else(people::unknown)?;
        what(engine)
    }

    fn say(&self, event: Event, wake: &dyn Fn()) {
        // It fails only when the link is gone.
        if self.events.send(event).is_ok() {
            wake();
        }
    }

    fn say_all(&self, events: impl IntoIterator<Item = Event>, wake: &dyn Fn()) {
        events.into_iter().for_each(|event| self.say(event, wake));
    }
}
