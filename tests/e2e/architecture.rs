//! What must be absent from a part of the code, checked by reading it.

use std::path::Path;

use crate::imports::{Imports, circles};
use crate::source::sources;

/// None of these words is in this part of the code.
#[track_caller]
fn check_absent(part: &str, words: &[&str]) {
    for source in sources(part) {
        for word in words {
            assert!(!source.has_word(word), "{word} is in {}", source.path.display());
        }
    }
}

#[test]
fn wire_knows_no_clients_rooms_clocks_or_sockets() {
    check_absent("src/wire", &["chat", "net", "socket2", "polling", "rustix", "log", "thread"]);
    check_absent("src/wire", &["SystemTime", "Instant", "fs", "ClientId", "Chat"]);
    for mut source in sources("src/wire") {
        // A cursor over bytes in memory is no I/O.
        source.code = source.code.replace("std::io::Cursor", "");
        assert!(!source.has_word("io"), "io is in {}", source.path.display());
    }
}

#[test]
fn chat_does_no_io_reads_no_clock_starts_no_thread_and_writes_no_log() {
    check_absent("src/chat", &["socket2", "polling", "rustix", "thread", "fs"]);
    check_absent("src/chat", &["Instant::now", "SystemTime", "elapsed"]);
    check_absent("src/chat", &["trace!", "debug!", "info!", "warn!", "error!"]);
    check_absent("src/chat", &["print!", "println!", "eprint!", "eprintln!", "dbg!"]);
    for mut source in sources("src/chat") {
        // The one thing of I/O: slices for a vectored write.
        source.code = source.code.replace("std::io::IoSlice", "");
        // Addresses are numbers.
        source.code = source.code.replace("std::net::{Ip", "").replace("std::net::Ip", "");
        for word in ["io", "net"] {
            assert!(!source.has_word(word), "{word} is in {}", source.path.display());
        }
    }
}

#[test]
fn discovery_knows_nothing_of_the_room() {
    check_absent("src/discovery", &["chat", "net::server", "store", "wire", "polling"]);
    for part in ["src/wire", "src/chat", "src/store", "src/cluster", "src/net"] {
        check_absent(part, &["discovery", "mdns_sd"]);
    }
}

#[test]
fn the_library_knows_no_command_line_and_no_signals() {
    for part in ["src/wire", "src/chat", "src/store", "src/net", "src/discovery", "src/cluster"] {
        check_absent(
            part,
            &["clap", "env_logger", "ctrlc", "nix", "exit", "println!", "eprintln!"],
        );
    }
}

#[test]
fn unsafe_code_is_in_two_files() {
    for source in sources("src") {
        let is_one =
            ["src/net/registered.rs", "src/signals.rs"].map(Path::new).contains(&&*source.path);
        assert_eq!(source.has_word("unsafe"), is_one, "{}", source.path.display());
    }
}

/// A line gets its place in one function.
#[test]
fn the_order_of_lines_is_made_in_one_place() {
    for source in sources("src/chat") {
        let places = source.code.matches("records.push").count();
        let is_the_one = source.path.ends_with("chat/room/log/mod.rs");
        assert_eq!(places, usize::from(is_the_one), "{}", source.path.display());
    }
}

#[test]
fn no_file_imports_itself_through_others() {
    let circles = circles(&Imports::read().arrows());
    assert!(circles.is_empty(), "files that import each other: {circles:#?}");
}

/// Arrows point one way.
#[test]
fn no_part_imports_from_a_part_above_it() {
    const FLOORS: [&[&str]; 3] =
        [&["src/wire"], &["src/chat", "src/store", "src/cluster", "src/discovery"], &["src/net"]];
    let part = |path: &Path| {
        let is_in = |part: &&&str| path.starts_with(part);
        let at =
            |(floor, parts): (usize, &[&'static str])| Some((floor, *parts.iter().find(is_in)?));
        FLOORS.into_iter().enumerate().find_map(at).unwrap_or((FLOORS.len(), "src"))
    };
    let arrows = Imports::read().arrows();
    assert!(arrows.values().any(|targets| !targets.is_empty()), "no import was found");
    for (from, targets) in &arrows {
        for to in targets {
            let is_down = part(from).0 > part(to).0 || part(from) == part(to);
            assert!(is_down, "{} imports from {}", from.display(), to.display());
        }
    }
}
