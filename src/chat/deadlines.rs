//! What happens when a time has come.

use std::time::{Duration, Instant};

use crate::chat::close_reason::{CloseReason, Closing};
use crate::chat::ids::ClientId;
use crate::chat::lifecycle::REPLY_TIME;
use crate::chat::member::{Phase, Session, State};
use crate::chat::pace::WORK_MAX;
use crate::chat::schedule::Due;
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::Stage;

/// Things that `handle_time` does at one time at most, and clients whose input
/// goes on, so that a thousand newcomers don't delay the others.
const DUE_MAX: usize = 32;

/// Work that waiting input may cause at one time: that of four clients that send
/// what is hardest.
const RESUMED_WORK_MAX: usize = 4 * WORK_MAX;

/// How long before the end an idle client is warned; with a shorter limit after
/// half of it.
const IDLE_WARNING: Duration = Duration::from_secs(60);

/// How often a client that takes nothing is tried until its stall limit, that
/// included.
const STALL_TRIES: u32 = 8;

/// How long the head of a request may take.
const HEAD_TIME: Duration = Duration::from_secs(10);

impl Chat {
    /// When `handle_time` is to be called next; `now` if there is work to do
    /// already, `None` if nothing happens by itself.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let is_busy = self.has_unflushed() || self.has_output();
        if is_busy {
            return Some(now);
        }
        let late = self.lookups.deadline();
        self.schedule.next_time(now).into_iter().chain(late).min()
    }

    /// Does what is due at `now`, as far as there is headroom. What clients had
    /// sent by then has been handled, however long the caller was away: else they
    /// would be closed for a silence that was the caller's.
    pub fn handle_time(&mut self, now: Instant) {
        self.clock.advance(now);
        self.handle_resumes();
        self.handle_late_answers();
        for _ in 0..DUE_MAX {
            if !self.has_headroom() {
                return;
            }
            if let Some((id, ending)) = self.schedule.next_leave() {
                self.handle_leave(id, ending);
                continue;
            }
            match self.schedule.next_due(now) {
                Some(Due::Client(id)) => {
                    self.sessions[id].set_rare(|rare| rare.timer = None);
                    self.handle_deadline(now, id);
                    self.update_interest(id);
                }
                Some(Due::Greeting(id)) => self.handle_greeting(id),
                Some(Due::Answers(id)) => self.handle_arrival(id),
                Some(Due::Presence(room)) => self.tell_presence(room),
                Some(Due::Mute(number)) => _ = self.end_mute(number),
                Some(Due::Reopening(room)) => self.reopen(room),
                None => {
                    if let Some(id) = self.schedule.next_spare(now) {
                        self.greet_spare(id);
                    } else if let Some(id) = self.schedule.next_keepalive(now) {
                        self.keep_alive(id);
                    } else {
                        return;
                    }
                }
            }
        }
    }

    /// There is headroom to say that a client goes.
    fn handle_leave(&mut self, id: ClientId, ending: CloseReason) {
        let is_broken = self.sessions.get(id).is_some_and(Session::is_broken);
        let farewell = self.parting_words(id, ending);
        self.leave(id, ending, farewell.as_deref());
        if is_broken {
            self.end(id, Closing::Abrupt);
        }
    }

    /// Goes on with input that had to wait. What has to wait again has its turn
    /// next time, so that deadlines are looked at however much there is.
    fn handle_resumes(&mut self) {
        let mut work = 0;
        for _ in 0..self.schedule.resume_count().min(DUE_MAX) {
            if !self.has_headroom() || work >= RESUMED_WORK_MAX {
                return;
            }
            let Some(id) = self.schedule.next_resume() else { return };
            self.pace.begin_step();
            self.resume_command(id);
            self.resume_input(id);
            work += self.pace.work_done();
        }
    }

    fn handle_deadline(&mut self, now: Instant, id: ClientId) {
        if self.sessions[id].rare().stalled_since.is_some() {
            // The kernel says late that it takes more; see `stall_try`. The write
            // that follows shows whether that is the end.
            self.handle_writable(id);
        }
        let session = &self.sessions[id];
        let is_over = session.rare().state_ends_at.is_some_and(|at| at <= now);
        match session.state() {
            State::Member(_, Phase::Talking) => self.handle_silence(now, id),
            State::Member(_, Phase::Listening) if is_over => match self.is_answered_later(id) {
                true => self.end_login(id),
                false => self.end_listening(id),
            },
            State::Leaving(_) if is_over => self.end(id, Closing::Abrupt),
            _ => self.set_timer(id),
        }
    }

    /// A client that sends nothing more has had time for its answers. One of the store's or the
    /// engine's may be under way.
    fn end_listening(&mut self, id: ClientId) {
        if self.lookups.has(id) || self.sessions[id].rare().unplaced > 0 {
            self.sessions[id].set_phase(Phase::Listening, Some(self.clock.now() + REPLY_TIME));
            return self.set_timer(id);
        }
        self.leave(id, CloseReason::Quit, None);
    }

    /// What a client may send has not come by now, or may come now.
    fn handle_silence(&mut self, now: Instant, id: ClientId) {
        let session = &self.sessions[id];
        let is_past = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let is_let_go = is_past(session.rare().throttled_until);
        if is_past(session.rare().state_ends_at) {
            return match session.rare().write_broken {
                Some(ending) => self.handle_broken(id, ending),
                None => self.end_login(id),
            };
        }
        if is_past(self.line_deadline(session)) {
            if session.rare().client.is_asking() {
                return self.refuse_slow_request(id);
            }
            let limit = self.config.line_timeout.unwrap_or_default();
            return self.leave(id, CloseReason::Unfinished, Some(&texts::unfinished(limit)));
        }
        if is_past(self.idle_warning(session)) {
            self.warn_idle(now, id);
        } else if is_past(self.idle_deadline(session)) {
            let limit = self.config.idle_timeout.unwrap_or_default();
            return self.leave(id, CloseReason::Idle, Some(&texts::idle(limit)));
        }
        if is_past(self.sessions[id].rare().edit_ends_at) {
            self.end_edit_offer(id);
        }
        if is_let_go {
            self.release(id);
        }
        self.set_timer(id);
    }

    fn warn_idle(&mut self, now: Instant, id: ClientId) {
        self.sessions[id].set_rare(|rare| rare.warned = Some(now));
        let left = self.idle_deadline(&self.sessions[id]).map(|at| at.duration_since(now));
        if !self.config.raw {
            self.notify(id, &texts::idle_warning(left.unwrap_or_default()));
        }
    }

    /// A client has sent something.
    pub(super) fn note_heard(&mut self, id: ClientId) {
        if self.config.idle_timeout.is_some() {
            let now = self.clock.now();
            // The timer may be too early now; then it is set again.
            self.sessions[id].set_rare(|rare| {
                (rare.last_heard_at, rare.warned) = (Some(now), None);
            });
        }
    }

    /// A client's bytes have been looked at; `has_ended` says that a line was
    /// among them, so that what is begun now began after it.
    pub(super) fn note_begun(&mut self, id: ClientId, has_ended: bool) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if !session.is_talking() {
            return;
        }
        let rare = session.rare();
        let is_begun = !rare.client.is_between_lines();
        let begun = match rare.line_started_at {
            _ if !is_begun => None,
            Some(begun) if !has_ended => Some(begun),
            _ => Some(rare.throttled_until.unwrap_or(self.clock.now())),
        };
        if begun != rare.line_started_at {
            session.set_rare(|rare| rare.line_started_at = begun);
            self.set_timer(id);
        }
    }

    /// Nothing that a client sends is waited for any more.
    pub(super) fn forget_silence(&mut self, id: ClientId) {
        let session = &mut self.sessions[id];
        if session.is_plain() {
            return;
        }
        session.set_rare(|rare| {
            (rare.throttled_until, rare.line_started_at) = (None, None);
            (rare.last_heard_at, rare.warned) = (None, None);
            rare.edit_ends_at = None;
        });
        self.pace.set_throttled(id, false);
    }

    /// Sets the client's timer to the nearest of its deadlines.
    pub(super) fn set_timer(&mut self, id: ClientId) {
        let session = &self.sessions[id];
        let rare = session.rare();
        let old = rare.timer;
        let deadlines = [
            rare.state_ends_at,
            rare.edit_ends_at,
            rare.throttled_until,
            self.stall_try(session),
            self.line_deadline(session),
            self.idle_warning(session).or_else(|| self.idle_deadline(session)),
        ];
        let timer = deadlines.into_iter().flatten().min();
        if timer == old {
            return;
        }
        self.sessions[id].set_rare(|rare| rare.timer = timer);
        self.schedule.cancel(old, Due::Client(id));
        if let Some(at) = timer {
            self.schedule.set(at, Due::Client(id));
        }
    }

    /// Whether a client that has just taken nothing has done so for too long.
    pub(super) fn is_stalled(&self, now: Instant, session: &Session) -> bool {
        let since = session.rare().stalled_since;
        since.zip(self.config.stall_timeout).is_some_and(|(since, limit)| since + limit <= now)
    }

    /// When a client that takes nothing is tried again, at last at its deadline.
    /// None while a try is under way.
    /// The kernel says that it takes more only when a third of what it keeps is
    /// free, which is a long time if the client reads slowly; but it takes more
    /// before that.
    fn stall_try(&self, session: &Session) -> Option<Instant> {
        let since = session.rare().stalled_since.filter(|_| session.blocked)?;
        let limit = self.config.stall_timeout?;
        let step = limit / STALL_TRIES;
        let tried = self.clock.now().duration_since(since).as_nanos() / step.as_nanos().max(1);
        Some(since + step * (tried as u32 + 1).min(STALL_TRIES))
    }

    fn line_deadline(&self, session: &Session) -> Option<Instant> {
        let rare = session.rare();
        let is_head = rare.client.stage() == Stage::Head;
        let limit = if is_head { Some(HEAD_TIME) } else { self.config.line_timeout };
        Some(rare.line_started_at? + limit?)
    }

    /// When an idle client is closed: some time after the warning, also if that
    /// came late.
    fn idle_deadline(&self, session: &Session) -> Option<Instant> {
        let limit = self.config.idle_timeout?;
        let deadline = session.rare().last_heard_at? + limit;
        let warned = session.rare().warned.map(|at| at + idle_notice(limit));
        Some(warned.map_or(deadline, |at| at.max(deadline)))
    }

    /// When an idle client is to be warned, if it hasn't been.
    fn idle_warning(&self, session: &Session) -> Option<Instant> {
        let deadline = self.idle_deadline(session).filter(|_| session.rare().warned.is_none())?;
        Some(deadline - idle_notice(self.config.idle_timeout?))
    }
}

/// How long an idle client has from the warning on.
fn idle_notice(limit: Duration) -> Duration {
    IDLE_WARNING.min(limit / 2)
}
