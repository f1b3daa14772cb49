//! Commands and their answers.

use crate::harness::{Client, Host, Program, Room, nothing_came_for, notices};

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
    ann.hears("*** there is no command /dance; /help all lists them, and //text says /text");
    ann.say("/");
    ann.hears("*** there is no command /; /help all lists them, and //text says /text");
    ann.say(format!("/{}", "\u{e9}".repeat(100)));
    ann.hears(format!(
        "*** there is no command /{}; /help all lists them, and //text says /text",
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
    ann.say("/help all");
    ann.hears("*** /nick NAME[!SECRET]  change your name; a secret adds a proof");
    let last = std::iter::repeat_with(|| ann.line()).find(|line| line.starts_with("*** /help"));
    let last = last.expect("it comes");
    assert!(last.ends_with(" show the most used commands, one, or all"), "{last}");
    nothing_came_for(&mut [&mut bob], &mut ann);
}

#[test]
fn help_is_short_enough_for_any_window_and_tells_of_one_command() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/help");
    let is_last = |line: &String| line.starts_with("*** /help all shows");
    let lines: Vec<_> =
        std::iter::from_fn(|| Some(ann.line()).filter(|line| !is_last(line))).collect();
    assert_eq!(lines.len(), 10);
    assert!(lines.iter().all(|line| line.len() < 80), "{lines:?}");
    for asked in ["/help who", "/help /who", "/help names"] {
        ann.say(asked);
        ann.hears("*** usage: /who");
        ann.hears("*** show who is here");
    }
    ann.say("/help whi");
    ann.hears("*** there is no command /whi; did you mean /who?");
    nothing_came_for(&mut [&mut bob], &mut ann);
}

/// What other chats call them works too.
#[test]
fn commands_have_the_names_that_they_have_elsewhere() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/names");
    ann.hears_who("*** 2 here: guest1, guest2");
    ann.say("/n ann");
    bob.hears("*** guest1 is now ann");
    ann.hears("*** guest1 is now ann");
    ann.say("/w guest2 hi");
    ann.hears("<you to guest2> hi");
    bob.hears("<ann to you> hi");
    ann.say("/list");
    ann.hears("*** 1 room: lobby (2)");
    ann.say("/join #dev");
    ann.hears("*** you are in dev now");
    ann.hears("*** 1 here: ann");
    bob.hears("*** ann went to dev");
    ann.say("/exit");
    ann.hears_goodbye();
    ann.expect_eof();
}

/// Somebody who doesn't know the slash yet is told of it, once.
#[test]
fn a_command_without_its_slash_is_a_hint_at_first() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("quit");
    ann.hears("*** commands begin with a slash: /quit; to say quit, type it again");
    ann.say("quit");
    bob.hears("<guest1> quit");
    ann.say("help");
    bob.hears("<guest1> help");
}

#[test]
fn a_program_takes_a_name_or_leaves() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/nick! ci");
    notices(&mut [&mut ann, &mut bob], "guest1 is now ci");
    bob.say("/nick! ci\nbuild ok");
    bob.hears("*** goodbye: the name ci is taken");
    bob.expect_eof();
    ann.hears("*** guest2 left");
}

/// A silent user who sets the topic is told of like a client that speaks.
#[test]
fn whoever_does_something_that_others_see_is_known_to_them() {
    let program = Program::plain(&["--presence-interval", "3600", "--history", "0"]);
    let mut guests = [program.connect(), program.connect()];
    guests.iter_mut().for_each(Client::read_greeting);
    let [mut ann, mut bob] = guests;
    ann.say("hello");
    bob.hears("*** guest1 joined");
    bob.hears("<guest1> hello");
    bob.say("/topic tea");
    ann.hears("*** guest2 joined");
    notices(&mut [&mut ann, &mut bob], "guest2 set the topic: tea");
    bob.say("/quit");
    ann.hears("*** guest2 left");
}

/// Nothing that a client calls itself or is called looks like more of the answer.
#[test]
fn reasons_cannot_be_taken_for_more_of_an_answer() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/away x\"), root, operator (away: \"y");
    ann.hears("*** you are away, until you say something");
    bob.say("/who");
    bob.hears_who("*** 2 here: guest1 (away: \"x'), root, operator (away: 'y\"), guest2");
    bob.say("/msg \u{202e}abc hello");
    bob.hears("*** no one here is called \u{202e}abc; /who shows who is here\u{202c}");
}

#[test]
fn one_who_sends_too_fast_is_told_why_it_takes_so_long() {
    let program = Program::start(&["--rate", "100/5"]);
    let [mut ann, mut bob] = program.guests();
    ann.send("x\n".repeat(20));
    ann.hears(
        "*** you send faster than 100 lines a second: the rest is delayed, and nothing is lost",
    );
    (0..20).for_each(|_| bob.hears("<guest1> x"));
    nothing_came_for(&mut [&mut ann], &mut bob);
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

/// Newcomers too, their history and a line that is edited.
#[test]
fn with_timestamps_each_client_is_shown_times() {
    let program = Program::plain(&["--timestamps", "--history", "5"]);
    let mut ann = program.connect();
    let is_stamped = |line: &str| {
        let form: String =
            line.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).take(8).collect();
        form == "[00:00] "
    };
    let welcome = ann.line();
    assert!(is_stamped(&welcome) && welcome.contains("*** welcome"), "{welcome}");
    ann.line();
    ann.say("hello");
    ann.say("/seq");
    ann.line();
    let mut bob = program.connect();
    let mut past = vec![bob.line()];
    while !past.iter().any(|line| line.contains("<guest1> hello")) {
        past.push(bob.line());
    }
    let (dates, messages): (Vec<_>, Vec<_>) =
        past.into_iter().partition(|line| line.contains("day, "));
    assert_eq!(dates.len(), 1, "{dates:?}");
    assert!(messages.iter().all(|line| is_stamped(line)), "{messages:?}");
    bob.say("/timestamps off");
    bob.hears("*** timestamps are off");
}
