//! What may go wrong in a simulation.

use std::fmt;
use std::str::FromStr;

use fastrand::Rng;

/// One thing that may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The kernel takes less than there is place for.
    ShortWrites,
    /// Reads give less than there is.
    SplitReads,
    /// Clients reset their connections.
    Resets,
    /// Clients' machines go away without a word.
    Silences,
    /// Clients close their sending side and go on reading.
    HalfCloses,
    /// Clients read a little, or nothing.
    Stalls,
    /// Minutes pass between two turns, and the clock on the wall is set.
    ClockJumps,
    /// Clients send many lines at once.
    Floods,
    /// Events of clients that are gone.
    LateEvents,
    /// The flush phase ends before everyone has had a turn.
    CutFlushes,
    /// The server has no descriptors for newcomers, for a while.
    NoDescriptors,
    /// What a client sent before its reset is still read, as on Linux.
    UnreadData,
    /// The store takes its time to answer.
    StoreSlow,
    /// The store takes nothing for a while.
    StoreFull,
    /// The store can't read or write for a while.
    StoreBroken,
    /// The store never answers some questions.
    StoreSilent,
    /// Clients speak something like TLS: what is said is longer on its way, and is there
    /// only when it is whole.
    Records,
    /// What was said takes its time to come back from the engine.
    EngineSlow,
    /// The engine is away for a while.
    EngineAway,
    /// The engine forgets what it was told: lines are counted anew, or nobody is known.
    EngineForgets,
    /// Another server shares the rooms: people there take names, speak, and want something of
    /// people here.
    OtherServer,
    /// Many clients are written to before the chat hears of any.
    Together,
}

/// Every fault, by the name that it has outside.
const NAMES: [(Fault, &str); 22] = [
    (Fault::ShortWrites, "short-writes"),
    (Fault::SplitReads, "split-reads"),
    (Fault::Resets, "resets"),
    (Fault::Silences, "silences"),
    (Fault::HalfCloses, "half-closes"),
    (Fault::Stalls, "stalls"),
    (Fault::ClockJumps, "clock-jumps"),
    (Fault::Floods, "floods"),
    (Fault::LateEvents, "late-events"),
    (Fault::CutFlushes, "cut-flushes"),
    (Fault::NoDescriptors, "no-descriptors"),
    (Fault::UnreadData, "unread-data"),
    (Fault::StoreSlow, "store-slow"),
    (Fault::StoreFull, "store-full"),
    (Fault::StoreBroken, "store-broken"),
    (Fault::StoreSilent, "store-silent"),
    (Fault::Records, "records"),
    (Fault::EngineSlow, "engine-slow"),
    (Fault::EngineAway, "engine-away"),
    (Fault::EngineForgets, "engine-forgets"),
    (Fault::OtherServer, "other-server"),
    (Fault::Together, "together"),
];

/// No fault at all, as it is written.
const NONE: &str = "none";

/// A set of faults. Written as their names with commas between, or `none`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults(u32);

impl Faults {
    /// Each fault or not, as a coin falls: what two faults do together is seen
    /// best where others are absent.
    pub fn draw(rng: &mut Rng) -> Faults {
        // Those from the store on came later, and a seed is to mean the same as before.
        let mut of_later = rng.clone();
        let mut draw = |fault: Fault| match fault as u16 >= Fault::StoreSlow as u16 {
            true => of_later.bool(),
            false => rng.bool(),
        };
        let drawn = NAMES.iter().filter(|(fault, _)| draw(*fault));
        drawn.fold(Faults::default(), |set, (fault, _)| set.and(*fault))
    }

    pub fn and(self, fault: Fault) -> Faults {
        Faults(self.0 | 1 << fault as u16)
    }

    pub fn has(self, fault: Fault) -> bool {
        self.0 & 1 << fault as u16 != 0
    }
}

impl FromStr for Faults {
    type Err = String;

    fn from_str(text: &str) -> Result<Faults, String> {
        let mut faults = Faults::default();
        for word in text.split(',').filter(|word| *word != NONE) {
            let fault = NAMES.iter().find(|(_, name)| *name == word);
            let (fault, _) = fault.ok_or_else(|| format!("{word:?} is no fault: {NAMES:?}"))?;
            faults = faults.and(*fault);
        }
        Ok(faults)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let names = NAMES.iter().filter(|(fault, _)| self.has(*fault)).map(|(_, name)| *name);
        let names: Vec<_> = names.collect();
        f.write_str(if names.is_empty() { NONE } else { "" })?;
        f.write_str(&names.join(","))
    }
}

#[test]
fn faults_are_read_as_they_are_written() {
    let mut rng = Rng::with_seed(0);
    let sets = (0..100).map(|_| Faults::draw(&mut rng)).chain([Faults::default()]);
    for set in sets {
        assert_eq!(set.to_string().parse(), Ok(set));
    }
    assert_eq!(
        "resets,stalls".parse(),
        Ok(Faults::default().and(Fault::Resets).and(Fault::Stalls))
    );
    assert!("resets,thunder".parse::<Faults>().is_err());
}

#[test]
fn each_fault_is_in_the_document() {
    let document = include_str!("../../docs/testing.md");
    for (fault, name) in NAMES {
        assert!(document.contains(&format!("\n| `{name}` | ")), "{fault:?}");
    }
}
