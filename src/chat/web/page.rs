//! The page for browsers: `src/page/page.html`, made ready by `src/page/build.rs`.

use super::answers::Answer;

const PAGE: &[u8] = include_bytes!("../../page/page.html");
const COMPRESSED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/page.html.gz"));

/// What the page may do (W3C Content Security Policy Level 3).
const POLICY: &str = include_str!(concat!(env!("OUT_DIR"), "/page.csp"));

/// The page, compressed if the browser takes that.
pub(super) fn page(is_compressed: bool) -> Answer {
    let answer =
        Answer::of_kind("text/html; charset=utf-8", if is_compressed { COMPRESSED } else { PAGE });
    let answer = answer
        .with_header("Content-Security-Policy", POLICY)
        .with_header("Referrer-Policy", "no-referrer")
        .with_header("Vary", "Accept, Accept-Encoding");
    if is_compressed { answer.with_header("Content-Encoding", "gzip") } else { answer }
}
