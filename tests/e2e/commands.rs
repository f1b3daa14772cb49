//! Commands and their answers.

use crate::harness::{Client, Host, Program, Room, nothing_came_for, notices};

#[test]
fn who_names_everyone_to_the_one_who_asks() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/who");
    ann.hears_who(&["guest1", "guest2"]);
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
    assert!(answer.starts_with("*** 202 here; line "), "{answer}");
    for number in 1..=20 {
        let row = last.line();
        assert!(row.starts_with(&format!("*** guest{number} ")) && row.ends_with("  now"), "{row}");
    }
    let others = last.line();
    assert!(others.starts_with("*** and 182 more: guest21, "), "{others}");
    assert!(others.ends_with(" and 2 more"), "{others}");
    assert_eq!(others.matches("guest").count(), 180);
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
fn help_lists_no_command_that_cannot_work_here() {
    const NEEDY: &[&str] = &["/register", "/login", "/unregister", "/search", "/report"];
    let data = tempfile::tempdir().expect("a directory");
    let data = data.path().to_str().expect("UTF-8");
    let with_all = ["--data", data, "--operator-file", "tests/e2e/example.operator"];
    for (options, shown) in [(&[][..], &[][..]), (&with_all, NEEDY)] {
        let program = Program::plain(options);
        let mut ann = program.guest(&mut []);
        ann.say("/help all");
        let lines = std::iter::repeat_with(|| ann.line());
        let lines = lines.take_while(|line| !line.starts_with("*** /help "));
        let names = lines.map(|line| line[4..].split(' ').next().expect("a name").to_owned());
        let needy: Vec<_> = names.filter(|name| NEEDY.contains(&name.as_str())).collect();
        assert_eq!(needy, shown);
    }
}

#[test]
fn help_says_what_a_proof_is() {
    let room = Room::open();
    let [mut ann] = room.guests();
    ann.say("/help nick");
    ann.hears("*** usage: /nick NAME[!SECRET]");
    ann.hears("*** change your name; a secret adds a proof");
    ann.hears(
        "*** a proof is like ann!k3f9x2: only somebody with the same secret has the same one",
    );
    ann.hears("*** example: /nick ann");
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
        ann.hears("*** example: /who");
    }
    ann.say("/help whi");
    ann.hears("*** there is no command /whi; did you mean /who?");
    nothing_came_for(&mut [&mut bob], &mut ann);
}

/// What the help gives as an example can be typed.
#[test]
fn the_examples_of_the_help_are_understood() {
    let program = Program::plain(&["--history", "0"]);
    let connect = || {
        let mut client = program.connect();
        client.read_greeting();
        client
    };
    let mut ann = connect();
    ann.say("/help all\n/seq");
    let lines = std::iter::from_fn(|| Some(ann.line()).filter(|it| !it.contains("newest; ")));
    let names = lines.map(|line| line[5..].split(' ').next().expect("a name").to_owned());
    let names: Vec<_> = names.filter(|name| name != "help").collect();
    assert!(names.len() > 25, "{names:?}");
    for name in names {
        let mut bob = connect();
        bob.say(format!("/help {name}"));
        let mut lines = std::iter::repeat_with(|| bob.line());
        let example = lines.find_map(|it| Some(it.strip_prefix("*** example: ")?.to_owned()));
        let example = example.expect("it comes last");
        bob.say(format!("{example}\n/help"));
        // The last line of that, or the goodbye.
        let is_last =
            |it: &str| it.contains("/help all shows all commands") || it.contains("goodbye");
        for answer in std::iter::from_fn(|| bob.line_before_any_end()).take_while(|it| !is_last(it))
        {
            let is_known = !answer.contains("usage: ") && !answer.contains("there is no command");
            assert!(is_known, "{example}: {answer}");
        }
    }
}

#[test]
fn one_may_say_why_one_leaves() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    let mut eve = room.guest(&mut [&mut ann, &mut bob]);
    for client in [&mut bob, &mut eve] {
        client.say("hello");
    }
    ann.line();
    ann.line();
    bob.hears("<guest3> hello");
    bob.say(format!("/quit {}", "\u{202e}\"".repeat(100)));
    bob.hears_goodbye();
    bob.expect_eof();
    let line = ann.line();
    let words = line.strip_prefix("*** guest2 left: \"").and_then(|line| line.strip_suffix('"'));
    let words = words.expect("it is quoted");
    assert!(words.contains('\'') && !words.contains('"') && words.len() <= 200, "{words:?}");
    let opened = words.matches('\u{202e}').count();
    assert_eq!(words.matches('\u{202c}').count(), opened, "{words:?}");
    eve.say("/exit bye");
    ann.hears("*** guest3 left: \"bye\"");
}

#[test]
fn everyone_sees_what_is_rolled() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/roll 2d6+1");
    let line = bob.line();
    assert_eq!(ann.line(), line);
    let faces = line.strip_prefix("*** guest1 rolls 2d6+1: ").expect("a notice");
    let (sum, total) = faces.split_once(" = ").expect("the faces and their sum");
    let parts = sum.split(" + ").map(|face| face.parse().expect("a number"));
    let parts = parts.collect::<Vec<u32>>();
    assert!(parts.len() == 3 && parts.iter().all(|face| (1..=6).contains(face)), "{line}");
    assert_eq!(parts.iter().sum::<u32>().to_string(), total);
    bob.say("/roll");
    let line = ann.line();
    assert_eq!(bob.line(), line);
    let face = line.strip_prefix("*** guest2 rolls d6: ").expect("a notice");
    assert!((1..=6).contains(&face.parse::<u32>().expect("a number")), "{line}");
    // Nobody can say such a line.
    ann.say("*** guest1 rolls d6: 6");
    bob.hears("<guest1> *** guest1 rolls d6: 6");
}

#[test]
fn what_one_does_can_be_said_to_one_alone() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/msg guest2 /me waves");
    ann.hears("<you to guest2> * guest1 waves");
    bob.hears("<guest1 to you> * guest1 waves");
    bob.say("/reply //me waves");
    bob.hears("<you to guest1> /me waves");
    ann.hears("<guest2 to you> /me waves");
}

#[test]
fn a_message_to_several_reaches_each_of_them_once() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/msg guest2,nobody,guest2,GUEST1, hello");
    bob.hears("<guest1 to you> hello");
    ann.hears("<you to guest2> hello");
    ann.hears("*** no one here is called nobody; /who shows who is here");
    ann.hears("<guest1 to you> hello");
    ann.hears("<you to guest1> hello");
    ann.say("/msg , hello");
    ann.hears("*** usage: /msg NAME TEXT");
    ann.say("/msg a,b,c,d,e,f hello");
    ann.hears("*** a message goes to at most 5 users at once");
    nothing_came_for(&mut [&mut ann], &mut bob);
}

/// What other chats call them works too.
#[test]
fn commands_have_the_names_that_they_have_elsewhere() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    ann.say("/names");
    ann.hears_who(&["guest1", "guest2"]);
    ann.say("/n ann");
    bob.hears("*** guest1 is now ann");
    ann.hears("*** guest1 is now ann");
    ann.say("/w guest2 hi");
    ann.hears("<you to guest2> hi");
    bob.hears("<ann to you> hi");
    ann.say("/list");
    ann.hears("*** 1 room: lobby (2)");
    ann.say("/join #dev");
    ann.hears("*** you are now in dev");
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
    assert!(bob.line().starts_with("*** 2 here; line "));
    bob.hears("*** guest1   now  away: \"x'), root, operator (away: 'y\"");
    bob.hears("*** guest2   now");
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
