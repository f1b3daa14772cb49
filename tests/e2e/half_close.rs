//! Clients that close their sending side and go on reading.

use crate::harness::{Host, Room, nothing_came_for};

/// Promise 20: a line without an end counts when its sender closes its sending
/// side, and that sender still gets replies.
#[test]
fn one_who_closed_its_sending_side_still_gets_replies() {
    for line in ["hi", "hi\n", "hi\r\n"] {
        let room = Room::open();
        let [mut ann, mut bob] = room.guests();
        ann.send(line);
        ann.fin();
        bob.hears("<guest1> hi");
        if line.contains('\r') {
            ann.takes_crlf();
        }
        // At once: she leaves a second after her end.
        bob.send("reply 0\nreply 1\nreply 2\n");
        for number in 0..3 {
            ann.hears(format!("<guest2> reply {number}"));
        }
        bob.hears("*** guest1 left");
        ann.expect_eof();
    }
}

#[test]
fn one_who_closed_its_sending_side_gets_all_answers() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.send("/me\n".repeat(1000));
    ann.send("/who");
    ann.fin();
    ann.expect("*** usage: /me TEXT\n".repeat(1000));
    ann.hears_who(&["guest1", "guest2"]);
    ann.expect_eof();
    bob.hears("*** guest1 left");
}

#[test]
fn one_who_closes_its_sending_side_without_a_word_just_leaves() {
    let room = Room::open();
    let [mut ann, mut bob, mut eve] = room.guests();
    ann.fin();
    ann.expect_eof();
    bob.hears("*** guest1 left");
    eve.hears("*** guest1 left");
    nothing_came_for(&mut [&mut bob], &mut eve);
}

/// Promise 20, for as many lines as a script may have.
#[test]
fn a_script_of_thousand_lines_is_heard_to_its_end() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    let lines = |prefix: &str| -> String {
        (0..1000).map(|number| format!("{prefix}line {number}\n")).collect()
    };
    ann.send(lines("").trim_end());
    ann.fin();
    bob.expect(lines("<guest1> "));
}
