//! The network between machines: links that lose packets, break, and come back.

use std::time::{Duration, Instant};

use crate::harness::{BadLink, Client, Namespace, Network, nothing_came_for};

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
    assert!(notice.starts_with("*** guest2 ([fe80::"), "{notice}");
    ann.say("hello");
    bob.hears(format!("<{}> hello", ann.address()));
    bob.say("hi");
    let line = ann.line();
    assert!(line.starts_with("<[fe80::") && line.ends_with("> hi"), "{line}");
}
