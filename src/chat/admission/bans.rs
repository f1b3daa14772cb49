//! Networks that operators have banned.

use std::fmt::Write;
use std::time::{Duration, Instant};

use ipnet::{IpNet, Ipv6Net};
use jiff::Timestamp;

use crate::chat::admission::access::parse_network;
use crate::chat::admission::address_limits::Network;
use crate::chat::admission::password::invisible_character;
use crate::chat::clock::Moment;
use crate::wire::{Time, rfc3339};

/// Bans at one time.
pub(in crate::chat) const BANS_MAX: usize = 1000;

/// The word for a ban without an end, in the file.
const FOREVER: &str = "forever";

const HEAD: &str =
    "# Bans of roomcast: network, end (UTC, or \"forever\"), who made it, and why.\n";

/// The longest reason of a ban in bytes.
pub(in crate::chat) const REASON_BYTES_MAX: usize = 150;

/// For so long what was read from the file and is over stays there in any case: the
/// clock on the wall may have been wrong when it was read.
const DOUBT_TIME: Duration = Duration::from_secs(600);

/// Bans in a file at most, those that are over included.
const BANS_KEPT_MAX: usize = 2 * BANS_MAX;

/// One banned network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::chat) struct Ban {
    pub network: IpNet,
    end: End,
    /// The name of the operator.
    pub by: String,
    /// What the client is told; empty: nothing.
    pub reason: Box<str>,
}

/// When a ban ends. While the server runs that goes by the monotonic clock, so it
/// makes no difference when the other one is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Never,
    At(Instant),
    /// As the file says. `at` is what that meant when it was read; `None` if it was
    /// over then, and if the clock was right.
    Written {
        until: Time,
        read: Instant,
        at: Option<Instant>,
    },
}

/// The networks that are banned.
#[derive(Debug, Default)]
pub(in crate::chat) struct Bans(Vec<Ban>);

impl Ban {
    /// A ban from `now` on.
    pub fn new(network: IpNet, by: String, now: Instant, time: Option<Duration>) -> Ban {
        let end = time.and_then(|time| now.checked_add(time)).map_or(End::Never, End::At);
        Ban { network, end, by, reason: Box::default() }
    }

    /// The same ban with a reason, made to fit a line of the file.
    pub fn because(self, reason: &str) -> Ban {
        // The file may have no character that nobody sees.
        let visible: String = reason
            .chars()
            .filter(|c| invisible_character(c.encode_utf8(&mut [0; 4])).is_none())
            .collect();
        let words: Vec<_> = visible.split_whitespace().collect();
        let mut reason = words.join(" ");
        reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
        Ban { reason: reason.trim_end().into(), ..self }
    }

    fn is_over(&self, at: Moment) -> bool {
        match self.end {
            End::Never => false,
            End::At(end) | End::Written { at: Some(end), .. } => end <= at.now,
            End::Written { until, at: None, .. } => until <= at.wall,
        }
    }

    /// Whether it is over for certain: neither clock has been looked at only once.
    fn is_past(&self, at: Moment) -> bool {
        let is_certain = match self.end {
            End::Never | End::At(_) => true,
            End::Written { until, read, .. } => until <= at.wall && read + DOUBT_TIME <= at.now,
        };
        is_certain && self.is_over(at)
    }

    /// How many seconds are left; `None`: it never ends.
    pub fn seconds_left(&self, at: Moment) -> Option<u32> {
        let end = match self.end {
            End::Never => return None,
            End::At(end) | End::Written { at: Some(end), .. } => end,
            End::Written { until, at: None, .. } => return Some(until.saturating_sub(at.wall)),
        };
        // Begun seconds count.
        let left = end.saturating_duration_since(at.now).as_millis().div_ceil(1000);
        Some(u32::try_from(left).unwrap_or(u32::MAX))
    }

    /// When it ends, as the file says it.
    fn until(&self, at: Moment) -> Option<Time> {
        match self.end {
            End::Written { until, .. } => Some(until),
            _ => self.seconds_left(at).map(|seconds| at.wall.saturating_add(seconds)),
        }
    }

    /// Whether it is for who comes from `network`.
    pub fn is_for(&self, network: Network) -> bool {
        self.network.contains(&network.to_canonical())
    }

