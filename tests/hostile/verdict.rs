//! What became of a server.

use std::fmt;

/// How a server took a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Survived,
    /// Somebody waited in vain, or for too long.
    Froze,
    /// The process ended.
    Died,
    /// Memory, descriptors, processor time or traffic grew past their bound.
    Leaked,
    /// Lines were lost, torn, forged or garbled.
    Lied,
    /// The server has nothing that the fault is about.
    NotApplicable,
}

/// An outcome with its figure.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub outcome: Outcome,
    pub figure: String,
}

/// What a fault gives: its figure if the server survived, else the verdict.
pub type Judged<T = String> = Result<T, Verdict>;

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Survived => "survived",
            Outcome::Froze => "froze",
            Outcome::Died => "died",
            Outcome::Leaked => "leaked",
            Outcome::Lied => "lied",
            Outcome::NotApplicable => "n/a",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.figure[..] {
            "" => write!(f, "{}", self.outcome),
            figure => write!(f, "{}: {figure}", self.outcome),
        }
    }
}

pub fn survived(figure: impl Into<String>) -> Verdict {
    Verdict { outcome: Outcome::Survived, figure: figure.into() }
}

pub fn froze(figure: impl Into<String>) -> Verdict {
    Verdict { outcome: Outcome::Froze, figure: figure.into() }
}

pub fn died(figure: impl Into<String>) -> Verdict {
    Verdict { outcome: Outcome::Died, figure: figure.into() }
}

pub fn leaked(figure: impl Into<String>) -> Verdict {
    Verdict { outcome: Outcome::Leaked, figure: figure.into() }
}

pub fn lied(figure: impl Into<String>) -> Verdict {
    Verdict { outcome: Outcome::Lied, figure: figure.into() }
}

pub fn not_applicable(figure: impl Into<String>) -> Verdict {
    Verdict { outcome: Outcome::NotApplicable, figure: figure.into() }
}

/// `verdict` unless `holds`.
pub fn check(holds: bool, verdict: impl FnOnce() -> Verdict) -> Judged<()> {
    if holds { Ok(()) } else { Err(verdict()) }
}
