//! Where clients come from: places for each address, and who may come at all.

use std::net::IpAddr;

use rustix::process::Signal;

use crate::harness::{Client, Machine, Namespace, Network, Program};

/// How many may be here from one address unless an option says otherwise.
const PLACES: usize = 16;

const NO_PLACE: &str =
    "*** refused: 16 clients are connected from your address, which is the limit";
const NOT_ALLOWED: &str = "*** refused: your address is not allowed here";

/// Comes in.
#[track_caller]
fn enter(mut client: Client) -> Client {
    client.read_greeting();
    client
}

/// Is told this, and that is all.
#[track_caller]
fn is_refused(mut client: Client, refusal: &str) {
    client.hears(refusal);
    client.expect_eof();
}

/// As many as may come from this address.
fn fill(machine: &Machine, address: IpAddr, program: &Program) -> Vec<Client> {
    (0..PLACES).map(|_| enter(machine.connect_from(address, program))).collect()
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Promise 24.
#[test]
fn an_address_has_so_many_places_and_others_have_their_own() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let program = network.serve(&[]);
    let (machine, other) = (network.machine(), network.machine());
    let neighbour = machine.ipv4(3);
    machine.add_address(&network, neighbour);
    let mut clients = fill(&machine, machine.ipv4(2), &program);
    is_refused(machine.connect(&program), NO_PLACE);
    enter(machine.connect_from(neighbour, &program));
    enter(other.connect(&program));
    // There are no such limits on the server's own machine.
    for _ in 0..=PLACES {
        clients.push(enter(network.connect(&program)));
    }
    is_refused(machine.connect(&program), NO_PLACE);
}

/// Promise 24.
#[test]
fn ipv6_addresses_that_begin_alike_share_their_places() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let program = network.serve(&[]);
    let machine = network.machine();
    let elsewhere = ip("fd00:ffff::1");
    machine.add_address(&network, machine.ipv6(3));
    machine.add_address(&network, elsewhere);
    let _clients = fill(&machine, machine.ipv6(2), &program);
    is_refused(machine.connect_from(machine.ipv6(3), &program), NO_PLACE);
    let mut client = enter(machine.connect_from(elsewhere, &program));
    client.ping();
    // Within a link all begin alike; and IPv4 isn't counted with IPv6.
    enter(machine.connect_locally(&program));
    enter(machine.connect(&program));
}

/// Promise 24.
#[test]
fn ipv4_is_counted_as_ipv4_on_a_socket_for_both() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let program = network.serve_at(&["[::]:0", "0.0.0.0:0"], &[]);
    let (machine, other) = (network.machine(), network.machine());
    let port = program.addresses()[1].as_socket().expect("an IP address").port();
    let _clients = fill(&machine, machine.ipv4(2), &program);
    is_refused(machine.connect_to(port, machine.ipv4(2)), NO_PLACE);
    enter(other.connect(&program));
    enter(other.connect_to(port, other.ipv4(2)));
}

/// Promise 24.
#[test]
fn a_place_is_free_again_when_its_client_has_left() {
    const ROUNDS: usize = 1000;
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let program = network.serve(&["--max-per-address", "1", "--new-per-minute", "0"]);
    let machine = network.machine();
    let mut watcher = enter(network.machine().connect(&program));
    for round in 0..ROUNDS {
        let mut client = enter(machine.connect(&program));
        watcher.hears(format!("*** {} joined", client.nick()));
        let left = format!("*** {} left", client.nick());
        match round % 3 {
            0 => {
                client.say("/quit");
                client.hears_goodbye();
                client.expect_eof();
                watcher.hears(left);
            }
            1 => {
                client.reset();
                watcher.hears(left + " (connection reset)");
            }
            _ => {
                is_refused(
                    machine.connect(&program),
                    "*** refused: 1 client is connected from your address, which is the limit",
                );
                client.reset();
                watcher.hears(left + " (connection reset)");
            }
        }
        // The turn in which it left is over when this is answered.
        watcher.ping();
    }
}

/// Promise 24.
#[test]
fn an_address_may_come_so_often_in_a_minute() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let program = network.serve(&["--new-per-minute", "5"]);
    let (machine, other) = (network.machine(), network.machine());
    for _ in 0..5 {
        enter(machine.connect(&program));
    }
    let mut late = machine.connect(&program);
    let line = late.line();
    late.expect_eof();
    let wait = line
        .strip_prefix(
            "*** refused: 5 connections a minute from one address is the limit; try again in ",
        )
        .and_then(|rest| rest.strip_suffix(" s")?.parse::<u32>().ok());
    assert!(wait.is_some_and(|wait| (1..=12).contains(&wait)), "{line}");
    enter(other.connect(&program));
    for _ in 0..10 {
        enter(network.connect(&program));
    }
}

#[test]
fn the_first_rule_that_fits_says_who_may_come() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let rules = ["--deny", "10.0.1.3", "--allow", "10.0.1.0/24", "--allow", "fd00:1::/32"];
    let mut program = network.serve(&rules);
    let (machine, other) = (network.machine(), network.machine());
    let denied = machine.ipv4(3);
    machine.add_address(&network, denied);
    enter(machine.connect(&program));
    enter(machine.connect_from(machine.ipv6(2), &program));
    for _ in 0..3 {
        is_refused(machine.connect_from(denied, &program), NOT_ALLOWED);
    }
    is_refused(other.connect(&program), NOT_ALLOWED);
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 0);
    // One line a minute for each address.
    let log = program.stderr();
    let lines = |address: &str| log.lines().filter(|line| line.contains(address)).count();
    assert_eq!((lines("10.0.1.2:"), lines("10.0.1.3:"), lines("10.0.2.2:")), (0, 1, 1), "{log}");
    let program = network.serve(&["--allow", "10.0.1.0/24", "--deny", "10.0.1.3"]);
    enter(machine.connect_from(denied, &program));
    is_refused(other.connect(&program), NOT_ALLOWED);
}
