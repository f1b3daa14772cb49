//! What must hold of every history.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::mem::take;
use std::ops::RangeInclusive;

use super::history::{History, Line, Noted, Observer, Outcome, Said, Seen, Value};
use super::notices::{Local, skipped_lines};

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A number means the same line for everybody.
    OneChain,
    /// Numbers grow, and a counting that is over doesn't come back.
    Order,
    /// What a client says is shown in the order in which it says it.
    SenderOrder,
    /// Nothing is shown twice.
    Once,
    /// Between the lines that an observer is shown none is missing, unless it was told how many.
    Middle,
    /// The same before its first line of a counting.
    Prefix,
    /// The same after its last line, when all has healed.
    Suffix,
    /// As many lines are missing as it was told.
    Count,
    /// That a counting is over is said.
    NewCounting,
    /// What was accepted is shown in the end, unless it may be lost and everybody was told.
    Accepted,
    /// What the engine has in the end was shown to everybody.
    Kept,
    /// What was refused is shown to nobody.
    Refused,
    /// What nobody has said is shown to nobody.
    MadeUp,
}

/// Something that is broken.
#[derive(Clone, Debug)]
pub struct Fault {
    pub rule: Rule,
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}

/// What is broken, in no particular order.
pub fn check(history: &History) -> Vec<Fault> {
    let mut faults = Vec::new();
    let chain = Chain::new(history, &mut faults);
    let walk = |observer| Walk::new(observer, &chain, &mut faults);
    let walks: Vec<_> = history.observers.iter().map(walk).collect();
    for walk in &walks {
        chain.check_holes(walk, &mut faults);
    }
    check_senders(history, &mut faults);
    check_accepted(history, &walks, &mut faults);
    check_kept(history, &walks, &mut faults);
    faults
}

fn complain(faults: &mut Vec<Fault>, rule: Rule, what: String) {
    faults.push(Fault { rule, what });
}

/// All lines that servers share.
struct Chain<'a> {
    runs: HashMap<&'a str, BTreeMap<u64, &'a Line>>,
    noted: &'a Noted,
}

impl<'a> Chain<'a> {
    fn new(history: &'a History, faults: &mut Vec<Fault>) -> Chain<'a> {
        let lines = || history.observers.iter().flat_map(Observer::lines);
        // What servers say by themselves is counted by each of them, and no value is among it.
        let values = lines().filter(|line| line.value().is_some());
        let mut runs: HashMap<_, BTreeMap<u64, &Line>> =
            values.map(|line| (&*line.run, BTreeMap::new())).collect();
        for observer in &history.observers {
            for line in observer.lines() {
                let Line { run, number, from, text, .. } = line;
                let Some(lines) = runs.get_mut(&**run) else { continue };
                let first = lines.entry(*number).or_insert(line);
                if (&first.from, &first.text) != (from, text) {
                    let (name, other) = (observer.name(), &first.text);
                    let what = format!("{number}@{run} is {other:?}, and {text:?} for {name}");
                    complain(faults, Rule::OneChain, what);
                }
            }
        }
        Chain { runs, noted: &history.noted }
    }

    /// Looks for lines that an observer should have been shown.
    fn check_holes(&self, walk: &Walk<'_>, faults: &mut Vec<Fault>) {
        let mut skipped = walk.skipped;
        let shown: HashSet<Value> = walk.observer.values().collect();
        for (at, stretch) in walk.stretches.iter().enumerate() {
            let Some(all) = self.runs.get(stretch.run) else { continue };
            let (Some(own_first), own_last) = (stretch.first(), stretch.last()) else { continue };
            let mut holes = Vec::new();
            for number in self.wanted(walk, at, own_first) {
                let line = all.get(&number).copied();
                let noted = || self.noted.get(&(stretch.run.to_owned(), number)).copied();
                let value = line.and_then(Line::value).or_else(noted);
                if stretch.numbers.contains(&number)
                    || stretch.is_told(number)
                    || line.is_some_and(|line| walk.observer.is_hidden_from(line))
                    // The engine had forgotten that it had this one.
                    || value.is_some_and(|value| shown.contains(&value))
                {
                    continue;
                }
                if skipped > 0 {
                    skipped -= 1;
                    continue;
                }
                let rule = match number {
                    _ if number < own_first => Rule::Prefix,
                    _ if number > own_last => Rule::Suffix,
                    _ => Rule::Middle,
                };
                holes.push((rule, number, line.map_or("shown to nobody", |line| &line.text)));
            }
            let name = walk.observer.name();
            for hole in holes.chunk_by(|a, b| a.0 == b.0 && a.1 + 1 == b.1) {
                let ((rule, from, text), (_, to, _)) = (hole[0], hole[hole.len() - 1]);
                let what = format!("{name} isn't shown {from} to {to}@{}: {text}", stretch.run);
                complain(faults, rule, what);
            }
        }
    }

    /// The numbers that an observer should have been shown of a counting.
    fn wanted(&self, walk: &Walk<'_>, at: usize, own_first: u64) -> RangeInclusive<u64> {
        let stretch = &walk.stretches[at];
        let all = &self.runs[stretch.run];
        let first = match (at, stretch.begin) {
            (0, Some(begin)) => begin + 1,
            (0, None) => own_first,
            // It was there when the counting began.
            _ => own_first.min(*all.keys().next().expect("it has its own")),
        };
        let is_last = at + 1 == walk.stretches.len() && walk.observer.is_to_the_end;
        // After all values have arrived some may still leave, which is told when it likes.
        let mut values = all.iter().filter(|(_, line)| line.value().is_some());
        let last = match values.next_back() {
            Some((number, _)) if is_last => stretch.last().max(*number),
            _ => stretch.last(),
        };
        first..=last
    }
}

impl Observer {
    /// Nobody is told of its own coming.
    fn is_hidden_from(&self, line: &Line) -> bool {
        let mut words = line.text.split([' ', ',']);
        line.kind == "presence" && words.any(|word| word == self.nick)
    }

