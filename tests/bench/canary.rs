//! How long a server keeps one client waiting while it is busy with others: a request now and then
//! that is answered to its sender alone. The longest wait bounds a turn of the server's loop.

use std::io;
use std::time::Duration;

use crate::clock;
use crate::crowd::Crowd;
use crate::latency::Histogram;

/// Who asks.
pub const MEMBER: usize = 0;
const PERIOD: Duration = Duration::from_millis(5);

#[derive(Default)]
pub struct Canary {
    asked: u32,
    /// The question that hasn't been answered, and when it was asked.
    open: Option<(String, u64)>,
    next_ns: u64,
    pub waits: Histogram,
}

impl Canary {
    /// Asks if it is time and the last question has been answered.
    pub fn sing(&mut self, crowd: &mut Crowd) -> io::Result<()> {
        if self.open.is_some() || clock::now_ns() < self.next_ns {
            return Ok(());
        }
        self.asked += 1;
        let token = format!("canary{}", self.asked);
        let Some(request) = crowd.protocol.ping(&token) else {
            return Ok(());
        };
        let now_ns = clock::now_ns();
        self.next_ns = now_ns + clock::to_ns(PERIOD);
        self.open = Some((token, now_ns));
        crowd.ask(MEMBER, &request)
    }

    /// Until it wants to ask again.
    pub fn until_next(&self) -> Duration {
        match self.open {
            Some(_) => PERIOD,
            None => clock::until(self.next_ns).max(Duration::from_micros(100)),
        }
    }

    pub fn hear(&mut self, line: &[u8], now_ns: u64) {
        let answers =
            |(token, _): &(String, u64)| memchr::memmem::find(line, token.as_bytes()).is_some();
        if let Some((_, asked_ns)) = self.open.take_if(|open| answers(open)) {
            self.waits.add(now_ns.saturating_sub(asked_ns));
        }
    }

    /// A question that was never answered has waited until now.
    pub fn finish(&mut self) {
        if let Some((_, asked_ns)) = self.open.take() {
            self.waits.add(clock::now_ns().saturating_sub(asked_ns));
        }
    }
}
