//! What fuzzing has found, tried again: each file of the corpus through its
//! target. How the corpus is made: docs/fuzzing.md.

#[path = "targets/mod.rs"]
mod targets;

use std::fs;
use std::path::Path;

/// Large inputs are slow here, and seldom find more.
const FILE_BYTES_MAX: u64 = 4096;

fn replay(name: &str, target: fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = root.join("tests/fuzz/corpus").join(name);
    let entries = fs::read_dir(&directory).expect("each target has a corpus");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    assert!(files.len() >= 10, "{} files in the corpus of {name}", files.len());
    for file in files {
        // The last one printed is the one that fails.
        println!("{}", file.display());
        let data = fs::read(&file).expect("a file");
        assert!(data.len() as u64 <= FILE_BYTES_MAX, "{} bytes", data.len());
        target(&data);
    }
}

#[test]
fn lines() {
    replay("lines", targets::lines);
}

#[test]
fn telnet() {
    replay("telnet", targets::telnet);
}

#[test]
fn text() {
    replay("text", targets::text);
}

#[test]
fn editor() {
    replay("editor", targets::editor);
}

#[test]
fn commands() {
    replay("commands", targets::commands);
}

#[test]
fn chat() {
    replay("chat", targets::chat);
}

#[test]
fn first_bytes() {
    replay("first_bytes", targets::first_bytes);
}

#[test]
fn requests() {
    replay("requests", targets::requests);
}

#[test]
fn frames() {
    replay("frames", targets::frames);
}

#[test]
fn handshake() {
    replay("handshake", targets::handshake);
}