    fn name(&self) -> String {
        format!("{} of server {}", self.nick, self.server)
    }
}

/// What an observer was shown of one counting.
#[derive(Default)]
struct Stretch<'a> {
    run: &'a str,
    /// It is shown what comes after this one.
    begin: Option<u64>,
    numbers: BTreeSet<u64>,
    /// Lines of which it was told that they are missing: the first one, and how many.
    gaps: Vec<(u64, u64)>,
}

impl Stretch<'_> {
    fn first(&self) -> Option<u64> {
        let gap = self.gaps.first().map(|gap| gap.0);
        self.numbers.first().copied().into_iter().chain(gap).min()
    }

    /// The newest number of which it knows.
    fn last(&self) -> u64 {
        let gap = self.gaps.last().map_or(0, |(first, count)| first + count - 1);
        gap.max(self.numbers.last().copied().unwrap_or(0))
    }

    fn is_told(&self, number: u64) -> bool {
        self.gaps.iter().any(|(first, count)| (*first..first + count).contains(&number))
    }
}

/// What an observer was shown, by countings.
struct Walk<'a> {
    observer: &'a Observer,
    stretches: Vec<Stretch<'a>>,
    /// It was told that the counting is over, and no line has come since then.
    is_over: bool,
    /// It was told that so many lines before the next one are missing.
    missing: u64,
    /// Lines that it was too slow for.
    skipped: u64,
    /// It was told that something is missing or forgotten.
    is_warned: bool,
}

