//! The clients: all their connections, one poller, and counts of what each has received.
//!
//! One thread drives them, so what it does for a received byte is little: newlines are counted. Only
//! for those members that *listen* are lines taken apart and handed on.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use memchr::memchr_iter;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use crate::clock;
use crate::connection::{Connection, Pockets};
use crate::protocol::Protocol;
use crate::secured::Security;

const EVENTS_A_TURN_MAX: usize = 1024;
const READ_BYTES_MAX: usize = 256 * 1024;

/// Gets the lines that arrive at members that listen.
pub trait Ear {
    /// `line` has no line end; `now_ns` is when it was read.
    fn line(&mut self, member: usize, line: &[u8], now_ns: u64);
}

/// For when nobody wants to know.
pub struct Deaf;

impl Ear for Deaf {
    fn line(&mut self, _member: usize, _line: &[u8], _now_ns: u64) {}
}

/// Everybody in the room. Members are numbered in the order in which they connected.
pub struct Crowd {
    epoll: OwnedFd,
    /// Members come to them in turns.
    servers: Vec<SocketAddr>,
    security: Security,
    pub protocol: &'static dyn Protocol,
    members: Vec<Member>,
    events: Vec<epoll::Event>,
    buffer: Box<[u8]>,
    newlines: u64,
    last_read_ns: u64,
    /// Members whose connection the server has ended.
    closed: usize,
}

struct Member {
    main: Connection,
    /// Only where the protocol wants one for speaking.
    voice: Option<Connection>,
    /// The start of a line whose end hasn't come yet; `None` if the member only counts.
    partial: Option<Vec<u8>>,
    newlines: u64,
}

