//! Where the program listens, and what it says about it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::process::Signal;

use crate::harness::{Client, Host, Namespace, Program, is_there, lacks, run_in};

fn unix(path: &Path) -> String {
    format!("unix:{}", path.display())
}

fn is_socket(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.file_type().is_socket())
}

fn has_ipv6() -> bool {
    is_there(TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok(), "IPv6")
}

#[test]
fn the_first_lines_say_where_and_how_to_join() {
    let mut program = Program::start(&[]);
    let port = program.port();
    assert_ne!(port, 0);
    let hint = format!("join with: nc 127.0.0.1 {port}   or: telnet 127.0.0.1 {port}");
    assert_eq!(program.stdout_line(), hint);
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    assert_eq!(program.stdout_line(), "", "that is all of standard output");
}

#[test]
fn logs_go_to_standard_error_at_info() {
    let mut program = Program::start(&[]);
    let [ann] = program.guests();
    program.signal(Signal::TERM);
    drop(ann);
    assert_eq!(program.exit_code(), 0);
    let log = program.stderr();
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 3, "{log}");
    assert!(lines.iter().all(|line| line.contains(" INFO ")), "{log}");
    let stopped = "stopped: 1 came, 0 lines, 0 skipped; ended: 1 shutdown; the longest turn took ";
    assert!(lines[2].contains(stopped), "{log}");
}

#[test]
fn every_interface_is_ipv4_and_ipv6_in_one_socket() {
    if !has_ipv6() {
        return;
    }
    let mut program = Program::listening(&["[::]:0"], &["--prefix", "addr"]);
    let port = program.port();
    // The hint names an address that is one of this machine.
    let hint = program.stdout_line();
    let words: Vec<_> = hint.split_whitespace().collect();
    let ["join", "with:", "nc", ip, hint_port, "or:", "telnet", same_ip, same_port] = words[..]
    else {
        panic!("{hint}");
    };
    assert_eq!((ip, hint_port), (same_ip, same_port));
    assert_eq!(hint_port, port.to_string());
    let ip: IpAddr = ip.parse().expect("an address");
    assert!(!ip.is_unspecified());
    let client = |ip: IpAddr| {
        let mut client = Client::connect(&SocketAddr::new(ip, port).into());
        client.read_greeting();
        client
    };
    // IPv4 is shown as IPv4.
    let mut ipv4 = client(Ipv4Addr::LOCALHOST.into());
    let mut ipv6 = client(Ipv6Addr::LOCALHOST.into());
    ipv4.hears(format!("*** guest2 ({}) joined", ipv6.address()));
    let hinted = client(ip);
    ipv4.hears(format!("*** guest3 ({}) joined", hinted.address()));
    ipv6.hears(format!("*** guest3 ({}) joined", hinted.address()));
    ipv6.say("hello");
    ipv4.hears(format!("<{}> hello", ipv6.address()));
    ipv4.say("hi");
    ipv6.hears(format!("<{}> hi", ipv4.address()));
}

#[test]
fn ipv6_alone_is_not_ipv4() {
    if !has_ipv6() {
        return;
    }
    let program = Program::listening(&["[::1]:0"], &[]);
    let [mut ann, mut bob] = program.guests();
    ann.say("hello");
    bob.hears("<guest1> hello");
}

