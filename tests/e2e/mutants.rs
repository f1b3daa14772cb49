//! The mutants of `tests/mutants`, which break the code as it is now.

use std::fs;

use crate::source::{document, root};

/// Without this, one is found out of date only when somebody runs them all.
#[test]
fn each_mutant_fits_the_code() {
    let entries = fs::read_dir(root().join("tests/mutants")).expect("the directory exists");
    let paths = entries.map(|entry| entry.expect("a file").path());
    let patches: Vec<_> = paths.filter(|path| path.extension() == Some("patch".as_ref())).collect();
    assert!(!patches.is_empty());
    for path in patches {
        let patch = fs::read_to_string(&path).expect("UTF-8");
        let (_, patch) = patch.split_once("\n--- a/").expect("the name of a file");
        let (file, hunks) = patch.split_once('\n').expect("more follows");
        let code = document(file);
        for hunk in hunks.split("\n@@ ").skip(1) {
            let lines = hunk.split_inclusive('\n').skip(1);
            let old: String = lines.filter_map(|line| line.strip_prefix([' ', '-'])).collect();
            assert!(code.contains(&old), "{}: {file} has no more:\n{old}", path.display());
        }
    }
}
