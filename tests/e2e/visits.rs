//! Clients come and go.

use crate::harness::{Host, Room, nothing_came_for};

#[test]
fn a_newcomer_is_greeted_with_its_name_and_who_is_here() {
    let room = Room::open();
    let mut first = room.connect();
    first.hears("*** welcome, guest1: just type, or try /help (editing: /edit, PuTTY, rlwrap nc)");
    first.hears("*** 1 here: guest1");
    let mut second = room.connect();
    second.hears("*** welcome, guest2: just type, or try /help (editing: /edit, PuTTY, rlwrap nc)");
    second.hears("*** 2 here: guest1, guest2");
}

#[test]
fn everyone_else_is_told_who_joins() {
    let room = Room::open();
    let [mut first, mut second] = room.guests();
    let mut third = room.guest(&mut [&mut first, &mut second]);
    // Its own joining is told by its greeting.
    nothing_came_for(&mut [&mut second, &mut third], &mut first);
}

#[test]
fn a_line_reaches_everyone_but_its_sender() {
    let room = Room::open();
    let [mut ann, mut bob, mut eve] = room.guests();
    ann.say("hello");
    bob.hears("<guest1> hello");
    eve.hears("<guest1> hello");
    nothing_came_for(&mut [&mut ann, &mut eve], &mut bob);
}

#[test]
fn one_who_quits_is_told_goodbye_and_leaves_without_a_reason() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/quit");
    ann.hears_goodbye();
    ann.expect_eof();
    bob.hears("*** guest1 left");
    bob.say("/who");
    bob.hears_who(&["guest2"]);
}

#[test]
fn what_is_said_after_quit_is_not_heard() {
    let room = Room::open();
    let [mut ann, mut bob, mut eve] = room.guests();
    ann.send("bye\n/quit\nstill here?\n/me is\n");
    bob.hears("<guest1> bye");
    bob.hears("*** guest1 left");
    ann.hears_goodbye();
    ann.expect_eof();
    nothing_came_for(&mut [&mut bob], &mut eve);
}

#[test]
fn a_reset_connection_is_told_as_the_reason() {
    let room = Room::open();
    let [ann, mut bob] = room.guests();
    ann.reset();
    bob.hears("*** guest1 left (connection reset)");
}

#[test]
fn one_who_goes_is_told_once() {
    let room = Room::open();
    let [ann, mut bob, mut eve] = room.guests();
    drop(ann);
    bob.hears("*** guest1 left");
    eve.hears("*** guest1 left");
    nothing_came_for(&mut [&mut bob], &mut eve);
}

/// Each of a hundred who join and leave again is told to the a client that stays.
#[test]
fn everyone_who_joins_also_leaves() {
    let room = Room::open();
    let [mut ann] = room.guests();
    for number in 2..102 {
        let mut guest = room.guest(&mut [&mut ann]);
        assert_eq!(guest.nick(), format!("guest{number}"));
        guest.say("/quit");
        guest.hears_goodbye();
        guest.expect_eof();
        ann.hears(format!("*** guest{number} left"));
    }
    ann.say("/who");
    ann.hears_who(&["guest1"]);
    let counts = room.close();
    assert_eq!(counts.clients, 101);
}
