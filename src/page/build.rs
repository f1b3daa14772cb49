//! Makes of `page.html` what the server sends: the page compressed, and the policy that
//! lets a browser run its one script and use its one style, and nothing else.

use std::io::Write;
use std::path::Path;
use std::{env, fs};

use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

const PAGE: &str = "src/page/page.html";

fn main() {
    println!("cargo::rerun-if-changed={PAGE}");
    println!("cargo::rerun-if-changed=src/page/build.rs");
    let page = fs::read_to_string(PAGE).expect("the page is there");
    let out = env::var_os("OUT_DIR").expect("cargo sets it");
    let write = |name: &str, bytes: &[u8]| {
        fs::write(Path::new(&out).join(name), bytes).expect("the directory is ours");
    };
    write("page.html.gz", &compress(page.as_bytes()));
    write("page.csp", policy(&page).as_bytes());
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

/// The value of `Content-Security-Policy` (W3C Content Security Policy Level 3).
fn policy(page: &str) -> String {
    let (script, style) = (hash(page, "script"), hash(page, "style"));
    format!(
        "default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The hash of what stands in the one element of this name.
fn hash(page: &str, element: &str) -> String {
    let (begin, end) = (format!("<{element}>"), format!("</{element}>"));
    let mut parts = page.split(&begin);
    let text = parts.nth(1).and_then(|rest| rest.split(&end).next());
    assert!(parts.next().is_none(), "the page has one {element}");
    let text = text.unwrap_or_else(|| panic!("the page has a {element}"));
    format!("'sha256-{}'", BASE64.encode(&Sha256::digest(text.as_bytes())))
}
