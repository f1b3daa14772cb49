//! A socket that the poller watches, and one of the two places with `unsafe` code
//! (the other is `src/signals.rs`).

use std::io;
use std::ops::Deref;
use std::sync::Arc;

use polling::{Event, PollMode, Poller};
use socket2::Socket;

use crate::chat::Interest;

/// A socket and its registration, which ends before the socket does.
#[derive(Debug)]
pub(super) struct Registered {
    socket: Socket,
    poller: Arc<Poller>,
    interest: Interest,
    is_watched: bool,
}

const NOTHING: Interest = Interest { read: false, write: false };

impl Registered {
    /// Watches `socket` in level mode; its events carry `key`.
    ///
    /// # Errors
    /// As the system says, with the socket, which isn't watched then.
    pub fn new(
        poller: &Arc<Poller>,
        socket: Socket,
        key: usize,
        interest: Interest,
    ) -> Result<Self, (io::Error, Self)> {
        let mut registered =
            Registered { socket, poller: Arc::clone(poller), interest: NOTHING, is_watched: false };
        match registered.watch(key, interest) {
            Ok(()) => Ok(registered),
            Err(error) => Err((error, registered)),
        }
    }

    fn watch(&mut self, key: usize, interest: Interest) -> io::Result<()> {
        // SAFETY: the source must be deleted from the poller before it is
        // dropped. `Registered` owns the socket, gives only a reference to it
        // away, and `drop` deletes it.
        #[allow(unsafe_code)]
        unsafe {
            self.poller.add_with_mode(&self.socket, event(key, interest), PollMode::Level)?;
        }
        self.is_watched = true;
        self.interest = interest;
        Ok(())
    }

    /// Ends the watch until `set_interest` asks for something: what is wrong with
    /// a socket is reported else even if nothing is asked for.
    pub fn unwatch(&mut self) -> io::Result<()> {
        self.is_watched = false;
        self.interest = NOTHING;
        self.poller.delete(&self.socket)
    }

    /// What the poller waits for.
    pub fn interest(&self) -> Interest {
        self.interest
    }

    /// Changes what the poller waits for; `key` is the one that the events
    /// carry. It isn't kept, because whoever asks knows it.
    pub fn set_interest(&mut self, key: usize, interest: Interest) -> io::Result<()> {
        if !self.is_watched {
            return if interest == NOTHING { Ok(()) } else { self.watch(key, interest) };
        }
        if interest != self.interest {
            self.poller.modify_with_mode(&self.socket, event(key, interest), PollMode::Level)?;
            self.interest = interest;
        }
        Ok(())
    }
}

impl Deref for Registered {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.socket
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // It fails only for a source that isn't registered.
        let _ = self.poller.delete(&self.socket);
    }
}

fn event(key: usize, interest: Interest) -> Event {
    Event::new(key, interest.read, interest.write)
}
