//! Networks that operators have banned.

use std::fmt::Write;

use ipnet::{IpNet, Ipv6Net};
use jiff::Timestamp;

use crate::chat::admission::access::parse_network;
use crate::chat::admission::address_limits::Network;
use crate::chat::admission::password::invisible_character;
use crate::wire::{Time, rfc3339};

/// Bans at one time.
pub(in crate::chat) const BANS_MAX: usize = 1000;

/// The word for a ban without an end, in the file.
const FOREVER: &str = "forever";

const HEAD: &str = "# Bans of roomcast: network, end (UTC, or \"forever\"), who made it.\n";

/// One banned network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::chat) struct Ban {
    pub network: IpNet,
    /// When it ends, by the clock on the wall; `None`: never.
    pub until: Option<Time>,
    /// The name of the operator.
    pub by: String,
}

/// The networks that are banned.
#[derive(Debug, Default)]
pub(in crate::chat) struct Bans(Vec<Ban>);

impl Ban {
    fn is_over(&self, now: Time) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whether it is for who comes from `network`.
    pub fn is_for(&self, network: Network) -> bool {
        self.network.contains(&network.to_canonical())
    }

    /// One line of the file, without its end.
    fn parse(line: &str) -> Result<Ban, String> {
        if let Some(c) = invisible_character(line) {
            return Err(format!("there is an invisible character (U+{:04X})", u32::from(c)));
        }
        let words: Vec<_> = line.split_whitespace().collect();
        let [network, until, by] = words[..] else {
            return Err("expected a network, an end and a name".into());
        };
        let network = ban_network(parse_network(network)?);
        let until = match until {
            FOREVER => None,
            _ => Some(parse_time(until)?),
        };
        Ok(Ban { network, until, by: by.into() })
    }
}

fn parse_time(text: &str) -> Result<Time, String> {
    let time = text.parse::<Timestamp>().ok();
    time.and_then(|time| Time::try_from(time.as_second()).ok()).ok_or_else(|| {
        format!("expected a time like 2026-11-21T04:05:06Z or the word {FOREVER}, not {text}")
    })
}

impl Bans {
    /// The bans in a file.
    ///
    /// # Errors
    /// Which line is wrong, and what would be right.
    pub fn parse(text: &str) -> Result<Bans, String> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let ban =
            |(number, line)| Ban::parse(line).map_err(|error| format!("line {number}: {error}"));
        let bans: Vec<_> = lines.map(ban).collect::<Result<_, _>>()?;
        match bans.len() {
            0..=BANS_MAX => Ok(Bans(bans)),
            count => Err(format!("{count} bans, at most {BANS_MAX} fit")),
        }
    }

    /// The file, as `parse` reads it.
    pub fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for Ban { network, until, by } in &self.0 {
            let until = until.map_or(FOREVER.to_owned(), rfc3339);
            // Writing to a string can't fail.
            let _ = writeln!(text, "{network} {until} {by}");
        }
        text
    }

    /// The ban for who comes from `network` now; of several the one that ends
    /// last.
    pub fn find(&self, now: Time, network: Network) -> Option<&Ban> {
        let bans = self.active(now).filter(|ban| ban.is_for(network));
        bans.max_by_key(|ban| ban.until.unwrap_or(Time::MAX))
    }

    /// Adds a ban, instead of one of the same network; false if no more fit.
    pub fn add(&mut self, now: Time, ban: Ban) -> bool {
        self.0.retain(|other| other.network != ban.network && !other.is_over(now));
        let fits = self.0.len() < BANS_MAX;
        if fits {
            self.0.push(ban);
        }
        fits
    }

    /// Takes the ban of this network away; false if there is none.
    pub fn remove(&mut self, network: IpNet) -> bool {
        let count = self.0.len();
        self.0.retain(|ban| ban.network != network);
        self.0.len() < count
    }

    /// Those that aren't over.
    pub fn active(&self, now: Time) -> impl Iterator<Item = &Ban> {
        self.0.iter().filter(move |ban| !ban.is_over(now))
    }
}

/// The network that is banned when `network` is to be: of IPv6 a /64 at least,
/// since whoever has one address there has all of them.
pub(in crate::chat) fn ban_network(network: IpNet) -> IpNet {
    match network {
        IpNet::V6(network) if !network.addr().is_unicast_link_local() => {
            let length = network.prefix_len().min(64);
            Ipv6Net::new(network.addr(), length).map_or(network, |network| network.trunc()).into()
        }
        _ => network,
    }
}

