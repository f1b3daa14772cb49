//! Connections end.

use std::time::{Duration, Instant};

use log::{debug, info, warn};

use super::{END_TIME_MAX, Server};
use crate::chat::{ClientId, CloseReason, Closing, Logged, Output, Verdict};
use crate::net::connection::Received;

/// A turn is to be shorter than 10 ms in a room of any size, so this leaves the rest to
/// the next turn when it has taken so long.
const REAP_TIME_MAX: Duration = Duration::from_millis(1);

/// How long a connection that is over waits for the client's FIN.
const LINGER_TIME: Duration = Duration::from_secs(1);

/// The same with something encrypted that the kernel hasn't taken: what is left of 64 KiB.
const ENCRYPTED_LINGER_TIME: Duration = Duration::from_secs(5);

impl Server {
    /// Does what the chat wants done. Ends connections: the only place where that
    /// happens.
    pub(super) fn reap(&mut self, now: Instant) {
        let start = Instant::now();
        while start.elapsed() < REAP_TIME_MAX
            && let Some(output) = self.chat.poll_output()
        {
            match output {
                Output::Interest(id) => self.update_interest(id),
                Output::Log(id, logged) => self.log(now, id, &logged),
                Output::Bans(text) => {
                    if let Some(file) = &mut self.bans {
                        file.save(text);
                    }
                }
                Output::Ask(query) => self.ask(query),
                Output::Secret(job) => {
                    let ticket = job.ticket;
                    if !self.secrets.as_ref().is_some_and(|secrets| secrets.ask(job)) {
                        self.chat.handle_verdict(ticket, Verdict::Busy);
                    }
                }
                Output::Watch { room, run, next } => {
                    if let Some(engines) = &self.engines {
                        engines.watch(room, &run, next);
                    }
                }
                Output::Unwatch(room) => {
                    if let Some(engines) = &self.engines {
                        engines.unwatch(room);
                    }
                }
                Output::Closed { id, ending, closing } => self.close(now, id, ending, closing),
            }
        }
        while let Some(&(until, id)) = self.lingering.front()
            && (until <= self.looks.judged() || !self.connections.contains_key(id))
        {
            self.lingering.pop_front();
            self.remove(id);
        }
    }

    pub(super) fn log(&mut self, now: Instant, id: ClientId, logged: &Logged) {
        let peer = self.connections[id].peer;
        match logged {
            Logged::WrongPassword => self.logins.note(now, peer, "wrong password"),
            Logged::WrongOperatorPassword => {
                self.logins.note(now, peer, "wrong operator password");
            }
            Logged::WrongSecret => self.logins.note(now, peer, "wrong secret of a name"),
            // As fast as one client may talk, and operators are few.
            Logged::Operator { name, server: None, what } => {
                info!("operator {name} ({peer}) {what}");
            }
            Logged::Operator { name, server: Some(server), what } => {
                info!("operator {name} (on the server {server}) {what}");
            }
            // A client may make few of them.
            Logged::Report(text) => warn!("{peer}: {text}"),
        }
    }

    pub(super) fn close(
        &mut self,
        now: Instant,
        id: ClientId,
        ending: CloseReason,
        closing: Closing,
    ) {
        let connection = &self.connections[id];
        match ending.is_forced() {
            true => self.journal.note(now, connection.peer, ending.name()),
            false => debug!("{}: {}", connection.peer, ending.name()),
        }
        match closing {
            Closing::Polite => self.linger(now, id),
            Closing::Abrupt => {
                if ending == CloseReason::Stalled {
                    connection.abort();
                }
                self.remove(id);
            }
        }
    }

    /// Says goodbye on the level of TCP, and waits for the client to do so.
    pub(super) fn linger(&mut self, now: Instant, id: ClientId) {
        let is_waiting = self.tls.as_mut().is_some_and(|tls| {
            tls.close(id);
            tls.flush(id, &self.connections[id]).is_ok() && tls.is_waiting(id)
        });
        let connection = &mut self.connections[id];
        let result = if is_waiting { connection.begin_linger(id) } else { connection.linger(id) };
        let time = if is_waiting { ENCRYPTED_LINGER_TIME } else { LINGER_TIME };
        let end = self.stopping.map_or(now + time, |at| (now + time).min(at + END_TIME_MAX));
        match result {
            Ok(()) => self.lingering.push_back((end, id)),
            Err(_) => {
                self.remove(id);
            }
        }
    }

    /// A client whose connection is over has sent something, or takes more of what is
    /// encrypted for it.
    pub(super) fn handle_lingering(&mut self, id: ClientId) {
        let connection = &mut self.connections[id];
        if let Some(tls) = self.tls.as_mut().filter(|tls| tls.is_waiting(id)) {
            let is_sent = match tls.flush(id, connection) {
                Ok(_) => !tls.is_waiting(id),
                Err(_) => return self.remove(id),
            };
            if is_sent && connection.linger(id).is_err() {
                return self.remove(id);
            }
        }
        self.discard(id);
    }

    /// Reads what a lingering client sends; it is over when it closes.
    pub(super) fn discard(&mut self, id: ClientId) {
        match self.connections[id].receive(&mut self.scratch) {
            Received::Bytes(_) | Received::Nothing => {}
            Received::Eof | Received::CutOff | Received::Broken(_) => {
                self.remove(id);
            }
        }
    }

    /// Nothing is left of a connection.
    pub(super) fn remove(&mut self, id: ClientId) {
        self.connections.remove(id);
        if let Some(tls) = &mut self.tls {
            tls.forget(id);
        }
    }
}