/// Behind a proxy or in a container the server listens at another address than people
/// connect to.
#[test]
fn people_are_told_the_advertised_address() {
    let joining = |options: &[&str]| {
        let mut program = Program::web(options);
        let port = program.port().to_string();
        (program.stdout_line().replace(&port, "PORT"), program)
    };
    let (line, _) = joining(&["--advertise", "chat.example.org"]);
    let page = "http://chat.example.org:PORT/";
    let commands = "nc chat.example.org PORT   or: telnet chat.example.org PORT";
    assert_eq!(line, format!("join with: {commands}   or: {page}"));
    let (line, mut program) = joining(&["--advertise", "[2001:db8::7]:443", "--tls"]);
    let commands =
        "nc 2001:db8::7 443   or: telnet 2001:db8::7 443   or: ncat --ssl 2001:db8::7 443";
    assert_eq!(line, format!("join with: {commands}   or: https://[2001:db8::7]/"));
    assert!(program.stdout_line().starts_with("TLS certificate (SHA-256): "));
    assert!(program.logs("the TLS certificate is for ").contains("2001:db8::7"));
    let addresses = ["127.0.0.1:0", "127.0.0.1:0", "telnet:127.0.0.1:0"];
    let mut program = Program::listening(&addresses, &["--advertise", "chat.example.org:80"]);
    let line = program.stdout_line();
    assert_eq!(line, "join with: nc chat.example.org 80   or: telnet chat.example.org 80");
    let port = program.addresses()[2].as_socket().expect("it is TCP").port();
    assert_eq!(program.stdout_line(), format!("join with: telnet chat.example.org {port}"));
    // Requests for it are answered.
    let (_, program) = joining(&["--advertise", "chat.example.org"]);
    let mut browser = program.connect();
    browser.send("GET /healthz HTTP/1.1\r\nHost: chat.example.org\r\nConnection: close\r\n\r\n");
    let answer = String::from_utf8(browser.rest()).expect("UTF-8");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

/// Where TLS is spoken, people are told how; where it is required, nothing else is said that
/// doesn't work.
#[test]
fn people_are_told_how_to_speak_tls() {
    let joining = |address: &str, options: &[&str]| {
        let addresses = [address, "telnet:127.0.0.1:0"];
        let mut program = Program::listening(&addresses, &[&["--tls"], options].concat());
        let port = program.port().to_string();
        let line = program.stdout_line().replace(&port, "PORT");
        (line, program.stdout_line())
    };
    let plain = "nc 127.0.0.1 PORT   or: telnet 127.0.0.1 PORT";
    let secured = "ncat --ssl 127.0.0.1 PORT";
    let (line, telnet) = joining("127.0.0.1:0", &[]);
    assert_eq!(line, format!("join with: {plain}   or: {secured}"));
    assert!(telnet.starts_with("join with: telnet 127.0.0.1 "), "{telnet}");
    let (line, _) = joining("127.0.0.1:0", &["--tls-only"]);
    assert_eq!(line, format!("join with: {secured}   or: {plain}"));
    let options = ["--tls-only", "--advertise", "chat.example.org"];
    let (line, _) = joining("127.0.0.1:0", &options);
    assert_eq!(line, "join with: ncat --ssl chat.example.org PORT");
}

#[test]
fn all_listeners_lead_to_one_room() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("room");
    let mut program = Program::listening(&["127.0.0.1:0", &unix(&path), "127.0.0.1:0"], &[]);
    assert!(program.stdout_line().starts_with("join with: nc 127.0.0.1 "));
    assert_eq!(program.stdout_line(), format!("join with: nc -U {}", path.display()));
    assert!(program.stdout_line().starts_with("join with: nc 127.0.0.1 "));
    let [first, second, third] = program.addresses() else { panic!("they are three") };
    let mut ann = Client::connect(first);
    ann.read_greeting();
    let mut bob = Client::connect(second);
    bob.read_greeting();
    ann.hears("*** guest2 joined");
    let mut eve = Client::connect(third);
    eve.read_greeting();
    ann.hears("*** guest3 joined");
    bob.hears("*** guest3 joined");
    bob.say("hello");
    ann.hears("<guest2> hello");
    eve.hears("<guest2> hello");
    eve.say("hi");
    bob.hears("<guest3> hi");
}

