//! Names: guests, new ones, refusals, proofs.

use std::os::unix::fs::MetadataExt;

use rustix::process::Signal;

use crate::harness::{Client, Host, Program, Room, nothing_came_for, notices};

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

/// Promise 14.
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
    ann.say("/nick Ann");
    ann.hears("*** your name is already Ann");
    ann.say("/nick aNN");
    notices(&mut [&mut ann, &mut bob], "Ann is now aNN");
}

/// Promise 14.
#[test]
fn a_name_is_unique_without_regard_to_look_alikes() {
    let room = Program::start(&[]);
    let [mut ann, mut bob] = room.guests();
    for (name, alikes) in [
        ("Alice", &["AIice", "a1ice"][..]),
        ("copa", &["\u{441}\u{43e}\u{440}\u{430}"]),
        ("\u{412}\u{41e}\u{412}", &["BOB", "bob", "b0b"]),
        ("Mike", &["rnike", "RNIKE"]),
    ] {
        ann.say(format!("/nick {name}"));
        let old = notices_rename(&mut [&mut ann, &mut bob], name);
        assert_ne!(old, name);
        for alike in alikes {
            bob.say(format!("/nick {alike}"));
            bob.hears(format!("*** the name {name} is taken, and {alike} looks like it"));
        }
        let other_case = name.to_lowercase();
        bob.say(format!("/nick {other_case}"));
        bob.hears(format!("*** the name {other_case} is taken"));
    }
    // Full-width forms are no names at all, whoever is here.
    bob.say("/nick \u{ff4d}ike");
    bob.hears(refused("\u{ff4d} (U+FF4D)"));
    // What nobody has any more nobody looks like.
    bob.say("/nick alice");
    notices(&mut [&mut ann, &mut bob], "guest2 is now alice");
}

/// Everyone hears that somebody has this name now; gives the old one.
fn notices_rename(clients: &mut [&mut Client], name: &str) -> String {
    let notice = clients[0].line();
    for other in &mut clients[1..] {
        other.hears(&notice);
    }
    let old = notice.strip_prefix("*** ").and_then(|rest| rest.strip_suffix(name));
    old.and_then(|rest| rest.strip_suffix(" is now ")).expect("a new name").to_owned()
}

fn refused(character: &str) -> String {
    format!(
        "*** a name can't contain {character}: it is made of letters, digits, _ . - (like /nick ann)"
    )
}

#[test]
fn names_of_many_scripts_are_shown_as_they_are_written() {
    let room = Program::start(&[]);
    let [mut ann, mut bob] = room.guests();
    let names = [
        "Zo\u{eb}",
        "Nguy\u{1ec5}n",
        "\u{410}\u{43d}\u{43d}\u{430}",
        "\u{645}\u{62d}\u{645}\u{62f}",
        "\u{5d3}\u{5d5}\u{5d3}",
        "\u{92a}\u{94d}\u{930}\u{93f}\u{92f}\u{93e}",
        "\u{e19}\u{e49}\u{e33}\u{e1d}\u{e19}",
        "\u{738b}\u{5c0f}\u{660e}",
        "\u{5c71}\u{7530}\u{305f}\u{308d}\u{3046}",
        "\u{ae40}\u{bbfc}\u{c218}",
    ];
    for name in names {
        ann.say(format!("/nick {name}"));
        notices_rename(&mut [&mut ann, &mut bob], name);
        ann.say("hello");
        bob.hears(format!("<{name}> hello"));
    }
    // Composed, so that it has one form.
    ann.say("/nick Zoe\u{308}");
    notices_rename(&mut [&mut ann, &mut bob], "Zo\u{eb}");
}

