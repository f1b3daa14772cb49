//! What was said before: history, and catching up by number.
//!
//! A reader's cursor goes back in the log of its room. Lines are numbered from 1 on, so
//! the number of the newest line is how many there were.

use jiff::civil::DateTime;

use crate::chat::commands::{Outcome, Problem};
use crate::chat::ids::ClientId;
use crate::chat::member::{Intro, Waiting};
use crate::chat::notice::Notice;
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::{From, Time};

/// Lines that `/history` shows unless it is told how many.
const HISTORY_LINES: u64 = 50;

impl Chat {
    /// Whether a client has been sent all lines that are for it.
    pub(in crate::chat) fn is_caught_up(&mut self, id: ClientId) -> bool {
        let session = &mut self.sessions[id];
        session.reader.is_caught_up(&self.rooms[session.room].log)
    }

    /// Makes a command wait until the client has been sent what was said before
    /// it. Its input waits too, and it is sent nothing newer.
    pub(in crate::chat) fn wait_for_lines(&mut self, id: ClientId, line: &str) {
        let session = &mut self.sessions[id];
        session.set_rare(|rare| rare.waiting = Some(Waiting::Lines(line.into())));
        session.reader.stop(&self.rooms[session.room].log);
        self.queue(id);
    }

    /// Lets the command go on that waited for lines, if they have been sent.
    pub(in crate::chat) fn resume_if_caught_up(&mut self, id: ClientId) {
        let is_waiting = matches!(self.sessions[id].rare().waiting, Some(Waiting::Lines(_)));
        if is_waiting && self.is_caught_up(id) {
            self.schedule.resume(id);
        }
    }

    /// Runs the command that waited for lines.
    pub(in crate::chat) fn resume_command(&mut self, id: ClientId) {
        let Some(session) = self.sessions.get(id) else { return };
        let is_waiting = matches!(session.rare().waiting, Some(Waiting::Lines(_)));
        if !is_waiting || !session.is_member() || !self.is_caught_up(id) {
            return;
        }
        let session = &mut self.sessions[id];
        if let Some(Waiting::Lines(line)) = session.set_rare(|rare| rare.waiting.take()) {
            // Its answers come where it stopped, before newer lines.
            self.run_command(id, &line);
            let session = &mut self.sessions[id];
            if session.rare().waiting.is_none() {
                session.reader.go_on(&mut self.rooms[session.room].log, id);
            }
            self.queue(id);
        }
    }

    /// The number of the newest line in a client's room.
    pub(in crate::chat) fn position(&self, id: ClientId) -> u64 {
        self.rooms[self.sessions[id].room].log.newest()
    }

    /// Names the counting of lines in a client's room.
    pub(in crate::chat) fn run(&self, id: ClientId) -> &str {
        self.rooms[self.sessions[id].room].log.run()
    }

    /// The farewell of a client that leaves of its own accord.
    pub(in crate::chat) fn goodbye(&self, id: ClientId) -> String {
        texts::goodbye(&texts::place(self.position(id), self.run(id)))
    }

    /// Shows a client the last `lines` of its room again, after what it is owed;
    /// false if there are none.
    pub(in crate::chat) fn show_history(&mut self, id: ClientId, lines: u64) -> bool {
        let uptime = self.clock.uptime();
        let session = &mut self.sessions[id];
        let log = &self.rooms[session.room].log;
        let end = session.reader.next().max(log.first());
        let from = end.saturating_sub(lines).max(log.first());
        if from == end {
            return false;
        }
        let mut age = self.clock.wall().saturating_sub(log.time(from));
        if !self.config.has_store {
            // The clock may have been set; but no line is older than the server.
            age = age.min(uptime);
        }
        session.reader.rewind(from);
        self.notify_here(id, &texts::history(end - from, age));
        self.tell_days(id, from, self.today());
        self.flush.push_first(id, &mut self.sessions[id]);
        true
    }

    /// Shows a client what was said after the line with this number.
    ///
    /// # Errors
    /// If it hasn't been said yet.
    pub(in crate::chat) fn resume_after(
        &mut self,
        id: ClientId,
        number: u64,
    ) -> Result<(), Notice> {
        // Lines that came while the command waited are after it.
        let room = &self.rooms[self.sessions[id].room];
        let here = match self.sessions[id].is_ungreeted() || self.config.is_shared {
            true => room.newest(),
            false => self.number_before(id),
        };
        if number > here {
            return Err(texts::not_said_yet(number, here));
        }
        if self.is_number_past(id, number) {
            self.greet_first(id);
            self.begin_past(id, From::After(number), Intro::Resumed(number));
            return Ok(());
        }
        let run = self.rooms[self.sessions[id].room].run().to_owned();
        self.resume_in(id, &run, number);
        Ok(())
    }

    /// Shows a client what the log has after the line with this number of a counting.
    pub(in crate::chat) fn resume_in(&mut self, id: ClientId, run: &str, number: u64) {
        let log = &self.rooms[self.sessions[id].room].log;
        let cleared = log.lines_cleared(run, number, u64::MAX);
        let before = log.number_from(run, log.first()).unwrap_or_default();
        let cleared_before = log.lines_cleared(run, number, before);
        let (lines, gone) = self.begin_resume(id, run, number);
        let gone = gone.saturating_sub(cleared_before);
        self.end_resume(id, &texts::resumed(number, lines, gone));
        if cleared > 0 {
            self.notify_here(id, &texts::lines_cleared(cleared));
        }
    }

