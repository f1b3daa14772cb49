//! The log and its readers against a naive oracle: a queue for each reader,
//! and every line pushed to all but its author.

use std::collections::VecDeque;

use proptest::prelude::*;
use slotmap::SlotMap;

use super::ClientId;
use super::log::{Kind, Limits, Line, Log};
use super::reader::{Reader, Slices};
use crate::wire::Format;

const READERS: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    /// A reader (or the server, for `READERS`) says a line of this many bytes.
    Say(usize, usize),
    /// A note for one reader.
    Note(usize),
    Format(usize, Format),
    /// A reader takes up to so many bytes of one write.
    Take(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..=READERS, 0..40usize).prop_map(|(who, bytes)| Step::Say(who, bytes)),
        1 => (0..READERS).prop_map(Step::Note),
        1 => (0..READERS, prop_oneof![Just(Format::Lf), Just(Format::CrLf)])
            .prop_map(|(who, format)| Step::Format(who, format)),
        4 => (0..READERS, prop_oneof![0..30usize, Just(1_000_000)])
            .prop_map(|(who, bytes)| Step::Take(who, bytes)),
    ]
}

/// What the oracle owes a reader.
#[derive(Debug, PartialEq)]
enum Item {
    Line(String),
    Note(String),
}

struct Member {
    id: ClientId,
    reader: Reader,
    owed: VecDeque<Item>,
    /// Lines that a gap has announced and the oracle hasn't dropped.
    to_skip: u64,
    received: String,
}

struct Model {
    log: Log,
    members: Vec<Member>,
    counter: usize,
}

impl Model {
    fn new(limits: Limits) -> Self {
        let mut ids = SlotMap::with_key();
        let member = |_| Member {
            id: ids.insert(()),
            reader: Reader::new(0),
            owed: VecDeque::new(),
            to_skip: 0,
            received: String::new(),
        };
        Model {
            log: Log::new("room", limits),
            members: (0..READERS).map(member).collect(),
            counter: 0,
        }
    }

    fn run(&mut self, step: Step) {
        self.counter += 1;
        match step {
            Step::Say(who, bytes) => self.say(who, bytes),
            Step::Note(who) => {
                let member = &mut self.members[who];
                let end =
                    std::str::from_utf8(member.reader.newest_format().line_end()).expect("ASCII");
                let note = format!("note {}{end}", self.counter);
                member.reader.add_note(&self.log, note.as_bytes());
                member.owed.push_back(Item::Note(note));
            }
            Step::Format(who, format) => {
                self.members[who].reader.set_format(&mut self.log, format);
            }
            Step::Take(who, bytes) => {
                self.take(who, bytes);
            }
        }
    }

    fn say(&mut self, who: usize, bytes: usize) {
        let line = format!("line {} {}", self.counter, "x".repeat(bytes));
        let author = self.members.get(who).map_or(ClientId::default(), |member| member.id);
        let (front, back) = line.split_at(line.len() / 2);
        let seq = self.log.append(&Line {
            author,
            kind: Kind::Said,
            time: 0,
            parts: [b"", front.as_bytes(), b"", back.as_bytes()],
        });
        for (at, member) in self.members.iter_mut().enumerate() {
            if at == who {
                member.reader.add_own(&mut self.log, seq);
            } else {
                let end =
                    std::str::from_utf8(member.reader.newest_format().line_end()).expect("ASCII");
                member.owed.push_back(Item::Line(format!("{line}{end}")));
            }
        }
    }

    /// One write of which the kernel takes at most `bytes`; gives what it took.
    fn take(&mut self, who: usize, bytes: usize) -> usize {
        let member = &mut self.members[who];
        let gap = |lines, format: Format| {
            let end = std::str::from_utf8(format.line_end()).expect("ASCII");
            format!("gap {lines}{end}").into_bytes()
        };
        member.reader.catch_up(&self.log, member.id, gap);
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
            while self.take(who, usize::MAX) > 0 {}
            let member = &mut self.members[who];
            assert_eq!(member.received, "", "the last line is whole");
            assert_eq!(member.reader.note_bytes(), 0);
            member.skip();
            assert_eq!(member.owed, [], "owed in the end");
            assert_eq!(member.to_skip, 0);
        }
    }
}

impl Member {
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
            let (Item::Line(owed) | Item::Note(owed)) =
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
    }
    model.finish();
}

proptest! {
    #![proptest_config(crate::property_tests())]

    #[test]
    fn readers_get_what_a_queue_each_would_give(script in prop::collection::vec(step(), 0..300)) {
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
