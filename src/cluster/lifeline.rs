//! A connection to the engine that is made again when it is lost.

use std::time::{Duration, Instant};

use redis::{RedisError, RedisResult};

use super::engine::{Engine, explain};
use super::messages::{Event, Options, Side};

/// How long the engine may be away before that is said. Less is no more than a hiccup.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Pauses between attempts to connect.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// A connection that is made again after it was lost.
pub(super) struct Lifeline {
    side: Side,
    options: Options,
    engine: Option<Engine>,
    /// Since when nothing has worked.
    lost_at: Option<Instant>,
    /// What the loop was told: whether it works.
    told: Option<bool>,
    pause: Duration,
    next_attempt: Instant,
}

impl Lifeline {
    pub fn new(side: Side, options: Options) -> Lifeline {
        let now = Instant::now();
        Lifeline {
            side,
            options,
            engine: None,
            lost_at: Some(now),
            told: None,
            pause: PAUSE_MIN,
            next_attempt: now,
        }
    }

    /// Whether there is a connection, which may be made now.
    ///
    /// # Errors
    /// Why there is none.
    pub fn connect(&mut self) -> RedisResult<bool> {
        if self.engine.is_none() && Instant::now() >= self.next_attempt {
            self.engine = Some(Engine::connect(&self.options.info)?);
        }
        Ok(self.engine.is_some())
    }

    /// The connection, if there is one.
    pub fn engine(&mut self) -> Option<&mut Engine> {
        self.engine.as_mut()
    }

    /// All that was to be done is done. An engine that only answers, and refuses to do
    /// anything, doesn't work.
    pub fn works(&mut self) -> Option<Event> {
        (self.lost_at, self.pause) = (None, PAUSE_MIN);
        (self.told.replace(true) != Some(true)).then_some(Event::Works(self.side))
    }

    /// The connection isn't used any more, because of the answer to what was asked at
    /// `asked_at`.
    pub fn lose(&mut self, asked_at: Instant, error: &RedisError) -> Option<Event> {
        let now = Instant::now();
        self.engine = None;
        self.next_attempt = now + self.pause;
        self.pause = (2 * self.pause).min(PAUSE_MAX);
        // Nobody knows when in that time it went; but a wait isn't a silence.
        let at = if error.is_timeout() { asked_at } else { now };
        let lost_at = *self.lost_at.get_or_insert(at);
        let is_news = now - lost_at >= PATIENCE && self.told != Some(false);
        is_news.then(|| {
            self.told = Some(false);
            Event::Fails(self.side, explain(error).into())
        })
    }

    /// When there is something to be done for it, if there is no connection.
    pub fn next_attempt(&self) -> Option<Instant> {
        self.engine.is_none().then_some(self.next_attempt)
    }
}
