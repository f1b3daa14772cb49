//! The network between machines: links that lose packets, break, and come back,
//! and machines that are gone without a word.

use std::time::{Duration, Instant};

use crate::harness::{BadLink, Client, Machine, Namespace, Network, Program, nothing_came_for};

const LINES: usize = 200;

/// Each says lines with numbers, and hears those of the other: all, once, in
/// order.
fn talk(speakers: [&mut Client; 2]) {
    let [ann, bob] = speakers;
    for number in 0..LINES {
        ann.say(format!("{number}"));
        bob.say(format!("{number}"));
    }
    let (ann_name, bob_name) = (ann.nick().to_owned(), bob.nick().to_owned());
    for number in 0..LINES {
        ann.hears(format!("<{bob_name}> {number}"));
        bob.hears(format!("<{ann_name}> {number}"));
    }
    nothing_came_for(&mut [ann], bob);
    nothing_came_for(&mut [bob], ann);
}

#[test]
fn on_a_bad_link_every_line_arrives_once_and_in_order() {
    if !BadLink::is_possible() {
        return;
    }
    let mut network = Network::new();
    let program = network.serve(&[]);
    let mut ann = network.machine().guest(&program, &mut []);
    let (machine, link) = network.machine_far_away(Duration::from_millis(50));
    let start = Instant::now();
    let mut bob = machine.guest(&program, &mut [&mut ann]);
    assert!(start.elapsed() > Duration::from_millis(100), "it is far away");
    link.lose(20);
    talk([&mut ann, &mut bob]);
    assert!(link.lost() > 0);
}

#[test]
fn a_link_that_comes_back_has_lost_nothing() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let program = network.serve(&[]);
    let mut ann = network.machine().guest(&program, &mut []);
    let machine = network.machine();
    let mut bob = machine.guest(&program, &mut [&mut ann]);
    machine.cut();
    for number in 0..LINES {
        ann.say(format!("{number}"));
        bob.say(format!("{number}"));
    }
    ann.hears_nothing_for(Duration::from_secs(1));
    machine.mend();
    for number in 0..LINES {
        ann.hears(format!("<guest2> {number}"));
        bob.hears(format!("<guest1> {number}"));
    }
    talk([&mut ann, &mut bob]);
}

#[test]
fn a_client_on_the_same_link_can_join_without_a_global_address() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let program = network.serve(&["--prefix", "addr"]);
    let machine = network.machine();
    let mut ann = machine.guest(&program, &mut []);
    let mut bob = machine.connect_locally(&program);
    bob.read_greeting();
    let notice = ann.line();
    // Its zone is the number of the link at the server.
    assert!(notice.starts_with("*** guest2 ([fe80::2%2]:"), "{notice}");
    ann.say("hello");
    bob.hears(format!("<{}> hello", ann.address()));
    bob.say("hi");
    let line = ann.line();
    assert!(line.starts_with("<[fe80::2%2]:") && line.ends_with("> hi"), "{line}");
}

#[test]
fn a_link_local_address_is_listened_on_by_the_name_or_number_of_its_zone() {
    if !Namespace::is_possible() {
        return;
    }
    let namespace = Namespace::new();
    namespace.ip("address add fe80::1/64 dev lo nodad");
    for address in ["[fe80::1%lo]:0", "[fe80::1%1]:0"] {
        let mut program = namespace.enter(|| Program::listening(&[address], &[]));
        let hint = program.stdout_line();
        assert!(hint.starts_with("join with: nc fe80::1%lo "), "{hint}");
    }
}

const DEAD_TIMEOUT: Duration = Duration::from_secs(3);
const DEAD_TIMEOUTS: [&str; 4] = ["--stall-timeout", "3", "--dead-timeout", "3"];

/// A machine is gone while so many lines are under way to it; it is given up in
/// time.
fn vanish(
    network: &mut Network,
    program: &Program,
    machine: &Machine,
    lines: usize,
    cut: impl FnOnce(),
) {
    let mut ann = network.machine().guest(program, &mut []);
    let _bob = machine.guest(program, &mut [&mut ann]);
    cut();
    let start = Instant::now();
    for number in 0..lines {
        ann.say(format!("{number}"));
    }
    ann.hears("*** guest2 left (stopped answering)");
    let elapsed = start.elapsed();
    assert!(elapsed < DEAD_TIMEOUT + Duration::from_secs(2), "only after {elapsed:?}");
    assert!(elapsed > DEAD_TIMEOUT / 4, "after {elapsed:?} already");
}

/// Its cable is pulled, and so the server's machine finds soon that nobody is
/// there.
fn pull_cable(lines: usize) {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let program = network.serve(&DEAD_TIMEOUTS);
    let machine = network.machine();
    vanish(&mut network, &program, &machine, lines, || machine.cut());
}

/// All that is sent to it is lost somewhere on the way.
fn lose_everything(lines: usize) {
    if !BadLink::is_possible() {
        return;
    }
    let mut network = Network::new();
    let program = network.serve(&DEAD_TIMEOUTS);
    let (machine, link) = network.machine_far_away(Duration::ZERO);
    vanish(&mut network, &program, &machine, lines, || link.lose(100));
}

/// Promise 22.
#[test]
fn a_silent_machine_without_its_cable_is_given_up_in_time() {
    pull_cable(0);
}

/// Promise 22.
#[test]
fn a_machine_that_takes_no_more_lines_without_its_cable_is_given_up_in_time() {
    pull_cable(LINES);
}

/// Promise 22.
#[test]
fn a_silent_machine_that_is_gone_is_given_up_in_time() {
    lose_everything(0);
}

/// Promise 22.
#[test]
fn a_machine_that_is_gone_with_lines_under_way_is_given_up_in_time() {
    lose_everything(LINES);
}

/// Makes the other one be owed more than the kernels keep.
fn overwhelm(speaker: &mut Client) {
    for number in 0..3000 {
        speaker.say(format!("{number} {}", "x".repeat(1000)));
    }
}

/// Promise 22.
#[test]
fn one_who_only_stopped_reading_is_not_taken_for_gone() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let limits = ["--rate", "0", "--stall-timeout", "3", "--dead-timeout", "8"];
    let program = network.serve(&limits);
    let mut ann = network.machine().guest(&program, &mut []);
    let _stuck = network.machine().guest(&program, &mut [&mut ann]);
    overwhelm(&mut ann);
    ann.hears("*** guest2 left (stopped reading)");
}

/// Promise 22.
#[test]
fn one_who_may_be_stuck_for_ever_is_not_taken_for_gone() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let limits = ["--rate", "0", "--stall-timeout", "0", "--dead-timeout", "3"];
    let program = network.serve(&limits);
    let mut ann = network.machine().guest(&program, &mut []);
    let mut stuck = network.machine().guest(&program, &mut [&mut ann]);
    overwhelm(&mut ann);
    ann.hears_nothing_for(Duration::from_secs(5));
    for number in 0..3000 {
        stuck.hears(format!("<guest1> {number} {}", "x".repeat(1000)));
    }
}
