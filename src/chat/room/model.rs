//! The log and its readers against a naive oracle: a queue for each reader,
//! and every line pushed to all but its author.

use std::collections::VecDeque;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use slotmap::SlotMap;

use crate::chat::ids::ClientId;
use crate::chat::room::cursor::{Reader, Slices};
use crate::chat::room::filter::Filter;
use crate::chat::room::log::{Limits, Line, Log, Seq};
use crate::wire::{Encoding, Ending, Kind, Layout, Message, View};

const READERS: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    /// A reader (or the server, for `READERS`) says a line of this many bytes.
    Say(usize, usize),
    /// A note for one reader.
    Note(usize),
    Encoding(usize, Encoding),
    /// A reader that has taken all is shown so many lines again.
    Rewind(usize, u64),
    /// A reader that has taken all hides who comes and goes, or one reader.
    Filter(usize, bool, Option<usize>),
    /// A reader takes up to so many bytes of one write.
    Take(usize, usize),
    /// Lines are taken out: so many, of which the last one is so many before the newest.
    Clear(u64, u64),
}

/// Steps for a log that loses lines. Hidden lines that are gone count as missed,
/// whatever they were: with them a gap isn't exact.
fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..=READERS, 0..40usize).prop_map(|(who, bytes)| Step::Say(who, bytes)),
        1 => (0..READERS).prop_map(Step::Note),
        1 => (0..READERS, encoding()).prop_map(|(who, encoding)| Step::Encoding(who, encoding)),
        1 => (0..READERS, 0..20u64).prop_map(|(who, lines)| Step::Rewind(who, lines)),
        4 => (0..READERS, prop_oneof![0..30usize, Just(1_000_000)])
            .prop_map(|(who, bytes)| Step::Take(who, bytes)),
    ]
}

fn encoding() -> impl Strategy<Value = Encoding> {
    let layouts = [Layout::Named, Layout::Bare, Layout::Json];
    let endings = [Ending::Lf, Ending::CrLf];
    let layout = prop::sample::select(layouts.to_vec());
    let encoding = (layout, prop::sample::select(endings.to_vec()), any::<bool>());
    encoding.prop_map(|(layout, ending, has_colors)| {
        let view = View { has_colors, ..View::default() };
        Encoding { view, ..Encoding::new(layout, ending) }
    })
}

fn step_or_filter() -> impl Strategy<Value = Step> {
    let filter = (0..READERS, any::<bool>(), prop::option::of(0..READERS));
    prop_oneof![
        8 => step(),
        1 => filter.prop_map(|(who, is_quiet, ignored)| Step::Filter(who, is_quiet, ignored)),
    ]
}

fn step_or_clear() -> impl Strategy<Value = Step> {
    prop_oneof![
        16 => step_or_filter(),
        1 => (0..10u64, 0..6u64).prop_map(|(lines, before)| Step::Clear(lines, before)),
    ]
}

/// Who says lines that aren't the server's.
const NAME: &str = "ann";

/// A line that was said.
struct Said {
    who: usize,
    kind: Kind,
    text: String,
    number: u64,
}

/// What the oracle owes a reader.
#[derive(Debug, PartialEq)]
enum Item {
    Line(String),
    Note(String),
    /// A line that was taken out: a reader gets it if it was on its way already.
    Cleared(String),
}

struct Member {
    id: ClientId,
    reader: Reader,
    owed: VecDeque<Item>,
    is_quiet: bool,
    ignored: Option<usize>,
    /// Lines that a gap has announced and the oracle hasn't dropped.
    to_skip: u64,
    received: String,
}

struct Model {
    log: Log,
    members: Vec<Member>,
    past: Vec<Said>,
    counter: usize,
}

impl Model {
    fn new(limits: Limits) -> Self {
        let mut ids = SlotMap::with_key();
        let mut log = Log::new("room", "", limits);
        let member = |_| Member {
            id: ids.insert(()),
            reader: Reader::new(&mut log, Encoding::PLAIN),
            owed: VecDeque::new(),
            is_quiet: false,
            ignored: None,
            to_skip: 0,
            received: String::new(),
        };
        let members = (0..READERS).map(member).collect();
        Model { log, members, past: Vec::new(), counter: 0 }
    }

    fn run(&mut self, step: Step) {
        self.counter += 1;
        match step {
            Step::Say(who, bytes) => self.say(who, bytes),
            Step::Note(who) => {
                let member = &mut self.members[who];
                let note = format!("note {}", self.counter);
                let note = ended(note, member.reader.newest_encoding());
                member.reader.add_note(&self.log, note.as_bytes());
                member.owed.push_back(Item::Note(note));
            }
            Step::Encoding(who, encoding) => {
                self.members[who].reader.set_encoding(&mut self.log, encoding);
            }
            Step::Rewind(who, lines) => self.rewind(who, lines),
            Step::Filter(who, is_quiet, ignored) => self.filter(who, is_quiet, ignored),
            Step::Take(who, bytes) => {
                self.take(who, bytes);
            }
            Step::Clear(lines, before) => self.clear(lines, before),
        }
    }