#[test]
fn a_unix_socket_works_like_tcp() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("room");
    let program = Program::listening(&[&unix(&path)], &["--prefix", "addr"]);
    let mut ann = program.connect();
    ann.read_greeting();
    let mut bob = program.connect();
    bob.read_greeting();
    ann.hears("*** guest2 (unix:2) joined");
    ann.say("hello");
    bob.hears("<unix:1> hello");
    bob.send("last");
    bob.fin();
    ann.hears("<unix:2> last");
    ann.say("yes");
    bob.hears("<unix:1> yes");
    bob.expect_eof();
    ann.hears("*** guest2 left");
    ann.say("/quit");
    ann.hears_goodbye();
    ann.expect_eof();
}

#[test]
fn a_unix_socket_has_the_permissions_that_were_given_whatever_the_umask() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("room");
    for (options, mode) in [(&[][..], 0o666), (&["--socket-mode", "0660"], 0o660)] {
        let _program = Program::listening(&[&unix(&path)], options);
        let file = path.symlink_metadata().expect("the socket is there");
        assert_eq!(file.permissions().mode() & 0o777, mode);
    }
}

#[test]
fn a_unix_socket_is_removed_at_the_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("room");
    let mut program = Program::listening(&[&unix(&path)], &[]);
    assert!(is_socket(&path));
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    assert!(!path.exists());
}

#[test]
fn a_unix_socket_of_another_server_at_the_same_path_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("room");
    let mut first = Program::listening(&[&unix(&path)], &[]);
    std::fs::remove_file(&path).expect("the socket is there");
    let second = Program::listening(&[&unix(&path)], &[]);
    first.signal(Signal::TERM);
    assert_eq!(first.exit_code(), 0);
    assert!(is_socket(&path));
    let [mut ann, mut bob] = second.guests();
    ann.say("hello");
    bob.hears("<guest1> hello");
}

#[test]
fn a_file_put_in_the_place_of_a_unix_socket_is_never_deleted() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("room");
    let mut program = Program::listening(&[&unix(&path)], &[]);
    std::fs::remove_file(&path).expect("the socket is there");
    std::fs::write(&path, "a text").expect("the path is free");
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    assert_eq!(std::fs::read_to_string(&path).expect("it is still there"), "a text");
}

#[test]
fn a_unix_socket_that_nobody_listens_on_is_taken_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("room");
    drop(UnixListener::bind(&path).expect("a free path"));
    assert!(is_socket(&path), "it is left behind");
    let program = Program::listening(&[&unix(&path)], &[]);
    let [mut ann, mut bob] = program.guests();
    ann.say("hello");
    bob.hears("<guest1> hello");
}

