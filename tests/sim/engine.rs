//! An engine that orders what several servers say, in memory. There is one server, so all that
//! comes back is its own; when, is drawn from the seed.

use std::collections::{HashMap, VecDeque};

use fastrand::Rng;
use roomcast::wire::{Answer, Arrival, Batch, News, Query, Shared, StoredLine, Tail, Wish};

use crate::faults::{Fault, Faults};

#[derive(Default)]
pub struct Engine {
    /// The number of the newest line of each room.
    newest: HashMap<Box<str>, u64>,
    /// What has its place and wasn't read.
    ordered: VecDeque<Arrival>,
}

impl Engine {
    /// Gives everything in a batch its place.
    pub fn order(&mut self, batch: &Batch) {
        for (room, news) in batch.iter() {
            let newest = self.newest.entry(room.name.clone()).or_default();
            let (own, what) = match news {
                News::Line(StoredLine { number: count, time, kind, from, text }) => {
                    *newest += 1;
                    let text = String::from_utf8(text.to_vec()).expect("text is UTF-8").into();
                    (Some(count), Shared::Line { time, kind, from: from.into(), text })
                }
                News::Topic(topic) => (Some(0), Shared::Topic(topic.into())),
                News::Lost(..) | News::Closed => panic!("nothing for an engine: {news:?}"),
            };
            let (room, number) = (room.clone(), *newest);
            self.ordered.push_back(Arrival { room, number, own, is_late: false, what });
        }
    }

    /// What is read in this turn.
    pub fn read(&mut self, rng: &mut Rng, faults: Faults) -> Vec<Arrival> {
        let lines = match faults.has(Fault::EngineSlow) {
            true => rng.usize(..=self.ordered.len()),
            false => self.ordered.len(),
        };
        self.ordered.drain(..lines).collect()
    }

    /// Whether something is to be read.
    pub fn is_busy(&self) -> bool {
        !self.ordered.is_empty()
    }

    /// How a room goes on; `None` for what it isn't asked.
    pub fn answer(&self, query: &Query) -> Option<Answer> {
        let newest = self.newest.get(&query.room.name).copied().unwrap_or_default();
        let (name, next, run) = (query.room.name.clone(), newest + 1, Some("r1".into()));
        (query.wish == Wish::Tail)
            .then(|| Answer::Tail(Tail { name, next, run, ..Tail::default() }))
    }
}
