//! The floor: a bare recv-then-send loop. No framing, no queue, no names: whatever one `recv` gives
//! goes to every other client with one plain `send` each. What a real server costs beyond this is
//! what its features cost; what it costs less is what sharing a `send` between lines gives.
//!
//! A `send` that would block is not tried again: those bytes are lost for that client, and the
//! benchmark's counts show it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use polling::{Event, Events, PollMode, Poller};
use socket2::{Domain, Socket, Type};

use crate::machine::{BufferLimit, grants_buffer};

const READ_BYTES_MAX: usize = 64 * 1024;
const ACCEPTS_A_TURN_MAX: usize = 256;
const BACKLOG_CONNECTIONS: i32 = 1024;
/// Enough for everything that the loads leave outstanding.
const SEND_BUFFER_BYTES: usize = 2 * 1024 * 1024;
const RECEIVE_BUFFER_BYTES: usize = 1024 * 1024;

const LISTENER_KEY: usize = usize::MAX - 1;

/// Serves until it is killed.
pub fn serve() -> io::Result<()> {
    let listener = listen()?;
    println!("listening on {}", listener.local_addr()?);
    let poller = Poller::new()?;
    // SAFETY: the listener lives as long as the poller: both end with this function.
    unsafe { poller.add_with_mode(&listener, Event::readable(LISTENER_KEY), PollMode::Level)? };
    let mut room = Room { poller, clients: Vec::new(), buffer: vec![0; READ_BYTES_MAX] };
    let mut events = Events::new();
    loop {
        events.clear();
        room.poller.wait(&mut events, None)?;
        for event in events.iter() {
            match event.key {
                LISTENER_KEY => room.accept(&listener)?,
                client => room.relay(client)?,
            }
        }
    }
}

struct Room {
    poller: Poller,
    /// A client's place is its key. Places are not used again: a load has no more joins than fit.
    clients: Vec<Option<TcpStream>>,
    buffer: Vec<u8>,
}

impl Room {
    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        for _ in 0..ACCEPTS_A_TURN_MAX {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let key = self.clients.len();
            // SAFETY: `leave` deletes the source before it is dropped.
            unsafe { self.poller.add_with_mode(&stream, Event::readable(key), PollMode::Level)? };
            self.clients.push(Some(stream));
        }
        Ok(())
    }

    fn relay(&mut self, from: usize) -> io::Result<()> {
        let Some(Some(mut sender)) = self.clients.get(from).map(Option::as_ref) else {
            return Ok(());
        };
        let bytes = match sender.read(&mut self.buffer) {
            Ok(0) => return self.leave(from),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(_) => return self.leave(from),
        };
        for (to, client) in self.clients.iter().enumerate() {
            if let Some(mut client) = client.as_ref().filter(|_| to != from) {
                // Lost if it would block; a dead peer is found when it is read.
                let _ = client.write(&self.buffer[..bytes]);
            }
        }
        Ok(())
    }

    fn leave(&mut self, client: usize) -> io::Result<()> {
        match self.clients[client].take() {
            Some(stream) => self.poller.delete(&stream),
            None => Ok(()),
        }
    }
}

/// The options set here are inherited by every accepted socket.
fn listen() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    if grants_buffer(BufferLimit::Send, SEND_BUFFER_BYTES) {
        socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    }
    if grants_buffer(BufferLimit::Receive, RECEIVE_BUFFER_BYTES) {
        socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
    }
    socket.listen(BACKLOG_CONNECTIONS)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
