//! What `pkg/build` makes: the Debian package, in a copy of this machine that systemd has booted,
//! and the program for images of containers, alone in its root directory.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Signal, geteuid};
use socket2::SockAddr;

use crate::harness::{Client, Namespace, PATIENCE, is_there, lacks};
use crate::source::{blocks, document, root};
use crate::support::process::Process;

/// The boot and all that follows it.
const TRIAL_TIME: Duration = Duration::from_secs(300);

/// The program's own version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A file that `pkg/build` has made, if it is there.
fn built(path: &str) -> Option<PathBuf> {
    let path = root().join(path);
    is_there(path.is_file(), &format!("{}, which pkg/build makes", path.display())).then_some(path)
}

/// Promise 63: the commands of docs/deploy.md lead from the package to a room; an upgrade that
/// changes nothing disconnects nobody.
#[test]
fn the_package_is_installed_upgraded_and_removed() {
    let tools = ["systemd-nspawn", "unshare", "apt-get", "dpkg-deb", "openssl", "ncat", "man"];
    let may_mount = || {
        let mut command = Command::new("unshare");
        let is_mounted = command.args(["--mount", "mount", "-t", "tmpfs", "none", "/mnt"]).status();
        is_there(geteuid().is_root() && is_mounted.is_ok_and(|status| status.success()), "mounts")
    };
    if lacks(&tools) || !may_mount() {
        return;
    }
    let name = format!("roomcast_{VERSION}-1_{}.deb", debian_architecture());
    let Some(package) = built(&format!("target/debian/{name}")) else { return };
    let page = document("docs/deploy.md");
    let section = page.split("## Ten commands").nth(1).expect("the section is there");
    let commands = blocks(section, "console").remove(0);
    let commands: Vec<_> =
        commands.lines().map(|line| line.strip_prefix("$ ").expect("a command")).collect();
    assert!(commands.len() <= 10 && commands[0].ends_with(&name), "{commands:?}");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("commands.sh");
    fs::write(&file, commands.join("\n")).expect("it is written");
    let machine = directory.path().join("machine");
    fs::create_dir(&machine).expect("a directory");
    let scripts = root().join("tests/e2e/packages");
    let mut boot = Command::new("unshare");
    boot.arg("--mount").arg("bash").arg(scripts.join("boot.sh")).arg(&machine);
    boot.env("PACKAGE", package).env("COMMANDS", file).env("SCRIPT", scripts.join("trial.sh"));
    boot.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = Process::spawn(&mut boot).expect("it starts").output_within(TRIAL_TIME);
    let output = output.expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(said.ends_with("\ntrial passed\n"), "{said}\n{errors}");
}

fn debian_architecture() -> String {
    let output = Command::new("dpkg").arg("--print-architecture").output().expect("dpkg is there");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

#[test]
fn the_changelog_of_the_package_is_about_this_version() {
    let newest = format!("roomcast ({VERSION}-");
    assert!(document("pkg/changelog").starts_with(&newest), "pkg/changelog lacks {VERSION}");
}

/// Promise 64: the program runs alone in its root directory, as process 1 and no user of note.
#[test]
fn a_container_needs_nothing_but_the_program() {
    if !Namespace::is_possible() || lacks(&["unshare", "setpriv"]) {
        return;
    }
    let Some(program) = built("target/static/roomcast") else { return };
    let recipe = document("pkg/container/Containerfile");
    let said = |what: &str| {
        let mut lines = recipe.lines().filter_map(|line| line.strip_prefix(what));
        lines.next_back().unwrap_or_else(|| panic!("{what} is missing")).trim().to_owned()
    };
    let (user, group) = said("USER ").split_once(':').map(numbers).expect("user and group");
    let (variable, data) = said("ENV ").split_once('=').map(owned).expect("a variable");
    let words = |line: &str| serde_json::from_str::<Vec<String>>(line).expect("a list");
    let entry = words(&said("ENTRYPOINT "));
    let health = words(said("HEALTHCHECK ").split_once("CMD ").expect("a command").1);

    let image = tempfile::tempdir().expect("a directory");
    fs::set_permissions(image.path(), Permissions::from_mode(0o755)).expect("it is ours");
    fs::copy(program, image.path().join(&entry[0][1..])).expect("it is copied");
    let directory = image.path().join(&data[1..]);
    DirBuilder::new().mode(0o700).create(&directory).expect("a directory");
    chown(&directory, Some(user), Some(group)).expect("root may");

    let network = Namespace::new();
    let run = |options: &[&str], words: &[String]| {
        let mut command = Command::new("unshare");
        command.args(options).arg("--root").arg(image.path());
        command.args([format!("--setuid={user}"), format!("--setgid={group}")]).args(words);
        command.env_clear().env(&variable, &data).env("PATH", "/usr/bin:/bin:/usr/sbin");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        network.enter(|| Process::spawn(&mut command)).expect("it starts")
    };
    let mut room = run(&["--pid", "--fork", "--kill-child"], &entry);
    let mut stdout = BufReader::new(room.child().stdout.take().expect("it is piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it is text");
    assert!(line.starts_with("listening on ") && line.ends_with(":8008\n"), "{line}");
    let checked = run(&[], &health).output_within(PATIENCE).expect("it ends");
    assert!(checked.status.success(), "{checked:?}");

    let address = SockAddr::from(std::net::SocketAddr::from(([127, 0, 0, 1], 8008)));
    let mut ann = network.enter(|| Client::connect(&address));
    ann.read_greeting();
    assert!(ann.here().ends_with("; what is said here is kept"), "{}", ann.here());
    ann.say("/nick ann!secret\nhello");
    while !ann.line().starts_with("*** you are now ann") {}
    // SIGHUP and SIGTERM are for process 1, which others can't signal without a handler.
    let first = fs::read_to_string(format!("/proc/{0}/task/{0}/children", room.id()));
    let first = first.expect("it runs").trim().parse().expect("one process");
    let first = rustix::process::Pid::from_raw(first).expect("a process");
    let mut log = BufReader::new(room.child().stderr.take().expect("it is piped"));
    let mut hears = |clue: &str| {
        let mut line = String::new();
        while !line.contains(clue) {
            line.clear();
            assert_ne!(log.read_line(&mut line).expect("it is text"), 0, "{clue} isn't logged");
        }
    };
    rustix::process::kill_process(first, Signal::HUP).expect("root may");
    hears("read again: bans;");
    rustix::process::kill_process(first, Signal::TERM).expect("root may");
    ann.hears("*** the server is shutting down");
    hears("] stopped: ");
    assert!(room.wait().expect("it is a child").success());
    assert!(directory.join("roomcast.db").is_file());
}

fn numbers((user, group): (&str, &str)) -> (u32, u32) {
    (user.parse().expect("a number"), group.parse().expect("a number"))
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
