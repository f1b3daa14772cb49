//! A store in memory: it may be slow, full, silent or broken.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use fastrand::Rng;
use roomcast::wire::{
    Answer, Batch, From, Kind, News, Page, Past, Query, Rules, StoreState, Tail, Wish, is_sender,
};

use crate::faults::{Fault, Faults};

/// How long a question is kept open: what the chat waits.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// Small, so that much of the past takes several pages.
const PAGE_LINES: usize = 10;

/// Fewer than a newcomer is shown.
const TAIL_LINES: usize = 4;

#[derive(Default)]
pub struct Store {
    /// By their names. No two of them look alike in the tests.
    pub rooms: BTreeMap<Box<str>, Stored>,
    /// With the times at which they were asked.
    queries: VecDeque<(Instant, Query)>,
    /// It takes nothing for now.
    is_full: bool,
    is_broken: bool,
    /// It has left something without an answer.
    has_failed: bool,
}

#[derive(Default)]
pub struct Stored {
    pub topic: Box<str>,
    pub rules: Rules,
    /// With their numbers; those that it wasn't given, by the number of the first one.
    pub items: Vec<(u64, Past)>,
    pub next: u64,
}

impl Store {
    /// What the weather does to it.
    pub fn misfortune(&mut self, rng: &mut Rng, faults: Faults) {
        if faults.has(Fault::StoreFull) && rng.u8(..8) == 0 {
            self.is_full = rng.bool();
        }
        if faults.has(Fault::StoreBroken) && rng.u8(..8) == 0 {
            self.is_broken = rng.bool();
        }
    }

    /// So much time passes that what was asked is given up.
    pub fn pass_time(&mut self) {
        self.has_failed |= self.is_busy();
    }

    /// Something isn't answered.
    pub fn fail(&mut self) {
        self.has_failed = true;
    }

    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// From now on it can neither read nor write.
    pub fn break_down(&mut self) {
        self.is_broken = true;
    }

    /// The weather is good.
    pub fn mend(&mut self) {
        (self.is_full, self.is_broken) = (false, false);
    }

    pub fn has_place(&self) -> bool {
        !self.is_full
    }

    /// Whether it answers something.
    pub fn is_busy(&self) -> bool {
        !self.queries.is_empty()
    }

    pub fn state(&self) -> StoreState {
        let fault = self.is_broken.then(|| "it is broken".into());
        StoreState { fault, ..StoreState::default() }
    }

    /// Takes what happened. No number is used twice, and none is left out without a word.
    pub fn write(&mut self, batch: &Batch) {
        for (room, news) in batch.iter() {
            let stored = self.rooms.entry(room.name.clone()).or_default();
            match news {
                News::Line(line) => {
                    let is_first = stored.items.is_empty();
                    assert!(line.number >= stored.next, "{line:?} again in {}", room.name);
                    // A room that was opened while nothing was known begins behind all others.
                    let is_whole = is_first || line.number == stored.next;
                    assert!(is_whole || self.has_failed, "{line:?} after a hole");
                    let (number, time, kind) = (line.number, line.time, line.kind);
                    let text = String::from_utf8(line.text.to_vec()).expect("UTF-8").into();
                    let (from, facts) = (line.from.into(), line.facts.into());
                    let line = Past::Line { number, time, kind, from, text, facts };
                    stored.items.push((number, line));
                    stored.next = number + 1;
                }
                News::Lost(first, last) => {
                    let is_first = stored.items.is_empty();
                    let is_whole = is_first || first == stored.next;
                    assert!(is_whole || self.has_failed, "lost {first} after a hole");
                    stored.items.push((first, Past::Lost(last + 1 - first)));
                    stored.next = last + 1;
                }
                News::Topic(topic) => stored.topic = topic.into(),
                News::Run(_) | News::Again(_) => panic!("{news:?} is of several servers"),
                News::Rules(rules) => stored.rules = Rules::parse(rules),
                News::Cleared(first, last) => {
                    let is_left = |(number, past): &(u64, Past)| {
                        matches!(past, Past::Lost(_)) || !(first..=last).contains(number)
                    };
                    stored.items.retain(is_left);
                }
                News::Closed => {}
            }
        }
    }

    /// Whether a line with this text is in one of the rooms.
    pub fn has_line(&self, wanted: &str) -> bool {
        let mut items = self.rooms.values().flat_map(|stored| &stored.items);
        items.any(|(_, past)| matches!(past, Past::Line { text, .. } if **text == *wanted))
    }

    pub fn ask(&mut self, now: Instant, query: Query) {
        self.queries.push_back((now, query));
    }

    /// What was asked so long ago is given up, however the time has passed.
    pub fn be_late(&mut self, now: Instant) {
        let oldest = self.queries.front().map(|(at, _)| *at);
        self.has_failed |= oldest.is_some_and(|at| now >= at + ANSWER_TIME);
    }

