//! The file with access rules: `allow NETWORK` or `deny NETWORK` in each line.

use std::io::{self, ErrorKind};
use std::path::Path;

use roomcast::chat::{Rule, parse_network};
use roomcast::net::file;

/// Some ten thousand rules.
const FILE_BYTES_MAX: usize = 1 << 20;

/// The rules in a file, in their order.
///
/// # Errors
/// Which line is wrong and what would be right, for the operator.
pub fn rules(path: &Path) -> Result<Vec<Rule>, String> {
    read(path).map_err(|error| format!("cannot use {} for --access-file: {error}", path.display()))
}

fn read(path: &Path) -> io::Result<Vec<Rule>> {
    let text = file::text(file::read(&file::open(path)?, FILE_BYTES_MAX)?)?;
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let rules = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    rules
        .map(|(number, line)| {
            rule(line).map_err(|what| {
                io::Error::new(ErrorKind::InvalidData, format!("line {number}: {what}"))
            })
        })
        .collect()
}

fn rule(line: &str) -> Result<Rule, String> {
    let (word, network) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rule = match word {
        "allow" => Rule::Allow,
        "deny" => Rule::Deny,
        _ => return Err("expected allow NETWORK or deny NETWORK".into()),
    };
    parse_network(network.trim()).map(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_in_their_order_and_a_wrong_line_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let network = |text| parse_network(text).expect("a network");
        std::fs::write(&file, "# office\n\ndeny 192.0.2.7\n allow\t192.0.2.0/24 \n")
            .expect("it is written");
        let expected = [Rule::Deny(network("192.0.2.7")), Rule::Allow(network("192.0.2.0/24"))];
        assert_eq!(rules(file.path()).expect("rules"), expected);
        for (line, what) in [("permit 192.0.2.7", "allow NETWORK"), ("deny", "an address like")] {
            std::fs::write(&file, format!("allow ::1\n{line}\n")).expect("it is written");
            let error = rules(file.path()).expect_err("a wrong line");
            assert!(error.contains("line 2: expected") && error.contains(what), "{error}");
        }
    }
}
