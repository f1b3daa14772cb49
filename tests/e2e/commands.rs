//! Commands and their answers.

use crate::harness::{Host, Room, nothing_came_for};

#[test]
fn who_names_everyone_to_the_one_who_asks() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/who");
    ann.hears_who("*** 2 here: guest1, guest2");
    nothing_came_for(&mut [&mut bob], &mut ann);
}

#[test]
fn who_counts_the_names_after_two_hundred() {
    let room = Room::open();
    let mut guests: Vec<_> = (0..202).map(|_| room.connect()).collect();
    guests.iter_mut().for_each(|guest| guest.read_greeting());
    let last = guests.last_mut().expect("they are 202");
    last.say("/who");
    let answer = last.line();
    assert!(answer.starts_with("*** 202 here: "), "{answer}");
    assert!(answer.contains(" and 2 more; line "), "{answer}");
    assert_eq!(answer.matches("guest").count(), 200);
}

#[test]
fn me_says_what_one_does() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/me waves");
    bob.hears("* guest1 waves");
    ann.say("/me   waves  twice  ");
    bob.hears("* guest1 waves  twice");
    ann.say("/me");
    ann.hears("*** usage: /me TEXT");
    nothing_came_for(&mut [&mut ann], &mut bob);
}

#[test]
fn two_slashes_say_a_text_that_begins_with_one() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("//quit");
    bob.hears("<guest1> /quit");
    ann.say("///");
    bob.hears("<guest1> //");
    ann.say("//");
    bob.hears("<guest1> /");
}

#[test]
fn an_unknown_command_is_answered_and_not_sent() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/dance now");
    ann.hears("*** there is no command /dance; /help lists them, and //text says /text");
    ann.say("/");
    ann.hears("*** there is no command /; /help lists them, and //text says /text");
    ann.say(format!("/{}", "\u{e9}".repeat(100)));
    ann.hears(format!(
        "*** there is no command /{}; /help lists them, and //text says /text",
        "\u{e9}".repeat(16)
    ));
    nothing_came_for(&mut [&mut bob], &mut ann);
}

#[test]
fn a_command_is_known_in_any_case() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/ME waves");
    bob.hears("* guest1 waves");
}

#[test]
fn help_lists_every_command() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/help");
    ann.hears("*** /nick NAME         change your name; a secret after it adds a proof");
    let last = std::iter::repeat_with(|| ann.line()).find(|line| line.starts_with("*** /help"));
    assert_eq!(last.as_deref(), Some("*** /help              show this"));
    nothing_came_for(&mut [&mut bob], &mut ann);
}

/// Answers that a client doesn't take make its input wait; nothing is lost, and
/// the client is heard again afterwards, wherever in its input that begins.
#[test]
fn input_that_waited_for_answers_goes_on() {
    for helps in 60..120 {
        let room = Room::open();
        let [mut ann, mut bob] = room.guests();
        ann.send(["/help\n".repeat(helps).as_str(), "one\n"].concat());
        bob.hears("<guest1> one");
        ann.say("two");
        bob.hears("<guest1> two");
    }
}