    /// An answer, if there is one now.
    pub fn answer(&mut self, rng: &mut Rng, faults: Faults) -> Option<(u64, Answer)> {
        if faults.has(Fault::StoreSlow) && rng.u8(..4) > 0 {
            return None;
        }
        let (_, query) = self.queries.pop_front()?;
        if faults.has(Fault::StoreSilent) && rng.u8(..8) == 0 {
            // It never comes.
            self.has_failed = true;
            return self.answer(rng, faults);
        }
        self.has_failed |= self.is_broken;
        let answer = match &query.wish {
            _ if self.is_broken => Answer::Failed,
            Wish::Tail => Answer::Tail(self.tail(&query.room.name)),
            Wish::Page { from, before } => self.page(&query.room.name, *from, *before),
            Wish::Newest(_) | Wish::Elsewhere { .. } => Answer::Failed,
            Wish::Last { name, before, lines } => {
                self.last(&query.room.name, name, *before, *lines)
            }
            Wish::Search(words) => self.search(&query.room.name, words),
        };
        Some((query.ticket, answer))
    }

    fn tail(&self, name: &str) -> Tail {
        let Some(stored) = self.rooms.get(name) else {
            return Tail { name: name.into(), next: 1, ..Tail::default() };
        };
        let is_line = |item: &&(u64, Past)| matches!(item.1, Past::Line { .. });
        let lines = stored.items.iter().rev().take(TAIL_LINES).take_while(is_line);
        let mut lines: Vec<_> = lines.map(|(_, line)| line.clone()).collect();
        lines.reverse();
        let (topic, rules) = (stored.topic.clone(), stored.rules.clone());
        let (is_known, name, next) = (true, name.into(), stored.next.max(1));
        Tail { is_known, name, next, topic, rules, lines, ..Tail::default() }
    }

    fn page(&self, name: &str, from: From, before: u64) -> Answer {
        let Some(stored) = self.rooms.get(name) else { return Answer::Page(Page::default()) };
        let all: Vec<_> = stored.items.iter().filter(|(number, _)| *number < before).collect();
        let start = match from {
            From::After(after) => all.partition_point(|(number, _)| *number <= after),
            From::Last(lines) => all.len().saturating_sub(lines.try_into().unwrap_or(usize::MAX)),
            From::Since(since) => {
                let is_older =
                    |past: &Past| matches!(past, Past::Line { time, .. } if *time < since);
                all.iter().take_while(|(_, past)| is_older(past)).count()
            }
        };
        let wanted = &all[start..];
        // Of what is missing only what is wanted, and not in memory any more.
        let first = wanted.first().map_or(before, |(number, _)| *number);
        let rest = match from {
            From::After(after) => self.lost_within(name, after + 1, first.min(before)),
            _ => 0,
        };
        let clip = |(number, past): &(u64, Past)| match past {
            Past::Lost(lines) => Past::Lost((*lines).min(before - number)),
            line => line.clone(),
        };
        let items = wanted.iter().take(PAGE_LINES).map(|item| clip(item));
        let items: Vec<_> =
            (rest > 0).then_some(Past::Lost(rest)).into_iter().chain(items).collect();
        let next = wanted.get(PAGE_LINES).map(|(number, _)| number - 1);
        let oldest = all.first().map_or(0, |(number, _)| *number);
        Answer::Page(Page { items, count: wanted.len() as u64, oldest, next })
    }

    /// How many of the lines from `first` on and before `before` are missing for a gap that
    /// begins before.
    fn lost_within(&self, name: &str, first: u64, before: u64) -> u64 {
        let last = |&(number, ref past): &(u64, Past)| match past {
            Past::Lost(lines) if number < first => Some(number + lines),
            _ => None,
        };
        let end = self.rooms[name].items.iter().filter_map(last).max();
        end.map_or(0, |end| end.min(before).saturating_sub(first))
    }

    fn last(&self, room: &str, name: &str, before: u64, lines: usize) -> Answer {
        let is_wanted = |number: u64, past: &Past| match past {
            Past::Line { kind: Kind::Said | Kind::Act, from, .. } => {
                number < before && is_sender(from, name)
            }
            _ => false,
        };
        let items = self.rooms.get(room).into_iter().flat_map(|stored| stored.items.iter().rev());
        let found = items.filter(|(number, past)| is_wanted(*number, past));
        Answer::Found(found.map(|(_, past)| past).take(lines).cloned().collect())
    }

    fn search(&self, name: &str, words: &str) -> Answer {
        let has_all = |past: &Past| match past {
            Past::Line { text, .. } => words.split_whitespace().all(|word| text.contains(word)),
            Past::Lost(_) => false,
        };
        let lines = self.rooms.get(name).into_iter().flat_map(|stored| stored.items.iter().rev());
        Answer::Found(
            lines.map(|(_, past)| past).filter(|past| has_all(past)).take(20).cloned().collect(),
        )
    }
}