    /// Shows a client all that was said since the server started: what it has seen is of
    /// an earlier run.
    pub(in crate::chat) fn resume_restarted(&mut self, id: ClientId) {
        let (lines, _) = self.begin_resume(id, "", 0);
        self.end_resume(id, &texts::restarted(lines));
    }

    /// Whether only the store has what was said first after a time.
    pub(in crate::chat) fn is_past(&self, id: ClientId, time: Time) -> bool {
        let log = &self.rooms[self.sessions[id].room].log;
        self.has_past(id) && (log.first() == log.next() || log.time(log.first()) > time)
    }

    /// Whether only the store has what was said first after the line with this number.
    pub(in crate::chat) fn is_number_past(&self, id: ClientId, number: u64) -> bool {
        let room = &self.rooms[self.sessions[id].room];
        self.has_past(id) && number.saturating_add(1) < room.number_from(room.log.first())
    }

    /// The beginning of a day, or a time of it, in the zone of the server.
    fn time_of(&self, text: &str) -> Option<Time> {
        let zoned = text.parse::<DateTime>().ok()?.to_zoned(self.config.zone.clone()).ok()?;
        zoned.timestamp().as_second().try_into().ok()
    }

    /// The number of the line before a client's next one.
    fn number_before(&self, id: ClientId) -> u64 {
        let session = &self.sessions[id];
        self.rooms[session.room].log.number(session.reader.next()) - 1
    }

    /// Goes back to what was said after line `number` of a counting, or to the first line that
    /// is still here; gives how many lines there are, and how many are gone.
    fn begin_resume(&mut self, id: ClientId, run: &str, number: u64) -> (u64, u64) {
        let next = self.rooms[self.sessions[id].room].log.next();
        self.greet_first(id);
        let session = &mut self.sessions[id];
        let log = &self.rooms[session.room].log;
        let wanted = log.place_after(run, number);
        let from = wanted.max(log.first());
        session.reader.rewind(from);
        (next.saturating_sub(from), from - wanted)
    }

    fn end_resume(&mut self, id: ClientId, notice: &Notice) {
        self.notify_here(id, notice);
        let from = self.sessions[id].reader.next();
        self.tell_days(id, from, self.today());
        self.flush.push_first(id, &mut self.sessions[id]);
    }
}

/// `/history [LINES|DAY]`
pub(in crate::chat) fn history(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let lines = match (rest, rest.parse()) {
        ("", _) => HISTORY_LINES,
        (_, Ok(lines)) if lines > 0 => lines,
        _ => return history_since(chat, id, rest),
    };
    chat.greet_first(id);
    let session = &chat.sessions[id];
    let log = &chat.rooms[session.room].log;
    let kept = session.reader.next().saturating_sub(log.first());
    if lines > kept && chat.has_past(id) {
        chat.begin_past(id, From::Last(lines - kept), Intro::History);
        return Ok(());
    }
    if !chat.show_history(id, lines) && kept == 0 && chat.is_caught_up(id) {
        chat.notify(id, &texts::no_history());
    }
    Ok(())
}

/// `/history 2026-11-20`, `/history 2h`
fn history_since(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let time = seconds_of(rest).map(|seconds| chat.clock.wall().saturating_sub(seconds));
    let time = time.or_else(|| chat.time_of(rest)).ok_or(Problem::Usage)?;
    chat.greet_first(id);
    if chat.is_past(id, time) {
        chat.begin_past(id, From::Since(time), Intro::History);
        return Ok(());
    }
    let session = &chat.sessions[id];
    let from = chat.rooms[session.room].log.first_since(time);
    let lines = session.reader.next().saturating_sub(from);
    if lines == 0 || !chat.show_history(id, lines) {
        chat.notify(id, &texts::no_history_since());
    }
    Ok(())
}

/// `/search WORDS`
pub(in crate::chat) fn search(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    Ok(chat.begin_search(id, rest)?)
}

/// `/resume NUMBER`
pub(in crate::chat) fn resume(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let (number, run) = rest.split_once('@').unwrap_or((rest, chat.run(id)));
    let (number, run) = (number.parse::<u64>().map_err(|_| Problem::Usage)?, run.to_owned());
    let room = &chat.rooms[chat.sessions[id].room];
    if run == room.run() {
        return Ok(chat.resume_after(id, number)?);
    }
    match room.log.has_run(&run) {
        true => chat.resume_in(id, &run, number),
        false => chat.resume_restarted(id),
    }
    Ok(())
}

/// `/seq`
pub(in crate::chat) fn seq(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    let newest = chat.position(id);
    chat.notify(id, &texts::seq(newest, &texts::place(newest, chat.run(id))));
    Ok(())
}

/// A time like `90s`, `10m`, `2h` or `1d`, in seconds.
pub(in crate::chat) fn seconds_of(text: &str) -> Option<u32> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86400,
        _ => return None,
    };
    text[..text.len() - 1].parse::<u32>().ok()?.checked_mul(unit)
}

/// The same, where a number alone is a time too, in units of so many seconds.
pub(in crate::chat) fn seconds_in(text: &str, unit: u32) -> Option<u32> {
    let number = text.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
    number.or_else(|| seconds_of(text))
}
