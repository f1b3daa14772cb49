//! What may change while the server runs, handed to the loop by another thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use polling::Poller;

use crate::chat::{Password, Rule};

/// One thing that is from now on as it says. Nobody is disconnected for it.
#[derive(Debug)]
pub enum Renewal {
    /// What newcomers have to type; there was a password before.
    Password(Password),
    /// What makes an operator; there was a password before.
    OperatorPassword(Password),
    /// Which addresses may connect.
    Access(Vec<Rule>),
    /// The file with the bans is to be read again.
    Bans,
}

/// Hands things to the loop of a server.
#[derive(Clone, Debug)]
pub struct Renewer {
    sender: Sender<Renewal>,
    poller: Arc<Poller>,
}

impl Renewer {
    pub(super) fn new(poller: Arc<Poller>) -> (Renewer, Receiver<Renewal>) {
        let (sender, receiver) = channel();
        (Renewer { sender, poller }, receiver)
    }

    /// Hands it over.
    pub fn renew(&self, renewal: Renewal) {
        // The server may be gone, and the process about to end.
        if self.sender.send(renewal).is_ok() {
            let _ = self.poller.notify();
        }
    }
}
