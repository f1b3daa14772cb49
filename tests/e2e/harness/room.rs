//! A room in this process.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use roomcast::chat::{Config, Counts};
use roomcast::net::{Listener, Pulse, Server, Stopper, Threads};
use socket2::SockAddr;

use super::client::PATIENCE;
use super::host::Host;

/// A server with one listener on a free port of 127.0.0.1, whose loop runs on
/// a thread. Dropping it stops it and checks that the loop ended well.
pub struct Room {
    address: SockAddr,
    stopper: Stopper,
    /// Signs of life of the loop.
    pub pulse: Arc<Pulse>,
    thread: Option<JoinHandle<()>>,
    result: Receiver<io::Result<Counts>>,
}

impl Room {
    pub fn open() -> Room {
        Self::with(Config::default())
    }

    pub fn with(config: Config) -> Room {
        let address = "127.0.0.1:0".parse().expect("an address");
        let listeners = Listener::bind(&address).expect("a free port");
        let address = listeners[0].ip_address().expect("it is TCP").into();
        let mut server = Server::new(config, listeners).expect("a poller");
        server.set_threads(threads()).expect("threads");
        let (stopper, pulse) = (server.stopper(), server.pulse());
        let (sender, result) = channel();
        let thread = thread::spawn(move || {
            // Nobody may be waiting, after a failed test.
            let _ = sender.send(server.run());
        });
        Room { address, stopper, pulse, thread: Some(thread), result }
    }

    /// Tells the server to stop, and nothing more.
    pub fn stop(&self) {
        self.stopper.stop();
    }

    /// Stops the server and waits for its end.
    pub fn close(mut self) -> Counts {
        self.stop();
        self.finish()
    }

    fn finish(&mut self) -> Counts {
        let result = self.result.recv_timeout(PATIENCE).expect("the loop ends, and not by a panic");
        self.thread.take().expect("once").join().expect("the thread ends too");
        result.expect("the loop ends well")
    }
}

/// As many as the program would take, and together from the first client on.
fn threads() -> Threads {
    let variable = std::env::var("ROOMCAST_THREADS").unwrap_or_default();
    let count = variable.split('/').next().and_then(|count| count.parse().ok());
    Threads { count: count.unwrap_or(2), clients_min: 1 }
}

impl Host for Room {
    fn address(&self) -> &SockAddr {
        &self.address
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.thread.is_some() && !thread::panicking() {
            self.stop();
            self.finish();
        }
    }
}