#[test]
fn a_bad_name_is_refused_with_the_reason() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    let missing = "*** the name is missing (like /nick ann)".to_owned();
    let too_long = "*** a name has at most 24 characters and 48 bytes".to_owned();
    let mixed =
        "*** a name can't mix scripts: n is from a different script than the characters before it"
            .into();
    let refusals = [
        ("", missing.clone()),
        ("  ", missing),
        ("<ann>", refused("<")),
        ("***", refused("*")),
        ("a:b", refused(":")),
        ("a\u{20ac}", refused("\u{20ac} (U+20AC)")),
        ("a\u{200b}nn", refused("U+200B")),
        ("\u{202e}nna", refused("U+202E")),
        ("\u{3164}", refused("U+3164")),
        ("a\u{fe0f}nn", refused("U+FE0F")),
        ("\u{430}nn", mixed),
        (&"a".repeat(25), too_long.clone()),
        (&"\u{738b}".repeat(17), too_long.clone()),
        (&"a".repeat(4000), too_long),
        ("\u{301}a", "*** a name can't begin with a mark: put a letter before it".into()),
        (
            "n\u{302}\u{302}",
            "*** a name can't have that many marks on one letter, or the same one twice".into(),
        ),
        (
            "1\u{5d0}",
            "*** a right-to-left name must begin with a letter and end with a letter or digit"
                .into(),
        ),
        ("\u{639}1\u{663}", "*** a right-to-left name must have digits of one kind".into()),
    ];
    for (name, answer) in refusals {
        ann.say(format!("/nick {name}"));
        ann.hears(answer);
    }
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

/// Promise 14.
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
    ann.say("/nick \u{430}\u{43f}\u{43f}");
    ann.hears("*** other is now \u{430}\u{43f}\u{43f}");
    ann.say("/nick ann");
    ann.hears("*** \u{430}\u{43f}\u{43f} is now ann");
    let mut eve = room.guest(&mut [&mut ann]);
    ann.reset();
    eve.hears("*** ann left (connection reset)");
    eve.say("/nick ann");
    eve.hears("*** guest3 is now ann");
}

#[test]
fn nobody_takes_the_name_of_a_guest_before_or_after_the_guest() {
    let room = Room::open();
    let [mut ann] = room.guests();
    for name in ["guest2", "Guest2", "guest2!secret", "guest99"] {
        ann.say(format!("/nick {name}"));
        let name = name.trim_end_matches("!secret");
        ann.hears(format!("*** {name} looks like a guest's name; only the server gives those"));
    }
    ann.say("/nick ann");
    ann.hears("*** guest1 is now ann");
    ann.say("/nick guest1");
    ann.hears("*** guest1 looks like a guest's name; only the server gives those");
    let bob = room.guest(&mut [&mut ann]);
    assert_eq!(bob.nick(), "guest2");
}

/// Takes the name with the secret; gives how others see it.
fn prove(client: &mut Client, name: &str, secret: &str) -> String {
    client.say(format!("/nick {name}!{secret}"));
    let notice = client.line();
    let shown = notice.rsplit(' ').next().expect("a word").to_owned();
    let (before, proof) = shown.split_once('!').unwrap_or_else(|| panic!("{notice}"));
    assert_eq!(before, name);
    assert_eq!(proof.len(), 6);
    assert!(proof.bytes().all(|byte| b"0123456789abcdefghjkmnpqrstvwxyz".contains(&byte)));
    shown
}

#[test]
fn a_secret_gives_a_proof_beside_the_name() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    let shown = prove(&mut ann, "ann", "secret");
    bob.hears(format!("*** guest1 is now {shown}"));
    ann.say("hello");
    bob.hears(format!("<{shown}> hello"));
    ann.say("/me waves");
    bob.hears(format!("* {shown} waves"));
    bob.say("/who");
    bob.hears_who(&[&shown, "guest2"]);
    ann.say("/nick  ann!secret ");
    ann.hears(format!("*** your name is already {shown}"));
    // Another secret, another proof; case belongs to the name's look only.
    let other = prove(&mut ann, "ann", "Secret");
    assert_ne!(other, shown);
    bob.hears(format!("*** {shown} is now {other}"));
    let upper = prove(&mut ann, "ANN", "secret");
    assert_eq!(upper[3..], shown[3..]);
    bob.hears(format!("*** {other} is now {upper}"));
    // It is dropped again.
    ann.say("/nick ann");
    notices(&mut [&mut ann, &mut bob], &format!("{upper} is now ann"));
    ann.say("/quit");
    bob.hears("*** ann left");
    // And whoever knows the secret gets it.
    assert_eq!(prove(&mut bob, "ann", "secret"), shown);
}

