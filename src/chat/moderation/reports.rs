//! What users have told operators of other users.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::chat::admission::address_limits::Network;
use crate::chat::ids::ClientId;
use crate::wire::SharedReport;

/// Reports that are kept.
pub(in crate::chat) const REPORTS_MAX: usize = 50;

/// The longest reason of a report in bytes.
pub(in crate::chat) const WHY_BYTES_MAX: usize = 200;

/// How many reports a client, or an address, may make in `PERIOD`, and all of them together.
const REPORTS_OF_ONE_MAX: usize = 3;
const REPORTS_OF_ALL_MAX: usize = 60;
const PERIOD: Duration = Duration::from_secs(600);

/// The last reports, the newest at the end.
#[derive(Debug, Default)]
pub(in crate::chat) struct Reports {
    reports: VecDeque<SharedReport>,
    /// How many of the newest ones no operator here has been shown.
    unseen: usize,
    /// Who has reported something in the last `PERIOD`, and when.
    reporters: VecDeque<(Instant, ClientId, Option<Network>)>,
}

impl Reports {
    /// Whether a client may report something now: if so that counts.
    ///
    /// # Errors
    /// How many seconds it has to wait.
    pub fn pay(&mut self, now: Instant, id: ClientId, from: Option<Network>) -> Result<(), u32> {
        while self.reporters.pop_front_if(|(at, ..)| *at + PERIOD <= now).is_some() {}
        let is_same = |(_, other, network): &&(Instant, ClientId, Option<Network>)| {
            *other == id || from.is_some() && *network == from
        };
        let of_one = self.reporters.iter().filter(is_same).count();
        let oldest = match () {
            () if of_one >= REPORTS_OF_ONE_MAX => self.reporters.iter().find(is_same),
            () if self.reporters.len() >= REPORTS_OF_ALL_MAX => self.reporters.front(),
            () => None,
        };
        if let Some((at, ..)) = oldest {
            let wait = (*at + PERIOD).saturating_duration_since(now).as_millis().div_ceil(1000);
            return Err(wait as u32);
        }
        self.reporters.push_back((now, id, from));
        Ok(())
    }

    /// Adds a report that an operator here `is_seen` by.
    pub fn add(&mut self, report: SharedReport, is_seen: bool) {
        if self.reports.len() >= REPORTS_MAX {
            self.reports.pop_front();
        }
        self.reports.push_back(report);
        self.unseen = if is_seen { 0 } else { (self.unseen + 1).min(REPORTS_MAX) };
    }

    /// Those that no operator here has been shown, who is shown them now.
    pub fn take_unseen(&mut self) -> Vec<SharedReport> {
        let seen = self.reports.len() - std::mem::take(&mut self.unseen);
        self.reports.range(seen..).cloned().collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &SharedReport> {
        self.reports.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::admission::address_limits::network;

    fn report(why: &str) -> SharedReport {
        SharedReport { why: why.into(), ..SharedReport::default() }
    }

    fn from(text: &str) -> Option<Network> {
        network(text.parse().expect("an address"), 0)
    }

    #[test]
    fn a_client_and_an_address_have_a_limit() {
        let (now, mut reports) = (crate::some_time(), Reports::default());
        let [ann, bob] = [1, 2].map(ClientId::elsewhere);
        let home = from("192.0.2.7");
        for _ in 0..REPORTS_OF_ONE_MAX {
            assert_eq!(reports.pay(now, ann, home), Ok(()));
        }
        assert_eq!(reports.pay(now, ann, None), Err(600));
        assert_eq!(reports.pay(now + PERIOD / 2, bob, home), Err(300), "from the same address");
        assert_eq!(reports.pay(now, bob, None), Ok(()));
        assert_eq!(reports.pay(now + PERIOD, ann, home), Ok(()));
    }

    #[test]
    fn all_together_have_a_limit() {
        let (now, mut reports) = (crate::some_time(), Reports::default());
        for number in 0..REPORTS_OF_ALL_MAX as u32 {
            assert_eq!(reports.pay(now, ClientId::elsewhere(number), None), Ok(()));
        }
        assert_eq!(reports.pay(now, ClientId::elsewhere(1000), None), Err(600));
    }

    #[test]
    fn the_last_reports_wait_for_an_operator() {
        let mut reports = Reports::default();
        reports.add(report("seen"), true);
        for number in 0..REPORTS_MAX + 5 {
            reports.add(report(&number.to_string()), false);
        }
        let unseen = reports.take_unseen();
        assert_eq!((unseen.len(), &*unseen[0].why, &*unseen[49].why), (50, "5", "54"));
        assert!(reports.take_unseen().is_empty());
        assert_eq!(reports.iter().count(), REPORTS_MAX);
    }
}
