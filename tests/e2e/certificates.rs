//! The certificate for TLS: files that are read again, and one that the server makes itself.

use std::fs;
use std::path::Path;

use rcgen::{CertificateParams, KeyPair};
use rustix::process::Signal;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::harness::{Namespace, Network, Program, Secured, Terminal, connect, run};
use crate::source::root;
use crate::support::process::ROOMCAST;

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Writes a new certificate for `localhost` and its key into `directory`.
fn write_certificate(directory: &Path) {
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = certificate.self_signed(&key).expect("a certificate");
    fs::write(directory.join("cert.pem"), certificate.pem()).expect("it is written");
    fs::write(directory.join("key.pem"), key.serialize_pem()).expect("it is written");
}

fn fingerprint(certificate: &CertificateDer) -> String {
    let pairs: Vec<_> =
        Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// A server with the certificate in `directory`, which a supervisor has started: it has no
/// terminal.
fn supervised(directory: &Path) -> Program {
    let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    let options = ["--tls-cert", text(&certificate), "--tls-key", text(&key)];
    Program::started_by(&["setsid"], &options)
}

/// Whether a client trusts the server that trusts only the certificate in the file now.
fn shows_the_one_in(directory: &Path, program: &Program) -> bool {
    let client = Secured::trusting(&directory.join("cert.pem"), connect(program));
    let Secured { mut connection, mut socket, .. } = client;
    connection.complete_io(&mut socket).is_ok()
}

/// Promise 59: a new certificate is used without a restart, and nobody is disconnected.
#[test]
fn certificates_are_read_again_at_sighup() {
    let directory = directory();
    write_certificate(directory.path());
    let program = supervised(directory.path());
    let mut ann = Secured::trusting(&directory.path().join("cert.pem"), connect(&program));
    ann.read_greeting();
    write_certificate(directory.path());
    assert!(!shows_the_one_in(directory.path(), &program));
    program.signal(Signal::HUP);
    program.logs("the TLS certificate is now for localhost");
    assert!(shows_the_one_in(directory.path(), &program));
    ann.say("/seq");
    while !ann.line().contains("is the newest") {}
    // A key that isn't its own keeps the one before.
    fs::write(
        directory.path().join("key.pem"),
        KeyPair::generate().expect("a key").serialize_pem(),
    )
    .expect("it is written");
    program.signal(Signal::HUP);
    let logged = program.logs("the TLS certificate before it stays in use");
    assert!(logged.contains("the key isn't that of the certificate"), "{logged}");
    assert!(shows_the_one_in(directory.path(), &program));
}

/// Promise 59: the same without being told, when both files are written.
#[test]
fn certificates_are_read_again_when_their_files_change() {
    let directory = directory();
    write_certificate(directory.path());
    let program = supervised(directory.path());
    // As certbot has it: a link that leads elsewhere.
    let renewed = directory.path().join("renewed");
    fs::create_dir(&renewed).expect("a directory");
    write_certificate(&renewed);
    for name in ["cert.pem", "key.pem"] {
        let (link, target) = (directory.path().join("link"), renewed.join(name));
        std::os::unix::fs::symlink(&target, &link).expect("a link");
        fs::rename(&link, directory.path().join(name)).expect("it is replaced");
    }
    program.logs("the TLS certificate is now for localhost");
    assert!(shows_the_one_in(directory.path(), &program));
}

/// With a terminal SIGHUP says that it hangs up, and the server ends. Certificates are watched
/// there too.
#[test]
fn sighup_ends_a_server_with_a_terminal() {
    if crate::harness::lacks(&["tmux"]) {
        return;
    }
    let command =
        format!("sh -c 'echo \"pid $$.\"; exec {ROOMCAST} --tls --listen 127.0.0.1:0; sleep 9'");
    let terminal = Terminal::run(&command);
    terminal.comes_to(|screen, _| screen.contains("join with:"));
    let screen = terminal.screen();
    let pid = screen.split("pid ").nth(1).and_then(|rest| rest.split('.').next());
    let pid = pid.and_then(|pid| pid.parse::<i32>().ok()).expect("a number");
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let mut names =
        tasks.map(|task| fs::read_to_string(task.expect("a thread").path().join("comm")));
    assert!(names.any(|name| name.expect("it runs").trim_end() == "certificate"));
    let pid = rustix::process::Pid::from_raw(pid).expect("a process");
    rustix::process::kill_process(pid, Signal::HUP).expect("it runs");
    terminal.comes_to(|screen, _| screen.contains("] stopped: "));
}

#[test]
fn without_anything_to_read_again_sighup_does_nothing() {
    let program = Program::started_by(&["setsid"], &[]);
    let [mut ann] = crate::harness::Host::guests(&program);
    program.signal(Signal::HUP);
    program.logs("read again: nothing; options and environment variables need a restart");
    ann.ping();
}

/// Promise 60: a self-signed certificate is kept, and known by the fingerprint that is shown
/// at the start.
#[test]
fn a_self_signed_certificate_is_kept() {
    let directory = directory();
    let data = directory.path().join("data");
    let start = |options: &[&str]| {
        let mut program = Program::web(&[&["--tls", "--data", text(&data)], options].concat());
        let joining = program.stdout_line();
        assert!(joining.starts_with("join with: nc 127.0.0.1 "), "{joining}");
        let line = program.stdout_line();
        let shown = line.strip_prefix("TLS certificate (SHA-256): ").expect("a fingerprint");
        (program, shown.trim_end().to_owned())
    };
    let (program, shown) = start(&[]);
    let certificate = data.join("tls.pem");
    let mut ann = Secured::trusting(&certificate, connect(&program));
    ann.shake_hands(usize::MAX);
    assert_eq!(fingerprint(ann.certificate()), shown);
    for name in ["tls.pem", "tls.key"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(data.join(name)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    drop(program);
    assert_eq!(start(&[]).1, shown);
    // A new name makes a new certificate with the same key.
    let key = fs::read(data.join("tls.key")).expect("it is there");
    let (program, renewed) = start(&["--host", "chat.example.org"]);
    assert_ne!(renewed, shown);
    assert_eq!(fs::read(data.join("tls.key")).expect("it is there"), key);
    assert!(program.logs("the TLS certificate is").contains("chat.example.org"));
    drop(program);
    fs::write(data.join("tls.key"), "nonsense").expect("it is written");
    let output = run(&["--listen", "127.0.0.1:0", "--tls", "--data", text(&data)]);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        errors.contains("tls.key: it holds no private key in PEM; without the file"),
        "{errors}"
    );
}

/// Promise 60: without --data one is made at each start.
#[test]
fn a_self_signed_certificate_without_a_directory_ends_with_the_server() {
    let fingerprint = || {
        let mut program = Program::start(&["--tls"]);
        program.stdout_line();
        program.stdout_line()
    };
    assert_ne!(fingerprint(), fingerprint());
}

/// Promise 60: a machine that gets a new address gets a new certificate, with the same key.
#[test]
fn a_self_signed_certificate_follows_the_addresses() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let directory = directory();
    let program = network.serve(&["--tls", "--data", text(directory.path())]);
    assert!(!program.stderr().contains("10.0.1.1"));
    let machine = network.machine();
    program.logs("the TLS certificate is now for ");
    let socket = machine.connect(&program).socket().try_clone().expect("a descriptor");
    let path = directory.path().join("tls.pem");
    let mut ann = Secured::expecting("10.0.1.1", &path, socket.into());
    ann.read_greeting();
}

#[test]
fn what_is_wrong_with_the_files_is_said() {
    let directory = directory();
    let empty = directory.path().join("empty");
    fs::write(&empty, "").expect("a file");
    let example = |name: &str| root().join("tests/e2e").join(name);
    let (certificate, key) = (example("example-tls.pem"), example("example-tls.key"));
    let (certificate, key, empty) = (text(&certificate), text(&key), text(&empty));
    write_certificate(directory.path());
    let other = directory.path().join("key.pem");
    let refused = |certificate: &str, key: &str| {
        let output = run(&["--listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let said = [
        (refused("/nowhere", key), "cannot use /nowhere for --tls-cert: No such file"),
        (refused(certificate, "/nowhere"), "cannot use /nowhere for --tls-key: No such file"),
        (refused(empty, key), "it holds no certificate in PEM"),
        (refused(certificate, empty), "it holds no private key in PEM"),
        (refused(certificate, certificate), "it holds no private key in PEM"),
        (refused(certificate, text(&other)), "the key isn't that of the certificate"),
        (refused("/dev/zero", key), "cannot use /dev/zero for --tls-cert: it is a device"),
    ];
    for (errors, clue) in said {
        assert!(errors.contains(clue), "{clue:?} isn't in {errors}");
    }
    let output = run(&["--tls-only"]);
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(errors.contains("--tls-only needs a certificate: add --tls"), "{errors}");
}
