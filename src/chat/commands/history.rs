//! What was said before: history, and catching up by number.
//!
//! A reader's cursor goes back in the log of its room. Lines are numbered from 1 on, so
//! the number of the newest line is how many there were.

use crate::chat::commands::{Outcome, Problem};
use crate::chat::ids::ClientId;
use crate::chat::state::Chat;
use crate::chat::texts;

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
        session.set_rare(|rare| rare.waiting = Some(line.into()));
        session.reader.stop(&self.rooms[session.room].log);
        self.queue(id);
    }

    /// Lets the command go on that waited for lines, if they have been sent.
    pub(in crate::chat) fn resume_if_caught_up(&mut self, id: ClientId) {
        if self.sessions[id].rare().waiting.is_some() && self.is_caught_up(id) {
            self.schedule.resume(id);
        }
    }

    /// Runs the command that waited for lines.
    pub(in crate::chat) fn resume_command(&mut self, id: ClientId) {
        let Some(session) = self.sessions.get(id) else { return };
        if session.rare().waiting.is_none() || !session.is_member() || !self.is_caught_up(id) {
            return;
        }
        let session = &mut self.sessions[id];
        if let Some(line) = session.set_rare(|rare| rare.waiting.take()) {
            // Its answers come where it stopped, before newer lines.
            self.run_command(id, &line);
            self.sessions[id].reader.go_on();
            self.queue(id);
        }
    }

    /// The number of the newest line in a client's room.
    pub(in crate::chat) fn position(&self, id: ClientId) -> u64 {
        self.rooms[self.sessions[id].room].log.newest()
    }

    /// The farewell of a client that leaves of its own accord.
    pub(in crate::chat) fn goodbye(&self, id: ClientId) -> String {
        texts::goodbye(&texts::place(self.position(id), &self.config.run))
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
        // By the clock on the wall, which may have been set; but no line is older than
        // the server.
        let age = self.clock.wall().saturating_sub(log.time(from)).min(uptime);
        session.reader.rewind(from);
        self.notify_here(id, &texts::history(end - from, age));
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
    ) -> Result<(), String> {
        // Lines that came while the command waited are after it.
        let here = match self.sessions[id].is_ungreeted() {
            true => self.position(id),
            false => self.number_before(id),
        };
        if number > here {
            return Err(texts::not_said_yet(number, here));
        }
        let (lines, gone) = self.begin_resume(id, number);
        self.end_resume(id, &texts::resumed(number, lines, gone));
        Ok(())
    }

    /// Shows a client all that was said since the server started: what it has seen is of
    /// an earlier run.
    pub(in crate::chat) fn resume_restarted(&mut self, id: ClientId) {
        let (lines, _) = self.begin_resume(id, 0);
        self.end_resume(id, &texts::restarted(lines));
    }

    /// The number of the line before a client's next one.
    fn number_before(&self, id: ClientId) -> u64 {
        let session = &self.sessions[id];
        self.rooms[session.room].log.number(session.reader.next()) - 1
    }

    /// Goes back to what was said after line `number`, or to the first line that is still
    /// here; gives how many lines there are, and how many are gone.
    fn begin_resume(&mut self, id: ClientId, number: u64) -> (u64, u64) {
        let next = self.rooms[self.sessions[id].room].log.next();
        self.greet_first(id);
        let session = &mut self.sessions[id];
        let log = &self.rooms[session.room].log;
        let wanted = log.place_after(number);
        let from = wanted.max(log.first());
        session.reader.rewind(from);
        (next.saturating_sub(from), from - wanted)
    }

    fn end_resume(&mut self, id: ClientId, text: &str) {
        self.notify_here(id, text);
        self.flush.push_first(id, &mut self.sessions[id]);
    }
}

/// `/history [LINES]`
pub(in crate::chat) fn history(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let lines = match (rest, rest.parse()) {
        ("", _) => HISTORY_LINES,
        (_, Ok(lines)) if lines > 0 => lines,
        _ => return Err(Problem::Usage),
    };
    chat.greet_first(id);
    let is_first = chat.sessions[id].reader.next() == 0;
    if !chat.show_history(id, lines) && is_first && chat.is_caught_up(id) {
        chat.notify(id, texts::NO_HISTORY);
    }
    Ok(())
}

/// `/resume NUMBER`
pub(in crate::chat) fn resume(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let (number, run) = rest.split_once('@').unwrap_or((rest, &chat.config.run));
    let number = number.parse::<u64>().map_err(|_| Problem::Usage)?;
    if run != chat.config.run {
        chat.resume_restarted(id);
        return Ok(());
    }
    Ok(chat.resume_after(id, number)?)
}

/// `/seq`
pub(in crate::chat) fn seq(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    let newest = chat.position(id);
    chat.notify(id, &texts::seq(newest, &texts::place(newest, &chat.config.run)));
    Ok(())
}
