//! Rooms that are found on the LAN, between machines of their own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{Machine, Namespace, Network, PATIENCE, Program, lacks, run};
use crate::source::root;
use crate::support::process::{Process, ROOMCAST};

/// What `roomcast find` prints on a machine: nothing if there is no room.
fn found(machine: &Machine) -> Vec<String> {
    let output = machine.enter(|| run(&["find"]));
    let (said, errors) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
    let (said, errors) = (said.expect("UTF-8"), errors.expect("UTF-8"));
    match output.status.code() {
        Some(0) => said.lines().skip(1).map(str::to_owned).collect(),
        code => {
            assert_eq!(code, Some(1), "{errors}");
            assert_eq!(errors, "roomcast: no rooms found on this LAN; run roomcast to start one\n");
            Vec::new()
        }
    }
}

/// Looks until the rooms are as they should be.
#[track_caller]
fn find_until(machine: &Machine, is_it: impl Fn(&[String]) -> bool) -> Vec<String> {
    let start = Instant::now();
    loop {
        let rooms = found(machine);
        if is_it(&rooms) {
            return rooms;
        }
        assert!(start.elapsed() < 2 * PATIENCE, "found {rooms:#?}");
    }
}

fn threads(program: &Program) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{}/task", program.pid())).expect("it runs");
    let names = tasks.map(|task| fs::read_to_string(task.expect("a thread").path().join("comm")));
    // One may end meanwhile.
    names.filter_map(|name| Some(name.ok()?.trim_end().to_owned())).collect()
}

/// Promise 65: a room on the LAN is found by its name, with how to join and how many people are
/// there, as long as it is there.
#[test]
fn a_room_is_found_as_long_as_it_is_there() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let machine = network.machine();
    let mut program = network.serve_web(&["--name", "LAN party 2024"]);
    let port = program.port();
    let join = format!("nc 10.0.1.1 {port}   or: http://10.0.1.1:{port}/");
    let rooms = find_until(&machine, |rooms| !rooms.is_empty());
    assert_eq!(rooms, [format!("LAN party 2024       0  {join}")]);
    // With what it says people can join, and are counted.
    let mut ann = machine.connect(&program);
    ann.read_greeting();
    let with_ann = format!("LAN party 2024       1  {join}");
    find_until(&machine, |rooms| rooms == [&*with_ann]);
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    assert_eq!(found(&machine), Vec::<String>::new());
    let log = program.stderr();
    assert_eq!(log.matches("announced on the LAN: roomcast find shows it").count(), 1, "{log}");
}

/// Promise 65: two rooms of the same name are two.
#[test]
fn rooms_of_one_name_are_told_apart() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let machine = network.machine();
    let first = network.serve(&["--name", "Büro"]);
    let start = |port: u16| format!("nc 10.0.1.1 {port}");
    find_until(&machine, |rooms| rooms.iter().any(|room| room.contains(&start(first.port()))));
    let password = tempfile::NamedTempFile::new().expect("a file");
    fs::write(password.path(), "secret\n").expect("a file");
    let password = password.path().to_str().expect("UTF-8");
    let options = ["--name", "Büro", "--tls", "--tls-only", "--password-file", password];
    let second = network.serve(&options);
    let rooms = find_until(&machine, |rooms| rooms.len() == 2);
    assert!(rooms[0].starts_with("Büro "), "{rooms:?}");
    assert!(rooms[0].ends_with(&start(first.port())), "{rooms:?}");
    assert!(rooms[1].starts_with("Büro (2) "), "{rooms:?}");
    let secured = format!("ncat --ssl 10.0.1.1 {}   (password)", second.port());
    assert!(rooms[1].ends_with(&secured), "{rooms:?}");
    second.logs("another room on the LAN has this name, so it is announced as Büro (2)");
    let third = network.serve(&["--name", "büro"]);
    third.logs("another room on the LAN has this name, so it is announced as büro (3)");
    find_until(&machine, |rooms| rooms.len() == 3);
    // The first one has its name as before.
    let fourth = network.serve(&["--name", "Küche"]);
    let rooms = find_until(&machine, |rooms| rooms.len() == 4);
    assert!(rooms.iter().any(|room| room.ends_with(&start(first.port()))), "{rooms:?}");
    drop(fourth);
}

/// Where there is an address that isn't for telnet, people are told that one.
#[test]
fn an_address_for_everybody_is_preferred() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let machine = network.machine();
    let both = network.serve_at(&["telnet:0.0.0.0:0", "0.0.0.0:0"], &[]);
    let port = both.addresses()[1].as_socket().expect("it is TCP").port();
    let join = format!("nc 10.0.1.1 {port}");
    find_until(&machine, |rooms| rooms.len() == 1 && rooms[0].ends_with(&join));
}

/// Promise 66: where nobody else can come, or nobody is to, nothing is announced: there is no
/// thread for it and no socket.
#[test]
fn what_is_not_for_the_lan_is_not_announced() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let machine = network.machine();
    let directory = tempfile::tempdir().expect("a directory");
    let path = format!("unix:{}/room", directory.path().display());
    let programs = [
        network.serve_at(&["127.0.0.1:0", "[::1]:0", &path], &[]),
        network.serve(&["--no-announce"]),
    ];
    for program in &programs {
        let names = threads(program);
        let is_one = |name: &String| name == "discovery" || name.starts_with("mDNS");
        assert!(!names.iter().any(is_one), "{names:?}");
        let sockets = network.enter(|| fs::read_to_string("/proc/thread-self/net/udp"));
        let sockets = sockets.expect("it is there");
        assert!(!sockets.contains(":14E9 "), "port 5353 is in use: {sockets}");
    }
    assert_eq!(found(&machine), Vec::<String>::new());
    let output = run(&["--name", "x", "--no-announce"]);
    assert_eq!(output.status.code(), Some(2));
}