/// The network that is banned with one who comes from `network`.
pub(in crate::chat) fn ban_of(network: Network) -> IpNet {
    ban_network(IpNet::from(network.to_canonical()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::admission::address_limits::network;

    fn parsed(text: &str) -> IpNet {
        ban_network(parse_network(text).expect("a network"))
    }

    fn from(text: &str) -> Network {
        network(text.parse().expect("an address")).expect("of another machine")
    }

    fn ban(text: &str, until: Option<Time>) -> Ban {
        Ban { network: parsed(text), until, by: "ann".into() }
    }

    #[test]
    fn a_ban_is_for_its_network_until_it_ends() {
        let mut bans = Bans::default();
        assert!(bans.add(0, ban("192.0.2.0/24", Some(60))));
        assert!(bans.add(0, ban("2001:db8::7", None)));
        assert!(bans.find(59, from("192.0.2.7")).is_some());
        assert!(bans.find(60, from("192.0.2.7")).is_none());
        assert!(bans.find(59, from("192.0.3.7")).is_none());
        assert!(bans.find(Time::MAX, from("2001:db8::8")).is_some(), "the same /64");
        assert!(bans.find(0, from("2001:db8:0:1::7")).is_none());
        assert_eq!(bans.active(60).count(), 1);
    }

    #[test]
    fn the_longest_of_several_bans_counts() {
        let mut bans = Bans::default();
        let networks = ["192.0.2.0/24", "192.0.2.0/25", "192.0.2.0/26"];
        for (network, until) in networks.into_iter().zip([Some(60), None, Some(70)]) {
            assert!(bans.add(0, ban(network, until)));
        }
        let until = |bans: &Bans, text| bans.find(0, from(text)).map(|ban| ban.until);
        assert_eq!(until(&bans, "192.0.2.7"), Some(None));
        assert!(bans.remove(parsed("192.0.2.0/25")));
        assert_eq!(until(&bans, "192.0.2.7"), Some(Some(70)));
    }

    #[test]
    fn a_ban_of_the_same_network_replaces_the_other() {
        let mut bans = Bans::default();
        assert!(bans.add(0, ban("192.0.2.7", None)));
        assert!(bans.add(0, ban("192.0.2.7", Some(60))));
        assert_eq!(bans.active(0).count(), 1);
        assert!(bans.remove(parsed("192.0.2.7")));
        assert!(!bans.remove(parsed("192.0.2.7")));
    }

    #[test]
    fn bans_have_a_limit_and_make_place_when_they_end() {
        let mut bans = Bans::default();
        for number in 0..BANS_MAX as u32 {
            let network = format!("198.51.{}.{}", number / 256, number % 256);
            assert!(bans.add(0, ban(&network, Some(60))));
        }
        assert!(!bans.add(59, ban("192.0.2.7", None)));
        assert!(bans.add(60, ban("192.0.2.7", None)));
        assert_eq!(bans.active(60).count(), 1);
    }

    #[test]
    fn the_file_is_read_as_it_is_written() {
        let mut bans = Bans::default();
        bans.add(0, ban("192.0.2.0/24", Some(1_795_262_400)));
        bans.add(0, ban("2001:db8::/32", None));
        let text = bans.text();
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(lines, ["192.0.2.0/24 2026-11-21T12:00:00Z ann", "2001:db8::/32 forever ann"]);
        assert_eq!(Bans::parse(&text).expect("its own text").0, bans.0);
        assert!(Bans::parse("").expect("nothing").0.is_empty());
    }

    #[test]
    fn a_bad_line_of_the_file_is_named() {
        for (text, clue) in [
            ("# bans\n\n192.0.2.7 forever", "line 3: expected a network, an end and a name"),
            ("lan forever ann", "line 1: expected an address like"),
            ("192.0.2.7 tomorrow ann", "line 1: expected a time like 2026-11-21T04:05:06Z"),
            ("192.0.2.7\u{200b} forever ann", "line 1: there is an invisible character (U+200B)"),
            ("192.0.2.7 1969-12-31T00:00:00Z ann", "line 1: expected a time"),
        ] {
            let error = Bans::parse(text).expect_err(text);
            assert!(error.starts_with(clue), "{error}");
        }
        let many = "192.0.2.7 forever ann\n".repeat(BANS_MAX + 1);
        assert_eq!(Bans::parse(&many).expect_err("many"), "1001 bans, at most 1000 fit");
    }
}
