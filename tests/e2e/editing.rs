//! Half-typed lines over the real telnet, as the terminal shows them.

use crate::harness::{Client, Host, Program, Terminal, lacks, nothing_came_for};
use crate::support::process::listening_address;

/// How the server's last answer, the typed line and the cursor look.
struct Stage {
    program: Program,
    terminal: Terminal,
    bob: Client,
}

impl Stage {
    /// Somebody whose telnet has agreed, and bob.
    fn new(columns: u16) -> Option<Stage> {
        if lacks(&["telnet", "tmux"]) {
            return None;
        }
        let program = Program::listening(&["telnet:127.0.0.1:0", "127.0.0.1:0"], &[]);
        let mut bob = Client::connect(&program.addresses()[1]);
        bob.read_greeting();
        let command = format!("telnet 127.0.0.1 {}", program.port());
        let terminal = Terminal::with_columns(&command, columns);
        bob.hears("*** guest2 joined");
        terminal.shows(">");
        Some(Stage { program, terminal, bob })
    }

    /// Bob says something, and it is shown above what is typed.
    fn bob_says(&mut self, line: &str) {
        self.bob.say(line);
        self.terminal.shows(&format!("<guest1> {line}"));
    }

    /// The lowest rows of the screen, and the column of the cursor.
    #[track_caller]
    fn check(&self, rows: &[&str], cursor: usize) {
        let expected: Vec<_> = rows.iter().map(|row| row.to_string()).collect();
        self.terminal.comes_to(|screen, column| {
            let shown: Vec<_> = screen.lines().map(|row| row.trim_end().to_owned()).collect();
            shown.ends_with(&expected) && column == cursor
        });
    }
}

#[test]
fn a_half_typed_line_is_intact_below_what_comes_in() {
    let Some(mut stage) = Stage::new(60) else { return };
    stage.terminal.sends("half a li");
    stage.check(&["> half a li"], 11);
    stage.bob_says("one");
    stage.bob_says("two");
    stage.check(&["<guest1> one", "<guest1> two", "> half a li"], 11);
    stage.terminal.sends("ne");
    stage.terminal.presses("Enter");
    stage.bob.hears("<guest2> half a line");
    stage.check(&["<guest1> one", "<guest1> two", "> half a line", ">"], 2);
}

#[test]
fn keys_edit_the_line() {
    let Some(mut stage) = Stage::new(60) else { return };
    stage.terminal.sends("hllo wrld");
    stage.terminal.presses("Home");
    stage.terminal.presses("Right");
    stage.terminal.sends("e");
    stage.check(&["> hello wrld"], 4);
    stage.terminal.presses("End");
    for _ in 0..3 {
        stage.terminal.presses("Left");
    }
    stage.terminal.sends("o");
    stage.bob_says("meanwhile");
    stage.check(&["<guest1> meanwhile", "> hello world"], 10);
    stage.terminal.presses("DC");
    stage.terminal.presses("BSpace");
    stage.check(&["> hello wld"], 9);
    stage.terminal.presses("C-k");
    stage.terminal.presses("C-w");
    stage.check(&["> hello"], 8);
    stage.terminal.presses("C-u");
    stage.terminal.sends("bye");
    stage.terminal.presses("Enter");
    stage.bob.hears("<guest2> bye");
}

#[test]
fn the_arrow_keys_bring_back_what_was_typed() {
    let Some(mut stage) = Stage::new(60) else { return };
    for line in ["one", "two"] {
        stage.terminal.types(line);
        stage.bob.hears(format!("<guest2> {line}"));
    }
    stage.terminal.sends("new");
    stage.terminal.presses("Up");
    stage.terminal.presses("Up");
    stage.check(&["> one", "> two", "> one"], 5);
    stage.terminal.presses("Down");
    stage.terminal.presses("Down");
    stage.check(&["> one", "> two", "> new"], 5);
    stage.terminal.presses("Up");
    stage.terminal.presses("Enter");
    stage.bob.hears("<guest2> two");
}

