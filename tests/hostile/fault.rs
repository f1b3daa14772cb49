//! One fault: what a hostile client does, and what it does to a server.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use crate::crowd::{Crowd, PATIENCE};
use crate::server::{Candidate, Server, Setup, Trouble};
use crate::support::namespace::Namespace;
use crate::support::tool::lacks;
use crate::verdict::{Judged, Outcome, Verdict, check, died, froze, not_applicable, survived};
use crate::{
    connections, ending, files, lines, names, network, protocols, reading, telnet, text, turns, web,
};

pub struct Fault {
    pub name: &'static str,
    /// Numbers in docs/promises.md.
    pub promises: &'static [u32],
    pub setup: Setup,
    /// Whether the server is to be there afterwards.
    pub ends_server: bool,
    /// Whether the server and its clients need a network of their own.
    is_alone: bool,
    /// What the server has to do with besides.
    trouble: Trouble,
    pub run: fn(&Server) -> Judged,
}

/// A fault for a server that is as it is.
pub const PLAIN: Setup = Setup { options: &[], descriptors: None };

/// For faults that need much to be said: there is no limit on that.
pub const FAST: Setup = Setup { options: &["--rate", "0"], descriptors: None };

/// Every fault, in the order of the table.
pub fn all() -> Vec<Fault> {
    [
        reading::faults(),
        lines::faults(),
        text::faults(),
        telnet::faults(),
        connections::faults(),
        names::faults(),
        protocols::faults(),
        web::faults(),
        network::faults(),
        turns::faults(),
        files::faults(),
        ending::faults(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Fault {
    pub fn new(
        name: &'static str,
        promises: &'static [u32],
        setup: Setup,
        run: fn(&Server) -> Judged,
    ) -> Fault {
        Fault {
            name,
            promises,
            setup,
            ends_server: false,
            is_alone: false,
            trouble: Trouble::None,
            run,
        }
    }

    /// The same, in a network of its own.
    pub fn alone(self) -> Fault {
        Fault { is_alone: true, ..self }
    }

    /// The same, and the server has this trouble besides.
    pub fn with(self, trouble: Trouble) -> Fault {
        Fault { trouble, ..self }
    }

    /// Tries it on a fresh server.
    pub fn try_on(&self, candidate: &Candidate) -> Verdict {
        match self.is_alone {
            false => self.try_here(candidate),
            true if Namespace::is_possible() => Namespace::new().enter(|| self.try_here(candidate)),
            true => not_applicable("no network namespaces here"),
        }
    }

    fn try_here(&self, candidate: &Candidate) -> Verdict {
        if self.trouble == Trouble::SlowDisk && lacks(&["strace"]) {
            return not_applicable("no strace here");
        }
        let server = match candidate.start(&self.setup, self.trouble) {
            Ok(server) => server,
            Err(error) => return died(error),
        };
        // A bug here is no reason to leave out the other faults.
        let tried = catch_unwind(AssertUnwindSafe(|| (self.run)(&server)));
        let judged = tried.unwrap_or_else(|_| Err(froze("the fault itself failed, see above")));
        let judged = judged.and_then(|figure| {
            if !self.ends_server {
                talk_goes_on(&server)?;
            }
            Ok(figure)
        });
        match judged {
            Ok(figure) => survived(figure),
            Err(verdict) if verdict.outcome == Outcome::Died && !self.ends_server => {
                died(format!("{}: {}", verdict.figure, server.last_words()))
            }
            Err(verdict) => verdict,
        }
    }
}

/// Two newcomers hear each other, soon.
fn talk_goes_on(server: &Server) -> Judged<()> {
    let start = Instant::now();
    let mut crowd = Crowd::new(server);
    loop {
        // Those before may not all be gone yet; then there may be no place.
        let talked = crowd.guests::<2>().and_then(|[ann, bob]| crowd.ping(ann, bob));
        let Err(verdict) = talked else { return Ok(()) };
        let is_over = start.elapsed() > PATIENCE || !server.is_running();
        check(!is_over, || Verdict {
            figure: format!("afterwards {}", verdict.figure),
            ..verdict
        })?;
    }
}
