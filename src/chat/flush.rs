//! Who is written to next.

use std::collections::VecDeque;

use crate::chat::ids::ClientId;
use crate::chat::member::{Session, Turn};

/// Clients that may have something to be sent and aren't blocked, each once, the one
/// that has waited longest in front.
#[derive(Debug, Default)]
pub(super) struct FlushQueue {
    clients: VecDeque<ClientId>,
    offer: Offer,
}

/// What the caller is given to write to a client.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offer {
    pub(super) bytes: usize,
    /// It is all there is for that client.
    pub(super) is_all: bool,
}

impl FlushQueue {
    /// Puts a client at the end, unless it is blocked.
    pub fn push(&mut self, id: ClientId, session: &mut Session) {
        if session.turn == Turn::None && !session.blocked {
            session.turn = Turn::Queued;
            self.clients.push_back(id);
        }
    }

    /// Makes a client the next one, unless it is blocked. There is no headroom until
    /// its turn, so it isn't lapped before that wherever it stands.
    pub fn push_first(&mut self, id: ClientId, session: &mut Session) {
        if session.blocked {
            return;
        }
        if std::mem::replace(&mut session.turn, Turn::First) != Turn::None {
            self.clients.retain(|other| *other != id);
        }
        self.clients.push_front(id);
    }

    /// Takes the next client off; its session is still marked as queued.
    pub fn pop(&mut self) -> Option<ClientId> {
        self.clients.pop_front()
    }

    pub fn front(&self) -> Option<ClientId> {
        self.clients.front().copied()
    }

    pub fn len(&self) -> usize {
        self.clients.len()
    }

    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// How often a client is in it.
    pub fn count(&self, id: ClientId) -> usize {
        self.clients.iter().filter(|other| **other == id).count()
    }

    /// What was offered last.
    pub fn offer(&self) -> Offer {
        self.offer
    }

    pub fn set_offer(&mut self, offer: Offer) {
        self.offer = offer;
    }
}
