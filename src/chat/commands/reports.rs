//! What users tell operators, and what operators did.

use crate::chat::commands::operators::split_word;
use crate::chat::commands::{Outcome, Problem};
use crate::chat::ids::ClientId;
use crate::chat::linking::people::nick_of;
use crate::chat::moderation::reports::WHY_BYTES_MAX;
use crate::chat::names::nick::Nick;
use crate::chat::state::{Chat, Logged, Output};
use crate::chat::texts;
use crate::wire::{Dispatch, SharedReport, Text};

impl Chat {
    /// Shows an operator what was reported while there was none.
    pub(in crate::chat) fn show_waiting_reports(&mut self, id: ClientId) {
        let reports = self.moderation.reports.take_unseen();
        if reports.is_empty() {
            return;
        }
        self.notify(id, &texts::reports_waiting(reports.len()));
        for report in &reports {
            self.notify(id, &texts::report_then(report, &self.config.zone));
        }
    }

    /// Tells the operators here of a report, and keeps it. Gives whether there are some, here or on
    /// other servers.
    fn add_report(&mut self, report: SharedReport) -> bool {
        let is_seen_elsewhere = self.directory.everybody().any(|(_, remote)| remote.is_operator);
        let is_seen = !self.operators().is_empty() || is_seen_elsewhere;
        self.tell_operators(&texts::report(&report));
        self.moderation.reports.add(report, is_seen);
        is_seen
    }

    /// A user of another server has reported somebody.
    pub(in crate::chat) fn receive_report(&mut self, report: &SharedReport) {
        // Whoever can write to the engine may have sent it.
        let clean = |text: &str, bytes_max: usize| {
            let text = &text[..text.floor_char_boundary(bytes_max)];
            Text::clean(text.as_bytes()).as_str().into()
        };
        let (Some(by), Some(about)) =
            (Nick::parse_shown(&report.by), Nick::parse_shown(&report.about))
        else {
            return;
        };
        self.add_report(SharedReport {
            time: report.time,
            by: by.as_str().into(),
            about: about.as_str().into(),
            room: clean(&report.room, WHY_BYTES_MAX),
            why: clean(&report.why, WHY_BYTES_MAX),
        });
    }
}

/// `/report NAME WHY`
pub(in crate::chat) fn report(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let (name, why) = split_word(rest);
    if why.is_empty() {
        return Err(Problem::Usage);
    }
    if chat.config.operator_password.is_none() {
        return Err(texts::NO_OPERATORS.into());
    }
    if why.len() > WHY_BYTES_MAX {
        return Err(texts::reason_too_long(WHY_BYTES_MAX).into());
    }
    // It may be about somebody who has left.
    let about = match chat.find_client(name) {
        Ok(other) => nick_of(&chat.sessions, &chat.directory)(other).text(),
        Err(problem) => Nick::parse(name).map_err(|_| problem)?.text(),
    };
    let from = chat.admission.network(chat.sessions[id].origin);
    let paid = chat.moderation.reports.pay(chat.clock.now(), id, from);
    paid.map_err(texts::too_many_reports)?;
    let report = SharedReport {
        time: chat.clock.wall(),
        by: chat.sessions[id].nick.as_str().into(),
        about: about.as_str().into(),
        room: chat.rooms[chat.sessions[id].room].name.as_str().into(),
        why: why.into(),
    };
    chat.outputs.push_back(Output::Log(id, Logged::Report(texts::report(&report).text)));
    if chat.config.is_shared {
        chat.directory.dispatch(Dispatch::Report(report.clone()));
    }
    let is_seen = chat.add_report(report);
    chat.notify(id, if is_seen { texts::REPORTED } else { texts::REPORTED_LATER });
    Ok(())
}

/// `/reports`
pub(in crate::chat) fn reports(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    let reports = chat.moderation.reports.iter();
    let lines: Vec<_> =
        reports.map(|report| texts::report_then(report, &chat.config.zone)).collect();
    chat.notify(id, &texts::reports(lines.len()));
    lines.iter().for_each(|line| chat.notify(id, line));
    Ok(())
}

/// `/actions`
pub(in crate::chat) fn actions(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    let actions = chat.moderation.actions.iter();
    let lines: Vec<_> =
        actions.map(|(time, what)| texts::action(time, what, &chat.config.zone)).collect();
    chat.notify(id, &texts::actions(lines.len()));
    lines.iter().for_each(|line| chat.notify(id, line));
    Ok(())
}