    fn clear(&mut self, lines: u64, before: u64) {
        let last = self.log.newest().saturating_sub(before);
        let first = (last + 1).saturating_sub(lines).max(1);
        if first > last {
            return;
        }
        let (from, end) = self.log.places("", first, last);
        let members = self.members.iter();
        let gone: Vec<_> =
            members.map(|it| it.reader.own_in(&self.log, it.id, from, end)).collect();
        let cleared = self.log.clear("", first, last);
        let taken: Vec<_> = self.past.drain(from as usize..end as usize).collect();
        for said in &taken {
            for member in &mut self.members {
                for item in &mut member.owed {
                    let is_it = |line: &str| line.contains(&format!("{} ", said.mark()));
                    if let Item::Line(line) = item
                        && is_it(line)
                    {
                        *item = Item::Cleared(std::mem::take(line));
                    }
                }
            }
        }
        // Lines before them have moved up.
        let nothing = || Said { who: READERS, kind: Kind::Said, text: String::new(), number: 0 };
        self.past.splice(0..0, taken.iter().map(|_| nothing()));
        for (member, gone) in self.members.iter_mut().zip(gone) {
            if member.reader.next() < end {
                member.reader.move_past(&self.log, member.id, cleared, gone);
            }
        }
    }

    fn say(&mut self, who: usize, bytes: usize) {
        let text = format!("line {} {}", self.counter, "x".repeat(bytes));
        let author = self.members.get(who).map_or(ClientId::default(), |member| member.id);
        let kind = if who == READERS { Kind::Presence } else { Kind::Said };
        let from = if who == READERS { "" } else { NAME };
        let line = Line { author, kind, time: 0, from, text: text.as_bytes(), facts: "" };
        let seq = self.log.append(&line);
        let number = self.log.number(seq);
        self.past.push(Said { who, kind, text, number });
        for at in 0..READERS {
            if at == who {
                self.members[at].reader.add_own(&mut self.log, seq);
            } else {
                self.owe(at, seq);
            }
        }
    }

    /// A line is for a reader, as its encoding and filter are now.
    fn owe(&mut self, at: usize, seq: Seq) {
        let said = &self.past[seq as usize];
        let member = &mut self.members[at];
        if !member.hides(said) {
            let line = said.encode(member.reader.newest_encoding());
            member.owed.push_back(Item::Line(line));
        }
    }

    fn rewind(&mut self, who: usize, lines: u64) {
        self.take_all(who);
        let reader = &mut self.members[who].reader;
        assert!(reader.is_caught_up(&self.log));
        let from = reader.next().saturating_sub(lines).max(self.log.first());
        reader.rewind(from);
        (from..self.log.next()).for_each(|seq| self.owe(who, seq));
    }

    fn filter(&mut self, who: usize, is_quiet: bool, ignored: Option<usize>) {
        self.take_all(who);
        let ids = ignored.map(|other| self.members[other].id).into_iter().collect();
        let member = &mut self.members[who];
        (member.is_quiet, member.ignored) = (is_quiet, ignored);
        member
            .reader
            .set_filter(|filter| *filter = Filter { is_quiet, ignored: ids, own_news: None });
    }

    fn take_all(&mut self, who: usize) {
        while self.take(who, usize::MAX) > 0 {}
    }

    /// One write of which the kernel takes at most `bytes`; gives what it took.
    fn take(&mut self, who: usize, bytes: usize) -> usize {
        let member = &mut self.members[who];
        let gap = |lines, encoding| ended(format!("gap {lines}"), encoding).into_bytes();
        member.reader.skip_gap(&self.log, member.id, gap);
        member.reader.encode_ahead(&self.log, NAME);
        let mut slices = Slices::new();
        let (offered, is_all) = member.reader.collect(&self.log, &mut slices);
        let stream: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        drop(slices);
        assert_eq!(stream.len(), offered);
        assert_eq!(offered == 0, member.reader.is_done(&self.log));
        let taken = bytes.min(offered);
        member.reader.advance(&self.log, taken);
        assert_eq!(taken == offered && is_all, member.reader.is_done(&self.log));
        member.receive(std::str::from_utf8(&stream[..taken]).expect("ASCII"));
        taken
    }

    /// Everyone takes all that is left, and nothing is owed then.
    fn finish(&mut self) {
        for who in 0..READERS {
            self.take_all(who);
            let member = &mut self.members[who];
            assert_eq!(member.received, "", "the last line is whole");
            assert_eq!(member.reader.note_bytes(), 0);
            member.skip();
            member.owed.retain(|item| !matches!(item, Item::Cleared(_)));
            assert_eq!(member.owed, [], "owed in the end");
            assert_eq!(member.to_skip, 0);
        }
    }
}