/// Promise 86: what gives a secret away isn't kept, and what is said twice is kept once.
#[test]
fn secrets_are_not_brought_back() {
    let Some(mut stage) = Stage::new(60) else { return };
    for line in ["one", "two", "two"] {
        stage.terminal.types(line);
        stage.bob.hears(format!("<guest2> {line}"));
    }
    for (line, answer) in [
        ("/op hush", "there are no operators here"),
        ("/nick eve!hush", "is now eve!"),
        (" /op hush", "it looks like a secret"),
    ] {
        stage.terminal.types(line);
        stage.terminal.comes_to(|screen, _| screen.contains(answer));
    }
    stage.terminal.presses("Up");
    stage.terminal.comes_to(|screen, column| screen.ends_with("> two") && column == 5);
    stage.terminal.presses("Up");
    stage.terminal.comes_to(|screen, column| screen.ends_with("> one") && column == 5);
}

#[test]
fn tab_completes_names_commands_and_rooms() {
    let Some(mut stage) = Stage::new(60) else { return };
    stage.bob.say("/nick bob");
    stage.bob.hears("*** guest1 is now bob");
    let [mut anna, mut ann] = [(); 2].map(|()| Client::connect(&stage.program.addresses()[1]));
    for client in [&mut anna, &mut ann] {
        client.read_greeting();
        stage.bob.hears(format!("*** {} joined", client.nick()));
    }
    for (client, name) in [(&mut anna, "anna"), (&mut ann, "ann")] {
        let guest = client.nick().to_owned();
        client.say(format!("/nick {name}"));
        stage.bob.hears(format!("*** {guest} is now {name}"));
        client.say("hi");
        stage.bob.hears(format!("<{name}> hi"));
    }
    for (keys, row) in [
        ("b\t", "> bob: "),
        ("hi B\t!", "> hi bob !"),
        ("@an\t", "> @ann "),
        ("/msg bo\thi", "> /msg bob hi"),
        ("/no\t", "> /no"),
        ("/whoi\t", "> /whois "),
        ("/quiet o\t\t", "> /quiet off "),
        ("/join lo\t", "> /join lobby "),
    ] {
        stage.terminal.sends(keys);
        stage.check(&[row.trim_end()], row.len());
        stage.terminal.presses("C-u");
        stage.check(&[">"], 2);
    }
    stage.terminal.sends("an\t\t");
    stage.terminal.presses("BTab");
    stage.terminal.presses("Tab");
    stage.terminal.types("bye");
    stage.bob.hears("<guest2> anna: bye");
}

#[test]
fn ctrl_r_finds_a_line_again() {
    let Some(mut stage) = Stage::new(60) else { return };
    for line in ["hello world", "bye"] {
        stage.terminal.types(line);
        stage.bob.hears(format!("<guest2> {line}"));
    }
    stage.terminal.sends("draft");
    stage.terminal.presses("C-r");
    stage.terminal.sends("wor");
    stage.check(&["> search wor: hello world"], 25);
    stage.bob_says("meanwhile");
    stage.check(&["<guest1> meanwhile", "> search wor: hello world"], 25);
    stage.terminal.presses("Escape");
    stage.check(&["> draft"], 7);
    stage.terminal.presses("C-r");
    stage.terminal.sends("wor");
    stage.terminal.presses("C-Left");
    stage.terminal.types("wide ");
    stage.bob.hears("<guest2> hello wide world");
}

/// Promise 85: nothing that is pasted is a key, and the user is asked.
#[test]
fn many_pasted_lines_are_a_question() {
    let Some(mut stage) = Stage::new(60) else { return };
    stage.terminal.pastes("one\n\ttwo\n");
    stage.check(&["> one¶    two"], 13);
    stage.terminal.presses("Enter");
    stage.bob.hears("<guest2> one");
    stage.bob.hears("<guest2>     two");
    let poem: Vec<_> = (1..=14).map(|number| format!("verse {number}")).collect();
    stage.terminal.pastes(&poem.join("\n"));
    stage.check(&["> send 14 lines? y/n"], 21);
    stage.bob_says("no!");
    stage.terminal.sends("n");
    stage.check(&["<guest1> no!", ">"], 2);
    stage.terminal.pastes(&poem.join("\n"));
    stage.check(&["> send 14 lines? y/n"], 21);
    stage.terminal.sends("y");
    for verse in poem {
        stage.bob.hears(format!("<guest2> {verse}"));
    }
    stage.check(&["> verse 13", "> verse 14", ">"], 2);
}

