//! What the program shows first, on terminals of several sizes and elsewhere.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;

use tempfile::TempDir;
use vt100::{Color, Parser, Screen};

use crate::harness::{Namespace, Network, PATIENCE, Program, lacks, run};
use crate::support::process::{Process, ROOMCAST};

/// A program in a terminal of so many columns and rows, on a machine with a LAN; gives the
/// screen when it is as it should be, or as it is in the end.
fn screen(
    (columns, rows): (u16, u16),
    variables: &[(&str, &str)],
    options: &str,
    is_it: impl Fn(&Screen) -> bool,
) -> Screen {
    let mut network = Network::new();
    let _machine = network.machine();
    screen_in(&network, (columns, rows), variables, options, is_it)
}

/// The same on the machine of this network.
fn screen_in(
    network: &Network,
    (columns, rows): (u16, u16),
    variables: &[(&str, &str)],
    options: &str,
    is_it: impl Fn(&Screen) -> bool,
) -> Screen {
    let mut command = Command::new("script");
    let inside = format!("stty cols {columns} rows {rows}; exec {ROOMCAST} {options}");
    command.args(["--quiet", "--flush", "--return", "--command", &inside, "/dev/null"]);
    command.env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR");
    // The log isn't what is looked at.
    command.env("RUST_LOG", "error").envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = network.enter(|| Process::spawn(&mut command)).expect("it starts");
    let mut stdout = process.child().stdout.take().expect("it is piped");
    let (reader, pieces) = channel();
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = stdout.read(&mut bytes) {
            if reader.send(bytes[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut parser = Parser::new(rows, columns, 0);
    let end = Instant::now() + PATIENCE;
    while !is_it(parser.screen()) {
        match pieces.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(bytes) => parser.process(&bytes),
            Err(_) => break,
        }
    }
    parser.screen().clone()
}

/// All is there, if there is no code.
fn has_text(screen: &Screen) -> bool {
    screen.contents().contains("Ctrl-C ends the room.") && screen.cursor_position().1 == 0
}

/// What a camera would see of it, in a dark theme: an image of two pixels in each character,
/// enlarged (PGM, netpbm).
fn picture(screen: &Screen) -> Vec<u8> {
    const SCALE: usize = 6;
    let (rows, columns) = screen.size();
    let is_light = |color: Color, default: bool| match color {
        Color::Default => default,
        Color::Idx(16) => false,
        Color::Idx(231) => true,
        other => panic!("a color of the theme: {other:?}"),
    };
    let mut picture =
        format!("P5 {} {} 255\n", columns as usize * SCALE, rows as usize * 2 * SCALE);
    let mut pixels = Vec::new();
    for y in 0..rows * 2 {
        let mut line = Vec::new();
        for x in 0..columns {
            let cell = screen.cell(y / 2, x).expect("it is on the screen");
            let is_inked = match cell.contents() {
                "█" => true,
                "▀" => y % 2 == 0,
                "▄" => y % 2 == 1,
                _ => false,
            };
            let light = match is_inked {
                true => is_light(cell.fgcolor(), true),
                false => is_light(cell.bgcolor(), false),
            };
            line.extend([if light { 255 } else { 0 }; SCALE]);
        }
        pixels.extend(line.repeat(SCALE));
    }
    let mut bytes = std::mem::take(&mut picture).into_bytes();
    bytes.extend(pixels);
    bytes
}

/// What a phone reads from the screen.
fn decoded(screen: &Screen) -> String {
    let file = tempfile::Builder::new().suffix(".pgm").tempfile().expect("a file");
    fs::write(file.path(), picture(screen)).expect("it is written");
    let mut command = Command::new("zbarimg");
    let output = command.args(["--quiet", "--raw"]).arg(file.path()).output().expect("it runs");
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
}

fn is_possible() -> bool {
    !lacks(&["script", "stty", "zbarimg"]) && Namespace::is_possible()
}

fn password() -> (TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("password");
    fs::write(&path, "open sesame&more\n").expect("a file");
    let path = path.to_str().expect("UTF-8").to_owned();
    (directory, path)
}

/// Promise 67: on a terminal the room shows how to join, with a code that phones read, dark on
/// light whatever the theme is.
#[test]
fn a_phone_reads_the_first_screen() {
    if !is_possible() {
        return;
    }
    let link = "http://10.0.1.1:8008/";
    let options = "--listen telnet:2323 --listen 8008 --name 'LAN party'";
    let screen = screen((80, 24), &[], options, |screen| decoded(screen) == link);
    assert_eq!(decoded(&screen), link, "{}", screen.contents());
    let shown = screen.contents();
    for line in ["LAN party", "nc 10.0.1.1 8008", "telnet 10.0.1.1 8008", link] {
        assert!(shown.lines().any(|it| it.ends_with(line)), "{line} isn't in:\n{shown}");
    }
    assert!(shown.lines().count() <= 20, "{shown}");
}

/// Promise 67: with the password, so that nobody has to type it.
#[test]
fn the_code_has_the_password() {
    if !is_possible() {
        return;
    }
    let (_directory, path) = password();
    let options = format!("--listen 8008 --tls --password-file {path}");
    let link = "https://10.0.1.1:8008/#password=open+sesame%26more";
    let screen = screen((100, 40), &[], &options, |screen| decoded(screen) == link);
    assert_eq!(decoded(&screen), link, "{}", screen.contents());
}

/// Promise 67: where the code has no place, or can't be shown, there is the text alone.
#[test]
fn without_a_place_for_the_code_there_is_the_text() {
    if !is_possible() {
        return;
    }
    let narrow = screen((40, 20), &[], "--listen 8008", has_text);
    let shown = narrow.contents();
    assert!(!shown.contains('█'), "{shown}");
    assert!(shown.contains("\n  nc 10.0.1.1 8008\n  telnet 10.0.1.1 8008\n"), "{shown}");
    for variables in [("NO_COLOR", "1"), ("TERM", "dumb"), ("LC_ALL", "C")] {
        let screen = screen((80, 24), &[variables], "--listen 8008", has_text);
        assert!(!screen.contents().contains(['█', '▄']), "{variables:?}: {}", screen.contents());
    }
    // Nobody else can come, or not with a browser.
    for options in ["127.0.0.1:8008", "8008 --no-web", "telnet:8008"] {
        let screen = screen((80, 24), &[], &format!("--listen {options}"), has_text);
        assert!(!screen.contents().contains(['█', '▄']), "{options}: {}", screen.contents());
    }
}

/// A room that nobody can find says so, without a name by which nobody can find it.
#[test]
fn a_room_that_is_not_announced_says_so() {
    if !is_possible() {
        return;
    }
    let network = Network::new();
    let shown = |options: &str| {
        let options = format!("--listen 8008 {options}");
        screen_in(&network, (80, 24), &[], &options, has_text).contents()
    };
    let (alone, not) = (shown(""), "not announced on the LAN:\n");
    assert!(alone.contains(&format!("{not}  this machine is on no LAN\n")), "{alone}");
    assert!(!alone.contains("roomcast-"), "{alone}");
    network.add_interface("wan", "203.0.113.9/24");
    let public = shown("--name Party").replace(['█', '▄', '▀'], " ");
    let lines: Vec<_> = public.lines().map(str::trim).collect();
    let said = ["Party", "not announced on the LAN:", "its addresses are public"];
    assert!(lines.windows(3).any(|lines| lines == said), "{public}");
    let found = network.enter(|| run(&["find"]));
    assert_eq!(found.status.code(), Some(1));
    let said = String::from_utf8(found.stderr).expect("UTF-8");
    let why = "no rooms found, and none here can be announced: its addresses are public";
    assert_eq!(said, format!("roomcast: {why}\n"));
    let program = network.serve(&[]);
    program.logs("not announced on the LAN: its addresses are public");
}

/// All addresses are shown on demand.
#[test]
fn all_addresses_are_shown_on_demand() {
    if !is_possible() {
        return;
    }
    let lines = ["nc 10.0.1.1 8008", "nc fd00:1::1 8008", "http://[fd00:1::1]:8008/"];
    let lacks = |screen: &Screen| {
        let shown = screen.contents();
        lines.iter().find(|line| !shown.lines().any(|it| it.ends_with(**line))).copied()
    };
    let all = "--listen 8008 --verbose";
    let screen = screen((100, 40), &[], all, |screen| lacks(screen).is_none());
    assert_eq!(lacks(&screen), None, "{}", screen.contents());
}

/// Promise 67: neither the code nor the password goes into a pipe.
#[test]
fn programs_see_lines_and_no_password() {
    let (_directory, path) = password();
    let mut program = Program::web(&["--password-file", &path]);
    let line = program.stdout_line();
    assert!(line.starts_with("join with: nc 127.0.0.1 "), "{line}");
    assert!(!line.contains("sesame") && !line.contains('#'), "{line}");
}