impl Said {
    /// What its text begins with, and no other one.
    fn mark(&self) -> &str {
        let end = self.text.rfind(' ').unwrap_or_default();
        &self.text[..end]
    }

    fn encode(&self, encoding: Encoding) -> String {
        let text = &self.text;
        let is_said = self.kind == Kind::Said;
        if !encoding.view().is_plain() {
            let (zone, kind, text) = (&TimeZone::UTC, self.kind, text.as_bytes());
            let (from, reader) = (if is_said { NAME } else { "" }, NAME);
            let (number, time, room, run, to) = (None, 0, "", "", "");
            let (facts, answered) = ("", None);
            #[rustfmt::skip]
            let message =
                Message { number, time, zone, room, run, kind, from, to, reader, text, facts, answered };
            let mut bytes = Vec::new();
            encoding.encode(&message, &mut bytes);
            return String::from_utf8(bytes).expect("UTF-8");
        }
        let line = match encoding.layout {
            Layout::Named if is_said => format!("<{NAME}> {text}"),
            Layout::Named | Layout::Bare if !is_said => format!("*** {text}"),
            Layout::Json => {
                let (from, kind) = if is_said { (Some(NAME), "said") } else { (None, "presence") };
                let from = from.map_or("null".into(), |name| format!("\"{name}\""));
                format!(
                    "{{\"seq\":{},\"time\":\"1970-01-01T00:00:00Z\",\"room\":\"room\",\
                     \"from\":{from},\"kind\":\"{kind}\",\"text\":\"{text}\",\"run\":\"\",\"to\":null}}",
                    self.number
                )
            }
            _ => text.clone(),
        };
        ended(line, encoding)
    }
}

fn ended(line: String, encoding: Encoding) -> String {
    line + std::str::from_utf8(encoding.ending.bytes()).expect("ASCII")
}

impl Member {
    fn hides(&self, said: &Said) -> bool {
        (self.is_quiet && said.kind == Kind::Presence) || self.ignored == Some(said.who)
    }

    fn receive(&mut self, bytes: &str) {
        self.received += bytes;
        while let Some(end) = self.received.find('\n') {
            let line: String = self.received.drain(..=end).collect();
            if let Some(lines) = line.strip_prefix("gap ") {
                self.skip();
                assert_eq!(self.to_skip, 0);
                self.to_skip = lines.trim_end().parse().expect("a count");
                assert!(self.to_skip > 0);
                continue;
            }
            self.skip();
            while self
                .owed
                .front()
                .is_some_and(|it| matches!(it, Item::Cleared(gone) if *gone != line))
            {
                self.owed.pop_front();
            }
            let (Item::Line(owed) | Item::Note(owed) | Item::Cleared(owed)) =
                self.owed.pop_front().expect("nothing more than what is owed");
            assert_eq!(line, owed);
        }
    }

    /// Drops the lines that a gap has announced, up to the next note.
    fn skip(&mut self) {
        while self.to_skip > 0 && matches!(self.owed.front(), Some(Item::Line(_))) {
            self.owed.pop_front();
            self.to_skip -= 1;
        }
    }
}

fn run(limits: Limits, script: Vec<Step>) {
    let mut model = Model::new(limits);
    for step in script {
        model.run(step);
        let (first, next) = (model.log.first(), model.log.next());
        assert!(next - first <= limits.records_max as u64);
        assert!(model.log.bytes_from(first) <= limits.bytes_max);
        model.log.assert_limits();
    }
    model.finish();
}

proptest! {
    #![proptest_config(crate::property_tests())]

    #[test]
    fn readers_get_what_a_queue_each_would_give(
        script in prop::collection::vec(step_or_filter(), 0..300),
    ) {
        run(Limits { bytes_max: 1 << 20, records_max: 1 << 10 }, script);
    }

    #[test]
    fn lines_that_are_taken_out_change_nothing_else(
        script in prop::collection::vec(step_or_clear(), 0..300),
    ) {
        run(Limits { bytes_max: 1 << 20, records_max: 1 << 10 }, script);
    }

    #[test]
    fn a_short_log_differs_only_at_declared_gaps(script in prop::collection::vec(step(), 0..300)) {
        run(Limits { bytes_max: 600, records_max: 1 << 10 }, script);
    }

    #[test]
    fn a_log_of_few_records_differs_only_at_declared_gaps(
        script in prop::collection::vec(step(), 0..300),
        records_max in 1..40usize,
    ) {
        run(Limits { bytes_max: 1 << 20, records_max }, script);
    }
}

#[test]
fn many_gaps_of_own_lines_need_several_writes() {
    let mut model = Model::new(Limits { bytes_max: 1 << 20, records_max: 1 << 10 });
    for _ in 0..200 {
        model.run(Step::Say(0, 3));
        model.run(Step::Say(1, 3));
    }
    model.finish();
}
