//! Text on its way from one client to the others.

use crate::harness::{Client, Host, Room};

#[track_caller]
fn check(ann: &mut Client, bob: &mut Client, said: &[u8], heard: &str) {
    ann.say(said);
    bob.hears(format!("<guest1> {heard}"));
}

/// Promise 11: control characters and escape sequences never reach a reader.
#[test]
fn only_clean_text_reaches_a_reader() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    let (ann, bob) = (&mut ann, &mut bob);
    check(ann, bob, b"a\tb", "a\tb");
    check(ann, bob, b"bell\x07 backk\x08 dell\x7f nul\x00.", "bell back del nul.");
    check(ann, bob, "c1 \u{9b}31m \u{85}next".as_bytes(), "c1 31m next");
    check(ann, bob, b"\x1b[31mred\x1b[0m", "red");
    check(ann, bob, b"\x1b]0;a title\x07text", "text");
    check(ann, bob, b"\x1bcreset", "reset");
    check(ann, bob, b"cut \x1b[3", "cut ");
    // An escape sequence doesn't reach into the next line.
    check(ann, bob, b"1mnot bold", "1mnot bold");
}

#[test]
fn what_is_not_utf8_reaches_a_reader_as_replacement_characters() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    let (ann, bob) = (&mut ann, &mut bob);
    check(ann, bob, b"caf\xe9 ol\xe9", "caf\u{fffd} ol\u{fffd}");
    check(ann, bob, b"\xfe\xc0h", "\u{fffd}\u{fffd}h");
    check(ann, bob, b"\xe2\x82 cut", "\u{fffd} cut");
}

#[test]
fn text_of_any_language_is_unchanged() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    for text in [
        "Gr\u{fc}\u{df}e",
        "\u{65e5}\u{672c}\u{8a9e}",
        "\u{645}\u{631}\u{62d}\u{628}\u{627}",
        "Vi\u{1ec7}t",
        "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    ] {
        check(&mut ann, &mut bob, text.as_bytes(), text);
    }
}

/// Promise 13: nobody can make a line that looks like the server's or like
/// somebody else's.
#[test]
fn no_one_can_forge_a_notice_or_the_line_of_another() {
    let room = Room::open();
    let [mut ann, mut bob] = room.guests();
    let (ann, bob) = (&mut ann, &mut bob);
    check(ann, bob, b"*** the server is shutting down", "*** the server is shutting down");
    check(ann, bob, b"x\r*** bob left", "x*** bob left");
    check(ann, bob, "x\u{85}*** bob left".as_bytes(), "x*** bob left");
    check(ann, bob, b"\x1b[1A\x1b[2K<bob> me too", "<bob> me too");
    ann.say("/me ** bob left");
    bob.hears("* guest1 ** bob left");
}
