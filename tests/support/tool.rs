//! Programs that a test needs and the machine may lack.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// Whether to skip a test for which one of these programs is missing. Says so;
/// with `CI=true` it is a failure.
pub fn lacks(tools: &[&str]) -> bool {
    let missing: Vec<_> = tools.iter().filter(|tool| find(tool).is_none()).collect();
    !missing.is_empty() && !is_there(false, &format!("the programs {missing:?}"))
}

/// Gives `there`, and if that is false, says that `what` is missing and a test
/// is skipped; with `CI=true` it is a failure.
pub fn is_there(there: bool, what: &str) -> bool {
    if !there {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        assert!(env::var("CI").is_ok_and(|ci| ci == "true").eq(&false), "{what} must be there");
        // Past the harness, which shows nothing of a test that passes.
        let message = format!("SKIPPED {test}: without {what}\n");
        let _ = std::io::Write::write_all(&mut std::io::stderr(), message.as_bytes());
    }
    there
}

/// Where programs are: also where Debian has games, which not everybody's path has.
pub fn search_path() -> OsString {
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/games");
    path
}

fn find(tool: &str) -> Option<PathBuf> {
    let path = search_path();
    env::split_paths(&path).map(|directory| directory.join(tool)).find(|file| file.is_file())
}