/// Reads up to these bytes.
fn read_until(client: &mut Client, end: &[u8]) {
    let mut bytes = Vec::new();
    while !bytes.windows(end.len()).any(|part| part == end) {
        let more = client.some_bytes();
        assert!(!more.is_empty(), "{} came", bytes.escape_ascii());
        bytes.extend(more);
    }
}

/// At the end the terminal is as it was before.
#[test]
fn a_terminal_is_asked_for_marks_and_set_back() {
    let program = Program::start(&[]);
    let [mut ann] = program.guests();
    ann.send(b"\xff\xfd\x01\xff\xfb\x18\xff\xfa\x18\0XTERM\xff\xf0");
    read_until(&mut ann, b"\x1b[?2004h");
    ann.send("\x1b[200~\x04/quit\r\x1b[201~");
    read_until(&mut ann, b"/quit");
    ann.send("\r\0");
    read_until(&mut ann, b"\x1b[?2004l");
}

/// Promise 87: no row is wider than the window, and no word is broken.
#[test]
fn long_lines_are_wrapped_at_the_window() {
    let Some(mut stage) = Stage::new(40) else { return };
    let said = "The quick brown fox jumps over the lazy dog.";
    stage.bob.say(said);
    stage.check(&["<guest1> The quick brown fox jumps over", "         the lazy dog.", ">"], 2);
    stage.bob.say("see https://example.org/a/page or 日本語の文です。はい、そうです");
    stage.check(
        &[
            "<guest1> see https://example.org/a/page",
            "         or 日本語の文です。はい、そう",
            "         です",
            ">",
        ],
        2,
    );
    stage.terminal.types(said);
    stage.check(&["> The quick brown fox jumps over the", "  lazy dog.", ">"], 2);
    stage.terminal.set_columns(30);
    stage.terminal.types("/format json");
    // JSON is for programs: the terminal breaks it where it likes.
    stage.terminal.comes_to(|screen, _| screen.contains("{\"seq\":null"));
    stage.terminal.types("/format text");
    stage.terminal.shows("    text");
    stage.bob.say(said);
    stage.check(
        &["<guest1> The quick brown fox", "         jumps over the lazy", "         dog.", ">"],
        2,
    );
}

#[test]
fn wide_characters_and_marks_are_measured_right() {
    let Some(mut stage) = Stage::new(60) else { return };
    stage.terminal.sends("日本語 e\u{301}a");
    stage.check(&["> 日本語 e\u{301}a"], 11);
    stage.terminal.presses("Left");
    stage.terminal.presses("BSpace");
    stage.bob_says("日本");
    stage.check(&["<guest1> 日本", "> 日本語 a"], 9);
    for _ in 0..2 {
        stage.terminal.presses("Left");
    }
    stage.terminal.presses("DC");
    stage.check(&["> 日本 a"], 6);
    stage.terminal.presses("Enter");
    stage.bob.hears("<guest2> 日本 a");
}

#[test]
fn a_long_line_scrolls_in_its_row_and_is_sent_whole() {
    let Some(mut stage) = Stage::new(30) else { return };
    let line = "The quick brown fox jumps over the lazy dog.";
    stage.terminal.sends(line);
    stage.bob_says("hm");
    stage.check(&["<guest1> hm", &format!("> {}", &line[line.len() - 27..])], 29);
    stage.terminal.presses("Home");
    stage.check(&["<guest1> hm", &format!("> {}", &line[..27])], 2);
    stage.terminal.presses("Enter");
    stage.bob.hears(format!("<guest2> {line}"));
}

#[test]
fn another_width_is_heeded() {
    let Some(stage) = Stage::new(60) else { return };
    stage.terminal.set_columns(40);
    let line = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ";
    stage.terminal.sends(line);
    stage.check(&[&format!("> {}", &line[line.len() - 37..])], 39);
}

/// A line that fills its row to the last column stays in it: no line of others is cleared.
#[test]
fn a_window_that_becomes_narrower_step_by_step_clears_no_line() {
    let Some(mut stage) = Stage::new(60) else { return };
    let line = "abcdefghijklmnopqrstuvwxyz".repeat(3);
    stage.terminal.sends(&line);
    let said = ["one", "two", "three", "four", "five", "six"];
    said.iter().for_each(|text| stage.bob_says(text));
    let heard = said.map(|text| format!("<guest1> {text}"));
    for columns in (45..60).rev() {
        stage.terminal.set_columns(columns);
        let row = format!("> {}", &line[line.len() - usize::from(columns) + 3..]);
        let rows: Vec<_> = heard.iter().map(String::as_str).chain([&*row]).collect();
        stage.check(&rows, usize::from(columns) - 1);
    }
}

