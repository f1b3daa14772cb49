//! Which addresses may connect.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// Bits before the IPv4 address in one that is mapped into IPv6 (RFC 4291,
/// section 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// Lets clients of a network in, or keeps them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// They may come in.
    Allow(IpNet),
    /// They may not.
    Deny(IpNet),
}

impl Rule {
    fn network(&self) -> &IpNet {
        let (Rule::Allow(network) | Rule::Deny(network)) = self;
        network
    }
}

/// What the first rule says that fits the address. If none does, it is allowed
/// unless some others are: to allow one is to refuse all others.
pub(in crate::chat) fn is_allowed(rules: &[Rule], ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    match rules.iter().find(|rule| rule.network().contains(&ip)) {
        Some(rule) => matches!(rule, Rule::Allow(_)),
        None => rules.iter().all(|rule| matches!(rule, Rule::Deny(_))),
    }
}

/// The network that `text` names: `192.0.2.0/24`, or one address.
///
/// # Errors
/// What would be right.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map(|network| to_canonical(network).trunc()).map_err(|_| {
        "expected an address like 192.0.2.7 or a network like 192.0.2.0/24 or 2001:db8::/32".into()
    })
}

/// A network of IPv4 addresses that are mapped into IPv6 is one of IPv4, as those
/// who come from there are.
fn to_canonical(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else { return network };
    let length = mapped.prefix_len().checked_sub(MAPPED_BITS);
    let ipv4 = mapped.addr().to_ipv4_mapped().zip(length);
    ipv4.and_then(|(ip, length)| Ipv4Net::new(ip, length).ok()).map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(rules: &[Rule], ip: &str) -> bool {
        is_allowed(rules, ip.parse().expect("an address"))
    }

    fn allow(text: &str) -> Rule {
        Rule::Allow(parse_network(text).expect("a network"))
    }

    fn deny(text: &str) -> Rule {
        Rule::Deny(parse_network(text).expect("a network"))
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        assert!(is(&[], "192.0.2.1"));
        let rules = [deny("192.0.2.7"), allow("192.0.2.0/24"), deny("0.0.0.0/0")];
        assert!(is(&rules, "192.0.2.1"));
        assert!(is(&rules, "::ffff:192.0.2.1"));
        assert!(!is(&rules, "192.0.2.7"));
        assert!(!is(&rules, "198.51.100.1"));
        assert!(is(&[allow("::/0"), deny("::/0")], "2001:db8::1"));
    }

    #[test]
    fn without_a_fitting_rule_the_allowed_are_the_only_ones() {
        assert!(is(&[deny("192.0.2.0/24")], "198.51.100.1"));
        assert!(!is(&[allow("192.0.2.0/24")], "198.51.100.1"));
        assert!(!is(&[deny("192.0.2.7"), allow("192.0.2.0/24")], "2001:db8::1"));
    }

    #[test]
    fn a_network_is_an_address_and_a_length_or_one_address() {
        for (text, network) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("2001:db8::7", "2001:db8::7/128"),
            ("2001:db8::7/32", "2001:db8::/32"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("::ffff:192.0.2.7/120", "192.0.2.0/24"),
            ("::ffff:192.0.2.7/128", "192.0.2.7/32"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(
                parse_network(text).map(|parsed| parsed.to_string()),
                Ok(network.to_owned())
            );
        }
        for bad in ["", "lan", "192.0.2", "192.0.2.0/33", "192.0.2.0/", "10/8", "1.2.3.4:5"] {
            assert!(parse_network(bad).is_err(), "{bad}");
        }
    }
}