    /// One line of the file, without its end.
    fn parse(at: Moment, line: &str) -> Result<Ban, String> {
        if let Some(c) = invisible_character(line) {
            return Err(format!("there is an invisible character (U+{:04X})", u32::from(c)));
        }
        let words: Vec<_> = line.split_whitespace().collect();
        // Files of earlier versions have no reasons.
        let [network, until, by, reason @ ..] = &words[..] else {
            return Err(
                "expected a network, an end and a name, and then a reason if there is one".into()
            );
        };
        let (until, reason) = (*until, reason.join(" "));
        if reason.len() > REASON_BYTES_MAX {
            return Err(format!("a reason has at most {REASON_BYTES_MAX} bytes"));
        }
        let network = ban_network(parse_network(network)?);
        let end = match until {
            FOREVER => End::Never,
            _ => End::read(at, parse_time(until)?),
        };
        Ok(Ban { network, end, by: (*by).into(), reason: reason.into() })
    }
}

impl End {
    fn read(at: Moment, until: Time) -> End {
        let left = until.checked_sub(at.wall).filter(|&seconds| seconds > 0);
        let end = left.and_then(|left| at.now.checked_add(Duration::from_secs(left.into())));
        End::Written { until, read: at.now, at: end }
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
    pub fn parse(at: Moment, text: &str) -> Result<Bans, String> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let ban = |(number, line)| {
            Ban::parse(at, line).map_err(|error| format!("line {number}: {error}"))
        };
        let bans: Vec<_> = lines.map(ban).collect::<Result<_, _>>()?;
        let bans = Bans(bans);
        let (count, active) = (bans.0.len(), bans.active(at).count());
        if active > BANS_MAX {
            return Err(format!("{active} bans, at most {BANS_MAX} fit"));
        }
        if count > BANS_KEPT_MAX {
            return Err(format!(
                "{count} bans, at most {BANS_KEPT_MAX} fit with those that are over"
            ));
        }
        Ok(bans)
    }