#[test]
fn edit_begins_and_ends_it_with_a_plain_telnet() {
    if lacks(&["telnet", "tmux"]) {
        return;
    }
    let program = Program::start(&[]);
    let [mut bob] = program.guests();
    let terminal = Terminal::run(&format!("telnet 127.0.0.1 {}", program.port()));
    bob.hears("*** guest2 joined");
    terminal.types("/edit");
    terminal.shows(">");
    terminal.sends("half");
    bob.say("hi");
    terminal.shows("<guest1> hi");
    terminal.shows("> half");
    terminal.presses("C-u");
    terminal.types("/edit off");
    terminal.shows("*** line editing is off");
    terminal.types("plain again");
    bob.hears("<guest2> plain again");
}

/// Who doesn't agree, or never answers, goes on as before.
#[test]
fn a_client_that_does_not_agree_is_sent_no_more_of_it() {
    let program = Program::start(&[]);
    let [mut ann, mut bob] = program.guests();
    ann.send("/edit\n");
    ann.expect(b"\xff\xfb\x01");
    ann.hears("*** line editing starts if your program supports it; /edit off stops it");
    ann.send("typed in a line\n");
    bob.hears("<guest1> typed in a line");
    ann.send(b"\xff\xfe\x01and after no\r\n");
    bob.hears("<guest1> and after no");
    ann.takes_crlf();
    ann.hears("*** your program doesn't let the server edit your line; it may edit it itself");
    nothing_came_for(&mut [&mut ann], &mut bob);
}

const UNANSWERED: &str = "*** your program doesn't answer telnet options, so the server can't \
    edit your line: use telnet, PuTTY or rlwrap nc (and ignore odd characters above)";

/// Promise 79: whoever can't be edited is told so.
#[test]
fn a_program_that_does_not_answer_is_told_so() {
    let program = Program::start(&[]);
    let [mut ann] = program.guests();
    ann.send("/edit\n");
    ann.expect(b"\xff\xfb\x01");
    ann.hears("*** line editing starts if your program supports it; /edit off stops it");
    ann.hears(UNANSWERED);
    // It isn't asked again, but may still answer.
    ann.send("/edit\n");
    ann.hears(UNANSWERED);
    ann.send(b"\xff\xfd\x01");
    ann.expect(b"\xff\xfb\x03\xff\xfd\x1f\xff\xfd\x18\r\x1b[K> ");
}

/// Promise 79: so is one that agrees, and then says that it edits lines itself.
#[test]
fn a_program_that_agrees_and_edits_itself_is_told_so() {
    let program = Program::start(&[]);
    let [mut ann] = program.guests();
    ann.send("/edit\r\n");
    ann.reads_to("/edit off stops it\r\n");
    ann.send(b"\xff\xfd\x01\xff\xfb\x18\xff\xfa\x18\0TINTIN++\xff\xf0");
    ann.reads_to("*** your program doesn't let the server edit your line");
}

/// Nobody who hasn't asked is sent a byte of telnet.
#[test]
fn nobody_is_sent_an_option_unasked() {
    let program = Program::start(&[]);
    let [mut ann, mut bob] = program.guests();
    ann.send("hello\r\n");
    bob.hears("<guest1> hello");
    ann.takes_crlf();
    nothing_came_for(&mut [&mut ann], &mut bob);
}

/// Promise 17: on a listener for telnet each row begins at the left from the first one on.
#[test]
fn a_telnet_listener_offers_at_once_and_ends_each_line_with_cr_lf() {
    let mut program = Program::plain(&["--listen", "telnet:127.0.0.1:0"]);
    let line = program.stdout_line();
    let address = listening_address(&line).expect("it listens there too");
    let mut ann = Client::connect(&address);
    ann.expect(b"\xff\xfb\x01\xff\xfb\x03\xff\xfd\x1f\xff\xfd\x18");
    ann.takes_crlf();
    ann.read_greeting();
}
