//! A connection to the engine that is made again when it is lost.

use std::time::{Duration, Instant};

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
    /// Since when there is none.
    lost_at: Option<Instant>,
    /// The loop was told that there is none.
    is_told: bool,
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
            is_told: true,
            pause: PAUSE_MIN,
            next_attempt: now,
        }
    }

    /// The connection, made now if it is time for that. Gives what is to be said of it.
    pub fn keep(&mut self) -> (Option<&mut Engine>, Option<Event>) {
        let now = Instant::now();
        let mut event = None;
        if self.engine.is_none() && now >= self.next_attempt {
            match Engine::connect(&self.options.info) {
                Ok(engine) => {
                    (self.engine, self.lost_at, self.pause) = (Some(engine), None, PAUSE_MIN);
                    if std::mem::take(&mut self.is_told) {
                        event = Some(Event::Works(self.side));
                    }
                }
                Err(error) => event = self.lose(now, &explain(&error)),
            }
        }
        (self.engine.as_mut(), event)
    }

    /// The connection isn't used any more, because of this: something that was asked at
    /// `asked_at` wasn't answered.
    pub fn lose(&mut self, asked_at: Instant, why: &str) -> Option<Event> {
        let now = Instant::now();
        self.engine = None;
        self.next_attempt = now + self.pause;
        self.pause = (2 * self.pause).min(PAUSE_MAX);
        let lost_at = *self.lost_at.get_or_insert(asked_at);
        let is_late = now - lost_at >= PATIENCE && !self.is_told;
        self.is_told |= is_late;
        is_late.then(|| Event::Fails(self.side, why.into()))
    }

    /// When there is something to be done for it, if there is no connection.
    pub fn next_attempt(&self) -> Option<Instant> {
        self.engine.is_none().then_some(self.next_attempt)
    }
}