    /// The file, as `parse` reads it.
    pub fn text(&self, at: Moment) -> String {
        let mut text = HEAD.to_owned();
        for ban in &self.0 {
            let until = ban.until(at).map_or(FOREVER.to_owned(), rfc3339);
            // Writing to a string can't fail.
            let line = format!("{} {until} {} {}", ban.network, ban.by, ban.reason);
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }

    /// The ban for who comes from `network` now; of several the one that ends
    /// last.
    pub fn find(&self, at: Moment, network: Network) -> Option<&Ban> {
        let bans = self.active(at).filter(|ban| ban.is_for(network));
        bans.max_by_key(|ban| ban.seconds_left(at).map_or(u64::MAX, u64::from))
    }

    /// Adds a ban, instead of one of the same network; false if no more fit.
    pub fn add(&mut self, at: Moment, ban: Ban) -> bool {
        self.0.retain(|other| other.network != ban.network && !other.is_past(at));
        let fits = self.active(at).count() < BANS_MAX;
        if fits {
            if self.0.len() >= BANS_KEPT_MAX
                && let Some(over) = self.0.iter().position(|other| other.is_over(at))
            {
                self.0.remove(over);
            }
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
    pub fn active(&self, at: Moment) -> impl Iterator<Item = &Ban> {
        self.0.iter().filter(move |ban| !ban.is_over(at))
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

/// The network that is banned with a client from `network`.
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
        network(text.parse().expect("an address"), 0).expect("of another machine")
    }

    fn ban(start: Moment, text: &str, seconds: Option<u64>) -> Ban {
        Ban::new(parsed(text), "ann".into(), start.now, seconds.map(Duration::from_secs))
    }

    /// 2026-11-21, noon.
    fn start() -> Moment {
        Moment { now: crate::some_time(), wall: 1_795_262_400 }
    }

    /// So many seconds later, by both clocks.
    fn later(at: Moment, seconds: u32) -> Moment {
        let now = at.now + Duration::from_secs(seconds.into());
        Moment { now, wall: at.wall + seconds }
    }

    #[test]
    fn a_ban_is_for_its_network_until_it_ends() {
        let (start, mut bans) = (start(), Bans::default());
        assert!(bans.add(start, ban(start, "192.0.2.0/24", Some(60))));
        assert!(bans.add(start, ban(start, "2001:db8::7", None)));
        assert!(bans.find(later(start, 59), from("192.0.2.7")).is_some());
        assert!(bans.find(later(start, 60), from("192.0.2.7")).is_none());
        assert!(bans.find(later(start, 59), from("192.0.3.7")).is_none());
        let end = later(start, 1_000_000_000);
        assert!(bans.find(end, from("2001:db8::8")).is_some(), "the same /64");
        assert!(bans.find(start, from("2001:db8:0:1::7")).is_none());
        assert_eq!(bans.active(later(start, 60)).count(), 1);
    }

    #[test]
    fn the_longest_of_several_bans_counts() {
        let (start, mut bans) = (start(), Bans::default());
        let networks = ["192.0.2.0/24", "192.0.2.0/25", "192.0.2.0/26"];
        for (network, seconds) in networks.into_iter().zip([Some(60), None, Some(70)]) {
            assert!(bans.add(start, ban(start, network, seconds)));
        }
        let left =
            |bans: &Bans, text| bans.find(start, from(text)).map(|ban| ban.seconds_left(start));
        assert_eq!(left(&bans, "192.0.2.7"), Some(None));
        assert!(bans.remove(parsed("192.0.2.0/25")));
        assert_eq!(left(&bans, "192.0.2.7"), Some(Some(70)));
    }

    #[test]
    fn a_ban_of_the_same_network_replaces_the_other() {
        let (start, mut bans) = (start(), Bans::default());
        assert!(bans.add(start, ban(start, "192.0.2.7", None)));
        assert!(bans.add(start, ban(start, "192.0.2.7", Some(60))));
        assert_eq!(bans.active(start).count(), 1);
        assert!(bans.remove(parsed("192.0.2.7")));
        assert!(!bans.remove(parsed("192.0.2.7")));
    }

    #[test]
    fn bans_have_a_limit_and_make_place_when_they_end() {
        let (start, mut bans) = (start(), Bans::default());
        for number in 0..BANS_MAX as u32 {
            let network = format!("198.51.{}.{}", number / 256, number % 256);
            assert!(bans.add(start, ban(start, &network, Some(60))));
        }
        assert!(!bans.add(later(start, 59), ban(start, "192.0.2.7", None)));
        assert!(bans.add(later(start, 60), ban(start, "192.0.2.7", None)));
        assert_eq!(bans.active(later(start, 60)).count(), 1);
    }

    #[test]
    fn the_file_is_read_as_it_is_written() {
        let (start, mut bans) = (start(), Bans::default());
        bans.add(start, ban(start, "192.0.2.0/24", Some(3600)));
        bans.add(start, ban(start, "2001:db8::/32", None));
        let text = bans.text(start);
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(lines, ["192.0.2.0/24 2026-11-21T13:00:00Z ann", "2001:db8::/32 forever ann"]);
        let read = Bans::parse(start, &text).expect("its own text");
        assert_eq!(read.text(start), text);
        assert_eq!(read.0[0].seconds_left(start), Some(3600));
        assert!(Bans::parse(start, "").expect("nothing").0.is_empty());
    }

    #[test]
    fn a_reason_is_kept_in_a_form_that_can_be_read_again() {
        let (start, mut bans) = (start(), Bans::default());
        let long = "spam ".repeat(100);
        for (host, reason) in [(1, " too  much\tspam "), (2, "a\u{200b}b \u{200b}"), (3, &*long)] {
            let ban = ban(start, &format!("192.0.2.{host}"), None).because(reason);
            assert!(bans.add(start, ban));
        }
        let read = Bans::parse(start, &bans.text(start)).expect("its own text");
        let reasons: Vec<_> = read.0.iter().map(|ban| &*ban.reason).collect();
        assert_eq!(reasons[..2], ["too much spam", "ab"]);
        assert_eq!(reasons[2], long[..REASON_BYTES_MAX].trim_end());
        let old = Bans::parse(start, "192.0.2.7 forever ann\n").expect("a file without reasons");
        assert_eq!(&*old.0[0].reason, "");
    }

    #[test]
    fn setting_the_clock_neither_ends_nor_prolongs_a_ban() {
        let (start, mut bans) = (start(), Bans::default());
        bans.add(start, ban(start, "192.0.2.7", Some(3600)));
        let mut read = Bans::parse(start, &bans.text(start)).expect("its own text");
        for bans in [&mut bans, &mut read] {
            for wall in [0, start.wall - 86_400, start.wall + 14 * 86_400, Time::MAX] {
                let at = |seconds| Moment { wall, ..later(start, seconds) };
                let left =
                    bans.find(at(3599), from("192.0.2.7")).map(|ban| ban.seconds_left(at(3599)));
                assert_eq!(left, Some(Some(1)));
                assert!(bans.find(at(3600), from("192.0.2.7")).is_none());
            }
        }
    }

    #[test]
    fn the_file_says_the_end_by_the_clock_as_it_is_set_now() {
        let (start, mut bans) = (start(), Bans::default());
        bans.add(start, ban(start, "192.0.2.7", Some(3600)));
        let at = Moment { wall: start.wall + 86_400, ..later(start, 600) };
        assert!(bans.text(at).contains("192.0.2.7/32 2026-11-22T12:50:00Z"), "{}", bans.text(at));
    }

    #[test]
    fn one_reading_of_the_clock_takes_no_ban_out_of_the_file() {
        let start = start();
        let text = "192.0.2.7 2026-12-21T12:00:00Z ann\n";
        let has_ban = |bans: &Bans, at| bans.text(at).contains("192.0.2.7");
        let other = |at: Moment| ban(at, "192.0.2.8", Some(60));
        // The clock says 2038, for a moment.
        let wrong = Moment { wall: 2_145_916_800, ..start };
        let mut bans = Bans::parse(start, text).expect("a ban");
        assert!(bans.add(wrong, other(wrong)));
        assert!(has_ban(&bans, wrong));
        // It does so at the start.
        let mut bans = Bans::parse(wrong, text).expect("a ban");
        assert!(bans.find(wrong, from("192.0.2.7")).is_none());
        assert!(bans.add(wrong, other(wrong)));
        assert!(bans.find(start, from("192.0.2.7")).is_some(), "the clock is right again");
        let at = later(start, 86_400);
        assert!(bans.add(at, other(at)));
        assert!(has_ban(&bans, at));
        // It is over indeed.
        let end = later(start, 31 * 86_400);
        assert!(bans.add(end, other(end)));
        assert!(!has_ban(&bans, end));
    }

    #[test]
    fn bans_that_are_over_have_a_limit_too() {
        let start = start();
        let line =
            |number| format!("198.51.{}.{} 2026-11-20T12:00:00Z ann\n", number / 256, number % 256);
        let text: String = (0..BANS_KEPT_MAX).map(line).collect();
        let mut bans = Bans::parse(start, &text).expect("they fit");
        assert!(bans.add(start, ban(start, "192.0.2.7", None)));
        assert_eq!(bans.0.len(), BANS_KEPT_MAX);
        let text = text + &line(BANS_KEPT_MAX);
        let error = Bans::parse(start, &text).expect_err("one too many");
        assert_eq!(error, "2001 bans, at most 2000 fit with those that are over");
    }

    #[test]
    fn a_bad_line_of_the_file_is_named() {
        for (text, clue) in [
            ("# bans\n\n192.0.2.7 forever", "line 3: expected a network, an end and a name"),
            ("lan forever ann", "line 1: expected an address like"),
            ("192.0.2.7 tomorrow ann", "line 1: expected a time like 2026-11-21T04:05:06Z"),
            ("192.0.2.7\u{200b} forever ann", "line 1: there is an invisible character (U+200B)"),
            ("192.0.2.7 1969-12-31T00:00:00Z ann", "line 1: expected a time"),
            (&format!("192.0.2.7 forever ann {}", "x".repeat(151)), "line 1: a reason has at most"),
        ] {
            let error = Bans::parse(start(), text).expect_err(text);
            assert!(error.starts_with(clue), "{error}");
        }
        let many = "192.0.2.7 forever ann\n".repeat(BANS_MAX + 1);
        assert_eq!(Bans::parse(start(), &many).expect_err("many"), "1001 bans, at most 1000 fit");
    }
}
