//! What happens when a time has come.

use std::time::Instant;

use super::ending::{Closing, Ending};
use super::session::{Phase, Session};
use super::{Chat, ClientId};

/// Things that `handle_time` does at one time at most, so that a thousand
/// newcomers don't hold up those who talk.
const DUE_MAX: usize = 32;

impl Chat {
    /// When `handle_time` is to be called next; `now` if there is work to do
    /// already, `None` if nothing happens by itself.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let is_busy = !self.resumes.is_empty() || !self.partings.is_empty() || self.has_unflushed();
        if is_busy || !self.ended.is_empty() {
            return Some(now);
        }
        let timer = self.timers.first().map(|(at, _)| *at);
        timer.into_iter().chain(self.presence_due()).min()
    }

    /// Does what is due, as far as there is headroom.
    pub fn handle_time(&mut self, now: Instant) {
        self.now = now;
        for _ in 0..DUE_MAX {
            if !self.has_headroom() {
                return;
            }
            if let Some((id, ending)) = self.partings.pop_front() {
                let is_broken = self.sessions.get(id).is_some_and(Session::is_broken);
                self.leave(now, id, ending, None);
                if is_broken {
                    self.end(id, Closing::Abrupt);
                }
            } else if let Some(id) = self.resumes.pop_front() {
                self.resume_command(id);
                self.resume_input(now, id);
                self.reinterested.push_back(id);
            } else if let Some(&(at, id)) = self.timers.first()
                && at <= now
            {
                self.timers.pop_first();
                self.sessions[id].set_aside(|aside| aside.timer = None);
                self.handle_deadline(now, id);
            } else if let Some((_, id)) = self.arrivals.pop_front_if(|(at, _)| *at <= now) {
                self.handle_arrival(id);
            } else if let Some((_, id)) = self.folds.pop_front_if(|(at, _)| *at <= now) {
                self.handle_fold(id);
            } else {
                return;
            }
        }
    }

    fn handle_deadline(&mut self, now: Instant, id: ClientId) {
        let session = &self.sessions[id];
        if self.stall_deadline(session).is_some_and(|at| at <= now) {
            self.leave(now, id, Ending::Stalled, None);
            self.end(id, Closing::Abrupt);
            return;
        }
        let is_over = session.aside().until.is_some_and(|at| at <= now);
        match session.phase {
            Phase::Listening if is_over => self.leave(now, id, Ending::Quit, None),
            Phase::Leaving { .. } if is_over => self.end(id, Closing::Abrupt),
            _ => self.set_timer(id),
        }
    }

    /// Sets the client's timer to the nearest of its deadlines.
    pub(super) fn set_timer(&mut self, id: ClientId) {
        let session = &self.sessions[id];
        let old = session.aside().timer;
        let deadlines = [session.aside().until, self.stall_deadline(session)];
        let timer = deadlines.into_iter().flatten().min();
        if timer == old {
            return;
        }
        self.sessions[id].set_aside(|aside| aside.timer = timer);
        if let Some(at) = old {
            self.timers.remove(&(at, id));
        }
        if let Some(at) = timer {
            self.timers.insert((at, id));
        }
    }

    fn stall_deadline(&self, session: &Session) -> Option<Instant> {
        Some(session.aside().stalled_since? + self.config.stall_timeout?)
    }
}
