//! The way between a server and its engine, which can be made bad.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use crate::engine::Engine;
use crate::harness::Dice;

/// What happens to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Fair,
    /// Connections are closed, and new ones too.
    Cut,
    /// Nothing arrives, and nobody is told.
    Frozen,
    /// Replies are lost, and with the first one its connection, later.
    Deaf,
    /// Everything takes this long.
    Slow(Duration),
    /// A few bytes arrive at a time.
    Sliced,
}

/// A proxy on a unix socket.
pub struct Way {
    path: PathBuf,
    shared: Arc<Shared>,
}

struct Shared {
    engine: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    weather: Weather,
    dice: Dice,
    connections: Vec<Arc<Connection>>,
}

/// Both ends of a connection.
struct Connection {
    server: UnixStream,
    engine: UnixStream,
}

/// Where bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToEngine,
    ToServer,
}

impl Way {
    /// The way of a server to an engine.
    pub fn new(engine: &Engine, server: usize, dice: Dice) -> Way {
        let path = engine.path().join(format!("way{server}"));
        let listener = UnixListener::bind(&path).expect("nobody has this path");
        let state = State { weather: Weather::Fair, dice, connections: Vec::new() };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        let shared = Arc::new(Shared { engine: engine.socket().into(), state, changed });
        let accepting = Arc::clone(&shared);
        // It ends with the tests.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                accepting.accept(stream);
            }
        });
        Way { path, shared }
    }

    pub fn url(&self) -> String {
        format!("unix:{}", self.path.display())
    }

    pub fn set(&self, weather: Weather) {
        let mut state = self.shared.state.lock().expect("nobody panics with it");
        let was = std::mem::replace(&mut state.weather, weather);
        // Bytes of a reply are missing after it was deaf.
        if weather == Weather::Cut || was == Weather::Deaf {
            state.connections.drain(..).for_each(|connection| connection.close());
        }
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn accept(self: &Arc<Shared>, server: UnixStream) {
        let Ok(engine) = UnixStream::connect(&self.engine) else { return };
        let connection = Arc::new(Connection { server, engine });
        {
            let mut state = self.state.lock().expect("nobody panics with it");
            if state.weather == Weather::Cut {
                return;
            }
            state.connections.push(Arc::clone(&connection));
        }
        for direction in [Direction::ToEngine, Direction::ToServer] {
            let (shared, connection) = (Arc::clone(self), Arc::clone(&connection));
            thread::spawn(move || shared.carry(&connection, direction));
        }
    }

    /// Carries bytes until one of the ends is closed; then both are.
    fn carry(&self, connection: &Arc<Connection>, direction: Direction) {
        let Connection { server, engine } = &**connection;
        let (mut from, to) = match direction {
            Direction::ToEngine => (server, engine),
            Direction::ToServer => (engine, server),
        };
        let mut bytes = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            if self.deliver(&bytes[..length], to, direction).is_err() {
                break;
            }
        }
        connection.close();
        let mut state = self.state.lock().expect("nobody panics with it");
        state.connections.retain(|other| !Arc::ptr_eq(other, connection));
    }

    fn deliver(&self, bytes: &[u8], mut to: &UnixStream, direction: Direction) -> io::Result<()> {
        let state = self.state.lock().expect("nobody panics with it");
        let frozen = |state: &mut State| state.weather == Weather::Frozen;
        let mut state = self.changed.wait_while(state, frozen).expect("nobody panics with it");
        match state.weather {
            Weather::Deaf if direction == Direction::ToServer => Ok(()),
            Weather::Slow(time) => {
                drop(state);
                thread::sleep(time);
                to.write_all(bytes)
            }
            Weather::Sliced => {
                let pieces = state.dice.cut(bytes, 1..8);
                drop(state);
                pieces.into_iter().try_for_each(|piece| {
                    // The other side reads each by itself, most of the time.
                    thread::yield_now();
                    to.write_all(piece)
                })
            }
            _ => {
                drop(state);
                to.write_all(bytes)
            }
        }
    }
}

impl Connection {
    fn close(&self) {
        for end in [&self.server, &self.engine] {
            // It fails if it has ended.
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}
