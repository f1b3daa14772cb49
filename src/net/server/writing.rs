//! What clients are sent is written.

use std::io::{self, IoSlice};
use std::time::{Duration, Instant};

use log::debug;

use super::{Server, is_of_silence};
use crate::chat::{ClientId, Slices};
use crate::net::connection::{Connection, Sent};
use crate::net::delivery::Delivery;
use crate::net::tls::{Side, Tls};

/// A turn is to be shorter than 10 ms in a room of any size, so this leaves the rest to
/// the next turn when it has taken so long.
const FLUSH_TIME_MAX: Duration = Duration::from_millis(5);

/// Writes between two looks at the clock, which cost 1 % of a write each.
const WRITES_A_LOOK: usize = 16;

/// Clients that are written to between two looks at the clock by so many threads each.
const TOGETHER_A_THREAD: usize = 256;

impl Server {
    /// Writes to each client that something can be sent to, once.
    pub(super) fn flush(&mut self, now: Instant) {
        let start = Instant::now();
        let mut writes = 0;
        loop {
            let (written, is_all) =
                match self.crew.is_some() && self.chat.has_transmits(self.together_min) {
                    true => (self.write_together(now), false),
                    false => self.write_some(now),
                };
            writes += written;
            if is_all || start.elapsed() > FLUSH_TIME_MAX {
                break;
            }
        }
        if writes > 0 {
            self.gathering.add_writes(start, Instant::now(), self.chat.is_flushed());
        }
    }

    /// Writes to the next clients one after the other; gives to how many, and whether those
    /// were all.
    fn write_some(&mut self, now: Instant) -> (usize, bool) {
        let written = (0..WRITES_A_LOOK).take_while(|_| self.write_next(now)).count();
        (written, written < WRITES_A_LOOK)
    }

    /// Writes to the next client; false if there is none to write to.
    pub(super) fn write_next(&mut self, now: Instant) -> bool {
        let mut slices = Slices::new();
        let Some(id) = self.chat.poll_transmit(&mut slices) else { return false };
        let result = send(&mut self.tls, id, &mut self.connections[id], &slices);
        drop(slices);
        if let Some(Sent { bytes, has_progress }) = self.judge(id, result) {
            if has_progress {
                // Before it is judged by what it took of this.
                self.chat.handle_progress(now, id);
            }
            self.chat.handle_written(now, id, bytes);
            self.watch_encrypted(id);
        }
        true
    }

    /// Writes to the next clients, on all threads; gives to how many. The log doesn't change
    /// while they write, and what came of it is taken in as if they had been written to one
    /// after the other.
    fn write_together(&mut self, now: Instant) -> usize {
        let Some(crew) = &self.crew else { return 0 };
        let mut clients = Vec::new();
        self.chat.prepare_transmits(TOGETHER_A_THREAD * crew.threads(), &mut clients);
        let (mut slices, mut deliveries) = (Vec::new(), Vec::with_capacity(clients.len()));
        for &id in &clients {
            let mut own = Slices::new();
            let offer = self.chat.offer(id, &mut own);
            let begin = slices.len();
            slices.extend(own);
            let side = self.tls.as_mut().and_then(|tls| tls.lend(id));
            let (writer, result) = (self.connections[id].writer(), Ok(Sent::default()));
            let slices = (begin, slices.len());
            deliveries.push(Delivery { id, offer, slices, writer, side, result });
        }
        crew.work(&mut deliveries, |delivery| delivery.write(&slices));
        let done = deliveries.into_iter().map(|it| (it.id, it.offer, it.side, it.result));
        let mut done: Vec<_> = done.collect();
        for (id, offer, side, result) in &mut done {
            self.connections[*id].is_fresh = false;
            self.take_side(*id, side.take());
            if let Ok(Sent { bytes, .. }) = result {
                self.chat.take_sent(*id, *offer, *bytes);
            }
        }
        for (id, offer, _, result) in done {
            if let Some(Sent { bytes, has_progress }) = self.judge(id, result) {
                if has_progress {
                    self.chat.handle_progress(now, id);
                }
                self.chat.handle_sent(now, id, offer, bytes);
                self.watch_encrypted(id);
            }
        }
        clients.len()
    }

    fn take_side(&mut self, id: ClientId, side: Option<Side>) {
        if let (Some(tls), Some(side)) = (&mut self.tls, side) {
            tls.give_back(id, side);
        }
    }

    /// What was sent to a client, unless nothing reaches it any more.
    fn judge(&mut self, id: ClientId, result: io::Result<Sent>) -> Option<Sent> {
        let error = match result {
            Ok(sent) => return Some(sent),
            Err(error) => error,
        };
        debug!("{}: {error}", self.connections[id].peer);
        self.chat.handle_write_broken(id, is_of_silence(&error));
        None
    }

    /// Waits until what is encrypted for a client can be sent.
    fn watch_encrypted(&mut self, id: ClientId) {
        if self.tls.as_ref().is_some_and(|tls| tls.is_waiting(id)) {
            self.update_interest(id);
        }
    }

    /// Sends what is encrypted for a client already.
    pub(super) fn send_encrypted(&mut self, now: Instant, id: ClientId) {
        let Some(tls) = &mut self.tls else { return };
        match tls.flush(id, &self.connections[id]) {
            Ok(0) => {}
            Ok(_) => self.chat.handle_progress(now, id),
            Err(error) => self.chat.handle_write_broken(id, is_of_silence(&error)),
        }
        self.update_interest(id);
    }

    /// Makes the poller wait for what the chat wants of this client.
    pub(super) fn update_interest(&mut self, id: ClientId) {
        let mut interest = self.chat.interest(id);
        if let Some(tls) = &self.tls {
            // Nothing more can be sent before a handshake is done.
            interest.write &= !tls.is_in_handshake(id);
            interest.write |= tls.is_waiting(id);
        }
        let Some(connection) = self.connections.get_mut(id) else { return };
        if let Err(error) = connection.set_interest(id, interest) {
            debug!("{}: {error}", connection.peer);
            self.chat.handle_reset(id);
        }
    }
}

/// Writes to a client once, whether it speaks TLS or not.
pub(super) fn send(
    tls: &mut Option<Tls>,
    id: ClientId,
    connection: &mut Connection,
    slices: &[IoSlice],
) -> io::Result<Sent> {
    connection.is_fresh = false;
    match tls.as_mut().and_then(|tls| tls.side(id)) {
        Some(side) => side.send(&mut connection.writer(), slices),
        None => Ok(Sent { bytes: connection.writer().send(slices)?, has_progress: false }),
    }
}