/// Promise 66: the loop isn't woken to announce a room.
#[test]
fn the_loop_sleeps_while_a_room_is_announced() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let machine = network.machine();
    let program = network.serve(&[]);
    find_until(&machine, |rooms| !rooms.is_empty());
    let sleeps = || {
        let status = fs::read_to_string(format!("/proc/{0}/task/{0}/status", program.pid()));
        let status = status.expect("it runs");
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches:"));
        line.expect("it is there").to_owned()
    };
    let before = sleeps();
    assert_eq!(found(&machine).len(), 1);
    assert_eq!(found(&machine).len(), 1);
    assert_eq!(sleeps(), before);
}

/// Promise 65: programs that know nothing of roomcast find it too: by its own name, never that
/// of the machine, and only where people are.
#[test]
fn avahi_finds_the_room_and_its_page() {
    let tools = ["avahi-daemon", "avahi-browse", "dbus-daemon", "unshare"];
    if lacks(&tools) || !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let machine = network.machine();
    network.add_interface("docker0", "172.17.0.1/16");
    network.add_interface("eth7", "203.0.113.7/24");
    let program = network.serve_web(&["--name", "LAN party", "--tls"]);
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = Command::new("unshare");
    command.args(["--mount", "bash"]).arg(root().join("tests/e2e/avahi.sh"));
    command.arg(directory.path()).arg(ROOMCAST);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let process = machine.enter(|| Process::spawn(&mut command)).expect("it starts");
    let output = process.output_within(2 * PATIENCE).expect("it ends");
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap_or_default();
    let (rooms, pages) = (read("rooms"), read("pages"));
    let context = format!("{rooms}\n{pages}\n{}", String::from_utf8_lossy(&output.stderr));
    // =;INTERFACE;PROTOCOL;NAME;TYPE;DOMAIN;HOST;ADDRESS;PORT;TXT
    let resolved = |text: &str| {
        let mut lines = text.lines().filter(|line| line.starts_with("=;eth0;IPv4;"));
        let line = lines.next_back().unwrap_or_else(|| panic!("{context}")).to_owned();
        line.split(';').map(str::to_owned).collect::<Vec<_>>()
    };
    let machine_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    for (text, kind) in [(&rooms, "_roomcast._tcp"), (&pages, "_http._tcp")] {
        let fields = resolved(text);
        assert_eq!(fields[3], r"LAN\032party", "{context}");
        assert_eq!(fields[4..6], [kind, "local"], "{context}");
        let label = fields[6].strip_prefix("roomcast-").and_then(|it| it.strip_suffix(".local"));
        assert!(label.is_some_and(|label| label.len() == 4), "{context}");
        assert!(!text.contains(&format!("{machine_name}.local")), "{context}");
        assert_eq!(fields[7..9], ["10.0.1.1".to_owned(), program.port().to_string()], "{context}");
        for elsewhere in ["172.17.0.1", "203.0.113.7", "127.0.0.1"] {
            assert!(!text.contains(elsewhere), "{context}");
        }
    }
    let keys = &resolved(&rooms)[9];
    for key in ["txtvers=1", "users=0", "tls=yes", "password=no", "page=yes"] {
        assert!(keys.contains(&format!("\"{key}\"")), "{key}: {context}");
    }
    assert!(resolved(&pages)[9].contains("\"path=/\""), "{context}");
    assert!(read("found").contains("LAN party       0  nc 10.0.1.1 "), "{}", read("found"));
    // The certificate holds the name by which a browser comes.
    let host = resolved(&pages)[6].clone();
    assert!(program.logs("the TLS certificate is").contains(&host), "{host}");
}

/// Somebody on the LAN who announces without an end doesn't fill the memory of others: the room
/// isn't announced any more then, and goes on.
#[test]
fn a_flood_of_announcements_ends_ours_and_nothing_else() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let machine = network.machine();
    let program = network.serve(&["--name", "Büro"]);
    find_until(&machine, |rooms| rooms.len() == 1);
    machine.enter(|| {
        let socket = UdpSocket::bind("10.0.1.2:5353").expect("nobody has it");
        let socket = socket2::Socket::from(socket);
        socket.set_multicast_if_v4(&Ipv4Addr::new(10, 0, 1, 2)).expect("it is ours");
        let group = SocketAddr::from(([224, 0, 0, 251], 5353)).into();
        for first in (0..12_000_u32).step_by(40) {
            let records: Vec<_> = (first..first + 40).flat_map(address_record).collect();
            // A response with 40 answers (RFC 1035, section 4.1.1).
            let head = [0, 0, 0x84, 0, 0, 0, 0, 40, 0, 0, 0, 0];
            socket.send_to(&[&head[..], &records].concat(), &group).expect("it is sent");
            // So that the other side keeps up.
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    program.logs("not announced any more: more is announced on this LAN than can be remembered");
    let start = Instant::now();
    while threads(&program).iter().any(|name| name.starts_with("mDNS")) {
        assert!(start.elapsed() < PATIENCE, "{:?}", threads(&program));
    }
    let mut ann = machine.connect(&program);
    ann.read_greeting();
    ann.ping();
}

/// The address of a host that nobody else has (RFC 1035, section 3.2.1), for an hour.
fn address_record(number: u32) -> Vec<u8> {
    let label = format!("host{number:06}");
    let mut record = vec![label.len() as u8];
    record.extend(label.bytes());
    record.extend(b"\x05local\x00\x00\x01\x00\x01\x00\x00\x0e\x10\x00\x04\x0a\x00\x01\x02");
    record
}