/// The program can't listen: it says so in one line and exits with 1.
#[track_caller]
fn check_cannot_listen(addresses: &[&str], line: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    let arguments: Vec<_> = addresses.iter().flat_map(|address| ["--listen", address]).collect();
    let output = run_in(directory.path(), &arguments);
    assert_eq!(String::from_utf8_lossy(&output.stderr), format!("roomcast: {line}\n"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert_eq!(output.status.code(), Some(1));
    let left = directory.path().read_dir().expect("it is there").count();
    assert_eq!(left, 0, "no socket is left behind");
}

#[test]
fn an_occupied_address_is_told_in_one_line() {
    let in_use = |address: &str| {
        format!(
            "cannot listen on {address}: it is in use, perhaps by another roomcast; \
             choose another one with --listen"
        )
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    check_cannot_listen(&[&address], &in_use(&address));
    // The sockets before it are given back.
    check_cannot_listen(&["unix:before", &address], &in_use(&address));

    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("room");
    let mut program = Program::listening(&[&unix(&path)], &[]);
    check_cannot_listen(&[&unix(&path)], &in_use(&unix(&path)));
    // The one that listens there isn't disturbed.
    assert!(is_socket(&path));
    let [first, _] = program.guests();
    assert_eq!(first.nick(), "guest1", "nobody has been there before");
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);

    std::fs::write(&path, "a text").expect("the path is free");
    let line = |what| {
        let address = unix(&path);
        format!(
            "cannot listen on {address}: the path holds {what}; remove it or choose another path"
        )
    };
    check_cannot_listen(&[&unix(&path)], &line("a regular file"));
    assert_eq!(std::fs::read_to_string(&path).expect("it is still there"), "a text");
}

#[test]
fn an_address_that_cannot_be_listened_on_is_told_in_one_line() {
    // An address of no machine (RFC 5737).
    let line = "cannot listen on 192.0.2.1:0: Cannot assign requested address (os error 99)";
    check_cannot_listen(&["192.0.2.1:0"], line);
    let line = "cannot listen on unix:no/room: No such file or directory (os error 2)";
    check_cannot_listen(&["unix:no/room"], line);
    let long = format!("unix:{}", "x".repeat(200));
    let line = format!("cannot listen on {long}: path must be shorter than SUN_LEN");
    check_cannot_listen(&[&long], &line);
    let line =
        "cannot listen on unix:/: the path holds a directory; remove it or choose another path";
    check_cannot_listen(&["unix:/"], line);
}

#[test]
fn a_name_that_cannot_be_looked_up_is_no_error_of_the_command_line() {
    let output = run_in(Path::new("/"), &["--listen", "nowhere.invalid:0"]);
    let error = String::from_utf8_lossy(&output.stderr);
    let start = "roomcast: cannot listen on nowhere.invalid:0: ";
    assert!(error.starts_with(start) && error.lines().count() == 1, "{error}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn ipv4_beside_both_families_on_one_port_is_told_as_what_it_is() {
    let line = "cannot listen on 0.0.0.0:9: [::]:9 is IPv4 too; leave out one of them";
    check_cannot_listen(&["0.0.0.0:9", "[::]:9"], line);
}

/// On a machine without IPv6 every address is every one of IPv4.
#[test]
fn every_interface_without_ipv6_is_every_one_of_ipv4() {
    if lacks(&["strace"]) {
        return;
    }
    let no_ipv6 = ["-e", "trace=socket", "-e", "inject=socket:error=EAFNOSUPPORT:when=1"];
    let program = Program::tampered_at("[::]:0", &no_ipv6);
    let address = program.address().as_socket().expect("it is TCP");
    assert!(address.is_ipv4() && address.ip().is_unspecified(), "{address}");
    let warning = program.logs("WARN");
    assert!(warning.contains("not listening on [::]:0: "), "{warning}");
}

/// The hosts file gives the name an IPv6 address that the machine doesn't have.
#[test]
fn addresses_of_a_name_that_the_machine_lacks_are_skipped_with_a_warning() {
    if !Namespace::is_possible() {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let hosts = directory.path().join("hosts");
    fs::write(&hosts, "2001:db8::1 twofold\n127.0.0.1 twofold\n").expect("it is ours");
    let hosts = hosts.to_str().expect("a plain path");
    let mount = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    let program =
        Program::started_at("twofold:0", &["unshare", "--mount", "sh", "-c", mount, hosts]);
    assert_eq!(program.address().as_socket().expect("it is TCP").ip(), Ipv4Addr::LOCALHOST);
    let warning = program.logs("WARN");
    assert!(warning.contains("not listening on [2001:db8::1]:"), "{warning}");
    program.guests::<2>();
}

/// The limit of the system for watched descriptors is reached. Only epoll has one:
/// poll(2) has nothing to register with, so nothing that could refuse.
#[cfg(not(polling_test_poll_backend))]
#[test]
fn a_client_that_the_poller_refuses_is_told_logged_and_counted() {
    if lacks(&["strace"]) {
        return;
    }
    // The first three add the poller's own descriptors and the listener, the next
    // two belong to its first wait.
    let sixth = ["-e", "trace=epoll_ctl", "-e", "inject=epoll_ctl:error=ENOSPC:when=6"];
    let mut program = Program::tampered(&sixth, &[]);
    let mut unserved = program.connect();
    unserved.hears("*** refused: the server cannot take more connections; try again later");
    unserved.expect_eof();
    program.logs(": not served: No space left on device");
    program.guests::<2>();
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    program.logs("ended: 2 shutdown, 1 not served");
}
