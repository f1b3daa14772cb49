//! A socket that the poller watches, and the one place with `unsafe` code.

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
}

impl Registered {
    /// Watches `socket` in level mode; its events carry `key`.
    pub fn new(
        poller: &Arc<Poller>,
        socket: Socket,
        key: usize,
        interest: Interest,
    ) -> io::Result<Self> {
        // SAFETY: the source must be deleted from the poller before it is
        // dropped. `Registered` owns the socket, gives only a reference to it
        // away, and `drop` deletes it.
        #[allow(unsafe_code)]
        unsafe {
            poller.add_with_mode(&socket, event(key, interest), PollMode::Level)?;
        }
        Ok(Registered { socket, poller: Arc::clone(poller), interest })
    }

    /// What the poller waits for.
    pub fn interest(&self) -> Interest {
        self.interest
    }

    /// Changes what the poller waits for; `key` is the one that the events
    /// carry. It isn't kept, because whoever asks knows it.
    pub fn set_interest(&mut self, key: usize, interest: Interest) -> io::Result<()> {
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