impl Crowd {
    pub fn new(
        servers: Vec<SocketAddr>,
        security: Security,
        protocol: &'static dyn Protocol,
    ) -> io::Result<Crowd> {
        Ok(Crowd {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            servers,
            security,
            protocol,
            members: Vec::new(),
            events: Vec::with_capacity(EVENTS_A_TURN_MAX),
            buffer: vec![0; READ_BYTES_MAX].into_boxed_slice(),
            newlines: 0,
            last_read_ns: clock::now_ns(),
            closed: 0,
        })
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    pub fn servers(&self) -> usize {
        self.servers.len()
    }

    /// Newlines that all members have received since `start_counting`.
    pub fn newlines(&self) -> u64 {
        self.newlines
    }

    pub fn newlines_of(&self, member: usize) -> u64 {
        self.members[member].newlines
    }

    pub fn closed(&self) -> usize {
        self.closed
    }

    /// How long nobody has received anything.
    pub fn quiet(&self) -> Duration {
        Duration::from_nanos(clock::now_ns().saturating_sub(self.last_read_ns))
    }

    pub fn last_read_ns(&self) -> u64 {
        self.last_read_ns
    }

    /// Connects one more member, which listens, and says what a newcomer says.
    pub fn connect(&mut self, pockets: Pockets) -> io::Result<()> {
        let number = self.members.len();
        let key = main_key(number);
        let server = self.server_of(number);
        let mut main = Connection::open(&self.epoll, key, server, self.security, pockets)?;
        main.send(&self.epoll, &self.protocol.join(number))?;
        self.members.push(Member { main, voice: None, partial: Some(Vec::new()), newlines: 0 });
        Ok(())
    }

    /// From here on `member` can speak.
    pub fn give_voice(&mut self, member: usize) -> io::Result<()> {
        let server = self.server_of(member);
        let voice = &mut self.members[member].voice;
        if self.protocol.speaks_apart() && voice.is_none() {
            *voice = Some(Connection::open(
                &self.epoll,
                voice_key(member),
                server,
                self.security,
                Pockets::Large,
            )?);
        }
        Ok(())
    }

    fn server_of(&self, member: usize) -> SocketAddr {
        self.servers[member % self.servers.len()]
    }

    /// The member stays connected and never reads again.
    pub fn stop_reading(&mut self, member: usize) -> io::Result<()> {
        self.members[member].main.ignore(&self.epoll)
    }

    /// The member reads nothing by itself any more; the kernel notes when something arrives for it.
    pub fn stamp(&mut self, member: usize) -> io::Result<()> {
        self.stop_reading(member)?;
        self.members[member].main.stamp()
    }

    /// What has arrived for such a member, at most a buffer full, and the time of day when the last
    /// of it did; `None` when nothing has.
    pub fn read_stamped(&mut self, member: usize) -> io::Result<Option<(&[u8], Duration)>> {
        self.members[member].main.read_stamped(&mut self.buffer)
    }

    /// The last members to come leave, until `left` are left.
    pub fn shrink(&mut self, left: usize) {
        self.members.truncate(left);
    }

    /// Sets all counts to zero. From here on only `listeners` listen.
    pub fn start_counting(&mut self, listeners: &[usize]) {
        self.newlines = 0;
        for member in &mut self.members {
            member.newlines = 0;
            member.partial = None;
        }
        for &listener in listeners {
            self.members[listener].partial = Some(Vec::new());
        }
    }

    /// Sends `bytes`, which are lines as [`Protocol::say`] makes them.
    pub fn say(&mut self, member: usize, bytes: &[u8]) -> io::Result<()> {
        let Member { main, voice, .. } = &mut self.members[member];
        voice.as_mut().unwrap_or(main).send(&self.epoll, bytes)
    }

    /// Sends `request` where the answer to it will be heard.
    pub fn ask(&mut self, member: usize, request: &[u8]) -> io::Result<()> {
        self.members[member].main.send(&self.epoll, request)
    }

    /// Whether the kernel hasn't taken all yet that the member said.
    pub fn is_speaking(&self, member: usize) -> bool {
        let Member { main, voice, .. } = &self.members[member];
        voice.as_ref().unwrap_or(main).has_unsent()
    }

    /// Waits until something can be read or written, at most `timeout`, and does it.
    pub fn turn(&mut self, timeout: Duration, ear: &mut dyn Ear) -> io::Result<()> {
        let timeout = Timespec {
            tv_sec: timeout.as_secs() as i64,
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for at in 0..self.events.len() {
            let epoll::Event { flags, data } = self.events[at];
            if flags.contains(epoll::EventFlags::OUT) {
                self.flush(data.u64())?;
            }
            if flags
                .intersects(epoll::EventFlags::IN | epoll::EventFlags::HUP | epoll::EventFlags::ERR)
            {
                self.read(data.u64(), ear)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, key: u64) -> io::Result<()> {
        let member = &mut self.members[member_of(key)];
        match &mut member.voice {
            Some(voice) if key == voice_key(member_of(key)) => voice.flush(&self.epoll),
            _ => member.main.flush(&self.epoll),
        }
    }

    fn read(&mut self, key: u64, ear: &mut dyn Ear) -> io::Result<()> {
        let number = member_of(key);
        let member = &mut self.members[number];
        if key == voice_key(number) {
            // Only receipts come here.
            if let Some(voice) = &mut member.voice {
                voice.read(&self.epoll, &mut self.buffer)?;
            }
            return Ok(());
        }
        let bytes = member.main.read(&self.epoll, &mut self.buffer)?;
        if bytes.is_empty() {
            self.closed += usize::from(!member.main.is_open());
            return Ok(());
        }
        self.last_read_ns = clock::now_ns();
        let newlines = memchr_iter(self.protocol.line_end(), bytes).count() as u64;
        member.newlines += newlines;
        self.newlines += newlines;
        if let Some(partial) = &mut member.partial {
            let protocol = self.protocol;
            take_apart(protocol.line_end(), bytes, partial, |line| {
                ear.line(number, protocol.text(line), self.last_read_ns);
            });
        }
        Ok(())
    }
}

fn main_key(member: usize) -> u64 {
    member as u64 * 2
}

fn voice_key(member: usize) -> u64 {
    member as u64 * 2 + 1
}

fn member_of(key: u64) -> usize {
    (key / 2) as usize
}

/// Calls `each` for every line that ends in `bytes`; keeps the rest in `partial` for the next time.
fn take_apart(line_end: u8, mut bytes: &[u8], partial: &mut Vec<u8>, mut each: impl FnMut(&[u8])) {
    while let Some(end) = memchr::memchr(line_end, bytes) {
        let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
        if partial.is_empty() {
            each(line.strip_suffix(b"\r").unwrap_or(line));
        } else {
            partial.extend_from_slice(line);
            each(partial.strip_suffix(b"\r").unwrap_or(partial));
            partial.clear();
        }
        bytes = rest;
    }
    partial.extend_from_slice(bytes);
}
