//! A link that delays packets and loses some.
//!
//! The kernel has that too (netem), but not every kernel; and here the losses
//! come from a seed and never make a connection hopeless.

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tappers::Tun;

use super::dice::Dice;
use crate::support::namespace::Namespace;
use crate::support::tool::is_there;

const PACKET_BYTES_MAX: usize = 1 << 16;

/// Packets lost in a row in one direction at most. A connection waits twice as
/// long after each time that a packet or its acknowledgement was lost; with
/// three in a row each way it came to more than ten seconds once in fifty runs.
const LOSSES_MAX: usize = 1;

/// A link between two namespaces, each of which gets an interface `tun0`.
pub struct BadLink {
    losses: Arc<Losses>,
    /// Closed when the link is to go.
    end: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl BadLink {
    /// Whether there can be one; if not, says that a test is skipped.
    pub fn is_possible() -> bool {
        Namespace::is_possible()
            && is_there(Namespace::new().enter(Tun::new).is_ok(), "/dev/net/tun")
    }

    /// A link that loses nothing yet.
    pub fn new(ends: [&Namespace; 2], delay: Duration) -> BadLink {
        let directions = ends.map(|end| Direction::from(end.enter(Tun::new).expect("a tunnel")));
        let losses = Arc::<Losses>::default();
        let (end, ended) = UnixStream::pair().expect("sockets");
        let carrier = Carrier { directions, delay, losses: Arc::clone(&losses), dice: Dice::new() };
        let thread = thread::spawn(move || carrier.run(&ended));
        BadLink { losses, end: Some(end), thread: Some(thread) }
    }

    /// How many packets it has lost.
    pub fn lost(&self) -> usize {
        self.losses.count.load(Ordering::Relaxed)
    }

    /// From now on it loses so many of a hundred packets, in both directions; of
    /// a hundred, all.
    pub fn lose(&self, percent: usize) {
        self.losses.percent.store(percent, Ordering::Relaxed);
    }
}

impl Drop for BadLink {
    fn drop(&mut self) {
        self.end.take();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            assert!(thread::panicking(), "the link is broken");
        }
    }
}

/// Losses that are wanted, and those that have come about.
#[derive(Default)]
struct Losses {
    percent: AtomicUsize,
    count: AtomicUsize,
}

/// What comes in at one end and goes out at the other.
struct Direction {
    from: Tun,
    /// Packets, and when they arrive.
    under_way: VecDeque<(Instant, Vec<u8>)>,
    /// Packets lost since the last one that wasn't.
    losses_in_a_row: usize,
}

struct Carrier {
    directions: [Direction; 2],
    delay: Duration,
    losses: Arc<Losses>,
    dice: Dice,
}

impl From<Tun> for Direction {
    fn from(mut from: Tun) -> Direction {
        from.set_nonblocking(true).expect("a flag");
        Direction { from, under_way: VecDeque::new(), losses_in_a_row: 0 }
    }
}

impl Carrier {
    fn run(mut self, ended: &UnixStream) {
        let mut packet = [0; PACKET_BYTES_MAX];
        while self.wait(ended) {
            let arrival = Instant::now() + self.delay;
            for at in [0, 1] {
                while let Ok(bytes) = self.directions[at].from.recv(&mut packet) {
                    if !self.is_lost(at) {
                        let way = &mut self.directions[at].under_way;
                        way.push_back((arrival, packet[..bytes].to_vec()));
                    }
                }
            }
            self.deliver();
        }
    }

    /// Whether the next packet in this direction is lost.
    fn is_lost(&mut self, direction: usize) -> bool {
        let in_a_row = &mut self.directions[direction].losses_in_a_row;
        let percent = self.losses.percent.load(Ordering::Relaxed);
        let is_hopeless = percent < 100 && *in_a_row >= LOSSES_MAX;
        let is_lost = !is_hopeless && self.dice.below(100) < percent;
        *in_a_row = if is_lost { *in_a_row + 1 } else { 0 };
        self.losses.count.fetch_add(usize::from(is_lost), Ordering::Relaxed);
        is_lost
    }

    /// Waits until there is something to do; false if it is to end.
    fn wait(&self, ended: &UnixStream) -> bool {
        let [first, second] = &self.directions;
        let (first_in, second_in) = (first.from.as_fd(), second.from.as_fd());
        let mut ready = [
            PollFd::new(&first_in, PollFlags::IN),
            PollFd::new(&second_in, PollFlags::IN),
            PollFd::new(ended, PollFlags::IN),
        ];
        let due = self.directions.iter().filter_map(|way| way.under_way.front()).map(|way| way.0);
        let timeout = due.min().map(|due| due.saturating_duration_since(Instant::now()));
        let timeout = timeout.map(|time| Timespec::try_from(time).expect("a short time"));
        match poll(&mut ready, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => ready[2].revents().is_empty(),
            Err(error) => panic!("{error}"),
        }
    }

    fn deliver(&mut self) {
        let now = Instant::now();
        for (from, to) in [(0, 1), (1, 0)] {
            while let Some((_, packet)) =
                self.directions[from].under_way.pop_front_if(|(at, _)| *at <= now)
            {
                // One that its interface doesn't take is lost too.
                let _ = self.directions[to].from.send(&packet);
            }
        }
    }
}
