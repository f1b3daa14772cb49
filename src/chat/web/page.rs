//! The page for browsers: `src/page/page.html`, made ready by `src/page/build.rs`.

use super::answers::Answer;
use crate::wire::Request;

const PAGE: &[u8] = include_bytes!("../../page/page.html");
const COMPRESSED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/page.html.gz"));

/// What the page may do (W3C Content Security Policy Level 3).
const POLICY: &str = include_str!(concat!(env!("OUT_DIR"), "/page.csp"));

/// The page, compressed if the browser takes that.
pub(super) fn page(request: &Request) -> Answer {
    let body = if request.accepts_gzip { COMPRESSED } else { PAGE };
    let answer = Answer::of_kind("text/html; charset=utf-8", body)
        .with_header("Content-Security-Policy", policy(request.authority.as_deref()))
        .with_header("Referrer-Policy", "no-referrer")
        .with_header("Vary", "Accept, Accept-Encoding, Host");
    match request.accepts_gzip {
        true => answer.with_header("Content-Encoding", "gzip"),
        false => answer,
    }
}

/// The policy for a page of this host. Safari before 15.4 doesn't take the WebSocket of the
/// same host for `'self'`.
fn policy(authority: Option<&str>) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    match authority.filter(|authority| authority.chars().all(is_plain)) {
        None => POLICY.to_owned(),
        Some(host) => POLICY
            .replace("connect-src 'self'", &format!("connect-src 'self' ws://{host} wss://{host}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_websocket_of_a_plain_host() {
        let named = policy(Some("[::1]:8008"));
        assert!(named.contains("connect-src 'self' ws://[::1]:8008 wss://[::1]:8008; "), "{named}");
        assert_eq!(policy(Some("a;script-src *.local")), POLICY);
        assert!(POLICY.contains("connect-src 'self'; "));
    }
}