impl<'a> Walk<'a> {
    fn new(observer: &'a Observer, chain: &Chain<'_>, faults: &mut Vec<Fault>) -> Walk<'a> {
        let (missing, skipped, is_warned) = (0, 0, false);
        let stretches = Vec::new();
        let mut walk = Walk { observer, stretches, is_over: true, missing, skipped, is_warned };
        let mut values = HashSet::new();
        for seen in &observer.seen {
            match seen {
                Seen::Begin { run, number } if walk.stretches.is_empty() => {
                    let begin = Some(*number);
                    walk.stretches.push(Stretch { run, begin, ..Stretch::default() });
                    walk.is_over = false;
                }
                Seen::Begin { .. } => {}
                Seen::Told(text) => walk.skipped += skipped_lines(text).unwrap_or(0),
                Seen::Line(line) if chain.runs.contains_key(&*line.run) => walk.take(line, faults),
                Seen::Line(line) => walk.take_local(line),
            }
            let value = if let Seen::Line(line) = seen { line.value() } else { None };
            if let Some(value) = value.filter(|value| !values.insert(*value)) {
                let what = format!("{} is shown {value} twice", observer.name());
                complain(faults, Rule::Once, what);
            }
        }
        walk
    }

    /// Takes what its server says by itself.
    fn take_local(&mut self, line: &Line) {
        match Local::of(line) {
            Some(Local::Forgot) => self.is_over = true,
            Some(Local::Missing(count)) => self.missing += count,
            None => return,
        }
        self.is_warned = true;
    }

    /// Takes a line that servers share.
    fn take(&mut self, line: &'a Line, faults: &mut Vec<Fault>) {
        let name = self.observer.name();
        let Line { run, number, text, .. } = line;
        let (is_over, missing) = (take(&mut self.is_over), take(&mut self.missing));
        if self.stretches.last().is_none_or(|stretch| stretch.run != run) {
            // An engine that has been started again counts anew, and goes on where it was.
            let goes_on = self.stretches.last().is_some_and(|stretch| *number > stretch.last());
            if !is_over && !goes_on {
                let what = format!("{name} is shown {number}@{run} without a word on the counting");
                complain(faults, Rule::NewCounting, what);
            }
            if self.stretches.iter().any(|stretch| stretch.run == run) {
                let what = format!("{name} is shown {number}@{run} after another counting");
                complain(faults, Rule::Order, what);
            }
            self.stretches.push(Stretch { run, ..Stretch::default() });
        }
        let stretch = self.stretches.last_mut().expect("there is one now");
        let last = stretch.last().max(stretch.begin.unwrap_or(0));
        if *number <= last {
            let what = format!("{name} is shown {number}@{run} ({text}) after {last}");
            complain(faults, Rule::Order, what);
        } else if number - last <= missing {
            let what = format!(
                "{name} is told that {missing} are missing between {last} and {number}@{run}"
            );
            complain(faults, Rule::Count, what);
        }
        if missing > 0 {
            stretch.gaps.push((number.saturating_sub(missing), missing));
        }
        stretch.numbers.insert(*number);
    }

    fn is_told(&self, number: u64) -> bool {
        self.stretches.iter().any(|stretch| stretch.is_told(number))
    }
}

/// Each sender's values are in its order.
fn check_senders(history: &History, faults: &mut Vec<Fault>) {
    let outcomes: HashMap<_, _> = history.said.iter().map(|it| (it.value, it.outcome)).collect();
    for observer in &history.observers {
        let mut newest = HashMap::<usize, u64>::new();
        for value in observer.values() {
            match outcomes.get(&value) {
                None => {
                    let what = format!("{} is shown {value}", observer.name());
                    complain(faults, Rule::MadeUp, what);
                }
                Some(Outcome::Refused) => {
                    let what = format!("{} is shown {value}", observer.name());
                    complain(faults, Rule::Refused, what);
                }
                Some(Outcome::Accepted | Outcome::Unknown) => {}
            }
            let newest = newest.entry(value.client).or_default();
            // The same one again is another fault.
            if value.counter < *newest {
                let what = format!("{} is shown {value} after {newest}", observer.name());
                complain(faults, Rule::SenderOrder, what);
            }
            *newest = value.counter.max(*newest);
        }
    }
}

/// What was accepted is shown to somebody; that it is shown to all then is a matter of holes.
fn check_accepted(history: &History, walks: &[Walk<'_>], faults: &mut Vec<Fault>) {
    let shown: HashSet<_> = history.observers.iter().flat_map(Observer::values).collect();
    let mut whole = walks.iter().filter(|walk| walk.observer.is_whole());
    let is_everybody_warned = whole.all(|walk| walk.is_warned);
    let may_be_lost = |said: &Said| {
        history.losses.iter().any(|loss| {
            let is_then = said.from <= loss.to && said.to >= loss.from;
            is_then && loss.server.map_or(is_everybody_warned, |it| it == said.value.server)
        })
    };
    let accepted = history.said.iter().filter(|said| said.outcome == Outcome::Accepted);
    for said in accepted.filter(|said| !shown.contains(&said.value) && !may_be_lost(said)) {
        let Said { value, from, .. } = said;
        let what = format!("{value}, said at {from:.2?}, is shown to nobody");
        complain(faults, Rule::Accepted, what);
    }
}

/// What the engine has at the end was shown to all that were there all the time.
fn check_kept(history: &History, walks: &[Walk<'_>], faults: &mut Vec<Fault>) {
    for walk in walks.iter().filter(|walk| walk.observer.is_whole()) {
        let shown: HashSet<Value> = walk.observer.values().collect();
        let mut skipped = walk.skipped;
        for (number, value) in &history.kept {
            if shown.contains(value) || walk.is_told(*number) {
                continue;
            }
            if skipped > 0 {
                skipped -= 1;
                continue;
            }
            let name = walk.observer.name();
            complain(faults, Rule::Kept, format!("{name} isn't shown {value}, line {number}"));
        }
    }
}
