//! Names: guests, new ones, refusals.

use crate::harness::{Host, Room, nothing_came_for, notices};

const RULE: &str = "*** a name is 1 to 24 of these: letters, digits, _ . - (like /nick ann)";

#[test]
fn a_new_name_is_told_to_everyone() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/nick ann");
    notices(&mut [&mut ann, &mut bob], "guest1 is now ann");
    ann.say("hello");
    bob.hears("<ann> hello");
    ann.say("/quit");
    bob.hears("*** ann left");
}

#[test]
fn a_name_is_unique_without_regard_to_case() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/nick Ann");
    notices(&mut [&mut ann, &mut bob], "guest1 is now Ann");
    for name in ["Ann", "ann", "ANN"] {
        bob.say(format!("/nick {name}"));
        bob.hears(format!("*** the name {name} is taken"));
    }
    bob.say("/nick GUEST2");
    notices(&mut [&mut ann, &mut bob], "guest2 is now GUEST2");
    ann.say("/nick Ann");
    ann.hears("*** your name is Ann already");
    ann.say("/nick aNN");
    notices(&mut [&mut ann, &mut bob], "Ann is now aNN");
}

#[test]
fn a_bad_name_is_refused_with_the_rule() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    let too_long = "a".repeat(25);
    let names = ["", " ", "an n", "<ann>", "***", "*", "a:b", "\u{e4}nn", "\u{430}nn", &too_long];
    for name in names {
        ann.say(format!("/nick {name}"));
        ann.hears(RULE);
    }
    ann.say("/nick");
    ann.hears(RULE);
    nothing_came_for(&mut [&mut ann], &mut bob);
}

#[test]
fn a_name_has_1_to_24_characters() {
    let room = Room::open();
    let [mut ann] = room.guests();
    let longest = "a".repeat(24);
    let mut old = "guest1";
    for name in ["a", "_.-", "0", &longest] {
        ann.say(format!("/nick {name}"));
        ann.hears(format!("*** {old} is now {name}"));
        old = name;
    }
}

#[test]
fn a_name_is_free_again_at_once() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/nick ann");
    notices(&mut [&mut ann, &mut bob], "guest1 is now ann");
    ann.say("/nick other");
    notices(&mut [&mut ann, &mut bob], "ann is now other");
    bob.say("/nick ann");
    notices(&mut [&mut ann, &mut bob], "guest2 is now ann");
    bob.say("/quit");
    ann.hears("*** ann left");
    ann.say("/nick ann");
    ann.hears("*** other is now ann");
    let mut eve = room.guest(&mut [&mut ann]);
    ann.reset();
    eve.hears("*** ann left (connection reset)");
    eve.say("/nick ann");
    eve.hears("*** guest3 is now ann");
}

#[test]
fn a_guest_is_never_given_a_name_that_is_taken() {
    let room = Room::open();
    let [mut ann] = room.guests();
    ann.say("/nick guest2");
    ann.hears("*** guest1 is now guest2");
    let bob = room.guest(&mut [&mut ann]);
    assert_eq!(bob.nick(), "guest3");
}