#[test]
fn nobody_has_a_name_beside_one_with_a_proof() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    let shown = prove(&mut ann, "ann", "secret");
    bob.hears(format!("*** guest1 is now {shown}"));
    for attempt in ["ann", "ANN", "ann!secret", "ann!other"] {
        bob.say(format!("/nick {attempt}"));
        let name = attempt.split('!').next().expect("a name");
        bob.hears(format!("*** the name {name} is taken"));
    }
    // What is shown as a proof is a secret of its own.
    bob.say(format!("/nick {shown}"));
    bob.hears("*** the name ann is taken");
    ann.say("/quit");
    let left = bob.line();
    assert_eq!(left, format!("*** {shown} left"));
    // Nobody gets it without the secret.
    let other = prove(&mut bob, "ann", shown.split('!').next_back().expect("a proof"));
    assert_ne!(other, shown);
}

#[test]
fn a_bad_secret_is_refused() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    for words in ["Anna Maria", "ann secret", "ann!two words"] {
        ann.say(format!("/nick {words}"));
        ann.hears("*** a name is one word; a secret follows a ! (like /nick ann!secret)");
    }
    for secret in ["", &"x".repeat(65), &"\u{e4}".repeat(33), "a\u{3000}b"] {
        ann.say(format!("/nick ann!{secret}"));
        ann.hears("*** a secret has 1 to 64 bytes and no space (like /nick ann!secret)");
    }
    nothing_came_for(&mut [&mut ann], &mut bob);
    for secret in ["x", &"x".repeat(64), "!*\u{e4}"] {
        let shown = prove(&mut ann, "ann", secret);
        assert!(bob.line().ends_with(&format!(" is now {shown}")));
    }
}

#[test]
fn a_proof_outlives_the_server_only_with_a_key_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("key");
    let path = path.to_str().expect("UTF-8");
    let proof = |options: &[&str]| {
        let room = Program::start(options);
        let [mut ann] = room.guests();
        prove(&mut ann, "ann", "secret")
    };
    let first = proof(&["--key-file", path]);
    assert_eq!(proof(&["--key-file", path]), first);
    let key = std::fs::metadata(path).expect("it was made");
    assert_eq!((key.len(), key.mode() & 0o777), (65, 0o600));
    let files = std::fs::read_dir(&directory).expect("a directory").count();
    assert_eq!(files, 1, "nothing else is left there");
    assert_ne!(proof(&["--key-file", &format!("{path}2")]), first);
    assert_ne!(proof(&[]), first);
    assert_ne!(proof(&[]), proof(&[]));
}

/// They start at the same time, and one of them makes the file.
#[test]
fn servers_that_share_a_key_file_give_the_same_proof() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("key");
    let path = path.to_str().expect("UTF-8");
    let start = || Program::start(&["--key-file", path]);
    let rooms: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().expect("it starts")).collect()
    });
    let proofs = rooms.iter().map(|room| {
        let [mut ann] = room.guests();
        prove(&mut ann, "ann", "secret")
    });
    let proofs: std::collections::HashSet<_> = proofs.collect();
    assert_eq!(proofs.len(), 1, "{proofs:?}");
}

#[test]
fn a_secret_is_in_no_log() {
    let mut room = Program::with_full_log(&[]);
    let [mut ann, mut bob] = room.guests();
    ann.say("/nick ann!xyzzyplugh");
    let notice = ann.line();
    assert!(!notice.contains("xyzzy"));
    bob.hears(&notice);
    for wrong in ["/nick ann xyzzyplugh twice", "/nick a/b xyzzyplugh", "/nik ann xyzzyplugh"] {
        ann.say(wrong);
        assert!(!ann.line().contains("xyzzy"), "{wrong}");
    }
    nothing_came_for(&mut [&mut ann], &mut bob);
    room.signal(Signal::TERM);
    assert_eq!(room.exit_code(), 0);
    let log = room.stderr();
    assert!(log.contains("127.0.0.1"), "it is a full log: {log}");
    assert!(!log.contains("xyzzy") && !log.contains("ann"), "{log}");
}
